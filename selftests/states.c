// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections between two sockets over lo, through every way of opening and closing; each test in a network
 * namespace of its own, three times: IPv4, IPv6, and IPv4 on AF_INET6 sockets.
 *
 *	client (lo) <----> listener, server (lo)
 *
 * After every step the counts of the nine states are compared with what is expected and with inet_diag.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "testlib.h"

#define PORT	7000
#define MANY	1000	/* or TCPSTATE_MANY, if that is less: a debug kernel is slow */

#define OPEN	"SYN_SENT=1 SYN_RECV=1 ESTABLISHED=2"

FIXTURE(tcp) {
	struct sockaddr_storage addr;
	socklen_t len;
	int listener;
	int client;
	int server;
};

FIXTURE_VARIANT(tcp) {
	const char *addr;
	int family;
};

FIXTURE_VARIANT_ADD(tcp, ipv4) { .addr = "127.0.0.1", .family = AF_INET };
FIXTURE_VARIANT_ADD(tcp, ipv6) { .addr = "::1", .family = AF_INET6 };
FIXTURE_VARIANT_ADD(tcp, mapped) { .addr = "::ffff:127.0.0.1", .family = AF_INET6 };

static void set_addr(struct sockaddr_storage *addr, socklen_t *len, int family, const char *text, int port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET) {
		in->sin_port = htons(port);
		inet_pton(AF_INET, text, &in->sin_addr);
		*len = sizeof(*in);
	} else {
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, text, &in6->sin6_addr);
		*len = sizeof(*in6);
	}
}

static int tcp_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

/* connect() to @to from @from (or from anywhere) without waiting */
static int start_connect(int family, const struct sockaddr_storage *from, const struct sockaddr_storage *to,
			 socklen_t len)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;

	if (from && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
		     bind(fd, (const struct sockaddr *)from, len)))
		return -1;
	if (connect(fd, (const struct sockaddr *)to, len) && errno != EINPROGRESS)
		return -1;
	return fd;
}

static int listen_on(int family, const struct sockaddr_storage *addr, socklen_t len, int backlog)
{
	int fd = tcp_socket(family), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)addr, len) || listen(fd, backlog))
		return -1;
	return fd;
}

static int linger_0(int fd)
{
	struct linger l = { .l_onoff = 1, .l_linger = 0 };

	return setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static int pump(int from, int to, size_t size)
{
	char buf[4096] = "";
	size_t sent = 0, got = 0;
	ssize_t n;

	while (got < size) {
		if (sent < size) {
			n = send(from, buf, size - sent < sizeof(buf) ? size - sent : sizeof(buf), MSG_NOSIGNAL);
			if (n <= 0)
				return -1;
			sent += n;
		}
		n = recv(to, buf, sizeof(buf), 0);
		if (n <= 0)
			return -1;
		got += n;
	}
	return 0;
}

FIXTURE_SETUP(tcp)
{
	self->listener = self->client = self->server = -1;
	ASSERT_EQ(0, netns_enter());
	set_addr(&self->addr, &self->len, variant->family, variant->addr, PORT);
	self->listener = listen_on(variant->family, &self->addr, self->len, 4096);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(tcp)
{
}

static int connect_pair(struct __test_metadata *_metadata, FIXTURE_DATA(tcp) *self, int family)
{
	self->client = tcp_socket(family);
	ASSERT_EQ(0, connect(self->client, (struct sockaddr *)&self->addr, self->len));
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->server);
	ASSERT_EQ(0, check_counts("ESTABLISHED=2"));
	ASSERT_EQ(0, check_entered(OPEN));
	return 0;
}

#define CONNECT()	connect_pair(_metadata, self, variant->family)

TEST_F(tcp, open)
{
	ASSERT_EQ(0, check_counts(""));
	CONNECT();
	ASSERT_EQ(0, pump(self->client, self->server, 100000));
	ASSERT_EQ(0, pump(self->server, self->client, 100000));
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	EXPECT_EQ(0, check_entered(OPEN));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, client_closes_first)
{
	CONNECT();
	close(self->client);
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1"));
	close(self->server);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 LAST_ACK=1 TIME_WAIT=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, server_closes_first)
{
	CONNECT();
	close(self->server);
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	close(self->client);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 LAST_ACK=1 TIME_WAIT=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* The FINs cross: lo delays every packet. */
TEST_F(tcp, both_close_at_once)
{
	CONNECT();
	ASSERT_EQ(0, system("tc qdisc add dev lo root netem delay 200ms"));
	close(self->client);
	close(self->server);
	EXPECT_EQ(0, check_counts("FIN_WAIT1=2"));
	EXPECT_EQ(0, check_counts("CLOSING=2"));
	EXPECT_EQ(0, check_counts("TIME_WAIT=2"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=2 CLOSING=2 TIME_WAIT=2"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* The SYNs cross. */
TEST_F(tcp, simultaneous_open)
{
	struct sockaddr_storage a, b;
	socklen_t len;

	set_addr(&a, &len, variant->family, variant->addr, PORT + 1);
	set_addr(&b, &len, variant->family, variant->addr, PORT + 2);
	ASSERT_EQ(0, system("tc qdisc add dev lo root netem delay 200ms"));
	self->client = start_connect(variant->family, &a, &b, len);
	self->server = start_connect(variant->family, &b, &a, len);
	ASSERT_LE(0, self->client);
	ASSERT_LE(0, self->server);
	EXPECT_EQ(0, check_counts("SYN_SENT=2"));
	EXPECT_EQ(0, check_counts("SYN_RECV=2"));
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	EXPECT_EQ(0, check_entered("SYN_SENT=2 SYN_RECV=2 ESTABLISHED=2"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, half_close)
{
	CONNECT();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	ASSERT_EQ(0, pump(self->server, self->client, 1000000));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	close(self->server);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 LAST_ACK=1 TIME_WAIT=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, shutdown_client_then_server)
{
	CONNECT();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	ASSERT_EQ(0, shutdown(self->server, SHUT_WR));
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	close(self->server);
	close(self->client);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 LAST_ACK=1 TIME_WAIT=1 CLOSE=1"));
}

TEST_F(tcp, shutdown_server_then_client)
{
	CONNECT();
	ASSERT_EQ(0, shutdown(self->server, SHUT_RDWR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	ASSERT_EQ(0, shutdown(self->client, SHUT_RDWR));
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 LAST_ACK=1 TIME_WAIT=1 CLOSE=1"));
}

/* SHUT_RD sends nothing. */
TEST_F(tcp, shutdown_read_only)
{
	CONNECT();
	ASSERT_EQ(0, shutdown(self->client, SHUT_RD));
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	EXPECT_EQ(0, check_entered(OPEN));
}

TEST_F(tcp, linger_0_resets)
{
	CONNECT();
	ASSERT_EQ(0, linger_0(self->client));
	close(self->client);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN " CLOSE=2"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, linger_0_resets_close_wait)
{
	CONNECT();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	ASSERT_EQ(0, linger_0(self->server));
	close(self->server);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 CLOSE=2"));
}

TEST_F(tcp, close_with_unread_data_resets)
{
	CONNECT();
	ASSERT_EQ(10, send(self->client, "0123456789", 10, 0));
	close(self->server);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN " CLOSE=2"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, close_wait_with_unread_data_resets)
{
	CONNECT();
	ASSERT_EQ(10, send(self->client, "0123456789", 10, 0));
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	close(self->server);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 CLOSE=2"));
}

/* connect(AF_UNSPEC) on a connection: a RST, and a socket without a tuple */
TEST_F(tcp, disconnect_resets)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	CONNECT();
	ASSERT_EQ(0, connect(self->client, &none, sizeof(none)));
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN " CLOSE=2"));
}

TEST_F(tcp, refused)
{
	struct sockaddr_storage nobody;
	socklen_t len;

	set_addr(&nobody, &len, variant->family, variant->addr, PORT + 1);
	self->client = tcp_socket(variant->family);
	ASSERT_EQ(-1, connect(self->client, (struct sockaddr *)&nobody, len));
	EXPECT_EQ(ECONNREFUSED, errno);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* A full accept queue answers no SYN. */
TEST_F(tcp, no_answer)
{
	struct sockaddr_storage full;
	socklen_t len;
	int fd;

	set_addr(&full, &len, variant->family, variant->addr, PORT + 1);
	ASSERT_LE(0, listen_on(variant->family, &full, len, 0));
	self->client = start_connect(variant->family, NULL, &full, len);
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	fd = start_connect(variant->family, NULL, &full, len);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, check_counts("ESTABLISHED=2 SYN_SENT=1"));
	close(fd);
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	EXPECT_EQ(0, check_entered("SYN_SENT=2 SYN_RECV=1 ESTABLISHED=2 CLOSE=1"));
}

/* Closing a listener resets what nobody has accepted. */
TEST_F(tcp, listener_closes_unaccepted)
{
	self->client = start_connect(variant->family, NULL, &self->addr, self->len);
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	close(self->listener);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN " CLOSE=2"));
}

/* A socket that connects to itself: one endpoint. */
TEST_F(tcp, self_connect)
{
	struct sockaddr_storage me;
	socklen_t len;

	set_addr(&me, &len, variant->family, variant->addr, PORT + 1);
	self->client = start_connect(variant->family, &me, &me, len);
	ASSERT_LE(0, self->client);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 SYN_RECV=1 ESTABLISHED=1"));
	close(self->client);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 SYN_RECV=1 ESTABLISHED=1 FIN_WAIT1=1 CLOSING=1 TIME_WAIT=1"));
}

/* The socket's scope changes under the record. */
TEST_F(tcp, bound_to_a_device_later)
{
	CONNECT();
	ASSERT_EQ(0, setsockopt(self->client, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	close(self->server);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN " FIN_WAIT1=1 FIN_WAIT2=1 CLOSE_WAIT=1 LAST_ACK=1 TIME_WAIT=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, fin_with_data)
{
	char buf[16];

	CONNECT();
	ASSERT_EQ(5, send(self->client, "hello", 5, MSG_MORE));
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	EXPECT_EQ(5, recv(self->server, buf, sizeof(buf), 0));
	close(self->server);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* The FIN waits behind a closed window: FIN_WAIT1 until the receiver reads. */
TEST_F(tcp, fin_behind_zero_window)
{
	char buf[65536] = "";

	CONNECT();
	ASSERT_EQ(0, fcntl(self->client, F_SETFL, O_NONBLOCK));
	while (send(self->client, buf, sizeof(buf), 0) > 0)
		;
	ASSERT_EQ(EAGAIN, errno);
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	sleep_ms(300);
	while (recv(self->server, buf, sizeof(buf), 0) > 0)
		;
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(tcp, many)
{
	const char *less = getenv("TCPSTATE_MANY");
	static int client[MANY], server[MANY];
	int n = MANY, i;

	if (less && atoi(less) > 0 && atoi(less) < MANY)
		n = atoi(less);
	ASSERT_EQ(0, nofile_max());
	for (i = 0; i < n; i++) {
		client[i] = tcp_socket(variant->family);
		ASSERT_EQ(0, connect(client[i], (struct sockaddr *)&self->addr, self->len));
		server[i] = accept(self->listener, NULL, NULL);
		ASSERT_LE(0, server[i]);
	}
	EXPECT_EQ(0, check_counts("ESTABLISHED=%d", 2 * n));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, shutdown(client[i], SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=%d CLOSE_WAIT=%d", n, n));
	for (i = 0; i < n; i++)
		close(server[i]);
	EXPECT_EQ(0, check_counts("TIME_WAIT=%d", n));
	EXPECT_EQ(0, check_entered("SYN_SENT=%d SYN_RECV=%d ESTABLISHED=%d FIN_WAIT1=%d FIN_WAIT2=%d "
				   "CLOSE_WAIT=%d LAST_ACK=%d TIME_WAIT=%d CLOSE=%d", n, n, 2 * n, n, n, n, n, n, n));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_HARNESS_MAIN
