/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Netlink attributes, read one by one. For the decoders alone. Each returns 0, or -EBADMSG where an
 * attribute is absent, of another length, or out of range.
 */
#ifndef TCPSTATE_ATTR_H
#define TCPSTATE_ATTR_H

#include "decode.h"

/* Bytes that are attributes, one behind the other, and may be aligned to nothing. */
struct attr_walk {
	const uint8_t *at;
	size_t left;
};

/* The payload; NULL for an attribute that is absent. */
struct attr {
	const uint8_t *at;
	size_t len;
};

/* 1 and the next attribute, or 0 at the end. */
int attr_next(struct attr_walk *w, unsigned int *type, struct attr *attr);
/* The attributes up to number @max by number, of several the last. */
int attr_read(const void *bytes, size_t len, struct attr *table, unsigned int max);

int attr_get(const struct attr *attr, void *to, size_t size);
int attr_u16(const struct attr *attr, uint16_t *to);
int attr_u32(const struct attr *attr, uint32_t *to);
/* Numbers that no JSON reader could hold are no counts and no times. */
int attr_u64s(const struct attr *attr, uint64_t *to, size_t n);
int attr_u64(const struct attr *attr, uint64_t *to);
int attr_value_u32(const struct attr *attr, struct tcpstate_value *v);
int attr_value_u64(const struct attr *attr, struct tcpstate_value *v);
int attr_state(const struct attr *attr, uint8_t *to);

/* These are for attributes that a message can do without: absent, the number stays unknown. */
int attr_maybe_u32(const struct attr *attr, struct tcpstate_value *v);
int attr_maybe_u64(const struct attr *attr, struct tcpstate_value *v);
int attr_flag(const struct attr *attr, bool *flag);

#endif
