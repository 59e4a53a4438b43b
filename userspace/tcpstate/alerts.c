// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate alerts: those that are active, and the last that have ended. With --follow, what happens
 * to them: alerts_follow.c.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <string.h>

#include "alerts.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DIM		"\033[2m"

/* One reading, and when. */
struct table {
	const struct trouble *t;
	uint64_t now;
};

static void cell_id(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	(void)table;
	snprintf(buf, ALERT_TEXT, "%u", (unsigned int)a->id);
}

/* In brackets: nobody is to be told of it by itself. */
static void cell_severity(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	bool quiet = a->ignored || a->folded;
	char severity[16];

	(void)table;
	format_severity(severity, sizeof(severity), a->severity);
	snprintf(buf, ALERT_TEXT, "%s%s%s", quiet ? "(" : "", severity, quiet ? ")" : "");
}

static void cell_raised(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	format_wall_short(buf, ALERT_TEXT, a->raised_ns, table->now);
}

static void cell_cleared(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	if (alert_active(a))
		strcpy(buf, alert_below(a) ? "below" : "-");
	else
		format_wall_short(buf, ALERT_TEXT, a->cleared.n, table->now);
}

static void cell_what(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	size_t used;

	(void)table;
	format_kind(buf, ALERT_TEXT, a->kind);
	if (!a->has_peer)
		return;
	used = strlen(buf);
	buf[used++] = ' ';
	format_bare_name(buf + used, ALERT_TEXT - used, &a->peer);
}

static void cell_who(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	format_alert_unit(buf, ALERT_TEXT, table->t->holders, a);
}

static void cell_now(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	(void)table;
	if (alert_active(a))
		format_alert_value(buf, ALERT_TEXT, a, a->value);
	else
		strcpy(buf, a->withdrawn ? "withdrawn" : "-");
}

static void cell_peak(char *buf, const struct tcpstate_alert *a, const struct table *table)
{
	(void)table;
	format_alert_value(buf, ALERT_TEXT, a, a->peak);
}

enum { WHO = 5 };

static const struct column {
	const char *heading;
	int flags;
	void (*format)(char *buf, const struct tcpstate_alert *a, const struct table *table);
} columns[] = {
	{ "ID", SCOLS_FL_RIGHT, cell_id },
	{ "SEV", 0, cell_severity },
	{ "RAISED", SCOLS_FL_RIGHT, cell_raised },
	{ "CLEARED", SCOLS_FL_RIGHT, cell_cleared },
	{ "WHAT", 0, cell_what },
	[WHO] = { "WHO", 0, cell_who },
	{ "NOW", SCOLS_FL_RIGHT, cell_now },
	{ "PEAK", SCOLS_FL_RIGHT, cell_peak },
};

static int add_line(struct libscols_table *tb, const struct tcpstate_alert *a,
		    const struct table *table)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[ALERT_TEXT];
	unsigned int i;
	int ret = line ? 0 : -ENOMEM;

	for (i = 0; i < ARRAY_SIZE(columns) && !ret; i++) {
		columns[i].format(text, a, table);
		ret = scols_line_set_data(line, i, text);
	}
	if (!ret && !alert_active(a))
		ret = scols_line_set_color(line, DIM);
	return ret;
}

static int print_table(const struct trouble *t, const struct options *o)
{
	const struct table table = { t, wall_now() };
	struct libscols_table *tb = new_table(o);
	int ret = tb ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(columns) && !ret; i++) {
		if (!scols_table_new_column(tb, columns[i].heading, 0, columns[i].flags))
			ret = -ENOMEM;
	}
	for (i = 0; i < t->alerts.n && !ret; i++)
		ret = add_line(tb, &t->alerts.at[i].alert, &table);
	if (!ret)
		ret = fit_column(tb, WHO);
	if (!ret && t->alerts.n)
		ret = scols_print_table(tb);
	else if (!ret && !o->no_header)
		puts("no alert");
	scols_unref_table(tb);
	return ret;
}

static int print_document(const struct trouble *t)
{
	json_t *root = json_pack("{s:I, s:o}", "netns", (json_int_t)netns_inode(),
				 "alerts", alerts_json(t, true));

	if (!root)
		return -ENOMEM;
	print_json(root);
	return 0;
}

static enum exit_code list_alerts(const struct options *o)
{
	struct trouble t;
	enum exit_code code = trouble_read_alerts(&t);
	int ret;

	if (code == TCPSTATE_OK) {
		if (o->filter.limit && t.alerts.n > o->filter.limit)
			t.alerts.n = o->filter.limit;
		trouble_find_holders(&t);
		ret = o->json ? print_document(&t) : print_table(&t, o);
		if (ret && !ferror(stdout)) {
			fprintf(stderr, "tcpstate: cannot list them: %s\n", strerror(-ret));
			code = TCPSTATE_FAILURE;
		}
	}
	trouble_free(&t);
	return code;
}

enum exit_code alerts(const struct options *o)
{
	return o->follow ? follow_alerts(o) : list_alerts(o);
}
