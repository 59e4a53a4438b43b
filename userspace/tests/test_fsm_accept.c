// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the machine believes: windows, acknowledgments, resets (RFC 9293, section 3.10.7.4; RFC
 * 5961).
 */
#include "ladder.h"

static void gso(void **state)
{
	(void)state;
	win = 65535;
	passive();
	snd(F | A, 1, 1, 60000);
	is(FIN_WAIT1, ESTABLISHED);
	rcv(A, 1, 60001, 0);
	is(FIN_WAIT1, ESTABLISHED);
	rcv(F | A, 1, 60002, 50000);
	is(TIME_WAIT, LAST_ACK);
	assert_int_equal(m.rcv_nxt, IRS + 50002);
}

static void window(void **state)
{
	(void)state;
	passive();
	snd(A, 1, 1, 0);
	rcv(F | A, 1002, 1, 0);
	ignored();
	rcv(F | A, 1001, 1, 0);
	assert_false(st.invalid);
	is(ESTABLISHED, FIN_WAIT1);
}

static void window_scaled(void **state)
{
	(void)state;
	scale = 3;
	passive();
	snd(A, 1, 1, 0);
	rcv(F | A, 8002, 1, 0);
	ignored();
	rcv(F | A, 8001, 1, 0);
	assert_false(st.invalid);
}

static void window_scaled_by_one_end_only(void **state)
{
	(void)state;
	scale = 3;
	snd(S, 0, 0, 0);
	scale = TCPS_NO_SCALE;
	rcv(S | A, 0, 1, 0);
	snd(A, 1, 1, 0);
	rcv(F | A, 1002, 1, 0);
	ignored();
}

static void nothing_fits_into_a_closed_window(void **state)
{
	(void)state;
	passive();
	rcv(A, 1, 1, 1000);
	win = 0;
	snd(A, 1, 1001, 0);
	rcv(A, 1001, 1, 1);
	assert_int_equal(m.rcv_nxt, IRS + 1001);
	rcv(F | A, 1001, 1, 0);
	is(ESTABLISHED, FIN_WAIT1);
	/* A kernel that takes the bare FIN acknowledges it. */
	snd(A, 1, 1002, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
}

static void a_window_that_opens_again(void **state)
{
	(void)state;
	passive();
	rcv(A, 1, 1, 1000);
	win = 0;
	snd(A, 1, 1001, 0);
	rcv(F | A, 1001, 1, 1);
	is(ESTABLISHED, FIN_WAIT1);
	win = 10;
	snd(A, 1, 1001, 0);
	rcv(F | A, 1001, 1, 1);
	is(CLOSE_WAIT, FIN_WAIT1);
}

static void old_and_future_acks(void **state)
{
	(void)state;
	win = 100;
	passive();
	snd(A, 1, 1, 500);
	rcv(A, 1, 501, 0);
	snd(F | A, 501, 1, 0);
	rcv(F | A, 1, 503, 0);
	ignored();
	rcv(F | A, 1, 400, 0);
	ignored();
	is(FIN_WAIT1, ESTABLISHED);
	rcv(F | A, 1, 401, 0);
	is(CLOSING, FIN_WAIT1);
}

static void old_sequence_number(void **state)
{
	(void)state;
	passive();
	rcv(A, 1, 1, 100);
	snd(A, 1, 101, 0);
	rcv(F | A, 50, 1, 0);
	ignored();
	is(ESTABLISHED, ESTABLISHED);
}

static void impossible_flags(void **state)
{
	static const u8 flags[] = { 0, F, S, S | F, S | F | A, S | A };
	size_t i;

	(void)state;
	passive();
	for (i = 0; i < sizeof(flags); i++) {
		rcv(flags[i], 1, 1, 0);
		ignored();
	}
	is(ESTABLISHED, ESTABLISHED);
}

static void rst_exact(void **state)
{
	(void)state;
	passive();
	rcv(A, 1, 1, 100);
	rcv(R, 101, 0, 0);
	is(CLOSE, CLOSE);
}

static void rst_in_window_only(void **state)
{
	(void)state;
	passive();
	rcv(R | A, 2, 1, 0);
	assert_true(st.doubt);
	is(ESTABLISHED, ESTABLISHED);
	rcv(R, 5000, 1, 0);
	ignored();
	assert_false(st.doubt);
}

static void rst_just_before_after_a_fin(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 1, 1, 0);
	snd(A, 1, 2, 0);
	rcv(R, 1, 0, 0);
	is(CLOSE, CLOSE);
}

static void rst_behind_a_hole(void **state)
{
	(void)state;
	passive();
	rcv(A, 51, 1, 10);
	rcv(R, 61, 0, 0);
	assert_true(st.doubt);
	is(ESTABLISHED, ESTABLISHED);
}

static void rst_ends_a_half_open(void **state)
{
	(void)state;
	snd(S | A, 0, 1, 0);
	rcv(R, 2, 0, 0);
	is(SYN_RECV, SYN_SENT);
	rcv(R, 1, 0, 0);
	is(CLOSE, CLOSE);
}

static void rst_sent_by_the_socket(void **state)
{
	(void)state;
	passive();
	step((struct tcps_seg){ .flags = R | A, .seq = ISS + 1, .abort = true }, TCPS_SENT);
	is(CLOSE, ESTABLISHED);
}

static void rst_sent_by_a_firewall(void **state)
{
	(void)state;
	passive();
	snd(R | A, 1, 1, 0);
	is(ESTABLISHED, ESTABLISHED);
	assert_true(st.doubt);
}

/* An acknowledgment can be in the window and still older than the connection. */
static void ack_before_the_connection(void **state)
{
	(void)state;
	active();
	rcv(F | A, 1, (u32)-1, 0);
	ignored();
	rcv(A, 1, 0, 0);
	assert_false(st.invalid);
	begin(state);
	passive();
	rcv(F | A, 1, 0, 0);
	ignored();
	snd(A, 1, 1, 500);
	rcv(A, 1, 501, 0);
	rcv(F | A, 1, 1, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
}

/* What open sockets know, and the states that follow with the segment that they send next. */
static void found_open(void **state)
{
	static const struct {
		struct tcps_found f;
		bool fin_rcvd;
		u8 flags, local, remote;
	} cases[] = {
		{ { 0 }, false, A, TCPS_ESTABLISHED, TCPS_ESTABLISHED },
		{ { 0 }, true, A, TCPS_CLOSE_WAIT, TCPS_FIN_WAIT1 },
		{ { 0 }, true, F | A, TCPS_LAST_ACK, TCPS_FIN_WAIT1 },
		{ { .fin_sent = true }, true, A, TCPS_LAST_ACK, TCPS_FIN_WAIT1 },
		{ { .active = true }, false, F | A, TCPS_FIN_WAIT1, TCPS_ESTABLISHED },
		{ { .active = true, .fin_sent = true }, false, A, TCPS_FIN_WAIT1, TCPS_ESTABLISHED },
		{ { .active = true, .fin_sent = true }, true, A, TCPS_CLOSING, TCPS_FIN_WAIT1 },
		{ { .active = true, .fin_sent = true, .fin_acked = true }, false, A,
		  TCPS_FIN_WAIT2, TCPS_CLOSE_WAIT },
		{ { .active = true, .fin_sent = true, .fin_acked = true }, true, A,
		  TCPS_TIME_WAIT, TCPS_LAST_ACK },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcps_found f = cases[i].f;

		f.ack_floor = ISS + 1;
		f.snd_nxt = ISS + 1 + f.fin_sent;
		f.snd_una = ISS + 1 + f.fin_acked;
		f.rcv_nxt = IRS + 1 + cases[i].fin_rcvd;
		f.rcv_acked = IRS + 1;
		f.rcv_edge = IRS + 1001;
		f.snd_wnd_max = 1000;
		f.rcv_scale = f.snd_scale = TCPS_NO_SCALE;
		tcps_fsm_found(&m, &f, &st);
		assert_int_equal(st.local[0].event, TCPS_EV_FOUND);
		step((struct tcps_seg){ .flags = cases[i].flags, .seq = f.snd_nxt, .ack = f.rcv_nxt,
					.fin_rcvd = cases[i].fin_rcvd }, TCPS_SENT);
		assert_int_equal(m.local.state, cases[i].local);
		assert_int_equal(m.remote.state, cases[i].remote);
	}
}

/* What a socket's own word about its state proves of the far end; of the local end nothing is told. */
static void seated(void **state)
{
	static const struct {
		u8 local, remote;
	} cases[] = {
		{ TCPS_ESTABLISHED, TCPS_ESTABLISHED }, { TCPS_FIN_WAIT1, TCPS_ESTABLISHED },
		{ TCPS_FIN_WAIT2, TCPS_CLOSE_WAIT }, { TCPS_TIME_WAIT, TCPS_LAST_ACK },
		{ TCPS_CLOSE_WAIT, TCPS_FIN_WAIT1 }, { TCPS_LAST_ACK, TCPS_FIN_WAIT1 },
		{ TCPS_CLOSING, TCPS_FIN_WAIT1 },
	};
	const struct tcps_found f = {
		.snd_una = ISS + 1, .ack_floor = ISS + 1, .snd_nxt = ISS + 1, .rcv_acked = IRS + 1, .rcv_nxt = IRS + 1,
		.rcv_edge = IRS + 1001, .snd_wnd_max = 1000, .rcv_scale = TCPS_NO_SCALE, .snd_scale = TCPS_NO_SCALE,
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tcps_fsm_found(&m, &f, &st);
		tcps_fsm_seat(&m, cases[i].local, &st);
		assert_int_equal(st.nlocal, 0);
		assert_int_equal(m.local.state, cases[i].local);
		assert_int_equal(m.remote.state, cases[i].remote);
		/* Said again it proves nothing more. */
		tcps_fsm_seat(&m, cases[i].local, &st);
		assert_int_equal(st.nlocal + st.nremote, 0);
	}
}

/* The segment came first and the socket has a backlog: its older word does not undo what is known. */
static void seated_behind_the_segments(void **state)
{
	begin(state);
	passive();
	rcv(F | A, 1, 1, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
	tcps_fsm_seat(&m, TCPS_FIN_WAIT1, &st);
	assert_int_equal(st.nremote, 0);
	snd(F | A, 1, 2, 0);
	is(CLOSING, FIN_WAIT1);
	tcps_fsm_seat(&m, TCPS_CLOSING, &st);
	rcv(A, 2, 2, 0);
	is(TIME_WAIT, TIME_WAIT);
}

/* It may be taken, and answered by a cookie that has no socket: then nothing shows that the minisock is gone. */
static void syn_in_time_wait(void **state)
{
	begin(state);
	passive();
	snd(F | A, 1, 1, 0);
	rcv(F | A, 1, 2, 0);
	is(TIME_WAIT, LAST_ACK);
	rcv(S, 5000, 0, 0);
	is(TIME_WAIT, LAST_ACK);
	assert_true(st.doubt);
}

/* Whatever leads from one state to another, the first that the diagram has. */
static void causes(void **state)
{
	(void)state;
	assert_int_equal(tcps_fsm_cause(TCPS_SYN_RECV, TCPS_ESTABLISHED), TCPS_EV_SYN_ACKED);
	assert_int_equal(tcps_fsm_cause(TCPS_ESTABLISHED, TCPS_FIN_WAIT1), TCPS_EV_SEND_FIN);
	assert_int_equal(tcps_fsm_cause(TCPS_FIN_WAIT1, TCPS_CLOSING), TCPS_EV_RCV_FIN);
	assert_int_equal(tcps_fsm_cause(TCPS_CLOSING, TCPS_TIME_WAIT), TCPS_EV_FIN_ACKED);
	assert_int_equal(tcps_fsm_cause(TCPS_ESTABLISHED, TCPS_TIME_WAIT), TCPS_EV_NONE);
	assert_int_equal(tcps_fsm_cause(TCPS_TIME_WAIT, TCPS_ESTABLISHED), TCPS_EV_NONE);
}

/* Its FIN waited behind a hole when the record began; the acknowledgment tells that it has been taken. */
static void found_behind_a_hole(void **state)
{
	const struct tcps_found f = {
		.snd_una = ISS + 1, .ack_floor = ISS + 1, .snd_nxt = ISS + 1, .rcv_acked = IRS + 1, .rcv_nxt = IRS + 1,
		.rcv_edge = IRS + 1001, .snd_wnd_max = 1000, .rcv_scale = TCPS_NO_SCALE, .snd_scale = TCPS_NO_SCALE,
	};

	(void)state;
	tcps_fsm_found(&m, &f, &st);
	snd(A, 1, 1, 0);
	rcv(A, 1, 1, 100);
	is(ESTABLISHED, ESTABLISHED);
	step((struct tcps_seg){ .flags = A, .seq = ISS + 1, .ack = IRS + 152, .fin_rcvd = true }, TCPS_SENT);
	is(CLOSE_WAIT, FIN_WAIT1);
	rcv(F | A, 101, 1, 50);
	unmoved();
	snd(F | A, 1, 152, 0);
	is(LAST_ACK, FIN_WAIT1);
}

/* A connection that was found goes on like any other: windows scale, numbers are judged. */
static void found_and_followed(void **state)
{
	const struct tcps_found f = {
		.snd_una = ISS + 1, .ack_floor = ISS + 1, .snd_nxt = ISS + 1, .rcv_acked = IRS + 1, .rcv_nxt = IRS + 1,
		.rcv_edge = IRS + 1001, .snd_wnd_max = 1000, .rcv_scale = 3, .snd_scale = 2,
	};

	(void)state;
	tcps_fsm_found(&m, &f, &st);
	snd(A, 1, 1, 100);
	rcv(A, 1, 102, 0);
	ignored();
	rcv(F | A, 8002, 101, 0);
	ignored();
	rcv(R, 8001, 0, 0);
	assert_true(st.doubt);
	rcv(F | A, 1, 101, 50);
	is(CLOSE_WAIT, FIN_WAIT1);
	snd(F | A, 101, 52, 0);
	rcv(A, 52, 102, 0);
	assert_int_equal(m.local.state, TCPS_CLOSE);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = {
		T(gso),
		T(window),
		T(window_scaled),
		T(window_scaled_by_one_end_only),
		T(nothing_fits_into_a_closed_window),
		T(a_window_that_opens_again),
		T(old_and_future_acks),
		T(old_sequence_number),
		T(impossible_flags),
		T(rst_exact),
		T(rst_in_window_only),
		T(rst_just_before_after_a_fin),
		T(rst_behind_a_hole),
		T(rst_ends_a_half_open),
		T(rst_sent_by_the_socket),
		T(rst_sent_by_a_firewall),
		T(ack_before_the_connection),
		T(found_open),
		T(found_behind_a_hole),
		T(seated),
		T(seated_behind_the_segments),
		T(causes),
		T(syn_in_time_wait),
		T(found_and_followed),
	};

	return cmocka_run_group_tests_name("fsm_accept", tests, NULL, NULL);
}
