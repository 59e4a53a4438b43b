/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's own sockets say of an endpoint: its name, its state, its sequence numbers, and
 * who holds it. Looks and reads only.
 */
#ifndef TCPSTATE_SOCKET_H
#define TCPSTATE_SOCKET_H

#include <net/sock.h>

#include "fsm/fsm.h"
#include "tcpstate.h"

/* What the kernel holds for an endpoint; the numbers are the netlink spec's (socket-kind). */
enum tcps_kind { TCPS_NO_SOCKET, TCPS_FULL, TCPS_REQUEST, TCPS_MINISOCK };

/**
 * struct tcps_seen - a socket, seen for a moment
 * @sk:		to be compared with struct tcps_conn.owner; NULL without one
 * @kind:	enum tcps_kind
 * @scope:	interface that it is bound to, or 0
 * @state:	the state that it stands for: of a minisock its substate, SYN_RECV of a request
 */
struct tcps_seen {
	const void *sk;
	int scope;
	u8 kind;
	u8 state;
};

/**
 * struct tcps_snapshot - all that a socket says of its connection
 * @opening:	it is in SYN_SENT or SYN_RECV: @open is the segment that began it, and @found holds
 *		nothing
 * @early:	its port was bound before it was connected, or is that of a listener
 * @stamps:	the far end has timestamps
 */
struct tcps_snapshot {
	struct tcps_seen seen;
	bool opening;
	bool early;
	bool stamps;
	struct tcps_seg open;
	struct tcps_found found;
};

static inline bool tcps_is_full(const struct sock *sk)
{
	return sk && sk_fullsock(sk);
}

/**
 * tcps_socket_key() - what names the endpoint of a socket
 * @sk:		full socket, listener, request socket or minisock
 * @key:	result; of a listener the remote end is 0. The local port is 0 while the socket has none
 *
 * Context: any; the socket's tuple does not change meanwhile.
 */
void tcps_socket_key(const struct sock *sk, struct tcps_key *key);

/* The bucket of the established table that the tuple is in, whatever its scope. */
unsigned int tcps_socket_bucket(const struct tcps_net *tn, const struct tcps_key *key);

/* Is this its tuple, namespace and scope? Context: a reference or a lock keeps @sk. */
bool tcps_socket_has(const struct sock *sk, const struct tcps_net *tn, const struct tcps_key *key);

/**
 * tcps_socket_get() - the socket of an endpoint in the established table
 * @tn:		namespace
 * @key:	endpoint
 *
 * Full sockets, request sockets and minisocks, of the scope of @key only. Context: process or
 * softirq, without a shard's lock. Does not sleep.
 * Return: with a reference, for sock_gen_put() without a shard's lock; or NULL.
 */
struct sock *tcps_socket_get(const struct tcps_net *tn, const struct tcps_key *key);

/* What @sk is now; NULL: TCPS_NO_SOCKET. Context: any; a reference or a lock keeps it. */
struct tcps_seen tcps_socket_seen(const struct sock *sk);

/**
 * tcps_socket_look() - the same of whatever has the tuple of an endpoint
 * @tn:		namespace
 * @key:	endpoint
 *
 * Looks twice before it says that there is none. Context: process or softirq, without a shard's
 * lock. Does not sleep.
 */
struct tcps_seen tcps_socket_look(const struct tcps_net *tn, const struct tcps_key *key);

/* The same of the listening socket at @key that is @listener, which is only compared. */
struct tcps_seen tcps_socket_look_listener(const struct tcps_net *tn, const struct tcps_key *key,
					   const void *listener);

/**
 * tcps_socket_read() - take a snapshot of a connection
 * @sk:		full socket locked by whoever calls, or request socket or minisock under the lock of its
 *		bucket, or from its own LOCAL_OUT
 * @state:	state that it is entering, or 0: the one it is in
 * @snap:	result
 *
 * Return: false where it is in no connection.
 */
bool tcps_socket_read(const struct sock *sk, u8 state, struct tcps_snapshot *snap);

/**
 * tcps_socket_backlogged() - may segments wait for this socket that it has not seen?
 * @sk:		full socket
 */
bool tcps_socket_backlogged(const struct sock *sk);

/**
 * tcps_socket_death() - why a socket goes from @from to CLOSE
 * @sk:		full socket in the tracepoint
 * @from:	its state until now
 * @m:		its machine: a RST or the last ACK may have been seen
 *
 * Return: the event. Source: tcp_reset(), tcp_write_err(), tcp_abort(), __tcp_close(),
 * tcp_disconnect().
 */
enum tcps_event tcps_socket_death(const struct sock *sk, u8 from, const struct tcps_fsm *m);

/* When a minisock's time is over, jiffies, never 0; 0 for another socket, or NULL. */
u32 tcps_socket_expires(const struct sock *sk);

/* Who holds a full socket. Context: any but under sk_callback_lock or a shard's lock. */
void tcps_socket_holder(const struct sock *sk, struct tcps_holder *holder);

/**
 * tcps_socket_find_holder() - what the kernel holds for an endpoint, and for whom
 * @tn:		namespace
 * @key:	endpoint
 * @listener:	the listening socket, which is only compared; NULL: not a listener
 * @holder:	result
 *
 * Context: process. Does not sleep.
 * Return: enum tcps_kind.
 */
enum tcps_kind tcps_socket_find_holder(const struct tcps_net *tn, const struct tcps_key *key,
				       const void *listener, struct tcps_holder *holder);

/*
 * Will this socket, which is within connect(), perhaps not send its SYN before it is written to?
 * (TCP_FASTOPEN_CONNECT)
 */
bool tcps_socket_defers(const struct sock *sk);

/*
 * The process that is within connect() on @sk, which may be NULL or a request socket, in the initial
 * pid namespace; 0: none.
 */
u32 tcps_socket_connecting(const struct sock *sk);

/*
 * Was the port of this socket, which may be NULL or none that is full, taken by bind() or listen()
 * and not by connect()? Then it is taken for every destination.
 */
bool tcps_socket_bound_early(const struct sock *sk);

/* Does the far end of this full socket, which is or was open, have timestamps? */
bool tcps_socket_stamps(const struct sock *sk);

/**
 * struct tcps_listening - what the listening sockets of one address and port say
 * @sockets:	how many there are
 * @queue:	connections not yet accepted, of the one whose accept queue is fullest
 * @backlog:	connections that this can hold
 * @drops:	connections dropped, of all of them
 * @waiting_ns:	how long the oldest connection has been in that queue, 0: none is there
 * @holder:	who has that one
 */
struct tcps_listening {
	u32 sockets;
	u32 queue;
	u32 backlog;
	u64 drops;
	u64 waiting_ns;
	struct tcps_holder holder;
};

/* Context: process. Does not sleep. */
void tcps_socket_listening(const struct tcps_net *tn, const struct tcps_key *key,
			   struct tcps_listening *result);

/**
 * struct tcps_idleness - what has happened lately in a connection whose far end has closed
 * @idle_ns:	since it last sent; 0 where it has something to send, or where data moves beside TCP
 * @unread:	bytes that its holder has not read, the far end's FIN is one
 * @holder:	who has it; no inode: it has not been accepted
 */
struct tcps_idleness {
	u64 idle_ns;
	u32 unread;
	struct tcps_holder holder;
};

/* False where no full socket has the tuple. Context: process. Does not sleep. */
bool tcps_socket_idleness(const struct tcps_net *tn, const struct tcps_key *key,
			  struct tcps_idleness *result);

#endif
