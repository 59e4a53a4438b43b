// SPDX-License-Identifier: GPL-2.0-only
#include <linux/user_namespace.h>
#include <uapi/linux/tcpstate.h>

#include "wire.h"

/* Makes sure that the tuple has the same numbers in both sets. */
#define SAME(name) \
	static_assert((int)TCPSTATE_A_ENDPOINT_##name == (int)TCPSTATE_A_TRANSITION_##name)
SAME(FAMILY);
SAME(LOCAL_ADDR);
SAME(REMOTE_ADDR);
SAME(LOCAL_PORT);
SAME(REMOTE_PORT);
SAME(SCOPE);

int tcps_wire_put_addr(struct sk_buff *skb, int attr, int family, const struct in6_addr *addr)
{
	if (family == AF_INET)
		return nla_put_in_addr(skb, attr, addr->s6_addr32[3]);
	return nla_put_in6_addr(skb, attr, addr);
}

int tcps_wire_put_key(struct sk_buff *skb, const struct tcps_key *key)
{
	if (nla_put_u32(skb, TCPSTATE_A_ENDPOINT_FAMILY, key->family) ||
	    tcps_wire_put_addr(skb, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, key->family, &key->laddr) ||
	    tcps_wire_put_addr(skb, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, key->family, &key->raddr) ||
	    nla_put_u16(skb, TCPSTATE_A_ENDPOINT_LOCAL_PORT, key->lport) ||
	    nla_put_u16(skb, TCPSTATE_A_ENDPOINT_REMOTE_PORT, key->rport))
		return -EMSGSIZE;
	return key->scope ? nla_put_u32(skb, TCPSTATE_A_ENDPOINT_SCOPE, key->scope) : 0;
}

/* Makes sure that they follow each other in both sets. */
#define FOLLOWS(set, name, n) \
	static_assert(TCPSTATE_A_##set##_##name == TCPSTATE_A_##set##_UID + (n))
FOLLOWS(ENDPOINT, INODE, 1);
FOLLOWS(ENDPOINT, COOKIE, 2);
FOLLOWS(ENDPOINT, CGROUP, 3);
FOLLOWS(TRANSITION, INODE, 1);
FOLLOWS(TRANSITION, COOKIE, 2);
FOLLOWS(TRANSITION, CGROUP, 3);

int tcps_wire_put_holder(struct sk_buff *skb, const struct tcps_net *tn,
			 const struct tcps_holder *holder, int uid, int pad)
{
	if (!holder->known)
		return 0;
	if (nla_put_u32(skb, uid, from_kuid_munged(tn->net->user_ns, holder->uid)) ||
	    nla_put_u64_64bit(skb, uid + 1, holder->inode, pad) ||
	    nla_put_u64_64bit(skb, uid + 2, holder->cookie, pad))
		return -EMSGSIZE;
	return holder->cgroup ? nla_put_u64_64bit(skb, uid + 3, holder->cgroup, pad) : 0;
}
