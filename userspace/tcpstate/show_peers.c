// SPDX-License-Identifier: GPL-2.0-only
/*
 * The listeners and destinations of show: those that have something to say, the worst first.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/format.h"
#include "alerts.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define PERMILLE	1000

/* Choice */

/* What a peer is ranked by, the first that differs. */
struct rank {
	uint64_t first;
	uint64_t second;
	uint64_t third;
};

static uint64_t share(const struct tcpstate_value *n, const struct tcpstate_value *of)
{
	return of->n ? n->n * PERMILLE / of->n : 0;
}

static struct rank rank_listener(const struct tcpstate_peer *p)
{
	uint64_t drops = p->drops_per_minute.known ? p->drops_per_minute.n : p->drops.n;
	uint64_t others = p->counts[TCPSTATE_STATE_CLOSE_WAIT];

	others += p->counts[TCPSTATE_STATE_SYN_RECV] + p->counts[TCPSTATE_STATE_ESTABLISHED];
	return (struct rank){ share(&p->queue, &p->backlog), drops, others + p->queue.n };
}

static struct rank rank_destination(const struct tcpstate_peer *p)
{
	return (struct rank){
		share(&p->ports_used, &p->ports), p->opens_milli.n + p->fails_per_minute.n,
		peer_live(p) + p->counts[TCPSTATE_STATE_TIME_WAIT],
	};
}

static bool is_nothing(const struct rank *r)
{
	return !r->first && !r->second && !r->third;
}

static bool is_before(const struct rank *a, const struct rank *b)
{
	if (a->first != b->first)
		return a->first > b->first;
	return a->second != b->second ? a->second > b->second : a->third > b->third;
}

static unsigned int choose(const struct trouble *t, const struct tcpstate_peer **rows,
			   bool listeners)
{
	struct rank (*rank)(const struct tcpstate_peer *p) =
		listeners ? rank_listener : rank_destination;
	unsigned int n = 0, at;
	struct rank r, other;
	size_t i;

	for (i = 0; i < t->peers.n; i++) {
		const struct tcpstate_peer *p = &t->peers.at[i];

		r = rank(p);
		if ((p->kind == TCPSTATE_PEER_KIND_LISTENER) != listeners || is_nothing(&r))
			continue;
		for (at = n; at; at--) {
			other = rank(rows[at - 1]);
			if (!is_before(&r, &other))
				break;
			if (at < PEER_ROWS)
				rows[at] = rows[at - 1];
		}
		if (at == PEER_ROWS)
			continue;
		rows[at] = p;
		n += n < PEER_ROWS;
	}
	return n;
}

unsigned int choose_listeners(const struct trouble *t, const struct tcpstate_peer **rows)
{
	return choose(t, rows, true);
}

unsigned int choose_destinations(const struct trouble *t, const struct tcpstate_peer **rows)
{
	return choose(t, rows, false);
}

/* Tables */

static bool count_cell(char *buf, uint64_t n)
{
	tcpstate_format_count(buf, ALERT_TEXT, n);
	return true;
}

static bool value_cell(char *buf, const struct tcpstate_value *v)
{
	return v->known && count_cell(buf, v->n);
}

/* Each returns false where it is not known. */
static bool cell_listener(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	format_peer_name(buf, ALERT_TEXT, p);
	return true;
}

static bool cell_destination(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	/* Among destinations a local address has to say that it is none. */
	if (p->kind == TCPSTATE_PEER_KIND_DESTINATION)
		format_bare_name(buf, ALERT_TEXT, p);
	else
		format_peer_name(buf, ALERT_TEXT, p);
	return true;
}

static bool cell_unit(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	format_peer_unit(buf, ALERT_TEXT, t->holders, p);
	return t->counted;
}

static bool cell_queue(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	char n[TCPSTATE_FORMAT_MAX], of[TCPSTATE_FORMAT_MAX];

	(void)t;
	tcpstate_format_count(n, sizeof(n), p->queue.n);
	tcpstate_format_count(of, sizeof(of), p->backlog.n);
	snprintf(buf, ALERT_TEXT, "%s/%s", n, of);
	return p->queue.known && p->backlog.known;
}

static bool cell_drop_rate(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	return value_cell(buf, &p->drops_per_minute);
}

/* All drops where nobody says how many a minute. */
static bool cell_drops(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	return !t->counted && value_cell(buf, &p->drops);
}

static bool cell_syn_recv(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	return !t->counted && count_cell(buf, p->counts[TCPSTATE_STATE_SYN_RECV]);
}

static bool cell_established(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	return t->counted && count_cell(buf, p->counts[TCPSTATE_STATE_ESTABLISHED]);
}

static bool cell_close_wait(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	return t->counted && count_cell(buf, p->counts[TCPSTATE_STATE_CLOSE_WAIT]);
}

static bool cell_live(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	return count_cell(buf, peer_live(p));
}

static bool cell_time_wait(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	return count_cell(buf, p->counts[TCPSTATE_STATE_TIME_WAIT]);
}

static bool cell_opens(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	if (p->opens_milli.n && p->opens_milli.n < 9950)
		snprintf(buf, ALERT_TEXT, "%.1f", (double)p->opens_milli.n / 1000);
	else
		count_cell(buf, (p->opens_milli.n + 500) / 1000);
	return p->opens_milli.known;
}

static bool cell_ports(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	snprintf(buf, ALERT_TEXT, "%u%%", percent(p->ports_used.n, p->ports.n));
	return p->ports_used.known && p->ports.known;
}

static bool cell_fails(char *buf, const struct tcpstate_peer *p, const struct trouble *t)
{
	(void)t;
	return value_cell(buf, &p->fails_per_minute);
}

struct column {
	const char *heading;
	int flags;
	bool (*format)(char *buf, const struct tcpstate_peer *p, const struct trouble *t);
};

static const struct column listener_columns[] = {
	{ "LISTENER", 0, cell_listener },
	{ "UNIT", 0, cell_unit },
	{ "QUEUE", SCOLS_FL_RIGHT, cell_queue },
	{ "DROP/min", SCOLS_FL_RIGHT, cell_drop_rate },
	{ "DROPS", SCOLS_FL_RIGHT, cell_drops },
	{ "SYN_RECV", SCOLS_FL_RIGHT, cell_syn_recv },
	{ "ESTAB", SCOLS_FL_RIGHT, cell_established },
	{ "CLOSE_WAIT", SCOLS_FL_RIGHT, cell_close_wait },
};

static const struct column destination_columns[] = {
	{ "TO PEER", 0, cell_destination },
	{ "UNIT", 0, cell_unit },
	{ "LIVE", SCOLS_FL_RIGHT, cell_live },
	{ "TIME_WAIT", SCOLS_FL_RIGHT, cell_time_wait },
	{ "NEW/s", SCOLS_FL_RIGHT, cell_opens },
	{ "PORTS", SCOLS_FL_RIGHT, cell_ports },
	{ "FAIL/min", SCOLS_FL_RIGHT, cell_fails },
};

/**
 * struct peer_table - one table
 * @t: what is known
 * @rows: its lines
 * @n: their number
 * @columns: all that there could be; those that nobody knows anything of are left out
 * @n_columns: their number
 */
struct peer_table {
	const struct trouble *t;
	const struct tcpstate_peer *rows[PEER_ROWS];
	unsigned int n;
	const struct column *columns;
	unsigned int n_columns;
};

static bool has_column(const struct peer_table *table, const struct column *c)
{
	char text[ALERT_TEXT];
	unsigned int i;

	for (i = 0; i < table->n; i++) {
		if (c->format(text, table->rows[i], table->t))
			return true;
	}
	return false;
}

static int add_row(struct libscols_table *tb, const struct peer_table *table,
		   const struct column *const *shown, const struct tcpstate_peer *peer)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[ALERT_TEXT];
	unsigned int i;
	int ret = line ? 0 : -ENOMEM;

	for (i = 0; i < scols_table_get_ncols(tb) && !ret; i++) {
		if (!shown[i]->format(text, peer, table->t))
			strcpy(text, "-");
		ret = scols_line_set_data(line, i, text);
	}
	return ret;
}

static int fill_table(struct libscols_table *tb, const struct peer_table *table)
{
	const struct column *shown[ARRAY_SIZE(listener_columns)];
	unsigned int i, n = 0, unit = 0;
	int ret = 0;

	for (i = 0; i < table->n_columns; i++) {
		const struct column *c = &table->columns[i];

		if (!has_column(table, c))
			continue;
		if (c->format == cell_unit)
			unit = n;
		shown[n++] = c;
		if (!scols_table_new_column(tb, c->heading, 0, c->flags))
			return -ENOMEM;
	}
	for (i = 0; i < table->n && !ret; i++)
		ret = add_row(tb, table, shown, table->rows[i]);
	return ret || !unit ? ret : fit_column(tb, unit);
}

_Static_assert(ARRAY_SIZE(destination_columns) <= ARRAY_SIZE(listener_columns),
	       "fill_table() has room for the columns of both");

/* The table as lines, the first with its headings; NULL: there is nothing to say, or no memory. */
static char *table_text(const struct peer_table *table, const struct options *o)
{
	struct libscols_table *tb;
	char *text = NULL;

	if (!table->n)
		return NULL;
	tb = new_table(o);
	if (!tb || fill_table(tb, table) || scols_print_table_to_string(tb, &text))
		text = NULL;
	scols_unref_table(tb);
	return text;
}

char *listeners_text(const struct trouble *t, const struct options *o)
{
	struct peer_table table = {
		.t = t, .columns = listener_columns, .n_columns = ARRAY_SIZE(listener_columns),
	};

	table.n = choose_listeners(t, table.rows);
	return table_text(&table, o);
}

char *destinations_text(const struct trouble *t, const struct options *o)
{
	struct peer_table table = {
		.t = t, .columns = destination_columns,
		.n_columns = ARRAY_SIZE(destination_columns),
	};

	table.n = choose_destinations(t, table.rows);
	return table_text(&table, o);
}
