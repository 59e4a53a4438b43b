// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../lib/format.h"

static void test_count(void **state)
{
	static const struct { uint64_t n; const char *text; } cases[] = {
		{ 0, "0" },
		{ 7, "7" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ 9812, "9,812" },
		{ 17009, "17,009" },
		{ 262144, "262,144" },
		{ 1048576, "1,048,576" },
		{ INT64_MAX, "9,223,372,036,854,775,807" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" },
	};
	char buf[TCPSTATE_FORMAT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tcpstate_format_count(buf, sizeof(buf), cases[i].n);
		assert_string_equal(buf, cases[i].text);
	}
}

static void test_duration(void **state)
{
	static const struct { uint64_t ms; const char *text; } cases[] = {
		{ 0, "0ms" },
		{ 350, "350ms" },
		{ 999, "999ms" },
		{ 1000, "1s" },
		{ 12000, "12s" },
		{ 59999, "59s" },
		{ 60000, "1m00s" },
		{ 252000, "4m12s" },
		{ 3599999, "59m59s" },
		{ 3600000, "1h00m" },
		{ 11100000, "3h05m" },
		{ 86399999, "23h59m" },
		{ 86400000, "1d00h" },
		{ 183600000, "2d03h" },
		{ UINT64_MAX, "213503982334d14h" },
	};
	char buf[TCPSTATE_FORMAT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tcpstate_format_duration(buf, sizeof(buf), cases[i].ms);
		assert_string_equal(buf, cases[i].text);
	}
}

/* A buffer that is too small is cut, not overrun: sanitizers watch the rest. */
static void test_small_buffer(void **state)
{
	char buf[5];
	size_t size;

	(void)state;
	for (size = 1; size <= sizeof(buf); size++) {
		tcpstate_format_count(buf, size, UINT64_MAX);
		assert_true(strlen(buf) < size);
		tcpstate_format_duration(buf, size, UINT64_MAX);
		assert_true(strlen(buf) < size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_small_buffer),
	};

	return cmocka_run_group_tests_name("format", tests, NULL, NULL);
}
