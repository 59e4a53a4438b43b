// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "testlib.h"

#define WANT_MAX	300
#define FILE_SELF	"/proc/self/net/tcpstate"

static const char *const names[STATES] = {
	NULL, "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
};

static pid_t loaded_by;

/* The module is loaded before the first test, and unloaded after the last where it was not there before. */
static __attribute__((constructor)) void module_load(void)
{
	const char *ko = getenv("TCPSTATE_KO"), *params = getenv("TCPSTATE_PARAMS");
	char command[256];
	int fd;

	/* The tests run in children that end by _exit(). */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!access("/proc/tcpstate", F_OK))
		return;
	if (!ko) {
		snprintf(command, sizeof(command), "modprobe tcpstate %s", params ? params : "");
		if (system(command))
			printf("# modprobe tcpstate failed; TCPSTATE_KO can name the module's file\n");
	} else {
		fd = open(ko, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, params ? params : "", 0))
			printf("# cannot load %s: %m\n", ko);
		close(fd);
	}
	loaded_by = getpid();
}

static __attribute__((destructor)) void module_unload(void)
{
	if (loaded_by == getpid())
		syscall(SYS_delete_module, "tcpstate", O_NONBLOCK);
}

static int field(const char **text, const char *fmt, unsigned long long *value)
{
	int n = -1;

	sscanf(*text, fmt, value, &n);
	if (n < 0) {
		printf("# wanted \"%.*s\", found \"%.60s\"\n", (int)strcspn(fmt, "\n"), fmt, *text);
		return -1;
	}
	*text += n;
	return 0;
}

static int expect_text(const char **text, const char *want)
{
	if (strncmp(*text, want, strlen(want))) {
		printf("# wanted \"%s\", found \"%.60s\"\n", want, *text);
		return -1;
	}
	*text += strlen(want);
	return 0;
}

static int parse_state(const char **text, struct snapshot *s, int state)
{
	char head[40];

	snprintf(head, sizeof(head), "state %s ", names[state]);
	return expect_text(text, head) || field(text, "%llu%n", &s->count[state]) ||
	       expect_text(text, " entered ") || field(text, "%llu%n", &s->entered[state]) ||
	       expect_text(text, " oldest_ms ") || field(text, "%llu%n", &s->oldest_ms[state]) ||
	       expect_text(text, "\n") ? -1 : 0;
}

static int parse_line(const char **text, const char *head, unsigned long long *value)
{
	return expect_text(text, head) || field(text, "%llu%n", value) || expect_text(text, "\n") ? -1 : 0;
}

static int parse_health(const char **text, struct snapshot *s)
{
	unsigned long long tracepoint, untracked, verified;

	s->sockets = !strncmp(*text, "health coverage full ", 21);
	if (expect_text(text, s->sockets ? "health coverage full" : "health coverage packets") ||
	    expect_text(text, " tracepoint ") || field(text, "%llu%n", &tracepoint) ||
	    expect_text(text, " untracked ") || field(text, "%llu%n", &untracked) ||
	    expect_text(text, " divergence ") || field(text, "%llu%n", &s->divergence) ||
	    (**text == ' ' && (expect_text(text, " verified_ms ") || field(text, "%llu%n", &verified))) ||
	    expect_text(text, "\n"))
		return -1;
	if (tracepoint == s->sockets && untracked == s->untracked && !**text)
		return 0;
	printf("# the health line contradicts the others, or is not the last\n");
	return -1;
}

/* An address and a port, one without, or a number: whatever it is, it is one word. */
static int word(const char **text)
{
	size_t n = strcspn(*text, " \n");

	*text += n;
	return n ? 0 : -1;
}

/* At most 64 listeners, then the alerts. */
static int parse_troubles(const char **text, struct snapshot *s)
{
	static const char * const about[] = { " port ", " peer ", " addr " };
	unsigned long long n;
	unsigned int i;

	for (; !strncmp(*text, "listener ", 9); s->listeners++)
		if (expect_text(text, "listener ") || word(text) || expect_text(text, " queue ") || field(text, "%llu%n", &n) ||
		    expect_text(text, " backlog ") || field(text, "%llu%n", &n) ||
		    expect_text(text, " drops ") || field(text, "%llu%n", &n) ||
		    expect_text(text, " syn_recv ") || field(text, "%llu%n", &n) || expect_text(text, "\n"))
			return -1;
	for (; !strncmp(*text, "alert ", 6); s->alerts++) {
		if (expect_text(text, "alert ") || field(text, "%llu%n", &n) || expect_text(text, " ") || word(text) ||
		    expect_text(text, " ") || word(text) || expect_text(text, " since ") || field(text, "%llu%n", &n))
			return -1;
		for (i = 0; i < 3; i++)
			if (!strncmp(*text, about[i], 6) && (expect_text(text, about[i]) || word(text)))
				return -1;
		if (expect_text(text, " value ") || field(text, "%llu%n", &n) ||
		    expect_text(text, " limit ") || field(text, "%llu%n", &n) ||
		    expect_text(text, " reason ") || word(text) || expect_text(text, "\n"))
			return -1;
	}
	return s->listeners <= 64 ? 0 : -1;
}

int snapshot_parse(const char *text, struct snapshot *s)
{
	int i;

	memset(s, 0, sizeof(*s));
	if (expect_text(&text, "tcpstate 1\n") || parse_line(&text, "netns ", &s->netns) ||
	    parse_line(&text, "tracked ", &s->tracked) || parse_line(&text, "limit ", &s->limit))
		return -1;
	for (i = 1; i < STATES; i++)
		if (parse_state(&text, s, i))
			return -1;
	if (parse_line(&text, "total transitions ", &s->transitions) ||
	    parse_line(&text, "total invalid ", &s->invalid) ||
	    parse_line(&text, "total malformed ", &s->malformed) ||
	    parse_line(&text, "total untracked ", &s->untracked))
		return -1;
	return parse_troubles(&text, s) ? -1 : parse_health(&text, s);
}

int snapshot_read(const char *path, struct snapshot *s)
{
	static char text[65536];
	size_t n;
	FILE *f;

	f = fopen(path, "re");
	if (!f) {
		printf("# cannot open %s: %m\n", path);
		return -1;
	}
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = 0;
	fclose(f);
	return snapshot_parse(text, s);
}

static int diag_one(int fd, int family, unsigned long long *count)
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
			.idiag_states = ~0U,
		},
	};
	static char buf[65536];
	struct nlmsghdr *h;
	int len;

	if (send(fd, &req, sizeof(req), 0) != sizeof(req))
		return -1;
	for (;;) {
		len = recv(fd, buf, sizeof(buf), 0);
		if (len <= 0)
			return -1;
		for (h = (struct nlmsghdr *)buf; NLMSG_OK(h, (unsigned int)len); h = NLMSG_NEXT(h, len)) {
			struct inet_diag_msg *m = NLMSG_DATA(h);

			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return -1;
			/* 12 is NEW_SYN_RECV: a request socket */
			count[m->idiag_state == 12 ? TCP_SYN_RECV : m->idiag_state % STATES]++;
		}
	}
}

/* The kernel's own count of the sockets of this namespace. */
static int diag_read(unsigned long long *count)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG), err;

	memset(count, 0, STATES * sizeof(*count));
	err = fd < 0 || diag_one(fd, AF_INET, count) || diag_one(fd, AF_INET6, count);
	if (err)
		printf("# no answer from inet_diag: %m\n");
	close(fd);
	return err ? -1 : 0;
}

int netns_enter(void)
{
	struct ifreq ifr = { .ifr_name = "lo", .ifr_flags = IFF_UP };
	int fd, err;

	if (unshare(CLONE_NEWNET)) {
		printf("# unshare(CLONE_NEWNET): %m\n");
		return -1;
	}
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	err = ioctl(fd, SIOCSIFFLAGS, &ifr);
	close(fd);
	return err;
}

int counts_parse(const char *want, unsigned long long *count)
{
	char copy[256], *word, *save = NULL, *eq;
	int i;

	memset(count, 0, STATES * sizeof(*count));
	snprintf(copy, sizeof(copy), "%s", want);
	for (word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		eq = strchr(word, '=');
		if (!eq)
			goto bad;
		*eq = 0;
		for (i = 1; i < STATES && strcmp(names[i], word); i++)
			;
		if (i == STATES)
			goto bad;
		count[i] = strtoull(eq + 1, NULL, 10);
	}
	return 0;
bad:
	printf("# bad expectation \"%s\"\n", want);
	return -1;
}

void counts_print(const char *head, const unsigned long long *count)
{
	int i;

	printf("# %s:", head);
	for (i = 1; i < STATES; i++)
		if (count[i])
			printf(" %s=%llu", names[i], count[i]);
	printf("\n");
}

static bool same(const unsigned long long *a, const unsigned long long *b)
{
	int i;

	for (i = 1; i < STATES; i++)
		if (i != TCP_CLOSE && i != TCP_LISTEN && a[i] != b[i])
			return false;
	return true;
}

/* Listeners, and what is only known of sockets that tell. */
static bool sound(const struct snapshot *s, const unsigned long long *diag, unsigned long long sum)
{
	unsigned long long listeners = s->sockets ? diag[TCP_LISTEN] : 0;

	return s->tracked == sum + listeners && s->count[TCP_LISTEN] == listeners && !s->count[TCP_CLOSE] &&
	       !s->divergence;
}

int check_counts(const char *format, ...)
{
	char want[WANT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(want, sizeof(want), format, args);
	va_end(args);
	return check_both(want, want);
}

int check_both(const char *diag_want, const char *want)
{
	unsigned long long wanted[STATES], diag_wanted[STATES], diag[STATES], sum;
	struct snapshot s;
	int i, tries;

	if (counts_parse(want, wanted) || counts_parse(diag_want, diag_wanted))
		return -1;
	for (tries = 0; tries < 150; tries++) {
		if (snapshot_read(FILE_SELF, &s) || diag_read(diag))
			return -1;
		if (s.sockets)
			memcpy(wanted, diag_wanted, sizeof(wanted));
		for (sum = 0, i = 1; i < STATES; i++)
			sum += wanted[i];
		if (same(s.count, wanted) && same(diag, diag_wanted) && sound(&s, diag, sum))
			return 0;
		sleep_ms(20);
	}
	printf("# wanted: inet_diag %s, tcpstate %s, tracked %llu\n", diag_want, s.sockets ? diag_want : want, sum);
	counts_print("inet_diag", diag);
	counts_print("tcpstate", s.count);
	printf("# tracked %llu, divergence %llu\n", s.tracked, s.divergence);
	return -1;
}

int check_agreement(void)
{
	unsigned long long diag[STATES];
	struct snapshot s;
	int tries;

	for (tries = 0; tries < 150; tries++) {
		if (snapshot_read(FILE_SELF, &s) || diag_read(diag))
			return -1;
		if (same(s.count, diag) && s.count[TCP_LISTEN] == (s.sockets ? diag[TCP_LISTEN] : 0))
			return 0;
		sleep_ms(20);
	}
	counts_print("inet_diag", diag);
	counts_print("tcpstate", s.count);
	return -1;
}

int check_entered(const char *format, ...)
{
	unsigned long long wanted[STATES], sum = 0, ended;
	char want[WANT_MAX];
	struct snapshot s;
	va_list args;
	int i;

	va_start(args, format);
	vsnprintf(want, sizeof(want), format, args);
	va_end(args);
	if (counts_parse(want, wanted) || snapshot_read(FILE_SELF, &s))
		return -1;
	for (i = 1; i < STATES; i++)
		sum += wanted[i];
	ended = s.entered[TCP_LISTEN] - s.count[TCP_LISTEN];
	s.transitions -= s.entered[TCP_LISTEN] + ended;
	s.entered[TCP_CLOSE] -= ended;
	s.entered[TCP_LISTEN] = 0;
	if (!memcmp(s.entered, wanted, sizeof(wanted)) && s.transitions == sum)
		return 0;
	printf("# entered, wanted: %s, transitions %llu\n", want, sum);
	counts_print("tcpstate, entered", s.entered);
	printf("# transitions %llu\n", s.transitions);
	return -1;
}

int check_totals(unsigned long long invalid, unsigned long long malformed, unsigned long long untracked)
{
	struct snapshot s;

	if (snapshot_read(FILE_SELF, &s))
		return -1;
	if (s.invalid == invalid && s.malformed == malformed && s.untracked == untracked)
		return 0;
	printf("# wanted invalid %llu malformed %llu untracked %llu, found %llu %llu %llu\n", invalid, malformed,
	       untracked, s.invalid, s.malformed, s.untracked);
	return -1;
}

const char *state_name(int state)
{
	return state > 0 && state < STATES ? names[state] : "?";
}

void sleep_ms(unsigned int ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) && errno == EINTR)
		;
}

int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), n;

	if (fd < 0)
		return -1;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (int)strlen(text) ? 0 : -1;
}

int nofile_max(void)
{
	struct rlimit r = { 65536, 65536 };

	return setrlimit(RLIMIT_NOFILE, &r);
}
