// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate alerts --follow: what happens to alerts, one a line, until it is interrupted. Those that
 * are active already come first. Nothing is told twice and, as long as the module keeps it, nothing
 * is left out: the subscription begins before the dump, what both tell is told apart by its number,
 * and after an overrun another dump tells what was missed.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"

#define IDLE_MS		1000
#define ENOUGH		1	/* what a callback returns */
#define SEEN_MAX	4096	/* far more than a module keeps */

/* What has been told of an alert. */
struct seen {
	uint32_t id;
	uint64_t seq;
};

/**
 * struct follower - one run
 * @o: options
 * @holders: who has the sockets
 * @seen: alerts that have been told of, those of the last dump and all since then
 * @n_seen: their number
 * @printed: lines
 * @told: losses that have been printed
 * @asked: the link that has been used last
 */
struct follower {
	const struct options *o;
	struct tcpstate_holders *holders;
	struct seen seen[SEEN_MAX];
	unsigned int n_seen;
	uint64_t printed;
	struct tcpstate_loss told;
	const struct tcpstate_link *asked;
};

/* False: it has been told already. */
static bool is_new(struct follower *f, const struct tcpstate_notice *n)
{
	unsigned int i;

	for (i = f->n_seen; i > 0; i--) {
		if (f->seen[i - 1].id != n->alert.id)
			continue;
		if (f->seen[i - 1].seq >= n->seq)
			return false;
		f->seen[i - 1].seq = n->seq;
		return true;
	}
	/* The oldest half is no longer told of by any dump: numbers grow, and few are kept. */
	if (f->n_seen == SEEN_MAX) {
		f->n_seen = SEEN_MAX / 2;
		memmove(f->seen, f->seen + SEEN_MAX / 2, f->n_seen * sizeof(f->seen[0]));
	}
	f->seen[f->n_seen++] = (struct seen){ n->alert.id, n->seq };
	return true;
}

static bool is_seen(const struct follower *f, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < f->n_seen; i++) {
		if (f->seen[i].id == id)
			return true;
	}
	return false;
}

/* 0 is one that was active before. */
static const char *action_word(uint32_t action)
{
	const char *name = action ? tcpstate_action_name(action) : "active";

	return name ? name : "?";
}

static void print_text(const struct follower *f, const struct tcpstate_notice *n)
{
	char kind[32], severity[16], name[ALERT_TEXT], unit[ALERT_TEXT], detail[ALERT_TEXT];
	const struct tcpstate_alert *a = &n->alert;
	char clock[16];

	format_wall(clock, sizeof(clock), n->time_ns, wall_now());
	format_kind(kind, sizeof(kind), a->kind);
	format_severity(severity, sizeof(severity), a->severity);
	format_alert_name(name, sizeof(name), a);
	format_alert_unit(unit, sizeof(unit), f->holders, a);
	format_alert_detail(detail, sizeof(detail), a);
	printf("%s %s %s #%" PRIu32 " %s%s%s %s %s%s%s\n", clock, action_word(n->action), severity,
	       a->id, kind, *name ? " " : "", name, unit, detail, a->ignored ? ", ignored" :
	       a->folded ? ", folded" : "", a->withdrawn ? ", withdrawn: switched off" : "");
}

static int print_object(const struct follower *f, const struct tcpstate_notice *n)
{
	json_t *object, *rest = alert_json(&n->alert, f->holders, true);
	int ret;

	object = json_pack("{s:I, s:I, s:o, s:s}", "seq", (json_int_t)n->seq,
			   "time_ns", (json_int_t)n->time_ns, "time", wall_json(n->time_ns),
			   "action", action_word(n->action));
	ret = object && rest && !json_object_update(object, rest) ? 0 : -ENOMEM;
	json_decref(rest);
	if (ret)
		json_decref(object);
	else
		print_json(object);
	return ret;
}

static int print(struct follower *f, const struct tcpstate_notice *n)
{
	int ret = 0;

	if (f->o->json)
		ret = print_object(f, n);
	else
		print_text(f, n);
	f->printed++;
	if (!ret && (f->printed == f->o->filter.limit || ferror(stdout)))
		ret = ENOUGH;
	return ret;
}

static int take_notice(const struct tcpstate_notice *n, void *arg)
{
	struct follower *f = arg;

	return is_new(f, n) ? print(f, n) : 0;
}

/* A dump says what is; these are what has happened, at the time that is known of it. */
static int print_happened(struct follower *f, const struct tcpstate_notice *from, uint32_t action,
			  uint64_t time_ns)
{
	struct tcpstate_notice n = *from;

	n.action = action;
	n.time_ns = time_ns;
	if (action == TCPSTATE_ALERT_ACTION_RAISE)
		n.alert.cleared = (struct tcpstate_value){ 0, false };
	return print(f, &n);
}

/* Missed: what has happened to it since it was told of last. */
static int print_missed(struct follower *f, const struct tcpstate_notice *n)
{
	const struct tcpstate_alert *a = &n->alert;
	bool seen = is_seen(f, a->id);
	int ret = 0;

	if (!is_new(f, n))
		return 0;
	if (!seen)
		ret = print_happened(f, n, TCPSTATE_ALERT_ACTION_RAISE, a->raised_ns);
	if (!ret && !alert_active(a))
		return print_happened(f, n, TCPSTATE_ALERT_ACTION_CLEAR, a->cleared.n);
	if (!ret && seen)
		ret = print_happened(f, n, TCPSTATE_ALERT_ACTION_UPDATE, wall_now());
	return ret;
}

static int compare_ids(const void *a, const void *b)
{
	const struct tcpstate_notice *x = a, *y = b;

	return (x->alert.id > y->alert.id) - (x->alert.id < y->alert.id);
}

/* The first dump: what has ended is of no interest any more. Later ones: what was missed. */
static int take_dump(struct follower *f, struct alert_list *list, struct tcpstate_link *link,
		     bool first)
{
	uint64_t last = 0;
	int ret = 0;
	size_t i;

	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), compare_ids);
	for (i = 0; i < list->n && !ret; i++) {
		const struct tcpstate_notice *n = &list->at[i];

		last = n->seq > last ? n->seq : last;
		if (!first)
			ret = print_missed(f, n);
		else if (is_new(f, n) && alert_active(&n->alert))
			ret = print_happened(f, n, 0, n->alert.raised_ns);
	}
	if (first)
		tcpstate_link_expect(link, last);
	return ret;
}

static int dump(struct follower *f, struct tcpstate_link *link, struct tcpstate_link *second,
		bool first)
{
	struct alert_list list = { .n = 0 };
	int ret;

	f->asked = second;
	ret = alert_list_read(&list, second);
	if (!ret)
		ret = take_dump(f, &list, link, first);
	free(list.at);
	return ret;
}

/* A reader that cannot keep up shall know it as soon as it is known. */
static bool tell_losses(struct follower *f, const struct tcpstate_loss *loss)
{
	bool overrun = loss->overruns != f->told.overruns;

	if (!overrun && loss->reader == f->told.reader)
		return false;
	f->told = *loss;
	if (f->o->json)
		printf("{\"lost\":{\"kernel\":%" PRIu64 ",\"reader\":%" PRIu64
		       ",\"overruns\":%" PRIu64 "}}\n", loss->kernel, loss->reader,
		       loss->overruns);
	else
		fprintf(stderr, "tcpstate: lost %" PRIu64 " notices so far; "
			"the alerts are read anew\n", loss->reader);
	return true;
}

static int take_arrived(struct follower *f, struct tcpstate_link *link,
			struct tcpstate_link *second)
{
	struct tcpstate_loss loss = { 0 };
	int ret;

	f->asked = link;
	ret = tcpstate_link_notices(link, take_notice, f, &loss);
	if (!ret && tell_losses(f, &loss))
		ret = dump(f, link, second, false);
	fflush(stdout);
	return ret;
}

static int follow(struct follower *f, struct tcpstate_link *link, struct tcpstate_link *second)
{
	struct pollfd in = { .fd = tcpstate_link_fd(link), .events = POLLIN };
	struct tcpstate_config ignored;
	int ret, ready;

	ret = dump(f, link, second, true);
	fflush(stdout);
	while (!ret && !interrupted && !ferror(stdout)) {
		ready = poll(&in, 1, IDLE_MS);
		/* An overrun can swallow the news that the module is gone. */
		if (!ready && tcpstate_link_config_get(second, &ignored) == -ENOENT)
			ret = -ENOENT;
		if (ready > 0)
			ret = take_arrived(f, link, second);
	}
	return ret;
}

static enum exit_code failed(const struct tcpstate_link *link, int err)
{
	if (err == -ENOMEM) {
		fprintf(stderr, "tcpstate: %s\n", strerror(ENOMEM));
		return TCPSTATE_FAILURE;
	}
	return link_failed(link, err);
}

static enum exit_code run(struct follower *f, struct tcpstate_link *link)
{
	struct tcpstate_link *second;
	enum exit_code code = TCPSTATE_OK;
	int ret;

	ret = tcpstate_link_open(&second);
	if (ret)
		return link_failed(second, ret);
	ask_if_off(second);
	ret = follow(f, link, second);
	if (ret == -ENOENT) {
		fprintf(stderr, "tcpstate: the tcpstate module was unloaded\n");
		code = TCPSTATE_NOT_LOADED;
	} else if (ret < 0) {
		code = failed(f->asked, ret);
	}
	tcpstate_link_close(second);
	return code;
}

enum exit_code follow_alerts(const struct options *o)
{
	static struct follower f;
	enum exit_code code;
	struct tcpstate_link *link;
	int ret;

	catch_interrupts();
	f = (struct follower){ .o = o };
	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = tcpstate_link_subscribe_alerts(link, 0);
	if (ret) {
		code = link_failed(link, ret);
		tcpstate_link_close(link);
		return code;
	}
	f.holders = tcpstate_holders_new(NULL, NULL);
	code = f.holders ? run(&f, link) : failed(link, -ENOMEM);
	tcpstate_holders_free(f.holders);
	tcpstate_link_close(link);
	return code;
}
