// SPDX-License-Identifier: GPL-2.0-only
/*
 * 100,000 transitions at full speed: each is told, or its loss is known exactly. The independent count, of both ends,
 * is how often the tracepoint tcpstate:tcpstate_transition was met (perf), the other one the statistics'.
 *
 *	received + missing from the sequence + lost = met
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl.h"

#define PORT		7000
#define CONNECTIONS	10000
#define LOCAL_EACH	10	/* transitions of local ends a connection makes: five at each socket */
#define TRACING		"/sys/kernel/tracing"
#define CPUS		256

struct seen {
	uint64_t n, local;	/* events, and those of local ends until TIME_WAIT, the end of which is a minute later */
	uint64_t first, last;	/* numbers */
	uint64_t missing;	/* between two of them */
	uint64_t disorder;
	uint64_t lost;		/* as the last message says */
	unsigned int overruns;	/* ENOBUFS */
};

FIXTURE(count) {
	struct nl nl;		/* the reader */
	struct nl ask;		/* for everything else */
	int counter[CPUS];
	int cpus;
	int listener;
	struct nl_stats before, after;
	uint64_t met;
};

static int tracepoint_id(void)
{
	char text[32] = "";
	int fd;

	if (access(TRACING "/events", F_OK))
		mount("tracefs", TRACING, "tracefs", 0, NULL);
	fd = open(TRACING "/events/tcpstate/tcpstate_transition/id", O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return -1;
	close(fd);
	return atoi(text);
}

/* In this namespace: what former tests have left in others ends when it likes. */
static int counters_open(FIXTURE_DATA(count) *self)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(attr), .config = tracepoint_id(),
	};
	char filter[40];
	struct stat st;
	int i;

	if (stat("/proc/self/ns/net", &st))
		return -1;
	snprintf(filter, sizeof(filter), "netns == %u", (unsigned int)st.st_ino);
	self->cpus = sysconf(_SC_NPROCESSORS_CONF);
	for (i = 0; i < self->cpus && i < CPUS; i++) {
		self->counter[i] = syscall(SYS_perf_event_open, &attr, -1, i, -1, PERF_FLAG_FD_CLOEXEC);
		if (self->counter[i] < 0 || ioctl(self->counter[i], PERF_EVENT_IOC_SET_FILTER, filter)) {
			printf("# perf_event_open, %s: %m\n", filter);
			return -1;
		}
	}
	return 0;
}

static uint64_t counters_read(const FIXTURE_DATA(count) *self)
{
	uint64_t sum = 0, one;
	int i;

	for (i = 0; i < self->cpus; i++)
		sum += read(self->counter[i], &one, sizeof(one)) == sizeof(one) ? one : 0;
	return sum;
}

FIXTURE_SETUP(count)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nofile_max());
	/* no TIME_WAIT ends early, no SYN finds the queue full */
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "100000"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_tw_reuse", "0"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_syn_backlog", "30000"));
	ASSERT_EQ(0, write_file("/proc/sys/net/core/somaxconn", "30000"));
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open(&self->ask));
	ASSERT_EQ(0, counters_open(self));
	self->listener = nl_listen("127.0.0.1", PORT, 30000);
	ASSERT_LE(0, self->listener);
	ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
	ASSERT_EQ(0, nl_stats(&self->ask, &self->before));
	ASSERT_EQ(0, self->before.event_seq);
	self->met = counters_read(self);
}

FIXTURE_TEARDOWN(count)
{
	nl_close(&self->nl);
	nl_close(&self->ask);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int connections(int listener, int n)
{
	uint64_t start = now_ns();
	int fd, peer, left = n;

	while (left--) {
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		peer = accept(listener, NULL, NULL);
		if (fd < 0 || peer < 0) {
			printf("# %d left: %m\n", left);
			return -1;
		}
		close(fd);
		close(peer);
	}
	if (n > 1)
		printf("# %d connections: %llu us each\n", n, (unsigned long long)(now_ns() - start) / 1000 / n);
	return 0;
}

static void see(const struct nl_event *e, void *arg)
{
	struct seen *s = arg;

	s->n++;
	s->local += e->end == TCPSTATE_END_LOCAL && e->cause != TCPSTATE_CAUSE_EXPIRE;
	if (!s->first)
		s->first = e->seq;
	if (e->seq <= s->last)
		s->disorder++;
	else
		s->missing += e->seq - s->last - 1;
	s->last = e->seq;
}

static int hear(struct nl *nl, struct seen *s, int ms)
{
	int n;

	while ((n = nl_events(nl, ms, see, s, &s->lost)) > 0 || n == -ENOBUFS)
		s->overruns += n == -ENOBUFS;
	return n;
}

static void finish(struct __test_metadata *_metadata, FIXTURE_DATA(count) *self, const struct seen *s)
{
	uint64_t local, gone;
	int i, j;

	ASSERT_EQ(0, nl_stats(&self->ask, &self->after));
	self->met = counters_read(self) - self->met;
	local = self->after.transitions - self->before.transitions;
	gone = self->after.event_seq - s->last;		/* behind the last one that came */
	for (i = 1; i < STATES; i++)
		for (j = 1; j < STATES; j++)
			if (self->after.matrix[i][j])
				printf("# %s to %s: %llu\n", state_name(i), state_name(j),
				       (unsigned long long)self->after.matrix[i][j]);
	printf("# transitions: %llu met, %llu of local ends by the statistics\n", (unsigned long long)self->met,
	       (unsigned long long)local);
	printf("# events: %llu received (%llu local), %llu missing, %llu lost in the queue, %u overruns\n",
	       (unsigned long long)s->n,
	       (unsigned long long)s->local, (unsigned long long)(s->missing + gone),
	       (unsigned long long)self->after.event_lost, s->overruns);
	EXPECT_LE(CONNECTIONS * LOCAL_EACH, local);
	EXPECT_EQ(0, s->disorder);
	EXPECT_EQ(self->met, s->n + s->missing + gone + self->after.event_lost);
	EXPECT_EQ(self->met, self->after.event_seq + self->after.event_lost);
}

TEST_F_TIMEOUT(count, all_are_told, 1200)
{
	struct seen s = { 0 };
	int room = 256 << 20;

	ASSERT_EQ(0, setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)));
	ASSERT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_EVENT_QUEUE, TCPSTATE_EVENT_QUEUE_MAX));
	ASSERT_EQ(0, connections(self->listener, CONNECTIONS));
	ASSERT_EQ(0, hear(&self->nl, &s, 1000));
	finish(_metadata, self, &s);
	EXPECT_EQ(0, s.overruns);
	EXPECT_EQ(0, s.missing);
	EXPECT_EQ(0, s.lost);
	EXPECT_EQ(0, self->after.event_lost);
	EXPECT_EQ(1, s.first);
	EXPECT_EQ(CONNECTIONS * LOCAL_EACH, s.local);
	EXPECT_EQ(self->met, s.n);
}

/* A reader that sleeps and has little room: what it misses it can count by itself, from the numbers. */
TEST_F_TIMEOUT(count, reader_loses, 1200)
{
	struct seen s = { 0 };
	int room = 20000, i;

	ASSERT_EQ(0, setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)));
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, connections(self->listener, CONNECTIONS / 10));
		sleep_ms(100);
		ASSERT_EQ(0, hear(&self->nl, &s, 0));
	}
	/* one more event tells what was missing at the end */
	ASSERT_EQ(0, connections(self->listener, 1));
	ASSERT_EQ(0, hear(&self->nl, &s, 1000));
	finish(_metadata, self, &s);
	EXPECT_LT(0, s.overruns);
	EXPECT_LT(0, s.missing);
	EXPECT_LT(0, s.n);
	EXPECT_EQ(0, self->after.event_lost);
	EXPECT_EQ(self->after.event_seq, s.last);
	EXPECT_EQ(self->met, s.n + s.missing);
}

/*
 * A queue that nobody empties: while this process sends one SYN after the other it does not let the kernel's threads
 * run. The SYNs arrive later. The reader has room for all that is sent, and is told how many events were not.
 */
static int at_once(int listener, int n)
{
	struct sched_param fifo = { .sched_priority = 10 }, other = { 0 };
	static int fds[CONNECTIONS], peers[CONNECTIONS];
	int i;

	if (sched_setscheduler(0, SCHED_FIFO, &fifo))
		return -1;
	for (i = 0; i < n; i++)
		fds[i] = nl_connect(NULL, 0, "127.0.0.1", PORT, true);
	if (sched_setscheduler(0, SCHED_OTHER, &other))
		return -1;
	/* they come in another order */
	for (i = 0; i < n; i++) {
		peers[i] = accept(listener, NULL, NULL);
		if (fds[i] < 0 || peers[i] < 0)
			return -1;
	}
	/* shut down and closed later: of sockets without a file the kernel resets what it finds too many */
	for (i = 0; i < n; i++)
		shutdown(fds[i], SHUT_WR);
	sleep_ms(2000);
	for (i = 0; i < n; i++)
		shutdown(peers[i], SHUT_WR);
	sleep_ms(2000);
	for (i = 0; i < n; i++) {
		close(fds[i]);
		close(peers[i]);
	}
	return 0;
}

TEST_F_TIMEOUT(count, queue_loses, 1200)
{
	struct seen s = { 0 };
	int room = 256 << 20;
	cpu_set_t one;

	ASSERT_EQ(0, setsockopt(self->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)));
	ASSERT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_EVENT_QUEUE, TCPSTATE_EVENT_QUEUE_MIN));
	ASSERT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, TCPSTATE_EVENT_DELAY_MAX));
	CPU_ZERO(&one);
	CPU_SET(0, &one);
	ASSERT_EQ(0, sched_setaffinity(0, sizeof(one), &one));
	ASSERT_EQ(0, system("tc qdisc add dev lo root netem delay 100ms limit 100000"));
	ASSERT_EQ(0, at_once(self->listener, CONNECTIONS));
	ASSERT_EQ(0, hear(&self->nl, &s, 3000));
	finish(_metadata, self, &s);
	EXPECT_EQ(0, s.overruns);
	EXPECT_EQ(0, s.missing);
	EXPECT_EQ(1, s.first);
	EXPECT_LE(TCPSTATE_EVENT_QUEUE_MIN, s.n);
	EXPECT_EQ(self->after.event_seq, s.last);
	EXPECT_LT(0, self->after.event_lost);
	EXPECT_EQ(self->after.event_lost, s.lost);
	/* and the next is told again */
	ASSERT_EQ(0, connections(self->listener, 1));
	s = (struct seen){ .first = 1, .last = s.last };
	ASSERT_EQ(0, hear(&self->nl, &s, 3000));
	EXPECT_EQ(0, s.missing);
	EXPECT_EQ(LOCAL_EACH, s.local);
	EXPECT_EQ(self->after.event_lost, s.lost);
}

TEST_HARNESS_MAIN
