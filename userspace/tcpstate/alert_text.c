// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts and what they are about, as people read them.
 */
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "../lib/format.h"
#include "alerts.h"

#define NS_PER_S	1000000000ull
#define DAY_NS		(86400 * NS_PER_S)

uint64_t wall_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static void format_time(char *buf, size_t size, uint64_t ns, const char *format)
{
	time_t second = ns / NS_PER_S;
	struct tm tm;

	if (!localtime_r(&second, &tm) || !strftime(buf, size, format, &tm))
		*buf = '\0';
}

static bool within_day(uint64_t ns, uint64_t now)
{
	return ns < now + DAY_NS && now < ns + DAY_NS;
}

void format_wall(char *buf, size_t size, uint64_t ns, uint64_t now)
{
	format_time(buf, size, ns, within_day(ns, now) ? "%H:%M:%S" : "%m-%d %H:%M");
}

void format_wall_short(char *buf, size_t size, uint64_t ns, uint64_t now)
{
	format_time(buf, size, ns, within_day(ns, now) ? "%H:%M" : "%m-%d");
}

static void format_word(char *buf, size_t size, const char *word, uint32_t number)
{
	if (word)
		snprintf(buf, size, "%s", word);
	else
		snprintf(buf, size, "%" PRIu32, number);
}

void format_kind(char *buf, size_t size, uint32_t kind)
{
	format_word(buf, size, tcpstate_alert_kind_name(kind), kind);
}

void format_severity(char *buf, size_t size, uint32_t severity)
{
	format_word(buf, size, tcpstate_severity_name(severity), severity);
}

void format_peer_name(char *buf, size_t size, const struct tcpstate_peer *peer)
{
	static const uint8_t any[16];
	const struct tcpstate_tuple *t = &peer->name;
	char text[ENDPOINT_MAX], addr[INET6_ADDRSTRLEN];

	switch (peer->kind) {
	case TCPSTATE_PEER_KIND_LISTENER:
		if (t->family != AF_INET6 && !memcmp(t->laddr, any, sizeof(any))) {
			snprintf(buf, size, ":%u", t->lport);
			break;
		}
		format_end(text, sizeof(text), t, false, false);
		snprintf(buf, size, "%.*s", (int)size - 1, text);
		break;
	case TCPSTATE_PEER_KIND_DESTINATION:
		format_end(text, sizeof(text), t, true, false);
		snprintf(buf, size, "> %.*s", (int)size - 3, text);
		break;
	case TCPSTATE_PEER_KIND_LOCAL_ADDRESS:
		snprintf(buf, size, "from %s", inet_ntop(t->family, t->laddr, addr, sizeof(addr)));
		break;
	default:
		snprintf(buf, size, "kind %" PRIu32, peer->kind);
	}
}

void format_bare_name(char *buf, size_t size, const struct tcpstate_peer *peer)
{
	char text[ALERT_TEXT];
	size_t skip = 0;

	format_peer_name(text, sizeof(text), peer);
	if (peer->kind == TCPSTATE_PEER_KIND_DESTINATION)
		skip = strlen("> ");
	else if (peer->kind == TCPSTATE_PEER_KIND_LOCAL_ADDRESS)
		skip = strlen("from ");
	snprintf(buf, size, "%s", text + skip);
}

void format_alert_name(char *buf, size_t size, const struct tcpstate_alert *a)
{
	*buf = '\0';
	if (a->has_peer)
		format_peer_name(buf, size, &a->peer);
}

/* Holders */

void format_unit(char *buf, size_t size, const struct tcpstate_holder *h)
{
	const struct tcpstate_place *p = &h->place;

	if (*p->container)
		snprintf(buf, size, "%s:%.12s", *p->runtime ? p->runtime : "container",
			 p->container);
	else if (*p->unit)
		snprintf(buf, size, "%s", p->unit);
	else if (h->holding == TCPSTATE_HOLDING_PROCESS)
		snprintf(buf, size, "%s/%d", h->process[0].comm, (int)h->process[0].pid);
	else
		snprintf(buf, size, "-");
}

void format_peer_unit(char *buf, size_t size, struct tcpstate_holders *holders,
		      const struct tcpstate_peer *peer)
{
	struct tcpstate_holder holder = { .holding = TCPSTATE_HOLDING_UNKNOWN };

	find_peer_holder(holders, peer, &holder);
	format_unit(buf, size, &holder);
}

void format_alert_unit(char *buf, size_t size, struct tcpstate_holders *holders,
		       const struct tcpstate_alert *a)
{
	struct tcpstate_holder holder = { .holding = TCPSTATE_HOLDING_UNKNOWN };

	find_alert_holder(holders, a, &holder);
	format_unit(buf, size, &holder);
}

/* What is there, and what it is measured by */

bool format_queue(char *buf, size_t size, const struct tcpstate_peer *peer)
{
	char n[TCPSTATE_FORMAT_MAX], of[TCPSTATE_FORMAT_MAX];

	tcpstate_format_count(n, sizeof(n), peer->queue.n);
	tcpstate_format_count(of, sizeof(of), peer->backlog.n);
	snprintf(buf, size, "%s/%s", n, of);
	return peer->queue.known && peer->backlog.known;
}

unsigned int percent(uint64_t n, uint64_t of)
{
	return of ? (unsigned int)((double)n * 100 / (double)of) : 0;
}

uint32_t peer_live(const struct tcpstate_peer *peer)
{
	uint32_t n = 0;
	unsigned int s;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (s != TCPSTATE_STATE_TIME_WAIT && s != TCPSTATE_STATE_CLOSE)
			n += peer->counts[s];
	}
	return n;
}

static void __attribute__((format(printf, 3, 4)))
append(char *buf, size_t size, const char *format, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, format);
	vsnprintf(buf + used, size - used, format, args);
	va_end(args);
}

/* Behind what is there already, with a comma. */
static void append_count(char *buf, size_t size, uint64_t n, const char *what)
{
	char text[TCPSTATE_FORMAT_MAX];

	tcpstate_format_count(text, sizeof(text), n);
	append(buf, size, "%s%s%s", *buf ? ", " : "", text, what);
}

static void append_queue(char *buf, size_t size, const struct tcpstate_peer *p)
{
	char text[ALERT_TEXT];

	if (format_queue(text, sizeof(text), p))
		append(buf, size, "%squeue %s", *buf ? ", " : "", text);
}

/* What it was raised at, where nothing more is known that says how bad it is: by /proc. */
static void append_limit(char *buf, size_t size, const struct tcpstate_alert *a)
{
	char text[TCPSTATE_FORMAT_MAX];

	tcpstate_format_count(text, sizeof(text), a->limit);
	append(buf, size, ", limit %s", text);
}

static void append_waiting(char *buf, size_t size, const struct tcpstate_alert *a)
{
	char text[TCPSTATE_FORMAT_MAX];

	if (!a->peer.waiting_ns.known) {
		append_limit(buf, size, a);
		return;
	}
	tcpstate_format_duration(text, sizeof(text), a->peer.waiting_ns.n / NS_PER_MS);
	append(buf, size, ", oldest %s", text);
}

/* End of file read or not tells where to look for the missing close(). */
static void append_leak(char *buf, size_t size, const struct tcpstate_alert *a)
{
	const struct tcpstate_peer *p = &a->peer;

	append_count(buf, size, a->value, " idle in CLOSE_WAIT");
	if (!p->idle.known)
		append_limit(buf, size, a);
	else if (a->reason == TCPSTATE_ALERT_REASON_FILES && a->file_limit.known)
		append_count(buf, size, a->file_limit.n, " files allowed");
	else if (p->not_accepted.n && p->not_accepted.n * 2 > p->idle.n)
		append(buf, size, ", not accepted");
	else if (p->idle.n)
		append(buf, size, p->unread_eof.n * 2 > p->idle.n ? ", EOF not read" :
		       ", EOF read");
}

static void append_ports(char *buf, size_t size, const struct tcpstate_alert *a)
{
	const struct tcpstate_peer *p = &a->peer;

	if (!p->ports.known || !p->ports_used.known) {
		append_count(buf, size, a->value, " ports");
		append_limit(buf, size, a);
		return;
	}
	append(buf, size, "%u%%", percent(p->ports_used.n, p->ports.n));
	if (p->plateau.known)
		append(buf, size, ", levels at %u%%", percent(p->plateau.n, p->ports.n));
}

/* Who finds no port opens no connection: where that levels off says nothing. */
static void append_no_port(char *buf, size_t size, const struct tcpstate_alert *a)
{
	const struct tcpstate_peer *p = &a->peer;

	append_count(buf, size, a->value, " found no port");
	if (p->ports.known && p->ports_used.known)
		append(buf, size, ", ports %u%%", percent(p->ports_used.n, p->ports.n));
}

static void append_full(char *buf, size_t size, const struct tcpstate_alert *a)
{
	append_queue(buf, size, &a->peer);
	if (!*buf) {
		append_count(buf, size, a->value, " not accepted");
		append_limit(buf, size, a);
	}
	if (a->peer.drops_per_minute.n)
		append_count(buf, size, a->peer.drops_per_minute.n, " drops/min");
}

static void append_drops(char *buf, size_t size, const struct tcpstate_alert *a)
{
	append_count(buf, size, a->value, " drops/min");
	if (a->peer.queue.known)
		append_queue(buf, size, &a->peer);
	else
		append_limit(buf, size, a);
}

void format_alert_value(char *buf, size_t size, const struct tcpstate_alert *a, uint64_t n)
{
	*buf = '\0';
	/* The others of its kind count ports. */
	append_count(buf, size, n, a->reason == TCPSTATE_ALERT_REASON_NO_PORT ? " failed" : "");
}

bool alert_below(const struct tcpstate_alert *a)
{
	/* A queue that is emptied for a moment and drops the next ones is no better. */
	return alert_active(a) && a->value < a->limit &&
	       (a->reason != TCPSTATE_ALERT_REASON_QUEUE || !a->peer.drops_per_minute.n);
}

static const struct {
	const char *text;
	bool limit;	/* said, too */
} plain[] = {
	[0] = { "", true },
	[TCPSTATE_ALERT_REASON_UNREAD_EOF] = { " with EOF not read", false },
	[TCPSTATE_ALERT_REASON_BUCKETS] = { " in TIME_WAIT", true },
	[TCPSTATE_ALERT_REASON_OVERFLOWS] = { " overflows/s", true },
	[TCPSTATE_ALERT_REASON_RECORDS] = { " records", true },
	[TCPSTATE_ALERT_REASON_CORRECTIONS] = { " corrected/min", true },
	[TCPSTATE_ALERT_REASON_PEERS] = { " without a place", false },
};

static void append_plain(char *buf, size_t size, const struct tcpstate_alert *a)
{
	uint32_t reason = a->reason;

	if (reason >= sizeof(plain) / sizeof(plain[0]) || !plain[reason].text)
		reason = 0;
	append_count(buf, size, a->value, plain[reason].text);
	if (plain[reason].limit)
		append_limit(buf, size, a);
}

void format_alert_detail(char *buf, size_t size, const struct tcpstate_alert *a)
{
	*buf = '\0';
	switch (a->reason) {
	case TCPSTATE_ALERT_REASON_QUEUE:
		append_full(buf, size, a);
		break;
	case TCPSTATE_ALERT_REASON_DROPS:
		append_drops(buf, size, a);
		break;
	case TCPSTATE_ALERT_REASON_NOT_ACCEPTED:
		append_count(buf, size, a->value, " not accepted");
		append_waiting(buf, size, a);
		break;
	case TCPSTATE_ALERT_REASON_LEAK:
	case TCPSTATE_ALERT_REASON_SLOW_LEAK:
	case TCPSTATE_ALERT_REASON_FILES:
		append_leak(buf, size, a);
		break;
	case TCPSTATE_ALERT_REASON_NO_PORT:
		append_no_port(buf, size, a);
		break;
	case TCPSTATE_ALERT_REASON_PORTS:
		append_ports(buf, size, a);
		break;
	default:
		append_plain(buf, size, a);
	}
}
