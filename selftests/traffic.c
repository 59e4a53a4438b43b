// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic over lo within this network namespace: both ends of every connection are here, so each step is known to be
 * possible, and whatever fails is an error (printed; exit status 1).
 *
 *	traffic [-s SEED] [-n CONNECTIONS] [-t SECONDS] [-p PAIRS] [-w] [-a]
 *
 * Opens CONNECTIONS (1000; with -t, until SECONDS have passed) over IPv4, IPv6 and IPv4 on AF_INET6 sockets, at most PAIRS
 * (100) at a time, and does with each, in random order, what applications do: data both ways, shutdown, close and reset
 * by either end. Then says "done OPENED"; with -w it leaves the rest as it is until the end of standard input.
 * The same seed does the same. With -a its listeners are on any address. At the end all is closed.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PORTS		16	/* listeners a family: the ports of closed connections are busy for a minute */
#define FAMILIES	3
#define MOST_PAIRS	5000

struct end {
	int fd;		/* -1: closed */
	int shut;	/* has sent its FIN */
};

/* unread: bytes that the first, the second end has not read */
struct pair {
	struct end end[2];
	int unread[2];
	int dead;	/* a RST went by */
};

static int listeners[FAMILIES][PORTS];
static struct sockaddr_storage addrs[FAMILIES][PORTS];
static struct pair pairs[MOST_PAIRS];
static unsigned int opened;
static unsigned long long state;

static unsigned int any(unsigned int n)
{
	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (state >> 33) % n;
}

static void die(const char *what)
{
	fprintf(stderr, "traffic: %s: %s (after %u connections)\n", what, strerror(errno), opened);
	exit(1);
}

static socklen_t set_addr(struct sockaddr_storage *addr, int family)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	if (family == 0) {
		in->sin_family = AF_INET;
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	inet_pton(AF_INET6, family == 1 ? "::1" : "::ffff:127.0.0.1", &in6->sin6_addr);
	return sizeof(*in6);
}

static socklen_t addr_len(int family)
{
	return family ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
}

static void listen_all(int anywhere)
{
	struct sockaddr_storage addr;
	int f, i, fd;

	for (f = 0; f < FAMILIES; f++) {
		for (i = 0; i < PORTS; i++) {
			socklen_t len = set_addr(&addrs[f][i], f);

			addr = addrs[f][i];
			if (anywhere && f)
				((struct sockaddr_in6 *)&addr)->sin6_addr = in6addr_any;
			else if (anywhere)
				((struct sockaddr_in *)&addr)->sin_addr.s_addr = INADDR_ANY;
			fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
			if (bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 128) || getsockname(fd, (struct sockaddr *)&addr, &len))
				die("listen");
			/* the port, of either family */
			((struct sockaddr_in *)&addrs[f][i])->sin_port = ((struct sockaddr_in *)&addr)->sin_port;
			listeners[f][i] = fd;
		}
	}
}

static void open_pair(struct pair *p)
{
	int f = any(FAMILIES), i = any(PORTS), fd;

	fd = socket(addrs[f][i].ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addrs[f][i], addr_len(f)))
		die("connect");
	memset(p, 0, sizeof(*p));
	p->end[0].fd = fd;
	p->end[1].fd = accept4(listeners[f][i], NULL, NULL, SOCK_CLOEXEC);
	if (p->end[1].fd < 0)
		die("accept");
	opened++;
}

static void say(struct pair *p, int e)
{
	static const char buf[8000];
	int n = 1 + any(sizeof(buf));

	if (p->end[e].fd < 0 || p->end[!e].fd < 0 || p->end[e].shut || p->dead || p->unread[!e] > 20000)
		return;
	if (send(p->end[e].fd, buf, n, MSG_NOSIGNAL) != n)
		die("send");
	p->unread[!e] += n;
}

static void hear(struct pair *p, int e)
{
	char buf[30000];

	if (p->end[e].fd < 0 || p->dead || !p->unread[e])
		return;
	if (recv(p->end[e].fd, buf, p->unread[e], MSG_WAITALL) != p->unread[e])
		die("recv");
	p->unread[e] = 0;
}

static void shut_end(struct pair *p, int e)
{
	if (p->end[e].fd < 0 || p->end[e].shut || p->dead)
		return;
	/* Where the other end was closed, its orphan may be gone (tcp_max_tw_buckets, tcp_fin_timeout): then a RST came. */
	if (shutdown(p->end[e].fd, SHUT_WR) && !(errno == ENOTCONN && p->end[!e].fd < 0))
		die("shutdown");
	p->end[e].shut = 1;
}

static void close_end(struct pair *p, int e, int reset)
{
	struct linger l = { .l_onoff = 1 };

	if (p->end[e].fd < 0)
		return;
	if (reset)
		setsockopt(p->end[e].fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	if (reset || p->unread[e])
		p->dead = 1;
	close(p->end[e].fd);
	p->end[e].fd = -1;
	p->end[e].shut = 1;
}

static int pair_open(const struct pair *p)
{
	return p->end[0].fd >= 0 || p->end[1].fd >= 0;
}

static void step(struct pair *p)
{
	int e = any(2);

	switch (any(16)) {
	case 0 ... 4:
		say(p, e);
		break;
	case 5 ... 8:
		hear(p, e);
		break;
	case 9 ... 10:
		shut_end(p, e);
		break;
	case 11 ... 14:
		close_end(p, e, 0);
		break;
	default:
		close_end(p, e, 1);
	}
}

/* A connection that nobody answers for. */
static void refused(void)
{
	struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (!connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)) || errno != ECONNREFUSED)
		die("refused connect");
	close(fd);
}

/* A connect() that sends nothing, where net.ipv4.tcp_fastopen allows it without a cookie; else nobody answers. */
static void deferred(void)
{
	struct sockaddr_in nobody = { .sin_family = AF_INET, .sin_port = htons(1) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	nobody.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &one, sizeof(one)) && errno != EOPNOTSUPP)
		die("TCP_FASTOPEN_CONNECT");
	if (connect(fd, (struct sockaddr *)&nobody, sizeof(nobody)) && errno != ECONNREFUSED)
		die("deferred connect");
	close(fd);
}

int main(int argc, char **argv)
{
	struct rlimit r = { 2 * MOST_PAIRS + 200, 2 * MOST_PAIRS + 200 };
	unsigned int most = 1000, npairs = 100, i;
	int option, wait = 0, anywhere = 0;
	time_t end = 0;
	char c;

	while ((option = getopt(argc, argv, "s:n:t:p:wa")) != -1) {
		switch (option) {
		case 's': state = strtoull(optarg, NULL, 10); break;
		case 'n': most = atoi(optarg); break;
		case 't': end = time(NULL) + atoi(optarg); break;
		case 'p': npairs = atoi(optarg); break;
		case 'w': wait = 1; break;
		case 'a': anywhere = 1; break;
		default: return 2;
		}
	}
	if (npairs < 1 || npairs > MOST_PAIRS)
		return 2;
	setrlimit(RLIMIT_NOFILE, &r);
	setvbuf(stdout, NULL, _IOLBF, 0);
	listen_all(anywhere);
	for (i = 0; i < npairs; i++)
		pairs[i].end[0].fd = pairs[i].end[1].fd = -1;
	while (end ? time(NULL) < end : opened < most) {
		struct pair *p = &pairs[any(npairs)];

		if (pair_open(p))
			step(p);
		else
			open_pair(p);
		if (!any(200))
			refused();
		if (!any(50))
			deferred();
	}
	printf("done %u\n", opened);
	while (wait && read(0, &c, 1) > 0)
		;
	return 0;
}
