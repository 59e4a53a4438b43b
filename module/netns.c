// SPDX-License-Identifier: GPL-2.0-only
#include <net/net_namespace.h>

#include "alert.h"
#include "audit.h"
#include "conn.h"
#include "event.h"
#include "netns.h"
#include "peer.h"
#include "proc.h"
#include "stats.h"
#include "switch.h"

unsigned int tcps_net_id;

static int __net_init netns_begin(struct net *net)
{
	struct tcps_net *tn = tcps_net_of(net);
	int err;

	tn->net = net;
	err = tcps_audit_net_init(tn);
	if (err)
		return err;
	err = tcps_stats_net_init(tn);
	if (err)
		goto no_stats;
	err = tcps_event_net_init(tn);
	if (err)
		goto no_event;
	err = tcps_alert_net_init(tn);
	if (err)
		goto no_alert;
	err = tcps_peer_net_init(tn);
	if (err)
		goto no_peer;
	err = tcps_conn_net_init(tn);
	if (err)
		goto no_conn;
	err = tcps_proc_net_init(tn);
	if (err)
		goto no_proc;
	err = tcps_switch_join(tn);
	if (err)
		goto no_hooks;
	return 0;

no_hooks:
	/* Those that were registered may have run, and may still. */
	synchronize_rcu();
	tcps_proc_net_exit(tn);
	tcps_audit_net_stop(tn);
	tcps_alert_net_stop(tn);
no_proc:
	tcps_conn_net_exit(tn);
no_conn:
	tcps_peer_net_exit(tn);
no_peer:
	tcps_alert_net_exit(tn);
no_alert:
	tcps_event_net_exit(tn);
no_event:
	tcps_stats_net_exit(tn);
no_stats:
	tcps_audit_net_exit(tn);
	return err;
}

/*
 * The core waits a grace period between this and netns_end(): neither hook nor probe is running any
 * more then.
 */
static void __net_exit netns_pre_end(struct net *net)
{
	tcps_switch_leave(tcps_net_of(net));
}

static void __net_exit netns_end(struct net *net)
{
	struct tcps_net *tn = tcps_net_of(net);

	tcps_proc_net_exit(tn);
	tcps_audit_net_stop(tn);
	tcps_alert_net_stop(tn);
	tcps_conn_net_exit(tn);
	tcps_peer_net_exit(tn);
	tcps_alert_net_exit(tn);
	tcps_event_net_exit(tn);
	tcps_stats_net_exit(tn);
	tcps_audit_net_exit(tn);
}

static struct pernet_operations netns_ops = {
	.init = netns_begin,
	.pre_exit = netns_pre_end,
	.exit = netns_end,
	.id = &tcps_net_id,
	.size = sizeof(struct tcps_net),
};

int tcps_netns_init(void)
{
	return register_pernet_subsys(&netns_ops);
}

void tcps_netns_exit(void)
{
	unregister_pernet_subsys(&netns_ops);
}
