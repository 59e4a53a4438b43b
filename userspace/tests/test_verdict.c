// SPDX-License-Identifier: GPL-2.0-only
/*
 * The lines of the verdict: what fits is shown, what has to go goes in the right order, and what is
 * said of an alert that is below its limit, or whose holder cannot be asked for.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "fake_alerts.h"
#include "../tcpstate/alerts.h"

/* Who holds the sockets would depend on where the test runs. */
static const char *holder;

static void holder_unit(char *buf, size_t size, struct tcpstate_holders *holders,
			const struct tcpstate_alert *a)
{
	(void)holders, (void)a;
	snprintf(buf, size, "%s", holder);
}

#define format_alert_unit holder_unit
#include "../tcpstate/verdict.c"

#define NOW	1769828645ull

static unsigned int width;

unsigned int line_width(void)
{
	return width;
}

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_REALTIME)
		return syscall(SYS_clock_gettime, clock, t);
	*t = (struct timespec){ .tv_sec = NOW };
	return 0;
}

static struct trouble trouble;

static int set_up(void **state)
{
	(void)state;
	fake_reset();
	trouble = (struct trouble){ .known = true, .counted = true, .alerts.at = fake_alerts };
	holder = "-";
	width = WIDTH;
	return 0;
}

/* One of a minute ago. */
static struct tcpstate_alert *add(uint32_t kind, uint32_t severity, uint32_t reason, uint64_t value)
{
	struct tcpstate_alert *a = fake_alert(n_fake_alerts + 1, kind, severity, reason, NOW - 60);

	a->value = value;
	trouble.alerts.n = n_fake_alerts;
	return a;
}

static const struct verdict *build(void)
{
	static const struct tcpstate_health health;
	static struct verdict v;

	verdict_build(&v, &trouble, &health, &fake_stats, VERDICT_LINES);
	return &v;
}

static void assert_line(unsigned int columns, const char *want)
{
	width = columns;
	assert_string_equal(build()->line[1], want);
}

#define LEAK "TICKET #1 close-wait-leak  127.0.0.1:9090 "

static void leak(void)
{
	struct tcpstate_peer p = fake_listener(9090);

	memcpy(p.name.laddr, (uint8_t[]){ 127, 0, 0, 1 }, 4);
	fake_about(add(TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, TCPSTATE_SEVERITY_TICKET,
		       TCPSTATE_ALERT_REASON_LEAK, 12101), p);
}

/* All that fits; then hints go, then the end of a name, but never a part of a number or a pid. */
static void test_process(void **state)
{
	(void)state;
	leak();
	holder = "python3/158";
	assert_line(101, LEAK "python3/158  12,101 idle in CLOSE_WAIT, EOF not read, 1m00s");
	assert_line(100, LEAK "python3/158  12,101 idle in CLOSE_WAIT, 1m00s");
	assert_line(87, LEAK "python3/158  12,101 idle in CLOSE_WAIT, 1m00s");
	assert_line(86, LEAK "python3/158  12,101 idle in CLOSE_WAIT");
	assert_line(80, LEAK "python3/158  12,101 idle in CLOSE_WAIT");
	assert_line(79, LEAK "pyth../158  12,101 idle in CLOSE_WAIT");
	assert_line(77, LEAK "py../158  12,101 idle in CLOSE_WAIT");
	assert_line(76, LEAK "py../158");
	holder = "python3/4194304";
	assert_line(80, LEAK "p../4194304  12,101 idle in CLOSE_WAIT");
	assert_line(79, LEAK "p../4194304");
}

static void test_unit(void **state)
{
	(void)state;
	leak();
	holder = "php8.2-fpm.service";
	assert_line(INT_MAX, LEAK "php8.2-fpm.service  12,101 idle in CLOSE_WAIT, EOF not read, 1m00s");
	assert_line(80, LEAK "php8.2-fp..  12,101 idle in CLOSE_WAIT");
	/* Nobody is the holder. */
	holder = "-";
	assert_line(90, LEAK " 12,101 idle in CLOSE_WAIT, EOF not read, 1m00s");
}

static void test_below(void **state)
{
	struct tcpstate_alert *a = add(TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, TCPSTATE_SEVERITY_PAGE,
				       TCPSTATE_ALERT_REASON_FILES, 0);

	(void)state;
	a->file_limit = fake_value(1024);
	fake_about(a, fake_listener(8080));
	assert_line(100, "PAGE   #1 close-wait-leak  :8080  0 idle in CLOSE_WAIT, 1,024 files allowed, "
		    "below its limit, 1m00s");
	assert_line(80, "PAGE   #1 close-wait-leak  :8080  0 idle in CLOSE_WAIT, below its limit, 1m00s");
	a->value = 90;
	assert_line(100, "PAGE   #1 close-wait-leak  :8080  90 idle in CLOSE_WAIT, 1,024 files allowed, "
		    "1m00s");
}

/* What levels off says something of those that find a port, and nothing of those that do not. */
static void test_no_port(void **state)
{
	struct tcpstate_alert *a = add(TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TCPSTATE_SEVERITY_PAGE,
				       TCPSTATE_ALERT_REASON_NO_PORT, 140);

	(void)state;
	fake_about(a, fake_destination(6379));
	assert_line(80, "PAGE   #1 port-exhaustion  > 10.0.3.9:6379  140 found no port, ports 60%, 1m00s");
	a->reason = TCPSTATE_ALERT_REASON_PORTS;
	assert_line(80, "PAGE   #1 port-exhaustion  > 10.0.3.9:6379  60%, levels at 74%, 1m00s");
}

/* As /proc tells it: value and limit, and what they count. */
static void test_refused(void **state)
{
	static const struct {
		uint32_t kind, reason;
		const char *detail;
	} all[] = {
		{ TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_ALERT_REASON_QUEUE,
		  "150 not accepted, limit 90" },
		{ TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_ALERT_REASON_DROPS,
		  "150 drops/min, limit 90" },
		{ TCPSTATE_ALERT_KIND_ACCEPT_STALLED, TCPSTATE_ALERT_REASON_NOT_ACCEPTED,
		  "150 not accepted, limit 90" },
		{ TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, TCPSTATE_ALERT_REASON_LEAK,
		  "150 idle in CLOSE_WAIT, limit 90" },
		{ TCPSTATE_ALERT_KIND_STALE_POOL, TCPSTATE_ALERT_REASON_UNREAD_EOF,
		  "150 with EOF not read" },
		{ TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TCPSTATE_ALERT_REASON_PORTS,
		  "150 ports, limit 90" },
		{ TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TCPSTATE_ALERT_REASON_NO_PORT,
		  "150 found no port" },
	};
	char text[ALERT_TEXT];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct tcpstate_alert *a = add(all[i].kind, TCPSTATE_SEVERITY_TICKET, all[i].reason, 150);

		a->has_peer = true;
		a->peer.kind = TCPSTATE_PEER_KIND_LISTENER;
		format_alert_detail(text, sizeof(text), a);
		assert_string_equal(text, all[i].detail);
	}
	trouble.counted = false;
	trouble.refused = true;
	assert_int_equal(build()->n, 1 + i + 1);
	assert_string_equal(build()->line[1 + i], "who holds them: root sees that (CAP_NET_ADMIN)");
	/* It is no line instead of an alert, and of what nobody holds nothing is to be seen. */
	add(TCPSTATE_ALERT_KIND_TABLE_FULL, TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_RECORDS, 150);
	add(TCPSTATE_ALERT_KIND_TABLE_FULL, TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_RECORDS, 150);
	assert_int_equal(build()->n, VERDICT_LINES);
	assert_memory_equal(build()->line[9], "TICKET #9 ", 10);
	trouble.alerts.at = fake_alerts + i;
	trouble.alerts.n = 2;
	assert_int_equal(build()->n, 3);
	trouble.alerts.at = fake_alerts;
	trouble.refused = false;
	trouble.alerts.n = 1;
	assert_int_equal(build()->n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_process, set_up),
		cmocka_unit_test_setup(test_unit, set_up),
		cmocka_unit_test_setup(test_below, set_up),
		cmocka_unit_test_setup(test_no_port, set_up),
		cmocka_unit_test_setup(test_refused, set_up),
	};

	return cmocka_run_group_tests_name("verdict", tests, NULL, NULL);
}
