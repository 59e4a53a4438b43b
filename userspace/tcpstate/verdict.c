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

#define UNIT_LEAST	8	/* what is left of a unit that is cut */

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
	if (used + 2 + strlen(on) + strlen(sees) > WIDTH)
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

/* Its parts are separated by commas; explain has those that are left out. */
static void shorten_detail(char *detail, int room)
{
	char *comma;

	while ((int)strlen(detail) > room && (comma = strrchr(detail, ',')))
		*comma = '\0';
}

static void format_detail(char *buf, size_t size, const struct tcpstate_alert *a)
{
	uint64_t now = wall_now(), age = now > a->raised_ns ? now - a->raised_ns : 0;
	char text[TCPSTATE_FORMAT_MAX];
	size_t used;

	format_alert_detail(buf, size, a);
	used = strlen(buf);
	tcpstate_format_duration(text, sizeof(text), age / NS_PER_MS);
	snprintf(buf + used, size - used, "%s, %s", a->unverified ? ", unverified" : "", text);
}

/* "PAGE   #41 listen-full  :8080 orders.service  queue 101/100, 212 drops/min, 4m" */
static void format_line(char *buf, size_t size, const struct tcpstate_alert *a,
			const struct widths *w, struct tcpstate_holders *holders)
{
	char severity[16], kind[32], name[ALERT_TEXT], unit[ALERT_TEXT], detail[ALERT_TEXT];
	int used, len, room;
	char *at;

	format_severity(severity, sizeof(severity), a->severity);
	for (at = severity; *at; at++)
		*at = toupper((unsigned char)*at);
	format_kind(kind, sizeof(kind), a->kind);
	format_alert_name(name, sizeof(name), a);
	format_alert_unit(unit, sizeof(unit), holders, a);
	format_detail(detail, sizeof(detail), a);
	/* Of the namespace nobody is the holder; "-" would only ask who that is. */
	if (!strcmp(unit, "-"))
		*unit = '\0';
	used = snprintf(buf, size, "%-6s #%-*u %-*s  %s%s", severity, w->id, (unsigned int)a->id,
			w->kind, kind, name, *name && *unit ? " " : "");
	len = strlen(unit);
	if (len > UNIT_LEAST && used + len + 2 + (int)strlen(detail) > WIDTH) {
		room = WIDTH - used - 2 - (int)strlen(detail);
		snprintf(unit + (room > UNIT_LEAST ? room : UNIT_LEAST) - 2, 3, "..");
	}
	len = strlen(unit);
	shorten_detail(detail, WIDTH - used - len - 2);
	snprintf(buf + used, size - used, "%s%s%s", unit, *name || *unit ? "  " : "", detail);
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
	if (health->coverage.n == TCPSTATE_EVIDENCE_NONE) {
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
}
