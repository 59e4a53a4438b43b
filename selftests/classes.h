/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequences of states, and in what way two of the same endpoint differ. Parts of sequences.c. */
#ifndef CLASSES_H
#define CLASSES_H

#include <netinet/tcp.h>

#include "rawtrace.h"

#define PATH_MAX_	32
#define DEAD_NS		1500000000ULL	/* the audit looks within 1.25 s */

/* From the hook to what TCP makes of the segment, which may wait for who holds the socket; ns. */
extern uint64_t same_segment_ns;
#define DIFFERENT_MAX	1000		/* one in so many endpoints, or connections, may be different */

/* Indices into a list, in the order of time. */
struct chain {
	int first, last;
};

enum class { EQUAL, DEAD_SOCKET, UNSENT_FIN, LATE_FIN, BACKLOG_FIN, REFUSED, RST_CHALLENGED, DIFFERENT, CLASSES };
extern const char *const class_names[CLASSES];
/* At most one in so many endpoints may be in the class. */
extern const int class_share[CLASSES];

struct endpoint {
	struct tuple tuple;
	struct chain kernel, module, seen;
	uint8_t rest;		/* what the look at rest found */
	uint8_t class;
	uint8_t minisock;	/* the kernel's sequence ends in one */
};

struct path {
	int n;
	uint8_t state[PATH_MAX_];
	uint64_t when[PATH_MAX_];
	uint8_t why[PATH_MAX_];
};

extern struct event *events;
extern int *next_event;		/* of a chain */
extern uint8_t fins[65536];	/* by client port: 1 the client's FIN has been seen, 2 the server's */

void path_push(struct path *p, int state, uint64_t when, int why);
/* The last state, CLOSE where there is none. */
int path_last(const struct path *p);

/* @k: the kernel's sequence, @m: the module's */
enum class classify(const struct endpoint *e, const struct path *k, const struct path *m);

#endif
