// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "notices.h"

static void print_one(const struct nl_alert *n)
{
	printf("# notice %llu action %u alert %u kind %u severity %u reason %u value %llu limit %llu peak %llu begun %.1f s before\n",
	       (unsigned long long)n->seq, n->action, n->id, n->kind, n->severity, n->reason,
	       (unsigned long long)n->value, (unsigned long long)n->limit, (unsigned long long)n->peak,
	       (n->raised_ns - n->begun_ns) / 1e9);
}

static int take_one(struct notices *s, const struct nl_alert *a)
{
	struct nl_alert *n = &s->list[s->n];

	if (s->n == NOTICES_MAX)
		return -1;
	*n = *a;
	if (n->seq != (s->n ? s->list[s->n - 1].seq + 1 : 1)) {
		printf("# a notice is missing\n");
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
	struct nl_alert a;
	int ret = nl_alert_wait(&s->nl, now < end ? end - now : 0, &a);

	return ret < 0 || (ret && take_one(s, &a)) ? -1 : ret;
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

static bool fits(const struct nl_alert *n, int kind, int action, int severity)
{
	return (!kind || (int)n->kind == kind) && (int)n->action == action && (int)n->severity >= severity;
}

const struct nl_alert *notices_await(struct notices *s, unsigned int ms, int kind, int action, int severity)
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
	return nl_set_threshold(&s->ask, threshold, value);
}

struct wanted {
	int kind, port;
	struct nl_peer *found;	/* NULL: it has been found */
};

static int take_wanted(const struct nlmsghdr *h, void *arg)
{
	struct wanted *want = arg;
	struct nl_peer p;
	int err = nl_parse_peer(h, &p);

	if (!err && want->found && (int)p.kind == want->kind &&
	    p.port[p.kind == TCPSTATE_PEER_KIND_DESTINATION] == want->port) {
		*want->found = p;
		want->found = NULL;
	}
	return err;
}

int notices_peer(struct notices *s, int kind, int port, struct nl_peer *found)
{
	struct wanted want = { kind, port, found };
	struct nl_msg m;
	int err;

	nl_begin(&m, &s->ask, TCPSTATE_CMD_PEER_GET, NLM_F_DUMP);
	err = nl_dump_all(&s->ask, &m, take_wanted, &want);
	return !err && want.found ? -ENOENT : err;
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
