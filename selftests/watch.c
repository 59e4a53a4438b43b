// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looks at the TCP sockets of two network namespaces by inet_diag, again and again, and writes down each change.
 *
 *	watch [-p MS] [-a EVERY] FILE NETNS NETNS	until SIGTERM; says "ready" after the first look
 *						SIGUSR1: a tenth as often from now on
 *	watch -1 FILE NETNS NETNS			one look at everything
 *
 * A look every MS (20) milliseconds, at the states that do not last: half-open and closing ones, among them request
 * sockets and FIN_WAIT2 minisocks, of which the kernel's tracepoint says nothing. Every EVERY'th (50th) look is at all
 * states; only such a one can tell that a socket is gone. FILE is an array of struct seen.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sequences.h"

#define SLOTS		(1 << 18)
#define NEW_SYN_RECV	12	/* a request socket: TCP_SYN_RECV for whoever asks */
#define LASTING		(1 << TCP_ESTABLISHED | 1 << TCP_TIME_WAIT | 1 << TCP_LISTEN | 1 << TCP_CLOSE)

static struct entry {
	struct tuple tuple;
	uint8_t state;		/* SEEN_GONE: an empty slot, or one that was left */
	unsigned int look;	/* the last one that found it */
} table[SLOTS];
static unsigned int used[SLOTS], nused, look;
static uint64_t look_began;
static volatile sig_atomic_t stop, slow;
static FILE *out;

static void die(const char *what)
{
	fprintf(stderr, "watch: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_signal(int sig)
{
	if (sig == SIGUSR1)
		slow = 1;
	else
		stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void note(const struct tuple *tuple, int state)
{
	struct seen s = { .when = look_began, .state = state };

	if (tuple)
		s.tuple = *tuple;
	if (fwrite(&s, sizeof(s), 1, out) != 1)
		die("write");
}

static struct entry *find(const struct tuple *tuple)
{
	static const struct tuple none;
	const uint8_t *p = (const uint8_t *)tuple;
	uint32_t hash = 2166136261U;
	unsigned int i;

	for (i = 0; i < sizeof(*tuple); i++)
		hash = (hash ^ p[i]) * 16777619U;
	for (i = hash % SLOTS; memcmp(&table[i].tuple, &none, sizeof(none)); i = (i + 1) % SLOTS)
		if (!memcmp(&table[i].tuple, tuple, sizeof(*tuple)))
			return &table[i];
	if (nused == SLOTS / 2) {
		errno = ENOSPC;
		die("table");
	}
	used[nused++] = i;
	table[i].tuple = *tuple;
	return &table[i];
}

static void get_address(uint8_t *to, int family, const __be32 *from)
{
	if (family == AF_INET) {
		memset(to, 0, 10);
		memset(to + 10, 0xff, 2);
		memcpy(to + 12, from, 4);
	} else {
		memcpy(to, from, 16);
	}
}

static void saw(const struct inet_diag_msg *m)
{
	int state = m->idiag_state == NEW_SYN_RECV ? TCP_SYN_RECV : m->idiag_state;
	struct tuple tuple = { .lport = ntohs(m->id.idiag_sport), .rport = ntohs(m->id.idiag_dport) };
	struct entry *e;

	if (state == TCP_LISTEN || state == TCP_CLOSE)
		return;
	get_address(tuple.laddr, m->idiag_family, m->id.idiag_src);
	get_address(tuple.raddr, m->idiag_family, m->id.idiag_dst);
	e = find(&tuple);
	e->look = look;
	if (e->state != state) {
		e->state = state;
		note(&tuple, state);
	}
}

static void dump(int fd, int family, unsigned int states)
{
	struct {
		struct nlmsghdr h;
		struct inet_diag_req_v2 r;
	} req = {
		.h = {
			.nlmsg_len = sizeof(req),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
		},
		.r = {
			.sdiag_family = family,
			.sdiag_protocol = IPPROTO_TCP,
			.idiag_states = states,
		},
	};
	static char buf[65536];
	struct nlmsghdr *h;
	int len;

	if (send(fd, &req, sizeof(req), 0) != sizeof(req))
		die("netlink");
	for (;;) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len <= 0)
			die("netlink");
		for (h = (struct nlmsghdr *)buf; NLMSG_OK(h, (unsigned int)len); h = NLMSG_NEXT(h, len)) {
			if (h->nlmsg_type == NLMSG_DONE)
				return;
			if (h->nlmsg_type == NLMSG_ERROR)
				die("inet_diag");
			saw(NLMSG_DATA(h));
		}
	}
}

static void look_at(const int *fds, int all)
{
	unsigned int states = all ? ~0U : ~(unsigned int)LASTING, i;
	int n;

	look++;
	look_began = now_ns();
	note(NULL, all ? SEEN_LOOK_ALL : SEEN_LOOK);
	for (n = 0; n < 2; n++) {
		dump(fds[n], AF_INET, states);
		dump(fds[n], AF_INET6, states);
	}
	for (i = 0; all && i < nused; i++) {
		struct entry *e = &table[used[i]];

		if (e->state != SEEN_GONE && e->look != look) {
			e->state = SEEN_GONE;
			note(&e->tuple, SEEN_GONE);
		}
	}
}

static int netlink_in(const char *netns)
{
	char path[256];
	int ns, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(path);
	close(ns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	if (fd < 0)
		die("netlink");
	return fd;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int option, once = 0, period = 20, every = 50, fds[2], i;

	while ((option = getopt(argc, argv, "1p:a:")) != -1) {
		switch (option) {
		case '1': once = 1; break;
		case 'p': period = atoi(optarg); break;
		case 'a': every = atoi(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind != 3 || every < 1)
		return 2;
	out = fopen(argv[optind], "we");
	if (!out)
		die(argv[optind]);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGUSR1, &sa, NULL);
	for (i = 0; i < 2; i++)
		fds[i] = netlink_in(argv[optind + 1 + i]);
	look_at(fds, 1);
	if (!once) {
		printf("ready\n");
		fflush(stdout);
	}
	while (!once && !stop) {
		usleep((slow ? 10 : 1) * period * 1000);
		look_at(fds, look % every == 0);
	}
	if (fclose(out))
		die("write");
	return 0;
}
