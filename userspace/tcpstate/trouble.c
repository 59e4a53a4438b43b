// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts, listeners and destinations: read, sorted, and who has their sockets.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/grow.h"
#include "alerts.h"

/* Lists */

int alert_list_add(const struct tcpstate_notice *notice, void *list)
{
	struct alert_list *l = list;
	void *at = tcpstate_grow(l->at, l->n, &l->room, sizeof(*l->at));

	if (!at)
		return -ENOMEM;
	l->at = at;
	l->at[l->n++] = *notice;
	return 0;
}

int peer_list_add(const struct tcpstate_peer *peer, void *list)
{
	struct peer_list *l = list;
	void *at = tcpstate_grow(l->at, l->n, &l->room, sizeof(*l->at));

	if (!at)
		return -ENOMEM;
	l->at = at;
	l->at[l->n++] = *peer;
	return 0;
}

static void alerts_anew(void *list)
{
	struct alert_list *l = list;

	l->n = 0;
}

static void peers_anew(void *list)
{
	struct peer_list *l = list;

	l->n = 0;
}

static int compare_alerts(const void *a, const void *b)
{
	const struct tcpstate_alert *x = &((const struct tcpstate_notice *)a)->alert;
	const struct tcpstate_alert *y = &((const struct tcpstate_notice *)b)->alert;

	if (alert_active(x) != alert_active(y))
		return alert_active(x) ? -1 : 1;
	return (x->id < y->id) - (x->id > y->id);
}

void alert_list_sort(struct alert_list *list)
{
	if (list->n)
		qsort(list->at, list->n, sizeof(*list->at), compare_alerts);
}

int alert_list_read(struct alert_list *list, struct tcpstate_link *link)
{
	int ret = tcpstate_link_alerts(link, alert_list_add, alerts_anew, list);

	alert_list_sort(list);
	return ret;
}

int peer_list_read(struct peer_list *list, struct tcpstate_link *link)
{
	return tcpstate_link_peers(link, peer_list_add, peers_anew, list);
}

const struct tcpstate_alert *alert_list_find(const struct alert_list *list, uint64_t id)
{
	size_t i;

	for (i = 0; i < list->n; i++) {
		if (list->at[i].alert.id == id)
			return &list->at[i].alert;
	}
	return NULL;
}

/* All of it */

int trouble_read(struct trouble *t, struct tcpstate_link *link)
{
	int ret;

	*t = (struct trouble){ .counted = true };
	ret = alert_list_read(&t->alerts, link);
	if (!ret)
		ret = peer_list_read(&t->peers, link);
	t->known = !ret;
	return ret;
}

enum exit_code trouble_read_alerts(struct trouble *t)
{
	enum exit_code code = TCPSTATE_OK;
	struct tcpstate_link *link;
	int ret;

	*t = (struct trouble){ .known = true, .counted = true };
	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = alert_list_read(&t->alerts, link);
	if (ret)
		code = link_failed(link, ret);
	tcpstate_link_close(link);
	return code;
}

int trouble_take(struct trouble *t, const struct tcpstate_proc_trouble *proc)
{
	unsigned int i;
	int ret = 0;

	*t = (struct trouble){ .known = proc->listeners || proc->alerts };
	for (i = 0; i < proc->listeners && !ret; i++)
		ret = peer_list_add(&proc->listener[i], &t->peers);
	for (i = 0; i < proc->alerts && !ret; i++) {
		struct tcpstate_notice n = { .alert = proc->alert[i] };

		ret = alert_list_add(&n, &t->alerts);
	}
	alert_list_sort(&t->alerts);
	return ret;
}

int trouble_find(struct trouble *t, struct tcpstate_link *link,
		 const struct tcpstate_proc_trouble *proc)
{
	int ret = link ? trouble_read(t, link) : -ENOENT;
	bool refused = ret == -EPERM;

	if (!ret)
		return 0;
	if (link)
		trouble_free(t);
	ret = trouble_take(t, proc);
	/* It has alerts, and /proc would tell them. */
	t->known |= refused;
	t->refused = refused;
	return ret;
}

void trouble_find_holders(struct trouble *t)
{
	/* From /proc there is no socket to look for; without memory nobody is named. */
	if (t->counted && (t->alerts.n || t->peers.n))
		t->holders = tcpstate_holders_new(NULL, NULL);
}

void trouble_free(struct trouble *t)
{
	tcpstate_holders_free(t->holders);
	free(t->alerts.at);
	free(t->peers.at);
	*t = (struct trouble){ .known = false };
}

/* Holders */

bool find_peer_holder(struct tcpstate_holders *holders, const struct tcpstate_peer *peer,
		      struct tcpstate_holder *holder)
{
	unsigned int state = peer->kind == TCPSTATE_PEER_KIND_LISTENER ? TCPSTATE_STATE_LISTEN : 0;

	if (!holders || !peer->socket.inode.known)
		return false;
	tcpstate_holder_follow(holders, &peer->socket, state, holder);
	return true;
}

bool find_alert_holder(struct tcpstate_holders *holders, const struct tcpstate_alert *a,
		       struct tcpstate_holder *holder)
{
	bool closing = a->kind == TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK ||
		       a->kind == TCPSTATE_ALERT_KIND_STALE_POOL;

	if (!holders || !a->has_peer || !a->peer.socket.inode.known)
		return false;
	if (!closing)
		return find_peer_holder(holders, &a->peer, holder);
	/* It is one of the connections that the alert is about. */
	tcpstate_holder_follow(holders, &a->peer.socket, TCPSTATE_STATE_CLOSE_WAIT, holder);
	return true;
}
