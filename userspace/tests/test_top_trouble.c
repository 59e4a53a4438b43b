// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict of top and its tables: by netlink, by /proc for who may not ask, and nothing of what
 * an older module does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture.h"
#include "fake_alerts.h"

/* A file that is there stands for /proc/tcpstate. */
#define TCPSTATE_PROC_PATH	FIXTURES "/busy"

#include "../tcpstate/top_trouble.c"

static struct top_trouble trouble;
static struct tcpstate_link *fake;
static const struct options plain;

static int set_up(void **state)
{
	(void)state;
	fake_reset();
	return tcpstate_link_open(&fake);
}

static int tear_down(void **state)
{
	(void)state;
	top_trouble_free(&trouble);
	return 0;
}

static void read_with(enum top_list list)
{
	static struct top_model model;
	struct top_view v = { .m = &model, .list = list, .height = 24 };

	model.now = fake_stats;
	top_trouble_read(&trouble, fake, &v, &plain);
}

static void test_read(void **state)
{
	struct tcpstate_holders *holders;
	unsigned int i;

	(void)state;
	for (i = 0; i < 6; i++)
		fake_about(fake_alert(41 + i, TCPSTATE_ALERT_KIND_LISTEN_FULL,
				      TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_QUEUE,
				      1769828405), fake_listener(8080));
	fake_peers[n_fake_peers++] = fake_listener(8080);
	fake_peers[n_fake_peers++] = fake_destination(6379);
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.verdict.n, VERDICT_MOST);
	assert_has(trouble.verdict.line[0], "  6 alerts");
	assert_has(trouble.verdict.line[1], "PAGE   #46 listen-full  :8080 ");
	assert_string_equal(trouble.verdict.line[3], "and 4 more: tcpstate alerts");
	assert_null(trouble.table);
	holders = trouble.holders;
	assert_non_null(holders);
	read_with(TOP_LISTENERS);
	assert_memory_equal(trouble.table, "LISTENER  UNIT", 14);
	assert_ptr_equal(trouble.holders, holders);
	read_with(TOP_DESTINATIONS);
	assert_memory_equal(trouble.table, "TO PEER ", 8);
	read_with(TOP_UNITS);
	assert_memory_equal(trouble.table, "UNIT ", 5);
	/* Ours, at least. */
	read_with(TOP_NAMESPACES);
	assert_memory_equal(trouble.table, "NETNS", 5);
}

static void test_refused(void **state)
{
	(void)state;
	fake_error = -EPERM;
	read_with(TOP_LISTENERS);
	assert_int_equal(trouble.verdict.n, 1);
	assert_has(trouble.verdict.line[0], "  no alert");
	assert_null(trouble.table);
	read_with(TOP_UNITS);
	assert_null(trouble.table);
	fake_error = -EOPNOTSUPP;
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.verdict.n, 0);
	fake_error = 0;
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.verdict.n, 1);
}

/* Where the cursor begins: the worst alert, of them the newest, that is about a state. */
static void test_state(void **state)
{
	(void)state;
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, 0);
	fake_alert(50, TCPSTATE_ALERT_KIND_TABLE_FULL, TCPSTATE_SEVERITY_PAGE,
		   TCPSTATE_ALERT_REASON_RECORDS, 1769828405);
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, 0);
	fake_alert(41, TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE, TCPSTATE_SEVERITY_INFO,
		   TCPSTATE_ALERT_REASON_BUCKETS, 1769828405);
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, TCPSTATE_STATE_TIME_WAIT);
	fake_alert(40, TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, TCPSTATE_SEVERITY_TICKET,
		   TCPSTATE_ALERT_REASON_LEAK, 1769828405);
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, TCPSTATE_STATE_CLOSE_WAIT);
	/* Where most of its connections are. */
	fake_about(fake_alert(39, TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TCPSTATE_SEVERITY_PAGE,
			      TCPSTATE_ALERT_REASON_PORTS, 1769828405), fake_destination(6379));
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, TCPSTATE_STATE_TIME_WAIT);
	fake_about(fake_alert(42, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
			      TCPSTATE_ALERT_REASON_QUEUE, 1769828405), fake_listener(8080));
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, TCPSTATE_STATE_ESTABLISHED);
	/* Nobody is to be told of it. */
	fake_alerts[n_fake_alerts - 1].alert.ignored = true;
	read_with(TOP_ENDPOINTS);
	assert_int_equal(trouble.state, TCPSTATE_STATE_TIME_WAIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_state, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("top_trouble", tests, NULL, NULL);
}
