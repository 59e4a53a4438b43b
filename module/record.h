/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A record changes: its machine, its list, and what has to be told of it. Some of it is told under
 * the shard's lock (events, so that those of an endpoint are in order), the rest after the unlock
 * (counters, tracepoint), from a report.
 *
 * Context of all of them: process or softirq; where a slot is given, it is locked and is that of the
 * record.
 */
#ifndef TCPSTATE_RECORD_H
#define TCPSTATE_RECORD_H

#include "conn.h"

struct sock;
struct tcps_snapshot;

/* Of both ends: what ended the old incarnation or began the record, then what the segment did. */
#define TCPS_REPORT_MOVES	(2 * 2 * TCPS_MOVES)

/*
 * Do sockets tell their transitions? Else segments move both ends of every record. Set when it is
 * switched on, hooks and probe already run, and the listeners are known.
 */
extern bool tcps_by_sockets;

/* While the sockets are looked through that are older than the hooks: none of them was missed. */
extern bool tcps_seeding;

/*
 * Hooks and probe are on, and the listeners that are older are not known yet: whom a connection's
 * record is counted with could not be told, so none begins. What is passed over now is looked up with
 * what is older.
 */
static inline bool tcps_record_waits(void)
{
	return !READ_ONCE(tcps_by_sockets) && READ_ONCE(tcps_seeding);
}

/**
 * struct tcps_report - what is to be told after the unlock; the record may be gone by then
 * @n:		how many of @moves are used
 * @invalid:	a segment was not acceptable
 * @untracked:	there was no room for a record
 * @found:	the record began with a segment of an open connection
 * @queued:	somebody listens to events
 * @holder:	of the socket that this is about; only where somebody wants to know
 * @moves:	transitions, of which end, and how long it had been in the old state
 */
struct tcps_report {
	unsigned int n;
	bool invalid;
	bool untracked;
	bool found;
	bool queued;
	struct tcps_holder holder;
	struct tcps_told {
		struct tcps_move move;
		bool local;
		u64 stay_ns;
	} moves[TCPS_REPORT_MOVES];
};

/* An empty one. */
void tcps_record_report(struct tcps_report *report);

/* Before the lock: who holds @sk, which may be NULL; for events, and if it may begin a record, which @opens. */
void tcps_record_holder(struct tcps_report *report, const struct tcps_net *tn,
			const struct sock *sk, bool opens);

/* What the machine says has happened to both ends; its local state is that of the record now. */
void tcps_record_step(struct tcps_slot *slot, struct tcps_conn *conn, const struct tcps_step *step,
		      struct tcps_report *report);

/* The local end is in state @to, whatever its machine says; the record stays, also in CLOSE. */
void tcps_record_enter(struct tcps_slot *slot, struct tcps_conn *conn, u8 to,
		       enum tcps_event event, struct tcps_report *report);

/* The machine is told where its local end is; what this proves of the far end is told. */
void tcps_record_seat(struct tcps_slot *slot, struct tcps_conn *conn, u8 state,
		      struct tcps_report *report);

/* Frees a record that is in CLOSE. */
void tcps_record_drop(struct tcps_slot *slot, struct tcps_conn *conn);

/*
 * Drops all records of a namespace without a word, while nothing else moves them: their connections
 * go on. Context: may sleep.
 */
void tcps_record_forget_all(struct tcps_net *tn);

/* Ends a record; it is freed. */
void tcps_record_end(struct tcps_slot *slot, struct tcps_conn *conn, enum tcps_event event,
		     struct tcps_report *report);

/*
 * The record that is bound to the full socket @sk, or NULL. Its scope becomes that of @key: the
 * socket can have been bound to another interface meanwhile, which nothing tells.
 */
struct tcps_conn *tcps_record_of(struct tcps_slot *slot, const struct tcps_net *tn,
				 const struct tcps_key *key, const struct sock *sk);

/* From now on the full socket @sk moves the local end, if sockets tell. */
void tcps_record_bind(struct tcps_slot *slot, struct tcps_conn *conn, const struct sock *sk);

/* The far end's state is @to now, and no segment said how. */
void tcps_record_remote(struct tcps_conn *conn, u8 from, enum tcps_event event,
			struct tcps_report *report);

/* The machine of a record begins with what the socket of an open connection says. */
void tcps_record_start(struct tcps_conn *conn, const struct tcps_snapshot *snap);

/* A record for a connection that is open already, as its socket says; NULL: no room. */
struct tcps_conn *tcps_record_found(struct tcps_slot *slot, struct tcps_net *tn,
				    const struct tcps_key *key, const struct tcps_snapshot *snap,
				    struct tcps_report *report);

/* One such that should have had a record. */
void tcps_record_missed(struct tcps_net *tn, u8 state);

/* After the unlock: counters and tracepoint. */
void tcps_record_tell(struct tcps_net *tn, const struct tcps_key *key,
		      const struct tcps_report *report);

#endif
