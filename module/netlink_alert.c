// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts, listeners and destinations, as dumps.
 */
#include <net/genetlink.h>
#include <net/sock.h>
#include <uapi/linux/tcpstate.h>

#include "alert.h"
#include "netlink_ops.h"
#include "peer.h"

const struct nla_policy tcps_alert_set_policy[TCPSTATE_A_ALERTS_MAX + 1] = {
	[TCPSTATE_A_ALERTS_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[TCPSTATE_A_ALERTS_FILE_LIMIT] = { .type = NLA_U32 },
};

int tcps_alert_set_op(struct sk_buff *request, struct genl_info *info)
{
	struct nlattr **attrs = info->attrs;
	int err;

	if (!attrs[TCPSTATE_A_ALERTS_ID] || !attrs[TCPSTATE_A_ALERTS_FILE_LIMIT]) {
		GENL_SET_ERR_MSG(info, "an alert is given its id and a file-limit");
		return -EINVAL;
	}
	err = tcps_alert_set_files(tcps_net_of(genl_info_net(info)),
				   nla_get_u32(attrs[TCPSTATE_A_ALERTS_ID]),
				   nla_get_u32(attrs[TCPSTATE_A_ALERTS_FILE_LIMIT]));
	if (err)
		GENL_SET_ERR_MSG(info, "no alert with this id is active in this network namespace");
	return err;
}

static int put_alert(struct sk_buff *skb, struct netlink_callback *cb, const struct tcps_net *tn,
		     const struct tcps_alert_view *view)
{
	void *hdr = tcps_dump_put(skb, cb, TCPSTATE_CMD_ALERT_GET);
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	if (nla_put_u64_64bit(skb, TCPSTATE_A_ALERTS_SEQ, view->seq, TCPSTATE_A_ALERTS_PAD))
		goto full;
	nest = nla_nest_start(skb, TCPSTATE_A_ALERTS_ALERT);
	if (!nest || tcps_alert_put(skb, tn, view))
		goto full;
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;

full:
	genlmsg_cancel(skb, hdr);
	return -EMSGSIZE;
}

/* The dump's first argument is the number of the last alert that has been sent. */
int tcps_alert_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tcps_net *tn = tcps_net_of(sock_net(skb->sk));
	struct tcps_alert_view view;

	while (tcps_alert_next(tn, cb->args[0], &view)) {
		if (put_alert(skb, cb, tn, &view))
			break;		/* full: go on with the next message */
		cb->args[0] = view.id;
	}
	return skb->len;
}

static int put_peer(struct sk_buff *skb, struct netlink_callback *cb, struct tcps_peer *peer)
{
	void *hdr = tcps_dump_put(skb, cb, TCPSTATE_CMD_PEER_GET);
	struct tcps_peer_view view;
	struct nlattr *nest;

	if (!hdr)
		return -EMSGSIZE;
	tcps_alert_peer_view(peer, &view);
	nest = nla_nest_start(skb, TCPSTATE_A_PEERS_PEER);
	if (!nest || tcps_alert_put_peer(skb, peer->tn, &view)) {
		genlmsg_cancel(skb, hdr);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	genlmsg_end(skb, hdr);
	return 0;
}

/*
 * The dump's first argument is the peer that is to be sent next, with a reference; the second says
 * that there has been one.
 */
int tcps_peer_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct tcps_net *tn = tcps_net_of(sock_net(skb->sk));
	struct tcps_peer *peer = (struct tcps_peer *)cb->args[0];

	if (!cb->args[1])
		peer = tcps_peer_next(tn, NULL);
	cb->args[1] = 1;
	while (peer && !put_peer(skb, cb, peer))
		peer = tcps_peer_next(tn, peer);
	cb->args[0] = (long)peer;
	return skb->len;
}

int tcps_peer_dump_done(struct netlink_callback *cb)
{
	struct tcps_peer *peer = (struct tcps_peer *)cb->args[0];

	if (peer)
		tcps_peer_put(peer);
	return 0;
}
