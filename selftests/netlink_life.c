// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ends: of the module while dumps are open and somebody listens, of listeners, and of network namespaces that are
 * listened to or dumped.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl_alert.h"

#define PORT	7000
#define PAIRS	200

FIXTURE(life) {
	struct nl nl;
	struct nl dump;		/* its messages are short: a dump of all pairs takes many */
	int listener;
	bool sockets;		/* they tell: the listener is an endpoint, too, and the module finds all when it is loaded */
	unsigned int endpoints;
};

static int reload(void)
{
	const char *ko = getenv("TCPSTATE_KO"), *params = getenv("TCPSTATE_PARAMS");
	char command[256];
	int fd, err;

	snprintf(command, sizeof(command), "modprobe tcpstate %s", params ? params : "");
	if (!ko)
		return system(command);
	fd = open(ko, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || syscall(SYS_finit_module, fd, params ? params : "", 0) ? -errno : 0;
	close(fd);
	return err;
}

/* 0 or a negative errno; what holds the module only for a moment is waited for. */
static int unload(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		if (!syscall(SYS_delete_module, "tcpstate", O_NONBLOCK))
			return 0;
		sleep_ms(20);
	}
	return -errno;
}

FIXTURE_SETUP(life)
{
	struct snapshot s;
	int i, fd;

	ASSERT_EQ(0, nofile_max());
	if (access("/proc/tcpstate", F_OK))	/* the test before has failed */
		ASSERT_EQ(0, reload());
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &s));
	self->sockets = s.sockets;
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open_short(&self->dump));
	self->listener = nl_listen("127.0.0.1", PORT, 1000);
	ASSERT_LE(0, self->listener);
	for (i = 0; i < PAIRS; i++) {
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		ASSERT_LE(0, fd);
	}
	self->endpoints = 2 * PAIRS + self->sockets;
}

FIXTURE_TEARDOWN(life)
{
	nl_close(&self->nl);
	nl_close(&self->dump);
	if (access("/proc/tcpstate", F_OK))
		EXPECT_EQ(0, reload());
}

static void count(const struct nl_endpoint *e, void *arg)
{
	(*(unsigned int *)arg)++;
}

static void count_events(const struct nl_event *e, void *arg)
{
	(*(unsigned int *)arg)++;
}

static int begin_dump(struct nl *nl, unsigned int *n)
{
	struct nl_msg m;

	*n = 0;
	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	return nl_send(nl, &m) || nl_dump_next(nl, count, n) != 1 ? -1 : 0;
}

TEST_F(life, unload_while_a_dump_is_open)
{
	unsigned int n, before;
	int err;

	ASSERT_EQ(0, begin_dump(&self->dump, &n));
	EXPECT_LT(0, n);
	EXPECT_GT(self->endpoints, n);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	EXPECT_EQ(0, access("/proc/tcpstate", F_OK));
	/* and the dump is none the worse for it */
	before = n;
	while ((err = nl_dump_next(&self->dump, count, &n)) > 0)
		;
	EXPECT_EQ(0, err);
	EXPECT_EQ(self->endpoints, n);
	printf("# %u endpoints in the first message, %u in all\n", before, n);
	EXPECT_EQ(0, unload());
	EXPECT_NE(0, access("/proc/tcpstate", F_OK));
}

TEST_F(life, unload_after_a_dump_was_left)
{
	unsigned int n;

	ASSERT_EQ(0, begin_dump(&self->dump, &n));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	nl_close(&self->dump);
	EXPECT_EQ(0, unload());
}

static int count_peers(const struct nlmsghdr *h, void *arg)
{
	struct nl_peer p;

	(*(unsigned int *)arg)++;
	return nl_parse_peer(h, &p);
}

static int begin_peers(struct nl *nl, unsigned int *n)
{
	struct nl_msg m;

	*n = 0;
	nl_begin(&m, nl, TCPSTATE_CMD_PEER_GET, NLM_F_DUMP);
	return nl_send(nl, &m) || nl_next(nl, count_peers, n) != 1 ? -1 : 0;
}

/* The same of listeners and destinations, of which a dump holds one from message to message; the alert just ends. */
TEST_F(life, unload_while_peers_are_dumped)
{
	unsigned int n, i;
	char host[20];
	int err;

	for (i = 1; i <= PAIRS; i++) {
		snprintf(host, sizeof(host), "127.1.0.%u", i);
		ASSERT_LE(0, nl_connect(host, 0, "127.0.0.1", PORT, false));
	}
	ASSERT_EQ(0, nl_join(&self->nl, NL_ALERTS));
	ASSERT_EQ(0, nl_set_threshold(&self->nl, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 0));
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, self->endpoints));
	sleep_ms(2000);
	EXPECT_EQ(1, nl_alerts(&self->dump, NULL, 0));
	ASSERT_EQ(0, begin_peers(&self->dump, &n));
	EXPECT_GT(PAIRS, n);
	EXPECT_EQ(-EWOULDBLOCK, unload());
	while ((err = nl_next(&self->dump, count_peers, &n)) > 0)
		;
	EXPECT_EQ(0, err);
	/* a destination and a local address each, that destination of the setup's, and the listener */
	EXPECT_EQ(2 * PAIRS + 2, n);
	ASSERT_EQ(0, begin_peers(&self->dump, &n));
	EXPECT_EQ(-EWOULDBLOCK, unload());
	nl_close(&self->dump);
	EXPECT_EQ(0, unload());
	ASSERT_EQ(0, reload());
	ASSERT_EQ(0, nl_open_short(&self->dump));
	EXPECT_EQ(0, nl_alerts(&self->dump, NULL, 0));
	n = nl_peers(&self->dump, NULL, 0);
	EXPECT_EQ(self->sockets ? 2 * PAIRS + 2 : 0, n);
}

struct found {
	unsigned int n, states[STATES], at_least, pids, held;
};

static void find(const struct nl_endpoint *e, void *arg)
{
	struct found *f = arg;

	f->n++;
	f->states[e->local]++;
	f->at_least += e->age_at_least;
	f->pids += !!e->pid;
	f->held += !!e->inode;
}

static int find_all(struct nl *nl, struct found *f)
{
	struct nl_msg m;

	memset(f, 0, sizeof(*f));
	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	return nl_dump(nl, &m, find, f);
}

/*
 * What is older than the module is found at once where sockets tell, and said to be so until it moves; of packets alone
 * it is found when it sends.
 */
TEST_F(life, what_is_older_than_the_module)
{
	struct nl_endpoint e;
	struct nl_tuple t;
	struct nl_stats s;
	struct found f;
	int fd, peer;

	fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, find_all(&self->nl, &f));
	EXPECT_EQ(self->endpoints + 2, f.n);
	EXPECT_EQ(0, f.at_least);
	EXPECT_EQ(PAIRS + 1, f.pids);
	EXPECT_EQ(PAIRS + 1 + self->sockets, f.held);	/* those in the queue are nobody's */
	shutdown(fd, SHUT_WR);
	sleep_ms(100);
	ASSERT_EQ(0, unload());
	ASSERT_EQ(0, reload());
	nl_close(&self->nl);
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, find_all(&self->nl, &f));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(s.tracked, f.n);
	EXPECT_EQ(self->sockets ? self->endpoints + 2 : 0, f.n);
	EXPECT_EQ(f.n, f.at_least);
	EXPECT_EQ(0, f.pids);
	EXPECT_EQ(self->sockets ? PAIRS + 2 : 0, f.held);
	EXPECT_EQ(self->sockets ? 2 * PAIRS : 0, f.states[TCPSTATE_STATE_ESTABLISHED]);
	EXPECT_EQ(self->sockets, f.states[TCPSTATE_STATE_FIN_WAIT2]);
	EXPECT_EQ(self->sockets, f.states[TCPSTATE_STATE_CLOSE_WAIT]);
	EXPECT_EQ(self->sockets, f.states[TCPSTATE_STATE_LISTEN]);
	EXPECT_EQ(f.states[TCPSTATE_STATE_ESTABLISHED], s.matrix[TCPSTATE_STATE_CLOSE][TCPSTATE_STATE_ESTABLISHED]);
	EXPECT_EQ(f.states[TCPSTATE_STATE_FIN_WAIT2], s.matrix[TCPSTATE_STATE_CLOSE][TCPSTATE_STATE_FIN_WAIT2]);
	EXPECT_EQ(f.states[TCPSTATE_STATE_CLOSE_WAIT], s.matrix[TCPSTATE_STATE_CLOSE][TCPSTATE_STATE_CLOSE_WAIT]);
	EXPECT_EQ(f.states[TCPSTATE_STATE_LISTEN], s.matrix[TCPSTATE_STATE_CLOSE][TCPSTATE_STATE_LISTEN]);
	EXPECT_EQ(f.n, s.transitions);
	EXPECT_EQ(0, s.divergences + s.untracked);
	/* what it does from now on is known exactly */
	ASSERT_EQ(0, nl_tuple_of(fd, &t));
	EXPECT_EQ(self->sockets ? 0 : -ENOENT, nl_get(&self->nl, &t, &e));
	if (self->sockets)
		EXPECT_TRUE(e.age_at_least);
	while ((peer = accept(self->listener, NULL, NULL)) >= 0) {
		struct nl_tuple other;

		ASSERT_EQ(0, nl_tuple_of(peer, &other));
		if (other.port[1] == t.port[0])
			break;
	}
	close(peer);
	sleep_ms(100);
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_EQ(TCPSTATE_STATE_TIME_WAIT, e.local);
	EXPECT_FALSE(e.age_at_least);
	fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	ASSERT_EQ(0, nl_tuple_of(fd, &t));
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_FALSE(e.age_at_least);
	EXPECT_EQ(getpid(), e.pid);
}

/* A second dump on the same socket has to wait; one on another socket has not. */
TEST_F(life, two_dumps)
{
	static struct nl other;
	unsigned int n, m, k;
	struct nl_stats s;
	int err;

	ASSERT_EQ(0, nl_open_short(&other));
	ASSERT_EQ(0, begin_dump(&self->dump, &n));
	ASSERT_EQ(0, begin_dump(&other, &m));
	while ((err = nl_dump_next(&other, count, &m)) > 0)
		;
	EXPECT_EQ(0, err);
	EXPECT_EQ(self->endpoints, m);
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(self->endpoints, s.tracked);
	while ((err = nl_dump_next(&self->dump, count, &n)) > 0)
		;
	EXPECT_EQ(0, err);
	EXPECT_EQ(self->endpoints, n);
	ASSERT_EQ(0, begin_dump(&self->dump, &k));
	nl_close(&other);
}

/* Who listens holds nothing. What was queued may be lost, or come; what comes is right. */
TEST_F(life, unload_while_somebody_listens)
{
	unsigned int delay, events;
	struct nl_stats s;
	uint64_t lost;
	int fd, n;

	for (delay = 0; delay <= 1000; delay += 500) {
		events = 0;
		ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
		ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, delay));
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		ASSERT_LE(0, fd);
		EXPECT_EQ(0, unload());
		while ((n = nl_events(&self->nl, 100, count_events, &events, &lost)) > 0)
			;
		EXPECT_EQ(0, n);
		EXPECT_EQ(-ENOENT, nl_stats(&self->nl, &s));
		ASSERT_EQ(0, reload());
		nl_reset(fd);
		/* it has to join again, whatever number the group has now */
		nl_close(&self->nl);
		ASSERT_EQ(0, nl_open(&self->nl));
		ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
		ASSERT_EQ(0, nl_stats(&self->nl, &s));
		EXPECT_EQ(0, s.event_seq);
		EXPECT_EQ(self->sockets ? self->endpoints : 0, s.tracked);
		events = 0;
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		nl_reset(fd);
		while ((n = nl_events(&self->nl, 100, count_events, &events, &lost)) > 0)
			;
		EXPECT_EQ(0, n);
		EXPECT_LE(8, events);
		ASSERT_EQ(0, nl_leave(&self->nl, NL_TRANSITIONS));
	}
}

/* Sent only while somebody listens: then nothing is numbered, and what comes later continues the sequence. */
struct seen {
	uint64_t first, last;
	unsigned int n, gaps;
};

static void see(const struct nl_event *e, void *arg)
{
	struct seen *s = arg;

	if (!s->n++)
		s->first = e->seq;
	else if (e->seq != s->last + 1)
		s->gaps++;
	s->last = e->seq;
}

static int hear(struct nl *nl, struct seen *s)
{
	uint64_t lost = 0;
	int n;

	memset(s, 0, sizeof(*s));
	while ((n = nl_events(nl, 200, see, s, &lost)) > 0)
		;
	return n || lost || s->gaps;
}

static void traffic(void)
{
	int i;

	for (i = 0; i < 5; i++)
		nl_reset(nl_connect(NULL, 0, "127.0.0.1", PORT, false));
}

TEST_F(life, a_listener_leaves)
{
	static struct nl other;
	struct nl_stats a, b, c;
	struct seen mine, others;

	ASSERT_EQ(0, nl_stats(&self->nl, &a));
	EXPECT_EQ(0, a.event_seq);	/* nobody has listened yet */
	ASSERT_EQ(0, nl_open(&other));
	ASSERT_EQ(0, nl_join(&other, NL_TRANSITIONS));
	ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
	traffic();
	ASSERT_EQ(0, hear(&self->nl, &mine));
	ASSERT_EQ(0, hear(&other, &others));
	EXPECT_EQ(1, mine.first);
	EXPECT_LE(50, mine.n);
	EXPECT_EQ(0, memcmp(&mine, &others, sizeof(mine)));
	/* one leaves: the other hears all of it */
	nl_close(&other);
	traffic();
	ASSERT_EQ(0, hear(&self->nl, &others));
	EXPECT_EQ(mine.last + 1, others.first);
	EXPECT_EQ(mine.n, others.n);
	ASSERT_EQ(0, nl_stats(&self->nl, &a));
	EXPECT_EQ(others.last, a.event_seq);
	/* both have left */
	ASSERT_EQ(0, nl_leave(&self->nl, NL_TRANSITIONS));
	traffic();
	ASSERT_EQ(0, nl_stats(&self->nl, &b));
	EXPECT_EQ(a.event_seq, b.event_seq);
	EXPECT_EQ(a.event_lost, b.event_lost);
	EXPECT_LE(a.transitions + 25, b.transitions);
	ASSERT_EQ(0, hear(&self->nl, &mine));
	EXPECT_EQ(0, mine.n);
	ASSERT_EQ(0, nl_join(&self->nl, NL_ALERTS));	/* another group's listener is none of this one */
	traffic();
	ASSERT_EQ(0, nl_stats(&self->nl, &c));
	EXPECT_EQ(a.event_seq, c.event_seq);
	/* and one comes back */
	ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
	traffic();
	ASSERT_EQ(0, hear(&self->nl, &mine));
	EXPECT_EQ(a.event_seq + 1, mine.first);
	EXPECT_EQ(others.n, mine.n);
}

/* Leaves with events queued for it, in the middle of a dump, and with its namespace. */
static int die(int how)
{
	static struct nl nl;
	int i, listener;
	unsigned int n;

	if (netns_enter() || nl_open(&nl) || nl_join(&nl, NL_TRANSITIONS))
		return 1;
	if (nl_set(&nl, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, how & 1 ? 1000 : 0))
		return 2;
	listener = nl_listen("127.0.0.1", PORT, 1000);
	/* fewer events than a message holds wait for the delay */
	for (i = 0; i < (how & 2 ? 100 : 2); i++)
		if (listener < 0 || nl_connect(NULL, 0, "127.0.0.1", PORT, false) < 0)
			return 3;
	if (!(how & 4))
		return 0;
	nl_leave(&nl, NL_TRANSITIONS);
	nl_close(&nl);
	return nl_open_short(&nl) || begin_dump(&nl, &n) || !n ? 4 : 0;
}

TEST_F(life, namespaces_die)
{
	struct nl_stats s;
	int how, status;
	pid_t pid;

	for (how = 0; how < 24; how++) {
		pid = fork();
		if (!pid)
			_exit(die(how % 8));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status) TH_LOG("way %d", how % 8);
	}
	sleep_ms(3000);	/* longer than any delay */
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(self->endpoints, s.tracked);
	/* with a record left in any of them this would warn */
	EXPECT_EQ(0, unload());
}

/* A socket keeps its namespace, which nobody else is in any more: it goes on listening and dumping there. */
TEST_F(life, the_last_one_in_a_namespace)
{
	unsigned int n, events = 0;
	struct nl_stats s;
	uint64_t lost;
	int err;

	ASSERT_EQ(0, nl_join(&self->nl, NL_TRANSITIONS));
	ASSERT_EQ(0, begin_dump(&self->dump, &n));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	while ((err = nl_dump_next(&self->dump, count, &n)) > 0)
		;
	EXPECT_EQ(0, err);
	EXPECT_EQ(self->endpoints, n);
	nl_reset(self->listener);	/* and the unaccepted connections with it */
	sleep_ms(100);
	while ((err = nl_events(&self->nl, 100, count_events, &events, &lost)) > 0)
		;
	EXPECT_EQ(0, err);
	EXPECT_LE(2 * PAIRS, events);
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	EXPECT_EQ(0, s.tracked);
	EXPECT_LE(events, s.event_seq);
}

TEST_HARNESS_MAIN
