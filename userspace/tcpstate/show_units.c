// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners and destinations summed by who holds them: units, containers, processes.
 */
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "table.h"

/**
 * struct unit - what somebody holds
 * @name: as format_unit() prints it
 * @listeners: listeners
 * @peers: destinations
 * @counts: endpoints by local state: those accepted and those opened
 * @busy: of those all that are connections
 * @fullest: of the listeners; NULL: there is none with a queue
 */
struct unit {
	char name[CELL_TEXT];
	unsigned int listeners;
	unsigned int peers;
	uint64_t counts[TCPSTATE_STATE_LAST + 1];
	uint64_t busy;
	const struct tcpstate_peer *fullest;
};

static uint64_t queued(const struct unit *u)
{
	return u->fullest ? u->fullest->queue.n : 0;
}

/* By their shares of backlogs that may be 0, as the module has it. */
static bool is_fuller(const struct tcpstate_peer *a, const struct tcpstate_peer *b)
{
	return a->queue.n * (b->backlog.n + 1) > b->queue.n * (a->backlog.n + 1);
}

static struct unit unit_of(const struct trouble *t, const struct tcpstate_peer *p)
{
	bool listener = p->kind == TCPSTATE_PEER_KIND_LISTENER;
	struct unit u = { .listeners = listener && p->sockets.n, .peers = !listener };
	unsigned int s;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		u.counts[s] = p->counts[s];
		if (s != TCPSTATE_STATE_LISTEN && s != TCPSTATE_STATE_CLOSE)
			u.busy += p->counts[s];
	}
	if (u.listeners && p->queue.known && p->backlog.known)
		u.fullest = p;
	if (u.busy || u.listeners)
		format_peer_unit(u.name, sizeof(u.name), t->holders, p);
	return u;
}

static void add_unit(struct unit *to, const struct unit *u)
{
	unsigned int s;

	to->listeners += u->listeners;
	to->peers += u->peers;
	to->busy += u->busy;
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++)
		to->counts[s] += u->counts[s];
	if (u->fullest && (!to->fullest || is_fuller(u->fullest, to->fullest)))
		to->fullest = u->fullest;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct unit *)a)->name, ((const struct unit *)b)->name);
}

/* The busiest first. */
static int compare_units(const void *a, const void *b)
{
	const struct unit *x = a, *y = b;

	if (x->busy != y->busy)
		return x->busy < y->busy ? 1 : -1;
	if (queued(x) != queued(y))
		return queued(x) < queued(y) ? 1 : -1;
	if (x->listeners != y->listeners)
		return x->listeners < y->listeners ? 1 : -1;
	return compare_names(a, b);
}

/*
 * One for each peer, then one for each name. A local address is left out: its connections are those
 * of its destinations. So is who has nothing any more.
 */
static size_t find_units(const struct trouble *t, struct unit *units)
{
	size_t n = 0, names = 0, i;

	for (i = 0; i < t->peers.n; i++) {
		if (t->peers.at[i].kind == TCPSTATE_PEER_KIND_LOCAL_ADDRESS)
			continue;
		units[n] = unit_of(t, &t->peers.at[i]);
		n += units[n].busy || units[n].listeners;
	}
	qsort(units, n, sizeof(*units), compare_names);
	for (i = 0; i < n; i++) {
		if (names && !compare_names(&units[names - 1], &units[i]))
			add_unit(&units[names - 1], &units[i]);
		else
			units[names++] = units[i];
	}
	qsort(units, names, sizeof(*units), compare_units);
	return names;
}

/* Cells */

static bool cell_name(char *buf, const void *row)
{
	const struct unit *u = row;

	strcpy(buf, u->name);
	return true;
}

static bool cell_listeners(char *buf, const void *row)
{
	const struct unit *u = row;

	return count_cell(buf, u->listeners);
}

static bool cell_peers(char *buf, const void *row)
{
	const struct unit *u = row;

	return count_cell(buf, u->peers);
}

static bool cell_queue(char *buf, const void *row)
{
	const struct unit *u = row;

	return u->fullest && format_queue(buf, CELL_TEXT, u->fullest);
}

static bool cell_established(char *buf, const void *row)
{
	const struct unit *u = row;

	return count_cell(buf, u->counts[TCPSTATE_STATE_ESTABLISHED]);
}

static bool cell_time_wait(char *buf, const void *row)
{
	const struct unit *u = row;

	return count_cell(buf, u->counts[TCPSTATE_STATE_TIME_WAIT]);
}

static bool cell_close_wait(char *buf, const void *row)
{
	const struct unit *u = row;

	return count_cell(buf, u->counts[TCPSTATE_STATE_CLOSE_WAIT]);
}

static const struct column columns[] = {
	{ "UNIT", SCOLS_FL_TRUNC, cell_name },
	{ "LISTENERS", SCOLS_FL_RIGHT, cell_listeners },
	{ "PEERS", SCOLS_FL_RIGHT, cell_peers },
	{ "QUEUE", SCOLS_FL_RIGHT, cell_queue },
	{ "ESTAB", SCOLS_FL_RIGHT, cell_established },
	{ "TIME_WAIT", SCOLS_FL_RIGHT, cell_time_wait },
	{ "CLOSE_WAIT", SCOLS_FL_RIGHT, cell_close_wait },
};

_Static_assert(ARRAY_SIZE(columns) <= TABLE_COLUMNS, "a table has room for them");

char *units_text(const struct trouble *t, const struct options *o)
{
	struct unit *units = t->counted ? calloc(t->peers.n + 1, sizeof(*units)) : NULL;
	struct table table;
	char *text;
	size_t n;

	if (!units)
		return NULL;
	n = find_units(t, units);
	table = TABLE(columns, units, n < PEER_ROWS ? n : PEER_ROWS);
	text = table_text(&table, o);
	free(units);
	return text;
}
