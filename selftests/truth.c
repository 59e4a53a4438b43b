// SPDX-License-Identifier: GPL-2.0-only
/*
 * After everything that a socket can do to itself or have done over lo, the module's endpoints are the kernel's: as
 * sets of tuple, scope and state, listeners among them, within one second of it. Each test in a network namespace of
 * its own, over IPv4, IPv6, and IPv4 on AF_INET6 sockets.
 *
 *	client (lo) <----> listener, server (lo)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "oracle.h"

#define PORT	7000

FIXTURE(truth) {
	struct oracle o;
	bool silent;	/* something happens that no event tells */
	int listener;
	int client;
	int server;
};

FIXTURE_VARIANT(truth) {
	const char *addr;
	int family;
};

FIXTURE_VARIANT_ADD(truth, ipv4) { .addr = "127.0.0.1", .family = AF_INET };
FIXTURE_VARIANT_ADD(truth, ipv6) { .addr = "::1", .family = AF_INET6 };
FIXTURE_VARIANT_ADD(truth, mapped) { .addr = "::ffff:127.0.0.1", .family = AF_INET6 };

FIXTURE_SETUP(truth)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, oracle_open(&self->o));
	self->listener = nl_listen(variant->addr, PORT, 100);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(truth)
{
	EXPECT_TRUE(!oracle_undiverged(&self->o) || self->silent);
}

#define OPEN() do { \
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false); \
	ASSERT_LE(0, self->client); \
	self->server = accept(self->listener, NULL, NULL); \
	ASSERT_LE(0, self->server); \
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2"); \
} while (0)

static int disconnect(int fd)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };

	return connect(fd, &none, sizeof(none));
}

static int bind_to(int fd, const char *addr, int port)
{
	struct sockaddr_storage to;
	socklen_t len = nl_sockaddr(&to, addr, port);
	int one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) || bind(fd, (struct sockaddr *)&to, len);
}

static int connect_to(int fd, const char *addr, int port)
{
	struct sockaddr_storage to;
	socklen_t len = nl_sockaddr(&to, addr, port);

	return connect(fd, (struct sockaddr *)&to, len);
}

TEST_F(truth, listen)
{
	EQUAL(&self->o, "LISTEN=1");
	ASSERT_EQ(0, listen(self->listener, 5));	/* another backlog: the same listener */
	EQUAL(&self->o, "LISTEN=1");
	close(self->listener);
	EQUAL(&self->o, "");
}

/* listen() without bind() takes a port. */
TEST_F(truth, listen_autobind)
{
	int fd = socket(variant->family, SOCK_STREAM, 0);

	ASSERT_EQ(0, listen(fd, 5));
	EQUAL(&self->o, "LISTEN=2");
	close(fd);
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, listen_reuseport)
{
	int fd[3], one = 1, i;

	for (i = 0; i < 3; i++) {
		fd[i] = socket(variant->family, SOCK_STREAM, 0);
		ASSERT_EQ(0, setsockopt(fd[i], SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)));
		ASSERT_EQ(0, bind_to(fd[i], variant->addr, PORT + 1));
		ASSERT_EQ(0, listen(fd[i], 5));
		EQUAL(&self->o, i == 0 ? "LISTEN=2" : i == 1 ? "LISTEN=3" : "LISTEN=4");
	}
	close(fd[1]);
	EQUAL(&self->o, "LISTEN=3");
	ASSERT_EQ(0, shutdown(fd[0], SHUT_RD));	/* of a listener: it listens no more */
	EQUAL(&self->o, "LISTEN=2");
	close(fd[2]);
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, listener_disconnects_and_listens_again)
{
	ASSERT_EQ(0, disconnect(self->listener));
	EQUAL(&self->o, "");
	ASSERT_EQ(0, listen(self->listener, 5));	/* it has kept its port */
	EQUAL(&self->o, "LISTEN=1");
	OPEN();
}

/* Bound to a device before and after. The second is told by nobody. */
TEST_F_TIMEOUT(truth, listener_bound_to_a_device, 150)
{
	int fd = socket(variant->family, SOCK_STREAM, 0);

	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	ASSERT_EQ(0, bind_to(fd, variant->addr, PORT + 1));
	ASSERT_EQ(0, listen(fd, 5));
	EQUAL(&self->o, "LISTEN=2");
	self->client = nl_connect(NULL, 0, variant->addr, PORT + 1, false);
	EQUAL(&self->o, "LISTEN=2 ESTABLISHED=2");
	ASSERT_EQ(0, setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	self->silent = true;
	EQUAL_SILENT(&self->o, "LISTEN=2 ESTABLISHED=2");
	close(fd);
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, bound_to_a_device)
{
	self->client = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, setsockopt(self->client, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	ASSERT_EQ(0, connect_to(self->client, variant->addr, PORT));
	self->server = accept(self->listener, NULL, NULL);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	shutdown(self->client, SHUT_WR);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

/* The binding changes under the record, without an event. */
TEST_F_TIMEOUT(truth, bound_to_a_device_later, 150)
{
	OPEN();
	ASSERT_EQ(0, setsockopt(self->client, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	self->silent = true;
	EQUAL_SILENT(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(0, setsockopt(self->client, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
	shutdown(self->client, SHUT_WR);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	ASSERT_EQ(0, setsockopt(self->server, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3));
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

TEST_F_TIMEOUT(truth, client_closes_first, 150)
{
	OPEN();
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
	EQUAL_WITHIN(&self->o, "LISTEN=1", 65000);
}

TEST_F(truth, server_closes_first)
{
	OPEN();
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
	close(self->listener);
	EQUAL(&self->o, "TIME_WAIT=1");
}

TEST_F(truth, both_close)
{
	OPEN();
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 200ms"));
	close(self->client);
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=2");
	EQUAL(&self->o, "LISTEN=1 CLOSING=2");
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=2");
}

/* FIN_WAIT1, CLOSE_WAIT and LAST_ACK while the segments are under way */
TEST_F(truth, close_and_close_slowly)
{
	OPEN();
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 300ms"));
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1 ESTABLISHED=1");
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1 CLOSE_WAIT=1");
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 LAST_ACK=1");
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1 LAST_ACK=1");
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

TEST_F(truth, open_slowly)
{
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 300ms"));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, true);
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1");
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1 SYN_RECV=1");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

TEST_F(truth, open_together)
{
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 200ms"));
	self->client = nl_connect(variant->addr, PORT + 1, variant->addr, PORT + 2, true);
	self->server = nl_connect(variant->addr, PORT + 2, variant->addr, PORT + 1, true);
	ASSERT_LE(0, self->client);
	ASSERT_LE(0, self->server);
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=2");
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=2");
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

TEST_F(truth, shutdown_both_ways)
{
	OPEN();
	ASSERT_EQ(0, shutdown(self->client, SHUT_RD));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	ASSERT_EQ(0, shutdown(self->server, SHUT_RDWR));
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
	close(self->client);
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

/* A full socket in FIN_WAIT2, then its owner closes it: a minisock, which has a time */
TEST_F(truth, shutdown_then_close)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_fin_timeout", "3"));
	OPEN();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	EQUAL(&self->o, "LISTEN=1 CLOSE_WAIT=1");
	close(self->server);	/* nobody is there: a RST */
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, linger_0)
{
	OPEN();
	nl_reset(self->client);
	EQUAL(&self->o, "LISTEN=1");
	OPEN();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	nl_reset(self->server);
	EQUAL(&self->o, "LISTEN=1");
}

/* In a minisock, the RST finds FIN_WAIT2. */
TEST_F(truth, linger_0_to_a_minisock)
{
	OPEN();
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	nl_reset(self->server);
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, close_with_unread_data)
{
	OPEN();
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	close(self->server);
	EQUAL(&self->o, "LISTEN=1");
	OPEN();
	ASSERT_EQ(3, send(self->client, "abc", 3, 0));
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1");
}

/* Data for a FIN_WAIT2 minisock: a RST, both are gone. */
TEST_F(truth, data_for_who_has_closed)
{
	OPEN();
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	ASSERT_EQ(3, send(self->server, "abc", 3, 0));
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, self_connect)
{
	self->client = nl_connect(variant->addr, PORT + 1, variant->addr, PORT + 1, true);
	ASSERT_LE(0, self->client);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

TEST_F(truth, self_connect_half_closed)
{
	self->client = nl_connect(variant->addr, PORT + 1, variant->addr, PORT + 1, true);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1");
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

/* Children that nobody has accepted die with their listener; those half-open a little later. */
TEST_F(truth, listener_closes_with_children)
{
	int i;

	for (i = 0; i < 3; i++)
		ASSERT_LE(0, nl_connect(NULL, 0, variant->addr, PORT, false));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=6");
	close(self->listener);
	EQUAL(&self->o, "");
}

TEST_F(truth, listener_closes_with_requests)
{
	int i, n = 0;

	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 300ms"));
	for (i = 0; i < 3; i++)
		ASSERT_LE(0, nl_connect(NULL, 0, variant->addr, PORT, true));
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=3 SYN_RECV=3");
	close(self->listener);
	while (n++ < 12) {	/* the final ACKs, the RSTs, the requests' timers */
		EQUAL_NOW(&self->o, "requests");
		sleep_ms(250);
	}
	EQUAL(&self->o, "");
}

TEST_F(truth, refused)
{
	int fd = socket(variant->family, SOCK_STREAM, 0);

	ASSERT_EQ(-1, connect_to(fd, variant->addr, PORT + 1));
	ASSERT_EQ(ECONNREFUSED, errno);
	EQUAL(&self->o, "LISTEN=1");
	/* and the same socket again, with success */
	ASSERT_EQ(0, connect_to(fd, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

/* connect() fails between SYN_SENT and the SYN: no port is left, or the tuple is taken. */
TEST_F(truth, no_port_left)
{
	int fd;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "20000 20000"));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, false);
	ASSERT_LE(0, self->client);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	fd = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(-1, connect_to(fd, variant->addr, PORT));
	EXPECT_EQ(EADDRNOTAVAIL, errno);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	close(fd);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

TEST_F(truth, tuple_taken)
{
	int fd[2], i;

	for (i = 0; i < 2; i++) {
		fd[i] = socket(variant->family, SOCK_STREAM, 0);
		ASSERT_EQ(0, bind_to(fd[i], variant->addr, PORT + 1));
	}
	ASSERT_EQ(0, connect_to(fd[0], variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(-1, connect_to(fd[1], variant->addr, PORT));
	EXPECT_EQ(EADDRNOTAVAIL, errno);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	close(fd[1]);
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	close(fd[0]);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
}

TEST_F(truth, unreachable)
{
	int fd = socket(variant->family, SOCK_STREAM, 0);
	const char *nowhere = variant->family == AF_INET ? "192.0.2.1" :
			      variant->addr[2] == '1' ? "2001:db8::1" : "::ffff:192.0.2.1";

	ASSERT_EQ(0, run("ip route add unreachable 192.0.2.0/24 && ip -6 route add unreachable 2001:db8::/32"));
	ASSERT_EQ(-1, connect_to(fd, nowhere, PORT));
	EXPECT_EQ(EHOSTUNREACH, errno);
	EQUAL(&self->o, "LISTEN=1");
	ASSERT_EQ(0, connect_to(fd, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

/* Given up before the answer: the far end does not know yet. */
TEST_F(truth, syn_sent_closes)
{
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 300ms"));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, true);
	EQUAL(&self->o, "LISTEN=1 SYN_SENT=1");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1");
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	EQUAL(&self->o, "LISTEN=1");
}

TEST_F(truth, disconnect)
{
	OPEN();
	ASSERT_EQ(0, disconnect(self->client));
	EQUAL(&self->o, "LISTEN=1");
	/* the same socket once more */
	ASSERT_EQ(0, connect_to(self->client, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	ASSERT_EQ(0, disconnect(self->client));
	EQUAL(&self->o, "LISTEN=1");
	/* and as a listener, which had no port of its own */
	ASSERT_EQ(0, listen(self->client, 5));
	EQUAL(&self->o, "LISTEN=2");
	ASSERT_EQ(0, disconnect(self->client));
	EQUAL(&self->o, "LISTEN=1");
	ASSERT_EQ(0, connect_to(self->client, variant->addr, PORT));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
}

/* CLOSE_WAIT, FIN_WAIT2 and SYN_SENT are left by disconnect, too. */
TEST_F(truth, disconnect_half_closed)
{
	OPEN();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	ASSERT_EQ(0, disconnect(self->server));
	EQUAL(&self->o, "LISTEN=1");
	OPEN();
	ASSERT_EQ(0, shutdown(self->client, SHUT_WR));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	ASSERT_EQ(0, disconnect(self->client));	/* no RST: the server's does not know */
	EQUAL_NOW(&self->o, "disconnect in FIN_WAIT2");
	ASSERT_EQ(0, run("tc qdisc add dev lo root netem delay 100ms"));
	self->client = nl_connect(NULL, 0, variant->addr, PORT, true);
	disconnect(self->client);
	EQUAL_NOW(&self->o, "disconnect in SYN_SENT");
}

/* A tuple in TIME_WAIT here is used again: from the same side, then from the other. */
TEST_F(truth, time_wait_reused)
{
	int i;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_tw_reuse", "1"));
	for (i = 0; i < 2; i++) {
		self->client = nl_connect(variant->addr, PORT + 1, variant->addr, PORT, false);
		ASSERT_LE(0, self->client);
		self->server = accept(self->listener, NULL, NULL);
		EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
		close(self->client);
		EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
		close(self->server);
		EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
		sleep_ms(2100);	/* its time stamp has to be older than a second */
	}
}

TEST_F(truth, time_wait_gets_a_syn)
{
	int i;

	for (i = 0; i < 3; i++) {
		self->client = nl_connect(variant->addr, PORT + 1, variant->addr, PORT, false);
		ASSERT_LE(0, self->client);
		self->server = accept(self->listener, NULL, NULL);
		EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
		close(self->server);
		EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
		close(self->client);
		EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
		sleep_ms(2100);
	}
}

/* The FIN waits behind a closed window; then nobody reads for ever and the owner is gone. */
TEST_F(truth, fin_behind_zero_window)
{
	static char buf[65536];

	OPEN();
	ASSERT_EQ(0, fcntl(self->client, F_SETFL, O_NONBLOCK));
	while (send(self->client, buf, sizeof(buf), 0) > 0)
		;
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1 ESTABLISHED=1");
	while (recv(self->server, buf, sizeof(buf), 0) > 0)
		;
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
}

/* An AF_INET6 socket that talks IPv4 becomes an AF_INET one. */
TEST_F(truth, addrform)
{
	int inet = AF_INET;

	if (variant->addr[2] != 'f')	/* there is nothing to change */
		return;
	OPEN();
	ASSERT_EQ(0, setsockopt(self->client, IPPROTO_IPV6, IPV6_ADDRFORM, &inet, sizeof(inet)));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=2");
	close(self->client);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(self->server);
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

/* A namespace whose sockets are in a table of its own */
TEST_F(truth, own_table)
{
	static struct oracle own;
	int fd, peer, listener;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_child_ehash_entries", "1024"));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, oracle_open(&own));
	listener = nl_listen(variant->addr, PORT, 100);
	EQUAL(&own, "LISTEN=1");
	fd = nl_connect(NULL, 0, variant->addr, PORT, false);
	peer = accept(listener, NULL, NULL);
	EQUAL(&own, "LISTEN=1 ESTABLISHED=2");
	EQUAL(&self->o, "LISTEN=1");
	close(fd);
	EQUAL(&own, "LISTEN=1 FIN_WAIT2=1 CLOSE_WAIT=1");
	close(peer);
	EQUAL(&own, "LISTEN=1 TIME_WAIT=1");
	close(listener);
	listener = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, listen(listener, 5));
	EQUAL(&own, "LISTEN=1 TIME_WAIT=1");
	close(listener);
	EQUAL(&own, "TIME_WAIT=1");
	EXPECT_EQ(0, oracle_undiverged(&own));
}

TEST_HARNESS_MAIN
