// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes to the life of one record: TCP headers go through module/parse.c, what they say through
 * module/fsm, in the way that segment.c and track.c do it in the kernel.
 *
 * Input: one instruction after the other. Its first byte says what it is:
 *
 *	bit 0	direction: the local end sent (0) or received it (1)
 *	bit 1-2	0: a segment in short, 1: the same with options, 2: a segment in bytes, 3: an event
 *	bit 3	(bytes) sequence numbers count from the machine's marks
 *	bit 3-4	(event) 0: 2MSL over, 1: no socket left, 2: a listener, 3: a connection is found open
 *	bit 4-7	(options) how many words of them
 *
 * Random sequence numbers would never hit a window of a few thousand, so those of a segment in
 * short are a mark of the machine and a small distance. Segments in bytes are what liars send.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "fsm/edges.h"
#include "fsm/fsm.h"
#include "parse.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define need(what) do {								\
	if (!(what)) {								\
		fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #what);	\
		abort();							\
	}									\
} while (0)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define KNOWN_FLAGS (TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK)

enum kind { SHORT, OPTIONS, BYTES, EVENT };

struct input {
	const u8 *at;
	size_t left;
};

static bool reached[TCPS_EDGES];

static u8 take(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

/* In memory of exactly this size, so that ASan sees a read behind it. */
static u8 *exactly(const u8 *bytes, size_t n)
{
	u8 *copy = malloc(n ? n : 1);

	need(copy);
	memcpy(copy, bytes, n);
	return copy;
}

static void put16(u8 *at, u16 v)
{
	at[0] = v >> 8;
	at[1] = v;
}

static void put32(u8 *at, u32 v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static u32 get32(const u8 *at)
{
	return (u32)at[0] << 24 | (u32)at[1] << 16 | (u32)at[2] << 8 | at[3];
}

/* What tcp_parse_options() makes of the options: of several, the last one counts. */
static u8 kernels_scale(const u8 *hdr, int len)
{
	int left = len - TCPS_TCP_HDR_MIN, size;
	const u8 *p = hdr + TCPS_TCP_HDR_MIN;
	u8 scale = TCPS_NO_SCALE;

	for (; left > 0; p += size, left -= size) {
		size = 1;
		if (*p == 0)
			break;
		if (*p == 1)
			continue;
		if (left < 2 || p[1] < 2 || p[1] > left)
			break;
		size = p[1];
		if (*p == 3 && size == 3)
			scale = p[2] > TCPS_MAX_SCALE ? TCPS_MAX_SCALE : p[2];
	}
	return scale;
}

/* As read_packet() in segment.c: the first 20 bytes, then the header. False: malformed. */
static bool parse(const u8 *bytes, u32 n, u32 total, struct tcps_seg *seg)
{
	u16 source, dest;
	struct tcps_seg brief;
	u8 *hdr;
	u32 len;

	if (n < TCPS_TCP_HDR_MIN)
		return false;
	hdr = exactly(bytes, TCPS_TCP_HDR_MIN);
	len = tcps_parse_header_len(hdr, total);
	tcps_parse_segment(hdr, TCPS_TCP_HDR_MIN, total - TCPS_TCP_HDR_MIN, &brief);
	free(hdr);
	need(len ? len == (bytes[12] >> 4) * 4u : bytes[12] < 0x50 || (bytes[12] >> 4) * 4u > total);
	need(len <= total);
	need(brief.scale == TCPS_NO_SCALE);
	if (!len || len > n)
		return false;

	hdr = exactly(bytes, len);
	tcps_parse_ports(hdr, &source, &dest);
	tcps_parse_segment(hdr, len, total - len, seg);
	need(source == (hdr[0] << 8 | hdr[1]) && dest == (hdr[2] << 8 | hdr[3]));
	need(seg->seq == get32(hdr + 4) && seg->ack == get32(hdr + 8));
	need(seg->win == (hdr[14] << 8 | hdr[15]) && seg->flags == (hdr[13] & KNOWN_FLAGS));
	need(seg->len == total - len && !seg->abort && !seg->active && !seg->fin_rcvd);
	need(seg->scale == (seg->flags & TCPS_SYN ? kernels_scale(hdr, len) : TCPS_NO_SCALE));
	free(hdr);
	return true;
}

/* A number near one of the marks of the machine. */
static u32 near(const struct tcps_fsm *m, u8 which)
{
	static const u32 distances[] = {
		0, 1, -1u, 2, 100, -100u, 65535, -65535u, 70000, 1u << 29, -(1u << 29),
		0x7fffffff, 0x80000000, 0x80000001, 3, -2u,
	};
	const u32 marks[] = {
		m->local.nxt, m->rcv_nxt, m->remote.nxt, m->local.acked, m->remote.acked, m->iss,
		m->rcv_edge, m->local.fin, m->remote.fin, m->fin_proof, m->synack_ack,
		m->remote.acked - m->snd_wnd_max, 0, 0x7fffffff, 0x80000000, 0xffffffff,
	};

	return marks[which & 15] + distances[which >> 4];
}

/*
 * A segment in short: flags and length, sequence number, acknowledgment, window and scale; where
 * there are @words of options, they follow.
 */
static bool read_short(struct input *in, const struct tcps_fsm *m, u8 words, struct tcps_seg *seg)
{
	static const u32 lengths[] = { 0, 1, 100, 65000 };
	static const u16 windows[] = { 0, 1, 8, 100, 1000, 32767, 32768, 65535 };
	u8 hdr[60] = { 0x12, 0x34, 0, 80 }, flags = take(in), last, len = 24, i;
	bool ok;

	put32(hdr + 4, near(m, take(in)));
	put32(hdr + 8, near(m, take(in)));
	last = take(in);
	hdr[13] = flags & 0x1f;
	put16(hdr + 14, windows[last >> 4 & 7]);
	memcpy(hdr + 20, (u8[]){ 1, (last & 15) == 15 ? 8 : 3, 3, last & 15 }, 4);
	if (words) {
		len = 20 + 4 * (words > 10 ? 10 : words);
		for (i = 20; i < len; i++)
			hdr[i] = take(in);
	}
	hdr[12] = len << 2;
	ok = parse(hdr, len, len + lengths[flags >> 6], seg);
	need(ok);
	seg->abort = (flags & 0x20) && (seg->flags & TCPS_RST);
	/* A socket takes no FIN before it is open. */
	seg->fin_rcvd = (last & 0x80) && (seg->flags & (TCPS_SYN | TCPS_ACK)) == TCPS_ACK &&
			m->local.state != TCPS_SYN_SENT && m->local.state != TCPS_SYN_RECV;
	seg->active = (flags & 0x20) && (seg->flags & TCPS_FIN);
	return ok;
}

static bool read_bytes(struct input *in, const struct tcps_fsm *m, bool near_marks,
		       struct tcps_seg *seg)
{
	u8 hdr[64], n = take(in) & 63, i;
	u32 behind = take(in) << 8 | take(in);

	for (i = 0; i < n; i++)
		hdr[i] = take(in);
	if (near_marks && n >= TCPS_TCP_HDR_MIN) {
		put32(hdr + 4, near(m, hdr[4]));
		put32(hdr + 8, near(m, hdr[8]));
	}
	return parse(hdr, n, n + behind, seg);
}

static void check_moves(const struct tcps_move *moves, u8 n, u8 before, u8 after)
{
	u8 state = before, i;
	size_t k;

	need(n <= TCPS_MOVES);
	for (i = 0; i < n; i++) {
		need(moves[i].from == state);
		need(!tcps_edge_never(&moves[i]));
		k = tcps_edge_index(&moves[i]);
		need(k < TCPS_EDGES);
		reached[k] = true;
		state = moves[i].to;
	}
	need(state == after);
	need(state >= 1 && state < TCPS_STATES);
}

/* No state without the knowledge that leads there. */
static void check_end(const struct tcps_end *e)
{
	u8 wanted = 0;

	switch (e->state) {
	case TCPS_ESTABLISHED:
		wanted = TCPS_K_SYN_ACKED;
		break;
	case TCPS_FIN_WAIT1:
		wanted = TCPS_K_FIN_SENT;
		break;
	case TCPS_FIN_WAIT2:
		wanted = TCPS_K_FIN_SENT | TCPS_K_FIN_ACKED;
		break;
	case TCPS_CLOSE_WAIT:
		wanted = TCPS_K_SYN_ACKED | TCPS_K_FIN_RCVD;
		break;
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		wanted = TCPS_K_FIN_SENT | TCPS_K_FIN_RCVD;
		break;
	case TCPS_TIME_WAIT:
		wanted = TCPS_K_FIN_SENT | TCPS_K_FIN_ACKED | TCPS_K_FIN_RCVD;
		break;
	}
	need((e->flags & wanted) == wanted);
}

static void check_step(const struct tcps_fsm *before, const struct tcps_fsm *after,
		       const struct tcps_step *step)
{
	check_moves(step->local, step->nlocal, before->local.state, after->local.state);
	check_moves(step->remote, step->nremote, before->remote.state, after->remote.state);
	check_end(&after->local);
	check_end(&after->remote);
	if (step->invalid || step->reopen) {
		need(!step->nlocal && !step->nremote && !step->doubt && !step->restart);
		need(!memcmp(before, after, sizeof(*before)));
	}
}

static void step_machine(struct tcps_fsm *m, const struct tcps_seg *seg, enum tcps_dir dir,
			 struct tcps_step *step)
{
	struct tcps_fsm before = *m, again;
	struct tcps_step second;

	tcps_fsm_step(m, seg, dir, step);
	check_step(&before, m, step);
	need(!(step->invalid && dir == TCPS_SENT) && !(step->reopen && dir == TCPS_RCVD));
	need(!step->restart || before.local.state == TCPS_TIME_WAIT);

	/* VRF and tunnels pass LOCAL_OUT twice. */
	again = *m;
	tcps_fsm_step(&again, seg, dir, &second);
	check_step(m, &again, &second);
	need(dir == TCPS_RCVD || step->reopen || !second.nlocal);
}

static void event(struct tcps_fsm *m, enum tcps_event what)
{
	struct tcps_fsm before = *m;
	struct tcps_step step;

	tcps_fsm_event(m, what, &step);
	check_step(&before, m, &step);
	need(!memcmp(&before.remote, &m->remote, sizeof(m->remote)));
	if (what == TCPS_EV_GONE)
		need(m->local.state == TCPS_CLOSE);
}

static void begin(struct tcps_fsm *m, const struct tcps_seg *seg, struct tcps_step *step)
{
	memset(m, 0xa5, sizeof(*m));	/* what was there does not matter */
	tcps_fsm_init(m, seg);
	step_machine(m, seg, TCPS_SENT, step);
	need(step->nlocal == 1 && !step->reopen);
}

/* As tcps_track_segment(). The record is gone when its local end is in CLOSE. */
static void track(struct tcps_fsm *m, const struct tcps_seg *seg, enum tcps_dir dir)
{
	struct tcps_step step;

	if (m->local.state == TCPS_CLOSE) {
		if (dir == TCPS_SENT && tcps_fsm_opens(seg))
			begin(m, seg, &step);
		return;
	}
	step_machine(m, seg, dir, &step);
	if (!step.reopen)
		return;
	event(m, TCPS_EV_GONE);
	begin(m, seg, &step);
}

/*
 * As take_up() in track.c: what a socket says of itself fits together, but for the numbers; and it
 * has just sent a segment that does not open.
 */
static void found(struct tcps_fsm *m, struct input *in)
{
	const struct tcps_fsm none = { .local.state = TCPS_CLOSE, .remote.state = TCPS_CLOSE };
	u8 bits = take(in), scales = take(in);
	struct tcps_found f = {
		.active = bits & 1, .fin_sent = bits & 2,
		.rcv_scale = bits & 0x10 ? TCPS_NO_SCALE : (scales & 15) % 15,
		.snd_scale = bits & 0x10 ? TCPS_NO_SCALE : (scales >> 4) % 15,
		.snd_wnd_max = take(in) << 8,
	};
	struct tcps_step step;
	struct tcps_seg seg;
	bool fin_rcvd = bits & 8 || (f.fin_sent && !f.active);	/* LAST_ACK */

	f.fin_acked = f.active && f.fin_sent && bits & 4;
	f.snd_nxt = near(m, take(in));
	f.snd_una = f.snd_nxt - (f.fin_acked ? 0 : f.fin_sent) - (bits >> 5);
	f.rcv_nxt = near(m, take(in));
	f.rcv_acked = f.rcv_nxt - fin_rcvd;
	f.rcv_edge = f.rcv_nxt + (take(in) << 8);
	memset(m, 0xa5, sizeof(*m));
	tcps_fsm_found(m, &f, &step);
	check_step(&none, m, &step);
	need(step.nlocal && step.local[0].to == TCPS_ESTABLISHED);
	if (read_short(in, m, 0, &seg) && tcps_fsm_opens(&seg))
		seg.flags = TCPS_ACK;
	seg.fin_rcvd = fin_rcvd && (seg.flags & TCPS_ACK);
	track(m, &seg, TCPS_SENT);
}

static void happen(struct tcps_fsm *m, struct input *in, u8 which)
{
	switch (which) {
	case 0:
		if (m->local.state == TCPS_TIME_WAIT)
			event(m, TCPS_EV_EXPIRE);
		break;
	case 1:
		event(m, TCPS_EV_GONE);
		break;
	case 2:
		if (m->local.state != TCPS_CLOSE)
			break;
		event(m, TCPS_EV_LISTEN);
		need(m->local.state == TCPS_LISTEN);
		event(m, TCPS_EV_GONE);
		break;
	case 3:
		if (m->local.state == TCPS_CLOSE)
			found(m, in);
		break;
	}
}

static void report(void)
{
	size_t i, n = 0;

	for (i = 0; i < TCPS_EDGES; i++)
		n += reached[i];
	fprintf(stderr, "edges reached: %zu of %zu\n", n, TCPS_EDGES);
	for (i = 0; i < TCPS_EDGES; i++)
		if (!reached[i])
			fprintf(stderr, "not reached: %s -> %s, %s\n", tcps_state_name(tcps_edges[i].from),
				tcps_state_name(tcps_edges[i].to), tcps_event_name(tcps_edges[i].event));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	return atexit(report);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct tcps_fsm m = { .local.state = TCPS_CLOSE, .remote.state = TCPS_CLOSE };
	struct input in = { data, size };
	struct tcps_seg seg;

	while (in.left) {
		u8 op = take(&in);
		enum kind kind = op >> 1 & 3;

		if (kind == EVENT) {
			happen(&m, &in, op >> 3 & 3);
			continue;
		}
		if (kind == BYTES ? read_bytes(&in, &m, op & 8, &seg) :
				    read_short(&in, &m, kind == OPTIONS ? op >> 4 : 0, &seg))
			track(&m, &seg, op & 1 ? TCPS_RCVD : TCPS_SENT);
	}
	/* The end of a namespace, or of the module. */
	if (m.local.state != TCPS_CLOSE)
		event(&m, TCPS_EV_GONE);
	return 0;
}
