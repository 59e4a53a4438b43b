// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine, in a kernel: the ways to open and to close as ladders of segments, then walks at
 * random. A module of its own, for kernels with KUnit; loading it runs the tests and writes KTAP
 * into the kernel log.
 *
 * Sequence and acknowledgment numbers are relative to the two initial ones. After every rung both
 * states, and whatever else the step says of the segment, are what the rung tells; and the
 * transitions are those of states.def.
 */
#include <kunit/test.h>
#include <linux/module.h>
#include <linux/sched.h>

#include "edges.h"
#include "fsm.c"

/* Both wrap within a few bytes. */
#define ISS	0xfffffffeu
#define IRS	0xfffffff0u

#define S	TCPS_SYN
#define F	TCPS_FIN
#define R	TCPS_RST
#define A	TCPS_ACK

/* What a step says besides its transitions */
enum { INVALID = 1, DOUBT = 2, RESTART = 4, REOPEN = 8 };

struct rung {
	enum { SND, LATE, RCV, ABORT, EVENT } how;
	u8 flags;		/* or the event */
	u32 seq;
	u32 ack;
	u32 len;
	u8 local;		/* states afterwards */
	u8 remote;
	u8 says;
};

#define SND(f, s, a, n, l, r, ...)	{ SND, f, s, a, n, TCPS_##l, TCPS_##r, ##__VA_ARGS__ }
#define RCV(f, s, a, n, l, r, ...)	{ RCV, f, s, a, n, TCPS_##l, TCPS_##r, ##__VA_ARGS__ }
#define LATE(s, a, n, l, r)		{ LATE, F | A, s, a, n, TCPS_##l, TCPS_##r }
#define ABORT(s, a, l, r)		{ ABORT, R | A, s, a, 0, TCPS_##l, TCPS_##r }
#define EVENT(e, l, r)			{ EVENT, TCPS_EV_##e, 0, 0, 0, TCPS_##l, TCPS_##r }

static bool listed(const struct tcps_move *move)
{
	return !tcps_edge_never(move) && tcps_edge_index(move) < TCPS_EDGES;
}

/* The transitions of one end lead from @before to @after along edges of states.def. */
static void check_moves(struct kunit *test, const struct tcps_move *moves, u8 n, u8 before, u8 after)
{
	u8 i;

	KUNIT_ASSERT_LE(test, n, (u8)TCPS_MOVES);
	for (i = 0; i < n; i++) {
		KUNIT_EXPECT_EQ(test, moves[i].from, before);
		KUNIT_EXPECT_TRUE_MSG(test, listed(&moves[i]), "%s -> %s on \"%s\"",
				      tcps_state_name(moves[i].from), tcps_state_name(moves[i].to),
				      tcps_event_name(moves[i].event));
		before = moves[i].to;
	}
	KUNIT_EXPECT_EQ(test, before, after);
}

static void check_step(struct kunit *test, const struct tcps_fsm *before, const struct tcps_fsm *m,
		       const struct tcps_step *st)
{
	check_moves(test, st->local, st->nlocal, before->local.state, m->local.state);
	check_moves(test, st->remote, st->nremote, before->remote.state, m->remote.state);
	if (st->invalid || st->reopen)
		KUNIT_EXPECT_EQ(test, 0, memcmp(before, m, sizeof(*m)));
}

static void climb_rungs(struct kunit *test, const struct rung *rung, unsigned int n)
{
	struct tcps_fsm m = {}, before;
	struct tcps_step st;
	unsigned int i;

	for (i = 0; i < n; i++, rung++) {
		struct tcps_seg seg = {
			.flags = rung->flags, .len = rung->len, .win = 1000, .scale = TCPS_NO_SCALE,
			.seq = (rung->how == RCV ? IRS : ISS) + rung->seq,
			.ack = (rung->how == RCV ? ISS : IRS) + rung->ack,
			.abort = rung->how == ABORT,
			.active = rung->how == LATE,
		};

		if (!i)
			tcps_fsm_init(&m, &seg);
		before = m;
		if (rung->how == EVENT)
			tcps_fsm_event(&m, rung->flags, &st);
		else
			tcps_fsm_step(&m, &seg, rung->how == RCV ? TCPS_RCVD : TCPS_SENT, &st);
		check_step(test, &before, &m, &st);
		KUNIT_EXPECT_STREQ_MSG(test, tcps_state_name(m.local.state),
				       tcps_state_name(rung->local), "local end, rung %u", i + 1);
		KUNIT_EXPECT_STREQ_MSG(test, tcps_state_name(m.remote.state),
				       tcps_state_name(rung->remote), "far end, rung %u", i + 1);
		KUNIT_EXPECT_EQ_MSG(test, (int)rung->says,
				    st.invalid * INVALID + st.doubt * DOUBT + st.restart * RESTART +
				    st.reopen * REOPEN, "rung %u", i + 1);
	}
}

#define LADDER(name, ...)							\
static void name(struct kunit *test)						\
{										\
	static const struct rung rungs[] = { __VA_ARGS__ };			\
										\
	climb_rungs(test, rungs, ARRAY_SIZE(rungs));				\
}

#define ACTIVE									\
	SND(S, 0, 0, 0, SYN_SENT, CLOSE),					\
	RCV(S | A, 0, 1, 0, ESTABLISHED, SYN_RECV),				\
	SND(A, 1, 1, 0, ESTABLISHED, SYN_RECV)
#define PASSIVE									\
	SND(S | A, 0, 1, 0, SYN_RECV, SYN_SENT),				\
	RCV(A, 1, 1, 0, ESTABLISHED, ESTABLISHED)

LADDER(active_open,
	SND(S, 0, 0, 0, SYN_SENT, CLOSE),
	SND(S, 0, 0, 0, SYN_SENT, CLOSE),
	RCV(S | A, 0, 2, 0, SYN_SENT, CLOSE, INVALID),
	RCV(S | A, 0, 1, 0, ESTABLISHED, SYN_RECV),
	SND(A, 1, 1, 0, ESTABLISHED, SYN_RECV),
	RCV(A, 1, 1, 0, ESTABLISHED, SYN_RECV),
	SND(A, 1, 1, 5, ESTABLISHED, SYN_RECV),
	RCV(A, 1, 6, 0, ESTABLISHED, ESTABLISHED))

LADDER(active_open_refused,
	SND(S, 0, 0, 0, SYN_SENT, CLOSE),
	RCV(R, 0, 0, 0, SYN_SENT, CLOSE, INVALID),
	RCV(R | A, 0, 0, 0, SYN_SENT, CLOSE, INVALID),
	RCV(R | A, 0, 1, 0, CLOSE, CLOSE))

LADDER(passive_open,
	SND(S | A, 0, 1, 0, SYN_RECV, SYN_SENT),
	SND(S | A, 0, 1, 0, SYN_RECV, SYN_SENT),
	RCV(A, 1, 0, 0, SYN_RECV, SYN_SENT, INVALID),
	RCV(A, 1, 2, 0, SYN_RECV, SYN_SENT, INVALID),
	RCV(A, 1, 1, 0, ESTABLISHED, ESTABLISHED))

LADDER(passive_open_with_fin,
	SND(S | A, 0, 1, 0, SYN_RECV, SYN_SENT),
	RCV(A | F, 1, 1, 10, CLOSE_WAIT, FIN_WAIT1))

LADDER(simultaneous_open,
	SND(S, 0, 0, 0, SYN_SENT, CLOSE),
	RCV(S, 0, 0, 0, SYN_RECV, SYN_SENT),
	SND(S | A, 0, 1, 0, SYN_RECV, SYN_SENT),
	RCV(S | A, 5, 1, 0, SYN_RECV, SYN_SENT, INVALID),
	RCV(S | A, 0, 1, 0, ESTABLISHED, SYN_RECV),
	RCV(A, 1, 1, 3, ESTABLISHED, ESTABLISHED))

LADDER(active_close,
	ACTIVE,
	SND(F | A, 1, 1, 0, FIN_WAIT1, SYN_RECV),
	RCV(A, 1, 1, 0, FIN_WAIT1, SYN_RECV),
	RCV(A, 1, 2, 0, FIN_WAIT2, CLOSE_WAIT),
	RCV(A, 1, 2, 100, FIN_WAIT2, CLOSE_WAIT),
	RCV(F | A, 101, 2, 0, TIME_WAIT, LAST_ACK),
	SND(A, 2, 102, 0, TIME_WAIT, LAST_ACK),
	EVENT(EXPIRE, CLOSE, LAST_ACK))

LADDER(passive_close,
	PASSIVE,
	RCV(F | A, 1, 1, 0, CLOSE_WAIT, FIN_WAIT1),
	SND(A, 1, 2, 0, CLOSE_WAIT, FIN_WAIT1),
	SND(A, 1, 2, 5, CLOSE_WAIT, FIN_WAIT1),
	RCV(A, 2, 6, 0, CLOSE_WAIT, FIN_WAIT2),
	SND(F | A, 6, 2, 0, LAST_ACK, FIN_WAIT2),
	RCV(A, 2, 6, 0, LAST_ACK, FIN_WAIT2),
	RCV(A, 2, 7, 0, CLOSE, TIME_WAIT))

LADDER(fin_and_ack_in_one_segment,
	PASSIVE,
	SND(F | A, 1, 1, 0, FIN_WAIT1, ESTABLISHED),
	RCV(F | A, 1, 2, 0, TIME_WAIT, LAST_ACK))

LADDER(simultaneous_close,
	PASSIVE,
	SND(F | A, 1, 1, 0, FIN_WAIT1, ESTABLISHED),
	RCV(F | A, 1, 1, 0, CLOSING, FIN_WAIT1),
	SND(A, 2, 2, 0, CLOSING, FIN_WAIT1),
	RCV(A, 2, 2, 0, TIME_WAIT, CLOSING))

LADDER(fin_that_waited,
	PASSIVE,
	RCV(F | A, 1, 1, 0, CLOSE_WAIT, FIN_WAIT1),
	LATE(1, 2, 10, CLOSING, FIN_WAIT1),
	LATE(1, 2, 10, CLOSING, FIN_WAIT1),
	RCV(A, 2, 12, 0, TIME_WAIT, TIME_WAIT))

LADDER(half_close,
	ACTIVE,
	SND(F | A, 1, 1, 0, FIN_WAIT1, SYN_RECV),
	RCV(A, 1, 2, 500, FIN_WAIT2, CLOSE_WAIT),
	SND(A, 2, 501, 0, FIN_WAIT2, CLOSE_WAIT),
	RCV(F | A, 501, 2, 0, TIME_WAIT, LAST_ACK))

LADDER(fin_out_of_order,
	PASSIVE,
	RCV(F | A, 11, 1, 5, ESTABLISHED, FIN_WAIT1),
	SND(A, 1, 1, 0, ESTABLISHED, FIN_WAIT1),
	RCV(A, 1, 1, 10, ESTABLISHED, FIN_WAIT1),
	SND(A, 1, 17, 0, CLOSE_WAIT, FIN_WAIT1))

LADDER(fin_out_of_order_again,
	PASSIVE,
	RCV(F | A, 11, 1, 5, ESTABLISHED, FIN_WAIT1),
	RCV(A, 1, 1, 15, ESTABLISHED, FIN_WAIT1),
	RCV(F | A, 11, 1, 5, CLOSE_WAIT, FIN_WAIT1))

LADDER(fin_retransmitted,
	PASSIVE,
	RCV(F | A, 1, 1, 0, CLOSE_WAIT, FIN_WAIT1),
	RCV(F | A, 1, 1, 0, CLOSE_WAIT, FIN_WAIT1),
	SND(F | A, 1, 2, 0, LAST_ACK, FIN_WAIT1),
	SND(F | A, 1, 2, 0, LAST_ACK, FIN_WAIT1),
	RCV(A, 2, 2, 0, CLOSE, TIME_WAIT))

LADDER(rst_exact,
	PASSIVE,
	RCV(A, 1, 1, 10, ESTABLISHED, ESTABLISHED),
	RCV(R, 11, 0, 0, CLOSE, CLOSE))

LADDER(rst_in_window,
	PASSIVE,
	RCV(R, 100, 0, 0, ESTABLISHED, ESTABLISHED, DOUBT))

LADDER(rst_out_of_window,
	PASSIVE,
	RCV(R, 0, 0, 0, ESTABLISHED, ESTABLISHED, INVALID),
	RCV(R, 2000, 0, 0, ESTABLISHED, ESTABLISHED, INVALID))

LADDER(rst_at_the_fin,
	PASSIVE,
	RCV(F | A, 1, 1, 0, CLOSE_WAIT, FIN_WAIT1),
	RCV(R, 1, 0, 0, CLOSE, CLOSE))

LADDER(rst_sent,
	PASSIVE,
	SND(R, 1, 0, 0, ESTABLISHED, ESTABLISHED, DOUBT),
	ABORT(1, 1, CLOSE, ESTABLISHED))

LADDER(time_wait_restarts,
	PASSIVE,
	SND(F | A, 1, 1, 0, FIN_WAIT1, ESTABLISHED),
	RCV(F | A, 1, 2, 0, TIME_WAIT, LAST_ACK),
	RCV(F | A, 1, 2, 0, TIME_WAIT, LAST_ACK, RESTART),
	RCV(R, 500, 0, 0, TIME_WAIT, LAST_ACK, INVALID),
	RCV(R, 2, 0, 0, TIME_WAIT, LAST_ACK, DOUBT),
	EVENT(EXPIRE, CLOSE, LAST_ACK))

LADDER(time_wait_reused,
	PASSIVE,
	SND(F | A, 1, 1, 0, FIN_WAIT1, ESTABLISHED),
	RCV(F | A, 1, 2, 0, TIME_WAIT, LAST_ACK),
	RCV(S, 100000, 0, 0, TIME_WAIT, LAST_ACK, DOUBT),
	SND(S | A, 65537, 100001, 0, TIME_WAIT, LAST_ACK, REOPEN),
	SND(S, 70000, 0, 0, TIME_WAIT, LAST_ACK, REOPEN),
	EVENT(GONE, CLOSE, LAST_ACK))

LADDER(gone_in_silence,
	PASSIVE,
	RCV(F | A, 1, 1, 0, CLOSE_WAIT, FIN_WAIT1),
	EVENT(EXPIRE, CLOSE_WAIT, FIN_WAIT1),
	EVENT(GONE, CLOSE, FIN_WAIT1))

#define WALKS	2000
#define STEPS	64

/* The same numbers at every run */
static u32 random_below(u32 *seed, u32 limit)
{
	*seed = *seed * 1664525 + 1013904223;
	return (u32)(((u64)*seed * limit) >> 32);
}

static struct tcps_seg random_segment(const struct tcps_fsm *m, u32 *seed, enum tcps_dir dir)
{
	static const u8 flags[] = { A, A, A, A, A, A, F | A, F | A, F | A, S, S | A, S | A, R, R | A, 0,
				    S | F | A, S | R, F };
	const u32 next = m->local.state == TCPS_SYN_SENT ? IRS : m->rcv_nxt;
	const u32 sent[] = { m->local.nxt, m->local.nxt, m->local.nxt, m->local.nxt - 1, m->iss };
	const u32 rcvd[] = { next, next, next, next - 1, next + 1, m->remote.nxt, next + 100000 };
	const u32 ours[] = { m->local.nxt, m->local.nxt, m->local.nxt - 1, m->iss, m->local.nxt + 1 };
	const u32 theirs[] = { m->rcv_nxt, m->rcv_nxt, m->remote.nxt, m->local.acked };
	struct tcps_seg seg = {
		.flags = flags[random_below(seed, ARRAY_SIZE(flags))],
		.len = random_below(seed, 2) * random_below(seed, 1500),
		.win = random_below(seed, 65536),
		.scale = random_below(seed, 2) ? TCPS_NO_SCALE : random_below(seed, TCPS_MAX_SCALE + 1),
	};

	if (dir == TCPS_SENT) {
		seg.seq = sent[random_below(seed, ARRAY_SIZE(sent))];
		seg.ack = theirs[random_below(seed, ARRAY_SIZE(theirs))];
		seg.abort = (seg.flags & R) && !random_below(seed, 4);
		seg.active = (seg.flags & F) && !random_below(seed, 2);
	} else {
		seg.seq = rcvd[random_below(seed, ARRAY_SIZE(rcvd))];
		seg.ack = ours[random_below(seed, ARRAY_SIZE(ours))];
	}
	return seg;
}

/* Whatever comes: only listed transitions, and what is refused changes nothing. */
static void random_walk(struct kunit *test)
{
	bool entered[TCPS_STATES] = {};
	struct tcps_fsm m, before;
	unsigned int walk, i;
	struct tcps_step st;
	u32 seed = 1;

	for (walk = 0; walk < WALKS; walk++) {
		struct tcps_seg seg = { .flags = walk % 2 ? S : S | A, .seq = ISS, .ack = IRS + 1,
					.win = 1000, .scale = walk % 3 ? 7 : TCPS_NO_SCALE };
		enum tcps_dir dir = TCPS_SENT;

		tcps_fsm_init(&m, &seg);
		for (i = 0; i < STEPS; i++) {
			before = m;
			if (i && !random_below(&seed, 50))
				tcps_fsm_event(&m, m.local.state == TCPS_TIME_WAIT ? TCPS_EV_EXPIRE :
					       TCPS_EV_GONE, &st);
			else
				tcps_fsm_step(&m, &seg, dir, &st);
			check_step(test, &before, &m, &st);
			entered[m.local.state] = true;
			if (m.local.state == TCPS_CLOSE)
				break;
			dir = random_below(&seed, 2) ? TCPS_SENT : TCPS_RCVD;
			seg = random_segment(&m, &seed, dir);
		}
		cond_resched();
	}
	for (i = 1; i < TCPS_STATES; i++)
		KUNIT_EXPECT_TRUE_MSG(test, entered[i] || i == TCPS_LISTEN, "%s was never entered",
				      tcps_state_name(i));
}

static struct kunit_case fsm_cases[] = {
	KUNIT_CASE(active_open),
	KUNIT_CASE(active_open_refused),
	KUNIT_CASE(passive_open),
	KUNIT_CASE(passive_open_with_fin),
	KUNIT_CASE(simultaneous_open),
	KUNIT_CASE(active_close),
	KUNIT_CASE(passive_close),
	KUNIT_CASE(fin_and_ack_in_one_segment),
	KUNIT_CASE(simultaneous_close),
	KUNIT_CASE(fin_that_waited),
	KUNIT_CASE(half_close),
	KUNIT_CASE(fin_out_of_order),
	KUNIT_CASE(fin_out_of_order_again),
	KUNIT_CASE(fin_retransmitted),
	KUNIT_CASE(rst_exact),
	KUNIT_CASE(rst_in_window),
	KUNIT_CASE(rst_out_of_window),
	KUNIT_CASE(rst_at_the_fin),
	KUNIT_CASE(rst_sent),
	KUNIT_CASE(time_wait_restarts),
	KUNIT_CASE(time_wait_reused),
	KUNIT_CASE(gone_in_silence),
	KUNIT_CASE(random_walk),
	{}
};

static struct kunit_suite fsm_suite = {
	.name = "tcpstate_fsm",
	.test_cases = fsm_cases,
};

kunit_test_suite(fsm_suite);

MODULE_DESCRIPTION("KUnit tests of the TCP state machine");
MODULE_LICENSE("GPL");
