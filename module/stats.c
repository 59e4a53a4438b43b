// SPDX-License-Identifier: GPL-2.0-only
#include <linux/bitops.h>
#include <linux/math64.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "stats.h"

static const char *const total_names[TCPS_TOTALS_NUM] = {
#define X(id, name) [TCPS_TOTAL_##id] = #name,
	TCPS_TOTALS(X)
#undef X
};

const char *tcps_total_name(enum tcps_total total)
{
	return total_names[total];
}

/* Of a namespace, by correction, old and new state. Seldom written. */
struct tcps_divergence {
	atomic_t count[TCPS_CORRECTIONS][TCPS_STATES][TCPS_STATES];
};

int tcps_stats_net_init(struct tcps_net *tn)
{
	tn->divergence = kzalloc(sizeof(*tn->divergence), GFP_KERNEL_ACCOUNT);
	if (!tn->divergence)
		return -ENOMEM;
	tn->stats = alloc_percpu_gfp(struct tcps_stats, GFP_KERNEL_ACCOUNT);
	if (tn->stats)
		return 0;
	kfree(tn->divergence);
	return -ENOMEM;
}

void tcps_stats_net_exit(struct tcps_net *tn)
{
	free_percpu(tn->stats);
	kfree(tn->divergence);
}

void tcps_stats_diverged(struct tcps_net *tn, enum tcps_correction correction, u8 from, u8 to)
{
	atomic_inc(&tn->divergence->count[correction][from][to]);
}

u32 tcps_stats_divergence(const struct tcps_net *tn, enum tcps_correction correction, u8 from,
			  u8 to)
{
	return atomic_read(&tn->divergence->count[correction][from][to]);
}

u64 tcps_stats_divergences(const struct tcps_net *tn)
{
	unsigned int c, from, to;
	u64 sum = 0;

	for (c = TCPS_CORRECT_SOCKET; c <= TCPS_CORRECT_MISSED; c++)
		for (from = 1; from < TCPS_STATES; from++)
			for (to = 1; to < TCPS_STATES; to++)
				sum += tcps_stats_divergence(tn, c, from, to);
	return sum;
}

void tcps_stats_moved(struct tcps_net *tn, const struct tcps_move *move, u64 stay_ns)
{
	unsigned int bucket = min(fls64(div_u64(stay_ns, NSEC_PER_MSEC)), TCPS_BUCKETS - 1);

	this_cpu_inc(tn->stats->moves[move->from][move->to]);
	if (tcps_stayed(move))
		this_cpu_inc(tn->stats->stays[move->from][bucket]);
}

void tcps_stats_sum(const struct tcps_net *tn, struct tcps_stats *sum)
{
	unsigned int cpu, from, to, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct tcps_stats *stats = per_cpu_ptr(tn->stats, cpu);

		for (from = 1; from < TCPS_STATES; from++) {
			for (to = 1; to < TCPS_STATES; to++)
				sum->moves[from][to] += READ_ONCE(stats->moves[from][to]);
			for (i = 0; i < TCPS_BUCKETS; i++)
				sum->stays[from][i] += READ_ONCE(stats->stays[from][i]);
		}
		for (i = 0; i < TCPS_TOTALS_NUM; i++)
			sum->total[i] += READ_ONCE(stats->total[i]);
	}
	for (from = 1; from < TCPS_STATES; from++) {
		for (to = 1; to < TCPS_STATES; to++) {
			sum->entered[to] += sum->moves[from][to];
			sum->total[TCPS_TOTAL_TRANSITIONS] += sum->moves[from][to];
		}
	}
}
