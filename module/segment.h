/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a packet in a netfilter hook to the endpoint that it concerns and the facts that the machine
 * wants. Reads the packet only; the pure half, which reads the TCP header's bytes, is parse.c.
 */
#ifndef TCPSTATE_SEGMENT_H
#define TCPSTATE_SEGMENT_H

#include "fsm/fsm.h"
#include "tcpstate.h"

struct nf_hook_state;
struct sock;
struct sk_buff;

enum tcps_verdict {
	TCPS_SEGMENT,		/* a segment of ours: see it tracked */
	TCPS_NOT_OURS,		/* not TCP, or not sent by a TCP socket of this namespace */
	TCPS_MALFORMED,		/* TCP, but a fragment, or the header is broken */
	TCPS_BAD_CHECKSUM,	/* TCP, but damaged: the socket will drop it */
};

/**
 * struct tcps_packet - an endpoint and a segment that it sent or received
 * @key:	endpoint. Of a received segment, @key.scope is the interface it came in by
 * @sdif:	for a received segment in a VRF: the enslaved interface, else 0
 * @seg:	facts
 * @sk:	of a sent segment: the full socket or request socket that sends it, or NULL. Only to be
 *		used within the hook
 */
struct tcps_packet {
	struct tcps_key key;
	int sdif;
	struct tcps_seg seg;
	const struct sock *sk;
};

/**
 * tcps_segment_sent() - read a packet in LOCAL_OUT
 * @skb:	packet, its data at the IP header
 * @state:	the hook's
 * @pkt:	result, filled in where TCPS_SEGMENT is returned
 *
 * Only what a TCP full socket or request socket of this namespace sends is ours. A raw socket, a
 * forwarding firewall, the kernel's control socket (RST, ACK in TIME_WAIT) and SYN cookies (no
 * socket) are not, with one exception: a RST of whatever origin is passed on, because it may
 * concern one of ours.
 *
 * Context: any in which the hook runs; under rcu_read_lock(). Does not sleep.
 */
enum tcps_verdict tcps_segment_sent(const struct sk_buff *skb, const struct nf_hook_state *state,
				    struct tcps_packet *pkt);

/**
 * tcps_segment_rcvd() - read a packet in LOCAL_IN
 * @skb:	packet, its data at the IP header. Its checksum is verified as TCP would do it next;
 *		the result is kept in the skb, so that TCP does not do it again
 * @state:	the hook's
 * @pkt:	result, filled in where TCPS_SEGMENT is returned
 *
 * Context: softirq, or process context (NFQUEUE); under rcu_read_lock(). Does not sleep.
 */
enum tcps_verdict tcps_segment_rcvd(struct sk_buff *skb, const struct nf_hook_state *state,
				    struct tcps_packet *pkt);

#endif
