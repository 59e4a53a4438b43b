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

/* A full socket has to be locked, without the lock of its bucket: it and its namespace are held. */
static void adopt_full(struct sock *sk)
{
	lock_sock(sk);
	tcps_evidence_adopt(sk);
	release_sock(sk);
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

static void adopt_held(struct sock *sk)
{
	struct net *net = sock_net(sk);

	adopt_full(sk);
	sock_put(sk);
	put_net(net);
}

/* Returns whether there may be more. */
static bool walk_bucket(struct inet_hashinfo *table, unsigned int bucket)
{
	spinlock_t *lock = inet_ehash_lockp(table, bucket);
	const struct hlist_nulls_node *node;
	struct sock *held[HELD], *sk;
	unsigned int n = 0, i;

	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &table->ehash[bucket].chain) {
		if (tcps_evidence_knows(sk))
			continue;
		if (!sk_fullsock(sk))
			tcps_evidence_adopt(sk);
		else if (n < HELD && hold(sk))
			held[n++] = sk;
	}
	spin_unlock_bh(lock);
	for (i = 0; i < n; i++)
		adopt_held(held[i]);
	return n == HELD;
}

void tcps_seed_bucket(const struct tcps_net *tn, unsigned int bucket)
{
	struct inet_hashinfo *table = table_of(tn->net);
	unsigned int round;

	if (hlist_nulls_empty(&table->ehash[bucket].chain))
		return;
	for (round = 0; round < ROUNDS && walk_bucket(table, bucket); round++)
		cond_resched();
}

void tcps_seed_listeners(const struct tcps_net *tn)
{
	struct inet_hashinfo *table = table_of(tn->net);
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
			tcps_evidence_adopt(sk);
		spin_unlock_bh(&bucket->lock);
		cond_resched();
	}
}

void tcps_seed_one(struct tcps_net *tn, const struct tcps_key *key)
{
	struct sock *sk = tcps_socket_get(tn, key);

	if (tcps_is_full(sk))
		adopt_full(sk);
	if (sk)
		sock_gen_put(sk);
}

/* The socket at @owner, if it is in this bucket, with references. */
static struct sock *find_in_bucket(struct inet_hashinfo *table, unsigned int bucket,
				   const void *owner)
{
	spinlock_t *lock = inet_ehash_lockp(table, bucket);
	const struct hlist_nulls_node *node;
	struct sock *sk, *found = NULL;

	if (hlist_nulls_empty(&table->ehash[bucket].chain))
		return NULL;
	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &table->ehash[bucket].chain) {
		if (sk == owner && sk_fullsock(sk) && hold(sk))
			found = sk;
	}
	spin_unlock_bh(lock);
	return found;
}

bool tcps_seed_search(const struct tcps_net *tn, const void *owner)
{
	struct inet_hashinfo *table = table_of(tn->net);
	struct sock *sk = NULL;
	unsigned int bucket;

	for (bucket = 0; bucket <= table->ehash_mask && !sk; bucket++) {
		sk = find_in_bucket(table, bucket, owner);
		if (bucket % 1024 == 0)
			cond_resched();
	}
	if (sk)
		adopt_held(sk);
	return sk;
}

struct later {
	struct list_head node;
	struct sock *sk;
};

static LIST_HEAD(waiting);
static DEFINE_SPINLOCK(waiting_lock);

static void adopt_waiting(struct work_struct *work)
{
	struct later *later, *tmp;
	LIST_HEAD(list);

	spin_lock_bh(&waiting_lock);
	list_splice_init(&waiting, &list);
	spin_unlock_bh(&waiting_lock);
	list_for_each_entry_safe(later, tmp, &list, node) {
		adopt_held(later->sk);
		kfree(later);
	}
}

static DECLARE_WORK(later_work, adopt_waiting);

void tcps_seed_later(struct sock *sk)
{
	struct later *later = kmalloc(sizeof(*later), GFP_ATOMIC | __GFP_NOWARN);

	if (!later)
		return;	/* the sweep will find it */
	later->sk = sk;
	if (!hold(sk)) {
		kfree(later);
		return;
	}
	spin_lock_bh(&waiting_lock);
	list_add_tail(&later->node, &waiting);
	spin_unlock_bh(&waiting_lock);
	queue_work(system_unbound_wq, &later_work);
}

void tcps_seed_flush(void)
{
	flush_work(&later_work);
}

static void seed_table(const struct tcps_net *tn)
{
	unsigned int bucket;

	for (bucket = 0; bucket < tcps_seed_buckets(tn); bucket++) {
		tcps_seed_bucket(tn, bucket);
		if (bucket % 1024 == 0)
			cond_resched();
	}
	tcps_seed_listeners(tn);
}

/* The namespace with a table of its own behind the first @skip of them, with a reference. */
static struct net *next_owner(unsigned int skip)
{
	struct net *net, *owner = NULL;

	down_read(&net_rwsem);
	for_each_net(net) {
		if (table_of(net) == table_of(&init_net) || skip--)
			continue;
		owner = maybe_get_net(net);
		break;
	}
	up_read(&net_rwsem);
	return owner;
}

void tcps_seed_all(void)
{
	unsigned int skip = 0;
	struct net *net;

	WRITE_ONCE(tcps_seeding, true);
	seed_table(tcps_net_of(&init_net));
	while ((net = next_owner(skip++))) {
		seed_table(tcps_net_of(net));
		put_net(net);
	}
	WRITE_ONCE(tcps_seeding, false);
}
