/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What messages to user space have in common: the multicast groups, and an endpoint's tuple as
 * attributes. The messages themselves: Documentation/netlink/specs/tcpstate.yaml.
 */
#ifndef TCPSTATE_WIRE_H
#define TCPSTATE_WIRE_H

#include <net/netlink.h>

#include "tcpstate.h"

/* In the order of the family's list. */
enum tcps_group { TCPS_GROUP_TRANSITIONS, TCPS_GROUP_ALERTS };

/* An address, 4 bytes of it with AF_INET. Return: 0, or -EMSGSIZE. */
int tcps_wire_put_addr(struct sk_buff *skb, int attr, int family, const struct in6_addr *addr);

/**
 * tcps_wire_put_key() - an endpoint's tuple and scope
 * @skb:	message, in which the attributes are those of the set "endpoint" or "transition"
 * @key:	endpoint
 *
 * Return: 0, or -EMSGSIZE.
 */
int tcps_wire_put_key(struct sk_buff *skb, const struct tcps_key *key);

/**
 * tcps_wire_put_holder() - who holds an endpoint's socket
 * @skb:	message
 * @tn:		namespace: users are told as in the user namespace that owns it
 * @holder:	holder; where it is not known nothing is put
 * @uid:	number of the attribute "uid" in the set; inode, cookie and cgroup follow it
 * @pad:	that of "pad"
 *
 * Return: 0, or -EMSGSIZE.
 */
int tcps_wire_put_holder(struct sk_buff *skb, const struct tcps_net *tn,
			 const struct tcps_holder *holder, int uid, int pad);

#endif
