/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The TCP state machine of RFC 9293 for both ends of one endpoint record, driven by the segments
 * that the local end sent and received.
 *
 * Pure: no lock, no clock, no allocation, no pointer kept. The caller serialises steps of one
 * machine and gives them in the order in which the local end sent and received the segments. May
 * be called in any context.
 */
#ifndef TCPSTATE_FSM_H
#define TCPSTATE_FSM_H

#include "shim.h"

/* The kernel's numbers (include/net/tcp_states.h); 0 means "no state". */
enum tcps_state {
#define TCPS_STATE(name, number, rfc, meaning) TCPS_##name = number,
#include "states.def"
	TCPS_STATES		/* one more than the largest */
};

enum tcps_event {
	TCPS_EV_NONE,
#define TCPS_EVENT(name, text) TCPS_EV_##name,
#include "states.def"
	TCPS_EVENTS
};

/* The TCP header's own bits. */
#define TCPS_FIN	0x01
#define TCPS_SYN	0x02
#define TCPS_RST	0x04
#define TCPS_ACK	0x10

#define TCPS_NO_SCALE	0xff	/* no window-scale option */
#define TCPS_MAX_SCALE	14	/* RFC 7323, section 2.3 */
#define TCPS_MAX_WINDOW	(1u << 30)

enum tcps_dir { TCPS_SENT, TCPS_RCVD };

/**
 * struct tcps_seg - what the machine wants to know of a segment
 * @seq:	sequence number, host order
 * @ack:	acknowledgment number, host order; meaningful with TCPS_ACK
 * @len:	payload in bytes, that of the whole GSO/GRO packet; SYN and FIN not counted
 * @win:	window field as sent, not scaled, 0 … 65535
 * @flags:	TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK
 * @scale:	shift of the window-scale option, 0 … TCPS_MAX_SCALE, or TCPS_NO_SCALE; only
 *		looked at with TCPS_SYN
 * @active:	the socket that sends this FIN had been closed before it took the far end's;
 *		only looked at with TCPS_FIN
 * @fin_rcvd:	the socket that sends this has received the far end's FIN: it is what @ack is behind
 * @abort:	this is a RST that the connection's own socket sent when it died; any other
 *		outgoing RST proves nothing
 */
struct tcps_seg {
	u32 seq;
	u32 ack;
	u32 len;
	u16 win;
	u8 flags;
	u8 scale;
	bool active;
	bool fin_rcvd;
	bool abort;
};

/*
 * What is known of an end, in struct tcps_end.flags. Set once and kept; the transitions follow
 * from them (settle() in fsm.c).
 */
#define TCPS_K_SYN_ACKED	0x01	/* it knows that its SYN has been acknowledged */
#define TCPS_K_FIN_SENT		0x02	/* it has sent a FIN; .fin is behind it */
#define TCPS_K_FIN_ACKED	0x04	/* it knows that its FIN has been acknowledged */
#define TCPS_K_FIN_RCVD		0x08	/* it has received the other's FIN in sequence */

/**
 * struct tcps_end - one end of the connection
 * @nxt:	sequence number behind the last thing it sent
 * @acked:	highest acknowledgment it sent: what it claims to have received
 * @fin:	sequence number behind its FIN; with TCPS_K_FIN_SENT
 * @state:	enum tcps_state
 * @flags:	TCPS_K_*
 * @scale:	its window-scale option, or TCPS_NO_SCALE
 */
struct tcps_end {
	u32 nxt;
	u32 acked;
	u32 fin;
	u8 state;
	u8 flags;
	u8 scale;
};

/**
 * struct tcps_fsm - the machine of one record
 * @local:	the end on this host, in this network namespace
 * @remote:	the far end, as far as evidence proves it
 * @iss:	the local end's initial sequence number
 * @rcv_nxt:	next sequence number that the local end expects; in-sequence arrivals and its own
 *		acknowledgments move it
 * @rcv_edge:	right edge of the window that the local end has offered
 * @snd_wnd_max: largest window that the far end has offered, bytes
 * @ack_floor:	an acknowledgment below it is older than the connection: the initial sequence number,
 *		but never further behind than the largest window
 * @synack_ack:	acknowledgment number of the far end's SYN-ACK
 * @fin_proof:	end of the first new text that the local end sent together with an ACK of the far
 *		end's FIN: if the far end acknowledges it, it has seen the ACK of its FIN. With
 *		@has_fin_proof
 * @has_fin_proof: @fin_proof holds a value
 * @scaled:	both SYNs carried the window-scale option (RFC 7323, section 2.2)
 */
struct tcps_fsm {
	struct tcps_end local;
	struct tcps_end remote;
	u32 iss;
	u32 rcv_nxt;
	u32 rcv_edge;
	u32 snd_wnd_max;
	u32 ack_floor;
	u32 synack_ack;
	u32 fin_proof;
	bool has_fin_proof;
	bool scaled;
};

/* Makes sure that a record stays within its 208 bytes. */
static_assert(sizeof(struct tcps_fsm) <= 64, "the machine has grown");

/**
 * struct tcps_found - what an open socket knows, of which no opening segment was seen
 * @active:	it closed first, if it has closed: FIN_WAIT1, FIN_WAIT2 or CLOSING
 * @fin_sent:	it has sent its FIN, the last thing before @snd_nxt
 * @fin_acked:	and this has been acknowledged
 * @snd_una:	oldest sequence number it sent that is not acknowledged
 * @ack_floor:	an acknowledgment below it is older than the connection, or more than
 *		TCPS_MAX_WINDOW behind
 * @snd_nxt:	next sequence number to send
 * @rcv_acked:	acknowledgment of its last window update
 * @rcv_nxt:	next sequence number expected
 * @rcv_edge:	right edge of the window offered
 * @snd_wnd_max: largest window that the far end has offered, bytes
 * @rcv_scale:	shift of the windows it offers, or TCPS_NO_SCALE
 * @snd_scale:	shift of the far end's, or TCPS_NO_SCALE; either both or none
 */
struct tcps_found {
	bool active;
	bool fin_sent;
	bool fin_acked;
	u32 snd_una;
	u32 ack_floor;
	u32 snd_nxt;
	u32 rcv_acked;
	u32 rcv_nxt;
	u32 rcv_edge;
	u32 snd_wnd_max;
	u8 rcv_scale;
	u8 snd_scale;
};

/* One transition: of which end, from where to where, and why. */
struct tcps_move {
	u8 from;
	u8 to;
	u8 event;
};

/* Had the end been in the old state? It begins in CLOSE or, what a listener begets, in LISTEN. */
static inline bool tcps_stayed(const struct tcps_move *move)
{
	return move->from != TCPS_CLOSE && !(move->from == TCPS_LISTEN && move->to == TCPS_SYN_RECV);
}

/* A FIN that also acknowledges ours: FIN_WAIT1, FIN_WAIT2, TIME_WAIT. */
#define TCPS_MOVES	2

/**
 * struct tcps_step - what one segment did
 * @local:	transitions of the local end, in order
 * @remote:	transitions of the far end, in order
 * @nlocal:	how many of @local are used
 * @nremote:	how many of @remote are used
 * @invalid:	the local end will drop this segment (not acceptable, or flags that cannot be);
 *		nothing has moved
 * @doubt:	the socket may have died of this, and packets alone cannot tell: look it up soon
 * @restart:	TIME_WAIT begins anew (2MSL from now)
 * @reopen:	a SYN of a new incarnation: nothing has been done with it. End this machine
 *		(TCPS_EV_GONE), begin another and step that
 */
struct tcps_step {
	struct tcps_move local[TCPS_MOVES];
	struct tcps_move remote[TCPS_MOVES];
	u8 nlocal;
	u8 nremote;
	bool invalid;
	bool doubt;
	bool restart;
	bool reopen;
};

/*
 * Does this segment begin an endpoint when its own socket sends it? (SYN: active open, SYN-ACK:
 * passive open)
 */
static inline bool tcps_fsm_opens(const struct tcps_seg *seg)
{
	return (seg->flags & (TCPS_SYN | TCPS_FIN | TCPS_RST)) == TCPS_SYN;
}

/**
 * tcps_fsm_init() - begin a machine with the segment that opens the endpoint
 * @m:		machine, its former content does not matter
 * @seg:	the SYN or SYN-ACK that the local end sends; for it tcps_fsm_opens() holds. Step
 *		the machine with it next
 *
 * The local end begins in CLOSE (active open) or LISTEN (passive open), the far end in CLOSE:
 * nothing is proved of it.
 */
void tcps_fsm_init(struct tcps_fsm *m, const struct tcps_seg *seg);

/**
 * tcps_fsm_found() - begin a machine with a connection that is open already
 * @m:		machine, its former content does not matter
 * @found:	what its socket knows
 * @out:	result, overwritten: both ends become ESTABLISHED, and where the local end has closed
 *		first, it goes on to FIN_WAIT1. Step the machine with the segment that the socket is
 *		sending next: the transitions that are still missing follow with it
 *
 * The far end is taken for ESTABLISHED, though it may not have seen our last ACK yet.
 */
void tcps_fsm_found(struct tcps_fsm *m, const struct tcps_found *found, struct tcps_step *out);

/**
 * tcps_fsm_seat() - the local end's own socket says what state it is in
 * @m:		machine
 * @state:	that state, neither CLOSE nor LISTEN
 * @out:	result, overwritten: what this proves of the far end; of the local end nothing, as the
 *		caller knows it
 *
 * Segments run ahead of the socket, which may have a backlog, and behind it, where a FIN has to
 * wait for its turn: between two of these the machine's local state is what segments make of it.
 */
void tcps_fsm_seat(struct tcps_fsm *m, enum tcps_state state, struct tcps_step *out);

/**
 * tcps_fsm_cause() - what leads from one state to another
 * @from:	state
 * @to:		state
 *
 * Return: the first event that the diagram has for it, TCPS_EV_NONE where it has none. Into CLOSE
 * there are several.
 */
enum tcps_event tcps_fsm_cause(enum tcps_state from, enum tcps_state to);

/**
 * tcps_fsm_step() - one segment
 * @m:		machine
 * @seg:	the segment; a received one has passed its checksum
 * @dir:	sent or received by the local end
 * @out:	result, overwritten
 */
void tcps_fsm_step(struct tcps_fsm *m, const struct tcps_seg *seg, enum tcps_dir dir,
		   struct tcps_step *out);

/**
 * tcps_fsm_event() - something that no segment shows happened to the local end
 * @m:		machine
 * @event:	TCPS_EV_EXPIRE, TCPS_EV_GONE or TCPS_EV_LISTEN
 * @out:	result, overwritten; no transition where the diagram has none
 */
void tcps_fsm_event(struct tcps_fsm *m, enum tcps_event event, struct tcps_step *out);

/* Names for people, from states.def; "?" for a number that is none. */
const char *tcps_state_name(unsigned int state);
const char *tcps_event_name(unsigned int event);

#endif
