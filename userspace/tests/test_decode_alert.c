// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts, peers, thresholds and what is ignored: the attributes as structs, whatever is in them.
 * Also the tables that module and library share.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message.h"
#include "../lib/alert.h"

static struct tcpstate_peer peer;
static struct tcpstate_notice notice;
static struct tcpstate_config config;

static int decode_peer(const void *attrs, size_t len)
{
	return tcpstate_decode_peer(attrs, len, &peer);
}

static int decode_notice(const void *attrs, size_t len)
{
	return tcpstate_decode_notice(attrs, len, &notice);
}

static int decode_config(const void *attrs, size_t len)
{
	return tcpstate_decode_config(attrs, len, &config);
}

static const uint8_t local[16] = { 192, 0, 2, 1, [15] = 1 };
static const uint8_t remote[16] = { 198, 51, 100, 2, [15] = 2 };

static void put_counts(void)
{
	uint32_t counts[TCPSTATE_STATE_LAST];
	unsigned int i;

	for (i = 0; i < TCPSTATE_STATE_LAST; i++)
		counts[i] = 100 + i;
	mnl_attr_put(msg, TCPSTATE_A_PEER_COUNTS, sizeof(counts), counts);
}

static void put_name(uint32_t kind, int family)
{
	size_t size = family == AF_INET ? 4 : 16;

	mnl_attr_put_u32(msg, TCPSTATE_A_PEER_KIND, kind);
	mnl_attr_put_u32(msg, TCPSTATE_A_PEER_FAMILY, family);
	mnl_attr_put(msg, TCPSTATE_A_PEER_LOCAL_ADDR, size, local);
	if (kind == TCPSTATE_PEER_KIND_LISTENER)
		mnl_attr_put_u16(msg, TCPSTATE_A_PEER_LOCAL_PORT, 8080);
	if (kind != TCPSTATE_PEER_KIND_DESTINATION)
		return;
	mnl_attr_put(msg, TCPSTATE_A_PEER_REMOTE_ADDR, size, remote);
	mnl_attr_put_u16(msg, TCPSTATE_A_PEER_REMOTE_PORT, 6379);
}

/* Every number, and in order, each ten more. */
static const struct {
	unsigned int attr;
	bool wide;
	size_t offset;
} numbers[] = {
#define N(attr, wide, member) \
	{ TCPSTATE_A_PEER_##attr, wide, offsetof(struct tcpstate_peer, member) }
	N(UID, false, socket.uid),
	N(INODE, true, socket.inode),
	N(COOKIE, true, socket.cookie),
	N(CGROUP, true, socket.cgroup),
	N(SOCKETS, false, sockets),
	N(QUEUE, false, queue),
	N(BACKLOG, false, backlog),
	N(DROPS, true, drops),
	N(DROPS_PER_MINUTE, false, drops_per_minute),
	N(WAITING_NS, true, waiting_ns),
	N(PORTS_USED, false, ports_used),
	N(PORTS, false, ports),
	N(PLATEAU, false, plateau),
	N(OPENS_MILLI, false, opens_milli),
	N(FAILS_PER_MINUTE, false, fails_per_minute),
	N(NO_PORT, true, no_port),
	N(IDLE, false, idle),
	N(UNREAD_EOF, false, unread_eof),
	N(NOT_ACCEPTED, false, not_accepted),
};

#define NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void put_numbers(void)
{
	size_t i;

	for (i = 0; i < NUMBERS; i++) {
		if (numbers[i].wide)
			mnl_attr_put_u64(msg, numbers[i].attr, 10 * (i + 1));
		else
			mnl_attr_put_u32(msg, numbers[i].attr, 10 * (i + 1));
	}
	mnl_attr_put(msg, TCPSTATE_A_PEER_REUSABLE, 0, NULL);
}

static void put_peer(unsigned int attr, uint32_t kind, int family)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, attr);

	put_name(kind, family);
	put_counts();
	put_numbers();
	put_unknown();
	mnl_attr_nest_end(msg, nest);
}

static void assert_numbers(const struct tcpstate_peer *p)
{
	const struct tcpstate_value *v;
	size_t i;

	for (i = 0; i < NUMBERS; i++) {
		v = (const struct tcpstate_value *)((const char *)p + numbers[i].offset);
		assert_true(v->known);
		assert_int_equal(v->n, 10 * (i + 1));
	}
	assert_true(p->reusable);
	assert_int_equal(p->counts[0], 0);
	assert_int_equal(p->counts[TCPSTATE_STATE_ESTABLISHED], 100);
	assert_int_equal(p->counts[TCPSTATE_STATE_CLOSING], 110);
}

static void test_peer(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	uint32_t kind;
	size_t i;

	(void)state;
	for (kind = 1; kind <= TCPSTATE_PEER_KIND_LOCAL_ADDRESS; kind++) {
		for (i = 0; i < 2; i++) {
			begin();
			put_unknown();
			put_peer(TCPSTATE_A_PEERS_PEER, kind, families[i]);
			assert_int_equal(decode_all(decode_peer), 0);
			assert_int_equal(peer.kind, kind);
			assert_int_equal(peer.name.family, families[i]);
			assert_int_equal(peer.name.laddr[15], families[i] == AF_INET6);
			assert_numbers(&peer);
		}
	}
	assert_int_equal(peer.name.lport, 0);
}

static void test_peer_names(void **state)
{
	(void)state;
	begin();
	put_peer(TCPSTATE_A_PEERS_PEER, TCPSTATE_PEER_KIND_LISTENER, AF_INET);
	assert_int_equal(decode_all(decode_peer), 0);
	assert_int_equal(peer.name.lport, 8080);
	assert_int_equal(peer.name.rport, 0);
	begin();
	put_peer(TCPSTATE_A_PEERS_PEER, TCPSTATE_PEER_KIND_DESTINATION, AF_INET);
	assert_int_equal(decode_all(decode_peer), 0);
	assert_memory_equal(peer.name.raddr, remote, 4);
	assert_int_equal(peer.name.rport, 6379);
	/* A kind of a newer module may have no address. */
	begin();
	put_peer(TCPSTATE_A_PEERS_PEER, 77, AF_INET);
	assert_int_equal(decode_all(decode_peer), 0);
	assert_int_equal(peer.kind, 77);
	assert_null(tcpstate_peer_kind_name(peer.kind));
}

/* What is not there is not known, and not 0. */
static void test_peer_without(void **state)
{
	struct nlattr *nest;

	(void)state;
	begin();
	nest = mnl_attr_nest_start(msg, TCPSTATE_A_PEERS_PEER);
	put_name(TCPSTATE_PEER_KIND_LISTENER, AF_INET);
	put_counts();
	mnl_attr_nest_end(msg, nest);
	assert_int_equal(decode_all(decode_peer), 0);
	assert_false(peer.queue.known);
	assert_false(peer.socket.inode.known);
	assert_false(peer.reusable);
}

/* Without its last so many attributes, each of which is needed. */
static int decode_short(unsigned int leave_out)
{
	struct nlattr *nest;

	begin();
	nest = mnl_attr_nest_start(msg, TCPSTATE_A_PEERS_PEER);
	if (leave_out != 0)
		mnl_attr_put_u32(msg, TCPSTATE_A_PEER_KIND, TCPSTATE_PEER_KIND_DESTINATION);
	if (leave_out != 1)
		mnl_attr_put_u32(msg, TCPSTATE_A_PEER_FAMILY, leave_out == 6 ? 1 : AF_INET);
	if (leave_out != 2)
		mnl_attr_put(msg, TCPSTATE_A_PEER_LOCAL_ADDR, leave_out == 7 ? 16 : 4, local);
	if (leave_out != 3)
		mnl_attr_put(msg, TCPSTATE_A_PEER_REMOTE_ADDR, 4, remote);
	if (leave_out != 4)
		mnl_attr_put_u16(msg, TCPSTATE_A_PEER_REMOTE_PORT, 80);
	if (leave_out != 5)
		put_counts();
	if (leave_out == 8)
		mnl_attr_put_u32(msg, TCPSTATE_A_PEER_REUSABLE, 1);
	if (leave_out == 9)
		mnl_attr_put_u64(msg, TCPSTATE_A_PEER_QUEUE, 1);
	if (leave_out == 10)
		mnl_attr_put_u64(msg, TCPSTATE_A_PEER_DROPS, UINT64_MAX);
	mnl_attr_nest_end(msg, nest);
	return decode_all(decode_peer);
}

static void test_peer_bad(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i <= 10; i++)
		assert_int_equal(decode_short(i), -EBADMSG);
	assert_int_equal(decode_short(11), 0);
	begin();
	assert_int_equal(decode_all(decode_peer), -EBADMSG);
}

static void put_notice(bool ended, uint32_t peer_kind)
{
	struct nlattr *nest;

	mnl_attr_put_u64(msg, TCPSTATE_A_ALERTS_SEQ, 7);
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERTS_TIME_NS, 1000);
	mnl_attr_put_u32(msg, TCPSTATE_A_ALERTS_ACTION, TCPSTATE_ALERT_ACTION_UPDATE);
	nest = mnl_attr_nest_start(msg, TCPSTATE_A_ALERTS_ALERT);
	mnl_attr_put_u32(msg, TCPSTATE_A_ALERT_ID, 41);
	mnl_attr_put_u32(msg, TCPSTATE_A_ALERT_KIND, TCPSTATE_ALERT_KIND_LISTEN_FULL);
	mnl_attr_put_u32(msg, TCPSTATE_A_ALERT_SEVERITY, TCPSTATE_SEVERITY_PAGE);
	mnl_attr_put_u32(msg, TCPSTATE_A_ALERT_REASON, TCPSTATE_ALERT_REASON_QUEUE);
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERT_VALUE, 101);
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERT_LIMIT, 90);
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERT_PEAK, 104);
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERT_RAISED_NS, 500);
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERT_BEGUN_NS, 400);
	if (ended) {
		mnl_attr_put_u64(msg, TCPSTATE_A_ALERT_CLEARED_NS, 900);
		mnl_attr_put(msg, TCPSTATE_A_ALERT_WITHDRAWN, 0, NULL);
	}
	mnl_attr_put(msg, TCPSTATE_A_ALERT_FOLDED, 0, NULL);
	put_unknown();
	if (peer_kind)
		put_peer(TCPSTATE_A_ALERT_PEER, peer_kind, AF_INET6);
	mnl_attr_nest_end(msg, nest);
	put_unknown();
}

static void test_notice(void **state)
{
	const struct tcpstate_alert *a = &notice.alert;

	(void)state;
	begin();
	put_notice(false, TCPSTATE_PEER_KIND_LISTENER);
	assert_int_equal(decode_all(decode_notice), 0);
	assert_int_equal(notice.seq, 7);
	assert_int_equal(notice.time_ns, 1000);
	assert_int_equal(notice.action, TCPSTATE_ALERT_ACTION_UPDATE);
	assert_int_equal(a->id, 41);
	assert_string_equal(tcpstate_alert_kind_name(a->kind), "listen-full");
	assert_string_equal(tcpstate_severity_name(a->severity), "page");
	assert_string_equal(tcpstate_reason_name(a->reason), "queue");
	assert_int_equal(a->value, 101);
	assert_int_equal(a->limit, 90);
	assert_int_equal(a->peak, 104);
	assert_int_equal(a->raised_ns, 500);
	assert_int_equal(a->begun_ns, 400);
	assert_false(a->cleared.known);
	assert_true(a->folded);
	assert_false(a->ignored);
	assert_false(a->unverified);
	assert_false(a->withdrawn);
	assert_false(a->file_limit.known);
	assert_true(a->has_peer);
	assert_numbers(&a->peer);
	begin();
	put_notice(true, 0);
	assert_int_equal(decode_all(decode_notice), 0);
	assert_int_equal(a->cleared.n, 900);
	assert_false(a->has_peer);
	assert_true(a->withdrawn);
}

/* A dump has no time and no action; cut anywhere, a message is refused or means the same. */
static void test_notice_bad(void **state)
{
	struct nlattr *nest;
	size_t len;

	(void)state;
	begin();
	put_notice(false, TCPSTATE_PEER_KIND_DESTINATION);
	for (len = 0; len < length(); len++) {
		if (!decode_first(decode_notice, len))
			assert_int_equal(notice.alert.id, 41);
	}
	begin();
	mnl_attr_put_u64(msg, TCPSTATE_A_ALERTS_SEQ, 7);
	assert_int_equal(decode_all(decode_notice), -EBADMSG);
	nest = mnl_attr_nest_start(msg, TCPSTATE_A_ALERTS_ALERT);
	mnl_attr_put_u32(msg, TCPSTATE_A_ALERT_ID, 41);
	mnl_attr_nest_end(msg, nest);
	assert_int_equal(decode_all(decode_notice), -EBADMSG);
}

static void put_config(void)
{
	unsigned int i;

	for (i = TCPSTATE_A_CONFIG_LIMIT; i <= TCPSTATE_A_CONFIG_EVENT_QUEUE; i++)
		mnl_attr_put_u32(msg, i, i);
}

static void put_thresholds(void)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, TCPSTATE_A_CONFIG_THRESHOLDS);
	unsigned int i;

	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		mnl_attr_put_u32(msg, i, 1000 + i);
	mnl_attr_nest_end(msg, nest);
}

static void put_ignore(uint32_t kind, uint16_t port, const void *addr, size_t size)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, TCPSTATE_A_CONFIG_IGNORE);

	if (kind)
		mnl_attr_put_u32(msg, TCPSTATE_A_IGNORE_KIND, kind);
	if (port)
		mnl_attr_put_u16(msg, TCPSTATE_A_IGNORE_PORT, port);
	if (addr)
		mnl_attr_put(msg, TCPSTATE_A_IGNORE_ADDR, size, addr);
	mnl_attr_nest_end(msg, nest);
}

static void test_config(void **state)
{
	unsigned int i;

	(void)state;
	begin();
	put_config();
	assert_int_equal(decode_all(decode_config), 0);
	/* An older module: neither thresholds nor what is ignored. */
	assert_false(config.threshold[1].known);
	assert_false(config.ignores.known);
	put_thresholds();
	assert_int_equal(decode_all(decode_config), 0);
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		assert_int_equal(config.threshold[i].n, 1000 + i);
	assert_true(config.ignores.known);
	assert_int_equal(config.ignores.n, 0);
	put_ignore(TCPSTATE_ALERT_KIND_STALE_POOL, 0, NULL, 0);
	put_ignore(0, 8080, local, 4);
	put_ignore(0, 0, remote, 16);
	assert_int_equal(decode_all(decode_config), 0);
	assert_int_equal(config.ignores.n, 3);
	assert_int_equal(config.ignore[0].kind, TCPSTATE_ALERT_KIND_STALE_POOL);
	assert_int_equal(config.ignore[0].family, 0);
	assert_int_equal(config.ignore[1].port, 8080);
	assert_int_equal(config.ignore[1].family, AF_INET);
	assert_int_equal(config.ignore[2].family, AF_INET6);
	assert_memory_equal(config.ignore[2].addr, remote, 16);
}

static void test_config_bad(void **state)
{
	unsigned int i;

	(void)state;
	begin();
	put_config();
	put_ignore(0, 0, local, 5);
	assert_int_equal(decode_all(decode_config), -EBADMSG);
	begin();
	put_config();
	for (i = 0; i < TCPSTATE_IGNORES_MAX; i++)
		put_ignore(0, i + 1, NULL, 0);
	assert_int_equal(decode_all(decode_config), 0);
	assert_int_equal(config.ignores.n, TCPSTATE_IGNORES_MAX);
	put_ignore(0, 1, NULL, 0);
	assert_int_equal(decode_all(decode_config), -EBADMSG);
}

/* The numbers of alerts.def are the spec's. */
static void test_tables(void **state)
{
	const struct tcpstate_threshold *t;
	unsigned int i;

	(void)state;
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++) {
		t = &tcpstate_thresholds[i];
		assert_non_null(t->name);
		assert_in_range(t->by_default, t->min, t->max);
	}
	assert_string_equal(tcpstate_thresholds[TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS].name,
			    "settle-seconds");
	for (i = 1; tcpstate_alert_kind_name(i); i++)
		assert_int_equal(tcpstate_alert_kind_number(tcpstate_alert_kind_name(i)), i);
	assert_int_equal(i - 1, TCPSTATE_ALERT_KIND_PEERS_FULL);
	assert_int_equal(tcpstate_severity_number("page"), TCPSTATE_SEVERITY_PAGE);
	assert_int_equal(tcpstate_severity_number("teapot"), 0);
	assert_int_equal(tcpstate_alert_kind_number(""), 0);
	assert_null(tcpstate_alert_kind_name(0));
	assert_null(tcpstate_reason_name(1000));
	assert_string_equal(tcpstate_action_name(TCPSTATE_ALERT_ACTION_CLEAR), "clear");
	assert_string_equal(tcpstate_peer_kind_name(TCPSTATE_PEER_KIND_LOCAL_ADDRESS),
			    "local-address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peer),
		cmocka_unit_test(test_peer_names),
		cmocka_unit_test(test_peer_without),
		cmocka_unit_test(test_peer_bad),
		cmocka_unit_test(test_notice),
		cmocka_unit_test(test_notice_bad),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_bad),
		cmocka_unit_test(test_tables),
	};

	return cmocka_run_group_tests_name("decode_alert", tests, NULL, NULL);
}
