// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections with a remote port 0, which connect() and a listener take like any other: the module's endpoints are the
 * kernel's, by tuple, within a second. The far end is a program, which answers nothing unasked.
 *
 *	socket --- tun0 === this test (peer.c)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "oracle.h"
#include "peer.h"

#define PORT	7000
#define ISN	1000

FIXTURE(zero) {
	struct oracle o;
	struct peer peer;
	int fd;
};

FIXTURE_VARIANT(zero) {
	int family;
	const char *loopback;
};

FIXTURE_VARIANT_ADD(zero, ipv4) { .family = AF_INET, .loopback = "127.0.0.1" };
FIXTURE_VARIANT_ADD(zero, ipv6) { .family = AF_INET6, .loopback = "::1" };

FIXTURE_SETUP(zero)
{
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, peer_open(&self->peer, variant->family));
	ASSERT_EQ(0, oracle_open(&self->o));
}

FIXTURE_TEARDOWN(zero)
{
	EXPECT_EQ(0, oracle_undiverged(&self->o));
}

/* As peer_send(), from port 0. */
static int send_from_zero(const struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack)
{
	struct peer_seg seg = { .seq = seq, .ack = ack, .lport = p->lport, .flags = flags };
	uint8_t packet[PEER_PACKET];
	size_t l4, n;

	n = peer_build(p, &seg, packet, &l4);
	memset(packet + l4, 0, 2);
	peer_fix_tcp(p, packet, l4, n);
	return peer_write(p, packet, n);
}

TEST_F(zero, refused)
{
	struct sockaddr_storage to;
	socklen_t len = nl_sockaddr(&to, variant->loopback, 0);
	int i;

	for (i = 0; i < 10; i++) {
		self->fd = socket(variant->family, SOCK_STREAM, 0);
		ASSERT_EQ(-1, connect(self->fd, (struct sockaddr *)&to, len));
		EXPECT_EQ(ECONNREFUSED, errno);
	}
	EQUAL(&self->o, "");
}

TEST_F(zero, opened_from_here)
{
	struct sockaddr_storage to;
	socklen_t len = peer_remote(&self->peer, &to);
	struct peer_seg syn;

	((struct sockaddr_in *)&to)->sin_port = 0;	/* IPv6's is at the same place */
	self->fd = socket(variant->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(-1, connect(self->fd, (struct sockaddr *)&to, len));
	ASSERT_EQ(EINPROGRESS, errno);
	EQUAL(&self->o, "SYN_SENT=1");
	ASSERT_EQ(0, peer_expect(&self->peer, PEER_SYN, &syn));
	self->peer.lport = syn.lport;
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_SYN | PEER_ACK, ISN, syn.seq + 1));
	EQUAL(&self->o, "ESTABLISHED=1");
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_FIN | PEER_ACK, ISN + 1, syn.seq + 1));
	EQUAL(&self->o, "CLOSE_WAIT=1");
	close(self->fd);
	EQUAL(&self->o, "LAST_ACK=1");
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_ACK, ISN + 2, syn.seq + 2));
	EQUAL(&self->o, "");
}

TEST_F(zero, given_up)
{
	struct sockaddr_storage to;
	socklen_t len = peer_remote(&self->peer, &to);

	((struct sockaddr_in *)&to)->sin_port = 0;
	self->fd = socket(variant->family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	ASSERT_EQ(-1, connect(self->fd, (struct sockaddr *)&to, len));
	EQUAL(&self->o, "SYN_SENT=1");
	close(self->fd);
	EQUAL(&self->o, "");
}

TEST_F(zero, accepted)
{
	struct sockaddr_storage addr;
	socklen_t len = peer_local(&self->peer, &addr, PORT);
	struct peer_seg answer;
	int listener;

	listener = socket(variant->family, SOCK_STREAM, 0);
	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(listener, 10));
	self->peer.lport = PORT;
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_SYN, ISN, 0));
	ASSERT_EQ(0, peer_expect(&self->peer, PEER_SYN | PEER_ACK, &answer));
	EQUAL(&self->o, "LISTEN=1 SYN_RECV=1");
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_ACK, ISN + 1, answer.seq + 1));
	EQUAL(&self->o, "LISTEN=1 ESTABLISHED=1");
	self->fd = accept(listener, NULL, NULL);
	ASSERT_LE(0, self->fd);
	close(self->fd);
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT1=1");
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_ACK, ISN + 1, answer.seq + 2));
	EQUAL(&self->o, "LISTEN=1 FIN_WAIT2=1");
	ASSERT_EQ(0, send_from_zero(&self->peer, PEER_FIN | PEER_ACK, ISN + 1, answer.seq + 2));
	EQUAL(&self->o, "LISTEN=1 TIME_WAIT=1");
}

TEST_HARNESS_MAIN
