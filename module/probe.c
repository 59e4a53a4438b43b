// SPDX-License-Identifier: GPL-2.0-only
#include <linux/rcupdate.h>
#include <linux/tracepoint.h>
#include <net/sock.h>
#include <net/tcp_states.h>

#include "audit.h"
#include "evidence.h"
#include "probe.h"
#include "record.h"
#include "seed.h"
#include "socket.h"

/* The kernel's; it is not exported, but can be found by its name. */
static struct tracepoint *tracepoint __read_mostly;
static bool registered;

/*
 * Before sk_state is stored, in the context of whoever changes it: softirq, or process with bottom
 * halves on. Other protocols fire it, too, and MPTCP's own socket beside its TCP ones.
 */
static void on_set_state(void *data, const struct sock *sk, const int from, const int to)
{
	struct tcps_net *tn;

	if (sk->sk_protocol != IPPROTO_TCP || sk->sk_type != SOCK_STREAM)
		return;
	rcu_read_lock();
	tn = tcps_live_net_of(sock_net(sk));
	if (!tn)
		goto out;
	if (to == TCP_LISTEN || (from == TCP_LISTEN && to == TCP_CLOSE)) {
		if (tcps_evidence_listen(tn, sk, to == TCP_LISTEN))
			tcps_audit_look_for_listeners(tn);
		tcps_audit_kick(tn);
	} else if (to == TCP_SYN_SENT) {
		/* The SYN begins the record, when the socket has its port. */
		if (tcps_socket_defers(sk))
			tcps_seed_later((struct sock *)sk);
	} else if (!tcps_record_waits()) {
		tcps_evidence_socket(tn, sk, from, to);
		tcps_audit_kick(tn);
	}
out:
	rcu_read_unlock();
}

static void match(struct tracepoint *tp, void *priv)
{
	if (!strcmp(tp->name, "inet_sock_set_state"))
		tracepoint = tp;
}

bool tcps_probe_find(void)
{
	for_each_kernel_tracepoint(match, NULL);
	return tracepoint;
}

int tcps_probe_register(void)
{
	int err;

	if (!tracepoint)
		return 0;
	err = tracepoint_probe_register(tracepoint, (void *)on_set_state, NULL);
	if (err)
		pr_err("cannot attach to sock:inet_sock_set_state: %d; load with socket_evidence=0 to do without\n",
		       err);
	registered = !err;
	return err;
}

void tcps_probe_unregister(void)
{
	if (!registered)
		return;
	tracepoint_probe_unregister(tracepoint, (void *)on_set_state, NULL);
	tracepoint_synchronize_unregister();
	registered = false;
}
