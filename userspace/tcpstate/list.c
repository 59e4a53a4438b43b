// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate list: the connections that pass the filter, one a line. All are read before the first is
 * printed, so that an error leaves no half list behind.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "../lib/grow.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DIM		"\033[2m"

/**
 * struct endpoints - one reading
 * @e: endpoints
 * @n: their number
 * @room: for so many
 * @o: options
 * @holders: who has their sockets, NULL: nobody asks
 * @at_least: sign before an age that may be higher
 */
struct endpoints {
	struct tcpstate_endpoint *e;
	size_t n;
	size_t room;
	const struct options *o;
	struct tcpstate_holders *holders;
	const char *at_least;
};

static void format_state(char *buf, const struct tcpstate_endpoint *e,
			 const struct endpoints *list)
{
	(void)list;
	strcpy(buf, tcpstate_state_name(e->local));
}

static void format_peer(char *buf, const struct tcpstate_endpoint *e,
			const struct endpoints *list)
{
	(void)list;
	strcpy(buf, tcpstate_state_name(e->remote));
}

static void format_local(char *buf, const struct tcpstate_endpoint *e,
			 const struct endpoints *list)
{
	format_end(buf, ENDPOINT_MAX, &e->tuple, false, list->o->resolve);
}

static void format_remote(char *buf, const struct tcpstate_endpoint *e,
			  const struct endpoints *list)
{
	format_end(buf, ENDPOINT_MAX, &e->tuple, true, list->o->resolve);
}

static void format_age(char *buf, const struct tcpstate_endpoint *e, const struct endpoints *list)
{
	strcpy(buf, e->age_at_least ? list->at_least : "");
	tcpstate_format_duration(buf + strlen(buf), TCPSTATE_FORMAT_MAX, e->age_ns / NS_PER_MS);
}

static void format_holding(char *buf, const struct tcpstate_endpoint *e,
			   const struct endpoints *list)
{
	struct tcpstate_holder holder;

	tcpstate_holder_find(list->holders, &e->socket, e->local, &holder);
	format_holder(buf, ENDPOINT_MAX, &holder);
}

_Static_assert(HOLDER_MAX <= ENDPOINT_MAX, "a cell has room for a holder");

static const struct column {
	const char *heading;
	int flags;
	void (*format)(char *buf, const struct tcpstate_endpoint *e, const struct endpoints *list);
} columns[] = {
	{ "STATE", 0, format_state },
	{ "PEER", 0, format_peer },
	{ "AGE", SCOLS_FL_RIGHT, format_age },	/* before what may be too wide for a terminal */
	{ "LOCAL", 0, format_local },
	{ "REMOTE", 0, format_remote },
	{ "HOLDER", 0, format_holding },	/* the last: only where somebody asks */
};

static size_t count_columns(const struct endpoints *list)
{
	return ARRAY_SIZE(columns) - !list->holders;
}

static int add_endpoint(const struct tcpstate_endpoint *e, void *arg)
{
	struct endpoints *list = arg;
	void *at = tcpstate_grow(list->e, list->n, &list->room, sizeof(*list->e));

	if (!at)
		return -ENOMEM;
	list->e = at;
	list->e[list->n++] = *e;
	return 0;
}

static void begin_anew(void *arg)
{
	struct endpoints *list = arg;

	list->n = 0;
}

/* Order */

static int compare_ages(const void *a, const void *b)
{
	const struct tcpstate_endpoint *x = a, *y = b;

	return (x->age_ns < y->age_ns) - (x->age_ns > y->age_ns);
}

static int compare_tuples(const struct tcpstate_tuple *x, const struct tcpstate_tuple *y,
			  bool remote)
{
	int ret = memcmp(remote ? x->raddr : x->laddr, remote ? y->raddr : y->laddr,
			 sizeof(x->laddr));

	if (x->family != y->family)
		return x->family - y->family;
	if (ret)
		return ret;
	return remote ? x->rport - y->rport : x->lport - y->lport;
}

static int compare_locals(const void *a, const void *b)
{
	const struct tcpstate_endpoint *x = a, *y = b;
	int ret = compare_tuples(&x->tuple, &y->tuple, false);

	return ret ? ret : compare_tuples(&x->tuple, &y->tuple, true);
}

static int compare_remotes(const void *a, const void *b)
{
	const struct tcpstate_endpoint *x = a, *y = b;
	int ret = compare_tuples(&x->tuple, &y->tuple, true);

	return ret ? ret : compare_tuples(&x->tuple, &y->tuple, false);
}

static int compare_states(const void *a, const void *b)
{
	const struct tcpstate_endpoint *x = a, *y = b;

	return x->local == y->local ? compare_ages(a, b) : x->local - y->local;
}

static int (*const compare[])(const void *a, const void *b) = {
	[SORT_NONE] = NULL,
	[SORT_AGE] = compare_ages,
	[SORT_LOCAL] = compare_locals,
	[SORT_REMOTE] = compare_remotes,
	[SORT_STATE] = compare_states,
};

/* The limit is of the sorted list. */
static void sort(struct endpoints *list, const struct options *o)
{
	if (compare[o->sort])
		qsort(list->e, list->n, sizeof(*list->e), compare[o->sort]);
	if (o->filter.limit && list->n > o->filter.limit)
		list->n = o->filter.limit;
}

/* Text */

static int add_line(struct libscols_table *tb, const struct tcpstate_endpoint *e,
		    const struct endpoints *list)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[ENDPOINT_MAX];
	unsigned int i;
	int ret = line ? 0 : -ENOMEM;

	for (i = 0; i < count_columns(list) && !ret; i++) {
		columns[i].format(text, e, list);
		ret = scols_line_set_data(line, i, text);
	}
	/* Nobody waits for it any more. */
	if (!ret && e->local == TCPSTATE_STATE_TIME_WAIT)
		ret = scols_line_set_color(line, DIM);
	return ret;
}

static int add_columns(struct libscols_table *tb, const struct endpoints *list)
{
	unsigned int i;

	for (i = 0; i < count_columns(list); i++) {
		if (!scols_table_new_column(tb, columns[i].heading, 0, columns[i].flags))
			return -ENOMEM;
	}
	return 0;
}

static int print_text(const struct endpoints *list)
{
	struct libscols_table *tb = new_table(list->o);
	size_t i;
	int ret;

	if (!tb)
		return -ENOMEM;
	ret = add_columns(tb, list);
	for (i = 0; i < list->n && !ret; i++)
		ret = add_line(tb, &list->e[i], list);
	if (!ret && list->n)
		ret = scols_print_table(tb);
	else if (!ret && !list->o->no_header)
		puts("no connection");
	scols_unref_table(tb);
	return ret;
}

/* JSON */

/* A number for a kind that this program does not know. */
static json_t *kind_json(const struct tcpstate_value *kind)
{
	const char *name = tcpstate_socket_kind_name(kind->n);

	if (name)
		return json_string(name);
	return kind->known ? json_integer(kind->n) : json_null();
}

static int fill_json(json_t *object, const struct tcpstate_endpoint *e,
		     const struct endpoints *list)
{
	struct tcpstate_holder holder;
	json_t *rest;
	int ret;

	rest = json_pack("{s:s, s:s, s:I, s:b, s:b, s:o}",
			 "local_state", tcpstate_state_name(e->local),
			 "remote_state", tcpstate_state_name(e->remote),
			 "age_ns", (json_int_t)e->age_ns, "age_at_least", (int)e->age_at_least,
			 "bypassed", (int)e->bypassed,
			 "socket_kind", kind_json(&e->socket.kind));
	ret = json_object_update(object, rest) ? -ENOMEM : add_socket_json(object, &e->socket);
	json_decref(rest);
	if (ret || !list->holders)
		return ret;
	tcpstate_holder_find(list->holders, &e->socket, e->local, &holder);
	return add_holder_json(object, &holder);
}

static json_t *endpoint_json(const struct tcpstate_endpoint *e, const struct endpoints *list)
{
	json_t *object = tuple_json(&e->tuple, list->o->resolve);

	if (!object || !fill_json(object, e, list))
		return object;
	json_decref(object);
	return NULL;
}

/* Piece by piece: a million connections as one tree would take a gigabyte. */
static int print_document(const struct endpoints *list)
{
	json_t *object;
	size_t i;

	printf("{\"netns\":%llu,\"endpoints\":[", netns_inode());
	for (i = 0; i < list->n; i++) {
		object = endpoint_json(&list->e[i], list);
		if (!object)
			return -ENOMEM;
		if (i)
			putchar(',');
		json_dumpf(object, stdout, JSON_COMPACT);
		json_decref(object);
	}
	puts("]}");
	return 0;
}

static enum exit_code read_endpoints(struct endpoints *list)
{
	struct tcpstate_filter filter = list->o->filter;
	enum exit_code code = TCPSTATE_OK;
	struct tcpstate_link *link;
	int ret;

	if (list->o->sort != SORT_NONE)
		filter.limit = 0;
	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = tcpstate_link_endpoints(link, &filter, add_endpoint, begin_anew, list);
	if (ret == -ENOMEM) {
		fprintf(stderr, "tcpstate: too many connections for the memory; "
			"--limit lists some\n");
		code = TCPSTATE_FAILURE;
	} else if (ret) {
		code = link_failed(link, ret);
	} else if (!list->n && ask_if_off(link)) {
		code = TCPSTATE_FAILURE;
	}
	tcpstate_link_close(link);
	return code;
}

static int print(struct endpoints *list)
{
	/* Behind the dump: who has accepted a connection meanwhile is found. */
	if (list->o->processes) {
		list->holders = tcpstate_holders_new(NULL, NULL);
		if (!list->holders)
			return -ENOMEM;
	}
	list->at_least = at_least_sign(use_utf8());
	sort(list, list->o);
	return list->o->json ? print_document(list) : print_text(list);
}

enum exit_code list_endpoints(const struct options *o)
{
	struct endpoints list = { .o = o };
	enum exit_code code;
	int ret;

	code = read_endpoints(&list);
	if (code == TCPSTATE_OK) {
		ret = print(&list);
		if (ret && !ferror(stdout)) {
			fprintf(stderr, "tcpstate: cannot list them: %s\n", strerror(-ret));
			code = TCPSTATE_FAILURE;
		}
	}
	tcpstate_holders_free(list.holders);
	free(list.e);
	return code;
}
