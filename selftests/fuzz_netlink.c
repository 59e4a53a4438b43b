// SPDX-License-Identifier: GPL-2.0-only
/*
 * Malformed requests to the family: valid ones of all commands, spoiled in the ways below, and noise. Every answer
 * has to be a valid one or an error with its errno; what a policy refuses has a text; afterwards all works, nothing is
 * left behind and the kernel log is clean.
 *
 *	TCPSTATE_FUZZ (20000) messages, by the seed TCPSTATE_SEED (1)
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/klog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl_alert.h"
#include "nl_config.h"

#define PORT		7000
#define PAIRS		20
#define MARK		"tcpstate selftest: fuzz_netlink begins"
#define LOG_READ_ALL	3

static uint64_t state = 1;

static unsigned int draw(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static unsigned int number(const char *name, unsigned int by_default)
{
	const char *text = getenv(name);

	return text && atoi(text) > 0 ? (unsigned int)atoi(text) : by_default;
}

struct totals {
	unsigned int sent, valid, refused, absent, texts, silent, endpoints, peers, alerts, acks, dumps;
	unsigned int by_errno[200];
};

FIXTURE(fuzz) {
	struct nl nl;		/* what is spoiled goes here */
	struct nl ask;		/* and this is to see that all is well */
	struct nl_config config;
	struct nl_tuple tuple;
	struct totals t;
};

/* So that there is an alert to ask for: a queue that nobody takes from is full at a hundredth of its backlog. */
static int raise_alert(struct nl *nl)
{
	struct nl_alert alert;

	if (nl_set_threshold(nl, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 0) ||
	    nl_set_threshold(nl, TCPSTATE_A_THRESHOLDS_LISTEN_FULL_CLEAR_PERCENT, 0) ||
	    nl_set_threshold(nl, TCPSTATE_A_THRESHOLDS_LISTEN_FULL_PERCENT, 1) ||
	    nl_set_threshold(nl, TCPSTATE_A_THRESHOLDS_LISTEN_FULL_SECONDS, 0))
		return -1;
	sleep_ms(3000);
	return nl_alerts(nl, &alert, 1) == 1 ? 0 : -1;
}

FIXTURE_SETUP(fuzz)
{
	int fd, i, log;

	memset(&self->t, 0, sizeof(self->t));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_open(&self->ask));
	ASSERT_EQ(0, nl_config(&self->ask, &self->config));
	ASSERT_LE(0, nl_listen("::", PORT, 1000));
	for (i = 0; i < PAIRS; i++) {
		fd = nl_connect(NULL, 0, i % 2 ? "::1" : "127.0.0.1", PORT, false);
		ASSERT_LE(0, fd);
	}
	ASSERT_EQ(0, nl_tuple_of(fd, &self->tuple));
	ASSERT_EQ(0, raise_alert(&self->ask));
	log = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);
	ASSERT_EQ(sizeof(MARK), write(log, MARK "\n", sizeof(MARK)));
	close(log);
	state = number("TCPSTATE_SEED", 1);
}

FIXTURE_TEARDOWN(fuzz)
{
	nl_close(&self->nl);
	nl_close(&self->ask);
}

static void valid_dump(struct nl_msg *m, const struct nl *nl)
{
	static const uint8_t addr[16] = { 127, 0, 0, 1 };
	struct nlattr *nest;

	nl_begin(m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nest = nl_nest(m, TCPSTATE_A_ENDPOINT_FILTER);
	if (draw(2))
		nl_put_u32(m, TCPSTATE_A_FILTER_STATES, (1 + draw(2047)) * NL_STATE(1));
	if (draw(2))
		nl_put_u32(m, TCPSTATE_A_FILTER_FAMILY, AF_INET);
	if (draw(2)) {
		nl_put(m, TCPSTATE_A_FILTER_LOCAL_ADDR, addr, 4);
		nl_put_u32(m, TCPSTATE_A_FILTER_LOCAL_PREFIX, draw(33));
	}
	if (draw(2))
		nl_put(m, TCPSTATE_A_FILTER_REMOTE_ADDR, addr, 4);
	if (draw(2)) {
		nl_put_u16(m, TCPSTATE_A_FILTER_LOCAL_PORT_MIN, draw(7000));
		nl_put_u16(m, TCPSTATE_A_FILTER_LOCAL_PORT_MAX, 7000 + draw(50000));
	}
	if (draw(2))
		nl_put_u64(m, TCPSTATE_A_FILTER_MIN_AGE_NS, draw(1000000));
	if (draw(2))
		nl_put_u32(m, TCPSTATE_A_FILTER_LIMIT, 1 + draw(10));
	nl_nest_end(m, nest);
}

/* Those that have to be in an order come together: whatever the others are, it is right. */
static void valid_thresholds(struct nl_msg *m)
{
	struct nlattr *nest = nl_nest(m, TCPSTATE_A_CONFIG_THRESHOLDS);
	unsigned int age = 1 + draw(1000);

	if (draw(2))
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS, draw(86401));
	if (draw(2))
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_DIVERGENCE_PERMILLE, 1 + draw(1000));
	if (draw(2)) {
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_SLOW_AGE, age + draw(1000));
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_AGE, age);
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_INFO_AGE, 1 + draw(age));
	}
	if (draw(2)) {
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_LISTEN_FULL_CLEAR_PERCENT, draw(2));
		nl_put_u32(m, TCPSTATE_A_THRESHOLDS_LISTEN_FULL_PERCENT, 2 + draw(90));
	}
	nl_nest_end(m, nest);
}

static void valid_ignores(struct nl_msg *m)
{
	unsigned int n = draw(4);
	struct nl_ignore ignore;

	if (!n && draw(2))
		nl_put(m, TCPSTATE_A_CONFIG_IGNORE_NONE, NULL, 0);
	while (n--) {
		ignore = (struct nl_ignore){ .kind = 1 + draw(TCPSTATE_ALERT_KIND_PEERS_FULL) };
		if (draw(2))
			ignore.port = draw(65536);
		if (draw(2))
			ignore.family = draw(2) ? AF_INET : AF_INET6;
		ignore.addr[draw(16)] = draw(256);
		nl_put_ignore(m, &ignore);
	}
}

static void valid_config(struct nl_msg *m, const struct nl *nl)
{
	nl_begin(m, nl, TCPSTATE_CMD_CONFIG_SET, 0);
	nl_put_u32(m, TCPSTATE_A_CONFIG_LIMIT, 1 + draw(1000));
	nl_put_u32(m, TCPSTATE_A_CONFIG_EVENT_BATCH, 1 + draw(64));
	nl_put_u32(m, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, draw(1001));
	nl_put_u32(m, TCPSTATE_A_CONFIG_EVENT_QUEUE, 1024 + draw(10000));
	if (draw(2))
		valid_thresholds(m);
	if (draw(2))
		valid_ignores(m);
}

/* A request that works, of any kind. */
static void valid(struct nl_msg *m, const FIXTURE_DATA(fuzz) *self)
{
	static const int bare[] = {
		TCPSTATE_CMD_STATS_GET, TCPSTATE_CMD_CONFIG_GET, TCPSTATE_CMD_PEER_GET, TCPSTATE_CMD_ALERT_GET,
	};
	unsigned int kind = draw(10);

	switch (kind) {
	case 0 ... 3:
		nl_begin(m, &self->nl, bare[kind], kind < 2 ? 0 : NLM_F_DUMP);
		break;
	case 4:
		nl_begin(m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, 0);
		nl_put_tuple(m, &self->tuple);
		break;
	case 5:		/* there may be no such alert: the first one is there at first */
		nl_begin(m, &self->nl, TCPSTATE_CMD_ALERT_SET, 0);
		nl_put_u32(m, TCPSTATE_A_ALERTS_ID, 1 + draw(3));
		nl_put_u32(m, TCPSTATE_A_ALERTS_FILE_LIMIT, draw(2) * draw(100000));
		break;
	case 6 ... 7:
		valid_dump(m, &self->nl);
		break;
	default:
		valid_config(m, &self->nl);
	}
	if (draw(2))
		m->h.nlmsg_flags |= NLM_F_ACK;
}

/* The attributes of a message; those of a nest count too. Returns one of them at random, or NULL. */
static struct nlattr *some_attr(struct nl_msg *m)
{
	unsigned int at = NLMSG_HDRLEN + GENL_HDRLEN, n = 0;
	struct nlattr *list[64], *a;

	while (at + NLA_HDRLEN <= m->h.nlmsg_len && n < 64) {
		a = (struct nlattr *)(m->bytes + at);
		list[n++] = a;
		at += a->nla_type & NLA_F_NESTED || a->nla_len < NLA_HDRLEN ? NLA_HDRLEN : NLA_ALIGN(a->nla_len);
	}
	return n ? list[draw(n)] : NULL;
}

static void nest_deeply(struct nl_msg *m)
{
	struct nlattr *nests[1000];
	unsigned int depth = 1 + draw(1000), i;

	for (i = 0; i < depth; i++)
		nests[i] = nl_nest(m, draw(2) ? TCPSTATE_A_ENDPOINT_FILTER : draw(16));
	while (i--)
		nl_nest_end(m, nests[i]);
}

/* Spoils @m. What nlmsg_len says is what is sent, but for @len. */
static void spoil(struct nl_msg *m, size_t *len)
{
	struct genlmsghdr *g = (struct genlmsghdr *)(m->bytes + NLMSG_HDRLEN);
	struct nlattr *a = some_attr(m);
	unsigned int i, n, at;

	switch (draw(14)) {
	case 0:		/* shorter, also within a header */
		m->h.nlmsg_len = NLMSG_HDRLEN + draw(m->h.nlmsg_len - NLMSG_HDRLEN);
		break;
	case 1:		/* says less, or more, than it has */
		*len = m->h.nlmsg_len;
		m->h.nlmsg_len = draw(3) ? draw(2 * m->h.nlmsg_len) : ~0u - draw(1000);
		break;
	case 2:		/* an attribute does so */
		if (a)
			a->nla_len = draw(2) ? draw(40) : draw(65536);
		break;
	case 3:
		nest_deeply(m);
		break;
	case 4:		/* another type, known or not */
		if (a)
			a->nla_type = draw(2) ? draw(20) | (draw(2) ? NLA_F_NESTED : 0) : draw(65536);
		break;
	case 5:		/* out of range, most of the time */
		for (i = 0; a && i + NLA_HDRLEN < a->nla_len && i < 16; i++)
			((uint8_t *)a)[NLA_HDRLEN + i] = draw(3) ? 0xff : draw(256);
		break;
	case 6:		/* one more */
		at = m->h.nlmsg_len;
		memset(m->bytes + at + NLA_HDRLEN, draw(256), 64);
		nl_put(m, draw(32), m->bytes + at + NLA_HDRLEN, draw(40));
		break;
	case 7:		/* another command, version or reserved field */
		g->cmd = draw(256);
		g->version = draw(256);
		g->reserved = draw(65536);
		break;
	case 8:		/* a dump of what has none, one request of what is a dump, and other flags */
		m->h.nlmsg_flags = NLM_F_REQUEST | (m->h.nlmsg_flags ^ (draw(2) ? NLM_F_DUMP : draw(65536)));
		break;
	case 9:		/* the same attribute many times */
		for (i = 0, n = draw(200); a && a->nla_len >= NLA_HDRLEN && a->nla_len < 64 && i < n; i++)
			nl_put(m, a->nla_type, (char *)a + NLA_HDRLEN, a->nla_len - NLA_HDRLEN);
		break;
	case 10:	/* bytes behind the last attribute */
		for (i = 0, n = 1 + draw(40); i < n; i++)
			m->bytes[m->h.nlmsg_len++] = draw(256);
		break;
	case 11:	/* nothing but noise behind the header */
		m->h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN + draw(2000);
		for (i = NLMSG_HDRLEN + GENL_HDRLEN; i < m->h.nlmsg_len; i++)
			m->bytes[i] = draw(256);
		break;
	default:	/* some bytes */
		for (n = 1 + draw(8); n; n--)
			m->bytes[NLMSG_HDRLEN + draw(m->h.nlmsg_len - NLMSG_HDRLEN)] ^= 1u << draw(8);
	}
}

static int bad(const struct nlmsghdr *h, const char *what, int number)
{
	printf("# answer of type %u flags %#x: %s %d\n", h->nlmsg_type, h->nlmsg_flags, what, number);
	return -1;
}

/* Refusals of this command say why. */
static bool has_text(int cmd)
{
	return cmd == TCPSTATE_CMD_ENDPOINT_GET || cmd == TCPSTATE_CMD_CONFIG_SET || cmd == TCPSTATE_CMD_PEER_GET ||
	       cmd == TCPSTATE_CMD_ALERT_GET || cmd == TCPSTATE_CMD_ALERT_SET;
}

/* One answer: valid, or an error that says which. @cmd: what was asked, if it could be read, else 0. */
static int judge(FIXTURE_DATA(fuzz) *self, const struct nlmsghdr *h, int cmd)
{
	struct totals *t = &self->t;
	const struct genlmsghdr *g = NLMSG_DATA(h);
	struct nl_endpoint e;
	struct nl_config c;
	struct nl_alert a;
	struct nl_stats s;
	struct nl_peer p;
	int err;

	if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
		err = nl_parse_error(&self->nl, h);
		if (err > 0 || err <= -200)
			return bad(h, "an errno that is none", err);
		t->acks += !err;
		if (err == -ENOENT && cmd == TCPSTATE_CMD_ALERT_SET)
			t->absent++;
		else
			t->refused += !!err;
		t->by_errno[-err]++;
		t->texts += self->nl.text[0] != 0;
		/* A policy refuses with one of the first two; a header that is cut off has no attributes to name. */
		if ((err == -EINVAL || err == -ERANGE || err == -ENOENT) && !self->nl.text[0] && has_text(cmd))
			return bad(h, "a refusal without a text, command", cmd);
		return 0;
	}
	if (h->nlmsg_type != self->nl.family || h->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return bad(h, "of another family, length", h->nlmsg_len);
	t->valid++;
	switch (g->cmd) {
	case TCPSTATE_CMD_STATS_GET:
		return nl_parse_stats(h, &s);
	case TCPSTATE_CMD_ENDPOINT_GET:
		t->endpoints++;
		return nl_parse_endpoint(h, &e);
	case TCPSTATE_CMD_CONFIG_GET:
		return nl_parse_config(h, &c);
	case TCPSTATE_CMD_PEER_GET:
		t->peers++;
		return nl_parse_peer(h, &p);
	case TCPSTATE_CMD_ALERT_GET:
		t->alerts++;
		return nl_parse_alert(h, &a);
	}
	return bad(h, "of command", g->cmd);
}

/*
 * Reads until there is nothing more: everything is answered before send() returns, but the rest of a dump.
 * @cmd: of the message @seq. What is behind its end can be a message, too, to whatever family.
 */
static int answers(FIXTURE_DATA(fuzz) *self, uint32_t seq, int cmd)
{
	const struct nlmsghdr *h;
	const struct totals *t = &self->t;
	unsigned int before = t->valid + t->refused + t->absent + t->acks;
	size_t left;
	ssize_t n;

	while ((n = recv(self->nl.fd, self->nl.answer.bytes, NL_ROOM, MSG_DONTWAIT)) > 0) {
		left = n;
		for (h = &self->nl.answer.h; NLMSG_OK(h, left); h = NLMSG_NEXT(h, left)) {
			self->t.dumps += h->nlmsg_type == NLMSG_DONE;
			if (judge(self, h, h->nlmsg_seq == seq ? cmd : 0))
				return -1;
		}
		if (left)
			return bad(h, "bytes left over:", left);
	}
	self->t.silent += before == t->valid + t->refused + t->absent + t->acks;
	return errno == EAGAIN ? 0 : -1;
}

static int log_is_clean(void)
{
	/* of lengths the kernel's netlink itself warns, at a limited rate */
	static const char *const words[] = { "BUG:", "WARNING:", "Oops", "Call Trace", "KASAN", "suspicious" };
	static char text[1 << 20];
	int n = klogctl(LOG_READ_ALL, text, sizeof(text) - 1), bad = 0;
	const char *from;
	size_t i;

	text[n > 0 ? n : 0] = 0;
	from = strstr(text, MARK);
	if (!from) {
		printf("# the mark is not in the kernel log any more: it has been flooded\n");
		return -1;
	}
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strstr(from, words[i])) {
			printf("# the kernel log says %s\n", words[i]);
			bad++;
		}
	return bad ? -1 : 0;
}

static void print_message(const struct nl_msg *m, size_t len)
{
	size_t i;

	printf("# the message:");
	for (i = 0; i < len && i < 400; i++)
		printf("%s%02x", i % 4 ? "" : " ", (uint8_t)m->bytes[i]);
	printf("\n");
}

/* Whatever was taken is in its range. */
static int check_thresholds(const struct nl_config *c)
{
	int i, bad = 0;

	for (i = 1; i < THRESHOLDS; i++)
		if (c->threshold[i] < thresholds[i].min || c->threshold[i] > thresholds[i].max) {
			printf("# %s is %u\n", thresholds[i].name, c->threshold[i]);
			bad++;
		}
	return bad ? -1 : 0;
}

static void print_totals(const struct totals *t)
{
	int k;

	printf("# %u messages: %u answers (%u endpoints, %u peers, %u alerts), %u acknowledgements, ", t->sent,
	       t->valid, t->endpoints, t->peers, t->alerts, t->acks);
	printf("%u refusals (%u texts), %u times no such alert, %u dumps\n", t->refused, t->texts, t->absent, t->dumps);
	printf("# %u without an answer\n", t->silent);
	for (k = 1; k < 200; k++)
		if (t->by_errno[k])
			printf("# %s: %u\n", strerror(k), t->by_errno[k]);
}

static void count(const struct nl_endpoint *e, void *arg)
{
	(*(unsigned int *)arg)++;
}

TEST_F_TIMEOUT(fuzz, messages, 1500)
{
	unsigned int n = number("TCPSTATE_FUZZ", 20000), i, k, times, listeners, seen = 0;
	const struct genlmsghdr *g;
	struct nl_endpoint e;
	struct nl_config c;
	struct nl_stats s;
	struct nl_msg m;
	size_t len;
	int cmd;

	for (i = 0; i < n; i++) {
		memset(&m, 0, sizeof(m));
		valid(&m, self);
		m.h.nlmsg_seq = i + 1;
		len = 0;
		times = draw(16) ? 1 + draw(3) : 0;	/* some stay valid */
		for (k = 0; k < times && !len && m.h.nlmsg_len < 4000 && m.h.nlmsg_len > NLMSG_HDRLEN; k++)
			spoil(&m, &len);
		m.h.nlmsg_type = self->nl.family;	/* other families are not ours to spoil */
		if (!len)
			len = m.h.nlmsg_len;
		g = (const struct genlmsghdr *)(m.bytes + NLMSG_HDRLEN);
		cmd = m.h.nlmsg_len <= len && m.h.nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN ? g->cmd : 0;
		ASSERT_EQ(len, send(self->nl.fd, &m, len, 0)) TH_LOG("%zu bytes: %m", len);
		self->t.sent++;
		k = self->t.refused;
		ASSERT_EQ(0, answers(self, m.h.nlmsg_seq, cmd)) {
			TH_LOG("message %u", i + 1);
			print_message(&m, len);
		}
		if (!times)
			ASSERT_EQ(k, self->t.refused) {
				TH_LOG("message %u is valid and was refused: \"%s\"", i + 1, self->nl.text);
				print_message(&m, len);
			}
	}
	print_totals(&self->t);
	/* all kinds have come */
	EXPECT_LT(n / 20, self->t.valid);
	EXPECT_LT(n / 20, self->t.refused);
	EXPECT_LT(n / 100, self->t.dumps);
	EXPECT_LT(n / 100, self->t.endpoints);
	EXPECT_LT(n / 100, self->t.peers);
	EXPECT_LT(n / 100, self->t.alerts);
	/* and all is well */
	ASSERT_EQ(0, nl_stats(&self->ask, &s));
	listeners = s.evidence == TCPSTATE_EVIDENCE_SOCKETS;
	EXPECT_EQ(2 * PAIRS + listeners, s.tracked);
	EXPECT_EQ(listeners, s.state[TCPSTATE_STATE_LISTEN].count);
	EXPECT_EQ(2 * PAIRS, s.state[TCPSTATE_STATE_ESTABLISHED].count);
	EXPECT_EQ(0, s.invalid + s.malformed + s.untracked);
	EXPECT_EQ(0, nl_get(&self->ask, &self->tuple, &e));
	nl_begin(&m, &self->ask, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	EXPECT_EQ(0, nl_dump(&self->ask, &m, count, &seen));
	EXPECT_EQ(2 * PAIRS + listeners, seen);
	EXPECT_EQ(2 + listeners, nl_peers(&self->ask, NULL, 0));
	EXPECT_LE(1, nl_alerts(&self->ask, NULL, 0));
	EXPECT_EQ(0, nl_config(&self->ask, &c));
	EXPECT_EQ(0, check_thresholds(&c));
	EXPECT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_LIMIT, self->config.limit));
	EXPECT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_EVENT_BATCH, self->config.batch));
	EXPECT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, self->config.delay_ms));
	EXPECT_EQ(0, nl_set(&self->ask, TCPSTATE_A_CONFIG_EVENT_QUEUE, self->config.queue));
	EXPECT_EQ(0, log_is_clean());
}

TEST_HARNESS_MAIN
