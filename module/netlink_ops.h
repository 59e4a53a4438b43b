/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of the family: what its files have in common, and the operations that are not in
 * netlink.c.
 */
#ifndef TCPSTATE_NETLINK_OPS_H
#define TCPSTATE_NETLINK_OPS_H

#include <net/genetlink.h>
#include <uapi/linux/tcpstate.h>

extern struct genl_family tcps_family;

/* A reply to @info's request, with @hdr for tcps_reply_send(); NULL where there is no memory. */
struct sk_buff *tcps_reply_new(struct genl_info *info, size_t size, void **hdr);
int tcps_reply_send(struct sk_buff *skb, void *hdr, struct genl_info *info);
/* Begins a message of a dump, for genlmsg_end() or genlmsg_cancel(); NULL: no room. */
void *tcps_dump_put(struct sk_buff *skb, struct netlink_callback *cb, u8 cmd);

/* netlink_config.c */
extern const struct nla_policy tcps_config_policy[TCPSTATE_A_CONFIG_MAX + 1];
int tcps_config_get_op(struct sk_buff *request, struct genl_info *info);
int tcps_config_set_op(struct sk_buff *request, struct genl_info *info);
extern const struct nla_policy tcps_switch_policy[TCPSTATE_A_SWITCH_MAX + 1];
int tcps_switch_set_op(struct sk_buff *request, struct genl_info *info);

/* netlink_alert.c */
extern const struct nla_policy tcps_alert_set_policy[TCPSTATE_A_ALERTS_MAX + 1];
int tcps_alert_set_op(struct sk_buff *request, struct genl_info *info);
int tcps_alert_dump(struct sk_buff *skb, struct netlink_callback *cb);
int tcps_peer_dump(struct sk_buff *skb, struct netlink_callback *cb);
int tcps_peer_dump_done(struct netlink_callback *cb);

#endif
