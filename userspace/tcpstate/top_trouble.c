// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verdict of top, and the tables that it can show instead of endpoints.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "alerts.h"
#include "top.h"

/* More would leave no room on a small terminal. */
#define VERDICT_MOST	4

/* By netlink; peers, of which there can be thousands, only while they are on the screen. */
static int read_link(struct trouble *t, struct tcpstate_link *link, enum top_list list)
{
	int ret;

	*t = (struct trouble){ .counted = true };
	ret = alert_list_read(&t->alerts, link);
	if (!ret && list != TOP_ENDPOINTS && list != TOP_NAMESPACES)
		ret = peer_list_read(&t->peers, link);
	t->known = !ret;
	return ret;
}

/* What everybody may know; nothing where that fails, too. @refused: the module has alerts. */
static void read_proc(struct trouble *t, bool refused)
{
	struct tcpstate_proc_trouble *proc = malloc(sizeof(*proc));
	struct tcpstate_snapshot s;
	char err[512];

	*t = (struct trouble){ .known = false };
	if (proc && !tcpstate_proc_read_all(TCPSTATE_PROC_PATH, &s, proc, err, sizeof(err)))
		t->known |= !trouble_take(t, proc) && refused;
	free(proc);
}

/* One pass over all processes, and others as tcpstate_holder_follow() thinks fit. */
static void find_holders(struct top_trouble *tt, struct trouble *t)
{
	if (!tt->holders && t->counted && (t->alerts.n || t->peers.n))
		tt->holders = tcpstate_holders_new(NULL, NULL);
	t->holders = tt->holders;
}

/* As many as fit below the verdict. */
static char *namespaces_text(struct top_trouble *tt, const struct top_view *v,
			     const struct options *o)
{
	unsigned int rows = top_frame_rows(v->height);

	if (!tt->namespaces)
		tt->namespaces = tcpstate_namespaces_new(NULL, NULL);
	if (!tt->namespaces)
		return NULL;
	tcpstate_namespaces_refresh(tt->namespaces);
	return netns_text(tt->namespaces, rows > tt->verdict.n ? rows - tt->verdict.n : 1, o);
}

/* Where most of its connections are, which a listener itself is not. */
static unsigned int state_of_peer(const struct tcpstate_peer *peer)
{
	unsigned int s, fullest = 0;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (s != TCPSTATE_STATE_LISTEN &&
		    peer->counts[s] > (fullest ? peer->counts[fullest] : 0))
			fullest = s;
	}
	return fullest;
}

static unsigned int state_of(const struct tcpstate_alert *a)
{
	switch (a->kind) {
	case TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK:
	case TCPSTATE_ALERT_KIND_STALE_POOL:
		return TCPSTATE_STATE_CLOSE_WAIT;
	case TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE:
		return TCPSTATE_STATE_TIME_WAIT;
	default:
		return a->has_peer ? state_of_peer(&a->peer) : 0;
	}
}

/* The newest of the worst, as the verdict has them. */
static unsigned int worst_state(const struct trouble *t)
{
	unsigned int state = 0, s;
	uint32_t worst = 0;
	size_t i;

	for (i = 0; i < t->alerts.n; i++) {
		const struct tcpstate_alert *a = &t->alerts.at[i].alert;

		s = state_of(a);
		if (!s || !alert_active(a) || a->ignored || a->folded || a->severity <= worst)
			continue;
		worst = a->severity;
		state = s;
	}
	return state;
}

static char *make_table(struct top_trouble *tt, const struct trouble *t, const struct top_view *v,
			const struct options *o)
{
	switch (v->list) {
	case TOP_LISTENERS:
		return listeners_text(t, o);
	case TOP_DESTINATIONS:
		return destinations_text(t, o);
	case TOP_UNITS:
		return units_text(t, o);
	case TOP_NAMESPACES:
		return namespaces_text(tt, v, o);
	default:
		return NULL;
	}
}

void top_trouble_read(struct top_trouble *tt, struct tcpstate_link *link, const struct top_view *v,
		      const struct options *o)
{
	const struct tcpstate_stats *stats = &v->m->now;
	struct trouble t;
	int ret;

	free(tt->table);
	tt->table = NULL;
	ret = read_link(&t, link, v->list);
	if (ret) {
		trouble_free(&t);
		read_proc(&t, ret == -EPERM);
	}
	find_holders(tt, &t);
	if (t.known)
		verdict_build(&tt->verdict, &t, &stats->snapshot.health, stats, VERDICT_MOST);
	else
		tt->verdict.n = 0;
	tt->state = t.known ? worst_state(&t) : 0;
	tt->table = make_table(tt, &t, v, o);
	/* They are kept for the next reading. */
	t.holders = NULL;
	trouble_free(&t);
}

void top_trouble_free(struct top_trouble *tt)
{
	free(tt->table);
	tcpstate_holders_free(tt->holders);
	tcpstate_namespaces_free(tt->namespaces);
	memset(tt, 0, sizeof(*tt));
}
