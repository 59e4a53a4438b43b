// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is counted of a destination when nobody has looked at it for long, when it found no place at first, and when a
 * tuple changes sides. Each in a namespace of its own, over lo, in guest time.
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
#define OTHER	6000
#define HOST	"127.0.0.1"
#define FULL	4096	/* peers that a namespace may have */

#define KIND(name)	TCPSTATE_ALERT_KIND_##name
#define MINUTES(n)	((n) * 60000u)

FIXTURE(peers) {
	struct notices *s;
	int listener;
	int client;
	int server;
};

FIXTURE_SETUP(peers)
{
	ASSERT_EQ(0, netns_enter());
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 0));
	self->listener = nl_listen("0.0.0.0", PORT, 1000);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(peers)
{
	free(self->s);
}

#define TAKE(ms)	ASSERT_EQ(0, notices_take(self->s, ms))
#define OPEN(host, port) do { \
	self->client = nl_connect(NULL, 0, host, port, false); \
	ASSERT_LE(0, self->client); \
	self->server = accept(self->listener, NULL, NULL); \
	ASSERT_LE(0, self->server); \
} while (0)
#define PEER(kind, port, peer)	ASSERT_EQ(0, notices_peer(self->s, TCPSTATE_PEER_KIND_##kind, port, peer))

/* Connections that were refused long ago were refused long ago. One that stays open keeps the destination. */
TEST_F_TIMEOUT(peers, refused_long_ago, 3000)
{
	struct nl_peer peer;
	int i;

	OPEN(HOST, PORT);
	close(self->listener);
	for (i = 0; i < 50; i++)
		ASSERT_EQ(-1, nl_connect(NULL, 0, HOST, PORT, false));
	TAKE(2000);
	PEER(DESTINATION, PORT, &peer);
	EXPECT_EQ(50, peer.fails_per_minute);
	TAKE(MINUTES(10));
	ASSERT_EQ(-1, nl_connect(NULL, 0, HOST, PORT, false));
	TAKE(2000);
	PEER(DESTINATION, PORT, &peer);
	EXPECT_EQ(1, peer.fails_per_minute);
	EXPECT_GT(1000, peer.opens_milli);
	EXPECT_GT(10, peer.plateau);
}

/* The same of ports: nobody is woken by an hour-old failure. */
TEST_F_TIMEOUT(peers, no_port_long_ago, 9000)
{
	struct nl_peer peer;
	int second;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "20000 20000"));
	OPEN(HOST, PORT);
	ASSERT_EQ(-1, nl_connect(NULL, 0, HOST, PORT, false));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "20000 29999"));
	ASSERT_NE(NULL, notices_await(self->s, 3000, KIND(PORT_EXHAUSTION), RAISE, PAGE));
	ASSERT_NE(NULL, notices_await(self->s, MINUTES(5), KIND(PORT_EXHAUSTION), CLEAR, 0));
	TAKE(MINUTES(60));
	second = nl_connect(NULL, 0, HOST, PORT, false);
	ASSERT_LE(0, second);
	TAKE(5000);
	EXPECT_EQ(1, notices_count(self->s, KIND(PORT_EXHAUSTION), RAISE, 0));
	PEER(DESTINATION, PORT, &peer);
	EXPECT_EQ(1, peer.no_port);
	EXPECT_GT(1000, peer.opens_milli);
}

/* A destination that found no place while it was in its first state is counted when there is one, and only then. */
TEST_F_TIMEOUT(peers, no_place_at_first, 6000)
{
	struct nl_peer peer;
	int *fd = calloc(FULL, sizeof(*fd)), i, late;
	char host[32];

	ASSERT_EQ(0, nofile_max());
	ASSERT_NE(NULL, fd);
	/* with the listener that is all */
	for (i = 0; i < FULL - 1; i++) {
		snprintf(host, sizeof(host), "127.1.%d.%d", i / 200, i % 200 + 1);
		fd[i] = nl_connect(HOST, 0, host, PORT, false);
		ASSERT_LE(0, fd[i]);
		close(accept(self->listener, NULL, NULL));
	}
	late = nl_listen("127.0.0.1", OTHER, 10);	/* finds no place either */
	ASSERT_LE(0, late);
	self->client = nl_connect(HOST, 0, "127.0.0.1", OTHER, false);
	ASSERT_LE(0, self->client);
	self->server = accept(late, NULL, NULL);
	ASSERT_EQ(-ENOENT, notices_peer(self->s, TCPSTATE_PEER_KIND_DESTINATION, OTHER, &peer));
	for (i = 0; i < FULL - 1; i++)
		close(fd[i]);
	free(fd);
	TAKE(MINUTES(5));
	/* ESTABLISHED to FIN_WAIT1 ...: it finds its place now */
	close(self->client);
	TAKE(3000);
	PEER(DESTINATION, OTHER, &peer);
	EXPECT_EQ(1, peer.count[5] + peer.count[6]);
	/* and another one is one more */
	self->client = nl_connect(HOST, 0, "127.0.0.1", OTHER, false);
	ASSERT_LE(0, self->client);
	TAKE(3000);
	PEER(DESTINATION, OTHER, &peer);
	EXPECT_EQ(1, peer.count[1]);
}

/* What was accepted is gone, and the same two ends open a connection the other way round. */
TEST_F_TIMEOUT(peers, changes_sides, 300)
{
	struct nl_peer peer;
	int back;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_tw_reuse", "1"));
	self->client = nl_connect(HOST, OTHER, HOST, PORT, false);
	ASSERT_LE(0, self->client);
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->server);
	close(self->server);
	close(self->client);
	close(self->listener);
	TAKE(3000);
	back = nl_listen(HOST, OTHER, 10);
	ASSERT_LE(0, back);
	self->client = nl_connect(HOST, PORT, HOST, OTHER, false);
	ASSERT_LE(0, self->client);
	self->server = accept(back, NULL, NULL);
	ASSERT_LE(0, self->server);
	TAKE(2000);
	PEER(DESTINATION, OTHER, &peer);
	EXPECT_EQ(1, peer.count[1]);
	PEER(LISTENER, PORT, &peer);	/* remembered for a minute */
	EXPECT_EQ(0, peer.count[1]);
	PEER(LISTENER, OTHER, &peer);
	EXPECT_EQ(1, peer.count[1]);
}

TEST_HARNESS_MAIN
