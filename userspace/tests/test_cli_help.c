// SPDX-License-Identifier: GPL-2.0-only
/*
 * "tcpstate help" is "tcpstate --help", and what the help of a subcommand says is true of that one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "run_tool.h"

static int run(const char *arguments)
{
	return run_tool(TOOL, arguments);
}

static void assert_same(const char *one, const char *other)
{
	static char first[sizeof(out)];

	assert_int_equal(run(one), 0);
	strcpy(first, out);
	assert_int_equal(run(other), 0);
	assert_string_equal(out, first);
}

static void test_help(void **state)
{
	(void)state;
	assert_same("--help", "help");
	assert_same("--help", "help help");
	assert_same("--help", "help --help");
	assert_same("list --help", "help list");
	assert_same("explain -h", "help explain");
	assert_same("top --help", "help top -s close-wait");
}

static void test_refused(void **state)
{
	(void)state;
	assert_int_equal(run("help lst"), 2);
	assert_string_equal(out, "tcpstate: unknown subcommand 'lst'; did you mean 'list'?\n");
	assert_int_equal(run("help list all"), 2);
	assert_string_equal(out, "tcpstate: 'list' takes no argument 'all'\n");
	assert_int_equal(run("help top -j"), 2);
	assert_string_equal(out, "tcpstate: option '--json' does not apply to 'top'\n");
}

static void assert_line(const char *line)
{
	if (!strstr(out, line))
		fail_msg("'%s' is not in: %s", line, out);
}

/* One option does not do the same everywhere. */
static void test_own(void **state)
{
	(void)state;
	assert_int_equal(run("list --help"), 0);
	assert_line("  -s, --state=LIST          states, like close-wait,fin-wait-1\n");
	assert_line("      --watch[=SECONDS]     again and again (every 2 seconds)\n");
	assert_null(strstr(out, "events"));
	assert_int_equal(run("events --help"), 0);
	assert_line("  -s, --state=LIST          changes from or to these, ");
	assert_line("  -j, --json                JSON, one object a line\n");
	assert_int_equal(run("top --help"), 0);
	assert_line("      --watch[=SECONDS]     every so many seconds, 2 if not said; without it\n"
		    "                            every second\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests_name("tcpstate help", tests, NULL, NULL);
}
