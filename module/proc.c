// SPDX-License-Identifier: GPL-2.0-only
#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "conn.h"
#include "proc.h"
#include "stats.h"

#define PROC_NAME	"tcpstate"
#define PROC_VERSION	1	/* changes only when an old line changes its meaning */

static void show_states(struct seq_file *seq, struct tcps_net *tn, const struct tcps_stats *stats)
{
	struct tcps_counts counts;
	unsigned int s;

	tcps_conn_counts(tn, &counts);
	for (s = 1; s < TCPS_STATES; s++)
		seq_printf(seq, "state %s %u entered %llu oldest_ms %llu\n", tcps_state_name(s),
			   counts.state[s].count, stats->entered[s],
			   div_u64(counts.state[s].oldest_ns, NSEC_PER_MSEC));
}

static int proc_show(struct seq_file *seq, void *v)
{
	struct tcps_net *tn = tcps_net_of(seq_file_single_net(seq));
	struct tcps_stats *stats;
	unsigned int i;

	stats = kmalloc(sizeof(*stats), GFP_KERNEL);
	if (!stats)
		return -ENOMEM;
	tcps_stats_sum(tn, stats);
	seq_printf(seq, "tcpstate %d\n", PROC_VERSION);
	seq_printf(seq, "netns %u\n", tn->net->ns.inum);
	seq_printf(seq, "tracked %d\n", atomic_read(&tn->tracked));
	seq_printf(seq, "limit %u\n", READ_ONCE(tn->limit));
	show_states(seq, tn, stats);
	for (i = 0; i < TCPS_TOTALS_NUM; i++)
		seq_printf(seq, "total %s %llu\n", tcps_total_name(i), stats->total[i]);
	kfree(stats);
	return 0;
}

int tcps_proc_net_init(struct tcps_net *tn)
{
	/* No message: whoever may make namespaces could fill the log with it. */
	return proc_create_net_single(PROC_NAME, 0444, tn->net->proc_net, proc_show, NULL) ?
		0 : -ENOMEM;
}

void tcps_proc_net_exit(struct tcps_net *tn)
{
	remove_proc_entry(PROC_NAME, tn->net->proc_net);
}

int tcps_proc_init(void)
{
	if (proc_symlink(PROC_NAME, NULL, "self/net/" PROC_NAME))
		return 0;
	pr_err("cannot make /proc/" PROC_NAME "\n");
	return -ENOMEM;
}

void tcps_proc_exit(void)
{
	remove_proc_entry(PROC_NAME, NULL);
}
