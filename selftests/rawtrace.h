/* SPDX-License-Identifier: GPL-2.0-only */
/* The tracepoints of state transitions, and random.sh's probes, read from a trace instance's raw pages. */
#ifndef RAWTRACE_H
#define RAWTRACE_H

#include <stddef.h>
#include <stdint.h>

#include "sequences.h"

enum source {
	KERNEL,		/* sock:inet_sock_set_state */
	MODULE,		/* tcpstate:tcpstate_transition, of local ends */
	PROBE_REQUEST,	/* a request socket has been made: SYN_RECV */
	PROBE_MINISOCK,	/* the socket is about to be replaced by a minisock in state "to" */
	PROBE_RESTART,	/* a minisock, now in TIME_WAIT, has its 60 s from now */
	PROBE_END,	/* a minisock ends before its time */
	PROBE_REFUSED,	/* the socket drops a segment and answers it (tcp_send_dupack()) */
};
#define SOURCES	(PROBE_REFUSED + 1)

/* One transition of a local end. */
struct event {
	uint64_t when;		/* of the instance's clock, ns */
	struct tuple tuple;	/* KERNEL: remote port 0 if not known yet; PROBE: ports only */
	uint8_t source;
	uint8_t from, to;
	uint8_t why;		/* MODULE: the number of its event */
};

/*
 * Reads, and takes out, all there is in the instance at @dir, in the order of time. Returns how many there are in
 * @events, or ends the program. Lost entries are an error.
 */
size_t rawtrace_read(const char *dir, struct event **events);

/* The text of a MODULE event's reason. */
const char *rawtrace_why(unsigned int why);

#endif
