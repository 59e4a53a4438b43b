// SPDX-License-Identifier: GPL-2.0-only
#include <linux/delay.h>
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/sock.h>

#include "fsm/fsm.h"
#include "socket.h"

static struct sock *lookup(struct net *net, const struct tcps_key *key)
{
	struct inet_hashinfo *hashinfo = net->ipv4.tcp_death_row.hashinfo;

	/* The kernel's "source" is the sender of a packet to the socket: our remote end. */
	if (key->family == AF_INET)
		return __inet_lookup_established(net, hashinfo, key->raddr.s6_addr32[3],
						 htons(key->rport), key->laddr.s6_addr32[3],
						 key->lport, key->scope, 0);
#if IS_ENABLED(CONFIG_IPV6)
	return __inet6_lookup_established(net, hashinfo, &key->raddr, htons(key->rport),
					  &key->laddr, key->lport, key->scope, 0);
#else
	return NULL;
#endif
}

bool tcps_socket_exists(const struct tcps_net *tn, const struct tcps_key *key, u8 state)
{
	struct sock *sk;
	bool fits;

	rcu_read_lock();
	sk = lookup(tn->net, key);
	/*
	 * A look-up can miss a socket that is just being replaced by its minisock: this is found
	 * from when it has its references, a few instructions later (inet_twsk_hashdance()).
	 */
	if (!sk) {
		udelay(1);
		sk = lookup(tn->net, key);
	}
	rcu_read_unlock();
	if (!sk)
		return false;
	fits = state != TCPS_TIME_WAIT || READ_ONCE(sk->sk_state) == TCP_TIME_WAIT;
	sock_gen_put(sk);
	return fits;
}
