// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts at their edges: what is told again, or too late, or not at all. Each in a namespace of its own, over lo, in guest
 * time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "notices.h"

#define PORT	7000
#define HOST	"127.0.0.1"
#define MOST	3000

#define KIND(name)	TCPSTATE_ALERT_KIND_##name
#define MINUTES(n)	((n) * 60000u)

FIXTURE(edge) {
	struct notices *s;
	int listener;
	int client[MOST];
	int server[MOST];
};

FIXTURE_SETUP(edge)
{
	struct rlimit files = { 20000, 20000 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, netns_enter());
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 0));
}

FIXTURE_TEARDOWN(edge)
{
	free(self->s);
}

#define THRESHOLD(name, value)	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_##name, value))
#define TAKE(ms)	ASSERT_EQ(0, notices_take(self->s, ms))
#define LISTEN(backlog) do { \
	self->listener = nl_listen(HOST, PORT, backlog); \
	ASSERT_LE(0, self->listener); \
} while (0)
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
		close(self->fds[i_]); \
} while (0)
/* With a RST: no TIME_WAIT */
#define RESET(from, to) do { \
	int i_; \
	for (i_ = (from); i_ < (to); i_++) { \
		nl_reset(self->client[i_]); \
		close(self->server[i_]); \
	} \
} while (0)

/* EADDRNOTAVAIL long ago is no news when the destination moves again. */
TEST_F_TIMEOUT(edge, rewatch, 6000)
{
	unsigned int before;
	int i, n;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_tw_reuse", "0"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30019"));
	LISTEN(200);
	for (n = 0; n < 40; n++) {
		self->client[n] = nl_connect(NULL, 0, HOST, PORT, false);
		if (self->client[n] < 0)
			break;
		self->server[n] = accept(self->listener, NULL, NULL);
	}
	ASSERT_GT(40, n);
	TAKE(10000);
	EXPECT_EQ(1, notices_count(self->s, KIND(PORT_EXHAUSTION), RAISE, PAGE));
	RESET(1, n);
	TAKE(MINUTES(20));	/* one connection stays */
	EXPECT_EQ(1, notices_count(self->s, KIND(PORT_EXHAUSTION), CLEAR, 0));
	before = notices_count(self->s, 0, RAISE, 0);
	i = nl_connect(NULL, 0, HOST, PORT, false);
	ASSERT_LE(0, i);
	TAKE(MINUTES(1));
	EXPECT_EQ(before, notices_count(self->s, 0, RAISE, 0));
}

/* A crowd comes at once to a listener that had nothing to do for long, and gives up as fast: all of it counts. */
TEST_F_TIMEOUT(edge, burst, 6000)
{
	int i;

	LISTEN(3);
	TAKE(MINUTES(5));
	for (i = 0; i < 300; i++)
		self->client[i] = nl_connect(NULL, 0, HOST, PORT, true);
	for (i = 0; i < 300; i++)
		nl_reset(self->client[i]);
	TAKE(5000);
	EXPECT_EQ(1, notices_count(self->s, KIND(LISTEN_FULL), RAISE, PAGE));
}

/* A lower threshold concerns what has not moved for long, too. */
TEST_F_TIMEOUT(edge, lowered, 6000)
{
	LISTEN(200);
	OPEN(0, 5);
	CLOSE(client, 0, 5);
	TAKE(MINUTES(5));
	THRESHOLD(CLOSE_WAIT_INFO_COUNT, 3);
	TAKE(10000);
	EXPECT_EQ(1, notices_count(self->s, KIND(CLOSE_WAIT_LEAK), RAISE, INFO));
}

/* Fewer than half of what raised the ticket, for five minutes: over. */
TEST_F_TIMEOUT(edge, clears_half, 6000)
{
	LISTEN(200);
	OPEN(0, 120);
	CLOSE(client, 0, 120);
	TAKE(MINUTES(6));
	EXPECT_EQ(1, notices_count(self->s, KIND(CLOSE_WAIT_LEAK), UPDATE, TICKET));
	CLOSE(server, 20, 120);
	TAKE(MINUTES(6));
	EXPECT_EQ(1, notices_count(self->s, KIND(CLOSE_WAIT_LEAK), CLEAR, 0));
}

/* Six in any hour */
TEST_F_TIMEOUT(edge, sliding, 30000)
{
	struct notices *s = self->s;
	uint64_t t[64];
	int i, k, n = 0;
	size_t j;

	for (i = 0; i < 20; i++) {
		nl_listen(HOST, PORT + i, 200);
		for (k = 0; k < 12; k++)
			nl_connect(NULL, 0, HOST, PORT + i, false);
		TAKE(i ? MINUTES(1) : MINUTES(55));
	}
	for (j = 0; j < s->n; j++)
		if (s->list[j].action == RAISE && !s->list[j].folded && s->list[j].severity >= TICKET && n < 64)
			t[n++] = s->list[j].time_ns;
	for (i = 0; i + 6 < n; i++)
		EXPECT_LE(3600 * SECOND_NS, t[i + 6] - t[i])
			TH_LOG("seven within %.0f s", (t[i + 6] - t[i]) / 1e9);
}

/* Who runs out of ports is named */
TEST_F_TIMEOUT(edge, ports_holder, 6000)
{
	const struct nl_alert *n;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30099"));
	LISTEN(200);
	OPEN(0, 60);
	n = notices_await(self->s, MINUTES(2), KIND(PORT_EXHAUSTION), RAISE, TICKET);
	ASSERT_NE(NULL, n);
	EXPECT_TRUE(n->peer.has_holder);
	EXPECT_NE(0, n->peer.inode);
}

/* A clear at 0 % is when nothing is used */
TEST_F_TIMEOUT(edge, clear_zero, 6000)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30099"));
	THRESHOLD(PORT_EXHAUSTION_CLEAR_PERCENT, 0);
	LISTEN(200);
	OPEN(0, 60);
	TAKE(MINUTES(2));
	EXPECT_EQ(1, notices_count(self->s, KIND(PORT_EXHAUSTION), RAISE, TICKET));
	RESET(0, 60);
	TAKE(MINUTES(5));
	EXPECT_EQ(1, notices_count(self->s, KIND(PORT_EXHAUSTION), CLEAR, 0));
}

/* A pool whose far end closes each connection when it has been idle long enough, over four minutes */
TEST_F_TIMEOUT(edge, pool_staggered, 6000)
{
	int i;

	LISTEN(300);
	OPEN(0, 200);
	for (i = 0; i < 200; i++) {
		close(self->server[i]);
		TAKE(1200);
	}
	TAKE(MINUTES(20));
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, TICKET));
	EXPECT_EQ(0, notices_count(self->s, 0, UPDATE, TICKET));
}

/* Who it was is still said when it is gone */
TEST_F_TIMEOUT(edge, holder_after, 6000)
{
	const struct nl_alert *n;
	uint64_t inode;
	int i;

	LISTEN(100);
	for (i = 0; i < 95; i++)
		self->client[i] = nl_connect(NULL, 0, HOST, PORT, false);
	n = notices_await(self->s, MINUTES(1), KIND(ACCEPT_STALLED), RAISE, PAGE);
	ASSERT_NE(NULL, n);
	inode = n->peer.inode;
	EXPECT_NE(0, inode);
	close(self->listener);
	n = notices_await(self->s, MINUTES(2), KIND(ACCEPT_STALLED), CLEAR, 0);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(inode, n->peer.inode);
}

/* Two seconds, also where there are many */
TEST_F_TIMEOUT(edge, many_leaked, 6000)
{
	const struct nl_alert *n;
	uint64_t since;

	LISTEN(4000);
	OPEN(0, 3000);
	TAKE(7000);
	CLOSE(client, 0, 3000);
	since = real_ns();
	n = notices_await(self->s, MINUTES(7), KIND(CLOSE_WAIT_LEAK), UPDATE, TICKET);
	ASSERT_NE(NULL, n);
	EXPECT_GE(since + 302 * SECOND_NS, n->time_ns) TH_LOG("%.3f s", (n->time_ns - since) / 1e9);
}

/* A page finds a place where infos have taken all */
TEST_F_TIMEOUT(edge, page_behind_infos, 6000)
{
	int i, fd;

	THRESHOLD(CLOSE_WAIT_INFO_COUNT, 1);
	THRESHOLD(CLOSE_WAIT_INFO_AGE, 1);
	for (i = 0; i < 260; i++) {
		self->listener = nl_listen(HOST, PORT + 10 + i, 10);
		fd = nl_connect(NULL, 0, HOST, PORT + 10 + i, false);
		self->server[i] = accept(self->listener, NULL, NULL);
		close(fd);
	}
	TAKE(20000);
	LISTEN(100);
	for (i = 0; i < 95; i++)
		self->client[i] = nl_connect(NULL, 0, HOST, PORT, false);
	TAKE(MINUTES(2));
	EXPECT_LE(1, notices_count(self->s, 0, RAISE, PAGE));
}

/* Seventy a second with reuse, of 100 ports: each is free within a second */
TEST_F_TIMEOUT(edge, reuse_plateau, 6000)
{
	struct nl_peer peer;
	int i, k, fd, failed = 0;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_tw_reuse", "1"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30099"));
	LISTEN(200);
	for (i = 0; i < 600; i++) {
		for (k = 0; k < 7; k++) {
			fd = nl_connect(NULL, 0, HOST, PORT, false);
			if (fd < 0) {
				failed++;
				continue;
			}
			self->server[0] = accept(self->listener, NULL, NULL);
			close(fd);
			close(self->server[0]);
		}
		TAKE(100);
	}
	ASSERT_EQ(0, notices_peer(self->s, TCPSTATE_PEER_KIND_DESTINATION, PORT, &peer));
	printf("# failed %d, used %u, plateau %u of %u, reusable %d\n", failed, peer.ports_used, peer.plateau, peer.ports, peer.reusable);
	EXPECT_EQ(0, failed);
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, PAGE));
	EXPECT_GE(77, peer.plateau);
	EXPECT_LE(63, peer.plateau);
}

/* Reserved ports are not there for connect() */
TEST_F_TIMEOUT(edge, reserved, 6000)
{
	int i, fd = 0;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30999"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_reserved_ports", "30400-30999"));
	LISTEN(1000);
	for (i = 0; i < 500 && fd >= 0; i++) {
		fd = nl_connect(NULL, 0, HOST, PORT, false);
		if (fd >= 0)
			self->server[i] = accept(self->listener, NULL, NULL);
		if (i == 390) {
			TAKE(MINUTES(2));
			EXPECT_EQ(1, notices_count(self->s, 0, RAISE, TICKET));
		}
	}
	TAKE(5000);
}

/* Whoever binds one port and connects from it to many has one port. */
TEST_F_TIMEOUT(edge, one_port, 6000)
{
	struct sockaddr_storage addr;
	const struct nl_alert *n;
	struct nl_peer peer;
	int i, one = 1;
	char to[20];

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30099"));
	self->listener = nl_listen("0.0.0.0", PORT, 1000);
	ASSERT_LE(0, self->listener);
	for (i = 0; i < 600; i++) {
		self->client[i] = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_EQ(0, setsockopt(self->client[i], SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
		ASSERT_EQ(0, bind(self->client[i], (void *)&addr, nl_sockaddr(&addr, HOST, 30000)));
		snprintf(to, sizeof(to), "127.1.%d.%d", i / 200, i % 200 + 1);
		ASSERT_EQ(0, connect(self->client[i], (void *)&addr, nl_sockaddr(&addr, to, PORT)));
		self->server[i] = accept(self->listener, NULL, NULL);
	}
	TAKE(MINUTES(2));
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, 0));
	RESET(0, 300);
	/* With 49 others it has half of them. */
	for (i = 0; i < 49; i++) {
		self->client[i] = socket(AF_INET, SOCK_STREAM, 0);
		ASSERT_EQ(0, bind(self->client[i], (void *)&addr, nl_sockaddr(&addr, HOST, 30001 + i)));
		ASSERT_EQ(0, connect(self->client[i], (void *)&addr, nl_sockaddr(&addr, to, PORT)));
		self->server[i] = accept(self->listener, NULL, NULL);
	}
	n = notices_await(self->s, MINUTES(2), KIND(PORT_EXHAUSTION), RAISE, TICKET);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(TCPSTATE_PEER_KIND_LOCAL_ADDRESS, n->peer.kind);
	EXPECT_EQ(50, n->peer.ports_used);
	RESET(300, 600);
	TAKE(1000);
	ASSERT_EQ(0, notices_peer(self->s, TCPSTATE_PEER_KIND_LOCAL_ADDRESS, 0, &peer));
	EXPECT_EQ(49, peer.ports_used);
}

/* Twenty dropped a minute: a ticket after five minutes, and no page. */
TEST_F_TIMEOUT(edge, drops_ticket, 6000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i, fd;

	THRESHOLD(LISTEN_FULL_SECONDS, 86400);
	THRESHOLD(ACCEPT_STALLED_COUNT, 1000);
	LISTEN(3);
	for (i = 0; i < 4; i++)
		self->client[i] = nl_connect(NULL, 0, HOST, PORT, true);
	TAKE(3000);
	since = real_ns();
	for (i = 0; i < 125; i++) {
		fd = nl_connect(NULL, 0, HOST, PORT, true);
		TAKE(100);
		nl_reset(fd);
		TAKE(2900);
	}
	n = notices_await(self->s, 1000, KIND(LISTEN_FULL), RAISE, TICKET);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(TICKET, n->severity);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_DROPS, n->reason);
	/* The tenth is dropped after 27 s. */
	EXPECT_LE(since + 325 * SECOND_NS, n->time_ns);
	EXPECT_GE(since + 331 * SECOND_NS, n->time_ns);
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, PAGE));
	/* Nobody accepts is worse than that, so it is told. Then a queue that is full is no news, though it would be as bad. */
	THRESHOLD(ACCEPT_STALLED_COUNT, 1);
	ASSERT_NE(NULL, notices_await(self->s, 20000, KIND(ACCEPT_STALLED), RAISE, PAGE));
	THRESHOLD(LISTEN_FULL_SECONDS, 0);
	TAKE(MINUTES(1));
	EXPECT_EQ(0, notices_count(self->s, KIND(LISTEN_FULL), UPDATE, PAGE));
}

TEST_HARNESS_MAIN
