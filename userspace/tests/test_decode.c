// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder of netlink messages: good ones, and every way in which bytes can be no message.
 */
#include <errno.h>
#include <libmnl/libmnl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "message.h"

#define STATES		TCPSTATE_STATE_LAST

/* The last attribute is one that is needed: whatever is cut off, it is missed. */
static void refuse_truncated(decode_fn decode)
{
	size_t len;

	assert_int_equal(decode_all(decode), 0);
	for (len = 0; len < length(); len++)
		assert_int_equal(decode_first(decode, len), -EBADMSG);
}

/* Attributes of one level, to be spoiled one by one. */
static struct nlattr *attr_at(unsigned int n)
{
	struct nlattr *attr = mnl_nlmsg_get_payload(msg);

	while (n--)
		attr = mnl_attr_next(attr);
	return attr;
}

/* Each attribute of the first @n in turn: gone, shorter, with a length that cannot be. */
static void refuse_spoiled(decode_fn decode, void (*build)(void), unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		build();
		attr_at(i)->nla_type = UNKNOWN_ATTR;
		assert_int_equal(decode_all(decode), -EBADMSG);
		build();
		attr_at(i)->nla_len--;
		assert_int_equal(decode_all(decode), -EBADMSG);
		build();
		attr_at(i)->nla_len = 3;
		assert_int_equal(decode_all(decode), -EBADMSG);
		build();
		attr_at(i)->nla_len = UINT16_MAX;
		assert_int_equal(decode_all(decode), -EBADMSG);
	}
}

/* Endpoints */

static struct tcpstate_endpoint endpoint;

static int decode_endpoint(const void *attrs, size_t len)
{
	return tcpstate_decode_endpoint(attrs, len, &endpoint);
}

static void put_endpoint(int family, uint32_t local, uint32_t remote, uint64_t age)
{
	begin();
	put_tuple(family);
	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_LOCAL_STATE, local);
	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_REMOTE_STATE, remote);
	mnl_attr_put_u64(msg, TCPSTATE_A_ENDPOINT_AGE_NS, age);
}

static void good_endpoint(void)
{
	put_endpoint(AF_INET, TCPSTATE_STATE_CLOSE_WAIT, TCPSTATE_STATE_FIN_WAIT2, 12345678901);
}

static void assert_tuple(const struct tcpstate_tuple *t, int family)
{
	assert_int_equal(t->family, family);
	assert_int_equal(t->laddr[0], 192);
	assert_int_equal(t->raddr[0], 198);
	assert_int_equal(t->laddr[15], family == AF_INET ? 0 : 1);
	assert_int_equal(t->raddr[15], family == AF_INET ? 0 : 2);
	assert_int_equal(t->lport, 443);
	assert_int_equal(t->rport, 51234);
}

static void test_endpoint(void **state)
{
	(void)state;
	good_endpoint();
	assert_int_equal(decode_all(decode_endpoint), 0);
	assert_tuple(&endpoint.tuple, AF_INET);
	assert_int_equal(endpoint.tuple.scope, 0);
	assert_int_equal(endpoint.local, TCPSTATE_STATE_CLOSE_WAIT);
	assert_int_equal(endpoint.remote, TCPSTATE_STATE_FIN_WAIT2);
	assert_int_equal(endpoint.age_ns, 12345678901);

	put_endpoint(AF_INET6, 1, 11, INT64_MAX);
	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_SCOPE, 7);
	put_unknown();
	assert_int_equal(decode_all(decode_endpoint), 0);
	assert_tuple(&endpoint.tuple, AF_INET6);
	assert_int_equal(endpoint.tuple.scope, 7);
}

static void test_endpoint_refused(void **state)
{
	static const uint32_t none[] = { 0, 12, 256 + 1, UINT32_MAX };
	size_t i;

	(void)state;
	good_endpoint();
	refuse_truncated(decode_endpoint);
	refuse_spoiled(decode_endpoint, good_endpoint, TUPLE_ATTRS + 3);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		put_endpoint(AF_INET, none[i], 1, 0);
		assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
		put_endpoint(AF_INET, 1, none[i], 0);
		assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
	}
	put_endpoint(AF_INET, 1, 1, (uint64_t)INT64_MAX + 1);
	assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
	put_endpoint(AF_UNIX, 1, 1, 0);
	assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
	good_endpoint();
	mnl_attr_put_u16(msg, TCPSTATE_A_ENDPOINT_SCOPE, 7);
	assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
	/* Addresses of the other family's length. */
	good_endpoint();
	*(uint32_t *)mnl_attr_get_payload(attr_at(0)) = AF_INET6;
	assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
}

/* A length that leaves less than a header behind the attribute. */
static void test_rest(void **state)
{
	(void)state;
	good_endpoint();
	msg->nlmsg_len += 3;
	assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
}

/* Events */

static struct tcpstate_transition seen[8];
static unsigned int nseen;
static uint64_t lost;
static int answer;

static int see(const struct tcpstate_transition *t, void *arg)
{
	assert_ptr_equal(arg, seen);
	seen[nseen++] = *t;
	return answer;
}

static int decode_events(const void *attrs, size_t len)
{
	nseen = 0;
	return tcpstate_decode_events(attrs, len, &lost, see, seen);
}

static struct nlattr *put_transition(uint64_t seq, uint32_t end, uint32_t from, uint32_t to)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, TCPSTATE_A_EVENTS_TRANSITION);

	put_tuple(AF_INET);
	mnl_attr_put_u64(msg, TCPSTATE_A_TRANSITION_SEQ, seq);
	mnl_attr_put_u64(msg, TCPSTATE_A_TRANSITION_TIME_NS, 5000);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_END, end);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_OLD_STATE, from);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_NEW_STATE, to);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_CAUSE, TCPSTATE_CAUSE_SEND_FIN);
	return nest;
}

#define TRANSITION_ATTRS	(TUPLE_ATTRS + 6)

static void good_events(void)
{
	struct nlattr *nest;

	begin();
	nest = put_transition(41, TCPSTATE_END_LOCAL, 1, 4);
	mnl_attr_put_u64(msg, TCPSTATE_A_TRANSITION_DURATION_NS, 777);
	mnl_attr_nest_end(msg, nest);
	put_unknown();
	nest = put_transition(42, TCPSTATE_END_REMOTE, 8, 9);
	put_unknown();
	mnl_attr_nest_end(msg, nest);
	mnl_attr_put_u64(msg, TCPSTATE_A_EVENTS_LOST, 3);
}

static void test_events(void **state)
{
	(void)state;
	answer = 0;
	good_events();
	assert_int_equal(decode_all(decode_events), 0);
	assert_int_equal(lost, 3);
	assert_int_equal(nseen, 2);
	assert_tuple(&seen[0].tuple, AF_INET);
	assert_int_equal(seen[0].seq, 41);
	assert_int_equal(seen[0].time_ns, 5000);
	assert_int_equal(seen[0].end, TCPSTATE_END_LOCAL);
	assert_int_equal(seen[0].from, TCPSTATE_STATE_ESTABLISHED);
	assert_int_equal(seen[0].to, TCPSTATE_STATE_FIN_WAIT1);
	assert_int_equal(seen[0].cause, TCPSTATE_CAUSE_SEND_FIN);
	assert_true(seen[0].duration.known);
	assert_int_equal(seen[0].duration.n, 777);
	assert_int_equal(seen[1].end, TCPSTATE_END_REMOTE);
	assert_false(seen[1].duration.known);

	answer = 5;
	assert_int_equal(decode_all(decode_events), 5);
	assert_int_equal(nseen, 1);
	answer = 0;

	begin();
	mnl_attr_put_u64(msg, TCPSTATE_A_EVENTS_LOST, 9);
	assert_int_equal(decode_all(decode_events), 0);
	assert_int_equal(nseen, 0);
	assert_int_equal(lost, 9);
}

/* One transition, of which attribute @n is something else. */
static int spoil_transition(unsigned int n, uint16_t type, int len)
{
	struct nlattr *nest, *attr;

	begin();
	mnl_attr_put_u64(msg, TCPSTATE_A_EVENTS_LOST, 3);
	nest = put_transition(1, 0, 1, 1);
	mnl_attr_nest_end(msg, nest);
	attr = mnl_attr_get_payload(nest);
	while (n--)
		attr = mnl_attr_next(attr);
	if (type)
		attr->nla_type = type;
	attr->nla_len += len;
	return decode_all(decode_events);
}

static int odd_transition(uint32_t end, uint32_t from, uint32_t to, uint64_t seq)
{
	begin();
	mnl_attr_put_u64(msg, TCPSTATE_A_EVENTS_LOST, 3);
	mnl_attr_nest_end(msg, put_transition(seq, end, from, to));
	return decode_all(decode_events);
}

static void test_events_refused(void **state)
{
	unsigned int i;

	(void)state;
	answer = 0;
	good_events();
	refuse_truncated(decode_events);
	for (i = 0; i < TRANSITION_ATTRS; i++) {
		assert_int_equal(spoil_transition(i, UNKNOWN_ATTR, 0), -EBADMSG);
		assert_int_equal(spoil_transition(i, 0, -1), -EBADMSG);
		assert_int_equal(spoil_transition(i, 0, 1), -EBADMSG);
		assert_int_equal(spoil_transition(i, 0, 4096), -EBADMSG);
		assert_int_equal(nseen, 0);
	}
	assert_int_equal(odd_transition(0, 1, 1, 1), 0);
	assert_int_equal(odd_transition(2, 1, 1, 1), -EBADMSG);
	assert_int_equal(odd_transition(0, 0, 1, 1), -EBADMSG);
	assert_int_equal(odd_transition(0, 1, 12, 1), -EBADMSG);
	assert_int_equal(odd_transition(0, 1, 1, UINT64_MAX), -EBADMSG);
}

/* A cause that this program does not know is no reason to lose the event. */
static void test_newer_cause(void **state)
{
	struct nlattr *nest;

	(void)state;
	begin();
	nest = put_transition(1, 0, 1, 1);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_CAUSE, 99);
	mnl_attr_nest_end(msg, nest);
	mnl_attr_put_u64(msg, TCPSTATE_A_EVENTS_LOST, 0);
	assert_int_equal(decode_all(decode_events), 0);
	assert_int_equal(seen[0].cause, 99);
	assert_null(tcpstate_cause_name(99));
}

/* Statistics */

static struct tcpstate_stats stats;

static int decode_stats(const void *attrs, size_t len)
{
	return tcpstate_decode_stats(attrs, len, &stats);
}

static void put_state(unsigned int s)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, TCPSTATE_A_STATS_STATE);
	uint64_t histogram[TCPSTATE_HISTOGRAM_BUCKETS];
	unsigned int i;

	for (i = 0; i < TCPSTATE_HISTOGRAM_BUCKETS; i++)
		histogram[i] = 1000 * s + i;
	mnl_attr_put_u32(msg, TCPSTATE_A_STATE_STATS_STATE, s);
	mnl_attr_put_u32(msg, TCPSTATE_A_STATE_STATS_COUNT, 10 + s);
	mnl_attr_put_u64(msg, TCPSTATE_A_STATE_STATS_ENTERED, 100 + s);
	mnl_attr_put_u64(msg, TCPSTATE_A_STATE_STATS_OLDEST_NS, 1999999);
	mnl_attr_put_u32(msg, TCPSTATE_A_STATE_STATS_OLDER_60S, 20 + s);
	mnl_attr_put_u32(msg, TCPSTATE_A_STATE_STATS_OLDER_300S, 30 + s);
	if (s != TCPSTATE_STATE_CLOSE)
		mnl_attr_put(msg, TCPSTATE_A_STATE_STATS_HISTOGRAM, sizeof(histogram), histogram);
	mnl_attr_nest_end(msg, nest);
}

#define STATS_BEFORE	4	/* attributes before the states */
#define STATS_AFTER	6

static void put_stats(unsigned int from, unsigned int to)
{
	uint64_t matrix[STATES * STATES];
	unsigned int i;

	begin();
	for (i = 0; i < STATES * STATES; i++)
		matrix[i] = i;
	mnl_attr_put_u32(msg, TCPSTATE_A_STATS_NETNS, 4026531840);
	mnl_attr_put_u32(msg, TCPSTATE_A_STATS_TRACKED, 5);
	mnl_attr_put_u32(msg, TCPSTATE_A_STATS_LIMIT, 65536);
	mnl_attr_put(msg, TCPSTATE_A_STATS_MATRIX, sizeof(matrix), matrix);
	for (i = from; i <= to; i++)
		put_state(i);
	for (i = TCPSTATE_A_STATS_TRANSITIONS; i <= TCPSTATE_A_STATS_EVENT_LOST; i++)
		mnl_attr_put_u64(msg, i, 500 + i);
}

static void good_stats(void)
{
	put_stats(1, STATES);
}

static void test_stats(void **state)
{
	const struct tcpstate_snapshot *s = &stats.snapshot;
	unsigned int i;

	(void)state;
	good_stats();
	put_unknown();
	assert_int_equal(decode_all(decode_stats), 0);
	assert_int_equal(s->netns.n, 4026531840);
	assert_true(s->netns.known);
	assert_int_equal(s->tracked.n, 5);
	assert_int_equal(s->limit.n, 65536);
	assert_int_equal(s->transitions.n, 500 + TCPSTATE_A_STATS_TRANSITIONS);
	assert_int_equal(s->untracked.n, 500 + TCPSTATE_A_STATS_UNTRACKED);
	assert_int_equal(stats.event_seq, 500 + TCPSTATE_A_STATS_EVENT_SEQ);
	assert_int_equal(stats.event_lost, 500 + TCPSTATE_A_STATS_EVENT_LOST);
	for (i = 1; i <= STATES; i++) {
		assert_int_equal(s->state[i].count.n, 10 + i);
		assert_int_equal(s->state[i].entered.n, 100 + i);
		assert_int_equal(s->state[i].oldest_ms.n, 1);
		assert_int_equal(stats.older[i][0], 20 + i);
		assert_int_equal(stats.older[i][1], 30 + i);
		assert_int_equal(stats.histogram[i][31], i == TCPSTATE_STATE_CLOSE ? 0 :
				 1000 * i + 31);
		assert_int_equal(stats.matrix[i][1], (i - 1) * STATES);
		assert_int_equal(stats.matrix[i][STATES], i * STATES - 1);
		assert_int_equal(stats.matrix[i][0], 0);
		assert_int_equal(stats.matrix[0][i], 0);
	}
}

static void test_stats_refused(void **state)
{
	struct nlattr *histogram;
	unsigned int i;

	(void)state;
	good_stats();
	refuse_truncated(decode_stats);
	refuse_spoiled(decode_stats, good_stats, STATS_BEFORE + STATES + STATS_AFTER);
	for (i = 1; i < STATES; i++) {
		put_stats(1, i);
		assert_int_equal(decode_all(decode_stats), -EBADMSG);
		put_stats(i + 1, STATES);
		assert_int_equal(decode_all(decode_stats), -EBADMSG);
	}
	put_stats(0, STATES);
	assert_int_equal(decode_all(decode_stats), -EBADMSG);
	put_stats(1, STATES + 1);
	assert_int_equal(decode_all(decode_stats), -EBADMSG);

	good_stats();
	histogram = mnl_attr_get_payload(attr_at(STATS_BEFORE));
	for (i = 0; i < 6; i++)
		histogram = mnl_attr_next(histogram);
	assert_int_equal(mnl_attr_get_type(histogram), TCPSTATE_A_STATE_STATS_HISTOGRAM);
	memset(mnl_attr_get_payload(histogram), 0xff, 8);
	assert_int_equal(decode_all(decode_stats), -EBADMSG);
}

static void put_divergence(uint32_t correction, uint32_t from, uint32_t to, uint64_t n)
{
	struct nlattr *nest = mnl_attr_nest_start(msg, TCPSTATE_A_STATS_DIVERGENCE);

	mnl_attr_put_u32(msg, TCPSTATE_A_DIVERGENCE_FROM, from);
	mnl_attr_put_u32(msg, TCPSTATE_A_DIVERGENCE_TO, to);
	mnl_attr_put_u32(msg, TCPSTATE_A_DIVERGENCE_CORRECTION, correction);
	mnl_attr_put_u64(msg, TCPSTATE_A_DIVERGENCE_COUNT, n);
	mnl_attr_nest_end(msg, nest);
}

static void test_health(void **state)
{
	const struct tcpstate_health *h = &stats.snapshot.health;

	(void)state;
	good_stats();
	assert_int_equal(decode_all(decode_stats), 0);
	assert_false(h->coverage.known || h->divergence.known || stats.verified_ns.known || stats.on_ns.known);

	mnl_attr_put_u32(msg, TCPSTATE_A_STATS_EVIDENCE, TCPSTATE_EVIDENCE_SOCKETS);
	mnl_attr_put_u64(msg, TCPSTATE_A_STATS_DIVERGENCES, 12);
	put_divergence(TCPSTATE_CORRECTION_REQUEST, 3, 7, 5);
	put_divergence(TCPSTATE_CORRECTION_MISSED, 11, 1, 6);
	put_divergence(TCPSTATE_CORRECTIONS + 1, 1, 1, 1);	/* of a newer module */
	mnl_attr_put_u64(msg, TCPSTATE_A_STATS_VERIFIED_NS, 777);
	mnl_attr_put_u64(msg, TCPSTATE_A_STATS_ON_NS, 888);
	assert_int_equal(decode_all(decode_stats), 0);
	assert_string_equal(tcpstate_coverage_name(h->coverage.n), "full");
	assert_int_equal(h->divergence.n, 12);
	assert_int_equal(h->untracked.n, stats.snapshot.untracked.n);
	assert_int_equal(stats.corrected[TCPSTATE_CORRECTION_REQUEST][3][7], 5);
	assert_int_equal(stats.corrected[TCPSTATE_CORRECTION_MISSED][11][1], 6);
	assert_int_equal(stats.verified_ns.n, 777);
	assert_int_equal(stats.on_ns.n, 888);
}

static void refuse_divergence(uint32_t from, uint32_t to, uint64_t n)
{
	good_stats();
	put_divergence(TCPSTATE_CORRECTION_REQUEST, from, to, n);
	assert_int_equal(decode_all(decode_stats), -EBADMSG);
}

static void test_health_refused(void **state)
{
	static const unsigned int types[] = {
		TCPSTATE_A_STATS_EVIDENCE, TCPSTATE_A_STATS_DIVERGENCES,
		TCPSTATE_A_STATS_DIVERGENCE, TCPSTATE_A_STATS_VERIFIED_NS, TCPSTATE_A_STATS_ON_NS,
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		good_stats();
		mnl_attr_put_u16(msg, types[i], 1);
		assert_int_equal(decode_all(decode_stats), -EBADMSG);
	}
	refuse_divergence(0, 1, 1);
	refuse_divergence(1, 12, 1);
	refuse_divergence(1, 1, (uint64_t)INT64_MAX + 1);
}

/* Configuration */

static struct tcpstate_config config;

static int decode_config(const void *attrs, size_t len)
{
	return tcpstate_decode_config(attrs, len, &config);
}

static void good_config(void)
{
	begin();
	mnl_attr_put_u32(msg, TCPSTATE_A_CONFIG_LIMIT, UINT32_MAX);
	mnl_attr_put_u32(msg, TCPSTATE_A_CONFIG_EVENT_BATCH, 64);
	mnl_attr_put_u32(msg, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 0);
	mnl_attr_put_u32(msg, TCPSTATE_A_CONFIG_EVENT_QUEUE, 1024);
}

static void test_config(void **state)
{
	(void)state;
	good_config();
	assert_int_equal(decode_all(decode_config), 0);
	assert_int_equal(config.limit.n, UINT32_MAX);
	assert_int_equal(config.event_batch.n, 64);
	assert_int_equal(config.event_delay_ms.n, 0);
	assert_true(config.event_delay_ms.known);
	assert_int_equal(config.event_queue.n, 1024);
	refuse_truncated(decode_config);
	refuse_spoiled(decode_config, good_config, 4);
}

/* Causes: the spec's names are those of states.def in other letters. */
static void test_causes(void **state)
{
	static const char * const names[] = {
#define TCPS_EVENT(name, text) [TCPSTATE_CAUSE_##name] = #name,
#include "fsm/states.def"
	};
	const char *name;
	size_t i, k;

	(void)state;
	assert_null(tcpstate_cause_name(0));
	for (i = 1; i < sizeof(names) / sizeof(names[0]); i++) {
		name = tcpstate_cause_name(i);
		assert_non_null(name);
		assert_int_equal(strlen(name), strlen(names[i]));
		for (k = 0; name[k]; k++)
			assert_int_equal(name[k] == '-' ? '_' : name[k] - 'a' + 'A', names[i][k]);
		assert_true(strlen(tcpstate_cause_text(i)) > 3);
	}
	assert_null(tcpstate_cause_name(i));
	assert_null(tcpstate_cause_text(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_endpoint_refused),
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_events_refused),
		cmocka_unit_test(test_newer_cause),
		cmocka_unit_test(test_stats),
		cmocka_unit_test(test_stats_refused),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_health_refused),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_causes),
	};

	return cmocka_run_group_tests_name("decode", tests, NULL, NULL);
}
