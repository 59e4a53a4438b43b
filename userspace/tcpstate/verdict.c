// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is wrong, in a few lines: the top of show and of top.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/format.h"
#include "alerts.h"

/* Nobody wants to be told of these one by one. */
static bool quiet(const struct tcpstate_alert *a)
{
	return a->ignored || a->folded;
}

/* Pages, then tickets, then the rest; of each the newest first, as the list has them. */
static unsigned int choose(const struct trouble *t, const struct tcpstate_alert **rows,
			   unsigned int most)
{
	unsigned int n = 0, severity;
	size_t i;

	for (severity = TCPSTATE_SEVERITY_PAGE + 1; severity-- > 0;) {
		for (i = 0; i < t->alerts.n && n < most; i++) {
			const struct tcpstate_alert *a = &t->alerts.at[i].alert;
			unsigned int rank = a->severity > TCPSTATE_SEVERITY_PAGE ? 0 : a->severity;

			if (alert_active(a) && !quiet(a) && rank == severity)
				rows[n++] = a;
		}
	}
	return n;
}

/* Active ones: those that somebody should see to, those that stay here, those that are quiet. */
struct numbers {
	unsigned int alerts, infos, folded;
};

static struct numbers count(const struct trouble *t)
{
	struct numbers n = { 0 };
	size_t i;

	for (i = 0; i < t->alerts.n; i++) {
		const struct tcpstate_alert *a = &t->alerts.at[i].alert;

		if (!alert_active(a) || a->ignored)
			continue;
		if (a->folded)
			n.folded++;
		else if (a->severity == TCPSTATE_SEVERITY_INFO)
			n.infos++;
		else
			n.alerts++;
	}
	return n;
}

static void add_numbers(char *buf, size_t size, const struct trouble *t)
{
	struct numbers n = count(t);
	size_t used = strlen(buf);

	if (!t->known)
		snprintf(buf + used, size - used, "  alerts not known");
	else if (n.alerts || n.folded)
		snprintf(buf + used, size - used, "  %u alert%s", n.alerts + n.folded,
			 n.alerts + n.folded == 1 ? "" : "s");
	else
		snprintf(buf + used, size - used, "  no alert");
	used = strlen(buf);
	if (n.infos)
		snprintf(buf + used, size - used, ", %u info", n.infos);
}

/* Since when it is on, what moves the local ends, and since when all has been compared. */
static void add_health(char *buf, size_t size, const struct tcpstate_health *h,
		       const struct tcpstate_stats *stats)
{
	char age[TCPSTATE_FORMAT_MAX], on[ALERT_TEXT] = "", sees[ALERT_TEXT] = "";
	size_t used;

	if (h->coverage.n == TCPSTATE_EVIDENCE_PACKETS)
		snprintf(sees, sizeof(sees), "sees packets only");
	else if (h->coverage.n == TCPSTATE_EVIDENCE_SOCKETS)
		snprintf(sees, sizeof(sees), "sees all sockets%s",
			 h->untracked.n ? " but the untracked" : "");
	if (stats->verified_ns.known) {
		used = strlen(sees);
		tcpstate_format_duration(age, sizeof(age), stats->verified_ns.n / NS_PER_MS);
		snprintf(sees + used, sizeof(sees) - used, ", verified %s ago", age);
	}
	if (stats->on_ns.known) {
		tcpstate_format_duration(age, sizeof(age), stats->on_ns.n / NS_PER_MS);
		snprintf(on, sizeof(on), "module %s, ", age);
	}
	used = strlen(buf);
	if (used + 2 + strlen(on) + strlen(sees) > line_width())
		*on = '\0';	/* it matters least */
	if (*sees)
		snprintf(buf + used, size - used, "  %s%s", on, sees);
}

/* The first part of a line, and how wide its columns are. */
struct widths {
	int id;
	int kind;
};

static struct widths measure(const struct tcpstate_alert *const *rows, unsigned int n)
{
	struct widths w = { 0, 0 };
	char text[ALERT_TEXT];
	unsigned int i;
	int len;

	for (i = 0; i < n; i++) {
		len = snprintf(text, sizeof(text), "%u", (unsigned int)rows[i]->id);
		w.id = len > w.id ? len : w.id;
		format_kind(text, sizeof(text), rows[i]->kind);
		len = strlen(text);
		w.kind = len > w.kind ? len : w.kind;
	}
	return w;
}

/* The last part of a text, with the comma before it; NULL: it is the only one. */
static char *last_part(char *text)
{
	char *at = text, *last = NULL;

	/* A number has commas, too, but no blank behind them. */
	while ((at = strstr(at, ", ")))
		last = at++;
	return last;
}

static void shorten(char *text, int room)
{
	char *part;

	while ((int)strlen(text) > room && (part = last_part(text)))
		*part = '\0';
}

/* How it is with an alert, whatever it counts: parts that go behind the detail. */
static void format_state(char *buf, size_t size, const struct tcpstate_alert *a)
{
	uint64_t now = wall_now(), age = now > a->raised_ns ? now - a->raised_ns : 0;
	char text[TCPSTATE_FORMAT_MAX];

	tcpstate_format_duration(text, sizeof(text), age / NS_PER_MS);
	snprintf(buf, size, "%s%s, %s", alert_below(a) ? ", below its limit" : "",
		 a->unverified ? ", unverified" : "", text);
}

/* The first part stays whole; of the others the hints go first. explain has them. */
static void format_detail(char *buf, size_t size, const struct tcpstate_alert *a, int room)
{
	char state[ALERT_TEXT];
	size_t used;

	format_alert_detail(buf, size, a);
	format_state(state, sizeof(state), a);
	shorten(buf, room - (int)strlen(state));
	used = strlen(buf);
	shorten(state, room - (int)used);
	snprintf(buf + used, size - used, "%s", state);
}

/* "PAGE   #41 listen-full  :8080 orders.service  queue 101/100, 212 drops/min, 4m" */
static void format_line(char *buf, size_t size, const struct tcpstate_alert *a,
			const struct widths *w, struct tcpstate_holders *holders)
{
	char severity[16], kind[32], name[ALERT_TEXT], unit[ALERT_TEXT], detail[ALERT_TEXT];
	char whole[ALERT_TEXT];
	int used, room;
	char *at;

	format_severity(severity, sizeof(severity), a->severity);
	for (at = severity; *at; at++)
		*at = toupper((unsigned char)*at);
	format_kind(kind, sizeof(kind), a->kind);
	format_alert_name(name, sizeof(name), a);
	format_alert_unit(whole, sizeof(whole), holders, a);
	/* Of the namespace nobody is the holder; "-" would only ask who that is. */
	if (!strcmp(whole, "-"))
		*whole = '\0';
	used = snprintf(buf, size, "%-6s #%-*u %-*s  %s%s", severity, w->id, (unsigned int)a->id,
			w->kind, kind, name, *name && *whole ? " " : "");
	room = (int)line_width() - used - 2;
	format_detail(detail, sizeof(detail), a, room - (int)strlen(whole));
	room -= strlen(detail);
	cut_name(unit, sizeof(unit), whole, room > NAME_LEAST ? room : NAME_LEAST);
	/* Rather none than half a number: whom to ask is what matters here. */
	if ((int)strlen(unit) > room)
		*detail = '\0';
	snprintf(buf + used, size - used, "%s%s%s", unit,
		 *detail && (*name || *unit) ? "  " : "", detail);
}

/* Where it is known that somebody does, and only the right to ask is missing. */
static void add_hint(struct verdict *v, const struct trouble *t,
		     const struct tcpstate_alert *const *rows, unsigned int n, unsigned int lines)
{
	bool held = false;
	unsigned int i;

	for (i = 0; i < n; i++)
		held |= rows[i]->has_peer;
	if (t->refused && held && v->n < lines)
		snprintf(v->line[v->n++], sizeof(v->line[0]),
			 "who holds them: root sees that (CAP_NET_ADMIN)");
}

void verdict_build(struct verdict *v, const struct trouble *t,
		   const struct tcpstate_health *health, const struct tcpstate_stats *stats,
		   unsigned int lines)
{
	const struct tcpstate_alert *rows[TCPSTATE_ALERTS_MAX];
	unsigned int all = choose(t, rows, TCPSTATE_ALERTS_MAX), n, i;
	unsigned int folded = count(t).folded;
	struct widths w;
	char *head = v->line[0];

	lines = lines < VERDICT_LINES ? lines : VERDICT_LINES;
	memset(v, 0, sizeof(*v));
	v->n = 1;
	if (gethostname(head, 64))
		strcpy(head, "tcpstate");
	if (switched_off(health)) {
		strcat(head, "  switched off, nothing is counted or watched: tcpstate on");
		return;
	}
	add_numbers(head, sizeof(v->line[0]), t);
	add_health(head, sizeof(v->line[0]), health, stats);
	/* The last line says how many there are besides. */
	n = all + !!folded < lines ? all : lines > 2 ? lines - 2 : 0;
	w = measure(rows, n);
	for (i = 0; i < n; i++, v->n++) {
		v->severity[v->n] = rows[i]->severity;
		format_line(v->line[v->n], sizeof(v->line[0]), rows[i], &w, t->holders);
	}
	if (all - n + folded && v->n < lines)
		snprintf(v->line[v->n++], sizeof(v->line[0]), "and %u more: tcpstate alerts",
			 all - n + folded);
	add_hint(v, t, rows, n, lines);
}
