// SPDX-License-Identifier: GPL-2.0-only
/*
 * The nests of config-get and config-set: the thresholds of alerts, each range and what has to be below what; and which
 * alerts are ignored.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "nl_config.h"

/* Where the first attribute of a message is, and the first in a nest that comes first */
#define FIRST	(NLMSG_HDRLEN + GENL_HDRLEN)
#define NESTED	(FIRST + NLA_HDRLEN)

#define ADDR_TEXT	"an address has 4 bytes (IPv4) or 16 (IPv6)"

FIXTURE(config) {
	struct snapshot host;	/* of the namespace that we come from */
	struct nl nl;
	struct nl_config first;
};

FIXTURE_SETUP(config)
{
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &self->host));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_config(&self->nl, &self->first));
}

FIXTURE_TEARDOWN(config)
{
	nl_close(&self->nl);
}

/* Thresholds */

TEST_F(config, threshold_defaults)
{
	int i;

	for (i = 1; i < THRESHOLDS; i++)
		EXPECT_EQ(thresholds[i].by_default, self->first.threshold[i]) TH_LOG("number %d", i);
	EXPECT_EQ(THRESHOLDS, sizeof(thresholds) / sizeof(thresholds[0]));
	EXPECT_EQ(0, self->first.ignores);
}

/* The lower one has to be below the higher one, or at most at it. */
static const struct order {
	int low, high;
	bool at_most;
	const char *text;
} orders[] = {
#define BELOW(low, high, text) { TCPSTATE_A_THRESHOLDS_##low, TCPSTATE_A_THRESHOLDS_##high, false, text }
#define AT_MOST(low, high, text) { TCPSTATE_A_THRESHOLDS_##low, TCPSTATE_A_THRESHOLDS_##high, true, text }
	BELOW(LISTEN_FULL_CLEAR_PERCENT, LISTEN_FULL_PERCENT,
	      "listen-full-clear-percent has to be below listen-full-percent"),
	AT_MOST(LISTEN_FULL_DROPS, LISTEN_FULL_DROPS_PAGE,
		"listen-full-drops must not be above listen-full-drops-page"),
	AT_MOST(CLOSE_WAIT_INFO_AGE, CLOSE_WAIT_AGE, "close-wait-info-age must not be above close-wait-age"),
	AT_MOST(CLOSE_WAIT_AGE, CLOSE_WAIT_SLOW_AGE, "close-wait-age must not be above close-wait-slow-age"),
	AT_MOST(STALE_POOL_CLEAR_COUNT, STALE_POOL_COUNT,
		"stale-pool-clear-count must not be above stale-pool-count"),
	BELOW(PORT_EXHAUSTION_CLEAR_PERCENT, PORT_EXHAUSTION_PERCENT,
	      "port-exhaustion-clear-percent has to be below port-exhaustion-percent"),
	AT_MOST(PORT_EXHAUSTION_PERCENT, PORT_EXHAUSTION_PAGE_PERCENT,
		"port-exhaustion-percent must not be above port-exhaustion-page-percent"),
	BELOW(TIME_WAIT_CLEAR_PERCENT, TIME_WAIT_PERCENT, "time-wait-clear-percent has to be below time-wait-percent"),
	BELOW(TABLE_FULL_CLEAR_PERCENT, TABLE_FULL_PERCENT,
	      "table-full-clear-percent has to be below table-full-percent"),
};
#define ORDERS	(sizeof(orders) / sizeof(orders[0]))

/* All thresholds at once. */
static int set_thresholds(struct nl *nl, const uint32_t *value)
{
	struct nlattr *nest;
	struct nl_msg m;
	int i;

	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nest = nl_nest(&m, TCPSTATE_A_CONFIG_THRESHOLDS);
	for (i = 1; i < THRESHOLDS; i++)
		nl_put_u32(&m, i, value[i]);
	nl_nest_end(&m, nest);
	return nl_ask(nl, &m);
}

/* As by default, but what @id has to be above is at its lowest, and what it has to be below at its highest. */
static void make_room(uint32_t *value, int id)
{
	bool below[THRESHOLDS] = { false }, above[THRESHOLDS] = { false };
	unsigned int i, again;

	below[id] = above[id] = true;
	for (again = 0; again < 2; again++)
		for (i = 0; i < ORDERS; i++) {
			below[orders[i].low] |= below[orders[i].high];
			above[orders[i].high] |= above[orders[i].low];
		}
	for (i = 1; i < THRESHOLDS; i++)
		value[i] = below[i] ? thresholds[i].min : above[i] ? thresholds[i].max : thresholds[i].by_default;
}

/* The highest that leaves room for one above it. */
static uint32_t highest(int id)
{
	uint32_t max = thresholds[id].max;
	unsigned int i;

	for (i = 0; i < ORDERS; i++)
		if (orders[i].low == id && !orders[i].at_most && thresholds[orders[i].high].max <= max)
			max = thresholds[orders[i].high].max - 1;
	return max;
}

/* Likewise, above one below it. */
static uint32_t lowest(int id)
{
	uint32_t min = thresholds[id].min;
	unsigned int i;

	for (i = 0; i < ORDERS; i++)
		if (orders[i].high == id && !orders[i].at_most && thresholds[orders[i].low].min >= min)
			min = thresholds[orders[i].low].min + 1;
	return min;
}

TEST_F(config, threshold_ranges)
{
	struct nl_config want = self->first;
	unsigned int i, k, n;
	char text[128];

	for (i = 1; i < THRESHOLDS; i++) {
		const struct threshold *t = &thresholds[i];
		const uint32_t good[] = { lowest(i), t->by_default, highest(i) };
		const uint32_t bad[] = { t->max + 1, 1u << 31, ~0u, t->min - 1 };

		for (k = 0; k < 3; k++) {
			make_room(want.threshold, i);
			want.threshold[i] = good[k];
			EXPECT_EQ(0, set_thresholds(&self->nl, want.threshold))
				TH_LOG("%s %u: \"%s\"", t->name, good[k], self->nl.text);
			EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
		}
		snprintf(text, sizeof(text), "%s is a number from %u to %u", t->name, t->min, t->max);
		n = t->min ? 4 : 3;
		for (k = 0; k < n; k++) {
			EXPECT_EQ(-ERANGE, nl_set_threshold(&self->nl, i, bad[k])) TH_LOG("%s %u", t->name, bad[k]);
			EXPECT_STREQ(text, self->nl.text);
			EXPECT_EQ(NESTED, self->nl.offset);
			EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
		}
	}
}

/* Whichever of the two is changed; whatever comes along is not set either. */
TEST_F(config, threshold_orders)
{
	struct nl_config want = self->first;
	struct nlattr *nest;
	struct nl_msg m;
	unsigned int i, k;

	for (i = 0; i < ORDERS; i++) {
		const struct order *o = &orders[i];
		const int id[] = { o->low, o->high };
		const uint32_t wrong[] = {
			want.threshold[o->high] + o->at_most, want.threshold[o->low] - o->at_most,
		};

		for (k = 0; k < 2; k++) {
			EXPECT_EQ(-EINVAL, nl_set_threshold(&self->nl, id[k], wrong[k])) TH_LOG("%s", o->text);
			EXPECT_STREQ(o->text, self->nl.text);
			EXPECT_EQ(FIRST, self->nl.offset);
			nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
			nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 7);
			nest = nl_nest(&m, TCPSTATE_A_CONFIG_THRESHOLDS);
			nl_put_u32(&m, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 7);
			nl_put_u32(&m, id[k], wrong[k]);
			nl_nest_end(&m, nest);
			EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &m));
			EXPECT_STREQ(o->text, self->nl.text);
			EXPECT_EQ(FIRST + 8, self->nl.offset);
			EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
		}
		want.threshold[o->low] = want.threshold[o->high] - !o->at_most;
		EXPECT_EQ(0, nl_set_threshold(&self->nl, o->low, want.threshold[o->low])) TH_LOG("%s", o->text);
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	}
}

/* Some of them: the others stay, and everything else, and both the other way round. A bad one among them: nothing. */
TEST_F(config, some_thresholds)
{
	static const int some[] = {
		TCPSTATE_A_THRESHOLDS_DIVERGENCE_SECONDS, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS,
		TCPSTATE_A_THRESHOLDS_STALE_POOL_AGE,
	};
	struct nl_config want = self->first;
	struct nlattr *nest;
	struct nl_msg m;
	int bad, i;

	for (bad = 3; bad >= 0; bad--) {
		nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
		nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 3 + bad);
		nest = nl_nest(&m, TCPSTATE_A_CONFIG_THRESHOLDS);
		for (i = 0; i < 3; i++)
			nl_put_u32(&m, some[i], i == bad ? 604801 : 1000 * bad + i);
		nl_nest_end(&m, nest);
		nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_BATCH, 5);
		EXPECT_EQ(bad == 3 ? 0 : -ERANGE, nl_ask(&self->nl, &m)) TH_LOG("%d: \"%s\"", bad, self->nl.text);
		if (bad == 3) {
			want.delay_ms = 6;
			want.batch = 5;
			for (i = 0; i < 3; i++)
				want.threshold[some[i]] = 3000 + i;
		} else {
			EXPECT_EQ(FIRST + 8 + NLA_HDRLEN + 8 * bad, self->nl.offset);
		}
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	}
	/* another number, good or bad, and a nest with nothing in it */
	EXPECT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 9));
	EXPECT_EQ(0, check_config(&self->nl, &want, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 9));
	want.delay_ms = 9;
	for (i = 0; i < 2; i++) {
		nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
		nest = nl_nest(&m, TCPSTATE_A_CONFIG_THRESHOLDS);
		if (i)
			nl_put_u32(&m, some[0], 1);
		nl_nest_end(&m, nest);
		if (i)
			nl_put_u32(&m, TCPSTATE_A_CONFIG_LIMIT, self->host.limit + 1);
		EXPECT_EQ(i ? -ERANGE : 0, nl_ask(&self->nl, &m));
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	}
}

/* What is refused in a nest, behind a good attribute. */
static const struct shape {
	int type;
	size_t len;
	uint32_t value;
	int err;
	const char *text;
} bad_thresholds[] = {
	{ 0, 4, 1, -EINVAL, NULL }, { TCPSTATE_A_THRESHOLDS_MAX + 1, 4, 1, -EINVAL, "Unknown attribute type" },
	{ 4000, 4, 1, -EINVAL, "Unknown attribute type" },
	{ TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 0, 0, -EINVAL, NULL },
	{ TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 2, 0, -EINVAL, NULL },
	{ TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 8, 0, -EINVAL, NULL },
	{ TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS | NLA_F_NESTED, 4, 0, -EINVAL, NULL },
}, bad_ignores[] = {
	{ 0, 4, 1, -EINVAL, NULL }, { TCPSTATE_A_IGNORE_MAX + 1, 4, 1, -EINVAL, "Unknown attribute type" },
	{ TCPSTATE_A_IGNORE_KIND, 4, 0, -ERANGE, "integer out of range" },
	{ TCPSTATE_A_IGNORE_KIND, 4, TCPSTATE_ALERT_KIND_PEERS_FULL + 1, -ERANGE, "integer out of range" },
	{ TCPSTATE_A_IGNORE_KIND, 4, 0x10001, -ERANGE, "integer out of range" },
	{ TCPSTATE_A_IGNORE_KIND, 2, 1, -EINVAL, NULL },
	{ TCPSTATE_A_IGNORE_PORT, 2, 0, -ERANGE, "integer out of range" },
	{ TCPSTATE_A_IGNORE_PORT, 4, 80, -EINVAL, NULL }, { TCPSTATE_A_IGNORE_PORT, 0, 0, -EINVAL, NULL },
	{ TCPSTATE_A_IGNORE_ADDR, 0, 0, -EINVAL, ADDR_TEXT }, { TCPSTATE_A_IGNORE_ADDR, 3, 1, -EINVAL, ADDR_TEXT },
	{ TCPSTATE_A_IGNORE_ADDR, 15, 1, -EINVAL, ADDR_TEXT }, { TCPSTATE_A_IGNORE_ADDR, 17, 1, -EINVAL, ADDR_TEXT },
};

static int check_shape(struct nl *nl, int nest_type, int good, const struct shape *s)
{
	uint8_t data[32] = { 0 };
	struct nlattr *nest;
	struct nl_msg m;
	int err;

	memcpy(data, &s->value, 4);
	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 1);
	nest = nl_nest(&m, nest_type);
	nl_put_u32(&m, good, 1);
	nl_put(&m, s->type, data, s->len);
	nl_nest_end(&m, nest);
	err = nl_ask(nl, &m);
	if (err == s->err && nl->text[0] && (!s->text || !strcmp(s->text, nl->text)) && nl->offset == NESTED + 16)
		return 0;
	printf("# attribute %d of %zu bytes, %u: %d \"%s\" at %d\n", s->type, s->len, s->value, err, nl->text,
	       nl->offset);
	return -1;
}

TEST_F(config, nests)
{
	static const int nests[] = { TCPSTATE_A_CONFIG_THRESHOLDS, TCPSTATE_A_CONFIG_IGNORE };
	struct nl_msg m;
	unsigned int i;

	for (i = 0; i < sizeof(bad_thresholds) / sizeof(bad_thresholds[0]); i++)
		EXPECT_EQ(0, check_shape(&self->nl, TCPSTATE_A_CONFIG_THRESHOLDS, TCPSTATE_A_THRESHOLDS_STALE_POOL_AGE,
					 &bad_thresholds[i]));
	for (i = 0; i < sizeof(bad_ignores) / sizeof(bad_ignores[0]); i++)
		EXPECT_EQ(0, check_shape(&self->nl, TCPSTATE_A_CONFIG_IGNORE, TCPSTATE_A_IGNORE_KIND, &bad_ignores[i]));
	for (i = 0; i < 2; i++) {
		nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
		nl_put_u32(&m, nests[i], 1);
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &m));
		EXPECT_STREQ("NLA_F_NESTED is missing", self->nl.text);
	}
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_IGNORE_NONE, 1);
	EXPECT_EQ(-ERANGE, nl_ask(&self->nl, &m));
	EXPECT_NE(0, self->nl.text[0]);
	EXPECT_EQ(FIRST, self->nl.offset);
	EXPECT_EQ(0, check_config(&self->nl, &self->first, 0, 0));
}

/* Ignored alerts */

static int set_ignores(struct nl *nl, const struct nl_ignore *ignore, unsigned int n, bool none)
{
	struct nl_msg m;
	unsigned int i;

	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 20);
	for (i = 0; i < n; i++)
		nl_put_ignore(&m, &ignore[i]);
	if (none)
		nl_put(&m, TCPSTATE_A_CONFIG_IGNORE_NONE, NULL, 0);
	return nl_ask(nl, &m);
}

static void want_ignores(struct nl_config *want, const struct nl_ignore *ignore, unsigned int n)
{
	memset(want->ignore, 0, sizeof(want->ignore));
	memcpy(want->ignore, ignore, n * sizeof(*ignore));
	want->ignores = n;
}

static const struct nl_ignore some_ignores[] = {
	{ .kind = TCPSTATE_ALERT_KIND_LISTEN_FULL }, { .kind = TCPSTATE_ALERT_KIND_PEERS_FULL },
	{ .port = 1 }, { .port = 65535 }, { .family = AF_INET, .addr = { 127, 0, 0, 1 } },
	{ .family = AF_INET }, { .family = AF_INET6, .addr = { 0xfd, 0x77, [15] = 1 } },
	{ TCPSTATE_ALERT_KIND_STALE_POOL, 443, AF_INET, { 10, 1, 2, 3 } },
	{ TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, 8080, AF_INET6, { [15] = 1 } },
	{ .kind = TCPSTATE_ALERT_KIND_LISTEN_FULL },	/* again */
};
#define SOME	(sizeof(some_ignores) / sizeof(some_ignores[0]))

/* Those given take the place of those before; none given, those stay. */
TEST_F(config, ignores)
{
	struct nl_config want = self->first;
	unsigned int n;

	for (n = SOME; n; n--) {
		EXPECT_EQ(0, set_ignores(&self->nl, some_ignores + SOME - n, n, false))
			TH_LOG("\"%s\"", self->nl.text);
		want_ignores(&want, some_ignores + SOME - n, n);
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	}
	EXPECT_EQ(0, set_ignores(&self->nl, some_ignores, SOME, false));
	want_ignores(&want, some_ignores, SOME);
	EXPECT_EQ(0, nl_set_threshold(&self->nl, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 1));
	want.threshold[TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS] = 1;
	EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	EXPECT_EQ(-ERANGE, nl_set_threshold(&self->nl, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, ~0u));
	EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	/* twice: there may be none already */
	for (n = 0; n < 2; n++) {
		EXPECT_EQ(0, set_ignores(&self->nl, NULL, 0, true));
		want_ignores(&want, NULL, 0);
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	}
}

TEST_F(config, ignores_refused)
{
	struct nl_ignore many[TCPSTATE_IGNORES_MAX + 1] = { { 0 } };
	struct nl_config want = self->first;
	struct nl_msg m;
	unsigned int i;

	for (i = 0; i <= TCPSTATE_IGNORES_MAX; i++)
		many[i] = (struct nl_ignore){ 1 + i % 9, 1 + i, AF_INET6, { i, [15] = 1 } };
	ASSERT_EQ(0, set_ignores(&self->nl, many, TCPSTATE_IGNORES_MAX, false)) TH_LOG("\"%s\"", self->nl.text);
	want_ignores(&want, many, TCPSTATE_IGNORES_MAX);
	EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	/* one too many; the same with others than there are */
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(-ERANGE, set_ignores(&self->nl, many, TCPSTATE_IGNORES_MAX + 1, false));
		EXPECT_STREQ("no more than 64 alerts can be ignored", self->nl.text);
		EXPECT_EQ(FIRST + 8 + TCPSTATE_IGNORES_MAX * 40, self->nl.offset);
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
		if (!i)
			ASSERT_EQ(0, set_ignores(&self->nl, some_ignores, SOME, false));
		want_ignores(&want, some_ignores, SOME);
	}
	EXPECT_EQ(-EINVAL, set_ignores(&self->nl, many, 2, true));
	EXPECT_STREQ("ignore-none is given beside what is to be ignored", self->nl.text);
	EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
	/* one that names nothing, as each of three */
	for (i = 0; i < 3; i++) {
		const struct nl_ignore saved = many[i];

		many[i] = (struct nl_ignore){ 0 };
		EXPECT_EQ(-EINVAL, set_ignores(&self->nl, many, 3, false));
		EXPECT_STREQ("an ignored alert is named by kind, port or addr", self->nl.text);
		EXPECT_EQ(FIRST + 8 + i * 40, self->nl.offset);
		EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
		many[i] = saved;
	}
	/* good ones, and a number that is not */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_ignore(&m, &many[0]);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_QUEUE, 1);
	EXPECT_EQ(-ERANGE, nl_ask(&self->nl, &m));
	EXPECT_EQ(0, check_config(&self->nl, &want, 0, 0));
}

TEST_HARNESS_MAIN
