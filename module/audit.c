// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <net/inet_timewait_sock.h>

#include "audit.h"
#include "conn.h"
#include "evidence.h"
#include "record.h"
#include "seed.h"
#include "socket.h"

#define TICK	msecs_to_jiffies(250)
#define BATCH	16	/* look-ups between two locks of a shard */
#define ARMED	0	/* bit of tcps_net.audit_armed */

/* A sweep over the records takes 30 s, more where they are many, less where something is wrong. */
#define SWEEP_TICKS	120
#define SWEEP_MIN	16	/* records a tick */
#define SWEEP_MAX	512
#define SWEEP_HURRY	8	/* times as many */
#define TABLE_TICKS	120	/* a sweep over the kernel's table of sockets: 30 s */

/**
 * struct tcps_audit - the audit of one namespace
 * @work:	runs every TICK while there are records, or a table to look after
 * @tn:		namespace
 * @cursor:	where the sweep over its records is
 * @begun:	when that began, ns
 * @verified:	when the last one that has ended began, ns
 * @bucket:	where the sweep over the table is
 * @unnamed:	a listener has to be looked for
 */
struct tcps_audit {
	struct delayed_work work;
	struct tcps_net *tn;
	struct tcps_cursor cursor;
	u64 begun;
	u64 verified;
	unsigned int bucket;
	bool unnamed;
};

static void compare(struct tcps_net *tn, const struct tcps_item *item)
{
	struct tcps_seen seen = item->state == TCPS_LISTEN ?
				tcps_socket_look_listener(tn, &item->key, item->owner) :
				tcps_socket_look(tn, &item->key);

	switch (tcps_evidence_seen(tn, item, &seen)) {
	case TCPS_REMEDY_NONE:
		break;
	case TCPS_REMEDY_ADOPT:
		tcps_seed_one(tn, &item->key);
		break;
	case TCPS_REMEDY_SEARCH:
		if (!tcps_seed_search(tn, &item->key, item->owner))
			tcps_evidence_gone(tn, item);
		break;
	}
}

static void audit_shard(struct tcps_net *tn, unsigned int shard, unsigned long now, int *n)
{
	struct tcps_item items[BATCH];
	int i;

	do {
		*n = tcps_conn_due_batch(tn, shard, now, items, BATCH);
		for (i = 0; i < *n; i++)
			compare(tn, &items[i]);
		cond_resched();
	} while (*n == BATCH);
}

/*
 * The kernel counts its minisocks: if we have more, beside what has ended since the last tick, some
 * have been killed, which nothing tells.
 */
static bool too_many_time_waits(const struct tcps_net *tn)
{
	unsigned int kernels = refcount_read(&tn->net->ipv4.tcp_death_row.tw_refcount) - 1;

	return tcps_conn_count(tn, TCPS_TIME_WAIT) > kernels + kernels / 64 + 16;
}

static void sweep_records(struct tcps_audit *audit)
{
	const u32 states = GENMASK(TCPS_STATES - 1, 1);
	struct tcps_net *tn = audit->tn;
	unsigned int budget, n, i;
	struct tcps_view views[BATCH];

	budget = clamp_t(unsigned int, atomic_read(&tn->tracked) / SWEEP_TICKS, SWEEP_MIN, SWEEP_MAX);
	if (too_many_time_waits(tn))
		budget *= SWEEP_HURRY;
	if (!audit->begun)
		audit->begun = ktime_get_boottime_ns();
	for (; budget >= BATCH; budget -= BATCH) {
		n = tcps_conn_walk(tn, &audit->cursor, states, 0, NULL, NULL, views, BATCH);
		for (i = 0; i < n; i++) {
			struct tcps_item item = {
				.key = views[i].key, .owner = views[i].owner,
				.version = views[i].version, .state = views[i].local,
			};

			compare(tn, &item);
		}
		cond_resched();
		if (n == BATCH)
			continue;
		memset(&audit->cursor, 0, sizeof(audit->cursor));
		WRITE_ONCE(audit->verified, audit->begun);
		audit->begun = 0;
		break;
	}
}

static void sweep_table(struct tcps_audit *audit)
{
	unsigned int all = tcps_seed_buckets(audit->tn), n = all / TABLE_TICKS + 1;

	for (; n && audit->bucket < all; n--) {
		tcps_seed_bucket(audit->tn, audit->bucket++);
		if (n % 256 == 0)
			cond_resched();
	}
	if (audit->bucket < all)
		return;
	audit->bucket = 0;
	if (net_eq(audit->tn->net, &init_net))
		tcps_seed_listeners();
}

static void sweep(struct tcps_audit *audit)
{
	sweep_records(audit);
	if (tcps_seed_owns_table(audit->tn))
		sweep_table(audit);
	if (READ_ONCE(audit->unnamed)) {
		WRITE_ONCE(audit->unnamed, false);
		tcps_seed_listeners();
	}
}

static bool idle(const struct tcps_audit *audit)
{
	return !atomic_read(&audit->tn->tracked) && !READ_ONCE(audit->unnamed) &&
	       !(tcps_by_sockets && tcps_seed_owns_table(audit->tn));
}

/*
 * A batch puts what it looked at behind @now, so a pass over a shard ends: TCPS_DUE_NOW is never
 * given by a look.
 */
static void audit_work(struct work_struct *work)
{
	struct tcps_audit *audit = container_of(to_delayed_work(work), struct tcps_audit, work);
	struct tcps_net *tn = audit->tn;
	unsigned long now = jiffies;
	unsigned int shard;
	int n = 0;

	/* What the walk has not come to yet is no divergence. */
	if (READ_ONCE(tcps_seeding))
		goto again;
	for (shard = 0; n >= 0; shard++)
		audit_shard(tn, shard, now, &n);
	if (tcps_by_sockets)
		sweep(audit);
	if (idle(audit)) {
		clear_bit(ARMED, &tn->audit_armed);
		/*
		 * Whoever makes a record counts it (a full barrier) and then looks at the bit in
		 * tcps_audit_kick(); here the bit is cleared before the count is read. One of the
		 * two sees the other.
		 */
		smp_mb__after_atomic();
		if (idle(audit) || test_and_set_bit(ARMED, &tn->audit_armed))
			return;
	}
again:
	queue_delayed_work(system_unbound_wq, &audit->work, TICK);
}

void tcps_audit_kick(struct tcps_net *tn)
{
	if (!test_bit(ARMED, &tn->audit_armed) && !test_and_set_bit(ARMED, &tn->audit_armed))
		queue_delayed_work(system_unbound_wq, &tn->audit->work, TICK);
}

void tcps_audit_look_for_listeners(struct tcps_net *tn)
{
	WRITE_ONCE(tn->audit->unnamed, true);
	smp_mb();	/* as above */
	tcps_audit_kick(tn);
}

u64 tcps_audit_verified(const struct tcps_net *tn)
{
	return READ_ONCE(tn->audit->verified);
}

int tcps_audit_net_init(struct tcps_net *tn)
{
	tn->audit_armed = 0;
	tn->audit = kzalloc(sizeof(*tn->audit), GFP_KERNEL_ACCOUNT);
	if (!tn->audit)
		return -ENOMEM;
	tn->audit->tn = tn;
	tn->wake_audit = tcps_audit_kick;
	INIT_DELAYED_WORK(&tn->audit->work, audit_work);
	return 0;
}

void tcps_audit_start(struct tcps_net *tn)
{
	struct tcps_audit *audit = tn->audit;

	memset(&audit->cursor, 0, sizeof(audit->cursor));
	audit->begun = 0;
	audit->bucket = 0;
	WRITE_ONCE(audit->verified, 0);
	WRITE_ONCE(audit->unnamed, false);
	clear_bit(ARMED, &tn->audit_armed);
}

void tcps_audit_net_stop(struct tcps_net *tn)
{
	/* It is not begun again, also if it has just found nothing to do. */
	set_bit(ARMED, &tn->audit_armed);
	cancel_delayed_work_sync(&tn->audit->work);
	set_bit(ARMED, &tn->audit_armed);
}

void tcps_audit_net_exit(struct tcps_net *tn)
{
	kfree(tn->audit);
}
