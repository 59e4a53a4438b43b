// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections for the shell tests, told what to do on standard input.
 *
 *	endpoint serve ADDRESS PORT close|keep [DEVICE]	accepts; closes what the far end has closed, or keeps it
 *	endpoint connect ADDRESS PORT NUMBER [DEVICE [LOCAL PORT]]
 *							opens NUMBER connections, says "ready NUMBER"
 *
 * ADDRESS can have a scope (fe80::1%eth0); DEVICE is for SO_BINDTODEVICE, or "-".
 *
 * Commands, a line each: shut (shutdown for writing), close, reset (linger 0), echo (a byte sent on each connection),
 * bulk (1,000,000 bytes and at once a shutdown), again (close, and two seconds later connect like at first); exits
 * with 1 where that fails. Each is answered by its name. End of input: connect closes and ends; serve goes on.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST	20000

static struct pollfd fds[MOST];	/* 0 is standard input, 1 the listener */
static unsigned int nfds = 2;
static char **arguments;

static void die(const char *what)
{
	fprintf(stderr, "endpoint: %s: %s\n", what, strerror(errno));
	exit(1);
}

static socklen_t address(const char *text, const char *port, struct sockaddr_storage *addr)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *ai;
	socklen_t len;

	if (getaddrinfo(text, port, &hints, &ai))
		die(text);
	memset(addr, 0, sizeof(*addr));
	memcpy(addr, ai->ai_addr, ai->ai_addrlen);
	len = ai->ai_addrlen;
	freeaddrinfo(ai);
	return len;
}

static void bind_device(int fd, const char *device)
{
	if (device && strcmp(device, "-") && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, strlen(device)))
		die(device);
}

static void bind_port(int fd, int family, const char *port)
{
	struct sockaddr_storage any;
	socklen_t len = address(family == AF_INET ? "0.0.0.0" : "::", port, &any);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&any, len))
		die("bind");
}

static void send_bulk(int fd)
{
	static const char text[1000000];

	fcntl(fd, F_SETFL, 0);
	if (send(fd, text, sizeof(text), MSG_NOSIGNAL) != sizeof(text) || shutdown(fd, SHUT_WR))
		die("bulk");
}

static void add(int fd)
{
	if (nfds == MOST)
		die("too many");
	fds[nfds++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

static void forget_all(void)
{
	unsigned int i;

	for (i = 2; i < nfds; i++)
		if (fds[i].fd >= 0)
			close(fds[i].fd);
	nfds = 2;
}

static void connect_all(char **argv)
{
	const char *device = argv[5], *local_port = device ? argv[6] : NULL;
	struct sockaddr_storage addr;
	socklen_t len = address(argv[2], argv[3], &addr);
	int i, fd, number = atoi(argv[4]);

	fds[1].fd = -1;
	for (i = 0; i < number; i++) {
		fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		bind_device(fd, device);
		if (local_port)
			bind_port(fd, addr.ss_family, local_port);
		if (fd < 0 || connect(fd, (struct sockaddr *)&addr, len))
			die("connect");
		add(fd);
	}
	printf("ready %d\n", number);
}

static void each(const char *what)
{
	struct linger l = { .l_onoff = 1 };
	unsigned int i;

	for (i = 2; i < nfds; i++) {
		if (!strcmp(what, "shut") && shutdown(fds[i].fd, SHUT_WR) && errno != ENOTCONN)
			die("shutdown");
		if (!strcmp(what, "echo") && send(fds[i].fd, "x", 1, MSG_NOSIGNAL) != 1)
			die("send");
		if (!strcmp(what, "bulk"))
			send_bulk(fds[i].fd);
		if (!strcmp(what, "reset"))
			setsockopt(fds[i].fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	if (!strcmp(what, "close") || !strcmp(what, "reset") || !strcmp(what, "again"))
		forget_all();
	if (!strcmp(what, "again")) {
		sleep(2);
		connect_all(arguments);
	}
	printf("%s\n", what);
}

/* Returns 0 at the end of input. */
static int commands(void)
{
	static char buf[4096];
	static size_t used;
	ssize_t n = read(0, buf + used, sizeof(buf) - used - 1);
	char *line = buf, *end;

	if (n <= 0)
		return 0;
	used += n;
	buf[used] = 0;
	while ((end = strchr(line, '\n'))) {
		*end = 0;
		each(line);
		line = end + 1;
	}
	used -= line - buf;
	memmove(buf, line, used);
	return 1;
}

static void heard(struct pollfd *p, int keep)
{
	char buf[65536];
	ssize_t n = recv(p->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	p->events = 0;
	if (keep && !n) {
		p->fd = ~p->fd;	/* not polled any more; each() undoes it */
		return;
	}
	close(p->fd);
	*p = fds[--nfds];
}

static void unhide(void)
{
	unsigned int i;

	for (i = 2; i < nfds; i++)
		if (fds[i].fd < -1)
			fds[i].fd = ~fds[i].fd;
}

static void hide(void)
{
	unsigned int i;

	for (i = 2; i < nfds; i++)
		if (!fds[i].events && fds[i].fd >= 0)
			fds[i].fd = ~fds[i].fd;
}

static void loop(int keep)
{
	unsigned int i;
	int more = 1;

	for (;;) {
		if (poll(fds, nfds, -1) < 0)
			die("poll");
		if (fds[0].revents) {
			unhide();
			more = commands();
			hide();
			if (!more && fds[1].fd < 0)
				return;
			if (!more)
				fds[0].fd = -1;
			continue;
		}
		if (fds[1].revents)
			add(accept4(fds[1].fd, NULL, NULL, SOCK_CLOEXEC));
		for (i = nfds - 1; i >= 2; i--)
			if (fds[i].fd >= 0 && fds[i].revents)
				heard(&fds[i], keep);
	}
}

static void serve(const char *addr_text, const char *port, const char *device)
{
	struct sockaddr_storage addr;
	socklen_t len = address(addr_text, port, &addr);
	int one = 1;

	fds[1].fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fds[1].fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bind_device(fds[1].fd, device);
	if (bind(fds[1].fd, (struct sockaddr *)&addr, len) || listen(fds[1].fd, 4096))
		die("listen");
	printf("ready\n");
}

int main(int argc, char **argv)
{
	struct rlimit r = { MOST + 100, MOST + 100 };

	setrlimit(RLIMIT_NOFILE, &r);
	setvbuf(stdout, NULL, _IOLBF, 0);
	fds[0] = (struct pollfd){ .fd = 0, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = -1, .events = POLLIN };
	/* argv ends with a NULL: what is left out is NULL */
	if (argc >= 5 && argc <= 6 && !strcmp(argv[1], "serve")) {
		serve(argv[2], argv[3], argv[5]);
		loop(!strcmp(argv[4], "keep"));
	} else if (argc >= 5 && argc <= 7 && !strcmp(argv[1], "connect")) {
		arguments = argv;
		connect_all(argv);
		loop(1);
	} else {
		fprintf(stderr, "usage: endpoint serve ADDRESS PORT close|keep [DEVICE]\n"
			"       endpoint connect ADDRESS PORT NUMBER [DEVICE [LOCAL PORT]]\n");
		return 2;
	}
	return 0;
}
