/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Peers: endpoints that are counted together, as an alert would be about all of them. What a listener
 * has accepted; what has been opened from a local address toward a remote address and port; what of a
 * local address has taken its port before connect(), which is then taken for every destination.
 *
 * An endpoint joins when its record gets its first state and leaves when the record ends; in between
 * each transition costs two atomic operations. Documentation/locking.rst has locks and lifetimes.
 */
#ifndef TCPSTATE_PEER_H
#define TCPSTATE_PEER_H

#include <linux/llist.h>
#include <linux/refcount.h>
#include <linux/rhashtable-types.h>
#include <linux/xarray.h>

#include "conn.h"

/* The numbers are the netlink spec's (peer-kind). */
enum tcps_peer_kind { TCPS_LISTENER = 1, TCPS_DESTINATION, TCPS_LOCAL_ADDRESS };

/* Peers that a namespace may have: the initial one, another one. */
#define TCPS_PEERS_MAX		16384
#define TCPS_PEERS_MAX_OTHER	4096

/**
 * struct tcps_peer_key - names a peer within its namespace; hashed as a whole
 * @laddr:	local address; IPv4 as ::ffff:a.b.c.d
 * @raddr:	remote address of a destination, else 0
 * @lport:	local port of a listener, else 0; host order
 * @rport:	remote port of a destination, else 0
 * @family:	AF_INET or AF_INET6, of the address
 * @kind:	enum tcps_peer_kind
 */
struct tcps_peer_key {
	struct in6_addr laddr;
	struct in6_addr raddr;
	u16 lport;
	u16 rport;
	u16 family;
	u16 kind;
};

struct tcps_watched;

/* How far the counters of a peer are no news any more. */
struct tcps_peer_told {
	u32 opened;
	u32 tw_entered;
	u32 failed;
	u32 no_port;
	u64 drops;
	bool listens;	/* @drops were those of a socket */
};

/**
 * struct tcps_peer - some endpoints of a namespace
 * @node:	in the namespace's table
 * @all:	in the list of all of them, in the order of their making
 * @moved:	in the list of those that have moved since the last evaluation
 * @rcu:	frees it
 * @tn:		namespace
 * @key:	what names it; does not change
 * @refs:	a member each, one while it is in @moved, one of whoever watches it
 * @flags:	bit 0: it is in @moved
 * @pool:	of a destination: its local address, once a member has bound its port early
 * @count:	members by local state
 * @ports:	of a destination: members whose local port is in ip_local_port_range; of a local
 *		address: such ports, which several members can share
 * @uses:	of a local address: how many members each of those ports has, by port
 * @tw_ports:	members with such a port that are in TIME_WAIT
 * @tw_entered:	of those, how many have entered TIME_WAIT so far; wraps
 * @opened:	connections opened so far; wraps
 * @failed:	of those, how many have ended in SYN_SENT; wraps
 * @no_port:	attempts to connect that found no local port
 * @stamps:	the far end has timestamps, as it seems
 * @asks:	of a destination or local address: who opens the next connection is to be @caller
 * @caller:	who has opened one of the last; under struct tcps_peers.lock
 * @told:	counters when nobody watched it any more; only for alert.c, like the next one
 * @watched:	what is known from evaluation to evaluation, under its lock
 */
struct tcps_peer {
	struct rhash_head node;
	struct list_head all;
	struct llist_node moved;
	struct rcu_head rcu;
	struct tcps_net *tn;
	struct tcps_peer_key key;
	refcount_t refs;
	unsigned long flags;
	struct tcps_peer *pool;
	atomic_t count[TCPS_STATES];
	atomic_t ports;
	struct xarray uses;
	atomic_t tw_ports;
	atomic_t tw_entered;
	atomic_t opened;
	atomic_t failed;
	atomic_t no_port;
	bool stamps;
	bool asks;
	struct tcps_holder caller;
	struct tcps_peer_told told;
	struct tcps_watched *watched;
};

int tcps_peer_net_init(struct tcps_net *tn);
/* The namespace's records are gone. Context: may sleep. */
void tcps_peer_net_exit(struct tcps_net *tn);

/**
 * tcps_peer_move() - the local end of a record has moved
 * @conn:	record; it joins the peer that it belongs to, if it is in none
 * @from:	old state, 0: it had none
 * @to:		new state
 *
 * Context: under the record's shard lock.
 */
void tcps_peer_move(struct tcps_conn *conn, u8 from, u8 to);

/* The record is about to be freed; it is in no state any more. Context: as above. */
void tcps_peer_leave(struct tcps_conn *conn);

/* @holder has opened the connection of @conn, or been found to have it. Context: as above. */
void tcps_peer_opened(const struct tcps_conn *conn, const struct tcps_holder *holder);

/* A socket of @tn, which is @holder's, was to connect and got no port. @key: but for that. Context: any. */
void tcps_peer_no_port(struct tcps_net *tn, const struct tcps_key *key,
		       const struct tcps_holder *holder);

/*
 * Who has opened one of the last connections of @peer, the first one since tcps_peer_ask(); its socket
 * may be gone. All 0: nobody has been seen. Context: process.
 */
void tcps_peer_caller(const struct tcps_peer *peer, struct tcps_holder *caller);
static inline void tcps_peer_ask(struct tcps_peer *peer)
{
	WRITE_ONCE(peer->asks, true);
}

/* Whether connections of @conn's peer have timestamps. Context: under the record's shard lock. */
static inline void tcps_peer_stamps(const struct tcps_conn *conn, bool stamps)
{
	if (conn->peer && conn->peer->stamps != stamps)
		conn->peer->stamps = stamps;
}

/*
 * Those that have moved since the last call, each with a reference, in no order. Context: process;
 * one at a time for a namespace.
 */
struct llist_node *tcps_peer_take_moved(struct tcps_net *tn);
/* As if all had moved. Context: process. */
void tcps_peer_move_all(struct tcps_net *tn);
/* Before its counts are read: what moves from now on is another time's. */
void tcps_peer_seen(struct tcps_peer *peer);
void tcps_peer_put(struct tcps_peer *peer);

/**
 * tcps_peer_next() - walk over all peers of a namespace
 * @tn:		namespace
 * @last:	the one before, whose reference is dropped; NULL: from the first
 *
 * Context: process. Return: with a reference; NULL at the end, or where @last was the last of those
 * that are left.
 */
struct tcps_peer *tcps_peer_next(struct tcps_net *tn, struct tcps_peer *last);

/* Of a namespace: how many there are, and how many found no place so far. */
unsigned int tcps_peer_number(const struct tcps_net *tn);
unsigned int tcps_peer_refused(const struct tcps_net *tn);
unsigned int tcps_peer_limit(const struct tcps_net *tn);

#endif
