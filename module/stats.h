/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Counters of a namespace, per CPU. They only grow, from the load of the module or the birth of the
 * namespace; a sum over the CPUs is not a snapshot.
 */
#ifndef TCPSTATE_STATS_H
#define TCPSTATE_STATS_H

#include <linux/percpu.h>

#include "fsm/fsm.h"
#include "tcpstate.h"

/* The totals that /proc prints, with the names it prints them by. */
#define TCPS_TOTALS(X)								\
	/* transitions of local ends */						\
	X(TRANSITIONS, transitions)						\
	/* received segments that the socket will drop: damaged, unacceptable,	\
	 * or with flags that cannot be; nothing moved */			\
	X(INVALID, invalid)							\
	/* received TCP packets that cannot be read: fragments (IPv6), header	\
	 * shorter than 20 bytes or longer than the packet */			\
	X(MALFORMED, malformed)							\
	/* segments that a TCP socket sent without having a record: opened	\
	 * before the module was loaded, or when the table was full */		\
	X(UNTRACKED, untracked)

enum tcps_total {
#define X(id, name) TCPS_TOTAL_##id,
	TCPS_TOTALS(X)
#undef X
	TCPS_TOTALS_NUM
};

#define TCPS_BUCKETS	32

/*
 * What was wrong with a record when it was compared with the kernel's sockets; the numbers are the
 * netlink spec's (correction).
 */
enum tcps_correction {
	TCPS_CORRECT_REQUEST = 1,	/* a request socket ended, which the kernel does not tell */
	TCPS_CORRECT_MINISOCK,		/* a minisock ended early, or is in another state: likewise */
	TCPS_CORRECT_SOCKET,		/* a full socket ended, or is in another state */
	TCPS_CORRECT_MISSED,		/* a socket had no record */
	TCPS_CORRECTIONS
};

/*
 * 64 bits are added and read whole on the supported architectures, all of which are 64-bit. Of
 * local ends: @moves by old and new state; @stays, how long those that have left a state had been
 * in it: bucket 0 below 1 ms, bucket i from 2^(i-1) ms to below 2^i ms, the last all longer ones.
 * TRANSITIONS and @entered are sums of @moves, made by tcps_stats_sum().
 */
struct tcps_stats {
	u64 moves[TCPS_STATES][TCPS_STATES];
	u64 stays[TCPS_STATES][TCPS_BUCKETS];
	u64 total[TCPS_TOTALS_NUM];
	u64 entered[TCPS_STATES];
};

int tcps_stats_net_init(struct tcps_net *tn);
void tcps_stats_net_exit(struct tcps_net *tn);

/* Context: any. */
static inline void tcps_stats_count(struct tcps_net *tn, enum tcps_total total)
{
	this_cpu_inc(tn->stats->total[total]);
}

/* A local end has moved; it had been @stay_ns in its old state. Context: any. */
void tcps_stats_moved(struct tcps_net *tn, const struct tcps_move *move, u64 stay_ns);

/* A record was corrected. Context: any. */
void tcps_stats_diverged(struct tcps_net *tn, enum tcps_correction correction, u8 from, u8 to);
u32 tcps_stats_divergence(const struct tcps_net *tn, enum tcps_correction correction, u8 from,
			  u8 to);
/* The sum of those that should not be, as a socket tells: SOCKET and MISSED */
u64 tcps_stats_divergences(const struct tcps_net *tn);

void tcps_stats_sum(const struct tcps_net *tn, struct tcps_stats *sum);
const char *tcps_total_name(enum tcps_total total);

#endif
