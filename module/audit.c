// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/sched.h>

#include "audit.h"
#include "conn.h"
#include "socket.h"
#include "track.h"

#define TICK	msecs_to_jiffies(250)
#define BATCH	16	/* look-ups between two locks of a shard */
#define ARMED	0	/* bit of tcps_net.audit_armed */

static void audit_shard(struct tcps_net *tn, unsigned int shard, unsigned long now, int *n)
{
	struct tcps_item items[BATCH];
	int i;

	do {
		*n = tcps_conn_due_batch(tn, shard, now, items, BATCH);
		for (i = 0; i < *n; i++)
			if (!tcps_socket_exists(tn, &items[i].key, items[i].state))
				tcps_track_gone(tn, &items[i].key, items[i].version);
		cond_resched();
	} while (*n == BATCH);
}

/*
 * A batch puts what it looked at behind @now, so a pass over a shard ends: TCPS_DUE_NOW is never
 * given by a look.
 */
static void audit_work(struct work_struct *work)
{
	struct tcps_net *tn = container_of(to_delayed_work(work), struct tcps_net, audit);
	unsigned long now = jiffies;
	unsigned int shard;
	int n = 0;

	for (shard = 0; n >= 0; shard++)
		audit_shard(tn, shard, now, &n);
	if (!atomic_read(&tn->tracked)) {
		clear_bit(ARMED, &tn->audit_armed);
		/*
		 * Whoever makes a record counts it (a full barrier) and then looks at the bit in
		 * tcps_audit_kick(); here the bit is cleared before the count is read. One of the
		 * two sees the other.
		 */
		smp_mb__after_atomic();
		if (!atomic_read(&tn->tracked) || test_and_set_bit(ARMED, &tn->audit_armed))
			return;
	}
	queue_delayed_work(system_unbound_wq, &tn->audit, TICK);
}

void tcps_audit_kick(struct tcps_net *tn)
{
	if (!test_bit(ARMED, &tn->audit_armed) && !test_and_set_bit(ARMED, &tn->audit_armed))
		queue_delayed_work(system_unbound_wq, &tn->audit, TICK);
}

void tcps_audit_net_init(struct tcps_net *tn)
{
	tn->audit_armed = 0;
	INIT_DELAYED_WORK(&tn->audit, audit_work);
}

void tcps_audit_net_exit(struct tcps_net *tn)
{
	cancel_delayed_work_sync(&tn->audit);
}
