// SPDX-License-Identifier: GPL-2.0-only
#include <net/ipv6.h>

#include "filter.h"
#include "fsm/fsm.h"

#define V4_PREFIX	96	/* of ::ffff:0.0.0.0 */

/* Bit (1 << state) for each state. */
#define STATES_MASK	((1u << TCPS_STATES) - 2)

int tcps_filter_check_family(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	u32 family = nla_get_u32(attr);

	if (family == AF_INET || family == AF_INET6)
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "the family is neither AF_INET nor AF_INET6");
	return -EINVAL;
}

int tcps_filter_check_addr(const struct nlattr *attr, struct netlink_ext_ack *extack)
{
	if (nla_len(attr) == sizeof(struct in_addr) || nla_len(attr) == sizeof(struct in6_addr))
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, attr, "an address has 4 bytes (IPv4) or 16 (IPv6)");
	return -EINVAL;
}

/*
 * No functions for integers: where such an attribute is refused for another reason, 6.1 takes the
 * pointer for the ends of a range and warns (nla_get_range_unsigned()).
 */
#define ADDR_POLICY	NLA_POLICY_VALIDATE_FN(NLA_BINARY, tcps_filter_check_addr)

const struct nla_policy tcps_filter_policy[TCPSTATE_A_FILTER_MAX + 1] = {
	[TCPSTATE_A_FILTER_STATES] = NLA_POLICY_MASK(NLA_U32, STATES_MASK),
	[TCPSTATE_A_FILTER_FAMILY] = { .type = NLA_U32 },
	[TCPSTATE_A_FILTER_LOCAL_ADDR] = ADDR_POLICY,
	[TCPSTATE_A_FILTER_LOCAL_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[TCPSTATE_A_FILTER_REMOTE_ADDR] = ADDR_POLICY,
	[TCPSTATE_A_FILTER_REMOTE_PREFIX] = NLA_POLICY_MAX(NLA_U32, 128),
	[TCPSTATE_A_FILTER_LOCAL_PORT_MIN] = { .type = NLA_U16 },
	[TCPSTATE_A_FILTER_LOCAL_PORT_MAX] = { .type = NLA_U16 },
	[TCPSTATE_A_FILTER_REMOTE_PORT_MIN] = { .type = NLA_U16 },
	[TCPSTATE_A_FILTER_REMOTE_PORT_MAX] = { .type = NLA_U16 },
	[TCPSTATE_A_FILTER_MIN_AGE_NS] = { .type = NLA_U64 },
	[TCPSTATE_A_FILTER_LIMIT] = NLA_POLICY_MIN(NLA_U32, 1),
};

void tcps_filter_addr(struct in6_addr *to, const struct nlattr *attr)
{
	if (nla_len(attr) == sizeof(struct in6_addr))
		*to = nla_get_in6_addr(attr);
	else
		ipv6_addr_set_v4mapped(nla_get_in_addr(attr), to);
}

/* An address, its prefix's length and the family, which both addresses have to agree on. */
static int read_prefix(struct tcps_filter *filter, const struct nlattr *addr,
		       const struct nlattr *prefix, struct in6_addr *to, u8 *bits,
		       struct netlink_ext_ack *extack)
{
	u32 family, width;

	if (!addr) {
		if (!prefix)
			return 0;
		NL_SET_ERR_MSG_ATTR(extack, prefix, "a prefix length needs an address");
		return -EINVAL;
	}
	family = nla_len(addr) == sizeof(struct in_addr) ? AF_INET : AF_INET6;
	if (filter->family && filter->family != family) {
		NL_SET_ERR_MSG_ATTR(extack, addr, "the address is of another family");
		return -EINVAL;
	}
	filter->family = family;
	width = nla_len(addr) * BITS_PER_BYTE;
	if (prefix && nla_get_u32(prefix) > width) {
		NL_SET_ERR_MSG_ATTR(extack, prefix, "the prefix is longer than the address");
		return -EINVAL;
	}
	tcps_filter_addr(to, addr);
	*bits = (prefix ? nla_get_u32(prefix) : width) + (family == AF_INET ? V4_PREFIX : 0);
	return 0;
}

static int read_ports(const struct nlattr *min, const struct nlattr *max, u16 *range,
		      struct netlink_ext_ack *extack)
{
	range[0] = min ? nla_get_u16(min) : 0;
	range[1] = max ? nla_get_u16(max) : U16_MAX;
	if (range[0] <= range[1])
		return 0;
	NL_SET_ERR_MSG_ATTR(extack, min, "the lowest port is above the highest");
	return -EINVAL;
}

int tcps_filter_read(struct tcps_filter *filter, const struct nlattr *nest,
		     struct netlink_ext_ack *extack)
{
	struct nlattr *tb[TCPSTATE_A_FILTER_MAX + 1] = { NULL };
	int err;

	*filter = (struct tcps_filter){
		.lport = { 0, U16_MAX }, .rport = { 0, U16_MAX },
		.states = STATES_MASK, .limit = U32_MAX,
	};
	if (!nest)
		return 0;
	err = nla_parse_nested(tb, TCPSTATE_A_FILTER_MAX, nest, tcps_filter_policy, extack);
	if (err)
		return err;
	if (tb[TCPSTATE_A_FILTER_STATES])
		filter->states = nla_get_u32(tb[TCPSTATE_A_FILTER_STATES]);
	if (tb[TCPSTATE_A_FILTER_LIMIT])
		filter->limit = nla_get_u32(tb[TCPSTATE_A_FILTER_LIMIT]);
	if (tb[TCPSTATE_A_FILTER_MIN_AGE_NS])
		filter->min_age_ns = nla_get_u64(tb[TCPSTATE_A_FILTER_MIN_AGE_NS]);
	if (!filter->states) {
		NL_SET_ERR_MSG_ATTR(extack, tb[TCPSTATE_A_FILTER_STATES],
				    "the set of states is empty");
		return -EINVAL;
	}
	if (tb[TCPSTATE_A_FILTER_FAMILY]) {
		if (tcps_filter_check_family(tb[TCPSTATE_A_FILTER_FAMILY], extack))
			return -EINVAL;
		filter->family = nla_get_u32(tb[TCPSTATE_A_FILTER_FAMILY]);
	}
	if (read_prefix(filter, tb[TCPSTATE_A_FILTER_LOCAL_ADDR],
			tb[TCPSTATE_A_FILTER_LOCAL_PREFIX], &filter->laddr, &filter->lprefix,
			extack) ||
	    read_prefix(filter, tb[TCPSTATE_A_FILTER_REMOTE_ADDR],
			tb[TCPSTATE_A_FILTER_REMOTE_PREFIX], &filter->raddr, &filter->rprefix,
			extack) ||
	    read_ports(tb[TCPSTATE_A_FILTER_LOCAL_PORT_MIN],
		       tb[TCPSTATE_A_FILTER_LOCAL_PORT_MAX], filter->lport, extack) ||
	    read_ports(tb[TCPSTATE_A_FILTER_REMOTE_PORT_MIN],
		       tb[TCPSTATE_A_FILTER_REMOTE_PORT_MAX], filter->rport, extack))
		return -EINVAL;
	return 0;
}

bool tcps_filter_match(const struct tcps_key *key, const void *arg)
{
	const struct tcps_filter *filter = arg;

	return (!filter->family || key->family == filter->family) &&
	       key->lport >= filter->lport[0] && key->lport <= filter->lport[1] &&
	       key->rport >= filter->rport[0] && key->rport <= filter->rport[1] &&
	       ipv6_prefix_equal(&key->laddr, &filter->laddr, filter->lprefix) &&
	       ipv6_prefix_equal(&key->raddr, &filter->raddr, filter->rprefix);
}
