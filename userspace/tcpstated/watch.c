// SPDX-License-Identifier: GPL-2.0-only
/*
 * The module and its notices. It may be absent, and be taken away or exchanged at any time: then
 * all links end, what was active is over, and the search begins anew.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "tcpstated.h"

#define SEEK_FIRST_NS	(NS_PER_S / 10)
#define SEEK_LAST_NS	NS_PER_S
/* A notice for which the kernel had no memory is missed only when the next one comes. */
#define DUMP_EVERY_NS	(10 * NS_PER_S)

static void take_rest(struct watch *w);

static void close_link(struct tcpstate_link **link)
{
	if (*link)
		tcpstate_link_close(*link);
	*link = NULL;
}

void watch_close(struct watch *w)
{
	close_link(&w->alerts);
	close_link(&w->events);
	close_link(&w->second);
}

/* Each is told once */

static void say_absent(struct watch *w)
{
	w->presence = MODULE_ABSENT;
	w->changes++;
	follow_forget(&w->follow);
	out_line(w->out, json_module(false, clock_ns(CLOCK_REALTIME)), true);
	log_line(LOG_WARNING, ID_ABSENT, "%s", TCPSTATE_LINK_ABSENT);
}

static void say_present(struct watch *w)
{
	if (w->presence == MODULE_PRESENT)
		return;
	w->presence = MODULE_PRESENT;
	w->changes++;
	w->trouble[0] = '\0';
	out_line(w->out, json_module(true, clock_ns(CLOCK_REALTIME)), true);
	log_line(LOG_INFO, ID_PRESENT, "the tcpstate module is loaded, its alerts are followed");
}

static void say_trouble(struct watch *w, const char *what)
{
	if (!strcmp(w->trouble, what))
		return;
	snprintf(w->trouble, sizeof(w->trouble), "%s", what);
	log_line(LOG_ERR, NULL, "%s", what);
}

/* The first look is at once: it may be there again already. */
static void lose(struct watch *w)
{
	take_rest(w);
	watch_close(w);
	if (w->presence == MODULE_ABSENT)
		return;
	say_absent(w);
	w->again_ns = 0;
	w->delay_ns = 0;
}

/*
 * What a failure through @link means: no module, no permission, or something that may pass. NULL:
 * the link could not be opened.
 */
static int fail(struct watch *w, const struct tcpstate_link *link, int err)
{
	/* What else has come may be from the other one. */
	if (err == -ESTALE)
		watch_close(w);
	if (err == -ENOENT || err == -ESTALE) {
		lose(w);
		return 0;
	}
	say_trouble(w, tcpstate_link_error(link));
	watch_close(w);
	return err == -EPERM ? err : 0;
}

/* Dumps */

static int take_listed(const struct tcpstate_notice *n, void *arg)
{
	struct follow_list *list = arg;

	if (list->n < FOLLOW_DUMP)
		list->notice[list->n++] = *n;
	else
		list->cut = true;
	return 0;
}

static void list_anew(void *arg)
{
	struct follow_list *list = arg;

	list->n = 0;
	list->cut = false;
}

static int read_list(struct watch *w)
{
	list_anew(&w->list);
	return tcpstate_link_alerts(w->second, take_listed, list_anew, &w->list);
}

/*
 * -ENOENT: the module that we listen to is gone; -ESTALE: another one has answered. What else fails
 * is tried again in a second.
 */
static int resync(struct watch *w)
{
	int ret = read_list(w);

	w->unsure = ret;
	if (ret)
		return ret == -ENOENT ? ret : 0;
	w->dumped_ns = clock_ns(CLOCK_BOOTTIME);
	return follow_dump(&w->follow, &w->list, w->id.module) == FOLLOW_RELOADED ? -ESTALE : 0;
}

/* To the module */

static int open_events(struct watch *w)
{
	int ret = tcpstate_link_open(&w->events);

	w->lost_events = (struct tcpstate_loss){ .kernel = 0 };
	return ret ? ret : tcpstate_link_subscribe(w->events, 0);
}

/* Subscribed first, asked afterwards: nothing happens unseen. @link: whose error counts. */
static int open_all(struct watch *w, struct tcpstate_link **link)
{
	int ret = tcpstate_link_open(&w->alerts);

	if (!ret)
		ret = tcpstate_link_subscribe_alerts(w->alerts, 0);
	*link = w->alerts;
	if (!ret && w->transitions) {
		ret = open_events(w);
		*link = w->events;
	}
	if (ret)
		return ret;
	ret = tcpstate_link_open(&w->second);
	*link = w->second;
	return ret ? ret : read_list(w);
}

/* What is configured lasts for longer than a module. */
static void tell_ignored(struct watch *w)
{
	int ret = w->second ? ignored_tell(w->ignored, w->second) : 0;

	if (ret && ret != -ENOENT)
		log_line(LOG_ERR, NULL, "the module does not ignore what is configured: %s",
			 tcpstate_link_error(w->second));
}

/* Where nothing else tells that the module is another one, its numbers do. */
static void begin(struct watch *w, const struct identity *id)
{
	bool same = w->id.module && id->module;

	if (!identity_same_module(&w->id, id) && w->presence == MODULE_PRESENT)
		say_absent(w);
	else if (!identity_same_module(&w->id, id))
		follow_forget(&w->follow);
	w->id = *id;
	w->lost_alerts = (struct tcpstate_loss){ .kernel = 0 };
	w->unsure = false;
	w->dumped_ns = clock_ns(CLOCK_BOOTTIME);
	say_present(w);
	tell_ignored(w);
	follow_subscribed(&w->follow);
	if (follow_dump(&w->follow, &w->list, same) == FOLLOW_RELOADED) {
		follow_forget(&w->follow);
		follow_dump(&w->follow, &w->list, true);
	}
	tcpstate_link_expect(w->alerts, w->follow.listed_seq);
}

static int attach(struct watch *w)
{
	struct tcpstate_link *link = NULL;
	struct identity before, after;
	int ret;

	identity_read(&before);
	ret = open_all(w, &link);
	/* Nobody has asked yet whose notices these would be. */
	if (ret == -ENOENT)
		watch_close(w);
	if (ret)
		return fail(w, link, ret);
	identity_read(&after);
	/* Exchanged just now: the links may be to either. */
	if (!identity_same_module(&before, &after))
		watch_close(w);
	else
		begin(w, &after);
	return 0;
}

int watch_seek(struct watch *w)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	int ret;

	if (w->alerts || now < w->again_ns)
		return 0;
	ret = attach(w);
	if (w->alerts) {
		w->delay_ns = 0;
		return ret;
	}
	w->delay_ns = !w->delay_ns ? SEEK_FIRST_NS :
		      w->delay_ns < SEEK_LAST_NS / 2 ? 2 * w->delay_ns : SEEK_LAST_NS;
	w->again_ns = now + w->delay_ns;
	return ret;
}

/* What comes */

static int take_notice(const struct tcpstate_notice *n, void *arg)
{
	struct watch *w = arg;
	uint64_t missing;
	int ret = 0;

	w->taken++;
	switch (follow_sequence(&w->follow, n->seq, &missing)) {
	case FOLLOW_NEXT:
		break;
	case FOLLOW_GAP:
		ret = resync(w);
		break;
	case FOLLOW_RELOADED:
		ret = -ESTALE;
		break;
	}
	/* The module may be gone by now; what it has said holds. */
	if (ret != -ESTALE)
		follow_take(&w->follow, n);
	return ret;
}

/* There is nobody to ask any more. */
static int take_late(const struct tcpstate_notice *n, void *arg)
{
	struct watch *w = arg;
	uint64_t missing;

	w->taken++;
	if (follow_sequence(&w->follow, n->seq, &missing) == FOLLOW_RELOADED)
		return -ESTALE;
	follow_take(&w->follow, n);
	return 0;
}

static int take_transition(const struct tcpstate_transition *t, void *arg)
{
	struct watch *w = arg;

	w->taken++;
	out_line(w->out, json_transition(t, w->epoch_ns), false);
	return 0;
}

static int hear_alerts(struct watch *w, int (*take)(const struct tcpstate_notice *n, void *arg),
		       bool *overrun)
{
	struct tcpstate_loss loss = w->lost_alerts;
	int ret = tcpstate_link_notices(w->alerts, take, w, &loss);

	*overrun = loss.overruns != w->lost_alerts.overruns;
	if (*overrun || loss.reader != w->lost_alerts.reader)
		out_line(w->out, json_lost(&loss, true), true);
	w->lost_alerts = loss;
	return ret;
}

static int hear_events(struct watch *w)
{
	struct tcpstate_loss loss = w->lost_events;
	int ret;

	/* Clocks are set; what is said of now is right now. */
	w->epoch_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	ret = tcpstate_link_events(w->events, take_transition, w, &loss);
	if (loss.kernel != w->lost_events.kernel || loss.reader != w->lost_events.reader)
		out_line(w->out, json_lost(&loss, false), true);
	w->lost_events = loss;
	return ret;
}

static int take_alerts(struct watch *w)
{
	bool overrun;
	int ret = hear_alerts(w, take_notice, &overrun);

	if (!ret && overrun)
		ret = resync(w);
	return ret ? fail(w, w->alerts, ret) : 0;
}

static int take_events(struct watch *w)
{
	int ret = hear_events(w);

	return ret ? fail(w, w->events, ret) : 0;
}

/* What the module had sent before it went is still in the sockets; each call takes a part of it. */
static void take_rest(struct watch *w)
{
	uint64_t before;
	bool overrun;
	int ret = 0;

	do {
		before = w->taken;
		if (w->alerts)
			ret = hear_alerts(w, take_late, &overrun);
	} while (!ret && w->taken != before);
	do {
		before = w->taken;
		ret = w->events ? hear_events(w) : 0;
	} while (!ret && w->taken != before);
}

int watch_take(struct watch *w)
{
	int ret = w->alerts ? take_alerts(w) : 0;

	if (!ret && w->events)
		ret = take_events(w);
	return ret;
}

/* With time */

/* An overrun can swallow the news that the module is gone; another one may be there already. */
static bool still_there(struct watch *w)
{
	struct tcpstate_config ignored;
	struct identity id;

	identity_read(&id);
	return identity_same_module(&w->id, &id) &&
	       tcpstate_link_config_get(w->second, &ignored) != -ENOENT;
}

int watch_tick(struct watch *w)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	int ret;

	if (!w->alerts)
		return 0;
	if (!still_there(w)) {
		lose(w);
		return 0;
	}
	if (!w->unsure && now - w->dumped_ns < DUMP_EVERY_NS)
		return 0;
	ret = resync(w);
	return ret ? fail(w, w->second, ret) : 0;
}

void watch_adjust(struct watch *w)
{
	int ret;

	tell_ignored(w);
	if (!w->transitions)
		close_link(&w->events);
	if (!w->alerts || !w->transitions || w->events)
		return;
	ret = open_events(w);
	if (!ret)
		return;
	log_line(LOG_ERR, NULL, "no transitions: %s", tcpstate_link_error(w->events));
	close_link(&w->events);
}

void watch_set_limit(const struct tcpstate_alert *a, struct tcpstate_holders *holders, void *arg)
{
	const struct watch *w = arg;
	uint32_t limit = w->second ? group_files_limit(w->second, holders, &a->peer) : 0;

	/* Where it fails, the next update of the alert leads here again; it may just have ended. */
	if (limit && limit != a->file_limit.n)
		tcpstate_link_alert_set(w->second, a->id, limit);
}
