// SPDX-License-Identifier: GPL-2.0-only
/*
 * Plays scripts of segments against the kernel's TCP, over IPv4 and IPv6, and compares its sockets with the module's
 * counts after every step.
 *
 *	play SCRIPT.seg...		KTAP, one test a script and family
 *
 *	socket --- 10.99.0.1, fd99::1 (tun0) === this program: 10.99.0.2, fd99::2
 *
 * A script (segments/README.rst describes the language) is one step a line. After each, inet_diag's counts of the nine
 * states and the module's must be the same within three seconds, unless the next step is "differ", which tells both.
 * Each test runs in a process and a network namespace of its own.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "testlib.h"

#define PORT		7000
#define ISN		1000000u	/* the peer's; script numbers count from here */
#define PORTS		4
#define MOST_WORDS	16
#define MOST_STEPS	200
#define SECONDS		200		/* of one test; TIME_WAIT takes 62 */

struct step {
	int line;
	int n;
	char *word[MOST_WORDS];
	char *rest;		/* all behind the first word */
};

static struct {
	struct peer peer;
	int listener;
	int fd;			/* the connection's socket, or -1 */
	uint32_t iss[PORTS];	/* the kernel's, toward each port of the peer's */
	unsigned int port;	/* the peer's current one: PEER_PORT + port */
	uint32_t timestamp;	/* of its last segment with timestamps */
} run;

static const char *script;
static int line;

static int fail(const char *what, const char *word)
{
	printf("# %s:%d: %s%s%s\n", script, line, what, word ? " " : "", word ? word : "");
	return -1;
}

static int failed_call(const char *what)
{
	return fail(what, strerror(errno));
}

static int number(const char *word, uint32_t *n)
{
	char *end;

	*n = strtoul(word, &end, 0);
	return *word && !*end ? 0 : fail("not a number:", word);
}

/* "SFRAP", or "-" for none */
static int flags(const char *word, uint8_t *f)
{
	static const struct { char c; uint8_t bit; } bits[] = {
		{ 'F', 0x01 }, { 'S', 0x02 }, { 'R', 0x04 }, { 'P', 0x08 }, { 'A', 0x10 }, { 'U', 0x20 },
	};
	const char *c;
	size_t i;

	*f = 0;
	for (c = word; *c && strcmp(word, "-"); c++) {
		for (i = 0; i < 6 && bits[i].c != *c; i++)
			;
		if (i == 6)
			return fail("not flags of F, S, R, P, A, U:", word);
		*f |= bits[i].bit;
	}
	return 0;
}

/* What may follow the numbers of a segment that the peer sends: "win N", "mss N", "ts VALUE", "bad-checksum". */
static int extras(const struct step *s, int i, struct peer_seg *seg)
{
	uint32_t n = 0;

	for (; i < s->n; i++) {
		uint8_t *opt = seg->options + seg->noptions;

		if (!strcmp(s->word[i], "bad-checksum")) {
			seg->bad_checksum = true;
			continue;
		}
		if (i + 1 == s->n || number(s->word[i + 1], &n))
			return fail("needs a number:", s->word[i]);
		if (!strcmp(s->word[i], "win")) {
			seg->window = n;
			seg->zero_window = !n;
		} else if (!strcmp(s->word[i], "ts")) {
			const uint8_t ts[12] = { 1, 1, 8, 10, n >> 24, n >> 16, n >> 8, n, run.timestamp >> 24,
						 run.timestamp >> 16, run.timestamp >> 8, run.timestamp };

			memcpy(opt, ts, sizeof(ts));
			seg->noptions += sizeof(ts);
		} else if (!strcmp(s->word[i], "mss")) {
			const uint8_t mss[4] = { 2, 4, n >> 8, n };

			memcpy(opt, mss, sizeof(mss));
			seg->noptions += sizeof(mss);
		} else {
			return fail("not win, ts, mss or bad-checksum:", s->word[i]);
		}
		i++;
	}
	return 0;
}

/* "< FLAGS SEQ ACK LEN ...": the peer sends */
static int step_in(const struct step *s)
{
	struct peer_seg seg = { .lport = run.peer.lport ? run.peer.lport : PORT, .rport = PEER_PORT + run.port };
	uint8_t packet[PEER_PACKET];
	size_t l4, len;

	if (s->n < 5 || flags(s->word[1], &seg.flags) || number(s->word[2], &seg.seq) ||
	    number(s->word[3], &seg.ack) || number(s->word[4], &seg.len) || extras(s, 5, &seg))
		return fail("usage: < FLAGS SEQ ACK LEN [win N] [ts N] [mss N] [bad-checksum]", NULL);
	seg.seq += ISN;
	if (seg.flags & PEER_ACK)
		seg.ack += run.iss[run.port];
	else if (seg.ack)
		return fail("an ACK number without the flag A", NULL);
	len = peer_build(&run.peer, &seg, packet, &l4);
	return peer_write(&run.peer, packet, len) ? failed_call("write to tun:") : 0;
}

static int same_number(const char *what, const char *word, uint32_t found)
{
	uint32_t wanted;

	if (!strcmp(word, "*"))
		return 0;
	if (number(word, &wanted))
		return -1;
	if (wanted == found)
		return 0;
	printf("# %s:%d: %s: wanted %u, found %u\n", script, line, what, wanted, found);
	return -1;
}

/* "> FLAGS SEQ ACK LEN": the next segment that the kernel sends; * for any number */
static int step_out(const struct step *s)
{
	struct peer_seg seg;
	uint8_t want;

	if (s->n != 5 || flags(s->word[1], &want))
		return fail("usage: > FLAGS SEQ ACK LEN", NULL);
	if (peer_recv(&run.peer, &seg, 3000))
		return fail("no segment came", NULL);
	if (seg.rport != PEER_PORT + run.port)
		return fail("a segment to another port came", NULL);
	if (seg.flags & PEER_SYN)
		run.iss[run.port] = seg.seq;
	run.peer.lport = seg.lport;
	/* PSH does not matter */
	if ((seg.flags & ~0x08) != want) {
		printf("# %s:%d: flags: wanted 0x%02x, found 0x%02x\n", script, line, want, seg.flags);
		return -1;
	}
	if (seg.timestamp)
		run.timestamp = seg.timestamp;
	return same_number("sequence number", s->word[2], seg.seq - run.iss[run.port]) ||
	       same_number("acknowledgment", s->word[3], seg.flags & PEER_ACK ? seg.ack - ISN : 0) ||
	       same_number("length", s->word[4], seg.len) ? -1 : 0;
}

/* "port N": the peer goes on with another port of its own, 0 (at first) to 3 */
static int step_port(const struct step *s)
{
	uint32_t n;

	if (s->n != 2 || number(s->word[1], &n) || n >= PORTS)
		return fail("usage: port 0...3", NULL);
	run.port = n;
	return 0;
}

static int step_quiet(const struct step *s)
{
	struct peer_seg seg;
	uint32_t ms;

	if (s->n != 2 || number(s->word[1], &ms))
		return fail("usage: quiet MILLISECONDS", NULL);
	return peer_recv(&run.peer, &seg, ms) ? 0 : fail("a segment came", NULL);
}

/* Takes whatever comes within the time. */
static int step_drain(const struct step *s)
{
	struct peer_seg seg;
	uint32_t ms;

	if (s->n != 2 || number(s->word[1], &ms))
		return fail("usage: drain MILLISECONDS", NULL);
	while (!peer_recv(&run.peer, &seg, ms))
		;
	return 0;
}

static int step_wait(const struct step *s)
{
	uint32_t ms;

	if (s->n != 2 || number(s->word[1], &ms))
		return fail("usage: wait MILLISECONDS", NULL);
	sleep_ms(ms);
	return 0;
}

static int tcp_socket(void)
{
	return socket(run.peer.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* "listen [BACKLOG [OPTION VALUE]]" */
static int step_listen(const struct step *s)
{
	struct sockaddr_storage addr;
	socklen_t len = peer_local(&run.peer, &addr, PORT);
	uint32_t backlog = 16;

	if (s->n > 1 && number(s->word[1], &backlog))
		return -1;
	run.listener = tcp_socket();
	if (bind(run.listener, (struct sockaddr *)&addr, len) || listen(run.listener, backlog))
		return failed_call("listen:");
	return 0;
}

static int step_accept(const struct step *s)
{
	int i;

	for (i = 0; i < 100; i++) {
		run.fd = accept4(run.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (run.fd >= 0)
			return 0;
		sleep_ms(10);
	}
	return failed_call("accept:");
}

/* "connect", or "connect N": N bytes on the SYN (fast open) */
static int step_connect(const struct step *s)
{
	struct sockaddr_storage to;
	socklen_t len = peer_remote(&run.peer, &to);
	static char text[1000];
	uint32_t n = 0;

	if (s->n > 1 && (number(s->word[1], &n) || n > sizeof(text)))
		return -1;
	run.fd = tcp_socket();
	if (n ? sendto(run.fd, text, n, MSG_FASTOPEN, (struct sockaddr *)&to, len) != n :
		connect(run.fd, (struct sockaddr *)&to, len) && errno != EINPROGRESS)
		return failed_call("connect:");
	return 0;
}

static int step_send(const struct step *s)
{
	static char text[65536];
	uint32_t n;

	if (s->n != 2 || number(s->word[1], &n) || n > sizeof(text))
		return fail("usage: send BYTES", NULL);
	return send(run.fd, text, n, MSG_NOSIGNAL) == n ? 0 : failed_call("send:");
}

/* Reads all there is. */
static int step_read(const struct step *s)
{
	static char text[65536];

	while (recv(run.fd, text, sizeof(text), 0) > 0)
		;
	return 0;
}

static int step_shutdown(const struct step *s)
{
	return shutdown(run.fd, SHUT_WR) ? failed_call("shutdown:") : 0;
}

static int step_close(const struct step *s)
{
	int fd = run.fd;

	run.fd = -1;
	return close(fd) ? failed_call("close:") : 0;
}

static int step_abort(const struct step *s)
{
	struct linger l = { .l_onoff = 1 };

	if (setsockopt(run.fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l)))
		return failed_call("SO_LINGER:");
	return step_close(s);
}

/* "sysctl NAME VALUE": net.ipv4.NAME of the test's namespace */
static int step_sysctl(const struct step *s)
{
	char path[200];

	if (s->n != 3)
		return fail("usage: sysctl NAME VALUE (of net.ipv4)", NULL);
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/%s", s->word[1]);
	return write_file(path, s->word[2]) ? failed_call(path) : 0;
}

/* "option NAME VALUE", of the connection's socket, or of the listener where there is none */
static int step_option(const struct step *s)
{
	static const struct { const char *name; int level, option; } options[] = {
		{ "SO_RCVBUF", SOL_SOCKET, SO_RCVBUF },
		{ "TCP_DEFER_ACCEPT", IPPROTO_TCP, TCP_DEFER_ACCEPT },
		{ "TCP_FASTOPEN", IPPROTO_TCP, TCP_FASTOPEN },
		{ "TCP_LINGER2", IPPROTO_TCP, TCP_LINGER2 },
		{ "TCP_USER_TIMEOUT", IPPROTO_TCP, TCP_USER_TIMEOUT },
		{ "TCP_NODELAY", IPPROTO_TCP, TCP_NODELAY },
		{ "TCP_CORK", IPPROTO_TCP, TCP_CORK },
	};
	int value, fd = run.fd >= 0 ? run.fd : run.listener;
	uint32_t n;
	size_t i;

	if (s->n != 3 || number(s->word[2], &n))
		return fail("usage: option NAME VALUE", NULL);
	value = n;
	for (i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (!strcmp(options[i].name, s->word[1]))
			return setsockopt(fd, options[i].level, options[i].option, &value, sizeof(value)) ?
			       failed_call("setsockopt:") : 0;
	return fail("no such socket option here:", s->word[1]);
}

/* "state STATE=N ...", or "state none": both counts are exactly that; the socket says the same of itself. */
static int step_state(const struct step *s)
{
	const char *want = s->n > 1 && strcmp(s->word[1], "none") ? s->rest : "";
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);
	char name[40];

	if (check_counts(want))
		return fail("states are not", s->rest);
	if (run.fd < 0 || s->n != 2 || !strstr(want, "=1"))
		return 0;
	if (getsockopt(run.fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return failed_call("TCP_INFO:");
	/* A socket whose minisock waits for it is closed. */
	if (info.tcpi_state == TCP_CLOSE && !strcmp(want, "TIME_WAIT=1"))
		return 0;
	snprintf(name, sizeof(name), "%s=1", state_name(info.tcpi_state));
	return strcmp(name, want) ? fail("TCP_INFO says", name) : 0;
}

/* "differ kernel STATE=N ... ours STATE=N ...": packets cannot know; either list may be empty */
static int step_differ(const struct step *s)
{
	char *kernel = s->rest, *ours = strstr(kernel, "ours");

	if (strncmp(kernel, "kernel", 6) || !ours)
		return fail("usage: differ kernel STATE=N... ours STATE=N...", NULL);
	ours[-1] = 0;
	if (check_both(kernel + 6, ours + 4))
		return fail("the difference is another one", NULL);
	return 0;
}

static int step_entered(const struct step *s)
{
	return check_entered(s->rest) ? fail("entered is not", s->rest) : 0;
}

/* The same where the kernel's sockets tell; segments alone may say more. */
static int step_entered_by_sockets(const struct step *s)
{
	struct snapshot now;

	if (snapshot_read("/proc/self/net/tcpstate", &now))
		return fail("cannot read /proc/self/net/tcpstate", NULL);
	return now.sockets ? step_entered(s) : 0;
}

static int step_totals(const struct step *s)
{
	uint32_t invalid, malformed, untracked;

	if (s->n != 4 || number(s->word[1], &invalid) || number(s->word[2], &malformed) ||
	    number(s->word[3], &untracked))
		return fail("usage: totals INVALID MALFORMED UNTRACKED", NULL);
	return check_totals(invalid, malformed, untracked) ? fail("totals are not", s->rest) : 0;
}

static const struct {
	const char *name;
	int (*play)(const struct step *s);
	bool looks;	/* compares by itself; changes nothing */
} verbs[] = {
	{ "<", step_in }, { ">", step_out }, { "port", step_port }, { "quiet", step_quiet }, { "drain", step_drain },
	{ "wait", step_wait },
	{ "listen", step_listen }, { "accept", step_accept }, { "connect", step_connect }, { "send", step_send },
	{ "read", step_read }, { "shutdown", step_shutdown }, { "close", step_close }, { "abort", step_abort },
	{ "sysctl", step_sysctl }, { "option", step_option },
	{ "state", step_state, true }, { "differ", step_differ, true },
	{ "entered", step_entered, true }, { "entered-by-sockets", step_entered_by_sockets, true }, { "totals", step_totals, true },
};

static int play(const struct step *s, const struct step *next)
{
	size_t i;

	line = s->line;
	for (i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (!strcmp(verbs[i].name, s->word[0]))
			break;
	if (i == sizeof(verbs) / sizeof(verbs[0]))
		return fail("no such step:", s->word[0]);
	if (verbs[i].play(s))
		return -1;
	if (verbs[i].looks || (next && !strcmp(next->word[0], "differ")))
		return 0;
	return check_agreement() ? fail("after this step the module and the kernel differ", NULL) : 0;
}

/* Splits @text into steps; "#" begins a comment, "case", "source" and "unknown" are for the documentation. */
static int parse(char *text, struct step *steps)
{
	char *row, *save = NULL, *words, *word;
	int n = 0;

	line = 0;
	while ((row = strsep(&text, "\n"))) {
		struct step *s = &steps[n];

		line++;
		row[strcspn(row, "#")] = 0;
		row += strspn(row, " \t");
		if (!*row || !strncmp(row, "case ", 5) || !strncmp(row, "source ", 7) || !strncmp(row, "unknown ", 8))
			continue;
		if (n == MOST_STEPS)
			return fail("too many steps", NULL);
		s->line = line;
		s->n = 0;
		s->rest = row + strcspn(row, " \t");
		s->rest = strdup(s->rest + strspn(s->rest, " \t"));
		s->rest[strcspn(s->rest, "\r")] = 0;
		while (*s->rest && isspace((unsigned char)s->rest[strlen(s->rest) - 1]))
			s->rest[strlen(s->rest) - 1] = 0;
		for (words = row; (word = strtok_r(words, " \t\r", &save)); words = NULL) {
			if (s->n == MOST_WORDS)
				return fail("too many words", NULL);
			s->word[s->n++] = word;
		}
		n++;
	}
	return n ? n : fail("no steps", NULL);
}

static int play_script(const char *path, int family)
{
	static struct step steps[MOST_STEPS];
	static char text[65536];
	FILE *f = fopen(path, "re");
	int i, n;

	script = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (!f)
		return failed_call(path);
	text[fread(text, 1, sizeof(text) - 1, f)] = 0;
	fclose(f);
	n = parse(text, steps);
	if (n < 0)
		return -1;
	run.listener = run.fd = -1;
	alarm(SECONDS);
	/* A tail-loss probe would be one segment more. */
	if (netns_enter() || peer_open(&run.peer, family) ||
	    write_file("/proc/sys/net/ipv4/tcp_early_retrans", "0"))
		return fail("cannot set up", NULL);
	for (i = 0; i < n; i++)
		if (play(&steps[i], i + 1 < n ? &steps[i + 1] : NULL))
			return -1;
	return 0;
}

static bool test(const char *path, int family, int number)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid)
		_exit(play_script(path, family) ? 1 : 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		status = -1;
	if (status && WIFSIGNALED(status))
		printf("# ended by signal %d\n", WTERMSIG(status));
	printf("%s %d segments.%.*s.%s\n", status ? "not ok" : "ok", number, (int)strcspn(name, "."), name,
	       family == AF_INET ? "ipv4" : "ipv6");
	return !status;
}

int main(int argc, char **argv)
{
	int i, bad = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || !strcmp(argv[1], "--help")) {
		fprintf(stderr, "usage: play SCRIPT.seg...\n");
		return 2;
	}
	printf("TAP version 13\n1..%d\n", 2 * (argc - 1));
	for (i = 1; i < argc; i++) {
		bad += !test(argv[i], AF_INET, 2 * i - 1);
		bad += !test(argv[i], AF_INET6, 2 * i);
	}
	return bad ? 1 : 0;
}
