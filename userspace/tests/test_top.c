// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model and the frame of tcpstate top: rates, the last minute, the oldest, and what fits a
 * screen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

/* Not in the library: they are the tool's, and need no terminal. */
#include "../tcpstate/top_model.c"
#include "../tcpstate/top_frame.c"

#define S 1000000000ull

/* The tool's own asks for names and interfaces; here the longest that there is. */
void format_end(char *buf, size_t size, const struct tcpstate_tuple *t, bool remote, bool resolve)
{
	(void)resolve;
	if (t->family == AF_INET)
		snprintf(buf, size, "192.168.100.200:%u", remote ? t->rport : t->lport);
	else
		snprintf(buf, size, "[2001:db8:1111:2222:3333:4444:5555:%04x%s]:%u",
			 remote ? t->rport : t->lport, remote ? "" : "%longinterface0",
			 remote ? t->rport : t->lport);
}

static struct top_model m;
static struct top_oldest oldest;
static struct top_frame frame;

static struct tcpstate_stats stats_of(uint64_t count, uint64_t entered)
{
	struct tcpstate_stats s = { .event_lost = 0 };
	unsigned int i;

	s.snapshot.netns = (struct tcpstate_value){ 4026531840, true };
	s.snapshot.transitions = (struct tcpstate_value){ entered, true };
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		s.snapshot.state[i].count = (struct tcpstate_value){ count, true };
		s.snapshot.state[i].entered = (struct tcpstate_value){ entered, true };
		s.snapshot.state[i].oldest_ms = (struct tcpstate_value){ 1000, true };
	}
	return s;
}

static void add(uint64_t count, uint64_t entered, uint64_t ns)
{
	struct tcpstate_stats s = stats_of(count, entered);

	top_model_add(&m, &s, ns);
}

static void test_rates(void **state)
{
	(void)state;
	top_model_reset(&m);
	assert_true(top_model_entered(&m, 1) < 0);
	add(1, 100, 10 * S);
	assert_true(top_model_entered(&m, 1) < 0);
	assert_true(top_model_transitions(&m) < 0);
	add(1, 150, 12 * S);
	assert_true(top_model_entered(&m, 1) == 25);
	assert_true(top_model_transitions(&m) == 25);
	add(1, 150, 12 * S);	/* a clock that stands still divides nothing */
	assert_true(top_model_entered(&m, 1) < 0);
}

/* Counters that went back are of another module: no rate of minus a million. */
static void test_reloaded(void **state)
{
	unsigned int level[TOP_BINS];

	(void)state;
	top_model_reset(&m);
	add(5, 1000, 10 * S);
	add(5, 1001, 11 * S);
	add(0, 3, 12 * S);
	assert_true(top_model_entered(&m, 1) < 0);
	top_model_levels(&m, 1, level);
	assert_int_equal(level[TOP_BINS - 1], 0);
	assert_int_equal(level[TOP_BINS - 2], 0);
	add(1, 4, 13 * S);
	assert_true(top_model_entered(&m, 1) == 1);
}

static void test_levels(void **state)
{
	unsigned int level[TOP_BINS];

	(void)state;
	top_model_reset(&m);
	add(1000000, 1, 30 * S);
	add(1, 2, 33 * S);
	add(0, 3, 36 * S);
	add(500000, 4, 45 * S);	/* two bins without a sample: what was before */
	top_model_levels(&m, 1, level);
	assert_int_equal(level[TOP_BINS - 1], 4);
	assert_int_equal(level[TOP_BINS - 2], 0);
	assert_int_equal(level[TOP_BINS - 3], 0);
	assert_int_equal(level[TOP_BINS - 4], 0);
	assert_int_equal(level[TOP_BINS - 5], 1);
	assert_int_equal(level[TOP_BINS - 6], TOP_LEVELS);
	assert_int_equal(level[TOP_BINS - 7], 0);
	/* Two samples in one bin: the higher. */
	add(2, 5, 46 * S);
	top_model_levels(&m, 1, level);
	assert_int_equal(level[TOP_BINS - 1], 4);
	/* An hour later nothing of it is left. */
	add(7, 6, 3646 * S);
	top_model_levels(&m, 1, level);
	assert_int_equal(level[TOP_BINS - 1], 1);
	add(7, 7, 7292 * S);
	top_model_levels(&m, 1, level);
	assert_int_equal(level[TOP_BINS - 1], TOP_LEVELS);
	assert_int_equal(level[0], TOP_LEVELS);
}

static void test_fullest(void **state)
{
	struct tcpstate_stats s = stats_of(0, 1);

	(void)state;
	top_model_reset(&m);
	top_model_add(&m, &s, 10 * S);
	assert_int_equal(top_model_fullest(&m), 0);
	s.snapshot.state[TCPSTATE_STATE_CLOSE_WAIT].count.n = 318;
	s.snapshot.state[TCPSTATE_STATE_LISTEN].count.n = 318;
	top_model_add(&m, &s, 11 * S);
	assert_int_equal(top_model_fullest(&m), TCPSTATE_STATE_CLOSE_WAIT);
}

static void add_old(unsigned int n, int family)
{
	struct tcpstate_endpoint e = { .local = 1, .remote = 1 };
	unsigned int i;

	for (i = 0; i < n; i++) {
		e.tuple.family = family;
		e.tuple.lport = e.tuple.rport = 10000 + i;
		e.age_ns = (i * 7919ull) % n * S;
		top_oldest_add(&oldest, &e);
	}
}

static void test_oldest(void **state)
{
	unsigned int i;

	(void)state;
	top_oldest_begin(&oldest, 10);
	add_old(1000, AF_INET);
	assert_int_equal(oldest.seen, 1000);
	assert_int_equal(oldest.n, 10);
	for (i = 0; i < 10; i++)
		assert_int_equal(oldest.e[i].age_ns, (999 - i) * S);
	top_oldest_begin(&oldest, 10);
	add_old(3, AF_INET);
	assert_int_equal(oldest.n, 3);
	assert_int_equal(oldest.e[2].age_ns, 0);
	top_oldest_begin(&oldest, 0);
	add_old(3, AF_INET);
	assert_int_equal(oldest.n, 0);
	top_oldest_begin(&oldest, 100000);
	add_old(1000, AF_INET);
	assert_int_equal(oldest.n, TOP_OLDEST);
}

static struct top_view view_of(unsigned int width, unsigned int height)
{
	return (struct top_view){
		.m = &m, .oldest = &oldest, .cursor = 8, .width = width, .height = height,
	};
}

/* One column each here: nothing but ASCII unless utf8 is asked for. */
static void assert_fits(unsigned int width)
{
	unsigned int i;
	const char *c;

	for (i = 0; i < frame.n; i++) {
		if (strlen(frame.line[i].text) > width)
			fail_msg("wider than %u: %s", width, frame.line[i].text);
		for (c = frame.line[i].text; *c; c++)
			assert_in_range(*c, ' ', '~');
	}
}

static void test_frame_fits(void **state)
{
	static struct top_trouble trouble;
	struct top_view v = view_of(80, 24);

	(void)state;
	top_model_reset(&m);
	add(4294967, 1, 10 * S);
	add(4294967, 1000000, 11 * S);
	top_oldest_begin(&oldest, top_frame_rows(24));
	add_old(100, AF_INET6);
	assert_int_equal(oldest.n, 7);
	top_frame_build(&frame, &v);
	assert_int_equal(frame.n, 24);
	assert_fits(80);
	assert_int_equal(frame.line[0].look, TOP_TITLE);
	assert_int_equal(frame.line[10].look, TOP_CURSOR);
	assert_memory_equal(frame.line[10].text, "CLOSE_WAIT", 10);
	assert_non_null(strstr(frame.line[16].text, ".."));
	assert_non_null(strstr(frame.line[23].text, "q: quit"));
	v.help = true;
	trouble.verdict.n = 1;
	v.trouble = &trouble;
	top_frame_build(&frame, &v);
	assert_int_equal(frame.n, 24);
	assert_fits(80);
	assert_non_null(strstr(frame.line[17].text, "L, P, U, N"));
	/* All of it. */
	assert_memory_equal(frame.line[22].text, "tcpstate explain STATE", 22);
	v.help = false;
	v.width = HINT_WIDTH;
	v.paused = true;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[23].text, "arrows: state  L: listeners", 27);
	assert_in_range(strlen(frame.line[23].text), 1, HINT_WIDTH);
}

/* Any size has its lines and no more, and the keys are the last. */
static void test_frame_sizes(void **state)
{
	struct top_view v;
	unsigned int height;

	(void)state;
	for (height = 1; height < TOP_LINES; height++) {
		top_oldest_begin(&oldest, top_frame_rows(height));
		add_old(100, AF_INET);
		v = view_of(1, height);
		top_frame_build(&frame, &v);
		assert_int_equal(frame.n, height);
		assert_non_null(strstr(frame.line[height - 1].text, "q: quit"));
	}
	v = view_of(1000, 10 * TOP_LINES);
	top_frame_build(&frame, &v);
	assert_int_equal(frame.n, TOP_LINES);
}

/* A key that shows nothing says why; what is cut at the right is not a part of a word. */
static void test_frame_too_small(void **state)
{
	static struct top_trouble trouble = { .verdict = { .n = 1 } };
	char table[] = "LISTENER  QUEUE\n:8080     101/100";
	struct top_view v = view_of(60, 12);

	(void)state;
	top_model_reset(&m);
	add(318, 1, 10 * S);
	strcpy(trouble.verdict.line[0], "a-host-with-a-long-name  2 alerts  module 6d00h, "
		"sees all sockets, verified 12s ago");
	trouble.table = table;
	v.trouble = &trouble;
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[0].text,
			    "a-host-with-a-long-name  2 alerts  module 6d00h");
	assert_string_equal(frame.line[1].text, "netns 4026531840  tracked 0/0  transitions/s -  lost 0");
	assert_string_equal(frame.line[11].text, "L P U N: lists  p: pause  ?: help  q: quit");
	/* The cursor's line is there. */
	assert_memory_equal(frame.line[4].text, "SYN_SENT ", 9);
	assert_memory_equal(frame.line[10].text, "CLOSE_WAIT ", 11);
	assert_int_equal(frame.line[10].look, TOP_CURSOR);
	v.list = TOP_LISTENERS;
	top_frame_build(&frame, &v);
	assert_int_equal(frame.n, 12);
	assert_string_equal(frame.line[11].text,
			    "the terminal is too small for listeners; L: back  q: quit");
	v.help = true;
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[11].text,
			    "the terminal is too small for help; ?: back  q: quit");
	/* A heading and no row, or one row. */
	v.help = false;
	v.height = 18;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[17].text, "the terminal is too small", 25);
	v.height = 19;
	v.width = 50;
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[17].text, ":8080     101/100");
	assert_memory_equal(frame.line[18].text, "L P U N: lists", 14);
	assert_string_equal(frame.line[1].text, "netns 4026531840  tracked 0/0  transitions/s -");
	/* No part fits: then a word; no word: nothing better than its beginning. */
	strcpy(trouble.verdict.line[0], "PAGE listen-full");
	v.width = 10;
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[0].text, "PAGE");
	v.width = 3;
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[0].text, "PAGE listen-full");
}

static void test_frame_on_paper(void **state)
{
	struct top_view v = view_of(0, 0);

	(void)state;
	top_oldest_begin(&oldest, 10);
	add_old(3, AF_INET6);
	top_frame_build(&frame, &v);
	assert_fits(TOP_LINE_MAX);
	assert_int_equal(frame.n, 2 + 12 + 1 + 1 + 3);
	assert_non_null(strstr(frame.line[16].text, "[2001:db8:1111:2222:3333:4444:5555:2711"
			       "%longinterface0]:10001"));
	v.no_header = true;
	top_frame_build(&frame, &v);
	assert_int_equal(frame.n, 11 + 1 + 3);
	assert_memory_equal(frame.line[0].text, "ESTABLISHED", 11);
}

/* An age that may be higher is marked, and the columns stay where they are. */
static void test_frame_at_least(void **state)
{
	struct top_view v = view_of(80, 24);
	struct tcpstate_stats s = stats_of(1, 1);

	(void)state;
	top_model_reset(&m);
	s.on_ns = (struct tcpstate_value){ 3 * S, true };
	s.snapshot.state[1].oldest_ms.n = 999;
	top_model_add(&m, &s, 10 * S);
	top_oldest_begin(&oldest, 10);
	add_old(2, AF_INET);
	oldest.e[0].age_at_least = true;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[2].text, "STATE             NOW    IN/s   OLDEST      >60s", 47);
	assert_memory_equal(frame.line[3].text, "ESTABLISHED         1       -    999ms         0", 47);
	assert_memory_equal(frame.line[4].text, "SYN_SENT            1       -     >=1s         0", 47);
	assert_memory_equal(frame.line[16].text, "    >=1s  192.", 14);
	assert_memory_equal(frame.line[17].text, "     0ms  192.", 14);
	v.utf8 = true;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[4].text, "SYN_SENT            1       -      \342\211\2451s         0", 49);
	assert_memory_equal(frame.line[16].text, "     \342\211\2451s  192.", 16);
}

/* What is not known is not 0. */
static void test_frame_without_module(void **state)
{
	struct top_view v = view_of(80, 24);

	(void)state;
	top_model_reset(&m);
	top_oldest_begin(&oldest, 0);
	v.note = "the module is not loaded";
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[1].text, "the module is not loaded; trying again");
	assert_string_equal(frame.line[3].text, "ESTABLISHED         -");
	assert_fits(80);
}

/* The verdict is above all else; a table takes the place of the endpoints; the keys stay. */
static void test_frame_with_trouble(void **state)
{
	static struct top_trouble trouble = { .verdict = { .n = 3 } };
	char table[] = "LISTENER  QUEUE\n:8080     101/100\n:80           0/511";
	struct top_view v = view_of(80, 24);
	unsigned int i;

	(void)state;
	top_model_reset(&m);
	add(1, 1, 10 * S);
	strcpy(trouble.verdict.line[0], "web17  1 alert, 1 info");
	strcpy(trouble.verdict.line[1], "PAGE #41 listen-full");
	strcpy(trouble.verdict.line[2], "INFO #40 time-wait-pressure");
	trouble.verdict.severity[1] = TCPSTATE_SEVERITY_PAGE;
	trouble.verdict.severity[2] = TCPSTATE_SEVERITY_INFO;
	trouble.table = table;
	v.trouble = &trouble;
	v.list = TOP_LISTENERS;
	top_frame_build(&frame, &v);
	assert_int_equal(frame.n, 24);
	assert_fits(80);
	assert_string_equal(frame.line[0].text, "web17  1 alert, 1 info");
	assert_int_equal(frame.line[1].look, TOP_NOTE);
	assert_int_equal(frame.line[2].look, TOP_PLAIN);
	assert_memory_equal(frame.line[3].text, "netns ", 6);
	assert_string_equal(frame.line[18].text, "LISTENER  QUEUE");
	assert_int_equal(frame.line[18].look, TOP_HEADING);
	assert_string_equal(frame.line[20].text, ":80           0/511");
	assert_non_null(strstr(frame.line[23].text, "L: listeners  P: peers  U: units"));
	v.no_header = true;
	top_frame_build(&frame, &v);
	assert_string_equal(frame.line[12].text, "LISTENER  QUEUE");
	assert_int_equal(frame.line[12].look, TOP_PLAIN);
	v.no_header = false;
	/* Nothing to say. */
	trouble.table = NULL;
	v.list = TOP_DESTINATIONS;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[18].text, "no destination", 14);
	v.list = TOP_UNITS;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[18].text, "no unit with", 12);
	v.list = TOP_NAMESPACES;
	top_frame_build(&frame, &v);
	assert_memory_equal(frame.line[18].text, "no network namespace ", 21);
	/* What was is not told where nothing is known any more. */
	trouble.table = table;
	top_model_reset(&m);
	top_frame_build(&frame, &v);
	for (i = 0; i < frame.n; i++) {
		assert_null(strstr(frame.line[i].text, "PAGE"));
		assert_null(strstr(frame.line[i].text, ":80"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frame_with_trouble),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_reloaded),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_fullest),
		cmocka_unit_test(test_oldest),
		cmocka_unit_test(test_frame_fits),
		cmocka_unit_test(test_frame_sizes),
		cmocka_unit_test(test_frame_too_small),
		cmocka_unit_test(test_frame_on_paper),
		cmocka_unit_test(test_frame_at_least),
		cmocka_unit_test(test_frame_without_module),
	};

	return cmocka_run_group_tests_name("top", tests, NULL, NULL);
}
