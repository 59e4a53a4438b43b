// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "conn.h"
#include "evidence.h"
#include "fsm/seq.h"
#include "peer.h"
#include "record.h"
#include "socket.h"
#include "stats.h"
#include "track.h"

/*
 * May segments move the local end of @conn? A full socket tells itself; whether a request socket
 * has become one, too, and not what was sent to it (accept queue full, TCP_DEFER_ACCEPT); whether a
 * minisock has survived its RST, the audit.
 */
static bool moved_by_segments(const struct tcps_conn *conn)
{
	return !tcps_by_sockets ||
	       (!conn->owner && conn->listed != TCPS_SYN_RECV && !conn->suspect);
}

/*
 * A minisock in FIN_WAIT2 takes nothing but the FIN that it waits for; it answers new text with a RST and
 * ends (tcp_timewait_state_process()). @rcv_nxt: what it expects.
 */
static bool kills_minisock(const struct tcps_conn *conn, const struct tcps_seg *seg, u32 rcv_nxt)
{
	return tcps_by_sockets && !conn->owner && conn->listed == TCPS_FIN_WAIT2 &&
	       (seg->flags & TCPS_FIN) && tcps_seq_after(seg->seq + seg->len, rcv_nxt);
}

/* Puts what the machine did into effect. Returns whether there still is a record. */
static bool apply(struct tcps_slot *slot, struct tcps_conn *conn, struct tcps_step *step,
		  struct tcps_report *report)
{
	report->invalid |= step->invalid;
	if (!moved_by_segments(conn)) {
		step->doubt |= step->nlocal;
		step->nlocal = 0;
	}
	tcps_record_step(slot, conn, step, report);
	if (step->nlocal && conn->fsm.local.state == TCPS_CLOSE) {
		tcps_record_drop(slot, conn);
		return false;
	}
	if (conn->owner)
		return true;
	/* A RST on another CPU may have ended a connection that was found open, just now. */
	if (report->found)
		tcps_conn_set_due(slot, conn, TCPS_DUE_SHORT);
	/* A doubt that is not settled yet goes first. */
	if (step->restart && tcps_conn_not_due(conn, jiffies))
		tcps_conn_set_due(slot, conn, TCPS_DUE_TIME_WAIT);
	if (step->doubt) {
		conn->expires = 0;
		tcps_conn_set_due(slot, conn, TCPS_DUE_NOW);
	}
	return true;
}

/*
 * A SYN or SYN-ACK with another initial sequence number: the tuple has a new owner, the old one
 * is gone.
 */
static void reopen(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_packet *pkt,
		   struct tcps_step *step, struct tcps_report *report)
{
	tcps_record_enter(slot, conn, TCPS_CLOSE, TCPS_EV_GONE, report);
	tcps_peer_leave(conn);	/* who was accepted may connect now */
	conn->owner = NULL;
	conn->pid = tcps_socket_connecting(pkt->sk);
	conn->early = tcps_socket_bound_early(pkt->sk);
	tcps_fsm_init(&conn->fsm, &pkt->seg);
	tcps_fsm_step(&conn->fsm, &pkt->seg, TCPS_SENT, step);
}

/*
 * A socket sends and has no record: a SYN cookie came back, the connection is older than the
 * module, or the table was full when it began. While it has a backlog, a RST may be in that.
 */
static struct tcps_conn *take_up(struct tcps_slot *slot, struct tcps_net *tn,
				 const struct tcps_packet *pkt, struct tcps_report *report)
{
	struct tcps_snapshot snap;
	struct tcps_conn *conn;
	struct tcps_step step;

	if (!tcps_is_full(pkt->sk) || (!tcps_by_sockets && tcps_socket_backlogged(pkt->sk)) ||
	    !tcps_socket_read(pkt->sk, 0, &snap) || snap.opening)
		return NULL;
	if (tcps_by_sockets) {
		conn = tcps_record_found(slot, tn, &pkt->key, &snap, report);
		if (conn)
			tcps_record_missed(tn, snap.seen.state);
		return conn;
	}
	/* It has got there by way of ESTABLISHED, and the segment itself may go on. */
	conn = tcps_conn_create(slot, tn, &pkt->key);
	if (!conn)
		return NULL;
	tcps_fsm_found(&conn->fsm, &snap.found, &step);
	tcps_record_step(slot, conn, &step, report);
	report->found = true;
	return conn;
}

static struct tcps_conn *begin(struct tcps_slot *slot, struct tcps_net *tn,
			       const struct tcps_packet *pkt, struct tcps_report *report)
{
	struct tcps_conn *conn;

	/* A socket that aborts is not worth a record. */
	if (pkt->seg.flags & TCPS_RST)
		return NULL;
	if (!tcps_fsm_opens(&pkt->seg))
		return take_up(slot, tn, pkt, report);
	conn = tcps_conn_create(slot, tn, &pkt->key);
	if (!conn)
		return NULL;
	tcps_fsm_init(&conn->fsm, &pkt->seg);
	conn->pid = tcps_socket_connecting(pkt->sk);
	conn->early = tcps_socket_bound_early(pkt->sk);
	return conn;
}

/*
 * The record of an endpoint that sends. A socket can be bound to an interface after it was
 * connected. A RST does not tell whose it is: one that no socket sends has no scope, and one that
 * has ended its own record comes again in a VRF. The audit looks what has become of the others.
 */
static struct tcps_conn *find_sender(struct tcps_slot *slot, struct tcps_net *tn,
				     const struct tcps_packet *pkt)
{
	struct tcps_conn *conn = NULL;

	if (tcps_by_sockets && tcps_is_full(pkt->sk))
		conn = tcps_record_of(slot, tn, &pkt->key, pkt->sk);
	if (!conn)
		conn = tcps_conn_find_sender(slot, tn, &pkt->key);
	if (conn || (pkt->seg.flags & TCPS_SYN))
		return conn;
	conn = tcps_conn_find_any_scope(slot, tn, &pkt->key);
	if (!conn)
		return NULL;
	if (pkt->seg.flags & TCPS_RST) {
		if (!conn->owner)
			tcps_conn_set_due(slot, conn, TCPS_DUE_NOW);
		return NULL;
	}
	if (conn->key.scope)
		return NULL;
	tcps_conn_rebind(slot, conn, pkt->key.scope);
	return conn;
}

/*
 * A full socket sends for a record that is not its own, and no SYN says that this one is new: the
 * child of a request socket that answers before it is open, or a record that has no socket yet; else
 * something was missed. Returns the record that is its own now, if any.
 */
static struct tcps_conn *claim(struct tcps_slot *slot, struct tcps_conn *conn,
			       const struct sock *sk, struct tcps_report *report)
{
	if (!conn->owner && conn->listed == READ_ONCE(sk->sk_state)) {
		tcps_record_bind(slot, conn, sk);
		return conn;
	}
	if (!READ_ONCE(tcps_seeding))
		tcps_stats_diverged(conn->tn, TCPS_CORRECT_SOCKET, conn->listed, TCPS_CLOSE);
	tcps_record_end(slot, conn, TCPS_EV_GONE, report);
	return NULL;
}

static struct tcps_conn *sender(struct tcps_slot *slot, struct tcps_net *tn,
				const struct tcps_packet *pkt, struct tcps_report *report)
{
	struct tcps_conn *conn = find_sender(slot, tn, pkt);

	if (conn && tcps_by_sockets && tcps_is_full(pkt->sk) && conn->owner != pkt->sk &&
	    !(pkt->seg.flags & (TCPS_SYN | TCPS_RST)))
		conn = claim(slot, conn, pkt->sk, report);
	return conn ?: begin(slot, tn, pkt, report);
}

/*
 * Segments have made the machine believe that its end is dead, and its socket sends on: it has
 * refused the RST.
 */
static void revive(struct tcps_conn *conn, const struct sock *sk,
		   struct tcps_report *report)
{
	u8 remote = conn->fsm.remote.state;
	struct tcps_snapshot snap;

	if (tcps_socket_backlogged(sk) || !tcps_socket_read(sk, 0, &snap) || snap.opening)
		return;
	tcps_record_start(conn, &snap);
	tcps_record_remote(conn, remote, TCPS_EV_FOUND, report);
}

/* After a segment that @sk sent: the record is its own. */
static void own(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_packet *pkt)
{
	if (tcps_is_full(pkt->sk) && !(pkt->seg.flags & TCPS_RST))
		tcps_record_bind(slot, conn, pkt->sk);
}

bool tcps_track_segment(struct tcps_net *tn, const struct tcps_packet *pkt, enum tcps_dir dir)
{
	struct tcps_report report;
	struct tcps_item doubtful;
	struct tcps_conn *conn;
	struct tcps_step step;
	struct tcps_slot slot;
	bool doubt = false;
	bool known;

	if (tcps_record_waits())
		return false;
	tcps_record_report(&report);
	if (pkt->seg.flags & (TCPS_SYN | TCPS_FIN | TCPS_RST))	/* else it moves no local end */
		tcps_record_holder(&report, tn, pkt->sk,
				   (pkt->seg.flags & (TCPS_SYN | TCPS_ACK)) == TCPS_SYN);
	tcps_conn_lock(&slot, tn, &pkt->key);
	if (dir == TCPS_SENT) {
		conn = sender(&slot, tn, pkt, &report);
		report.untracked = !conn && !(pkt->seg.flags & TCPS_RST);
		if (conn && conn->listed && conn->fsm.local.state == TCPS_CLOSE &&
		    tcps_is_full(pkt->sk) && conn->owner == pkt->sk)
			revive(conn, pkt->sk, &report);
	} else {
		conn = tcps_conn_find_receiver(&slot, tn, &pkt->key, pkt->sdif);
	}
	known = conn;
	if (known) {
		u32 rcv_nxt = conn->fsm.rcv_nxt;

		tcps_fsm_step(&conn->fsm, &pkt->seg, dir, &step);
		if (dir == TCPS_RCVD && !step.invalid && kills_minisock(conn, &pkt->seg, rcv_nxt))
			conn->suspect = true;
		if (step.reopen)
			reopen(&slot, conn, pkt, &step, &report);
		doubt = step.doubt && dir == TCPS_SENT && !pkt->sk && !conn->owner;
		/* A minisock ends behind its RST. What comes for it now does not arrive. */
		if (doubt && conn->listed == TCPS_FIN_WAIT2)
			conn->suspect = true;
		if (doubt)
			doubtful = tcps_conn_item(conn);
		if (apply(&slot, conn, &step, &report) && dir == TCPS_SENT)
			own(&slot, conn, pkt);
	}
	tcps_conn_unlock(&slot);
	tcps_record_tell(tn, &pkt->key, &report);
	/*
	 * Most RSTs that no socket sends mean that there is none any more. Where there still is
	 * one, the audit looks again: a minisock ends behind its RST. What comes in has not been
	 * at the socket yet.
	 */
	if (doubt) {
		struct tcps_seen seen = tcps_socket_look(tn, &doubtful.key);

		if (!seen.kind)
			tcps_evidence_seen(tn, &doubtful, &seen);
	}
	return known;
}
