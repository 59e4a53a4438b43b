// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that misbehave, and others that only look like it: which alert is raised, when, with what proof, and that one
 * trouble is one raise and one clear. Each in a namespace of its own, over lo, in guest time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "notices.h"

#define PORT	7000
#define HOST	"127.0.0.1"
#define MOST	400

#define KIND(name)	TCPSTATE_ALERT_KIND_##name
#define MINUTES(n)	((n) * 60000u)
#define LOOK_NS		100000000ull	/* a look takes less, until what it has found is told */

FIXTURE(alerts) {
	struct notices *s;
	int listener;
	int client[MOST];
	int server[MOST];
	uint64_t closing[MOST];	/* when their far ends were closed: before, and after that */
	uint64_t closed[MOST];
};

FIXTURE_SETUP(alerts)
{
	struct rlimit files = { 8192, 8192 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, netns_enter());
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	/* Once is once, and not because the same is not told again for half an hour. */
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 0));
	self->listener = -1;
}

FIXTURE_TEARDOWN(alerts)
{
	free(self->s);
}

#define LISTEN(backlog) do { \
	self->listener = nl_listen(HOST, PORT, backlog); \
	ASSERT_LE(0, self->listener); \
} while (0)
#define CONNECT(i, nonblock) do { \
	self->client[i] = nl_connect(NULL, 0, HOST, PORT, nonblock); \
	ASSERT_LE(0, self->client[i]); \
} while (0)
/* @n connections, accepted */
#define OPEN(n) do { \
	int i_; \
	for (i_ = 0; i_ < (n); i_++) { \
		CONNECT(i_, false); \
		self->server[i_] = accept(self->listener, NULL, NULL); \
		ASSERT_LE(0, self->server[i_]); \
	} \
} while (0)
#define CLOSE(fds, n) do { \
	int i_; \
	for (i_ = 0; i_ < (n); i_++) \
		close(self->fds[i_]); \
} while (0)
/* The same, and when */
#define LEAVE(fds, n) do { \
	int i_; \
	for (i_ = 0; i_ < (n); i_++) { \
		self->closing[i_] = real_ns(); \
		close(self->fds[i_]); \
		self->closed[i_] = real_ns(); \
	} \
} while (0)
#define TAKE(ms)	ASSERT_EQ(0, notices_take(self->s, ms))
#define NONE(severity)	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, severity))
#define ONCE(kind, severity) do { \
	EXPECT_EQ(1, notices_count(self->s, kind, RAISE, severity)); \
	EXPECT_EQ(1, notices_count(self->s, kind, CLEAR, 0)); \
} while (0)

/* From @since on, or from @until at the latest, for @hold seconds, and then no more than two */
#define RAISED_BETWEEN(n, since, until, hold) do { \
	ASSERT_NE(NULL, n); \
	EXPECT_LE((since) + (hold) * SECOND_NS, (n)->time_ns); \
	EXPECT_GE((until) + ((hold) + 2) * SECOND_NS, (n)->time_ns) \
		TH_LOG("%.3f s after the hold time", ((n)->time_ns - (until)) / 1e9 - (hold)); \
} while (0)
#define RAISED(n, since, hold)	RAISED_BETWEEN(n, since, since, hold)
/*
 * What is told of connections that have been left alone for @hold seconds, as soon as there are @least: of all @most, but
 * where the module has looked in the midst of the few ms in which they were left.
 */
#define RAISED_OF(n, hold, least, most) do { \
	RAISED_BETWEEN(n, self->closing[(least) - 1], self->closed[(most) - 1], hold); \
	EXPECT_LE(old(self->closed, most, (n)->time_ns - LOOK_NS, hold), (n)->value); \
	EXPECT_GE(old(self->closing, most, (n)->time_ns, hold), (n)->value); \
} while (0)

static uint64_t inode_of(int fd)
{
	struct stat st;

	return fstat(fd, &st) ? 0 : st.st_ino;
}

static bool has(const int *fds, int n, uint64_t inode)
{
	int i;

	for (i = 0; i < n && inode_of(fds[i]) != inode; i++)
		;
	return i < n;
}

/* How many are @hold seconds old */
static unsigned int old(const uint64_t *when, int n, uint64_t now, unsigned int hold)
{
	unsigned int sum = 0;
	int i;

	for (i = 0; i < n; i++)
		sum += when[i] + hold * SECOND_NS <= now;
	return sum;
}

/*
 * @text: what the clients say before they leave
 * @read_it: the server reads that and the end, and forgets to close; else it is stuck somewhere
 */
static void leak(struct __test_metadata *_metadata, FIXTURE_DATA(alerts) *self, const char *text,
		 bool read_it)
{
	const ssize_t length = strlen(text);
	const struct nl_alert *n;
	uint64_t since;
	char buf[16];
	int i;

	LISTEN(200);
	OPEN(120);
	for (i = 0; length && i < 120; i++)
		EXPECT_EQ(length, send(self->client[i], text, length, 0));
	LEAVE(client, 120);
	for (i = 0; read_it && i < 120; i++) {
		EXPECT_EQ(length, recv(self->server[i], buf, sizeof(buf), 0));
		EXPECT_EQ(0, length ? recv(self->server[i], buf, sizeof(buf), 0) : 0);
	}
	n = notices_await(self->s, MINUTES(2), KIND(CLOSE_WAIT_LEAK), RAISE, INFO);
	RAISED_OF(n, 60, 10, 120);
	EXPECT_EQ(INFO, n->severity);
	n = notices_await(self->s, MINUTES(6), KIND(CLOSE_WAIT_LEAK), UPDATE, TICKET);
	RAISED_OF(n, 300, 100, 120);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_LEAK, n->reason);
	EXPECT_EQ(100, n->limit);
	EXPECT_EQ(TCPSTATE_PEER_KIND_LISTENER, n->peer.kind);
	EXPECT_EQ(PORT, n->peer.port[0]);
	EXPECT_EQ(read_it ? 0 : 120, n->peer.unread_eof);
	EXPECT_EQ(0, n->peer.not_accepted);
	EXPECT_TRUE(has(self->server, 120, n->peer.inode));
	since = real_ns();
	CLOSE(server, 120);
	n = notices_await(self->s, MINUTES(10), KIND(CLOSE_WAIT_LEAK), CLEAR, 0);
	RAISED(n, since, 300);
	TAKE(MINUTES(2));
	ONCE(KIND(CLOSE_WAIT_LEAK), INFO);
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
}

TEST_F_TIMEOUT(alerts, leak_unread, 6000)
{
	leak(_metadata, self, "", false);
}

TEST_F_TIMEOUT(alerts, leak_unread_text, 6000)
{
	leak(_metadata, self, "GET /\r\n", false);
}

TEST_F_TIMEOUT(alerts, leak_read, 6000)
{
	leak(_metadata, self, "GET /\r\n", true);
}

/* Few, and no more than few: what a developer wants to see, and nobody else. */
TEST_F_TIMEOUT(alerts, leak_of_a_few, 6000)
{
	LISTEN(200);
	OPEN(20);
	CLOSE(client, 20);
	TAKE(MINUTES(10));
	EXPECT_EQ(1, notices_count(self->s, KIND(CLOSE_WAIT_LEAK), RAISE, INFO));
	NONE(TICKET);
}

/* Nobody accepts: the queue fills, and its oldest gets old. */
TEST_F_TIMEOUT(alerts, backlog, 6000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i;

	LISTEN(100);
	since = real_ns();
	for (i = 0; i < 95; i++)
		CONNECT(i, false);
	n = notices_await(self->s, MINUTES(1), KIND(ACCEPT_STALLED), RAISE, PAGE);
	RAISED(n, since, 15);
	EXPECT_EQ(95, n->peer.queue);
	EXPECT_EQ(100, n->peer.backlog);
	EXPECT_EQ(inode_of(self->listener), n->peer.inode);
	/* Its queue has been full for as long: that is the same trouble, and told. */
	TAKE(MINUTES(1));
	EXPECT_EQ(1, self->s->n);
	since = real_ns();
	for (i = 0; i < 95; i++)
		self->server[i] = accept(self->listener, NULL, NULL);
	n = notices_await(self->s, MINUTES(1), KIND(ACCEPT_STALLED), CLEAR, 0);
	RAISED(n, since, 0);
	TAKE(MINUTES(2));
	ONCE(KIND(ACCEPT_STALLED), PAGE);
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
}

/* One that accepts, too slowly: its queue stays full, and nobody waits for five seconds. Then it stops, which is no news. */
TEST_F_TIMEOUT(alerts, full_queue, 6000)
{
	const struct nl_alert *n;
	uint64_t since;
	int i, last = 0;

	LISTEN(20);
	since = real_ns();
	for (i = 0; i < 20; i++)
		CONNECT(i, false);
	for (i = 0; i < 34 * 8; i++) {
		if (i % 2 == 0)
			TAKE(250);
		close(accept(self->listener, NULL, NULL));
		nl_reset(self->client[last]);
		CONNECT(last, false);
		last = (last + 1) % 20;
	}
	n = notices_await(self->s, 0, KIND(LISTEN_FULL), RAISE, PAGE);
	RAISED(n, since, 30);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_QUEUE, n->reason);
	EXPECT_EQ(18, n->limit);
	EXPECT_EQ(20, n->peer.backlog);
	TAKE(MINUTES(1));
	since = real_ns();
	for (i = 0; i < 20; i++)
		close(accept(self->listener, NULL, NULL));
	n = notices_await(self->s, MINUTES(2), KIND(LISTEN_FULL), CLEAR, 0);
	RAISED(n, since, 60);
	TAKE(MINUTES(2));
	ONCE(KIND(LISTEN_FULL), PAGE);
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, TICKET));
}

/* More than 150 dropped in a minute is a page at once. */
TEST_F_TIMEOUT(alerts, drops, 6000)
{
	const struct nl_alert *n;
	int i;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_syncookies", "0"));
	LISTEN(3);
	for (i = 0; i < 200; i++)
		CONNECT(i, true);
	n = notices_await(self->s, 20000, KIND(LISTEN_FULL), RAISE, PAGE);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_DROPS, n->reason);
	EXPECT_EQ(151, n->limit);
}

/* One end is closed, and the other sends for five minutes: no leak, whatever its state. */
TEST_F_TIMEOUT(alerts, half_closed_transfer, 6000)
{
	char text[1000] = { 0 }, sink[4096];
	int i, second;

	LISTEN(200);
	OPEN(150);
	for (i = 0; i < 150; i++)
		shutdown(self->client[i], SHUT_WR);
	for (second = 0; second < 330; second += 10) {
		for (i = 0; i < 150; i++) {
			EXPECT_EQ(sizeof(text), send(self->server[i], text, sizeof(text), 0));
			recv(self->client[i], sink, sizeof(sink), 0);
		}
		TAKE(10000);
	}
	NONE(INFO);
	CLOSE(client, 150);
	CLOSE(server, 150);
}

/* A pool whose far end went away at night: 200 sockets with an end that nobody has read. */
TEST_F_TIMEOUT(alerts, stale_pool, 6000)
{
	const struct nl_alert *n;

	LISTEN(300);
	OPEN(200);
	LEAVE(server, 200);
	close(self->listener);
	n = notices_await(self->s, MINUTES(2), KIND(STALE_POOL), RAISE, INFO);
	RAISED_OF(n, 60, 10, 200);
	EXPECT_EQ(TCPSTATE_PEER_KIND_DESTINATION, n->peer.kind);
	EXPECT_EQ(PORT, n->peer.port[1]);
	TAKE(MINUTES(12));
	NONE(TICKET);
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
	CLOSE(client, 200);
	n = notices_await(self->s, MINUTES(2), KIND(STALE_POOL), CLEAR, 0);
	ASSERT_NE(NULL, n);
}

/* A client that goes on to leak: it is no pool any more. */
TEST_F_TIMEOUT(alerts, leaking_client, 6000)
{
	const struct nl_alert *n;
	int i;

	LISTEN(300);
	for (i = 0; i < 300; i++) {
		CONNECT(i, false);
		self->server[i] = accept(self->listener, NULL, NULL);
		close(self->server[i]);
		TAKE(3000);
	}
	n = notices_await(self->s, MINUTES(1), KIND(CLOSE_WAIT_LEAK), RAISE, TICKET);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(TCPSTATE_PEER_KIND_DESTINATION, n->peer.kind);
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, PAGE));
	/* It is one or the other. */
	EXPECT_EQ(1, notices_count(self->s, KIND(STALE_POOL), CLEAR, 0));
}

/* No ticket and no page while everything starts; then at once, if it is still there. */
TEST_F_TIMEOUT(alerts, settles, 6000)
{
	uint64_t begun = real_ns();
	const struct nl_alert *n;
	int i;

	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 120));
	LISTEN(100);
	for (i = 0; i < 95; i++)
		CONNECT(i, false);
	TAKE(115000);
	NONE(INFO);
	n = notices_await(self->s, 10000, KIND(ACCEPT_STALLED), RAISE, PAGE);
	ASSERT_NE(NULL, n);
	EXPECT_GE(begun + 122 * SECOND_NS, n->time_ns);
	EXPECT_LE(85 * SECOND_NS, n->raised_ns - n->begun_ns);
}

/* The same again within repeat-seconds is no news. */
TEST_F_TIMEOUT(alerts, raised_again, 10000)
{
	const struct nl_alert *n;
	uint64_t cleared = 0;
	int i, round;

	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 300));
	LISTEN(100);
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 95; i++)
			CONNECT(i, false);
		TAKE(60000);
		if (!round) {
			for (i = 0; i < 95; i++)
				close(accept(self->listener, NULL, NULL));
			n = notices_await(self->s, MINUTES(3), KIND(ACCEPT_STALLED), CLEAR, 0);
			ASSERT_NE(NULL, n);
			cleared = n->time_ns;
		}
	}
	/* Nor by another name. */
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, TICKET));
	TAKE(MINUTES(5));
	EXPECT_EQ(2, notices_count(self->s, KIND(ACCEPT_STALLED), RAISE, PAGE));
	EXPECT_EQ(2, notices_count(self->s, 0, RAISE, TICKET));
	for (n = &self->s->list[self->s->n - 1]; n->kind != KIND(ACCEPT_STALLED) || n->action != RAISE; n--)
		;
	EXPECT_LE(cleared + 300 * SECOND_NS, n->time_ns);
}

TEST_HARNESS_MAIN
