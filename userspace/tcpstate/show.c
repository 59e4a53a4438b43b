// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate show: what is wrong, who has trouble, and all eleven states, or those asked for, also
 * those nobody is in. A row that comes and goes cannot be compared at a glance, nor summed by a
 * script.
 *
 * The states are those of /proc/tcpstate, which everybody can read. Alerts, listeners and
 * destinations come by netlink; who may not ask for them gets what /proc says.
 */
#include <errno.h>
#include <libsmartcols.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/format.h"
#include "../lib/proc.h"
#include "alerts.h"
#include "tcpstate.h"

#define DIM "\033[2m"

/**
 * struct reading - all that is shown
 * @s: the states
 * @t: alerts, listeners, destinations
 * @stats: what netlink says more of the states
 * @has_stats: whether it has said it
 * @at_least: sign before an age that may be higher
 */
struct reading {
	struct tcpstate_snapshot s;
	struct trouble t;
	struct tcpstate_stats stats;
	bool has_stats;
	const char *at_least;
};

/* How the text shows what model.h's tables name: same index, same number. */
static const struct column {
	const char *heading;
	void (*format)(char *buf, size_t size, uint64_t n);
} columns[TCPSTATE_ROW_FIELDS] = {
	[TCPSTATE_ROW_COUNT] = { "NOW", tcpstate_format_count },
	[TCPSTATE_ROW_ENTERED] = { "ENTERED", tcpstate_format_count },
	[TCPSTATE_ROW_OLDEST] = { "OLDEST", tcpstate_format_duration },
};

/* Totals that say what the counts below them leave out; silent at zero. */
static const char * const shortfalls[TCPSTATE_TOTAL_FIELDS] = {
	[TCPSTATE_TOTAL_INVALID] = "segments that a socket drops: out of window, damaged",
	[TCPSTATE_TOTAL_MALFORMED] = "fragments, and segments with a broken header",
	[TCPSTATE_TOTAL_UNTRACKED] = "segments and changes of sockets that had no record",
};

/* What moves the local ends, and how often that was wrong. Older modules do not say. */
static void print_health(const struct tcpstate_health *h)
{
	char n[TCPSTATE_FORMAT_MAX];

	if (switched_off(h)) {
		puts("switched off, nothing is counted or watched: tcpstate on");
	} else if (h->coverage.n == TCPSTATE_EVIDENCE_PACKETS) {
		printf("packets only: %ssocket_evidence=0\n", h->tracepoint.n ? "" :
		       "tracepoint sock:inet_sock_set_state missing, or ");
	} else if (h->coverage.n == TCPSTATE_EVIDENCE_SOCKETS) {
		tcpstate_format_count(n, sizeof(n), h->divergence.n);
		printf("sees all sockets%s, %s corrected\n",
		       h->untracked.n ? " but the untracked" : "",
		       h->divergence.known ? n : "unknown number");
	}
}

/* What is not in the verdict, which tells of health, too. */
static void print_summary(const struct tcpstate_snapshot *s, bool verdict)
{
	char tracked[TCPSTATE_FORMAT_MAX], limit[TCPSTATE_FORMAT_MAX], n[TCPSTATE_FORMAT_MAX];
	const struct tcpstate_value *v;
	unsigned int i;

	tcpstate_format_count(tracked, sizeof(tracked), s->tracked.n);
	tcpstate_format_count(limit, sizeof(limit), s->limit.n);
	printf("%s endpoint%s tracked (limit %s)", tracked,
	       s->tracked.n == 1 ? "" : "s", limit);
	if (s->transitions.known) {
		tcpstate_format_count(n, sizeof(n), s->transitions.n);
		printf(", %s transition%s", n, s->transitions.n == 1 ? "" : "s");
	}
	putchar('\n');
	if (!verdict)
		print_health(&s->health);
	for (i = 0; i < TCPSTATE_TOTAL_FIELDS; i++) {
		v = tcpstate_field_get(s, &tcpstate_total_fields[i]);
		if (!shortfalls[i] || !v->n)
			continue;
		tcpstate_format_count(n, sizeof(n), v->n);
		printf("%s %s (%s)\n", tcpstate_total_fields[i].name, n, shortfalls[i]);
	}
	putchar('\n');
}

/* The last line may lack its end. */
static void print_lines(char *lines)
{
	size_t len = lines ? strlen(lines) : 0;

	if (len)
		printf("%s%s", lines, lines[len - 1] == '\n' ? "" : "\n");
	free(lines);
}

static void print_trouble(const struct reading *r, const struct options *o)
{
	struct verdict v;
	unsigned int i;

	if (r->t.known) {
		verdict_build(&v, &r->t, &r->s.health, &r->stats, VERDICT_LINES);
		for (i = 0; i < v.n; i++)
			puts(v.line[i]);
	}
	print_summary(&r->s, r->t.known);
	print_lines(listeners_text(&r->t, o));
	print_lines(destinations_text(&r->t, o));
}

static int add_columns(struct libscols_table *tb, const struct reading *r)
{
	unsigned int i;

	if (!scols_table_new_column(tb, "STATE", 0, 0))
		return -ENOMEM;
	for (i = 0; i < TCPSTATE_ROW_FIELDS; i++) {
		if (!scols_table_new_column(tb, columns[i].heading, 0, SCOLS_FL_RIGHT))
			return -ENOMEM;
	}
	if (r->has_stats && !scols_table_new_column(tb, ">60s", 0, SCOLS_FL_RIGHT))
		return -ENOMEM;
	return 0;
}

static void format_field(char *buf, size_t size, const struct reading *r, unsigned int state,
			 unsigned int field)
{
	const struct tcpstate_row *row = &r->s.state[state];
	const struct tcpstate_value *v = tcpstate_field_get(row, &tcpstate_row_fields[field]);
	size_t used = 0;

	/* Nobody in the state: then there is no oldest, not one of 0 ms. */
	if (!v->known || (field == TCPSTATE_ROW_OLDEST && !row->count.n)) {
		strcpy(buf, "-");
		return;
	}
	if (field == TCPSTATE_ROW_OLDEST && r->has_stats && oldest_at_least(row, &r->stats))
		used = snprintf(buf, size, "%s", r->at_least);
	columns[field].format(buf + used, size - used, v->n);
}

static int add_row(struct libscols_table *tb, const struct reading *r, unsigned int state)
{
	const struct tcpstate_row *row = &r->s.state[state];
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[TCPSTATE_FORMAT_MAX + 4];
	unsigned int i;
	int ret;

	if (!line)
		return -ENOMEM;
	ret = scols_line_set_data(line, 0, tcpstate_state_name(state));
	for (i = 0; i < TCPSTATE_ROW_FIELDS && !ret; i++) {
		format_field(text, sizeof(text), r, state, i);
		ret = scols_line_set_data(line, i + 1, text);
	}
	if (!ret && r->has_stats) {
		tcpstate_format_count(text, sizeof(text), r->stats.older[state][0]);
		ret = scols_line_set_data(line, i + 1, row->count.n ? text : "-");
	}
	if (!ret && !row->count.n)
		ret = scols_line_set_color(line, DIM);
	return ret;
}

static bool wanted(unsigned int state, const struct options *o)
{
	return !o->filter.states || o->filter.states & (1u << state);
}

static int show_text(const struct reading *r, const struct options *o)
{
	struct libscols_table *tb = new_table(o);
	unsigned int i;
	int ret;

	if (!tb)
		return -ENOMEM;
	ret = add_columns(tb, r);
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST && !ret; i++) {
		if (wanted(i, o))
			ret = add_row(tb, r, i);
	}
	if (!ret && !o->no_header)
		print_trouble(r, o);
	if (!ret)
		ret = scols_print_table(tb);
	scols_unref_table(tb);
	return ret;
}

/* null for a number that the module does not give: the keys stay the same. */
static int add_numbers(json_t *object, const struct tcpstate_field *f, const void *base)
{
	const struct tcpstate_value *v;

	for (; f->name; f++) {
		v = tcpstate_field_get(base, f);
		if (json_object_set_new(object, f->name,
					v->known ? json_integer(v->n) : json_null()))
			return -ENOMEM;
	}
	return 0;
}

/* The new object belongs to the parent; NULL if there is no memory. */
static json_t *add_object(json_t *parent, const char *name)
{
	json_t *object = json_object();

	return json_object_set_new(parent, name, object) ? NULL : object;
}

static int add_age(json_t *object, const char *name, const struct tcpstate_value *ns)
{
	return json_object_set_new(object, name, ns->known ? json_integer(ns->n / NS_PER_MS) :
				   json_null());
}

static int add_health(json_t *root, const struct tcpstate_health *h,
		      const struct tcpstate_stats *stats)
{
	const char *coverage = tcpstate_coverage_name(h->coverage.n);
	json_t *object = add_object(root, "health");

	if (!object || json_object_set_new(object, "coverage", coverage ? json_string(coverage) :
					   json_null()) ||
	    add_numbers(object, tcpstate_health_fields, h) ||
	    add_age(object, "verified_ms", &stats->verified_ns) ||
	    add_age(object, "on_ms", &stats->on_ns))
		return -ENOMEM;
	return 0;
}

/* null where the module does not say. */
static int add_trouble(json_t *root, const struct trouble *t)
{
	if (json_object_set_new(root, "alerts", t->known ? alerts_json(t, false) : json_null()) ||
	    json_object_set_new(root, "listeners", t->known ? peers_json(t, true) : json_null()) ||
	    json_object_set_new(root, "peers", t->counted ? peers_json(t, false) : json_null()))
		return -ENOMEM;
	return 0;
}

static int build_json(json_t *root, const struct reading *r, const struct options *o)
{
	const struct tcpstate_snapshot *s = &r->s;
	json_t *states, *object;
	unsigned int i;

	if (json_object_set_new(root, "version", json_integer(s->version)) ||
	    add_numbers(root, tcpstate_head_fields, s))
		return -ENOMEM;
	states = add_object(root, "states");
	if (!states)
		return -ENOMEM;
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		if (!wanted(i, o))
			continue;
		object = add_object(states, tcpstate_state_name(i));
		if (!object || add_numbers(object, tcpstate_row_fields, &s->state[i]))
			return -ENOMEM;
	}
	object = add_object(root, "totals");
	if (!object || add_numbers(object, tcpstate_total_fields, s))
		return -ENOMEM;
	if (add_health(root, &s->health, &r->stats))
		return -ENOMEM;
	return add_trouble(root, &r->t);
}

static int show_json(const struct reading *r, const struct options *o)
{
	json_t *root = json_object();
	int ret;

	ret = root ? build_json(root, r, o) : -ENOMEM;
	if (ret)
		json_decref(root);
	else
		print_json(root);
	return ret;
}

static enum exit_code load(const char *path, struct reading *r,
			   struct tcpstate_proc_trouble *trouble)
{
	char err[512];
	int ret;

	ret = tcpstate_proc_read_all(path, &r->s, trouble, err, sizeof(err));
	if (!ret)
		return TCPSTATE_OK;
	/* A symlink that leads nowhere counts: this namespace has no tracker. */
	if (ret == -ENOENT && !strcmp(path, TCPSTATE_PROC_PATH)) {
		fprintf(stderr, "tcpstate: %s\n", TCPSTATE_LINK_ABSENT);
		return TCPSTATE_NOT_LOADED;
	}
	fprintf(stderr, "tcpstate: %s\n", err);
	return TCPSTATE_FAILURE;
}

/* By netlink, unless it is another file that is shown. */
static int find_trouble(struct reading *r, const struct options *o,
			const struct tcpstate_proc_trouble *proc)
{
	struct tcpstate_link *link;
	int ret;

	if (strcmp(o->proc, TCPSTATE_PROC_PATH) || tcpstate_link_open(&link))
		return trouble_find(&r->t, NULL, proc);
	r->has_stats = !tcpstate_link_stats(link, &r->stats);
	ret = trouble_find(&r->t, link, proc);
	tcpstate_link_close(link);
	trouble_find_holders(&r->t);
	return ret;
}

static enum exit_code show_reading(struct reading *r, const struct options *o)
{
	struct tcpstate_proc_trouble *proc = malloc(sizeof(*proc));
	enum exit_code code;
	int err = proc ? 0 : -ENOMEM;

	code = err ? TCPSTATE_OK : load(o->proc, r, proc);
	if (!err && code == TCPSTATE_OK)
		err = find_trouble(r, o, proc);
	free(proc);
	if (code != TCPSTATE_OK)
		return code;
	if (!err)
		err = o->json ? show_json(r, o) : show_text(r, o);
	if (err && !ferror(stdout)) {
		fprintf(stderr, "tcpstate: cannot show it: %s\n", strerror(-err));
		return TCPSTATE_FAILURE;
	}
	return TCPSTATE_OK;
}

enum exit_code show(const struct options *o)
{
	struct reading r = { .at_least = at_least_sign(use_utf8()) };
	enum exit_code code;

	code = show_reading(&r, o);
	trouble_free(&r.t);
	return code;
}
