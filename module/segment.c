// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/netfilter.h>
#include <linux/netfilter_ipv6.h>
#include <linux/skbuff.h>
#include <linux/tcp.h>
#include <net/checksum.h>
#include <net/inet_sock.h>
#include <net/ip.h>
#include <net/ipv6.h>
#include <net/request_sock.h>
#include <net/sock.h>

#include "parse.h"
#include "segment.h"

#define IPV6_PADDING_MAX	7	/* in a row, RFC 4942, section 2.1.9.5 */
#define IPV6_OPTION_ACTION	0xc0	/* 0: if not known, skip; else drop the packet */

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
 * Will the kernel get past these destination options? It reads them behind LOCAL_IN, by the rules
 * of ip6_parse_tlv(): at most 7 bytes of padding in a row, all zero; options that it does not
 * know only if their type says "skip" (RFC 8200, section 4.2) and not too many. A home address
 * option changes the source address: what is behind it is not for the endpoint that the packet
 * names.
 */
static bool dest_options_taken(const struct sk_buff *skb, int at, int end)
{
	int padding = 0, others = 0, len;

	for (; at < end; at += len) {
		u8 buf[2 + IPV6_PADDING_MAX];
		const u8 *opt = skb_header_pointer(skb, at, min_t(int, end - at, sizeof(buf)), buf);

		if (!opt)
			return false;
		len = 1;
		if (opt[0] != IPV6_TLV_PAD1)
			len = end - at > 1 ? opt[1] + 2 : INT_MAX;
		if (len > end - at)
			return false;
		if (opt[0] == IPV6_TLV_PAD1 || opt[0] == IPV6_TLV_PADN) {
			padding += len;
			if (padding > IPV6_PADDING_MAX)
				return false;
			if (len > 2 && memchr_inv(opt + 2, 0, len - 2))
				return false;
		} else {
			padding = 0;
			others++;
			if ((opt[0] & IPV6_OPTION_ACTION) || others > IP6_DEFAULT_MAX_DST_OPTS_CNT)
				return false;
		}
	}
	return true;
}

/*
 * Is this packet at the end of its route, and will the kernel believe it (ipv6_rthdr_rcv())?
 * Segment routing has to be switched on; of mobile IPv6 and RPL nothing is believed here.
 */
static bool routing_done(const struct sk_buff *skb, const struct ipv6_rt_hdr *h)
{
	const struct inet6_dev *idev = __in6_dev_get(skb->dev);

	if (h->segments_left || h->type == IPV6_SRCRT_TYPE_2 || h->type == IPV6_SRCRT_TYPE_3)
		return false;
	if (h->type != IPV6_SRCRT_TYPE_4)
		return true;
	return idev && READ_ONCE(idev->cnf.seg6_enabled) &&
	       READ_ONCE(dev_net(skb->dev)->ipv6.devconf_all->seg6_enabled);
}

/*
 * The extension headers between @at and @end, where the TCP header begins: will the kernel get
 * past them, to a segment that is for us? Hop-by-hop options have been read before LOCAL_IN. What
 * is behind an authentication header comes again without it, when it has been verified.
 */
static enum tcps_verdict walk_extensions(const struct sk_buff *skb, u8 header, int at, int end)
{
	const int begin = at;

	while (at < end) {
		const struct ipv6_rt_hdr *h;
		struct ipv6_rt_hdr buf;
		int len;

		h = skb_header_pointer(skb, at, sizeof(buf), &buf);
		if (!h)
			return TCPS_MALFORMED;
		if (header == NEXTHDR_AUTH)
			return TCPS_NOT_OURS;
		if (header == NEXTHDR_ROUTING && !routing_done(skb, h))
			return TCPS_NOT_OURS;
		if (header == NEXTHDR_HOP && at != begin)
			return TCPS_MALFORMED;
		len = header == NEXTHDR_FRAGMENT ? 8 : ipv6_optlen(h);
		if (header == NEXTHDR_DEST && !dest_options_taken(skb, at + 2, at + len))
			return TCPS_MALFORMED;
		header = h->nexthdr;
		at += len;
	}
	return TCPS_SEGMENT;
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
	if (end < 0 || next != IPPROTO_TCP)
		return TCPS_NOT_OURS;
	*src = ip->saddr;
	*dst = ip->daddr;
	*l4 = end;
	return walk_extensions(skb, ip->nexthdr, begin, end);
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
 * Is the packet's destination the socket's own peer? A packet can pass LOCAL_OUT a second time with
 * its destination translated and its socket still attached (IPVS; DNAT in a VRF).
 */
static bool own_remote(const struct sock *sk, const struct tcps_key *key)
{
	if (sk->sk_dport != htons(key->rport))
		return false;
#if IS_ENABLED(CONFIG_IPV6)
	if (key->family == AF_INET6)
		return ipv6_addr_equal(&sk->sk_v6_daddr, &key->raddr);
#endif
	return sk->sk_daddr == key->raddr.s6_addr32[3];
}

/*
 * Is this a TCP socket of this namespace, and which interface is it bound to? skb->sk, not the
 * hook's: for a SYN-ACK the hook's is the listener. A request socket hands its scope down to the
 * child (tcp_v4_syn_recv_sock()).
 */
static bool tcp_sender(struct sock *sk, const struct net *net, struct tcps_key *key)
{
	if (!sk || !net_eq(sock_net(sk), net))
		return false;
	if (sk_fullsock(sk)) {
		key->scope = READ_ONCE(sk->sk_bound_dev_if);
		return sk->sk_type == SOCK_STREAM && sk->sk_protocol == IPPROTO_TCP &&
		       own_remote(sk, key);
	}
	if (sk->sk_state == TCP_NEW_SYN_RECV) {
		key->scope = inet_rsk(inet_reqsk(sk))->ir_iif;
		return own_remote(sk, key);
	}
	return false;
}

enum tcps_verdict tcps_segment_sent(const struct sk_buff *skb, const struct nf_hook_state *state,
				    struct tcps_packet *pkt)
{
	enum tcps_verdict v;
	unsigned int l4;
	u8 sender = 0;
	bool ours;

	v = read_packet(skb, state->pf, TCPS_SENT, pkt, &l4);
	if (v != TCPS_SEGMENT)
		return TCPS_NOT_OURS;
	ours = tcp_sender(skb->sk, state->net, &pkt->key);
	if (!ours && !(pkt->seg.flags & TCPS_RST))
		return TCPS_NOT_OURS;
	if (ours) {
		pkt->sk = skb->sk;
		sender = READ_ONCE(skb->sk->sk_state);
		/* It has waited in a VRF's queue, and its socket is closed by now. */
		if (sender == TCP_CLOSE && !(pkt->seg.flags & TCPS_RST))
			return TCPS_NOT_OURS;
		pkt->seg.fin_rcvd = sk_fullsock(skb->sk) && sock_flag(skb->sk, SOCK_DONE);	/* tcp_fin() */
	}
	/*
	 * A socket that aborts is closed first (tcp_close(), tcp_disconnect()); other RSTs answer
	 * a segment. Its FIN may leave long after its close().
	 */
	pkt->seg.abort = sender == TCP_CLOSE;
	pkt->seg.active = sender == TCP_FIN_WAIT1 || sender == TCP_CLOSING;
	return TCPS_SEGMENT;
}

/*
 * nf_ip_checksum() sums the IP header, too, which is 0 in a header that is intact. But the kernel
 * has written into the record route and timestamp options by now and has not updated the header's
 * checksum (__ip_options_compile()). Sum the segment alone, as TCP will.
 */
static bool ipv4_options_changed(const struct sk_buff *skb, u8 family, unsigned int l4)
{
	const struct iphdr *ip = ip_hdr(skb);
	unsigned int len = skb->len - l4;

	return family == NFPROTO_IPV4 && ip->ihl > 5 &&
	       !csum_tcpudp_magic(ip->saddr, ip->daddr, len, IPPROTO_TCP,
				  skb_checksum(skb, l4, len, 0));
}

enum tcps_verdict tcps_segment_rcvd(struct sk_buff *skb, const struct nf_hook_state *state,
				    struct tcps_packet *pkt)
{
	enum tcps_verdict v;
	unsigned int l4;

	if (skb->pkt_type != PACKET_HOST)	/* tcp_v4_rcv(), tcp_v6_rcv() */
		return TCPS_NOT_OURS;
	v = read_packet(skb, state->pf, TCPS_RCVD, pkt, &l4);
	if (v != TCPS_SEGMENT)
		return v;
	if (nf_checksum(skb, NF_INET_LOCAL_IN, l4, IPPROTO_TCP, state->pf) &&
	    !ipv4_options_changed(skb, state->pf, l4))
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
