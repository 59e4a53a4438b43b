/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of alerts: what is remembered from evaluation to evaluation. Under struct
 * tcps_alerts.lock, all of it. Times are ms of ktime_get_boottime() unless they say otherwise.
 */
#ifndef TCPSTATE_ALERT_WATCH_H
#define TCPSTATE_ALERT_WATCH_H

#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#include "alert.h"
#include "socket.h"

#define TCPS_CONDITIONS	4	/* of a rule, at most */
#define TCPS_PEER_RULES	3	/* for a peer, at most */
#define TCPS_NET_RULES	4

struct tcps_alerts;
struct tcps_watched;

/**
 * struct tcps_condition - one way to raise an alert
 * @severity:	how bad it is then
 * @reason:	what is counted
 * @hold:	threshold that says for how many seconds it has to hold; TCPS_TH_NONE: at once
 */
struct tcps_condition {
	u8 severity;
	u8 reason;
	u8 hold;
};

/**
 * struct tcps_reading - what a rule finds now
 * @value:	of each of its conditions
 * @limit:	where it begins to hold
 * @holds:	whether it does
 * @calm:	what has been raised may be cleared, if no condition holds
 */
struct tcps_reading {
	u64 value[TCPS_CONDITIONS];
	u64 limit[TCPS_CONDITIONS];
	bool holds[TCPS_CONDITIONS];
	bool calm;
};

struct tcps_alert {
	struct list_head node;
	struct tcps_watched *watched;	/* whose, while it is active; NULL: the namespace's */
	u64 updated_ms;
	u8 condition;			/* which one has raised it */
	struct tcps_alert_view view;
};

/* One rule for one peer, or for the namespace. */
struct tcps_watch {
	u64 since_ms[TCPS_CONDITIONS];	/* that a condition holds; 0: it does not */
	u64 calm_ms;			/* since when it has been calm; 0: it is not */
	u64 cleared_ms;			/* when its last alert was cleared */
	u8 cleared_severity;		/* how bad that was, 0: it was ignored */
	struct tcps_alert *alert;
};

/**
 * struct tcps_rule - when to raise and to clear an alert
 * @kind:	which
 * @kin:	kind of the rule for the same peer that sees the same trouble in another way; 0: none
 * @calm:	threshold that says for how many seconds it has to be calm; TCPS_TH_NONE: not long
 * @conditions:	the worst first; of several that have held long enough the first counts
 * @read:	what there is now; @watched is NULL for the namespace
 */
struct tcps_rule {
	u8 kind;
	u8 kin;
	u8 calm;
	struct tcps_condition conditions[TCPS_CONDITIONS];
	void (*read)(struct tcps_alerts *alerts, struct tcps_watched *watched,
		     const struct tcps_watch *watch, struct tcps_reading *reading);
};

/* By kind of peer; NULL behind the last. */
extern const struct tcps_rule *const tcps_peer_rules[TCPS_LOCAL_ADDRESS + 1][TCPS_PEER_RULES];
extern const struct tcps_rule *const tcps_net_rules[TCPS_NET_RULES];

/* How many of something in the last minute, or a little less: in twelve parts. */
#define TCPS_MINUTE_PARTS	12

struct tcps_minute {
	u32 part[TCPS_MINUTE_PARTS];
	u64 began_ms;	/* the present part */
	u8 at;
};

/* An hour in parts, and one more: the first and the last are not over or not whole. */
#define TCPS_HOUR_PARTS		13

/* How many a second, in thousandths, smoothed over some eight seconds. */
struct tcps_rate {
	u32 last;	/* the counter */
	u32 milli;
};

/* Of the sockets in CLOSE_WAIT, those that say something of a leak; counted by a pass over them. */
struct tcps_tally {
	u32 idle[3];		/* for close-wait-info-age, close-wait-age, close-wait-slow-age */
	u32 unread_eof;		/* of the first of those: the far end's FIN is still to be read */
	u32 stale;		/* for stale-pool-age, and nothing but that FIN is to be read */
	u32 not_accepted;
	u64 oldest_ns;
	struct tcps_holder holder;	/* of the oldest that is idle */
};

#define TCPS_LEAK_SAMPLES	16
#define TCPS_LEAK_SIXTHS	7

/**
 * struct tcps_leak - of a peer that has enough sockets in CLOSE_WAIT to look at them
 * @now:	what the last whole pass has counted
 * @next:	what the present one has
 * @samples:	how many there were in CLOSE_WAIT, over close-wait-age and close-wait-growth-seconds
 * @sixths:	likewise over close-wait-slow-seconds
 * @sampled_ms:	when the last sample was taken
 * @sixth_ms:	likewise
 */
struct tcps_leak {
	struct tcps_tally now;
	struct tcps_tally next;
	u32 samples[TCPS_LEAK_SAMPLES];
	u32 sixths[TCPS_LEAK_SIXTHS];
	u64 sampled_ms;
	u64 sixth_ms;
};

/**
 * struct tcps_watched - a peer that has moved, or whose trouble is not over
 * @node:	in tcps_alerts.watched
 * @peer:	peer, with a reference
 * @watch:	of its rules
 * @moved_ms:	when it moved last
 * @listening:	of a listener, now
 * @drops:	of a listener
 * @fails:	of a destination
 * @opens:	likewise
 * @tw:		entries into TIME_WAIT, likewise
 * @tw_young:	those of the last evaluation or two
 * @last_drops:	counters at the last evaluation, like the next two
 * @last_failed: likewise
 * @last_no_port: likewise
 * @no_port_ms:	when no port was found last
 * @leak:	NULL: too few sockets in CLOSE_WAIT
 */
struct tcps_watched {
	struct list_head node;
	struct tcps_peer *peer;
	struct tcps_watch watch[TCPS_PEER_RULES];
	u64 moved_ms;
	struct tcps_listening listening;
	struct tcps_minute drops;
	struct tcps_minute fails;
	struct tcps_rate opens;
	struct tcps_rate tw;
	u32 tw_young;
	u64 last_drops;
	u32 last_failed;
	u32 last_no_port;
	u64 no_port_ms;
	struct tcps_leak *leak;
};

/**
 * struct tcps_alerts - the alerts of one namespace
 * @lock:	protects all but @work
 * @tn:		namespace
 * @work:	evaluates
 * @config:	thresholds and what is ignored
 * @begun_ms:	when the namespace was made, or we were switched on
 * @older:	its sockets may be older than that
 * @now_ms:	this evaluation
 * @last_ms:	the one before
 * @watched:	peers that are looked at
 * @net:	of the namespace's rules
 * @list:	alerts by number, active and ended
 * @active:	how many are active
 * @ended:	how many of @list have ended
 * @last_id:	number given last
 * @seq:	number of the last notification
 * @hour:	tickets and pages that were not folded, in five minutes each, the present ones first
 * @hour_part:	which five minutes those are
 * @refused:	raises that found no place since the last evaluation
 * @corrections: records corrected, in the last minute
 * @homeless:	endpoints and alerts without a place, likewise
 * @last_corrections: counters at the last evaluation, like the next two
 * @last_refused: likewise
 * @last_overflows: likewise
 * @last_full:	likewise
 * @newly_full:	connections dropped since then because a queue was full, of all listeners
 * @full:	as many drops of a listener are believed
 * @overflows:	minisocks that found no place, a second
 * @suspects:	peers that have a leak, by address
 * @cursor:	where the pass over the sockets in CLOSE_WAIT is
 * @passing:	a pass is under way
 * @pass_ms:	when the next one may begin
 * @passed:	sockets that this pass has looked at
 */
struct tcps_alerts {
	struct mutex lock;
	struct tcps_net *tn;
	struct delayed_work work;
	struct tcps_alert_config config;
	u64 begun_ms;
	bool older;
	u64 now_ms;
	u64 last_ms;
	struct list_head watched;
	struct tcps_watch net[TCPS_NET_RULES];
	struct list_head list;
	unsigned int active;
	unsigned int ended;
	u32 last_id;
	u64 seq;
	u32 hour[TCPS_HOUR_PARTS];
	u64 hour_part;
	u32 refused;
	struct tcps_minute corrections;
	struct tcps_minute homeless;
	u64 last_corrections;
	u32 last_refused;
	u64 last_overflows;
	u64 last_full;
	u32 newly_full;
	u32 full;
	u32 overflows;
	struct xarray suspects;
	struct tcps_cursor cursor;
	bool passing;
	u64 pass_ms;
	u32 passed;
};

static inline u32 tcps_th(const struct tcps_alerts *alerts, enum tcps_threshold threshold)
{
	return alerts->config.threshold[threshold];
}

/* The same in ms. */
static inline u64 tcps_th_ms(const struct tcps_alerts *alerts, enum tcps_threshold threshold)
{
	return (u64)tcps_th(alerts, threshold) * MSEC_PER_SEC;
}

/* alert_rules.c: what has happened since the last evaluation, before rules are read. */
void tcps_watch_sample(struct tcps_alerts *alerts, struct tcps_watched *watched);
void tcps_watch_sample_net(struct tcps_alerts *alerts);
/* Before those: what listeners have dropped. */
void tcps_watch_sample_full(struct tcps_alerts *alerts);
/* Nothing is left that could become an alert without moving. */
bool tcps_watch_quiet(const struct tcps_alerts *alerts, const struct tcps_watched *watched);
void tcps_watch_view(const struct tcps_peer *peer, const struct tcps_watched *watched,
		     struct tcps_peer_view *view);
u32 tcps_minute_sum(const struct tcps_minute *minute);

/* alert_leak.c: sockets in CLOSE_WAIT. */
void tcps_leak_pass(struct tcps_alerts *alerts);
void tcps_leak_sample(struct tcps_alerts *alerts, struct tcps_watched *watched);
void tcps_leak_drop(struct tcps_alerts *alerts, struct tcps_watched *watched);
/* How many more there are than before; whether there were ever more. */
u32 tcps_leak_growth(const struct tcps_watched *watched);
bool tcps_leak_steady(const struct tcps_watched *watched);
bool tcps_leak_slow(const struct tcps_watched *watched);

/* alert_config.c */
void tcps_alert_config_default(struct tcps_alert_config *config);
bool tcps_alert_ignored(const struct tcps_alert_config *config, const struct tcps_alert_view *view);

/* alert_wire.c: tells those who listen. */
void tcps_alert_notify(struct tcps_net *tn, const struct tcps_alert_view *view,
		       enum tcpstate_alert_action action);

#endif
