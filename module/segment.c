// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/request_sock.h>
#include <net/sock.h>

#include "parse.h"
#include "segment.h"

/*
 * Reads the IP header: addresses in the order of the wire, and where the TCP header begins. The
 * lengths in it have been checked by the IP layer (ip_rcv_core() trims), so the packet's own
 * length counts; GSO packets may be longer than the header can say.
 */
static enum tcps_verdict read_ipv4(const struct sk_buff *skb, struct in6_addr *src,
				   struct in6_addr *dst, unsigned int *l4)
{
	const struct iphdr *ip;
	struct iphdr buf;

	ip = skb_header_pointer(skb, skb_network_offset(skb), sizeof(buf), &buf);
	if (!ip || ip->protocol != IPPROTO_TCP)
		return TCPS_NOT_OURS;
	if (ip_is_fragment(ip) || ip->ihl < 5)
		return TCPS_MALFORMED;
	ipv6_addr_set_v4mapped(ip->saddr, src);
	ipv6_addr_set_v4mapped(ip->daddr, dst);
	*l4 = skb_network_offset(skb) + ip->ihl * 4;
	return TCPS_SEGMENT;
}

/*
 * Is there a routing header that sends the packet on? Then the TCP header behind it is not for
 * us.
 */
static bool routed_on(const struct sk_buff *skb)
{
	int flags = IP6_FH_F_SKIP_RH;
	unsigned int off = 0;

	return ipv6_find_hdr(skb, &off, NEXTHDR_ROUTING, NULL, &flags) >= 0;
}

static enum tcps_verdict read_ipv6(const struct sk_buff *skb, struct in6_addr *src,
				   struct in6_addr *dst, unsigned int *l4)
{
	int begin = skb_network_offset(skb) + sizeof(struct ipv6hdr), end;
	const struct ipv6hdr *ip;
	struct ipv6hdr buf;
	__be16 frag = 0;
	u8 next;

	ip = skb_header_pointer(skb, skb_network_offset(skb), sizeof(buf), &buf);
	if (!ip)
		return TCPS_NOT_OURS;
	next = ip->nexthdr;
	end = ipv6_skip_exthdr(skb, begin, &next, &frag);
	/*
	 * LOCAL_IN comes before reassembly in IPv6. In a later fragment the walk ends at the
	 * fragment header.
	 */
	if (frag && end >= 0 && next == NEXTHDR_FRAGMENT) {
		const u8 *inner = skb_header_pointer(skb, end, sizeof(next), &next);

		next = inner ? *inner : NEXTHDR_NONE;
	}
	if (frag)
		return next == IPPROTO_TCP ? TCPS_MALFORMED : TCPS_NOT_OURS;
	if (end < 0 || next != IPPROTO_TCP || (end != begin && routed_on(skb)))
		return TCPS_NOT_OURS;
	*src = ip->saddr;
	*dst = ip->daddr;
	*l4 = end;
	return TCPS_SEGMENT;
}

/*
 * The IP header, then the TCP header: fills in all but the scope. @l4 is where the TCP header
 * begins.
 */
static enum tcps_verdict read_packet(const struct sk_buff *skb, u8 family, enum tcps_dir dir,
				     struct tcps_packet *pkt, unsigned int *l4)
{
	struct tcps_key *key = &pkt->key;
	struct in6_addr *src, *dst;
	u8 buf[TCPS_TCP_HDR_MAX];
	u16 *sport, *dport;
	enum tcps_verdict v;
	const u8 *tcp;
	u32 len;

	memset(pkt, 0, sizeof(*pkt));
	key->family = family;
	src = dir == TCPS_SENT ? &key->laddr : &key->raddr;
	dst = dir == TCPS_SENT ? &key->raddr : &key->laddr;
	sport = dir == TCPS_SENT ? &key->lport : &key->rport;
	dport = dir == TCPS_SENT ? &key->rport : &key->lport;

	v = family == AF_INET ? read_ipv4(skb, src, dst, l4) : read_ipv6(skb, src, dst, l4);
	if (v != TCPS_SEGMENT)
		return v;
	if (skb->len < *l4)
		return TCPS_MALFORMED;
	tcp = skb_header_pointer(skb, *l4, TCPS_TCP_HDR_MIN, buf);
	if (!tcp)
		return TCPS_MALFORMED;
	len = tcps_parse_header_len(tcp, skb->len - *l4);
	if (!len)
		return TCPS_MALFORMED;
	tcp = skb_header_pointer(skb, *l4, len, buf);
	if (!tcp)
		return TCPS_MALFORMED;
	tcps_parse_ports(tcp, sport, dport);
	tcps_parse_segment(tcp, len, skb->len - *l4 - len, &pkt->seg);
	return TCPS_SEGMENT;
}

/*
 * Is this a TCP socket of this namespace, and which interface is it bound to? skb->sk, not the
 * hook's: for a SYN-ACK the hook's is the listener. A request socket hands its scope down to the
 * child (tcp_v4_syn_recv_sock()).
 */
static bool tcp_sender(struct sock *sk, const struct net *net, int *scope)
{
	if (!sk || !net_eq(sock_net(sk), net))
		return false;
	if (sk_fullsock(sk)) {
		*scope = READ_ONCE(sk->sk_bound_dev_if);
		return sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP;
	}
	if (sk->sk_state == TCP_NEW_SYN_RECV) {
		*scope = inet_rsk(inet_reqsk(sk))->ir_iif;
		return true;
	}
	return false;
}

enum tcps_verdict tcps_segment_sent(const struct sk_buff *skb, const struct nf_hook_state *state,
				    struct tcps_packet *pkt)
{
	enum tcps_verdict v;
	unsigned int l4;
	bool ours;

	v = read_packet(skb, state->pf, TCPS_SENT, pkt, &l4);
	if (v != TCPS_SEGMENT)
		return TCPS_NOT_OURS;
	ours = tcp_sender(skb->sk, state->net, &pkt->key.scope);
	if (!ours && !(pkt->seg.flags & TCPS_RST))
		return TCPS_NOT_OURS;
	/*
	 * A socket that aborts is closed first (tcp_close(), tcp_disconnect()); other RSTs answer
	 * a segment.
	 */
	pkt->seg.abort = ours && sk_fullsock(skb->sk) &&
			 READ_ONCE(skb->sk->sk_state) == TCP_CLOSE;
	return TCPS_SEGMENT;
}

enum tcps_verdict tcps_segment_rcvd(struct sk_buff *skb, const struct nf_hook_state *state,
				    struct tcps_packet *pkt)
{
	enum tcps_verdict v;
	unsigned int l4;

	v = read_packet(skb, state->pf, TCPS_RCVD, pkt, &l4);
	if (v != TCPS_SEGMENT)
		return v;
	if (nf_checksum(skb, NF_INET_LOCAL_IN, l4, IPPROTO_TCP, state->pf))
		return TCPS_BAD_CHECKSUM;
	if (state->pf == NFPROTO_IPV4) {
		pkt->key.scope = inet_iif(skb);
		pkt->sdif = inet_sdif(skb);
	} else {
		pkt->key.scope = inet6_iif(skb);
		pkt->sdif = inet6_sdif(skb);
	}
	return TCPS_SEGMENT;
}
