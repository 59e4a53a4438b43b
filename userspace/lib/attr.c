// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "attr.h"

int attr_next(struct attr_walk *w, unsigned int *type, struct attr *attr)
{
	struct nlattr head;
	size_t size;

	if (!w->left)
		return 0;
	if (w->left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, w->at, sizeof(head));
	if (head.nla_len < NLA_HDRLEN || head.nla_len > w->left)
		return -EBADMSG;
	*type = head.nla_type & NLA_TYPE_MASK;
	attr->at = w->at + NLA_HDRLEN;
	attr->len = head.nla_len - NLA_HDRLEN;
	/* The last one need not be padded. */
	size = NLA_ALIGN(head.nla_len);
	if (size > w->left)
		size = w->left;
	w->at += size;
	w->left -= size;
	return 1;
}

int attr_read(const void *bytes, size_t len, struct attr *table, unsigned int max)
{
	struct attr_walk w = { bytes, len };
	struct attr attr;
	unsigned int type;
	int ret;

	memset(table, 0, (max + 1) * sizeof(*table));
	while ((ret = attr_next(&w, &type, &attr)) > 0) {
		if (type <= max)
			table[type] = attr;
	}
	return ret;
}

int attr_get(const struct attr *attr, void *to, size_t size)
{
	if (!attr->at || attr->len != size)
		return -EBADMSG;
	memcpy(to, attr->at, size);
	return 0;
}

int attr_u16(const struct attr *attr, uint16_t *to)
{
	return attr_get(attr, to, sizeof(*to));
}

int attr_u32(const struct attr *attr, uint32_t *to)
{
	return attr_get(attr, to, sizeof(*to));
}

int attr_u64s(const struct attr *attr, uint64_t *to, size_t n)
{
	size_t i;

	if (attr_get(attr, to, n * sizeof(*to)))
		return -EBADMSG;
	for (i = 0; i < n; i++) {
		if (to[i] > INT64_MAX)
			return -EBADMSG;
	}
	return 0;
}

int attr_u64(const struct attr *attr, uint64_t *to)
{
	return attr_u64s(attr, to, 1);
}

int attr_value_u32(const struct attr *attr, struct tcpstate_value *v)
{
	uint32_t n;

	if (attr_u32(attr, &n))
		return -EBADMSG;
	*v = (struct tcpstate_value){ .n = n, .known = true };
	return 0;
}

int attr_value_u64(const struct attr *attr, struct tcpstate_value *v)
{
	if (attr_u64(attr, &v->n))
		return -EBADMSG;
	v->known = true;
	return 0;
}

int attr_state(const struct attr *attr, uint8_t *to)
{
	uint32_t n;

	if (attr_u32(attr, &n) || n < TCPSTATE_STATE_FIRST || n > TCPSTATE_STATE_LAST)
		return -EBADMSG;
	*to = n;
	return 0;
}

int attr_maybe_u32(const struct attr *attr, struct tcpstate_value *v)
{
	return attr->at ? attr_value_u32(attr, v) : 0;
}

int attr_maybe_u64(const struct attr *attr, struct tcpstate_value *v)
{
	return attr->at ? attr_value_u64(attr, v) : 0;
}

int attr_flag(const struct attr *attr, bool *flag)
{
	*flag = attr->at;
	return attr->len ? -EBADMSG : 0;
}
