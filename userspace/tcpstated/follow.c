// SPDX-License-Identifier: GPL-2.0-only
#include <linux/tcpstate.h>
#include <stdlib.h>
#include <string.h>

#include "follow.h"

void follow_init(struct follow *f, void (*tell)(const struct follow_news *news, void *arg),
		 void *arg)
{
	memset(f, 0, sizeof(*f));
	f->tell = tell;
	f->arg = arg;
}

void follow_subscribed(struct follow *f)
{
	f->last_seq = 0;
}

/* Ids */

static void set_bit(struct follow *f, uint32_t id, bool on)
{
	uint8_t *byte = &f->seen[id % FOLLOW_IDS / 8], bit = 1u << id % 8;

	*byte = on ? *byte | bit : *byte & ~bit;
}

bool follow_seen(const struct follow *f, uint32_t id)
{
	if (id > f->last_id)
		return false;
	if (f->last_id - id >= FOLLOW_IDS)
		return true;
	return f->seen[id % FOLLOW_IDS / 8] & 1u << id % 8;
}

void follow_mark(struct follow *f, uint32_t id)
{
	if (id > f->last_id && id - f->last_id >= FOLLOW_IDS) {
		memset(f->seen, 0, sizeof(f->seen));
		f->last_id = id;
	}
	while (f->last_id < id)
		set_bit(f, ++f->last_id, false);
	if (f->last_id - id < FOLLOW_IDS)
		set_bit(f, id, true);
}

/* Alerts that are active */

static struct known *find(struct follow *f, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < FOLLOW_ACTIVE; i++) {
		if (f->active[i].alert.id == id)
			return &f->active[i];
	}
	return NULL;
}

struct known *follow_place(struct follow *f)
{
	return find(f, 0);
}

unsigned int follow_count(const struct follow *f)
{
	unsigned int i, n = 0;

	for (i = 0; i < FOLLOW_ACTIVE; i++)
		n += f->active[i].alert.id != 0;
	return n;
}

/* News */

static uint64_t time_of(const struct tcpstate_notice *n, enum tcpstate_alert_action action)
{
	if (n->time_ns)
		return n->time_ns;
	if (action == TCPSTATE_ALERT_ACTION_RAISE)
		return n->alert.raised_ns;
	return action == TCPSTATE_ALERT_ACTION_CLEAR ? n->alert.cleared.n : 0;
}

/* The number belongs to what the kernel last said of the alert, and to nothing before. */
static void tell(struct follow *f, enum tcpstate_alert_action action,
		 const struct tcpstate_notice *n, struct known *k, bool last)
{
	struct follow_news news = {
		.action = action,
		.source = n->action ? FOLLOW_NOTICE : FOLLOW_LISTED,
		.seq = last ? n->seq : 0,
		.time_ns = time_of(n, action),
		.over = k == &f->once,
		.alert = &k->alert,
		.known = k,
	};

	f->tell(&news, f->arg);
}

static bool ended(const struct tcpstate_notice *n)
{
	return n->action == TCPSTATE_ALERT_ACTION_CLEAR || n->alert.cleared.known;
}

/* An alert as it was before it ended: what its raise says. */
static void set(struct known *k, const struct tcpstate_notice *n)
{
	k->seq = n->seq;
	k->alert = n->alert;
	k->alert.cleared = (struct tcpstate_value){ 0, false };
}

static void raise_alert(struct follow *f, const struct tcpstate_notice *n)
{
	struct known *k = ended(n) ? &f->once : follow_place(f);
	struct tcpstate_notice first = *n;

	/* There is no place: it stays unknown, and the next dump brings it up again. */
	if (!k)
		return;
	memset(k, 0, sizeof(*k));
	set(k, n);
	follow_mark(f, n->alert.id);
	/* The time of an update, or of its end, is not that of its raise. */
	if (n->action != TCPSTATE_ALERT_ACTION_RAISE)
		first.time_ns = 0;
	tell(f, TCPSTATE_ALERT_ACTION_RAISE, &first, k,
	     n->action == TCPSTATE_ALERT_ACTION_RAISE || (!n->action && !ended(n)));
	if (!ended(n))
		return;
	k->alert = n->alert;
	tell(f, TCPSTATE_ALERT_ACTION_CLEAR, n, k, true);
}

static void change(struct follow *f, const struct tcpstate_notice *n, struct known *k)
{
	k->seq = n->seq;
	k->alert = n->alert;
	if (!ended(n)) {
		tell(f, TCPSTATE_ALERT_ACTION_UPDATE, n, k, true);
		return;
	}
	tell(f, TCPSTATE_ALERT_ACTION_CLEAR, n, k, true);
	k->alert.id = 0;
}

void follow_take(struct follow *f, const struct tcpstate_notice *n)
{
	struct known *k = n->alert.id ? find(f, n->alert.id) : NULL;

	if (k && n->seq > k->seq)
		change(f, n, k);
	else if (!k && n->alert.id && !follow_seen(f, n->alert.id))
		raise_alert(f, n);
}

enum follow_verdict follow_sequence(struct follow *f, uint64_t seq, uint64_t *missing)
{
	uint64_t before = f->last_seq;

	/* The first that comes may have been sent before the dump. */
	if (!before)
		before = seq <= f->listed_seq ? seq - 1 : f->listed_seq;
	else if (seq <= before)
		return FOLLOW_RELOADED;
	*missing = seq - before - 1;
	f->last_seq = seq;
	return *missing ? FOLLOW_GAP : FOLLOW_NEXT;
}

/* Dumps */

static int compare(const void *a, const void *b)
{
	const struct tcpstate_notice *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/*
 * The last notice that was sent is of an alert that is active, or of the last one that ended: a
 * dump of the same module has its number or a higher one. And an id is raised once.
 */
static bool of_another_module(struct follow *f, const struct follow_list *list, bool same)
{
	uint64_t highest = f->last_seq > f->listed_seq ? f->last_seq : f->listed_seq;
	const struct known *k;
	unsigned int i;

	if (!same && highest > (list->n ? list->notice[list->n - 1].seq : 0))
		return true;
	for (i = 0; i < list->n; i++) {
		k = list->notice[i].alert.id ? find(f, list->notice[i].alert.id) : NULL;
		if (k && k->alert.raised_ns != list->notice[i].alert.raised_ns)
			return true;
	}
	return false;
}

static bool lists(const struct follow_list *list, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < list->n; i++) {
		if (list->notice[i].alert.id == id)
			return true;
	}
	return false;
}

/* When it ended nobody knows any more. */
static void tell_gone(struct follow *f, struct known *k, enum follow_source source)
{
	const struct follow_news news = {
		.action = TCPSTATE_ALERT_ACTION_CLEAR,
		.source = source,
		.alert = &k->alert,
		.known = k,
	};

	f->tell(&news, f->arg);
	k->alert.id = 0;
}

/* An end is longer ago than those that the dump lists: first. The order is that of ids. */
static void tell_all_gone(struct follow *f, const struct follow_list *list)
{
	struct known *k;
	unsigned int i;

	do {
		k = NULL;
		for (i = 0; i < FOLLOW_ACTIVE; i++) {
			const struct tcpstate_alert *a = &f->active[i].alert;

			if (a->id && (!k || a->id < k->alert.id) && !(list && lists(list, a->id)))
				k = &f->active[i];
		}
		if (k)
			tell_gone(f, k, list ? FOLLOW_GONE : FOLLOW_UNLOADED);
	} while (k);
}

/*
 * Of an alert that ended while the dump went on, only the later word counts. What is news is asked
 * before anything is taken: an id that is high ends the memory of those far below it.
 */
static void sort_out(struct follow *f, struct follow_list *list, bool *fresh)
{
	unsigned int i, j;
	uint32_t id;

	for (i = 0; i < list->n; i++) {
		id = list->notice[i].alert.id;
		for (j = i + 1; j < list->n && list->notice[j].alert.id != id; j++)
			;
		if (j < list->n)
			list->notice[i].alert.id = 0;
		fresh[i] = j == list->n && id && !find(f, id) && !follow_seen(f, id);
	}
}

enum follow_verdict follow_dump(struct follow *f, struct follow_list *list, bool same)
{
	bool fresh[FOLLOW_DUMP];
	unsigned int i;

	qsort(list->notice, list->n, sizeof(list->notice[0]), compare);
	if (of_another_module(f, list, same))
		return FOLLOW_RELOADED;
	sort_out(f, list, fresh);
	if (!list->cut)
		tell_all_gone(f, list);
	for (i = 0; i < list->n; i++) {
		if (fresh[i])
			raise_alert(f, &list->notice[i]);
		else
			follow_take(f, &list->notice[i]);
	}
	f->listed_seq = list->n ? list->notice[list->n - 1].seq : 0;
	return FOLLOW_NEXT;
}

void follow_forget(struct follow *f)
{
	tell_all_gone(f, NULL);
	memset(f->seen, 0, sizeof(f->seen));
	f->last_id = 0;
	f->last_seq = 0;
	f->listed_seq = 0;
}
