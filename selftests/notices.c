// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "notices.h"

struct walk {
	const char *at;
	size_t left;
};

static const struct nlattr *next(struct walk *w)
{
	const struct nlattr *a = (const void *)w->at;
	size_t size;

	if (w->left < sizeof(*a) || a->nla_len < sizeof(*a) || a->nla_len > w->left)
		return NULL;
	size = NLA_ALIGN(a->nla_len);
	if (size > w->left)
		size = w->left;
	w->at += size;
	w->left -= size;
	return a;
}

static const void *data(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

static struct walk inside(const struct nlattr *a)
{
	return (struct walk){ data(a), a->nla_len - NLA_HDRLEN };
}

static uint32_t u32(const struct nlattr *a) { uint32_t v; memcpy(&v, data(a), sizeof(v)); return v; }
static uint64_t u64(const struct nlattr *a) { uint64_t v; memcpy(&v, data(a), sizeof(v)); return v; }
static uint16_t u16(const struct nlattr *a) { uint16_t v; memcpy(&v, data(a), sizeof(v)); return v; }

static void addr(const struct nlattr *a, uint8_t *to)
{
	memcpy(to, data(a), a->nla_len - NLA_HDRLEN <= 16 ? a->nla_len - NLA_HDRLEN : 16);
}

static void parse_peer(struct walk w, struct notice *n)
{
	const struct nlattr *a;

	while ((a = next(&w)))
		switch (a->nla_type & NLA_TYPE_MASK) {
		case TCPSTATE_A_PEER_KIND: n->peer = u32(a); break;
		case TCPSTATE_A_PEER_FAMILY: n->name.family = u32(a); break;
		case TCPSTATE_A_PEER_LOCAL_ADDR: addr(a, n->name.addr[0]); break;
		case TCPSTATE_A_PEER_REMOTE_ADDR: addr(a, n->name.addr[1]); break;
		case TCPSTATE_A_PEER_LOCAL_PORT: n->name.port[0] = u16(a); break;
		case TCPSTATE_A_PEER_REMOTE_PORT: n->name.port[1] = u16(a); break;
		case TCPSTATE_A_PEER_UID: n->uid = u32(a); break;
		case TCPSTATE_A_PEER_INODE: n->inode = u64(a); break;
		case TCPSTATE_A_PEER_QUEUE: n->queue = u32(a); break;
		case TCPSTATE_A_PEER_BACKLOG: n->backlog = u32(a); break;
		case TCPSTATE_A_PEER_PORTS_USED: n->ports_used = u32(a); break;
		case TCPSTATE_A_PEER_PORTS: n->ports = u32(a); break;
		case TCPSTATE_A_PEER_PLATEAU: n->plateau = u32(a); break;
		case TCPSTATE_A_PEER_REUSABLE: n->reusable = true; break;
		case TCPSTATE_A_PEER_NO_PORT: n->no_port = u64(a); break;
		case TCPSTATE_A_PEER_IDLE: n->idle = u32(a); break;
		case TCPSTATE_A_PEER_UNREAD_EOF: n->unread_eof = u32(a); break;
		case TCPSTATE_A_PEER_NOT_ACCEPTED: n->not_accepted = u32(a); break;
		}
}

static void parse_alert(struct walk w, struct notice *n)
{
	const struct nlattr *a;

	while ((a = next(&w)))
		switch (a->nla_type & NLA_TYPE_MASK) {
		case TCPSTATE_A_ALERT_ID: n->id = u32(a); break;
		case TCPSTATE_A_ALERT_KIND: n->kind = u32(a); break;
		case TCPSTATE_A_ALERT_SEVERITY: n->severity = u32(a); break;
		case TCPSTATE_A_ALERT_REASON: n->reason = u32(a); break;
		case TCPSTATE_A_ALERT_VALUE: n->value = u64(a); break;
		case TCPSTATE_A_ALERT_LIMIT: n->limit = u64(a); break;
		case TCPSTATE_A_ALERT_PEAK: n->peak = u64(a); break;
		case TCPSTATE_A_ALERT_RAISED_NS: n->raised_ns = u64(a); break;
		case TCPSTATE_A_ALERT_BEGUN_NS: n->begun_ns = u64(a); break;
		case TCPSTATE_A_ALERT_CLEARED_NS: n->cleared_ns = u64(a); break;
		case TCPSTATE_A_ALERT_FOLDED: n->folded = true; break;
		case TCPSTATE_A_ALERT_IGNORED: n->ignored = true; break;
		case TCPSTATE_A_ALERT_UNVERIFIED: n->unverified = true; break;
		case TCPSTATE_A_ALERT_PEER: parse_peer(inside(a), n); break;
		}
}

static struct walk body(const struct nlmsghdr *h)
{
	return (struct walk){ (const char *)h + NLMSG_HDRLEN + GENL_HDRLEN, h->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN };
}

static void parse(const struct nlmsghdr *h, struct notice *n)
{
	struct walk w = body(h);
	const struct nlattr *a;

	memset(n, 0, sizeof(*n));
	while ((a = next(&w)))
		switch (a->nla_type & NLA_TYPE_MASK) {
		case TCPSTATE_A_ALERTS_SEQ: n->seq = u64(a); break;
		case TCPSTATE_A_ALERTS_TIME_NS: n->time_ns = u64(a); break;
		case TCPSTATE_A_ALERTS_ACTION: n->action = u32(a); break;
		case TCPSTATE_A_ALERTS_ALERT: parse_alert(inside(a), n); break;
		}
}

static void print_one(const struct notice *n)
{
	printf("# notice %llu action %u alert %u kind %u severity %u reason %u value %llu limit %llu peak %llu begun %.1f s before\n",
	       (unsigned long long)n->seq, n->action, n->id, n->kind, n->severity, n->reason,
	       (unsigned long long)n->value, (unsigned long long)n->limit, (unsigned long long)n->peak,
	       (n->raised_ns - n->begun_ns) / 1e9);
}

static int take_one(struct notices *s, ssize_t len)
{
	const struct nlmsghdr *h = &s->nl.answer.h;
	struct notice *n = &s->list[s->n];

	if (s->n == NOTICES_MAX || len < (ssize_t)(NLMSG_HDRLEN + GENL_HDRLEN))
		return -1;
	parse(h, n);
	if (n->seq != (s->n ? s->list[s->n - 1].seq + 1 : 1) || !n->id || !n->kind || !n->severity || !n->action) {
		printf("# a notice is missing, or without a name\n");
		print_one(n);
		return -1;
	}
	if (n->action != TCPSTATE_ALERT_ACTION_UPDATE || n->severity != s->severity)
		print_one(n);
	s->severity = n->severity;
	s->n++;
	return 0;
}

static uint64_t boot_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * SECOND_NS + t.tv_nsec;
}

/* One, or none within the time: 1, 0 or -1 */
static int take_next(struct notices *s, uint64_t end)
{
	uint64_t now = boot_ms();
	struct pollfd in = { .fd = s->nl.fd, .events = POLLIN };
	ssize_t len;

	if (poll(&in, 1, now < end ? end - now : 0) <= 0)
		return 0;
	len = recv(s->nl.fd, s->nl.answer.bytes, sizeof(s->nl.answer.bytes), 0);
	return len < 0 || take_one(s, len) ? -1 : 1;
}

int notices_take(struct notices *s, unsigned int ms)
{
	uint64_t end = boot_ms() + ms;
	int ret;

	do {
		ret = take_next(s, end);
	} while (ret > 0 || (!ret && boot_ms() < end));
	return ret;
}

static bool fits(const struct notice *n, int kind, int action, int severity)
{
	return (!kind || (int)n->kind == kind) && (int)n->action == action && (int)n->severity >= severity;
}

const struct notice *notices_await(struct notices *s, unsigned int ms, int kind, int action, int severity)
{
	uint64_t end = boot_ms() + ms;
	size_t i = 0;
	int ret;

	for (;;) {
		for (; i < s->n; i++)
			if (fits(&s->list[i], kind, action, severity))
				return &s->list[i];
		ret = take_next(s, end);
		if (ret < 0 || (!ret && boot_ms() >= end))
			return NULL;
	}
}

unsigned int notices_count(const struct notices *s, int kind, int action, int severity)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		n += fits(&s->list[i], kind, action, severity);
	return n;
}

void notices_print(const struct notices *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		print_one(&s->list[i]);
}

int notices_threshold(struct notices *s, int threshold, uint32_t value)
{
	struct nlattr *nest;
	struct nl_msg m;

	nl_begin(&m, &s->ask, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nest = nl_nest(&m, TCPSTATE_A_CONFIG_THRESHOLDS);
	nl_put_u32(&m, threshold, value);
	nl_nest_end(&m, nest);
	return nl_ask(&s->ask, &m);
}

static bool is_peer(const struct nlmsghdr *h, int kind, int port, struct notice *n)
{
	struct walk w = body(h);
	const struct nlattr *a = next(&w);

	memset(n, 0, sizeof(*n));
	if (a)
		parse_peer(inside(a), n);
	return a && (int)n->peer == kind && n->name.port[kind == TCPSTATE_PEER_KIND_DESTINATION] == port;
}

int notices_peer(struct notices *s, int kind, int port, struct notice *found)
{
	const struct nlmsghdr *h;
	struct notice n;
	struct nl_msg m;
	int ret = -ENOENT;
	int len;

	nl_begin(&m, &s->ask, TCPSTATE_CMD_PEER_GET, NLM_F_DUMP);
	if (nl_send(&s->ask, &m))
		return -EIO;
	for (;;) {
		len = recv(s->ask.fd, s->ask.answer.bytes, sizeof(s->ask.answer.bytes), 0);
		if (len <= 0)
			return -EIO;
		for (h = &s->ask.answer.h; NLMSG_OK(h, (unsigned int)len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
				return ret;
			if (ret && is_peer(h, kind, port, &n)) {
				*found = n;
				ret = 0;
			}
		}
	}
}

int notices_open(struct notices *s)
{
	int room = 16 << 20;	/* hundreds come at once */

	memset(s, 0, sizeof(*s));
	if (nl_open(&s->nl) || nl_open(&s->ask) || nl_join(&s->nl, NL_ALERTS) ||
	    setsockopt(s->nl.fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)))
		return -1;
	return notices_threshold(s, TCPSTATE_A_THRESHOLDS_SETTLE_SECONDS, 0);
}
