/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a namespace's configuration is to be, for the tests of it.
 */
#ifndef NL_CONFIG_H
#define NL_CONFIG_H

#include <stdio.h>
#include <string.h>

#include "nl.h"

/* Numbers at the top of the message, from 1 on */
#define KEYS	TCPSTATE_A_CONFIG_EVENT_QUEUE
#define THRESHOLDS	(TCPSTATE_A_THRESHOLDS_MAX + 1)

/* The module's, which are the spec's. */
static const struct threshold {
	const char *name;
	uint32_t by_default, min, max;
} thresholds[] = {
#define TCPS_THRESHOLD(id, name, by_default, min, max) \
	[TCPSTATE_A_THRESHOLDS_##id] = { name, by_default, min, max },
#include "alerts.def"
};

static inline uint32_t value_of(const struct nl_config *c, int key)
{
	switch (key) {
	case TCPSTATE_A_CONFIG_LIMIT: return c->limit;
	case TCPSTATE_A_CONFIG_EVENT_BATCH: return c->batch;
	case TCPSTATE_A_CONFIG_EVENT_DELAY_MS: return c->delay_ms;
	default: return c->queue;
	}
}

static inline int check_alerts(const struct nl_config *want, const struct nl_config *is)
{
	int i, bad = 0;

	for (i = 1; i < THRESHOLDS; i++) {
		if (is->threshold[i] == want->threshold[i])
			continue;
		printf("# %s is %u, not %u\n", thresholds[i].name, is->threshold[i], want->threshold[i]);
		bad++;
	}
	if (is->ignores != want->ignores || memcmp(is->ignore, want->ignore, sizeof(is->ignore))) {
		printf("# %u are ignored, not %u, or others\n", is->ignores, want->ignores);
		bad++;
	}
	return bad;
}

/* All are as in @want but @key, if that is not 0, which is @value. */
static inline int check_config(struct nl *nl, const struct nl_config *want, int key, uint32_t value)
{
	struct nl_config c;
	int k, bad = 0;

	if (nl_config(nl, &c))
		return -1;
	for (k = 1; k <= KEYS; k++) {
		uint32_t wanted = k == key ? value : value_of(want, k);

		if (value_of(&c, k) == wanted)
			continue;
		printf("# key %d is %u, not %u\n", k, value_of(&c, k), wanted);
		bad++;
	}
	return bad + check_alerts(want, &c) ? -1 : 0;
}

#endif
