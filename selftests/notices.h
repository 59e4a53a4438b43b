/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module says of trouble: the notices of the group "alerts", kept as they come.
 */
#ifndef NOTICES_H
#define NOTICES_H

#include "nl_alert.h"

#define NOTICES_MAX	4096
#define SECOND_NS	1000000000ull

enum { RAISE = TCPSTATE_ALERT_ACTION_RAISE, UPDATE = TCPSTATE_ALERT_ACTION_UPDATE, CLEAR = TCPSTATE_ALERT_ACTION_CLEAR };
enum { INFO = TCPSTATE_SEVERITY_INFO, TICKET = TCPSTATE_SEVERITY_TICKET, PAGE = TCPSTATE_SEVERITY_PAGE };

struct notices {
	struct nl nl;		/* hears */
	struct nl ask;		/* asks */
	uint32_t severity;	/* of the last one; what does not change is not worth a line */
	size_t n;
	struct nl_alert list[NOTICES_MAX];
};

/* In the namespace that we are in, which settles at once: no quiet time. */
int notices_open(struct notices *s);
/* Takes what comes within @ms; -1 where something is wrong with it, or a number is missing. */
int notices_take(struct notices *s, unsigned int ms);
/* The same until one of @kind is there with @action and, unless 0, @severity; NULL: not within @ms. */
const struct nl_alert *notices_await(struct notices *s, unsigned int ms, int kind, int action, int severity);
/* How many there are of @kind (0: any) with @action and at least @severity. */
unsigned int notices_count(const struct notices *s, int kind, int action, int severity);
/* All of them, as diagnostics. */
void notices_print(const struct notices *s);
/* TCPSTATE_A_THRESHOLDS_*; 0 or a negative errno. */
int notices_threshold(struct notices *s, int threshold, uint32_t value);
/* The kernel's dump of peers: the first of @kind whose local (listener) or remote port is @port; -ENOENT. */
int notices_peer(struct notices *s, int kind, int port, struct nl_peer *found);
uint64_t real_ns(void);

#endif
