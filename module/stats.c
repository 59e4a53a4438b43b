// SPDX-License-Identifier: GPL-2.0-only
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

int tcps_stats_net_init(struct tcps_net *tn)
{
	tn->stats = alloc_percpu_gfp(struct tcps_stats, GFP_KERNEL_ACCOUNT);
	return tn->stats ? 0 : -ENOMEM;
}

void tcps_stats_net_exit(struct tcps_net *tn)
{
	free_percpu(tn->stats);
}

void tcps_stats_sum(const struct tcps_net *tn, struct tcps_stats *sum)
{
	unsigned int cpu, i;

	memset(sum, 0, sizeof(*sum));
	for_each_possible_cpu(cpu) {
		const struct tcps_stats *stats = per_cpu_ptr(tn->stats, cpu);

		for (i = 0; i < TCPS_STATES; i++)
			sum->entered[i] += READ_ONCE(stats->entered[i]);
		for (i = 0; i < TCPS_TOTALS_NUM; i++)
			sum->total[i] += READ_ONCE(stats->total[i]);
	}
}
