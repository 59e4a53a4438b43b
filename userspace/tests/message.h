/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of the decoders: a message that is being built, and decoding it. Behind cmocka.h.
 */
#ifndef MESSAGE_H
#define MESSAGE_H

#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/decode.h"

#define UNKNOWN_ATTR	77

/* What is being built; the attributes begin behind its header. */
static char buf[65536] __attribute__((aligned(8)));
static struct nlmsghdr *msg;

static inline void begin(void)
{
	memset(buf, 0, sizeof(buf));
	msg = mnl_nlmsg_put_header(buf);
}

static inline size_t length(void)
{
	return mnl_nlmsg_get_payload_len(msg);
}

typedef int (*decode_fn)(const void *attrs, size_t len);

/* In memory of exactly this size and of no alignment, so that ASan and UBSan see what is wrong. */
static inline int decode_first(decode_fn decode, size_t len)
{
	char *copy = malloc(len + 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy + 1, mnl_nlmsg_get_payload(msg), len);
	ret = decode(copy + 1, len);
	free(copy);
	return ret;
}

static inline int decode_all(decode_fn decode)
{
	return decode_first(decode, length());
}

static inline void put_unknown(void)
{
	mnl_attr_put_strz(msg, UNKNOWN_ATTR, "from a newer module");
	mnl_attr_put(msg, UNKNOWN_ATTR | NLA_F_NESTED, 0, NULL);
}

static inline void put_tuple(int family)
{
	static const uint8_t local[16] = { 192, 0, 2, 1, [15] = 1 };
	static const uint8_t remote[16] = { 198, 51, 100, 2, [15] = 2 };
	size_t size = family == AF_INET ? 4 : 16;

	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_FAMILY, family);
	mnl_attr_put(msg, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, size, local);
	mnl_attr_put(msg, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, size, remote);
	mnl_attr_put_u16(msg, TCPSTATE_A_ENDPOINT_LOCAL_PORT, 443);
	mnl_attr_put_u16(msg, TCPSTATE_A_ENDPOINT_REMOTE_PORT, 51234);
}

#define TUPLE_ATTRS	5

#endif
