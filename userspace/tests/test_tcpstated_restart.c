// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstated: nothing is news twice because the daemon was restarted; and all that can happen, in
 * any order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_reader.h"

static void test_restart(void **state)
{
	struct known *k = &w.follow.active[0];

	(void)state;
	module_raise(80);
	module_raise(81);
	module_clear(2);
	turn();
	k->held = true;
	k->logged = TCPSTATE_SEVERITY_PAGE;
	k->holder.holding = TCPSTATE_HOLDING_PROCESS;
	k->holder.processes = 20;
	k->holder.process[3].pid = 4121;
	k->holder.process[3].fd = -1;
	strcpy(k->holder.process[3].comm, "tmux: \"server\"");
	strcpy(k->holder.place.unit, "orders.service");
	strcpy(k->holder.place.pod, "pod");
	n_news = 0;
	restart(true);
	assert_int_equal(k->holder.processes, 20);
	assert_int_equal(k->holder.process[3].pid, 4121);
	assert_string_equal(k->holder.process[3].comm, "tmux: \"server\"");
	assert_string_equal(k->holder.place.unit, "orders.service");
	assert_int_equal(k->alert.peer.name.lport, 80);
	assert_int_equal(k->logged, TCPSTATE_SEVERITY_PAGE);
	turn();
	assert_int_equal(n_news, 0);

	/* What happens meanwhile is told afterwards. */
	restart(true);
	module_clear(1);
	module_raise(82);
	turn();
	assert_int_equal(n_news, 2);
	expect(0, CLEAR, FOLLOW_LISTED, 1);
	expect(1, RAISE, FOLLOW_LISTED, 3);

	/* So is another module. */
	restart(true);
	module_unload(false);
	module_load();
	module_raise(83);
	n_news = 0;
	raised[1] = cleared[1] = 0;
	turn();
	assert_int_equal(n_news, 2);
	expect(0, CLEAR, FOLLOW_UNLOADED, 3);
	expect(1, RAISE, FOLLOW_LISTED, 1);
}

/* Those of the module that is gone go first. */
static void take_after(const struct follow_news *n, void *arg)
{
	if (n->source == FOLLOW_UNLOADED)
		raised[n->alert->id] = 0;
	else
		take_news(n, arg);
}

/* Nothing but the numbers tells that it is another module. */
static void restart_unnamed(unsigned int before, unsigned int after)
{
	unsigned int i;

	module.named = false;
	for (i = 0; i < before; i++)
		module_raise(80);
	module_clear(1);
	turn();
	restart(true);
	module_unload(false);
	module_load();
	for (i = 0; i < after; i++)
		module_raise(81);
	memset(raised, 0, sizeof(raised));
	for (i = 2; i <= before; i++)
		raised[i] = 1;
	cleared[1] = 0;
	n_news = 0;
	w.follow.tell = take_after;
}

static void test_restart_unnamed(void **state)
{
	restart_unnamed(3, 1);
	turn();
	assert_int_equal(n_news, 1);
	expect(0, RAISE, FOLLOW_LISTED, 1);

	tear_down(state);
	set_up(state);
	restart_unnamed(2, 9);
	turn();
	assert_int_equal(n_news, 9);
}

/* Whatever the file holds, it does no harm. */
static void test_damaged_state(void **state)
{
	char text[20000];
	size_t len, i;
	struct identity id;
	FILE *f;

	(void)state;
	module_raise(80);
	turn();
	w.follow.active[0].held = true;
	assert_int_equal(state_save(path, &w.follow, &carry, &w.id), 0);
	f = fopen(path, "r");
	len = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_true(len > 1000 && len < sizeof(text));
	for (i = 0; i < len; i += i < 200 || i > len - 600 ? 1 : 50) {
		char was = text[i];

		text[i] ^= 1 + i % 7;
		f = fopen(path, "w");
		fwrite(text, 1, i % 3 ? len : i, f);
		fclose(f);
		state_load(path, &w.follow, &carry, &id);
		text[i] = was;
	}
	assert_false(state_load("/nonexistent/state", &w.follow, &carry, &id));
	assert_int_equal(follow_count(&w.follow), 0);
	assert_int_equal(id.module, 0);
	assert_int_equal(state_save("/proc/nonexistent/state", &w.follow, &carry, &id), -ENOENT);
	assert_int_equal(state_save("none", &w.follow, &carry, &id), 0);
	assert_false(state_load("none", &w.follow, &carry, &id));
}

/* Anything in any order. The module keeps what is looked at often enough. */
static uint32_t pick(void)
{
	unsigned int i, n = rand() % module.alerts;

	for (i = 0; i < module.alerts; i++) {
		const struct tcpstate_alert *a = &module.alert[(n + i) % module.alerts].alert;

		if (!a->cleared.known)
			return a->id;
	}
	return 0;
}

static unsigned int active(void)
{
	return module.alerts - module_ended();
}

static void happen(void)
{
	unsigned int i, n = rand() % 40;
	uint32_t id;

	for (i = 0; i < n; i++) {
		id = module.alerts ? pick() : 0;
		switch (rand() % 3) {
		case 0:
			if (active() < FOLLOW_ACTIVE)
				module_raise(rand() % 100);
			break;
		case 1:
			if (id)
				module_update(id, rand());
			break;
		default:
			if (id && rand() % 2)
				module_clear(id);
		}
	}
}

static void check_all(void)
{
	uint32_t id;

	for (id = 1; id <= module.last_id; id++) {
		const struct tcpstate_notice *n = module_alert(id);

		if (raised[id] != 1)
			fail_msg("alert %u was raised %u times", id, raised[id]);
		if (cleared[id] != (!n || n->alert.cleared.known))
			fail_msg("alert %u was cleared %u times", id, cleared[id]);
	}
}

static void exchange(bool heard)
{
	uint32_t id;

	module_unload(heard);
	if (rand() % 2)
		module_load();
	watch_take(&w);
	watch_tick(&w);
	if (w.alerts)
		fail_msg("the module is gone unseen");
	for (id = 1; id <= module.last_id; id++)
		assert_int_equal(raised[id], cleared[id]);
	forget_ids();
	if (!module.present)
		module_load();
}

static void test_random(void **state)
{
	unsigned int i, seed;

	for (seed = 1; seed <= 10; seed++) {
		tear_down(state);
		set_up(state);
		srand(seed);
		module.named = seed % 3;
		for (i = 0; i < 400; i++) {
			module.queue_room = rand() % 4 ? QUEUE_MAX : rand() % 20;
			happen();
			module.queue_room = QUEUE_MAX;
			if (rand() % 10 == 0)
				restart(true);
			turn();
			if (rand() % 2)
				turn();
			check_all();
			if (rand() % 40 == 0)
				exchange(rand() % 2);
		}
		/* Nothing grows. */
		assert_true(follow_count(&w.follow) <= FOLLOW_ACTIVE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_restart, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_restart_unnamed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_damaged_state, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("tcpstated: restarts", tests, make_state_file,
					   remove_state_file);
}
