// SPDX-License-Identifier: GPL-2.0-only
#include <linux/cgroup.h>
#include <linux/delay.h>
#include <linux/sched.h>
#include <linux/skmsg.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/inet_timewait_sock.h>
#include <net/ipv6.h>
#include <net/request_sock.h>
#include <net/sock.h>
#include <net/tcp.h>

#include "fsm/fsm.h"
#include "socket.h"

/* Has it a far end? Port 0 is one, too; tcp_disconnect() leaves the address. */
static bool has_remote(const struct sock *sk)
{
	return !((1 << READ_ONCE(sk->sk_state)) & (TCPF_CLOSE | TCPF_LISTEN)) || sk->sk_dport;
}

void tcps_socket_key(const struct sock *sk, struct tcps_key *key)
{
	bool remote = has_remote(sk);

	memset(key, 0, sizeof(*key));
	key->rport = ntohs(sk->sk_dport);
	key->family = AF_INET;
#if IS_ENABLED(CONFIG_IPV6)
	if (sk->sk_family == AF_INET6 && !ipv6_addr_v4mapped(&sk->sk_v6_rcv_saddr) &&
	    !(remote && ipv6_addr_v4mapped(&sk->sk_v6_daddr)))
		key->family = AF_INET6;
	if (key->family == AF_INET6) {
		key->laddr = sk->sk_v6_rcv_saddr;
		key->raddr = sk->sk_v6_daddr;
	}
#endif
	if (key->family == AF_INET) {
		ipv6_addr_set_v4mapped(sk->sk_rcv_saddr, &key->laddr);
		ipv6_addr_set_v4mapped(sk->sk_daddr, &key->raddr);
	}
	if (!remote) {
		memset(&key->raddr, 0, sizeof(key->raddr));
		if (key->family == AF_INET)
			ipv6_addr_set_v4mapped(0, &key->raddr);
	}
	key->scope = sk->sk_bound_dev_if;
	key->lport = sk->sk_num;
	/* A socket that closes has given its port back, but still knows it. */
	if (!key->lport && sk_fullsock(sk))
		key->lport = ntohs(inet_sk(sk)->inet_sport);
}

unsigned int tcps_socket_bucket(const struct tcps_net *tn, const struct tcps_key *key)
{
	u32 hash;

#if IS_ENABLED(CONFIG_IPV6)
	if (key->family == AF_INET6)
		hash = inet6_ehashfn(tn->net, &key->laddr, key->lport, &key->raddr,
				     htons(key->rport));
	else
#endif
		hash = inet_ehashfn(tn->net, key->laddr.s6_addr32[3], key->lport,
				    key->raddr.s6_addr32[3], htons(key->rport));
	return hash & tn->net->ipv4.tcp_death_row.hashinfo->ehash_mask;
}

bool tcps_socket_has(const struct sock *sk, const struct tcps_net *tn, const struct tcps_key *key)
{
	struct tcps_key own;

	if (!net_eq(sock_net(sk), tn->net))
		return false;
	tcps_socket_key(sk, &own);
	return !memcmp(&own, key, sizeof(own));
}

/* Where an unbound socket has the same tuple: the one that is bound to the interface. */
static struct sock *get_bound(const struct tcps_net *tn, const struct tcps_key *key)
{
	struct inet_hashinfo *hashinfo = tn->net->ipv4.tcp_death_row.hashinfo;
	unsigned int bucket = tcps_socket_bucket(tn, key);
	spinlock_t *lock = inet_ehash_lockp(hashinfo, bucket);
	const struct hlist_nulls_node *node;
	struct sock *sk, *found = NULL;

	spin_lock_bh(lock);
	sk_nulls_for_each(sk, node, &hashinfo->ehash[bucket].chain) {
		if (tcps_socket_has(sk, tn, key) && refcount_inc_not_zero(&sk->sk_refcnt)) {
			found = sk;
			break;
		}
	}
	spin_unlock_bh(lock);
	return found;
}

struct sock *tcps_socket_get(const struct tcps_net *tn, const struct tcps_key *key)
{
	struct inet_hashinfo *hashinfo = tn->net->ipv4.tcp_death_row.hashinfo;
	struct sock *sk = NULL;

	/* The kernel's "source" is the sender of a packet to the socket: our remote end. */
	rcu_read_lock();
	if (key->family == AF_INET)
		sk = __inet_lookup_established(tn->net, hashinfo, key->raddr.s6_addr32[3],
					       htons(key->rport), key->laddr.s6_addr32[3],
					       key->lport, key->scope, 0);
#if IS_ENABLED(CONFIG_IPV6)
	else
		sk = __inet6_lookup_established(tn->net, hashinfo, &key->raddr, htons(key->rport),
						&key->laddr, key->lport, key->scope, 0);
#endif
	rcu_read_unlock();
	if (!sk || READ_ONCE(sk->sk_bound_dev_if) == key->scope)
		return sk;
	sock_gen_put(sk);
	return get_bound(tn, key);
}

struct tcps_seen tcps_socket_seen(const struct sock *sk)
{
	struct tcps_seen seen = { .sk = sk };

	if (!sk)
		return seen;
	seen.scope = READ_ONCE(sk->sk_bound_dev_if);
	seen.state = READ_ONCE(sk->sk_state);
	if (seen.state == TCP_TIME_WAIT) {
		seen.kind = TCPS_MINISOCK;
		seen.state = READ_ONCE(inet_twsk(sk)->tw_substate);
	} else if (seen.state == TCP_NEW_SYN_RECV) {
		seen.kind = TCPS_REQUEST;
		seen.state = TCPS_SYN_RECV;
	} else {
		seen.kind = TCPS_FULL;
	}
	return seen;
}

struct tcps_seen tcps_socket_look(const struct tcps_net *tn, const struct tcps_key *key)
{
	struct sock *sk = tcps_socket_get(tn, key);
	struct tcps_seen seen;

	/*
	 * A look-up can miss a socket that is just being replaced by its minisock: this is found
	 * from when it has its references, a few instructions later (inet_twsk_hashdance()).
	 */
	if (!sk) {
		udelay(1);
		sk = tcps_socket_get(tn, key);
	}
	seen = tcps_socket_seen(sk);
	if (sk)
		sock_gen_put(sk);
	return seen;
}

static u8 scale_of(bool ok, u8 scale)
{
	return ok ? scale : TCPS_NO_SCALE;
}

/* A socket that has not been open: as if the segment that it opens with were sent now. */
static void read_opening(const struct sock *sk, struct tcps_snapshot *snap)
{
	const struct tcp_sock *tp = tcp_sk(sk);

	snap->opening = true;
	snap->open = (struct tcps_seg){
		/* A deferred fast open has not sent its SYN yet (TCP_FASTOPEN_CONNECT). */
		.seq = tp->packets_out ? tp->snd_una : tp->write_seq,
		.win = min_t(u32, tp->rcv_wnd, U16_MAX),
		.flags = TCPS_SYN,
		.scale = scale_of(tp->rx_opt.wscale_ok || snap->seen.state == TCPS_SYN_SENT,
				  tp->rx_opt.rcv_wscale),
	};
	if (snap->seen.state == TCPS_SYN_SENT)
		return;
	/* The child of a fast open begins behind its SYN, one of two that crossed at it. */
	snap->open.seq = tp->snd_una;
	if (tp->fastopen_rsk)
		snap->open.seq = tcp_rsk(rcu_dereference_raw(tp->fastopen_rsk))->snt_isn;
	snap->open.flags |= TCPS_ACK;
	snap->open.ack = tp->rcv_nxt;
}

static void read_request(const struct sock *sk, struct tcps_snapshot *snap)
{
	const struct request_sock *req = inet_reqsk(sk);
	const struct inet_request_sock *ireq = inet_rsk(req);

	snap->opening = true;
	snap->open = (struct tcps_seg){
		.seq = tcp_rsk(req)->snt_isn, .ack = tcp_rsk(req)->rcv_nxt,
		.win = min_t(u32, req->rsk_rcv_wnd, U16_MAX), .flags = TCPS_SYN | TCPS_ACK,
		.scale = scale_of(ireq->wscale_ok, ireq->rcv_wscale),
	};
}

static void read_minisock(const struct sock *sk, struct tcps_snapshot *snap)
{
	const struct tcp_timewait_sock *tcptw = tcp_twsk(sk);

	snap->stamps = tcptw->tw_ts_recent_stamp;
	snap->found = (struct tcps_found){
		.active = true, .fin_sent = true, .fin_acked = true,
		.snd_una = tcptw->tw_snd_nxt, .ack_floor = tcptw->tw_snd_nxt,
		.snd_nxt = tcptw->tw_snd_nxt,
		.rcv_acked = tcptw->tw_rcv_nxt, .rcv_nxt = tcptw->tw_rcv_nxt,
		.rcv_edge = tcptw->tw_rcv_nxt + tcptw->tw_rcv_wnd,
		.rcv_scale = TCPS_NO_SCALE, .snd_scale = TCPS_NO_SCALE,
	};
}

static void read_full(const struct sock *sk, u8 state, struct tcps_found *found)
{
	const struct tcp_sock *tp = tcp_sk(sk);
	/* The FIN counts in write_seq when it is queued, in snd_nxt when it has been sent. */
	bool closed = state != TCP_ESTABLISHED && state != TCP_CLOSE_WAIT;

	*found = (struct tcps_found){
		.active = closed && state != TCP_LAST_ACK,
		.fin_sent = closed && tp->snd_nxt == tp->write_seq,
		.fin_acked = state == TCP_FIN_WAIT2,
		.snd_una = tp->snd_una,
		.ack_floor = tp->snd_una - min_t(u64, tp->bytes_acked, TCPS_MAX_WINDOW),
		.snd_nxt = tp->snd_nxt,
		.rcv_acked = tp->rcv_wup,
		.rcv_nxt = tp->rcv_nxt,
		.rcv_edge = tp->rcv_wup + tp->rcv_wnd,
		.snd_wnd_max = tp->max_window,
		.rcv_scale = scale_of(tp->rx_opt.wscale_ok, tp->rx_opt.rcv_wscale),
		.snd_scale = scale_of(tp->rx_opt.wscale_ok, tp->rx_opt.snd_wscale),
	};
}

bool tcps_socket_read(const struct sock *sk, u8 state, struct tcps_snapshot *snap)
{
	memset(snap, 0, sizeof(*snap));
	snap->seen = tcps_socket_seen(sk);
	if (state)
		snap->seen.state = state;
	state = snap->seen.state;
	if (state == TCPS_CLOSE || state == TCPS_LISTEN)
		return false;
	if (snap->seen.kind == TCPS_FULL) {
		snap->early = tcps_socket_bound_early(sk);
		snap->stamps = tcps_socket_stamps(sk);
	}
	if (snap->seen.kind == TCPS_MINISOCK)
		read_minisock(sk, snap);
	else if (snap->seen.kind == TCPS_REQUEST)
		read_request(sk, snap);
	else if (state == TCPS_SYN_SENT || state == TCPS_SYN_RECV)
		read_opening(sk, snap);
	else
		read_full(sk, state, &snap->found);
	return true;
}

bool tcps_socket_backlogged(const struct sock *sk)
{
	return READ_ONCE(sk->sk_backlog.len);
}

enum tcps_event tcps_socket_death(const struct sock *sk, u8 from, const struct tcps_fsm *m)
{
	int err = READ_ONCE(sk->sk_err);

	if (from == TCPS_LAST_ACK && (m->local.flags & TCPS_K_FIN_ACKED))
		return TCPS_EV_FIN_ACKED;
	if (m->local.state == TCPS_CLOSE || err == ECONNRESET || err == EPIPE)
		return TCPS_EV_RCV_RST;
	/* No room for a minisock; a time-out, an ICMP error, SOCK_DESTROY; not a word */
	if ((m->local.flags & (TCPS_K_FIN_ACKED | TCPS_K_FIN_RCVD)) ==
	    (TCPS_K_FIN_ACKED | TCPS_K_FIN_RCVD))
		return TCPS_EV_GONE;
	if (err || from == TCPS_SYN_SENT || tcp_sk(sk)->repair)
		return TCPS_EV_GONE;
	return TCPS_EV_SEND_RST;
}

u32 tcps_socket_expires(const struct sock *sk)
{
	if (!sk || READ_ONCE(sk->sk_state) != TCP_TIME_WAIT)
		return 0;
	return (u32)READ_ONCE(inet_twsk(sk)->tw_timer.expires) | 1;
}

/* A listener of SMC has the bit, too, but no data. */
static bool bypassed(const struct sock *sk)
{
	bool redirected = false;

#ifdef CONFIG_NET_SOCK_MSG
	rcu_read_lock();
	redirected = sk_psock(sk);
	rcu_read_unlock();
#endif
#if IS_ENABLED(CONFIG_SMC)
	redirected |= tcp_sk(sk)->syn_smc && READ_ONCE(sk->sk_state) != TCP_LISTEN;
#endif
	return redirected;
}

void tcps_socket_holder(const struct sock *sk, struct tcps_holder *holder)
{
	u32 cookie[2];

	sock_diag_save_cookie((struct sock *)sk, cookie);
	*holder = (struct tcps_holder){
		.known = true,
		.uid = sk->sk_uid,
		.inode = sock_i_ino((struct sock *)sk),
		.cookie = cookie[0] | (u64)cookie[1] << 32,
		.bypassed = bypassed(sk),
#ifdef CONFIG_SOCK_CGROUP_DATA
		.cgroup = cgroup_id(sock_cgroup_ptr((struct sock_cgroup_data *)&sk->sk_cgrp_data)),
#endif
	};
}

/* The buckets in which a listener at @key is; bound to ::ffff:a.b.c.d it hashes as AF_INET6. */
static void listener_buckets(const struct tcps_net *tn, const struct tcps_key *key,
			     struct inet_listen_hashbucket *buckets[2])
{
	struct inet_hashinfo *hashinfo = tn->net->ipv4.tcp_death_row.hashinfo;

	/* As inet_lhash2_bucket_sk() */
	buckets[0] = inet_lhash2_bucket(hashinfo, ipv4_portaddr_hash(tn->net, key->laddr.s6_addr32[3],
								     key->lport));
	buckets[1] = inet_lhash2_bucket(hashinfo, ipv6_portaddr_hash(tn->net, &key->laddr, key->lport));
}

/* The listening socket at @key that is @listener, with a reference. */
static struct sock *get_listener(const struct tcps_net *tn, const struct tcps_key *key,
				 const void *listener)
{
	struct inet_listen_hashbucket *buckets[2];
	const struct hlist_nulls_node *node;
	struct sock *sk, *found = NULL;
	unsigned int i;

	listener_buckets(tn, key, buckets);
	rcu_read_lock();
	for (i = 0; i < 2 && !found; i++)
		sk_nulls_for_each_rcu(sk, node, &buckets[i]->nulls_head)
			if (sk == listener && refcount_inc_not_zero(&sk->sk_refcnt)) {
				found = sk;
				break;
			}
	rcu_read_unlock();
	return found;
}

/* How long the oldest connection has been in the accept queue: its child has not sent since. */
static u64 waiting_ns(struct sock *listener)
{
	struct request_sock_queue *queue = &inet_csk(listener)->icsk_accept_queue;
	u32 since = 0;
	bool any;

	spin_lock_bh(&queue->rskq_lock);
	any = queue->rskq_accept_head;
	if (any)
		since = tcp_sk(queue->rskq_accept_head->sk)->lsndtime;
	spin_unlock_bh(&queue->rskq_lock);
	return any ? jiffies64_to_nsecs(tcp_jiffies32 - since) ?: 1 : 0;
}

static void add_listening(struct sock *sk, struct tcps_listening *sum)
{
	u32 queue = READ_ONCE(sk->sk_ack_backlog), backlog = READ_ONCE(sk->sk_max_ack_backlog);

	sum->drops += atomic_read(&sk->sk_drops);
	/* The first, or the fuller one */
	if (!sum->sockets++ || (u64)queue * sum->backlog > (u64)sum->queue * backlog) {
		sum->queue = queue;
		sum->backlog = backlog;
		sum->waiting_ns = waiting_ns(sk);
		tcps_socket_holder(sk, &sum->holder);
	}
}

static bool listens_at(const struct sock *sk, const struct tcps_net *tn, const struct tcps_key *key)
{
	struct tcps_key own;

	if (!net_eq(sock_net(sk), tn->net) || READ_ONCE(sk->sk_state) != TCP_LISTEN)
		return false;
	tcps_socket_key(sk, &own);
	return own.lport == key->lport && own.family == key->family &&
	       ipv6_addr_equal(&own.laddr, &key->laddr);
}

void tcps_socket_listening(const struct tcps_net *tn, const struct tcps_key *key,
			   struct tcps_listening *result)
{
	struct inet_listen_hashbucket *buckets[2];
	const struct hlist_nulls_node *node;
	struct sock *sk;
	unsigned int i;

	memset(result, 0, sizeof(*result));
	listener_buckets(tn, key, buckets);
	/* The lock keeps each in the table, and so open. */
	for (i = 0; i < 2; i++) {
		if (i && buckets[1] == buckets[0])
			break;
		spin_lock_bh(&buckets[i]->lock);
		sk_nulls_for_each(sk, node, &buckets[i]->nulls_head)
			if (listens_at(sk, tn, key))
				add_listening(sk, result);
		spin_unlock_bh(&buckets[i]->lock);
	}
}

struct tcps_seen tcps_socket_look_listener(const struct tcps_net *tn, const struct tcps_key *key,
					   const void *listener)
{
	struct sock *sk = get_listener(tn, key, listener);
	struct tcps_seen seen = tcps_socket_seen(sk);

	if (sk)
		sock_gen_put(sk);
	return seen;
}

enum tcps_kind tcps_socket_find_holder(const struct tcps_net *tn, const struct tcps_key *key,
				       const void *listener, struct tcps_holder *holder)
{
	struct sock *sk = listener ? get_listener(tn, key, listener) : tcps_socket_get(tn, key);
	struct tcps_seen seen = tcps_socket_seen(sk);

	memset(holder, 0, sizeof(*holder));
	if (seen.kind == TCPS_FULL)
		tcps_socket_holder(sk, holder);
	if (sk)
		sock_gen_put(sk);
	return seen.kind;
}

bool tcps_socket_idleness(const struct tcps_net *tn, const struct tcps_key *key,
			  struct tcps_idleness *result)
{
	struct sock *sk = tcps_socket_get(tn, key);
	bool full = tcps_is_full(sk);

	memset(result, 0, sizeof(*result));
	if (full) {
		const struct tcp_sock *tp = tcp_sk(sk);
		u32 sent = READ_ONCE(tp->lsndtime);	/* before the present time */

		tcps_socket_holder(sk, &result->holder);
		if (!result->holder.bypassed && READ_ONCE(tp->write_seq) == READ_ONCE(tp->snd_una))
			result->idle_ns = jiffies64_to_nsecs(tcp_jiffies32 - sent);
		result->unread = READ_ONCE(tp->rcv_nxt) - READ_ONCE(tp->copied_seq);
	}
	if (sk)
		sock_gen_put(sk);
	return full;
}

/* A bucket of ports that connect() has made is shared by nobody who binds (__inet_hash_connect()). */
bool tcps_socket_bound_early(const struct sock *sk)
{
	const struct inet_bind_bucket *tb = tcps_is_full(sk) ? inet_csk(sk)->icsk_bind_hash : NULL;

	return tb && READ_ONCE(tb->fastreuse) >= 0;
}

bool tcps_socket_stamps(const struct sock *sk)
{
	return tcp_sk(sk)->rx_opt.tstamp_ok;
}

bool tcps_socket_defers(const struct sock *sk)
{
	return tcp_sk(sk)->fastopen_connect;
}

u32 tcps_socket_connecting(const struct sock *sk)
{
	if (!tcps_is_full(sk) || READ_ONCE(sk->sk_state) != TCP_SYN_SENT || !in_task() ||
	    (current->flags & PF_KTHREAD) || !sock_owned_by_user_nocheck(sk))
		return 0;
	return task_tgid_nr(current);
}
