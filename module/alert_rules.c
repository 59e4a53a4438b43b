// SPDX-License-Identifier: GPL-2.0-only
/*
 * What each rule reads, and when it holds. Numbers and reasons: Documentation/alerts.rst.
 */
#include <linux/math64.h>
#include <net/inet_timewait_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/tcp.h>

#include "alert.h"
#include "alert_watch.h"
#include "stats.h"

#define PART_MS		(60 * MSEC_PER_SEC / TCPS_MINUTE_PARTS)
#define SMOOTH		8	/* seconds that a rate is smoothed over */
#define QUIET_MS	60000	/* a peer that has not moved for so long may be forgotten */
#define CROWDED_MS	10000	/* the same where there is little room left */
#define TW_SECONDS	(TCP_TIMEWAIT_LEN / HZ)
#define REUSE_MILLI	1000	/* a minisock may be reused as soon as its second is over */

static u32 percent_of(u64 n, u32 percent)
{
	return div_u64(n * percent, 100);
}

/* Minutes and rates */

u32 tcps_minute_sum(const struct tcps_minute *minute)
{
	u32 sum = 0;
	unsigned int i;

	for (i = 0; i < TCPS_MINUTE_PARTS; i++)
		sum += minute->part[i];
	return sum;
}

static void minute_add(struct tcps_minute *minute, u64 now_ms, u32 n)
{
	unsigned int i;

	for (i = 0; i < TCPS_MINUTE_PARTS && now_ms - minute->began_ms >= PART_MS; i++) {
		minute->began_ms += PART_MS;
		minute->at = (minute->at + 1) % TCPS_MINUTE_PARTS;
		minute->part[minute->at] = 0;
	}
	if (now_ms - minute->began_ms >= PART_MS)
		minute->began_ms = now_ms;
	minute->part[minute->at] += n;
}

/* Returns how many there were since the last time. */
static u32 rate_add(struct tcps_rate *rate, u64 passed_ms, u32 counter)
{
	u32 n = counter - rate->last;
	s64 milli = div64_u64((u64)n * 1000 * MSEC_PER_SEC, passed_ms);

	rate->milli += div_s64(milli - rate->milli, SMOOTH);
	rate->last = counter;
	return n;
}

/* Samples */

static void sample_listener(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	struct tcps_key key = {
		.laddr = watched->peer->key.laddr, .lport = watched->peer->key.lport,
		.family = watched->peer->key.family,
	};
	bool first = !watched->listening.sockets;
	u32 dropped = 0;

	tcps_socket_listening(alerts->tn, &key, &watched->listening);
	/* Those of before are no news; a socket that is gone took its own along. */
	if (!first && watched->listening.drops > watched->last_drops)
		dropped = min_t(u64, watched->listening.drops - watched->last_drops, alerts->full);
	watched->last_drops = watched->listening.drops;
	minute_add(&watched->drops, alerts->now_ms, dropped);
}

static void sample_destination(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	struct tcps_peer *peer = watched->peer;
	u64 passed_ms = alerts->now_ms - alerts->last_ms ?: 1;
	u32 failed = atomic_read(&peer->failed), no_port = atomic_read(&peer->no_port);

	rate_add(&watched->opens, passed_ms, atomic_read(&peer->opened));
	watched->tw_young = rate_add(&watched->tw, passed_ms, atomic_read(&peer->tw_entered)) *
			    REUSE_MILLI / 1000;
	minute_add(&watched->fails, alerts->now_ms, failed - watched->last_failed);
	watched->last_failed = failed;
	if (no_port != watched->last_no_port)
		watched->no_port_ms = alerts->now_ms;
	watched->last_no_port = no_port;
	tcps_peer_ask(peer);
}

void tcps_watch_sample(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	if (watched->peer->key.kind == TCPS_LISTENER)
		sample_listener(alerts, watched);
	else
		sample_destination(alerts, watched);
	if (watched->peer->key.kind != TCPS_LOCAL_ADDRESS)
		tcps_leak_sample(alerts, watched);
}

static u64 overflows_of(const struct tcps_net *tn)
{
	return snmp_fold_field(tn->net->mib.net_statistics, LINUX_MIB_TCPTIMEWAITOVERFLOW);
}

/*
 * sk_drops of a listener counts every segment that a request socket has no use for, too: a RST, a SYN
 * sent again, an ICMP error. No more than these have been dropped because a queue was full.
 */
void tcps_watch_sample_full(struct tcps_alerts *alerts)
{
	u64 full = snmp_fold_field(alerts->tn->net->mib.net_statistics, LINUX_MIB_LISTENOVERFLOWS) +
		   snmp_fold_field(alerts->tn->net->mib.net_statistics, LINUX_MIB_TCPREQQFULLDROP);

	/* Without cookies what is dropped at three quarters of the queue is in neither. */
	if (!READ_ONCE(alerts->tn->net->ipv4.sysctl_tcp_syncookies))
		alerts->full = U32_MAX;
	else	/* what is counted here just before its listener is looked at, and after: once more */
		alerts->full = full - alerts->last_full + alerts->newly_full;
	alerts->newly_full = full - alerts->last_full;
	alerts->last_full = full;
}

void tcps_watch_sample_net(struct tcps_alerts *alerts)
{
	u64 corrections = tcps_stats_divergences(alerts->tn), overflows = overflows_of(alerts->tn);
	u64 passed_ms = alerts->now_ms - alerts->last_ms ?: 1;
	u32 refused = tcps_peer_refused(alerts->tn);

	minute_add(&alerts->corrections, alerts->now_ms, corrections - alerts->last_corrections);
	minute_add(&alerts->homeless, alerts->now_ms, refused - alerts->last_refused + alerts->refused);
	/* What came before we were is no news. */
	alerts->overflows = alerts->last_overflows ?
		div64_u64((overflows - alerts->last_overflows) * MSEC_PER_SEC, passed_ms) : 0;
	alerts->last_corrections = corrections;
	alerts->last_refused = refused;
	alerts->refused = 0;
	alerts->last_overflows = overflows;
}

bool tcps_watch_quiet(const struct tcps_alerts *alerts, const struct tcps_watched *watched)
{
	bool crowded = tcps_peer_number(alerts->tn) > tcps_peer_limit(alerts->tn) / 2;

	return alerts->now_ms - watched->moved_ms >= (crowded ? CROWDED_MS : QUIET_MS) &&
	       !watched->listening.queue && !watched->leak &&
	       !tcps_minute_sum(&watched->drops) && !tcps_minute_sum(&watched->fails);
}

/* Listeners */

static void read_listen_full(struct tcps_alerts *alerts, struct tcps_watched *watched,
			     const struct tcps_watch *watch, struct tcps_reading *reading)
{
	const struct tcps_listening *l = &watched->listening;
	u32 drops = tcps_minute_sum(&watched->drops);

	reading->value[0] = l->queue;
	reading->limit[0] = percent_of(l->backlog, tcps_th(alerts, TCPS_TH_LISTEN_FULL_PERCENT));
	/* A queue of 1 of 1 is no sign of anything: it may hold one more than its backlog. */
	if (reading->limit[0] < 2)
		reading->limit[0] = 2;
	reading->value[1] = reading->value[2] = drops;
	reading->limit[1] = tcps_th(alerts, TCPS_TH_LISTEN_FULL_DROPS_PAGE) + 1;
	reading->limit[2] = tcps_th(alerts, TCPS_TH_LISTEN_FULL_DROPS);
	reading->holds[0] = l->sockets && l->queue >= reading->limit[0];
	reading->holds[1] = drops >= reading->limit[1];
	reading->holds[2] = drops >= reading->limit[2];
	reading->calm = !drops && (!l->queue || l->queue * 100ull <
			(u64)l->backlog * tcps_th(alerts, TCPS_TH_LISTEN_FULL_CLEAR_PERCENT));
}

static void read_accept_stalled(struct tcps_alerts *alerts, struct tcps_watched *watched,
				const struct tcps_watch *watch, struct tcps_reading *reading)
{
	const struct tcps_listening *l = &watched->listening;
	bool old = l->waiting_ns > tcps_th(alerts, TCPS_TH_ACCEPT_STALLED_AGE) * (u64)NSEC_PER_SEC;

	reading->value[0] = l->queue;
	reading->limit[0] = tcps_th(alerts, TCPS_TH_ACCEPT_STALLED_COUNT);
	reading->holds[0] = old && l->queue >= reading->limit[0];
	reading->calm = !old;
}

static const struct tcps_rule listen_full = {
	.kind = TCPSTATE_ALERT_KIND_LISTEN_FULL, .kin = TCPSTATE_ALERT_KIND_ACCEPT_STALLED,
	.calm = TCPS_TH_LISTEN_FULL_CLEAR_SECONDS,
	.conditions = {
		{ TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_QUEUE, TCPS_TH_LISTEN_FULL_SECONDS },
		{ TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_DROPS, TCPS_TH_NONE },
		{ TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_DROPS,
		  TCPS_TH_LISTEN_FULL_DROPS_SECONDS },
	},
	.read = read_listen_full,
};

static const struct tcps_rule accept_stalled = {
	.kind = TCPSTATE_ALERT_KIND_ACCEPT_STALLED, .kin = TCPSTATE_ALERT_KIND_LISTEN_FULL,
	.conditions = {
		{ TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_NOT_ACCEPTED,
		  TCPS_TH_ACCEPT_STALLED_SECONDS },
	},
	.read = read_accept_stalled,
};

/* Sockets in CLOSE_WAIT */

/* Most of them are connections of a pool that nobody has asked for anything since. */
static bool is_pool(const struct tcps_watched *watched)
{
	return watched->peer->key.kind == TCPS_DESTINATION && !tcps_leak_steady(watched) &&
	       2 * watched->leak->now.stale > watched->leak->now.idle[0];
}

static void read_leak(struct tcps_alerts *alerts, struct tcps_watched *watched,
		      const struct tcps_watch *watch, struct tcps_reading *reading)
{
	bool accepted = watched->peer->key.kind == TCPS_LISTENER;
	u32 files = watch->alert ? watch->alert->view.file_limit : 0;
	const struct tcps_tally *tally;
	unsigned int c;

	reading->calm = true;
	if (!watched->leak)
		return;
	tally = &watched->leak->now;
	reading->value[0] = reading->value[3] = tally->idle[0];
	reading->value[1] = tally->idle[1];
	reading->value[2] = tally->idle[2];
	reading->limit[0] = percent_of(files, tcps_th(alerts, TCPS_TH_CLOSE_WAIT_FILES_PERCENT)) ?: 1;
	reading->limit[1] = tcps_th(alerts, TCPS_TH_CLOSE_WAIT_COUNT);
	reading->limit[2] = tcps_th(alerts, TCPS_TH_CLOSE_WAIT_SLOW_COUNT);
	reading->limit[3] = tcps_th(alerts, TCPS_TH_CLOSE_WAIT_INFO_COUNT);
	reading->holds[0] = files && tally->idle[0] >= reading->limit[0];
	reading->holds[1] = tally->idle[1] >= reading->limit[1] && !is_pool(watched) &&
			    tcps_leak_growth(watched) >= tcps_th(alerts, TCPS_TH_CLOSE_WAIT_GROWTH);
	reading->holds[2] = tally->idle[2] >= reading->limit[2] && tcps_leak_slow(watched);
	reading->holds[3] = accepted && tally->idle[0] >= reading->limit[3];
	c = watch->alert ? watch->alert->condition : 1;
	reading->calm = reading->value[c] * 100 <
			reading->limit[c] * tcps_th(alerts, TCPS_TH_CLOSE_WAIT_CLEAR_PERCENT);
}

static void read_stale_pool(struct tcps_alerts *alerts, struct tcps_watched *watched,
			    const struct tcps_watch *watch, struct tcps_reading *reading)
{
	u32 stale = watched->leak ? watched->leak->now.stale : 0;

	reading->value[0] = stale;
	reading->limit[0] = tcps_th(alerts, TCPS_TH_STALE_POOL_COUNT);
	reading->holds[0] = stale >= reading->limit[0] && is_pool(watched);
	/* One that goes on to grow is a leak. */
	reading->calm = stale < tcps_th(alerts, TCPS_TH_STALE_POOL_CLEAR_COUNT) || !is_pool(watched);
}

static const struct tcps_rule close_wait_leak = {
	.kind = TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, .calm = TCPS_TH_CLOSE_WAIT_CLEAR_SECONDS,
	.conditions = {
		{ TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_FILES, TCPS_TH_NONE },
		{ TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_LEAK, TCPS_TH_NONE },
		{ TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_SLOW_LEAK, TCPS_TH_NONE },
		{ TCPSTATE_SEVERITY_INFO, TCPSTATE_ALERT_REASON_LEAK, TCPS_TH_NONE },
	},
	.read = read_leak,
};

static const struct tcps_rule stale_pool = {
	.kind = TCPSTATE_ALERT_KIND_STALE_POOL,
	.conditions = {
		{ TCPSTATE_SEVERITY_INFO, TCPSTATE_ALERT_REASON_UNREAD_EOF, TCPS_TH_NONE },
	},
	.read = read_stale_pool,
};

/* Ports */

static bool on_loopback(const struct tcps_peer *peer)
{
	const struct in6_addr *addr = &peer->key.laddr;

	if (peer->key.family == AF_INET)
		return ipv4_is_loopback(addr->s6_addr32[3]);
	return ipv6_addr_loopback(addr);
}

/* As tcp_twsk_unique() sees it: toward the same address only. */
static bool reusable(const struct tcps_peer *peer)
{
	int how = READ_ONCE(peer->tn->net->ipv4.sysctl_tcp_tw_reuse);

	return peer->key.kind == TCPS_DESTINATION && peer->stamps &&
	       (how == 1 || (how == 2 && on_loopback(peer)));
}

/* What connect() chooses from. */
static u32 ports_of(struct net *net)
{
	const unsigned long *reserved = net->ipv4.sysctl_local_reserved_ports;
	int low, high;
	u32 n, port;

	inet_get_local_port_range(net, &low, &high);
	n = high - low + 1;
	port = low;
	if (reserved)
		for_each_set_bit_from(port, reserved, high + 1)
			n--;
	return n;
}

static void view_ports(const struct tcps_peer *peer, const struct tcps_watched *watched,
		       struct tcps_peer_view *view)
{
	u32 used = max(atomic_read(&peer->ports), 0);
	u32 tw = min_t(u32, max(atomic_read(&peer->tw_ports), 0), used);
	u32 young = watched ? min(watched->tw_young, tw) : 0;
	u64 milli = watched ? watched->tw.milli : 0;

	view->ports = ports_of(peer->tn->net);
	view->reusable = reusable(peer);
	view->ports_used = view->reusable ? used - tw + young : used;
	view->plateau = used - tw + div_u64(milli * (view->reusable ? REUSE_MILLI :
						    TW_SECONDS * 1000ull), 1000 * 1000);
}

static void read_ports(struct tcps_alerts *alerts, struct tcps_watched *watched,
		       const struct tcps_watch *watch, struct tcps_reading *reading)
{
	struct tcps_peer_view view = {};
	bool failed;

	view_ports(watched->peer, watched, &view);
	failed = watched->no_port_ms && alerts->now_ms - watched->no_port_ms < 60 * MSEC_PER_SEC;
	reading->value[0] = watched->last_no_port;
	reading->limit[0] = 1;
	reading->holds[0] = failed;
	reading->value[1] = reading->value[2] = view.ports_used;
	reading->limit[1] = percent_of(view.ports,
				       tcps_th(alerts, TCPS_TH_PORT_EXHAUSTION_PAGE_PERCENT)) ?: 1;
	reading->limit[2] = percent_of(view.ports, tcps_th(alerts, TCPS_TH_PORT_EXHAUSTION_PERCENT)) ?: 1;
	reading->holds[1] = view.ports_used >= reading->limit[1] && view.plateau >= view.ports;
	reading->holds[2] = view.ports_used >= reading->limit[2];
	reading->calm = !failed && (!view.ports_used || view.ports_used * 100ull < (u64)view.ports *
			tcps_th(alerts, TCPS_TH_PORT_EXHAUSTION_CLEAR_PERCENT));
}

static const struct tcps_rule port_exhaustion = {
	.kind = TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, .calm = TCPS_TH_PORT_EXHAUSTION_CLEAR_SECONDS,
	.conditions = {
		{ TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_NO_PORT, TCPS_TH_NONE },
		{ TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_PORTS, TCPS_TH_NONE },
		{ TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_PORTS,
		  TCPS_TH_PORT_EXHAUSTION_SECONDS },
	},
	.read = read_ports,
};

const struct tcps_rule *const tcps_peer_rules[TCPS_LOCAL_ADDRESS + 1][TCPS_PEER_RULES] = {
	[TCPS_LISTENER] = { &accept_stalled, &listen_full, &close_wait_leak },
	[TCPS_DESTINATION] = { &port_exhaustion, &close_wait_leak, &stale_pool },
	[TCPS_LOCAL_ADDRESS] = { &port_exhaustion },
};

void tcps_watch_view(const struct tcps_peer *peer, const struct tcps_watched *watched,
		     struct tcps_peer_view *view)
{
	const struct tcps_tally *tally = watched && watched->leak ? &watched->leak->now : NULL;
	struct tcps_listening listening = {};
	unsigned int s;

	*view = (struct tcps_peer_view){ .key = peer->key };
	for (s = 1; s < TCPS_STATES; s++)
		view->count[s] = max(atomic_read(&peer->count[s]), 0);
	if (peer->key.kind == TCPS_LISTENER) {
		struct tcps_key key = {
			.laddr = peer->key.laddr, .lport = peer->key.lport,
			.family = peer->key.family,
		};

		tcps_socket_listening(peer->tn, &key, &listening);
		view->sockets = listening.sockets;
		view->queue = listening.queue;
		view->backlog = listening.backlog;
		view->drops = listening.drops;
		view->waiting_ns = listening.waiting_ns;
		view->holder = listening.holder;
	} else {
		view_ports(peer, watched, view);
		tcps_peer_caller(peer, &view->holder);
		view->no_port = atomic_read(&peer->no_port);
	}
	if (watched) {
		view->drops_per_minute = tcps_minute_sum(&watched->drops);
		view->fails_per_minute = tcps_minute_sum(&watched->fails);
		view->opens_milli = watched->opens.milli;
	}
	if (tally) {
		view->idle = tally->idle[0];
		view->unread_eof = tally->unread_eof;
		view->not_accepted = tally->not_accepted;
		if (tally->holder.known)
			view->holder = tally->holder;
	}
}

/* The namespace's own */

static void read_time_wait(struct tcps_alerts *alerts, struct tcps_watched *watched,
			   const struct tcps_watch *watch, struct tcps_reading *reading)
{
	const struct inet_timewait_death_row *row = &alerts->tn->net->ipv4.tcp_death_row;
	u32 most = READ_ONCE(row->sysctl_max_tw_buckets);

	reading->value[0] = refcount_read(&row->tw_refcount) - 1;
	reading->limit[0] = percent_of(most, tcps_th(alerts, TCPS_TH_TIME_WAIT_PERCENT)) ?: 1;
	reading->holds[0] = reading->value[0] >= reading->limit[0];
	reading->value[1] = alerts->overflows;
	reading->limit[1] = tcps_th(alerts, TCPS_TH_TIME_WAIT_OVERFLOWS);
	reading->holds[1] = reading->value[1] >= reading->limit[1];
	reading->calm = (!reading->value[0] || reading->value[0] * 100 <
			 (u64)most * tcps_th(alerts, TCPS_TH_TIME_WAIT_CLEAR_PERCENT)) &&
			!alerts->overflows;
}

static void read_table(struct tcps_alerts *alerts, struct tcps_watched *watched,
		       const struct tcps_watch *watch, struct tcps_reading *reading)
{
	u32 used, most;

	tcps_conn_fill(alerts->tn, &used, &most);
	reading->value[0] = used;
	reading->limit[0] = percent_of(most, tcps_th(alerts, TCPS_TH_TABLE_FULL_PERCENT)) ?: 1;
	reading->holds[0] = reading->value[0] >= reading->limit[0];
	reading->calm = !reading->value[0] || reading->value[0] * 100 <
			(u64)most * tcps_th(alerts, TCPS_TH_TABLE_FULL_CLEAR_PERCENT);
}

static void read_divergence(struct tcps_alerts *alerts, struct tcps_watched *watched,
			    const struct tcps_watch *watch, struct tcps_reading *reading)
{
	u64 tracked = max(atomic_read(&alerts->tn->tracked), 1);

	reading->value[0] = tcps_minute_sum(&alerts->corrections);
	reading->limit[0] = div_u64(tracked * tcps_th(alerts, TCPS_TH_DIVERGENCE_PERMILLE), 1000) + 1;
	reading->holds[0] = reading->value[0] >= reading->limit[0];
	reading->calm = !reading->value[0];
}

static void read_peers(struct tcps_alerts *alerts, struct tcps_watched *watched,
		       const struct tcps_watch *watch, struct tcps_reading *reading)
{
	reading->value[0] = tcps_minute_sum(&alerts->homeless);
	reading->limit[0] = 1;
	reading->holds[0] = reading->value[0];
	reading->calm = !reading->value[0];
}

static const struct tcps_rule time_wait_pressure = {
	.kind = TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE,
	.conditions = {
		{ TCPSTATE_SEVERITY_INFO, TCPSTATE_ALERT_REASON_BUCKETS, TCPS_TH_TIME_WAIT_SECONDS },
		{ TCPSTATE_SEVERITY_INFO, TCPSTATE_ALERT_REASON_OVERFLOWS,
		  TCPS_TH_TIME_WAIT_OVERFLOW_SECONDS },
	},
	.read = read_time_wait,
};

static const struct tcps_rule table_full = {
	.kind = TCPSTATE_ALERT_KIND_TABLE_FULL,
	.conditions = { { TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_RECORDS, TCPS_TH_NONE } },
	.read = read_table,
};

static const struct tcps_rule divergence = {
	.kind = TCPSTATE_ALERT_KIND_DIVERGENCE,
	.conditions = {
		{ TCPSTATE_SEVERITY_TICKET, TCPSTATE_ALERT_REASON_CORRECTIONS,
		  TCPS_TH_DIVERGENCE_SECONDS },
	},
	.read = read_divergence,
};

static const struct tcps_rule peers_full = {
	.kind = TCPSTATE_ALERT_KIND_PEERS_FULL,
	.conditions = { { TCPSTATE_SEVERITY_INFO, TCPSTATE_ALERT_REASON_PEERS, TCPS_TH_NONE } },
	.read = read_peers,
};

const struct tcps_rule *const tcps_net_rules[TCPS_NET_RULES] = {
	&time_wait_pressure, &table_full, &divergence, &peers_full,
};
