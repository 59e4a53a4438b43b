// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients of a web server that is told to read its configuration again and again, for silence.sh: POOL connections that
 * are kept and ask every PAUSE seconds, SLOW downloads that take more than a minute, and others that come, ask and go.
 *
 *	silence_web MASTER-PID SECONDS
 *
 * Every RELOAD seconds the master gets a SIGHUP: the old workers close what is idle, and stay until their downloads are
 * through. Says what it has seen: "# web: ...". Exit status 0: all that was asked was answered, there were old workers
 * each time, and no alert.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "silence.h"

#define HOST	"127.0.0.1"
#define PORT	8080
#define POOL	200
#define PAUSE	10
#define SLOW	40
#define OTHERS	10	/* a second */
#define RELOAD	100

static int pool[POOL], slow[SLOW];
static unsigned int answered, again, failed, downloads, reloads, undrained, most_old;

static int dial(void)
{
	int fd = nl_connect(NULL, 0, HOST, PORT, false);
	struct timeval patience = { 10 };

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* Asks and hears the answer, which is short and comes at once. */
static int ask(int fd, const char *how)
{
	char text[2000];
	ssize_t n;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\nConnection: %s\r\n\r\n", how);
	if (send(fd, text, strlen(text), MSG_NOSIGNAL) != (ssize_t)strlen(text))
		return -1;
	n = recv(fd, text, sizeof(text) - 1, 0);
	if (n <= 0)
		return -1;
	text[n] = 0;
	return strncmp(text, "HTTP/1.1 200 ", 13) || !strstr(text, "hello") ? -1 : 0;
}

/* The server may have closed it meanwhile: then once more. */
static void ask_kept(int *fd)
{
	if (*fd >= 0 && !ask(*fd, "keep-alive")) {
		answered++;
		return;
	}
	again += *fd >= 0;
	close(*fd);
	*fd = dial();
	if (*fd < 0 || ask(*fd, "keep-alive"))
		failed++;
	else
		answered++;
}

static void ask_once(void)
{
	int fd = dial();

	if (fd < 0 || ask(fd, "close"))
		failed++;
	else
		answered++;
	close(fd);
}

static int download(void)
{
	static const char request[] = "GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
	int fd = dial();

	if (fd < 0 || send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL) != (ssize_t)sizeof(request) - 1)
		failed++;
	return fd;
}

static void read_slow(int *fd)
{
	static char text[65536];
	ssize_t n;

	do {
		n = recv(*fd, text, sizeof(text), MSG_DONTWAIT);
	} while (n > 0);
	if (n < 0 && errno == EAGAIN)
		return;
	failed += n < 0;
	downloads += !n;
	close(*fd);
	*fd = download();
}

/* Workers of before that are still there. */
static unsigned int old_workers(void)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	char path[300], title[100];
	unsigned int n = 0;
	FILE *f;

	while (proc && (entry = readdir(proc))) {
		snprintf(path, sizeof(path), "/proc/%s/cmdline", entry->d_name);
		f = *entry->d_name > '0' && *entry->d_name <= '9' ? fopen(path, "re") : NULL;
		if (!f)
			continue;
		n += fgets(title, sizeof(title), f) && !strncmp(title, "nginx: worker process is shutting down", 38);
		fclose(f);
	}
	if (proc)
		closedir(proc);
	return n;
}

static void reload(pid_t master, int second)
{
	unsigned int old;

	if (second % RELOAD == RELOAD / 2) {
		kill(master, SIGHUP);
		reloads++;
	} else if (second % RELOAD == RELOAD / 2 + 10 && reloads) {
		old = old_workers();
		undrained += !old;
		most_old = old > most_old ? old : most_old;
	}
}

static int a_second(struct notices *s, pid_t master, int second, uint64_t until)
{
	int i;

	reload(master, second);
	for (i = second % PAUSE; i < POOL; i += PAUSE)
		ask_kept(&pool[i]);
	for (i = 0; i < OTHERS; i++)
		ask_once();
	for (i = 0; i < SLOW; i++)
		read_slow(&slow[i]);
	return notices_until(s, until);
}

int main(int argc, char **argv)
{
	static struct notices s;
	struct snapshot now;
	int second, seconds, i;
	uint64_t begun;
	bool bad;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc != 3 || notices_open(&s))
		return 2;
	seconds = atoi(argv[2]);
	for (i = 0; i < POOL; i++)
		pool[i] = -1;
	for (i = 0; i < SLOW; i++)
		slow[i] = download();
	begun = ms_now();
	for (second = 0; second < seconds; second++)
		if (a_second(&s, atoi(argv[1]), second, begun + (second + 1) * 1000))
			return 1;
	bad = snapshot_read("/proc/self/net/tcpstate", &now) || silent(&s);
	counts_print("at the end", now.count);
	printf("# web: answered %u again %u failed %u downloads %u reloads %u old workers %u none %u\n",
	       answered, again, failed, downloads, reloads, most_old, undrained);
	/* Each reload ends what is kept, and its user notices when it asks again. */
	bad |= failed || undrained || reloads != (seconds + RELOAD / 2) / RELOAD || again < reloads * POOL / 2;
	bad |= answered != seconds * (OTHERS + POOL / PAUSE) || downloads < SLOW * (seconds / RELOAD - 1);
	bad |= now.count[TCP_ESTABLISHED] < 2 * (POOL + SLOW) * 9 / 10;
	return bad || hears(&s);
}
