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
#include <sys/stat.h>

#include "../lib/format.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DIM		"\033[2m"
#define NS_PER_MS	1000000

struct endpoints {
	struct tcpstate_endpoint *e;
	size_t n;
	size_t room;
};

static void format_state(char *buf, const struct tcpstate_endpoint *e, const struct options *o)
{
	(void)o;
	strcpy(buf, tcpstate_state_name(e->local));
}

static void format_peer(char *buf, const struct tcpstate_endpoint *e, const struct options *o)
{
	(void)o;
	strcpy(buf, tcpstate_state_name(e->remote));
}

static void format_local(char *buf, const struct tcpstate_endpoint *e, const struct options *o)
{
	format_end(buf, ENDPOINT_MAX, &e->tuple, false, o->resolve);
}

static void format_remote(char *buf, const struct tcpstate_endpoint *e, const struct options *o)
{
	format_end(buf, ENDPOINT_MAX, &e->tuple, true, o->resolve);
}

static void format_age(char *buf, const struct tcpstate_endpoint *e, const struct options *o)
{
	(void)o;
	tcpstate_format_duration(buf, ENDPOINT_MAX, e->age_ns / NS_PER_MS);
}

static const struct column {
	const char *heading;
	int flags;
	void (*format)(char *buf, const struct tcpstate_endpoint *e, const struct options *o);
} columns[] = {
	{ "STATE", 0, format_state },
	{ "PEER", 0, format_peer },
	{ "AGE", SCOLS_FL_RIGHT, format_age },	/* before what may be too wide for a terminal */
	{ "LOCAL", 0, format_local },
	{ "REMOTE", 0, format_remote },
};

static int add_endpoint(const struct tcpstate_endpoint *e, void *arg)
{
	struct endpoints *list = arg;
	struct tcpstate_endpoint *more;
	size_t room;

	if (list->n == list->room) {
		room = list->room ? 2 * list->room : 64;
		more = reallocarray(list->e, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->e = more;
		list->room = room;
	}
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
		    const struct options *o)
{
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[ENDPOINT_MAX];
	unsigned int i;
	int ret = line ? 0 : -ENOMEM;

	for (i = 0; i < ARRAY_SIZE(columns) && !ret; i++) {
		columns[i].format(text, e, o);
		ret = scols_line_set_data(line, i, text);
	}
	/* Nobody waits for it any more. */
	if (!ret && e->local == TCPSTATE_STATE_TIME_WAIT)
		ret = scols_line_set_color(line, DIM);
	return ret;
}

static int add_columns(struct libscols_table *tb)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(columns); i++) {
		if (!scols_table_new_column(tb, columns[i].heading, 0, columns[i].flags))
			return -ENOMEM;
	}
	return 0;
}

static int print_text(const struct endpoints *list, const struct options *o)
{
	struct libscols_table *tb = new_table(o);
	size_t i;
	int ret;

	if (!tb)
		return -ENOMEM;
	ret = add_columns(tb);
	for (i = 0; i < list->n && !ret; i++)
		ret = add_line(tb, &list->e[i], o);
	if (!ret && list->n)
		ret = scols_print_table(tb);
	else if (!ret && !o->no_header)
		puts("no connection");
	scols_unref_table(tb);
	return ret;
}

/* JSON */

static json_t *endpoint_json(const struct tcpstate_endpoint *e, const struct options *o)
{
	json_t *object = tuple_json(&e->tuple, o->resolve), *rest;

	rest = json_pack("{s:s, s:s, s:I}",
			 "local_state", tcpstate_state_name(e->local),
			 "remote_state", tcpstate_state_name(e->remote),
			 "age_ns", (json_int_t)e->age_ns);
	if (json_object_update(object, rest)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(rest);
	return object;
}

/* What the inode is called in /proc/tcpstate, too. */
static unsigned long long netns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}

/* Piece by piece: a million connections as one tree would take a gigabyte. */
static int print_document(const struct endpoints *list, const struct options *o)
{
	json_t *object;
	size_t i;

	printf("{\"netns\":%llu,\"endpoints\":[", netns_inode());
	for (i = 0; i < list->n; i++) {
		object = endpoint_json(&list->e[i], o);
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

static enum exit_code read_endpoints(struct endpoints *list, const struct options *o)
{
	struct tcpstate_filter filter = o->filter;
	enum exit_code code = TCPSTATE_OK;
	struct tcpstate_link *link;
	int ret;

	if (o->sort != SORT_NONE)
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
	}
	tcpstate_link_close(link);
	return code;
}

enum exit_code list_endpoints(const struct options *o)
{
	struct endpoints list = { NULL, 0, 0 };
	enum exit_code code;
	int ret;

	code = read_endpoints(&list, o);
	if (code == TCPSTATE_OK) {
		sort(&list, o);
		ret = o->json ? print_document(&list, o) : print_text(&list, o);
		if (ret && !ferror(stdout)) {
			fprintf(stderr, "tcpstate: cannot list them: %s\n", strerror(-ret));
			code = TCPSTATE_FAILURE;
		}
	}
	free(list.e);
	return code;
}
