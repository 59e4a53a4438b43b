// SPDX-License-Identifier: GPL-2.0-only
/*
 * The filter of events: it has to let pass what the kernel's filter of a dump does.
 */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "../lib/link.h"

static struct tcpstate_tuple tuple(const char *local, const char *remote)
{
	struct tcpstate_tuple t = { .family = strchr(local, ':') ? AF_INET6 : AF_INET };

	assert_int_equal(inet_pton(t.family, local, t.laddr), 1);
	assert_int_equal(inet_pton(t.family, remote, t.raddr), 1);
	t.lport = 443;
	t.rport = 51234;
	return t;
}

static bool local_matches(const char *addr, const char *net, unsigned int bits)
{
	struct tcpstate_tuple t = tuple(addr, strchr(addr, ':') ? "::1" : "127.0.0.1");
	struct tcpstate_filter f = { .lprefix = bits };
	bool v6 = strchr(net, ':');

	f.laddr_len = v6 ? 16 : 4;
	assert_int_equal(inet_pton(v6 ? AF_INET6 : AF_INET, net, f.laddr), 1);
	return tcpstate_filter_match(&f, &t);
}

static void test_addresses(void **state)
{
	(void)state;
	assert_true(local_matches("192.0.2.1", "192.0.2.1", 32));
	assert_false(local_matches("192.0.2.1", "192.0.2.0", 32));
	assert_true(local_matches("192.0.2.1", "192.0.2.0", 31));
	assert_true(local_matches("192.0.2.1", "192.0.2.255", 24));
	assert_false(local_matches("192.0.3.1", "192.0.2.0", 24));
	assert_true(local_matches("192.0.3.1", "192.0.2.0", 23));
	assert_true(local_matches("203.0.113.9", "0.0.0.0", 0));
	assert_false(local_matches("127.0.0.1", "128.0.0.0", 1));
	assert_true(local_matches("2001:db8::1", "2001:db8::", 32));
	assert_false(local_matches("2001:db9::1", "2001:db8::", 32));
	assert_true(local_matches("2001:db9::1", "2001:db8::", 31));
	assert_true(local_matches("::1", "::1", 128));
	assert_false(local_matches("::1", "::", 128));
	/* An address says its family, whatever its length of prefix. */
	assert_false(local_matches("::1", "0.0.0.0", 0));
	assert_false(local_matches("127.0.0.1", "::", 0));
}

static void test_remote(void **state)
{
	struct tcpstate_tuple t = tuple("192.0.2.1", "198.51.100.2");
	struct tcpstate_filter f = { .raddr = { 198, 51 }, .raddr_len = 4, .rprefix = 16 };

	(void)state;
	assert_true(tcpstate_filter_match(&f, &t));
	f.raddr[1]++;
	assert_false(tcpstate_filter_match(&f, &t));
}

static void test_ports(void **state)
{
	static const struct {
		uint16_t lmin, lmax, rmin, rmax;
		bool passes;
	} cases[] = {
		{ 0, 0, 0, 0, true },
		{ 443, 443, 0, 0, true },
		{ 444, 500, 0, 0, false },
		{ 1, 442, 0, 0, false },
		{ 443, 0, 0, 0, true },
		{ 0, 0, 51234, 51234, true },
		{ 0, 0, 1, 51233, false },
		{ 0, 0, 51235, 0, false },
		{ 443, 443, 51235, 65535, false },
	};
	struct tcpstate_tuple t = tuple("192.0.2.1", "198.51.100.2");
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tcpstate_filter f = {
			.lport_min = cases[i].lmin, .lport_max = cases[i].lmax,
			.rport_min = cases[i].rmin, .rport_max = cases[i].rmax,
		};

		assert_int_equal(tcpstate_filter_match(&f, &t), cases[i].passes);
	}
}

static void test_family(void **state)
{
	struct tcpstate_tuple v4 = tuple("192.0.2.1", "198.51.100.2"), v6 = tuple("::1", "::1");
	struct tcpstate_filter f = { .family = AF_INET };

	(void)state;
	assert_true(tcpstate_filter_match(&f, &v4));
	assert_false(tcpstate_filter_match(&f, &v6));
	f.family = AF_INET6;
	assert_false(tcpstate_filter_match(&f, &v4));
	assert_true(tcpstate_filter_match(&f, &v6));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_remote),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_family),
	};

	return cmocka_run_group_tests_name("filter", tests, NULL, NULL);
}
