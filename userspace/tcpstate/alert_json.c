// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts, listeners and destinations as JSON; Documentation/json.rst has the keys.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "alerts.h"

/* A number where the module is newer and knows another word; null for none. */
static json_t *word_json(const char *word, uint32_t number)
{
	if (word)
		return json_string(word);
	return number ? json_integer(number) : json_null();
}

/* Peers */

static json_t *address_json(int family, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(inet_ntop(family, addr, text, sizeof(text)));
}

/* What does not name a peer of this kind is null, and so is what /proc does not say. */
static json_t *peer_name_json(const struct tcpstate_peer *p, bool counted)
{
	const bool listener = p->kind == TCPSTATE_PEER_KIND_LISTENER;
	const bool destination = p->kind == TCPSTATE_PEER_KIND_DESTINATION;
	const struct tcpstate_tuple *t = &p->name;
	bool local = t->family && (counted || !destination);

	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}",
			 "kind", word_json(tcpstate_peer_kind_name(p->kind), p->kind),
			 "family", t->family ? json_integer(t->family == AF_INET ? 4 : 6) :
				   json_null(),
			 "local_addr", local ? address_json(t->family, t->laddr) : json_null(),
			 "local_port", listener ? json_integer(t->lport) : json_null(),
			 "remote_addr", destination ? address_json(t->family, t->raddr) :
					json_null(),
			 "remote_port", destination ? json_integer(t->rport) : json_null());
}

static json_t *counts_json(const struct tcpstate_peer *p)
{
	json_t *object = json_object();
	unsigned int s;

	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++) {
		if (json_object_set_new(object, tcpstate_state_name(s), json_integer(p->counts[s])))
			goto fail;
	}
	return object;
fail:
	json_decref(object);
	return NULL;
}

static const struct tcpstate_field numbers[] = {
#define NUMBER(member) { #member, offsetof(struct tcpstate_peer, member) }
	NUMBER(sockets),
	NUMBER(queue),
	NUMBER(backlog),
	NUMBER(drops),
	NUMBER(drops_per_minute),
	NUMBER(waiting_ns),
	NUMBER(ports_used),
	NUMBER(ports),
	NUMBER(plateau),
	NUMBER(opens_milli),
	NUMBER(fails_per_minute),
	NUMBER(no_port),
	NUMBER(idle),
	NUMBER(unread_eof),
	NUMBER(not_accepted),
	{ NULL, 0 },
};

static int fill_peer(json_t *object, const struct tcpstate_peer *p, bool counted)
{
	const struct tcpstate_field *f;

	if (json_object_set_new(object, "counts", counted ? counts_json(p) : json_null()))
		return -ENOMEM;
	for (f = numbers; f->name; f++) {
		if (json_object_set_new(object, f->name, value_json(tcpstate_field_get(p, f))))
			return -ENOMEM;
	}
	if (json_object_set_new(object, "reusable",
				counted ? json_boolean(p->reusable) : json_null()))
		return -ENOMEM;
	return add_socket_json(object, &p->socket);
}

json_t *peer_json(const struct tcpstate_peer *peer, bool counted)
{
	json_t *object = peer_name_json(peer, counted);

	if (!object || !fill_peer(object, peer, counted))
		return object;
	json_decref(object);
	return NULL;
}

/* null where nobody can be asked, or nothing is known of a socket. */
static int add_holder(json_t *object, bool found, const struct tcpstate_holder *holder)
{
	if (found)
		return add_holder_json(object, holder);
	return json_object_set_new(object, "holder", json_null()) ? -ENOMEM : 0;
}

static int append_peer(json_t *array, const struct trouble *t, const struct tcpstate_peer *peer)
{
	json_t *object = peer_json(peer, t->counted);
	struct tcpstate_holder holder;
	bool found = find_peer_holder(t->holders, peer, &holder);

	if (!object || add_holder(object, found, &holder)) {
		json_decref(object);
		return -ENOMEM;
	}
	return json_array_append_new(array, object) ? -ENOMEM : 0;
}

json_t *peers_json(const struct trouble *t, bool listeners)
{
	json_t *array = json_array();
	int ret = array ? 0 : -ENOMEM;
	size_t i;

	for (i = 0; i < t->peers.n && !ret; i++) {
		const struct tcpstate_peer *peer = &t->peers.at[i];

		if ((peer->kind == TCPSTATE_PEER_KIND_LISTENER) == listeners)
			ret = append_peer(array, t, peer);
	}
	if (!ret)
		return array;
	json_decref(array);
	return NULL;
}

/* Alerts */

/* "raised" and "raised_ns"; null for 0. */
static int add_time(json_t *object, const char *key, const char *key_ns, uint64_t ns)
{
	if (json_object_set_new(object, key, ns ? wall_json(ns) : json_null()) ||
	    json_object_set_new(object, key_ns, ns ? json_integer(ns) : json_null()))
		return -ENOMEM;
	return 0;
}

static int add_times(json_t *object, const struct tcpstate_alert *a)
{
	int ret = add_time(object, "raised", "raised_ns", a->raised_ns);

	if (!ret)
		ret = add_time(object, "begun", "begun_ns", a->begun_ns);
	if (!ret)
		ret = add_time(object, "cleared", "cleared_ns", a->cleared.n);
	return ret;
}

static int fill_alert(json_t *object, const struct tcpstate_alert *a,
		      struct tcpstate_holders *holders, bool counted)
{
	struct tcpstate_holder holder;
	bool found = find_alert_holder(holders, a, &holder);
	json_t *rest;
	int ret;

	ret = add_times(object, a);
	if (ret)
		return ret;
	rest = json_pack("{s:b, s:b, s:b, s:b, s:o, s:o}", "folded", (int)a->folded,
			 "ignored", (int)a->ignored, "unverified", (int)a->unverified,
			 "withdrawn", (int)a->withdrawn,
			 "file_limit", value_json(&a->file_limit),
			 "peer", a->has_peer ? peer_json(&a->peer, counted) : json_null());
	ret = json_object_update(object, rest) ? -ENOMEM : 0;
	json_decref(rest);
	return ret ? ret : add_holder(object, found, &holder);
}

json_t *alert_json(const struct tcpstate_alert *a, struct tcpstate_holders *holders, bool counted)
{
	json_t *object;

	object = json_pack("{s:I, s:o, s:o, s:o, s:I, s:I, s:o}", "id", (json_int_t)a->id,
			   "kind", word_json(tcpstate_alert_kind_name(a->kind), a->kind),
			   "severity", word_json(tcpstate_severity_name(a->severity), a->severity),
			   "reason", word_json(tcpstate_reason_name(a->reason), a->reason),
			   "value", (json_int_t)a->value, "limit", (json_int_t)a->limit,
			   "peak", counted ? json_integer(a->peak) : json_null());
	if (!object || !fill_alert(object, a, holders, counted))
		return object;
	json_decref(object);
	return NULL;
}

json_t *alerts_json(const struct trouble *t, bool ended)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; array && i < t->alerts.n; i++) {
		const struct tcpstate_alert *a = &t->alerts.at[i].alert;

		if (!ended && !alert_active(a))
			continue;
		if (json_array_append_new(array, alert_json(a, t->holders, t->counted))) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}
