// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>

#include "alert.h"
#include "alert_watch.h"
#include "event.h"
#include "wire.h"

/* Makes sure that our numbers are the netlink spec's. */
static_assert((int)TCPS_LISTENER == (int)TCPSTATE_PEER_KIND_LISTENER);
static_assert((int)TCPS_DESTINATION == (int)TCPSTATE_PEER_KIND_DESTINATION);
static_assert((int)TCPS_LOCAL_ADDRESS == (int)TCPSTATE_PEER_KIND_LOCAL_ADDRESS);
static_assert(TCPSTATE_A_PEER_INODE == TCPSTATE_A_PEER_UID + 1);
static_assert(TCPSTATE_A_PEER_COOKIE == TCPSTATE_A_PEER_UID + 2);
static_assert(TCPSTATE_A_PEER_CGROUP == TCPSTATE_A_PEER_UID + 3);

static int put_peer_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, TCPSTATE_A_PEER_PAD);
}

static int put_name(struct sk_buff *skb, const struct tcps_peer_key *key)
{
	if (nla_put_u32(skb, TCPSTATE_A_PEER_KIND, key->kind) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_FAMILY, key->family) ||
	    tcps_wire_put_addr(skb, TCPSTATE_A_PEER_LOCAL_ADDR, key->family, &key->laddr))
		return -EMSGSIZE;
	if (key->kind == TCPS_LISTENER)
		return nla_put_u16(skb, TCPSTATE_A_PEER_LOCAL_PORT, key->lport);
	if (key->kind == TCPS_LOCAL_ADDRESS)
		return 0;
	return tcps_wire_put_addr(skb, TCPSTATE_A_PEER_REMOTE_ADDR, key->family, &key->raddr) ?:
	       nla_put_u16(skb, TCPSTATE_A_PEER_REMOTE_PORT, key->rport);
}

static int put_listener(struct sk_buff *skb, const struct tcps_peer_view *view)
{
	if (nla_put_u32(skb, TCPSTATE_A_PEER_SOCKETS, view->sockets) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_QUEUE, view->queue) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_BACKLOG, view->backlog) ||
	    put_peer_u64(skb, TCPSTATE_A_PEER_DROPS, view->drops) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_DROPS_PER_MINUTE, view->drops_per_minute))
		return -EMSGSIZE;
	return view->waiting_ns ? put_peer_u64(skb, TCPSTATE_A_PEER_WAITING_NS, view->waiting_ns) : 0;
}

static int put_destination(struct sk_buff *skb, const struct tcps_peer_view *view)
{
	if (nla_put_u32(skb, TCPSTATE_A_PEER_PORTS_USED, view->ports_used) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_PORTS, view->ports) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_PLATEAU, view->plateau) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_OPENS_MILLI, view->opens_milli) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_FAILS_PER_MINUTE, view->fails_per_minute) ||
	    put_peer_u64(skb, TCPSTATE_A_PEER_NO_PORT, view->no_port))
		return -EMSGSIZE;
	return view->reusable ? nla_put_flag(skb, TCPSTATE_A_PEER_REUSABLE) : 0;
}

/* As in events: its number means something to those who own the network namespace's users. */
static int put_caller(struct sk_buff *skb, const struct tcps_net *tn, u32 pid)
{
	return pid && tn->net->user_ns == &init_user_ns ?
	       nla_put_u32(skb, TCPSTATE_A_PEER_PID, pid) : 0;
}

int tcps_alert_put_peer(struct sk_buff *skb, const struct tcps_net *tn,
			const struct tcps_peer_view *view)
{
	if (put_name(skb, &view->key) ||
	    nla_put(skb, TCPSTATE_A_PEER_COUNTS, (TCPS_STATES - 1) * sizeof(u32), &view->count[1]) ||
	    tcps_wire_put_holder(skb, tn, &view->holder, TCPSTATE_A_PEER_UID, TCPSTATE_A_PEER_PAD) ||
	    put_caller(skb, tn, view->holder.pid) ||
	    (view->key.kind == TCPS_LISTENER ? put_listener(skb, view) : put_destination(skb, view)))
		return -EMSGSIZE;
	if (view->key.kind == TCPS_LOCAL_ADDRESS)
		return 0;
	if (nla_put_u32(skb, TCPSTATE_A_PEER_IDLE, view->idle) ||
	    nla_put_u32(skb, TCPSTATE_A_PEER_UNREAD_EOF, view->unread_eof))
		return -EMSGSIZE;
	return view->key.kind == TCPS_LISTENER ?
	       nla_put_u32(skb, TCPSTATE_A_PEER_NOT_ACCEPTED, view->not_accepted) : 0;
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, TCPSTATE_A_ALERT_PAD);
}

static int put_flags(struct sk_buff *skb, const struct tcps_alert_view *view)
{
	if ((view->folded && nla_put_flag(skb, TCPSTATE_A_ALERT_FOLDED)) ||
	    (view->ignored && nla_put_flag(skb, TCPSTATE_A_ALERT_IGNORED)) ||
	    (view->unverified && nla_put_flag(skb, TCPSTATE_A_ALERT_UNVERIFIED)) ||
	    (view->withdrawn && nla_put_flag(skb, TCPSTATE_A_ALERT_WITHDRAWN)) ||
	    (view->file_limit && nla_put_u32(skb, TCPSTATE_A_ALERT_FILE_LIMIT, view->file_limit)))
		return -EMSGSIZE;
	return 0;
}

int tcps_alert_put(struct sk_buff *skb, const struct tcps_net *tn,
		   const struct tcps_alert_view *view)
{
	struct nlattr *nest;

	if (nla_put_u32(skb, TCPSTATE_A_ALERT_ID, view->id) ||
	    nla_put_u32(skb, TCPSTATE_A_ALERT_KIND, view->kind) ||
	    nla_put_u32(skb, TCPSTATE_A_ALERT_SEVERITY, view->severity) ||
	    nla_put_u32(skb, TCPSTATE_A_ALERT_REASON, view->reason) ||
	    put_u64(skb, TCPSTATE_A_ALERT_VALUE, view->value) ||
	    put_u64(skb, TCPSTATE_A_ALERT_LIMIT, view->limit) ||
	    put_u64(skb, TCPSTATE_A_ALERT_PEAK, view->peak) ||
	    put_u64(skb, TCPSTATE_A_ALERT_RAISED_NS, view->raised_ns) ||
	    put_u64(skb, TCPSTATE_A_ALERT_BEGUN_NS, view->begun_ns) ||
	    (view->cleared_ns && put_u64(skb, TCPSTATE_A_ALERT_CLEARED_NS, view->cleared_ns)) ||
	    put_flags(skb, view))
		return -EMSGSIZE;
	if (!view->peer.key.kind)
		return 0;
	nest = nla_nest_start(skb, TCPSTATE_A_ALERT_PEER);
	if (!nest || tcps_alert_put_peer(skb, tn, &view->peer))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

size_t tcps_alert_size(void)
{
	return 2 * nla_total_size(0) +
	       (TCPSTATE_A_ALERT_MAX + TCPSTATE_A_PEER_MAX) * nla_total_size_64bit(sizeof(u64)) +
	       2 * nla_total_size(sizeof(struct in6_addr)) +
	       nla_total_size((TCPS_STATES - 1) * sizeof(u32));
}

struct notice {
	const struct tcps_net *tn;
	const struct tcps_alert_view *view;
	enum tcpstate_alert_action action;
};

static int fill_notice(struct sk_buff *skb, const void *arg)
{
	const struct notice *notice = arg;
	struct nlattr *nest;

	if (nla_put_u64_64bit(skb, TCPSTATE_A_ALERTS_SEQ, notice->view->seq, TCPSTATE_A_ALERTS_PAD) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_ALERTS_TIME_NS, ktime_get_real_ns(),
			      TCPSTATE_A_ALERTS_PAD) ||
	    nla_put_u32(skb, TCPSTATE_A_ALERTS_ACTION, notice->action))
		return -EMSGSIZE;
	nest = nla_nest_start(skb, TCPSTATE_A_ALERTS_ALERT);
	if (!nest || tcps_alert_put(skb, notice->tn, notice->view))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

void tcps_alert_notify(struct tcps_net *tn, const struct tcps_alert_view *view,
		       enum tcpstate_alert_action action)
{
	const struct notice notice = { .tn = tn, .view = view, .action = action };

	tcps_event_multicast(tn, TCPS_GROUP_ALERTS, TCPSTATE_CMD_ALERT_NTF,
			     tcps_alert_size() + 4 * nla_total_size_64bit(sizeof(u64)),
			     fill_notice, &notice);
}
