/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of silence: what is normal, or somebody else's trouble, raises nothing. And so that a test hears
 * nothing because there is nothing, and not because nobody speaks, it ends with trouble that has to be told.
 */
#ifndef SILENCE_H
#define SILENCE_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "nl_alert.h"
#include "notices.h"

#define MINUTES(n)	((n) * 60000u)

/* TCPSTATE_SILENCE=full: as many and as fast as the text says. Else what takes long on an emulated machine is less. */
static inline bool full_form(void)
{
	const char *form = getenv("TCPSTATE_SILENCE");

	return form && !strcmp(form, "full");
}

static inline uint64_t ms_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000ull + t.tv_nsec / 1000000;
}

/* Listens until @ms_now() is @when. */
static inline int notices_until(struct notices *s, uint64_t when)
{
	uint64_t now = ms_now();

	return notices_take(s, now < when ? when - now : 0);
}

/* Nothing was told, nothing that was told is lost, and no alert is there, active or ended. */
static inline int silent(struct notices *s)
{
	static struct nl_alert alerts[TCPSTATE_ALERTS_MAX];
	int n, i;

	if (notices_take(s, 0))
		return -1;
	n = nl_alerts(&s->ask, alerts, TCPSTATE_ALERTS_MAX);
	for (i = 0; i < n && i < TCPSTATE_ALERTS_MAX; i++)
		printf("# alert %u: kind %u severity %u reason %u value %llu limit %llu, peer %u port %u\n",
		       alerts[i].id, alerts[i].kind, alerts[i].severity, alerts[i].reason,
		       (unsigned long long)alerts[i].value, (unsigned long long)alerts[i].limit,
		       alerts[i].peer.kind, alerts[i].peer.port[0]);
	if (n || s->n)
		printf("# %d alerts, %zu notices\n", n, s->n);
	return n || s->n ? -1 : 0;
}

#define DEAF_PORT	9

/* 95 connections that nobody accepts are a page, here and now: the first that is told. */
static inline int hears(struct notices *s)
{
	int listener = nl_listen("127.0.0.1", DEAF_PORT, 100), fd[95], i, bad = listener < 0;
	const struct nl_alert *n;

	for (i = 0; i < 95; i++) {
		fd[i] = nl_connect(NULL, 0, "127.0.0.1", DEAF_PORT, false);
		bad |= fd[i] < 0;
	}
	n = notices_await(s, 30000, TCPSTATE_ALERT_KIND_ACCEPT_STALLED, TCPSTATE_ALERT_ACTION_RAISE,
			  TCPSTATE_SEVERITY_PAGE);
	bad |= !n || n->peer.port[0] != DEAF_PORT || n->value != 95;
	for (i = 0; i < 95; i++)
		close(fd[i]);
	close(listener);
	return bad ? -1 : 0;
}

#define SILENT(s)	EXPECT_EQ(0, silent(s))
#define HEARS(s)	EXPECT_EQ(0, hears(s)) TH_LOG("trouble was not told")

#endif
