// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jhash.h>
#include <linux/jiffies.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/ktime.h>
#include <net/netns/hash.h>

#include "conn.h"

/* Of a namespace's records, those in one shard. Protected by the shard's lock. */
struct tcps_lists {
	struct list_head by_state[TCPS_STATES];
	struct list_head by_due[TCPS_DUES];
	u32 count[TCPS_STATES];
	u32 records;
};

/*
 * @lock protects what Documentation/locking.rst says; @version is the last one given to a record.
 */
struct tcps_shard {
	spinlock_t lock;
	u32 version;
} ____cacheline_aligned_in_smp;

/* Written by tcps_conn_init() only. */
static struct {
	struct hlist_head *buckets;
	struct tcps_shard *shards;
	struct kmem_cache *cache;
	u32 bucket_mask;
	u32 shard_mask;
	u32 seed;
	unsigned int limit;
} table __read_mostly;

static atomic_t total = ATOMIC_INIT(0);

static const unsigned int due_delay_ms[TCPS_DUES] = {
	[TCPS_DUE_NOW] = 0,
	[TCPS_DUE_RETRY] = 250,
	[TCPS_DUE_SHORT] = 1000,
	[TCPS_DUE_LONG] = 30000,
	[TCPS_DUE_TIME_WAIT] = 60000,	/* TCP_TIMEWAIT_LEN */
};

#define EXIT_BATCH	64	/* records freed between two locks of a shard */

/*
 * By state: when the audit looks after a record has entered it, and after a look that found the
 * socket alive.
 */
static const struct {
	u8 entered;
	u8 seen;
} due_of[TCPS_STATES] = {
	[TCPS_ESTABLISHED] = { TCPS_DUE_LONG, TCPS_DUE_LONG },
	[TCPS_SYN_SENT] = { TCPS_DUE_SHORT, TCPS_DUE_SHORT },
	[TCPS_SYN_RECV] = { TCPS_DUE_SHORT, TCPS_DUE_SHORT },
	[TCPS_FIN_WAIT1] = { TCPS_DUE_SHORT, TCPS_DUE_SHORT },
	[TCPS_FIN_WAIT2] = { TCPS_DUE_SHORT, TCPS_DUE_SHORT },
	[TCPS_TIME_WAIT] = { TCPS_DUE_TIME_WAIT, TCPS_DUE_RETRY },
	[TCPS_CLOSE_WAIT] = { TCPS_DUE_LONG, TCPS_DUE_LONG },
	[TCPS_LAST_ACK] = { TCPS_DUE_SHORT, TCPS_DUE_SHORT },
	[TCPS_CLOSING] = { TCPS_DUE_SHORT, TCPS_DUE_SHORT },
};

static u32 key_hash(const struct tcps_net *tn, const struct tcps_key *key)
{
	/* Makes sure that all that is hashed is a whole number of words without holes. */
	BUILD_BUG_ON(offsetof(struct tcps_key, scope) != 40);
	return jhash2((const u32 *)key, offsetof(struct tcps_key, scope) / sizeof(u32),
		      table.seed ^ net_hash_mix(tn->net));
}

void tcps_conn_lock(struct tcps_slot *slot, struct tcps_net *tn, const struct tcps_key *key)
	__acquires(&slot->shard->lock)
{
	u32 hash = key_hash(tn, key);
	u32 shard = hash & table.shard_mask;

	slot->shard = &table.shards[shard];
	slot->lists = &tn->lists[shard];
	slot->bucket = &table.buckets[hash & table.bucket_mask];
	spin_lock_bh(&slot->shard->lock);
}

void tcps_conn_unlock(struct tcps_slot *slot)
	__releases(&slot->shard->lock)
{
	spin_unlock_bh(&slot->shard->lock);
}

static bool same_tuple(const struct tcps_conn *conn, const struct tcps_net *tn,
		       const struct tcps_key *key)
{
	return conn->tn == tn && !memcmp(&conn->key, key, offsetof(struct tcps_key, scope));
}

struct tcps_conn *tcps_conn_find_sender(struct tcps_slot *slot, const struct tcps_net *tn,
					const struct tcps_key *key)
{
	struct tcps_conn *conn;

	hlist_for_each_entry(conn, slot->bucket, node)
		if (same_tuple(conn, tn, key) && conn->key.scope == key->scope)
			return conn;
	return NULL;
}

struct tcps_conn *tcps_conn_find_any_scope(struct tcps_slot *slot, const struct tcps_net *tn,
					   const struct tcps_key *key)
{
	struct tcps_conn *conn;

	hlist_for_each_entry(conn, slot->bucket, node)
		if (same_tuple(conn, tn, key))
			return conn;
	return NULL;
}

void tcps_conn_rebind(struct tcps_slot *slot, struct tcps_conn *conn, int scope)
{
	lockdep_assert_held(&slot->shard->lock);
	/* The scope is not part of the hash: the record stays where it is. */
	conn->key.scope = scope;
	conn->version = ++slot->shard->version;
}

struct tcps_conn *tcps_conn_find_receiver(struct tcps_slot *slot, const struct tcps_net *tn,
					  const struct tcps_key *key, int sdif)
{
	struct tcps_conn *conn, *unbound = NULL;

	hlist_for_each_entry(conn, slot->bucket, node) {
		int scope = conn->key.scope;

		if (!same_tuple(conn, tn, key))
			continue;
		if (!scope)
			unbound = conn;
		else if (scope == key->scope || scope == sdif)
			return conn;
	}
	return unbound;
}

static bool charge(struct tcps_net *tn)
{
	/* All others together leave a quarter to the initial namespace. */
	unsigned int room = net_eq(tn->net, &init_net) ? table.limit : table.limit / 4 * 3;

	if (atomic_inc_return(&tn->tracked) <= tn->limit) {
		if (atomic_inc_return(&total) <= room)
			return true;
		atomic_dec(&total);
	}
	atomic_dec(&tn->tracked);
	return false;
}

static void uncharge(struct tcps_net *tn)
{
	atomic_dec(&tn->tracked);
	atomic_dec(&total);
}

struct tcps_conn *tcps_conn_create(struct tcps_slot *slot, struct tcps_net *tn,
				   const struct tcps_key *key)
{
	struct tcps_conn *conn;

	lockdep_assert_held(&slot->shard->lock);
	if (!charge(tn))
		return NULL;
	conn = kmem_cache_zalloc(table.cache, GFP_ATOMIC | __GFP_NOWARN);
	if (!conn) {
		uncharge(tn);
		return NULL;
	}
	conn->tn = tn;
	conn->key = *key;
	conn->version = ++slot->shard->version;
	INIT_LIST_HEAD(&conn->by_state);
	INIT_LIST_HEAD(&conn->by_due);
	hlist_add_head(&conn->node, slot->bucket);
	WRITE_ONCE(slot->lists->records, slot->lists->records + 1);
	return conn;
}

static void unlist(struct tcps_slot *slot, struct tcps_conn *conn)
{
	if (conn->listed)
		slot->lists->count[conn->listed]--;
	conn->listed = 0;
	list_del_init(&conn->by_state);
}

void tcps_conn_enter(struct tcps_slot *slot, struct tcps_conn *conn)
{
	u8 state = conn->fsm.local.state;

	lockdep_assert_held(&slot->shard->lock);
	unlist(slot, conn);
	conn->version = ++slot->shard->version;
	conn->listed = state;
	/* Read under the lock, so that the list is in the order of time. */
	conn->since = ktime_get_boottime_ns();
	list_add_tail(&conn->by_state, &slot->lists->by_state[state]);
	slot->lists->count[state]++;
	tcps_conn_set_due(slot, conn, due_of[state].entered);
}

void tcps_conn_set_due(struct tcps_slot *slot, struct tcps_conn *conn, enum tcps_due due)
{
	lockdep_assert_held(&slot->shard->lock);
	conn->due = jiffies + msecs_to_jiffies(due_delay_ms[due]);
	list_move_tail(&conn->by_due, &slot->lists->by_due[due]);
}

void tcps_conn_remove(struct tcps_slot *slot, struct tcps_conn *conn)
{
	lockdep_assert_held(&slot->shard->lock);
	unlist(slot, conn);
	list_del(&conn->by_due);
	hlist_del(&conn->node);
	WRITE_ONCE(slot->lists->records, slot->lists->records - 1);
	uncharge(conn->tn);
	kmem_cache_free(table.cache, conn);
}

int tcps_conn_due_batch(struct tcps_net *tn, unsigned int shard, unsigned long now,
			struct tcps_item *items, unsigned int max)
{
	struct tcps_conn *conn;
	struct tcps_slot slot;
	unsigned int n = 0;
	int due;

	if (shard > table.shard_mask)
		return -1;
	slot.shard = &table.shards[shard];
	slot.lists = &tn->lists[shard];
	/* Most namespaces are small: do not take the lock of a shard that has nothing of theirs. */
	if (!READ_ONCE(slot.lists->records))
		return 0;
	spin_lock_bh(&slot.shard->lock);
	for (due = 0; due < TCPS_DUES; due++) {
		struct list_head *head = &slot.lists->by_due[due];

		while (n < max && !list_empty(head)) {
			conn = list_first_entry(head, struct tcps_conn, by_due);
			if (time_after(conn->due, now))
				break;
			items[n++] = tcps_conn_item(conn);
			tcps_conn_set_due(&slot, conn, due_of[conn->listed].seen);
		}
	}
	spin_unlock_bh(&slot.shard->lock);
	return n;
}

void tcps_conn_counts(struct tcps_net *tn, struct tcps_counts *counts)
{
	unsigned int shard, s;
	u64 now;

	memset(counts, 0, sizeof(*counts));
	for (shard = 0; shard <= table.shard_mask; shard++) {
		struct tcps_lists *lists = &tn->lists[shard];

		spin_lock_bh(&table.shards[shard].lock);
		now = ktime_get_boottime_ns();
		for (s = 1; s < TCPS_STATES; s++) {
			struct tcps_conn *oldest;

			counts->state[s].count += lists->count[s];
			oldest = list_first_entry_or_null(&lists->by_state[s], struct tcps_conn,
							  by_state);
			if (oldest && now - oldest->since > counts->state[s].oldest_ns)
				counts->state[s].oldest_ns = now - oldest->since;
		}
		spin_unlock_bh(&table.shards[shard].lock);
	}
}

int tcps_conn_net_init(struct tcps_net *tn)
{
	unsigned int shard, i;

	/* One namespace must not take the others' records. */
	tn->limit = net_eq(tn->net, &init_net) ? table.limit : table.limit / 4;
	atomic_set(&tn->tracked, 0);
	tn->lists = kvcalloc(table.shard_mask + 1, sizeof(*tn->lists), GFP_KERNEL_ACCOUNT);
	if (!tn->lists)
		return -ENOMEM;
	for (shard = 0; shard <= table.shard_mask; shard++) {
		for (i = 0; i < TCPS_STATES; i++)
			INIT_LIST_HEAD(&tn->lists[shard].by_state[i]);
		for (i = 0; i < TCPS_DUES; i++)
			INIT_LIST_HEAD(&tn->lists[shard].by_due[i]);
	}
	return 0;
}

void tcps_conn_net_exit(struct tcps_net *tn)
{
	struct tcps_conn *conn, *tmp;
	struct tcps_slot slot;
	unsigned int shard, s, n = 0;

	for (shard = 0; shard <= table.shard_mask; shard++) {
		slot.shard = &table.shards[shard];
		slot.lists = &tn->lists[shard];
		spin_lock_bh(&slot.shard->lock);
		for (s = 1; s < TCPS_STATES; s++) {
			list_for_each_entry_safe(conn, tmp, &slot.lists->by_state[s], by_state) {
				tcps_conn_remove(&slot, conn);
				/* Nobody else touches this namespace's records any more. */
				if (++n % EXIT_BATCH == 0) {
					spin_unlock_bh(&slot.shard->lock);
					cond_resched();
					spin_lock_bh(&slot.shard->lock);
				}
			}
		}
		spin_unlock_bh(&slot.shard->lock);
		cond_resched();
	}
	WARN_ON_ONCE(atomic_read(&tn->tracked));
	kvfree(tn->lists);
}

static unsigned int default_limit(void)
{
	u64 n = ((u64)totalram_pages() << PAGE_SHIFT) / 64 / 256;

	return clamp_t(u64, n, TCPS_ENDPOINTS_DEFAULT_MIN, TCPS_ENDPOINTS_DEFAULT_MAX);
}

int tcps_conn_init(unsigned int max_endpoints)
{
	unsigned int buckets, shards, i;

	if (max_endpoints &&
	    (max_endpoints < TCPS_ENDPOINTS_MIN || max_endpoints > TCPS_ENDPOINTS_MAX)) {
		pr_err("max_endpoints=%u is out of range: give %u to %u, or leave it out (here: %u, by the size of the memory)\n",
		       max_endpoints, TCPS_ENDPOINTS_MIN, TCPS_ENDPOINTS_MAX, default_limit());
		return -EINVAL;
	}
	table.limit = max_endpoints ? max_endpoints : default_limit();
	buckets = roundup_pow_of_two(table.limit);
	shards = roundup_pow_of_two(clamp(4 * num_possible_cpus(), 16u, 256u));
	table.bucket_mask = buckets - 1;
	table.shard_mask = shards - 1;
	table.seed = get_random_u32();
	table.cache = KMEM_CACHE(tcps_conn, 0);
	table.buckets = kvcalloc(buckets, sizeof(*table.buckets), GFP_KERNEL);
	table.shards = kvcalloc(shards, sizeof(*table.shards), GFP_KERNEL);
	if (!table.cache || !table.buckets || !table.shards) {
		pr_err("no memory for a table of %u endpoints: load with a smaller max_endpoints=\n",
		       table.limit);
		tcps_conn_exit();
		return -ENOMEM;
	}
	for (i = 0; i < shards; i++)
		spin_lock_init(&table.shards[i].lock);
	return 0;
}

void tcps_conn_exit(void)
{
	WARN_ON_ONCE(atomic_read(&total));
	kvfree(table.shards);
	kvfree(table.buckets);
	kmem_cache_destroy(table.cache);
}
