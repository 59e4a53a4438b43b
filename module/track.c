// SPDX-License-Identifier: GPL-2.0-only
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <net/tcp.h>

#include "conn.h"
#include "event.h"
#include "socket.h"
#include "stats.h"
#include "track.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

/* Of both ends: what ended the old incarnation or began the record, then what the segment did. */
#define REPORT_MOVES	(2 * 2 * TCPS_MOVES)

/* What is to be told after the unlock; the record may be gone by then. */
struct tcps_report {
	unsigned int n;
	bool invalid;
	bool untracked;
	bool found;
	bool queued;
	struct tcps_told {
		struct tcps_move move;
		bool local;
		u64 stay_ns;	/* in the old state */
	} moves[REPORT_MOVES];
};

/* For every segment: @moves stays as it is. */
static void report_init(struct tcps_report *report)
{
	report->n = 0;
	report->invalid = false;
	report->untracked = false;
	report->found = false;
	report->queued = false;
}

static void note(struct tcps_report *report, const struct tcps_conn *conn,
		 const struct tcps_move *moves, u8 n, bool local, u64 stay_ns)
{
	u8 i;

	for (i = 0; i < n && report->n < REPORT_MOVES; i++) {
		report->moves[report->n++] = (struct tcps_told){
			.move = moves[i], .local = local, .stay_ns = stay_ns,
		};
		/* Here, so that the events of an endpoint are in order. */
		if (report->queued)
			tcps_event_queue(conn->tn, &conn->key, local, &moves[i], stay_ns);
		stay_ns = 0;
	}
}

/* What the machine says has happened to both ends; its local state is that of the record now. */
static void note_step(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_step *step,
		      struct tcps_report *report)
{
	u64 stay_ns;

	if (!step->nlocal && !step->nremote)
		return;
	stay_ns = step->nlocal ? tcps_conn_enter(slot, conn) : 0;
	report->queued |= tcps_event_wanted(conn->tn);
	note(report, conn, step->local, step->nlocal, true, stay_ns);
	note(report, conn, step->remote, step->nremote, false, 0);
}

static void tell(struct tcps_net *tn, const struct tcps_key *key, const struct tcps_report *report)
{
	unsigned int i;

	if (report->invalid)
		tcps_stats_count(tn, TCPS_TOTAL_INVALID);
	if (report->untracked)
		tcps_stats_count(tn, TCPS_TOTAL_UNTRACKED);
	for (i = 0; i < report->n; i++) {
		const struct tcps_told *told = &report->moves[i];

		if (told->local)
			tcps_stats_moved(tn, &told->move, told->stay_ns);
		trace_tcpstate_transition(tn, key, told->local, &told->move);
	}
	if (report->queued)
		tcps_event_kick(tn);
}

/* Puts what the machine did into effect. The record may be gone afterwards. */
static void apply(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_step *step,
		  struct tcps_report *report)
{
	report->invalid |= step->invalid;
	note_step(slot, conn, step, report);
	if (conn->fsm.local.state == TCPS_CLOSE) {
		tcps_conn_remove(slot, conn);
		return;
	}
	/* A RST on another CPU may have ended a connection that was found open, just now. */
	if (report->found)
		tcps_conn_set_due(slot, conn, TCPS_DUE_SHORT);
	/* A doubt that is not settled yet goes first. */
	if (step->restart && time_after(conn->due, jiffies))
		tcps_conn_set_due(slot, conn, TCPS_DUE_TIME_WAIT);
	if (step->doubt)
		tcps_conn_set_due(slot, conn, TCPS_DUE_NOW);
}

/*
 * A SYN or SYN-ACK with another initial sequence number: the tuple has a new owner, the old one
 * is gone.
 */
static void reopen(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_seg *seg,
		   struct tcps_step *step, struct tcps_report *report)
{
	tcps_fsm_event(&conn->fsm, TCPS_EV_GONE, step);
	note_step(slot, conn, step, report);
	tcps_fsm_init(&conn->fsm, seg);
	tcps_fsm_step(&conn->fsm, seg, TCPS_SENT, step);
}

/*
 * A socket sends and has no record: a SYN cookie came back, the connection is older than the
 * module, or the table was full when it began.
 */
static struct tcps_conn *take_up(struct tcps_slot *slot, struct tcps_net *tn,
				 const struct tcps_packet *pkt, struct tcps_report *report)
{
	struct tcps_found found;
	struct tcps_conn *conn;
	struct tcps_step step;

	if (!tcps_segment_found(pkt, &found))
		return NULL;
	conn = tcps_conn_create(slot, tn, &pkt->key);
	if (!conn)
		return NULL;
	tcps_fsm_found(&conn->fsm, &found, &step);
	note_step(slot, conn, &step, report);
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
	if (conn)
		tcps_fsm_init(&conn->fsm, &pkt->seg);
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
	struct tcps_conn *conn = tcps_conn_find_sender(slot, tn, &pkt->key);

	if (conn || (pkt->seg.flags & TCPS_SYN))
		return conn;
	conn = tcps_conn_find_any_scope(slot, tn, &pkt->key);
	if (!conn)
		return NULL;
	if (pkt->seg.flags & TCPS_RST) {
		tcps_conn_set_due(slot, conn, TCPS_DUE_NOW);
		return NULL;
	}
	if (conn->key.scope)
		return NULL;
	tcps_conn_rebind(slot, conn, pkt->key.scope);
	return conn;
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

	report_init(&report);
	tcps_conn_lock(&slot, tn, &pkt->key);
	if (dir == TCPS_SENT) {
		conn = find_sender(&slot, tn, pkt);
		if (!conn)
			conn = begin(&slot, tn, pkt, &report);
		report.untracked = !conn && !(pkt->seg.flags & TCPS_RST);
	} else {
		conn = tcps_conn_find_receiver(&slot, tn, &pkt->key, pkt->sdif);
	}
	known = conn;
	if (known) {
		tcps_fsm_step(&conn->fsm, &pkt->seg, dir, &step);
		if (step.reopen)
			reopen(&slot, conn, &pkt->seg, &step, &report);
		doubt = step.doubt && dir == TCPS_SENT && !pkt->sk;
		if (doubt)
			doubtful = tcps_conn_item(conn);
		apply(&slot, conn, &step, &report);
	}
	tcps_conn_unlock(&slot);
	tell(tn, &pkt->key, &report);
	/*
	 * Most RSTs that no socket sends mean that there is none any more. Where there still is
	 * one, the audit looks again: a minisock ends behind its RST. What comes in has not been
	 * at the socket yet.
	 */
	if (doubt && !tcps_socket_exists(tn, &doubtful.key, doubtful.state))
		tcps_track_gone(tn, &doubtful.key, doubtful.version);
	return known;
}

void tcps_track_gone(struct tcps_net *tn, const struct tcps_key *key, u32 version)
{
	struct tcps_report report;
	struct tcps_conn *conn;
	struct tcps_step step;
	struct tcps_slot slot;

	report_init(&report);
	tcps_conn_lock(&slot, tn, key);
	conn = tcps_conn_find_sender(&slot, tn, key);
	if (conn && conn->version == version) {
		bool over = conn->fsm.local.state == TCPS_TIME_WAIT &&
			    ktime_get_boottime_ns() - conn->since >=
				    TCP_TIMEWAIT_LEN / HZ * (u64)NSEC_PER_SEC;

		tcps_fsm_event(&conn->fsm, over ? TCPS_EV_EXPIRE : TCPS_EV_GONE, &step);
		apply(&slot, conn, &step, &report);
	}
	tcps_conn_unlock(&slot);
	tell(tn, key, &report);
}
