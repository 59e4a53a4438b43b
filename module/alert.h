/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alerts: trouble that is told when it begins, with what proves it, and once when it is over. Rules
 * are looked at once a second, for what has moved or is not over; nothing runs where nothing does.
 * What each rule says, and why: Documentation/alerts.rst.
 */
#ifndef TCPSTATE_ALERT_H
#define TCPSTATE_ALERT_H

#include <net/netlink.h>
#include <uapi/linux/tcpstate.h>

#include "peer.h"

/* The thresholds, by the numbers of the netlink spec's set "thresholds"; element 0 is unused. */
enum tcps_threshold {
	TCPS_TH_NONE,
#define TCPS_THRESHOLD(id, name, by_default, min, max) TCPS_TH_##id,
#include "alerts.def"
	TCPS_THRESHOLDS
};

/**
 * struct tcps_ignore - alerts that nobody wants to be told of
 * @addr:	address, IPv4 as ::ffff:a.b.c.d; all 0: any
 * @kind:	enum tcpstate_alert_kind, 0: any
 * @port:	port, 0: any
 */
struct tcps_ignore {
	struct in6_addr addr;
	u16 kind;
	u16 port;
};

/* What can be set at run time; see the netlink spec. */
struct tcps_alert_config {
	u32 threshold[TCPS_THRESHOLDS];
	struct tcps_ignore ignore[TCPSTATE_IGNORES_MAX];
	unsigned int ignores;
};

/**
 * struct tcps_peer_view - what is told of a peer; see the netlink spec's set "peer"
 * @key:	what names it
 * @count:	its endpoints by local state
 * @listening:	of a listener
 * @holder:	of a listener; of who opens connections; in an alert of the oldest socket in CLOSE_WAIT
 */
struct tcps_peer_view {
	struct tcps_peer_key key;
	u32 count[TCPS_STATES];
	struct tcps_holder holder;
	u32 sockets;
	u32 queue;
	u32 backlog;
	u32 drops_per_minute;
	u64 drops;
	u64 waiting_ns;
	u32 ports_used;
	u32 ports;
	u32 plateau;
	u32 opens_milli;
	u32 fails_per_minute;
	u32 no_port;
	u32 idle;
	u32 unread_eof;
	u32 not_accepted;
	bool reusable;
};

/* What is told of an alert; see the netlink spec's set "alert". Times are CLOCK_REALTIME, ns. */
struct tcps_alert_view {
	struct tcps_peer_view peer;	/* without a kind: it is about the namespace */
	u64 seq;	/* of its last notification */
	u64 value;
	u64 limit;
	u64 peak;
	u64 raised_ns;
	u64 begun_ns;
	u64 cleared_ns;			/* 0: active */
	u32 id;
	u32 file_limit;			/* 0: not known */
	u8 kind;
	u8 severity;
	u8 reason;
	bool folded;
	bool ignored;
	bool unverified;
	bool withdrawn;			/* not over: we were switched off */
};

int tcps_alert_net_init(struct tcps_net *tn);
/* Hooks are about to be on; @older: sockets may be older than that. Nothing is settled. */
void tcps_alert_start(struct tcps_net *tn, bool older);
/* Hooks and probe are off, for a while: what is active is withdrawn. */
void tcps_alert_off(struct tcps_net *tn);
/* Hooks and probe are off; nothing is evaluated any more. Context: may sleep. */
void tcps_alert_net_stop(struct tcps_net *tn);
void tcps_alert_net_exit(struct tcps_net *tn);

/* The following may sleep. */

/* The alert with the lowest number above @after, active or ended; false where there is none. */
bool tcps_alert_next(struct tcps_net *tn, u32 after, struct tcps_alert_view *view);

/* How many files the holder of alert @id may have open; -ENOENT: there is no such active alert. */
int tcps_alert_set_files(struct tcps_net *tn, u32 id, u32 files);

/* What there is to tell of @peer now; a listener's sockets are looked up. */
void tcps_alert_peer_view(struct tcps_peer *peer, struct tcps_peer_view *view);

void tcps_alert_config_get(struct tcps_net *tn, struct tcps_alert_config *config);
/* @config has been checked. Takes effect with the next evaluation. */
void tcps_alert_config_set(struct tcps_net *tn, const struct tcps_alert_config *config);
/* What is wrong with thresholds that are each in range, for people; NULL: nothing. */
const char *tcps_alert_config_wrong(const struct tcps_alert_config *config);
/* The range of a threshold. */
void tcps_alert_range(enum tcps_threshold threshold, u32 *min, u32 *max);

/* Names, as the netlink spec has them; also of @kind 0, which is none. */
const char *tcps_alert_kind_name(unsigned int kind);
const char *tcps_alert_severity_name(unsigned int severity);
const char *tcps_alert_reason_name(unsigned int reason);

/* As attributes of the sets "alert" and "peer". Return: 0, or -EMSGSIZE. */
int tcps_alert_put(struct sk_buff *skb, const struct tcps_net *tn,
		   const struct tcps_alert_view *view);
int tcps_alert_put_peer(struct sk_buff *skb, const struct tcps_net *tn,
			const struct tcps_peer_view *view);
/* Room for one alert, whatever is in it. */
size_t tcps_alert_size(void);

#endif
