// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/slab.h>
#include <linux/time64.h>

#include "alert.h"
#include "audit.h"
#include "conn.h"
#include "peer.h"
#include "proc.h"
#include "stats.h"
#include "switch.h"

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

#define LISTENERS_MAX	64

struct listener {
	struct tcps_peer_key key;
	u32 queue;
	u32 backlog;
	u64 drops;
	u32 syn_recv;
};

/* The fuller one first: by its share of the backlog, which may be 0. */
static bool fuller(const struct listener *a, const struct listener *b)
{
	return (u64)a->queue * (b->backlog + 1) > (u64)b->queue * (a->backlog + 1);
}

/* Puts @new among the @n fullest, in order; returns how many there are now. */
static unsigned int keep_fullest(struct listener *list, unsigned int n, const struct listener *new)
{
	unsigned int i;

	for (i = n; i && fuller(new, &list[i - 1]); i--)
		if (i < LISTENERS_MAX)
			list[i] = list[i - 1];
	if (i == LISTENERS_MAX)
		return n;
	list[i] = *new;
	return n < LISTENERS_MAX ? n + 1 : n;
}

static unsigned int find_fullest(struct tcps_net *tn, struct listener *list)
{
	struct tcps_peer *peer = NULL;
	struct tcps_peer_view view;
	unsigned int n = 0;

	while ((peer = tcps_peer_next(tn, peer))) {
		if (peer->key.kind != TCPS_LISTENER)
			continue;
		tcps_alert_peer_view(peer, &view);
		if (view.sockets)
			n = keep_fullest(list, n, &(struct listener){
				.key = view.key, .queue = view.queue, .backlog = view.backlog,
				.drops = view.drops, .syn_recv = view.count[TCPS_SYN_RECV],
			});
	}
	return n;
}

static void show_addr(struct seq_file *seq, int family, const struct in6_addr *addr)
{
	if (family == AF_INET)
		seq_printf(seq, "%pI4", &addr->s6_addr32[3]);
	else
		seq_printf(seq, "%pI6c", addr);
}

static void show_end(struct seq_file *seq, int family, const struct in6_addr *addr, u16 port)
{
	if (family == AF_INET)
		seq_printf(seq, "%pI4:%u", &addr->s6_addr32[3], port);
	else
		seq_printf(seq, "[%pI6c]:%u", addr, port);
}

/*
 * The 64 fullest: connections not yet accepted and how many the queue can hold, of the socket that is
 * fullest; connections dropped, and half-open ones, of all sockets at this address.
 */
static int show_listeners(struct seq_file *seq, struct tcps_net *tn)
{
	struct listener *list = kmalloc_array(LISTENERS_MAX, sizeof(*list), GFP_KERNEL);
	unsigned int n, i;

	if (!list)
		return -ENOMEM;
	n = find_fullest(tn, list);
	for (i = 0; i < n; i++) {
		seq_puts(seq, "listener ");
		show_end(seq, list[i].key.family, &list[i].key.laddr, list[i].key.lport);
		seq_printf(seq, " queue %u backlog %u drops %llu syn_recv %u\n", list[i].queue,
			   list[i].backlog, list[i].drops, list[i].syn_recv);
	}
	kfree(list);
	return 0;
}

/* Hyphens are for the command line. */
static void show_name(struct seq_file *seq, const char *name)
{
	for (; *name; name++)
		seq_putc(seq, *name == '-' ? '_' : *name);
}

/*
 * Those that are active. since: Unix seconds; port: local port of a listener; peer: of a destination;
 * addr: a local address; none of them: it is about the namespace. reason: what value and limit count.
 */
static void show_alerts(struct seq_file *seq, struct tcps_net *tn)
{
	struct tcps_alert_view view = { .id = 0 };

	while (tcps_alert_next(tn, view.id, &view)) {
		const struct tcps_peer_key *key = &view.peer.key;

		if (view.cleared_ns)
			continue;
		seq_printf(seq, "alert %u ", view.id);
		show_name(seq, tcps_alert_kind_name(view.kind));
		seq_printf(seq, " %s since %llu", tcps_alert_severity_name(view.severity),
			   div_u64(view.raised_ns, NSEC_PER_SEC));
		if (key->kind == TCPS_LISTENER) {
			seq_printf(seq, " port %u", key->lport);
		} else if (key->kind == TCPS_DESTINATION) {
			seq_puts(seq, " peer ");
			show_end(seq, key->family, &key->raddr, key->rport);
		} else if (key->kind) {
			seq_puts(seq, " addr ");
			show_addr(seq, key->family, &key->laddr);
		}
		seq_printf(seq, " value %llu limit %llu reason ", view.value, view.limit);
		show_name(seq, tcps_alert_reason_name(view.reason));
		seq_putc(seq, '\n');
	}
}

/*
 * How far the states can be trusted. coverage: "full", the kernel's sockets tell their own states;
 * "packets", segments alone show them; "off", nothing does: it is switched off. untracked: as in
 * the totals. divergence: records that were wrong, although sockets tell. verified_ms: since each
 * record has been compared, absent before.
 */
static void show_health(struct seq_file *seq, struct tcps_net *tn, u64 untracked)
{
	static const char *const coverage[] = {
		[TCPSTATE_EVIDENCE_NONE] = "off", [TCPSTATE_EVIDENCE_PACKETS] = "packets",
		[TCPSTATE_EVIDENCE_SOCKETS] = "full",
	};
	enum tcpstate_evidence evidence = tcps_switch_evidence();
	u64 verified = tcps_audit_verified(tn);

	seq_printf(seq, "health coverage %s tracepoint %d untracked %llu divergence %llu",
		   coverage[evidence], evidence == TCPSTATE_EVIDENCE_SOCKETS, untracked,
		   tcps_stats_divergences(tn));
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
	if (show_listeners(seq, tn))
		return -ENOMEM;
	show_alerts(seq, tn);
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
