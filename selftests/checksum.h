/* SPDX-License-Identifier: GPL-2.0-only */
/* The Internet checksum (RFC 1071), of packets that tests make. */
#ifndef TCPSTATE_SELFTEST_CHECKSUM_H
#define TCPSTATE_SELFTEST_CHECKSUM_H

#include <arpa/inet.h>
#include <stddef.h>
#include <stdint.h>

/* Adds the words of @data to @sum; an odd last byte is the upper half of one. */
static inline uint32_t checksum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *b = data;

	for (; len > 1; len -= 2, b += 2)
		sum += b[0] << 8 | b[1];
	return len ? sum + (b[0] << 8) : sum;
}

/* What goes into the header, in network byte order. */
static inline uint16_t checksum(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

#endif
