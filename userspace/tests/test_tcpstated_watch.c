// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstated: every raise and every clear is news once, in order, whatever is lost, reloaded or
 * absent meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_reader.h"

/* What is active and what has ended before we came, then notices. */
static void test_begin(void **state)
{
	(void)state;
	module_raise(80);
	module_raise(81);
	module_clear(1);
	turn();
	assert_int_equal(n_news, 3);
	/* By number of the last notice: 2 was raised before 1 was cleared. */
	expect(0, RAISE, FOLLOW_LISTED, 2);
	assert_int_equal(news[0].time_ns, 1000002);
	assert_int_equal(news[0].seq, 2);
	expect(1, RAISE, FOLLOW_LISTED, 1);
	assert_int_equal(news[1].time_ns, 1000001);
	assert_int_equal(news[1].seq, 0);
	expect(2, CLEAR, FOLLOW_LISTED, 1);
	assert_int_equal(news[2].seq, 3);

	module_update(2, 7);
	module_clear(2);
	module_raise(82);
	turn();
	assert_int_equal(n_news, 6);
	expect(3, UPDATE, FOLLOW_NOTICE, 2);
	expect(4, CLEAR, FOLLOW_NOTICE, 2);
	expect(5, RAISE, FOLLOW_NOTICE, 3);
	assert_int_equal(news[5].seq, 6);
	assert_int_equal(news[5].time_ns, 1006);
	assert_int_equal(module.dumps, 1);
}

/* Notices that were sent between the subscription and the dump are no news. */
static void test_merge(void **state)
{
	struct tcpstate_notice n;

	(void)state;
	module_raise(80);
	n = module.alert[0];
	n.action = RAISE;
	n.time_ns = 5;
	turn();
	module_update(1, 3);
	module_clear(1);
	module.link[0].n = 0;
	/* As if the dump had come behind all three of them. */
	watch_close(&w);
	start();
	forget_ids();
	n_news = 0;
	turn();
	assert_int_equal(n_news, 2);
	module.link[0].queue[0] = n;
	n.seq = 2;
	n.action = UPDATE;
	module.link[0].queue[1] = n;
	n.seq = 3;
	n.action = CLEAR;
	n.alert.cleared = (struct tcpstate_value){ 9, true };
	module.link[0].queue[2] = n;
	module.link[0].n = 3;
	turn();
	assert_int_equal(n_news, 2);
	assert_int_equal(module.dumps, 2);
}

/* The gap shows at the next notice, or at once where the kernel says that there was an overrun. */
static void test_overrun(void **state)
{
	(void)state;
	module_raise(80);
	module_raise(81);
	turn();
	n_news = 0;
	module.queue_room = 0;
	module_clear(1);
	module_raise(82);
	module_raise(83);
	module_clear(4);
	module_update(2, 5);
	turn();
	assert_int_equal(n_news, 5);
	expect(0, CLEAR, FOLLOW_LISTED, 1);
	expect(1, RAISE, FOLLOW_LISTED, 3);
	expect(2, RAISE, FOLLOW_LISTED, 4);
	expect(3, CLEAR, FOLLOW_LISTED, 4);
	expect(4, UPDATE, FOLLOW_LISTED, 2);
	assert_int_equal(w.lost_alerts.overruns, 1);

	/* No memory for one: nothing tells, but the number of the next. */
	n_news = 0;
	module_clear(2);
	module.link[0].overrun = false;
	module.queue_room = QUEUE_MAX;
	module_raise(84);
	turn();
	assert_int_equal(n_news, 2);
	expect(0, CLEAR, FOLLOW_LISTED, 2);
	expect(1, RAISE, FOLLOW_LISTED, 5);

	/* Nor does another one come: the dump every ten seconds tells. */
	n_news = 0;
	module.queue_room = 0;
	module_clear(3);
	module.link[0].overrun = false;
	turn();
	assert_int_equal(n_news, 0);
	now_ns += 10 * NS_PER_S;
	turn();
	assert_int_equal(n_news, 1);
	expect(0, CLEAR, FOLLOW_LISTED, 3);
}

/* So many have ended meanwhile that the module has forgotten this one. */
static void test_gone(void **state)
{
	unsigned int i;

	(void)state;
	module_raise(80);
	turn();
	module.queue_room = 0;
	module_clear(1);
	for (i = 0; i < FOLLOW_ENDED; i++) {
		module_raise(81);
		module_clear(module.last_id);
	}
	n_news = 0;
	turn();
	expect(0, CLEAR, FOLLOW_GONE, 1);
	assert_int_equal(news[0].time_ns, 0);
	for (i = 2; i <= FOLLOW_ENDED + 1; i++)
		assert_true(raised[i] == 1 && cleared[i] == 1);
}

static void reload_with(bool named, bool heard)
{
	module.named = named;
	module_raise(80);
	module_raise(81);
	module_clear(1);
	turn();
	n_news = 0;
	module_unload(heard);
	module_load();
	/* Far fewer than there were. */
	module_raise(82);
	/* The ids of the module that is gone are told first. */
	watch_take(&w);
	watch_tick(&w);
	assert_null(w.alerts);
	assert_int_equal(n_news, 1);
	expect(0, CLEAR, FOLLOW_UNLOADED, 2);
	forget_ids();
	turn();
	assert_int_equal(n_news, 2);
	expect(1, RAISE, FOLLOW_LISTED, 1);
	assert_int_equal(w.presence, MODULE_PRESENT);
	assert_int_equal(said_absent, 1);
	assert_int_equal(said_present, 2);
}

static void test_reload(void **state)
{
	reload_with(true, true);
	tear_down(state);
	set_up(state);
	/* The news of it was lost. */
	reload_with(true, false);
	tear_down(state);
	set_up(state);
	reload_with(false, false);
}

/*
 * More has come than is taken at once when the module goes, and a part of it is missing: it is told
 * all the same, before what was active ends with the module. @heard: that it goes was told, too.
 */
static void unload_behind(bool heard)
{
	unsigned int i;

	module_raise(80);
	turn();
	for (i = 0; i < 2 * AT_ONCE; i++) {
		module_raise(81);
		module_clear(module.last_id);
	}
	module_raise(82);
	module.queue_room = 0;
	module_update(1, 3);
	module.queue_room = QUEUE_MAX;
	module.link[0].overrun = false;
	module_clear(1);
	module_raise(83);
	module.n_transitions = 3;
	module_unload(heard);
	module_load();
	assert_int_equal(watch_take(&w), 0);
	assert_int_equal(watch_tick(&w), 0);
	assert_null(w.alerts);
	assert_int_equal(module.n_transitions, 0);
	assert_int_equal(said_absent, 1);
	for (i = 1; i <= 2 * AT_ONCE + 3; i++)
		assert_true(raised[i] == 1 && cleared[i] == 1);
	forget_ids();
	turn();
	assert_int_equal(said_present, 2);
}

static void test_unload_behind(void **state)
{
	start();
	w.transitions = true;
	unload_behind(true);
	tear_down(state);
	set_up(state);
	w.transitions = true;
	unload_behind(false);
}

/* The new module has got the number of the old one: questions are answered, notices never come. */
static void test_same_number(void **state)
{
	unsigned int i;

	(void)state;
	turn();
	module_unload(false);
	module_load();
	for (i = 0; i < 8; i++)
		module.link[i].generation = module.generation;
	turn();
	assert_int_equal(said_absent, 1);
	assert_int_equal(said_present, 2);
	assert_int_equal(module.dumps, 2);
}

/* A link that fails is opened again, and nobody hears of the module. */
static void test_link_fails(void **state)
{
	(void)state;
	module_raise(80);
	turn();
	module_update(1, 3);
	turn();
	module.notices_error = -EBADMSG;
	module_clear(1);
	module_raise(81);
	watch_take(&w);
	assert_null(w.alerts);
	turn();
	module_raise(82);
	turn();
	assert_int_equal(module.dumps, 2);
	assert_int_equal(said_present, 1);
	assert_int_equal(said_other, 1);
	assert_int_equal(n_news, 5);
	expect(2, CLEAR, FOLLOW_LISTED, 1);
	expect(3, RAISE, FOLLOW_LISTED, 2);
	expect(4, RAISE, FOLLOW_NOTICE, 3);
}

/* It stays away for a while. */
static void test_absent(void **state)
{
	unsigned int i;

	(void)state;
	module_raise(80);
	turn();
	module_unload(true);
	turn();
	assert_int_equal(w.presence, MODULE_ABSENT);
	assert_int_equal(follow_count(&w.follow), 0);
	n_news = 0;
	/* Looked for soon, then less often. */
	assert_true(w.again_ns - now_ns <= NS_PER_S / 10);
	for (i = 0; i < 50; i++) {
		now_ns += NS_PER_S / 10;
		watch_seek(&w);
		assert_true(w.again_ns > now_ns && w.again_ns <= now_ns + NS_PER_S);
	}
	assert_int_equal(w.delay_ns, NS_PER_S);
	assert_int_equal(said_absent, 1);
	assert_int_equal(said_present, 1);
	forget_ids();
	module_load();
	module_raise(80);
	turn();
	assert_int_equal(w.presence, MODULE_PRESENT);
	expect(0, RAISE, FOLLOW_LISTED, 1);
}

/* Without the right to, there is no use in waiting; with an older module there is. */
static void test_refused(void **state)
{
	(void)state;
	module.open_error = -EOPNOTSUPP;
	turn();
	turn();
	assert_null(w.alerts);
	assert_int_equal(said_other, 1);
	module.open_error = -EPERM;
	now_ns += NS_PER_S;
	assert_int_equal(watch_seek(&w), -EPERM);
	module.open_error = 0;
}

/* An alert that is active while thousands come and go: it is still known, and to a new daemon. */
static void test_long(void **state)
{
	unsigned int i;

	(void)state;
	module_raise(80);
	turn();
	for (i = 0; i < 3 * FOLLOW_IDS; i++) {
		module_raise(81);
		module_clear(module.last_id);
		if (i % 100 == 0)
			turn();
	}
	module_update(1, 3);
	turn();
	assert_int_equal(follow_count(&w.follow), 1);
	restart(false);
	forget_ids();
	turn();
	assert_true(raised[1] == 1 && !cleared[1]);
	module_clear(1);
	turn();
	assert_int_equal(cleared[1], 1);
}

/* As many as there can be, and one more. */
static void test_full(void **state)
{
	struct tcpstate_notice extra;
	unsigned int i;

	(void)state;
	turn();
	for (i = 0; i < FOLLOW_ACTIVE; i++)
		module_raise(i);
	turn();
	assert_int_equal(follow_count(&w.follow), FOLLOW_ACTIVE);
	extra = module.alert[0];
	extra.alert.id = FOLLOW_ACTIVE + 1;
	extra.seq = ++module.seq;
	extra.action = RAISE;
	module_send(&extra);
	turn();
	assert_int_equal(raised[FOLLOW_ACTIVE + 1], 0);
	/* There is room when it ends. */
	module_clear(7);
	extra.seq = ++module.seq;
	extra.action = CLEAR;
	module_send(&extra);
	turn();
	assert_int_equal(raised[FOLLOW_ACTIVE + 1], 1);
	assert_int_equal(cleared[FOLLOW_ACTIVE + 1], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_begin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_merge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overrun, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_gone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_reload, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unload_behind, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_same_number, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_link_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_absent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_long, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tcpstated: alerts", tests, make_state_file,
					   remove_state_file);
}
