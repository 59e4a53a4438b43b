// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random TCP connections between two network namespaces: both ends of each are in this process.
 *
 *	workload [-s SEED] [-n CONNECTIONS] [-p PARALLEL] [-k KEEP] CLIENT-NETNS SERVER-NETNS
 *
 * Opens CONNECTIONS (1000), at most PARALLEL (200) at a time, from 10.99.1.1 and fd99:1::1 to 10.99.2.1 and fd99:2::1:
 * IPv4, IPv6, and AF_INET6 sockets that talk IPv4 at the client, at the server or at both. Each end does what
 * applications do, in an order that depends on SEED and the number of the connection: sends up to 20,000 bytes at a
 * time, reads some or all, shuts its sending half, closes whether or not it has read all, resets; both may close at
 * once. Some connects find a closed port, some nobody, and some are given up before the answer. What the other end or a
 * lossy link does to a connection is no error here.
 *
 * Connection number I uses the client's port FIRST_PORT + I and no other, so a tuple has one incarnation.
 *
 * When all have been opened and no more than KEEP (0) are left, says "done OPENED ACCEPTED LEFT" and waits for the end
 * of standard input; then closes what is left, waits a second and ends.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_PORT	10000
#define MOST		50000	/* connections: the client's ports */
#define PORT4		7000	/* IPv4 listener */
#define PORT6		7001	/* IPv6 listener, and IPv4 on the same socket */
#define PORT_CLOSED	7002
#define GIVE_UP_MS	5000	/* the server's end has not come */

enum { CLIENT, SERVER };
enum kind { V4, V6, V4_TO_MAPPED, MAPPED_TO_V4, MAPPED_TO_MAPPED, KINDS };

struct conn {
	uint64_t random;
	uint64_t since;		/* ms */
	int fd[2];		/* -1: closed, or not there yet */
	uint8_t active;		/* is in the list */
	uint8_t accepted;
	uint8_t alone;		/* nobody will accept it */
};

static struct conn conns[MOST];
static int list[MOST], nlist, listeners[2], accepted;
static uint64_t seed = 1, mine;

static void die(const char *what)
{
	fprintf(stderr, "workload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned int draw(uint64_t *state, unsigned int n)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (*state >> 33) % n;
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ULL + t.tv_nsec / 1000000;
}

static void enter(const char *netns)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(path);
	close(fd);
}

static socklen_t address(struct sockaddr_storage *addr, int family, const char *host, int port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = family;
	if (family == AF_INET) {
		in->sin_port = htons(port);
		inet_pton(AF_INET, host, &in->sin_addr);
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	inet_pton(AF_INET6, host, &in6->sin6_addr);
	return sizeof(*in6);
}

static int listen_at(int family, int port)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage addr;
	socklen_t len = address(&addr, family, family == AF_INET ? "0.0.0.0" : "::", port);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 4096))
		die("listen");
	return fd;
}

static void activate(int i)
{
	if (conns[i].active)
		return;
	conns[i].active = 1;
	list[nlist++] = i;
}

static void accept_all(void)
{
	struct sockaddr_in6 in6;	/* the port is where it is in a sockaddr_in, too */
	int l, fd, i;

	for (l = 0; l < 2; l++) {
		for (;;) {
			socklen_t len = sizeof(in6);

			fd = accept4(listeners[l], (struct sockaddr *)&in6, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
			if (fd < 0) {
				if (errno == ECONNABORTED || errno == EPROTO)
					continue;
				if (errno != EAGAIN)
					die("accept");
				break;
			}
			i = ntohs(in6.sin6_port) - FIRST_PORT;
			if (i < 0 || i >= MOST || conns[i].accepted) {
				fprintf(stderr, "workload: stray connection from port %d\n", i + FIRST_PORT);
				exit(1);
			}
			conns[i].accepted = 1;
			conns[i].fd[SERVER] = fd;
			accepted++;
			activate(i);
		}
	}
}

static void close_end(struct conn *c, int e, int reset)
{
	struct linger l = { .l_onoff = 1 };

	if (c->fd[e] < 0)
		return;
	if (reset)
		setsockopt(c->fd[e], SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(c->fd[e]);
	c->fd[e] = -1;
}

static void open_conn(int i)
{
	static const char *const local[KINDS] = {
		"10.99.1.1", "fd99:1::1", "10.99.1.1", "::ffff:10.99.1.1", "::ffff:10.99.1.1" };
	static const char *const remote[KINDS] = {
		"10.99.2.1", "fd99:2::1", "10.99.2.1", "::ffff:10.99.2.1", "::ffff:10.99.2.1" };
	struct conn *c = &conns[i];
	enum kind kind;
	struct sockaddr_storage addr;
	const char *host;
	socklen_t len;
	int family, port, how, one = 1;

	*c = (struct conn){ .random = seed * 0x9e3779b97f4a7c15ULL + i, .since = now_ms(), .fd = { -1, -1 } };
	draw(&c->random, 2);
	kind = draw(&c->random, KINDS);
	how = draw(&c->random, 200);
	family = kind == V4 || kind == V4_TO_MAPPED ? AF_INET : AF_INET6;
	port = kind == V4 || kind == MAPPED_TO_V4 ? PORT4 : PORT6;
	host = remote[kind];
	c->fd[CLIENT] = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (c->fd[CLIENT] < 0)
		die("socket");
	if (how < 4) {
		port = PORT_CLOSED;
		c->alone = 1;
	} else if (how == 4) {	/* one SYN, repeated once, then ETIMEDOUT */
		host = kind == V6 ? "fd99:2::99" : family == AF_INET ? "10.99.2.99" : "::ffff:10.99.2.99";
		setsockopt(c->fd[CLIENT], IPPROTO_TCP, TCP_SYNCNT, &one, sizeof(one));
		c->alone = 1;
	}
	len = address(&addr, family, local[kind], FIRST_PORT + i);
	if (bind(c->fd[CLIENT], (struct sockaddr *)&addr, len))
		die("bind");
	len = address(&addr, family, host, port);
	if (!connect(c->fd[CLIENT], (struct sockaddr *)&addr, len) || errno != EINPROGRESS)
		die("connect");
	activate(i);
	if (how >= 5 && how < 9)
		close_end(c, CLIENT, how & 1);
}

static void say(struct conn *c, int e)
{
	static const char text[20000];

	/* Fails where the connection is not open yet, is not open any more, or its buffer is full. */
	send(c->fd[e], text, 1 + draw(&c->random, sizeof(text)), MSG_NOSIGNAL);
}

static void hear(struct conn *c, int e, int all)
{
	char buf[20000];
	int n = all ? sizeof(buf) : 1 + draw(&c->random, sizeof(buf));

	while (recv(c->fd[e], buf, n, 0) == n && all)
		;
}

static int connecting(const struct conn *c)
{
	struct pollfd p = { .fd = c->fd[CLIENT], .events = POLLOUT };

	return p.fd >= 0 && !poll(&p, 1, 0);
}

static void step(struct conn *c)
{
	int e = draw(&c->random, 2), what = draw(&c->random, 100);

	if (c->fd[e] < 0)
		e = !e;
	if (c->fd[e] < 0)
		return;
	/* A client that is not connected yet waits; so does one whose server has not come. */
	if (e == CLIENT && !c->accepted && (c->alone ? connecting(c) : now_ms() - c->since < GIVE_UP_MS))
		return;
	if (what < 30) {
		say(c, e);
	} else if (what < 60) {
		hear(c, e, what < 50);
	} else if (what < 72) {
		shutdown(c->fd[e], SHUT_WR);
	} else if (what < 82) {
		hear(c, e, 1);
		close_end(c, e, 0);
	} else if (what < 92) {
		close_end(c, e, 0);
	} else if (what < 96) {
		close_end(c, e, 0);
		close_end(c, !e, 0);
	} else {
		close_end(c, e, 1);
	}
}

static int finished(const struct conn *c)
{
	return c->fd[CLIENT] < 0 && c->fd[SERVER] < 0 && (c->accepted || c->alone || now_ms() - c->since > GIVE_UP_MS);
}

/* Steps a random one of the list; takes it out where it has ended. */
static void turn(void)
{
	int at = draw(&mine, nlist), i = list[at];

	step(&conns[i]);
	if (!finished(&conns[i]))
		return;
	conns[i].active = 0;
	list[at] = list[--nlist];
}

int main(int argc, char **argv)
{
	struct rlimit r = { 1 << 17, 1 << 17 };
	int option, most = 1000, parallel = 200, keep = 0, opened = 0, i;
	char c;

	while ((option = getopt(argc, argv, "s:n:p:k:")) != -1) {
		switch (option) {
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'n': most = atoi(optarg); break;
		case 'p': parallel = atoi(optarg); break;
		case 'k': keep = atoi(optarg); break;
		default: return 2;
		}
	}
	if (argc - optind != 2 || most < 1 || most > MOST || parallel < 1 || keep >= parallel)
		return 2;
	mine = seed;
	if (setrlimit(RLIMIT_NOFILE, &r))
		die("limit of open files");
	enter(argv[optind + 1]);
	listeners[0] = listen_at(AF_INET, PORT4);
	listeners[1] = listen_at(AF_INET6, PORT6);
	enter(argv[optind]);
	while (opened < most || nlist > keep) {
		accept_all();
		if (opened < most && nlist < parallel)
			open_conn(opened++);
		turn();
		/* The link and the timers want their time, too. */
		if (!draw(&mine, 4))
			usleep(draw(&mine, 400));
	}
	printf("done %d %d %d\n", opened, accepted, nlist);
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	accept_all();
	for (i = 0; i < MOST; i++) {
		if (!conns[i].active)
			continue;
		close_end(&conns[i], CLIENT, 0);
		close_end(&conns[i], SERVER, 0);
	}
	sleep(1);
	return 0;
}
