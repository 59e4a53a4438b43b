// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate verify: every endpoint against the kernel's own list of its sockets.
 *
 * The two lists are read one after the other, and connections move in between. What differs is
 * therefore looked at again, endpoint by endpoint, for 1.5 seconds: the module corrects some
 * records only at its next tick, every 250 ms. A difference is what is the same at the last two
 * looks; everything else has moved.
 */
#include <errno.h>
#include <inttypes.h>
#include <libsmartcols.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

#include "../lib/compare.h"
#include "../lib/format.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define DIM		"\033[2m"
#define LINES_DEFAULT	20
#define BIT(state)	(1u << (state))
#define ALL_STATES	(BIT(TCPSTATE_STATE_LAST + 1) - BIT(TCPSTATE_STATE_FIRST))

/* Above so many, two dumps are cheaper than two questions each. */
#define ASK_MAX		4096

static const unsigned int pauses_ms[] = { 50, 100, 200, 400, 700 };

/**
 * struct row - one state, as the first look has found it
 * @kernel: sockets; not known of CLOSE, which is in none of the kernel's tables
 * @ours: records; not known of LISTEN where the module goes by packets alone
 * @different: differences that are left in which either side is in this state; not known where one
 *	of the others is not
 */
struct row {
	struct tcpstate_value kernel;
	struct tcpstate_value ours;
	struct tcpstate_value different;
};

/**
 * struct verification - one run
 * @o: options
 * @link: to the module
 * @diag: to inet_diag
 * @asked: that of the two which has been asked last
 * @filter: of both: addresses and ports. Not states: one side may be in another one
 * @netns: inode of the network namespace
 * @listeners: LISTEN is tracked
 * @states: those asked for that both sides know, as a set of BIT()
 * @kernel: the kernel's sockets at the last look
 * @ours: the module's records at the last look
 * @rows: counts
 * @endpoints: sockets that have been compared
 * @moved: endpoints that differed, but not for good
 * @left: differences
 */
struct verification {
	const struct options *o;
	struct tcpstate_link *link;
	struct tcpstate_link *diag;
	struct tcpstate_link *asked;
	struct tcpstate_filter filter;
	uint64_t netns;
	bool listeners;
	uint32_t states;
	struct tcpstate_view kernel;
	struct tcpstate_view ours;
	struct row rows[TCPSTATE_STATE_LAST + 1];
	uint64_t endpoints;
	uint64_t moved;
	struct tcpstate_differences left;
};

/* Looking */

static int add_seen(const struct tcpstate_seen *seen, void *arg)
{
	return tcpstate_view_add(arg, seen);
}

static int add_endpoint(const struct tcpstate_endpoint *e, void *arg)
{
	const struct tcpstate_seen seen = {
		.tuple = e->tuple, .state = e->local, .cookie = e->socket.cookie.n,
	};

	return e->local == TCPSTATE_STATE_CLOSE ? 0 : tcpstate_view_add(arg, &seen);
}

static void begin_anew(void *arg)
{
	struct tcpstate_view *view = arg;

	view->n = 0;
}

static int dump_both(struct verification *v, uint32_t states)
{
	struct tcpstate_filter filter = v->filter;
	int ret;

	filter.states = states;
	v->asked = v->diag;
	ret = tcpstate_diag_sockets(v->diag, &filter, add_seen, begin_anew, &v->kernel);
	if (ret)
		return ret;
	v->asked = v->link;
	return tcpstate_link_endpoints(v->link, &filter, add_endpoint, begin_anew, &v->ours);
}

static int ask_both(struct verification *v, const struct tcpstate_tuple *tuple)
{
	struct tcpstate_endpoint e;
	struct tcpstate_seen seen;
	int ret;

	v->asked = v->diag;
	ret = tcpstate_diag_socket(v->diag, tuple, &seen);
	if (!ret)
		ret = add_seen(&seen, &v->kernel);
	if (ret && ret != -ENOENT)
		return ret;
	v->asked = v->link;
	ret = tcpstate_link_endpoint(v->link, tuple, &e);
	if (!ret)
		ret = add_endpoint(&e, &v->ours);
	return ret == -ENOENT ? 0 : ret;
}

/* At what differs, which may be all. Listeners share addresses: a question would find only one. */
static int look_again(struct verification *v)
{
	bool listeners = false;
	int ret = 0;
	size_t i;

	v->kernel.n = 0;
	v->ours.n = 0;
	if (v->left.n > ASK_MAX)
		return dump_both(v, 0);
	for (i = 0; i < v->left.n; i++)
		listeners |= !v->left.at[i].tuple.rport;
	if (listeners)
		ret = dump_both(v, BIT(TCPSTATE_STATE_LISTEN));
	for (i = 0; i < v->left.n && !ret; i++) {
		if (v->left.at[i].tuple.rport)
			ret = ask_both(v, &v->left.at[i].tuple);
	}
	return ret;
}

static void pause_ms(unsigned int ms)
{
	const struct timespec t = { .tv_nsec = (long)ms * NS_PER_MS };

	nanosleep(&t, NULL);
}

static int look_until_settled(struct verification *v)
{
	struct tcpstate_differences now = { NULL, 0, 0 };
	const uint64_t first = v->left.n;
	unsigned int i;
	int ret = 0;

	for (i = 0; i < ARRAY_SIZE(pauses_ms) && v->left.n && !ret; i++) {
		pause_ms(pauses_ms[i]);
		ret = look_again(v);
		if (!ret)
			ret = tcpstate_compare(&v->kernel, &v->ours, v->states, &now);
		if (!ret)
			tcpstate_differences_update(&v->left, &now);
	}
	tcpstate_differences_settle(&v->left);
	v->moved = first - v->left.n;
	tcpstate_differences_free(&now);
	return ret;
}

static void count(struct verification *v)
{
	static const struct tcpstate_value zero = { 0, true }, unknown = { 0, false };
	unsigned int s;
	size_t i;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++)
		v->rows[s] = (struct row){ zero, zero, zero };
	for (i = 0; i < v->kernel.n; i++)
		v->rows[v->kernel.at[i].state].kernel.n++;
	for (i = 0; i < v->ours.n; i++)
		v->rows[v->ours.at[i].state].ours.n++;
	v->rows[TCPSTATE_STATE_CLOSE].kernel = unknown;
	if (!v->listeners)
		v->rows[TCPSTATE_STATE_LISTEN].ours = unknown;
	v->endpoints = 0;
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (v->states & BIT(s))
			v->endpoints += v->rows[s].kernel.n;
		if (!v->rows[s].kernel.known || !v->rows[s].ours.known)
			v->rows[s].different = unknown;
	}
}

static void count_differences(struct verification *v)
{
	const struct tcpstate_difference *d;
	size_t i;

	for (i = 0; i < v->left.n; i++) {
		d = &v->left.at[i];
		if (d->kernel)
			v->rows[d->kernel].different.n += d->count;
		if (d->ours && d->ours != d->kernel)
			v->rows[d->ours].different.n += d->count;
	}
}

/*
 * What the module tracks. Asked after the questions, too: without it, every endpoint is missing.
 * -ESHUTDOWN: it is switched off, which has been said.
 */
static int ask_module(struct verification *v)
{
	struct tcpstate_stats stats;
	int ret;

	v->asked = v->link;
	ret = tcpstate_link_stats(v->link, &stats);
	if (ret)
		return ret;
	if (say_if_off(&stats.snapshot.health))
		return -ESHUTDOWN;
	v->netns = stats.snapshot.netns.n;
	v->listeners = stats.snapshot.health.coverage.n == TCPSTATE_EVIDENCE_SOCKETS;
	v->states = (v->o->filter.states ? v->o->filter.states : ALL_STATES) &
		    ~BIT(TCPSTATE_STATE_CLOSE);
	if (!v->listeners)
		v->states &= ~BIT(TCPSTATE_STATE_LISTEN);
	return 0;
}

static int look(struct verification *v)
{
	int ret = ask_module(v);

	v->kernel.n = 0;
	v->ours.n = 0;
	if (!ret)
		ret = dump_both(v, 0);
	if (!ret)
		ret = tcpstate_compare(&v->kernel, &v->ours, v->states, &v->left);
	if (ret)
		return ret;
	count(v);
	ret = look_until_settled(v);
	count_differences(v);
	return ret || !(v->left.n || v->moved) ? ret : ask_module(v);
}

/* Text */

static bool wanted(const struct verification *v, unsigned int state)
{
	return !v->o->filter.states || v->o->filter.states & BIT(state);
}

static int add_columns(struct libscols_table *tb)
{
	static const char * const headings[] = { "STATE", "KERNEL", "OURS", "DIFFERENT" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(headings); i++) {
		if (!scols_table_new_column(tb, headings[i], 0, i ? SCOLS_FL_RIGHT : 0))
			return -ENOMEM;
	}
	return 0;
}

static int add_row(struct libscols_table *tb, const char *name, const struct row *row)
{
	const struct tcpstate_value *values[] = { &row->kernel, &row->ours, &row->different };
	struct libscols_line *line = scols_table_new_line(tb, NULL);
	char text[TCPSTATE_FORMAT_MAX];
	unsigned int i;
	int ret;

	if (!line)
		return -ENOMEM;
	ret = scols_line_set_data(line, 0, name);
	for (i = 0; i < ARRAY_SIZE(values) && !ret; i++) {
		if (values[i]->known)
			tcpstate_format_count(text, sizeof(text), values[i]->n);
		else
			strcpy(text, "-");
		ret = scols_line_set_data(line, i + 1, text);
	}
	if (!ret && !row->kernel.n && !row->ours.n)
		ret = scols_line_set_color(line, DIM);
	return ret;
}

static int print_table(const struct verification *v)
{
	struct libscols_table *tb = new_table(v->o);
	unsigned int s;
	int ret;

	if (!tb)
		return -ENOMEM;
	ret = add_columns(tb);
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST && !ret; s++) {
		if (wanted(v, s))
			ret = add_row(tb, tcpstate_state_name(s), &v->rows[s]);
	}
	if (!ret)
		ret = scols_print_table(tb);
	scols_unref_table(tb);
	return ret;
}

static void print_verdict(const struct verification *v)
{
	char n[TCPSTATE_FORMAT_MAX];

	putchar('\n');
	if (!v->listeners && wanted(v, TCPSTATE_STATE_LISTEN))
		puts("LISTEN is left out: the module goes by packets alone, which do not tell");
	tcpstate_format_count(n, sizeof(n), v->endpoints);
	printf("verified %s endpoint%s: ", n, v->endpoints == 1 ? "" : "s");
	tcpstate_format_count(n, sizeof(n), v->left.n);
	if (v->left.n)
		printf("%s not as the kernel's sockets", n);
	else
		printf("all as the kernel's sockets");
	tcpstate_format_count(n, sizeof(n), v->moved);
	if (v->moved)
		printf(" (%s moved meanwhile)", n);
	putchar('\n');
}

static const char *state_or_none(unsigned int state)
{
	return state ? tcpstate_state_name(state) : "none";
}

static void print_difference(const struct tcpstate_difference *d, const struct options *o)
{
	char local[ENDPOINT_MAX], remote[ENDPOINT_MAX];

	format_end(local, sizeof(local), &d->tuple, false, o->resolve);
	format_end(remote, sizeof(remote), &d->tuple, true, o->resolve);
	printf("%s %s kernel=%s ours=%s", local, remote, state_or_none(d->kernel),
	       state_or_none(d->ours));
	if (d->count > 1)
		printf(" (%" PRIu32 " of them)", d->count);
	putchar('\n');
}

static int print_text(const struct verification *v)
{
	size_t most = v->o->filter.limit ? v->o->filter.limit : LINES_DEFAULT, i;
	char n[TCPSTATE_FORMAT_MAX];
	int ret = print_table(v);

	if (ret)
		return ret;
	if (!v->o->no_header)
		print_verdict(v);
	for (i = 0; i < v->left.n && i < most; i++)
		print_difference(&v->left.at[i], v->o);
	if (v->left.n > most) {
		tcpstate_format_count(n, sizeof(n), v->left.n - most);
		printf("and %s more\n", n);
	}
	return 0;
}

/* JSON */

static json_t *states_json(const struct verification *v)
{
	json_t *states = json_object();
	unsigned int s;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST && states; s++) {
		if (!wanted(v, s))
			continue;
		if (json_object_set_new(states, tcpstate_state_name(s),
					json_pack("{s:o, s:o, s:o}",
						  "kernel", value_json(&v->rows[s].kernel),
						  "ours", value_json(&v->rows[s].ours),
						  "different",
						  value_json(&v->rows[s].different)))) {
			json_decref(states);
			return NULL;
		}
	}
	return states;
}

static json_t *state_json(unsigned int state)
{
	return state ? json_string(tcpstate_state_name(state)) : json_null();
}

static json_t *difference_json(const struct tcpstate_difference *d, const struct options *o)
{
	json_t *object = tuple_json(&d->tuple, o->resolve), *rest;

	rest = json_pack("{s:o, s:o, s:I}", "kernel", state_json(d->kernel),
			 "ours", state_json(d->ours), "count", (json_int_t)d->count);
	if (json_object_update(object, rest)) {
		json_decref(object);
		object = NULL;
	}
	json_decref(rest);
	return object;
}

/* Piece by piece, as a list is. */
static int print_document(const struct verification *v)
{
	size_t most = v->o->filter.limit ? v->o->filter.limit : v->left.n, i;
	json_t *object = states_json(v);

	if (!object)
		return -ENOMEM;
	printf("{\"netns\":%" PRIu64 ",\"states\":", v->netns);
	json_dumpf(object, stdout, JSON_COMPACT);
	json_decref(object);
	printf(",\"endpoints\":%" PRIu64 ",\"moved\":%" PRIu64 ",\"different\":%zu,"
	       "\"verified\":%s,\"differences\":[", v->endpoints, v->moved, v->left.n,
	       v->left.n ? "false" : "true");
	for (i = 0; i < v->left.n && i < most; i++) {
		object = difference_json(&v->left.at[i], v->o);
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

/* Again and again */

/* A signal must not come between the question whether there was one and the sleep. */
static void sleep_unless_interrupted(unsigned int seconds)
{
	const struct timespec t = { .tv_sec = seconds };
	sigset_t ours, before;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (!interrupted)
		pselect(0, NULL, NULL, NULL, &t, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
}

/* Differences are no reason to stop watching; what ends a single reading is. */
static int watch(struct verification *v)
{
	const struct options *o = v->o;
	bool clear = o->watch && isatty(STDOUT_FILENO) && !o->json;
	int ret;

	for (;;) {
		ret = look(v);
		if (ret)
			return ret;
		if (clear)
			printf("\033[H\033[2J");
		ret = o->json ? print_document(v) : print_text(v);
		if (ret || !o->watch || interrupted || fflush(stdout))
			return ret;
		sleep_unless_interrupted(o->watch);
		if (interrupted)
			return 0;
		if (!clear && !o->json)
			putchar('\n');
	}
}

static enum exit_code failed(const struct verification *v, int err)
{
	if (ferror(stdout) || err == -ESHUTDOWN)
		return TCPSTATE_FAILURE;
	if (err != -ENOMEM)
		return link_failed(v->asked, err);
	fprintf(stderr, "tcpstate: too many connections for the memory\n");
	return TCPSTATE_FAILURE;
}

enum exit_code verify(const struct options *o)
{
	struct verification v = { .o = o, .filter = o->filter };
	enum exit_code code;
	int ret;

	v.filter.states = 0;
	v.filter.limit = 0;
	if (o->watch)
		catch_interrupts();
	ret = tcpstate_link_open(&v.link);
	if (!ret)
		ret = tcpstate_diag_open(&v.diag);
	if (!ret)
		ret = watch(&v);
	if (ret)
		code = failed(&v, ret);
	else
		code = v.left.n ? TCPSTATE_FAILURE : TCPSTATE_OK;
	tcpstate_differences_free(&v.left);
	tcpstate_view_free(&v.kernel);
	tcpstate_view_free(&v.ours);
	tcpstate_link_close(v.diag);
	tcpstate_link_close(v.link);
	return code;
}
