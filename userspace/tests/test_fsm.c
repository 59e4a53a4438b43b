// SPDX-License-Identifier: GPL-2.0-only
/* The life of a connection, case by case: how it opens and how it closes. */
#include "ladder.h"

static void active_open(void **state)
{
	(void)state;
	snd(S, 0, 0, 0);
	is(SYN_SENT, CLOSE);
	snd(S, 0, 0, 0);
	unmoved();
	rcv(S | A, 0, 1, 0);
	is(ESTABLISHED, SYN_RECV);
	assert_int_equal(st.nremote, 2);
	snd(A, 1, 1, 0);
	snd(A, 1, 1, 5);
	is(ESTABLISHED, SYN_RECV);
	rcv(A, 1, 6, 0);
	is(ESTABLISHED, ESTABLISHED);
}

static void active_open_far_end_speaks_first(void **state)
{
	(void)state;
	active();
	rcv(A, 1, 1, 10);
	is(ESTABLISHED, ESTABLISHED);
}

static void bare_ack_does_not_prove_that_our_ack_arrived(void **state)
{
	(void)state;
	active();
	rcv(A, 1, 1, 0);
	is(ESTABLISHED, SYN_RECV);
}

static void passive_open(void **state)
{
	(void)state;
	snd(S | A, 0, 1, 0);
	is(SYN_RECV, SYN_SENT);
	assert_int_equal(st.local[0].from, TCPS_LISTEN);
	snd(S | A, 0, 1, 0);
	unmoved();
	rcv(A, 1, 1, 0);
	is(ESTABLISHED, ESTABLISHED);
}

static void passive_open_ack_with_data_and_fin(void **state)
{
	(void)state;
	snd(S | A, 0, 1, 0);
	rcv(A | F, 1, 1, 10);
	is(CLOSE_WAIT, FIN_WAIT1);
	assert_int_equal(st.nlocal, 2);
}

static void passive_open_wrong_ack(void **state)
{
	(void)state;
	snd(S | A, 0, 1, 0);
	rcv(A, 1, 0, 0);
	ignored();
	rcv(A, 1, 2, 0);
	ignored();
	rcv(0, 1, 1, 5);
	ignored();
	is(SYN_RECV, SYN_SENT);
}

static void data_on_syn_passive(void **state)
{
	(void)state;
	/*
	 * Fast open: 10 bytes came with the SYN, we answer, speak and close before the final ACK.
	 */
	snd(S | A, 0, 11, 0);
	snd(A, 1, 11, 20);
	is(SYN_RECV, SYN_SENT);
	snd(A | F, 21, 11, 0);
	is(FIN_WAIT1, SYN_SENT);
	rcv(A, 11, 21, 0);
	is(FIN_WAIT1, ESTABLISHED);
	rcv(A, 11, 22, 0);
	is(FIN_WAIT2, CLOSE_WAIT);
}

static void data_on_syn_active(void **state)
{
	(void)state;
	snd(S, 0, 0, 10);
	rcv(S | A, 0, 11, 0);
	is(ESTABLISHED, SYN_RECV);
	/* It has our data from the SYN and may talk before our ACK arrives. */
	snd(A, 11, 1, 0);
	rcv(A, 1, 11, 5);
	is(ESTABLISHED, SYN_RECV);
	snd(A, 11, 6, 1);
	rcv(A, 6, 12, 0);
	is(ESTABLISHED, ESTABLISHED);
}

static void data_on_syn_not_taken(void **state)
{
	(void)state;
	snd(S, 0, 0, 10);
	rcv(S | A, 0, 1, 0);
	is(ESTABLISHED, SYN_RECV);
	snd(A, 1, 1, 10);
	rcv(A, 1, 11, 0);
	is(ESTABLISHED, ESTABLISHED);
}

static void simultaneous_open(void **state)
{
	(void)state;
	snd(S, 0, 0, 0);
	rcv(S, 0, 0, 0);
	is(SYN_RECV, SYN_SENT);
	snd(S | A, 0, 1, 0);
	unmoved();
	rcv(S | A, 0, 1, 0);
	is(ESTABLISHED, SYN_RECV);
	rcv(A, 1, 1, 3);
	is(ESTABLISHED, ESTABLISHED);
}

static void text_without_the_ack_proves_nothing(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 1, 1, 0);
	/* Sent before the FIN was acknowledged, seen by the far end in FIN_WAIT1. */
	snd(A, 1, 1, 5);
	rcv(A, 2, 6, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
}

static void text_sent_again_with_the_ack_proves_nothing(void **state)
{
	(void)state;
	passive();
	snd(A, 1, 1, 5);
	rcv(F | A, 1, 1, 0);
	/* The far end may acknowledge the first copy, which did not cover its FIN. */
	snd(A, 1, 2, 5);
	rcv(A, 2, 6, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
}

static void simultaneous_open_wrong_answers(void **state)
{
	(void)state;
	snd(S, 0, 0, 0);
	rcv(S, 0, 0, 10);
	/* Data on a crossing SYN is not taken. */
	assert_int_equal(m.rcv_nxt, IRS + 1);
	snd(S | A, 0, 1, 0);
	rcv(S | A, 5, 1, 0);
	ignored();
	rcv(S | A, 0, 0, 0);
	ignored();
	is(SYN_RECV, SYN_SENT);
	rcv(S | A, 0, 1, 0);
	is(ESTABLISHED, SYN_RECV);
}

static void refused(void **state)
{
	(void)state;
	snd(S, 0, 0, 0);
	rcv(R, 0, 0, 0);
	ignored();
	rcv(R | A, 0, 0, 0);
	ignored();
	rcv(R | A, 0, 1, 0);
	is(CLOSE, CLOSE);
}

/* Linux does not look at a FIN in SYN_SENT (tcp_rcv_synsent_state_process()). */
static void synack_with_fin(void **state)
{
	(void)state;
	snd(S, 0, 0, 0);
	rcv(S | F | A, 0, 1, 0);
	is(ESTABLISHED, SYN_RECV);
	snd(A, 1, 1, 0);
	rcv(A, 1, 1, 5);
	is(ESTABLISHED, ESTABLISHED);
}

static void a_time_wait_that_sends_is_none(void **state)
{
	(void)state;
	passive();
	snd(F | A, 1, 1, 0);
	rcv(F | A, 1, 2, 0);
	is(TIME_WAIT, LAST_ACK);
	snd(A, 2, 2, 0);
	assert_false(st.doubt);
	snd(A, 70001, 5, 0);
	assert_true(st.doubt);
}

static void answer_to_something_else(void **state)
{
	(void)state;
	snd(S, 0, 0, 0);
	rcv(S | A, 0, 2, 0);
	ignored();
	rcv(A, 0, 1, 0);
	ignored();
	is(SYN_SENT, CLOSE);
}

static void active_close(void **state)
{
	(void)state;
	active();
	snd(F | A, 1, 1, 0);
	is(FIN_WAIT1, SYN_RECV);
	rcv(A, 1, 2, 0);
	is(FIN_WAIT2, CLOSE_WAIT);
	rcv(A, 1, 2, 100);
	is(FIN_WAIT2, CLOSE_WAIT);
	rcv(F | A, 101, 2, 0);
	is(TIME_WAIT, LAST_ACK);
	tcps_fsm_event(&m, TCPS_EV_EXPIRE, &st);
	is(CLOSE, LAST_ACK);
}

static void passive_close(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 1, 1, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
	snd(A, 1, 2, 0);
	/*
	 * It may not have this ACK. New text that follows and is acknowledged proves that it has.
	 */
	is(CLOSE_WAIT, FIN_WAIT1);
	snd(A, 1, 2, 5);
	rcv(A, 2, 6, 0);
	is(CLOSE_WAIT, FIN_WAIT2);
	snd(F | A, 6, 2, 0);
	is(LAST_ACK, FIN_WAIT2);
	rcv(A, 2, 6, 0);
	is(LAST_ACK, FIN_WAIT2);
	rcv(A, 2, 7, 0);
	is(CLOSE, TIME_WAIT);
}

static void ack_and_fin_in_one(void **state)
{
	(void)state;
	passive();
	snd(F | A, 1, 1, 0);
	rcv(F | A, 1, 2, 0);
	is(TIME_WAIT, LAST_ACK);
	assert_int_equal(st.nlocal, 2);
	assert_int_equal(st.local[0].to, TCPS_FIN_WAIT2);
	assert_int_equal(st.local[1].to, TCPS_TIME_WAIT);
}

static void simultaneous_close(void **state)
{
	(void)state;
	passive();
	snd(F | A, 1, 1, 0);
	rcv(F | A, 1, 1, 0);
	is(CLOSING, FIN_WAIT1);
	snd(A, 2, 2, 0);
	is(CLOSING, FIN_WAIT1);
	rcv(A, 2, 2, 0);
	is(TIME_WAIT, CLOSING);
}

static void fin_that_waited_in_the_socket(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 1, 1, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
	snd_late_fin(1, 2, 10);
	is(CLOSING, FIN_WAIT1);
	assert_int_equal(st.nlocal, 1);
	assert_int_equal(st.local[0].event, TCPS_EV_LATE_FIN);
	snd_late_fin(1, 2, 10);
	unmoved();
	rcv(A, 2, 12, 0);
	is(TIME_WAIT, TIME_WAIT);
}

static void fin_that_waited_and_crosses(void **state)
{
	(void)state;
	passive();
	snd_late_fin(1, 1, 0);
	is(FIN_WAIT1, ESTABLISHED);
	assert_int_equal(st.local[0].event, TCPS_EV_SEND_FIN);
	rcv(F | A, 1, 1, 0);
	is(CLOSING, FIN_WAIT1);
}

static void ack_that_does_not_cover_the_fin(void **state)
{
	(void)state;
	passive();
	snd(A, 1, 1, 10);
	snd(F | A, 11, 1, 10);
	rcv(A, 1, 11, 0);
	is(FIN_WAIT1, ESTABLISHED);
	rcv(A, 1, 21, 0);
	is(FIN_WAIT1, ESTABLISHED);
	rcv(A, 1, 22, 0);
	is(FIN_WAIT2, CLOSE_WAIT);
}

static void retransmitted_fin(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 1, 1, 0);
	rcv(F | A, 1, 1, 0);
	unmoved();
	snd(A, 1, 2, 0);
	rcv(F | A, 1, 1, 0);
	assert_int_equal(st.nlocal, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
	snd(F | A, 1, 2, 0);
	snd(F | A, 1, 2, 0);
	unmoved();
	is(LAST_ACK, FIN_WAIT1);
}

static void time_wait_begins_anew(void **state)
{
	(void)state;
	passive();
	snd(F | A, 1, 1, 0);
	rcv(F | A, 1, 2, 0);
	is(TIME_WAIT, LAST_ACK);
	rcv(F | A, 1, 2, 0);
	assert_true(st.restart);
	is(TIME_WAIT, LAST_ACK);
	rcv(A, 2, 2, 0);
	assert_true(st.restart);
	rcv(S, 5000, 0, 0);
	assert_false(st.restart);
	rcv(0, 2, 0, 0);
	assert_true(st.restart);
	rcv(0, 2, 0, 5);
	assert_false(st.restart);
	rcv(R, 500, 0, 0);
	assert_false(st.restart);
	assert_false(st.doubt);
	rcv(R, 2, 0, 0);
	assert_false(st.restart);
	assert_true(st.doubt);
	is(TIME_WAIT, LAST_ACK);
}

static void fin_out_of_order(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 11, 1, 5);
	is(ESTABLISHED, FIN_WAIT1);
	snd(A, 1, 1, 0);
	is(ESTABLISHED, FIN_WAIT1);
	/* The hole is filled; only the ACK tells that nothing else was missing. */
	rcv(A, 1, 1, 10);
	is(ESTABLISHED, FIN_WAIT1);
	snd(A, 1, 17, 0);
	is(CLOSE_WAIT, FIN_WAIT1);
}

static void fin_out_of_order_then_everything_again(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 11, 1, 5);
	rcv(A, 1, 1, 15);
	is(ESTABLISHED, FIN_WAIT1);
	rcv(F | A, 11, 1, 5);
	is(CLOSE_WAIT, FIN_WAIT1);
}

static void fin_and_close_cross_in_one_segment(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 11, 1, 5);
	rcv(A, 1, 1, 10);
	snd(F | A, 1, 17, 0);
	is(LAST_ACK, FIN_WAIT1);
	assert_int_equal(st.nlocal, 2);
}

static void new_incarnation(void **state)
{
	struct tcps_fsm before;

	(void)state;
	passive();
	snd(F | A, 1, 1, 0);
	rcv(F | A, 1, 2, 0);
	is(TIME_WAIT, LAST_ACK);
	before = m;
	rcv(S, 100000, 0, 0);
	unmoved();
	snd(S | A, 65537, 100001, 0);
	assert_true(st.reopen);
	assert_memory_equal(&before, &m, sizeof(m));
	snd(S, 70000, 0, 0);
	assert_true(st.reopen);
	snd(S | A, 0, 1, 0);
	assert_false(st.reopen);
}

static void half_close(void **state)
{
	(void)state;
	active();
	snd(F | A, 1, 1, 0);
	rcv(A, 1, 2, 500);
	rcv(A, 501, 2, 500);
	snd(A, 2, 1001, 0);
	is(FIN_WAIT2, CLOSE_WAIT);
	rcv(F | A, 1001, 2, 0);
	is(TIME_WAIT, LAST_ACK);
}

static void silent_end(void **state)
{
	(void)state;
	passive();
	rcv(F | A, 1, 1, 0);
	tcps_fsm_event(&m, TCPS_EV_GONE, &st);
	is(CLOSE, FIN_WAIT1);
	assert_int_equal(st.local[0].event, TCPS_EV_GONE);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(tcps_state_name(1), "ESTABLISHED");
	assert_string_equal(tcps_state_name(11), "CLOSING");
	assert_string_equal(tcps_state_name(0), "?");
	assert_string_equal(tcps_state_name(12), "?");
	assert_string_equal(tcps_event_name(TCPS_EVENTS), "?");
}

int main(void)
{
#define T(f) cmocka_unit_test_setup(f, begin)
	const struct CMUnitTest tests[] = {
		T(active_open),
		T(active_open_far_end_speaks_first),
		T(bare_ack_does_not_prove_that_our_ack_arrived),
		T(passive_open),
		T(passive_open_ack_with_data_and_fin),
		T(passive_open_wrong_ack),
		T(data_on_syn_passive),
		T(data_on_syn_active),
		T(data_on_syn_not_taken),
		T(simultaneous_open),
		T(text_without_the_ack_proves_nothing),
		T(text_sent_again_with_the_ack_proves_nothing),
		T(simultaneous_open_wrong_answers),
		T(refused),
		T(synack_with_fin),
		T(a_time_wait_that_sends_is_none),
		T(answer_to_something_else),
		T(active_close),
		T(passive_close),
		T(ack_and_fin_in_one),
		T(simultaneous_close),
		T(fin_that_waited_in_the_socket),
		T(fin_that_waited_and_crosses),
		T(ack_that_does_not_cover_the_fin),
		T(retransmitted_fin),
		T(time_wait_begins_anew),
		T(fin_out_of_order),
		T(fin_out_of_order_then_everything_again),
		T(fin_and_close_cross_in_one_segment),
		T(new_incarnation),
		T(half_close),
		T(silent_end),
		T(names),
	};

	return cmocka_run_group_tests_name("fsm", tests, NULL, NULL);
}
