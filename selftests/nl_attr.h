/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The inside of nl.h: attributes of an answer, and what is wrong with them. Who finds something says so and adds to
 * *bad.
 */
#ifndef NL_ATTR_H
#define NL_ATTR_H

#include <stdio.h>
#include <string.h>

#include "nl.h"

static inline const struct nlattr *attr_first(const void *start, const void *end)
{
	const struct nlattr *a = start;

	if ((const char *)end - (const char *)start < NLA_HDRLEN || a->nla_len < NLA_HDRLEN ||
	    a->nla_len > (const char *)end - (const char *)start)
		return NULL;
	return a;
}

/* Goes over all attributes; what is left over afterwards is not NULL only where the message lies. */
#define for_each_attr(a, start, end) \
	for (a = attr_first(start, end); a; a = attr_first((const char *)a + NLA_ALIGN(a->nla_len), end))

static inline int attr_type(const struct nlattr *a)
{
	return a->nla_type & NLA_TYPE_MASK;
}

static inline size_t attr_len(const struct nlattr *a)
{
	return a->nla_len - NLA_HDRLEN;
}

static inline const void *attr_data(const struct nlattr *a)
{
	return (const char *)a + NLA_HDRLEN;
}

static inline const void *attr_end(const struct nlattr *a)
{
	return (const char *)a + a->nla_len;
}

/* Copies exactly @len bytes; counts what does not fit in *bad. */
static inline void take(const struct nlattr *a, void *to, size_t len, int *bad)
{
	if (attr_len(a) == len) {
		memcpy(to, attr_data(a), len);
		return;
	}
	printf("# attribute %d has %zu bytes, not %zu\n", attr_type(a), attr_len(a), len);
	(*bad)++;
}

static inline void unknown(const char *set, const struct nlattr *a, int *bad)
{
	printf("# attribute %d is not in the set %s\n", attr_type(a), set);
	(*bad)++;
}

static inline const void *attrs_of(const struct nlmsghdr *h)
{
	return (const char *)h + NLMSG_HDRLEN + GENL_HDRLEN;
}

static inline const void *end_of(const struct nlmsghdr *h)
{
	return (const char *)h + h->nlmsg_len;
}

static inline bool is_cmd(const struct nlmsghdr *h, int cmd)
{
	const struct genlmsghdr *g = NLMSG_DATA(h);

	if (h->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN && g->cmd == cmd && g->version == TCPSTATE_FAMILY_VERSION)
		return true;
	printf("# command %d where %d was to come\n", g->cmd, cmd);
	return false;
}

/* All @seen from 1 to @max but those in @may, once each. */
static inline int complete(const char *set, const unsigned char *seen, int max, uint64_t may)
{
	int i, bad = 0;

	for (i = 1; i <= max; i++) {
		if (seen[i] == 1 || (!seen[i] && (may & 1ull << i)))
			continue;
		printf("# attribute %d of the set %s is there %d times\n", i, set, seen[i]);
		bad++;
	}
	return bad;
}

/*
 * Who holds the socket: uid, inode and cookie come together or not at all, and a cookie is not 0; a cgroup is told only
 * with them, and not as 0.
 */
static inline int check_holder(const char *set, const unsigned char *seen, int uid, uint64_t cookie, uint64_t cgroup)
{
	const int inode = uid + 1, cookies = uid + 2, cgroups = uid + 3;

	if (seen[uid] == seen[inode] && seen[uid] == seen[cookies] && seen[uid] <= 1 && seen[cgroups] <= seen[uid] &&
	    !seen[uid] == !cookie && !seen[cgroups] == !cgroup)
		return 0;
	printf("# %s: uid, inode, cookie, cgroup are there %d %d %d %d times, cookie %llu, cgroup %llu\n", set,
	       seen[uid], seen[inode], seen[cookies], seen[cgroups], (unsigned long long)cookie,
	       (unsigned long long)cgroup);
	return 1;
}

#endif
