// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts that tcpstated is not to tell of: what can be said, what it fits, and what the module learns of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_module.h"
#include "../tcpstated/tcpstated.h"

static char why[256];

static void refused(const char *value, const char *complaint)
{
	struct ignored i;

	assert_false(ignored_parse(value, &i, why, sizeof(why)));
	assert_string_equal(why, complaint);
}

static void test_words(void **state)
{
	static const uint8_t peer[4] = { 10, 0, 3, 9 };
	struct ignored i;

	(void)state;
	assert_true(ignored_parse("  stale-pool  port=5432\t", &i, why, sizeof(why)));
	assert_int_equal(i.match.kind, TCPSTATE_ALERT_KIND_STALE_POOL);
	assert_int_equal(i.match.port, 5432);
	assert_int_equal(i.match.family, 0);
	assert_string_equal(i.unit, "");
	assert_true(ignored_parse("any unit=php*-fpm.service peer=10.0.3.9", &i, why, sizeof(why)));
	assert_int_equal(i.match.kind, 0);
	assert_int_equal(i.match.family, AF_INET);
	assert_memory_equal(i.match.addr, peer, 4);
	assert_string_equal(i.unit, "php*-fpm.service");
	assert_true(ignored_parse("table-full", &i, why, sizeof(why)));
	assert_true(ignored_parse("stale_pool port=5432", &i, why, sizeof(why)));
	assert_int_equal(i.match.kind, TCPSTATE_ALERT_KIND_STALE_POOL);
	assert_true(ignored_parse("any addr=::1", &i, why, sizeof(why)));
	assert_int_equal(i.match.family, AF_INET6);
	refused("", "is a kind, or any, and what it is about: stale-pool port=5432");
	refused("stale_pol", "unknown kind 'stale_pol'; did you mean 'stale-pool'?");
	refused("teapot port=1", "unknown kind 'teapot'; it is any, listen-full or another that tcpstate alerts shows");
	refused("any", "any needs a unit, a port or a peer: any port=8080");
	refused("stale-pool 5432", "'5432' is not unit=UNIT, port=NUMBER or peer=ADDRESS");
	refused("stale-pool port=0", "port is a number from 1 to 65535, not '0'");
	refused("stale-pool port=-1", "port is a number from 1 to 65535, not '-1'");
	refused("stale-pool port=65536", "port is a number from 1 to 65535, not '65536'");
	refused("stale-pool port=80-90", "port is a number from 1 to 65535, not '80-90'");
	refused("stale-pool peer=10.0.3.0/24", "peer is an IPv4 or IPv6 address, not '10.0.3.0/24'");
	refused("stale-pool peer=db1", "peer is an IPv4 or IPv6 address, not 'db1'");
	refused("stale-pool unit=", "unit is a pattern of 1 to 255 characters");
}

static struct ignored_list list;

static void ignore(const char *value)
{
	assert_true(ignored_parse(value, &list.at[0], why, sizeof(why)));
	list.n = 1;
}

static void test_matches(void **state)
{
	struct tcpstate_holder orders = { .holding = TCPSTATE_HOLDING_PROCESS, .place.unit = "orders.service" };
	struct tcpstate_holder nobody = { .holding = TCPSTATE_HOLDING_NOT_FOUND };
	struct tcpstate_alert out = {
		.kind = TCPSTATE_ALERT_KIND_STALE_POOL, .has_peer = true,
		.peer = { .kind = TCPSTATE_PEER_KIND_DESTINATION,
			  .name = { .family = AF_INET, .laddr = { 10, 0, 0, 1 }, .raddr = { 10, 0, 3, 9 }, .rport = 5432 } },
	};
	struct tcpstate_alert in = {
		.kind = TCPSTATE_ALERT_KIND_LISTEN_FULL, .has_peer = true,
		.peer = { .kind = TCPSTATE_PEER_KIND_LISTENER,
			  .name = { .family = AF_INET, .laddr = { 10, 0, 0, 1 }, .lport = 8080 } },
	};
	struct tcpstate_alert whole = { .kind = TCPSTATE_ALERT_KIND_TABLE_FULL };

	(void)state;
	list.n = 0;
	assert_false(ignored_matches(&list, &out, &orders));
	ignore("stale-pool");
	assert_true(ignored_matches(&list, &out, NULL));
	assert_false(ignored_matches(&list, &in, NULL));
	ignore("any port=8080");
	assert_true(ignored_matches(&list, &in, NULL));
	assert_false(ignored_matches(&list, &out, NULL));
	assert_false(ignored_matches(&list, &whole, NULL));
	ignore("any port=5432 peer=10.0.3.9");
	assert_true(ignored_matches(&list, &out, NULL));
	ignore("any peer=10.0.0.1");
	assert_false(ignored_matches(&list, &out, NULL));
	assert_true(ignored_matches(&list, &in, NULL));
	ignore("any peer=::1");
	assert_false(ignored_matches(&list, &in, NULL));
	ignore("any unit=orders");
	assert_true(ignored_matches(&list, &in, &orders));
	assert_false(ignored_matches(&list, &in, &nobody));
	assert_false(ignored_matches(&list, &in, NULL));
	ignore("listen-full unit=ord*.service port=8080");
	assert_true(ignored_matches(&list, &in, &orders));
	ignore("listen-full unit=order port=8080");
	assert_false(ignored_matches(&list, &in, &orders));
	ignore("table-full");
	assert_true(ignored_matches(&list, &whole, NULL));
}

/* What is ignored already stays, what the module cannot know is kept from it, and nothing is told twice. */
static void test_module(void **state)
{
	struct tcpstate_link *link;

	(void)state;
	module_load();
	module.config.ignores.n = 1;
	module.config.ignore[0].kind = TCPSTATE_ALERT_KIND_DIVERGENCE;
	assert_int_equal(tcpstate_link_open(&link), 0);
	assert_true(ignored_parse("stale-pool port=5432", &list.at[0], why, sizeof(why)));
	assert_true(ignored_parse("any unit=orders", &list.at[1], why, sizeof(why)));
	assert_true(ignored_parse("divergence", &list.at[2], why, sizeof(why)));
	list.n = 3;
	assert_int_equal(ignored_tell(&list, link), 0);
	assert_int_equal(module.configured, 1);
	assert_int_equal(module.config.ignores.n, 2);
	assert_true(module.config.ignores.known);
	assert_int_equal(module.config.ignore[0].kind, TCPSTATE_ALERT_KIND_DIVERGENCE);
	assert_int_equal(module.config.ignore[1].kind, TCPSTATE_ALERT_KIND_STALE_POOL);
	assert_false(module.config.limit.known);
	assert_int_equal(ignored_tell(&list, link), 0);
	assert_int_equal(module.configured, 1);
	/* No room: the log is silent all the same. */
	module.config.ignores.n = TCPSTATE_IGNORES_MAX;
	memset(module.config.ignore, 1, sizeof(module.config.ignore));
	assert_int_equal(ignored_tell(&list, link), 0);
	assert_int_equal(module.configured, 1);
	tcpstate_link_close(link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_module),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
