/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module says of trouble: the notices of the group "alerts", kept as they come.
 */
#ifndef NOTICES_H
#define NOTICES_H

#include "nl.h"

#define NOTICES_MAX	4096
#define SECOND_NS	1000000000ull

enum { RAISE = TCPSTATE_ALERT_ACTION_RAISE, UPDATE = TCPSTATE_ALERT_ACTION_UPDATE, CLEAR = TCPSTATE_ALERT_ACTION_CLEAR };
enum { INFO = TCPSTATE_SEVERITY_INFO, TICKET = TCPSTATE_SEVERITY_TICKET, PAGE = TCPSTATE_SEVERITY_PAGE };

struct notice {
	uint64_t seq, time_ns;
	uint32_t action;	/* enum tcpstate_alert_action */
	uint32_t id, kind, severity, reason;
	uint64_t value, limit, peak, raised_ns, begun_ns, cleared_ns;
	bool folded, ignored, unverified;
	uint32_t peer;		/* enum tcpstate_peer_kind; 0: the namespace */
	struct nl_tuple name;
	uint32_t queue, backlog, ports_used, ports, plateau, idle, unread_eof, not_accepted;
	bool reusable;
	uint32_t uid;
	uint64_t inode, no_port;
};

struct notices {
	struct nl nl;		/* hears */
	struct nl ask;		/* asks */
	uint32_t severity;	/* of the last one; what does not change is not worth a line */
	size_t n;
	struct notice list[NOTICES_MAX];
};

/* In the namespace that we are in, which settles at once: no quiet time. */
int notices_open(struct notices *s);
/* Takes what comes within @ms; -1 where something is wrong with it, or a number is missing. */
int notices_take(struct notices *s, unsigned int ms);
/* The same until one of @kind is there with @action and, unless 0, @severity; NULL: not within @ms. */
const struct notice *notices_await(struct notices *s, unsigned int ms, int kind, int action, int severity);
/* How many there are of @kind (0: any) with @action and at least @severity. */
unsigned int notices_count(const struct notices *s, int kind, int action, int severity);
/* All of them, as diagnostics. */
void notices_print(const struct notices *s);
/* TCPSTATE_A_THRESHOLDS_*; 0 or a negative errno. */
int notices_threshold(struct notices *s, int threshold, uint32_t value);
/* The kernel's dump of peers: the first of @kind whose local (listener) or remote port is @port; -ENOENT. */
int notices_peer(struct notices *s, int kind, int port, struct notice *found);
uint64_t real_ns(void);

#endif
