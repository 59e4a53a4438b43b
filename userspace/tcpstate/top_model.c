// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "top.h"

void top_model_reset(struct top_model *m)
{
	memset(m, 0, sizeof(*m));
}

/* Another namespace, or counters that went back: what was before says nothing of what is now. */
static bool is_other(const struct tcpstate_snapshot *a, const struct tcpstate_snapshot *b)
{
	unsigned int s;

	if (a->netns.n != b->netns.n || a->transitions.n > b->transitions.n)
		return true;
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (a->state[s].entered.n > b->state[s].entered.n)
			return true;
	}
	return false;
}

/* Makes the newest bin that of @ns. Bins without a sample have what was before them. */
static void history_turn(struct top_model *m, uint64_t ns)
{
	uint64_t bin = ns / TOP_BIN_NS, steps = bin - m->bin;
	struct tcpstate_value last;
	unsigned int s, i;

	if (!m->samples || steps > TOP_BINS)
		steps = m->samples ? TOP_BINS : 0;
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST && steps; s++) {
		last = m->history[s][TOP_BINS - 1];
		memmove(m->history[s], m->history[s] + steps,
			(TOP_BINS - steps) * sizeof(m->history[s][0]));
		for (i = TOP_BINS - steps; i < TOP_BINS; i++)
			m->history[s][i] = last;
		/* The newest bin counts from its own first sample. */
		m->history[s][TOP_BINS - 1] = (struct tcpstate_value){ 0 };
	}
	m->bin = bin;
}

void top_model_add(struct top_model *m, const struct tcpstate_stats *stats, uint64_t ns)
{
	struct tcpstate_value *newest;
	unsigned int s;

	if (m->samples && is_other(&m->now.snapshot, &stats->snapshot))
		top_model_reset(m);
	history_turn(m, ns);
	m->before = m->now;
	m->before_ns = m->now_ns;
	m->now = *stats;
	m->now_ns = ns;
	if (m->samples < 2)
		m->samples++;
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		newest = &m->history[s][TOP_BINS - 1];
		if (!newest->known || newest->n < stats->snapshot.state[s].count.n)
			*newest = stats->snapshot.state[s].count;
	}
}

static double rate(const struct top_model *m, const struct tcpstate_value *now,
		   const struct tcpstate_value *before)
{
	if (m->samples < 2 || !now->known || !before->known || m->now_ns <= m->before_ns)
		return -1;
	return (double)(now->n - before->n) * 1e9 / (double)(m->now_ns - m->before_ns);
}

double top_model_entered(const struct top_model *m, unsigned int state)
{
	return rate(m, &m->now.snapshot.state[state].entered,
		    &m->before.snapshot.state[state].entered);
}

double top_model_transitions(const struct top_model *m)
{
	return rate(m, &m->now.snapshot.transitions, &m->before.snapshot.transitions);
}

void top_model_levels(const struct top_model *m, unsigned int state, unsigned int level[TOP_BINS])
{
	const struct tcpstate_value *h = m->history[state];
	uint64_t highest = 0;
	unsigned int i;

	for (i = 0; i < TOP_BINS; i++) {
		if (h[i].n > highest)
			highest = h[i].n;
	}
	/* One endpoint among a million still shows. */
	for (i = 0; i < TOP_BINS; i++)
		level[i] = h[i].n ? 1 + (unsigned int)((double)h[i].n / (double)highest *
						      (TOP_LEVELS - 1)) : 0;
}

unsigned int top_model_fullest(const struct top_model *m)
{
	const struct tcpstate_row *row = m->now.snapshot.state;
	unsigned int s, fullest = 0;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (row[s].count.n > (fullest ? row[fullest].count.n : 0))
			fullest = s;
	}
	return fullest;
}

void top_oldest_begin(struct top_oldest *l, unsigned int want)
{
	l->want = want < TOP_OLDEST ? want : TOP_OLDEST;
	l->n = 0;
	l->seen = 0;
}

void top_oldest_add(struct top_oldest *l, const struct tcpstate_endpoint *e)
{
	unsigned int i;

	l->seen++;
	if (l->n == l->want && (!l->n || l->e[l->n - 1].age_ns >= e->age_ns))
		return;
	if (l->n < l->want)
		l->n++;
	for (i = l->n - 1; i && l->e[i - 1].age_ns < e->age_ns; i--)
		l->e[i] = l->e[i - 1];
	l->e[i] = *e;
}
