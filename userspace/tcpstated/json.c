// SPDX-License-Identifier: GPL-2.0-only
/*
 * The objects of the JSON lines; Documentation/json.rst has the keys, which are those of the tool.
 */
#include "../tcpstate/alerts.h"
#include "tcpstated.h"

/* null for what is not known. */
static json_t *number_json(uint64_t n)
{
	return n ? json_integer(n) : json_null();
}

static int fill_news(json_t *object, const struct follow_news *news)
{
	json_t *alert = alert_json(news->alert, NULL, true);
	int ret = json_object_update(object, alert);

	json_decref(alert);
	if (!ret && news->known->ignored)
		ret = json_object_set_new(object, "ignored", json_true());
	if (!ret && news->known->held)
		ret = add_holder_json(object, &news->known->holder);
	return ret;
}

json_t *json_news(const struct follow_news *news)
{
	json_t *object;

	object = json_pack("{s:o, s:o, s:o, s:s}", "seq", number_json(news->seq),
			   "time_ns", number_json(news->time_ns),
			   "time", news->time_ns ? wall_json(news->time_ns) : json_null(),
			   "action", tcpstate_action_name(news->action));
	if (!object || !fill_news(object, news))
		return object;
	json_decref(object);
	return NULL;
}

static int fill_transition(json_t *object, const struct tcpstate_transition *t, uint64_t epoch_ns)
{
	const char *cause = tcpstate_cause_name(t->cause);
	json_t *rest;
	int ret;

	rest = json_pack("{s:I, s:I, s:o, s:s, s:s, s:s, s:o, s:o}",
			 "seq", (json_int_t)t->seq, "time_ns", (json_int_t)t->time_ns,
			 "time", wall_json(epoch_ns + t->time_ns),
			 "end", t->end == TCPSTATE_END_LOCAL ? "local" : "remote",
			 "old_state", tcpstate_state_name(t->from),
			 "new_state", tcpstate_state_name(t->to),
			 "cause", cause ? json_string(cause) : json_integer(t->cause),
			 "duration_ns",
			 t->duration.known ? json_integer(t->duration.n) : json_null());
	ret = json_object_update(object, rest);
	json_decref(rest);
	return ret ? ret : add_socket_json(object, &t->socket);
}

json_t *json_transition(const struct tcpstate_transition *t, uint64_t epoch_ns)
{
	json_t *object = tuple_json(&t->tuple, false);

	if (!object || !fill_transition(object, t, epoch_ns))
		return object;
	json_decref(object);
	return NULL;
}

json_t *json_module(bool present, uint64_t now_ns)
{
	return json_pack("{s:s, s:I, s:o}", "module", present ? "present" : "absent",
			 "time_ns", (json_int_t)now_ns, "time", wall_json(now_ns));
}

json_t *json_lost(const struct tcpstate_loss *loss, bool alerts)
{
	json_t *counts = json_pack("{s:I, s:I}", "kernel", (json_int_t)loss->kernel,
				   "reader", (json_int_t)loss->reader);

	if (alerts && counts)
		json_object_set_new(counts, "overruns", json_integer(loss->overruns));
	return json_pack("{s:o}", "lost", counts);
}
