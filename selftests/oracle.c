// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "oracle.h"

#define NEW_SYN_RECV	12	/* a request socket, where SOCK_DESTROY is asked for one */
#define SHOWN		10
#define POLL_MS		20
#define POLL_LONG_MS	200	/* for what may take 30 s */

uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

int run(const char *format, ...)
{
	char command[1000];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	if (status)
		printf("# %s: status %d\n", command, status);
	return status;
}

int oracle_open(struct oracle *o)
{
	int err;

	o->diag = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	err = nl_open(&o->nl);
	if (o->diag >= 0 && !err)
		return 0;
	printf("# no inet_diag, or no module (%d)\n", err);
	return -1;
}

void oracle_close(struct oracle *o)
{
	close(o->diag);
	nl_close(&o->nl);
}

static struct end *add(struct ends *list)
{
	if (list->n == list->room) {
		list->room = list->room ? 2 * list->room : 256;
		list->end = reallocarray(list->end, list->room, sizeof(*list->end));
		if (!list->end) {
			perror("memory");
			exit(1);
		}
	}
	memset(&list->end[list->n], 0, sizeof(*list->end));
	return &list->end[list->n++];
}

void ends_free(struct ends *list)
{
	free(list->end);
	memset(list, 0, sizeof(*list));
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, offsetof(struct end, at_least));
}

static void sort(struct ends *list)
{
	if (list->n)
		qsort(list->end, list->n, sizeof(*list->end), compare);
}

static void take(struct ends *list, const struct inet_diag_msg *m)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	size_t skip = 0, len = m->idiag_family == AF_INET ? 4 : 16;
	struct end *e;

	/* Bound or not connected: no endpoint */
	if (m->idiag_state == TCP_CLOSE)
		return;
	e = add(list);
	e->tuple.family = m->idiag_family;
	if (len == 16 && !memcmp(m->id.idiag_src, mapped, sizeof(mapped))) {
		e->tuple.family = AF_INET;
		skip = 12;
		len = 4;
	}
	memcpy(e->tuple.addr[0], (const char *)m->id.idiag_src + skip, len);
	if (m->idiag_state != TCP_LISTEN)	/* which may have one left from before a disconnect */
		memcpy(e->tuple.addr[1], (const char *)m->id.idiag_dst + skip, len);
	e->tuple.port[0] = ntohs(m->id.idiag_sport);
	e->tuple.port[1] = ntohs(m->id.idiag_dport);
	e->tuple.scope = m->id.idiag_if;
	e->state = m->idiag_state == NEW_SYN_RECV ? TCP_SYN_RECV : m->idiag_state;
}

struct request {
	struct nlmsghdr h;
	struct inet_diag_req_v2 r;
};

/* @each for every socket, until it does not return 0 */
static int diag(int fd, int family, uint32_t states, int (*each)(const struct inet_diag_msg *m, void *arg), void *arg)
{
	struct request req = {
		.h = {
			.nlmsg_len = sizeof(req),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.r = { .sdiag_family = family, .sdiag_protocol = IPPROTO_TCP, .idiag_states = states },
	};
	static char buf[65536];
	struct nlmsghdr *h;
	int len, stop = 0;

	if (send(fd, &req, sizeof(req), 0) != sizeof(req))
		return -errno;
	for (;;) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len <= 0)
			return len ? -errno : -EIO;
		for (h = (struct nlmsghdr *)buf; NLMSG_OK(h, (unsigned int)len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (!stop)
				stop = each(NLMSG_DATA(h), arg);
		}
	}
}

static int take_each(const struct inet_diag_msg *m, void *arg)
{
	take(arg, m);
	return 0;
}

int oracle_kernel(struct oracle *o, struct ends *list)
{
	int err;

	list->n = 0;
	err = diag(o->diag, AF_INET, ~0U, take_each, list);
	if (!err)
		err = diag(o->diag, AF_INET6, ~0U, take_each, list);
	if (err) {
		printf("# inet_diag: %s\n", strerror(-err));
		return -1;
	}
	sort(list);
	return 0;
}

static void take_endpoint(const struct nl_endpoint *from, void *arg)
{
	struct end *e = add(arg);

	e->tuple = from->tuple;
	e->state = from->local;
	e->at_least = from->age_at_least;
}

int oracle_module(struct oracle *o, struct ends *list)
{
	struct nl_msg m;
	int err, tries = 0;

	do {	/* -EINTR: it has changed meanwhile */
		list->n = 0;
		nl_begin(&m, &o->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
		err = nl_dump(&o->nl, &m, take_endpoint, list);
	} while (err == -EINTR && tries++ < 10);
	if (err) {
		printf("# tcpstate's dump: %s\n", strerror(-err));
		return -1;
	}
	sort(list);
	return 0;
}

void ends_count(const struct ends *list, unsigned long long *count)
{
	size_t i;

	memset(count, 0, STATES * sizeof(*count));
	for (i = 0; i < list->n; i++)
		count[list->end[i].state < STATES ? list->end[i].state : 0]++;
}

static void show(const char *who, const struct end *e)
{
	char text[2][INET6_ADDRSTRLEN];
	int i;

	for (i = 0; i < 2; i++)
		inet_ntop(e->tuple.family, e->tuple.addr[i], text[i], sizeof(text[i]));
	printf("#   %s alone: %s.%u %s.%u scope %u %s\n", who, text[0], e->tuple.port[0], text[1], e->tuple.port[1],
	       e->tuple.scope, state_name(e->state));
}

size_t ends_differ(const struct ends *kernel, const struct ends *module, unsigned int shown)
{
	size_t k = 0, m = 0, n = 0;

	while (k < kernel->n || m < module->n) {
		int order = k == kernel->n ? 1 : m == module->n ? -1 : compare(&kernel->end[k], &module->end[m]);

		if (!order) {
			k++;
			m++;
			continue;
		}
		if (n++ < shown)
			show(order < 0 ? "kernel" : "module", order < 0 ? &kernel->end[k] : &module->end[m]);
		if (order < 0)
			k++;
		else
			m++;
	}
	return n;
}

static bool same_counts(const unsigned long long *a, const unsigned long long *b)
{
	int i;

	for (i = 1; i < STATES; i++)
		if (i != TCP_CLOSE && a[i] != b[i])
			return false;
	return true;
}

/* The module's other two ways to say it. */
static int totals_equal(struct oracle *o, const struct ends *kernel, bool tell)
{
	unsigned long long count[STATES], stats[STATES] = { 0 };
	struct nl_stats s;
	int i, err;

	ends_count(kernel, count);
	err = nl_stats(&o->nl, &s);
	if (err) {
		printf("# tcpstate's statistics: %s\n", strerror(-err));
		return -1;
	}
	for (i = 1; i < STATES; i++)
		stats[i] = s.state[i].count;
	if (same_counts(count, stats) && !s.state[TCP_CLOSE].count)
		return 1;
	if (tell)
		counts_print("module's statistics", stats);
	return 0;
}

/* 1 equal, 0 different, -1 no answer */
static int look(struct oracle *o, const struct ends *kernel, struct ends *module, bool tell)
{
	unsigned long long count[STATES];

	if (oracle_module(o, module))
		return -1;
	if (tell) {
		ends_count(module, count);
		counts_print("module's dump", count);
	}
	if (ends_differ(kernel, module, tell ? SHOWN : 0))
		return 0;
	return totals_equal(o, kernel, tell);
}

/* Waits for the kernel; 0 when it is there, at *at. */
static int reach(struct oracle *o, struct ends *kernel, const unsigned long long *wanted, unsigned int ms, uint64_t *at)
{
	unsigned long long count[STATES];
	uint64_t end = now_ns() + ms * 1000000ULL;

	for (;;) {
		*at = now_ns();
		if (oracle_kernel(o, kernel))
			return -1;
		ends_count(kernel, count);
		if (!wanted || same_counts(count, wanted))
			return 0;
		if (now_ns() > end)
			break;
		sleep_ms(POLL_MS);
	}
	counts_print("the kernel has", count);
	return -1;
}

static void report(const char *name, const struct ends *kernel, uint64_t ns)
{
	unsigned long long count[STATES];
	char head[200];

	ends_count(kernel, count);
	snprintf(head, sizeof(head), "truth %s equal after %llu ms", name, (unsigned long long)ns / 1000000);
	counts_print(head, count);
}

int oracle_equal(const char *name, struct oracle *o, const char *want, unsigned int reach_ms, unsigned int bound_ms)
{
	struct ends kernel = { 0 }, module = { 0 };
	unsigned long long wanted[STATES];
	int equal = -1;
	uint64_t at;

	if (want && counts_parse(want, wanted))
		return -1;
	if (reach(o, &kernel, want ? wanted : NULL, reach_ms, &at)) {
		printf("# %s: ORACLE: the kernel is not where the test wants it: %s\n", name, want);
		goto out;
	}
	for (;;) {
		uint64_t t = now_ns();

		equal = look(o, &kernel, &module, false);
		if (equal) {
			if (equal > 0)
				report(name, &kernel, t - at);
			break;
		}
		if (t - at > bound_ms * 1000000ULL) {
			printf("# %s: MODULE: differs after %u ms; wanted %s\n", name, bound_ms,
			       want ? want : "what the kernel has");
			look(o, &kernel, &module, true);
			break;
		}
		sleep_ms(t - at < ORACLE_EVENT_MS * 1000000ULL ? POLL_MS : POLL_LONG_MS);
		/* Where the kernel goes on meanwhile: what it is in now. */
		if (oracle_kernel(o, &kernel)) {
			equal = -1;
			break;
		}
	}
out:
	ends_free(&kernel);
	ends_free(&module);
	return equal > 0 ? 0 : -1;
}

int oracle_undiverged(struct oracle *o)
{
	unsigned long long wrong;
	struct nl_stats s;
	unsigned int i;

	if (nl_stats(&o->nl, &s))
		return -1;
	printf("# divergence: request %llu minisock %llu socket %llu missed %llu, untracked %llu\n",
	       (unsigned long long)s.divergence[TCPSTATE_CORRECTION_REQUEST],
	       (unsigned long long)s.divergence[TCPSTATE_CORRECTION_MINISOCK],
	       (unsigned long long)s.divergence[TCPSTATE_CORRECTION_SOCKET],
	       (unsigned long long)s.divergence[TCPSTATE_CORRECTION_MISSED], (unsigned long long)s.untracked);
	for (i = 0; i < STATES * STATES; i++) {
		wrong = s.diverged[TCPSTATE_CORRECTION_SOCKET][i / STATES][i % STATES];
		if (wrong)
			printf("# %llu times: was %s in truth %s\n", wrong, state_name(i / STATES), state_name(i % STATES));
	}
	if (s.evidence != TCPSTATE_EVIDENCE_SOCKETS) {
		printf("# MODULE: its evidence is %u, not sockets\n", s.evidence);
		return -1;
	}
	if (s.divergence[TCPSTATE_CORRECTION_SOCKET] || s.divergence[TCPSTATE_CORRECTION_MISSED] || s.untracked)
		return -1;
	return 0;
}

struct found {
	struct inet_diag_msg m;
	int n;
};

static int find(const struct inet_diag_msg *m, void *arg)
{
	struct found *f = arg;

	f->m = *m;
	f->n++;
	return 0;
}

int oracle_destroy(struct oracle *o, int state)
{
	struct request req = {
		.h = { .nlmsg_len = sizeof(req), .nlmsg_type = SOCK_DESTROY, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.r = { .sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0U },
	};
	struct {
		struct nlmsghdr h;
		struct nlmsgerr e;
		char more[1000];
	} answer;
	uint32_t states = state == NEW_SYN_RECV ? 1u << TCP_SYN_RECV | 1u << NEW_SYN_RECV : 1u << state;
	struct found f = { .n = 0 };

	if (diag(o->diag, AF_INET, states, find, &f) || diag(o->diag, AF_INET6, states, find, &f))
		return -EIO;
	if (f.n != 1) {
		printf("# ORACLE: %d sockets to destroy in state %d\n", f.n, state);
		return -ENOENT;
	}
	req.r.sdiag_family = f.m.idiag_family;
	req.r.id = f.m.id;
	if (send(o->diag, &req, sizeof(req), 0) != sizeof(req) || recv(o->diag, &answer, sizeof(answer), 0) <= 0)
		return -errno;
	return answer.h.nlmsg_type == NLMSG_ERROR ? answer.e.error : -EBADMSG;
}
