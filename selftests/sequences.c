// SPDX-License-Identifier: GPL-2.0-only
/*
 * Compares what the module says of each endpoint's states with what the kernel says. For random.sh.
 *
 *	sequences [-v] [-e] [-w MS] TRACE-INSTANCE WATCHED REST FINS
 *
 * TRACE-INSTANCE is the directory of a trace instance in which both tracepoints and five probes were on; WATCHED is
 * what watch.c wrote during the run, REST its one look at rest, FINS what relay.c wrote. -v prints every endpoint that
 * is not equal; -e: all have to be equal, there are no classes; -w says how long a segment may wait for its socket (default 1 ms). Exit status 0: no more are in a class
 * than may be, nothing else differs at rest, the poll agrees.
 *
 * The kernel's sequence of an endpoint is made from sock:inet_sock_set_state, with these rules and no others:
 *
 * 1. "FIN_WAIT1 -> FIN_WAIT1" and the like are no transitions: close() after shutdown() says so.
 * 2. SYN_SENT and SYN_RECV are where the first transition with a whole tuple begins: before it the sockets do not know
 *    theirs.
 * 3. A socket that is replaced by a minisock says CLOSE; its state goes on in the minisock, FIN_WAIT2 or TIME_WAIT. The
 *    tracepoint is silent about it and about request sockets. Probes tell: tcp_time_wait() makes a minisock, one that
 *    __inet_twsk_schedule() winds up again is in TIME_WAIT, inet_twsk_deschedule_put() ends one before its time;
 *    inet_csk_reqsk_queue_hash_add() makes a request.
 * 4. When a request socket or a minisock's time ends nothing tells; the sequence ends with CLOSE, and rest shows that
 *    it is gone.
 *
 * The poll is independent of all that: each state that it has seen must be in the kernel's sequence while it looked.
 * What the classes are: classes.c.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "classes.h"

#define SLOTS		(1 << 18)
#define STATES		12
#define FEW		5		/* of few connections a share says little */
#define SHOWN		10

static const char *const names[STATES] = {
	"-", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING",
};

struct event *events;
static size_t nevents;
static struct seen *seen;
static size_t nseen;
int *next_event;
static int *next_seen;
static struct endpoint *table[SLOTS], *by_ports[SLOTS];
static struct endpoint *endpoints;
static int nendpoints;
static uint64_t rest_when;
uint8_t fins[65536];
static int verbose, exact;

static void die(const char *what)
{
	fprintf(stderr, "sequences: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void *memory(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size);

	if (!p)
		die("memory");
	return p;
}

static struct endpoint *find(const struct tuple *tuple, int create)
{
	const uint8_t *p = (const uint8_t *)tuple;
	uint32_t hash = 2166136261U;
	struct endpoint *e;
	unsigned int i;

	for (i = 0; i < sizeof(*tuple); i++)
		hash = (hash ^ p[i]) * 16777619U;
	for (i = hash % SLOTS; table[i]; i = (i + 1) % SLOTS)
		if (!memcmp(&table[i]->tuple, tuple, sizeof(*tuple)))
			return table[i];
	if (!create)
		return NULL;
	if (nendpoints == SLOTS / 2) {
		errno = ENOSPC;
		die("table");
	}
	e = table[i] = &endpoints[nendpoints++];
	e->tuple = *tuple;
	e->kernel = e->module = e->seen = (struct chain){ -1, -1 };
	return e;
}

/* Ports alone: clients' ports are used once. Probes know no more. */
static struct endpoint *find_ports(unsigned int lport, unsigned int rport, int create)
{
	unsigned int i = (lport * 2654435761U ^ rport * 40503U) % SLOTS;
	struct tuple tuple = { .lport = lport, .rport = rport };

	for (; by_ports[i]; i = (i + 1) % SLOTS)
		if (by_ports[i]->tuple.lport == lport && by_ports[i]->tuple.rport == rport)
			return by_ports[i];
	return create ? by_ports[i] = find(&tuple, 1) : NULL;
}

static void append(struct chain *c, int *next, int i)
{
	next[i] = -1;
	if (c->first < 0)
		c->first = i;
	else
		next[c->last] = i;
	c->last = i;
}

static struct seen *read_seen(const char *file, size_t *n)
{
	struct seen *list;
	FILE *f = fopen(file, "re");
	long size;

	if (!f || fseek(f, 0, SEEK_END) || (size = ftell(f)) < 0 || fseek(f, 0, SEEK_SET))
		die(file);
	*n = size / sizeof(*list);
	list = memory(*n, sizeof(*list));
	if (fread(list, sizeof(*list), *n, f) != *n)
		die(file);
	fclose(f);
	return list;
}

/*
 * CLOSE -> SYN_SENT, LISTEN -> SYN_RECV, and listeners: the tuple is not complete. Other tests' sockets may still be
 * there; random.sh's are in 10.99.0.0/16 and fd99::/16.
 */
static int incomplete(const struct event *e)
{
	static const uint8_t ours4[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 99 }, ours6[] = { 0xfd, 0x99 };

	if (e->source <= MODULE && memcmp(e->tuple.raddr, ours4, sizeof(ours4)) &&
	    memcmp(e->tuple.raddr, ours6, sizeof(ours6)))
		return 1;
	return e->source == KERNEL && (!e->tuple.rport || !e->tuple.lport || e->to == TCP_SYN_SENT);
}

static void index_ports(void)
{
	int i, n = nendpoints;

	for (i = 0; i < n; i++) {
		unsigned int at = (endpoints[i].tuple.lport * 2654435761U ^ endpoints[i].tuple.rport * 40503U) % SLOTS;

		while (by_ports[at])
			at = (at + 1) % SLOTS;
		by_ports[at] = &endpoints[i];
	}
}

static void load_events(const char *instance)
{
	size_t i;

	nevents = rawtrace_read(instance, &events);
	next_event = memory(nevents, sizeof(*next_event));
	for (i = 0; i < nevents; i++)
		if (events[i].source <= MODULE && !incomplete(&events[i]))
			find(&events[i].tuple, 1);
	index_ports();
	for (i = 0; i < nevents; i++) {
		const struct event *ev = &events[i];
		struct endpoint *e;

		if (incomplete(ev))
			continue;
		e = ev->source <= MODULE ? find(&ev->tuple, 1) : find_ports(ev->tuple.lport, ev->tuple.rport, 1);
		append(ev->source == MODULE ? &e->module : &e->kernel, next_event, i);
	}
}

static void load(const char *instance, const char *watched, const char *rest, const char *fin_file)
{
	struct seen *at_rest;
	size_t i, n;
	FILE *f;

	endpoints = memory(SLOTS / 2, sizeof(*endpoints));
	load_events(instance);
	seen = read_seen(watched, &nseen);
	next_seen = memory(nseen, sizeof(*next_seen));
	for (i = 0; i < nseen; i++)
		if (seen[i].state < SEEN_LOOK)
			append(&find(&seen[i].tuple, 1)->seen, next_seen, i);
	at_rest = read_seen(rest, &n);
	for (i = 0; i < n; i++) {
		if (at_rest[i].state == SEEN_LOOK_ALL)
			rest_when = at_rest[i].when;
		else
			find(&at_rest[i].tuple, 1)->rest = at_rest[i].state;
	}
	free(at_rest);
	f = fopen(fin_file, "re");
	if (!f || fread(fins, sizeof(fins), 1, f) != 1)
		die(fin_file);
	fclose(f);
}

/* One of the kernel's events, after those before it. A 0 in the path is a gap. */
static void kernel_event(struct path *p, const struct event *ev, uint8_t *minisock)
{
	switch (ev->source) {
	case PROBE_REQUEST:
		if (path_last(p) != TCP_CLOSE)	/* the one before it ended silently */
			path_push(p, TCP_CLOSE, ev->when, 0);
		path_push(p, TCP_SYN_RECV, ev->when, 0);
		return;
	case PROBE_MINISOCK:
		*minisock = 1;
		if (path_last(p) != ev->to)
			path_push(p, ev->to, ev->when, 0);
		return;
	case PROBE_RESTART:
		if (*minisock && path_last(p) == TCP_FIN_WAIT2)
			path_push(p, TCP_TIME_WAIT, ev->when, 0);
		return;
	case PROBE_REFUSED:
		return;
	case PROBE_END:
		if (*minisock && path_last(p) != TCP_CLOSE)
			path_push(p, TCP_CLOSE, ev->when, 0);
		return;
	}
	if (*minisock && ev->to == TCP_CLOSE)	/* the socket that the minisock has replaced */
		return;
	if (!p->n)
		path_push(p, ev->from, 0, 0);
	if (path_last(p) != ev->from)
		path_push(p, 0, ev->when, 0);
	if (ev->from != ev->to)
		path_push(p, ev->to, ev->when, 0);
}

static void kernel_path(struct endpoint *e, struct path *p)
{
	int i;

	p->n = 0;
	e->minisock = 0;
	for (i = e->kernel.first; i >= 0; i = next_event[i])
		kernel_event(p, &events[i], &e->minisock);
	/* Requests and minisocks: nobody tells when. */
	if (p->n && path_last(p) != TCP_CLOSE && (e->minisock || path_last(p) == TCP_SYN_RECV))
		path_push(p, TCP_CLOSE, UINT64_MAX, 0);
}

static void module_path(const struct endpoint *e, struct path *p)
{
	int i;

	p->n = 0;
	for (i = e->module.first; i >= 0; i = next_event[i])
		path_push(p, events[i].to, events[i].when, events[i].why);
}

static void text(const struct path *p, char *to, size_t size)
{
	size_t n = 0;
	int i;

	to[0] = 0;
	for (i = 0; i < p->n; i++)
		n += snprintf(to + n, n < size ? size - n : 0, "%s%s", i ? ">" : "", names[p->state[i]]);
}

static void print_kernel(const struct event *e)
{
	static const char *const probes[SOURCES] = {
		[PROBE_REQUEST] = "request socket", [PROBE_MINISOCK] = "minisock",
		[PROBE_RESTART] = "minisock restarted", [PROBE_END] = "minisock ended",
		[PROBE_REFUSED] = "segment refused",
	};

	if (e->source == KERNEL)
		printf("#     %14.6f ms kernel %s -> %s\n", e->when / 1e6, names[e->from], names[e->to]);
	else
		printf("#     %14.6f ms probe  %s %s\n", e->when / 1e6, probes[e->source], e->to ? names[e->to] : "");
}

static void print_endpoint(const struct endpoint *e)
{
	char l[INET6_ADDRSTRLEN], r[INET6_ADDRSTRLEN];
	int k = e->kernel.first, m = e->module.first, s = e->seen.first;

	inet_ntop(AF_INET6, e->tuple.laddr, l, sizeof(l));
	inet_ntop(AF_INET6, e->tuple.raddr, r, sizeof(r));
	printf("#   [%s]:%u [%s]:%u\n", l, e->tuple.lport, r, e->tuple.rport);
	while (k >= 0 || m >= 0 || s >= 0) {
		uint64_t tk = k >= 0 ? events[k].when : ~0ULL, tm = m >= 0 ? events[m].when : ~0ULL;
		uint64_t ts = s >= 0 ? seen[s].when : ~0ULL;

		if (tk <= tm && tk <= ts) {
			print_kernel(&events[k]);
			k = next_event[k];
		} else if (tm <= ts) {
			printf("#     %14.6f ms module %s -> %s '%s'\n", tm / 1e6, names[events[m].from],
			       names[events[m].to], rawtrace_why(events[m].why));
			m = next_event[m];
		} else {
			printf("#     %14.6f ms watch  %s\n", ts / 1e6, names[seen[s].state]);
			s = next_seen[s];
		}
	}
}

/* When the look that saw seen[i] was over: when the next began. */
static uint64_t look_end(size_t i)
{
	for (i++; i < nseen; i++)
		if (seen[i].state >= SEEN_LOOK)
			return seen[i].when;
	return UINT64_MAX;
}

/* Each state that the poll has seen is in the kernel's sequence, at a time at which it looked. */
static int poll_agrees(const struct endpoint *e, const struct path *k)
{
	int i, j;

	for (i = e->seen.first; i >= 0; i = next_seen[i]) {
		uint64_t end = look_end(i);

		if (seen[i].state == SEEN_GONE)
			continue;
		for (j = 0; j < k->n; j++)
			if (k->state[j] == seen[i].state && k->when[j] <= end &&
			    (j + 1 == k->n || k->when[j + 1] >= seen[i].when))
				break;
		if (j == k->n)
			return 0;
	}
	return 1;
}

/* What the module said at rest: its last transition before that. Soon over: its next is within the audit's period. */
static int rest_agrees(const struct endpoint *e, const struct path *m)
{
	int i, state = SEEN_GONE;
	uint64_t over = UINT64_MAX;

	for (i = 0; i < m->n; i++) {
		if (m->when[i] > rest_when) {
			over = m->when[i];
			break;
		}
		state = m->state[i] == TCP_CLOSE ? SEEN_GONE : m->state[i];
	}
	if (state == e->rest)
		return 1;
	return state == TCP_TIME_WAIT && e->rest == SEEN_GONE && over - rest_when < DEAD_NS;
}

static void describe(const struct path *p, const char *whose)
{
	char t[500];

	text(p, t, sizeof(t));
	printf("#   %s: %s\n", whose, t);
}

static int complain(const struct endpoint *e, const struct path *k, const struct path *m, const char *what, int *shown)
{
	if (verbose || (*shown)++ < SHOWN) {
		printf("# %s:\n", what);
		describe(k, "kernel");
		describe(m, "module");
		print_endpoint(e);
	}
	return 1;
}

/* A connection is as good as its worse end. */
static void count_connections(int *n)
{
	int i;

	for (i = 0; i < nendpoints; i++) {
		struct endpoint *e = &endpoints[i], *far;
		int class = e->class;

		if (e->tuple.lport < e->tuple.rport)
			continue;
		far = find_ports(e->tuple.rport, e->tuple.lport, 0);
		if (far && far->class > class)
			class = far->class;
		n[class]++;
	}
}

static void print_classes(const int *n)
{
	int i;

	for (i = 0; i < CLASSES; i++)
		printf(" %s%s %d", i == EQUAL || i == DIFFERENT ? "" : "class ", class_names[i], n[i]);
	printf("\n");
}

int main(int argc, char **argv)
{
	int option, i, n[CLASSES] = { 0 }, connections[CLASSES] = { 0 }, shown[3] = { 0 };
	int contradicted = 0, resting = 0, unrest = 0, bad = 0, all = 0;

	while ((option = getopt(argc, argv, "vew:")) != -1) {
		if (option == 'v')
			verbose = 1;
		else if (option == 'e')
			exact = 1;
		else if (option == 'w' && atoi(optarg) > 0)
			same_segment_ns = atoi(optarg) * 1000000ULL;
		else
			return 2;
	}
	if (argc - optind != 4)
		return 2;
	load(argv[optind], argv[optind + 1], argv[optind + 2], argv[optind + 3]);
	for (i = 0; i < nendpoints; i++) {
		struct endpoint *e = &endpoints[i];
		struct path k, m;

		kernel_path(e, &k);
		module_path(e, &m);
		e->class = classify(e, &k, &m);
		n[e->class]++;
		if (e->class == DIFFERENT || ((verbose || exact) && e->class != EQUAL))
			complain(e, &k, &m, class_names[e->class], &shown[0]);
		if (!poll_agrees(e, &k))
			contradicted += complain(e, &k, &m, "the poll saw something else", &shown[1]);
		resting += e->rest != SEEN_GONE;
		if (!rest_agrees(e, &m))
			unrest += complain(e, &k, &m, "another state at rest", &shown[2]);
	}
	count_connections(connections);
	for (i = 0; i < CLASSES; i++)
		bad |= i != EQUAL && (exact ? n[i] : (n[i] - FEW) * class_share[i] > nendpoints);
	printf("# random: events %zu seen %zu contradicted %d\n", nevents, nseen, contradicted);
	printf("# random: rest %d different %d\n", resting, unrest);
	printf("# random: endpoints %d", nendpoints);
	print_classes(n);
	for (i = 0; i < CLASSES; i++)
		all += connections[i];
	printf("# random: connections %d", all);
	print_classes(connections);
	bad |= connections[DIFFERENT] * DIFFERENT_MAX > all;
	return bad || contradicted || unrest || !n[EQUAL];
}
