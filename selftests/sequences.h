/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What watch.c writes and sequences.c reads: what inet_diag said of the sockets of two namespaces, and when.
 */
#ifndef SEQUENCES_H
#define SEQUENCES_H

#include <stdint.h>

/* The local end of a connection. IPv4 addresses are mapped; ports in host order. */
struct tuple {
	uint8_t laddr[16], raddr[16];
	uint16_t lport, rport;
};

/* States of struct seen: those of <netinet/tcp.h>, and: */
#define SEEN_GONE	0	/* a look at all states did not find it any more */
#define SEEN_LOOK	254	/* no tuple: a look at the short-lived states has begun */
#define SEEN_LOOK_ALL	255	/* no tuple: a look at all states has begun */

struct seen {
	uint64_t when;		/* CLOCK_MONOTONIC, ns: before the look began */
	struct tuple tuple;
	uint8_t state;
	uint8_t unused[3];
};

#endif
