/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Alerts, and the listeners and destinations that they are about: what the module says of them, as
 * structs, and how to ask for it. Numbers and meanings: Documentation/netlink/specs/tcpstate.yaml.
 */
#ifndef TCPSTATE_ALERT_H
#define TCPSTATE_ALERT_H

#include "link.h"

/**
 * struct tcpstate_peer - endpoints that are counted together
 * @kind: enum tcpstate_peer_kind, or a number that this program does not know
 * @name: of a listener its local end, of a destination the local address and the remote end, of a
 *	local address that; the rest is 0
 * @counts: endpoints by local state; element 0 is unused
 * @socket: who holds a socket of it, or has opened one lately that may be gone
 *
 * The others are as in the spec, each known where it applies.
 */
struct tcpstate_peer {
	uint32_t kind;
	struct tcpstate_tuple name;
	uint32_t counts[TCPSTATE_STATE_LAST + 1];
	struct tcpstate_socket socket;
	struct tcpstate_value sockets;
	struct tcpstate_value queue;
	struct tcpstate_value backlog;
	struct tcpstate_value drops;
	struct tcpstate_value drops_per_minute;
	struct tcpstate_value waiting_ns;
	struct tcpstate_value ports_used;
	struct tcpstate_value ports;
	struct tcpstate_value plateau;
	struct tcpstate_value opens_milli;
	struct tcpstate_value fails_per_minute;
	struct tcpstate_value no_port;
	struct tcpstate_value idle;
	struct tcpstate_value unread_eof;
	struct tcpstate_value not_accepted;
	bool reusable;
};

/**
 * struct tcpstate_alert - one alert, active or ended
 * @id: its number in the network namespace
 * @kind: enum tcpstate_alert_kind, or a number that this program does not know, like the next two
 * @severity: enum tcpstate_severity
 * @reason: enum tcpstate_alert_reason
 * @value: what is there now
 * @limit: what it was raised at
 * @peak: highest value
 * @raised_ns: CLOCK_REALTIME, like the next two
 * @begun_ns: since when its condition has held
 * @cleared: not known while it is active
 * @folded: one of many, nobody should be told of it by itself
 * @ignored: as configured
 * @unverified: records had to be corrected lately
 * @withdrawn: it has ended because tcpstate was switched off; the trouble may go on
 * @has_peer: @peer holds something
 * @peer: what it is about
 * @file_limit: what tcpstate_link_alert_set() has told
 */
struct tcpstate_alert {
	uint32_t id;
	uint32_t kind;
	uint32_t severity;
	uint32_t reason;
	uint64_t value;
	uint64_t limit;
	uint64_t peak;
	uint64_t raised_ns;
	uint64_t begun_ns;
	struct tcpstate_value cleared;
	bool folded;
	bool ignored;
	bool unverified;
	bool withdrawn;
	bool has_peer;
	struct tcpstate_peer peer;
	struct tcpstate_value file_limit;
};

/**
 * struct tcpstate_notice - something has happened to an alert
 * @seq: number of the notification; in a dump that of the last one about this alert
 * @time_ns: CLOCK_REALTIME; 0 in a dump
 * @action: enum tcpstate_alert_action; 0 in a dump
 */
struct tcpstate_notice {
	uint64_t seq;
	uint64_t time_ns;
	uint32_t action;
	struct tcpstate_alert alert;
};

/**
 * struct tcpstate_threshold - one number of the rules
 * @name: as in the spec, "settle-seconds"
 * @by_default: what it is unless it has been set
 * @min: the least that it may be
 * @max: the most
 */
struct tcpstate_threshold {
	const char *name;
	uint32_t by_default;
	uint32_t min;
	uint32_t max;
};

/* By TCPSTATE_A_THRESHOLDS_...; element 0 is unused. */
extern const struct tcpstate_threshold tcpstate_thresholds[TCPSTATE_A_THRESHOLDS_MAX + 1];

/* As in decode.h. */
int tcpstate_decode_peer(const void *attrs, size_t len, struct tcpstate_peer *result);
int tcpstate_decode_notice(const void *attrs, size_t len, struct tcpstate_notice *result);

/* The words of the spec, "listen-full"; NULL for a number that this program does not know. */
const char *tcpstate_alert_kind_name(unsigned int kind);
const char *tcpstate_severity_name(unsigned int severity);
const char *tcpstate_action_name(unsigned int action);
const char *tcpstate_reason_name(unsigned int reason);
const char *tcpstate_peer_kind_name(unsigned int kind);
/* The number of such a word in either spelling, 0 for another one. */
unsigned int tcpstate_alert_kind_number(const char *name);
unsigned int tcpstate_severity_number(const char *name);
unsigned int tcpstate_reason_number(const char *name);
/* "listen-full" of the spec is "listen_full" in /proc and in the keys of JSON: people type both. */
bool tcpstate_same_word(const char *a, const char *b);

/* Dumps; @each and @restart as in tcpstate_link_endpoints(). */
int tcpstate_link_peers(struct tcpstate_link *link,
			int (*each)(const struct tcpstate_peer *peer, void *arg),
			void (*restart)(void *arg), void *arg);
int tcpstate_link_alerts(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_notice *notice, void *arg),
			 void (*restart)(void *arg), void *arg);

/* How many files the holder of alert @id may have open, 0: not known. -ENOENT: it is not active. */
int tcpstate_link_alert_set(struct tcpstate_link *link, uint32_t id, uint32_t file_limit);

/*
 * Begins to receive notices of alerts: as tcpstate_link_subscribe(). A link has one subscription,
 * this one or that. -EOPNOTSUPP: an older module.
 */
int tcpstate_link_subscribe_alerts(struct tcpstate_link *link, unsigned int buffer);

/*
 * A dump, made since @link has been subscribed, tells of all notices up to @seq, the highest in it:
 * what is missing behind that counts as lost even before the first notice. Without effect behind
 * that one.
 */
void tcpstate_link_expect(struct tcpstate_link *link, uint64_t seq);

/*
 * The notices that have arrived, as tcpstate_link_events(). In @loss kernel stays 0: a notice that
 * had no memory is missing from the sequence like one that found no room. Alerts are rare and the
 * next notice, which tells how many are missing, can be hours away: overruns tells at once that
 * there are.
 */
int tcpstate_link_notices(struct tcpstate_link *link,
			  int (*each)(const struct tcpstate_notice *notice, void *arg), void *arg,
			  struct tcpstate_loss *loss);

#endif
