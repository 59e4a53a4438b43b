// SPDX-License-Identifier: GPL-2.0-only
/*
 * config-get and config-set: every key, its range, and that a request is done as a whole or not at all.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl_config.h"

#define PORT	7000

FIXTURE(config) {
	struct snapshot host;	/* of the namespace that we come from */
	struct nl nl;
	struct nl_config first;
	int listener;
};

FIXTURE_SETUP(config)
{
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &self->host));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_config(&self->nl, &self->first));
	self->listener = nl_listen("127.0.0.1", PORT, 100);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(config)
{
	nl_close(&self->nl);
}

TEST_F(config, defaults)
{
	struct snapshot p;

	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &p));
	EXPECT_EQ(p.limit, self->first.limit);
	EXPECT_EQ(self->host.limit / 4, self->first.limit);
	EXPECT_EQ(32, self->first.batch);
	EXPECT_EQ(20, self->first.delay_ms);
	EXPECT_EQ(65536, self->first.queue);
}

/* Values in the range and at its ends are taken, those beside it refused, with the attribute; one namespace alone. */
TEST_F(config, ranges)
{
	const struct { int key; uint32_t good[3], bad[4]; int errs[4]; } cases[] = {
		{ TCPSTATE_A_CONFIG_LIMIT, { 1, 100, self->host.limit }, { 0, self->host.limit + 1, 1u << 31, ~0u },
		  { ERANGE, ERANGE, ERANGE, ERANGE } },
		{ TCPSTATE_A_CONFIG_EVENT_BATCH, { 1, 7, TCPSTATE_EVENT_BATCH_MAX },
		  { 0, TCPSTATE_EVENT_BATCH_MAX + 1, 256, ~0u }, { ERANGE, ERANGE, ERANGE, ERANGE } },
		{ TCPSTATE_A_CONFIG_EVENT_DELAY_MS, { 0, 500, TCPSTATE_EVENT_DELAY_MAX },
		  { TCPSTATE_EVENT_DELAY_MAX + 1, 65536, 1u << 31, ~0u }, { ERANGE, ERANGE, ERANGE, ERANGE } },
		{ TCPSTATE_A_CONFIG_EVENT_QUEUE, { TCPSTATE_EVENT_QUEUE_MIN, 5000, TCPSTATE_EVENT_QUEUE_MAX },
		  { 0, TCPSTATE_EVENT_QUEUE_MIN - 1, TCPSTATE_EVENT_QUEUE_MAX + 1, ~0u },
		  { ERANGE, ERANGE, ERANGE, ERANGE } },
	};
	struct nl_config before;
	struct snapshot p;
	unsigned int i, j;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (j = 0; j < 3; j++) {
			ASSERT_EQ(0, nl_config(&self->nl, &before));
			EXPECT_EQ(0, nl_set(&self->nl, cases[i].key, cases[i].good[j]))
				TH_LOG("key %d value %u: \"%s\"", cases[i].key, cases[i].good[j], self->nl.text);
			EXPECT_EQ(0, check_config(&self->nl, &before, cases[i].key, cases[i].good[j]));
		}
		ASSERT_EQ(0, nl_config(&self->nl, &before));
		for (j = 0; j < 4; j++) {
			EXPECT_EQ(-cases[i].errs[j], nl_set(&self->nl, cases[i].key, cases[i].bad[j]))
				TH_LOG("key %d value %u: \"%s\"", cases[i].key, cases[i].bad[j], self->nl.text);
			EXPECT_NE(0, self->nl.text[0]) TH_LOG("key %d: no text", cases[i].key);
			EXPECT_EQ(NLMSG_HDRLEN + GENL_HDRLEN, self->nl.offset);
			EXPECT_EQ(0, check_config(&self->nl, &before, 0, 0));
		}
	}
	EXPECT_EQ(-ERANGE, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, self->host.limit + 1));
	EXPECT_STREQ("limit is at most the table's size: /sys/module/tcpstate/parameters/max_endpoints", self->nl.text);
	EXPECT_EQ(-ERANGE, nl_set(&self->nl, TCPSTATE_A_CONFIG_EVENT_QUEUE, TCPSTATE_EVENT_QUEUE_MAX + 1));
	EXPECT_STREQ("event-queue is at most 1048576", self->nl.text);
	/* what is set is this namespace's, and where it ends others do not have it */
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &p));
	EXPECT_EQ(self->host.limit, p.limit);
	nl_close(&self->nl);
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	EXPECT_EQ(0, check_config(&self->nl, &self->first, 0, 0));
}

/* Three good values and a bad one, which is each key in turn, at each place in the message. */
TEST_F(config, all_or_nothing)
{
	const uint32_t good[] = { 0, 50, 5, 50, 5000 };
	const uint32_t bad[] = { 0, self->host.limit + 1, 65, 1001, TCPSTATE_EVENT_QUEUE_MAX + 1 };
	struct nl_msg m;
	int wrong, place, key, k;

	for (wrong = 1; wrong <= KEYS; wrong++) {
		for (place = 0; place < KEYS; place++) {
			nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
			for (k = 0; k < KEYS; k++) {
				key = (wrong - 1 + k + KEYS - place) % KEYS + 1;
				nl_put_u32(&m, key, key == wrong ? bad[key] : good[key]);
			}
			EXPECT_EQ(-ERANGE, nl_ask(&self->nl, &m));
			EXPECT_EQ(NLMSG_HDRLEN + GENL_HDRLEN + 8 * place, self->nl.offset);
			EXPECT_EQ(0, check_config(&self->nl, &self->first, 0, 0));
		}
	}
	/* the same, all good */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	for (key = 1; key <= KEYS; key++)
		nl_put_u32(&m, key, good[key]);
	EXPECT_EQ(0, nl_ask(&self->nl, &m));
	self->first.limit = good[1];
	self->first.batch = good[2];
	self->first.delay_ms = good[3];
	self->first.queue = good[4];
	EXPECT_EQ(0, check_config(&self->nl, &self->first, 0, 0));
}

/* What the message's shape, not a value, makes wrong: nothing is set either. */
TEST_F(config, shapes)
{
	static const uint64_t five = 5;
	struct nl_msg m;
	size_t len;

	for (len = 0; len <= 8; len++) {
		if (len == 4)
			continue;
		nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
		nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 1);
		nl_put(&m, TCPSTATE_A_CONFIG_EVENT_BATCH, &five, len);
		EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &m)) TH_LOG("%zu bytes", len);
		EXPECT_NE(0, self->nl.text[0]);
		EXPECT_EQ(NLMSG_HDRLEN + GENL_HDRLEN + 8, self->nl.offset);
	}
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 1);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_MAX + 1, 1);
	EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &m));
	EXPECT_STREQ("Unknown attribute type", self->nl.text);
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_u32(&m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 1);
	m.h.nlmsg_len += 3;
	EXPECT_EQ(-EINVAL, nl_ask(&self->nl, &m));
	EXPECT_STREQ("bytes leftover after parsing attributes", self->nl.text);
	/* nothing to set is nothing wrong */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	EXPECT_EQ(0, nl_ask(&self->nl, &m));
	EXPECT_EQ(0, check_config(&self->nl, &self->first, 0, 0));
}

/*
 * Below what is tracked: those stay, and no new one finds room until enough have gone. Where sockets tell the listener
 * takes room, too.
 */
TEST_F(config, limit_below_tracked)
{
	const unsigned int listeners = self->host.sockets;
	struct nl_stats s;
	int fd[10], i;

	for (i = 0; i < 10; i++) {
		fd[i] = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		ASSERT_LE(0, fd[i]);
	}
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, 4 + listeners));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(20 + listeners, s.tracked);
	EXPECT_EQ(4 + listeners, s.limit);
	EXPECT_EQ(listeners, s.state[TCPSTATE_STATE_LISTEN].count);
	EXPECT_EQ(20, s.state[TCPSTATE_STATE_ESTABLISHED].count);
	EXPECT_EQ(0, s.untracked);
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(20 + listeners, s.tracked);
	EXPECT_EQ(20, s.state[TCPSTATE_STATE_ESTABLISHED].count);
	EXPECT_LT(0, s.untracked);
	for (i = 0; i < 9; i++)
		nl_reset(fd[i]);
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(2 + listeners, s.tracked);
	/* room for two */
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(4 + listeners, s.tracked);
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, 1000));
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(6 + listeners, s.tracked);
}

static void count(const struct nl_event *e, void *arg)
{
	(*(unsigned int *)arg)++;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* Batch and delay are what they say: so many events a message, and no later than that. */
TEST_F(config, batch_and_delay)
{
	static const struct { uint32_t batch, delay; } cases[] = { { 1, 0 }, { 3, 20 }, { 64, 1000 }, { 64, 100 } };
	unsigned int events = 0, most, messages;
	uint64_t lost, start, took;
	size_t i;
	int n;

	ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
	/* Where locks are checked the first connection of all takes longer than what is allowed below. */
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
	while (nl_events(&self->nl, 1000, count, &events, &lost) > 0)
		;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_EVENT_BATCH, cases[i].batch));
		ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, cases[i].delay));
		start = now_ns();
		ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
		took = 0;
		events = most = messages = 0;
		while ((n = nl_events(&self->nl, 3000, count, &events, &lost)) > 0) {
			if (!took)
				took = now_ns() - start;
			if ((unsigned int)n > most)
				most = n;
			messages++;
		}
		printf("# batch %u delay %u: %u events in %u messages, at most %u, the first after %llu us\n",
		       cases[i].batch, cases[i].delay, events, messages, most, (unsigned long long)took / 1000);
		EXPECT_EQ(0, n);
		EXPECT_LE(8, events);
		EXPECT_GE(cases[i].batch, most);
		EXPECT_EQ(0, lost);
		if (cases[i].batch == 64) {
			EXPECT_EQ(1, messages);
			EXPECT_LE(cases[i].delay * 1000000ULL - 10000000, took);	/* it counts in ticks */
		}
		/* the coarser, the longer it is */
		EXPECT_GE((cases[i].delay * 9 / 8 + 20) * 1000000ULL, took);
	}
}

TEST_HARNESS_MAIN
