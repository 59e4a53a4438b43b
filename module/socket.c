// SPDX-License-Identifier: GPL-2.0-only
#include <net/inet6_hashtables.h>
#include <net/inet_hashtables.h>
#include <net/sock.h>

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

bool tcps_socket_exists(const struct tcps_net *tn, const struct tcps_key *key)
{
	struct sock *sk;

	rcu_read_lock();
	sk = lookup(tn->net, key);
	rcu_read_unlock();
	if (sk)
		sock_gen_put(sk);
	return sk;
}
