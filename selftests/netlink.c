// SPDX-License-Identifier: GPL-2.0-only
/*
 * The requests that have one answer: stats-get, endpoint-get by tuple, config-get and config-set; what they say, and
 * what they refuse. Each test in a network namespace of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl.h"

#define PORT	7000
#define MS	1000000ULL
#define SECOND	1000000000ULL

#define ESTABLISHED	TCPSTATE_STATE_ESTABLISHED
#define FIN_WAIT2	TCPSTATE_STATE_FIN_WAIT2
#define TIME_WAIT	TCPSTATE_STATE_TIME_WAIT
#define CLOSE		TCPSTATE_STATE_CLOSE
#define CLOSE_WAIT	TCPSTATE_STATE_CLOSE_WAIT
#define LISTEN		TCPSTATE_STATE_LISTEN

FIXTURE(netlink) {
	struct snapshot host;	/* of the namespace that we come from */
	struct nl nl;
	int listener;
};

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &self->host));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	self->listener = nl_listen("::", PORT, 100);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(netlink)
{
	nl_close(&self->nl);
}

struct pair {
	int client, server;
};

static int open_pair(int listener, const char *host, struct pair *p)
{
	p->client = nl_connect(NULL, 0, host, PORT, false);
	p->server = accept(listener, NULL, NULL);
	return p->client < 0 || p->server < 0 ? -1 : 0;
}

/* Both ends leave their state at once: a RST. */
static void reset_pair(struct pair *p)
{
	nl_reset(p->client);
	close(p->server);
}

TEST_F(netlink, stats_of_nothing)
{
	struct nl_stats s;
	struct snapshot p;
	uint64_t listened, stayed;
	int i, j;

	close(self->listener);
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &p));
	EXPECT_EQ(p.netns, s.netns);
	EXPECT_NE(self->host.netns, s.netns);
	EXPECT_EQ(p.limit, s.limit);
	EXPECT_EQ(0, s.tracked);
	/* a socket has listened, and does no more */
	listened = p.sockets;
	for (i = 1; i < STATES; i++) {
		EXPECT_EQ(0, s.state[i].count);
		EXPECT_EQ(i == LISTEN || i == CLOSE ? listened : 0, s.state[i].entered);
		EXPECT_EQ(0, s.state[i].oldest_ns);
		EXPECT_EQ(0, s.state[i].older_60s);
		EXPECT_EQ(0, s.state[i].older_300s);
		EXPECT_EQ(i != CLOSE, s.state[i].has_histogram);
		for (stayed = 0, j = 0; j < TCPSTATE_HISTOGRAM_BUCKETS; j++)
			stayed += s.state[i].histogram[j];
		EXPECT_EQ(i == LISTEN ? listened : 0, stayed);
		for (j = 1; j < STATES; j++)
			EXPECT_EQ((i == LISTEN && j == CLOSE) || (i == CLOSE && j == LISTEN) ? listened : 0,
				  s.matrix[i][j]);
	}
	EXPECT_EQ(2 * listened, s.transitions);
	EXPECT_EQ(0, s.invalid + s.malformed + s.untracked + s.event_seq + s.event_lost + s.divergences);
}

/* Counts against /proc, and the sums that have to be the same however they are made. */
static int check_sums(struct nl *nl)
{
	unsigned long long sum = 0, tracked = 0;
	struct nl_stats s;
	struct snapshot p;
	int i, j, bad = 0;

	if (nl_stats(nl, &s) || snapshot_read("/proc/self/net/tcpstate", &p))
		return -1;
	for (i = 1; i < STATES; i++) {
		unsigned long long entered = 0, left = 0, stayed = 0;

		for (j = 1; j < STATES; j++) {
			entered += s.matrix[j][i];
			left += s.matrix[i][j];
		}
		for (j = 0; j < TCPSTATE_HISTOGRAM_BUCKETS; j++)
			stayed += s.state[i].histogram[j];
		sum += entered;
		tracked += s.state[i].count;
		bad += s.state[i].count != p.count[i];
		bad += s.state[i].entered != p.entered[i];
		bad += s.state[i].entered != entered;
		/* proc was read later */
		bad += s.state[i].oldest_ns / MS > p.oldest_ms[i] || s.state[i].oldest_ns / MS + 200 < p.oldest_ms[i];
		bad += !s.state[i].oldest_ns != !s.state[i].count;
		if (i != CLOSE && i != LISTEN) {
			bad += stayed != left;
			bad += entered != left + s.state[i].count;
		} else {
			bad += stayed != (i == LISTEN ? s.matrix[LISTEN][CLOSE] : 0);
		}
		/* a listener leaves by closing alone; what is LISTEN and SYN_RECV then has another socket */
		if (i == LISTEN)
			bad += entered != s.matrix[LISTEN][CLOSE] + s.state[i].count || (!p.sockets && entered) ||
			       left != s.matrix[LISTEN][CLOSE] + s.matrix[LISTEN][TCPSTATE_STATE_SYN_RECV];
		if (bad) {
			printf("# %s: count %u proc %llu, entered %llu proc %llu matrix %llu, left %llu stayed %llu\n",
			       state_name(i), s.state[i].count, p.count[i], (unsigned long long)s.state[i].entered,
			       p.entered[i], entered, left, stayed);
			return -1;
		}
	}
	if (s.transitions == sum && s.transitions == p.transitions && s.tracked == tracked && s.tracked == p.tracked &&
	    s.invalid == p.invalid && s.malformed == p.malformed && s.untracked == p.untracked && s.limit == p.limit &&
	    !s.divergences && !p.divergence)
		return 0;
	printf("# transitions %llu proc %llu matrix %llu, tracked %u proc %llu counts %llu\n",
	       (unsigned long long)s.transitions, p.transitions, sum, s.tracked, p.tracked, tracked);
	return -1;
}

TEST_F_TIMEOUT(netlink, stats_are_those_of_proc, 300)
{
	struct pair p[8];
	struct nl_stats s;
	int full, i;

	for (i = 0; i < 8; i++)
		ASSERT_EQ(0, open_pair(self->listener, i % 2 ? "::1" : "127.0.0.1", &p[i]));
	ASSERT_EQ(0, check_sums(&self->nl));
	shutdown(p[0].client, SHUT_WR);		/* FIN_WAIT2, CLOSE_WAIT */
	sleep_ms(30);
	shutdown(p[1].server, SHUT_WR);
	sleep_ms(30);
	close(p[2].client);			/* TIME_WAIT */
	close(p[2].server);
	reset_pair(&p[3]);
	EXPECT_EQ(-1, nl_connect(NULL, 0, "127.0.0.1", PORT + 1, false));
	full = nl_listen("127.0.0.1", PORT + 1, 0);
	ASSERT_LE(0, full);
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT + 1, false));
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT + 1, true));	/* SYN_SENT */
	ASSERT_EQ(0, check_counts("ESTABLISHED=10 FIN_WAIT2=2 CLOSE_WAIT=2 TIME_WAIT=1 SYN_SENT=1"));
	EXPECT_EQ(0, check_sums(&self->nl));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(2, s.matrix[ESTABLISHED][CLOSE]);
	EXPECT_EQ(1, s.matrix[TCPSTATE_STATE_SYN_SENT][CLOSE]);
	EXPECT_EQ(3, s.matrix[ESTABLISHED][CLOSE_WAIT]);
	EXPECT_EQ(0, s.matrix[CLOSE_WAIT][ESTABLISHED]);
	EXPECT_EQ(9, s.matrix[LISTEN][TCPSTATE_STATE_SYN_RECV]);
	EXPECT_EQ(self->host.sockets ? 2 : 0, s.matrix[CLOSE][LISTEN]);
	EXPECT_EQ(self->host.sockets ? 2 : 0, s.state[LISTEN].count);
	/* one minute later the TIME_WAIT is gone, by itself */
	sleep_ms(63000);
	EXPECT_EQ(0, check_sums(&self->nl));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(1, s.matrix[TIME_WAIT][CLOSE]);
	EXPECT_EQ(1, s.state[TIME_WAIT].histogram[16]);		/* 60 s: from 32768 ms to below 65536 ms */
}

/* Each bucket from below 1 ms to beyond a minute: known stays in ESTABLISHED, in the middle of one. */
TEST_F_TIMEOUT(netlink, histogram, 600)
{
	struct nl_stats before, after;
	struct pair p;
	int bucket, i;

	for (bucket = 0; bucket <= 17; bucket++) {
		unsigned int us = bucket ? 750 << bucket : 200;
		struct timespec t = { .tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000L };

		ASSERT_EQ(0, nl_stats(&self->nl, &before));
		ASSERT_EQ(0, open_pair(self->listener, "127.0.0.1", &p));
		ASSERT_EQ(0, nanosleep(&t, NULL));
		reset_pair(&p);
		ASSERT_EQ(0, nl_stats(&self->nl, &after));
		for (i = 0; i < TCPSTATE_HISTOGRAM_BUCKETS; i++)
			EXPECT_EQ(i == bucket ? 2 : 0, after.state[ESTABLISHED].histogram[i] -
				  before.state[ESTABLISHED].histogram[i])
				TH_LOG("stay of %u us, bucket %d", us, i);
	}
	/* 100 ms, and the states behind it. The FIN's ACK may be delayed for 40 ms. */
	ASSERT_EQ(0, nl_stats(&self->nl, &before));
	ASSERT_EQ(0, open_pair(self->listener, "127.0.0.1", &p));
	sleep_ms(100);
	shutdown(p.client, SHUT_WR);
	sleep_ms(200);
	close(p.server);
	sleep_ms(1);
	ASSERT_EQ(0, nl_stats(&self->nl, &after));
	EXPECT_EQ(2, after.state[ESTABLISHED].histogram[7] - before.state[ESTABLISHED].histogram[7]);
	EXPECT_EQ(1, after.state[CLOSE_WAIT].histogram[8]);
	EXPECT_EQ(1, after.state[FIN_WAIT2].histogram[8]);
	EXPECT_EQ(1, after.state[TCPSTATE_STATE_LAST_ACK].histogram[0]);
	EXPECT_EQ(0, check_sums(&self->nl));
}

static int check_older(struct nl *nl, int state, unsigned int count, unsigned int s60, unsigned int s300,
		       unsigned int oldest_s)
{
	struct nl_stats s;

	if (nl_stats(nl, &s))
		return -1;
	if (s.state[state].count == count && s.state[state].older_60s == s60 && s.state[state].older_300s == s300 &&
	    s.state[state].oldest_ns / SECOND == oldest_s)
		return 0;
	printf("# %s: count %u older 60s %u 300s %u oldest %llu ns, wanted %u %u %u %u s\n", state_name(state),
	       s.state[state].count, s.state[state].older_60s, s.state[state].older_300s,
	       (unsigned long long)s.state[state].oldest_ns, count, s60, s300, oldest_s);
	return -1;
}

TEST_F_TIMEOUT(netlink, older, 900)
{
	struct pair old[5], young[3];
	int i;

	for (i = 0; i < 5; i++)
		ASSERT_EQ(0, open_pair(self->listener, i % 2 ? "::1" : "127.0.0.1", &old[i]));
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 10, 0, 0, 0));
	sleep_ms(30500);
	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, open_pair(self->listener, "127.0.0.1", &young[i]));
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 16, 0, 0, 30));
	sleep_ms(29000);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 16, 0, 0, 59));
	sleep_ms(1000);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 16, 10, 0, 60));
	shutdown(old[0].client, SHUT_WR);	/* they begin anew in another state */
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 14, 8, 0, 60));
	EXPECT_EQ(0, check_older(&self->nl, CLOSE_WAIT, 1, 0, 0, 0));
	sleep_ms(31000);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 14, 14, 0, 91));
	sleep_ms(30000);
	EXPECT_EQ(0, check_older(&self->nl, CLOSE_WAIT, 1, 1, 0, 61));
	sleep_ms(178000);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 14, 14, 0, 299));
	sleep_ms(1000);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 14, 14, 8, 300));
	/* from the middle, from the end and from the beginning of what is counted */
	reset_pair(&old[2]);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 12, 12, 6, 300));
	reset_pair(&young[2]);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 10, 10, 6, 300));
	reset_pair(&old[1]);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 8, 8, 4, 300));
	sleep_ms(31000);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 8, 8, 8, 331));
	EXPECT_EQ(0, check_older(&self->nl, CLOSE_WAIT, 1, 1, 0, 271));
	for (i = 3; i < 5; i++)
		reset_pair(&old[i]);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 4, 4, 4, 301));
	for (i = 0; i < 2; i++)
		reset_pair(&young[i]);
	EXPECT_EQ(0, check_older(&self->nl, ESTABLISHED, 0, 0, 0, 0));
	EXPECT_EQ(0, check_sums(&self->nl));
}

static int check_endpoint(struct nl *nl, const struct nl_tuple *t, uint32_t local, uint32_t remote, unsigned int age_ms)
{
	struct nl_endpoint e;
	int err = nl_get(nl, t, &e);

	if (err) {
		printf("# endpoint-get: %d \"%s\"\n", err, nl->text);
		return -1;
	}
	if (nl_same(t, &e.tuple) && e.local == local && e.remote == remote && e.age_ns / MS <= age_ms + 5 &&
	    e.age_ns / MS + 45 >= age_ms)	/* an ACK may be delayed */
		return 0;
	printf("# local %s, remote %s, age %llu ns, tuple %s\n", state_name(e.local), state_name(e.remote),
	       (unsigned long long)e.age_ns, nl_same(t, &e.tuple) ? "right" : "wrong");
	return -1;
}

TEST_F(netlink, endpoint_by_tuple)
{
	static const struct { const char *host; uint32_t family; } kinds[] = {
		{ "127.0.0.1", AF_INET }, { "::1", AF_INET6 }, { "::ffff:127.0.0.1", AF_INET },
	};
	struct nl_tuple client, server;
	struct nl_endpoint e;
	struct pair p;
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		ASSERT_EQ(0, open_pair(self->listener, kinds[i].host, &p));
		ASSERT_EQ(0, nl_tuple_of(p.client, &client));
		ASSERT_EQ(0, nl_tuple_of(p.server, &server));
		EXPECT_EQ(kinds[i].family, client.family);
		sleep_ms(50);
		/* Nothing proves to the client that its ACK has arrived. */
		EXPECT_EQ(0, check_endpoint(&self->nl, &client, ESTABLISHED, TCPSTATE_STATE_SYN_RECV, 50));
		EXPECT_EQ(0, check_endpoint(&self->nl, &server, ESTABLISHED, ESTABLISHED, 50));
		shutdown(p.client, SHUT_WR);
		sleep_ms(100);
		EXPECT_EQ(0, check_endpoint(&self->nl, &client, FIN_WAIT2, CLOSE_WAIT, 100));
		EXPECT_EQ(0, check_endpoint(&self->nl, &server, CLOSE_WAIT, TCPSTATE_STATE_FIN_WAIT1, 100));
		close(p.server);
		close(p.client);
		sleep_ms(20);
		EXPECT_EQ(0, check_endpoint(&self->nl, &client, TIME_WAIT, TCPSTATE_STATE_LAST_ACK, 20));
		EXPECT_EQ(-ENOENT, nl_get(&self->nl, &server, &e));
		EXPECT_STREQ("no endpoint with this tuple and scope is tracked in this network namespace",
			     self->nl.text);
		/* each part of the tuple counts */
		client.port[0] ^= 1;
		EXPECT_EQ(-ENOENT, nl_get(&self->nl, &client, &e));
		client.port[0] ^= 1;
		client.port[1] ^= 1;
		EXPECT_EQ(-ENOENT, nl_get(&self->nl, &client, &e));
		client.port[1] ^= 1;
		client.addr[0][3] ^= 2;
		EXPECT_EQ(-ENOENT, nl_get(&self->nl, &client, &e));
		client.addr[0][3] ^= 2;
		client.scope = 1;
		EXPECT_EQ(-ENOENT, nl_get(&self->nl, &client, &e));
	}
}

/* A tuple of a socket that is bound to an interface has a scope, and is another without it. */
TEST_F(netlink, endpoint_scope)
{
	unsigned int lo = if_nametoindex("lo");
	struct sockaddr_storage addr;
	socklen_t len = nl_sockaddr(&addr, "127.0.0.1", PORT);
	struct nl_endpoint e;
	struct nl_tuple t;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, nl_tuple_of(fd, &t));
	EXPECT_EQ(-ENOENT, nl_get(&self->nl, &t, &e));
	t.scope = lo;
	EXPECT_EQ(0, check_endpoint(&self->nl, &t, ESTABLISHED, TCPSTATE_STATE_SYN_RECV, 0));
	t.scope = lo + 1;
	EXPECT_EQ(-ENOENT, nl_get(&self->nl, &t, &e));
	/* the accepted end is bound to nothing */
	ASSERT_EQ(0, nl_tuple_of(accept(self->listener, NULL, NULL), &t));
	EXPECT_EQ(0, check_endpoint(&self->nl, &t, ESTABLISHED, ESTABLISHED, 0));
}

/* Asks for @t without its attribute @without, and with another behind all of them: both can be 0, none. */
static int ask_changed(struct nl *nl, const struct nl_tuple *t, int without, int type, const void *data, size_t len)
{
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, 0);
	if (without != TCPSTATE_A_ENDPOINT_FAMILY)
		nl_put_u32(&m, TCPSTATE_A_ENDPOINT_FAMILY, t->family);
	if (without != TCPSTATE_A_ENDPOINT_LOCAL_ADDR)
		nl_put(&m, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, t->addr[0], nl_addr_len(t->family));
	if (without != TCPSTATE_A_ENDPOINT_REMOTE_ADDR)
		nl_put(&m, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, t->addr[1], nl_addr_len(t->family));
	if (without != TCPSTATE_A_ENDPOINT_LOCAL_PORT)
		nl_put_u16(&m, TCPSTATE_A_ENDPOINT_LOCAL_PORT, t->port[0]);
	if (without != TCPSTATE_A_ENDPOINT_REMOTE_PORT)
		nl_put_u16(&m, TCPSTATE_A_ENDPOINT_REMOTE_PORT, t->port[1]);
	if (type)
		nl_put(&m, type, data, len);
	return nl_ask(nl, &m);
}

TEST_F(netlink, endpoint_refusals)
{
	static const uint8_t zeros[64];
	static const uint32_t families[] = { 0, 1, 255, 0x10000 + AF_INET, AF_INET | 0x100 };
	static const struct { int type; size_t len; } sizes[] = {
		{ TCPSTATE_A_ENDPOINT_LOCAL_ADDR, 0 }, { TCPSTATE_A_ENDPOINT_LOCAL_ADDR, 3 },
		{ TCPSTATE_A_ENDPOINT_LOCAL_ADDR, 5 }, { TCPSTATE_A_ENDPOINT_LOCAL_ADDR, 16 },
		{ TCPSTATE_A_ENDPOINT_LOCAL_ADDR, 17 }, { TCPSTATE_A_ENDPOINT_REMOTE_ADDR, 0 },
		{ TCPSTATE_A_ENDPOINT_REMOTE_ADDR, 8 }, { TCPSTATE_A_ENDPOINT_REMOTE_ADDR, 16 },
		{ TCPSTATE_A_ENDPOINT_FAMILY, 2 }, { TCPSTATE_A_ENDPOINT_FAMILY, 8 },
		{ TCPSTATE_A_ENDPOINT_LOCAL_PORT, 1 }, { TCPSTATE_A_ENDPOINT_REMOTE_PORT, 4 },
		{ TCPSTATE_A_ENDPOINT_SCOPE, 4 }, { TCPSTATE_A_ENDPOINT_SCOPE, 2 },
		/* what only answers have, and what nobody has */
		{ TCPSTATE_A_ENDPOINT_LOCAL_STATE, 4 }, { TCPSTATE_A_ENDPOINT_REMOTE_STATE, 4 },
		{ TCPSTATE_A_ENDPOINT_AGE_NS, 8 }, { TCPSTATE_A_ENDPOINT_PAD, 0 },
		{ TCPSTATE_A_ENDPOINT_SOCKET_KIND, 4 }, { TCPSTATE_A_ENDPOINT_UID, 4 },
		{ TCPSTATE_A_ENDPOINT_INODE, 8 }, { TCPSTATE_A_ENDPOINT_COOKIE, 8 },
		{ TCPSTATE_A_ENDPOINT_CGROUP, 8 }, { TCPSTATE_A_ENDPOINT_PID, 4 },
		{ TCPSTATE_A_ENDPOINT_AGE_AT_LEAST, 0 },
		{ TCPSTATE_A_ENDPOINT_MAX + 1, 4 }, { 99, 4 },
	};
	struct nl_tuple t;
	struct pair p;
	size_t i;
	int type, err, last;

	ASSERT_EQ(0, open_pair(self->listener, "127.0.0.1", &p));
	ASSERT_EQ(0, nl_tuple_of(p.client, &t));
	ASSERT_EQ(0, ask_changed(&self->nl, &t, 0, 0, NULL, 0));
	for (type = TCPSTATE_A_ENDPOINT_FAMILY; type <= TCPSTATE_A_ENDPOINT_REMOTE_PORT; type++) {
		EXPECT_EQ(-EINVAL, ask_changed(&self->nl, &t, type, 0, NULL, 0));
		EXPECT_STREQ("an endpoint is named by family, both addresses and both ports", self->nl.text);
	}
	for (i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		EXPECT_EQ(-EINVAL, ask_changed(&self->nl, &t, TCPSTATE_A_ENDPOINT_FAMILY, TCPSTATE_A_ENDPOINT_FAMILY,
					       &families[i], 4));
		EXPECT_STREQ("the family is neither AF_INET nor AF_INET6", self->nl.text);
		EXPECT_LT(0, self->nl.offset);
	}
	/* IPv4 addresses, called IPv6 */
	t.family = AF_INET6;
	EXPECT_EQ(-ENOENT, ask_changed(&self->nl, &t, 0, 0, NULL, 0));
	t.family = AF_INET;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		err = ask_changed(&self->nl, &t, sizes[i].type, sizes[i].type, zeros, sizes[i].len);
		EXPECT_TRUE(err == -EINVAL || err == -ERANGE)
			TH_LOG("attribute %d of %zu bytes: %d", sizes[i].type, sizes[i].len, err);
		EXPECT_NE(0, self->nl.text[0]) TH_LOG("attribute %d: no text", sizes[i].type);
		/* it is the last one of the message */
		last = NLMSG_HDRLEN + GENL_HDRLEN + 8 * 5;
		if (sizes[i].type <= TCPSTATE_A_ENDPOINT_REMOTE_PORT)
			last -= 8;
		EXPECT_EQ(last, self->nl.offset) TH_LOG("attribute %d: %s", sizes[i].type, self->nl.text);
	}
	EXPECT_EQ(-EINVAL, ask_changed(&self->nl, &t, 0, TCPSTATE_A_ENDPOINT_FILTER | NLA_F_NESTED, NULL, 0));
	EXPECT_STREQ("a filter is for dumps", self->nl.text);
}

TEST_HARNESS_MAIN
