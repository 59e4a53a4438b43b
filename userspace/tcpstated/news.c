// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is done with news of alerts: who holds the socket, a JSON line, an entry in the log.
 */
#include <syslog.h>
#include <time.h>

#include "../tcpstate/alerts.h"
#include "tcpstated.h"

#define HOLDERS_S	60	/* what a pass over all processes has found is kept so long */
#define MORE_FIRST_S	10	/* folded alerts come in a bunch */
#define MORE_EVERY_S	3600
#define CARRY_S		1800	/* as long as the kernel does not raise the same again */

uint64_t clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

/* Without memory nobody is named. */
static void ask_holders(struct teller *t)
{
	if (!t->holders)
		t->holders = tcpstate_holders_new(NULL, NULL);
	t->asked_ns = clock_ns(CLOCK_BOOTTIME);
}

static void find_holder(struct teller *t, struct known *k)
{
	ask_holders(t);
	k->held = find_alert_holder(t->holders, &k->alert, &k->holder);
}

/* The share that is a page, the kernel works out. It may have ended meanwhile. */
static void tell_limit(struct teller *t, const struct follow_news *news)
{
	const struct tcpstate_alert *a = news->alert;

	if (a->kind != TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK || !a->has_peer ||
	    news->action == TCPSTATE_ALERT_ACTION_CLEAR || news->over)
		return;
	ask_holders(t);
	if (t->holders)
		t->set_limit(a, t->holders, t->arg);
}

/* The log */

/* False: the log is not told of it, or of many at once later. */
static bool loud(struct teller *t, const struct tcpstate_alert *a, struct known *k)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	if (a->ignored || k->ignored)
		return false;
	if (!a->folded)
		return true;
	if (k->folded)
		return false;
	k->folded = true;
	if (!t->folded && t->more_ns < now)
		t->more_ns = now + MORE_FIRST_S * NS_PER_S;
	t->folded++;
	return false;
}

/* It has begun, or become worse; numbers that change are for JSON. */
static void log_worse(struct teller *t, const struct follow_news *news)
{
	const struct tcpstate_alert *a = news->alert;
	struct known *k = news->known;

	if (news->action == TCPSTATE_ALERT_ACTION_RAISE)
		k->logged = carry_take(t->carry, a);
	if (a->severity <= k->logged || !loud(t, a, k))
		return;
	/* Nobody has to get up any more: its clear says all. */
	if (!news->over)
		log_news(news);
	k->logged = a->severity;
	t->told++;
}

static void log_clear(struct teller *t, const struct follow_news *news)
{
	const struct known *k = news->known;

	if (!k->logged)
		return;
	if (news->source == FOLLOW_UNLOADED)
		carry_put(t->carry, k, clock_ns(CLOCK_BOOTTIME) + CARRY_S * NS_PER_S);
	else
		log_news(news);
}

void teller_tell(const struct follow_news *news, void *teller)
{
	struct teller *t = teller;

	struct known *k = news->known;

	if (news->action == TCPSTATE_ALERT_ACTION_RAISE)
		find_holder(t, k);
	k->ignored = ignored_matches(t->ignored, news->alert, k->held ? &k->holder : NULL);
	out_line(t->out, json_news(news), true);
	if (news->action == TCPSTATE_ALERT_ACTION_CLEAR)
		log_clear(t, news);
	else
		log_worse(t, news);
	tell_limit(t, news);
	t->told += news->action != TCPSTATE_ALERT_ACTION_UPDATE;
}

/* With time */

static void take_back(const struct carried *c)
{
	const struct follow_news news = {
		.action = TCPSTATE_ALERT_ACTION_CLEAR,
		.source = FOLLOW_UNLOADED,
		.alert = &c->known.alert,
		.known = (struct known *)&c->known,
	};

	log_news(&news);
}

static void tell_more(struct teller *t)
{
	log_line(LOG_WARNING, ID_MORE, "and %u more alert%s raised; all of them: tcpstate alerts",
		 t->folded, t->folded == 1 ? " was" : "s were");
	t->folded = 0;
}

void teller_end(struct teller *t)
{
	if (t->folded)
		tell_more(t);
}

void teller_tick(struct teller *t)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);
	struct carried *c;

	while ((c = carry_over(t->carry, now))) {
		take_back(c);
		c->known.alert.id = 0;
		t->told++;
	}
	if (t->folded && now >= t->more_ns) {
		tell_more(t);
		t->more_ns = now + MORE_EVERY_S * NS_PER_S;
	}
	if (t->holders && now - t->asked_ns > HOLDERS_S * NS_PER_S) {
		tcpstate_holders_free(t->holders);
		t->holders = NULL;
	}
}
