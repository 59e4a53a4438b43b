// SPDX-License-Identifier: GPL-2.0-only
#include <linux/module.h>
#include <linux/moduleparam.h>

#include "conn.h"
#include "event.h"
#include "netlink.h"
#include "netns.h"
#include "probe.h"
#include "proc.h"
#include "switch.h"

static unsigned int max_endpoints;
module_param(max_endpoints, uint, 0444);
MODULE_PARM_DESC(max_endpoints,
		 "most local TCP endpoints tracked, 1024 to 16777216 (default: RAM / 64 / 256 bytes, between 16384 and 1048576); one takes 208 bytes");

static bool socket_evidence = true;
module_param(socket_evidence, bool, 0444);
MODULE_PARM_DESC(socket_evidence,
		 "whether the kernel's sockets tell their transitions (default: yes, where it has the tracepoint sock:inet_sock_set_state); else segments alone show them");

static bool off;
module_param(off, bool, 0444);
MODULE_PARM_DESC(off,
		 "whether it is switched off at first (default: no): tcpstate.off=1 on the kernel's command line, which modprobe reads; then \"tcpstate on\"");

static int __init tcpstate_init(void)
{
	int err;

	if (socket_evidence && !tcps_probe_find()) {
		pr_warn("this kernel has no tracepoint sock:inet_sock_set_state: segments alone show the states\n");
		socket_evidence = false;
	}
	err = tcps_conn_init(max_endpoints);
	if (err)
		return err;
	max_endpoints = tcps_conn_capacity();	/* for who reads it and has left it out */
	err = tcps_event_init();
	if (err)
		goto no_event;
	tcps_switch_init(socket_evidence);
	err = tcps_netns_init();
	if (err)
		goto no_netns;
	err = tcps_proc_init();
	if (err)
		goto no_proc;
	if (off)
		pr_info("loaded, but switched off (tcpstate.off=1); switch it on with: tcpstate on\n");
	else
		err = tcps_switch_on();
	if (err)
		goto no_switch;
	/* Last: a dump that has begun holds the module, but not one that fails to load. */
	err = tcps_netlink_init();
	if (!err)
		return 0;
no_switch:
	tcps_proc_exit();
no_proc:
	tcps_switch_exit();
	tcps_netns_exit();
no_netns:
	tcps_event_exit();
no_event:
	tcps_conn_exit();
	return err;
}

static void __exit tcpstate_exit(void)
{
	tcps_netlink_exit();	/* who could switch it on */
	tcps_proc_exit();
	tcps_switch_exit();
	tcps_netns_exit();
	tcps_event_exit();
	tcps_conn_exit();
}

module_init(tcpstate_init);
module_exit(tcpstate_exit);

MODULE_DESCRIPTION("TCP connection states by RFC 9293, counted and watched");
MODULE_LICENSE("GPL");
MODULE_VERSION(TCPSTATE_VERSION);
