// SPDX-License-Identifier: GPL-2.0-only
/*
 * In every state: the segment that would move it, spoiled in many ways, moves nothing and is counted exactly; then the
 * same segment as it should be moves the state. IPv4 and IPv6, over tun, in a network namespace each.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "peer.h"
#include "testlib.h"

#define PORT	7000
#define ISN	1000000
#define PSH	0x08
#define URG	0x20
#define FIN_ACK	(PEER_FIN | PEER_ACK)

FIXTURE(malformed_states) {
	struct peer peer;
	uint8_t packet[PEER_PACKET];
	size_t l4;
	size_t len;
	unsigned int invalid;
	unsigned int malformed;
	int fd;
};

/* @mover: flags of the segment that leads from state @before to @after */
FIXTURE_VARIANT(malformed_states) {
	int family;
	int state;
	uint8_t mover;
	const char *before;
	const char *after;
};

#define IN_STATE(name, flags, is, then)							\
	FIXTURE_VARIANT_ADD(malformed_states, name##_ipv4) {				\
		.family = AF_INET, .state = TCP_##name, .mover = flags, .before = is, .after = then,	\
	};										\
	FIXTURE_VARIANT_ADD(malformed_states, name##_ipv6) {				\
		.family = AF_INET6, .state = TCP_##name, .mover = flags, .before = is, .after = then,	\
	}

IN_STATE(SYN_SENT, PEER_SYN | PEER_ACK, "SYN_SENT=1", "ESTABLISHED=1");
IN_STATE(SYN_RECV, PEER_ACK, "SYN_RECV=1", "ESTABLISHED=1");
IN_STATE(ESTABLISHED, FIN_ACK, "ESTABLISHED=1", "CLOSE_WAIT=1");
IN_STATE(FIN_WAIT1, PEER_ACK, "FIN_WAIT1=1", "FIN_WAIT2=1");
IN_STATE(FIN_WAIT2, FIN_ACK, "FIN_WAIT2=1", "TIME_WAIT=1");
IN_STATE(CLOSING, PEER_ACK, "CLOSING=1", "TIME_WAIT=1");
IN_STATE(CLOSE_WAIT, PEER_RST, "CLOSE_WAIT=1", "");
IN_STATE(LAST_ACK, PEER_ACK, "LAST_ACK=1", "");
IN_STATE(TIME_WAIT, PEER_RST, "TIME_WAIT=1", "");

/* The far end's FIN, acknowledging @unacked less than all */
static int far_end_closes(struct peer *p, uint32_t unacked)
{
	return peer_send(p, FIN_ACK, p->seq++, p->ack - unacked, 0);
}

static int close_here(FIXTURE_DATA(malformed_states) *self)
{
	return shutdown(self->fd, SHUT_WR) || peer_expect(&self->peer, PEER_FIN, NULL);
}

/* From ESTABLISHED on */
static int reach(FIXTURE_DATA(malformed_states) *self, int state)
{
	struct peer *p = &self->peer;

	switch (state) {
	case TCP_FIN_WAIT1:
		return close_here(self);
	case TCP_FIN_WAIT2:
		return close_here(self) || peer_send(p, PEER_ACK, p->seq, p->ack, 0);
	case TCP_TIME_WAIT:
		return close_here(self) || far_end_closes(p, 0);
	case TCP_CLOSING:
		return close_here(self) || far_end_closes(p, 1);
	case TCP_CLOSE_WAIT:
		return far_end_closes(p, 0);
	case TCP_LAST_ACK:
		return far_end_closes(p, 0) || close_here(self);
	}
	return 0;
}

static int open_passive(FIXTURE_DATA(malformed_states) *self, int state)
{
	struct peer *p = &self->peer;
	struct sockaddr_storage addr;
	socklen_t len = peer_local(p, &addr, PORT);
	int listener = socket(p->family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 16) || peer_syn(p, PORT, ISN))
		return -1;
	if (state == TCP_SYN_RECV)
		return 0;
	if (peer_complete(p))
		return -1;
	self->fd = accept(listener, NULL, NULL);
	return self->fd < 0 || reach(self, state);
}

FIXTURE_SETUP(malformed_states)
{
	struct peer *p = &self->peer;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, peer_open(p, variant->family));
	if (variant->state == TCP_SYN_SENT)
		self->fd = peer_connect(p);
	else
		ASSERT_EQ(0, open_passive(self, variant->state));
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, check_counts(variant->before));
}

FIXTURE_TEARDOWN(malformed_states)
{
}

/* The segment that moves the state, with other flags */
static void build(FIXTURE_DATA(malformed_states) *self, uint8_t flags, uint32_t payload)
{
	struct peer *p = &self->peer;
	struct peer_seg seg = { .seq = p->seq, .ack = p->ack, .len = payload, .lport = p->lport, .flags = flags };

	self->len = peer_build(p, &seg, self->packet, &self->l4);
}

/* Sends what was built, of which @invalid and @malformed are expected. */
static void send_spoiled(struct __test_metadata *_metadata, FIXTURE_DATA(malformed_states) *self, const char *before,
			 unsigned int invalid, unsigned int malformed)
{
	ASSERT_EQ(0, peer_write(&self->peer, self->packet, self->len));
	self->invalid += invalid;
	self->malformed += malformed;
	ASSERT_EQ(0, check_counts(before));
	ASSERT_EQ(0, check_totals(self->invalid, self->malformed, 0));
}

#define SEND_SPOILED(invalid, malformed) send_spoiled(_metadata, self, variant->before, invalid, malformed)

static void move(struct __test_metadata *_metadata, FIXTURE_DATA(malformed_states) *self, uint8_t flags,
		 const char *after)
{
	build(self, flags, 0);
	ASSERT_EQ(0, peer_write(&self->peer, self->packet, self->len));
	EXPECT_EQ(0, check_counts(after));
	EXPECT_EQ(0, check_totals(self->invalid, self->malformed, 0));
}

#define MOVE() move(_metadata, self, variant->mover, variant->after)

TEST_F(malformed_states, bad_checksum)
{
	const uint8_t flags[] = { variant->mover, PEER_SYN, FIN_ACK, PEER_RST, PEER_RST | PEER_ACK };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, flags[i], 0);
		self->packet[self->l4 + 16] ^= 0x55;
		SEND_SPOILED(1, 0);
	}
	MOVE();
}

TEST_F(malformed_states, data_offset_that_lies)
{
	static const uint8_t lies[] = { 0, 4, 6, 15 };
	unsigned int i;

	for (i = 0; i < sizeof(lies); i++) {
		build(self, variant->mover, 0);
		self->packet[self->l4 + 12] = lies[i] << 4;
		peer_fix_tcp(&self->peer, self->packet, self->l4, self->len);
		SEND_SPOILED(0, 1);
	}
	MOVE();
}

/* IP says less than there is: the rest is cut off. IP says more: the packet is dropped before TCP. */
TEST_F(malformed_states, ip_length_that_lies)
{
	unsigned int n;

	for (n = 0; n < 20; n += 4) {
		build(self, variant->mover, 0);
		peer_fix_ip(&self->peer, self->packet, self->l4 + n);
		SEND_SPOILED(0, 1);
	}
	build(self, variant->mover, 8);
	peer_fix_ip(&self->peer, self->packet, self->l4 + 20);	/* the checksum covers what has been cut off */
	SEND_SPOILED(1, 0);
	build(self, variant->mover, 0);
	peer_fix_ip(&self->peer, self->packet, self->len + 1);
	SEND_SPOILED(0, 0);
	MOVE();
}

/* Null and Xmas scans. In TIME_WAIT nothing without a RST is called invalid: Linux takes each for a sign of life. */
TEST_F(malformed_states, flags_that_cannot_be)
{
	static const uint8_t flags[] = { 0, PSH, PEER_FIN, PEER_FIN | PSH | URG };
	unsigned int i;

	for (i = 0; i < sizeof(flags); i++) {
		build(self, flags[i], 0);
		SEND_SPOILED(variant->state != TCP_TIME_WAIT, 0);
	}
	MOVE();
}

/*
 * SYN and RST at once is a RST, and one that counts where its number is exact. Where it is not, it is none. In
 * SYN_SENT a RST has to acknowledge the SYN.
 */
TEST_F(malformed_states, syn_and_rst)
{
	self->peer.seq -= 100000;
	build(self, PEER_SYN | PEER_RST, 0);
	SEND_SPOILED(1, 0);
	self->peer.seq += 100000;
	build(self, PEER_SYN | PEER_RST | PEER_ACK, 0);
	ASSERT_EQ(0, peer_write(&self->peer, self->packet, self->len));
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_totals(self->invalid, 0, 0));
}

/* A connection that a local socket opens, answered with @options; -1 when that fails */
static int open_active(struct peer *p, int family, const uint8_t *options, size_t n)
{
	struct peer_seg seg = { .seq = 5000, .flags = PEER_SYN | PEER_ACK, .noptions = n };
	uint8_t packet[PEER_PACKET];
	size_t l4;
	int fd;

	if (netns_enter() || peer_open(p, family))
		return -1;
	fd = peer_connect(p);
	seg.ack = p->ack;
	seg.lport = p->lport;
	if (n)
		memcpy(seg.options, options, n);
	p->seq = seg.seq + 1;
	if (fd < 0 || peer_write(p, packet, peer_build(p, &seg, packet, &l4)) || check_counts("ESTABLISHED=1") ||
	    peer_send(p, PEER_ACK, p->seq, p->ack, 0))
		return -1;
	return fd;
}

/*
 * Of two window-scale options in a SYN-ACK the kernel takes the last: the window is then 60000 << 7. 200,000 bytes
 * later, a FIN with an acknowledgment that is 100,000 bytes too old is still acceptable (tcp_ack()).
 */
static int fin_behind_two_scales(int family)
{
	static const uint8_t options[] = { 3, 3, 0, 1, 3, 3, 7, 1 };
	char text[1000] = { 0 };
	struct peer p;
	int fd = open_active(&p, family, options, sizeof(options)), i;
	uint32_t end;

	if (fd < 0)
		return -1;
	end = p.ack;
	for (i = 0; i < 200; i++) {
		if (send(fd, text, sizeof(text), 0) != sizeof(text))
			return -1;
		end += sizeof(text);
		do	/* on a slow kernel older text comes again */
			if (peer_expect(&p, PEER_ACK, NULL))
				return -1;
		while (p.ack != end);
		if (peer_send(&p, PEER_ACK, p.seq, p.ack, 0))
			return -1;
	}
	return peer_send(&p, FIN_ACK, p.seq, p.ack - 100000, 0) || check_counts("CLOSE_WAIT=1") ||
	       check_totals(0, 0, 0);
}

/* An acknowledgment older than the connection is in its window, and still none of it (RFC 5961, section 5.2). */
static int fin_with_ack_before_the_syn(int family)
{
	struct peer p;
	int fd = open_active(&p, family, NULL, 0);

	return fd < 0 || peer_send(&p, FIN_ACK, p.seq, p.ack - 1000, 0) || check_agreement() ||
	       check_counts("ESTABLISHED=1") || check_totals(1, 0, 0);
}

TEST(two_window_scales_ipv4)
{
	EXPECT_EQ(0, fin_behind_two_scales(AF_INET));
}

TEST(two_window_scales_ipv6)
{
	EXPECT_EQ(0, fin_behind_two_scales(AF_INET6));
}

TEST(ack_older_than_the_connection_ipv4)
{
	EXPECT_EQ(0, fin_with_ack_before_the_syn(AF_INET));
}

TEST(ack_older_than_the_connection_ipv6)
{
	EXPECT_EQ(0, fin_with_ack_before_the_syn(AF_INET6));
}

TEST_HARNESS_MAIN
