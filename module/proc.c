// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "audit.h"
#include "conn.h"
#include "proc.h"
#include "record.h"
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

/*
 * How far the states can be trusted. coverage: "full", the kernel's sockets tell their own states;
 * "packets", segments alone show them. untracked: as in the totals. divergence: records that were
 * wrong, although sockets tell. verified_ms: since each record has been compared, absent before.
 */
static void show_health(struct seq_file *seq, struct tcps_net *tn, u64 untracked)
{
	u64 verified = tcps_audit_verified(tn);
	bool sockets = tcps_by_sockets;

	seq_printf(seq, "health coverage %s tracepoint %d untracked %llu divergence %llu",
		   sockets ? "full" : "packets", sockets, untracked, tcps_stats_divergences(tn));
	if (verified)
		seq_printf(seq, " verified_ms %llu",
			   div_u64(ktime_get_boottime_ns() - verified, NSEC_PER_MSEC));
	seq_putc(seq, '\n');
}

static int proc_show(struct seq_file *seq, void *v)
{
	struct tcps_net *tn = tcps_net_of(seq_file_single_net(seq));
	struct tcps_stats *stats;
	unsigned int i;
	u64 untracked;

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
	untracked = stats->total[TCPS_TOTAL_UNTRACKED];
	kfree(stats);
	show_health(seq, tn, untracked);
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
