// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trouble that takes hours, and trouble of a whole namespace: a leak of a few connections an hour, too many in
 * TIME_WAIT, no room for records, records that have to be corrected. Each in a namespace of its own, over lo, in guest
 * time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "notices.h"

#define PORT	7000
#define HOST	"127.0.0.1"
#define MOST	200
#define LATE_NS	100000000ull
#define STALL	12	/* connections that nobody accepts */

#define KIND(name)	TCPSTATE_ALERT_KIND_##name
#define REASON(name)	TCPSTATE_ALERT_REASON_##name
#define MINUTES(n)	((n) * 60000u)

FIXTURE(alerts_slow) {
	struct notices *s;
	int listener;
	int client[MOST];
	int server[MOST];
};

FIXTURE_SETUP(alerts_slow)
{
	ASSERT_EQ(0, netns_enter());
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	/* Once is once, and not because the same is not told again for half an hour. */
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 0));
	self->listener = nl_listen(HOST, PORT, 200);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(alerts_slow)
{
	free(self->s);
}

#define THRESHOLD(name, value)	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_##name, value))
#define TAKE(ms)	ASSERT_EQ(0, notices_take(self->s, ms))
/* Connections @from to @to, accepted */
#define OPEN(from, to) do { \
	int i_; \
	for (i_ = (from); i_ < (to); i_++) { \
		self->client[i_] = nl_connect(NULL, 0, HOST, PORT, false); \
		ASSERT_LE(0, self->client[i_]); \
		self->server[i_] = accept(self->listener, NULL, NULL); \
		ASSERT_LE(0, self->server[i_]); \
	} \
} while (0)
#define CLOSE(fds, from, to) do { \
	int i_; \
	for (i_ = (from); i_ < (to); i_++) \
		EXPECT_EQ(0, close(self->fds[i_])); \
} while (0)
/* The client has closed, the server forgets to. */
#define LEAK(from, to) do { \
	OPEN(from, to); \
	CLOSE(client, from, to); \
} while (0)
#define ONCE(kind, least) do { \
	EXPECT_EQ(1, notices_count(self->s, kind, RAISE, least)); \
	EXPECT_EQ(1, notices_count(self->s, kind, RAISE, 0)); \
	EXPECT_EQ(1, notices_count(self->s, kind, CLEAR, 0)); \
} while (0)
/* Nothing has been raised but @n alerts. */
#define RAISES(n)	EXPECT_EQ(n, notices_count(self->s, 0, RAISE, 0))

/* @from to @to seconds after @since; a look that comes each second is some ms late */
#define WITHIN(n, since, from, to) do { \
	ASSERT_NE(NULL, n); \
	EXPECT_LE((since) + (from) * SECOND_NS, (n)->time_ns); \
	EXPECT_GE((since) + (to) * SECOND_NS + LATE_NS, (n)->time_ns); \
	TH_LOG("after %.3f s: %d to %d", (int64_t)((n)->time_ns - (since)) / 1e9, from, to); \
} while (0)
/* From @since, for @hold seconds, and then no more than two */
#define RAISED(n, since, hold)	WITHIN(n, since, hold, (hold) + 2)

/* A leak */

/* One in ten minutes, six hours long. */
TEST_F_TIMEOUT(alerts_slow, slow_leak, 60000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i;

	LEAK(0, 10);
	since = real_ns();
	/* Five minutes from every hour: nothing depends on the second in which one is an hour old. */
	for (i = 10; i < 10 + 36; i++) {
		TAKE(MINUTES(i == 10 ? 5 : 10));
		EXPECT_EQ(0, notices_count(self->s, 0, UPDATE, TICKET));
		LEAK(i, i + 1);
	}
	TAKE(MINUTES(4));
	EXPECT_EQ(0, notices_count(self->s, 0, UPDATE, TICKET));
	n = notices_await(self->s, MINUTES(2), KIND(CLOSE_WAIT_LEAK), UPDATE, TICKET);
	RAISED(n, since, 6 * 3600);
	EXPECT_EQ(TICKET, n->severity);
	EXPECT_EQ(REASON(SLOW_LEAK), n->reason);
	EXPECT_EQ(20, n->limit);
	EXPECT_EQ(10 + 30, n->value);
	EXPECT_EQ(TCPSTATE_PEER_KIND_LISTENER, n->peer.kind);
	EXPECT_EQ(PORT, n->peer.port[0]);
	CLOSE(server, 0, 10 + 36);
	since = real_ns();
	n = notices_await(self->s, MINUTES(10), KIND(CLOSE_WAIT_LEAK), CLEAR, 0);
	RAISED(n, since, 300);
	TAKE(MINUTES(2));
	ONCE(KIND(CLOSE_WAIT_LEAK), INFO);
	RAISES(1);
}

/* It grows for most of the time, but not for all of it: somebody has found the path. Then it begins again. */
TEST_F_TIMEOUT(alerts_slow, slow_leak_that_stops, 60000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i;

	THRESHOLD(CLOSE_WAIT_SLOW_SECONDS, 1800);
	THRESHOLD(CLOSE_WAIT_SLOW_AGE, 600);
	LEAK(0, 30);
	for (i = 30; i < 40; i++) {
		TAKE(140000);
		LEAK(i, i + 1);
	}
	TAKE(MINUTES(30));
	EXPECT_EQ(1, notices_count(self->s, KIND(CLOSE_WAIT_LEAK), RAISE, INFO));
	EXPECT_EQ(0, notices_count(self->s, 0, UPDATE, TICKET));
	since = real_ns();
	for (; i < 54; i++) {
		LEAK(i, i + 1);
		TAKE(140000);
	}
	n = notices_await(self->s, 0, KIND(CLOSE_WAIT_LEAK), UPDATE, TICKET);
	WITHIN(n, since, 1500, 1802);
	EXPECT_EQ(REASON(SLOW_LEAK), n->reason);
	RAISES(1);
}

/* Nobody accepts, for longer than the kernel's microseconds fit into 32 bits: it is one alert all the time. */
TEST_F_TIMEOUT(alerts_slow, backlog_for_hours, 60000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i;

	since = real_ns();
	for (i = 0; i < STALL; i++) {
		self->client[i] = nl_connect(NULL, 0, HOST, PORT, false);
		ASSERT_LE(0, self->client[i]);
	}
	n = notices_await(self->s, MINUTES(1), KIND(ACCEPT_STALLED), RAISE, PAGE);
	RAISED(n, since, 15);
	TAKE(MINUTES(80));
	EXPECT_EQ(0, notices_count(self->s, 0, CLEAR, 0));
	since = real_ns();
	for (i = 0; i < STALL; i++)
		self->server[i] = accept(self->listener, NULL, NULL);
	n = notices_await(self->s, MINUTES(1), KIND(ACCEPT_STALLED), CLEAR, 0);
	RAISED(n, since, 0);
	TAKE(MINUTES(1));
	ONCE(KIND(ACCEPT_STALLED), PAGE);
	RAISES(1);
}

/* TIME_WAIT */

/* The kernel's count of minisocks in this namespace; -1 */
static int time_waits(void)
{
	FILE *f = fopen("/proc/self/net/sockstat", "r");
	char line[200];
	int n = -1;

	while (f && n < 0 && fgets(line, sizeof(line), f))
		if (sscanf(line, "TCP: inuse %*d orphan %*d tw %d", &n) != 1)
			n = -1;
	if (f)
		fclose(f);
	return n;
}

/* @n connections that end here */
#define END(n) do { \
	OPEN(0, n); \
	CLOSE(client, 0, n); \
	CLOSE(server, 0, n); \
} while (0)

TEST_F_TIMEOUT(alerts_slow, time_wait_pressure, 6000)
{
	const struct nl_alert *n;
	uint64_t since = 0, now;
	int second;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "200"));
	/* Three a second for a minute: 180. */
	for (second = 0; second < 200 && time_waits() < 160; second++) {
		since = real_ns();
		END(3);
		TAKE(1000);
	}
	ASSERT_LE(160, time_waits());
	for (second = 0; second < 63; second++) {
		END(3);
		TAKE(1000);
		EXPECT_GT(200, time_waits());
	}
	n = notices_await(self->s, 0, KIND(TIME_WAIT_PRESSURE), RAISE, INFO);
	RAISED(n, since, 60);
	EXPECT_EQ(INFO, n->severity);
	EXPECT_EQ(REASON(BUCKETS), n->reason);
	EXPECT_EQ(160, n->limit);
	EXPECT_LE(160, n->value);
	EXPECT_EQ(0, n->peer.kind);
	/* Until it was last seen not to be over; it may be over, and told, within the next tenth of a second. */
	for (since = 0, now = real_ns(); time_waits() >= 120; now = real_ns()) {
		since = now;
		EXPECT_EQ(0, notices_count(self->s, 0, CLEAR, 0));
		TAKE(100);
	}
	ASSERT_NE(0, since);
	n = notices_await(self->s, MINUTES(1), KIND(TIME_WAIT_PRESSURE), CLEAR, 0);
	RAISED(n, since, 0);
	TAKE(MINUTES(3));
	ONCE(KIND(TIME_WAIT_PRESSURE), INFO);
	RAISES(1);
}

/* No TIME_WAIT at all is allowed here. */
TEST_F_TIMEOUT(alerts_slow, time_wait_overflows, 6000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "0"));
	THRESHOLD(TIME_WAIT_OVERFLOWS, 12);
	since = real_ns();
	/* 20 a second */
	for (i = 0; i < 4 * 305; i++) {
		END(5);
		TAKE(250);
	}
	EXPECT_EQ(0, time_waits());
	n = notices_await(self->s, 0, KIND(TIME_WAIT_PRESSURE), RAISE, INFO);
	/* The first second tells the rate of the next. */
	WITHIN(n, since, 300, 303);
	EXPECT_EQ(INFO, n->severity);
	EXPECT_EQ(REASON(OVERFLOWS), n->reason);
	EXPECT_EQ(12, n->limit);
	EXPECT_LE(12, n->value);
	since = real_ns();
	n = notices_await(self->s, MINUTES(1), KIND(TIME_WAIT_PRESSURE), CLEAR, 0);
	RAISED(n, since, 0);
	TAKE(MINUTES(1));
	ONCE(KIND(TIME_WAIT_PRESSURE), INFO);
	RAISES(1);
}

/* Records */

/* A connection is two, and the listener one. */
TEST_F_TIMEOUT(alerts_slow, table_full, 6000)
{
	const struct nl_alert *n;
	struct snapshot now;
	uint64_t since;
	int i;

	ASSERT_EQ(0, nl_set(&self->s->ask, TCPSTATE_A_CONFIG_LIMIT, 100));
	OPEN(0, 44);
	TAKE(MINUTES(1));
	RAISES(0);
	since = real_ns();
	OPEN(44, 45);
	n = notices_await(self->s, 10000, KIND(TABLE_FULL), RAISE, TICKET);
	RAISED(n, since, 0);
	EXPECT_EQ(TICKET, n->severity);
	EXPECT_EQ(REASON(RECORDS), n->reason);
	EXPECT_EQ(90, n->limit);
	EXPECT_EQ(91, n->value);
	EXPECT_EQ(0, n->peer.kind);
	EXPECT_EQ(0, n->folded + n->ignored + n->unverified);
	/* 81 are not below 80 %, 79 are. */
	for (i = 40; i < 45; i++)
		nl_reset(self->client[i]);
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &now));
	ASSERT_EQ(81, now.tracked);
	TAKE(MINUTES(1));
	EXPECT_EQ(0, notices_count(self->s, 0, CLEAR, 0));
	since = real_ns();
	nl_reset(self->client[39]);
	n = notices_await(self->s, 10000, KIND(TABLE_FULL), CLEAR, 0);
	RAISED(n, since, 0);
	EXPECT_EQ(91, n->peak);
	TAKE(MINUTES(1));
	ONCE(KIND(TABLE_FULL), TICKET);
	RAISES(1);
}

/* Corrections */

/* A connection for which there was no room when it came ends when there is: both ends are found. */
static int miss(FIXTURE_DATA(alerts_slow) *self)
{
	int err = nl_set(&self->s->ask, TCPSTATE_A_CONFIG_LIMIT, 1);
	int client = nl_connect(NULL, 0, HOST, PORT, false), server = accept(self->listener, NULL, NULL);

	err = err ?: nl_set(&self->s->ask, TCPSTATE_A_CONFIG_LIMIT, 10000);
	return err ?: shutdown(client, SHUT_WR) ?: close(server) ?: close(client);
}

/* Six corrections in each minute, of some 125 records */
#define MISS(times) do { \
	int i_; \
	for (i_ = 0; i_ < (times); i_++) { \
		ASSERT_EQ(0, miss(self)); \
		TAKE(20000); \
	} \
} while (0)

/* The alert about a listener at @port that nobody serves */
static const struct nl_alert *stalled(FIXTURE_DATA(alerts_slow) *self, int port)
{
	int i, listener = nl_listen(HOST, port, 100);
	size_t before = self->s->n, at;

	for (i = 0; i < STALL; i++)
		if (listener < 0 || nl_connect(NULL, 0, HOST, port, false) < 0)
			return NULL;
	if (notices_take(self->s, 18000))
		return NULL;
	for (at = before; at < self->s->n; at++)
		if (self->s->list[at].kind == KIND(ACCEPT_STALLED) && self->s->list[at].action == RAISE &&
		    self->s->list[at].peer.port[0] == port)
			return &self->s->list[at];
	return NULL;
}

TEST_F_TIMEOUT(alerts_slow, divergence, 10000)
{
	const struct nl_alert *n;
	uint64_t since, last;
	struct snapshot now;

	OPEN(0, 60);
	/* miss() lets the table be full for a moment, which the module may look at or not: it is full here all the time. */
	ASSERT_EQ(0, nl_set(&self->s->ask, TCPSTATE_A_CONFIG_LIMIT, 10000));
	THRESHOLD(TABLE_FULL_CLEAR_PERCENT, 0);
	THRESHOLD(TABLE_FULL_PERCENT, 1);
	n = notices_await(self->s, 10000, KIND(TABLE_FULL), RAISE, TICKET);
	ASSERT_NE(NULL, n);
	/* Not worth a word: less than a tenth of all records. */
	THRESHOLD(DIVERGENCE_PERMILLE, 100);
	MISS(32);
	n = stalled(self, PORT + 1);
	ASSERT_NE(NULL, n);
	EXPECT_FALSE(n->unverified);
	RAISES(1 + 1);
	TAKE(MINUTES(1));
	THRESHOLD(DIVERGENCE_PERMILLE, 1);
	since = real_ns();
	MISS(30);
	n = notices_await(self->s, 10000, KIND(DIVERGENCE), RAISE, TICKET);
	RAISED(n, since, 600);
	EXPECT_EQ(TICKET, n->severity);
	EXPECT_EQ(REASON(CORRECTIONS), n->reason);
	EXPECT_LE(4, n->value);
	EXPECT_GE(6, n->value);
	EXPECT_EQ(1, n->limit);
	EXPECT_FALSE(n->unverified);
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &now));
	EXPECT_EQ(2 * (32 + 30), now.divergence);
	last = real_ns();
	ASSERT_EQ(0, miss(self));
	n = stalled(self, PORT + 2);
	ASSERT_NE(NULL, n);
	EXPECT_TRUE(n->unverified);
	/* Its minute has twelve parts. */
	n = notices_await(self->s, MINUTES(2), KIND(DIVERGENCE), CLEAR, 0);
	WITHIN(n, last, 55, 62);
	n = stalled(self, PORT + 3);
	ASSERT_NE(NULL, n);
	EXPECT_FALSE(n->unverified);
	TAKE(MINUTES(2));
	ONCE(KIND(DIVERGENCE), TICKET);
	RAISES(1 + 4);
	EXPECT_EQ(1, notices_count(self->s, KIND(TABLE_FULL), RAISE, 0));
	EXPECT_EQ(0, notices_count(self->s, KIND(TABLE_FULL), CLEAR, 0));
}

TEST_HARNESS_MAIN
