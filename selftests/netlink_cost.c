// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a dump costs: with ten endpoints in CLOSE_WAIT, a dump of these takes at 100,000 endpoints at most twice the
 * time that it takes at 1,000. Where the machine counts instructions the times are exact, and the same every time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl.h"

#define PORT	7000
#define FEW	1000		/* endpoints */
#define MANY	100000
#define HALF	10		/* connections that are half closed */
#define ADDRS	4		/* an address has fewer ports than are needed */
#define ROUNDS	5

static void count(const struct nl_endpoint *e, void *arg)
{
	*(unsigned int *)arg += e->local == TCPSTATE_STATE_CLOSE_WAIT;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* The shortest of some dumps, in ns; 0 where one has not listed what it had to. */
static uint64_t cost(struct nl *nl)
{
	uint64_t best = ~0ULL, start, took;
	struct nlattr *nest;
	struct nl_msg m;
	unsigned int n;
	int i;

	for (i = 0; i < ROUNDS; i++) {
		n = 0;
		nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
		nest = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
		nl_put_u32(&m, TCPSTATE_A_FILTER_STATES, NL_STATE(TCPSTATE_STATE_CLOSE_WAIT));
		nl_nest_end(&m, nest);
		start = now_ns();
		if (nl_dump(nl, &m, count, &n) || n != HALF)
			return 0;
		took = now_ns() - start;
		if (took < best)
			best = took;
	}
	return best;
}

static int open_up_to(int *listener, unsigned int *have, unsigned int want)
{
	char to[16];
	unsigned int a;

	for (; *have < want; *have += 2) {
		a = *have / 2 % ADDRS;
		snprintf(to, sizeof(to), "127.0.0.%u", a + 1);
		if (nl_connect(NULL, 0, to, PORT, false) < 0 || accept(listener[a], NULL, NULL) < 0) {
			printf("# after %u endpoints: %m\n", *have);
			return -1;
		}
	}
	return 0;
}

FIXTURE(cost) {
	struct nl nl;
	unsigned int listeners;	/* endpoints, too, where sockets tell */
};

FIXTURE_SETUP(cost)
{
	struct rlimit files = { MANY + 1000, MANY + 1000 };
	struct snapshot host;

	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &host));
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files)) TH_LOG("fs.nr_open is too low: %m");
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "1024 65000"));
	ASSERT_EQ(0, nl_open(&self->nl));
	/* the initial namespace keeps a quarter of the table for itself */
	ASSERT_LE((MANY + ADDRS) / 3 * 4 + 4, host.limit) TH_LOG("this takes a machine with at least 3 GB");
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, host.limit));
	self->listeners = host.sockets ? ADDRS : 0;
}

FIXTURE_TEARDOWN(cost)
{
	nl_close(&self->nl);
}

TEST_F_TIMEOUT(cost, of_a_dump, 1500)
{
	unsigned int have = 0, i;
	int listener[ADDRS], fd;
	struct nl_stats s;
	uint64_t few, many;
	char addr[16];

	for (i = 0; i < ADDRS; i++) {
		snprintf(addr, sizeof(addr), "127.0.0.%u", i + 1);
		listener[i] = nl_listen(addr, PORT, 100);
		ASSERT_LE(0, listener[i]);
	}
	for (i = 0; i < HALF; i++) {
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		ASSERT_LE(0, fd);
		shutdown(fd, SHUT_WR);
		ASSERT_LE(0, accept(listener[0], NULL, NULL));
		have += 2;
	}
	ASSERT_EQ(0, open_up_to(listener, &have, FEW));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	ASSERT_EQ(FEW + self->listeners, s.tracked);
	few = cost(&self->nl);
	ASSERT_LT(0, few);
	ASSERT_EQ(0, open_up_to(listener, &have, MANY));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	ASSERT_EQ(MANY + self->listeners, s.tracked);
	many = cost(&self->nl);
	ASSERT_LT(0, many);
	printf("# %d of %d endpoints: %llu ns, %d of %d: %llu ns\n", HALF, FEW, (unsigned long long)few, HALF, MANY,
	       (unsigned long long)many);
	EXPECT_GE(2 * few, many);
}

TEST_HARNESS_MAIN
