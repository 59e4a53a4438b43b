// SPDX-License-Identifier: GPL-2.0-only
/*
 * What ends because nobody answers: keepalive, TCP_USER_TIMEOUT, retransmissions of SYN, text and FIN, ICMP; and where
 * a connection is bound to a device. Two namespaces, each compared for itself.
 *
 *	client  c 10.98.0.1, fd98::1  ----  s 10.98.0.2, fd98::2  server
 *
 * "Dead" is the link when all that the client sends is dropped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "oracle.h"

#define PORT	7000
#define batch(lines, ...)	run("printf '" lines "\\n' | ip -batch -", ##__VA_ARGS__)

FIXTURE(end) {
	struct oracle client, server;
	int ns[2];
	int listener;
	int fd;
	int peer;
};

FIXTURE_VARIANT(end) {
	int family;
	const char *client, *server, *nobody;
};

FIXTURE_VARIANT_ADD(end, ipv4) {
	.family = AF_INET, .client = "10.98.0.1", .server = "10.98.0.2", .nobody = "10.97.0.1"
};
FIXTURE_VARIANT_ADD(end, ipv6) {
	.family = AF_INET6, .client = "fd98::1", .server = "fd98::2", .nobody = "fd97::1"
};

static int connect_to(int fd, const char *addr, int port)
{
	struct sockaddr_storage to;
	socklen_t len = nl_sockaddr(&to, addr, port);

	return connect(fd, (struct sockaddr *)&to, len);
}

static int here(void)
{
	return open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
}

#define SERVER(ns)	ASSERT_EQ(0, setns((ns)[1], CLONE_NEWNET))
#define CLIENT(ns)	ASSERT_EQ(0, setns((ns)[0], CLONE_NEWNET))

FIXTURE_SETUP(end)
{
	ASSERT_EQ(0, netns_enter());
	self->ns[1] = here();
	ASSERT_EQ(0, oracle_open(&self->server));
	ASSERT_EQ(0, netns_enter());
	self->ns[0] = here();
	ASSERT_EQ(0, oracle_open(&self->client));
	ASSERT_EQ(0, dup2(self->ns[1], 100) - 100);
	ASSERT_EQ(0, batch("link add c type veth peer name s netns /proc/%d/fd/100\\nlink set c up\\n"
			   "addr add 10.98.0.1/24 dev c\\naddr add fd98::1/64 dev c nodad\\n"
			   "route add 10.97.0.0/24 via 10.98.0.2\\nroute add fd97::/64 via fd98::2", getpid()));
	SERVER(self->ns);
	ASSERT_EQ(0, batch("link set s up\\naddr add 10.98.0.2/24 dev s\\naddr add fd98::2/64 dev s nodad\\n"
			   "route add unreachable 10.97.0.0/24\\nroute add unreachable fd97::/64"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_forward", "1"));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv6/conf/all/forwarding", "1"));
	self->listener = nl_listen(variant->server, PORT, 100);
	ASSERT_LE(0, self->listener);
	CLIENT(self->ns);
	sleep_ms(100);
	self->fd = nl_connect(variant->client, 20000, variant->server, PORT, false);
	ASSERT_LE(0, self->fd);
	self->peer = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->peer);
}

FIXTURE_TEARDOWN(end)
{
	EXPECT_EQ(0, oracle_undiverged(&self->client));
	EXPECT_EQ(0, oracle_undiverged(&self->server));
}

#define DEAD()	ASSERT_EQ(0, run("tc qdisc add dev c root netem loss 100%%"))

static int set(int fd, int option, int value)
{
	return setsockopt(fd, IPPROTO_TCP, option, &value, sizeof(value));
}

TEST_F(end, keepalive)
{
	int one = 1;

	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
	ASSERT_EQ(0, set(self->fd, TCP_KEEPIDLE, 1) || set(self->fd, TCP_KEEPINTVL, 1));
	ASSERT_EQ(0, set(self->fd, TCP_KEEPCNT, 3));
	DEAD();
	EQUAL_WITHIN(&self->client, "", 10000);
	EQUAL(&self->server, "LISTEN=1 ESTABLISHED=1");	/* does not know */
	ASSERT_EQ(0, run("tc qdisc del dev c root"));
	ASSERT_EQ(3, send(self->peer, "abc", 3, 0));	/* now it will */
	EQUAL_WITHIN(&self->server, "LISTEN=1", 3000);
}

/* In FIN_WAIT2 and CLOSE_WAIT, too */
TEST_F(end, keepalive_half_closed)
{
	int one = 1;

	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one)));
	ASSERT_EQ(0, set(self->fd, TCP_KEEPIDLE, 1) || set(self->fd, TCP_KEEPINTVL, 1));
	ASSERT_EQ(0, set(self->fd, TCP_KEEPCNT, 2));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	EQUAL(&self->client, "CLOSE_WAIT=1");
	EQUAL(&self->server, "LISTEN=1 FIN_WAIT2=1");
	DEAD();
	EQUAL_WITHIN(&self->client, "", 10000);
	EQUAL(&self->server, "LISTEN=1 FIN_WAIT2=1");
}

TEST_F(end, user_timeout)
{
	ASSERT_EQ(0, set(self->fd, TCP_USER_TIMEOUT, 2000));
	DEAD();
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	EQUAL_WITHIN(&self->client, "", 20000);
	EQUAL(&self->server, "LISTEN=1 ESTABLISHED=1");
}

/* The same, of what an orphan has not got rid of */
TEST_F(end, user_timeout_orphan)
{
	ASSERT_EQ(0, set(self->fd, TCP_USER_TIMEOUT, 2000));
	DEAD();
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	close(self->fd);
	EQUAL(&self->client, "FIN_WAIT1=1");
	EQUAL_WITHIN(&self->client, "", 20000);
}

TEST_F_TIMEOUT(end, retransmissions, 100)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_retries2", "3"));
	DEAD();
	ASSERT_EQ(3, send(self->fd, "abc", 3, 0));
	EQUAL_WITHIN(&self->client, "", 30000);
}

TEST_F_TIMEOUT(end, fin_wait1_orphan, 100)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_orphan_retries", "2"));
	DEAD();
	close(self->fd);
	EQUAL(&self->client, "FIN_WAIT1=1");
	EQUAL_WITHIN(&self->client, "", 30000);
	EQUAL(&self->server, "LISTEN=1 ESTABLISHED=1");
}

TEST_F_TIMEOUT(end, last_ack_orphan, 100)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_orphan_retries", "2"));
	ASSERT_EQ(0, shutdown(self->peer, SHUT_WR));
	EQUAL(&self->client, "CLOSE_WAIT=1");
	DEAD();
	close(self->fd);
	EQUAL(&self->client, "LAST_ACK=1");
	EQUAL_WITHIN(&self->client, "", 30000);
	EQUAL(&self->server, "LISTEN=1 FIN_WAIT2=1");
}

TEST_F(end, syn_sent)
{
	int fd;

	DEAD();
	fd = socket(variant->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(0, set(fd, TCP_SYNCNT, 1));
	ASSERT_EQ(-1, connect_to(fd, variant->server, PORT));
	EQUAL(&self->client, "ESTABLISHED=1 SYN_SENT=1");
	EQUAL_WITHIN(&self->client, "ESTABLISHED=1", 10000);
	close(fd);
	EQUAL(&self->client, "ESTABLISHED=1");
}

/* The request's SYN-ACKs get no answer. */
TEST_F(end, request)
{
	int fd;

	SERVER(self->ns);
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_synack_retries", "1"));
	ASSERT_EQ(0, run("tc qdisc add dev s root netem loss 100%%"));
	CLIENT(self->ns);
	fd = nl_connect(NULL, 0, variant->server, PORT, true);
	EQUAL(&self->client, "ESTABLISHED=1 SYN_SENT=1");
	EQUAL(&self->server, "LISTEN=1 ESTABLISHED=1 SYN_RECV=1");
	close(fd);
	EQUAL(&self->client, "ESTABLISHED=1");
	EQUAL_WITHIN(&self->server, "LISTEN=1 ESTABLISHED=1", 10000);
}

/* A router says that there is no such host. */
TEST_F(end, icmp_unreachable)
{
	int fd = nl_connect(NULL, 0, variant->nobody, PORT, true);

	EQUAL_NOW(&self->client, "unreachable");
	EQUAL(&self->client, "ESTABLISHED=1");
	close(fd);
	EQUAL(&self->client, "ESTABLISHED=1");
}

/* FIN_WAIT2 of an orphan has a time, TIME_WAIT has one: at every half second of it both say the same. */
TEST_F_TIMEOUT(end, fin_wait2_and_time_wait_expire, 200)
{
	int i, fd, peer;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_fin_timeout", "20"));
	close(self->fd);
	EQUAL(&self->client, "FIN_WAIT2=1");
	fd = nl_connect(NULL, 0, variant->server, PORT, false);
	peer = accept(self->listener, NULL, NULL);
	close(fd);
	close(peer);
	EQUAL(&self->client, "FIN_WAIT2=1 TIME_WAIT=1");
	for (i = 0; i < 140; i++) {
		sleep_ms(500);
		ASSERT_EQ(0, oracle_equal("expiry", &self->client, NULL, 0, ORACLE_EVENT_MS));
	}
	EQUAL(&self->client, "");
	EQUAL(&self->server, "LISTEN=1 CLOSE_WAIT=1");
}

/* The link goes with its addresses: connections stay, and so do their records. */
TEST_F(end, link_goes)
{
	ASSERT_EQ(0, run("ip link del c"));
	EQUAL(&self->client, "ESTABLISHED=1");
	EQUAL(&self->server, "LISTEN=1 ESTABLISHED=1");
	close(self->fd);
	EQUAL_NOW(&self->client, "no route");
	nl_reset(self->peer);
	EQUAL(&self->server, "LISTEN=1");
	sleep_ms(2000);
	EQUAL_NOW(&self->client, "no route, later");
}

/* A listener in a VRF, and one outside that takes what comes from any (tcp_l3mdev_accept) */
TEST_F(end, vrf)
{
	struct sockaddr_storage at;
	int one, any, fd;
	socklen_t len;

	ASSERT_EQ(0, run("modprobe -q vrf; true"));
	close(self->fd);
	close(self->peer);
	EQUAL(&self->client, "TIME_WAIT=1");
	SERVER(self->ns);
	ASSERT_EQ(0, run("ip link add red type vrf table 10 && ip link set red up && ip link set s master red &&"
			 "ip addr replace fd98::2/64 dev s nodad"));
	one = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, setsockopt(one, SOL_SOCKET, SO_BINDTODEVICE, "red", 4));
	len = nl_sockaddr(&at, variant->server, PORT + 1);
	ASSERT_EQ(0, bind(one, (struct sockaddr *)&at, len));
	ASSERT_EQ(0, listen(one, 5));
	EQUAL(&self->server, "LISTEN=2");
	CLIENT(self->ns);
	sleep_ms(100);
	fd = nl_connect(NULL, 0, variant->server, PORT + 1, false);
	ASSERT_LE(0, fd);
	EQUAL(&self->client, "TIME_WAIT=1 ESTABLISHED=1");
	EQUAL(&self->server, "LISTEN=2 ESTABLISHED=1");
	close(fd);
	EQUAL(&self->server, "LISTEN=2 CLOSE_WAIT=1");
	close(one);
	EQUAL(&self->server, "LISTEN=1");
	SERVER(self->ns);
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_l3mdev_accept", "1"));
	any = nl_listen(variant->family == AF_INET ? "0.0.0.0" : "::", PORT + 2, 5);
	ASSERT_LE(0, any);
	EQUAL(&self->server, "LISTEN=2");
	CLIENT(self->ns);
	fd = nl_connect(NULL, 0, variant->server, PORT + 2, false);
	ASSERT_LE(0, fd);
	EQUAL(&self->server, "LISTEN=2 ESTABLISHED=1");
	nl_reset(fd);
	EQUAL(&self->server, "LISTEN=2");
}

TEST_HARNESS_MAIN
