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
#include "conn_table.h"

struct tcps_table tcps_table __read_mostly;

static atomic_t total = ATOMIC_INIT(0);

static const unsigned int due_delay_ms[TCPS_DUES] = {
	[TCPS_DUE_NOW] = 0,
	[TCPS_DUE_RETRY] = 250,
	[TCPS_DUE_SHORT] = 500,
	[TCPS_DUE_LONG] = 30000,
	[TCPS_DUE_TIME_WAIT] = 60000,	/* TCP_TIMEWAIT_LEN */
};

#define EXIT_BATCH	64	/* records freed between two locks of a shard */
#define PASSED		256	/* records passed over in one */

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

u32 tcps_table_hash(const struct tcps_net *tn, const struct tcps_key *key)
{
	/* Makes sure that all that is hashed is a whole number of words without holes. */
	BUILD_BUG_ON(offsetof(struct tcps_key, scope) != 40);
	return jhash2((const u32 *)key, offsetof(struct tcps_key, scope) / sizeof(u32),
		      tcps_table.seed ^ net_hash_mix(tn->net));
}

void tcps_conn_lock(struct tcps_slot *slot, struct tcps_net *tn, const struct tcps_key *key)
	__acquires(&slot->shard->lock)
{
	u32 hash = tcps_table_hash(tn, key);
	u32 shard = hash & tcps_table.shard_mask;

	slot->shard = &tcps_table.shards[shard];
	slot->lists = &tn->lists[shard];
	slot->bucket = &tcps_table.buckets[hash & tcps_table.bucket_mask];
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

struct tcps_conn *tcps_conn_find_owner(struct tcps_slot *slot, const struct tcps_net *tn,
				       const struct tcps_key *key, const void *owner)
{
	struct tcps_conn *conn;

	hlist_for_each_entry(conn, slot->bucket, node)
		if (same_tuple(conn, tn, key) && conn->owner == owner)
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

		/* Nobody can be at port 0, though a header may say so. */
		if (!same_tuple(conn, tn, key) || conn->listed == TCPS_LISTEN)
			continue;
		if (!scope)
			unbound = conn;
		else if (scope == key->scope || scope == sdif)
			return conn;
	}
	return unbound;
}

/* All others together leave a quarter to the initial namespace. */
static unsigned int room_of_others(void)
{
	return tcps_table.limit / 4 * 3;
}

void tcps_conn_fill(const struct tcps_net *tn, u32 *used, u32 *most)
{
	u32 all = atomic_read(&total), room;

	*used = atomic_read(&tn->tracked);
	*most = READ_ONCE(tn->limit);
	if (!net_eq(tn->net, &init_net))
		return;
	room = all > *used ? room_of_others() : tcps_table.limit;
	if ((u64)all * *most > (u64)*used * room) {
		*used = all;
		*most = room;
	}
}

static bool charge(struct tcps_net *tn)
{
	unsigned int room = net_eq(tn->net, &init_net) ? tcps_table.limit : room_of_others();

	if (atomic_inc_return(&tn->tracked) <= READ_ONCE(tn->limit)) {
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
	conn = kmem_cache_zalloc(tcps_table.cache, GFP_ATOMIC | __GFP_NOWARN);
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
	struct tcps_lists *lists = slot->lists;
	unsigned int a;

	if (!conn->listed)
		return;
	for (a = 0; a < TCPS_AGES; a++)
		if (a < conn->ages)
			lists->older[conn->listed][a]--;
		else if (lists->young[conn->listed][a] == conn)
			lists->young[conn->listed][a] = tcps_table_next(lists, conn);
	WRITE_ONCE(lists->count[conn->listed], lists->count[conn->listed] - 1);
	list_del_init(&conn->by_state);
	conn->listed = 0;
	conn->ages = 0;
}

static void enlist(struct tcps_slot *slot, struct tcps_conn *conn, u8 state)
{
	struct tcps_lists *lists = slot->lists;
	unsigned int a;

	conn->listed = state;
	list_add_tail(&conn->by_state, &lists->by_state[state]);
	WRITE_ONCE(lists->count[state], lists->count[state] + 1);
	for (a = 0; a < TCPS_AGES; a++)
		if (!lists->young[state][a])
			lists->young[state][a] = conn;
}

u64 tcps_conn_enter(struct tcps_slot *slot, struct tcps_conn *conn, u8 state)
{
	u64 now = tcps_table_now(slot->shard), before = conn->listed ? now - conn->since : 0;

	lockdep_assert_held(&slot->shard->lock);
	unlist(slot, conn);
	conn->version = ++slot->shard->version;
	conn->since = slot->shard->since = now;
	conn->at_least = false;
	conn->suspect = false;
	conn->expires = 0;
	if (state != TCPS_CLOSE)
		enlist(slot, conn, state);
	if (state != TCPS_CLOSE && !conn->owner)
		tcps_conn_set_due(slot, conn, due_of[state].entered);
	return before;
}

void tcps_conn_bind(struct tcps_slot *slot, struct tcps_conn *conn, const void *owner)
{
	lockdep_assert_held(&slot->shard->lock);
	conn->owner = owner;
	if (owner)
		list_del_init(&conn->by_due);
	else
		tcps_conn_set_due(slot, conn, due_of[conn->listed].entered);
}

void tcps_conn_set_due(struct tcps_slot *slot, struct tcps_conn *conn, enum tcps_due due)
{
	lockdep_assert_held(&slot->shard->lock);
	conn->due = (u32)(jiffies + msecs_to_jiffies(due_delay_ms[due]));
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
	kmem_cache_free(tcps_table.cache, conn);
}

/* Of a minisock that ends at a known time: until then there is nothing to look at. */
static bool pass_over(struct tcps_slot *slot, struct tcps_conn *conn, unsigned long now)
{
	s32 left = conn->expires ? (s32)(conn->expires - (u32)now) : 0;

	if (left <= 0)
		return false;
	tcps_conn_set_due(slot, conn, left > (s32)msecs_to_jiffies(due_delay_ms[TCPS_DUE_LONG]) ?
				      TCPS_DUE_LONG : TCPS_DUE_SHORT);
	return true;
}

int tcps_conn_due_batch(struct tcps_net *tn, unsigned int shard, unsigned long now,
			struct tcps_item *items, unsigned int max)
{
	struct tcps_conn *conn;
	struct tcps_slot slot;
	unsigned int n = 0, passed = 0;
	int due;

	if (shard > tcps_table.shard_mask)
		return -1;
	slot.shard = &tcps_table.shards[shard];
	slot.lists = &tn->lists[shard];
	/* Most namespaces are small: do not take the lock of a shard that has nothing of theirs. */
	if (!READ_ONCE(slot.lists->records))
		return 0;
	spin_lock_bh(&slot.shard->lock);
	/* So that a reader has little of it to do. */
	tcps_table_age(slot.lists, tcps_table_now(slot.shard));
	for (due = 0; due < TCPS_DUES; due++) {
		struct list_head *head = &slot.lists->by_due[due];

		while (n < max && !list_empty(head)) {
			conn = list_first_entry(head, struct tcps_conn, by_due);
			if (tcps_conn_not_due(conn, now))
				break;
			if (pass_over(&slot, conn, now)) {
				/* There can be very many of them. */
				if (++passed % PASSED == 0) {
					spin_unlock_bh(&slot.shard->lock);
					cond_resched();
					spin_lock_bh(&slot.shard->lock);
				}
				continue;
			}
			items[n++] = tcps_conn_item(conn);
			if (conn->owner)
				list_del_init(&conn->by_due);
			else
				tcps_conn_set_due(&slot, conn, due_of[conn->listed].seen);
		}
	}
	spin_unlock_bh(&slot.shard->lock);
	return n;
}

unsigned int tcps_conn_capacity(void)
{
	return tcps_table.limit;
}

/* One namespace must not take the others' records. */
unsigned int tcps_conn_default_limit(const struct tcps_net *tn)
{
	return net_eq(tn->net, &init_net) ? tcps_table.limit : tcps_table.limit / 4;
}

int tcps_conn_net_init(struct tcps_net *tn)
{
	unsigned int shard, i;

	tn->limit = tcps_conn_default_limit(tn);
	atomic_set(&tn->tracked, 0);
	tn->lists = kvcalloc(tcps_table.shard_mask + 1, sizeof(*tn->lists), GFP_KERNEL_ACCOUNT);
	if (!tn->lists)
		return -ENOMEM;
	for (shard = 0; shard <= tcps_table.shard_mask; shard++) {
		for (i = 0; i < TCPS_STATES; i++)
			INIT_LIST_HEAD(&tn->lists[shard].by_state[i]);
		for (i = 0; i < TCPS_DUES; i++)
			INIT_LIST_HEAD(&tn->lists[shard].by_due[i]);
	}
	return 0;
}

void tcps_conn_clear(struct tcps_net *tn,
		     void (*remove)(struct tcps_slot *slot, struct tcps_conn *conn))
{
	struct tcps_conn *conn, *tmp;
	struct tcps_slot slot;
	unsigned int shard, s, n = 0;

	for (shard = 0; shard <= tcps_table.shard_mask; shard++) {
		slot.shard = &tcps_table.shards[shard];
		slot.lists = &tn->lists[shard];
		spin_lock_bh(&slot.shard->lock);
		for (s = 1; s < TCPS_STATES; s++) {
			list_for_each_entry_safe(conn, tmp, &slot.lists->by_state[s], by_state) {
				remove(&slot, conn);
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
}

void tcps_conn_net_exit(struct tcps_net *tn)
{
	tcps_conn_clear(tn, tcps_conn_remove);
	kvfree(tn->lists);
}

static unsigned int default_limit(void)
{
	return clamp_t(u64, ((u64)totalram_pages() << PAGE_SHIFT) / 64 / 256,
		       TCPS_ENDPOINTS_DEFAULT_MIN, TCPS_ENDPOINTS_DEFAULT_MAX);
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
	tcps_table.limit = max_endpoints ? max_endpoints : default_limit();
	buckets = roundup_pow_of_two(tcps_table.limit);
	shards = roundup_pow_of_two(clamp(4 * num_possible_cpus(), 16u, 256u));
	tcps_table.bucket_mask = buckets - 1;
	tcps_table.shard_mask = shards - 1;
	tcps_table.seed = get_random_u32();
	tcps_table.cache = KMEM_CACHE(tcps_conn, 0);
	/* Rather no table than the end of whoever has most of the memory (out of memory killer). */
	tcps_table.buckets = kvcalloc(buckets, sizeof(*tcps_table.buckets),
				      GFP_KERNEL | __GFP_RETRY_MAYFAIL);
	tcps_table.shards = kvcalloc(shards, sizeof(*tcps_table.shards), GFP_KERNEL);
	if (!tcps_table.cache || !tcps_table.buckets || !tcps_table.shards) {
		pr_err("no memory for a table of %u endpoints: load with a smaller max_endpoints=\n",
		       tcps_table.limit);
		tcps_conn_exit();
		return -ENOMEM;
	}
	for (i = 0; i < shards; i++)
		spin_lock_init(&tcps_table.shards[i].lock);
	return 0;
}

void tcps_conn_exit(void)
{
	WARN_ON_ONCE(atomic_read(&total));
	kvfree(tcps_table.shards);
	kvfree(tcps_table.buckets);
	kmem_cache_destroy(tcps_table.cache);
}
