// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "../lib/proc.h"

static char busy[8192];
static struct tcpstate_snapshot snap;
static char err[256];

static int load_busy(void **state)
{
	FILE *f = fopen(FIXTURES "/busy", "r");
	size_t len;

	(void)state;
	if (!f)
		return -1;
	len = fread(busy, 1, sizeof(busy) - 1, f);
	busy[len] = '\0';
	return fclose(f);
}

/* The exact size on the heap, so that a sanitizer sees the first byte too far. */
static int parse(const char *text, size_t len)
{
	char *copy = malloc(len ? len : 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy, text, len);
	strcpy(err, "untouched");
	ret = tcpstate_proc_parse(copy, len, &snap, err, sizeof(err));
	free(copy);
	if (ret) {
		assert_int_equal(ret, -EPROTO);
		assert_string_not_equal(err, "untouched");
		assert_null(strchr(err, '\n'));
	}
	return ret;
}

/* busy with the first @from replaced by @to */
static int parse_with(const char *from, const char *to)
{
	char text[sizeof(busy) + 256];
	const char *at = strstr(busy, from);

	assert_non_null(at);
	snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - busy), busy, to, at + strlen(from));
	return parse(text, strlen(text));
}

static void test_complete(void **state)
{
	(void)state;
	assert_int_equal(parse(busy, strlen(busy)), 0);
	assert_int_equal(snap.version, 1);
	assert_int_equal(snap.netns.n, 4026531840);
	assert_int_equal(snap.tracked.n, 27074);
	assert_int_equal(snap.limit.n, 262144);
	assert_int_equal(snap.state[1].count.n, 9812);
	assert_int_equal(snap.state[1].entered.n, 51210);
	assert_int_equal(snap.state[1].oldest_ms.n, 184200123);
	assert_int_equal(snap.state[8].count.n, 212);
	assert_int_equal(snap.state[11].count.n, 0);
	assert_true(snap.state[11].oldest_ms.known);
	assert_int_equal(snap.transitions.n, 391220);
	assert_int_equal(snap.invalid.n, 12);
	assert_true(snap.malformed.known);
	assert_int_equal(snap.untracked.n, 8120);
	assert_string_equal(tcpstate_coverage_name(snap.health.coverage.n), "full");
	assert_int_equal(snap.health.tracepoint.n, 1);
	assert_int_equal(snap.health.untracked.n, 8120);
	assert_int_equal(snap.health.divergence.n, 3);
}

/* Older modules have no such line, newer ones may have more. */
static void test_health(void **state)
{
	(void)state;
	assert_int_equal(parse_with("health", "illness"), 0);
	assert_false(snap.health.coverage.known);
	assert_false(snap.health.divergence.known);
	assert_int_equal(parse_with("coverage full tracepoint 1", "coverage packets tracepoint 0"), 0);
	assert_string_equal(tcpstate_coverage_name(snap.health.coverage.n), "packets");
	assert_true(snap.health.tracepoint.known);
	assert_int_equal(snap.health.tracepoint.n, 0);
	assert_int_equal(parse_with("coverage full", "mood good coverage teapot"), 0);
	assert_false(snap.health.coverage.known);
	assert_int_equal(snap.health.divergence.n, 3);
	assert_int_equal(parse_with(" divergence 3", ""), 0);
	assert_false(snap.health.divergence.known);
	assert_int_equal(parse_with("divergence 3", "divergence"), -EPROTO);
	assert_int_equal(parse_with("divergence 3", "divergence x"), -EPROTO);
	assert_int_equal(parse_with("divergence 3", "divergence 3 coverage"), -EPROTO);
	assert_int_equal(parse_with("divergence 3", "divergence 3 coverage full"), -EPROTO);
	assert_int_equal(parse_with("divergence 3", "divergence 3 tracepoint 1"), -EPROTO);
	assert_int_equal(parse_with("divergence 3", "divergence 3 mood"), -EPROTO);
}

static void test_names(void **state)
{
	static const char * const names[] = {
		"ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT",
		"CLOSE", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
	};
	unsigned int i;

	(void)state;
	for (i = 1; i <= 11; i++) {
		assert_string_equal(tcpstate_state_name(i), names[i - 1]);
		assert_int_equal(tcpstate_state_number(names[i - 1], strlen(names[i - 1])), i);
	}
	assert_null(tcpstate_state_name(0));
	assert_null(tcpstate_state_name(12));
	assert_int_equal(tcpstate_state_number("CLOS", 4), 0);
	assert_int_equal(tcpstate_state_number("", 0), 0);
}

/* What a newer module may add without a new version. */
static void test_unknown_is_skipped(void **state)
{
	(void)state;
	assert_int_equal(parse_with("limit", "listener 0.0.0.0:80 queue 1 x\n\n \t\nlimit"), 0);
	assert_int_equal(parse_with("entered 51210", "p99_ms 1.5 entered 51210 mood good"), 0);
	assert_int_equal(snap.state[1].entered.n, 51210);
	assert_int_equal(parse_with("entered 51210", "count 5 entered 51210"), 0);
	assert_int_equal(snap.state[1].count.n, 9812);
	assert_int_equal(parse_with("total invalid 12", "total odd none\ntotal invalid 12 since 5"), 0);
	assert_int_equal(snap.invalid.n, 12);
	assert_int_equal(parse_with("state LISTEN", "state BOUND_INACTIVE 5\nstate LISTEN"), 0);
	assert_int_equal(parse_with("tcpstate 1", "tcpstate 1 build 17"), 0);
	assert_int_equal(parse_with("tracked 27074", "tracked \t27074\t "), 0);
	assert_int_equal(snap.tracked.n, 27074);
}

/* Absent is not zero. */
static void test_absent_is_unknown(void **state)
{
	(void)state;
	assert_int_equal(parse_with("total malformed 0\n", ""), 0);
	assert_false(snap.malformed.known);
	assert_true(snap.untracked.known);
	assert_int_equal(parse_with(" oldest_ms 184200123", ""), 0);
	assert_false(snap.state[1].oldest_ms.known);
	assert_true(snap.state[1].entered.known);
}

static void test_version(void **state)
{
	(void)state;
	assert_int_equal(parse_with("tcpstate 1", "tcpstate 2"), -EPROTO);
	assert_non_null(strstr(err, "version 2"));
	assert_int_equal(parse_with("tcpstate 1\n", ""), -EPROTO);
	assert_non_null(strstr(err, "not a tcpstate file"));
	assert_int_equal(parse_with("tcpstate 1", "tcpstate"), -EPROTO);
	assert_int_equal(parse_with("tcpstate 1", "tcpstate one"), -EPROTO);
	assert_int_equal(parse_with("tcpstate 1", "\ntcpstate 1"), -EPROTO);
	assert_int_equal(parse("", 0), -EPROTO);
	assert_non_null(strstr(err, "empty"));
	assert_int_equal(parse("\n", 1), -EPROTO);
}

static void test_missing_lines(void **state)
{
	char line[64], *from, *end;
	unsigned int i;

	(void)state;
	for (i = 1; i <= 11; i++) {
		snprintf(line, sizeof(line), "state %s ", tcpstate_state_name(i));
		from = strdup(strstr(busy, line));
		assert_non_null(from);
		end = strchr(from, '\n');
		end[1] = '\0';
		assert_int_equal(parse_with(from, ""), -EPROTO);
		assert_non_null(strstr(err, tcpstate_state_name(i)));
		free(from);
	}
	assert_int_equal(parse_with("netns 4026531840\n", ""), -EPROTO);
	assert_int_equal(parse_with("tracked 27074\n", ""), -EPROTO);
	assert_int_equal(parse_with("limit 262144\n", ""), -EPROTO);
	assert_non_null(strstr(err, "'limit'"));
}

static void test_bad_numbers(void **state)
{
	static const char * const bad[] = {
		"-1", "+1", "1.5", "0x10", "1e3", "ten", "1,000", "12a", "\r", "\xff",
		"9223372036854775808",	/* 2^63 */
		"18446744073709551616",	/* 2^64 */
		"18446744073709551617",	/* would be 1 */
		"99999999999999999999999999999999999999999999999999999999999999999999",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse_with("27074", bad[i]), -EPROTO);
		assert_non_null(strstr(err, "line 3: "));
		assert_int_equal(parse_with("9812", bad[i]), -EPROTO);
		assert_int_equal(parse_with("51210", bad[i]), -EPROTO);
		assert_int_equal(parse_with("391220", bad[i]), -EPROTO);
	}
	assert_int_equal(parse_with("27074", "9223372036854775807"), 0);
	assert_int_equal(snap.tracked.n, INT64_MAX);
	assert_int_equal(parse_with("27074", "000000000000000000000000000000000042"), 0);
	assert_int_equal(snap.tracked.n, 42);
}

static void test_bad_records(void **state)
{
	(void)state;
	assert_int_equal(parse_with("tracked 27074", "tracked"), -EPROTO);
	assert_int_equal(parse_with("tracked", "tracked 1\ntracked"), -EPROTO);
	assert_non_null(strstr(err, "twice"));
	assert_int_equal(parse_with("state CLOSE ", "state LISTEN 1\nstate CLOSE "), -EPROTO);
	assert_int_equal(parse_with("entered 51210", "entered 1 entered 2"), -EPROTO);
	assert_int_equal(parse_with("total invalid 12", "total invalid"), -EPROTO);
	assert_int_equal(parse_with("total invalid 12", "total"), -EPROTO);
	assert_int_equal(parse_with("limit", "state\nlimit"), -EPROTO);
	assert_int_equal(parse_with("oldest_ms 184200123", "oldest_ms"), -EPROTO);
	assert_int_equal(parse_with("oldest_ms 184200123", "unheard_of"), -EPROTO);
}

/* What the file says must not steer the terminal it is complained about on. */
static void test_message_is_clean(void **state)
{
	char tiny[4] = "";
	const char *c;

	(void)state;
	assert_int_equal(parse_with("27074", "\033[2J\001\302\233m"), -EPROTO);
	for (c = err; *c; c++)
		assert_in_range((unsigned char)*c, ' ', '~');
	assert_int_equal(tcpstate_proc_parse("x", 1, &snap, NULL, 0), -EPROTO);
	assert_int_equal(tcpstate_proc_parse("x\n", 2, &snap, tiny, sizeof(tiny)), -EPROTO);
	assert_int_equal(strlen(tiny), 3);
}

static void test_null_bytes(void **state)
{
	char text[sizeof(busy)];
	size_t len = strlen(busy);

	(void)state;
	memcpy(text, busy, len);
	*strstr(text, "27074") = '\0';
	*(strstr(text + 40, "limit") - 1) = '\n';
	assert_int_equal(parse(text, len), -EPROTO);
	memset(text, 0, sizeof(text));
	assert_int_equal(parse(text, sizeof(text)), -EPROTO);
}

/*
 * No cut gives a wrong number: only a cut at the end of a line after the last
 * state can be read at all, and the totals it lost are then unknown.
 */
static void test_truncated_anywhere(void **state)
{
	const char *totals = strstr(busy, "total "), *health = strstr(busy, "health ");
	size_t len;

	(void)state;
	for (len = 0; len < strlen(busy); len++) {
		int ret = parse(busy, len);

		if (busy + len >= totals && busy[len - 1] == '\n') {
			assert_int_equal(ret, 0);
			assert_int_equal(snap.untracked.known, busy + len == health);
			assert_false(snap.health.coverage.known);
		} else {
			assert_int_equal(ret, -EPROTO);
		}
	}
}

/* Every byte, every value: the answer may be anything, a crash may not. */
static void test_any_byte_changed(void **state)
{
	char text[sizeof(busy)];
	size_t len = strlen(busy), i;
	unsigned int byte;

	(void)state;
	for (i = 0; i < len; i++) {
		memcpy(text, busy, len);
		for (byte = 0; byte < 256; byte++) {
			text[i] = byte;
			parse(text, len);
		}
	}
}

static void test_read(void **state)
{
	(void)state;
	assert_int_equal(tcpstate_proc_read(FIXTURES "/busy", &snap, err, sizeof(err)), 0);
	assert_int_equal(snap.state[6].count.n, 17009);
	assert_int_equal(tcpstate_proc_read(FIXTURES "/none", &snap, err, sizeof(err)), -ENOENT);
	assert_string_equal(err, FIXTURES "/none: No such file or directory");
	assert_int_equal(tcpstate_proc_read(FIXTURES, &snap, err, sizeof(err)), -EISDIR);
	assert_int_equal(tcpstate_proc_read("/dev/null", &snap, err, sizeof(err)), -EPROTO);
	assert_int_equal(tcpstate_proc_read("/dev/zero", &snap, err, sizeof(err)), -EFBIG);
}

/* Listeners and alerts */

static struct tcpstate_proc_trouble trouble;

/* busy with these lines behind it */
static int parse_trouble(const char *lines)
{
	char text[sizeof(busy) + 65536];
	size_t len;
	char *copy;
	int ret;

	len = snprintf(text, sizeof(text), "%s%s", busy, lines);
	assert_true(len < sizeof(text));
	copy = malloc(len);
	memcpy(copy, text, len);
	strcpy(err, "untouched");
	ret = tcpstate_proc_parse_all(copy, len, &snap, &trouble, err, sizeof(err));
	free(copy);
	if (!ret)
		return 0;
	assert_int_equal(ret, -EPROTO);
	assert_memory_equal(err, "line ", 5);
	assert_null(strchr(err, '\n'));
	return ret;
}

static void test_listener(void **state)
{
	const struct tcpstate_peer *p = &trouble.listener[0];

	(void)state;
	assert_int_equal(parse_trouble("listener 192.0.2.1:8080 queue 101 backlog 100 drops 8120 "
				       "syn_recv 3 newer 77\n"
				       "listener [2001:db8::1]:443 queue 0\n"
				       "listener [::]:65535\n"), 0);
	assert_int_equal(trouble.listeners, 3);
	assert_int_equal(trouble.alerts, 0);
	assert_int_equal(p->kind, TCPSTATE_PEER_KIND_LISTENER);
	assert_int_equal(p->name.family, AF_INET);
	assert_memory_equal(p->name.laddr, ((uint8_t[]){ 192, 0, 2, 1 }), 4);
	assert_int_equal(p->name.lport, 8080);
	assert_int_equal(p->queue.n, 101);
	assert_int_equal(p->backlog.n, 100);
	assert_int_equal(p->drops.n, 8120);
	assert_int_equal(p->counts[TCPSTATE_STATE_SYN_RECV], 3);
	assert_false(p->drops_per_minute.known);
	assert_int_equal(p[1].name.family, AF_INET6);
	assert_int_equal(p[1].name.laddr[0], 0x20);
	assert_true(p[1].queue.known);
	assert_false(p[1].backlog.known);
	assert_int_equal(p[2].name.lport, 65535);
}

static void test_alert(void **state)
{
	const struct tcpstate_alert *a = &trouble.alert[0];

	(void)state;
	assert_int_equal(parse_trouble(
		"alert 41 listen_full page since 1795230131 port 8080 value 212 limit 150 newer x "
		"reason drops\n"
		"alert 42 port_exhaustion ticket since 1 peer [2001:db8::1]:6379 value 1 limit 2 "
		"reason no_port\n"
		"alert 43 port_exhaustion ticket addr 10.0.0.1\n"
		"alert 44 table_full info value 5 limit 4\n"
		"alert 45 tea_pot boiling value 5 reason leaves\n"), 0);
	assert_int_equal(trouble.alerts, 5);
	assert_int_equal(a->id, 41);
	assert_int_equal(a->kind, TCPSTATE_ALERT_KIND_LISTEN_FULL);
	assert_int_equal(a->severity, TCPSTATE_SEVERITY_PAGE);
	assert_int_equal(a->raised_ns, 1795230131000000000);
	assert_int_equal(a->reason, TCPSTATE_ALERT_REASON_DROPS);
	assert_int_equal(a->value, 212);
	assert_int_equal(a->limit, 150);
	assert_true(a->has_peer);
	assert_int_equal(a->peer.kind, TCPSTATE_PEER_KIND_LISTENER);
	assert_int_equal(a->peer.name.lport, 8080);
	assert_int_equal(a->peer.name.family, 0);
	assert_int_equal(a[1].peer.kind, TCPSTATE_PEER_KIND_DESTINATION);
	assert_int_equal(a[1].peer.name.family, AF_INET6);
	assert_int_equal(a[1].peer.name.rport, 6379);
	assert_int_equal(a[1].reason, TCPSTATE_ALERT_REASON_NO_PORT);
	assert_int_equal(a[2].peer.kind, TCPSTATE_PEER_KIND_LOCAL_ADDRESS);
	assert_int_equal(a[2].peer.name.laddr[0], 10);
	assert_false(a[3].has_peer);
	assert_int_equal(a[3].reason, 0);
	/* A newer module's words. */
	assert_int_equal(a[4].kind, 0);
	assert_int_equal(a[4].severity, 0);
	assert_int_equal(a[4].reason, 0);
}

static void test_trouble_bad(void **state)
{
	static const char * const lines[] = {
		"listener\n",
		"listener 8080\n",
		"listener 0.0.0.0\n",
		"listener 0.0.0.0:\n",
		"listener 0.0.0.0:65536\n",
		"listener 0.0.0.0:8x\n",
		"listener ::1:80\n",
		"listener [::1:80\n",
		"listener [0.0.0.0]:80\n",
		"listener [:80\n",
		"listener :\n",
		"listener [aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa]:80\n",
		"listener 0.0.0.0:80 queue\n",
		"listener 0.0.0.0:80 queue -1\n",
		"listener 0.0.0.0:80 queue 1 queue 1\n",
		"listener 0.0.0.0:80 newer\n",
		"alert\n",
		"alert x\n",
		"alert 0 listen_full page\n",
		"alert 4294967296 listen_full page\n",
		"alert 1\n",
		"alert 1 listen_full\n",
		"alert 1 listen_full page since\n",
		"alert 1 listen_full page since 9223372036854775807\n",
		"alert 1 listen_full page port 65536\n",
		"alert 1 listen_full page port\n",
		"alert 1 listen_full page peer 10.0.0.1\n",
		"alert 1 listen_full page addr 10.0.0\n",
		"alert 1 listen_full page value x\n",
		"alert 1 listen_full page reason\n",
		"alert 1 listen_full page newer\n",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (parse_trouble(lines[i]) != -EPROTO)
			fail_msg("accepted: %s", lines[i]);
		/* Who does not ask for them does not read them. */
		strcpy(err, "untouched");
	}
	assert_int_equal(tcpstate_proc_parse(busy, strlen(busy), &snap, err, sizeof(err)), 0);
}

/* More of them than fit are left out. */
static void test_trouble_many(void **state)
{
	static char lines[65536];
	size_t used = 0;
	unsigned int i;

	(void)state;
	for (i = 0; i < TCPSTATE_PROC_LISTENERS + 5; i++)
		used += snprintf(lines + used, sizeof(lines) - used, "listener [::]:%u\n", i);
	for (i = 0; i < TCPSTATE_ALERTS_MAX + 5; i++)
		used += snprintf(lines + used, sizeof(lines) - used,
				 "alert %u stale_pool info value 1 limit 1\n", i + 1);
	assert_int_equal(parse_trouble(lines), 0);
	assert_int_equal(trouble.listeners, TCPSTATE_PROC_LISTENERS);
	assert_int_equal(trouble.alerts, TCPSTATE_ALERTS_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_alert),
		cmocka_unit_test(test_trouble_bad),
		cmocka_unit_test(test_trouble_many),
		cmocka_unit_test(test_complete),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_unknown_is_skipped),
		cmocka_unit_test(test_absent_is_unknown),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_missing_lines),
		cmocka_unit_test(test_bad_numbers),
		cmocka_unit_test(test_bad_records),
		cmocka_unit_test(test_message_is_clean),
		cmocka_unit_test(test_null_bytes),
		cmocka_unit_test(test_truncated_anywhere),
		cmocka_unit_test(test_any_byte_changed),
		cmocka_unit_test(test_read),
	};

	return cmocka_run_group_tests_name("proc", tests, load_busy, NULL);
}
