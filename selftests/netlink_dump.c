// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps of endpoints: what every filter lists is compared with what this test, which knows its sockets, thinks of each
 * endpoint; and what is refused, with its text and the attribute that it is about.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl.h"

#define MS	1000000ULL
#define MOST	64
#define SETS	((1u << (STATES - 1)) - 1)	/* of the eleven, without the empty one */
#define ALL	(SETS * NL_STATE(1))
/* commands, by number */
#define DUMPS	(1u << TCPSTATE_CMD_ENDPOINT_GET | 1u << TCPSTATE_CMD_PEER_GET | 1u << TCPSTATE_CMD_ALERT_GET)
#define ANSWERS	(1u << TCPSTATE_CMD_STATS_GET | 1u << TCPSTATE_CMD_ENDPOINT_GET | 1u << TCPSTATE_CMD_CONFIG_GET | \
		 1u << TCPSTATE_CMD_CONFIG_SET | 1u << TCPSTATE_CMD_ALERT_SET | 1u << TCPSTATE_CMD_SWITCH_SET)
#define ADDR_TEXT	"an address has 4 bytes (IPv4) or 16 (IPv6)"

struct filter {
	uint32_t states, family, prefix[2], limit;
	bool has_addr[2], has_prefix[2], has_min[2], has_max[2];
	uint32_t addr_family;		/* of both */
	uint8_t addr[2][16];
	uint16_t min[2], max[2];
	uint64_t min_age;
};

struct list {
	struct nl_endpoint e[MOST];
	int n;
};

FIXTURE(dump) {
	struct nl nl;
	struct list known;	/* what there is */
	int listeners;		/* the first so many of @known: two where sockets tell, else none */
	int old_sockets;	/* the first so many of @known are 60 ms older */
};

static void add(const struct nl_endpoint *e, void *arg)
{
	struct list *list = arg;

	if (list->n < MOST)
		list->e[list->n] = *e;
	list->n++;
}

/* @remote is 0 where it does not matter how much has been proved. */
static void know(struct list *list, int fd, uint32_t state, uint32_t remote)
{
	struct nl_endpoint e = { .local = state, .remote = remote };

	nl_tuple_of(fd, &e.tuple);
	add(&e, list);
}

static const struct pair {
	const char *from, *to;
	int from_port, to_port;
	bool closed;		/* by the client first */
} pairs[] = {
	{ "127.0.0.1", "127.0.0.1", 20001, 7000, false },
	{ "127.0.1.1", "127.0.0.2", 20002, 7001, false },
	{ "127.1.2.3", "127.0.0.1", 20003, 7000, true },
	{ "127.255.255.254", "127.128.0.1", 65535, 7001, false },
	{ "::1", "::1", 20004, 7000, false },
	{ "fd77::1", "fd77::8000:0:0:1", 20005, 7001, true },
	{ "fd77:0:0:1::1", "::1", 1, 7000, false },
	{ "::ffff:127.0.0.3", "::ffff:127.0.0.1", 20006, 7000, false },
};
#define PAIRS	(sizeof(pairs) / sizeof(pairs[0]))
/* Without the listeners, at :: */
enum { ENDS = 2 * PAIRS, ENDS_IPV4 = 10, ENDS_IPV6 = 6 };

FIXTURE_SETUP(dump)
{
	int listener[2], fd, peer;
	struct snapshot s;
	size_t i;

	memset(&self->known, 0, sizeof(self->known));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, system("for a in ::1/64 ::8000:0:0:1 :0:0:1::1; do ip addr add fd77$a dev lo nodad || exit; done"));
	ASSERT_EQ(0, nl_open(&self->nl));
	listener[0] = nl_listen("::", 7000, 100);
	listener[1] = nl_listen("::", 7001, 100);
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &s));
	for (i = 0; s.sockets && i < 2; i++)
		know(&self->known, listener[i], TCPSTATE_STATE_LISTEN, TCPSTATE_STATE_CLOSE);
	self->listeners = self->known.n;
	for (i = 0; i < PAIRS; i++) {
		if (i == PAIRS / 2)
			sleep_ms(60);
		fd = nl_connect(pairs[i].from, pairs[i].from_port, pairs[i].to, pairs[i].to_port, false);
		ASSERT_LE(0, fd);
		peer = accept(listener[pairs[i].to_port - 7000], NULL, NULL);
		ASSERT_LE(0, peer);
		if (pairs[i].closed)
			shutdown(fd, SHUT_WR);
		know(&self->known, fd, pairs[i].closed ? TCPSTATE_STATE_FIN_WAIT2 : TCPSTATE_STATE_ESTABLISHED, 0);
		know(&self->known, peer, pairs[i].closed ? TCPSTATE_STATE_CLOSE_WAIT : TCPSTATE_STATE_ESTABLISHED, 0);
		if (i < PAIRS / 2)
			self->old_sockets = self->known.n;
	}
	ASSERT_EQ(0, check_counts("ESTABLISHED=12 FIN_WAIT2=2 CLOSE_WAIT=2"));
}

FIXTURE_TEARDOWN(dump)
{
	nl_close(&self->nl);
}

static bool prefix_equal(const uint8_t *a, const uint8_t *b, unsigned int bits)
{
	unsigned int i;

	for (i = 0; i < bits; i++)
		if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
			return false;
	return true;
}

/* Does the filter want it? Written from the spec, bit by bit. */
static bool wanted(const struct filter *f, const struct nl_endpoint *e, bool old)
{
	int end;

	if (f->states && !(f->states & NL_STATE(e->local)))
		return false;
	if (f->family && e->tuple.family != f->family)
		return false;
	if (f->min_age && !old)
		return false;
	for (end = 0; end < 2; end++) {
		if (f->has_min[end] && e->tuple.port[end] < f->min[end])
			return false;
		if (f->has_max[end] && e->tuple.port[end] > f->max[end])
			return false;
		if (!f->has_addr[end])
			continue;
		if (e->tuple.family != f->addr_family)
			return false;
		if (!prefix_equal(e->tuple.addr[end], f->addr[end], f->has_prefix[end] ? f->prefix[end] :
				  8 * nl_addr_len(f->addr_family)))
			return false;
	}
	return true;
}

static void put_filter(struct nl_msg *m, const struct nl *nl, const struct filter *f)
{
	struct nlattr *nest;
	int end;

	nl_begin(m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nest = nl_nest(m, TCPSTATE_A_ENDPOINT_FILTER);
	if (f->states)
		nl_put_u32(m, TCPSTATE_A_FILTER_STATES, f->states);
	if (f->family)
		nl_put_u32(m, TCPSTATE_A_FILTER_FAMILY, f->family);
	for (end = 0; end < 2; end++) {
		if (f->has_addr[end])
			nl_put(m, end ? TCPSTATE_A_FILTER_REMOTE_ADDR : TCPSTATE_A_FILTER_LOCAL_ADDR, f->addr[end],
			       nl_addr_len(f->addr_family));
		if (f->has_prefix[end])
			nl_put_u32(m, end ? TCPSTATE_A_FILTER_REMOTE_PREFIX : TCPSTATE_A_FILTER_LOCAL_PREFIX,
				   f->prefix[end]);
		if (f->has_min[end])
			nl_put_u16(m, end ? TCPSTATE_A_FILTER_REMOTE_PORT_MIN : TCPSTATE_A_FILTER_LOCAL_PORT_MIN,
				   f->min[end]);
		if (f->has_max[end])
			nl_put_u16(m, end ? TCPSTATE_A_FILTER_REMOTE_PORT_MAX : TCPSTATE_A_FILTER_LOCAL_PORT_MAX,
				   f->max[end]);
	}
	if (f->min_age)
		nl_put_u64(m, TCPSTATE_A_FILTER_MIN_AGE_NS, f->min_age);
	if (f->limit)
		nl_put_u32(m, TCPSTATE_A_FILTER_LIMIT, f->limit);
	nl_nest_end(m, nest);
}

static void print_filter(const struct filter *f)
{
	int end;

	printf("# filter: states %#x family %u limit %u min_age %llu", f->states, f->family, f->limit,
	       (unsigned long long)f->min_age);
	for (end = 0; end < 2; end++)
		printf(" %s %02x%02x.. /%d ports %d-%d", end ? "remote" : "local", f->addr[end][0], f->addr[end][1],
		       !f->has_addr[end] ? -2 : f->has_prefix[end] ? (int)f->prefix[end] : -1,
		       f->has_min[end] ? f->min[end] : -1, f->has_max[end] ? f->max[end] : -1);
	printf("\n");
}

/* Runs a dump and compares; returns how many were listed, or -1. */
static int check_filter(FIXTURE_DATA(dump) *self, const struct filter *f)
{
	static struct list got;
	int i, j, times, should = 0, err, bad = 0;
	struct nl_msg m;

	got.n = 0;
	put_filter(&m, &self->nl, f);
	err = nl_dump(&self->nl, &m, add, &got);
	for (i = 0; i < self->known.n; i++) {
		bool want = wanted(f, &self->known.e[i], i < self->old_sockets);

		should += want;
		for (j = times = 0; j < got.n; j++)
			times += nl_same(&got.e[j].tuple, &self->known.e[i].tuple) &&
				 got.e[j].local == self->known.e[i].local &&
				 (!self->known.e[i].remote || got.e[j].remote == self->known.e[i].remote);
		/* a limit takes any of them */
		bad += f->limit ? times > want : times != want;
	}
	if (f->limit && f->limit < (uint32_t)should)
		should = f->limit;
	if (!err && !bad && got.n == should)
		return should;
	printf("# %d \"%s\", %d listed, %d were to be, %d wrong\n", err, self->nl.text, got.n, should, bad);
	print_filter(f);
	return -1;
}

TEST_F(dump, states)
{
	struct filter f = { 0 };
	unsigned int states;

	EXPECT_EQ(ENDS + self->listeners, check_filter(self, &f));
	/* each set of the eleven */
	for (states = NL_STATE(1); states <= ALL; states += NL_STATE(1)) {
		f.states = states;
		ASSERT_LE(0, check_filter(self, &f));
	}
	f.states = NL_STATE(TCPSTATE_STATE_CLOSE_WAIT);
	EXPECT_EQ(2, check_filter(self, &f));
	f.states = NL_STATE(TCPSTATE_STATE_TIME_WAIT);
	EXPECT_EQ(0, check_filter(self, &f));
	f.states = NL_STATE(TCPSTATE_STATE_LISTEN);
	EXPECT_EQ(self->listeners, check_filter(self, &f));
}

TEST_F(dump, without_a_filter)
{
	struct list got = { .n = 0 };
	struct nl_msg m;
	int i, j;

	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	ASSERT_EQ(0, nl_dump(&self->nl, &m, add, &got));
	ASSERT_EQ(self->known.n, got.n);
	for (i = 0; i < got.n; i++) {
		for (j = 0; j < got.n && !nl_same(&got.e[j].tuple, &self->known.e[i].tuple); j++)
			;
		ASSERT_LT(j, got.n);
		EXPECT_EQ(self->known.e[i].local, got.e[j].local);
		EXPECT_TRUE(got.e[j].remote >= 1 && got.e[j].remote < STATES);
		EXPECT_TRUE(i >= self->listeners || got.e[j].remote == TCPSTATE_STATE_CLOSE);
		EXPECT_LT(got.e[j].age_ns / MS, 10000);
		EXPECT_FALSE(got.e[j].age_at_least);
		/* no end has been closed: all are held by this process */
		EXPECT_EQ(TCPSTATE_SOCKET_KIND_FULL, got.e[j].kind);
		EXPECT_NE(0, got.e[j].inode);
	}
}

TEST_F(dump, family)
{
	struct filter f = { .family = AF_INET };

	EXPECT_EQ(ENDS_IPV4, check_filter(self, &f));
	f.family = AF_INET6;
	EXPECT_EQ(ENDS_IPV6 + self->listeners, check_filter(self, &f));
}

/* Every length of every address that there is, as the local and as the remote one. */
TEST_F(dump, prefixes)
{
	unsigned int width;
	int i, end;

	for (i = 0; i < self->known.n; i++) {
		const struct nl_tuple *t = &self->known.e[i].tuple;

		width = 8 * nl_addr_len(t->family);
		for (end = 0; end < 2; end++) {
			struct filter f = { .addr_family = t->family };

			f.has_addr[end] = true;
			memcpy(f.addr[end], t->addr[end], 16);
			ASSERT_LE(1, check_filter(self, &f));
			f.has_prefix[end] = true;
			for (f.prefix[end] = 0; f.prefix[end] <= width; f.prefix[end]++)
				ASSERT_LE(1, check_filter(self, &f));
			/* bits behind the prefix do not matter, the last one before it does */
			f.prefix[end] = width - 1;
			f.addr[end][width / 8 - 1] ^= 1;
			ASSERT_LE(1, check_filter(self, &f));
			f.prefix[end] = 1;
			f.addr[end][0] ^= 0x80;
			ASSERT_LE(0, check_filter(self, &f));
			f.prefix[end] = 0;
			ASSERT_EQ(width == 32 ? ENDS_IPV4 : ENDS_IPV6 + self->listeners, check_filter(self, &f));
		}
	}
}

TEST_F(dump, ports)
{
	static const uint16_t ports[] = { 0, 1, 2, 6999, 7000, 7001, 7002, 20000, 20001, 20003, 20006, 20007, 65534, 65535 };
	const int n = sizeof(ports) / sizeof(ports[0]);
	int end, i, j;

	for (end = 0; end < 2; end++) {
		for (i = 0; i < n; i++) {
			struct filter f = { 0 };

			f.min[end] = f.max[end] = ports[i];
			f.has_min[end] = true;
			ASSERT_LE(0, check_filter(self, &f));
			f.has_max[end] = true;
			ASSERT_LE(0, check_filter(self, &f));
			f.has_min[end] = false;
			ASSERT_LE(0, check_filter(self, &f));
			f.has_min[end] = true;
			for (j = i; j < n; j++) {
				f.max[end] = ports[j];
				ASSERT_LE(0, check_filter(self, &f));
			}
		}
	}
}

TEST_F(dump, age_and_limit)
{
	struct filter f = { .min_age = 40 * MS };
	const int all = self->known.n;
	int i;

	EXPECT_EQ(ENDS / 2 + self->listeners, check_filter(self, &f));
	sleep_ms(60);
	self->old_sockets = all;
	EXPECT_EQ(all, check_filter(self, &f));
	self->old_sockets = 0;
	f.min_age = 1000000 * MS;
	EXPECT_EQ(0, check_filter(self, &f));
	f.min_age = UINT64_MAX;
	EXPECT_EQ(0, check_filter(self, &f));
	f.min_age = 0;
	for (i = 1; i <= all + 4; i++) {
		f.limit = i;
		EXPECT_EQ(i < all ? i : all, check_filter(self, &f));
	}
	f.limit = UINT32_MAX;
	EXPECT_EQ(all, check_filter(self, &f));
	f.states = NL_STATE(TCPSTATE_STATE_CLOSE_WAIT);
	f.limit = 1;
	EXPECT_EQ(1, check_filter(self, &f));
}

static unsigned int draw(unsigned int n)
{
	static uint64_t state = 20261121;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

/* All conditions at once: every one of them has to hold. */
TEST_F(dump, combinations)
{
	unsigned int i, some = 0, none = 0;
	int end, n;

	for (i = 0; i < 3000; i++) {
		const struct nl_endpoint *e = &self->known.e[draw(self->known.n)];
		struct filter f = { 0 };

		if (draw(3) == 0)
			f.states = draw(SETS) * NL_STATE(1) | NL_STATE(e->local);
		if (draw(3) == 0)
			f.family = e->tuple.family;
		if (draw(4) == 0)
			f.limit = 1 + draw(8);
		f.addr_family = e->tuple.family;
		for (end = 0; end < 2; end++) {
			f.has_addr[end] = draw(2);
			f.has_prefix[end] = f.has_addr[end] && draw(4);
			f.prefix[end] = draw(8 * nl_addr_len(e->tuple.family) + 1);
			memcpy(f.addr[end], draw(8) ? e->tuple.addr[end] :
			       self->known.e[self->listeners + (e->tuple.family == AF_INET ? 0 : 10)].tuple.addr[0], 16);
			f.has_min[end] = draw(3) == 0;
			f.min[end] = draw(4) ? e->tuple.port[end] - draw(e->tuple.port[end] + 1) : 65535;
			f.has_max[end] = draw(3) == 0;
			f.max[end] = e->tuple.port[end] + draw(65536 - e->tuple.port[end]);
			if (f.has_min[end] && f.has_max[end] && f.min[end] > f.max[end])
				f.has_min[end] = false;
		}
		n = check_filter(self, &f);
		ASSERT_LE(0, n);
		some += n > 0;
		none += n == 0;
	}
	printf("# %u filters listed something, %u nothing\n", some, none);
	EXPECT_LT(500, some);
	EXPECT_LT(50, none);
}

/* Refusals: one bad attribute in a filter, behind a good one. */
static int refuse(struct nl *nl, int type, const void *data, size_t len, int *at)
{
	struct nlattr *nest;
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nest = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
	nl_put_u32(&m, TCPSTATE_A_FILTER_LIMIT, 5);
	*at = m.h.nlmsg_len;
	nl_put(&m, type, data, len);
	nl_nest_end(&m, nest);
	return nl_dump(nl, &m, NULL, NULL);
}

TEST_F(dump, refusals)
{
	static const uint32_t u0, u1 = 1, u7 = 7, states_max = ALL + NL_STATE(1), all_bits = ~0u, p129 = 129;
	static const uint8_t addr[32];
	static const struct { int type; const void *data; size_t len; int err; const char *text; } cases[] = {
		{ TCPSTATE_A_FILTER_STATES, &u1, 4, -EINVAL, "reserved bit set" },
		{ TCPSTATE_A_FILTER_STATES, &states_max, 4, -EINVAL, "reserved bit set" },
		{ TCPSTATE_A_FILTER_STATES, &all_bits, 4, -EINVAL, "reserved bit set" },
		{ TCPSTATE_A_FILTER_STATES, &u7, 2, -EINVAL, NULL },
		{ TCPSTATE_A_FILTER_LOCAL_ADDR, addr, 0, -EINVAL, ADDR_TEXT },
		{ TCPSTATE_A_FILTER_LOCAL_ADDR, addr, 3, -EINVAL, ADDR_TEXT },
		{ TCPSTATE_A_FILTER_REMOTE_ADDR, addr, 5, -EINVAL, ADDR_TEXT },
		{ TCPSTATE_A_FILTER_REMOTE_ADDR, addr, 15, -EINVAL, ADDR_TEXT },
		{ TCPSTATE_A_FILTER_LOCAL_ADDR, addr, 17, -EINVAL, ADDR_TEXT },
		{ TCPSTATE_A_FILTER_REMOTE_ADDR, addr, 32, -EINVAL, ADDR_TEXT },
		{ TCPSTATE_A_FILTER_LOCAL_PREFIX, &p129, 4, -ERANGE, "integer out of range" },
		{ TCPSTATE_A_FILTER_REMOTE_PREFIX, &all_bits, 4, -ERANGE, "integer out of range" },
		{ TCPSTATE_A_FILTER_LOCAL_PORT_MIN, &u7, 4, -EINVAL, NULL },
		{ TCPSTATE_A_FILTER_REMOTE_PORT_MAX, &u7, 1, -EINVAL, NULL },
		{ TCPSTATE_A_FILTER_MIN_AGE_NS, &u7, 4, -EINVAL, NULL },
		{ TCPSTATE_A_FILTER_LIMIT, &u0, 4, -ERANGE, "integer out of range" },
		{ TCPSTATE_A_FILTER_LIMIT, addr, 8, -EINVAL, NULL },
		{ TCPSTATE_A_FILTER_PAD, addr, 0, -EINVAL, NULL },
		{ TCPSTATE_A_FILTER_MAX + 1, &u7, 4, -EINVAL, NULL },
		{ 0, &u7, 4, -EINVAL, NULL },
		{ 4000, addr, 32, -EINVAL, NULL },
	};
	int at, err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err = refuse(&self->nl, cases[i].type, cases[i].data, cases[i].len, &at);
		EXPECT_EQ(cases[i].err, err) TH_LOG("case %zu: \"%s\"", i, self->nl.text);
		if (cases[i].text)
			EXPECT_STREQ(cases[i].text, self->nl.text);
		EXPECT_NE(0, self->nl.text[0]) TH_LOG("case %zu: no text", i);
		EXPECT_EQ(at, self->nl.offset) TH_LOG("case %zu: \"%s\"", i, self->nl.text);
	}
}

static bool is_addr(int type)
{
	return type == TCPSTATE_A_FILTER_LOCAL_ADDR || type == TCPSTATE_A_FILTER_REMOTE_ADDR;
}

/*
 * What the policy cannot know, or attributes that do not go together. On 6.1 the refusal of a dump that has begun has a
 * text, but no offset.
 */
TEST_F(dump, contradictions)
{
	static const uint8_t addr[16] = { 127, 0, 0, 1 };
	static const struct {
		int type[3]; uint64_t value[3]; size_t len[3]; const char *text;
	} cases[] = {
		{ { TCPSTATE_A_FILTER_STATES }, { 0 }, { 4 }, "the set of states is empty" },
		{ { TCPSTATE_A_FILTER_FAMILY }, { 7 }, { 4 }, "the family is neither AF_INET nor AF_INET6" },
		{ { TCPSTATE_A_FILTER_FAMILY }, { 0x10000 + AF_INET }, { 4 }, "the family is neither AF_INET nor AF_INET6" },
		{ { TCPSTATE_A_FILTER_LOCAL_PREFIX }, { 7 }, { 4 }, "a prefix length needs an address" },
		{ { TCPSTATE_A_FILTER_REMOTE_PREFIX }, { 7 }, { 4 }, "a prefix length needs an address" },
		{ { TCPSTATE_A_FILTER_FAMILY, TCPSTATE_A_FILTER_LOCAL_ADDR }, { AF_INET6 }, { 4, 4 },
		  "the address is of another family" },
		{ { TCPSTATE_A_FILTER_FAMILY, TCPSTATE_A_FILTER_REMOTE_ADDR }, { AF_INET }, { 4, 16 },
		  "the address is of another family" },
		{ { TCPSTATE_A_FILTER_LOCAL_ADDR, TCPSTATE_A_FILTER_REMOTE_ADDR }, { 0 }, { 4, 16 },
		  "the address is of another family" },
		{ { TCPSTATE_A_FILTER_LOCAL_ADDR, TCPSTATE_A_FILTER_LOCAL_PREFIX }, { 0, 33 }, { 4, 4 },
		  "the prefix is longer than the address" },
		{ { TCPSTATE_A_FILTER_REMOTE_ADDR, TCPSTATE_A_FILTER_REMOTE_PREFIX }, { 0, 128 }, { 4, 4 },
		  "the prefix is longer than the address" },
		{ { TCPSTATE_A_FILTER_LOCAL_ADDR, TCPSTATE_A_FILTER_REMOTE_PREFIX }, { 0, 8 }, { 4, 4 },
		  "a prefix length needs an address" },
		{ { TCPSTATE_A_FILTER_LOCAL_PORT_MIN, TCPSTATE_A_FILTER_LOCAL_PORT_MAX }, { 2, 1 }, { 2, 2 },
		  "the lowest port is above the highest" },
		{ { TCPSTATE_A_FILTER_REMOTE_PORT_MIN, TCPSTATE_A_FILTER_REMOTE_PORT_MAX }, { 65535, 0 }, { 2, 2 },
		  "the lowest port is above the highest" },
	};
	struct nlattr *nest;
	struct nl_msg m;
	unsigned int i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
		nest = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
		for (k = 0; k < 3 && cases[i].type[k]; k++)
			nl_put(&m, cases[i].type[k], is_addr(cases[i].type[k]) ? (void *)addr : (void *)&cases[i].value[k],
			       cases[i].len[k]);
		nl_nest_end(&m, nest);
		EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
		EXPECT_STREQ(cases[i].text, self->nl.text);
	}
}

/* What is wrong about the message rather than about a value. */
TEST_F(dump, shapes)
{
	static const uint8_t junk[24] = { AF_INET };
	struct nlattr *nest, *deeper;
	struct list got = { .n = 0 };
	struct nl_msg m;
	int type;

	/* a tuple does not go with a dump */
	for (type = TCPSTATE_A_ENDPOINT_FAMILY; type <= TCPSTATE_A_ENDPOINT_SCOPE; type++) {
		bool addr = type == TCPSTATE_A_ENDPOINT_LOCAL_ADDR || type == TCPSTATE_A_ENDPOINT_REMOTE_ADDR;
		bool port = type == TCPSTATE_A_ENDPOINT_LOCAL_PORT || type == TCPSTATE_A_ENDPOINT_REMOTE_PORT;

		nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
		nl_put(&m, type, junk, addr ? 16 : port ? 2 : 4);
		EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
		EXPECT_STREQ("a dump takes a filter and nothing else", self->nl.text);
	}
	/* unknown, at the top */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nl_put_u32(&m, TCPSTATE_A_ENDPOINT_MAX + 1, 1);
	EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
	EXPECT_STREQ("Unknown attribute type", self->nl.text);
	/* bytes behind the last attribute */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	memcpy(m.bytes + m.h.nlmsg_len, junk, 3);
	m.h.nlmsg_len += 3;
	EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
	EXPECT_STREQ("bytes leftover after parsing attributes", self->nl.text);
	/* the same within the filter */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nl_put(&m, TCPSTATE_A_ENDPOINT_FILTER | NLA_F_NESTED, junk + 1, 3);
	EXPECT_EQ(-ERANGE, nl_dump(&self->nl, &m, NULL, NULL));
	EXPECT_NE(0, self->nl.text[0]);
	/* a filter that is not a nest */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nl_put_u32(&m, TCPSTATE_A_ENDPOINT_FILTER, 1);
	EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
	EXPECT_STREQ("NLA_F_NESTED is missing", self->nl.text);
	/* a filter in a filter */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nest = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
	deeper = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
	nl_put_u32(&m, TCPSTATE_A_FILTER_LIMIT, 1);
	nl_nest_end(&m, deeper);
	nl_nest_end(&m, nest);
	EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
	EXPECT_NE(0, self->nl.text[0]);
	/* an attribute longer than its nest */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nest = nl_nest(&m, TCPSTATE_A_ENDPOINT_FILTER);
	deeper = (struct nlattr *)(m.bytes + m.h.nlmsg_len);
	nl_put_u32(&m, TCPSTATE_A_FILTER_LIMIT, 1);
	deeper->nla_len = 400;
	nl_nest_end(&m, nest);
	EXPECT_EQ(-EINVAL, nl_dump(&self->nl, &m, NULL, NULL));
	EXPECT_NE(0, self->nl.text[0]);
	/* an empty filter is none */
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	nl_put(&m, TCPSTATE_A_ENDPOINT_FILTER | NLA_F_NESTED, NULL, 0);
	EXPECT_EQ(0, nl_dump(&self->nl, &m, add, &got));
	EXPECT_EQ(self->known.n, got.n);
	/* what is not there cannot be done, with or without a dump */
	for (type = 0; type < 256; type++) {
		nl_begin(&m, &self->nl, type, NLM_F_DUMP);
		EXPECT_TRUE((type < 32 && DUMPS >> type & 1) || nl_dump(&self->nl, &m, NULL, NULL) == -EOPNOTSUPP)
			TH_LOG("dump of command %d", type);
		nl_begin(&m, &self->nl, type, NLM_F_ACK);
		EXPECT_TRUE((type < 32 && ANSWERS >> type & 1) || nl_ask(&self->nl, &m) == -EOPNOTSUPP)
			TH_LOG("command %d", type);
	}
}

TEST_HARNESS_MAIN
