// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate explain: whatever states.def has is told, in text and in JSON, and fits a terminal.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <cmocka.h>
#include <jansson.h>

#include "run_tool.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	int number;
	const char *rfc, *meaning;
} states[] = {
#define TCPS_STATE(name, number, rfc, meaning) { #name, number, rfc, meaning },
#include "fsm/states.def"
};

static const struct {
	const char *name, *text;
} events[] = {
#define TCPS_EVENT(name, text) { #name, text },
#include "fsm/states.def"
};

static const struct edge {
	const char *from, *event, *to, *why;
} edges[] = {
#define TCPS_EDGE(from, event, to, origin, why) { #from, #event, #to, why },
#include "fsm/states.def"
};

static int run(const char *arguments)
{
	return run_tool(TOOL " explain", arguments);
}

static json_t *json_of(const char *arguments)
{
	char command[256];
	json_error_t error;
	json_t *root;

	snprintf(command, sizeof(command), "%s --json", arguments);
	assert_int_equal(run(command), 0);
	root = json_loads(out, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s: %s", error.text, out);
	return root;
}

static const char *get(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	if (!s || !*s)
		fail_msg("no %s in %s", key, out);
	return s;
}

static void test_list(void **state)
{
	char want[4096] = "";
	size_t i, len;
	json_t *root;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		len = strlen(want);
		snprintf(want + len, sizeof(want) - len, "%-11s  %s\n", states[i].name,
			 states[i].meaning);
	}
	assert_int_equal(run(""), 0);
	assert_string_equal(out, want);
	assert_width();
	root = json_of("");
	assert_int_equal(json_array_size(json_object_get(root, "states")), ARRAY_SIZE(states));
	json_decref(root);
}

/* All of it is there, nothing is cut, and the text says what the JSON says. */
static void test_text(void **state)
{
	static const char * const keys[] = { "meaning", "normal", "do", "dont" };
	json_t *root;
	size_t i, k;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		root = json_of(states[i].name);
		assert_int_equal(run(states[i].name), 0);
		assert_memory_equal(out, states[i].name, strlen(states[i].name));
		assert_width();
		assert_non_null(strstr(out, "\nIN      "));
		assert_non_null(strstr(out, "\nOUT     "));
		assert_non_null(strstr(out, "\nNORMAL  "));
		assert_non_null(strstr(out, "\nDO      "));
		assert_non_null(strstr(out, "\nDON'T   "));
		join_lines();
		for (k = 0; k < ARRAY_SIZE(keys); k++) {
			if (!strstr(out, get(root, keys[k])))
				fail_msg("%s: %s is not in: %s", states[i].name,
					 get(root, keys[k]), out);
		}
		json_decref(root);
	}
}

/* states.def's RCV_FIN is the netlink spec's rcv-fin. */
static void assert_event(const json_t *edge, const char *name)
{
	const char *event = get(edge, "event");
	size_t i;

	assert_int_equal(strlen(event), strlen(name));
	for (i = 0; name[i]; i++)
		assert_int_equal(event[i], name[i] == '_' ? '-' : tolower((unsigned char)name[i]));
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		if (!strcmp(events[i].name, name))
			assert_string_equal(get(edge, "text"), events[i].text);
	}
}

static void assert_edges(const json_t *root, const char *name, bool in)
{
	const char *end = in ? "from" : "to";
	json_t *list = json_object_get(root, in ? "in" : "out"), *edge;
	const struct edge *e;
	size_t n = 0;

	for (e = edges; e < edges + ARRAY_SIZE(edges); e++) {
		if (strcmp(in ? e->to : e->from, name))
			continue;
		edge = json_array_get(list, n++);
		assert_non_null(edge);
		assert_string_equal(get(edge, end), in ? e->from : e->to);
		assert_string_equal(get(edge, "why"), e->why);
		assert_event(edge, e->event);
	}
	assert_int_equal(json_array_size(list), n);
}

static void test_json(void **state)
{
	json_t *root;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(states); i++) {
		root = json_of(states[i].name);
		assert_string_equal(get(root, "state"), states[i].name);
		assert_int_equal(json_integer_value(json_object_get(root, "number")),
				 states[i].number);
		assert_string_equal(get(root, "rfc"), states[i].rfc);
		assert_string_equal(get(root, "meaning"), states[i].meaning);
		assert_int_equal(json_object_size(root), 9);
		assert_edges(root, states[i].name, true);
		assert_edges(root, states[i].name, false);
		json_decref(root);
	}
}

/* An edge of its own line has its reason; the aborts share one. */
static void test_edges_in_text(void **state)
{
	(void)state;
	assert_int_equal(run("close-wait"), 0);
	assert_non_null(strstr(out, "\nIN      ESTABLISHED by FIN received in sequence: "
			       "passive close\n"));
	assert_non_null(strstr(out, "\n        CLOSE by RST received, RST sent by the socket, "
			       "no socket left\n"));
	assert_int_equal(run("close"), 0);
	join_lines();
	assert_non_null(strstr(out, " LISTEN, SYN_SENT, SYN_RECV, ESTABLISHED, FIN_WAIT1, "
			       "FIN_WAIT2, CLOSE_WAIT, CLOSING, LAST_ACK, TIME_WAIT by "));
	assert_int_equal(run("listen"), 0);
	assert_non_null(strstr(out, "CLOSE by no socket left: the listener is closed"));
}

static void test_spellings(void **state)
{
	static const char * const words[] = {
		"FIN_WAIT1", "fin_wait1", "fin-wait1", "FIN-WAIT-1", "fin-wait-1", "finwait1",
		"FinWait1", "fin_wait_1",
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		assert_int_equal(run(words[i]), 0);
		assert_memory_equal(out, "FIN_WAIT1 ", 10);
	}
	assert_int_equal(run("syn-received"), 0);
	assert_memory_equal(out, "SYN_RECV ", 9);
	assert_int_equal(run("closed"), 0);
	assert_memory_equal(out, "CLOSE ", 6);
}

static void assert_usage(const char *arguments, const char *want)
{
	assert_int_equal(run(arguments), 2);
	assert_string_equal(out, want);
}

static void test_usage(void **state)
{
	(void)state;
	assert_usage("closewiat", "tcpstate: explain: unknown state 'closewiat'; "
				  "did you mean 'close-wait'?\n");
	assert_usage("TIME_WIAT", "tcpstate: explain: unknown state 'TIME_WIAT'; "
				  "did you mean 'time-wait'?\n");
	assert_usage("teapot", "tcpstate: explain: unknown state 'teapot'; "
			       "tcpstate show lists them\n");
	assert_usage("''", "tcpstate: explain: unknown state ''; tcpstate show lists them\n");
	assert_usage("listen,closing", "tcpstate: explain: one state at a time, "
				       "not 'listen,closing'\n");
	assert_int_equal(run("listen closing"), 2);
	assert_non_null(strstr(out, "'closing'"));
}

/* What half the Internet gets wrong. */
static void test_facts(void **state)
{
	(void)state;
	assert_int_equal(run("time-wait"), 0);
	join_lines();
	assert_non_null(strstr(out, "DON'T Lower tcp_fin_timeout (TIME_WAIT is a fixed 60 s), "
			       "look for tcp_tw_recycle (gone since Linux 4.12)"));
	assert_non_null(strstr(out, "tcp_tw_reuse=1 (default 2: loopback only)"));
	assert_int_equal(run("close-wait"), 0);
	join_lines();
	assert_non_null(strstr(out, "it never ends by itself"));
	assert_int_equal(run("syn-sent"), 0);
	assert_non_null(strstr(out, "127 s"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_edges_in_text),
		cmocka_unit_test(test_spellings),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
