/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The types that everybody shares: what names an endpoint, and what a network namespace owns.
 */
#ifndef TCPSTATE_H
#define TCPSTATE_H

#include <linux/atomic.h>
#include <linux/in6.h>
#include <linux/types.h>
#include <linux/uidgid.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

struct tcps_alerts;
struct tcps_audit;
struct tcps_divergence;
struct tcps_events;
struct tcps_lists;
struct tcps_peers;
struct tcps_stats;

/**
 * struct tcps_key - names one local endpoint within its network namespace
 * @laddr:	local address; IPv4 as ::ffff:a.b.c.d
 * @raddr:	remote address, likewise
 * @lport:	local port, host order
 * @rport:	remote port, host order
 * @family:	AF_INET or AF_INET6, of the packets (an AF_INET6 socket can talk IPv4)
 * @zero:	padding that is hashed: always 0
 * @scope:	interface that the socket is bound to (SO_BINDTODEVICE, link-local address, VRF),
 *		or 0. Two VRFs, or two links, can hold the same tuple. Not part of the hash
 */
struct tcps_key {
	struct in6_addr laddr;
	struct in6_addr raddr;
	u16 lport;
	u16 rport;
	u16 family;
	u16 zero;
	int scope;
};

/**
 * struct tcps_holder - who holds a socket
 * @inode:	as in /proc/PID/fd; 0: no process, as it is not accepted yet or closed
 * @cookie:	as in inet_diag
 * @cgroup:	cgroup v2 id of who made it, 0: none
 * @uid:	who made it
 * @pid:	process that called connect(), in the initial pid namespace, or 0; also where the rest
 *		is not known
 * @bypassed:	data moves beside TCP (sockmap, SMC)
 * @known:	the others hold something: there is a full socket
 */
struct tcps_holder {
	u64 inode;
	u64 cookie;
	u64 cgroup;
	kuid_t uid;
	u32 pid;
	bool bypassed;
	bool known;
};

/**
 * struct tcps_net - what a network namespace owns
 * @net:	the namespace; no reference held, see Documentation/locking.rst
 * @node:	in the list of those that are switched on and off (switch.c)
 * @lists:	its state and due lists, one struct a shard (conn.c)
 * @stats:	its counters (stats.c)
 * @divergence:	how often records had to be corrected (stats.c)
 * @events:	its queue of events (event.c)
 * @peers:	its listeners and destinations (peer.c)
 * @alerts:	its alerts, and when they are looked at (alert.c)
 * @tracked:	number of its records
 * @limit:	most records it may have; set by netlink while it is read
 * @audit:	its audit's work, and where that is (audit.c)
 * @audit_armed: whether @audit is under way; bit 0
 * @wake_audit:	whoever makes a record that no hook or probe has brought calls it
 * @wake_alert:	whoever marks the first peer as moved calls it
 * @live:	records are made: from when hooks are on until they are off
 * @live_since:	when that began, boottime ns; written before it
 */
struct tcps_net {
	struct net *net;
	struct list_head node;
	struct tcps_lists *lists;
	struct tcps_stats __percpu *stats;
	struct tcps_divergence *divergence;
	struct tcps_events *events;
	struct tcps_peers *peers;
	struct tcps_alerts *alerts;
	atomic_t tracked;
	unsigned int limit;
	struct tcps_audit *audit;
	unsigned long audit_armed;
	void (*wake_audit)(struct tcps_net *tn);
	void (*wake_alert)(struct tcps_net *tn);
	bool live;
	u64 live_since;
};

/* Index of struct tcps_net in the namespaces' generic data; set by netns.c before the first use. */
extern unsigned int tcps_net_id;

static inline struct tcps_net *tcps_net_of(const struct net *net)
{
	return net_generic(net, tcps_net_id);
}

/* The same while it takes records, else NULL; under rcu_read_lock(). */
static inline struct tcps_net *tcps_live_net_of(const struct net *net)
{
	struct tcps_net *tn = tcps_net_of(net);

	return tn && READ_ONCE(tn->live) ? tn : NULL;
}

#endif
