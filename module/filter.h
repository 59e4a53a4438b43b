/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an endpoint has to be for a dump to list it: the set "filter" of the netlink spec.
 */
#ifndef TCPSTATE_FILTER_H
#define TCPSTATE_FILTER_H

#include <net/netlink.h>
#include <uapi/linux/tcpstate.h>

#include "tcpstate.h"

/**
 * struct tcps_filter - a condition on endpoints
 * @laddr:	local address, IPv4 as ::ffff:a.b.c.d
 * @lprefix:	how many leading bits of it count, 0 … 128
 * @raddr:	remote address, likewise
 * @rprefix:	likewise
 * @lport:	lowest and highest local port
 * @rport:	lowest and highest remote port
 * @family:	AF_INET, AF_INET6, or 0: either
 * @states:	set of local states, bit (1 << state) for each
 * @limit:	list no more than so many
 * @min_age_ns:	shortest time in its state
 */
struct tcps_filter {
	struct in6_addr laddr;
	struct in6_addr raddr;
	u16 lport[2];
	u16 rport[2];
	u8 lprefix;
	u8 rprefix;
	u8 family;
	u32 states;
	u32 limit;
	u64 min_age_ns;
};

/* What each attribute may be by itself. */
extern const struct nla_policy tcps_filter_policy[TCPSTATE_A_FILTER_MAX + 1];
int tcps_filter_check_family(const struct nlattr *attr, struct netlink_ext_ack *extack);
int tcps_filter_check_addr(const struct nlattr *attr, struct netlink_ext_ack *extack);

/**
 * tcps_filter_read() - make a filter of what was asked
 * @filter:	result; with no @nest it lets everything pass
 * @nest:	attribute with the set "filter", checked by the policy, or NULL
 * @extack:	gets the reason of a refusal
 *
 * Return: 0 or -EINVAL.
 */
int tcps_filter_read(struct tcps_filter *filter, const struct nlattr *nest,
		     struct netlink_ext_ack *extack);

/* Does the tuple pass? @arg: struct tcps_filter. Context: any. */
bool tcps_filter_match(const struct tcps_key *key, const void *arg);

/* An address of 4 or 16 bytes as ours; the length has been checked. */
void tcps_filter_addr(struct in6_addr *to, const struct nlattr *attr);

#endif
