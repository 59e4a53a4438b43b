/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Listeners, destinations and alerts of the family "tcpstate", on top of nl.h and as strict.
 */
#ifndef NL_ALERT_H
#define NL_ALERT_H

#include "nl.h"

struct nl_peer {
	uint32_t kind;		/* enum tcpstate_peer_kind; what does not apply is 0 */
	uint32_t family;
	uint8_t addr[2][16];	/* local, remote */
	uint16_t port[2];
	uint32_t count[STATES];	/* by number, 0 unused */
	bool has_holder;	/* the next three; without a cgroup that is 0 */
	uint32_t uid;
	uint64_t inode, cookie, cgroup;
	uint32_t pid;		/* of who called connect(), if it is told */
	uint32_t sockets, queue, backlog, drops_per_minute;
	uint64_t drops, waiting_ns;
	uint32_t ports_used, ports, plateau, opens_milli, fails_per_minute;
	uint64_t no_port;
	bool reusable;
	uint32_t idle, unread_eof, not_accepted;
};

struct nl_alert {
	uint64_t seq, time_ns;	/* of the notification */
	uint32_t action;	/* enum tcpstate_alert_action; 0: from a dump, which has no time either */
	uint32_t id, kind, severity, reason;
	uint64_t value, limit, peak;
	uint64_t raised_ns, begun_ns, cleared_ns;	/* the last is 0 while it is active */
	bool folded, ignored, unverified, withdrawn;
	uint32_t file_limit;
	bool has_peer;
	struct nl_peer peer;
};

/* From a message that came; -EBADMSG and a diagnostic for what the spec does not know. */
int nl_parse_peer(const struct nlmsghdr *h, struct nl_peer *p);
/* Of a dump or a notification. */
int nl_parse_alert(const struct nlmsghdr *h, struct nl_alert *a);

/* A dump: the first @max go to @list, which may be NULL; returns how many there are, or a negative errno. */
int nl_peers(struct nl *nl, struct nl_peer *list, int max);
int nl_alerts(struct nl *nl, struct nl_alert *list, int max);
/* Waits up to @ms for the next notification: 1, 0 where none has come, or a negative errno. */
int nl_alert_wait(struct nl *nl, int ms, struct nl_alert *a);
int nl_set_files(struct nl *nl, uint32_t id, uint32_t files);

#endif
