// SPDX-License-Identifier: GPL-2.0-only
#include <linux/sched.h>

#include "conn.h"
#include "conn_table.h"

#define WALK_BATCH	256	/* records looked at between two locks of a shard */

static const u64 ages_ns[TCPS_AGES] = {
	[TCPS_AGE_60S] = 60 * NSEC_PER_SEC,
	[TCPS_AGE_300S] = 300 * NSEC_PER_SEC,
};

/* The lists are in the order of time. */
void tcps_table_age(struct tcps_lists *lists, u64 now)
{
	unsigned int s, a;

	for (s = 1; s < TCPS_STATES; s++) {
		for (a = 0; a < TCPS_AGES; a++) {
			struct tcps_conn *conn = lists->young[s][a];

			for (; conn && now - conn->since >= ages_ns[a]; conn = tcps_table_next(lists, conn)) {
				conn->ages = a + 1;
				lists->older[s][a]++;
			}
			lists->young[s][a] = conn;
		}
	}
}

void tcps_conn_counts(struct tcps_net *tn, struct tcps_counts *counts)
{
	unsigned int shard, s, a;
	u64 now;

	memset(counts, 0, sizeof(*counts));
	for (shard = 0; shard <= tcps_table.shard_mask; shard++) {
		struct tcps_lists *lists = &tn->lists[shard];

		spin_lock_bh(&tcps_table.shards[shard].lock);
		now = tcps_table_now(&tcps_table.shards[shard]);
		tcps_table_age(lists, now);
		for (s = 1; s < TCPS_STATES; s++) {
			struct tcps_conn *oldest;

			counts->state[s].count += lists->count[s];
			for (a = 0; a < TCPS_AGES; a++)
				counts->state[s].older[a] += lists->older[s][a];
			oldest = list_first_entry_or_null(&lists->by_state[s], struct tcps_conn,
							  by_state);
			if (oldest && now - oldest->since > counts->state[s].oldest_ns)
				counts->state[s].oldest_ns = now - oldest->since;
		}
		spin_unlock_bh(&tcps_table.shards[shard].lock);
	}
}

unsigned int tcps_conn_count(const struct tcps_net *tn, u8 state)
{
	unsigned int shard, n = 0;

	for (shard = 0; shard <= tcps_table.shard_mask; shard++)
		n += READ_ONCE(tn->lists[shard].count[state]);
	return n;
}

static struct tcps_view view_of(const struct tcps_conn *conn, u64 now)
{
	return (struct tcps_view){
		.key = conn->key, .age_ns = now - conn->since, .owner = conn->owner,
		.peer = conn->peer, .version = conn->version, .pid = conn->pid, .local = conn->listed,
		.remote = conn->fsm.remote.state, .at_least = conn->at_least,
	};
}

/*
 * The record that follows @cursor on the state list that it names. The last one told is found by
 * its key; where it has moved on, by its time: all that has been told is older.
 */
static struct tcps_conn *walk_resume(struct tcps_slot *slot, const struct tcps_net *tn,
				     const struct tcps_cursor *cursor)
{
	struct list_head *list = &slot->lists->by_state[cursor->state];
	struct tcps_conn *conn;

	if (cursor->since) {
		slot->bucket = &tcps_table.buckets[tcps_table_hash(tn, &cursor->last) & tcps_table.bucket_mask];
		conn = tcps_conn_find_sender(slot, tn, &cursor->last);
		if (conn && conn->listed == cursor->state && conn->since == cursor->since)
			return tcps_table_next(slot->lists, conn);
	}
	list_for_each_entry(conn, list, by_state)
		if (conn->since > cursor->since)
			return conn;
	return NULL;
}

/* One lock of a shard. Returns whether its list of this state is done. */
static bool walk_list(struct tcps_slot *slot, const struct tcps_net *tn, struct tcps_cursor *cursor,
		      u64 min_age, bool (*match)(const struct tcps_key *key, const void *arg),
		      const void *arg, struct tcps_view *views, unsigned int *n, unsigned int max)
{
	struct tcps_conn *conn = walk_resume(slot, tn, cursor);
	u64 now = tcps_table_now(slot->shard);
	unsigned int looked;

	for (looked = 0; conn && looked < WALK_BATCH && *n < max; looked++) {
		if (now - conn->since < min_age)
			return true;	/* and what follows is younger still */
		if (!match || match(&conn->key, arg))
			views[(*n)++] = view_of(conn, now);
		cursor->last = conn->key;
		cursor->since = conn->since;
		conn = tcps_table_next(slot->lists, conn);
	}
	return !conn;
}

unsigned int tcps_conn_walk(struct tcps_net *tn, struct tcps_cursor *cursor, u32 states,
			    u64 min_age, bool (*match)(const struct tcps_key *key, const void *arg),
			    const void *arg, struct tcps_view *views, unsigned int max)
{
	struct tcps_slot slot;
	unsigned int n = 0;
	bool done;

	while (cursor->shard <= tcps_table.shard_mask && n < max) {
		slot.shard = &tcps_table.shards[cursor->shard];
		slot.lists = &tn->lists[cursor->shard];
		if (!cursor->state && !READ_ONCE(slot.lists->records))
			cursor->state = TCPS_STATES;
		done = true;
		if (cursor->state < TCPS_STATES && (states & BIT(cursor->state))) {
			spin_lock_bh(&slot.shard->lock);
			done = walk_list(&slot, tn, cursor, min_age, match, arg, views, &n, max);
			spin_unlock_bh(&slot.shard->lock);
			cond_resched();
		}
		if (!done)
			continue;
		cursor->since = 0;
		if (++cursor->state >= TCPS_STATES) {
			cursor->state = 0;
			cursor->shard++;
		}
	}
	return n;
}

bool tcps_conn_view(struct tcps_net *tn, const struct tcps_key *key, struct tcps_view *view)
{
	struct tcps_conn *conn;
	struct tcps_slot slot;

	tcps_conn_lock(&slot, tn, key);
	conn = tcps_conn_find_sender(&slot, tn, key);
	if (conn)
		*view = view_of(conn, tcps_table_now(slot.shard));
	tcps_conn_unlock(&slot);
	return conn;
}
