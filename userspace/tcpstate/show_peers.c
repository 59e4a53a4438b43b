// SPDX-License-Identifier: GPL-2.0-only
/*
 * The listeners and destinations of show: those that have something to say, the worst first.
 */
#include <stdio.h>
#include <string.h>

#include "alerts.h"
#include "table.h"

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

struct row {
	const struct tcpstate_peer *peer;
	const struct trouble *t;
};

static bool cell_listener(char *buf, const void *row)
{
	const struct row *r = row;

	format_peer_name(buf, CELL_TEXT, r->peer);
	return true;
}

static bool cell_destination(char *buf, const void *row)
{
	const struct row *r = row;

	/* Among destinations a local address has to say that it is none. */
	if (r->peer->kind == TCPSTATE_PEER_KIND_DESTINATION)
		format_bare_name(buf, CELL_TEXT, r->peer);
	else
		format_peer_name(buf, CELL_TEXT, r->peer);
	return true;
}

static bool cell_unit(char *buf, const void *row)
{
	const struct row *r = row;

	format_peer_unit(buf, CELL_TEXT, r->t->holders, r->peer);
	return r->t->counted;
}

static bool cell_queue(char *buf, const void *row)
{
	const struct row *r = row;

	return format_queue(buf, CELL_TEXT, r->peer);
}

static bool cell_drop_rate(char *buf, const void *row)
{
	const struct row *r = row;

	return value_cell(buf, &r->peer->drops_per_minute);
}

/* All drops where nobody says how many a minute. */
static bool cell_drops(char *buf, const void *row)
{
	const struct row *r = row;

	return !r->t->counted && value_cell(buf, &r->peer->drops);
}

static bool cell_syn_recv(char *buf, const void *row)
{
	const struct row *r = row;

	return !r->t->counted && count_cell(buf, r->peer->counts[TCPSTATE_STATE_SYN_RECV]);
}

static bool cell_established(char *buf, const void *row)
{
	const struct row *r = row;

	return r->t->counted && count_cell(buf, r->peer->counts[TCPSTATE_STATE_ESTABLISHED]);
}

static bool cell_close_wait(char *buf, const void *row)
{
	const struct row *r = row;

	return r->t->counted && count_cell(buf, r->peer->counts[TCPSTATE_STATE_CLOSE_WAIT]);
}

static bool cell_live(char *buf, const void *row)
{
	const struct row *r = row;

	return count_cell(buf, peer_live(r->peer));
}

static bool cell_time_wait(char *buf, const void *row)
{
	const struct row *r = row;

	return count_cell(buf, r->peer->counts[TCPSTATE_STATE_TIME_WAIT]);
}

static bool cell_opens(char *buf, const void *row)
{
	const struct row *r = row;

	if (r->peer->opens_milli.n && r->peer->opens_milli.n < 9950)
		snprintf(buf, CELL_TEXT, "%.1f", (double)r->peer->opens_milli.n / 1000);
	else
		count_cell(buf, (r->peer->opens_milli.n + 500) / 1000);
	return r->peer->opens_milli.known;
}

static bool cell_ports(char *buf, const void *row)
{
	const struct row *r = row;

	snprintf(buf, CELL_TEXT, "%u%%", percent(r->peer->ports_used.n, r->peer->ports.n));
	return r->peer->ports_used.known && r->peer->ports.known;
}

static bool cell_fails(char *buf, const void *row)
{
	const struct row *r = row;

	return value_cell(buf, &r->peer->fails_per_minute);
}

static const struct column listener_columns[] = {
	{ "LISTENER", 0, cell_listener },
	{ "UNIT", SCOLS_FL_TRUNC, cell_unit },
	{ "QUEUE", SCOLS_FL_RIGHT, cell_queue },
	{ "DROP/min", SCOLS_FL_RIGHT, cell_drop_rate },
	{ "DROPS", SCOLS_FL_RIGHT, cell_drops },
	{ "SYN_RECV", SCOLS_FL_RIGHT, cell_syn_recv },
	{ "ESTAB", SCOLS_FL_RIGHT, cell_established },
	{ "CLOSE_WAIT", SCOLS_FL_RIGHT, cell_close_wait },
};

static const struct column destination_columns[] = {
	{ "TO PEER", 0, cell_destination },
	{ "UNIT", SCOLS_FL_TRUNC, cell_unit },
	{ "LIVE", SCOLS_FL_RIGHT, cell_live },
	{ "TIME_WAIT", SCOLS_FL_RIGHT, cell_time_wait },
	{ "NEW/s", SCOLS_FL_RIGHT, cell_opens },
	{ "PORTS", SCOLS_FL_RIGHT, cell_ports },
	{ "FAIL/min", SCOLS_FL_RIGHT, cell_fails },
};

_Static_assert(ARRAY_SIZE(listener_columns) <= TABLE_COLUMNS &&
	       ARRAY_SIZE(destination_columns) <= TABLE_COLUMNS, "a table has room for them");

static unsigned int choose_rows(const struct trouble *t, struct row *rows, bool listeners)
{
	const struct tcpstate_peer *chosen[PEER_ROWS];
	unsigned int n = choose(t, chosen, listeners), i;

	for (i = 0; i < n; i++)
		rows[i] = (struct row){ chosen[i], t };
	return n;
}

char *listeners_text(const struct trouble *t, const struct options *o)
{
	struct row rows[PEER_ROWS];
	struct table table = TABLE(listener_columns, rows, choose_rows(t, rows, true));

	return table_text(&table, o);
}

char *destinations_text(const struct trouble *t, const struct options *o)
{
	struct row rows[PEER_ROWS];
	struct table table = TABLE(destination_columns, rows, choose_rows(t, rows, false));

	return table_text(&table, o);
}
