// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps while everything moves: an endpoint that stays in its state from the request to the last message is listed
 * exactly once, whatever opens and closes before and behind it in the lists. The messages are small, so that a dump
 * takes many and goes on where endpoints were that are gone.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl.h"

#define PORT		7000
#define CHURN_PORT	7001
#define STABLE		250	/* connections: twice as many endpoints */
#define DUMPS		24

struct record {
	struct nl_tuple tuple;
	uint32_t state;
	unsigned int times;	/* listed in this dump */
	unsigned int wrong;	/* in another state */
};

static struct record stable[2 * STABLE];
static unsigned int nstable, others;
static int temporary[STABLE], ntemporary;

static int by_tuple(const void *a, const void *b)
{
	return memcmp(&((const struct record *)a)->tuple, &((const struct record *)b)->tuple, sizeof(struct nl_tuple));
}

static void listed(const struct nl_endpoint *e, void *arg)
{
	struct record key = { .tuple = e->tuple }, *r = bsearch(&key, stable, nstable, sizeof(stable[0]), by_tuple);

	if (!r) {
		others++;
		return;
	}
	r->times++;
	r->wrong += r->state != e->local;
}

static int keep(int fd, uint32_t state)
{
	struct record *r = &stable[nstable++];

	r->state = state;
	return nl_tuple_of(fd, &r->tuple);
}

/*
 * Connections that open and close, as fast as they can: those that reset leave room for the next, those that do not
 * go through all states and stay in TIME_WAIT.
 */
static void churn(void)
{
	int listener = nl_listen("127.0.0.2", CHURN_PORT, 100), fd, peer, open[50][2] = { { 0 } };
	unsigned int i;

	for (i = 0;; i++) {
		fd = nl_connect(NULL, 0, "127.0.0.2", CHURN_PORT, false);
		peer = accept(listener, NULL, NULL);
		if (fd < 0 || peer < 0)
			_exit(1);
		if (i % 4 == 0) {
			close(fd);
			close(peer);
			continue;
		}
		/* kept for a while, so that it is there for a dump to meet: open, or closed by the far end */
		if (open[i % 50][0]) {
			nl_reset(open[i % 50][0]);
			close(open[i % 50][1]);
		}
		if (i % 4 == 1)
			shutdown(peer, SHUT_WR);
		open[i % 50][0] = fd;
		open[i % 50][1] = peer;
	}
}

static int one_dump(struct nl *nl, unsigned int *messages, unsigned int states)
{
	unsigned int i, bad = 0;
	struct nlattr *nest;
	struct nl_msg m;
	int err;

	for (i = 0; i < nstable; i++)
		stable[i].times = stable[i].wrong = 0;
	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	if (states) {
		nest = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
		nl_put_u32(&m, TCPSTATE_A_FILTER_STATES, states);
		nl_nest_end(&m, nest);
	}
	err = nl_send(nl, &m);
	if (err)
		return err;
	while ((err = nl_dump_next(nl, listed, NULL)) > 0) {
		(*messages)++;
		/* some of what is in between goes away just now */
		if (ntemporary && *messages % 2)
			nl_reset(temporary[--ntemporary]);
		usleep(1000);	/* the others' turn */
	}
	if (err)
		return err;
	for (i = 0; i < nstable; i++) {
		unsigned int want = !states || states & NL_STATE(stable[i].state);

		if (stable[i].times == want && !stable[i].wrong)
			continue;
		if (!bad++)
			printf("# endpoint with port %u in %s was listed %u times, %u of them in another state\n",
			       stable[i].tuple.port[0], state_name(stable[i].state), stable[i].times, stable[i].wrong);
	}
	if (bad)
		printf("# %u of %u endpoints were not listed exactly %s\n", bad, nstable, states ? "as filtered" : "once");
	return bad ? -1 : 0;
}

FIXTURE(churn) {
	struct nl nl;
	struct nl dump;	/* its messages are short */
	pid_t child;
};

FIXTURE_SETUP(churn)
{
	int listener, fd, peer, i;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nofile_max());
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open_short(&self->dump));
	listener = nl_listen("127.0.0.1", PORT, 100);
	ASSERT_LE(0, listener);
	for (i = 0; i < STABLE; i++) {
		/* one between each two that is to go */
		temporary[ntemporary++] = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		peer = accept(listener, NULL, NULL);
		if (i % 2)
			close(peer);
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		peer = accept(listener, NULL, NULL);
		ASSERT_LE(0, peer);
		if (i % 3 == 0)
			shutdown(fd, SHUT_WR);
		ASSERT_EQ(0, keep(fd, i % 3 ? TCPSTATE_STATE_ESTABLISHED : TCPSTATE_STATE_FIN_WAIT2));
		ASSERT_EQ(0, keep(peer, i % 3 ? TCPSTATE_STATE_ESTABLISHED : TCPSTATE_STATE_CLOSE_WAIT));
	}
	sleep_ms(200);		/* an ACK of a FIN may be delayed */
	qsort(stable, nstable, sizeof(stable[0]), by_tuple);
	self->child = fork();
	if (!self->child)
		churn();
}

FIXTURE_TEARDOWN(churn)
{
	int status;

	kill(self->child, SIGKILL);
	waitpid(self->child, &status, 0);
	EXPECT_TRUE(WIFSIGNALED(status)) TH_LOG("the connections ended by themselves");
	nl_close(&self->nl);
}

static void dumps(struct __test_metadata *_metadata, FIXTURE_DATA(churn) *self, unsigned int states)
{
	unsigned int messages = 0, i;
	struct nl_stats before, after;

	ASSERT_EQ(0, nl_stats(&self->nl, &before));
	for (i = 0; i < DUMPS; i++)
		EXPECT_EQ(0, one_dump(&self->dump, &messages, states)) TH_LOG("dump %u", i);
	ASSERT_EQ(0, nl_stats(&self->nl, &after));
	printf("# %u dumps in %u messages: %u stable endpoints, %u times another, %llu transitions meanwhile\n", DUMPS,
	       messages, nstable, others, (unsigned long long)(after.transitions - before.transitions));
	EXPECT_LT(8 * DUMPS, messages);
	/* a debug kernel is slow */
	EXPECT_LT(getenv("TCPSTATE_MANY") ? 200 : 10000, after.transitions - before.transitions);
	EXPECT_LT(100, others);
}

TEST_F_TIMEOUT(churn, all, 600)
{
	dumps(_metadata, self, 0);
}

TEST_F_TIMEOUT(churn, open_ones, 600)
{
	dumps(_metadata, self, NL_STATE(TCPSTATE_STATE_ESTABLISHED));
}

TEST_HARNESS_MAIN
