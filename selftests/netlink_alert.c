// SPDX-License-Identifier: GPL-2.0-only
/*
 * peer-get, alert-get and alert-set: what is refused, with its text; that a dump lists what there is, once; and one
 * alert of each shape, with and without a peer. What raises which alert is the business of "alerts".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl_alert.h"

#define PORT	7000
#define MANY	300
#define FIRST	(NLMSG_HDRLEN + GENL_HDRLEN)
/* A peer that has no endpoint any more is kept for a minute, where there is nothing else to remember. */
#define KEPT_MS	65000

#define SET_TEXT	"an alert is given its id and a file-limit"
#define NONE_TEXT	"no alert with this id is active in this network namespace"

FIXTURE(alert) {
	struct nl nl;
	struct nl_config config;
	int listener;
	bool sockets;	/* tell: the listener itself is known */
};

FIXTURE_SETUP(alert)
{
	struct snapshot s;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_config(&self->nl, &self->config));
	self->listener = nl_listen("127.0.0.1", PORT, 4 * MANY);
	ASSERT_LE(0, self->listener);
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &s));
	self->sockets = s.sockets;
}

FIXTURE_TEARDOWN(alert)
{
	nl_close(&self->nl);
}

/* Requests */

/* A dump takes no attributes, and there is no answer without a dump. */
TEST_F(alert, dump_shapes)
{
	static const int commands[] = { TCPSTATE_CMD_PEER_GET, TCPSTATE_CMD_ALERT_GET };
	static const uint8_t junk[3] = { 1, 2, 3 };
	struct nl_msg m;
	int i, type;

	for (i = 0; i < 2; i++) {
		nl_begin(&m, &self->nl, commands[i], NLM_F_ACK);
		EXPECT_EQ(-EOPNOTSUPP, nl_ask(&self->nl, &m));
		for (type = 0; type <= TCPSTATE_A_ALERTS_MAX + 1; type++) {
			nl_begin(&m, &self->nl, commands[i], NLM_F_DUMP);
			nl_put_u32(&m, type, 1);
			EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL)) TH_LOG("%d: %d", commands[i], type);
			EXPECT_NE(0, self->nl.text[0]);
			EXPECT_EQ(FIRST, self->nl.offset) TH_LOG("%d: \"%s\"", type, self->nl.text);
		}
		nl_begin(&m, &self->nl, commands[i], NLM_F_DUMP);
		memcpy(m.bytes + m.h.nlmsg_len, junk, sizeof(junk));
		m.h.nlmsg_len += sizeof(junk);
		EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
		EXPECT_STREQ("bytes leftover after parsing attributes", self->nl.text);
	}
	EXPECT_EQ(self->sockets, nl_peers(&self->nl, NULL, 0));
	EXPECT_EQ(0, nl_alerts(&self->nl, NULL, 0));
}

/* Asks with the attributes 1 (id), 2 (file-limit) of @which, and with another behind them unless it is 0. */
static int ask_set(struct nl *nl, int which, uint32_t id, int type, const void *data, size_t len)
{
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_ALERT_SET, NLM_F_ACK);
	if (which & 1)
		nl_put_u32(&m, TCPSTATE_A_ALERTS_ID, id);
	if (which & 2)
		nl_put_u32(&m, TCPSTATE_A_ALERTS_FILE_LIMIT, 1024);
	if (type)
		nl_put(&m, type, data, len);
	return nl_ask(nl, &m);
}

TEST_F(alert, set_shapes)
{
	static const uint8_t zeros[16];
	static const struct { int type; size_t len; } bad[] = {
		{ TCPSTATE_A_ALERTS_ID, 0 }, { TCPSTATE_A_ALERTS_ID, 2 }, { TCPSTATE_A_ALERTS_ID, 8 },
		{ TCPSTATE_A_ALERTS_FILE_LIMIT, 0 }, { TCPSTATE_A_ALERTS_FILE_LIMIT, 3 },
		{ TCPSTATE_A_ALERTS_FILE_LIMIT, 8 },
		/* what only answers have, and what nobody has */
		{ TCPSTATE_A_ALERTS_SEQ, 8 }, { TCPSTATE_A_ALERTS_TIME_NS, 8 }, { TCPSTATE_A_ALERTS_ACTION, 4 },
		{ TCPSTATE_A_ALERTS_ALERT, 4 }, { TCPSTATE_A_ALERTS_ALERT | NLA_F_NESTED, 0 },
		{ TCPSTATE_A_ALERTS_PAD, 0 }, { TCPSTATE_A_ALERTS_MAX + 1, 4 }, { 4000, 4 },
	};
	static const uint32_t ids[] = { 1, 2, 257, 1u << 31, ~0u };
	struct nl_msg m;
	unsigned int i;

	for (i = 0; i < 3; i++) {
		EXPECT_EQ(-EINVAL, ask_set(&self->nl, i, 1, 0, NULL, 0));
		EXPECT_STREQ(SET_TEXT, self->nl.text);
	}
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		EXPECT_EQ(-ENOENT, ask_set(&self->nl, 3, ids[i], 0, NULL, 0));
		EXPECT_STREQ(NONE_TEXT, self->nl.text);
	}
	EXPECT_EQ(-ERANGE, ask_set(&self->nl, 3, 0, 0, NULL, 0));
	EXPECT_STREQ("integer out of range", self->nl.text);
	EXPECT_EQ(FIRST, self->nl.offset);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		EXPECT_EQ(-EINVAL, ask_set(&self->nl, 3, 1, bad[i].type, zeros, bad[i].len))
			TH_LOG("attribute %d of %zu bytes", bad[i].type, bad[i].len);
		EXPECT_NE(0, self->nl.text[0]);
		EXPECT_EQ(FIRST + 16, self->nl.offset) TH_LOG("attribute %d: \"%s\"", bad[i].type, self->nl.text);
	}
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ALERT_SET, NLM_F_DUMP);
	EXPECT_EQ(-EOPNOTSUPP, nl_dump(&self->nl, &m, NULL, NULL));
}

/* Listeners and destinations */

/* The first of that kind; NULL. */
static const struct nl_peer *of_kind(const struct nl_peer *list, int n, uint32_t kind)
{
	int i;

	for (i = 0; i < n; i++)
		if (list[i].kind == kind)
			return &list[i];
	return NULL;
}

static bool is_at(const struct nl_peer *p, int end, const char *addr)
{
	return p->family == AF_INET && !memcmp(p->addr[end], addr, 4);
}

/* A client that has bound its port, so that there is a pool of these, too. */
TEST_F(alert, one_of_each)
{
	struct nl_peer list[4] = { { 0 } };
	const struct nl_peer *p;
	int fd;

	fd = nl_connect("127.0.0.2", 0, "127.0.0.1", PORT, false);
	ASSERT_LE(0, fd);
	ASSERT_EQ(3, nl_peers(&self->nl, list, 4));
	p = of_kind(list, 3, TCPSTATE_PEER_KIND_LISTENER);
	ASSERT_NE(NULL, p);
	EXPECT_TRUE(is_at(p, 0, "\x7f\0\0\x01"));
	EXPECT_EQ(PORT, p->port[0]);
	EXPECT_EQ(self->sockets, p->count[TCPSTATE_STATE_LISTEN]);
	EXPECT_EQ(1, p->count[TCPSTATE_STATE_ESTABLISHED]);
	EXPECT_EQ(1, p->sockets);
	EXPECT_EQ(1, p->queue);
	EXPECT_EQ(4 * MANY, p->backlog);
	EXPECT_EQ(0, p->drops);
	EXPECT_TRUE(p->has_holder && p->uid == 0 && p->inode);
	EXPECT_TRUE(p->waiting_ns && p->waiting_ns < 1000000000);
	p = of_kind(list, 3, TCPSTATE_PEER_KIND_DESTINATION);
	ASSERT_NE(NULL, p);
	EXPECT_TRUE(is_at(p, 0, "\x7f\0\0\x02") && is_at(p, 1, "\x7f\0\0\x01"));
	EXPECT_EQ(PORT, p->port[1]);
	EXPECT_EQ(1, p->count[TCPSTATE_STATE_ESTABLISHED]);
	EXPECT_EQ(1, p->ports_used);
	EXPECT_EQ(0, p->no_port);
	EXPECT_LT(1000, p->ports);
	p = of_kind(list, 3, TCPSTATE_PEER_KIND_LOCAL_ADDRESS);
	ASSERT_NE(NULL, p);
	EXPECT_TRUE(is_at(p, 0, "\x7f\0\0\x02"));
	EXPECT_EQ(1, p->count[TCPSTATE_STATE_ESTABLISHED]);
	EXPECT_EQ(1, p->ports_used);
	/* taken from the queue, and closed */
	ASSERT_LE(0, accept(self->listener, NULL, NULL));
	nl_reset(fd);
	ASSERT_EQ(3, nl_peers(&self->nl, list, 4));
	p = of_kind(list, 3, TCPSTATE_PEER_KIND_LISTENER);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, p->queue);
	EXPECT_EQ(0, p->waiting_ns);
	EXPECT_EQ(0, p->count[TCPSTATE_STATE_ESTABLISHED]);
	p = of_kind(list, 3, TCPSTATE_PEER_KIND_DESTINATION);
	ASSERT_NE(NULL, p);
	EXPECT_EQ(0, p->ports_used);
}

/* 127.1.0.1 to 127.1.1.100, each once as a destination's local address and once as a pool. */
static int check_many(const struct nl_peer *list, int n)
{
	static int seen[TCPSTATE_PEER_KIND_LOCAL_ADDRESS + 1][MANY];
	int i, k, bad = 0;

	memset(seen, 0, sizeof(seen));
	for (i = 0; i < n; i++) {
		k = list[i].addr[0][2] * 200 + list[i].addr[0][3] - 1;
		if (list[i].kind != TCPSTATE_PEER_KIND_LISTENER && k < MANY)
			seen[list[i].kind][k]++;
	}
	for (k = 0; k < MANY; k++)
		bad += seen[TCPSTATE_PEER_KIND_DESTINATION][k] != 1 || seen[TCPSTATE_PEER_KIND_LOCAL_ADDRESS][k] != 1;
	if (bad)
		printf("# %d are not listed once\n", bad);
	return bad ? -1 : 0;
}

/* Each of many exactly once, through short messages; and nothing keeps them but what they are. */
TEST_F_TIMEOUT(alert, many, 300)
{
	static struct nl_peer list[2 * MANY + 2];
	static struct nl brief[3];
	int fd[MANY], i, k;
	char host[20];
	struct nl_msg m;

	for (i = 0; i < 3; i++)
		ASSERT_EQ(0, nl_open_short(&brief[i]));
	for (i = 0; i < MANY; i++) {
		snprintf(host, sizeof(host), "127.1.%d.%d", i / 200, 1 + i % 200);
		fd[i] = nl_connect(host, 0, "127.0.0.1", PORT, false);
		ASSERT_LE(0, fd[i]);
	}
	for (k = 0; k < 2; k++) {
		ASSERT_EQ(2 * MANY + 1, nl_peers(&brief[0], list, 2 * MANY + 2));
		EXPECT_EQ(0, check_many(list, 2 * MANY + 1));
		/* beside dumps that nobody reads */
		nl_begin(&m, &brief[1 + k], TCPSTATE_CMD_PEER_GET, NLM_F_DUMP);
		ASSERT_EQ(0, nl_send(&brief[1 + k], &m));
	}
	/* one of them is given up at once, the other after all that it would list has gone */
	nl_close(&brief[1]);
	for (i = 0; i < MANY; i++)
		nl_reset(fd[i]);
	for (i = 0; i < MANY; i++)
		close(accept4(self->listener, NULL, NULL, SOCK_NONBLOCK));
	sleep_ms(KEPT_MS);
	EXPECT_GE(self->sockets + 1, nl_peers(&self->nl, list, 2 * MANY + 2));
	nl_close(&brief[2]);
	EXPECT_EQ(self->sockets, nl_peers(&self->nl, list, 2 * MANY + 2));
}

/* Alerts */

/* Everything is as it was told. */
static bool same_alert(const struct nl_alert *a, const struct nl_alert *b)
{
	return a->seq == b->seq && a->id == b->id && a->kind == b->kind && a->severity == b->severity &&
	       a->reason == b->reason && a->limit == b->limit && a->raised_ns == b->raised_ns &&
	       a->begun_ns == b->begun_ns && a->cleared_ns == b->cleared_ns && a->has_peer == b->has_peer &&
	       a->ignored == b->ignored && a->folded == b->folded;
}

static int connect_some(int *fd, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		fd[i] = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		if (fd[i] < 0)
			return -1;
	}
	return 0;
}

/* Of the namespace. */
TEST_F(alert, table_full)
{
	struct nl_alert told, list[2] = { { 0 } };
	struct nl_stats s;
	int fd[10];

	ASSERT_EQ(0, nl_join(&self->nl, NL_ALERTS));
	ASSERT_EQ(0, nl_set_threshold(&self->nl, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 0));
	ASSERT_EQ(0, connect_some(fd, 10));
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, s.tracked));
	ASSERT_EQ(1, nl_alert_wait(&self->nl, 5000, &told));
	EXPECT_EQ(1, told.seq);
	EXPECT_EQ(1, told.id);
	EXPECT_EQ(TCPSTATE_ALERT_ACTION_RAISE, told.action);
	EXPECT_EQ(TCPSTATE_ALERT_KIND_TABLE_FULL, told.kind);
	EXPECT_EQ(TCPSTATE_SEVERITY_TICKET, told.severity);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_RECORDS, told.reason);
	EXPECT_EQ(s.tracked, told.value);
	EXPECT_EQ(s.tracked * 9 / 10, told.limit);
	EXPECT_FALSE(told.has_peer || told.ignored || told.unverified);
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_TRUE(same_alert(&told, list));
	EXPECT_EQ(0, list->file_limit);
	EXPECT_EQ(0, nl_set_files(&self->nl, 1, 1024));
	EXPECT_EQ(-ENOENT, nl_set_files(&self->nl, 2, 1024));
	EXPECT_STREQ(NONE_TEXT, self->nl.text);
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_EQ(1024, list->file_limit);
	EXPECT_EQ(0, nl_set_files(&self->nl, 1, 0));
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_EQ(0, list->file_limit);
	/* over; it is still listed, and nothing can be set any more */
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, 100));
	ASSERT_EQ(1, nl_alert_wait(&self->nl, 5000, &told));
	EXPECT_EQ(TCPSTATE_ALERT_ACTION_CLEAR, told.action);
	EXPECT_EQ(2, told.seq);
	EXPECT_EQ(1, told.id);
	EXPECT_LE(told.raised_ns, told.cleared_ns);
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_TRUE(same_alert(&told, list));
	EXPECT_EQ(-ENOENT, nl_set_files(&self->nl, 1, 1024));
	EXPECT_STREQ(NONE_TEXT, self->nl.text);
}

/* Of a listener, which it shows; ignored or not from one moment to the next. */
TEST_F(alert, listen_full)
{
	struct nl_alert told, list[2] = { { 0 } };
	struct nl_msg m;
	int fd[5];

	ASSERT_EQ(0, listen(self->listener, 4));
	ASSERT_EQ(0, nl_join(&self->nl, NL_ALERTS));
	ASSERT_EQ(0, nl_set_threshold(&self->nl, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 0));
	ASSERT_EQ(0, nl_set_threshold(&self->nl, TCPSTATE_A_THRESHOLDS_LISTEN_FULL_SECONDS, 0));
	ASSERT_EQ(0, connect_some(fd, 5));
	ASSERT_EQ(1, nl_alert_wait(&self->nl, 5000, &told));
	EXPECT_EQ(TCPSTATE_ALERT_KIND_LISTEN_FULL, told.kind);
	EXPECT_EQ(TCPSTATE_SEVERITY_PAGE, told.severity);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_QUEUE, told.reason);
	EXPECT_EQ(5, told.value);
	EXPECT_EQ(TCPSTATE_PEER_KIND_LISTENER, told.peer.kind);
	EXPECT_EQ(PORT, told.peer.port[0]);
	EXPECT_EQ(5, told.peer.queue);
	EXPECT_EQ(4, told.peer.backlog);
	EXPECT_EQ(5, told.peer.count[TCPSTATE_STATE_ESTABLISHED]);
	EXPECT_TRUE(told.peer.has_holder && told.peer.uid == 0);
	EXPECT_FALSE(told.ignored);
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_TRUE(same_alert(&told, list));
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_ignore(&m, &(struct nl_ignore){ TCPSTATE_ALERT_KIND_LISTEN_FULL, PORT, AF_INET, { 127, 0, 0, 1 } });
	ASSERT_EQ(0, nl_ask(&self->nl, &m));
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_TRUE(list->ignored);
	nl_begin(&m, &self->nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put(&m, TCPSTATE_A_CONFIG_IGNORE_NONE, NULL, 0);
	ASSERT_EQ(0, nl_ask(&self->nl, &m));
	ASSERT_EQ(1, nl_alerts(&self->nl, list, 2));
	EXPECT_FALSE(list->ignored);
}

TEST_HARNESS_MAIN
