// SPDX-License-Identifier: GPL-2.0-only
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

static int put_addr(struct sk_buff *skb, int attr, const struct tcps_key *key,
		    const struct in6_addr *addr)
{
	if (key->family == AF_INET)
		return nla_put_in_addr(skb, attr, addr->s6_addr32[3]);
	return nla_put_in6_addr(skb, attr, addr);
}

int tcps_wire_put_key(struct sk_buff *skb, const struct tcps_key *key)
{
	if (nla_put_u32(skb, TCPSTATE_A_ENDPOINT_FAMILY, key->family) ||
	    put_addr(skb, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, key, &key->laddr) ||
	    put_addr(skb, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, key, &key->raddr) ||
	    nla_put_u16(skb, TCPSTATE_A_ENDPOINT_LOCAL_PORT, key->lport) ||
	    nla_put_u16(skb, TCPSTATE_A_ENDPOINT_REMOTE_PORT, key->rport))
		return -EMSGSIZE;
	return key->scope ? nla_put_u32(skb, TCPSTATE_A_ENDPOINT_SCOPE, key->scope) : 0;
}
