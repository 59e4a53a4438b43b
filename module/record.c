// SPDX-License-Identifier: GPL-2.0-only
#include "conn.h"
#include "event.h"
#include "peer.h"
#include "record.h"
#include "socket.h"
#include "stats.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

bool tcps_by_sockets __read_mostly;
bool tcps_seeding;

void tcps_record_report(struct tcps_report *report)
{
	/* For every segment: @moves stays as it is. */
	report->n = 0;
	report->invalid = false;
	report->untracked = false;
	report->found = false;
	report->queued = false;
	report->holder.known = false;
}

void tcps_record_holder(struct tcps_report *report, const struct tcps_net *tn,
			const struct sock *sk, bool opens)
{
	if (tcps_is_full(sk) && (opens || tcps_event_wanted(tn)))
		tcps_socket_holder(sk, &report->holder);
}

static void note(struct tcps_report *report, const struct tcps_conn *conn,
		 const struct tcps_move *moves, u8 n, bool local, u64 stay_ns)
{
	u8 i;

	for (i = 0; i < n && report->n < TCPS_REPORT_MOVES; i++) {
		report->moves[report->n++] = (struct tcps_told){
			.move = moves[i], .local = local, .stay_ns = stay_ns,
		};
		/* Here, so that the events of an endpoint are in order. */
		if (report->queued) {
			report->holder.pid = conn->pid;
			tcps_event_queue(conn->tn, &conn->key, local, &moves[i], stay_ns,
					 &report->holder);
		}
		stay_ns = 0;
	}
}

/* As tcps_conn_enter(), and whoever it is counted with learns it. */
static u64 enter(struct tcps_slot *slot, struct tcps_conn *conn, u8 to,
		 struct tcps_report *report)
{
	u8 from = conn->listed;
	u64 stay_ns = tcps_conn_enter(slot, conn, to);

	tcps_peer_move(conn, from, to);
	if (!from) {
		report->holder.pid = conn->pid;
		tcps_peer_opened(conn, &report->holder);
	}
	return stay_ns;
}

void tcps_record_step(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_step *step,
		      struct tcps_report *report)
{
	u64 stay_ns;

	if (!step->nlocal && !step->nremote)
		return;
	stay_ns = step->nlocal ? enter(slot, conn, conn->fsm.local.state, report) : 0;
	report->queued |= tcps_event_wanted(conn->tn);
	note(report, conn, step->local, step->nlocal, true, stay_ns);
	note(report, conn, step->remote, step->nremote, false, 0);
}

void tcps_record_enter(struct tcps_slot *slot, struct tcps_conn *conn, u8 to, enum tcps_event event,
		  struct tcps_report *report)
{
	struct tcps_move move = { .from = conn->listed ?: TCPS_CLOSE, .to = to, .event = event };
	u64 stay_ns;

	if (move.from == to)
		return;
	stay_ns = enter(slot, conn, to, report);
	report->queued |= tcps_event_wanted(conn->tn);
	note(report, conn, &move, 1, true, stay_ns);
}

void tcps_record_seat(struct tcps_slot *slot, struct tcps_conn *conn, u8 state,
		 struct tcps_report *report)
{
	struct tcps_step step;

	tcps_fsm_seat(&conn->fsm, state, &step);
	tcps_record_step(slot, conn, &step, report);
}

void tcps_record_drop(struct tcps_slot *slot, struct tcps_conn *conn)
{
	tcps_peer_leave(conn);
	tcps_conn_remove(slot, conn);
}

/* Whoever it is counted with learns it, nobody else: its connection goes on. */
static void forget(struct tcps_slot *slot, struct tcps_conn *conn)
{
	tcps_peer_move(conn, conn->listed, TCPS_CLOSE);
	tcps_record_drop(slot, conn);
}

void tcps_record_forget_all(struct tcps_net *tn)
{
	tcps_conn_clear(tn, forget);
}

void tcps_record_end(struct tcps_slot *slot, struct tcps_conn *conn, enum tcps_event event,
		struct tcps_report *report)
{
	tcps_record_enter(slot, conn, TCPS_CLOSE, event, report);
	tcps_record_drop(slot, conn);
}

void tcps_record_tell(struct tcps_net *tn, const struct tcps_key *key, const struct tcps_report *report)
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

struct tcps_conn *tcps_record_of(struct tcps_slot *slot, const struct tcps_net *tn,
				 const struct tcps_key *key, const struct sock *sk)
{
	struct tcps_conn *conn = tcps_conn_find_owner(slot, tn, key, sk);

	if (conn && conn->key.scope != key->scope)
		tcps_conn_rebind(slot, conn, key->scope);
	return conn;
}

void tcps_record_bind(struct tcps_slot *slot, struct tcps_conn *conn, const struct sock *sk)
{
	if (tcps_by_sockets && conn->owner != sk)
		tcps_conn_bind(slot, conn, sk);
}

void tcps_record_remote(struct tcps_conn *conn, u8 from, enum tcps_event event,
			struct tcps_report *report)
{
	struct tcps_move move = { .from = from, .to = conn->fsm.remote.state, .event = event };

	if (move.from == move.to)
		return;
	report->queued |= tcps_event_wanted(conn->tn);
	note(report, conn, &move, 1, false, 0);
}

void tcps_record_start(struct tcps_conn *conn, const struct tcps_snapshot *snap)
{
	struct tcps_step step;

	if (snap->opening) {
		tcps_fsm_init(&conn->fsm, &snap->open);
		tcps_fsm_step(&conn->fsm, &snap->open, TCPS_SENT, &step);
	} else {
		tcps_fsm_found(&conn->fsm, &snap->found, &step);
	}
	tcps_fsm_seat(&conn->fsm, snap->seen.state, &step);
}

struct tcps_conn *tcps_record_found(struct tcps_slot *slot, struct tcps_net *tn,
				    const struct tcps_key *key, const struct tcps_snapshot *snap,
				    struct tcps_report *report)
{
	struct tcps_conn *conn = tcps_conn_create(slot, tn, key);

	if (!conn) {
		report->untracked = true;
		return NULL;
	}
	conn->early = snap->early;
	tcps_record_start(conn, snap);
	tcps_record_enter(slot, conn, snap->seen.state, TCPS_EV_FOUND, report);
	tcps_peer_stamps(conn, snap->stamps);
	tcps_record_remote(conn, TCPS_CLOSE, TCPS_EV_FOUND, report);
	if (snap->seen.kind == TCPS_FULL)
		tcps_record_bind(slot, conn, snap->seen.sk);
	return conn;
}

void tcps_record_missed(struct tcps_net *tn, u8 state)
{
	if (tcps_by_sockets && !READ_ONCE(tcps_seeding))
		tcps_stats_diverged(tn, TCPS_CORRECT_MISSED, TCPS_CLOSE, state);
}
