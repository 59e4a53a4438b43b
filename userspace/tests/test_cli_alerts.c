// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the built tool as a user does: what it understands of alerts, and what it refuses, in one
 * line that says how it is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../lib/link.h"
#include "run_tool.h"

static void assert_usage(const char *arguments, const char *want)
{
	assert_int_equal(run_tool(TOOL, arguments), 2);
	assert_memory_equal(out, "tcpstate: ", 10);
	assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
	if (!strstr(out, want))
		fail_msg("'%s' is not in: %s", want, out);
}

static void test_alerts(void **state)
{
	(void)state;
	assert_usage("alerts me", "'alerts' takes no argument 'me'");
	assert_usage("alerts --follow --watch", "--follow and --watch exclude each other");
	assert_usage("alerts --state=listen", "'--state' does not apply to 'alerts'");
	assert_usage("list --follow", "'--follow' does not apply to 'list'");
	assert_usage("alerts -n 0", "'0' is not a number from 1");
	assert_usage("alrets", "did you mean 'alerts'?");
}

static void test_explain(void **state)
{
	(void)state;
	assert_usage("explain 0", "explain: '0' is not a number from 1");
	assert_usage("explain 4294967296", "'4294967296'");
	assert_usage("explain 41 42", "one state or alert at a time, not also '42'");
	assert_usage("explain 41x", "unknown state '41x'");
	assert_usage("explain -1", "'-1'");
	assert_usage("explain '#0'", "explain: '0' is not a number from 1");
	assert_usage("explain '#'", "unknown state '#'");
	assert_usage("explain '#41x'", "unknown state '#41x'");
	assert_usage("explain port-exhaustion",
		     "'port-exhaustion' is a kind of alert; give the number of an alert: tcpstate alerts");
	assert_usage("explain accept_stalled", "'accept_stalled' is a kind of alert");
}

static void test_config(void **state)
{
	(void)state;
	assert_usage("config set listen-full-percent=0", "from 1 to 1000, not '0'");
	assert_usage("config set listen-full-percent=1001", "not '1001'");
	assert_usage("config set settle-second=5", "did you mean 'settle-seconds'?");
	assert_usage("config set port-exhaustion-clear-second=5",
		     "did you mean 'port-exhaustion-clear-seconds'?");
	assert_usage("config set close-wait-growth-seconds=59", "from 60 to 86400");
	assert_usage("config set close-wait-count=1 close-wait-count=1", "is given twice");
	assert_usage("config set close-wait-count=-1", "not '-1'");
	assert_usage("config set close-wait-count=99999999999999999999", "from 1 to 1000000000");
}

static void test_ignore(void **state)
{
	(void)state;
	assert_usage("ignore teapot", "it is 'add' or 'remove'");
	assert_usage("ignore ad", "did you mean 'add'?");
	assert_usage("ignore add", "'ignore add' needs a kind, or any");
	assert_usage("ignore add any", "needs a port or an address");
	assert_usage("ignore add listen_ful", "did you mean 'listen-full'?");
	assert_usage("ignore add teapot", "unknown kind 'teapot'; it is any, listen-full");
	assert_usage("ignore add any port=80-90", "'80-90' is a range; give one port");
	assert_usage("ignore add any addr=10.0.0.0/8", "is a network; alerts are ignored by");
	assert_usage("ignore add any port=1 port=2", "'port' is given twice");
	assert_usage("ignore add any user=web", "is not port=NUMBER and not addr=ADDRESS");
	assert_usage("ignore add any unit=web", "put 'ignore = any unit=web' into /etc/tcpstate/tcpstated.conf");
	assert_usage("ignore remove", "needs one number, or all");
	assert_usage("ignore remove x", "'x' is not a number");
}

/* What is understood gets as far as the module, which is not there. */
static void test_good(void **state)
{
	static const char * const words[] = {
		"alerts", "alerts -j", "alerts --follow", "alerts --follow -j -n5",
		"alerts --watch=1 --no-header --color=never", "explain 41", "explain -j 41", "explain '#41'",
		"config set settle-seconds=0 raises-per-hour=3600", "ignore", "ignore -j",
		"ignore add listen-full", "ignore add accept_stalled",
		"config set listen_full_clear_percent=40", "ignore add any port=8080 addr=::1",
		"ignore add any addr=::ffff:10.0.0.1", "ignore add any peer=10.0.0.1", "ignore remove 1", "ignore remove all",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(run_tool(TOOL_ABSENT, words[i]), 3);
		assert_non_null(strstr(out, TCPSTATE_LINK_ABSENT));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alerts),
		cmocka_unit_test(test_explain),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_ignore),
		cmocka_unit_test(test_good),
	};

	return cmocka_run_group_tests_name("cli_alerts", tests, NULL, NULL);
}
