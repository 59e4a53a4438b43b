// SPDX-License-Identifier: GPL-2.0-only
/*
 * The same segment on two processors at once: each final ACK, each FIN and each RST of many connections is written to the
 * tun device by two threads in step. Whoever loses, each transition happens once; the loser's child socket dies with
 * the winner's tuple. For a machine with several processors.
 */
#define _GNU_SOURCE
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "peer.h"
#include "testlib.h"

#define PORT		7000
#define FIRST_PORT	10000
#define MANY		300
#define ISN		1000000u
#define ALL		"300"

FIXTURE(race) {
	struct peer peer;
	int listener;
	uint32_t ack[MANY];	/* the kernel's next sequence number */
};

FIXTURE_VARIANT(race) {
	int family;
};

FIXTURE_VARIANT_ADD(race, ipv4) { .family = AF_INET };
FIXTURE_VARIANT_ADD(race, ipv6) { .family = AF_INET6 };

FIXTURE_SETUP(race)
{
	struct sockaddr_storage addr;
	struct peer_seg seg = { .lport = PORT, .seq = ISN, .flags = PEER_SYN };
	uint8_t packet[PEER_PACKET];
	socklen_t len;
	size_t n, l4;
	int i;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_syn_backlog", "4096"));
	ASSERT_EQ(0, peer_open(&self->peer, variant->family));
	len = peer_local(&self->peer, &addr, PORT);
	self->listener = socket(variant->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ASSERT_EQ(0, bind(self->listener, (struct sockaddr *)&addr, len));
	ASSERT_EQ(0, listen(self->listener, 2 * MANY));
	for (i = 0; i < MANY; i++) {
		struct peer_seg answer;

		seg.rport = FIRST_PORT + i;
		n = peer_build(&self->peer, &seg, packet, &l4);
		ASSERT_EQ(0, peer_write(&self->peer, packet, n));
		do {	/* on a slow kernel older ones come again */
			ASSERT_EQ(0, peer_recv(&self->peer, &answer, 20000));
		} while (answer.rport != seg.rport);
		ASSERT_EQ(PEER_SYN | PEER_ACK, answer.flags);
		self->ack[i] = answer.seq + 1;
	}
	ASSERT_EQ(0, check_counts("SYN_RECV=" ALL));
}

FIXTURE_TEARDOWN(race)
{
}

struct runner {
	pthread_t thread;
	int cpu;
	const struct peer *peer;
	const uint32_t *ack;
	uint32_t seq;
	uint8_t flags;
	atomic_int *step;
	int failed;
};

/* Sends the segment of each connection when the other thread is about to do so, too. */
static void *run(void *arg)
{
	struct runner *r = arg;
	uint8_t packet[PEER_PACKET];
	cpu_set_t cpus;
	int i;

	CPU_ZERO(&cpus);
	CPU_SET(r->cpu, &cpus);
	r->failed = sched_setaffinity(0, sizeof(cpus), &cpus);
	for (i = 0; i < MANY; i++) {
		struct peer_seg seg = {
			.lport = PORT, .rport = FIRST_PORT + i, .seq = r->seq, .ack = r->ack[i], .flags = r->flags,
		};
		size_t l4, n = peer_build(r->peer, &seg, packet, &l4);

		atomic_fetch_add(r->step, 1);
		while (atomic_load(r->step) < 2 * (i + 1))
			;
		r->failed |= peer_write(r->peer, packet, n);
	}
	return NULL;
}

static int both(const struct peer *peer, const uint32_t *ack, uint8_t flags, uint32_t seq)
{
	atomic_int step = 0;
	struct runner r[2];
	int i, failed = 0;

	for (i = 0; i < 2; i++) {
		r[i] = (struct runner){ .cpu = i, .peer = peer, .ack = ack, .seq = seq, .flags = flags, .step = &step };
		if (pthread_create(&r[i].thread, NULL, run, &r[i]))
			return -1;
	}
	for (i = 0; i < 2; i++) {
		pthread_join(r[i].thread, NULL);
		failed |= r[i].failed;
	}
	return failed;
}

TEST_F_TIMEOUT(race, final_ack_then_fin_then_reset, 300)
{
	ASSERT_EQ(0, both(&self->peer, self->ack, PEER_ACK, ISN + 1));
	ASSERT_EQ(0, check_counts("ESTABLISHED=" ALL));
	EXPECT_EQ(0, check_entered("SYN_RECV=" ALL " ESTABLISHED=" ALL));
	ASSERT_EQ(0, both(&self->peer, self->ack, PEER_FIN | PEER_ACK, ISN + 1));
	ASSERT_EQ(0, check_counts("CLOSE_WAIT=" ALL));
	ASSERT_EQ(0, both(&self->peer, self->ack, PEER_RST, ISN + 2));
	ASSERT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_RECV=" ALL " ESTABLISHED=" ALL " CLOSE_WAIT=" ALL " CLOSE=" ALL));
}

TEST_F_TIMEOUT(race, final_ack_with_fin, 300)
{
	ASSERT_EQ(0, both(&self->peer, self->ack, PEER_FIN | PEER_ACK, ISN + 1));
	ASSERT_EQ(0, check_counts("CLOSE_WAIT=" ALL));
	EXPECT_EQ(0, check_entered("SYN_RECV=" ALL " ESTABLISHED=" ALL " CLOSE_WAIT=" ALL));
	close(self->listener);
	ASSERT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_RECV=" ALL " ESTABLISHED=" ALL " CLOSE_WAIT=" ALL " CLOSE=" ALL));
}

TEST_F_TIMEOUT(race, reset_half_open, 300)
{
	ASSERT_EQ(0, both(&self->peer, self->ack, PEER_RST, ISN + 1));
	ASSERT_EQ(0, check_counts(""));
	EXPECT_EQ(0, check_entered("SYN_RECV=" ALL " CLOSE=" ALL));
}

TEST_HARNESS_MAIN
