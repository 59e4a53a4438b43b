// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be set at run time.
 */
#include <linux/mutex.h>
#include <linux/slab.h>
#include <net/genetlink.h>
#include <net/ipv6.h>
#include <uapi/linux/tcpstate.h>

#include "alert.h"
#include "conn.h"
#include "event.h"
#include "filter.h"
#include "netlink_ops.h"
#include "switch.h"
#include "wire.h"

/* Ranges are checked below: a policy has no room for them. */
static const struct nla_policy thresholds_policy[TCPSTATE_A_THRESHOLDS_MAX + 1] = {
	[1 ... TCPSTATE_A_THRESHOLDS_MAX] = { .type = NLA_U32 },
};

static const struct nla_policy ignore_policy[TCPSTATE_A_IGNORE_MAX + 1] = {
	[TCPSTATE_A_IGNORE_KIND] = NLA_POLICY_RANGE(NLA_U32, TCPSTATE_ALERT_KIND_LISTEN_FULL,
						    TCPSTATE_ALERT_KIND_PEERS_FULL),
	[TCPSTATE_A_IGNORE_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
	[TCPSTATE_A_IGNORE_ADDR] = NLA_POLICY_VALIDATE_FN(NLA_BINARY, tcps_filter_check_addr),
};

const struct nla_policy tcps_config_policy[TCPSTATE_A_CONFIG_MAX + 1] = {
	[TCPSTATE_A_CONFIG_LIMIT] = NLA_POLICY_MIN(NLA_U32, TCPSTATE_LIMIT_MIN),
	[TCPSTATE_A_CONFIG_EVENT_BATCH] = NLA_POLICY_RANGE(NLA_U32, 1, TCPSTATE_EVENT_BATCH_MAX),
	[TCPSTATE_A_CONFIG_EVENT_DELAY_MS] = NLA_POLICY_MAX(NLA_U32, TCPSTATE_EVENT_DELAY_MAX),
	[TCPSTATE_A_CONFIG_EVENT_QUEUE] = NLA_POLICY_MIN(NLA_U32, TCPSTATE_EVENT_QUEUE_MIN),
	[TCPSTATE_A_CONFIG_THRESHOLDS] = NLA_POLICY_NESTED(thresholds_policy),
	[TCPSTATE_A_CONFIG_IGNORE] = NLA_POLICY_NESTED(ignore_policy),
	[TCPSTATE_A_CONFIG_IGNORE_NONE] = { .type = NLA_FLAG },
};

static int put_thresholds(struct sk_buff *skb, const struct tcps_alert_config *alerts)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_CONFIG_THRESHOLDS);
	unsigned int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 1; i < TCPS_THRESHOLDS; i++)
		if (nla_put_u32(skb, i, alerts->threshold[i]))
			return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_ignore(struct sk_buff *skb, const struct tcps_ignore *ignore)
{
	struct nlattr *nest = nla_nest_start(skb, TCPSTATE_A_CONFIG_IGNORE);
	int family = ipv6_addr_v4mapped(&ignore->addr) ? AF_INET : AF_INET6;

	if (!nest ||
	    (ignore->kind && nla_put_u32(skb, TCPSTATE_A_IGNORE_KIND, ignore->kind)) ||
	    (ignore->port && nla_put_u16(skb, TCPSTATE_A_IGNORE_PORT, ignore->port)) ||
	    (!ipv6_addr_any(&ignore->addr) &&
	     tcps_wire_put_addr(skb, TCPSTATE_A_IGNORE_ADDR, family, &ignore->addr)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int put_config(struct sk_buff *skb, struct tcps_net *tn,
		      const struct tcps_alert_config *alerts)
{
	struct tcps_event_config events;
	unsigned int i;

	tcps_event_get(tn, &events, NULL);
	if (nla_put_u32(skb, TCPSTATE_A_CONFIG_LIMIT, READ_ONCE(tn->limit)) ||
	    nla_put_u32(skb, TCPSTATE_A_CONFIG_EVENT_BATCH, events.batch) ||
	    nla_put_u32(skb, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, events.delay_ms) ||
	    nla_put_u32(skb, TCPSTATE_A_CONFIG_EVENT_QUEUE, events.queue) ||
	    put_thresholds(skb, alerts))
		return -EMSGSIZE;
	for (i = 0; i < alerts->ignores; i++)
		if (put_ignore(skb, &alerts->ignore[i]))
			return -EMSGSIZE;
	return 0;
}

/* Room for all of it: an ignored alert is a nest, two numbers and an address. */
#define CONFIG_SIZE	(NLMSG_DEFAULT_SIZE + 64 * TCPSTATE_IGNORES_MAX)

int tcps_config_get_op(struct sk_buff *request, struct genl_info *info)
{
	struct tcps_net *tn = tcps_net_of(genl_info_net(info));
	struct tcps_alert_config *alerts;
	struct sk_buff *skb = NULL;
	int err = -ENOMEM;
	void *hdr;

	alerts = kmalloc(sizeof(*alerts), GFP_KERNEL);
	if (alerts)
		skb = tcps_reply_new(info, CONFIG_SIZE, &hdr);
	if (!skb)
		goto out;
	tcps_alert_config_get(tn, alerts);
	err = put_config(skb, tn, alerts);
	if (err)
		nlmsg_free(skb);
	else
		err = tcps_reply_send(skb, hdr, info);
out:
	kfree(alerts);
	return err;
}

/*
 * A value above its default takes the machine's memory: a container's root may not. @attr may be
 * NULL. @above: what is said of one above @max.
 */
static int check_room(struct sk_buff *request, const struct nlattr *attr, u32 by_default, u32 max,
		      const char *above, struct netlink_ext_ack *extack)
{
	if (!attr || nla_get_u32(attr) <= by_default)
		return 0;
	if (nla_get_u32(attr) > max) {
		NL_SET_BAD_ATTR(extack, attr);
		extack->_msg = above;
		return -ERANGE;
	}
	if (netlink_capable(request, CAP_NET_ADMIN))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr,
			    "more than the default can only be given from the initial user namespace");
	return -EPERM;
}

/* The words for a number out of range: they name it. */
static const char *const out_of_range[TCPS_THRESHOLDS] = {
#define TCPS_THRESHOLD(id, name, by_default, min, max) \
	[TCPS_TH_##id] = name " is a number from " #min " to " #max,
#include "alerts.def"
};

static int read_thresholds(const struct nlattr *nest, struct tcps_alert_config *alerts,
			   struct netlink_ext_ack *extack)
{
	const struct nlattr *attr;
	u32 value, min, max;
	int rem;

	nla_for_each_nested(attr, nest, rem) {
		value = nla_get_u32(attr);
		tcps_alert_range(nla_type(attr), &min, &max);
		if (value < min || value > max) {
			NL_SET_BAD_ATTR(extack, attr);
			extack->_msg = out_of_range[nla_type(attr)];
			return -ERANGE;
		}
		alerts->threshold[nla_type(attr)] = value;
	}
	return 0;
}

static int read_ignore(const struct nlattr *nest, struct tcps_alert_config *alerts,
		       struct netlink_ext_ack *extack)
{
	struct nlattr *attrs[TCPSTATE_A_IGNORE_MAX + 1];
	struct tcps_ignore *ignore;
	int err;

	if (alerts->ignores == TCPSTATE_IGNORES_MAX) {
		NL_SET_ERR_MSG_ATTR(extack, nest, "no more than 64 alerts can be ignored");
		return -ERANGE;
	}
	err = nla_parse_nested(attrs, TCPSTATE_A_IGNORE_MAX, nest, ignore_policy, extack);
	if (err)
		return err;
	ignore = &alerts->ignore[alerts->ignores++];
	memset(ignore, 0, sizeof(*ignore));
	if (attrs[TCPSTATE_A_IGNORE_KIND])
		ignore->kind = nla_get_u32(attrs[TCPSTATE_A_IGNORE_KIND]);
	if (attrs[TCPSTATE_A_IGNORE_PORT])
		ignore->port = nla_get_u16(attrs[TCPSTATE_A_IGNORE_PORT]);
	if (attrs[TCPSTATE_A_IGNORE_ADDR])
		tcps_filter_addr(&ignore->addr, attrs[TCPSTATE_A_IGNORE_ADDR]);
	if (ignore->kind || ignore->port || !ipv6_addr_any(&ignore->addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, nest, "an ignored alert is named by kind, port or addr");
	return -EINVAL;
}

/* What is given, in place of what there was. */
static int read_alerts(struct genl_info *info, struct tcps_alert_config *alerts)
{
	const struct nlattr *nest = info->attrs[TCPSTATE_A_CONFIG_THRESHOLDS], *attr;
	const char *wrong;
	int rem, err;

	err = nest ? read_thresholds(nest, alerts, info->extack) : 0;
	if (err)
		return err;
	wrong = tcps_alert_config_wrong(alerts);
	if (wrong) {
		NL_SET_BAD_ATTR(info->extack, nest);
		info->extack->_msg = wrong;
		return -EINVAL;
	}
	if (info->attrs[TCPSTATE_A_CONFIG_IGNORE] || info->attrs[TCPSTATE_A_CONFIG_IGNORE_NONE])
		alerts->ignores = 0;
	if (info->attrs[TCPSTATE_A_CONFIG_IGNORE] && info->attrs[TCPSTATE_A_CONFIG_IGNORE_NONE]) {
		GENL_SET_ERR_MSG(info, "ignore-none is given beside what is to be ignored");
		return -EINVAL;
	}
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rem) {
		if (nla_type(attr) == TCPSTATE_A_CONFIG_IGNORE)
			err = err ?: read_ignore(attr, alerts, info->extack);
	}
	return err;
}

/* Serialises those who set: what they leave out stays as it is. */
static DEFINE_MUTEX(config_lock);

static void set_events(struct tcps_net *tn, struct nlattr **attrs)
{
	struct tcps_event_config events;

	tcps_event_get(tn, &events, NULL);
	if (attrs[TCPSTATE_A_CONFIG_EVENT_BATCH])
		events.batch = nla_get_u32(attrs[TCPSTATE_A_CONFIG_EVENT_BATCH]);
	if (attrs[TCPSTATE_A_CONFIG_EVENT_DELAY_MS])
		events.delay_ms = nla_get_u32(attrs[TCPSTATE_A_CONFIG_EVENT_DELAY_MS]);
	if (attrs[TCPSTATE_A_CONFIG_EVENT_QUEUE])
		events.queue = nla_get_u32(attrs[TCPSTATE_A_CONFIG_EVENT_QUEUE]);
	tcps_event_set(tn, &events);
}

/* Everything is checked before anything is set. */
int tcps_config_set_op(struct sk_buff *request, struct genl_info *info)
{
	static const char above_limit[] =
		"limit is at most the table's size: /sys/module/tcpstate/parameters/max_endpoints";
	static const char above_queue[] =
		"event-queue is at most " __stringify(TCPSTATE_EVENT_QUEUE_MAX);
	struct tcps_net *tn = tcps_net_of(genl_info_net(info));
	struct nlattr **attrs = info->attrs;
	struct tcps_alert_config *alerts;
	int err;

	err = check_room(request, attrs[TCPSTATE_A_CONFIG_LIMIT], tcps_conn_default_limit(tn),
			 tcps_conn_capacity(), above_limit, info->extack);
	if (err)
		return err;
	err = check_room(request, attrs[TCPSTATE_A_CONFIG_EVENT_QUEUE], TCPS_EVENT_QUEUE_DEFAULT,
			 TCPSTATE_EVENT_QUEUE_MAX, above_queue, info->extack);
	if (err)
		return err;
	alerts = kmalloc(sizeof(*alerts), GFP_KERNEL);
	if (!alerts)
		return -ENOMEM;
	mutex_lock(&config_lock);
	tcps_alert_config_get(tn, alerts);
	err = read_alerts(info, alerts);
	if (!err) {
		tcps_alert_config_set(tn, alerts);
		set_events(tn, attrs);
		if (attrs[TCPSTATE_A_CONFIG_LIMIT])
			WRITE_ONCE(tn->limit, nla_get_u32(attrs[TCPSTATE_A_CONFIG_LIMIT]));
	}
	mutex_unlock(&config_lock);
	kfree(alerts);
	return err;
}

const struct nla_policy tcps_switch_policy[TCPSTATE_A_SWITCH_MAX + 1] = {
	[TCPSTATE_A_SWITCH_ENABLED] = NLA_POLICY_MAX(NLA_U8, 1),
};

int tcps_switch_set_op(struct sk_buff *request, struct genl_info *info)
{
	const struct nlattr *enabled = info->attrs[TCPSTATE_A_SWITCH_ENABLED];

	if (!enabled) {
		GENL_SET_ERR_MSG(info, "enabled is missing: 1 on, 0 off");
		return -EINVAL;
	}
	if (!netlink_capable(request, CAP_NET_ADMIN)) {
		GENL_SET_ERR_MSG(info,
				 "it is for all network namespaces: only from the initial user namespace");
		return -EPERM;
	}
	if (nla_get_u8(enabled))
		return tcps_switch_on();
	tcps_switch_off();
	return 0;
}
