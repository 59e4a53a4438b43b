// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/rcupdate.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "conn.h"
#include "evidence.h"
#include "peer.h"
#include "record.h"
#include "socket.h"
#include "stats.h"

/* Is this full socket what the request of @conn has become? */
static bool is_child(const struct tcps_conn *conn, const struct sock *sk)
{
	return !conn->owner && conn->listed == TCPS_SYN_RECV &&
	       conn->fsm.iss == tcp_sk(sk)->snd_una - 1;
}

/* The record of a full socket that has got into another state than SYN_SENT, if there is room. */
static struct tcps_conn *of_socket(struct tcps_slot *slot, struct tcps_net *tn,
				   const struct tcps_key *key, const struct sock *sk, u8 from,
				   u8 to, struct tcps_report *report)
{
	struct tcps_conn *conn = tcps_record_of(slot, tn, key, sk);
	struct tcps_snapshot snap;

	if (conn)
		return conn;
	conn = tcps_conn_find_sender(slot, tn, key);
	if (conn && is_child(conn, sk)) {
		tcps_record_bind(slot, conn, sk);
		return conn;
	}
	if (conn)	/* whose end has not been told yet, or never is */
		tcps_record_end(slot, conn, TCPS_EV_GONE, report);
	if (!tcps_socket_read(sk, to, &snap))
		return NULL;
	conn = tcps_record_found(slot, tn, key, &snap, report);
	/* A cookie came back, or TCP_REPAIR; others should have had one. */
	if (conn && from != TCPS_SYN_RECV && from != TCPS_SYN_SENT)
		tcps_record_missed(tn, to);
	return conn;
}

static void moved(struct tcps_slot *slot, struct tcps_net *tn, const struct tcps_key *key,
		  const struct sock *sk, u8 from, u8 to, struct tcps_report *report)
{
	struct tcps_conn *conn = of_socket(slot, tn, key, sk, from, to, report);

	if (!conn || conn->listed == to)
		return;
	if (conn->listed != from && !READ_ONCE(tcps_seeding))
		tcps_stats_diverged(tn, TCPS_CORRECT_SOCKET, conn->listed, from);
	tcps_record_enter(slot, conn, to, tcps_fsm_cause(conn->listed, to) ?: TCPS_EV_REPAIRED, report);
	tcps_record_seat(slot, conn, to, report);
	if (to == TCPS_ESTABLISHED)
		tcps_peer_stamps(conn, tcps_socket_stamps(sk));
}

/* The full socket is no more, or goes on as minisock @seen. */
static void replaced(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_seen *seen,
		     u32 expires, enum tcps_event event, struct tcps_report *report)
{
	if (seen->kind != TCPS_MINISOCK) {
		tcps_record_end(slot, conn, event, report);
		return;
	}
	event = tcps_fsm_cause(conn->listed, seen->state) ?: TCPS_EV_REPAIRED;
	tcps_record_enter(slot, conn, seen->state, event, report);
	tcps_conn_bind(slot, conn, NULL);
	/*
	 * Nothing tells when this is over; TIME_WAIT has a list of its own. A FIN that has been at
	 * LOCAL_IN may be just before the minisock.
	 */
	if (seen->state == TCPS_FIN_WAIT2 && (conn->fsm.local.flags & TCPS_K_FIN_RCVD))
		tcps_conn_set_due(slot, conn, TCPS_DUE_RETRY);
	else if (seen->state == TCPS_FIN_WAIT2)
		conn->expires = expires;
	tcps_record_seat(slot, conn, seen->state, report);
}

static void closed(struct tcps_slot *slot, struct tcps_net *tn, const struct tcps_key *key,
		   const struct sock *sk, u8 from, const struct sock *now,
		   struct tcps_report *report)
{
	struct tcps_conn *conn = tcps_record_of(slot, tn, key, sk);
	struct tcps_seen seen;

	if (conn) {
		/* Read here: what the minisock receives from now on moves the record. */
		seen = tcps_socket_seen(now);
		replaced(slot, conn, &seen, tcps_socket_expires(now),
			 tcps_socket_death(sk, from, &conn->fsm), report);
		return;
	}
	/* The child of a request that has lost the race, or never became more: see what is left. */
	conn = tcps_conn_find_sender(slot, tn, key);
	if (conn && !conn->owner)
		tcps_conn_set_due(slot, conn, TCPS_DUE_NOW);
}

static void no_port(struct tcps_net *tn, const struct tcps_key *key, const struct sock *sk)
{
	struct tcps_holder holder;

	tcps_socket_holder(sk, &holder);
	holder.pid = tcps_socket_connecting(sk);
	tcps_peer_no_port(tn, key, &holder);
}

void tcps_evidence_socket(struct tcps_net *tn, const struct sock *sk, u8 from, u8 to)
{
	struct tcps_report report;
	struct sock *now = NULL;
	struct tcps_slot slot;
	struct tcps_key key;

	/* Without a tuple: connect() before the SYN or without one, a child that is being made. */
	tcps_socket_key(sk, &key);
	/* __inet_hash_connect() has found none; the rest of the tuple is still there. */
	if (from == TCPS_SYN_SENT && to == TCPS_CLOSE && !key.lport)
		no_port(tn, &key, sk);
	if (from == to || to == TCPS_SYN_SENT || from == TCPS_LISTEN || !key.lport)
		return;
	tcps_record_report(&report);
	tcps_record_holder(&report, tn, sk, false);
	/* The minisock is hashed before its socket says CLOSE. */
	if (to == TCPS_CLOSE && (from == TCPS_FIN_WAIT2 || from == TCPS_CLOSING))
		now = tcps_socket_get(tn, &key);
	tcps_conn_lock(&slot, tn, &key);
	if (to == TCPS_CLOSE)
		closed(&slot, tn, &key, sk, from, now, &report);
	else
		moved(&slot, tn, &key, sk, from, to, &report);
	tcps_conn_unlock(&slot);
	if (now)
		sock_gen_put(now);
	tcps_record_tell(tn, &key, &report);
}

/* The record of a listener: known by its socket, as several can be at one address. */
static struct tcps_conn *listener(struct tcps_slot *slot, struct tcps_net *tn,
				  const struct tcps_key *key, const struct sock *sk,
				  enum tcps_event event, struct tcps_report *report)
{
	struct tcps_conn *conn = tcps_conn_create(slot, tn, key);

	report->untracked = !conn;
	if (!conn)
		return NULL;
	conn->fsm.local.state = TCPS_LISTEN;
	conn->fsm.remote.state = TCPS_CLOSE;
	tcps_record_enter(slot, conn, TCPS_LISTEN, event, report);
	tcps_conn_bind(slot, conn, sk);
	return conn;
}

bool tcps_evidence_listen(struct tcps_net *tn, const struct sock *sk, bool listens)
{
	struct tcps_report report;
	struct tcps_conn *conn;
	struct tcps_slot slot;
	struct tcps_key key;

	tcps_socket_key(sk, &key);
	/* listen() without bind(): the port comes after this; what is there is an old one. */
	if (listens)
		key.lport = sk->sk_num;
	if (!key.lport)
		return listens;
	tcps_record_report(&report);
	tcps_record_holder(&report, tn, sk, false);
	tcps_conn_lock(&slot, tn, &key);
	conn = tcps_conn_find_owner(&slot, tn, &key, sk);
	if (listens && !conn)
		listener(&slot, tn, &key, sk, TCPS_EV_LISTEN, &report);
	else if (!listens && conn)
		tcps_record_end(&slot, conn, TCPS_EV_GONE, &report);
	tcps_conn_unlock(&slot);
	tcps_record_tell(tn, &key, &report);
	return false;
}

/* The record of a socket in the tables that has none, or has one that is wrong. */
static void adopt(struct tcps_slot *slot, struct tcps_net *tn, const struct tcps_key *key,
		  const struct sock *sk, const struct tcps_snapshot *snap, bool expected,
		  struct tcps_report *report)
{
	bool full = snap->seen.kind == TCPS_FULL;
	u8 state = snap->seen.state;
	struct tcps_conn *conn;

	conn = full ? tcps_record_of(slot, tn, key, sk) : NULL;
	if (conn) {
		if (conn->listed == state)
			return;
		if (!expected)
			tcps_stats_diverged(tn, TCPS_CORRECT_SOCKET, conn->listed, state);
		tcps_record_enter(slot, conn, state, TCPS_EV_REPAIRED, report);
		tcps_record_seat(slot, conn, state, report);
		return;
	}
	conn = tcps_conn_find_sender(slot, tn, key);
	if (conn && !full)	/* the audit compares it */
		return;
	if (conn && !conn->owner && conn->listed == state) {
		tcps_record_bind(slot, conn, sk);
		return;
	}
	if (conn) {
		/* A minisock may have been reused by one that has not sent its SYN. */
		if (!expected && (conn->owner || state != TCPS_SYN_SENT))
			tcps_stats_diverged(tn, TCPS_CORRECT_SOCKET, conn->listed, TCPS_CLOSE);
		tcps_record_end(slot, conn, TCPS_EV_GONE, report);
	}
	conn = tcps_record_found(slot, tn, key, snap, report);
	if (!conn)
		return;
	conn->at_least = true;
	conn->expires = tcps_socket_expires(sk);
	if (!full && state != TCPS_SYN_RECV)
		tcps_conn_set_due(slot, conn, TCPS_DUE_SHORT);
	/*
	 * A socket goes to SYN_SENT before it has a tuple to tell, a request socket is in the table
	 * before its SYN-ACK has been at LOCAL_OUT.
	 */
	if (!expected && state != TCPS_SYN_SENT && (full || state != TCPS_SYN_RECV))
		tcps_record_missed(tn, state);
}

/* Likewise a listener; without a tuple's port it has none yet. */
static void adopt_listener(struct tcps_slot *slot, struct tcps_net *tn,
			   const struct tcps_key *key, const struct sock *sk,
			   struct tcps_report *report)
{
	struct tcps_conn *conn = tcps_record_of(slot, tn, key, sk);

	if (conn)
		return;
	conn = listener(slot, tn, key, sk, TCPS_EV_FOUND, report);
	if (conn)
		conn->at_least = true;
}

static void adopt_in(struct tcps_net *tn, const struct sock *sk, bool expected)
{
	struct tcps_snapshot snap;
	struct tcps_report report;
	struct tcps_slot slot;
	struct tcps_key key;
	bool open;

	tcps_socket_key(sk, &key);
	open = tcps_socket_read(sk, 0, &snap);
	if (!key.lport || (!open && snap.seen.state != TCPS_LISTEN))
		return;
	tcps_record_report(&report);
	tcps_record_holder(&report, tn, sk, true);
	tcps_conn_lock(&slot, tn, &key);
	if (open)
		adopt(&slot, tn, &key, sk, &snap, expected, &report);
	else
		adopt_listener(&slot, tn, &key, sk, &report);
	tcps_conn_unlock(&slot);
	report.untracked = false;	/* counted when it should have begun */
	tcps_record_tell(tn, &key, &report);
	tn->wake_audit(tn);
}

void tcps_evidence_adopt(const struct sock *sk, bool expected)
{
	struct tcps_net *tn;

	rcu_read_lock();
	tn = tcps_live_net_of(sock_net(sk));
	if (tn)
		adopt_in(tn, sk, expected);
	rcu_read_unlock();
}

static bool knows_in(struct tcps_net *tn, const struct sock *sk)
{
	struct tcps_conn *conn;
	struct tcps_slot slot;
	struct tcps_key key;
	bool known;

	tcps_socket_key(sk, &key);
	tcps_conn_lock(&slot, tn, &key);
	if (sk_fullsock(sk))
		conn = tcps_conn_find_owner(&slot, tn, &key, sk);
	else
		conn = tcps_conn_find_sender(&slot, tn, &key);
	known = conn && conn->key.scope == key.scope;
	tcps_conn_unlock(&slot);
	return known;
}

bool tcps_evidence_knows(const struct sock *sk)
{
	struct tcps_net *tn;
	bool known;

	rcu_read_lock();
	tn = tcps_live_net_of(sock_net(sk));
	known = !tn || knows_in(tn, sk);
	rcu_read_unlock();
	return known;
}

/* No socket has the tuple of @conn any more. */
static void gone(struct tcps_slot *slot, struct tcps_conn *conn, struct tcps_report *report)
{
	static const u64 time_wait_ns = TCP_TIMEWAIT_LEN / HZ * (u64)NSEC_PER_SEC;
	bool over = ktime_get_boottime_ns() - conn->since >= time_wait_ns || conn->at_least;
	enum tcps_event event = TCPS_EV_GONE;

	if (conn->listed == TCPS_TIME_WAIT && over)
		event = TCPS_EV_EXPIRE;
	else if (tcps_by_sockets && !conn->owner && conn->fsm.local.state == TCPS_CLOSE)
		event = TCPS_EV_RCV_RST;
	if (tcps_by_sockets && event == TCPS_EV_GONE)
		tcps_stats_diverged(conn->tn, conn->owner ? TCPS_CORRECT_SOCKET :
				    conn->listed == TCPS_SYN_RECV ? TCPS_CORRECT_REQUEST :
				    TCPS_CORRECT_MINISOCK, conn->listed, TCPS_CLOSE);
	tcps_record_end(slot, conn, event, report);
}

/* A minisock has the tuple of @conn, and is not what the record says. */
static void is_minisock(struct tcps_slot *slot, struct tcps_conn *conn,
			const struct tcps_seen *seen, struct tcps_report *report)
{
	tcps_stats_diverged(conn->tn, conn->owner ? TCPS_CORRECT_SOCKET : TCPS_CORRECT_MINISOCK,
			    conn->listed, seen->state);
	replaced(slot, conn, seen, 0, TCPS_EV_NONE, report);
}

static bool fits(const struct tcps_conn *conn, const struct tcps_seen *seen)
{
	if (!tcps_by_sockets)
		return seen->kind &&
		       (conn->listed != TCPS_TIME_WAIT || seen->kind == TCPS_MINISOCK);
	return seen->kind && seen->state == conn->listed &&
	       conn->owner == (seen->kind == TCPS_FULL ? seen->sk : NULL);
}

/* The record that was copied into @item, if nothing has happened to it since. */
static struct tcps_conn *unchanged(struct tcps_slot *slot, const struct tcps_net *tn,
				   const struct tcps_item *item)
{
	struct tcps_conn *conn;

	conn = item->owner ? tcps_conn_find_owner(slot, tn, &item->key, item->owner) :
			     tcps_conn_find_sender(slot, tn, &item->key);
	return conn && conn->version == item->version ? conn : NULL;
}

enum tcps_remedy tcps_evidence_seen(struct tcps_net *tn, const struct tcps_item *item,
				    const struct tcps_seen *seen)
{
	enum tcps_remedy remedy = TCPS_REMEDY_NONE;
	struct tcps_report report;
	struct tcps_conn *conn;
	struct tcps_slot slot;

	tcps_record_report(&report);
	tcps_conn_lock(&slot, tn, &item->key);
	conn = unchanged(&slot, tn, item);
	if (!conn) {
		;
	} else if (fits(conn, seen)) {
		conn->suspect = false;
		if (conn->owner && conn->key.scope != seen->scope)	/* a listener */
			tcps_conn_rebind(&slot, conn, seen->scope);
	} else if (conn->owner && !conn->suspect) {
		/* What its socket is about to tell, on another CPU, comes first. */
		conn->suspect = true;
		tcps_conn_set_due(&slot, conn, TCPS_DUE_RETRY);
	} else if (tcps_by_sockets && seen->kind == TCPS_FULL) {
		remedy = TCPS_REMEDY_ADOPT;
	} else if (conn->owner && !seen->kind && conn->listed != TCPS_LISTEN) {
		remedy = TCPS_REMEDY_SEARCH;
	} else if (tcps_by_sockets && seen->kind == TCPS_MINISOCK) {
		is_minisock(&slot, conn, seen, &report);
	} else {
		gone(&slot, conn, &report);
	}
	tcps_conn_unlock(&slot);
	tcps_record_tell(tn, &item->key, &report);
	return remedy;
}

void tcps_evidence_gone(struct tcps_net *tn, const struct tcps_item *item)
{
	struct tcps_report report;
	struct tcps_conn *conn;
	struct tcps_slot slot;

	tcps_record_report(&report);
	tcps_conn_lock(&slot, tn, &item->key);
	conn = unchanged(&slot, tn, item);
	if (conn)
		gone(&slot, conn, &report);
	tcps_conn_unlock(&slot);
	tcps_record_tell(tn, &item->key, &report);
}
