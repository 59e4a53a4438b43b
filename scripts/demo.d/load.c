// SPDX-License-Identifier: GPL-2.0-only
/*
 * load: connections for the demonstration, of the kinds that no ordinary program makes on request.
 *
 * What stays behind is a process of its own, made when everything asked for is in place; its id is
 * printed. So whoever called it goes on without waiting or guessing.
 */
#define _GNU_SOURCE
#include <netdb.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static const char usage_text[] =
	"usage: load serve [-k] ADDRESS PORT         take connections, close each when the client has; -k: never close\n"
	"       load connect [-k] ADDRESS PORT N     N connections, one after the other, closed by us first;\n"
	"                                            -k: without waiting for the server to close its end\n"
	"       load hold [-w] ADDRESS PORT N        N connections that stay; -w: half-closed by us\n"
	"       load try COMMAND [ARGUMENT]...       run COMMAND while 127.0.0.1 has a connection that is open,\n"
	"                                            one half-closed and one closed; exit with its status\n"
	"Exit status: 125 if the connections could not be made.\n";

static void die(const char *what)
{
	fprintf(stderr, "load: ");
	perror(what);
	exit(125);
}

static int usage(void)
{
	fputs(usage_text, stderr);
	return 2;
}

static struct addrinfo *resolve(const char *address, const char *port)
{
	struct addrinfo hints = {
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	int err;

	err = getaddrinfo(address, port, &hints, &found);
	if (err) {
		fprintf(stderr, "load: %s port %s: %s\n", address, port, gai_strerror(err));
		exit(2);
	}
	return found;
}

static int tcp_socket(int family)
{
	const struct timeval patience = { .tv_sec = 5 };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("socket");
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));	/* for connect() */
	return fd;
}

static int listen_on(const struct sockaddr *addr, socklen_t len)
{
	int fd = tcp_socket(addr->sa_family);
	int one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, addr, len) || listen(fd, 4096))
		die("listen");
	return fd;
}

static int connect_to(const struct sockaddr *addr, socklen_t len)
{
	int fd = tcp_socket(addr->sa_family);

	if (connect(fd, addr, len))
		die("connect");
	return fd;
}

static void drain(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

/* The caller ends; what it has made goes on in a process of its own. */
static void stay(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0) {
		printf("%d\n", pid);
		exit(fflush(stdout) ? 1 : 0);
	}
	setsid();
	/* Whoever reads the number waits for the end of its file. */
	fclose(stdout);
}

static int serve(const struct addrinfo *ai, bool keep)
{
	int fd, conn;

	fd = listen_on(ai->ai_addr, ai->ai_addrlen);
	stay();
	while ((conn = accept(fd, NULL, NULL)) >= 0) {
		if (keep)
			continue;	/* the bug that the demonstration is about */
		drain(conn);
		close(conn);
	}
	die("accept");
	return 1;
}

static int connect_many(const struct addrinfo *ai, long n, bool keep)
{
	int fd;

	while (n-- > 0) {
		fd = connect_to(ai->ai_addr, ai->ai_addrlen);
		shutdown(fd, SHUT_WR);
		if (!keep)
			drain(fd);	/* returns when the server has closed: no backlog can overflow */
		close(fd);
	}
	return 0;
}

static _Noreturn void hold(const struct addrinfo *ai, long n, bool half)
{
	int fd;

	while (n-- > 0) {
		fd = connect_to(ai->ai_addr, ai->ai_addrlen);
		if (half)
			shutdown(fd, SHUT_WR);
	}
	stay();
	for (;;)
		pause();
}

static int try(char **command)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	int fd, ends[3][2], i, status;
	struct addrinfo *ai;
	pid_t pid;

	ai = resolve("127.0.0.1", "0");
	fd = listen_on(ai->ai_addr, ai->ai_addrlen);
	freeaddrinfo(ai);
	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		die("getsockname");
	for (i = 0; i < 3; i++) {
		ends[i][0] = connect_to((struct sockaddr *)&addr, len);
		ends[i][1] = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		if (ends[i][1] < 0)
			die("accept");
	}
	shutdown(ends[1][0], SHUT_WR);	/* FIN_WAIT2 here, CLOSE_WAIT there */
	close(ends[2][0]);		/* TIME_WAIT here */
	drain(ends[2][1]);
	close(ends[2][1]);

	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid) {
		execvp(command[0], command);
		die(command[0]);
	}
	if (waitpid(pid, &status, 0) < 0)
		die("waitpid");
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(int argc, char **argv)
{
	bool serving, flag = false;
	struct addrinfo *ai;
	long n = 0;
	int arg = 2;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && !strcmp(argv[1], "--help")) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "try"))
		return try(&argv[2]);
	if (argc > 2 && (!strcmp(argv[2], "-k") || !strcmp(argv[2], "-w"))) {
		flag = true;
		arg++;
	}
	serving = argc > 1 && !strcmp(argv[1], "serve");
	if (argc != arg + (serving ? 2 : 3))
		return usage();
	ai = resolve(argv[arg], argv[arg + 1]);
	if (serving)
		return serve(ai, flag);
	n = atol(argv[arg + 2]);
	if (!strcmp(argv[1], "connect"))
		return connect_many(ai, n, flag);
	if (!strcmp(argv[1], "hold"))
		hold(ai, n, flag);
	return usage();
}
