// SPDX-License-Identifier: GPL-2.0-only
/*
 * Exhaustive walk: from every way to open an endpoint, every segment of an alphabet that is made
 * of the marks of the machine itself (in sequence, before, behind a hole; every combination of
 * SYN, FIN, RST and ACK; acknowledging nothing, the SYN, all, too much), sent and received, and
 * every event, until no new machine appears. Sequence space is bounded to a few bytes an end, so
 * it ends.
 *
 * Then states.def is held against what was seen: every listed edge reached, no other exists,
 * nothing listed as "never" happens, and from every state a segment or a timer leads to CLOSE.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fsm/edges.h"
#include "fsm/fsm.h"
#include "fsm/seq.h"

#define ISS	0xfffffffcu	/* wraps within the walk */
#define IRS	0x7ffffffdu	/* crosses the sign */
#define SPAN	3		/* sequence numbers an end may use up, SYN and FIN included */
#define WIN	8
#define HASH	(1u << 23)

static struct tcps_fsm *todo, *seen;
static size_t ntodo, nseen;
static unsigned long steps;

static bool reached[TCPS_STATES][TCPS_EVENTS][TCPS_STATES];
static bool reached_local[TCPS_STATES][TCPS_EVENTS][TCPS_STATES];

static uint64_t hash(const struct tcps_fsm *m)
{
	const unsigned char *p = (const unsigned char *)m;
	uint64_t h = 1469598103934665603ull;
	size_t i;

	for (i = 0; i < sizeof(*m); i++)
		h = (h ^ p[i]) * 1099511628211ull;
	return h ^ h >> 29;
}

/* Open addressing; a slot is free where the local end has no state. */
static void visit(const struct tcps_fsm *m)
{
	size_t at = hash(m) & (HASH - 1);

	while (seen[at].local.state) {
		if (!memcmp(&seen[at], m, sizeof(*m)))
			return;
		at = (at + 1) & (HASH - 1);
	}
	assert_true(++nseen < HASH / 2);
	seen[at] = *m;
	todo[ntodo++] = *m;
}

static void check_moves(const struct tcps_move *moves, u8 n, u8 before, u8 after, bool local)
{
	u8 state = before, i;

	assert_true(n <= TCPS_MOVES);
	for (i = 0; i < n; i++) {
		assert_int_equal(moves[i].from, state);
		if (tcps_edge_index(&moves[i]) == TCPS_EDGES)
			fail_msg("%s -> %s on \"%s\" is not in states.def", tcps_state_name(moves[i].from),
				 tcps_state_name(moves[i].to), tcps_event_name(moves[i].event));
		reached[moves[i].from][moves[i].event][moves[i].to] = true;
		if (local)
			reached_local[moves[i].from][moves[i].event][moves[i].to] = true;
		state = moves[i].to;
	}
	assert_int_equal(state, after);
}

/* What must hold of any machine, however it came about. */
static void check_machine(const struct tcps_fsm *m)
{
	bool their_fin = m->remote.flags & TCPS_K_FIN_SENT;
	bool our_fin = m->local.flags & TCPS_K_FIN_SENT;

	switch (m->local.state) {
	case TCPS_CLOSE_WAIT:
	case TCPS_LAST_ACK:
	case TCPS_CLOSING:
	case TCPS_TIME_WAIT:
		assert_true(their_fin);
		assert_false(tcps_seq_before(m->rcv_nxt, m->remote.fin));
		break;
	default:
		break;
	}
	/*
	 * The far end has received our FIN only if it has acknowledged it, and has seen our ACK
	 * only with proof.
	 */
	switch (m->remote.state) {
	case TCPS_TIME_WAIT:
	case TCPS_FIN_WAIT2:
		assert_true(m->has_fin_proof);
		assert_false(tcps_seq_before(m->remote.acked, m->fin_proof));
		if (m->remote.state == TCPS_FIN_WAIT2)
			break;
		/* fall through */
	case TCPS_CLOSE_WAIT:
	case TCPS_LAST_ACK:
	case TCPS_CLOSING:
		assert_true(our_fin);
		assert_false(tcps_seq_before(m->remote.acked, m->local.fin));
		break;
	case TCPS_FIN_WAIT1:
		assert_true(their_fin);
		break;
	default:
		break;
	}
}

static bool within(const struct tcps_fsm *m)
{
	return m->local.nxt - ISS <= SPAN &&
	       (m->local.state == TCPS_SYN_SENT || m->local.state == TCPS_CLOSE ||
		m->remote.nxt - IRS <= SPAN + 1);
}

static void check_step(const struct tcps_fsm *before, const struct tcps_fsm *after,
		       const struct tcps_step *step)
{
	steps++;
	check_moves(step->local, step->nlocal, before->local.state, after->local.state, true);
	check_moves(step->remote, step->nremote, before->remote.state, after->remote.state, false);
	check_machine(after);
	if (step->invalid || step->reopen)
		assert_memory_equal(before, after, sizeof(*before));
}

static void try_segment(const struct tcps_fsm *before, const struct tcps_seg *seg,
			enum tcps_dir dir)
{
	struct tcps_fsm after = *before, again;
	struct tcps_step step;

	tcps_fsm_step(&after, seg, dir, &step);
	check_step(before, &after, &step);
	if (step.reopen)
		return;
	/* Seen twice (VRF, tunnels), a segment that was sent moves the local end once. */
	again = after;
	tcps_fsm_step(&again, seg, dir, &step);
	if (dir == TCPS_SENT)
		assert_int_equal(step.nlocal, 0);
	if (after.local.state != TCPS_CLOSE && within(&after))
		visit(&after);
}

static void try_event(const struct tcps_fsm *before, enum tcps_event event)
{
	struct tcps_fsm after = *before;
	struct tcps_step step;

	tcps_fsm_event(&after, event, &step);
	check_step(before, &after, &step);
	if (event == TCPS_EV_GONE)
		assert_int_equal(after.local.state, TCPS_CLOSE);
}

/* @fin_rcvd: the far end's FIN came before the machine was begun */
static void try_all_sent(const struct tcps_fsm *m, bool fin_rcvd)
{
	const u32 seqs[] = { m->local.nxt, m->local.nxt - 1, ISS, ISS + 100 };
	const u32 acks[] = { m->rcv_nxt, m->remote.nxt, m->local.acked };
	struct tcps_seg seg = { .scale = 2 };
	unsigned int s, a, flags;

	for (flags = 0; flags < 0x18; flags++) {
		if (flags & ~(TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK))
			continue;
		for (s = 0; s < 4; s++)
			for (a = 0; a < 3; a++)
				for (seg.len = 0; seg.len < 2; seg.len++) {
					seg.flags = flags;
					seg.seq = seqs[s];
					seg.ack = acks[a];
					seg.win = WIN;
					seg.abort = flags & TCPS_RST && a;
					seg.active = flags & TCPS_FIN && a == 1;
					seg.fin_rcvd = fin_rcvd && !a;
					try_segment(m, &seg, TCPS_SENT);
				}
	}
}

static void try_all_rcvd(const struct tcps_fsm *m)
{
	const u32 base = m->local.state == TCPS_SYN_SENT ? IRS : m->rcv_nxt;
	const u32 seqs[] = { base, base - 1, base + 1, m->remote.nxt, base + 1000 };
	const u32 acks[] = { m->local.nxt, m->local.nxt - 1, ISS, ISS + 1, m->local.nxt + 1 };
	struct tcps_seg seg = { .win = WIN, .scale = 2 };
	unsigned int s, a, flags;

	for (flags = 0; flags < 0x18; flags++) {
		if (flags & ~(TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK))
			continue;
		for (s = 0; s < 5; s++)
			for (a = 0; a < 5; a++)
				for (seg.len = 0; seg.len < 2; seg.len++) {
					seg.flags = flags;
					seg.seq = seqs[s];
					seg.ack = acks[a];
					try_segment(m, &seg, TCPS_RCVD);
				}
	}
}

static void open_with(const struct tcps_seg *seg)
{
	struct tcps_fsm before, m;
	struct tcps_step step;

	assert_true(tcps_fsm_opens(seg));
	tcps_fsm_init(&m, seg);
	before = m;
	tcps_fsm_step(&m, seg, TCPS_SENT, &step);
	check_step(&before, &m, &step);
	assert_int_equal(step.nlocal, 1);
	visit(&m);
}

/* Every open connection that the machine can be begun with, and what its socket may send then. */
static void walk_found(void)
{
	struct tcps_found found = {
		.snd_una = ISS + 1, .rcv_acked = IRS + 1, .rcv_edge = IRS + 1 + WIN,
		.snd_wnd_max = WIN, .rcv_scale = TCPS_NO_SCALE, .snd_scale = TCPS_NO_SCALE,
	};
	const struct tcps_fsm none = { .local.state = TCPS_CLOSE, .remote.state = TCPS_CLOSE };
	struct tcps_step step;
	struct tcps_fsm m;
	unsigned int bits;
	bool fin_rcvd;

	for (bits = 0; bits < 16; bits++) {
		found.active = bits & 1;
		found.fin_sent = bits & 2;
		found.fin_acked = bits & 4;
		fin_rcvd = bits & 8;
		/* FIN_WAIT2 has sent its FIN, and closed first; LAST_ACK has received the other. */
		if (found.fin_acked && !(found.fin_sent && found.active))
			continue;
		if (found.fin_sent && !found.active && !fin_rcvd)
			continue;
		found.ack_floor = ISS + 1;
		found.snd_nxt = ISS + 1 + found.fin_sent;
		found.snd_una = ISS + 1 + found.fin_acked;
		found.rcv_nxt = IRS + 1 + fin_rcvd;
		tcps_fsm_found(&m, &found, &step);
		check_step(&none, &m, &step);
		try_all_sent(&m, fin_rcvd);
	}
}

/* listen() and its end are no segments: a listener's machine lives from one event to another. */
static void walk_listener(void)
{
	struct tcps_fsm m = { .local.state = TCPS_CLOSE, .remote.state = TCPS_CLOSE }, before = m;
	struct tcps_step step;

	tcps_fsm_event(&m, TCPS_EV_LISTEN, &step);
	check_step(&before, &m, &step);
	assert_int_equal(m.local.state, TCPS_LISTEN);
	try_event(&m, TCPS_EV_GONE);
}

static int walk(void **state)
{
	struct tcps_seg seg = { .seq = ISS, .win = WIN };
	int scale;

	(void)state;
	seen = calloc(HASH, sizeof(*seen));
	todo = calloc(HASH / 2, sizeof(*todo));
	if (!seen || !todo)
		return -1;
	walk_listener();
	walk_found();
	for (scale = 0; scale < 2; scale++) {
		seg.scale = scale ? 2 : TCPS_NO_SCALE;
		seg.ack = 0;
		seg.flags = TCPS_SYN;
		for (seg.len = 0; seg.len < 2; seg.len++)
			open_with(&seg);
		seg.len = 0;
		seg.flags = TCPS_SYN | TCPS_ACK;
		for (seg.ack = IRS + 1; seg.ack <= IRS + 2; seg.ack++)
			open_with(&seg);
	}
	while (ntodo) {
		struct tcps_fsm m = todo[--ntodo];

		try_all_sent(&m, false);
		try_all_rcvd(&m);
		try_event(&m, TCPS_EV_GONE);
		if (m.local.state == TCPS_TIME_WAIT)
			try_event(&m, TCPS_EV_EXPIRE);
	}
	printf("walk: %zu machines, %lu steps, %zu edges listed\n", nseen, steps,
	       TCPS_EDGES);
	return 0;
}

static int done(void **state)
{
	(void)state;
	free(seen);
	free(todo);
	return 0;
}

/* That nothing else exists was checked at every step of the walk. */
static void every_edge_is_reached(void **state)
{
	unsigned int missing = 0;
	size_t i;

	(void)state;
	for (i = 0; i < TCPS_EDGES; i++) {
		if (reached[tcps_edges[i].from][tcps_edges[i].event][tcps_edges[i].to])
			continue;
		print_error("not reached: %s -> %s on \"%s\"\n", tcps_state_name(tcps_edges[i].from),
			    tcps_state_name(tcps_edges[i].to), tcps_event_name(tcps_edges[i].event));
		missing++;
	}
	assert_int_equal(missing, 0);
	assert_true(steps > 1000000);
}

static void what_never_happens_did_not(void **state)
{
	unsigned int event;
	size_t i;

	(void)state;
	for (i = 0; i < TCPS_NEVERS; i++)
		for (event = 0; event < TCPS_EVENTS; event++)
			assert_false(reached[tcps_nevers[i].from][event][tcps_nevers[i].to]);
}

/* One edge a (state, event): otherwise the table would hold whichever was listed last. */
static void no_edge_is_listed_twice(void **state)
{
	size_t i, k;

	(void)state;
	for (i = 0; i < TCPS_EDGES; i++)
		for (k = i + 1; k < TCPS_EDGES; k++)
			assert_false(tcps_edges[i].from == tcps_edges[k].from && tcps_edges[i].event == tcps_edges[k].event);
}

/* By segments and by 2MSL alone: a look-up that finds no socket must not be the only way out. */
static void no_state_is_a_trap(void **state)
{
	bool out[TCPS_STATES] = { [TCPS_CLOSE] = true };
	unsigned int from, event, to, round;

	(void)state;
	for (round = 0; round < TCPS_STATES; round++)
		for (from = 1; from < TCPS_STATES; from++)
			for (event = 0; event < TCPS_EVENTS; event++)
				for (to = 1; to < TCPS_STATES; to++)
					if (event != TCPS_EV_GONE && out[to] &&
					    reached_local[from][event][to])
						out[from] = true;
	for (from = 1; from < TCPS_STATES; from++)
		if (!out[from])
			fail_msg("no way out of %s", tcps_state_name(from));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_edge_is_reached),
		cmocka_unit_test(what_never_happens_did_not),
		cmocka_unit_test(no_edge_is_listed_twice),
		cmocka_unit_test(no_state_is_a_trap),
	};

	return cmocka_run_group_tests_name("fsm_walk", tests, walk, done);
}
