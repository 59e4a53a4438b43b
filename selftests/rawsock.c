// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raw sockets over lo, between two ends of a live connection: what they send is never taken for what the connection's
 * own sockets do (LOCAL_OUT), and moves a receiver (LOCAL_IN) only where its socket takes it. IPv4 and IPv6, in a
 * network namespace each.
 *
 *	client, any port --- lo --- server, port 7000, and its listener; raw socket: forges either
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "peer.h"
#include "testlib.h"

#define PORT	7000
#define NOBODY	7999	/* no socket has this port */
#define PSH	0x08
#define URG	0x20
#define FIN_ACK	(PEER_FIN | PEER_ACK)
#define OPENED	"SYN_SENT=1 SYN_RECV=1 ESTABLISHED=2"
#define NO_WINDOW_PROBE (-1)	/* TCP_REPAIR_OFF_NO_WP */

FIXTURE(rawsock) {
	struct peer peer;	/* only builds packets */
	uint8_t packet[PEER_PACKET];
	size_t l4;
	size_t len;
	int raw;
	int listener;
	int client;
	int server;
	uint16_t port;		/* the client's */
	uint32_t client_nxt;	/* the next sequence number that it sends */
	uint32_t server_nxt;
	bool v4;
};

FIXTURE_VARIANT(rawsock) {
	int family;
};

FIXTURE_VARIANT_ADD(rawsock, ipv4) { .family = AF_INET };
FIXTURE_VARIANT_ADD(rawsock, ipv6) { .family = AF_INET6 };

static socklen_t here(int family, int port, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	in->sin_port = htons(port);	/* at the same place in both */
	if (family == AF_INET)
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	else
		in6->sin6_addr = in6addr_loopback;
	return family == AF_INET ? sizeof(*in) : sizeof(*in6);
}

static int next_number(int fd, uint32_t *nxt)
{
	int on = 1, off = NO_WINDOW_PROBE, queue = TCP_SEND_QUEUE;
	socklen_t len = sizeof(*nxt);

	return setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on)) ||
	       setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_QUEUE, &queue, sizeof(queue)) ||
	       getsockopt(fd, IPPROTO_TCP, TCP_QUEUE_SEQ, nxt, &len) ||
	       setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off));
}

FIXTURE_SETUP(rawsock)
{
	struct sockaddr_storage addr;
	socklen_t len;

	ASSERT_EQ(0, netns_enter());
	self->v4 = variant->family == AF_INET;
	self->peer.family = variant->family;
	self->raw = socket(variant->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	self->listener = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	self->client = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	len = here(variant->family, PORT, &addr);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(self->listener, 16));
	ASSERT_EQ(0, connect(self->client, (struct sockaddr *)&addr, len));
	self->server = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->raw);
	ASSERT_LE(0, self->server);
	ASSERT_EQ(0, getsockname(self->client, (struct sockaddr *)&addr, &len));
	self->port = ntohs(((struct sockaddr_in *)&addr)->sin_port);
	ASSERT_EQ(0, next_number(self->client, &self->client_nxt));
	ASSERT_EQ(0, next_number(self->server, &self->server_nxt));
	ASSERT_EQ(0, check_counts("ESTABLISHED=2"));
	ASSERT_EQ(0, check_entered(OPENED));
}

FIXTURE_TEARDOWN(rawsock)
{
}

static void set_addresses(FIXTURE_DATA(rawsock) *self)
{
	const void *lo = self->v4 ? (void *)(uint32_t[]){ htonl(INADDR_LOOPBACK) } : (void *)&in6addr_loopback;
	size_t at = self->v4 ? 12 : 8, n = self->v4 ? 4 : 16;

	memcpy(self->packet + at, lo, n);
	memcpy(self->packet + at + n, lo, n);
	peer_fix_ip(&self->peer, self->packet, self->len);
	peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
}

/* A segment from one port to another, with the numbers of the live connection's client plus @seq */
static void build(FIXTURE_DATA(rawsock) *self, int from, int to, uint8_t flags, int32_t seq)
{
	struct peer_seg seg = {
		.seq = self->client_nxt + seq, .ack = self->server_nxt, .rport = from, .lport = to, .flags = flags,
	};

	self->len = peer_build(&self->peer, &seg, self->packet, &self->l4);
	memcpy(self->packet + self->l4, (uint16_t[]){ htons(from), htons(to) }, 4);	/* 0, too */
	set_addresses(self);
}

/* In the client's name, to the server */
static void forge(FIXTURE_DATA(rawsock) *self, uint8_t flags, int32_t seq)
{
	build(self, self->port, PORT, flags, seq);
}

static int send_raw(FIXTURE_DATA(rawsock) *self)
{
	struct sockaddr_storage addr;
	socklen_t len = here(self->peer.family, 0, &addr);

	return sendto(self->raw, self->packet, self->len, 0, (struct sockaddr *)&addr, len) == (ssize_t)self->len ? 0 : -1;
}

static void carry(struct __test_metadata *_metadata, int from, int to)
{
	char buf[16];

	ASSERT_EQ(10, send(from, "0123456789", 10, MSG_NOSIGNAL));
	ASSERT_EQ(10, recv(to, buf, sizeof(buf), 0));
}

/* Nothing has moved, the totals are these; data flows both ways, and both ends close. */
static void still_works(struct __test_metadata *_metadata, FIXTURE_DATA(rawsock) *self, unsigned int invalid,
			unsigned int malformed)
{
	ASSERT_EQ(0, check_counts("ESTABLISHED=2"));
	EXPECT_EQ(0, check_entered(OPENED));
	EXPECT_EQ(0, check_totals(invalid, malformed, 0));
	carry(_metadata, self->client, self->server);
	carry(_metadata, self->server, self->client);
	EXPECT_EQ(0, shutdown(self->client, SHUT_WR));
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	EXPECT_EQ(0, close(self->server));
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_totals(invalid, malformed, 0));
}

#define STILL_WORKS(invalid, malformed) still_works(_metadata, self, invalid, malformed)

TEST_F(rawsock, bad_checksum)
{
	static const uint8_t flags[] = { PEER_ACK, FIN_ACK, PEER_RST, PEER_RST | PEER_ACK, PEER_SYN };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		forge(self, flags[i], 0);
		self->packet[self->l4 + 16] ^= 0x55;
		ASSERT_EQ(0, send_raw(self));
	}
	sleep_ms(600);	/* a RST that leaves is a doubt, which has been looked at by then */
	STILL_WORKS(sizeof(flags), 0);
}

TEST_F(rawsock, flags_that_cannot_be)
{
	static const uint8_t flags[] = { 0, PSH, PEER_FIN, PEER_FIN | PSH | URG, PEER_SYN | PEER_FIN, PEER_SYN | FIN_ACK };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		forge(self, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
	}
	STILL_WORKS(sizeof(flags), 0);
}

TEST_F(rawsock, data_offset_that_lies)
{
	unsigned int doff;

	for (doff = 0; doff < 16; doff++) {
		if (doff == 5)
			continue;
		forge(self, FIN_ACK, 0);
		self->packet[self->l4 + 12] = doff << 4;
		peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
		ASSERT_EQ(0, send_raw(self));
	}
	STILL_WORKS(0, 15);
}

/* The kernel writes the length of an IPv4 packet itself, so only IPv6 can lie from a raw socket. */
TEST_F(rawsock, ip_length_that_lies)
{
	if (self->v4) {
		forge(self, FIN_ACK, -100000);
		self->packet[3] += 4;
		ASSERT_EQ(0, send_raw(self));
		STILL_WORKS(1, 0);
		return;
	}
	forge(self, FIN_ACK, 0);
	self->packet[5] += 1;	/* dropped */
	ASSERT_EQ(0, send_raw(self));
	forge(self, FIN_ACK, 0);
	self->packet[5] = 12;	/* cut off */
	ASSERT_EQ(0, send_raw(self));
	STILL_WORKS(0, 1);
}

/* What looks right, of tuples that no socket has: no record, whatever is answered. */
TEST_F(rawsock, strangers_make_no_record)
{
	static const uint8_t flags[] = { PEER_SYN, PEER_SYN | PEER_ACK, PEER_ACK, FIN_ACK, PEER_RST, PEER_RST | PEER_ACK };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, NOBODY, NOBODY + 1, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
		build(self, NOBODY, self->port, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
	}
	STILL_WORKS(0, 0);
}

TEST_F(rawsock, port_zero)
{
	static const uint8_t flags[] = { PEER_SYN, PEER_SYN | PEER_ACK, FIN_ACK, PEER_RST };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, 0, NOBODY, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
		build(self, self->port, 0, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
		build(self, 0, 0, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
	}
	STILL_WORKS(0, 0);
}

/* The listener answers a SYN: that is a connection, until the RST of the port that knows nothing of it. */
TEST_F(rawsock, syn_to_the_listener)
{
	build(self, NOBODY, PORT, PEER_SYN, 0);
	ASSERT_EQ(0, send_raw(self));
	EXPECT_EQ(0, check_counts("ESTABLISHED=2"));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 SYN_RECV=2 ESTABLISHED=2 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* And nothing else. A wrong checksum is counted without looking whose it is. */
TEST_F(rawsock, rubbish_to_the_listener)
{
	static const uint8_t flags[] = {
		0, PEER_FIN, FIN_ACK, PEER_FIN | PSH | URG, PEER_SYN | PEER_FIN, PEER_SYN | PEER_RST, PEER_RST, PEER_ACK,
		PEER_SYN | PEER_ACK,
	};
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, NOBODY, PORT, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
	}
	build(self, NOBODY, PORT, PEER_SYN, 0);
	self->packet[self->l4 + 16] ^= 0x55;
	ASSERT_EQ(0, send_raw(self));
	STILL_WORKS(1, 0);
}

/* Connected, a raw socket says ESTABLISHED and has a destination, like TCP's. */
TEST_F(rawsock, connected_raw_socket)
{
	static const uint8_t flags[] = { PEER_SYN, PEER_SYN | PEER_ACK, PEER_ACK, FIN_ACK, PEER_RST };
	int fd = socket(variant->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	struct sockaddr_storage addr;
	socklen_t len = here(variant->family, 0, &addr);
	unsigned int i;

	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, len));
	for (i = 0; i < sizeof(flags); i++) {
		ssize_t n;

		build(self, NOBODY, NOBODY + 1, flags[i], 0);
		n = self->len - self->l4;
		ASSERT_EQ(n, send(fd, self->packet + self->l4, n, 0));
	}
	STILL_WORKS(0, 0);
}

/* The server takes a forged FIN. The client has not sent it, and stays where it is. */
TEST_F(rawsock, forged_fin)
{
	forge(self, FIN_ACK, 0);
	ASSERT_EQ(0, send_raw(self));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1 CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPENED " CLOSE_WAIT=1"));
}

/* Likewise a forged RST, of which the client's record is in doubt until its socket has been found. */
TEST_F(rawsock, forged_rst)
{
	forge(self, PEER_RST, 0);
	ASSERT_EQ(0, send_raw(self));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	sleep_ms(600);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered(OPENED " CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* Behind what is expected but in the window: a challenge. Far away: nothing. */
TEST_F(rawsock, forged_rst_that_misses)
{
	forge(self, PEER_RST, 100);
	ASSERT_EQ(0, send_raw(self));
	forge(self, PEER_RST, -100000);
	ASSERT_EQ(0, send_raw(self));
	sleep_ms(600);
	STILL_WORKS(1, 0);
}

/* Between two raw ports that pretend to be either end, and to nobody: neither end has sent or received anything. */
TEST_F(rawsock, forged_to_another_port)
{
	static const uint8_t flags[] = { PEER_SYN, FIN_ACK, PEER_RST };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, PORT, NOBODY, flags[i], 0);
		ASSERT_EQ(0, send_raw(self));
	}
	STILL_WORKS(0, 0);
}

/* TIME_WAIT dies of a RST that hits (tcp_rfc1337 is 0), and of nothing else. */
TEST_F(rawsock, time_wait)
{
	unsigned int i;

	ASSERT_EQ(0, shutdown(self->server, SHUT_WR));
	ASSERT_EQ(0, check_counts("FIN_WAIT2=1 CLOSE_WAIT=1"));
	ASSERT_EQ(0, close(self->client));
	ASSERT_EQ(0, check_counts("TIME_WAIT=1"));
	self->server_nxt++;
	for (i = 0; i < 4; i++) {
		static const uint8_t flags[] = { PEER_RST, FIN_ACK, PEER_SYN, PEER_RST };

		forge(self, flags[i], i < 3 ? 1 : -100000);
		if (i < 3)
			self->packet[self->l4 + 16] ^= 0x55;
		ASSERT_EQ(0, send_raw(self));
	}
	sleep_ms(600);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_totals(4, 0, 0));
	forge(self, PEER_RST, 1);
	ASSERT_EQ(0, send_raw(self));
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_totals(4, 0, 0));
}

/* A raw socket of TCP's with options in front: the kernel writes the IP header. The FIN behind them counts. */
TEST_F(rawsock, extension_headers_by_socket_option)
{
	static const uint8_t nops[4] = { 1, 1, 1, 0 };
	static const uint8_t padding[8] = { 0, 0, 1, 4 };
	int fd = socket(variant->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);
	struct sockaddr_storage addr;
	socklen_t len = here(variant->family, 0, &addr);
	ssize_t n;

	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, len));
	if (self->v4) {
		ASSERT_EQ(0, setsockopt(fd, IPPROTO_IP, IP_OPTIONS, nops, sizeof(nops)));
	} else {
		ASSERT_EQ(0, setsockopt(fd, IPPROTO_IPV6, IPV6_HOPOPTS, padding, sizeof(padding)));
		ASSERT_EQ(0, setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, padding, sizeof(padding)));
	}
	forge(self, FIN_ACK, 0);
	self->packet[self->l4 + 16] ^= 0x55;
	n = self->len - self->l4;
	ASSERT_EQ(n, sendto(fd, self->packet + self->l4, n, 0, (struct sockaddr *)&addr, len));
	EXPECT_EQ(0, check_totals(1, 0, 0));
	self->packet[self->l4 + 16] ^= 0x55;
	ASSERT_EQ(n, sendto(fd, self->packet + self->l4, n, 0, (struct sockaddr *)&addr, len));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1 CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPENED " CLOSE_WAIT=1"));
}

TEST_HARNESS_MAIN
