// SPDX-License-Identifier: GPL-2.0-only
#include <linux/capability.h>
#include <linux/ktime.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/sock.h>
#include <uapi/linux/tcpstate.h>

#include "audit.h"
#include "conn.h"
#include "event.h"
#include "filter.h"
#include "netlink.h"
#include "netlink_ops.h"
#include "socket.h"
#include "stats.h"
#include "switch.h"
#include "wire.h"

/* Makes sure that the spec has the kernel's states, and states.def's events as causes. */
#define TCPS_STATE(name, number, rfc, meaning) \
	static_assert((int)TCPSTATE_STATE_##name == (int)TCPS_##name);
#define TCPS_EVENT(name, text) \
	static_assert((int)TCPSTATE_CAUSE_##name == (int)TCPS_EV_##name);
#include "fsm/states.def"
static_assert(TCPSTATE_HISTOGRAM_BUCKETS == TCPS_BUCKETS);

struct sk_buff *tcps_reply_new(struct genl_info *info, size_t size, void **hdr)
{
	struct sk_buff *skb = genlmsg_new(size, GFP_KERNEL);

	if (!skb)
		return NULL;
	*hdr = genlmsg_put_reply(skb, info, &tcps_family, 0, info->genlhdr->cmd);
	if (*hdr)
		return skb;
	nlmsg_free(skb);
	return NULL;
}

int tcps_reply_send(struct sk_buff *skb, void *hdr, struct genl_info *info)
{
	genlmsg_end(skb, hdr);
	return genlmsg_reply(skb, info);
}

void *tcps_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd)
{
	return genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, &tcps_family,
			   NLM_F_MULTI, cmd);
}

/* Statistics */

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, TCPSTATE_A_STATS_PAD);
}

static int put_state(struct sk_buff *skb, unsigned int s, const struct tcps_counts *counts,
		     const struct tcps_stats *stats)
{
	const int pad = TCPSTATE_A_STATE_STATS_PAD;
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_STATS_STATE);

	if (!nest || nla_put_u32(skb, TCPSTATE_A_STATE_STATS_STATE, s) ||
	    nla_put_u32(skb, TCPSTATE_A_STATE_STATS_COUNT, counts->state[s].count) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_STATE_STATS_ENTERED, stats->entered[s], pad) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_STATE_STATS_OLDEST_NS, counts->state[s].oldest_ns,
			      pad) ||
	    nla_put_u32(skb, TCPSTATE_A_STATE_STATS_OLDER_60S,
			counts->state[s].older[TCPS_AGE_60S]) ||
	    nla_put_u32(skb, TCPSTATE_A_STATE_STATS_OLDER_300S,
			counts->state[s].older[TCPS_AGE_300S]) ||
	    (s != TCPS_CLOSE && nla_put(skb, TCPSTATE_A_STATE_STATS_HISTOGRAM,
					sizeof(stats->stays[s]), stats->stays[s])))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* Old state by new state, without the state 0, which is none. */
static int put_matrix(struct sk_buff *skb, const struct tcps_stats *stats)
{
	const size_t row = (TCPS_STATES - 1) * sizeof(u64);
	struct nlattr *attr = nla_reserve(skb, TCPSTATE_A_STATS_MATRIX, (TCPS_STATES - 1) * row);
	unsigned int from;

	if (!attr)
		return -EMSGSIZE;
	for (from = 1; from < TCPS_STATES; from++)
		memcpy(nla_data(attr) + (from - 1) * row, &stats->moves[from][1], row);
	return 0;
}

static int put_divergence(struct sk_buff *skb, struct tcps_net *tn, unsigned int correction,
			  unsigned int from, unsigned int to)
{
	u32 count = tcps_stats_divergence(tn, correction, from, to);
	struct nlattr *nest;

	if (!count)
		return 0;
	nest = nla_nest_start(skb, TCPSTATE_A_STATS_DIVERGENCE);
	if (!nest || nla_put_u32(skb, TCPSTATE_A_DIVERGENCE_FROM, from) ||
	    nla_put_u32(skb, TCPSTATE_A_DIVERGENCE_TO, to) ||
	    nla_put_u32(skb, TCPSTATE_A_DIVERGENCE_CORRECTION, correction) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_DIVERGENCE_COUNT, count, TCPSTATE_A_DIVERGENCE_PAD))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* How far the rest can be trusted. Some hundred kinds of divergence are possible, few happen. */
static int put_health(struct sk_buff *skb, struct tcps_net *tn)
{
	u64 since = smp_load_acquire(&tn->live) ? READ_ONCE(tn->live_since) : 0;
	u64 verified = tcps_audit_verified(tn), now = ktime_get_boottime_ns();
	unsigned int c, from, to;

	if (nla_put_u32(skb, TCPSTATE_A_STATS_EVIDENCE, tcps_switch_evidence()) ||
	    put_u64(skb, TCPSTATE_A_STATS_DIVERGENCES, tcps_stats_divergences(tn)) ||
	    (verified && put_u64(skb, TCPSTATE_A_STATS_VERIFIED_NS, now - verified)) ||
	    (since && put_u64(skb, TCPSTATE_A_STATS_ON_NS, now - since)))
		return -EMSGSIZE;
	for (c = 1; c < TCPS_CORRECTIONS; c++)
		for (from = 1; from < TCPS_STATES; from++)
			for (to = 1; to < TCPS_STATES; to++)
				if (put_divergence(skb, tn, c, from, to))
					return -EMSGSIZE;
	return 0;
}

static int put_stats(struct sk_buff *skb, struct tcps_net *tn, const struct tcps_stats *stats)
{
	struct tcps_event_counts events;
	struct tcps_counts counts;
	unsigned int s;

	tcps_conn_counts(tn, &counts);
	tcps_event_get(tn, NULL, &events);
	if (nla_put_u32(skb, TCPSTATE_A_STATS_NETNS, tn->net->ns.inum) ||
	    nla_put_u32(skb, TCPSTATE_A_STATS_TRACKED, atomic_read(&tn->tracked)) ||
	    nla_put_u32(skb, TCPSTATE_A_STATS_LIMIT, READ_ONCE(tn->limit)))
		return -EMSGSIZE;
	for (s = 1; s < TCPS_STATES; s++)
		if (put_state(skb, s, &counts, stats))
			return -EMSGSIZE;
	if (put_matrix(skb, stats) ||
	    put_u64(skb, TCPSTATE_A_STATS_TRANSITIONS, stats->total[TCPS_TOTAL_TRANSITIONS]) ||
	    put_u64(skb, TCPSTATE_A_STATS_INVALID, stats->total[TCPS_TOTAL_INVALID]) ||
	    put_u64(skb, TCPSTATE_A_STATS_MALFORMED, stats->total[TCPS_TOTAL_MALFORMED]) ||
	    put_u64(skb, TCPSTATE_A_STATS_UNTRACKED, stats->total[TCPS_TOTAL_UNTRACKED]) ||
	    put_u64(skb, TCPSTATE_A_STATS_EVENT_SEQ, events.seq) ||
	    put_u64(skb, TCPSTATE_A_STATS_EVENT_LOST, events.lost))
		return -EMSGSIZE;
	return put_health(skb, tn);
}

/* Room for all kinds of divergence, though they cannot all be. */
#define DIVERGENCES_SIZE	(64 * TCPS_CORRECTIONS * TCPS_STATES * TCPS_STATES)

static int stats_get(struct sk_buff *request, struct genl_info *info)
{
	struct tcps_net *tn = tcps_net_of(genl_info_net(info));
	struct tcps_stats *stats;
	struct sk_buff *skb;
	int err = -ENOMEM;
	void *hdr;

	stats = kmalloc(sizeof(*stats), GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	tcps_stats_sum(tn, stats);
	skb = tcps_reply_new(info, 2 * sizeof(*stats) + DIVERGENCES_SIZE, &hdr);
	if (!skb)
		goto out;
	err = put_stats(skb, tn, stats);
	if (err)
		nlmsg_free(skb);
	else
		err = tcps_reply_send(skb, hdr, info);
out:
	kfree(stats);
	return err;
}

/* Endpoints */

static const struct nla_policy endpoint_policy[TCPSTATE_A_ENDPOINT_MAX + 1] = {
	[TCPSTATE_A_ENDPOINT_FAMILY] = { .type = NLA_U32 },
	[TCPSTATE_A_ENDPOINT_LOCAL_ADDR] =
		NLA_POLICY_VALIDATE_FN(NLA_BINARY, tcps_filter_check_addr),
	[TCPSTATE_A_ENDPOINT_REMOTE_ADDR] =
		NLA_POLICY_VALIDATE_FN(NLA_BINARY, tcps_filter_check_addr),
	[TCPSTATE_A_ENDPOINT_LOCAL_PORT] = { .type = NLA_U16 },
	[TCPSTATE_A_ENDPOINT_REMOTE_PORT] = { .type = NLA_U16 },
	[TCPSTATE_A_ENDPOINT_SCOPE] = NLA_POLICY_MIN(NLA_U32, 1),
	[TCPSTATE_A_ENDPOINT_FILTER] = NLA_POLICY_NESTED(tcps_filter_policy),
};

/* Looked up now: a record has no room for it. */
static int put_socket(struct sk_buff *skb, const struct tcps_net *tn, const struct tcps_view *view)
{
	const void *listener = view->local == TCPS_LISTEN ? view->owner : NULL;
	struct tcps_holder holder;
	enum tcps_kind kind;

	kind = tcps_socket_find_holder(tn, &view->key, listener, &holder);
	if ((kind && nla_put_u32(skb, TCPSTATE_A_ENDPOINT_SOCKET_KIND, kind)) ||
	    (holder.bypassed && nla_put_flag(skb, TCPSTATE_A_ENDPOINT_BYPASSED)))
		return -EMSGSIZE;
	return tcps_wire_put_holder(skb, tn, &holder, TCPSTATE_A_ENDPOINT_UID,
				    TCPSTATE_A_ENDPOINT_PAD);
}

static int put_endpoint(struct sk_buff *skb, const struct tcps_net *tn,
			const struct tcps_view *view)
{
	if (tcps_wire_put_key(skb, &view->key) ||
	    nla_put_u32(skb, TCPSTATE_A_ENDPOINT_LOCAL_STATE, view->local) ||
	    nla_put_u32(skb, TCPSTATE_A_ENDPOINT_REMOTE_STATE, view->remote) ||
	    nla_put_u64_64bit(skb, TCPSTATE_A_ENDPOINT_AGE_NS, view->age_ns,
			      TCPSTATE_A_ENDPOINT_PAD) ||
	    (view->at_least && nla_put_flag(skb, TCPSTATE_A_ENDPOINT_AGE_AT_LEAST)))
		return -EMSGSIZE;
	/* A number that means nothing in other namespaces is not told there. */
	if (view->pid && task_active_pid_ns(current) == &init_pid_ns &&
	    nla_put_u32(skb, TCPSTATE_A_ENDPOINT_PID, view->pid))
		return -EMSGSIZE;
	return put_socket(skb, tn, view);
}

/* The tuple that a request names. */
static int read_key(struct genl_info *info, struct tcps_key *key)
{
	static const u8 needed[] = {
		TCPSTATE_A_ENDPOINT_FAMILY, TCPSTATE_A_ENDPOINT_LOCAL_ADDR,
		TCPSTATE_A_ENDPOINT_REMOTE_ADDR, TCPSTATE_A_ENDPOINT_LOCAL_PORT,
		TCPSTATE_A_ENDPOINT_REMOTE_PORT,
	};
	struct nlattr **attrs = info->attrs;
	unsigned int i;

	if (attrs[TCPSTATE_A_ENDPOINT_FILTER]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[TCPSTATE_A_ENDPOINT_FILTER],
				    "a filter is for dumps");
		return -EINVAL;
	}
	for (i = 0; i < ARRAY_SIZE(needed); i++)
		if (!attrs[needed[i]]) {
			GENL_SET_ERR_MSG(info, "an endpoint is named by family, both addresses and both ports");
			return -EINVAL;
		}
	if (tcps_filter_check_family(attrs[TCPSTATE_A_ENDPOINT_FAMILY], info->extack))
		return -EINVAL;
	memset(key, 0, sizeof(*key));
	key->family = nla_get_u32(attrs[TCPSTATE_A_ENDPOINT_FAMILY]);
	for (i = TCPSTATE_A_ENDPOINT_LOCAL_ADDR; i <= TCPSTATE_A_ENDPOINT_REMOTE_ADDR; i++) {
		if ((nla_len(attrs[i]) == sizeof(struct in_addr)) == (key->family == AF_INET))
			continue;
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[i], "the address is of another family");
		return -EINVAL;
	}
	tcps_filter_addr(&key->laddr, attrs[TCPSTATE_A_ENDPOINT_LOCAL_ADDR]);
	tcps_filter_addr(&key->raddr, attrs[TCPSTATE_A_ENDPOINT_REMOTE_ADDR]);
	key->lport = nla_get_u16(attrs[TCPSTATE_A_ENDPOINT_LOCAL_PORT]);
	key->rport = nla_get_u16(attrs[TCPSTATE_A_ENDPOINT_REMOTE_PORT]);
	if (attrs[TCPSTATE_A_ENDPOINT_SCOPE])
		key->scope = nla_get_u32(attrs[TCPSTATE_A_ENDPOINT_SCOPE]);
	return 0;
}

static int endpoint_get(struct sk_buff *request, struct genl_info *info)
{
	struct tcps_net *tn = tcps_net_of(genl_info_net(info));
	struct tcps_view view;
	struct tcps_key key;
	struct sk_buff *skb;
	void *hdr;
	int err;

	err = read_key(info, &key);
	if (err)
		return err;
	if (!tcps_conn_view(tn, &key, &view)) {
		GENL_SET_ERR_MSG(info, "no endpoint with this tuple and scope is tracked in this network namespace");
		return -ENOENT;
	}
	skb = tcps_reply_new(info, NLMSG_DEFAULT_SIZE, &hdr);
	if (!skb)
		return -ENOMEM;
	err = put_endpoint(skb, tn, &view);
	if (!err)
		return tcps_reply_send(skb, hdr, info);
	nlmsg_free(skb);
	return err;
}

#define DUMP_BATCH	32

/**
 * struct dump - where a dump of endpoints is; in netlink_callback.ctx
 * @filter:	what was asked for
 * @cursor:	behind the last record that has been read
 * @views:	records read
 * @next:	which of them is to be sent next
 * @n:		how many have been read
 * @left:	how many more may be sent
 * @begun:	the request has been read
 */
struct dump {
	struct tcps_filter filter;
	struct tcps_cursor cursor;
	struct tcps_view views[DUMP_BATCH];
	unsigned int next;
	unsigned int n;
	u32 left;
	bool begun;
};

static int dump_start(struct netlink_callback *cb)
{
	struct dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL_ACCOUNT);

	*(struct dump **)cb->ctx = dump;
	return dump ? 0 : -ENOMEM;
}

/*
 * Reads the request: not at the start, where the kernel has no extended acknowledgment to give
 * (6.1).
 */
static int dump_begin(struct dump *dump, struct netlink_callback *cb)
{
	struct nlattr *attrs[TCPSTATE_A_ENDPOINT_MAX + 1];
	unsigned int a;
	int err;

	err = genlmsg_parse(cb->nlh, &tcps_family, attrs, TCPSTATE_A_ENDPOINT_MAX, endpoint_policy,
			    cb->extack);
	if (err)
		return err;
	for (a = 0; a < TCPSTATE_A_ENDPOINT_FILTER; a++) {
		if (!attrs[a])
			continue;
		NL_SET_ERR_MSG(cb->extack, "a dump takes a filter and nothing else");
		return -EINVAL;
	}
	err = tcps_filter_read(&dump->filter, attrs[TCPSTATE_A_ENDPOINT_FILTER], cb->extack);
	if (err)
		return err;
	dump->left = dump->filter.limit;
	dump->begun = true;
	return 0;
}

static int dump_done(struct netlink_callback *cb)
{
	kfree(*(struct dump **)cb->ctx);
	return 0;
}

static int dump_one(struct sk_buff *skb, struct netlink_callback *cb, const struct tcps_net *tn,
		    const struct tcps_view *view)
{
	void *hdr = tcps_dump_put(skb, cb, TCPSTATE_CMD_ENDPOINT_GET);

	if (!hdr)
		return -EMSGSIZE;
	if (put_endpoint(skb, tn, view)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, hdr);
	return 0;
}

static int endpoint_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tcps_net *tn = tcps_net_of(sock_net(skb->sk));
	struct dump *dump = *(struct dump **)cb->ctx;
	int err;

	err = dump->begun ? 0 : dump_begin(dump, cb);
	if (err)
		return err;
	for (; dump->left; dump->left--) {
		if (dump->next == dump->n) {
			dump->next = 0;
			dump->n = tcps_conn_walk(tn, &dump->cursor, dump->filter.states,
						 dump->filter.min_age_ns, tcps_filter_match,
						 &dump->filter, dump->views, DUMP_BATCH);
			if (!dump->n)
				break;
		}
		if (dump_one(skb, cb, tn, &dump->views[dump->next]))
			return skb->len;	/* full: go on with the next message */
		dump->next++;
	}
	return skb->len;
}

static const struct genl_ops ops[] = {
	{
		.cmd = TCPSTATE_CMD_STATS_GET,
		.doit = stats_get,
	},
	{
		.cmd = TCPSTATE_CMD_ENDPOINT_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = endpoint_get,
		.start = dump_start,
		.dumpit = endpoint_dump,
		.done = dump_done,
		.policy = endpoint_policy,
		.maxattr = TCPSTATE_A_ENDPOINT_MAX,
	},
	{
		.cmd = TCPSTATE_CMD_CONFIG_GET,
		.doit = tcps_config_get_op,
	},
	{
		.cmd = TCPSTATE_CMD_CONFIG_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = tcps_config_set_op,
		.policy = tcps_config_policy,
		.maxattr = TCPSTATE_A_CONFIG_MAX,
	},
	{
		.cmd = TCPSTATE_CMD_PEER_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = tcps_peer_dump,
		.done = tcps_peer_dump_done,
	},
	{
		.cmd = TCPSTATE_CMD_ALERT_GET,
		.flags = GENL_UNS_ADMIN_PERM,
		.dumpit = tcps_alert_dump,
	},
	{
		.cmd = TCPSTATE_CMD_ALERT_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = tcps_alert_set_op,
		.policy = tcps_alert_set_policy,
		.maxattr = TCPSTATE_A_ALERTS_MAX,
	},
	{
		.cmd = TCPSTATE_CMD_SWITCH_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.doit = tcps_switch_set_op,
		.policy = tcps_switch_policy,
		.maxattr = TCPSTATE_A_SWITCH_MAX,
	},
};

static const struct genl_multicast_group groups[] = {
	[TCPS_GROUP_TRANSITIONS] = {
		.name = TCPSTATE_MCGRP_TRANSITIONS, .flags = GENL_MCAST_CAP_NET_ADMIN,
	},
	[TCPS_GROUP_ALERTS] = {
		.name = TCPSTATE_MCGRP_ALERTS, .flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

struct genl_family tcps_family __ro_after_init = {
	.name = TCPSTATE_FAMILY_NAME,
	.version = TCPSTATE_FAMILY_VERSION,
	.netnsok = true,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
};

int tcps_netlink_init(void)
{
	int err = genl_register_family(&tcps_family);

	if (err) {
		pr_err("cannot register the netlink family " TCPSTATE_FAMILY_NAME ": %d\n", err);
		return err;
	}
	tcps_event_family(&tcps_family);
	return 0;
}

void tcps_netlink_exit(void)
{
	tcps_event_family(NULL);
	genl_unregister_family(&tcps_family);
}
