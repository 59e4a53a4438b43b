// SPDX-License-Identifier: GPL-2.0-only
/*
 * How an alert stands, where what it tells need not be so any more: it is over, or was withdrawn, or
 * counts less than what it was raised at. Thresholds are the module's own.
 */
#include <stdio.h>
#include <string.h>

#include "../lib/format.h"
#include "alerts.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/**
 * struct clearing - when alerts of a kind are over
 * @kind: kind
 * @below: what has to be below this threshold
 * @of: what the threshold is of
 * @seconds: and for how long; 0: at once
 */
static const struct clearing {
	uint32_t kind;
	unsigned int below;
	const char *of;
	unsigned int seconds;
} clearings[] = {
#define TH(name) TCPSTATE_A_THRESHOLDS_##name
	{ TCPSTATE_ALERT_KIND_LISTEN_FULL, TH(LISTEN_FULL_CLEAR_PERCENT),
	  "% of the backlog without a drop", TH(LISTEN_FULL_CLEAR_SECONDS) },
	{ TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, TH(CLOSE_WAIT_CLEAR_PERCENT),
	  "% of that", TH(CLOSE_WAIT_CLEAR_SECONDS) },
	{ TCPSTATE_ALERT_KIND_STALE_POOL, TH(STALE_POOL_CLEAR_COUNT), "", 0 },
	{ TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TH(PORT_EXHAUSTION_CLEAR_PERCENT),
	  "% of the ports", TH(PORT_EXHAUSTION_CLEAR_SECONDS) },
	{ TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE, TH(TIME_WAIT_CLEAR_PERCENT),
	  "% of tcp_max_tw_buckets", 0 },
	{ TCPSTATE_ALERT_KIND_TABLE_FULL, TH(TABLE_FULL_CLEAR_PERCENT), "% of the records", 0 },
#undef TH
};

static const struct clearing *clearing_of(const struct tcpstate_alert *a)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(clearings); i++) {
		if (clearings[i].kind == a->kind)
			return &clearings[i];
	}
	return NULL;
}

/* All of it is unknown where it could not be read; then it is as it is unless somebody has set it. */
static struct tcpstate_config read_config(void)
{
	struct tcpstate_config c = { .limit.known = false };
	struct tcpstate_link *link;

	if (tcpstate_link_open(&link) || tcpstate_link_config_get(link, &c))
		c = (struct tcpstate_config){ .limit.known = false };
	tcpstate_link_close(link);
	return c;
}

static unsigned int threshold(const struct tcpstate_config *c, unsigned int i)
{
	return c->threshold[i].known ? c->threshold[i].n : tcpstate_thresholds[i].by_default;
}

/* "after 5m00s below 50% of that" */
static void format_clearing(char *buf, size_t size, const struct tcpstate_alert *a)
{
	const struct clearing *clearing = clearing_of(a);
	struct tcpstate_config c = read_config();
	char last[TCPSTATE_FORMAT_MAX + 8] = "", text[TCPSTATE_FORMAT_MAX];

	if (!clearing) {
		snprintf(buf, size, "when that lasts");
		return;
	}
	if (clearing->seconds) {
		tcpstate_format_duration(text, sizeof(text),
					 threshold(&c, clearing->seconds) * 1000ull);
		snprintf(last, sizeof(last), "after %s ", text);
	}
	snprintf(buf, size, "%sbelow %u%s", last, threshold(&c, clearing->below), clearing->of);
}

static json_t *below_json(const struct tcpstate_alert *a, const struct tcpstate_holder *holder)
{
	char value[ALERT_TEXT], limit[TCPSTATE_FORMAT_MAX], clearing[ALERT_TEXT];
	bool gone = holder && holder->holding == TCPSTATE_HOLDING_NOT_FOUND;

	format_alert_value(value, sizeof(value), a, a->value);
	tcpstate_format_count(limit, sizeof(limit), a->limit);
	format_clearing(clearing, sizeof(clearing), a);
	return json_sprintf("BELOW ITS LIMIT now, %s of %s; it is cleared %s.%s", value, limit,
			    clearing, !gone ? "" :
			    " Who held the sockets has ended or closed them, or cannot be seen.");
}

static json_t *ended_json(const struct tcpstate_alert *a)
{
	char when[ALERT_TEXT], peak[ALERT_TEXT];

	format_wall(when, sizeof(when), a->cleared.n, wall_now());
	format_alert_value(peak, sizeof(peak), a, a->peak);
	return json_sprintf("%s since %s%s; the most was %s.", a->withdrawn ? "WITHDRAWN" : "OVER",
			    when, a->withdrawn ? ", not solved: the module was switched off" : "",
			    peak);
}

json_t *standing_json(const struct tcpstate_alert *a, const struct tcpstate_holder *holder)
{
	if (!alert_active(a))
		return ended_json(a);
	return alert_below(a) ? below_json(a, holder) : json_null();
}

json_t *standing_now(const struct tcpstate_alert *a, json_t *now)
{
	const char *what = json_string_value(now);
	json_t *with;

	if (!alert_active(a) && a->withdrawn)
		with = json_string("tcpstate on, to see whether it goes on");
	else if (!alert_active(a))
		with = json_string("nothing: it is over");
	else if (alert_below(a) && what && *what)
		with = json_sprintf("nothing, as long as it stays so; otherwise: %s", what);
	else
		return now;
	json_decref(now);
	return with;
}
