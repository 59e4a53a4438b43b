// SPDX-License-Identifier: GPL-2.0-only
/*
 * Many troubles at once, and thresholds that change meanwhile: what is told stays bounded and in order, each raise has its
 * clear, and what is wrong is refused whole.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "notices.h"

#define PORT	10000
#define MANY	1000
#define ROOM	(TCPSTATE_ALERTS_MAX - 4)	/* four places are for the namespace's own */

#define STALLED	TCPSTATE_ALERT_KIND_ACCEPT_STALLED

FIXTURE(many) {
	struct notices *s;
	int listener[MANY];
	int client[MANY];
};

FIXTURE_SETUP(many)
{
	struct rlimit files = { 8192, 8192 };
	int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, netns_enter());
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, 0));
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_ACCEPT_STALLED_COUNT, 1));
	for (i = 0; i < MANY; i++) {
		self->listener[i] = nl_listen("127.0.0.1", PORT + i, 100);
		ASSERT_LE(0, self->listener[i]);
	}
}

FIXTURE_TEARDOWN(many)
{
	free(self->s);
}

static void stall(struct __test_metadata *_metadata, FIXTURE_DATA(many) *self)
{
	int i;

	for (i = 0; i < MANY; i++) {
		self->client[i] = nl_connect(NULL, 0, "127.0.0.1", PORT + i, false);
		ASSERT_LE(0, self->client[i]);
	}
}

/* Every alert: one raise, then one clear or none. Returns how many are active. */
static int check_pairs(struct __test_metadata *_metadata, const struct notices *s)
{
	static unsigned char raised[NOTICES_MAX], cleared[NOTICES_MAX];
	int active = 0;
	uint32_t last = 0;
	size_t i;

	memset(raised, 0, sizeof(raised));
	memset(cleared, 0, sizeof(cleared));
	for (i = 0; i < s->n; i++) {
		const struct nl_alert *n = &s->list[i];

		ASSERT_GT(NOTICES_MAX, n->id);
		if (n->action == RAISE) {
			EXPECT_LT(last, n->id);	/* in order */
			last = n->id;
			EXPECT_EQ(0, raised[n->id]++);
			active++;
		} else {
			EXPECT_EQ(1, raised[n->id]);
			EXPECT_EQ(0, cleared[n->id]);
		}
		if (n->action == CLEAR) {
			cleared[n->id]++;
			active--;
		}
	}
	return active;
}

/* 1,000 at once: as many as there is room for, and one that says that there was none for the others; these come later. */
TEST_F_TIMEOUT(many, at_once, 6000)
{
	int i, round, fd;

	stall(_metadata, self);
	ASSERT_EQ(0, notices_take(self->s, 60000));
	EXPECT_EQ(ROOM, notices_count(self->s, STALLED, RAISE, 0));
	EXPECT_EQ(1, notices_count(self->s, TCPSTATE_ALERT_KIND_PEERS_FULL, RAISE, 0));
	EXPECT_EQ(ROOM + 1, check_pairs(_metadata, self->s));
	EXPECT_GE(2 * ROOM, self->s->n);
	for (round = 0; round < 4; round++) {
		for (i = round * MANY / 4; i < (round + 1) * MANY / 4; i++) {
			fd = accept(self->listener[i], NULL, NULL);
			EXPECT_LE(0, fd);
			close(fd);
		}
		ASSERT_EQ(0, notices_take(self->s, 20000));
	}
	ASSERT_EQ(0, notices_take(self->s, 120000));
	EXPECT_EQ(0, check_pairs(_metadata, self->s));
	EXPECT_LT(ROOM, notices_count(self->s, STALLED, RAISE, 0));
	EXPECT_GE(MANY, notices_count(self->s, STALLED, RAISE, 0));
}

/* Thresholds go up and down while there is trouble: nothing is lost, nothing is told twice. */
TEST_F_TIMEOUT(many, thresholds_change, 6000)
{
	int i;

	stall(_metadata, self);
	for (i = 0; i < 100; i++) {
		ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_ACCEPT_STALLED_AGE, i % 2 ? 5 : 86400));
		ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_ACCEPT_STALLED_SECONDS, i % 7));
		ASSERT_EQ(0, notices_take(self->s, 3000));
		check_pairs(_metadata, self->s);
		if (self->s->n > NOTICES_MAX - 4 * ROOM)
			break;
	}
	EXPECT_LT(2 * ROOM, self->s->n);
	ASSERT_EQ(0, notices_threshold(self->s, TCPSTATE_A_THRESHOLDS_ACCEPT_STALLED_AGE, 86400));
	ASSERT_EQ(0, notices_take(self->s, 5000));
	EXPECT_EQ(0, notices_count(self->s, STALLED, RAISE, 0) - notices_count(self->s, STALLED, CLEAR, 0));
}

TEST_HARNESS_MAIN
