// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstated: the fields of an entry in the journal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "../tcpstated/tcpstated.h"

static struct log_entry entry;

/* The value of a field; NULL: there is none. */
static const char *field(const char *name)
{
	size_t len = strlen(name);
	unsigned int i;

	for (i = 0; i < entry.n; i++) {
		const char *text = entry.field[i].iov_base;

		assert_int_equal(strlen(text), entry.field[i].iov_len);
		if (!strncmp(text, name, len) && text[len] == '=')
			return text + len + 1;
	}
	return NULL;
}

static void assert_field(const char *name, const char *value)
{
	const char *is = field(name);

	if (!is)
		fail_msg("there is no %s", name);
	assert_string_equal(is, value);
}

static void fill(enum tcpstate_alert_action action, enum follow_source source, struct known *k)
{
	const struct follow_news news = {
		.action = action, .source = source, .alert = &k->alert, .known = k,
	};

	log_fill(&entry, &news);
}

static struct known listener(void)
{
	struct known k = {
		.alert = {
			.id = 41, .kind = TCPSTATE_ALERT_KIND_LISTEN_FULL,
			.severity = TCPSTATE_SEVERITY_PAGE,
			.reason = TCPSTATE_ALERT_REASON_QUEUE,
			.value = 101, .limit = 90, .peak = 120, .raised_ns = 5 * NS_PER_S,
			.has_peer = true,
			.peer = { .kind = TCPSTATE_PEER_KIND_LISTENER,
				  .name = { .family = AF_INET, .lport = 8080 },
				  .queue = { 101, true }, .backlog = { 100, true } },
		},
		.held = true,
		.holder = { .holding = TCPSTATE_HOLDING_PROCESS, .processes = 1,
			    .process = { { .pid = 4121, .fd = 7, .comm = "java" } },
			    .place = { .unit = "orders.service" } },
	};

	return k;
}

static void test_raise(void **state)
{
	struct known k = listener();

	(void)state;
	fill(TCPSTATE_ALERT_ACTION_RAISE, FOLLOW_NOTICE, &k);
	assert_field("MESSAGE", "page #41 listen-full raised: :8080 java/4121 orders.service, "
				"queue 101/100");
	assert_field("PRIORITY", "2");
	assert_field("MESSAGE_ID", "c28dd3892be042eca2fd16664d906d0c");
	assert_field("TCPSTATE_KIND", "listen-full");
	assert_field("TCPSTATE_SEVERITY", "page");
	assert_field("TCPSTATE_ID", "41");
	assert_field("TCPSTATE_ACTION", "raise");
	assert_field("TCPSTATE_REASON", "queue");
	assert_field("TCPSTATE_VALUE", "101");
	assert_field("TCPSTATE_LIMIT", "90");
	assert_field("TCPSTATE_PEAK", "120");
	assert_field("TCPSTATE_UNIT", "orders.service");
	assert_field("TCPSTATE_PID", "4121");
	assert_field("TCPSTATE_COMM", "java");
	assert_field("TCPSTATE_ADDRESS", "0.0.0.0");
	assert_field("TCPSTATE_PORT", "8080");
	assert_null(field("TCPSTATE_PEER"));
	assert_null(field("TCPSTATE_CONTAINER"));
	assert_int_equal(entry.priority, 2);
}

static void test_worse(void **state)
{
	struct known k = listener();

	(void)state;
	k.logged = TCPSTATE_SEVERITY_INFO;
	k.alert.severity = TCPSTATE_SEVERITY_TICKET;
	fill(TCPSTATE_ALERT_ACTION_UPDATE, FOLLOW_NOTICE, &k);
	assert_field("MESSAGE", "ticket #41 listen-full raised from info: :8080 java/4121 "
				"orders.service, queue 101/100");
	assert_field("PRIORITY", "4");
	assert_field("MESSAGE_ID", "4a2eca444d354f379ddd4ffc2be3d1ac");
	assert_field("TCPSTATE_ACTION", "update");
}

static void test_clear(void **state)
{
	struct known k = listener();

	(void)state;
	k.logged = TCPSTATE_SEVERITY_PAGE;
	k.alert.cleared = (struct tcpstate_value){ 257 * NS_PER_S, true };
	fill(TCPSTATE_ALERT_ACTION_CLEAR, FOLLOW_NOTICE, &k);
	assert_field("MESSAGE", "page #41 listen-full cleared after 4m12s: :8080 java/4121 "
				"orders.service, queue 101/100");
	assert_field("PRIORITY", "5");
	assert_field("MESSAGE_ID", "c989b6b9d91249398651fc2890e556fc");
	k.alert.cleared = (struct tcpstate_value){ 0, false };
	k.held = false;
	fill(TCPSTATE_ALERT_ACTION_CLEAR, FOLLOW_UNLOADED, &k);
	assert_field("MESSAGE", "page #41 listen-full cleared (not seen again since the module was "
				"unloaded): :8080, queue 101/100");
	assert_null(field("TCPSTATE_UNIT"));
}

static void test_destination(void **state)
{
	struct known k = {
		.alert = {
			.id = 1, .kind = TCPSTATE_ALERT_KIND_PORT_EXHAUSTION,
			.severity = TCPSTATE_SEVERITY_INFO, .has_peer = true,
			.peer = { .kind = TCPSTATE_PEER_KIND_DESTINATION,
				  .name = { .family = AF_INET6, .raddr = { 0xfe, 0x80, [15] = 9 },
					    .rport = 6379 } },
		},
		.held = true,
		.holder = { .holding = TCPSTATE_HOLDING_NOT_FOUND,
			    .place = { .runtime = "docker", .container = "0123456789abcdef",
				       .pod = "a-pod" } },
	};

	(void)state;
	fill(TCPSTATE_ALERT_ACTION_RAISE, FOLLOW_LISTED, &k);
	assert_field("PRIORITY", "6");
	assert_field("TCPSTATE_PEER", "fe80::9");
	assert_field("TCPSTATE_PORT", "6379");
	assert_field("TCPSTATE_CONTAINER", "0123456789abcdef");
	assert_field("TCPSTATE_POD", "a-pod");
	assert_null(field("TCPSTATE_ADDRESS"));
	assert_null(field("TCPSTATE_PID"));
	assert_null(field("TCPSTATE_UNIT"));
}

/* The namespace itself, of a newer module; and names as long as they can be. */
static void test_edges(void **state)
{
	struct known k = { .alert = { .id = UINT32_MAX, .kind = 77, .severity = 9, .reason = 99,
				      .value = UINT64_MAX } };

	(void)state;
	fill(TCPSTATE_ALERT_ACTION_RAISE, FOLLOW_NOTICE, &k);
	assert_field("TCPSTATE_KIND", "77");
	assert_field("TCPSTATE_SEVERITY", "9");
	assert_field("TCPSTATE_ID", "4294967295");
	assert_field("TCPSTATE_VALUE", "18446744073709551615");
	assert_null(field("TCPSTATE_REASON"));
	assert_null(field("TCPSTATE_PORT"));

	k = listener();
	memset(k.holder.place.unit, 'u', sizeof(k.holder.place.unit) - 1);
	memset(k.holder.place.container, 'c', sizeof(k.holder.place.container) - 1);
	memset(k.holder.process[0].comm, 'p', sizeof(k.holder.process[0].comm) - 1);
	strcpy(k.holder.place.runtime, "lxc");
	fill(TCPSTATE_ALERT_ACTION_RAISE, FOLLOW_NOTICE, &k);
	assert_field("TCPSTATE_UNIT", k.holder.place.unit);
	assert_field("TCPSTATE_CONTAINER", k.holder.place.container);
	assert_true(entry.n <= LOG_FIELDS && entry.used <= LOG_TEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_raise),
		cmocka_unit_test(test_worse),
		cmocka_unit_test(test_clear),
		cmocka_unit_test(test_destination),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests_name("tcpstated: log", tests, NULL, NULL);
}
