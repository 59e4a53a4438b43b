// SPDX-License-Identifier: GPL-2.0-only
/*
 * Raw pages, because the text of half a million entries takes the kernel a minute to write. Their layout is that of
 * Documentation/trace/ring-buffer-map.rst and kernel/trace/ring_buffer.c; that of an entry is in the event's "format".
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rawtrace.h"

#define PAGE		4096
#define PAGE_HEADER	16		/* time stamp, then how much is used and flags */
#define MISSED_EVENTS	(1U << 31)	/* in the header's second word: entries before this page were lost */
#define USED		0xfffffU

/* Lengths that are none, of the first five bits of an entry's header. */
#define TYPE_PADDING	29
#define TYPE_EXTEND	30
#define TYPE_STAMP	31

struct field {
	unsigned int offset, size;
};

static struct {
	unsigned int id;
	struct field protocol, family, sport, dport, saddr, daddr, from, to;
} kernel;
static struct {
	unsigned int id;
	struct field family, local, lport, rport, laddr, raddr, from, to, why;
} module;

static struct {
	unsigned int id;
	struct field ports, state;
} probe[SOURCES];

static char why_names[32][48];
static struct event *list;
static size_t count, room;

static void die(const char *what)
{
	fprintf(stderr, "rawtrace: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void get_field(const char *format, const char *name, struct field *f)
{
	char want[2][64];
	const char *at;

	snprintf(want[0], sizeof(want[0]), " %s;", name);
	snprintf(want[1], sizeof(want[1]), " %s[", name);
	at = strstr(format, want[0]);
	if (!at)
		at = strstr(format, want[1]);
	if (!at || sscanf(strchr(at, ';'), ";\toffset:%u;\tsize:%u;", &f->offset, &f->size) != 2) {
		errno = ENOENT;
		die(name);
	}
}

static void read_format(const char *dir, const char *event, char *text, size_t size, unsigned int *id)
{
	char path[512];
	const char *at;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/events/%s/format", dir, event);
	f = fopen(path, "re");
	if (!f)
		die(path);
	n = fread(text, 1, size - 1, f);
	text[n] = 0;
	fclose(f);
	at = strstr(text, "ID: ");
	*id = at ? atoi(at + 4) : 0;
}

/* The names of the module's events: { 0, "none" }, { 1, "SYN sent" }, ... at the end of its format. */
static void read_why(const char *format)
{
	const char *at = strstr(format, "{ 0, \"none\" }");
	unsigned int n;

	for (; at && sscanf(at, "{ %u, ", &n) == 1 && n < 32; at = strstr(at + 1, "{ "))
		sscanf(at, "{ %*u, \"%47[^\"]", why_names[n]);
}

const char *rawtrace_why(unsigned int why)
{
	return why < 32 ? why_names[why] : "?";
}

static void read_formats(const char *dir)
{
	static const char *const probes[SOURCES] = {
		[PROBE_REQUEST] = "tcpstate_random/request", [PROBE_MINISOCK] = "tcpstate_random/minisock",
		[PROBE_RESTART] = "tcpstate_random/restart", [PROBE_END] = "tcpstate_random/end",
		[PROBE_REFUSED] = "tcpstate_random/refused",
	};
	char text[16384];
	int source;

	read_format(dir, "sock/inet_sock_set_state", text, sizeof(text), &kernel.id);
	get_field(text, "protocol", &kernel.protocol);
	get_field(text, "family", &kernel.family);
	get_field(text, "sport", &kernel.sport);
	get_field(text, "dport", &kernel.dport);
	get_field(text, "saddr_v6", &kernel.saddr);
	get_field(text, "daddr_v6", &kernel.daddr);
	get_field(text, "oldstate", &kernel.from);
	get_field(text, "newstate", &kernel.to);
	read_format(dir, "tcpstate/tcpstate_transition", text, sizeof(text), &module.id);
	get_field(text, "family", &module.family);
	get_field(text, "local", &module.local);
	get_field(text, "lport", &module.lport);
	get_field(text, "rport", &module.rport);
	get_field(text, "laddr", &module.laddr);
	get_field(text, "raddr", &module.raddr);
	get_field(text, "oldstate", &module.from);
	get_field(text, "newstate", &module.to);
	get_field(text, "event", &module.why);
	read_why(text);
	for (source = PROBE_REQUEST; source < SOURCES; source++) {
		read_format(dir, probes[source], text, sizeof(text), &probe[source].id);
		get_field(text, "ports", &probe[source].ports);
	}
	read_format(dir, probes[PROBE_MINISOCK], text, sizeof(text), &probe[PROBE_MINISOCK].id);
	get_field(text, "state", &probe[PROBE_MINISOCK].state);
}

static unsigned int number(const uint8_t *entry, const struct field *f)
{
	uint32_t u32;
	uint16_t u16;

	switch (f->size) {
	case 1:
		return entry[f->offset];
	case 2:
		memcpy(&u16, entry + f->offset, 2);
		return u16;
	default:
		memcpy(&u32, entry + f->offset, 4);
		return u32;
	}
}

static void get_sockaddr(uint8_t *to, const uint8_t *from, unsigned int family)
{
	if (family == AF_INET) {
		memset(to, 0, 10);
		memset(to + 10, 0xff, 2);
		memcpy(to + 12, from + offsetof(struct sockaddr_in, sin_addr), 4);
	} else {
		memcpy(to, from + offsetof(struct sockaddr_in6, sin6_addr), 16);
	}
}

/* struct sock_common begins with the addresses, 8 bytes, and a hash; then skc_dport (network order), skc_num. */
static void get_probe(struct event *e, const uint8_t *entry, uint8_t source)
{
	uint8_t ports[4];
	uint16_t num;

	memcpy(ports, entry + probe[source].ports.offset, 4);
	memcpy(&num, ports + 2, 2);
	e->source = source;
	e->tuple.lport = num;
	e->tuple.rport = ports[0] << 8 | ports[1];
	if (probe[source].state.size)
		e->to = number(entry, &probe[source].state);
}

static void add(const uint8_t *entry, uint64_t when)
{
	struct event e = { .when = when };
	uint16_t id;

	memcpy(&id, entry, 2);
	if (id == kernel.id) {
		if (number(entry, &kernel.protocol) != IPPROTO_TCP)
			return;
		e.source = KERNEL;
		e.from = number(entry, &kernel.from);
		e.to = number(entry, &kernel.to);
		e.tuple.lport = number(entry, &kernel.sport);
		e.tuple.rport = number(entry, &kernel.dport);
		memcpy(e.tuple.laddr, entry + kernel.saddr.offset, 16);
		memcpy(e.tuple.raddr, entry + kernel.daddr.offset, 16);
	} else if (id == module.id) {
		unsigned int family = number(entry, &module.family);

		if (!number(entry, &module.local))
			return;
		e.source = MODULE;
		e.from = number(entry, &module.from);
		e.to = number(entry, &module.to);
		e.why = number(entry, &module.why);
		e.tuple.lport = number(entry, &module.lport);
		e.tuple.rport = number(entry, &module.rport);
		get_sockaddr(e.tuple.laddr, entry + module.laddr.offset, family);
		get_sockaddr(e.tuple.raddr, entry + module.raddr.offset, family);
	} else {
		uint8_t source;

		for (source = PROBE_REQUEST; source < SOURCES && probe[source].id != id; source++)
			;
		if (source == SOURCES)
			return;
		get_probe(&e, entry, source);
	}
	if (count == room) {
		room = room ? 2 * room : 1 << 16;
		list = reallocarray(list, room, sizeof(*list));
		if (!list)
			die("memory");
	}
	list[count++] = e;
}

static uint32_t word(const uint8_t *at)
{
	uint32_t w;

	memcpy(&w, at, 4);
	return w;
}

static void read_page(const uint8_t *page)
{
	uint64_t when = word(page) | (uint64_t)word(page + 4) << 32;
	uint32_t head = word(page + 8), at, len;

	if (head & MISSED_EVENTS) {
		errno = ENOSPC;
		die("entries were lost");
	}
	for (at = PAGE_HEADER; at < PAGE_HEADER + (head & USED); at += len) {
		uint32_t w = word(page + at), type = w & 31, delta = w >> 5;

		len = 8;
		switch (type) {
		case TYPE_PADDING:	/* with no delta: to the end of the page; else an entry that was discarded */
			if (!delta)
				return;
			when += delta;
			len = 4 + word(page + at + 4);
			break;
		case TYPE_EXTEND:
			when += delta + ((uint64_t)word(page + at + 4) << 27);
			break;
		case TYPE_STAMP:
			when = delta + ((uint64_t)word(page + at + 4) << 27);
			break;
		case 0:
			when += delta;
			len = 4 + word(page + at + 4);
			add(page + at + 8, when);
			break;
		default:
			when += delta;
			len = 4 + type * 4;
			add(page + at + 4, when);
		}
	}
}

/* In the order of time; of one time in the order in which they were read. */
static int earlier(const void *a, const void *b)
{
	const struct event *x = *(struct event * const *)a, *y = *(struct event * const *)b;

	if (x->when != y->when)
		return x->when < y->when ? -1 : 1;
	return x < y ? -1 : x > y;
}

static struct event *sorted(void)
{
	struct event *result = reallocarray(NULL, count + 1, sizeof(*result));
	struct event **p = reallocarray(NULL, count + 1, sizeof(*p));
	size_t i;

	if (!result || !p)
		die("memory");
	for (i = 0; i < count; i++)
		p[i] = &list[i];
	qsort(p, count, sizeof(*p), earlier);
	for (i = 0; i < count; i++)
		result[i] = *p[i];
	free(p);
	free(list);
	return result;
}

size_t rawtrace_read(const char *dir, struct event **events)
{
	uint8_t page[PAGE];
	char pattern[512];
	glob_t g;
	size_t i;

	read_formats(dir);
	snprintf(pattern, sizeof(pattern), "%s/per_cpu/cpu*/trace_pipe_raw", dir);
	if (glob(pattern, 0, NULL, &g))
		die(pattern);
	for (i = 0; i < g.gl_pathc; i++) {
		int fd = open(g.gl_pathv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);

		if (fd < 0)
			die(g.gl_pathv[i]);
		while (read(fd, page, sizeof(page)) == sizeof(page))
			read_page(page);
		close(fd);
	}
	globfree(&g);
	*events = sorted();
	return count;
}
