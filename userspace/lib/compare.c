// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"
#include "grow.h"

/* Tuples are compared as bytes. What decodes one has zeroed what IPv4 does not use. */
_Static_assert(sizeof(struct tcpstate_tuple) == sizeof(int) + 2 * 16 + 2 * sizeof(uint16_t) +
	       sizeof(uint32_t), "a tuple has no holes");

static int compare_tuples(const struct tcpstate_tuple *x, const struct tcpstate_tuple *y)
{
	return memcmp(x, y, sizeof(*x));
}

static int compare_seen(const void *a, const void *b)
{
	const struct tcpstate_seen *x = a, *y = b;
	int ret = compare_tuples(&x->tuple, &y->tuple);

	if (ret)
		return ret;
	if (x->cookie != y->cookie)
		return x->cookie < y->cookie ? -1 : 1;
	return x->state - y->state;
}

int tcpstate_view_add(struct tcpstate_view *view, const struct tcpstate_seen *seen)
{
	void *at = tcpstate_grow(view->at, view->n, &view->room, sizeof(*seen));

	if (!at)
		return -ENOMEM;
	view->at = at;
	view->at[view->n++] = *seen;
	return 0;
}

void tcpstate_view_free(struct tcpstate_view *view)
{
	free(view->at);
	*view = (struct tcpstate_view){ NULL, 0, 0 };
}

void tcpstate_differences_free(struct tcpstate_differences *list)
{
	free(list->at);
	*list = (struct tcpstate_differences){ NULL, 0, 0 };
}

static int add_difference(struct tcpstate_differences *list, const struct tcpstate_difference *d)
{
	void *at = tcpstate_grow(list->at, list->n, &list->room, sizeof(*d));

	if (!at)
		return -ENOMEM;
	list->at = at;
	list->at[list->n++] = *d;
	return 0;
}

/*
 * A socket that moves while it is dumped can come twice; the cookie tells. In which of its states
 * it is kept does not matter: if that is not the other side's, it will be looked at again.
 */
static void sort(struct tcpstate_view *view)
{
	const struct tcpstate_seen *last;
	size_t i, n = 0;

	if (view->n)
		qsort(view->at, view->n, sizeof(*view->at), compare_seen);
	for (i = 0; i < view->n; i++) {
		last = n ? &view->at[n - 1] : NULL;
		if (last && last->cookie && last->cookie == view->at[i].cookie &&
		    !compare_tuples(&last->tuple, &view->at[i].tuple))
			continue;
		view->at[n++] = view->at[i];
	}
	view->n = n;
}

/* How many of one tuple from @at on are in each state; returns what is behind them. */
static const struct tcpstate_seen *count_states(const struct tcpstate_seen *at,
						const struct tcpstate_seen *end,
						const struct tcpstate_tuple *t, int sign,
						int64_t balance[])
{
	for (; at < end && !compare_tuples(&at->tuple, t); at++)
		balance[at->state] += sign;
	return at;
}

/* What the sides do not have in common: the first such state of either, and how many. */
static bool balanced(const int64_t balance[], struct tcpstate_difference *d)
{
	int64_t kernel = 0, ours = 0;
	unsigned int s;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (balance[s] > 0) {
			kernel += balance[s];
			d->kernel = d->kernel ? d->kernel : s;
		} else if (balance[s] < 0) {
			ours -= balance[s];
			d->ours = d->ours ? d->ours : s;
		}
	}
	d->count = kernel > ours ? kernel : ours;
	return !d->count;
}

int tcpstate_compare(struct tcpstate_view *kernel, struct tcpstate_view *ours, uint32_t states,
		     struct tcpstate_differences *result)
{
	const struct tcpstate_seen *k, *k_end, *o, *o_end;

	result->n = 0;
	sort(kernel);
	sort(ours);
	k = kernel->at;
	k_end = k + kernel->n;
	o = ours->at;
	o_end = o + ours->n;
	while (k < k_end || o < o_end) {
		int64_t balance[TCPSTATE_STATE_LAST + 1] = { 0 };
		struct tcpstate_difference d = { .count = 0 };
		bool first = o == o_end || (k < k_end && compare_tuples(&k->tuple, &o->tuple) <= 0);

		d.tuple = first ? k->tuple : o->tuple;
		k = count_states(k, k_end, &d.tuple, 1, balance);
		o = count_states(o, o_end, &d.tuple, -1, balance);
		if (balanced(balance, &d) || !(states & (1u << d.kernel | 1u << d.ours)))
			continue;
		if (add_difference(result, &d))
			return -ENOMEM;
	}
	return 0;
}

static bool same_way(const struct tcpstate_difference *x, const struct tcpstate_difference *y)
{
	return x->kernel == y->kernel && x->ours == y->ours && x->count == y->count;
}

void tcpstate_differences_update(struct tcpstate_differences *list,
				 const struct tcpstate_differences *now)
{
	size_t i, k = 0, n = 0;

	for (i = 0; i < list->n; i++) {
		const struct tcpstate_difference was = list->at[i];

		while (k < now->n && compare_tuples(&now->at[k].tuple, &was.tuple) < 0)
			k++;
		if (k == now->n || compare_tuples(&now->at[k].tuple, &was.tuple))
			continue;
		list->at[n] = now->at[k];
		list->at[n++].steady = same_way(&was, &now->at[k]);
	}
	list->n = n;
}

void tcpstate_differences_settle(struct tcpstate_differences *list)
{
	size_t i, n = 0;

	for (i = 0; i < list->n; i++) {
		if (list->at[i].steady)
			list->at[n++] = list->at[i];
	}
	list->n = n;
}
