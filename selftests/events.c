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
 * found the end. What a normalised text cannot show is checked here: the sequence has no gap, an end's old state is its
 * last new one, the times of an endpoint do not go back, and a duration is the time between two transitions of an end.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nl.h"

#define PORT	7000
#define MOST	256
#define TENTH	100000000ULL
#define SLACK	1000000		/* ns between entering a state and telling it */

static const char *host;
static int listener, client, server;

static const char *const causes[] = {
	"?", "listen", "send-syn", "send-synack", "rcv-syn", "syn-acked", "send-fin", "late-fin", "rcv-fin", "fin-acked",
	"send-rst", "rcv-rst", "expire", "gone", "found",
};

static void die(const char *what)
{
	fprintf(stderr, "# %s: %s\n", what, strerror(errno));
	exit(1);
}

static void open_pair(void)
{
	client = nl_connect(NULL, 0, host, PORT, false);
	server = accept(listener, NULL, NULL);
	if (client < 0 || server < 0)
		die("connect");
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
	client = nl_connect(host, PORT + 1, host, PORT + 2, true);
	server = nl_connect(host, PORT + 2, host, PORT + 1, true);
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
	int full = nl_listen(host, PORT + 3, 0);

	if (nl_connect(NULL, 0, host, PORT + 3, false) < 0)
		die("connect");
	client = nl_connect(NULL, 0, host, PORT + 3, true);
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
	sleep_ms(62000);
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
	static uint16_t known[10];
	static unsigned int n;
	unsigned int i;

	for (i = 0; i < n && known[i] != port; i++)
		;
	if (i == n && n < 10)
		known[n++] = port;
	return i + 1;
}

static void print_end(const struct nl_event *e, int end, const char *name)
{
	char addr[INET6_ADDRSTRLEN];
	uint16_t port = e->tuple.port[end];

	inet_ntop(e->tuple.family, e->tuple.addr[end], addr, sizeof(addr));
	printf(" \"%s\": \"%s\", \"%s_port\": ", name, addr, name);
	if (port >= PORT && port < PORT + 10)
		printf("%u,", port);
	else
		printf("\"client%u\",", client_number(port));
}

/* Found by the audit, which looks from time to time: once a second where it is soonest. */
static bool by_audit(const struct nl_event *e)
{
	return e->cause == TCPSTATE_CAUSE_EXPIRE || e->cause == TCPSTATE_CAUSE_GONE;
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
		/* the far end's time is not known, and what begins was in no state */
		if (e->has_duration != (e->end == TCPSTATE_END_LOCAL && !begins))
			wrong(i, "has a duration, or has none");
		if (e->has_duration && last && llabs((long long)(e->time_ns - last->time_ns - e->duration_ns)) > SLACK)
			wrong(i, "its duration is not the time since the last one");
		if (by_audit(e) && (e->duration_ns < (e->cause == TCPSTATE_CAUSE_EXPIRE ? 600 : 5) * TENTH ||
				    e->duration_ns > (e->cause == TCPSTATE_CAUSE_EXPIRE ? 630 : 30) * TENTH))
			wrong(i, "the audit found it too early or too late");
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
	if (netns_enter() || nl_open(&nl) || nl_join(&nl, NL_TRANSITIONS))
		die("netlink");
	listener = nl_listen(host, PORT, 10);
	if (listener < 0)
		die("listen");
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
