// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the module's sequence is another, it is in one of these classes, or different:
 *
 * dead_socket	The socket died without a word (close() in SYN_SENT), or dies of this segment (data with a FIN for a
 *		closed socket). The segment still moves the record, and is answered by a RST that has no socket:
 *		that is looked up. Up to the socket's end both are equal, and the module's ends within
 *		same_segment_ns after the segment; a minisock ends behind its RST, which the audit finds.
 * unsent_fin	close() or shutdown() makes FIN_WAIT1 or LAST_ACK, but the connection was reset before the FIN's
 *		turn came: the relay has never seen a FIN of this end. Without those states, and with CLOSE_WAIT for
 *		CLOSING, both are equal.
 * late_fin	Likewise, but the far end's FIN came first and ours left later: FIN_WAIT1, CLOSING for the kernel, by
 *		the packets CLOSE_WAIT, CLOSING. All else is equal. The tracepoints' times show that order.
 * backlog_fin	The same, but the far end's FIN was there before close() and waited in the socket's backlog. Or close()
 *		aborts: the FIN in the backlog is dropped, and CLOSE_WAIT is ours alone.
 * refused	The socket has dropped the segment that moved the record (PAWS, as below): a probe at tcp_send_dupack() shows it
 *		within same_segment_ns of the first transition that differs.
 * rst_challenged	The socket has dropped a segment after LOCAL_IN (PAWS: what the relay holds back has an old
 *		time stamp), so a RST that is exact by the packets is not for the socket, and draws a challenge ACK.
 *		With that the module takes the connection up again, "found open", within same_segment_ns; the next RST
 *		ends both.
 */
#include <string.h>

#include "classes.h"

const char *const class_names[CLASSES] = {
	"equal", "dead_socket", "unsent_fin", "late_fin", "backlog_fin", "refused", "rst_challenged", "different" };
uint64_t same_segment_ns = 1000000;
const int class_share[CLASSES] = { 1, 50, 50, 50, 50, 500, DIFFERENT_MAX, DIFFERENT_MAX };

void path_push(struct path *p, int state, uint64_t when, int why)
{
	if (p->n == PATH_MAX_)
		return;
	p->state[p->n] = state;
	p->when[p->n] = when;
	p->why[p->n++] = why;
}

int path_last(const struct path *p)
{
	return p->n ? p->state[p->n - 1] : TCP_CLOSE;
}

static int same_states(const struct path *a, const struct path *b, int n)
{
	return a->n >= n && b->n >= n && !memcmp(a->state, b->state, n);
}

/* See the top of the file. */
static int is_dead_socket(const struct endpoint *e, const struct path *k, const struct path *m)
{
	uint64_t end = e->minisock ? DEAD_NS : same_segment_ns;
	int n = k->n - 1;	/* before CLOSE */

	return n > 0 && k->state[n] == TCP_CLOSE && m->n > k->n && same_states(k, m, n) && k->when[n] != UINT64_MAX &&
	       m->when[n] + same_segment_ns > k->when[n] && m->when[n] < k->when[n] + DEAD_NS && path_last(m) == TCP_CLOSE &&
	       m->when[m->n - 1] - m->when[m->n - 2] < end;
}

/* What ends without a segment is found by the audit, as states.rst says when. */
static int in_time(const struct path *k, const struct path *m)
{
	int n = k->n - 1;
	uint64_t late = n > 0 && (k->state[n - 1] == TCP_ESTABLISHED || k->state[n - 1] == TCP_CLOSE_WAIT) ?
			31000000000ULL : DEAD_NS;

	return n < 0 || k->when[n] == UINT64_MAX || m->when[n] < k->when[n] + late;
}

/* The relay's note about this end's FIN */
static int fin_was_sent(const struct endpoint *e)
{
	return e->tuple.lport > e->tuple.rport ? fins[e->tuple.lport] & 1 : fins[e->tuple.rport] & 2;
}

/* What the kernel's sequence is to whoever has not seen our FIN */
static void without_fin(const struct path *k, struct path *p)
{
	int i;

	p->n = 0;
	for (i = 0; i < k->n; i++) {
		int state = k->state[i] == TCP_CLOSING ? TCP_CLOSE_WAIT : k->state[i];

		if (state != TCP_FIN_WAIT1 && state != TCP_LAST_ACK)
			path_push(p, state, k->when[i], 0);
	}
}

static int is_unsent_fin(const struct endpoint *e, const struct path *k, const struct path *m)
{
	struct path p;

	without_fin(k, &p);
	return !fin_was_sent(e) && path_last(k) == TCP_CLOSE && p.n == m->n && same_states(&p, m, p.n);
}

/* FIN_WAIT1, CLOSING for the kernel where we say CLOSE_WAIT, CLOSING; returns where, or 0. */
static int crossed(const struct path *k, const struct path *m)
{
	int n;

	for (n = 0; n < k->n && n < m->n && k->state[n] == m->state[n]; n++)
		;
	return k->n == m->n && n + 1 < k->n && k->state[n] == TCP_FIN_WAIT1 && m->state[n] == TCP_CLOSE_WAIT &&
	       k->state[n + 1] == TCP_CLOSING &&
	       !memcmp(k->state + n + 1, m->state + n + 1, k->n - n - 1) ? n : 0;
}

static int is_rst_challenged(const struct path *k, const struct path *m)
{
	int n = k->n;

	return n > 0 && k->state[n - 1] == TCP_CLOSE && k->when[n - 1] != UINT64_MAX &&
	       m->n > n && same_states(k, m, n) &&
	       !strcmp(rawtrace_why(m->why[n]), "found open") && m->when[n] - m->when[n - 1] < same_segment_ns &&
	       m->when[n] < k->when[n - 1] && path_last(m) == TCP_CLOSE &&
	       m->when[m->n - 1] < k->when[n - 1] + DEAD_NS;
}

/* The FIN was at LOCAL_IN while close() held the socket, to abort it. */
static int is_aborted_over_fin(const struct path *k, const struct path *m)
{
	int n = k->n - 1;	/* CLOSE */

	return n > 0 && m->n == k->n + 1 && same_states(k, m, n) && k->state[n] == TCP_CLOSE &&
	       m->state[n] == TCP_CLOSE_WAIT && m->state[n + 1] == TCP_CLOSE && k->when[n] != UINT64_MAX &&
	       m->when[n] < k->when[n] && k->when[n] < m->when[n] + same_segment_ns;
}

static int is_refused(const struct endpoint *e, const struct path *k, const struct path *m)
{
	int n, i;

	for (n = 0; n < k->n && n < m->n && k->state[n] == m->state[n]; n++)
		;
	for (i = e->kernel.first; n < m->n && i >= 0; i = next_event[i])
		if (events[i].source == PROBE_REFUSED && events[i].when > m->when[n] &&
		    events[i].when < m->when[n] + same_segment_ns)
			return 1;
	return 0;
}

enum class classify(const struct endpoint *e, const struct path *k, const struct path *m)
{
	int n;

	if (k->n == m->n && same_states(k, m, k->n))
		return in_time(k, m) ? EQUAL : DIFFERENT;
	if (is_dead_socket(e, k, m))
		return DEAD_SOCKET;
	if (is_unsent_fin(e, k, m))
		return UNSENT_FIN;
	if (is_refused(e, k, m))
		return REFUSED;
	if (is_rst_challenged(k, m))
		return RST_CHALLENGED;
	if (is_aborted_over_fin(k, m))
		return BACKLOG_FIN;
	n = crossed(k, m);
	if (n)	/* backlog: FIN in, close(); late: close(), FIN in */
		return m->when[n] < k->when[n] ? BACKLOG_FIN : LATE_FIN;
	return DIFFERENT;
}
