// SPDX-License-Identifier: GPL-2.0-only
/*
 * An upgrade of the module ends its alerts, but not the trouble. The log neither takes such an
 * alert back nor tells the same trouble anew; what is not raised again in time is taken back then.
 */
#include <string.h>

#include "tcpstated.h"

static bool same_trouble(const struct tcpstate_alert *a, const struct tcpstate_alert *b)
{
	const struct tcpstate_tuple *x = &a->peer.name, *y = &b->peer.name;

	if (a->kind != b->kind || a->has_peer != b->has_peer)
		return false;
	return !a->has_peer ||
	       (a->peer.kind == b->peer.kind && x->family == y->family &&
		x->lport == y->lport && x->rport == y->rport && x->scope == y->scope &&
		!memcmp(x->laddr, y->laddr, sizeof(x->laddr)) &&
		!memcmp(x->raddr, y->raddr, sizeof(x->raddr)));
}

/* Where there is no place, that of the one whose time is over first. */
static struct carried *choose(struct carry *c)
{
	struct carried *best = &c->at[0];
	unsigned int i;

	for (i = 0; i < FOLLOW_ACTIVE; i++) {
		if (!c->at[i].known.alert.id)
			return &c->at[i];
		if (c->at[i].until_ns < best->until_ns)
			best = &c->at[i];
	}
	return best;
}

void carry_put(struct carry *c, const struct known *known, uint64_t until_ns)
{
	struct carried *at = choose(c);

	at->known = *known;
	at->until_ns = until_ns;
}

uint32_t carry_take(struct carry *c, const struct tcpstate_alert *a)
{
	unsigned int i;

	for (i = 0; i < FOLLOW_ACTIVE; i++) {
		struct known *k = &c->at[i].known;

		if (!k->alert.id || !same_trouble(&k->alert, a))
			continue;
		k->alert.id = 0;
		return k->logged;
	}
	return 0;
}

struct carried *carry_over(struct carry *c, uint64_t now_ns)
{
	unsigned int i;

	for (i = 0; i < FOLLOW_ACTIVE; i++) {
		if (c->at[i].known.alert.id && c->at[i].until_ns <= now_ns)
			return &c->at[i];
	}
	return NULL;
}
