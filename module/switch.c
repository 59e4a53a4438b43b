// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>

#include "alert.h"
#include "audit.h"
#include "hooks.h"
#include "probe.h"
#include "record.h"
#include "seed.h"
#include "switch.h"

static DEFINE_MUTEX(switching);		/* who switches; taken outside of nets_lock */
static DEFINE_MUTEX(nets_lock);		/* protects the next two, and tcps_net.live of those in nets */
static LIST_HEAD(nets);
static bool on;
static bool by_sockets __ro_after_init;

/* @older: its sockets may be older than we are. */
static int start(struct tcps_net *tn, bool older)
{
	int err;

	tcps_audit_start(tn);
	tcps_alert_start(tn, older);
	err = tcps_hooks_register(tn);
	if (err)
		return err;
	WRITE_ONCE(tn->live_since, ktime_get_boottime_ns());
	smp_store_release(&tn->live, true);
	if (tcps_by_sockets && tcps_seed_owns_table(tn))
		tcps_audit_kick(tn);
	return 0;
}

static void stop(struct tcps_net *tn)
{
	if (!tn->live)
		return;
	/* In this order: what a socket sends comes behind what it has told. */
	tcps_hooks_unregister(tn);
	WRITE_ONCE(tn->live, false);
}

static int start_all(void)
{
	struct tcps_net *tn;
	int err = 0;

	mutex_lock(&nets_lock);
	on = true;
	list_for_each_entry(tn, &nets, node) {
		err = start(tn, true);
		if (err)
			break;
	}
	mutex_unlock(&nets_lock);
	return err;
}

static void stop_all(void)
{
	struct tcps_net *tn;

	mutex_lock(&nets_lock);
	on = false;
	/* First: it would find wrong what sockets can no longer tell. */
	list_for_each_entry(tn, &nets, node)
		tcps_audit_net_stop(tn);
	list_for_each_entry(tn, &nets, node)
		stop(tn);
	mutex_unlock(&nets_lock);
}

/* Neither hook nor probe runs any more: without the audit nobody moves a record. */
static void forget_all(void)
{
	struct tcps_net *tn;

	mutex_lock(&nets_lock);
	list_for_each_entry(tn, &nets, node) {
		tcps_audit_net_stop(tn);	/* which a hook may just have begun */
		tcps_record_forget_all(tn);
		tcps_alert_off(tn);
	}
	mutex_unlock(&nets_lock);
}

static void switch_off(void)
{
	stop_all();
	tcps_probe_unregister();
	synchronize_rcu();	/* hooks, and who looks at the tables of sockets */
	tcps_seed_stop();
	forget_all();
	WRITE_ONCE(tcps_by_sockets, false);
}

static int switch_on(void)
{
	int err;

	if (by_sockets)
		tcps_seed_begin();
	err = start_all();
	if (!err && by_sockets)
		err = tcps_probe_register();
	if (err) {
		switch_off();
		return err;
	}
	if (!by_sockets)
		return 0;
	/*
	 * Records of connections begin only from now on, when whoever they are counted with is known,
	 * and their socket is sure to tell its end. What is older is looked up.
	 */
	tcps_seed_listeners();
	WRITE_ONCE(tcps_by_sockets, true);
	smp_mb();	/* who still finds it false has hashed its socket before the walk looks */
	tcps_seed_all();
	/* One may have told before the probe was on, and come into the table behind our look. */
	tcps_audit_look_for_listeners(tcps_net_of(&init_net));
	return 0;
}

int tcps_switch_on(void)
{
	int err = 0;

	mutex_lock(&switching);
	if (!on)
		err = switch_on();
	mutex_unlock(&switching);
	return err;
}

void tcps_switch_off(void)
{
	mutex_lock(&switching);
	if (on)
		switch_off();
	mutex_unlock(&switching);
}

enum tcpstate_evidence tcps_switch_evidence(void)
{
	if (!READ_ONCE(on))
		return TCPSTATE_EVIDENCE_NONE;
	return by_sockets ? TCPSTATE_EVIDENCE_SOCKETS : TCPSTATE_EVIDENCE_PACKETS;
}

int tcps_switch_join(struct tcps_net *tn)
{
	int err = 0;

	mutex_lock(&nets_lock);
	if (on)
		err = start(tn, false);
	if (!err)
		list_add_tail(&tn->node, &nets);
	mutex_unlock(&nets_lock);
	return err;
}

void tcps_switch_leave(struct tcps_net *tn)
{
	mutex_lock(&nets_lock);
	stop(tn);
	list_del(&tn->node);
	mutex_unlock(&nets_lock);
}

void tcps_switch_init(bool sockets)
{
	by_sockets = sockets;
}

void tcps_switch_exit(void)
{
	mutex_lock(&switching);
	tcps_probe_unregister();
	tcps_seed_stop();
	mutex_unlock(&switching);
}
