// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv4.h>
#include <linux/netfilter_ipv6.h>

#include "audit.h"
#include "hooks.h"
#include "segment.h"
#include "stats.h"
#include "track.h"

static unsigned int hook_sent(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct tcps_net *tn = tcps_net_of(state->net);
	struct tcps_packet pkt;

	if (tcps_segment_sent(skb, state, &pkt) == TCPS_SEGMENT &&
	    tcps_track_segment(tn, &pkt, TCPS_SENT))
		tcps_audit_kick(tn);
	return NF_ACCEPT;
}

static unsigned int hook_rcvd(void *priv, struct sk_buff *skb, const struct nf_hook_state *state)
{
	struct tcps_net *tn = tcps_net_of(state->net);
	struct tcps_packet pkt;

	switch (tcps_segment_rcvd(skb, state, &pkt)) {
	case TCPS_SEGMENT:
		tcps_track_segment(tn, &pkt, TCPS_RCVD);
		break;
	case TCPS_MALFORMED:
		tcps_stats_count(tn, TCPS_TOTAL_MALFORMED);
		break;
	case TCPS_BAD_CHECKSUM:
		tcps_stats_count(tn, TCPS_TOTAL_INVALID);
		break;
	case TCPS_NOT_OURS:
		break;
	}
	return NF_ACCEPT;
}

static const struct nf_hook_ops hook_ops[] = {
	{
		.hook = hook_sent,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP_PRI_FIRST,
	},
	{
		.hook = hook_rcvd,
		.pf = NFPROTO_IPV4,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP_PRI_LAST,
	},
#if IS_ENABLED(CONFIG_IPV6)
	{
		.hook = hook_sent,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_OUT,
		.priority = NF_IP6_PRI_FIRST,
	},
	{
		.hook = hook_rcvd,
		.pf = NFPROTO_IPV6,
		.hooknum = NF_INET_LOCAL_IN,
		.priority = NF_IP6_PRI_LAST,
	},
#endif
};

int tcps_hooks_register(struct tcps_net *tn)
{
	return nf_register_net_hooks(tn->net, hook_ops, ARRAY_SIZE(hook_ops));
}

void tcps_hooks_unregister(struct tcps_net *tn)
{
	nf_unregister_net_hooks(tn->net, hook_ops, ARRAY_SIZE(hook_ops));
}
