/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tcpstate:tcpstate_transition - an end of a tracked endpoint has changed its state.
 *
 * Fires after the fact, outside our locks: two transitions of one endpoint that follow each other
 * on two CPUs can appear in either order. Addresses are the local socket's own; end tells whose
 * state it is.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM tcpstate

#if !defined(TCPSTATE_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TCPSTATE_TRACE_H

#include <linux/in.h>
#include <linux/in6.h>
#include <linux/tracepoint.h>

#include "fsm/fsm.h"
#include "peer.h"
#include "tcpstate.h"

/* The numbers of the events, for programs that read the format. */
#define TCPS_TRACE_ENUM(name, text) TRACE_DEFINE_ENUM(TCPS_EV_##name);
TCPS_EVENT_LIST(TCPS_TRACE_ENUM)
#undef TCPS_TRACE_ENUM

#ifndef TCPSTATE_TRACE_ONCE	/* the rest is read several times */
#define TCPSTATE_TRACE_ONCE
/* "%pISpc" wants a socket address. */
static inline void tcps_trace_sockaddr(u8 *to, u16 family, const struct in6_addr *addr, u16 port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)to;
	struct sockaddr_in *in = (struct sockaddr_in *)to;

	memset(to, 0, sizeof(*in6));
	if (family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		in->sin_addr.s_addr = addr->s6_addr32[3];
	} else {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		in6->sin6_addr = *addr;
	}
}
#endif

#define TCPS_TRACE_STATE(name, number, rfc, meaning) , { number, #name }
#define TCPS_TRACE_EVENT(name, text) , { TCPS_EV_##name, text }
#define show_tcps_state(state) \
	__print_symbolic(state, { 0, "NONE" } TCPS_STATE_LIST(TCPS_TRACE_STATE))
#define show_tcps_event(event) \
	__print_symbolic(event, { 0, "none" } TCPS_EVENT_LIST(TCPS_TRACE_EVENT))

TRACE_EVENT(tcpstate_transition,
	TP_PROTO(const struct tcps_net *tn, const struct tcps_key *key, bool local,
		 const struct tcps_move *move),
	TP_ARGS(tn, key, local, move),

	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u16, family)
		__field(u16, lport)
		__field(u16, rport)
		__field(u8, local)
		__field(u8, oldstate)
		__field(u8, newstate)
		__field(u8, event)
		__array(u8, laddr, sizeof(struct sockaddr_in6))
		__array(u8, raddr, sizeof(struct sockaddr_in6))
	),

	TP_fast_assign(
		__entry->netns = tn->net->ns.inum;
		__entry->family = key->family;
		__entry->lport = key->lport;
		__entry->rport = key->rport;
		__entry->local = local;
		__entry->oldstate = move->from;
		__entry->newstate = move->to;
		__entry->event = move->event;
		tcps_trace_sockaddr(__entry->laddr, key->family, &key->laddr, key->lport);
		tcps_trace_sockaddr(__entry->raddr, key->family, &key->raddr, key->rport);
	),

	TP_printk("netns=%u local=%pISpc remote=%pISpc end=%s oldstate=%s newstate=%s event='%s'",
		  __entry->netns, __entry->laddr, __entry->raddr,
		  __print_symbolic(__entry->local, { 0, "remote" }, { 1, "local" }),
		  show_tcps_state(__entry->oldstate), show_tcps_state(__entry->newstate),
		  show_tcps_event(__entry->event))
);

/*
 * tcpstate:tcpstate_alert - an alert has been raised, has changed or has been cleared. Names are those
 * of the netlink spec. Addresses and ports that do not name what it is about are 0.
 */
TRACE_EVENT(tcpstate_alert,
	TP_PROTO(const struct tcps_net *tn, u32 id, const char *kind, const char *severity,
		 const char *action, const struct tcps_peer_key *peer, u64 value, u64 limit),
	TP_ARGS(tn, id, kind, severity, action, peer, value, limit),

	TP_STRUCT__entry(
		__field(u32, netns)
		__field(u32, id)
		__array(char, kind, 24)
		__array(char, severity, 8)
		__array(char, action, 8)
		__field(u64, value)
		__field(u64, limit)
		__array(u8, laddr, sizeof(struct sockaddr_in6))
		__array(u8, raddr, sizeof(struct sockaddr_in6))
	),

	TP_fast_assign(
		__entry->netns = tn->net->ns.inum;
		__entry->id = id;
		strscpy(__entry->kind, kind, sizeof(__entry->kind));
		strscpy(__entry->severity, severity, sizeof(__entry->severity));
		strscpy(__entry->action, action, sizeof(__entry->action));
		__entry->value = value;
		__entry->limit = limit;
		tcps_trace_sockaddr(__entry->laddr, peer->family, &peer->laddr, peer->lport);
		tcps_trace_sockaddr(__entry->raddr, peer->family, &peer->raddr, peer->rport);
	),

	TP_printk("netns=%u id=%u kind=%s severity=%s action=%s local=%pISpc remote=%pISpc value=%llu limit=%llu",
		  __entry->netns, __entry->id, __entry->kind, __entry->severity, __entry->action,
		  __entry->laddr, __entry->raddr, __entry->value, __entry->limit)
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
