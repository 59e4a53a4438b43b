// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections that open in ways of their own: fast open, SYN cookies, a full accept queue, TCP_DEFER_ACCEPT, TCP_REPAIR
 * (out of and into ESTABLISHED without a segment), MPTCP. After each step the module's endpoints are the kernel's, by
 * tuple, within a second. Over lo, in a network namespace each.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "oracle.h"

#define PORT	7000
#define MPTCP	262	/* IPPROTO_MPTCP */

FIXTURE(open) {
	struct oracle o;
	int listener;
	int client;
	int server;
};

FIXTURE_VARIANT(open) {
	const char *addr;
	int family;
};

FIXTURE_VARIANT_ADD(open, ipv4) { .addr = "127.0.0.1", .family = AF_INET };
FIXTURE_VARIANT_ADD(open, ipv6) { .addr = "::1", .family = AF_INET6 };

FIXTURE_SETUP(open)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, oracle_open(&self->o));
}

FIXTURE_TEARDOWN(open)
{
	EXPECT_EQ(0, oracle_undiverged(&self->o));
}

#define LISTEN(backlog) do { \
	self->listener = nl_listen(variant->addr, PORT, backlog); \
	ASSERT_LE(0, self->listener); \
} while (0)
#define SYSCTL(name, value)	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/" name, value))
#define SLOW(ms)		ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay " #ms "ms"))
#define FAST()			ASSERT_EQ(0, run("tc qdisc del dev lo root"))

static int set(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

static int connect_to(int fd, const char *addr, int port)
{
	struct sockaddr_storage to;
	socklen_t len = nl_sockaddr(&to, addr, port);

	return connect(fd, (struct sockaddr *)&to, len);
}

static int send_open(int fd, const char *addr, int port)
{
	struct sockaddr_storage to;
	socklen_t len = nl_sockaddr(&to, addr, port);

	return sendto(fd, "hello", 5, MSG_FASTOPEN, (struct sockaddr *)&to, len);
}

/* The first connection fetches a cookie. */
#define FASTOPEN() do { \
	SYSCTL("tcp_fastopen", "3"); \
	LISTEN(100); \
	ASSERT_EQ(0, set(self->listener, TCP_FASTOPEN, 5)); \
	self->client = socket(variant->family, SOCK_STREAM, 0); \
	ASSERT_EQ(5, send_open(self->client, variant->addr, PORT)); \
	self->server = accept(self->listener, NULL, NULL); \
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2"); \
	nl_reset(self->client); \
	close(self->server); \
	EQUAL(&self->o, "LISTEN=1"); \
} while (0)

TEST_F(open, fastopen)
{
	FASTOPEN();
	SLOW(300);
	self->client = socket(variant->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_EQ(5, send_open(self->client, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1");
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1 SYN_RECV=1");	/* the child is a full socket */
	self->server = accept(self->listener, NULL, NULL);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1 ESTABLISHED=1");
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1 CLOSE_WAIT=1");
}

/* The server closes what it has before the handshake is over. */
TEST_F(open, fastopen_closed_in_syn_recv)
{
	char buf[5];

	FASTOPEN();
	SLOW(300);
	self->client = socket(variant->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	EXPECT_EQ(5, send_open(self->client, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1 SYN_RECV=1");
	self->server = accept(self->listener, NULL, NULL);
	EXPECT_EQ(5, recv(self->server, buf, 5, 0));
	close(self->server);
	EQUAL_NOW(&self->o, "closed in SYN_RECV");
	EQUAL(&self->o, "LISTEN=1 CLOSE_WAIT=1 FIN_WAIT2=1");
}

/* connect() returns at once and sends nothing; the first text goes with the SYN. */
TEST_F(open, fastopen_deferred)
{
	FASTOPEN();
	self->client = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, set(self->client, TCP_FASTOPEN_CONNECT, 1));
	ASSERT_EQ(0, connect_to(self->client, variant->addr, PORT));
	EQUAL_NOW(&self->o, "deferred");
	sleep_ms(1500);
	EQUAL_NOW(&self->o, "deferred, later");
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

TEST_F(open, fastopen_deferred_then_closed)
{
	FASTOPEN();
	self->client = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, set(self->client, TCP_FASTOPEN_CONNECT, 1));
	ASSERT_EQ(0, connect_to(self->client, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1");
}

/* No request socket is there: nothing is, until the cookie comes back. */
TEST_F(open, cookies)
{
	int i;

	SYSCTL("tcp_syncookies", "2");
	LISTEN(100);
	for (i = 0; i < 20; i++)
		ASSERT_LE(0, nl_connect(NULL, 0, variant->addr, PORT, false));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=40");
	SLOW(300);
	self->client = nl_connect(NULL, 0, variant->addr, PORT, true);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=40 SYN_SENT=1");
	sleep_ms(350);	/* the SYN-ACK is under way */
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=40 SYN_SENT=1");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=41");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=42");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=41 FIN_WAIT1=1");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=40 FIN_WAIT2=1 CLOSE_WAIT=1");
}

/* Three wait to be accepted, of four at once two find no room: half-open here, open for their clients. */
#define OVERFLOW() do { \
	int i; \
	SYSCTL("tcp_syncookies", "0"); \
	LISTEN(4); \
	for (i = 0; i < 3; i++) \
		ASSERT_LE(0, nl_connect(NULL, 0, variant->addr, PORT, false)); \
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=6"); \
	SLOW(300); \
	for (i = 0; i < 4; i++) \
		ASSERT_LE(0, nl_connect(NULL, 0, variant->addr, PORT, true)); \
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=6 SYN_SENT=4 SYN_RECV=4"); \
} while (0)

TEST_F_TIMEOUT(open, accept_queue_full, 100)
{
	int i;

	OVERFLOW();
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=12 SYN_RECV=2");
	for (i = 0; i < 5; i++)
		ASSERT_LE(0, accept(self->listener, NULL, NULL));
	/* the SYN-ACK comes again, and with its answer there is room */
	EQUAL_WITHIN(&self->o, "LISTEN=1 ESTABLISHED=14", 10000);
}

/* Nobody ever accepts: the requests end, their clients do not know. */
TEST_F_TIMEOUT(open, accept_queue_stays_full, 100)
{
	SYSCTL("tcp_synack_retries", "2");
	OVERFLOW();
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=12 SYN_RECV=2");
	EQUAL_WITHIN(&self->o, "LISTEN=1 ESTABLISHED=12", 30000);
}

TEST_F(open, accept_queue_full_aborts)
{
	SYSCTL("tcp_abort_on_overflow", "1");
	OVERFLOW();
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=10");
}

TEST_F(open, defer_accept)
{
	LISTEN(10);
	ASSERT_EQ(0, set(self->listener, TCP_DEFER_ACCEPT, 10));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

/* Without text: when the time is over, it is open, or gone. */
TEST_F_TIMEOUT(open, defer_accept_in_vain, 100)
{
	int i;

	LISTEN(10);
	ASSERT_EQ(0, set(self->listener, TCP_DEFER_ACCEPT, 2));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	for (i = 0; i < 20; i++) {
		sleep_ms(500);
		EQUAL_NOW(&self->o, "deferred");
	}
}

TEST_F_TIMEOUT(open, defer_accept_client_closes, 100)
{
	int i;

	LISTEN(10);
	ASSERT_EQ(0, set(self->listener, TCP_DEFER_ACCEPT, 10));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	nl_reset(self->client);
	EQUAL(&self->o, "LISTEN=1");
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	close(self->client);
	for (i = 0; i < 8; i++) {
		EQUAL_NOW(&self->o, "closed");
		sleep_ms(500);
	}
}

/*
 * A TIME_WAIT bound to an interface does not keep an unbound socket from the same tuple: two endpoints, told apart by that
 * interface for as long as both are there.
 */
static int from_port(struct __test_metadata *_metadata, const char *addr, int port, const char *device)
{
	struct sockaddr_storage from;
	socklen_t len = nl_sockaddr(&from, addr, port);
	int fd = socket(from.ss_family, SOCK_STREAM, 0), on = 1;

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)));
	if (device)
		ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device) + 1));
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&from, len));
	ASSERT_EQ(0, connect_to(fd, addr, PORT));
	return fd;
}

TEST_F_TIMEOUT(open, beside_bound_time_wait, 300)
{
	LISTEN(10);
	self->client = from_port(_metadata, variant->addr, 5555, "lo");
	self->server = accept(self->listener, NULL, NULL);
	close(self->client);
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
	self->client = from_port(_metadata, variant->addr, 5555, NULL);
	self->server = accept(self->listener, NULL, NULL);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1 ESTABLISHED=2");
	sleep_ms(40000);	/* sweeps see both */
	EQUAL_NOW(&self->o, "both");
	EQUAL_WITHIN(&self->o, "LISTEN=1 ESTABLISHED=2", 30000);
	sleep_ms(40000);
	EQUAL_NOW(&self->o, "one");
	close(self->client);
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

struct saved {
	struct sockaddr_storage addr, to;
	socklen_t len;
	uint32_t seq[2];	/* next received, next sent */
};

static int save(int fd, struct saved *s)
{
	static const int queue[2] = { TCP_RECV_QUEUE, TCP_SEND_QUEUE };
	socklen_t len = sizeof(s->addr);
	int i, err;

	s->len = sizeof(s->addr);
	err = getsockname(fd, (struct sockaddr *)&s->addr, &s->len) ||
	      getpeername(fd, (struct sockaddr *)&s->to, &len) || set(fd, TCP_REPAIR, 1);
	for (i = 0; i < 2 && !err; i++) {
		len = sizeof(s->seq[i]);
		err = set(fd, TCP_REPAIR_QUEUE, queue[i]) ||
		      getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, &s->seq[i], &len);
	}
	return err;
}

static int restore(const struct saved *s)
{
	static const int queue[2] = { TCP_RECV_QUEUE, TCP_SEND_QUEUE };
	int fd = socket(s->addr.ss_family, SOCK_STREAM, 0), one = 1, i;

	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) || set(fd, TCP_REPAIR, 1))
		return -1;
	for (i = 0; i < 2; i++)
		if (set(fd, TCP_REPAIR_QUEUE, queue[i]) || set(fd, TCP_QUEUE_SEQ, s->seq[i]))
			return -1;
	if (bind(fd, (struct sockaddr *)&s->addr, s->len) || connect(fd, (struct sockaddr *)&s->to, s->len))
		return -1;
	return fd;
}

/* Out: the socket goes, nobody hears of it. In: a socket is open, nobody has heard of it. */
TEST_F(open, repair)
{
	struct saved s;
	char c;

	SYSCTL("tcp_timestamps", "0");	/* or the new socket's begin anywhere, and may be older than the last ones */
	LISTEN(10);
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	self->server = accept(self->listener, NULL, NULL);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(0, save(self->client, &s));
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1");
	self->client = restore(&s);
	ASSERT_LE(0, self->client);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(0, set(self->client, TCP_REPAIR, 0));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	ASSERT_EQ(1, recv(self->server, &c, 1, 0));
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

/* Both ends, the server's, too, which then belongs to no listener */
TEST_F(open, repair_both_ends)
{
	struct saved s[2];

	LISTEN(10);
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_EQ(0, save(self->client, &s[0]));
	ASSERT_EQ(0, save(self->server, &s[1]));
	close(self->client);
	close(self->server);
	close(self->listener);
	EQUAL(&self->o, "");
	self->client = restore(&s[0]);
	self->server = restore(&s[1]);
	ASSERT_LE(0, self->client);
	ASSERT_LE(0, self->server);
	EQUAL(&self->o, "ESTABLISHED=2");
	close(self->client);	/* in repair mode still */
	EQUAL(&self->o, "ESTABLISHED=1");
	ASSERT_EQ(0, set(self->server, TCP_REPAIR, 0));
	close(self->server);
	EQUAL_NOW(&self->o, "a FIN for nobody");
	EQUAL(&self->o, "");
}

/* Its subflows are TCP sockets; the MPTCP sockets are none. */
TEST_F(open, mptcp)
{
	struct sockaddr_storage at;
	socklen_t len = nl_sockaddr(&at, variant->addr, PORT);
	char c;

	self->listener = socket(variant->family, SOCK_STREAM, MPTCP);
	ASSERT_LE(0, self->listener);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&at, len));
	ASSERT_EQ(0, listen(self->listener, 10));
	EQUAL(&self->o, "LISTEN=1");
	self->client = socket(variant->family, SOCK_STREAM, MPTCP);
	ASSERT_EQ(0, connect_to(self->client, variant->addr, PORT));
	self->server = accept(self->listener, NULL, NULL);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	ASSERT_EQ(1, recv(self->server, &c, 1, 0));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	close(self->client);
	EQUAL_NOW(&self->o, "client closed");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
	/* a client without MPTCP */
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1 ESTABLISHED=2");
	close(self->listener);
	EQUAL_NOW(&self->o, "listener closed");
	close(self->client);
	EQUAL_NOW(&self->o, "all closed");
}

/* A subflow more, from another address */
TEST_F(open, mptcp_join)
{
	const char *two = variant->family == AF_INET ? "127.0.0.2" : "fd99::2";
	struct sockaddr_storage at;
	socklen_t len = nl_sockaddr(&at, variant->family == AF_INET ? "0.0.0.0" : "::", PORT);
	char c;

	if (variant->family == AF_INET6)
		ASSERT_EQ(0, run("ip addr add fd99::1/64 dev lo nodad && ip addr add fd99::2/64 dev lo nodad"));
	ASSERT_EQ(0, run("ip mptcp limits set subflows 2 add_addr_accepted 2 &&"
			 "ip mptcp endpoint add %s dev lo subflow", two));
	self->listener = socket(variant->family, SOCK_STREAM, MPTCP);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&at, len));
	ASSERT_EQ(0, listen(self->listener, 10));
	self->client = socket(variant->family, SOCK_STREAM, MPTCP);
	ASSERT_EQ(0, connect_to(self->client, variant->family == AF_INET ? "127.0.0.1" : "fd99::1", PORT));
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_EQ(1, send(self->client, "x", 1, 0));
	ASSERT_EQ(1, recv(self->server, &c, 1, 0));
	ASSERT_EQ(1, send(self->server, "x", 1, 0));
	ASSERT_EQ(1, recv(self->client, &c, 1, 0));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=4");
	close(self->client);
	close(self->server);
	EQUAL_NOW(&self->o, "closed");
	sleep_ms(2000);
	EQUAL_NOW(&self->o, "closed, later");
}

TEST_HARNESS_MAIN
