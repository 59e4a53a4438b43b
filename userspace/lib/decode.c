// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "decode.h"

#define NS_PER_MS	1000000

/* Bytes that are attributes, one behind the other, and may be aligned to nothing. */
struct walk {
	const uint8_t *at;
	size_t left;
};

/* The payload; NULL for an attribute that is absent. */
struct attr {
	const uint8_t *at;
	size_t len;
};

/* 1 and the next attribute, or 0 at the end. */
static int next_attr(struct walk *w, unsigned int *type, struct attr *attr)
{
	struct nlattr head;
	size_t size;

	if (!w->left)
		return 0;
	if (w->left < sizeof(head))
		return -EBADMSG;
	memcpy(&head, w->at, sizeof(head));
	if (head.nla_len < NLA_HDRLEN || head.nla_len > w->left)
		return -EBADMSG;
	*type = head.nla_type & NLA_TYPE_MASK;
	attr->at = w->at + NLA_HDRLEN;
	attr->len = head.nla_len - NLA_HDRLEN;
	/* The last one need not be padded. */
	size = NLA_ALIGN(head.nla_len);
	if (size > w->left)
		size = w->left;
	w->at += size;
	w->left -= size;
	return 1;
}

/* The attributes up to number @max by number, of several the last. */
static int read_attrs(const void *bytes, size_t len, struct attr *table, unsigned int max)
{
	struct walk w = { bytes, len };
	struct attr attr;
	unsigned int type;
	int ret;

	memset(table, 0, (max + 1) * sizeof(*table));
	while ((ret = next_attr(&w, &type, &attr)) > 0) {
		if (type <= max)
			table[type] = attr;
	}
	return ret;
}

static int get(const struct attr *attr, void *to, size_t size)
{
	if (!attr->at || attr->len != size)
		return -EBADMSG;
	memcpy(to, attr->at, size);
	return 0;
}

static int get_u16(const struct attr *attr, uint16_t *to)
{
	return get(attr, to, sizeof(*to));
}

static int get_u32(const struct attr *attr, uint32_t *to)
{
	return get(attr, to, sizeof(*to));
}

/* Numbers that no JSON reader could hold are no counts and no times. */
static int get_u64s(const struct attr *attr, uint64_t *to, size_t n)
{
	size_t i;

	if (get(attr, to, n * sizeof(*to)))
		return -EBADMSG;
	for (i = 0; i < n; i++) {
		if (to[i] > INT64_MAX)
			return -EBADMSG;
	}
	return 0;
}

static int get_u64(const struct attr *attr, uint64_t *to)
{
	return get_u64s(attr, to, 1);
}

static int value_u32(const struct attr *attr, struct tcpstate_value *v)
{
	uint32_t n;

	if (get_u32(attr, &n))
		return -EBADMSG;
	*v = (struct tcpstate_value){ .n = n, .known = true };
	return 0;
}

static int value_u64(const struct attr *attr, struct tcpstate_value *v)
{
	if (get_u64(attr, &v->n))
		return -EBADMSG;
	v->known = true;
	return 0;
}

static int get_state(const struct attr *attr, uint8_t *to)
{
	uint32_t n;

	if (get_u32(attr, &n) || n < TCPSTATE_STATE_FIRST || n > TCPSTATE_STATE_LAST)
		return -EBADMSG;
	*to = n;
	return 0;
}

/* These are for attributes that a message can do without: absent, the number stays unknown. */
static int maybe_u32(const struct attr *attr, struct tcpstate_value *v)
{
	return attr->at ? value_u32(attr, v) : 0;
}

static int maybe_u64(const struct attr *attr, struct tcpstate_value *v)
{
	return attr->at ? value_u64(attr, v) : 0;
}

static int maybe_flag(const struct attr *attr, bool *flag)
{
	*flag = attr->at;
	return attr->len ? -EBADMSG : 0;
}

/* An endpoint and a transition have the same numbers for what names an endpoint. */
#define SAME(name) _Static_assert((int)TCPSTATE_A_ENDPOINT_##name == \
				  (int)TCPSTATE_A_TRANSITION_##name, #name)
SAME(FAMILY);
SAME(LOCAL_ADDR);
SAME(REMOTE_ADDR);
SAME(LOCAL_PORT);
SAME(REMOTE_PORT);
SAME(SCOPE);

static int get_tuple(const struct attr *table, struct tcpstate_tuple *tuple)
{
	const struct attr *scope = &table[TCPSTATE_A_ENDPOINT_SCOPE];
	uint32_t family;
	size_t size;

	if (get_u32(&table[TCPSTATE_A_ENDPOINT_FAMILY], &family) ||
	    (family != AF_INET && family != AF_INET6))
		return -EBADMSG;
	tuple->family = family;
	size = family == AF_INET ? 4 : 16;
	if (get(&table[TCPSTATE_A_ENDPOINT_LOCAL_ADDR], tuple->laddr, size) ||
	    get(&table[TCPSTATE_A_ENDPOINT_REMOTE_ADDR], tuple->raddr, size) ||
	    get_u16(&table[TCPSTATE_A_ENDPOINT_LOCAL_PORT], &tuple->lport) ||
	    get_u16(&table[TCPSTATE_A_ENDPOINT_REMOTE_PORT], &tuple->rport) ||
	    (scope->at && get_u32(scope, &tuple->scope)))
		return -EBADMSG;
	return 0;
}

/* These are numbered one behind the other, in both. */
#define IN_A_ROW(name) _Static_assert(						\
	(int)TCPSTATE_A_TRANSITION_##name - (int)TCPSTATE_A_TRANSITION_UID ==	\
	(int)TCPSTATE_A_ENDPOINT_##name - (int)TCPSTATE_A_ENDPOINT_UID, #name)
IN_A_ROW(INODE);
IN_A_ROW(COOKIE);
IN_A_ROW(CGROUP);
IN_A_ROW(PID);

/* @table: from the uid on. */
static int get_socket(const struct attr *table, struct tcpstate_socket *s)
{
	const unsigned int base = TCPSTATE_A_ENDPOINT_UID;

	if (maybe_u32(&table[TCPSTATE_A_ENDPOINT_UID - base], &s->uid) ||
	    maybe_u64(&table[TCPSTATE_A_ENDPOINT_INODE - base], &s->inode) ||
	    maybe_u64(&table[TCPSTATE_A_ENDPOINT_COOKIE - base], &s->cookie) ||
	    maybe_u64(&table[TCPSTATE_A_ENDPOINT_CGROUP - base], &s->cgroup) ||
	    maybe_u32(&table[TCPSTATE_A_ENDPOINT_PID - base], &s->pid))
		return -EBADMSG;
	return 0;
}

int tcpstate_decode_endpoint(const void *attrs, size_t len, struct tcpstate_endpoint *result)
{
	struct attr table[TCPSTATE_A_ENDPOINT_MAX + 1];

	memset(result, 0, sizeof(*result));
	if (read_attrs(attrs, len, table, TCPSTATE_A_ENDPOINT_MAX) ||
	    get_tuple(table, &result->tuple) ||
	    get_state(&table[TCPSTATE_A_ENDPOINT_LOCAL_STATE], &result->local) ||
	    get_state(&table[TCPSTATE_A_ENDPOINT_REMOTE_STATE], &result->remote) ||
	    get_u64(&table[TCPSTATE_A_ENDPOINT_AGE_NS], &result->age_ns) ||
	    maybe_flag(&table[TCPSTATE_A_ENDPOINT_AGE_AT_LEAST], &result->age_at_least) ||
	    maybe_flag(&table[TCPSTATE_A_ENDPOINT_BYPASSED], &result->bypassed) ||
	    maybe_u32(&table[TCPSTATE_A_ENDPOINT_SOCKET_KIND], &result->socket.kind) ||
	    get_socket(&table[TCPSTATE_A_ENDPOINT_UID], &result->socket))
		return -EBADMSG;
	return 0;
}

static int decode_transition(const struct attr *nest, struct tcpstate_transition *t)
{
	struct attr table[TCPSTATE_A_TRANSITION_MAX + 1];
	uint32_t end;

	memset(t, 0, sizeof(*t));
	if (read_attrs(nest->at, nest->len, table, TCPSTATE_A_TRANSITION_MAX) ||
	    get_tuple(table, &t->tuple) ||
	    get_u64(&table[TCPSTATE_A_TRANSITION_SEQ], &t->seq) ||
	    get_u64(&table[TCPSTATE_A_TRANSITION_TIME_NS], &t->time_ns) ||
	    get_u32(&table[TCPSTATE_A_TRANSITION_END], &end) || end > TCPSTATE_END_LOCAL ||
	    get_state(&table[TCPSTATE_A_TRANSITION_OLD_STATE], &t->from) ||
	    get_state(&table[TCPSTATE_A_TRANSITION_NEW_STATE], &t->to) ||
	    get_u32(&table[TCPSTATE_A_TRANSITION_CAUSE], &t->cause) ||
	    maybe_u64(&table[TCPSTATE_A_TRANSITION_DURATION_NS], &t->duration) ||
	    get_socket(&table[TCPSTATE_A_TRANSITION_UID], &t->socket))
		return -EBADMSG;
	t->end = end;
	return 0;
}

int tcpstate_decode_events(const void *attrs, size_t len, uint64_t *lost,
			   int (*each)(const struct tcpstate_transition *t, void *arg), void *arg)
{
	struct attr table[TCPSTATE_A_EVENTS_MAX + 1], nest;
	struct walk w = { attrs, len };
	struct tcpstate_transition t;
	unsigned int type;
	int ret;

	if (read_attrs(attrs, len, table, TCPSTATE_A_EVENTS_MAX) ||
	    get_u64(&table[TCPSTATE_A_EVENTS_LOST], lost))
		return -EBADMSG;
	while ((ret = next_attr(&w, &type, &nest)) > 0) {
		if (type != TCPSTATE_A_EVENTS_TRANSITION)
			continue;
		ret = decode_transition(&nest, &t);
		if (!ret)
			ret = each(&t, arg);
		if (ret)
			break;
	}
	return ret;
}

static int decode_state(const struct attr *nest, struct tcpstate_stats *stats, uint32_t *seen)
{
	struct attr table[TCPSTATE_A_STATE_STATS_MAX + 1];
	const struct attr *histogram = &table[TCPSTATE_A_STATE_STATS_HISTOGRAM];
	struct tcpstate_row *row;
	uint8_t s;

	if (read_attrs(nest->at, nest->len, table, TCPSTATE_A_STATE_STATS_MAX) ||
	    get_state(&table[TCPSTATE_A_STATE_STATS_STATE], &s))
		return -EBADMSG;
	row = &stats->snapshot.state[s];
	if (value_u32(&table[TCPSTATE_A_STATE_STATS_COUNT], &row->count) ||
	    value_u64(&table[TCPSTATE_A_STATE_STATS_ENTERED], &row->entered) ||
	    value_u64(&table[TCPSTATE_A_STATE_STATS_OLDEST_NS], &row->oldest_ms) ||
	    get_u32(&table[TCPSTATE_A_STATE_STATS_OLDER_60S], &stats->older[s][0]) ||
	    get_u32(&table[TCPSTATE_A_STATE_STATS_OLDER_300S], &stats->older[s][1]) ||
	    (histogram->at &&
	     get_u64s(histogram, stats->histogram[s], TCPSTATE_HISTOGRAM_BUCKETS)))
		return -EBADMSG;
	row->oldest_ms.n /= NS_PER_MS;
	*seen |= 1u << s;
	return 0;
}

static int decode_matrix(const struct attr *attr, struct tcpstate_stats *stats)
{
	uint64_t cells[TCPSTATE_STATE_LAST][TCPSTATE_STATE_LAST];
	unsigned int from;

	if (get_u64s(attr, cells[0], TCPSTATE_STATE_LAST * TCPSTATE_STATE_LAST))
		return -EBADMSG;
	for (from = TCPSTATE_STATE_FIRST; from <= TCPSTATE_STATE_LAST; from++)
		memcpy(&stats->matrix[from][TCPSTATE_STATE_FIRST], cells[from - 1],
		       sizeof(cells[0]));
	return 0;
}

static int decode_states(const void *attrs, size_t len, struct tcpstate_stats *stats)
{
	const uint32_t all = (2u << TCPSTATE_STATE_LAST) - (1u << TCPSTATE_STATE_FIRST);
	struct walk w = { attrs, len };
	struct attr nest;
	unsigned int type;
	uint32_t seen = 0;
	int ret;

	while ((ret = next_attr(&w, &type, &nest)) > 0) {
		if (type == TCPSTATE_A_STATS_STATE && decode_state(&nest, stats, &seen))
			return -EBADMSG;
	}
	return ret || seen != all ? -EBADMSG : 0;
}

static int decode_divergence(const struct attr *nest, struct tcpstate_stats *stats)
{
	struct attr table[TCPSTATE_A_DIVERGENCE_MAX + 1];
	uint32_t correction;
	uint8_t from, to;
	uint64_t count;

	if (read_attrs(nest->at, nest->len, table, TCPSTATE_A_DIVERGENCE_MAX) ||
	    get_state(&table[TCPSTATE_A_DIVERGENCE_FROM], &from) ||
	    get_state(&table[TCPSTATE_A_DIVERGENCE_TO], &to) ||
	    get_u32(&table[TCPSTATE_A_DIVERGENCE_CORRECTION], &correction) ||
	    get_u64(&table[TCPSTATE_A_DIVERGENCE_COUNT], &count))
		return -EBADMSG;
	if (correction && correction <= TCPSTATE_CORRECTIONS)
		stats->corrected[correction][from][to] = count;
	return 0;
}

/* The attributes of @table that are absent in the messages of older modules. */
static int decode_health(const void *attrs, size_t len, const struct attr *table,
			 struct tcpstate_stats *stats)
{
	struct tcpstate_health *h = &stats->snapshot.health;
	struct walk w = { attrs, len };
	struct attr nest;
	unsigned int type;
	int ret;

	if (maybe_u32(&table[TCPSTATE_A_STATS_EVIDENCE], &h->coverage) ||
	    maybe_u64(&table[TCPSTATE_A_STATS_DIVERGENCES], &h->divergence) ||
	    maybe_u64(&table[TCPSTATE_A_STATS_VERIFIED_NS], &stats->verified_ns))
		return -EBADMSG;
	while ((ret = next_attr(&w, &type, &nest)) > 0) {
		if (type == TCPSTATE_A_STATS_DIVERGENCE && decode_divergence(&nest, stats))
			return -EBADMSG;
	}
	h->untracked = stats->snapshot.untracked;
	return ret;
}

int tcpstate_decode_stats(const void *attrs, size_t len, struct tcpstate_stats *result)
{
	struct attr table[TCPSTATE_A_STATS_MAX + 1];
	struct tcpstate_snapshot *s = &result->snapshot;

	memset(result, 0, sizeof(*result));
	s->version = TCPSTATE_FAMILY_VERSION;
	if (read_attrs(attrs, len, table, TCPSTATE_A_STATS_MAX) ||
	    value_u32(&table[TCPSTATE_A_STATS_NETNS], &s->netns) ||
	    value_u32(&table[TCPSTATE_A_STATS_TRACKED], &s->tracked) ||
	    value_u32(&table[TCPSTATE_A_STATS_LIMIT], &s->limit) ||
	    decode_states(attrs, len, result) ||
	    decode_matrix(&table[TCPSTATE_A_STATS_MATRIX], result) ||
	    value_u64(&table[TCPSTATE_A_STATS_TRANSITIONS], &s->transitions) ||
	    value_u64(&table[TCPSTATE_A_STATS_INVALID], &s->invalid) ||
	    value_u64(&table[TCPSTATE_A_STATS_MALFORMED], &s->malformed) ||
	    value_u64(&table[TCPSTATE_A_STATS_UNTRACKED], &s->untracked) ||
	    get_u64(&table[TCPSTATE_A_STATS_EVENT_SEQ], &result->event_seq) ||
	    get_u64(&table[TCPSTATE_A_STATS_EVENT_LOST], &result->event_lost) ||
	    decode_health(attrs, len, table, result))
		return -EBADMSG;
	return 0;
}

int tcpstate_decode_config(const void *attrs, size_t len, struct tcpstate_config *result)
{
	struct attr table[TCPSTATE_A_CONFIG_MAX + 1];

	memset(result, 0, sizeof(*result));
	if (read_attrs(attrs, len, table, TCPSTATE_A_CONFIG_MAX) ||
	    value_u32(&table[TCPSTATE_A_CONFIG_LIMIT], &result->limit) ||
	    value_u32(&table[TCPSTATE_A_CONFIG_EVENT_BATCH], &result->event_batch) ||
	    value_u32(&table[TCPSTATE_A_CONFIG_EVENT_DELAY_MS], &result->event_delay_ms) ||
	    value_u32(&table[TCPSTATE_A_CONFIG_EVENT_QUEUE], &result->event_queue))
		return -EBADMSG;
	return 0;
}
