// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rhashtable.h>
#include <linux/slab.h>
#include <net/ip.h>
#include <net/ipv6.h>

#include "peer.h"

#define MOVED	0	/* bit of tcps_peer.flags */

/**
 * struct tcps_peers - the peers of one namespace
 * @table:	by key
 * @lock:	protects adding and removing, @all and @n; taken inside a shard's lock
 * @all:	in the order of their making
 * @n:		how many
 * @refused:	endpoints that found no place
 * @moved:	those that have moved since the last evaluation
 */
struct tcps_peers {
	struct rhashtable table;
	spinlock_t lock;
	struct list_head all;
	unsigned int n;
	atomic_t refused;
	struct llist_head moved;
};

static const struct rhashtable_params table_params = {
	.head_offset = offsetof(struct tcps_peer, node),
	.key_offset = offsetof(struct tcps_peer, key),
	.key_len = sizeof(struct tcps_peer_key),
	.automatic_shrinking = true,
};

unsigned int tcps_peer_limit(const struct tcps_net *tn)
{
	return net_eq(tn->net, &init_net) ? TCPS_PEERS_MAX : TCPS_PEERS_MAX_OTHER;
}

unsigned int tcps_peer_number(const struct tcps_net *tn)
{
	return READ_ONCE(tn->peers->n);
}

unsigned int tcps_peer_refused(const struct tcps_net *tn)
{
	return atomic_read(&tn->peers->refused);
}

/* With a reference, or NULL. */
static struct tcps_peer *find(struct tcps_net *tn, const struct tcps_peer_key *key)
{
	struct tcps_peer *peer;

	rcu_read_lock();
	peer = rhashtable_lookup(&tn->peers->table, key, table_params);
	if (peer && !refcount_inc_not_zero(&peer->refs))
		peer = NULL;
	rcu_read_unlock();
	return peer;
}

/* Under the lock, so that one whose last reference is gone is out of the table, too. */
static struct tcps_peer *add(struct tcps_net *tn, const struct tcps_peer_key *key)
{
	struct tcps_peers *peers = tn->peers;
	struct tcps_peer *peer = find(tn, key);

	if (peer)
		return peer;
	if (peers->n >= tcps_peer_limit(tn))
		return NULL;
	peer = kzalloc(sizeof(*peer), GFP_ATOMIC | __GFP_NOWARN);
	if (!peer)
		return NULL;
	peer->tn = tn;
	peer->key = *key;
	peer->asks = key->kind != TCPS_LISTENER;
	xa_init(&peer->uses);
	refcount_set(&peer->refs, 1);
	if (rhashtable_insert_fast(&peers->table, &peer->node, table_params)) {
		kfree(peer);
		return NULL;
	}
	list_add_tail(&peer->all, &peers->all);
	WRITE_ONCE(peers->n, peers->n + 1);
	return peer;
}

/* With a reference; NULL where there is no place. */
static struct tcps_peer *find_or_add(struct tcps_net *tn, const struct tcps_peer_key *key)
{
	struct tcps_peer *peer = find(tn, key);

	if (peer)
		return peer;
	spin_lock_bh(&tn->peers->lock);
	peer = add(tn, key);
	spin_unlock_bh(&tn->peers->lock);
	if (!peer)
		atomic_inc(&tn->peers->refused);
	return peer;
}

/* Out of the table; under the lock. */
static void forget(struct tcps_peers *peers, struct tcps_peer *peer)
{
	rhashtable_remove_fast(&peers->table, &peer->node, table_params);
	list_del(&peer->all);
	WRITE_ONCE(peers->n, peers->n - 1);
}

void tcps_peer_put(struct tcps_peer *peer)
{
	struct tcps_peers *peers = peer->tn->peers;
	struct tcps_peer *pool;
	bool last;

	/* A destination takes its local address along. */
	for (; peer; peer = pool) {
		local_bh_disable();
		last = refcount_dec_and_lock(&peer->refs, &peers->lock);
		if (last) {
			forget(peers, peer);
			spin_unlock(&peers->lock);
		}
		local_bh_enable();
		if (!last)
			return;
		pool = peer->pool;
		kfree_rcu(peer, rcu);
	}
}

static void mark_moved(struct tcps_peer *peer)
{
	if (test_bit(MOVED, &peer->flags) || test_and_set_bit(MOVED, &peer->flags))
		return;
	refcount_inc(&peer->refs);
	if (llist_add(&peer->moved, &peer->tn->peers->moved))
		peer->tn->wake_alert(peer->tn);
}

struct llist_node *tcps_peer_take_moved(struct tcps_net *tn)
{
	return llist_del_all(&tn->peers->moved);
}

void tcps_peer_seen(struct tcps_peer *peer)
{
	clear_bit(MOVED, &peer->flags);
	/* Who finds it set has counted before; who does not marks it anew. */
	smp_mb__after_atomic();
}

/* Which peer */

static struct tcps_peer_key listener_key(const struct in6_addr *addr, u16 port, u16 family)
{
	return (struct tcps_peer_key){
		.laddr = *addr, .lport = port, .family = family, .kind = TCPS_LISTENER,
	};
}

/*
 * Takes the peer with @key in place of @peer, if a socket listens there or there was none. Where a
 * listener is found late (there was no room, or segments alone tell), the own address of a connection
 * stands for it.
 */
static struct tcps_peer *better(struct tcps_net *tn, struct tcps_peer *peer,
				const struct tcps_peer_key *key)
{
	struct tcps_peer *other;

	if (peer && atomic_read(&peer->count[TCPS_LISTEN]))
		return peer;
	other = find(tn, key);
	if (!other)
		return peer;
	if (peer && !atomic_read(&other->count[TCPS_LISTEN]))
		swap(peer, other);
	if (peer)
		tcps_peer_put(peer);
	return other;
}

/*
 * The listener that the local end of @conn belongs to: at its address, or at any, of either family;
 * NULL where there is none.
 */
static struct tcps_peer *listener_of(const struct tcps_conn *conn)
{
	static const struct in6_addr any = IN6ADDR_ANY_INIT;
	struct in6_addr any4;
	struct tcps_peer_key key = listener_key(&conn->key.laddr, conn->key.lport, conn->key.family);
	struct tcps_peer *peer = find(conn->tn, &key);

	if (conn->key.family == AF_INET) {
		ipv6_addr_set_v4mapped(0, &any4);
		key = listener_key(&any4, conn->key.lport, AF_INET);
		peer = better(conn->tn, peer, &key);
	}
	key = listener_key(&any, conn->key.lport, AF_INET6);
	return better(conn->tn, peer, &key);
}

static struct tcps_peer_key destination_key(const struct tcps_key *key)
{
	return (struct tcps_peer_key){
		.laddr = key->laddr, .raddr = key->raddr, .rport = key->rport,
		.family = key->family, .kind = TCPS_DESTINATION,
	};
}

static struct tcps_peer *local_address_of(const struct tcps_peer *destination)
{
	struct tcps_peer_key key = {
		.laddr = destination->key.laddr, .family = destination->key.family,
		.kind = TCPS_LOCAL_ADDRESS,
	};

	return find_or_add(destination->tn, &key);
}

static bool in_port_range(const struct tcps_conn *conn)
{
	int low, high;

	inet_get_local_port_range(conn->tn->net, &low, &high);
	return conn->key.lport >= low && conn->key.lport <= high &&
	       !inet_is_local_reserved_port(conn->tn->net, conn->key.lport);
}

/* False: there is no memory. */
static bool take_port(struct tcps_peer *pool, u16 port)
{
	void *n, *old;

	xa_lock(&pool->uses);
	n = xa_load(&pool->uses, port);
	old = __xa_store(&pool->uses, port, xa_mk_value(n ? xa_to_value(n) + 1 : 1),
			 GFP_ATOMIC | __GFP_NOWARN);
	xa_unlock(&pool->uses);
	if (!n && !xa_err(old))
		atomic_inc(&pool->ports);
	return !xa_err(old);
}

static void give_port(struct tcps_peer *pool, u16 port)
{
	unsigned long n;

	xa_lock(&pool->uses);
	n = xa_to_value(xa_load(&pool->uses, port)) - 1;
	if (n)
		__xa_store(&pool->uses, port, xa_mk_value(n), GFP_ATOMIC);
	else
		__xa_erase(&pool->uses, port);
	xa_unlock(&pool->uses);
	if (!n)
		atomic_dec(&pool->ports);
}

static void join_pool(struct tcps_conn *conn)
{
	struct tcps_peer *peer = conn->peer, *pool = READ_ONCE(peer->pool);

	if (!pool) {
		pool = local_address_of(peer);
		/* Another shard's record may have been first. */
		if (pool && cmpxchg(&peer->pool, NULL, pool))
			tcps_peer_put(pool);
	}
	conn->early = peer->pool && take_port(peer->pool, conn->key.lport);
}

/* Who begins in SYN_RECV has been accepted; of what is found open, its listener tells. */
static void join(struct tcps_conn *conn, u8 to)
{
	struct tcps_peer_key key;
	bool early = conn->early;

	/* A child has its listener's port, which was bound early, too. */
	conn->early = false;
	if (to != TCPS_SYN_SENT && to != TCPS_LISTEN)
		conn->peer = listener_of(conn);
	if (conn->peer)
		return;
	if (to == TCPS_LISTEN || to == TCPS_SYN_RECV)
		key = listener_key(&conn->key.laddr, conn->key.lport, conn->key.family);
	else
		key = destination_key(&conn->key);
	conn->peer = find_or_add(conn->tn, &key);
	if (!conn->peer || key.kind != TCPS_DESTINATION)
		return;
	conn->ranged = in_port_range(conn);
	if (conn->ranged)
		atomic_inc(&conn->peer->ports);
	if (early && conn->ranged)
		join_pool(conn);
}

/* Counts */

static void count(struct tcps_peer *peer, u8 from, u8 to, bool ranged)
{
	if (from && from != TCPS_CLOSE)
		atomic_dec(&peer->count[from]);
	if (to != TCPS_CLOSE)
		atomic_inc(&peer->count[to]);
	if (ranged && to == TCPS_TIME_WAIT) {
		atomic_inc(&peer->tw_ports);
		atomic_inc(&peer->tw_entered);
	} else if (ranged && from == TCPS_TIME_WAIT) {
		atomic_dec(&peer->tw_ports);
	}
	if (from == TCPS_SYN_SENT && to == TCPS_CLOSE)
		atomic_inc(&peer->failed);
	mark_moved(peer);
}

void tcps_peer_move(struct tcps_conn *conn, u8 from, u8 to)
{
	if (!conn->peer && to != TCPS_CLOSE) {
		join(conn, to);
		from = 0;	/* where there was no place it has not been counted */
	}
	if (!conn->peer)
		return;
	if (to == TCPS_SYN_SENT)
		atomic_inc(&conn->peer->opened);
	count(conn->peer, from, to, conn->ranged);
	if (conn->early)
		count(conn->peer->pool, from, to, true);
}

void tcps_peer_leave(struct tcps_conn *conn)
{
	if (!conn->peer)
		return;
	if (conn->ranged)
		atomic_dec(&conn->peer->ports);
	if (conn->early)
		give_port(conn->peer->pool, conn->key.lport);
	tcps_peer_put(conn->peer);
	conn->peer = NULL;
	conn->ranged = false;
	conn->early = false;
}

/* Callers */

static void note_caller(struct tcps_peer *peer, const struct tcps_holder *holder)
{
	spin_lock_bh(&peer->tn->peers->lock);
	peer->caller = *holder;
	WRITE_ONCE(peer->asks, false);
	spin_unlock_bh(&peer->tn->peers->lock);
}

void tcps_peer_opened(const struct tcps_conn *conn, const struct tcps_holder *holder)
{
	struct tcps_peer *peer = conn->peer, *pool = conn->early ? peer->pool : NULL;

	if (!peer || !holder->known)
		return;
	if (READ_ONCE(peer->asks))
		note_caller(peer, holder);
	if (pool && READ_ONCE(pool->asks))
		note_caller(pool, holder);
}

void tcps_peer_caller(const struct tcps_peer *peer, struct tcps_holder *caller)
{
	spin_lock_bh(&peer->tn->peers->lock);
	*caller = peer->caller;
	spin_unlock_bh(&peer->tn->peers->lock);
}

void tcps_peer_no_port(struct tcps_net *tn, const struct tcps_key *key,
		       const struct tcps_holder *holder)
{
	struct tcps_peer_key name = destination_key(key);
	struct tcps_peer *peer = find_or_add(tn, &name);

	if (!peer)
		return;
	note_caller(peer, holder);
	atomic_inc(&peer->no_port);
	mark_moved(peer);
	tcps_peer_put(peer);
}

struct tcps_peer *tcps_peer_next(struct tcps_net *tn, struct tcps_peer *last)
{
	struct tcps_peers *peers = tn->peers;
	struct list_head *at = last ? &last->all : &peers->all;
	struct tcps_peer *peer = NULL;

	spin_lock_bh(&peers->lock);
	/* The reference keeps @last in the list; others may be about to leave it. */
	for (at = at->next; at != &peers->all; at = at->next) {
		peer = list_entry(at, struct tcps_peer, all);
		if (refcount_inc_not_zero(&peer->refs))
			break;
		peer = NULL;
	}
	spin_unlock_bh(&peers->lock);
	if (last)
		tcps_peer_put(last);
	return peer;
}

void tcps_peer_move_all(struct tcps_net *tn)
{
	struct tcps_peer *peer = NULL;

	while ((peer = tcps_peer_next(tn, peer)))
		mark_moved(peer);
}

int tcps_peer_net_init(struct tcps_net *tn)
{
	struct tcps_peers *peers = kzalloc(sizeof(*peers), GFP_KERNEL_ACCOUNT);
	int err;

	if (!peers)
		return -ENOMEM;
	err = rhashtable_init(&peers->table, &table_params);
	if (err) {
		kfree(peers);
		return err;
	}
	spin_lock_init(&peers->lock);
	INIT_LIST_HEAD(&peers->all);
	init_llist_head(&peers->moved);
	tn->peers = peers;
	return 0;
}

static void free_peer(void *of, void *unused)
{
	struct tcps_peer *peer = of;

	xa_destroy(&peer->uses);
	kfree(peer);
}

void tcps_peer_net_exit(struct tcps_net *tn)
{
	/* First of all waits for the table's own work, which may be moving peers to a larger one. */
	rhashtable_free_and_destroy(&tn->peers->table, free_peer, NULL);
	kfree(tn->peers);
}
