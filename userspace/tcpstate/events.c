// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate events: changes of state as they happen, one a line, until it is interrupted.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../lib/format.h"
#include "tcpstate.h"

#define IDLE_MS		1000
#define DIM		"\033[2m"
#define PLAIN		"\033[0m"
#define NS_PER_S	1000000000

/**
 * struct follower - one run
 * @o: options
 * @holders: who has the sockets, NULL: nobody asks
 * @printed: events
 * @epoch_ns: wall clock when CLOCK_BOOTTIME was 0, ns
 * @told: losses that have been printed
 */
struct follower {
	const struct options *o;
	struct tcpstate_holders *holders;
	uint64_t printed;
	uint64_t epoch_ns;
	struct tcpstate_loss told;
};

#define ENOUGH	1	/* what the callback returns */

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static bool wanted(const struct tcpstate_transition *t, const struct tcpstate_filter *f)
{
	if (f->states && !(f->states & (1u << t->from | 1u << t->to)))
		return false;
	return tcpstate_filter_match(f, &t->tuple);
}

static void format_cause(char *buf, size_t size, uint32_t cause)
{
	const char *name = tcpstate_cause_name(cause);

	if (name)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%" PRIu32, cause);
}

static const char *end_name(const struct tcpstate_transition *t)
{
	return t->end == TCPSTATE_END_LOCAL ? "local" : "remote";
}

/* False: nobody asks. The far end's state says nothing of our socket. */
static bool find_holder(const struct follower *f, const struct tcpstate_transition *t,
			struct tcpstate_holder *holder)
{
	unsigned int state = t->end == TCPSTATE_END_LOCAL ? t->to : 0;
	struct tcpstate_socket s = t->socket;

	if (!f->holders)
		return false;
	/* A listener answers with a request socket; with one that could tell, it is Fast Open. */
	if (state == TCPSTATE_STATE_SYN_RECV && t->from == TCPSTATE_STATE_LISTEN &&
	    !s.inode.known)
		s.kind = (struct tcpstate_value){ TCPSTATE_SOCKET_KIND_REQUEST, true };
	tcpstate_holder_follow(f->holders, &s, state, holder);
	return true;
}

static void print_text(const struct follower *f, const struct tcpstate_transition *t)
{
	char local[ENDPOINT_MAX], remote[ENDPOINT_MAX], cause[16], stay[TCPSTATE_FORMAT_MAX] = "-";
	char holding[HOLDER_MAX + 1] = "";
	uint64_t wall = f->epoch_ns + t->time_ns;
	bool dim = f->o->color && t->end == TCPSTATE_END_REMOTE;
	time_t second = wall / NS_PER_S;
	struct tcpstate_holder holder;
	char clock[16] = "";
	struct tm tm;

	if (localtime_r(&second, &tm))
		strftime(clock, sizeof(clock), "%H:%M:%S", &tm);
	format_end(local, sizeof(local), &t->tuple, false, f->o->resolve);
	format_end(remote, sizeof(remote), &t->tuple, true, f->o->resolve);
	format_cause(cause, sizeof(cause), t->cause);
	if (t->duration.known)
		tcpstate_format_duration(stay, sizeof(stay), t->duration.n / NS_PER_MS);
	if (find_holder(f, t, &holder)) {
		holding[0] = ' ';
		format_holder(holding + 1, sizeof(holding) - 1, &holder);
	}
	printf("%s%s.%03u %s %s %s %s -> %s %s %s%s%s\n", dim ? DIM : "", clock,
	       (unsigned int)(wall % NS_PER_S / NS_PER_MS), local, remote, end_name(t),
	       tcpstate_state_name(t->from), tcpstate_state_name(t->to), stay, cause, holding,
	       dim ? PLAIN : "");
}

static int fill_json(json_t *object, const struct follower *f,
		     const struct tcpstate_transition *t)
{
	const char *cause = tcpstate_cause_name(t->cause);
	struct tcpstate_holder holder;
	json_t *rest;
	int ret;

	rest = json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:o, s:o}",
			 "seq", (json_int_t)t->seq, "time_ns", (json_int_t)t->time_ns,
			 "time", wall_json(f->epoch_ns + t->time_ns), "end", end_name(t),
			 "old_state", tcpstate_state_name(t->from),
			 "new_state", tcpstate_state_name(t->to),
			 "cause", cause ? json_string(cause) : json_integer(t->cause),
			 "duration_ns",
			 t->duration.known ? json_integer(t->duration.n) : json_null());
	ret = json_object_update(object, rest) ? -ENOMEM : add_socket_json(object, &t->socket);
	json_decref(rest);
	if (ret || !find_holder(f, t, &holder))
		return ret;
	return add_holder_json(object, &holder);
}

static json_t *event_json(const struct follower *f, const struct tcpstate_transition *t)
{
	json_t *object = tuple_json(&t->tuple, f->o->resolve);

	if (!object || !fill_json(object, f, t))
		return object;
	json_decref(object);
	return NULL;
}

static int take_event(const struct tcpstate_transition *t, void *arg)
{
	struct follower *f = arg;
	json_t *object;

	if (!wanted(t, &f->o->filter))
		return 0;
	if (f->o->json) {
		object = event_json(f, t);
		if (!object)
			return -ENOMEM;
		print_json(object);
	} else {
		print_text(f, t);
	}
	f->printed++;
	return f->printed == f->o->filter.limit || ferror(stdout) ? ENOUGH : 0;
}

/* So far; a reader that cannot keep up shall know it as soon as it is known. */
static void tell_losses(struct follower *f, const struct tcpstate_loss *loss)
{
	if (loss->kernel == f->told.kernel && loss->reader == f->told.reader)
		return;
	f->told = *loss;
	if (f->o->json)
		printf("{\"lost\":{\"kernel\":%" PRIu64 ",\"reader\":%" PRIu64 "}}\n",
		       loss->kernel, loss->reader);
	else
		fprintf(stderr, "tcpstate: lost %" PRIu64 " (kernel %" PRIu64 ")\n",
			loss->kernel + loss->reader, loss->kernel);
}

/* An overrun can swallow the news that the module is gone: after a silence somebody has to ask. */
static bool still_there(struct tcpstate_link *second)
{
	struct tcpstate_config ignored;

	return tcpstate_link_config_get(second, &ignored) != -ENOENT;
}

static int follow(struct follower *f, struct tcpstate_link *link, struct tcpstate_link *second)
{
	struct pollfd in = { .fd = tcpstate_link_fd(link), .events = POLLIN };
	struct tcpstate_loss loss = { 0 };
	int ret = 0, ready;

	while (!ret && !interrupted && !ferror(stdout)) {
		ready = poll(&in, 1, IDLE_MS);
		if (!ready && !still_there(second))
			ret = -ENOENT;
		if (ready > 0) {
			/* Clocks are set; what is said of now is right now. */
			f->epoch_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
			ret = tcpstate_link_events(link, take_event, f, &loss);
			tell_losses(f, &loss);
			fflush(stdout);
		}
	}
	return ret;
}

static int begin(struct follower *f, struct tcpstate_link *link, struct tcpstate_link **second)
{
	int ret = tcpstate_link_open(second);

	if (!ret && f->o->processes) {
		f->holders = tcpstate_holders_new(NULL, NULL);
		ret = f->holders ? 0 : -ENOMEM;
	}
	/* Who waits for it to be switched on may do so. */
	if (!ret)
		ask_if_off(*second);
	return ret ? ret : follow(f, link, *second);
}

enum exit_code follow_events(const struct options *o)
{
	struct tcpstate_link *link, *second = NULL;
	struct follower f = { .o = o };
	enum exit_code code = TCPSTATE_OK;
	int ret;

	catch_interrupts();
	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = tcpstate_link_subscribe(link, 0);
	if (ret) {
		code = link_failed(link, ret);
		tcpstate_link_close(link);
		return code;
	}
	ret = begin(&f, link, &second);
	if (ret == -ENOENT) {
		fprintf(stderr, "tcpstate: the tcpstate module was unloaded\n");
		code = TCPSTATE_NOT_LOADED;
	} else if (ret == -ENOMEM) {
		fprintf(stderr, "tcpstate: %s\n", strerror(ENOMEM));
		code = TCPSTATE_FAILURE;
	} else if (ret < 0) {
		code = link_failed(second ? link : NULL, ret);
	}
	tcpstate_holders_free(f.holders);
	tcpstate_link_close(second);
	tcpstate_link_close(link);
	return code;
}
