// SPDX-License-Identifier: GPL-2.0-only
/*
 * Packets that lie: cut-off and impossible headers, fragments, chains of IPv6 extension headers, wrong checksums, and
 * raw sockets that pretend to be TCP. Counted exactly, never believed: a live connection stays as it is and still
 * works. malformed_states.c has the same in other states, rawsock.c more raw sockets.
 *
 *	socket --- 10.99.0.1, fd99::1 (tun0) === the test: 10.99.0.2, fd99::2
 *	raw socket --- lo
 *
 * Each test in a network namespace of its own, over IPv4 and IPv6.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "peer.h"
#include "testlib.h"

#define PORT	7000
#define ISN	1000000
#define FIN_ACK	(PEER_FIN | PEER_ACK)
#define ID	0x4242

FIXTURE(malformed) {
	struct peer peer;
	uint8_t packet[PEER_PACKET];
	size_t l4;
	size_t len;
	int fd;
	bool v4;
};

FIXTURE_VARIANT(malformed) {
	int family;
};

FIXTURE_VARIANT_ADD(malformed, ipv4) { .family = AF_INET };
FIXTURE_VARIANT_ADD(malformed, ipv6) { .family = AF_INET6 };

/* A live connection. */
FIXTURE_SETUP(malformed)
{
	struct peer *p = &self->peer;
	struct sockaddr_storage addr;
	socklen_t len;
	int listener;

	self->v4 = variant->family == AF_INET;
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, peer_open(p, variant->family));
	len = peer_local(p, &addr, PORT);
	listener = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(listener, 16));
	ASSERT_EQ(0, peer_syn(p, PORT, ISN));
	ASSERT_EQ(0, peer_complete(p));
	self->fd = accept(listener, NULL, NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, check_counts("ESTABLISHED=1"));
}

FIXTURE_TEARDOWN(malformed)
{
}

/* A packet of the live connection, to be spoiled. */
static void build(FIXTURE_DATA(malformed) *self, uint8_t flags, uint32_t payload)
{
	struct peer *p = &self->peer;
	struct peer_seg seg = {
		.seq = p->seq, .ack = p->ack, .len = payload, .lport = p->lport, .flags = flags,
	};

	self->len = peer_build(p, &seg, self->packet, &self->l4);
}

static int write_packet(FIXTURE_DATA(malformed) *self)
{
	return peer_write(&self->peer, self->packet, self->len);
}

/* Nothing has moved, the totals are these, and the connection takes data and a FIN. */
static void still_works(struct __test_metadata *_metadata, FIXTURE_DATA(malformed) *self,
			unsigned int invalid, unsigned int malformed)
{
	struct peer *p = &self->peer;
	char buf[64];

	ASSERT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered("SYN_RECV=1 ESTABLISHED=1"));
	EXPECT_EQ(0, check_totals(invalid, malformed, 0));
	ASSERT_EQ(0, peer_send(p, PEER_ACK, p->seq, p->ack, 10));
	ASSERT_EQ(10, recv(self->fd, buf, sizeof(buf), 0));
	ASSERT_EQ(0, peer_send(p, FIN_ACK, p->seq + 10, p->ack, 0));
	ASSERT_EQ(0, recv(self->fd, buf, sizeof(buf), 0));
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(invalid, malformed, 0));
}

#define STILL_WORKS(invalid, malformed) still_works(_metadata, self, invalid, malformed)

/* Puts @n bytes between the IP header and what follows; @first is the IPv6 next header they begin with. */
static void insert(FIXTURE_DATA(malformed) *self, const uint8_t *bytes, size_t n, uint8_t first)
{
	memmove(self->packet + self->l4 + n, self->packet + self->l4, self->len - self->l4);
	memcpy(self->packet + self->l4, bytes, n);
	if (!self->v4)
		self->packet[6] = first;
	self->l4 += n;
	self->len += n;
	peer_fix_ip(&self->peer, self->packet, self->len);
}

/* Makes the packet a fragment: of what follows the IP header, @size bytes from @offset (a multiple of 8). */
static void fragment(FIXTURE_DATA(malformed) *self, size_t offset, size_t size, bool more, uint8_t id)
{
	size_t rest = self->len - self->l4, head = self->l4;
	uint8_t frag[8] = { IPPROTO_TCP, 0, offset >> 8, offset | more, 0, 0, ID >> 8, id };

	if (size > rest - offset)
		size = rest - offset;
	memmove(self->packet + head, self->packet + head + offset, size);
	self->len = head + size;
	if (!self->v4) {
		insert(self, frag, sizeof(frag), IPPROTO_FRAGMENT);
		return;
	}
	self->packet[4] = ID >> 8;
	self->packet[5] = id;
	self->packet[6] = (offset / 8) >> 8 | (more ? 0x20 : 0);
	self->packet[7] = offset / 8;
	peer_fix_ip(&self->peer, self->packet, self->len);
}

TEST_F(malformed, truncated_header)
{
	unsigned int n;

	for (n = 0; n < 20; n++) {
		build(self, FIN_ACK, 0);
		self->len = self->l4 + n;
		peer_fix_ip(&self->peer, self->packet, self->len);
		ASSERT_EQ(0, write_packet(self));
	}
	STILL_WORKS(0, 20);
}

TEST_F(malformed, data_offset_too_small)
{
	unsigned int doff;

	for (doff = 0; doff < 5; doff++) {
		build(self, FIN_ACK, 40);
		self->packet[self->l4 + 12] = doff << 4;
		peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
		ASSERT_EQ(0, write_packet(self));
	}
	STILL_WORKS(0, 5);
}

TEST_F(malformed, data_offset_behind_the_packet)
{
	unsigned int doff;

	for (doff = 6; doff < 16; doff++) {
		build(self, FIN_ACK, (doff - 5) * 4 - 1);
		self->packet[self->l4 + 12] = doff << 4;
		peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
		ASSERT_EQ(0, write_packet(self));
	}
	STILL_WORKS(0, 10);
}

/* A header of 60 bytes whose options are rubbish is no malformed header. */
TEST_F(malformed, rubbish_options)
{
	build(self, PEER_ACK, 40);
	self->packet[self->l4 + 12] = 15 << 4;
	peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, 0);
}

/* The sequence numbers are right, the checksum is not. */
TEST_F(malformed, bad_checksum)
{
	static const uint8_t flags[] = { FIN_ACK, PEER_RST, PEER_RST | PEER_ACK, PEER_ACK };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, flags[i], 0);
		self->packet[self->l4 + 17] ^= 0x55;
		ASSERT_EQ(0, write_packet(self));
		EXPECT_EQ(0, check_totals(i + 1, 0, 0));
	}
	STILL_WORKS(4, 0);
}

TEST_F(malformed, impossible_flags)
{
	static const uint8_t flags[] = { 0, PEER_FIN, PEER_SYN | PEER_FIN, PEER_SYN | FIN_ACK };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, flags[i], 0);
		ASSERT_EQ(0, write_packet(self));
		EXPECT_EQ(0, check_totals(i + 1, 0, 0));
	}
	STILL_WORKS(4, 0);
}

/*
 * Lone fragments. IPv4 is reassembled before LOCAL_IN, so they never arrive there; IPv6 behind it, so each is
 * counted.
 */
TEST_F(malformed, first_fragment)
{
	build(self, FIN_ACK, 40);
	fragment(self, 0, 40, true, 1);
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, self->v4 ? 0 : 1);
}

TEST_F(malformed, later_fragment)
{
	build(self, FIN_ACK, 40);
	fragment(self, 40, 20, false, 2);
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, self->v4 ? 0 : 1);
}

TEST_F(malformed, tiny_first_fragment)
{
	build(self, FIN_ACK, 40);
	fragment(self, 0, 8, true, 3);
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, self->v4 ? 0 : 1);
}

/* A fragment of another protocol is not TCP's business. */
TEST_F(malformed, fragment_of_udp)
{
	build(self, FIN_ACK, 40);
	fragment(self, 40, 20, false, 4);
	self->packet[self->v4 ? 9 : 40] = IPPROTO_UDP;
	peer_fix_ip(&self->peer, self->packet, self->len);
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, 0);
}

/* IPv4: two fragments make a FIN. IPv6: one that is the whole packet (RFC 6946). */
TEST_F(malformed, fragments_that_make_a_segment)
{
	build(self, FIN_ACK, 40);
	if (self->v4) {
		fragment(self, 0, 24, true, 5);
		ASSERT_EQ(0, write_packet(self));
		EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
		build(self, FIN_ACK, 40);
		fragment(self, 24, 36, false, 5);
	} else {
		fragment(self, 0, 60, false, 5);
	}
	ASSERT_EQ(0, write_packet(self));
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* IPv4: options; IPv6: hop-by-hop, then destination options. A FIN behind them counts. */
TEST_F(malformed, extension_headers)
{
	static const uint8_t nops[4] = { 1, 1, 1, 0 };
	static const uint8_t dest[16] = { IPPROTO_TCP, 1, 0x1e, 7, 0, 0, 0, 0, 0, 0, 0, 1, 3 };
	static const uint8_t hop[8] = { IPPROTO_DSTOPTS, 0, 1, 4 };

	build(self, FIN_ACK, 0);
	if (self->v4) {
		self->packet[0] = 0x46;
		insert(self, nops, sizeof(nops), 0);
	} else {
		insert(self, dest, sizeof(dest), IPPROTO_DSTOPTS);
		self->l4 = 40;
		insert(self, hop, sizeof(hop), IPPROTO_HOPOPTS);
	}
	ASSERT_EQ(0, write_packet(self));
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* A chain that ends behind the packet, and one that ends in nothing. */
TEST_F(malformed, broken_extension_headers)
{
	static const uint8_t dest[8] = { IPPROTO_TCP, 200, 1, 4 }, none[8] = { IPPROTO_NONE, 0, 1, 4 };

	build(self, FIN_ACK, 0);
	if (self->v4) {
		self->packet[0] = 0x4f;	/* 60 bytes of header in a packet of 40 */
		ASSERT_EQ(0, write_packet(self));
		STILL_WORKS(0, 0);
		return;
	}
	insert(self, dest, sizeof(dest), IPPROTO_DSTOPTS);
	ASSERT_EQ(0, write_packet(self));
	build(self, FIN_ACK, 0);
	insert(self, none, sizeof(none), IPPROTO_DSTOPTS);
	ASSERT_EQ(0, write_packet(self));
	/* The first one names TCP and has no room for it; the second names no protocol. */
	STILL_WORKS(0, 1);
}

/*
 * An option for which the kernel drops the packet, and the FIN with it. IPv6 reads its destination options behind
 * LOCAL_IN (RFC 8200, section 4.2: one that must not be skipped).
 */
TEST_F(malformed, refused_option)
{
	static const uint8_t dest[8] = { IPPROTO_TCP, 0, 0x5e, 4 };
	static const uint8_t record_route[4] = { 7, 2, 0, 0 };	/* a length of 3 is the least */

	build(self, FIN_ACK, 0);
	if (self->v4) {
		self->packet[0] = 0x46;
		insert(self, record_route, sizeof(record_route), 0);
	} else {
		insert(self, dest, sizeof(dest), IPPROTO_DSTOPTS);
	}
	ASSERT_EQ(0, write_packet(self));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered("SYN_RECV=1 ESTABLISHED=1"));
}

/*
 * IPv4: the kernel writes into the record route before LOCAL_IN and leaves the header's checksum as it was. IPv6: a
 * router alert, which it has read by then. The FIN behind either counts.
 */
TEST_F(malformed, options_that_were_read)
{
	static const uint8_t record_route[8] = { 7, 7, 4 };
	static const uint8_t alert[8] = { IPPROTO_TCP, 0, 5, 2, 0, 0, 1, 0 };
	unsigned int i;

	for (i = 0; i < 2; i++) {
		build(self, FIN_ACK, 0);
		self->packet[self->l4 + 17] ^= i ? 0x55 : 0;
		if (self->v4)
			self->packet[0] = 0x47;
		insert(self, self->v4 ? record_route : alert, 8, IPPROTO_HOPOPTS);
		ASSERT_EQ(0, write_packet(self));
		EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
		EXPECT_EQ(0, check_totals(i, 0, 0));
	}
	EXPECT_EQ(0, check_entered("SYN_RECV=1 ESTABLISHED=1 CLOSE_WAIT=1"));
}

/* At the end of their route, and still refused: by default the kernel believes none of these. */
TEST_F(malformed, refused_routing)
{
	static const uint8_t source_route[8] = { 131, 7, 8, 10, 99, 0, 1 };
	uint8_t routing[24] = { IPPROTO_TCP, 2 };

	if (self->v4) {
		build(self, FIN_ACK, 0);
		self->packet[0] = 0x47;
		insert(self, source_route, sizeof(source_route), 0);
		ASSERT_EQ(0, write_packet(self));
		STILL_WORKS(0, 0);
		return;
	}
	for (routing[2] = 2; routing[2] <= 4; routing[2]++) {
		build(self, FIN_ACK, 0);
		memcpy(routing + 8, self->packet + 24, 16);
		insert(self, routing, sizeof(routing), IPPROTO_ROUTING);
		ASSERT_EQ(0, write_packet(self));
		EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	}
	STILL_WORKS(0, 0);
}

/* Two fragments that overlap where the flags are: the kernel drops both (RFC 5722, and IPv4 likewise). */
TEST_F(malformed, overlapping_fragments)
{
	build(self, PEER_ACK, 40);
	fragment(self, 0, 24, true, 6);
	ASSERT_EQ(0, write_packet(self));
	build(self, FIN_ACK, 40);
	fragment(self, 8, 52, false, 6);
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, self->v4 ? 0 : 2);
}

/* As long as a chain may be: a FIN behind it counts. IPv4: 40 bytes of options. */
TEST_F(malformed, long_chain)
{
	static const uint8_t first[8] = { IPPROTO_TCP, 0, 1, 4 }, more[8] = { IPPROTO_DSTOPTS, 0, 1, 4 };
	static const uint8_t nops[40] = { [0 ... 38] = 1 };
	unsigned int i;

	build(self, FIN_ACK, 0);
	if (self->v4) {
		self->packet[0] = 0x4f;
		insert(self, nops, sizeof(nops), 0);
	} else {
		for (i = 0; i < 60; i++) {
			self->l4 = 40;
			insert(self, i ? more : first, 8, IPPROTO_DSTOPTS);
		}
	}
	ASSERT_EQ(0, write_packet(self));
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* Behind an authentication header that nobody verifies: no segment of this host's. */
TEST_F(malformed, authentication_header)
{
	static const uint8_t ah[24] = { IPPROTO_TCP, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1 };

	build(self, FIN_ACK, 0);
	insert(self, ah, sizeof(ah), IPPROTO_AH);
	if (self->v4) {
		self->packet[9] = IPPROTO_AH;
		peer_fix_ip(&self->peer, self->packet, self->len);
	}
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, 0);
}

/* IPv6: hop-by-hop options come first or not at all. IPv4: an option longer than the header. */
TEST_F(malformed, misplaced_options)
{
	static const uint8_t behind[16] = { IPPROTO_HOPOPTS, 0, 1, 4, 0, 0, 0, 0, IPPROTO_TCP, 0, 1, 4 };
	static const uint8_t too_long[4] = { 7, 7, 4, 0 };

	build(self, FIN_ACK, 0);
	if (self->v4) {
		self->packet[0] = 0x46;
		insert(self, too_long, sizeof(too_long), 0);
	} else {
		insert(self, behind, sizeof(behind), IPPROTO_DSTOPTS);
	}
	ASSERT_EQ(0, write_packet(self));
	STILL_WORKS(0, self->v4 ? 0 : 1);
}

/* An Ethernet device whose far end is the test; its own address in @mac */
static int tap_open(uint8_t *mac)
{
	struct ifreq ifr = { .ifr_name = "tap0", .ifr_flags = IFF_TAP | IFF_NO_PI };
	int tap = open("/dev/net/tun", O_RDWR | O_CLOEXEC), s = socket(AF_INET, SOCK_DGRAM, 0), err;

	err = ioctl(tap, TUNSETIFF, &ifr) || ioctl(s, SIOCGIFHWADDR, &ifr);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, ETH_ALEN);
	ifr.ifr_flags = IFF_UP;
	err = err || ioctl(s, SIOCSIFFLAGS, &ifr) || write_file("/proc/sys/net/ipv4/conf/tap0/rp_filter", "0") ||
	      write_file("/proc/sys/net/ipv4/conf/all/rp_filter", "0");
	close(s);
	return err ? -1 : tap;
}

static int write_frame(FIXTURE_DATA(malformed) *self, int tap, const uint8_t *to)
{
	uint8_t frame[ETH_HLEN + PEER_PACKET] = { 0 };
	uint16_t type = htons(self->v4 ? ETH_P_IP : ETH_P_IPV6);
	ssize_t len = ETH_HLEN + self->len;

	memcpy(frame, to, ETH_ALEN);
	frame[ETH_ALEN] = 2;
	memcpy(frame + 2 * ETH_ALEN, &type, sizeof(type));
	memcpy(frame + ETH_HLEN, self->packet, self->len);
	return write(tap, frame, len) == len ? 0 : -1;
}

/* TCP takes no frame but one to this host alone. */
TEST_F(malformed, reset_in_a_broadcast_frame)
{
	static const uint8_t everybody[ETH_ALEN] = { 255, 255, 255, 255, 255, 255 };
	static const uint8_t group[ETH_ALEN] = { 1, 0, 0x5e, 0, 0, 1 };
	uint8_t mac[ETH_ALEN];
	int tap = tap_open(mac);

	ASSERT_LE(0, tap);
	build(self, PEER_RST, 0);
	ASSERT_EQ(0, write_frame(self, tap, everybody));
	ASSERT_EQ(0, write_frame(self, tap, group));
	sleep_ms(500);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered("SYN_RECV=1 ESTABLISHED=1"));
	ASSERT_EQ(0, write_frame(self, tap, mac));
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_RECV=1 ESTABLISHED=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* Sends what was built from a raw socket to a local address instead. */
static int send_raw(FIXTURE_DATA(malformed) *self, const char *from, const char *to)
{
	int family = self->v4 ? AF_INET : AF_INET6, fd = socket(family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	struct sockaddr_storage addr = { .ss_family = family };
	struct sockaddr_in6 *in6 = (void *)&addr;
	struct sockaddr_in *in = (void *)&addr;
	ssize_t n;

	inet_pton(family, from, self->packet + (self->v4 ? 12 : 8));
	inet_pton(family, to, self->packet + (self->v4 ? 16 : 24));
	inet_pton(family, to, self->v4 ? (void *)&in->sin_addr : (void *)&in6->sin6_addr);
	peer_fix_ip(&self->peer, self->packet, self->len);
	if (self->len >= self->l4 + 20)
		peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
	n = sendto(fd, self->packet, self->len, 0, (struct sockaddr *)&addr,
		   self->v4 ? sizeof(*in) : sizeof(*in6));
	close(fd);
	return n == (ssize_t)self->len ? 0 : -1;
}

#define LO(self)	((self)->v4 ? "127.0.0.1" : "::1")
#define HERE(self)	((self)->v4 ? "10.99.0.1" : "fd99::1")
#define THERE(self)	((self)->v4 ? "10.99.0.2" : "fd99::2")

TEST_F(malformed, raw_truncated_over_lo)
{
	unsigned int n;

	for (n = 0; n < 20; n++) {
		build(self, FIN_ACK, 0);
		self->len = self->l4 + n;
		ASSERT_EQ(0, send_raw(self, LO(self), LO(self)));
	}
	STILL_WORKS(0, 20);
}

/* A raw socket's SYN is no connection of this host. */
TEST_F(malformed, raw_syn_makes_no_record)
{
	build(self, PEER_SYN, 0);
	ASSERT_EQ(0, send_raw(self, HERE(self), THERE(self)));
	build(self, PEER_SYN, 0);
	self->packet[self->l4 + 3] ^= 1;	/* nobody listens there */
	ASSERT_EQ(0, send_raw(self, LO(self), LO(self)));
	STILL_WORKS(0, 0);
}

static void swap_ports(FIXTURE_DATA(malformed) *self)
{
	uint8_t *tcp = self->packet + self->l4, tmp[2];

	memcpy(tmp, tcp, 2);
	memcpy(tcp, tcp + 2, 2);
	memcpy(tcp + 2, tmp, 2);
}

/* Nor do a raw socket's FIN and RST for the live connection's own tuple say anything of its socket. */
TEST_F(malformed, raw_fin_and_rst_of_the_own_tuple)
{
	static const uint8_t flags[] = { FIN_ACK, PEER_RST, PEER_SYN, PEER_ACK };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, flags[i], 0);
		swap_ports(self);
		memcpy(self->packet + self->l4 + 4, (uint32_t[]){ htonl(self->peer.ack) }, 4);
		ASSERT_EQ(0, send_raw(self, HERE(self), THERE(self)));
	}
	sleep_ms(600);
	STILL_WORKS(0, 0);
}

/* A connected raw socket has sk_state ESTABLISHED, and sends TCP. */
TEST_F(malformed, connected_raw_socket)
{
	struct sockaddr_storage addr;
	socklen_t len = peer_remote(&self->peer, &addr);
	int fd = socket(variant->family, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_TCP);

	((struct sockaddr_in *)&addr)->sin_port = 0;	/* at the same place in both families */
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, len));
	build(self, PEER_SYN, 0);
	ASSERT_EQ((ssize_t)(self->len - self->l4), send(fd, self->packet + self->l4, self->len - self->l4, 0));
	STILL_WORKS(0, 0);
}

TEST_HARNESS_MAIN
