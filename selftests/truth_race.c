// SPDX-License-Identifier: GPL-2.0-only
/*
 * close() of one end meets the FIN of the other: as a FIN that waits in the backlog of the socket that is being closed,
 * and the other way round. On one processor the FIN is delayed by lo and comes out of a timer; the close() is tried at
 * all offsets around that. On several, two threads close at once. Rounds: TCPSTATE_ROUNDS (200). At rest all endpoints
 * are the kernel's, and nothing had to be corrected.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "oracle.h"

#define PORT		7000
#define DELAY_NS	2000000

FIXTURE(race) {
	struct oracle o;
	int listener;
	int rounds;
};

FIXTURE_VARIANT(race) {
	const char *addr;
	bool data;	/* unread at one of the two: close() is a reset there */
};

FIXTURE_VARIANT_ADD(race, ipv4) { .addr = "127.0.0.1" };
FIXTURE_VARIANT_ADD(race, ipv6) { .addr = "::1" };
FIXTURE_VARIANT_ADD(race, reset) { .addr = "127.0.0.1", .data = true };

FIXTURE_SETUP(race)
{
	const char *rounds = getenv("TCPSTATE_ROUNDS");

	self->rounds = rounds && atoi(rounds) > 0 ? atoi(rounds) : 200;
	ASSERT_EQ(0, nofile_max());
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "100000"));
	ASSERT_EQ(0, oracle_open(&self->o));
	self->listener = nl_listen(variant->addr, PORT, 1000);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(race)
{
	EXPECT_EQ(0, oracle_undiverged(&self->o));
}

static int open_pair(int listener, const char *addr, bool data, int *fd)
{
	fd[0] = nl_connect(NULL, 0, addr, PORT, false);
	fd[1] = accept(listener, NULL, NULL);
	if (fd[0] < 0 || fd[1] < 0)
		return -1;
	return data && send(fd[0], "abc", 3, 0) != 3 ? -1 : 0;
}

static void spin_until(uint64_t when)
{
	while (now_ns() < when)
		;
}

/* The second close() from well before the FIN comes, by way of "just now", to after it */
static void race_by_delay(struct __test_metadata *_metadata, FIXTURE_DATA(race) *self, const char *addr, bool data)
{
	int fd[2], i;

	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 2ms limit 100000"));
	for (i = 0; i < self->rounds; i++) {
		uint64_t at;

		ASSERT_EQ(0, open_pair(self->listener, addr, data, fd));
		sleep_ms(10);
		at = now_ns();
		close(fd[i & 1]);
		spin_until(at + DELAY_NS - 20000 + 60000LL * i / self->rounds);
		close(fd[!(i & 1)]);
		if (i % 50 == 49)
			EQUAL_NOW(&self->o, "under way");
	}
	ASSERT_EQ(0, run("tc qdisc del dev lo root"));
}

struct closer {
	pthread_t thread;
	int cpu, end, rounds;
	int (*fd)[2];
	atomic_int *step;
};

static void *closes(void *arg)
{
	struct closer *c = arg;
	cpu_set_t cpus;
	int i;

	CPU_ZERO(&cpus);
	CPU_SET(c->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (i = 0; i < c->rounds; i++) {
		atomic_fetch_add(c->step, 1);
		while (atomic_load(c->step) < 2 * (i + 1))
			;
		close(c->fd[i][c->end]);
	}
	return NULL;
}

static void race_by_threads(struct __test_metadata *_metadata, FIXTURE_DATA(race) *self, const char *addr, bool data)
{
	int (*fd)[2] = calloc(self->rounds, sizeof(*fd)), i;
	struct closer c[2];
	atomic_int step = 0;

	for (i = 0; i < self->rounds; i++)
		ASSERT_EQ(0, open_pair(self->listener, addr, data, fd[i]));
	for (i = 0; i < 2; i++) {
		c[i] = (struct closer){ .cpu = i, .end = i, .rounds = self->rounds, .fd = fd, .step = &step };
		ASSERT_EQ(0, pthread_create(&c[i].thread, NULL, closes, &c[i]));
	}
	for (i = 0; i < 2; i++)
		pthread_join(c[i].thread, NULL);
	free(fd);
}

static int say(struct oracle *o)
{
	struct nl_stats s;

	if (nl_stats(&o->nl, &s))
		return -1;
	printf("# entered FIN_WAIT1 %llu CLOSING %llu LAST_ACK %llu TIME_WAIT %llu CLOSE %llu\n",
	       (unsigned long long)s.state[TCPSTATE_STATE_FIN_WAIT1].entered,
	       (unsigned long long)s.state[TCPSTATE_STATE_CLOSING].entered,
	       (unsigned long long)s.state[TCPSTATE_STATE_LAST_ACK].entered,
	       (unsigned long long)s.state[TCPSTATE_STATE_TIME_WAIT].entered,
	       (unsigned long long)s.state[TCPSTATE_STATE_CLOSE].entered);
	return 0;
}

TEST_F_TIMEOUT(race, close_and_fin, 300)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) > 1)
		race_by_threads(_metadata, self, variant->addr, variant->data);
	else
		race_by_delay(_metadata, self, variant->addr, variant->data);
	EQUAL_NOW(&self->o, "at the end");
	sleep_ms(3000);
	EQUAL_NOW(&self->o, "at rest");
	EXPECT_EQ(0, say(&self->o));
	sleep_ms(62000);
	EQUAL_WITHIN(&self->o, "LISTEN=1", 5000);
}

TEST_HARNESS_MAIN
