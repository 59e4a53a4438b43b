// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "conn.h"
#include "event.h"
#include "netlink.h"
#include "netns.h"
#include "proc.h"

static unsigned int max_endpoints;
module_param(max_endpoints, uint, 0444);
MODULE_PARM_DESC(max_endpoints,
		 "most local TCP endpoints tracked, 1024 to 16777216 (default: RAM / 64 / 256 bytes, between 16384 and 1048576); one takes 192 bytes");

static int __init tcpstate_init(void)
{
	int err;

	err = tcps_conn_init(max_endpoints);
	if (err)
		return err;
	err = tcps_event_init();
	if (err)
		goto no_event;
	err = tcps_netns_init();
	if (err)
		goto no_netns;
	err = tcps_netlink_init();
	if (err)
		goto no_netlink;
	err = tcps_proc_init();
	if (err)
		goto no_proc;
	return 0;

no_proc:
	tcps_netlink_exit();
no_netlink:
	tcps_netns_exit();
no_netns:
	tcps_event_exit();
no_event:
	tcps_conn_exit();
	return err;
}

static void __exit tcpstate_exit(void)
{
	tcps_proc_exit();
	tcps_netlink_exit();
	tcps_netns_exit();
	tcps_event_exit();
	tcps_conn_exit();
}

module_init(tcpstate_init);
module_exit(tcpstate_exit);

MODULE_DESCRIPTION("TCP connection states by RFC 9293, counted and watched");
MODULE_LICENSE("GPL");
MODULE_VERSION(TCPSTATE_VERSION);
