// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rcupdate.h>
#include <linux/rwsem.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <net/inet_hashtables.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "evidence.h"
#include "record.h"
#include "seed.h"
#include "socket.h"

#define HELD	16	/* full sockets of a bucket between two locks of it */
#define ROUNDS	64	/* locks of one bucket: where there is no room, nothing gets less */

#define LATER_TICK	msecs_to_jiffies(25)
#define LATER_TRIES	40	/* a second */

static struct inet_hashinfo *table_of(const struct net *net)
{
	return net->ipv4.tcp_death_row.hashinfo;
}

bool tcps_seed_owns_table(const struct tcps_net *tn)
{
	return net_eq(tn->net, &init_net) || table_of(tn->net) != table_of(&init_net);
}

unsigned int tcps_seed_buckets(const struct tcps_net *tn)
{
	return table_of(tn->net)->ehash_mask + 1;
}

/*
 * A full socket has to be locked, without the lock of its bucket: it and its namespace are held. Not
 * by lock_sock(): who owns a socket may do so for ever (its text comes from a page that does not),
 * and who closes a listener does not expect that anybody owns a child that nobody has accepted.
 */
static bool adopt_full(struct sock *sk, bool expected)
{
	bool free;

	local_bh_disable();
	bh_lock_sock(sk);
	free = !sock_owned_by_user(sk);
	if (free)
		tcps_evidence_adopt(sk, expected);
	bh_unlock_sock(sk);
	local_bh_enable();
	return free;
}

/* Since it was held: a minisock that this walk has not seen may have taken its place. */
static bool has_ended(const struct sock *sk)
{
	return READ_ONCE(sk->sk_state) == TCP_CLOSE;
}

static bool hold(struct sock *sk)
{
	if (!maybe_get_net(sock_net(sk)))
		return false;
	if (refcount_inc_not_zero(&sk->sk_refcnt))
		return true;
	put_net(sock_net(sk));
	return false;
}

static void let_go(struct sock *sk)
{
	struct net *net = sock_net(sk);

	sock_put(sk);
	put_net(net);
}

/* Full sockets that somebody owns just now, or that have no tuple yet: held, and tried again. */
struct later {
	struct list_head node;
	struct sock *sk;
	unsigned int tries;
};

static LIST_HEAD(waiting);
static bool walked;	/* through all tables: who is not waited for has been found */
static unsigned long walked_at;
static DEFINE_SPINLOCK(waiting_lock);
static void adopt_waiting(struct work_struct *work);
static void seed_bucket_of(const struct sock *sk);
static DECLARE_DELAYED_WORK(later_work, adopt_waiting);

static void wait_for(struct later *later, unsigned long delay)
{
	spin_lock_bh(&waiting_lock);
	list_add_tail(&later->node, &waiting);
	spin_unlock_bh(&waiting_lock);
	queue_delayed_work(system_unbound_wq, &later_work, delay);
}

/* Those that are left over the sweep will find. */
static void adopt_waiting(struct work_struct *work)
{
	struct later *later, *tmp;
	LIST_HEAD(list);

	if (tcps_record_waits()) {
		queue_delayed_work(system_unbound_wq, &later_work, LATER_TICK);
		return;
	}
	spin_lock_bh(&waiting_lock);
	list_splice_init(&waiting, &list);
	spin_unlock_bh(&waiting_lock);
	list_for_each_entry_safe(later, tmp, &list, node) {
		list_del(&later->node);
		if (!adopt_full(later->sk, true) && ++later->tries < LATER_TRIES) {
			wait_for(later, LATER_TICK);
			continue;
		}
		if (has_ended(later->sk))
			seed_bucket_of(later->sk);
		let_go(later->sk);
		kfree(later);
	}
	spin_lock_bh(&waiting_lock);
	/* Those that begin later are waited for, too, but not for ever. */
	if (walked && (list_empty(&waiting) || time_after(jiffies, walked_at + HZ)))
		WRITE_ONCE(tcps_seeding, false);
	spin_unlock_bh(&waiting_lock);
}

void tcps_seed_later(struct sock *sk)
{
	struct later *later = kzalloc(sizeof(*later), GFP_ATOMIC | __GFP_NOWARN);

	if (!later)
		return;	/* the sweep will find it */
	later->sk = sk;
	if (hold(sk))
		wait_for(later, 0);
	else
		kfree(later);
}

void tcps_seed_begin(void)
{
	walked = false;
	WRITE_ONCE(tcps_seeding, true);
}

void tcps_seed_stop(void)
{
	struct later *later, *tmp;

	cancel_delayed_work_sync(&later_work);
	WRITE_ONCE(tcps_seeding, false);
	list_for_each_entry_safe(later, tmp, &waiting, node) {
		let_go(later->sk);
		kfree(later);
	}
	INIT_LIST_HEAD(&waiting);
}

/* Returns whether there may be more. */
static bool walk_bucket(struct inet_hashinfo *table, unsigned int bucket, bool expected)
{
	spinlock_t *lock = inet_ehash_lockp(table, bucket);
	const struct hlist_nulls_node *node;
	struct sock *held[HELD], *sk;
	unsigned int n = 0, i;
	bool again = false;

	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &table->ehash[bucket].chain) {
		if (tcps_evidence_knows(sk))
			continue;
		if (!sk_fullsock(sk))
			tcps_evidence_adopt(sk, expected);
		else if (n < HELD && hold(sk))
			held[n++] = sk;
	}
	spin_unlock_bh(lock);
	for (i = 0; i < n; i++) {
		if (!adopt_full(held[i], expected) && expected)
			tcps_seed_later(held[i]);
		again |= has_ended(held[i]);
		let_go(held[i]);
	}
	return again || n == HELD;
}

static void seed_bucket(const struct tcps_net *tn, unsigned int bucket, bool expected)
{
	struct inet_hashinfo *table = table_of(tn->net);
	unsigned int round;

	if (hlist_nulls_empty(&table->ehash[bucket].chain))
		return;
	for (round = 0; round < ROUNDS && walk_bucket(table, bucket, expected); round++)
		cond_resched();
}

static void seed_bucket_of(const struct sock *sk)
{
	const struct tcps_net *tn = tcps_net_of(sock_net(sk));

	seed_bucket(tn, READ_ONCE(sk->sk_hash) & (tcps_seed_buckets(tn) - 1), true);
}

void tcps_seed_bucket(const struct tcps_net *tn, unsigned int bucket)
{
	seed_bucket(tn, bucket, false);
}

void tcps_seed_listeners(void)
{
	struct inet_hashinfo *table = table_of(&init_net);	/* only established sockets have others */
	const struct hlist_nulls_node *node;
	unsigned int i;
	struct sock *sk;

	for (i = 0; i <= table->lhash2_mask; i++) {
		struct inet_listen_hashbucket *bucket = &table->lhash2[i];

		if (hlist_nulls_empty(&bucket->nulls_head))
			continue;
		/* A listener that closes leaves the table before it says so. */
		spin_lock_bh(&bucket->lock);
		sk_nulls_for_each(sk, node, &bucket->nulls_head)
			tcps_evidence_adopt(sk, true);
		spin_unlock_bh(&bucket->lock);
		cond_resched();
	}
}

void tcps_seed_one(struct tcps_net *tn, const struct tcps_key *key)
{
	struct sock *sk = tcps_socket_get(tn, key);

	if (tcps_is_full(sk))
		adopt_full(sk, false);
	if (sk)
		sock_gen_put(sk);
}

/* Whatever it is bound to now */
static bool has_tuple(const struct sock *sk, const struct tcps_net *tn, const struct tcps_key *key)
{
	struct tcps_key now = *key;

	now.scope = sk->sk_bound_dev_if;
	return tcps_socket_has(sk, tn, &now);
}

bool tcps_seed_search(const struct tcps_net *tn, const struct tcps_key *key, const void *owner)
{
	struct inet_hashinfo *table = table_of(tn->net);
	unsigned int bucket = tcps_socket_bucket(tn, key);
	spinlock_t *lock = inet_ehash_lockp(table, bucket);
	const struct hlist_nulls_node *node;
	struct sock *sk, *found = NULL;

	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &table->ehash[bucket].chain) {
		if (sk == owner && sk_fullsock(sk) && has_tuple(sk, tn, key) && hold(sk)) {
			found = sk;
			break;
		}
	}
	spin_unlock_bh(lock);
	if (!found)
		return false;
	adopt_full(found, false);
	let_go(found);
	return true;
}

static void seed_table(struct tcps_net *tn)
{
	unsigned int bucket;

	for (bucket = 0; bucket < tcps_seed_buckets(tn); bucket++) {
		seed_bucket(tn, bucket, true);
		if (bucket % 256 == 0)
			cond_resched();
	}
	tn->wake_audit(tn);	/* it looks after the table from now on */
}

/*
 * The namespace with a table of its own behind @last, which stays in the list for as long as it is
 * held; NULL: the first one. Takes a reference and drops that to @last.
 */
static struct net *next_owner(struct net *last)
{
	struct net *net, *owner = NULL;
	bool behind = !last;

	down_read(&net_rwsem);
	for_each_net(net) {
		if (behind && table_of(net) != table_of(&init_net))
			owner = maybe_get_net(net);
		if (owner)
			break;
		behind |= net == last;
	}
	up_read(&net_rwsem);
	if (last)
		put_net(last);
	return owner;
}

void tcps_seed_all(void)
{
	struct net *net = NULL;

	seed_table(tcps_net_of(&init_net));
	while ((net = next_owner(net)))
		seed_table(tcps_net_of(net));
	/* Who is waited for is not missed either. */
	spin_lock_bh(&waiting_lock);
	walked = true;
	walked_at = jiffies;
	spin_unlock_bh(&waiting_lock);
	queue_delayed_work(system_unbound_wq, &later_work, 0);
}
