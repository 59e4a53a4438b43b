// SPDX-License-Identifier: GPL-2.0-only
/*
 * The machine works in two halves. First a segment becomes knowledge: what it proves about either
 * end is written into the end's sequence marks and flags. Then settle() asks the table made from
 * states.def which transitions follow from what is known. Nothing else changes a state.
 *
 * The acceptance rules are those of RFC 9293, section 3.10.7, where Linux follows them, and
 * Linux's where it does not; the comments name its functions (net/ipv4/tcp_input.c,
 * tcp_minisocks.c).
 */
#include "fsm.h"
#include "seq.h"

static const u8 next_state[TCPS_STATES][TCPS_EVENTS] = {
#define TCPS_EDGE(from, event, to, origin, why) [TCPS_##from][TCPS_EV_##event] = TCPS_##to,
#include "states.def"
};

static const char *const state_names[TCPS_STATES] = {
#define TCPS_STATE(name, number, rfc, meaning) [number] = #name,
#include "states.def"
};

static const char *const event_names[TCPS_EVENTS] = {
#define TCPS_EVENT(name, text) [TCPS_EV_##name] = text,
#include "states.def"
};

const char *tcps_state_name(unsigned int state)
{
	return state < TCPS_STATES && state_names[state] ? state_names[state] : "?";
}

const char *tcps_event_name(unsigned int event)
{
	return event < TCPS_EVENTS && event_names[event] ? event_names[event] : "?";
}

static u32 seg_end(const struct tcps_seg *seg)
{
	return seg->seq + seg->len + !!(seg->flags & TCPS_SYN) + !!(seg->flags & TCPS_FIN);
}

/*
 * Takes the transition that @event causes in @end, if the diagram has one and the step has room
 * for it.
 */
static bool move(struct tcps_end *end, enum tcps_event event, struct tcps_move *moves, u8 *n)
{
	u8 to = next_state[end->state][event];

	if (!to || *n == TCPS_MOVES)
		return false;
	moves[(*n)++] = (struct tcps_move){ .from = end->state, .to = to, .event = event };
	end->state = to;
	return true;
}

static bool move_local(struct tcps_fsm *m, enum tcps_event event, struct tcps_step *out)
{
	return move(&m->local, event, out->local, &out->nlocal);
}

static bool move_remote(struct tcps_fsm *m, enum tcps_event event, struct tcps_step *out)
{
	return move(&m->remote, event, out->remote, &out->nremote);
}

/*
 * Takes every transition that follows from what is known of @end. The order matters where one
 * segment proves several things: an ACK is looked at before a FIN (FIN_WAIT1, FIN_WAIT2,
 * TIME_WAIT), and a FIN that answers a FIN was sent after it (CLOSE_WAIT, LAST_ACK). What finds
 * no room in this step is still known in the next.
 */
static void settle(struct tcps_end *end, struct tcps_move *moves, u8 *n)
{
	static const struct {
		u8 flag;
		u8 event;
	} order[] = {
		{ TCPS_K_SYN_ACKED, TCPS_EV_SYN_ACKED },
		{ TCPS_K_FIN_ACKED, TCPS_EV_FIN_ACKED },
		{ TCPS_K_FIN_RCVD, TCPS_EV_RCV_FIN },
		{ TCPS_K_FIN_SENT, TCPS_EV_SEND_FIN },
	};
	unsigned int i;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (end->flags & order[i].flag)
			move(end, order[i].event, moves, n);
}

/* The far end has sent a RST that counts: both ends are gone. */
static void reset(struct tcps_fsm *m, struct tcps_step *out)
{
	move_local(m, TCPS_EV_RCV_RST, out);
	move_remote(m, TCPS_EV_SEND_RST, out);
}

/* The window that a segment offers, in bytes. The window of a SYN is never scaled. */
static u32 window(const struct tcps_fsm *m, const struct tcps_end *sender,
		  const struct tcps_seg *seg)
{
	if (!m->scaled || (seg->flags & TCPS_SYN))
		return seg->win;
	return (u32)seg->win << sender->scale;
}

static void local_fin_in_sequence(struct tcps_fsm *m)
{
	if ((m->remote.flags & TCPS_K_FIN_SENT) && !tcps_seq_before(m->rcv_nxt, m->remote.fin))
		m->local.flags |= TCPS_K_FIN_RCVD;
}

/*
 * What the local end acknowledges it has received in sequence: this proves more than our own view
 * of the arrivals.
 */
static void local_acks(struct tcps_fsm *m, const struct tcps_seg *seg)
{
	if (!(seg->flags & TCPS_ACK))
		return;
	tcps_seq_advance(&m->local.acked, seg->ack);
	tcps_seq_advance(&m->rcv_nxt, seg->ack);
	tcps_seq_advance(&m->remote.nxt, seg->ack);
	tcps_seq_advance(&m->rcv_edge, seg->ack + window(m, &m->local, seg));
	/* It came before the record began. */
	if (seg->fin_rcvd && !(m->remote.flags & TCPS_K_FIN_SENT)) {
		m->remote.fin = seg->ack;
		m->remote.flags |= TCPS_K_FIN_SENT;
	}
	local_fin_in_sequence(m);
}

static void sent_syn(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	if (seg->seq != m->iss) {
		out->reopen = true;
		return;
	}
	tcps_seq_advance(&m->local.nxt, seg_end(seg));
	local_acks(m, seg);
	if (!(seg->flags & TCPS_ACK)) {
		move_local(m, TCPS_EV_SEND_SYN, out);
	} else if (move_local(m, TCPS_EV_SEND_SYNACK, out)) {
		/* The listener only answers a SYN: the far end has sent one. */
		move_remote(m, TCPS_EV_SEND_SYN, out);
	}
}

static void sent_fin(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	m->local.fin = seg_end(seg);
	m->local.flags |= TCPS_K_FIN_SENT;
	/* By itself, settle() would take the FIN that was received for the first one. */
	if (seg->active && !move_local(m, TCPS_EV_LATE_FIN, out))
		move_local(m, TCPS_EV_SEND_FIN, out);
}

static void sent_text(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	u32 end = seg_end(seg);
	bool new_text = seg->seq == m->local.nxt && end != seg->seq;

	/*
	 * A minisock sends through the control socket: but for the ACK of the far end's FIN, this
	 * is a new incarnation (SYN cookie), or the socket has dropped that FIN.
	 */
	if (m->local.state == TCPS_TIME_WAIT && seg->seq != m->local.fin)
		out->doubt = true;
	tcps_seq_advance(&m->local.nxt, end);
	local_acks(m, seg);
	if ((seg->flags & TCPS_FIN) && !(m->local.flags & TCPS_K_FIN_SENT))
		sent_fin(m, seg, out);
	if (new_text && !m->has_fin_proof && (m->remote.flags & TCPS_K_FIN_SENT) &&
	    (seg->flags & TCPS_ACK) && !tcps_seq_before(seg->ack, m->remote.fin)) {
		m->fin_proof = end;
		m->has_fin_proof = true;
	}
}

static void sent(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	if (seg->flags & TCPS_RST) {
		if (seg->abort)
			move_local(m, TCPS_EV_SEND_RST, out);
		else
			out->doubt = true;
		return;
	}
	if (tcps_fsm_opens(seg))
		sent_syn(m, seg, out);
	else if (m->local.state != TCPS_CLOSE && m->local.state != TCPS_LISTEN)
		sent_text(m, seg, out);
}

/* What an acceptable acknowledgment from the far end proves of either end. */
static void rcvd_ack(struct tcps_fsm *m, const struct tcps_seg *seg)
{
	u32 win = window(m, &m->remote, seg);

	tcps_seq_advance(&m->remote.acked, seg->ack);
	tcps_seq_advance(&m->ack_floor, m->remote.acked - TCPS_MAX_WINDOW);
	if (win > m->snd_wnd_max)
		m->snd_wnd_max = win;
	m->local.flags |= TCPS_K_SYN_ACKED;
	if ((m->local.flags & TCPS_K_FIN_SENT) && !tcps_seq_before(seg->ack, m->local.fin)) {
		m->local.flags |= TCPS_K_FIN_ACKED;
		m->remote.flags |= TCPS_K_FIN_RCVD;
	}
	if (m->has_fin_proof && !tcps_seq_before(seg->ack, m->fin_proof))
		m->remote.flags |= TCPS_K_FIN_ACKED;
}

/*
 * Has the far end, which answered our SYN, seen our ACK of its own? A bare ACK does not prove it
 * (a request socket sends one for what is out of its window); an ACK of something newer does, and
 * so does text, unless our SYN carried data (fast open: it may talk at once).
 */
static bool remote_synack_acked(const struct tcps_fsm *m, const struct tcps_seg *seg)
{
	if (tcps_seq_after(seg->ack, m->synack_ack))
		return true;
	return m->synack_ack == m->iss + 1 && seg_end(seg) != seg->seq;
}

static void rcvd_text(struct tcps_fsm *m, const struct tcps_seg *seg)
{
	u32 end = seg_end(seg);

	tcps_seq_advance(&m->remote.nxt, end);
	if ((seg->flags & TCPS_FIN) && !(m->remote.flags & TCPS_K_FIN_SENT)) {
		m->remote.fin = end;
		m->remote.flags |= TCPS_K_FIN_SENT;
	}
	/*
	 * Nothing fits into a window of zero, though newer kernels take a bare FIN
	 * (tcp_data_queue()): their ACK will tell.
	 */
	if (end != seg->seq && !tcps_seq_before(m->rcv_nxt, m->rcv_edge))
		return;
	if (!tcps_seq_after(seg->seq, m->rcv_nxt))
		tcps_seq_advance(&m->rcv_nxt, end);
	local_fin_in_sequence(m);
}

/* The far end's SYN, in SYN_SENT: where its sequence numbers begin and whether windows scale. */
static void learn_syn(struct tcps_fsm *m, const struct tcps_seg *seg)
{
	m->remote.nxt = seg_end(seg);
	m->remote.scale = seg->scale;
	m->scaled = m->local.scale != TCPS_NO_SCALE && seg->scale != TCPS_NO_SCALE;
	m->rcv_nxt = seg->seq + 1;
	m->rcv_edge += m->rcv_nxt;
	m->local.acked = m->rcv_nxt;
}

static void rcvd_synack(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	learn_syn(m, seg);
	m->synack_ack = seg->ack;
	rcvd_ack(m, seg);
	/* Who answers a SYN was listening, or has sent a SYN itself. */
	move_remote(m, TCPS_EV_LISTEN, out);
	if (!move_remote(m, TCPS_EV_SEND_SYNACK, out))
		move_remote(m, TCPS_EV_RCV_SYN, out);
}

/* Simultaneous open: the SYNs crossed. */
static void rcvd_crossing_syn(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	learn_syn(m, seg);
	move_local(m, TCPS_EV_RCV_SYN, out);
	move_remote(m, TCPS_EV_SEND_SYN, out);
}

/* RFC 9293, section 3.10.7.3; tcp_rcv_synsent_state_process() */
static void rcvd_in_syn_sent(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	bool acks_syn = (seg->flags & TCPS_ACK) && tcps_seq_after(seg->ack, m->iss) &&
			!tcps_seq_after(seg->ack, m->local.nxt);

	if ((seg->flags & TCPS_ACK) && !acks_syn)
		out->invalid = true;
	else if ((seg->flags & TCPS_RST) && acks_syn)
		reset(m, out);
	else if ((seg->flags & (TCPS_SYN | TCPS_RST)) != TCPS_SYN)
		out->invalid = true;
	else if (acks_syn)
		rcvd_synack(m, seg, out);
	else
		rcvd_crossing_syn(m, seg, out);
}

/* tcp_sequence() */
static bool acceptable_seq(const struct tcps_fsm *m, const struct tcps_seg *seg)
{
	return !tcps_seq_before(seg_end(seg), m->local.acked) &&
	       !tcps_seq_after(seg->seq, m->rcv_edge);
}

/* How far behind the newest acknowledgment one may be (RFC 5961, section 5.2). */
static u32 ack_age(const struct tcps_fsm *m)
{
	u32 acked = m->remote.acked - m->ack_floor;

	return acked < m->snd_wnd_max ? acked : m->snd_wnd_max;
}

/* tcp_ack(); in SYN_RECV, where there is no older acknowledgment, it has to cover the SYN */
static bool acceptable_ack(const struct tcps_fsm *m, const struct tcps_seg *seg)
{
	if (m->local.state == TCPS_SYN_RECV && !tcps_seq_after(seg->ack, m->iss))
		return false;
	return !tcps_seq_before(seg->ack, m->remote.acked - ack_age(m)) &&
	       !tcps_seq_after(seg->ack, m->local.nxt);
}

/* RFC 9293, section 3.10.7.4, "TIME-WAIT STATE"; tcp_timewait_state_process() */
static void rcvd_in_time_wait(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	bool exact = seg->seq == m->rcv_nxt;

	if (seg->flags & TCPS_RST) {
		/* RFC 1337: whether it kills depends on a sysctl. */
		out->doubt = exact;
		out->invalid = !exact;
		return;
	}
	/*
	 * A SYN without ACK: if the kernel takes it (RFC 6191), our SYN-ACK will show it, unless that
	 * is a cookie, which no socket sends.
	 */
	out->doubt = (seg->flags & (TCPS_SYN | TCPS_ACK)) == TCPS_SYN;
	out->restart = (seg->flags & TCPS_ACK) || (exact && seg_end(seg) == seg->seq);
	if ((seg->flags & TCPS_ACK) && acceptable_ack(m, seg))
		rcvd_ack(m, seg);
}

/*
 * RFC 5961, section 3.2, as Linux extends it: tcp_validate_incoming(), tcp_reset_check(). Linux
 * also takes the end of the last block behind a hole, which depends on what the socket has kept
 * of it: a doubt.
 */
static bool rst_is_exact(const struct tcps_fsm *m, const struct tcps_seg *seg)
{
	if (seg->seq == m->rcv_nxt)
		return true;
	if (seg->seq == m->rcv_nxt - 1)
		return m->local.state == TCPS_CLOSE_WAIT || m->local.state == TCPS_LAST_ACK ||
		       m->local.state == TCPS_CLOSING;
	return false;
}

static void rcvd_rst(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	if (rst_is_exact(m, seg))
		reset(m, out);
	else if (acceptable_seq(m, seg))
		/*
		 * It draws a challenge ACK; but a FIN_WAIT2 minisock dies of any RST in its
		 * window.
		 */
		out->doubt = true;
	else
		out->invalid = true;
}

/*
 * Simultaneous open: the SYN-ACK that answers our SYN, while we have answered theirs; the
 * exception of tcp_validate_incoming()
 */
static bool crossing_synack(const struct tcps_fsm *m, const struct tcps_seg *seg)
{
	return m->local.state == TCPS_SYN_RECV && tcps_fsm_opens(seg) && (seg->flags & TCPS_ACK) &&
	       !seg->len && seg->seq + 1 == m->rcv_nxt && seg->ack == m->local.nxt;
}

/* RFC 9293, section 3.10.7.4; tcp_rcv_established(), tcp_rcv_state_process(), tcp_check_req() */
static void rcvd_synchronized(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	if (seg->flags & TCPS_RST) {
		rcvd_rst(m, seg, out);
		return;
	}
	if (crossing_synack(m, seg)) {
		m->synack_ack = seg->ack;
		rcvd_ack(m, seg);
		move_remote(m, TCPS_EV_RCV_SYN, out);
		return;
	}
	if ((seg->flags & TCPS_SYN) || !(seg->flags & TCPS_ACK) || !acceptable_seq(m, seg) ||
	    !acceptable_ack(m, seg)) {
		out->invalid = true;
		return;
	}
	rcvd_ack(m, seg);
	rcvd_text(m, seg);
	if (m->remote.state == TCPS_SYN_SENT || remote_synack_acked(m, seg))
		m->remote.flags |= TCPS_K_SYN_ACKED;
}

static void rcvd(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *out)
{
	switch (m->local.state) {
	case TCPS_CLOSE:
	case TCPS_LISTEN:
		out->invalid = true;
		break;
	case TCPS_SYN_SENT:
		rcvd_in_syn_sent(m, seg, out);
		break;
	case TCPS_TIME_WAIT:
		rcvd_in_time_wait(m, seg, out);
		break;
	default:
		rcvd_synchronized(m, seg, out);
	}
}

void tcps_fsm_init(struct tcps_fsm *m, const struct tcps_seg *seg)
{
	bool passive = seg->flags & TCPS_ACK;

	memset(m, 0, sizeof(*m));
	m->local.state = passive ? TCPS_LISTEN : TCPS_CLOSE;
	m->remote.state = TCPS_CLOSE;
	m->iss = seg->seq;
	m->local.nxt = seg_end(seg);
	m->remote.acked = seg->seq;
	m->ack_floor = seg->seq;
	m->local.scale = seg->scale;
	/* Until the far end's sequence numbers are known, rcv_edge is the offered window itself. */
	m->rcv_edge = seg->win;
	if (!passive)
		return;
	/* The child of a request socket begins behind its SYN. */
	m->ack_floor++;
	m->rcv_nxt = seg->ack;
	m->rcv_edge = seg->ack + seg->win;
	m->local.acked = seg->ack;
	m->remote.nxt = seg->ack;
	/*
	 * A SYN-ACK carries the option only where the SYN did. The SYN itself has not been seen:
	 * take its shift as the largest.
	 */
	m->scaled = seg->scale != TCPS_NO_SCALE;
	m->remote.scale = TCPS_MAX_SCALE;
}

void tcps_fsm_found(struct tcps_fsm *m, const struct tcps_found *found, struct tcps_step *out)
{
	memset(m, 0, sizeof(*m));
	memset(out, 0, sizeof(*out));
	m->local.state = TCPS_CLOSE;
	m->local.nxt = found->snd_nxt;
	m->local.acked = found->rcv_acked;
	m->local.scale = found->rcv_scale;
	m->local.flags = TCPS_K_SYN_ACKED;
	m->remote.state = TCPS_CLOSE;
	m->remote.nxt = found->rcv_nxt;
	m->remote.acked = found->snd_una;
	m->ack_floor = found->ack_floor;
	m->remote.scale = found->snd_scale;
	m->remote.flags = TCPS_K_SYN_ACKED;
	/* Not known any more; nothing that is not acknowledged yet may be taken for its SYN. */
	m->iss = found->snd_una - 1;
	m->synack_ack = found->snd_una;
	m->rcv_nxt = found->rcv_nxt;
	m->rcv_edge = found->rcv_edge;
	m->snd_wnd_max = found->snd_wnd_max;
	m->scaled = found->rcv_scale != TCPS_NO_SCALE;

	move_local(m, TCPS_EV_FOUND, out);
	move_remote(m, TCPS_EV_FOUND, out);
	if (found->fin_sent) {
		m->local.fin = found->snd_nxt;
		m->local.flags |= TCPS_K_FIN_SENT;
		if (found->active)	/* see sent_fin() */
			move_local(m, TCPS_EV_SEND_FIN, out);
	}
	if (found->fin_acked) {
		m->local.flags |= TCPS_K_FIN_ACKED;
		m->remote.flags |= TCPS_K_FIN_RCVD;
	}
}

/* What an end must know to be in a state. */
static const u8 known_in[TCPS_STATES] = {
	[TCPS_ESTABLISHED] = TCPS_K_SYN_ACKED,
	[TCPS_FIN_WAIT2] = TCPS_K_SYN_ACKED | TCPS_K_FIN_SENT | TCPS_K_FIN_ACKED,
	[TCPS_TIME_WAIT] = TCPS_K_SYN_ACKED | TCPS_K_FIN_SENT | TCPS_K_FIN_ACKED | TCPS_K_FIN_RCVD,
	[TCPS_CLOSE_WAIT] = TCPS_K_SYN_ACKED | TCPS_K_FIN_RCVD,
	[TCPS_LAST_ACK] = TCPS_K_SYN_ACKED | TCPS_K_FIN_RCVD,
	[TCPS_CLOSING] = TCPS_K_SYN_ACKED | TCPS_K_FIN_RCVD,
};

void tcps_fsm_seat(struct tcps_fsm *m, enum tcps_state state, struct tcps_step *out)
{
	u8 known = known_in[state];

	memset(out, 0, sizeof(*out));
	if ((known & TCPS_K_FIN_SENT) && !(m->local.flags & TCPS_K_FIN_SENT))
		m->local.fin = m->local.nxt;
	if ((known & TCPS_K_FIN_RCVD) && !(m->remote.flags & TCPS_K_FIN_SENT)) {
		m->remote.fin = m->rcv_nxt;
		m->remote.flags |= TCPS_K_FIN_SENT;
	}
	if (known & TCPS_K_FIN_ACKED)
		m->remote.flags |= TCPS_K_FIN_RCVD;
	m->local.flags |= known;
	m->local.state = state;
	settle(&m->remote, out->remote, &out->nremote);
}

enum tcps_event tcps_fsm_cause(enum tcps_state from, enum tcps_state to)
{
	enum tcps_event event;

	for (event = TCPS_EV_NONE + 1; event < TCPS_EVENTS; event++)
		if (next_state[from][event] == to)
			return event;
	return TCPS_EV_NONE;
}

void tcps_fsm_step(struct tcps_fsm *m, const struct tcps_seg *seg, enum tcps_dir dir,
		   struct tcps_step *out)
{
	memset(out, 0, sizeof(*out));
	if (dir == TCPS_SENT)
		sent(m, seg, out);
	else
		rcvd(m, seg, out);
	if (out->invalid || out->reopen)
		return;
	settle(&m->local, out->local, &out->nlocal);
	settle(&m->remote, out->remote, &out->nremote);
}

void tcps_fsm_event(struct tcps_fsm *m, enum tcps_event event, struct tcps_step *out)
{
	memset(out, 0, sizeof(*out));
	move_local(m, event, out);
}
