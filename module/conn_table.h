/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the table of records, for conn.c, which changes it, and conn_read.c, which reads it.
 */
#ifndef TCPSTATE_CONN_TABLE_H
#define TCPSTATE_CONN_TABLE_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>

#include "conn.h"

/*
 * Of a namespace's records, those in one shard. Protected by the shard's lock. @young: of each
 * state and age the oldest record that has not reached it, or is not counted yet; NULL: none.
 */
struct tcps_lists {
	struct list_head by_state[TCPS_STATES];
	struct list_head by_due[TCPS_DUES];
	struct tcps_conn *young[TCPS_STATES][TCPS_AGES];
	u32 older[TCPS_STATES][TCPS_AGES];
	u32 count[TCPS_STATES];
	u32 records;
};

/*
 * @lock protects what Documentation/locking.rst says; @version and @since are the last ones given
 * to a record.
 */
struct tcps_shard {
	spinlock_t lock;
	u32 version;
	u64 since;
} ____cacheline_aligned_in_smp;

/* Written by tcps_conn_init() only. */
struct tcps_table {
	struct hlist_head *buckets;
	struct tcps_shard *shards;
	struct kmem_cache *cache;
	u32 bucket_mask;
	u32 shard_mask;
	u32 seed;
	unsigned int limit;
};

extern struct tcps_table tcps_table;

u32 tcps_table_hash(const struct tcps_net *tn, const struct tcps_key *key);

/* The record behind @conn on its state list, or NULL. */
static inline struct tcps_conn *tcps_table_next(const struct tcps_lists *lists,
						struct tcps_conn *conn)
{
	return list_is_last(&conn->by_state, &lists->by_state[conn->listed]) ?
		NULL : list_next_entry(conn, by_state);
}

/* Read under the shard's lock, so that its lists are in the order of time. */
static inline u64 tcps_table_now(struct tcps_shard *shard)
{
	u64 now = ktime_get_boottime_ns();

	if (now <= shard->since)
		now = shard->since + 1;
	return now;
}

/* Counts those that have reached an age since the last time. Under the shard's lock. */
void tcps_table_age(struct tcps_lists *lists, u64 now);

#endif
