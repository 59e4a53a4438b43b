// SPDX-License-Identifier: GPL-2.0-only
/*
 * What only single packets can bring about: half-open connections, crossing SYNs and FINs, segments out of order or out
 * of the window. Each test in a network namespace of its own, over IPv4 and IPv6.
 *
 *	socket --- 10.99.0.1, fd99::1 (tun0) === the test: 10.99.0.2, fd99::2
 *
 * After every step the counts of the nine states are compared with what is expected and with inet_diag.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "kselftest_harness.h"
#include "peer.h"
#include "testlib.h"

#define PORT	7000
#define ISN	1000000

#define OPEN_PASSIVE	"SYN_RECV=1 ESTABLISHED=1"
#define OPEN_ACTIVE	"SYN_SENT=1 ESTABLISHED=1"
#define FIN_ACK		(PEER_FIN | PEER_ACK)
#define SYN_ACK		(PEER_SYN | PEER_ACK)

FIXTURE(wire) {
	struct peer peer;
	int listener;
	int fd;
};

FIXTURE_VARIANT(wire) {
	int family;
};

FIXTURE_VARIANT_ADD(wire, ipv4) { .family = AF_INET };
FIXTURE_VARIANT_ADD(wire, ipv6) { .family = AF_INET6 };

FIXTURE_SETUP(wire)
{
	struct sockaddr_storage addr;
	socklen_t len;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, peer_open(&self->peer, variant->family));
	/* A tail-loss probe would be one segment more. */
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_early_retrans", "0"));
	len = peer_local(&self->peer, &addr, PORT);
	self->fd = -1;
	self->listener = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(self->listener, 16));
}

FIXTURE_TEARDOWN(wire)
{
}

static void passive_open(struct __test_metadata *_metadata, FIXTURE_DATA(wire) *self)
{
	ASSERT_EQ(0, peer_syn(&self->peer, PORT, ISN));
	ASSERT_EQ(0, check_counts("SYN_RECV=1"));
	ASSERT_EQ(0, peer_complete(&self->peer));
	self->fd = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, check_counts("ESTABLISHED=1"));
}

static void active_open(struct __test_metadata *_metadata, FIXTURE_DATA(wire) *self)
{
	struct peer *p = &self->peer;

	self->fd = peer_connect(p);
	ASSERT_LE(0, self->fd);
	ASSERT_EQ(0, check_counts("SYN_SENT=1"));
	ASSERT_EQ(0, peer_send(p, SYN_ACK, p->seq - 1, p->ack, 0));
	ASSERT_EQ(0, check_counts("ESTABLISHED=1"));
	ASSERT_EQ(0, peer_expect(p, PEER_ACK, NULL));
}

/* close(), and the FIN has come */
static void close_here(struct __test_metadata *_metadata, FIXTURE_DATA(wire) *self)
{
	close(self->fd);
	ASSERT_EQ(0, check_counts("FIN_WAIT1=1"));
	ASSERT_EQ(0, peer_expect(&self->peer, PEER_FIN, NULL));
}

#define PASSIVE_OPEN()	passive_open(_metadata, self)
#define ACTIVE_OPEN()	active_open(_metadata, self)
#define CLOSE_HERE()	close_here(_metadata, self)
#define SEND(flags, seq, ack, len) ASSERT_EQ(0, peer_send(p, flags, seq, ack, len))

TEST_F(wire, passive_open)
{
	PASSIVE_OPEN();
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(wire, active_open)
{
	ACTIVE_OPEN();
	EXPECT_EQ(0, check_entered(OPEN_ACTIVE));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(wire, half_open_reset)
{
	struct peer *p = &self->peer;

	ASSERT_EQ(0, peer_syn(p, PORT, ISN));
	ASSERT_EQ(0, check_counts("SYN_RECV=1"));
	SEND(PEER_RST, p->seq, 0, 0);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_RECV=1 CLOSE=1"));
}

/* Before the audit has looked, the listener answers for what is gone: a RST that no socket sends. */
TEST_F(wire, half_open_reset_then_ack)
{
	struct peer *p = &self->peer;

	ASSERT_EQ(0, peer_syn(p, PORT, ISN));
	SEND(PEER_RST, p->seq, 0, 0);
	SEND(PEER_ACK, p->seq, p->ack, 0);
	ASSERT_EQ(0, peer_expect(p, PEER_RST, NULL));
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_RECV=1 CLOSE=1"));
}

TEST_F(wire, syn_retransmitted)
{
	struct peer *p = &self->peer;

	ASSERT_EQ(0, peer_syn(p, PORT, ISN));
	SEND(PEER_SYN, ISN, 0, 0);
	EXPECT_EQ(0, check_counts("SYN_RECV=1"));
	ASSERT_EQ(0, peer_complete(p));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE));
}

TEST_F(wire, refused)
{
	struct peer *p = &self->peer;

	self->fd = peer_connect(p);
	ASSERT_LE(0, self->fd);
	/* does not acknowledge the SYN: nothing */
	SEND(PEER_RST | PEER_ACK, 0, p->ack - 1, 0);
	EXPECT_EQ(0, check_counts("SYN_SENT=1"));
	EXPECT_EQ(0, check_totals(1, 0, 0));
	SEND(PEER_RST | PEER_ACK, 0, p->ack, 0);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 CLOSE=1"));
	EXPECT_EQ(0, check_totals(1, 0, 0));
}

TEST_F(wire, closed_in_syn_sent)
{
	self->fd = peer_connect(&self->peer);
	ASSERT_LE(0, self->fd);
	EXPECT_EQ(0, check_counts("SYN_SENT=1"));
	close(self->fd);
	/* Nothing is sent: the audit finds out within 1.5 s. */
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 CLOSE=1"));
}

TEST_F(wire, simultaneous_open)
{
	struct peer *p = &self->peer;

	self->fd = peer_connect(p);
	ASSERT_LE(0, self->fd);
	SEND(PEER_SYN, p->seq - 1, 0, 0);
	EXPECT_EQ(0, check_counts("SYN_RECV=1"));
	SEND(SYN_ACK, p->seq - 1, p->ack, 0);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered("SYN_SENT=1 SYN_RECV=1 ESTABLISHED=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

/* The kernel ignores a FIN that comes with the SYN-ACK. */
TEST_F(wire, syn_ack_with_fin)
{
	struct peer *p = &self->peer;

	self->fd = peer_connect(p);
	ASSERT_LE(0, self->fd);
	SEND(SYN_ACK | PEER_FIN, p->seq - 1, p->ack, 0);
	ASSERT_EQ(0, peer_expect(p, PEER_ACK, NULL));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered(OPEN_ACTIVE));
	SEND(FIN_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_ACTIVE " CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(wire, simultaneous_close)
{
	struct peer *p = &self->peer;

	PASSIVE_OPEN();
	CLOSE_HERE();
	SEND(FIN_ACK, p->seq, p->ack - 1, 0);
	EXPECT_EQ(0, check_counts("CLOSING=1"));
	SEND(PEER_ACK, p->seq + 1, p->ack, 0);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " FIN_WAIT1=1 CLOSING=1 TIME_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(wire, fin_wait1_needs_an_ack_of_the_fin)
{
	struct peer *p = &self->peer;

	ACTIVE_OPEN();
	ASSERT_EQ(10, send(self->fd, "0123456789", 10, 0));
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	ASSERT_EQ(0, peer_expect(p, PEER_FIN, NULL));
	SEND(PEER_ACK, p->seq, p->ack - 1, 0);
	EXPECT_EQ(0, check_counts("FIN_WAIT1=1"));
	SEND(PEER_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("FIN_WAIT2=1"));
	SEND(FIN_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_ACTIVE " FIN_WAIT1=1 FIN_WAIT2=1 TIME_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(wire, fin_that_acknowledges_the_fin)
{
	struct peer *p = &self->peer;

	ACTIVE_OPEN();
	CLOSE_HERE();
	SEND(FIN_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_ACTIVE " FIN_WAIT1=1 FIN_WAIT2=1 TIME_WAIT=1"));
}

TEST_F(wire, passive_close)
{
	struct peer *p = &self->peer;

	PASSIVE_OPEN();
	SEND(FIN_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	/* The FIN once more: no change. */
	SEND(FIN_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	close(self->fd);
	EXPECT_EQ(0, check_counts("LAST_ACK=1"));
	ASSERT_EQ(0, peer_expect(p, PEER_FIN, NULL));
	SEND(PEER_ACK, p->seq + 1, p->ack - 1, 0);
	EXPECT_EQ(0, check_counts("LAST_ACK=1"));
	SEND(PEER_ACK, p->seq + 1, p->ack, 0);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " CLOSE_WAIT=1 LAST_ACK=1 CLOSE=1"));
}

TEST_F(wire, fin_out_of_order)
{
	struct peer *p = &self->peer;

	PASSIVE_OPEN();
	SEND(FIN_ACK, p->seq + 100, p->ack, 50);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	SEND(PEER_ACK, p->seq, p->ack, 40);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	SEND(PEER_ACK, p->seq + 40, p->ack, 60);
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_F(wire, reset_needs_the_exact_sequence)
{
	struct peer *p = &self->peer;

	PASSIVE_OPEN();
	SEND(PEER_RST, p->seq - 100000, 0, 0);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_totals(1, 0, 0));
	/* in the window: a challenge ACK */
	SEND(PEER_RST, p->seq + 10, 0, 0);
	ASSERT_EQ(0, peer_expect(p, PEER_ACK, NULL));
	sleep_ms(400);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE));
	SEND(PEER_RST, p->seq, 0, 0);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " CLOSE=1"));
	EXPECT_EQ(0, check_totals(1, 0, 0));
}

/* Sends until nothing more is wanted: p->seq is then at the window's edge. */
static int close_window(struct peer *p)
{
	struct peer_seg seg = { .window = 1000 };
	uint32_t n;
	int tries;

	for (tries = 0; tries < 200; tries++) {
		n = seg.window < 1000 ? seg.window : 1000;
		if (peer_send(p, PEER_ACK, p->seq, p->ack, n) || peer_recv(p, &seg, 1000))
			return -1;
		p->seq = seg.ack;
		if (!seg.window)
			return 0;
	}
	return -1;
}

static void zero_window(struct __test_metadata *_metadata, FIXTURE_DATA(wire) *self)
{
	int size = 4096;

	ASSERT_EQ(0, setsockopt(self->listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)));
	PASSIVE_OPEN();
	ASSERT_EQ(0, close_window(&self->peer));
	ASSERT_EQ(0, check_counts("ESTABLISHED=1"));
}

/* Newer kernels take a bare FIN there, older ones do not. */
TEST_F(wire, fin_into_a_closed_window)
{
	struct peer *p = &self->peer;
	char buf[65536];

	zero_window(_metadata, self);
	SEND(FIN_ACK, p->seq, p->ack, 0);
	sleep_ms(500);
	EXPECT_EQ(0, check_agreement());
	while (recv(self->fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	SEND(FIN_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts("CLOSE_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " CLOSE_WAIT=1"));
}

/* The probe's byte is not taken, so the RST behind it is not exact. */
TEST_F(wire, reset_behind_a_window_probe)
{
	struct peer *p = &self->peer;

	zero_window(_metadata, self);
	SEND(PEER_ACK, p->seq, p->ack, 1);
	SEND(PEER_RST | PEER_ACK, p->seq + 1, p->ack, 0);
	sleep_ms(500);
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE));
	SEND(PEER_RST | PEER_ACK, p->seq, p->ack, 0);
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " CLOSE=1"));
}

TEST_F(wire, syn_in_established)
{
	struct peer *p = &self->peer;

	PASSIVE_OPEN();
	SEND(PEER_SYN, p->seq + 1000, 0, 0);
	ASSERT_EQ(0, peer_expect(p, PEER_ACK, NULL));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE));
	EXPECT_EQ(0, check_totals(1, 0, 0));
}

static void to_time_wait(struct __test_metadata *_metadata, FIXTURE_DATA(wire) *self)
{
	struct peer *p = &self->peer;

	PASSIVE_OPEN();
	CLOSE_HERE();
	SEND(FIN_ACK, p->seq, p->ack, 0);
	ASSERT_EQ(0, check_counts("TIME_WAIT=1"));
	p->seq++;
}

/* RFC 6191: the tuple begins anew. */
TEST_F(wire, syn_in_time_wait)
{
	struct peer *p = &self->peer;

	to_time_wait(_metadata, self);
	ASSERT_EQ(0, peer_syn(p, PORT, p->seq + 100000));
	EXPECT_EQ(0, check_counts("SYN_RECV=1"));
	ASSERT_EQ(0, peer_complete(p));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_EQ(0, check_entered("SYN_RECV=2 ESTABLISHED=2 FIN_WAIT1=1 FIN_WAIT2=1 TIME_WAIT=1 CLOSE=1"));
}

/* RFC 1337: by default the kernel lets an exact RST end TIME_WAIT. */
TEST_F(wire, reset_in_time_wait)
{
	struct peer *p = &self->peer;

	to_time_wait(_metadata, self);
	SEND(PEER_RST, p->seq + 5000000, 0, 0);
	sleep_ms(400);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	SEND(PEER_RST, p->seq, 0, 0);
	EXPECT_EQ(0, check_counts(""));
}

TEST_F(wire, reset_in_time_wait_rfc1337)
{
	struct peer *p = &self->peer;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_rfc1337", "1"));
	to_time_wait(_metadata, self);
	SEND(PEER_RST, p->seq, 0, 0);
	sleep_ms(1000);
	EXPECT_EQ(0, check_counts("TIME_WAIT=1"));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " FIN_WAIT1=1 FIN_WAIT2=1 TIME_WAIT=1"));
}

static int socket_state(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) ? -1 : info.tcpi_state;
}

static int tracked(void)
{
	struct snapshot s;

	return snapshot_read("/proc/self/net/tcpstate", &s) ? -1 : (int)s.tracked;
}

static int time_waits(void)
{
	struct snapshot s;

	return snapshot_read("/proc/self/net/tcpstate", &s) ? -1 : (int)s.count[TCP_TIME_WAIT];
}

/*
 * A new connection that no SYN-ACK of a socket begins: its first segment ends the old record, the next begins a new one.
 * Newer kernels (6.12) send no cookie in TIME_WAIT: there the record begins anew with the SYN-ACK.
 */
TEST_F_TIMEOUT(wire, cookie_in_time_wait, 120)
{
	struct peer *p = &self->peer;
	int i;

	to_time_wait(_metadata, self);
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_syncookies", "2"));
	ASSERT_EQ(0, peer_syn(p, PORT, p->seq + 100000));
	ASSERT_EQ(0, peer_complete(p));
	self->fd = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, self->fd);
	for (i = 0; i < 62 && time_waits(); i++) {
		ASSERT_EQ(2, send(self->fd, "hi", 2, 0));
		ASSERT_EQ(0, peer_expect(p, PEER_ACK, NULL));
		SEND(PEER_ACK, p->seq, p->ack, 0);
		sleep_ms(1000);
	}
	EXPECT_EQ(0, time_waits());
	EXPECT_EQ(TCP_ESTABLISHED, socket_state(self->fd));
	ASSERT_EQ(2, send(self->fd, "hi", 2, 0));
	EXPECT_EQ(0, check_counts("ESTABLISHED=1"));
	EXPECT_GT(5, i);
}

/* The module sees the FIN, the socket does not. */
TEST_F_TIMEOUT(wire, fin_that_a_filter_drops, 120)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog drop = { .len = 1, .filter = &nothing };
	struct peer *p = &self->peer;
	struct snapshot s;
	int i;

	PASSIVE_OPEN();
	ASSERT_EQ(0, shutdown(self->fd, SHUT_WR));
	ASSERT_EQ(0, peer_expect(p, PEER_FIN, NULL));
	SEND(PEER_ACK, p->seq, p->ack, 0);
	ASSERT_EQ(0, check_counts("FIN_WAIT2=1"));
	ASSERT_EQ(0, setsockopt(self->fd, SOL_SOCKET, SO_ATTACH_FILTER, &drop, sizeof(drop)));
	SEND(FIN_ACK, p->seq, p->ack, 0);
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &s));
	if (s.sockets) {
		sleep_ms(1000);
		EXPECT_EQ(0, check_counts("FIN_WAIT2=1"));
		EXPECT_EQ(0, check_entered(OPEN_PASSIVE " FIN_WAIT1=1 FIN_WAIT2=1"));
		return;
	}
	for (i = 0; i < 62 && tracked(); i++)
		sleep_ms(1000);
	EXPECT_EQ(0, tracked());
	EXPECT_EQ(TCP_FIN_WAIT2, socket_state(self->fd));
	EXPECT_EQ(0, check_entered(OPEN_PASSIVE " FIN_WAIT1=1 FIN_WAIT2=1 TIME_WAIT=1 CLOSE=1"));
}

/* A segment for a port where nobody is: the kernel's RST makes no record. */
TEST_F(wire, stray_segments)
{
	struct peer *p = &self->peer;

	p->lport = PORT + 1;
	SEND(PEER_ACK, 1, 1, 0);
	ASSERT_EQ(0, peer_expect(p, PEER_RST, NULL));
	SEND(PEER_SYN, 1, 0, 0);
	ASSERT_EQ(0, peer_expect(p, PEER_RST, NULL));
	EXPECT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered(""));
	EXPECT_EQ(0, check_totals(0, 0, 0));
}

TEST_HARNESS_MAIN
