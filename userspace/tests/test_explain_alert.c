// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate explain of an alert: every kind and reason has its text, filled with the alert's own
 * numbers and holder, and nothing is said of what is not known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <cmocka.h>
#include <jansson.h>

#include "capture.h"
#include "fake_alerts.h"

#include "../tcpstate/explain_alert.c"

#define NOW	1769828645ull

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_REALTIME)
		return syscall(SYS_clock_gettime, clock, t);
	*t = (struct timespec){ .tv_sec = NOW };
	return 0;
}

static struct tcpstate_config config;

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *c)
{
	(void)link;
	*c = config;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	memset(&config, 0, sizeof(config));
	setenv("TZ", "UTC", 1);
	tzset();
	fake_reset();
	return 0;
}

static void explain_with(struct options o, uint32_t id)
{
	capture_begin();
	assert_int_equal(explain_alert(&o, id), TCPSTATE_OK);
	capture_end();
}

static void test_listen_full(void **state)
{
	char want[128];

	(void)state;
	fake_about(fake_alert(41, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
			      TCPSTATE_ALERT_REASON_QUEUE, NOW - 240), fake_listener(8080));
	explain_with((struct options){ .json = false }, 41);
	assert_width();
	assert_has(out, "\nPROOF   queue 101/100 since 02:59:35; the oldest has waited 47s; 212 ");
	assert_has(out, "\nDON'T   raise somaxconn alone: ");
	assert_has(out, "\nFIX     find what keeps the acceptor from accept(): ");
	assert_has(out, "\nUNKNOWN whether the application hangs");
	snprintf(want, sizeof(want), "\nNOW     gdb -p %d -batch ", (int)getpid());
	assert_has(out, want);
	join_lines();
	snprintf(want, sizeof(want), " %d", (int)getpid());
	assert_has(out, want);
	assert_has(out, "does not accept connections on :8080 as fast as they come");
	/* Nobody gave up: 0 is not told. */
	assert_has_not(out, "gave up");
	assert_has_not(out, "which process");
}

static const struct {
	uint32_t kind, reason;
	bool listener;
} all[] = {
#define TCPSTATE_EXPLAIN_ALERT(kind, reason, ...) \
	{ TCPSTATE_ALERT_KIND_##kind, TCPSTATE_ALERT_REASON_##reason, \
	  TCPSTATE_ALERT_KIND_##kind <= TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK },
#include "../tcpstate/explain_alert.def"
};

#define ALL (sizeof(all) / sizeof(all[0]))

static bool is_of_namespace(uint32_t kind)
{
	return kind >= TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE;
}

static void add_all(void)
{
	struct tcpstate_alert *a;
	size_t i;

	for (i = 0; i < ALL; i++) {
		a = fake_alert(i + 1, all[i].kind, TCPSTATE_SEVERITY_TICKET, all[i].reason,
			       NOW - 240);
		if (!is_of_namespace(all[i].kind))
			fake_about(a, all[i].listener ? fake_listener(8080) :
				   fake_destination(6379));
	}
}

/* Each reason of the spec belongs to one kind, and each kind has one. */
static void test_complete(void **state)
{
	unsigned int kind, reason, found;
	size_t i;

	(void)state;
	for (reason = 1; tcpstate_reason_name(reason); reason++) {
		for (i = 0, found = 0; i < ALL; i++)
			found += all[i].reason == reason;
		assert_int_equal(found, 1);
	}
	for (kind = 1; tcpstate_alert_kind_name(kind); kind++) {
		for (i = 0, found = 0; i < ALL; i++)
			found += all[i].kind == kind;
		assert_in_range(found, 1, 3);
	}
}

/* No word is left in its braces, no part is empty, the text says what the JSON says. */
static void test_each(void **state)
{
	static const char * const keys[] = { "verdict", "proof", "now", "fix", "dont", "unknown" };
	char text[16384];
	json_t *root;
	size_t i, k;

	(void)state;
	add_all();
	for (i = 0; i < ALL; i++) {
		explain_with((struct options){ .json = false }, i + 1);
		assert_width();
		join_lines();
		assert_null(strpbrk(out, "{}|"));
		strcpy(text, out);
		explain_with((struct options){ .json = true }, i + 1);
		root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(root);
		for (k = 0; k < 6; k++) {
			const char *part = json_string_value(json_object_get(root, keys[k]));

			assert_non_null(part);
			assert_true(strlen(part) > 10);
			assert_has(text, part);
		}
		assert_int_equal(json_integer_value(json_object_get(json_object_get(root, "alert"),
								    "id")), i + 1);
		json_decref(root);
	}
}

/* What a part needs is not known: the part is not there. */
static void test_little_known(void **state)
{
	struct tcpstate_alert *a;
	size_t i;

	(void)state;
	for (i = 0; i < ALL; i++) {
		a = fake_alert(i + 1, all[i].kind, TCPSTATE_SEVERITY_TICKET, all[i].reason,
			       NOW - 240);
		a->has_peer = !is_of_namespace(all[i].kind);
		a->peer.kind = TCPSTATE_PEER_KIND_DESTINATION;
		a->peer.name.family = AF_INET6;
	}
	for (i = 0; i < ALL; i++) {
		explain_with((struct options){ .json = false }, i + 1);
		assert_width();
		join_lines();
		assert_null(strpbrk(out, "{}|"));
		assert_has_not(out, "gdb");
		assert_has_not(out, "; ;");
		if (!is_of_namespace(all[i].kind))
			assert_has(out, "; which process: none that this program sees");
	}
}

static void test_eof(void **state)
{
	struct tcpstate_alert *a = fake_alert(1, TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK,
					      TCPSTATE_SEVERITY_TICKET,
					      TCPSTATE_ALERT_REASON_LEAK, NOW - 240);

	(void)state;
	fake_about(a, fake_listener(8080));
	explain_with((struct options){ .json = false }, 1);
	join_lines();
	assert_has(out, "the end of file has not been read: a thread is stuck, or a pool idles");
	assert_has(out, "--state=close-wait --sport=8080");
	a->peer.unread_eof = fake_value(3);
	explain_with((struct options){ .json = false }, 1);
	join_lines();
	assert_has(out, "the end of file has been read: close() is forgotten");
	a->peer.not_accepted = fake_value(30);
	explain_with((struct options){ .json = false }, 1);
	join_lines();
	assert_has(out, "most have never been accepted");
}

static void test_ports(void **state)
{
	struct tcpstate_alert *a = fake_alert(1, TCPSTATE_ALERT_KIND_PORT_EXHAUSTION,
					      TCPSTATE_SEVERITY_TICKET,
					      TCPSTATE_ALERT_REASON_PORTS, NOW - 240);

	(void)state;
	fake_about(a, fake_destination(6379));
	explain_with((struct options){ .json = false }, 1);
	join_lines();
	assert_has(out, "uses up the local ports toward 10.0.3.9:6379.");
	assert_has(out, "17,221 of 28,232 ports, 60%; at this rate it levels off at 74%; 345 new");
	assert_has(out, "tcp_tw_reuse=1 gives ports in TIME_WAIT back");
	assert_has(out, "--dst=10.0.3.9 --dport=6379");
	a->peer = fake_local_address();
	a->peer.reusable = true;
	explain_with((struct options){ .json = false }, 1);
	join_lines();
	assert_has(out, "the local ports of 10.0.0.1 by bind() before connect().");
	assert_has(out, "IP_BIND_ADDRESS_NO_PORT before bind()");
	assert_has_not(out, "tcp_tw_reuse=1");
	assert_has(out, "--src=10.0.0.1");
}

/* Over: it says so, and what it was. */
static void test_ended(void **state)
{
	struct tcpstate_alert *a = fake_alert(1, TCPSTATE_ALERT_KIND_TABLE_FULL,
					      TCPSTATE_SEVERITY_TICKET,
					      TCPSTATE_ALERT_REASON_RECORDS, NOW - 240);

	(void)state;
	a->cleared = fake_value((NOW - 60) * 1000000000);
	explain_with((struct options){ .json = false }, 1);
	assert_has(out, "\nNOW     nothing: it is over\n");
	join_lines();
	assert_memory_equal(out, "OVER since 03:03:05; the most was 104. It was: tcpstate has ", 60);
	/* Its trouble may go on. */
	a->withdrawn = true;
	explain_with((struct options){ .json = false }, 1);
	assert_width();
	assert_has(out, "\nNOW     tcpstate on, to see whether it goes on\n");
	join_lines();
	assert_has(out, "WITHDRAWN since 03:03:05, not solved: the module was switched off; the most "
		   "was 104. It was: tcpstate has ");
	fake_about(a, fake_destination(6379));
	a->kind = TCPSTATE_ALERT_KIND_PORT_EXHAUSTION;
	a->reason = TCPSTATE_ALERT_REASON_NO_PORT;
	explain_with((struct options){ .json = true }, 1);
	assert_has(out, "; the most was 104 failed.\"");
	assert_has_not(out, "levels off");
}

/* Calm, but not for long enough: its holder was killed. */
static void test_below(void **state)
{
	struct tcpstate_alert *a = fake_alert(15, TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK,
					      TCPSTATE_SEVERITY_PAGE,
					      TCPSTATE_ALERT_REASON_FILES, NOW - 240);

	(void)state;
	fake_about(a, fake_listener(8082));
	a->peer.socket.inode = fake_value(INT64_MAX);
	a->peer.idle = fake_value(0);
	a->file_limit = fake_value(1024);
	a->value = 0;
	a->limit = 512;
	explain_with((struct options){ .json = false }, 15);
	assert_width();
	join_lines();
	assert_memory_equal(out, "BELOW ITS LIMIT now, 0 of 512; it is cleared after 5m00s below 50% "
			    "of that. Who held the sockets has ended or closed them, or cannot be "
			    "seen. It was: Somebody will soon be unable to open a file", 187);
	assert_has(out, " NOW nothing, as long as it stays so; otherwise: tcpstate list ");
	/* Somebody has set it; who has the sockets is there. */
	config.threshold[TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_CLEAR_PERCENT] = fake_value(30);
	config.threshold[TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_CLEAR_SECONDS] = fake_value(10);
	a->peer.socket = fake_socket();
	a->value = 511;
	explain_with((struct options){ .json = false }, 15);
	join_lines();
	assert_has(out, "now, 511 of 512; it is cleared after 10s below 30% of that. It was: ");
	a->value = 512;
	explain_with((struct options){ .json = true }, 15);
	assert_has(out, "\"standing\":null,");
}

/* Every kind says when it is cleared. */
static void test_each_below(void **state)
{
	size_t i;

	(void)state;
	add_all();
	for (i = 0; i < ALL; i++) {
		fake_alerts[i].alert.value = 1;
		fake_alerts[i].alert.limit = 2;
		fake_alerts[i].alert.peer.drops_per_minute = fake_value(0);
		explain_with((struct options){ .json = false }, i + 1);
		assert_width();
		join_lines();
		assert_has(out, "BELOW ITS LIMIT now, 1");
		assert_has(out, " of 2; it is cleared ");
	}
}

/* What drops connections is no better for a queue that is shorter just now. */
static void test_drops(void **state)
{
	struct tcpstate_alert *a = fake_alert(1, TCPSTATE_ALERT_KIND_LISTEN_FULL,
					      TCPSTATE_SEVERITY_PAGE,
					      TCPSTATE_ALERT_REASON_QUEUE, NOW - 240);

	(void)state;
	fake_about(a, fake_listener(8080));
	a->value = 40;
	explain_with((struct options){ .json = true }, 1);
	assert_has(out, "\"standing\":null,");
	a->peer.drops_per_minute = fake_value(0);
	explain_with((struct options){ .json = true }, 1);
	assert_has(out, "\"BELOW ITS LIMIT now, 40 of 90; it is cleared after 1m00s below 50% of the "
			"backlog without a drop.\"");
}

static void test_newer(void **state)
{
	(void)state;
	fake_alert(1, 100, TCPSTATE_SEVERITY_TICKET, 100, NOW - 240);
	explain_with((struct options){ .json = false }, 1);
	assert_memory_equal(out, "This program does not know such an alert: the module is newer.\n"
			    "PROOF   101, limit 90, since 02:59:35\n", 63 + 38);
}

static void test_none(void **state)
{
	struct options o = { .json = false };

	(void)state;
	assert_int_equal(explain_alert(&o, 1), TCPSTATE_FAILURE);
	fake_error = -ENOENT;
	assert_int_equal(explain_alert(&o, 1), TCPSTATE_NOT_LOADED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_listen_full, set_up),
		cmocka_unit_test_setup(test_complete, set_up),
		cmocka_unit_test_setup(test_each, set_up),
		cmocka_unit_test_setup(test_little_known, set_up),
		cmocka_unit_test_setup(test_eof, set_up),
		cmocka_unit_test_setup(test_ports, set_up),
		cmocka_unit_test_setup(test_ended, set_up),
		cmocka_unit_test_setup(test_below, set_up),
		cmocka_unit_test_setup(test_each_below, set_up),
		cmocka_unit_test_setup(test_drops, set_up),
		cmocka_unit_test_setup(test_newer, set_up),
		cmocka_unit_test_setup(test_none, set_up),
	};

	return cmocka_run_group_tests_name("explain_alert", tests, NULL, NULL);
}
