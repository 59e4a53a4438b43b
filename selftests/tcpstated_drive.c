// SPDX-License-Identifier: GPL-2.0-only
/*
 * Trouble, traffic and the kernel's own account for tcpstated.sh, in the network namespace that it is started in.
 * Commands come on standard input, one a line; each is answered by "ok" and its numbers, or by "no" and why.
 *
 *	stall FIRST N		a connection to each of the listeners FIRST to FIRST + N - 1; nobody accepts it
 *	take FIRST N		it is accepted, and closed by both ends
 *	connections N		opened and closed by both ends, one after the other
 *	numbers			transitions that the module has numbered for readers, and lost in its queue
 *	room PID BYTES		for the receive buffers of the daemon's subscriptions (0: what it takes itself)
 *	heard PID		bytes that wait in them, messages that found no room: of alerts, of transitions
 *
 * With the argument "notify" and the path of a socket it prints instead what a service manager is told there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "nl.h"

#define LISTENERS	100
#define STALL_PORT	10000
#define PORT		7000
#define PLENTY		(4 << 20)

static int listener[LISTENERS];
static int client[LISTENERS];
static int server;
static struct nl nl;

__attribute__((format(printf, 2, 3)))
static void answer(bool ok, const char *fmt, ...)
{
	va_list args;

	printf(ok ? "ok " : "no ");
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

static void stall(int first, int n)
{
	int i;

	for (i = first; i < first + n && i < LISTENERS; i++) {
		client[i] = nl_connect(NULL, 0, "127.0.0.1", STALL_PORT + i, false);
		if (client[i] < 0)
			return answer(false, "connect: %s", strerror(errno));
	}
	answer(true, "%d", n);
}

static void take(int first, int n)
{
	int i, fd;

	for (i = first; i < first + n && i < LISTENERS; i++) {
		fd = accept(listener[i], NULL, NULL);
		if (fd < 0)
			return answer(false, "accept: %s", strerror(errno));
		close(client[i]);
		close(fd);
	}
	answer(true, "%d", n);
}

static void connections(int n)
{
	int i, fd, peer;

	for (i = 0; i < n; i++) {
		fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		peer = accept(server, NULL, NULL);
		if (fd < 0 || peer < 0)
			return answer(false, "connection %d: %s", i, strerror(errno));
		close(fd);
		close(peer);
	}
	answer(true, "%d", n);
}

static void numbers(void)
{
	static struct nl_stats s;
	int err = nl_open(&nl);

	if (!err)
		err = nl_stats(&nl, &s);
	nl_close(&nl);
	if (err)
		return answer(false, "statistics: %s", strerror(-err));
	answer(true, "%llu %llu", (unsigned long long)s.event_seq, (unsigned long long)s.event_lost);
}

/* The daemon's sockets */

static bool joined(int fd, uint32_t group)
{
	uint32_t groups[64] = { 0 };
	socklen_t len = sizeof(groups);

	if (getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, groups, &len))
		return false;
	return group && group <= 8 * len && groups[(group - 1) / 32] & 1u << (group - 1) % 32;
}

/* Ours, too, from now on: the socket with number @fd of the process. */
static int borrow(int process, const char *fd)
{
	int ours = syscall(SYS_pidfd_getfd, process, atoi(fd), 0), bus = 0;
	socklen_t len = sizeof(bus);

	if (ours < 0 || (!getsockopt(ours, SOL_SOCKET, SO_DOMAIN, &bus, &len) && bus == AF_NETLINK))
		return ours;
	close(ours);
	return -1;
}

static void find_in(int process, DIR *dir, int *found)
{
	struct dirent *d;
	int fd, i;

	while ((d = readdir(dir))) {
		fd = borrow(process, d->d_name);
		if (fd < 0)
			continue;
		for (i = 0; i < NL_GROUPS && !joined(fd, nl.group[i]); i++)
			;
		if (i < NL_GROUPS && found[i] < 0)
			found[i] = fd;
		else
			close(fd);
	}
}

/* By group; both are there, or none is. */
static bool subscriptions(int pid, int *found)
{
	int process = syscall(SYS_pidfd_open, pid, 0), err = nl_open(&nl);
	char path[64];
	DIR *dir;

	found[NL_TRANSITIONS] = found[NL_ALERTS] = -1;
	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (process >= 0 && !err && dir)
		find_in(process, dir, found);
	if (dir)
		closedir(dir);
	close(process);
	nl_close(&nl);
	if (found[NL_TRANSITIONS] >= 0 && found[NL_ALERTS] >= 0)
		return true;
	close(found[NL_TRANSITIONS]);
	close(found[NL_ALERTS]);
	answer(false, "process %d has no two subscriptions", pid);
	return false;
}

static void room(int pid, int bytes)
{
	int fd[NL_GROUPS], i, err = 0;

	if (!subscriptions(pid, fd))
		return;
	for (i = 0; i < NL_GROUPS; i++) {
		int size = bytes ? bytes : PLENTY;

		err |= setsockopt(fd[i], SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
		close(fd[i]);
	}
	answer(!err, "%d", bytes);
}

static void heard(int pid)
{
	uint32_t info[NL_GROUPS][SK_MEMINFO_VARS] = { { 0 } };
	int fd[NL_GROUPS], i, err = 0;

	if (!subscriptions(pid, fd))
		return;
	for (i = 0; i < NL_GROUPS; i++) {
		socklen_t len = sizeof(info[i]);

		err |= getsockopt(fd[i], SOL_SOCKET, SO_MEMINFO, info[i], &len);
		close(fd[i]);
	}
	answer(!err, "%u %u %u", info[NL_ALERTS][SK_MEMINFO_RMEM_ALLOC] + info[NL_TRANSITIONS][SK_MEMINFO_RMEM_ALLOC],
	       info[NL_ALERTS][SK_MEMINFO_DROPS], info[NL_TRANSITIONS][SK_MEMINFO_DROPS]);
}

static void obey(const char *line)
{
	int a = 0, b = 0;
	char word[32] = "";

	sscanf(line, "%31s %d %d", word, &a, &b);
	if (!strcmp(word, "stall"))
		stall(a, b);
	else if (!strcmp(word, "take"))
		take(a, b);
	else if (!strcmp(word, "connections"))
		connections(a);
	else if (!strcmp(word, "numbers"))
		numbers();
	else if (!strcmp(word, "room"))
		room(a, b);
	else if (!strcmp(word, "heard"))
		heard(a);
	else
		answer(false, "what is '%s'?", word);
}

static int notify(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char text[512];
	ssize_t n;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		perror(path);
		return 1;
	}
	printf("ready\n");
	while ((n = recv(fd, text, sizeof(text), 0)) >= 0)
		printf("%.*s\n", (int)n, text);
	return 1;
}

int main(int argc, char **argv)
{
	char line[128];
	int i;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 3 && !strcmp(argv[1], "notify"))
		return notify(argv[2]);
	server = nl_listen("127.0.0.1", PORT, 1000);
	for (i = 0; i < LISTENERS; i++) {
		listener[i] = nl_listen("127.0.0.1", STALL_PORT + i, 100);
		if (server < 0 || listener[i] < 0) {
			perror("listen");
			return 1;
		}
	}
	while (fgets(line, sizeof(line), stdin))
		obey(line);
	return 0;
}
