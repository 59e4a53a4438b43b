// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network namespaces of this machine as a table.
 */
#define _GNU_SOURCE		/* asprintf() */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"
#include "top.h"

static bool cell_name(char *buf, const void *row)
{
	const struct tcpstate_netns *ns = row;

	snprintf(buf, CELL_TEXT, "%s", ns->name);
	return true;
}

static bool count_state(char *buf, const struct tcpstate_netns *ns, unsigned int state)
{
	return ns->known && value_cell(buf, &ns->s.state[state].count);
}

static bool cell_tracked(char *buf, const void *row)
{
	const struct tcpstate_netns *ns = row;

	return ns->known && value_cell(buf, &ns->s.tracked);
}

static bool cell_established(char *buf, const void *row)
{
	return count_state(buf, row, TCPSTATE_STATE_ESTABLISHED);
}

static bool cell_syn_recv(char *buf, const void *row)
{
	return count_state(buf, row, TCPSTATE_STATE_SYN_RECV);
}

static bool cell_time_wait(char *buf, const void *row)
{
	return count_state(buf, row, TCPSTATE_STATE_TIME_WAIT);
}

static bool cell_close_wait(char *buf, const void *row)
{
	return count_state(buf, row, TCPSTATE_STATE_CLOSE_WAIT);
}

static bool cell_alerts(char *buf, const void *row)
{
	const struct tcpstate_netns *ns = row;

	return ns->known && count_cell(buf, ns->alerts);
}

static const struct column columns[] = {
	{ "NETNS", SCOLS_FL_TRUNC, cell_name },
	{ "TRACKED", SCOLS_FL_RIGHT, cell_tracked },
	{ "ESTAB", SCOLS_FL_RIGHT, cell_established },
	{ "SYN_RECV", SCOLS_FL_RIGHT, cell_syn_recv },
	{ "TIME_WAIT", SCOLS_FL_RIGHT, cell_time_wait },
	{ "CLOSE_WAIT", SCOLS_FL_RIGHT, cell_close_wait },
	{ "ALERTS", SCOLS_FL_RIGHT, cell_alerts },
};

_Static_assert(ARRAY_SIZE(columns) <= TABLE_COLUMNS, "a table has room for them");

char *netns_text(const struct tcpstate_namespaces *ns, unsigned int rows, const struct options *o)
{
	const struct tcpstate_netns *at;
	struct table table;
	char *text, *more;
	size_t n, shown;

	at = tcpstate_namespaces_list(ns, &n);
	/* The last line says how many there are besides. */
	shown = n <= rows ? n : rows > 1 ? rows - 1 : 1;
	table = TABLE(columns, at, shown);
	text = table_text(&table, o);
	if (!text || shown == n || asprintf(&more, "%s\nand %zu more", text, n - shown) < 0)
		return text;
	free(text);
	return more;
}
