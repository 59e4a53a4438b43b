// SPDX-License-Identifier: GPL-2.0-only
/*
 * What people are told: the journal gets fields, syslog the message alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* We say ourselves what is to be said of the place in the code: nothing. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "../lib/format.h"
#include "../tcpstate/alerts.h"
#include "tcpstated.h"

/* The tests build with paths that are certainly absent. */
#ifndef JOURNAL_SOCKET
#define JOURNAL_SOCKET	"/run/systemd/journal/socket"
#define SYSLOG_SOCKET	"/dev/log"
#endif

#define MESSAGE_MAX	1600

static enum log_target target = TARGET_NONE;

/* Fixed for good: people filter by them. */
static const char * const message_ids[] = {
	[TCPSTATE_ALERT_ACTION_RAISE] = "c28dd3892be042eca2fd16664d906d0c",
	[TCPSTATE_ALERT_ACTION_UPDATE] = "4a2eca444d354f379ddd4ffc2be3d1ac",
	[TCPSTATE_ALERT_ACTION_CLEAR] = "c989b6b9d91249398651fc2890e556fc",
};

const char *log_open(enum log_target wanted)
{
	bool journal = !access(JOURNAL_SOCKET, F_OK), syslog = !access(SYSLOG_SOCKET, F_OK);

	if (wanted == TARGET_JOURNAL && !journal)
		return JOURNAL_SOCKET;
	if (wanted == TARGET_SYSLOG && !syslog)
		return SYSLOG_SOCKET;
	if (target == TARGET_SYSLOG)
		closelog();
	target = wanted;
	if (target == TARGET_AUTO)
		target = journal ? TARGET_JOURNAL : syslog ? TARGET_SYSLOG : TARGET_NONE;
	if (target == TARGET_SYSLOG)
		openlog("tcpstated", LOG_PID, LOG_DAEMON);
	return NULL;
}

/* The message */

__attribute__((format(printf, 3, 4)))
static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, fmt);
	vsnprintf(buf + used, size - used, fmt, args);
	va_end(args);
}

static void append_duration(char *buf, size_t size, const struct follow_news *news)
{
	const struct tcpstate_alert *a = news->alert;
	char text[TCPSTATE_FORMAT_MAX];

	if (a->cleared.n < a->raised_ns)
		return;
	tcpstate_format_duration(text, sizeof(text), (a->cleared.n - a->raised_ns) / NS_PER_MS);
	append(buf, size, " after %s", text);
}

static void append_action(char *buf, size_t size, const struct follow_news *news)
{
	char was[16];

	switch (news->action) {
	case TCPSTATE_ALERT_ACTION_RAISE:
	case TCPSTATE_ALERT_ACTION_UPDATE:
		append(buf, size, "raised");
		if (!news->known->logged)
			break;
		format_severity(was, sizeof(was), news->known->logged);
		append(buf, size, " from %s", was);
		break;
	case TCPSTATE_ALERT_ACTION_CLEAR:
		append(buf, size, "cleared");
		append_duration(buf, size, news);
		if (news->source == FOLLOW_UNLOADED)
			append(buf, size, " (not seen again since the module was unloaded)");
		else if (news->alert->withdrawn)
			append(buf, size, " (withdrawn: tcpstate was switched off)");
		break;
	}
}

static void format_message(char *buf, size_t size, const struct follow_news *news)
{
	char kind[32], severity[16], name[ALERT_TEXT], holder[HOLDER_MAX], detail[ALERT_TEXT];
	const struct tcpstate_alert *a = news->alert;

	format_severity(severity, sizeof(severity), a->severity);
	format_kind(kind, sizeof(kind), a->kind);
	format_alert_name(name, sizeof(name), a);
	format_alert_detail(detail, sizeof(detail), a);
	*buf = '\0';
	append(buf, size, "%s #%" PRIu32 " %s ", severity, a->id, kind);
	append_action(buf, size, news);
	append(buf, size, ":");
	if (*name)
		append(buf, size, " %s", name);
	if (news->known->held) {
		format_holder(holder, sizeof(holder), &news->known->holder);
		append(buf, size, " %s", holder);
	}
	append(buf, size, "%s %s", *name ? "," : "", detail);
}

/* The fields */

__attribute__((format(printf, 3, 4)))
static void add(struct log_entry *e, const char *name, const char *fmt, ...)
{
	size_t room = sizeof(e->text) - e->used, len;
	char *at = e->text + e->used;
	va_list args;
	int n;

	if (e->n == LOG_FIELDS)
		return;
	len = snprintf(at, room, "%s=", name);
	if (len >= room)
		return;
	va_start(args, fmt);
	n = vsnprintf(at + len, room - len, fmt, args);
	va_end(args);
	if (n < 0 || n >= (int)(room - len))
		return;
	e->field[e->n++] = (struct iovec){ at, len + n };
	e->used += len + n + 1;
}

/* An empty one would match whoever asks for those without. */
static void add_text(struct log_entry *e, const char *name, const char *text)
{
	if (*text)
		add(e, name, "%s", text);
}

static void add_holder(struct log_entry *e, const struct known *k)
{
	const struct tcpstate_holder *h = &k->holder;

	if (!k->held)
		return;
	add_text(e, "TCPSTATE_UNIT", h->place.unit);
	add_text(e, "TCPSTATE_CONTAINER", h->place.container);
	add_text(e, "TCPSTATE_POD", h->place.pod);
	if (!h->processes)
		return;
	add(e, "TCPSTATE_PID", "%d", (int)h->process[0].pid);
	add_text(e, "TCPSTATE_COMM", h->process[0].comm);
}

static void add_peer(struct log_entry *e, const struct tcpstate_peer *p)
{
	const struct tcpstate_tuple *t = &p->name;
	bool remote = p->kind == TCPSTATE_PEER_KIND_DESTINATION;
	uint16_t port = remote ? t->rport : t->lport;
	char text[INET6_ADDRSTRLEN];

	if (inet_ntop(t->family, remote ? t->raddr : t->laddr, text, sizeof(text)))
		add_text(e, remote ? "TCPSTATE_PEER" : "TCPSTATE_ADDRESS", text);
	if (port)
		add(e, "TCPSTATE_PORT", "%u", port);
}

/* Taking back is no reason to wake anybody. */
static int priority_of(const struct follow_news *news)
{
	const uint32_t severity = news->alert->severity;

	if (severity == TCPSTATE_SEVERITY_INFO)
		return LOG_INFO;
	if (news->action == TCPSTATE_ALERT_ACTION_CLEAR)
		return LOG_NOTICE;
	return severity == TCPSTATE_SEVERITY_PAGE ? LOG_CRIT : LOG_WARNING;
}

void log_fill(struct log_entry *e, const struct follow_news *news)
{
	const struct tcpstate_alert *a = news->alert;
	char message[MESSAGE_MAX], word[32];

	e->n = 0;
	e->used = 0;
	e->priority = priority_of(news);
	format_message(message, sizeof(message), news);
	add(e, "MESSAGE", "%s", message);
	add(e, "PRIORITY", "%d", e->priority);
	add(e, "MESSAGE_ID", "%s", message_ids[news->action]);
	format_kind(word, sizeof(word), a->kind);
	add(e, "TCPSTATE_KIND", "%s", word);
	format_severity(word, sizeof(word), a->severity);
	add(e, "TCPSTATE_SEVERITY", "%s", word);
	add(e, "TCPSTATE_ID", "%" PRIu32, a->id);
	add(e, "TCPSTATE_ACTION", "%s", tcpstate_action_name(news->action));
	if (tcpstate_reason_name(a->reason))
		add(e, "TCPSTATE_REASON", "%s", tcpstate_reason_name(a->reason));
	add(e, "TCPSTATE_VALUE", "%" PRIu64, a->value);
	add(e, "TCPSTATE_LIMIT", "%" PRIu64, a->limit);
	add(e, "TCPSTATE_PEAK", "%" PRIu64, a->peak);
	add_holder(e, news->known);
	if (a->has_peer)
		add_peer(e, &a->peer);
}

void log_news(const struct follow_news *news)
{
	struct log_entry e;

	log_fill(&e, news);
	if (target == TARGET_JOURNAL)
		sd_journal_sendv(e.field, e.n);
	else if (target == TARGET_SYSLOG)
		syslog(e.priority, "%s", e.text + strlen("MESSAGE="));
}

void log_line(int priority, const char *id, const char *fmt, ...)
{
	char message[MESSAGE_MAX];
	struct log_entry e = { .n = 0 };
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	add(&e, "MESSAGE", "%s", message);
	add(&e, "PRIORITY", "%d", priority);
	if (id)
		add(&e, "MESSAGE_ID", "%s", id);
	if (target == TARGET_JOURNAL)
		sd_journal_sendv(e.field, e.n);
	else if (target == TARGET_SYSLOG)
		syslog(priority, "%s", message);
	/* Not twice: the service manager may have connected it with the journal. */
	if (target != TARGET_JOURNAL || !getenv("JOURNAL_STREAM"))
		fprintf(stderr, "tcpstated: %s\n", message);
}
