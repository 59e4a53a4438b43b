// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoders of netlink messages under libFuzzer: whatever the bytes are, nothing outside them is
 * read, and what is accepted keeps the contract of decode.h, or of diag.h.
 *
 * The first byte of an input chooses the decoder and whether the rest is the message itself or edits
 * of a good one, three bytes each: position and what is there instead. From bytes alone a message of
 * statistics, with eleven nests that all have to be there, would never come about.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/alert.h"
#include "../lib/decode.h"
#include "../lib/diag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define need(what) do {								\
	if (!(what)) {								\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);	\
		abort();							\
	}									\
} while (0)

#define MESSAGE_MAX	8192
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

struct message {
	uint8_t at[MESSAGE_MAX];
	size_t len;
};

/* Good messages */

static void put(struct message *m, uint16_t type, const void *data, uint16_t len)
{
	struct nlattr head = { .nla_type = type, .nla_len = NLA_HDRLEN + len };

	need(m->len + NLA_ALIGN(head.nla_len) <= sizeof(m->at));
	memcpy(m->at + m->len, &head, sizeof(head));
	if (len)
		memcpy(m->at + m->len + NLA_HDRLEN, data, len);
	m->len += NLA_ALIGN(head.nla_len);
}

static void put_u16(struct message *m, uint16_t type, uint16_t n)
{
	put(m, type, &n, sizeof(n));
}

static void put_u32(struct message *m, uint16_t type, uint32_t n)
{
	put(m, type, &n, sizeof(n));
}

static void put_u64(struct message *m, uint16_t type, uint64_t n)
{
	put(m, type, &n, sizeof(n));
}

static void put_nest(struct message *m, uint16_t type, const struct message *nest)
{
	put(m, type | NLA_F_NESTED, nest->at, nest->len);
}

static void put_tuple(struct message *m, int family)
{
	static const uint8_t addr[16] = { 192, 0, 2, 1 };
	uint16_t size = family == AF_INET ? 4 : 16;

	put_u32(m, TCPSTATE_A_ENDPOINT_FAMILY, family);
	put(m, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, addr, size);
	put(m, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, addr, size);
	put_u16(m, TCPSTATE_A_ENDPOINT_LOCAL_PORT, 443);
	put_u16(m, TCPSTATE_A_ENDPOINT_REMOTE_PORT, 51234);
	put_u32(m, TCPSTATE_A_ENDPOINT_SCOPE, 2);
}

/* @first: the number of the first of the five */
static void put_socket(struct message *m, uint16_t first)
{
	put_u32(m, first, 1000);
	put_u64(m, first + 1, 12345);
	put_u64(m, first + 2, 4711);
	put_u64(m, first + 3, 99);
	put_u32(m, first + 4, 1234);
}

static void good_endpoint(struct message *m)
{
	put_tuple(m, AF_INET6);
	put_u32(m, TCPSTATE_A_ENDPOINT_LOCAL_STATE, TCPSTATE_STATE_CLOSE_WAIT);
	put_u32(m, TCPSTATE_A_ENDPOINT_REMOTE_STATE, TCPSTATE_STATE_FIN_WAIT2);
	put_u64(m, TCPSTATE_A_ENDPOINT_AGE_NS, 1000);
	put(m, TCPSTATE_A_ENDPOINT_AGE_AT_LEAST, NULL, 0);
	put_u32(m, TCPSTATE_A_ENDPOINT_SOCKET_KIND, TCPSTATE_SOCKET_KIND_FULL);
	put_socket(m, TCPSTATE_A_ENDPOINT_UID);
}

static void good_events(struct message *m)
{
	unsigned int i;

	put_u64(m, TCPSTATE_A_EVENTS_LOST, 3);
	for (i = 0; i < 3; i++) {
		struct message nest = { .len = 0 };

		put_tuple(&nest, i ? AF_INET : AF_INET6);
		put_u64(&nest, TCPSTATE_A_TRANSITION_SEQ, 7 + i);
		put_u64(&nest, TCPSTATE_A_TRANSITION_TIME_NS, 1000);
		put_u32(&nest, TCPSTATE_A_TRANSITION_END, i % 2);
		put_u32(&nest, TCPSTATE_A_TRANSITION_OLD_STATE, TCPSTATE_STATE_ESTABLISHED);
		put_u32(&nest, TCPSTATE_A_TRANSITION_NEW_STATE, TCPSTATE_STATE_CLOSE_WAIT);
		put_u32(&nest, TCPSTATE_A_TRANSITION_CAUSE, TCPSTATE_CAUSE_RCV_FIN);
		put_u64(&nest, TCPSTATE_A_TRANSITION_DURATION_NS, 1000);
		put_socket(&nest, TCPSTATE_A_TRANSITION_UID);
		put_nest(m, TCPSTATE_A_EVENTS_TRANSITION, &nest);
	}
}

static void put_health(struct message *m)
{
	struct message nest = { .len = 0 };

	put_u32(m, TCPSTATE_A_STATS_EVIDENCE, TCPSTATE_EVIDENCE_SOCKETS);
	put_u64(m, TCPSTATE_A_STATS_DIVERGENCES, 5);
	put_u32(&nest, TCPSTATE_A_DIVERGENCE_FROM, TCPSTATE_STATE_SYN_RECV);
	put_u32(&nest, TCPSTATE_A_DIVERGENCE_TO, TCPSTATE_STATE_CLOSE);
	put_u32(&nest, TCPSTATE_A_DIVERGENCE_CORRECTION, TCPSTATE_CORRECTION_REQUEST);
	put_u64(&nest, TCPSTATE_A_DIVERGENCE_COUNT, 5);
	put_nest(m, TCPSTATE_A_STATS_DIVERGENCE, &nest);
	put_u64(m, TCPSTATE_A_STATS_VERIFIED_NS, 5);
	put_u64(m, TCPSTATE_A_STATS_ON_NS, 5);
}

static void good_stats(struct message *m)
{
	static const uint64_t zeros[TCPSTATE_STATE_LAST * TCPSTATE_STATE_LAST];
	unsigned int i;

	for (i = TCPSTATE_A_STATS_NETNS; i <= TCPSTATE_A_STATS_LIMIT; i++)
		put_u32(m, i, 5);
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		struct message nest = { .len = 0 };

		put_u32(&nest, TCPSTATE_A_STATE_STATS_STATE, i);
		put_u32(&nest, TCPSTATE_A_STATE_STATS_COUNT, 5);
		put_u64(&nest, TCPSTATE_A_STATE_STATS_ENTERED, 5);
		put_u64(&nest, TCPSTATE_A_STATE_STATS_OLDEST_NS, 5);
		put_u32(&nest, TCPSTATE_A_STATE_STATS_OLDER_60S, 5);
		put_u32(&nest, TCPSTATE_A_STATE_STATS_OLDER_300S, 5);
		put(&nest, TCPSTATE_A_STATE_STATS_HISTOGRAM, zeros,
		    TCPSTATE_HISTOGRAM_BUCKETS * sizeof(zeros[0]));
		put_nest(m, TCPSTATE_A_STATS_STATE, &nest);
	}
	put(m, TCPSTATE_A_STATS_MATRIX, zeros, sizeof(zeros));
	for (i = TCPSTATE_A_STATS_TRANSITIONS; i <= TCPSTATE_A_STATS_EVENT_LOST; i++)
		put_u64(m, i, 5);
	put_health(m);
}

static void good_config(struct message *m)
{
	static const uint8_t addr[4] = { 192, 0, 2, 1 };
	struct message thresholds = { .len = 0 }, ignore = { .len = 0 };
	unsigned int i;

	for (i = TCPSTATE_A_CONFIG_LIMIT; i <= TCPSTATE_A_CONFIG_EVENT_QUEUE; i++)
		put_u32(m, i, 5);
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		put_u32(&thresholds, i, 5);
	put_nest(m, TCPSTATE_A_CONFIG_THRESHOLDS, &thresholds);
	put_u32(&ignore, TCPSTATE_A_IGNORE_KIND, 1);
	put_u16(&ignore, TCPSTATE_A_IGNORE_PORT, 443);
	put(&ignore, TCPSTATE_A_IGNORE_ADDR, addr, sizeof(addr));
	put_nest(m, TCPSTATE_A_CONFIG_IGNORE, &ignore);
}

/* The numbers of a peer, by their width: those from @first to @last. */
static void put_numbers(struct message *m, unsigned int first, unsigned int last)
{
	static const bool wide[TCPSTATE_A_PEER_MAX + 1] = {
		[TCPSTATE_A_PEER_INODE] = true,
		[TCPSTATE_A_PEER_COOKIE] = true,
		[TCPSTATE_A_PEER_CGROUP] = true,
		[TCPSTATE_A_PEER_DROPS] = true,
		[TCPSTATE_A_PEER_WAITING_NS] = true,
		[TCPSTATE_A_PEER_NO_PORT] = true,
	};
	unsigned int i;

	for (i = first; i <= last; i++) {
		if (i == TCPSTATE_A_PEER_REUSABLE)
			put(m, i, NULL, 0);
		else if (wide[i])
			put_u64(m, i, 5);
		else
			put_u32(m, i, 5);
	}
}

static void put_peer(struct message *m, uint16_t attr, uint32_t kind, int family)
{
	static const uint8_t addr[16] = { 192, 0, 2, 1 };
	static const uint32_t counts[TCPSTATE_STATE_LAST];
	uint16_t size = family == AF_INET ? 4 : 16;
	struct message nest = { .len = 0 };

	put_u32(&nest, TCPSTATE_A_PEER_KIND, kind);
	put_u32(&nest, TCPSTATE_A_PEER_FAMILY, family);
	put(&nest, TCPSTATE_A_PEER_LOCAL_ADDR, addr, size);
	put(&nest, TCPSTATE_A_PEER_REMOTE_ADDR, addr, size);
	put_u16(&nest, TCPSTATE_A_PEER_LOCAL_PORT, 443);
	put_u16(&nest, TCPSTATE_A_PEER_REMOTE_PORT, 443);
	put(&nest, TCPSTATE_A_PEER_COUNTS, counts, sizeof(counts));
	put_numbers(&nest, TCPSTATE_A_PEER_UID, TCPSTATE_A_PEER_MAX);
	put_nest(m, attr, &nest);
}

static void good_peer(struct message *m)
{
	put_peer(m, TCPSTATE_A_PEERS_PEER, TCPSTATE_PEER_KIND_DESTINATION, AF_INET6);
}

static void good_notice(struct message *m)
{
	struct message nest = { .len = 0 };
	unsigned int i;

	put_u64(m, TCPSTATE_A_ALERTS_SEQ, 5);
	put_u64(m, TCPSTATE_A_ALERTS_TIME_NS, 5);
	put_u32(m, TCPSTATE_A_ALERTS_ACTION, TCPSTATE_ALERT_ACTION_CLEAR);
	for (i = TCPSTATE_A_ALERT_ID; i <= TCPSTATE_A_ALERT_REASON; i++)
		put_u32(&nest, i, 1);
	for (i = TCPSTATE_A_ALERT_VALUE; i <= TCPSTATE_A_ALERT_PEAK; i++)
		put_u64(&nest, i, 5);
	for (i = TCPSTATE_A_ALERT_RAISED_NS; i <= TCPSTATE_A_ALERT_CLEARED_NS; i++)
		put_u64(&nest, i, 5);
	for (i = TCPSTATE_A_ALERT_FOLDED; i <= TCPSTATE_A_ALERT_UNVERIFIED; i++)
		put(&nest, i, NULL, 0);
	put_peer(&nest, TCPSTATE_A_ALERT_PEER, TCPSTATE_PEER_KIND_LISTENER, AF_INET);
	put_u32(&nest, TCPSTATE_A_ALERT_FILE_LIMIT, 1024);
	put_nest(m, TCPSTATE_A_ALERTS_ALERT, &nest);
}

/* No attributes: a struct, and what follows is not read. */
static void good_socket(struct message *m)
{
	struct inet_diag_msg msg = { .idiag_family = AF_INET6, .idiag_state = 8, .id.idiag_if = 2 };

	/* One byte of it makes it v4-mapped or not. */
	msg.id.idiag_src[2] = htonl(0xffff);
	msg.id.idiag_dst[2] = htonl(0xfffe);
	memcpy(m->at, &msg, sizeof(msg));
	m->len = sizeof(msg);
}

/* The contract */

static void check_state(unsigned int state)
{
	need(state >= TCPSTATE_STATE_FIRST && state <= TCPSTATE_STATE_LAST);
	need(tcpstate_state_name(state));
}

static void check_value(const struct tcpstate_value *v, bool known)
{
	need(v->known == known);
	need(v->n <= (known ? INT64_MAX : 0));
}

static void check_tuple(const struct tcpstate_tuple *t)
{
	static const uint8_t zeros[12];

	need(t->family == AF_INET || t->family == AF_INET6);
	if (t->family == AF_INET)
		need(!memcmp(t->laddr + 4, zeros, 12) && !memcmp(t->raddr + 4, zeros, 12));
}

static void check_maybe(const struct tcpstate_value *v)
{
	check_value(v, v->known);
}

static void check_socket_facts(const struct tcpstate_socket *s)
{
	check_maybe(&s->kind);
	check_maybe(&s->uid);
	check_maybe(&s->inode);
	check_maybe(&s->cookie);
	check_maybe(&s->cgroup);
	check_maybe(&s->pid);
}

static int check_endpoint(const void *attrs, size_t len)
{
	struct tcpstate_endpoint e;
	int ret = tcpstate_decode_endpoint(attrs, len, &e);

	if (ret)
		return ret;
	check_tuple(&e.tuple);
	check_state(e.local);
	check_state(e.remote);
	need(e.age_ns <= INT64_MAX);
	check_socket_facts(&e.socket);
	return 0;
}

static int see(const struct tcpstate_transition *t, void *arg)
{
	unsigned int *left = arg;

	check_tuple(&t->tuple);
	check_state(t->from);
	check_state(t->to);
	check_maybe(&t->duration);
	check_socket_facts(&t->socket);
	need(!t->socket.kind.known);
	need(t->end <= TCPSTATE_END_LOCAL);
	need(t->seq <= INT64_MAX && t->time_ns <= INT64_MAX);
	need(*left);
	return --*left ? 0 : 1;
}

static int check_events(const void *attrs, size_t len)
{
	unsigned int left = 1 + len % 4;
	uint64_t lost = 0;
	int ret = tcpstate_decode_events(attrs, len, &lost, see, &left);

	need(ret == 0 || ret == -EBADMSG || (ret == 1 && !left));
	need(ret < 0 || lost <= INT64_MAX);
	return ret < 0 ? ret : 0;
}

static void check_health(const struct tcpstate_stats *stats)
{
	const struct tcpstate_health *h = &stats->snapshot.health;
	unsigned int i, from, to;

	check_maybe(&h->coverage);
	check_maybe(&h->divergence);
	check_maybe(&stats->verified_ns);
	check_maybe(&stats->on_ns);
	for (i = 0; i <= TCPSTATE_CORRECTIONS; i++) {
		for (from = 0; from <= TCPSTATE_STATE_LAST; from++) {
			for (to = 0; to <= TCPSTATE_STATE_LAST; to++)
				need(stats->corrected[i][from][to] <=
				     (i && from && to ? INT64_MAX : 0));
		}
	}
}

static int check_stats(const void *attrs, size_t len)
{
	struct tcpstate_stats stats;
	const struct tcpstate_snapshot *s = &stats.snapshot;
	int ret = tcpstate_decode_stats(attrs, len, &stats);
	unsigned int i, k;

	if (ret)
		return ret;
	for (i = 0; i < TCPSTATE_TOTAL_FIELDS; i++)
		check_value(tcpstate_field_get(s, &tcpstate_total_fields[i]), true);
	for (i = 0; i <= TCPSTATE_STATE_LAST; i++) {
		for (k = 0; k < TCPSTATE_ROW_FIELDS; k++)
			check_value(tcpstate_field_get(&s->state[i], &tcpstate_row_fields[k]), i);
		for (k = 0; k < TCPSTATE_HISTOGRAM_BUCKETS; k++)
			need(stats.histogram[i][k] <= INT64_MAX);
		for (k = 0; k <= TCPSTATE_STATE_LAST; k++)
			need(stats.matrix[i][k] <= (i && k ? INT64_MAX : 0));
	}
	need(stats.event_seq <= INT64_MAX && stats.event_lost <= INT64_MAX);
	check_health(&stats);
	return 0;
}

static int check_config(const void *attrs, size_t len)
{
	struct tcpstate_config c;
	int ret = tcpstate_decode_config(attrs, len, &c);
	unsigned int i;

	if (ret)
		return ret;
	check_value(&c.limit, true);
	check_value(&c.event_batch, true);
	check_value(&c.event_delay_ms, true);
	check_value(&c.event_queue, true);
	for (i = 0; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		check_value(&c.threshold[i], i && c.threshold[i].known);
	check_maybe(&c.ignores);
	need(c.ignores.n <= TCPSTATE_IGNORES_MAX);
	for (i = 0; i < TCPSTATE_IGNORES_MAX; i++) {
		int family = c.ignore[i].family;

		need(!family || family == AF_INET || family == AF_INET6);
		need(i < c.ignores.n || (!family && !c.ignore[i].kind && !c.ignore[i].port));
	}
	return 0;
}

static void check_peer_numbers(const struct tcpstate_peer *p)
{
	const struct tcpstate_tuple *t = &p->name;

	check_tuple(t);
	check_socket_facts(&p->socket);
	need(!p->socket.kind.known && !p->counts[0]);
	check_maybe(&p->sockets);
	check_maybe(&p->queue);
	check_maybe(&p->backlog);
	check_maybe(&p->drops);
	check_maybe(&p->drops_per_minute);
	check_maybe(&p->waiting_ns);
	check_maybe(&p->ports_used);
	check_maybe(&p->ports);
	check_maybe(&p->plateau);
	check_maybe(&p->opens_milli);
	check_maybe(&p->fails_per_minute);
	check_maybe(&p->no_port);
	check_maybe(&p->idle);
	check_maybe(&p->unread_eof);
	check_maybe(&p->not_accepted);
}

static int check_peer(const void *attrs, size_t len)
{
	struct tcpstate_peer p;
	int ret = tcpstate_decode_peer(attrs, len, &p);

	if (!ret)
		check_peer_numbers(&p);
	return ret;
}

static int check_notice(const void *attrs, size_t len)
{
	struct tcpstate_notice n;
	const struct tcpstate_alert *a = &n.alert;
	int ret = tcpstate_decode_notice(attrs, len, &n);

	if (ret)
		return ret;
	need(n.seq <= INT64_MAX && n.time_ns <= INT64_MAX);
	need(a->value <= INT64_MAX && a->limit <= INT64_MAX && a->peak <= INT64_MAX);
	need(a->raised_ns <= INT64_MAX && a->begun_ns <= INT64_MAX);
	check_maybe(&a->cleared);
	check_maybe(&a->file_limit);
	if (a->has_peer)
		check_peer_numbers(&a->peer);
	return 0;
}

static int check_socket(const void *msg, size_t len)
{
	struct tcpstate_seen seen;
	int ret = tcpstate_decode_diag(msg, len, &seen);

	if (ret)
		return ret;
	check_tuple(&seen.tuple);
	check_state(seen.state);
	return 0;
}

static struct {
	const char *name;
	void (*build)(struct message *m);
	int (*check)(const void *attrs, size_t len);
	struct message good;
	bool accepted, refused;
} decoders[] = {
	{ .name = "stats", .build = good_stats, .check = check_stats },
	{ .name = "endpoint", .build = good_endpoint, .check = check_endpoint },
	{ .name = "events", .build = good_events, .check = check_events },
	{ .name = "config", .build = good_config, .check = check_config },
	{ .name = "socket", .build = good_socket, .check = check_socket },
	{ .name = "peer", .build = good_peer, .check = check_peer },
	{ .name = "notice", .build = good_notice, .check = check_notice },
};

static void report(void)
{
	size_t i;

	for (i = 0; i < COUNT(decoders); i++) {
		if (!decoders[i].accepted)
			fprintf(stderr, "not reached: %s accepted\n", decoders[i].name);
		if (!decoders[i].refused)
			fprintf(stderr, "not reached: %s refused\n", decoders[i].name);
	}
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	size_t i;

	(void)argc;
	(void)argv;
	for (i = 0; i < COUNT(decoders); i++)
		decoders[i].build(&decoders[i].good);
	return atexit(report);
}

/* A position behind the end cuts the message, so far from its beginning. */
static void edit(struct message *m, const uint8_t *data, size_t size)
{
	size_t at;

	for (; size >= 3; data += 3, size -= 3) {
		at = (data[0] << 8 | data[1]) & (MESSAGE_MAX - 1);
		if (at < m->len)
			m->at[at] = data[2];
		else if (at - m->len < m->len)
			m->len = at - m->len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct message m;
	uint8_t which, *copy;
	int ret;

	if (!size || size > MESSAGE_MAX)
		return 0;
	which = (*data & 7) % COUNT(decoders);
	if (*data & 8) {
		m = decoders[which].good;
		edit(&m, data + 1, size - 1);
	} else {
		m.len = size - 1;
		memcpy(m.at, data + 1, m.len);
	}

	/* In memory of exactly this size, so that ASan sees a read behind it. */
	copy = malloc(m.len ? m.len : 1);
	need(copy);
	memcpy(copy, m.at, m.len);
	ret = decoders[which].check(copy, m.len);
	free(copy);
	need(ret == 0 || ret == -EBADMSG);
	if (ret)
		decoders[which].refused = true;
	else
		decoders[which].accepted = true;
	return 0;
}
