// SPDX-License-Identifier: GPL-2.0-only
/*
 * Golden notifications: connections by a script, and all that the group "transitions" says of them, both ends of both
 * sockets, as JSON. Run by events.sh, which compares.
 *
 *	events SCENARIO		prints the JSON; what is wrong about it goes to standard error
 *	events			prints the names of the scenarios
 *
 * What differs from run to run is left out or made the same: ports that the kernel chose are "client1" and so on,
 * numbers of the sequence begin with 1, durations are in tenths of a second, or "audit" where it was the audit that
 * found the end. Where sockets tell, "socket" is whose cookie a transition has ("other": one that this program does not
 * hold), and "inode" whose inode; 0: nobody's any more, or nobody's yet.
 *
 * What a normalised text cannot show is checked here: the sequence has no gap, an end's old state is its last new one,
 * the times of an endpoint do not go back, a duration is the time between two transitions of an end, and who holds a
 * socket is who does.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nl.h"

#define PORT	7000
#define MOST	256
#define TENTH	100000000ULL
#define SLACK	1000000		/* ns between entering a state and telling it */

static const char *host;
static int listener, client, server;
static bool by_sockets;

/* The sockets of the scenario, from when they have all that is told of them. */
static struct {
	const char *name;
	uint64_t cookie, inode;
} known[8];
static unsigned int nknown;

static const char *const causes[] = {
	"?", "listen", "send-syn", "send-synack", "rcv-syn", "syn-acked", "send-fin", "late-fin", "rcv-fin", "fin-acked",
	"send-rst", "rcv-rst", "expire", "gone", "found",
};

static void die(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	exit(1);
}

static int know(const char *name, int fd)
{
	uint64_t cookie;
	socklen_t len = sizeof(cookie);
	struct stat st;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len) || fstat(fd, &st))
		die(name);
	known[nknown].name = name;
	known[nknown].cookie = cookie;
	known[nknown++].inode = st.st_ino;
	return fd;
}

static void open_pair(void)
{
	client = know("client", nl_connect(NULL, 0, host, PORT, false));
	server = know("server", accept(listener, NULL, NULL));
	sleep_ms(200);
}

static void active_close(void)
{
	open_pair();
	close(client);
	sleep_ms(300);
	close(server);
}

static void passive_close(void)
{
	open_pair();
	close(server);
	sleep_ms(300);
	close(client);
}

static void half_close(void)
{
	char text[100000] = "";
	size_t got = 0;
	ssize_t n;

	open_pair();
	shutdown(client, SHUT_WR);
	sleep_ms(200);
	if (send(server, text, sizeof(text), 0) != sizeof(text))
		die("send");
	while (got < sizeof(text) && (n = recv(client, text, sizeof(text), 0)) > 0)
		got += n;
	sleep_ms(200);
	close(server);
	sleep_ms(100);
	close(client);
}

static void slow(void)
{
	if (system("tc qdisc add dev lo root netem delay 200ms"))
		die("tc");
}

static void simultaneous_close(void)
{
	slow();
	open_pair();
	close(client);
	close(server);
	sleep_ms(1000);
}

static void simultaneous_open(void)
{
	slow();
	client = know("client", nl_connect(host, PORT + 1, host, PORT + 2, true));
	server = know("server", nl_connect(host, PORT + 2, host, PORT + 1, true));
	sleep_ms(1000);
	nl_reset(client);
	sleep_ms(500);
	close(server);
}

static void reset(void)
{
	open_pair();
	nl_reset(client);
	close(server);
}

static void reset_unread(void)
{
	open_pair();
	if (send(client, "x", 1, 0) != 1)
		die("send");
	close(server);
	sleep_ms(100);
	close(client);
}

static void reset_half_closed(void)
{
	open_pair();
	shutdown(client, SHUT_WR);
	sleep_ms(300);
	nl_reset(server);
	sleep_ms(100);
	close(client);
}

static void refused(void)
{
	if (nl_connect(NULL, 0, host, PORT + 3, false) >= 0 || errno != ECONNREFUSED)
		die("connect to a closed port");
}

static void given_up(void)
{
	/* a full queue answers nothing */
	int full = know("full", nl_listen(host, PORT + 3, 0));

	know("queued", nl_connect(NULL, 0, host, PORT + 3, false));
	client = know("client", nl_connect(NULL, 0, host, PORT + 3, true));
	sleep_ms(500);
	close(client);
	sleep_ms(3000);		/* the audit looks once a second */
	close(full);
}

static void time_wait(void)
{
	open_pair();
	close(client);
	close(server);
	sleep_ms(64000);	/* its timer may be 2.1 s late */
}

static const struct {
	const char *name, *host;
	void (*run)(void);
} scenarios[] = {
	{ "active-close", "127.0.0.1", active_close },
	{ "active-close-ipv6", "::1", active_close },
	{ "active-close-mapped", "::ffff:127.0.0.1", active_close },
	{ "passive-close", "127.0.0.1", passive_close },
	{ "half-close", "127.0.0.1", half_close },
	{ "simultaneous-close", "127.0.0.1", simultaneous_close },
	{ "simultaneous-open", "127.0.0.1", simultaneous_open },
	{ "reset", "127.0.0.1", reset },
	{ "reset-unread", "127.0.0.1", reset_unread },
	{ "reset-half-closed", "::1", reset_half_closed },
	{ "refused", "127.0.0.1", refused },
	{ "refused-ipv6", "::1", refused },
	{ "given-up", "127.0.0.1", given_up },
	{ "time-wait", "127.0.0.1", time_wait },
};

static struct nl_event events[MOST];
static unsigned int nevents, bad;

static void add(const struct nl_event *e, void *arg)
{
	if (nevents == MOST)
		die("too many events");
	events[nevents++] = *e;
}

static unsigned int client_number(uint16_t port)
{
	static uint16_t seen[10];
	static unsigned int n;
	unsigned int i;

	for (i = 0; i < n && seen[i] != port; i++)
		;
	if (i == n && n < 10)
		seen[n++] = port;
	return i + 1;
}

static void print_end(const struct nl_event *e, int end, const char *name)
{
	char addr[INET6_ADDRSTRLEN];
	uint16_t port = e->tuple.port[end];

	inet_ntop(e->tuple.family, e->tuple.addr[end], addr, sizeof(addr));
	printf(" \"%s\": \"%s\", \"%s_port\": ", name, addr, name);
	if (!port || (port >= PORT && port < PORT + 10))	/* a listener has no far end */
		printf("%u,", port);
	else
		printf("\"client%u\",", client_number(port));
}

/*
 * Found by the audit, which looks from time to time: once a second where it is soonest. Where sockets tell, they tell
 * their ends themselves.
 */
static bool by_audit(const struct nl_event *e)
{
	return e->cause == TCPSTATE_CAUSE_EXPIRE || (e->cause == TCPSTATE_CAUSE_GONE && !by_sockets);
}

static const char *socket_of(const struct nl_event *e)
{
	unsigned int i;

	for (i = 0; i < nknown; i++)
		if (known[i].cookie == e->cookie)
			return known[i].name;
	return "other";
}

static const char *inode_of(const struct nl_event *e)
{
	unsigned int i;

	for (i = 0; i < nknown; i++)
		if (known[i].inode == e->inode)
			return known[i].name;
	return "other";
}

static void print_holder(const struct nl_event *e)
{
	printf(", \"socket\": \"%s\", \"inode\": ", socket_of(e));
	if (e->inode)
		printf("\"%s\"", inode_of(e));
	else
		printf("0");
}

static void print_event(const struct nl_event *e)
{
	printf("{\"seq\": %llu, \"family\": %u,", (unsigned long long)e->seq, e->tuple.family == AF_INET ? 4 : 6);
	print_end(e, 0, "local");
	print_end(e, 1, "remote");
	printf(" \"end\": \"%s\", \"old\": \"%s\", \"new\": \"%s\", \"cause\": \"%s\"",
	       e->end == TCPSTATE_END_LOCAL ? "local" : "remote", state_name(e->from), state_name(e->to),
	       e->cause < sizeof(causes) / sizeof(causes[0]) ? causes[e->cause] : "?");
	if (e->has_duration && by_audit(e))
		printf(", \"duration_s\": \"audit\"");
	else if (e->has_duration)
		printf(", \"duration_s\": %llu.%llu", (unsigned long long)((e->duration_ns + TENTH / 2) / TENTH / 10),
		       (unsigned long long)((e->duration_ns + TENTH / 2) / TENTH % 10));
	/* Of packets alone, only those who send do so in a socket's name: that is not what this is about. */
	if (by_sockets && e->has_holder)
		print_holder(e);
	printf("}");
}

/* The last event before event @i of the same end of the same endpoint, or NULL */
static const struct nl_event *before(unsigned int i)
{
	unsigned int j;

	for (j = i; j-- > 0;)
		if (nl_same(&events[j].tuple, &events[i].tuple) && events[j].end == events[i].end)
			return &events[j];
	return NULL;
}

static bool went_back(unsigned int i)
{
	unsigned int j;

	for (j = i; j-- > 0;)
		if (nl_same(&events[j].tuple, &events[i].tuple))
			return events[i].time_ns < events[j].time_ns;
	return false;
}

static void wrong(unsigned int i, const char *what)
{
	fprintf(stderr, "# event %u: %s\n", i + 1, what);
	bad++;
}

/* Whoever called connect() is the one who does so, and nobody else is told. */
static bool connected(unsigned int i)
{
	unsigned int j;

	for (j = 0; j <= i; j++)
		if (nl_same(&events[j].tuple, &events[i].tuple) && events[j].end == TCPSTATE_END_LOCAL &&
		    events[j].cause == TCPSTATE_CAUSE_SEND_SYN)
			return true;
	return false;
}

/*
 * Where sockets tell, all of their transitions say whose they are. Those without a holder are a request's, and those of
 * a minisock, which can only have got into and out of two states.
 */
static bool may_have_no_holder(const struct nl_event *e)
{
	return !by_sockets || (e->from == TCPSTATE_STATE_LISTEN && e->to == TCPSTATE_STATE_SYN_RECV) ||
	       e->from == TCPSTATE_STATE_FIN_WAIT2 || e->from == TCPSTATE_STATE_TIME_WAIT;
}

static void check_holder(unsigned int i)
{
	const struct nl_event *e = &events[i];
	unsigned int j;

	if (e->end != TCPSTATE_END_LOCAL) {
		if (e->has_holder || e->pid)
			wrong(i, "the far end has a holder");
		return;
	}
	if (e->pid != (connected(i) ? (uint32_t)getpid() : 0))
		wrong(i, "another process has called connect()");
	if (!e->has_holder) {
		if (!may_have_no_holder(e))
			wrong(i, "has no holder");
		return;
	}
	if (e->uid != getuid())
		wrong(i, "another user");
	if (e->inode && strcmp(socket_of(e), inode_of(e)))
		wrong(i, "inode and cookie are not of one socket");
	for (j = 0; j < i; j++) {
		if (!events[j].has_holder)
			continue;
		if (events[j].cgroup != e->cgroup)
			wrong(i, "another control group");
		if (nl_same(&events[j].tuple, &e->tuple) != (events[j].cookie == e->cookie))
			wrong(i, "two sockets of a tuple, or two tuples of a socket");
	}
}

static void check(void)
{
	unsigned int i;

	for (i = 0; i < nevents; i++) {
		const struct nl_event *e = &events[i], *last = before(i);
		bool begins = !last || last->to == TCPSTATE_STATE_CLOSE;

		if (e->seq != i + 1)
			wrong(i, "not the next in the sequence");
		if (!e->time_ns || went_back(i))
			wrong(i, "time went back");
		if (last && last->to != e->from)
			wrong(i, "its old state is not its last new one");
		if (begins && e->from != TCPSTATE_STATE_CLOSE && e->from != TCPSTATE_STATE_LISTEN)
			wrong(i, "begins in another state than CLOSE and LISTEN");
		/* the far end's time is not known, what begins was in no state, and how long one listens is not told */
		if (e->has_duration != (e->end == TCPSTATE_END_LOCAL && !begins))
			wrong(i, "has a duration, or has none");
		if (e->has_duration && last && llabs((long long)(e->time_ns - last->time_ns - e->duration_ns)) > SLACK)
			wrong(i, "its duration is not the time since the last one");
		if (by_audit(e) && (e->duration_ns < (e->cause == TCPSTATE_CAUSE_EXPIRE ? 600 : 5) * TENTH ||
				    e->duration_ns > (e->cause == TCPSTATE_CAUSE_EXPIRE ? 630 : 30) * TENTH))
			wrong(i, "the audit found it too early or too late");
		check_holder(i);
	}
}

int main(int argc, char **argv)
{
	static struct nl nl;
	struct nl_stats s;
	uint64_t lost = 0;
	unsigned int i;
	int n;

	if (argc != 2) {
		for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++)
			printf("%s\n", scenarios[i].name);
		return 0;
	}
	for (i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]) && strcmp(scenarios[i].name, argv[1]); i++)
		;
	if (i == sizeof(scenarios) / sizeof(scenarios[0]))
		return 2;
	host = scenarios[i].host;
	if (netns_enter() || nl_open(&nl) || nl_stats(&nl, &s) || nl_join(&nl, NL_TRANSITIONS))
		die("netlink");
	by_sockets = s.evidence == TCPSTATE_EVIDENCE_SOCKETS;
	listener = know("listener", nl_listen(host, PORT, 10));
	scenarios[i].run();
	while ((n = nl_events(&nl, 500, add, NULL, &lost)) > 0)
		;
	if (n || nl_stats(&nl, &s))
		die("events");
	check();
	if (lost || s.event_lost || s.event_seq != nevents) {
		fprintf(stderr, "# %u events, last number %llu, lost %llu\n", nevents, (unsigned long long)s.event_seq,
			(unsigned long long)lost);
		bad++;
	}
	printf("[");
	for (i = 0; i < nevents; i++) {
		printf("%s\n  ", i ? "," : "");
		print_event(&events[i]);
	}
	printf("\n]\n");
	return bad ? 1 : 0;
}
