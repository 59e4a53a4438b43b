// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets that are killed: by SOCK_DESTROY ("ss -K") in every state and kind, with their process, by a RST, and for
 * want of room. After each the module's endpoints are the kernel's, by tuple: within a second where an event tells,
 * within a sweep where nothing does (request sockets and minisocks). The far end is a program, which answers nothing
 * unasked.
 *
 *	socket --- tun0 === this test (peer.c)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "oracle.h"
#include "peer.h"

#define PORT		7000
#define ISN		1000
#define REQUEST		12	/* TCP_NEW_SYN_RECV */

FIXTURE(kill) {
	struct oracle o;
	struct peer peer;
	int listener;
	int fd;
};

FIXTURE_VARIANT(kill) {
	int family;
};

FIXTURE_VARIANT_ADD(kill, ipv4) { .family = AF_INET };
FIXTURE_VARIANT_ADD(kill, ipv6) { .family = AF_INET6 };

FIXTURE_SETUP(kill)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int one = 1;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, peer_open(&self->peer, variant->family));
	ASSERT_EQ(0, oracle_open(&self->o));
	len = peer_local(&self->peer, &addr, PORT);
	self->listener = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, setsockopt(self->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(self->listener, 100));
}

FIXTURE_TEARDOWN(kill)
{
	EXPECT_EQ(0, oracle_undiverged(&self->o));
}

/* Our side of the connection is the peer; the kernel's is accepted. */
#define OPEN() do { \
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN)); \
	ASSERT_EQ(0, peer_complete(&self->peer)); \
	self->fd = accept(self->listener, NULL, NULL); \
	ASSERT_LE(0, self->fd); \
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1"); \
} while (0)

/* The peer's FIN, with an ACK of all that it has had. */
#define PEER_CLOSES() do { \
	ASSERT_EQ(0, peer_send(&self->peer, PEER_FIN | PEER_ACK, self->peer.seq, self->peer.ack, 0)); \
	self->peer.seq++; \
} while (0)

#define PEER_ACKS()	ASSERT_EQ(0, peer_send(&self->peer, PEER_ACK, self->peer.seq, self->peer.ack, 0))
#define KERNEL_FIN()	ASSERT_EQ(0, peer_expect(&self->peer, PEER_FIN, NULL))

/* Some kernels destroy no orphans and no minisocks: then all is as before. */
#define DESTROY_WITHIN(state, before, after, bound) do { \
	int err = oracle_destroy(&self->o, state); \
	printf("# destroyed in state %d: %s\n", state, strerror(-err)); \
	EXPECT_TRUE(!err || err == -EOPNOTSUPP); \
	EQUAL_BY(&self->o, err ? before : after, bound); \
} while (0)

#define DESTROY(state, before, after)		DESTROY_WITHIN(state, before, after, ORACLE_EVENT_MS)
#define DESTROY_SILENTLY(state, before, after)	DESTROY_WITHIN(state, before, after, ORACLE_SWEEP_MS)

TEST_F(kill, listener)
{
	DESTROY(TCP_LISTEN, "LISTEN=1", "");
	close(self->listener);
	EQUAL(&self->o, "");
}

TEST_F(kill, listener_with_children)
{
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN));
	ASSERT_EQ(0, peer_complete(&self->peer));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1");
	DESTROY(TCP_LISTEN, "LISTEN=1 ESTABLISHED=1", "");
}

TEST_F(kill, syn_sent)
{
	self->fd = peer_connect(&self->peer);
	ASSERT_LE(0, self->fd);
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1");
	DESTROY(TCP_SYN_SENT, "LISTEN=1 SYN_SENT=1", "LISTEN=1");
	close(self->fd);
	EQUAL(&self->o, "LISTEN=1");
}

/* Nobody tells when a request socket goes. */
TEST_F(kill, request)
{
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN));
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	DESTROY_SILENTLY(REQUEST, "LISTEN=1 SYN_RECV=1", "LISTEN=1");
}

/* A child that SYN with data has made before the handshake is over */
TEST_F(kill, fastopen_child)
{
	int queue = 5;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_fastopen", "1539"));	/* 0x603: without cookies */
	ASSERT_EQ(0, setsockopt(self->listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)));
	self->peer.lport = PORT;
	ASSERT_EQ(0, peer_send(&self->peer, PEER_SYN, ISN, 0, 10));
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	self->fd = accept(self->listener, NULL, NULL);	/* it can be had already */
	ASSERT_LE(0, self->fd);
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	DESTROY(TCP_SYN_RECV, "LISTEN=1 SYN_RECV=1", "LISTEN=1");
}

TEST_F(kill, fastopen_child_in_the_queue)
{
	int queue = 5;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_fastopen", "1539"));
	ASSERT_EQ(0, setsockopt(self->listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)));
	self->peer.lport = PORT;
	ASSERT_EQ(0, peer_send(&self->peer, PEER_SYN, ISN, 0, 10));
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	close(self->listener);
	EQUAL_NOW(&self->o, "listener gone");
	EQUAL_WITHIN(&self->o, "", 10000);
}

TEST_F(kill, established)
{
	OPEN();
	DESTROY(TCP_ESTABLISHED, "LISTEN=1 ESTABLISHED=1", "LISTEN=1");
	close(self->fd);
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(kill, established_not_accepted)
{
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN));
	ASSERT_EQ(0, peer_complete(&self->peer));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1");
	DESTROY(TCP_ESTABLISHED, "LISTEN=1 ESTABLISHED=1", "LISTEN=1");
}

/* shutdown(): the socket has an owner. close(): it has none, an orphan. */
TEST_F(kill, fin_wait1)
{
	OPEN();
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	KERNEL_FIN();
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1");
	DESTROY(TCP_FIN_WAIT1, "LISTEN=1 FIN_WAIT1=1", "LISTEN=1");
}

TEST_F(kill, fin_wait1_orphan)
{
	OPEN();
	close(self->fd);
	KERNEL_FIN();
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1");
	DESTROY(TCP_FIN_WAIT1, "LISTEN=1 FIN_WAIT1=1", "LISTEN=1");
}

TEST_F(kill, fin_wait2)
{
	OPEN();
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	KERNEL_FIN();
	PEER_ACKS();
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1");
	DESTROY(TCP_FIN_WAIT2, "LISTEN=1 FIN_WAIT2=1", "LISTEN=1");
}

TEST_F(kill, fin_wait2_minisock)
{
	OPEN();
	close(self->fd);
	KERNEL_FIN();
	PEER_ACKS();
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1");
	DESTROY_SILENTLY(TCP_FIN_WAIT2, "LISTEN=1 FIN_WAIT2=1", "LISTEN=1");
}

/* An orphan that is to live longer than a minisock may: a full socket in FIN_WAIT2 for 60 s, then a minisock */
TEST_F_TIMEOUT(kill, fin_wait2_long_orphan, 200)
{
	int seconds = 119, one = 0;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_fin_timeout", "120"));
	OPEN();
	ASSERT_EQ(0, setsockopt(self->fd, IPPROTO_TCP, TCP_LINGER2, &seconds, sizeof(seconds)));
	close(self->fd);
	KERNEL_FIN();
	PEER_ACKS();
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1");
	while (one++ < 4) {
		sleep_ms(20000);
		EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1");
	}
	EQUAL_WITHIN(&self->o, "LISTEN=1", 60000);
}

TEST_F(kill, close_wait)
{
	OPEN();
	PEER_CLOSES();
	EQUAL(&self->o, "LISTEN=1 CLOSE_WAIT=1");
	DESTROY(TCP_CLOSE_WAIT, "LISTEN=1 CLOSE_WAIT=1", "LISTEN=1");
}

TEST_F(kill, last_ack)
{
	OPEN();
	PEER_CLOSES();
	EQUAL(&self->o, "LISTEN=1 CLOSE_WAIT=1");
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 LAST_ACK=1");
	DESTROY(TCP_LAST_ACK, "LISTEN=1 LAST_ACK=1", "LISTEN=1");
}

TEST_F(kill, last_ack_orphan)
{
	OPEN();
	PEER_CLOSES();
	EQUAL(&self->o, "LISTEN=1 CLOSE_WAIT=1");
	close(self->fd);
	EQUAL(&self->o, "LISTEN=1 LAST_ACK=1");
	DESTROY(TCP_LAST_ACK, "LISTEN=1 LAST_ACK=1", "LISTEN=1");
}

/* Each FIN is under way to the other. */
#define CLOSING(how) do { \
	uint32_t ack; \
	OPEN(); \
	ack = self->peer.ack; \
	how; \
	KERNEL_FIN(); \
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1"); \
	ASSERT_EQ(0, peer_send(&self->peer, PEER_FIN | PEER_ACK, self->peer.seq++, ack, 0)); \
	EQUAL(&self->o, "LISTEN=1 CLOSING=1"); \
} while (0)

TEST_F(kill, closing)
{
	CLOSING(ASSERT_EQ(0, shutdown(self->fd, SHUT_WR)));
	DESTROY(TCP_CLOSING, "LISTEN=1 CLOSING=1", "LISTEN=1");
}

TEST_F(kill, closing_orphan)
{
	CLOSING(close(self->fd));
	DESTROY(TCP_CLOSING, "LISTEN=1 CLOSING=1", "LISTEN=1");
}

#define TIME_WAIT() do { \
	OPEN(); \
	close(self->fd); \
	KERNEL_FIN(); \
	PEER_CLOSES(); \
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1"); \
} while (0)

TEST_F(kill, time_wait)
{
	TIME_WAIT();
	DESTROY_SILENTLY(TCP_TIME_WAIT, "LISTEN=1 TIME_WAIT=1", "LISTEN=1");
}

/* RFC 1337: an exact RST ends it, one beside it does not; then with tcp_rfc1337 neither */
TEST_F(kill, time_wait_gets_a_reset)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_rfc1337", "0"));
	TIME_WAIT();
	ASSERT_EQ(0, peer_send(&self->peer, PEER_RST, self->peer.seq + 1, 0, 0));
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
	ASSERT_EQ(0, peer_send(&self->peer, PEER_RST, self->peer.seq, 0, 0));
	EQUAL_SILENT(&self->o, "LISTEN=1");
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_rfc1337", "1"));
	TIME_WAIT();
	ASSERT_EQ(0, peer_send(&self->peer, PEER_RST, self->peer.seq, 0, 0));
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

TEST_F(kill, request_gets_a_reset)
{
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN));
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	ASSERT_EQ(0, peer_send(&self->peer, PEER_RST, self->peer.seq, self->peer.ack, 0));
	EQUAL(&self->o, "LISTEN=1");
}

/* The request's own time is over: after one SYN-ACK, 3 s. */
TEST_F(kill, request_expires)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_synack_retries", "1"));
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN));
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	EQUAL_WITHIN(&self->o, "LISTEN=1", 10000);
}

/* Many states in one process, which is killed: what is left is the kernel's. */
static void holder(const char *lo, int family, int ready)
{
	int fd, i, peer, listener = nl_listen(lo, PORT + 1, 100);
	struct sockaddr_storage addr;
	socklen_t len;

	for (i = 0; i < 5; i++)
		nl_listen(lo, PORT + 10 + i, 5);
	for (i = 0; i < 5; i++) {	/* nobody answers: the test reads no SYN */
		fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		len = nl_sockaddr(&addr, family == AF_INET ? "10.99.0.2" : "fd99::2", 90 + i);
		connect(fd, (struct sockaddr *)&addr, len);
	}
	for (i = 0; i < 44; i++) {
		fd = nl_connect(NULL, 0, lo, PORT + 1, false);
		peer = i % 4 == 3 ? -1 : accept(listener, NULL, NULL);	/* some are not accepted */
		if (i % 4 == 1)
			shutdown(fd, SHUT_WR);
		if (i % 8 == 2)
			send(fd, "abc", 3, 0);	/* not read: a RST at close() */
		if (i % 8 == 6)
			shutdown(peer, SHUT_WR);
	}
	if (write(ready, "r", 1) == 1)
		pause();
	_exit(1);
}

TEST_F_TIMEOUT(kill, holder_killed, 200)
{
	int ready[2], status;
	pid_t pid;
	char c;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid)
		holder(variant->family == AF_INET ? "127.0.0.1" : "::1", variant->family, ready[1]);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	EQUAL(&self->o, "LISTEN=7 SYN_SENT=5 ESTABLISHED=62 FIN_WAIT2=10 TIME_WAIT=3 CLOSE_WAIT=10");
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EQUAL_NOW(&self->o, "killed");
	sleep_ms(2000);
	EQUAL_NOW(&self->o, "killed, 2 s later");
	EQUAL_WITHIN(&self->o, "LISTEN=1", 70000);
}

/* More TIME-WAIT sockets than may be: the others end at once. */
TEST_F(kill, too_many_time_waits)
{
	const char *lo = variant->family == AF_INET ? "127.0.0.1" : "::1";
	int fd[100], peer[100], i, listener = nl_listen(lo, PORT + 1, 200);

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "10"));
	for (i = 0; i < 100; i++) {
		fd[i] = nl_connect(NULL, 0, lo, PORT + 1, false);
		peer[i] = accept(listener, NULL, NULL);
	}
	EQUAL(&self->o, "LISTEN=2 ESTABLISHED=200");
	for (i = 0; i < 50; i++) {
		close(fd[i]);
		close(peer[i]);
	}
	EQUAL_NOW(&self->o, "both closed");
	for (i = 50; i < 100; i++)
		close(fd[i]);	/* there is no room for FIN_WAIT2 minisocks either */
	EQUAL_NOW(&self->o, "half closed");
	for (i = 50; i < 100; i++)
		close(peer[i]);
	EQUAL_NOW(&self->o, "closed");
}

/* The limit of orphans is one for the machine, and is only to be seen in the initial namespace. */
TEST_F(kill, too_many_orphans)
{
	const char *lo = variant->family == AF_INET ? "127.0.0.1" : "::1";
	int fd[40], i, listener = nl_listen(lo, PORT + 1, 200);
	char limit[20] = "";
	FILE *f;

	for (i = 0; i < 40; i++) {
		fd[i] = nl_connect(NULL, 0, lo, PORT + 1, false);
		ASSERT_LE(0, accept(listener, NULL, NULL));
	}
	EQUAL(&self->o, "LISTEN=2 ESTABLISHED=80");
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem loss 100%%"));
	for (i = 0; i < 20; i++)
		close(fd[i]);
	EQUAL(&self->o, "LISTEN=2 FIN_WAIT1=20 ESTABLISHED=60");
	sleep_ms(300);	/* until the kernel has summed them up */
	f = popen("nsenter -t 1 -n cat /proc/sys/net/ipv4/tcp_max_orphans", "r");
	ASSERT_NE(NULL, f);
	ASSERT_EQ(1, fscanf(f, "%19s", limit));
	pclose(f);
	ASSERT_EQ(0, run("nsenter -t 1 -n sh -c 'echo 5 >/proc/sys/net/ipv4/tcp_max_orphans'"));
	for (i = 20; i < 40; i++)
		close(fd[i]);
	EQUAL_NOW(&self->o, "closed over the limit");
	sleep_ms(3000);	/* their timers see it, too */
	EQUAL_NOW(&self->o, "3 s later");
	ASSERT_EQ(0, run("nsenter -t 1 -n sh -c 'echo %s >/proc/sys/net/ipv4/tcp_max_orphans'", limit));
}

TEST_HARNESS_MAIN
