// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "attr.h"
#include "format.h"

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

	if (attr_u32(&table[TCPSTATE_A_ENDPOINT_FAMILY], &family) ||
	    (family != AF_INET && family != AF_INET6))
		return -EBADMSG;
	tuple->family = family;
	size = family == AF_INET ? 4 : 16;
	if (attr_get(&table[TCPSTATE_A_ENDPOINT_LOCAL_ADDR], tuple->laddr, size) ||
	    attr_get(&table[TCPSTATE_A_ENDPOINT_REMOTE_ADDR], tuple->raddr, size) ||
	    attr_u16(&table[TCPSTATE_A_ENDPOINT_LOCAL_PORT], &tuple->lport) ||
	    attr_u16(&table[TCPSTATE_A_ENDPOINT_REMOTE_PORT], &tuple->rport) ||
	    (scope->at && attr_u32(scope, &tuple->scope)))
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

	if (attr_maybe_u32(&table[TCPSTATE_A_ENDPOINT_UID - base], &s->uid) ||
	    attr_maybe_u64(&table[TCPSTATE_A_ENDPOINT_INODE - base], &s->inode) ||
	    attr_maybe_u64(&table[TCPSTATE_A_ENDPOINT_COOKIE - base], &s->cookie) ||
	    attr_maybe_u64(&table[TCPSTATE_A_ENDPOINT_CGROUP - base], &s->cgroup) ||
	    attr_maybe_u32(&table[TCPSTATE_A_ENDPOINT_PID - base], &s->pid))
		return -EBADMSG;
	return 0;
}

int tcpstate_decode_endpoint(const void *attrs, size_t len, struct tcpstate_endpoint *result)
{
	struct attr table[TCPSTATE_A_ENDPOINT_MAX + 1];

	memset(result, 0, sizeof(*result));
	if (attr_read(attrs, len, table, TCPSTATE_A_ENDPOINT_MAX) ||
	    get_tuple(table, &result->tuple) ||
	    attr_state(&table[TCPSTATE_A_ENDPOINT_LOCAL_STATE], &result->local) ||
	    attr_state(&table[TCPSTATE_A_ENDPOINT_REMOTE_STATE], &result->remote) ||
	    attr_u64(&table[TCPSTATE_A_ENDPOINT_AGE_NS], &result->age_ns) ||
	    attr_flag(&table[TCPSTATE_A_ENDPOINT_AGE_AT_LEAST], &result->age_at_least) ||
	    attr_flag(&table[TCPSTATE_A_ENDPOINT_BYPASSED], &result->bypassed) ||
	    attr_maybe_u32(&table[TCPSTATE_A_ENDPOINT_SOCKET_KIND], &result->socket.kind) ||
	    get_socket(&table[TCPSTATE_A_ENDPOINT_UID], &result->socket))
		return -EBADMSG;
	return 0;
}

static int decode_transition(const struct attr *nest, struct tcpstate_transition *t)
{
	struct attr table[TCPSTATE_A_TRANSITION_MAX + 1];
	uint32_t end;

	memset(t, 0, sizeof(*t));
	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_TRANSITION_MAX) ||
	    get_tuple(table, &t->tuple) ||
	    attr_u64(&table[TCPSTATE_A_TRANSITION_SEQ], &t->seq) ||
	    attr_u64(&table[TCPSTATE_A_TRANSITION_TIME_NS], &t->time_ns) ||
	    attr_u32(&table[TCPSTATE_A_TRANSITION_END], &end) || end > TCPSTATE_END_LOCAL ||
	    attr_state(&table[TCPSTATE_A_TRANSITION_OLD_STATE], &t->from) ||
	    attr_state(&table[TCPSTATE_A_TRANSITION_NEW_STATE], &t->to) ||
	    attr_u32(&table[TCPSTATE_A_TRANSITION_CAUSE], &t->cause) ||
	    attr_maybe_u64(&table[TCPSTATE_A_TRANSITION_DURATION_NS], &t->duration) ||
	    get_socket(&table[TCPSTATE_A_TRANSITION_UID], &t->socket))
		return -EBADMSG;
	t->end = end;
	return 0;
}

int tcpstate_decode_events(const void *attrs, size_t len, uint64_t *lost,
			   int (*each)(const struct tcpstate_transition *t, void *arg), void *arg)
{
	struct attr table[TCPSTATE_A_EVENTS_MAX + 1], nest;
	struct attr_walk w = { attrs, len };
	struct tcpstate_transition t;
	unsigned int type;
	int ret;

	if (attr_read(attrs, len, table, TCPSTATE_A_EVENTS_MAX) ||
	    attr_u64(&table[TCPSTATE_A_EVENTS_LOST], lost))
		return -EBADMSG;
	while ((ret = attr_next(&w, &type, &nest)) > 0) {
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

	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_STATE_STATS_MAX) ||
	    attr_state(&table[TCPSTATE_A_STATE_STATS_STATE], &s))
		return -EBADMSG;
	row = &stats->snapshot.state[s];
	if (attr_value_u32(&table[TCPSTATE_A_STATE_STATS_COUNT], &row->count) ||
	    attr_value_u64(&table[TCPSTATE_A_STATE_STATS_ENTERED], &row->entered) ||
	    attr_value_u64(&table[TCPSTATE_A_STATE_STATS_OLDEST_NS], &row->oldest_ms) ||
	    attr_u32(&table[TCPSTATE_A_STATE_STATS_OLDER_60S], &stats->older[s][0]) ||
	    attr_u32(&table[TCPSTATE_A_STATE_STATS_OLDER_300S], &stats->older[s][1]) ||
	    (histogram->at &&
	     attr_u64s(histogram, stats->histogram[s], TCPSTATE_HISTOGRAM_BUCKETS)))
		return -EBADMSG;
	row->oldest_ms.n /= NS_PER_MS;
	*seen |= 1u << s;
	return 0;
}

static int decode_matrix(const struct attr *attr, struct tcpstate_stats *stats)
{
	uint64_t cells[TCPSTATE_STATE_LAST][TCPSTATE_STATE_LAST];
	unsigned int from;

	if (attr_u64s(attr, cells[0], TCPSTATE_STATE_LAST * TCPSTATE_STATE_LAST))
		return -EBADMSG;
	for (from = TCPSTATE_STATE_FIRST; from <= TCPSTATE_STATE_LAST; from++)
		memcpy(&stats->matrix[from][TCPSTATE_STATE_FIRST], cells[from - 1],
		       sizeof(cells[0]));
	return 0;
}

static int decode_states(const void *attrs, size_t len, struct tcpstate_stats *stats)
{
	const uint32_t all = (2u << TCPSTATE_STATE_LAST) - (1u << TCPSTATE_STATE_FIRST);
	struct attr_walk w = { attrs, len };
	struct attr nest;
	unsigned int type;
	uint32_t seen = 0;
	int ret;

	while ((ret = attr_next(&w, &type, &nest)) > 0) {
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

	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_DIVERGENCE_MAX) ||
	    attr_state(&table[TCPSTATE_A_DIVERGENCE_FROM], &from) ||
	    attr_state(&table[TCPSTATE_A_DIVERGENCE_TO], &to) ||
	    attr_u32(&table[TCPSTATE_A_DIVERGENCE_CORRECTION], &correction) ||
	    attr_u64(&table[TCPSTATE_A_DIVERGENCE_COUNT], &count))
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
	struct attr_walk w = { attrs, len };
	struct attr nest;
	unsigned int type;
	int ret;

	if (attr_maybe_u32(&table[TCPSTATE_A_STATS_EVIDENCE], &h->coverage) ||
	    attr_maybe_u64(&table[TCPSTATE_A_STATS_DIVERGENCES], &h->divergence) ||
	    attr_maybe_u64(&table[TCPSTATE_A_STATS_VERIFIED_NS], &stats->verified_ns) ||
	    attr_maybe_u64(&table[TCPSTATE_A_STATS_ON_NS], &stats->on_ns))
		return -EBADMSG;
	while ((ret = attr_next(&w, &type, &nest)) > 0) {
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
	if (attr_read(attrs, len, table, TCPSTATE_A_STATS_MAX) ||
	    attr_value_u32(&table[TCPSTATE_A_STATS_NETNS], &s->netns) ||
	    attr_value_u32(&table[TCPSTATE_A_STATS_TRACKED], &s->tracked) ||
	    attr_value_u32(&table[TCPSTATE_A_STATS_LIMIT], &s->limit) ||
	    decode_states(attrs, len, result) ||
	    decode_matrix(&table[TCPSTATE_A_STATS_MATRIX], result) ||
	    attr_value_u64(&table[TCPSTATE_A_STATS_TRANSITIONS], &s->transitions) ||
	    attr_value_u64(&table[TCPSTATE_A_STATS_INVALID], &s->invalid) ||
	    attr_value_u64(&table[TCPSTATE_A_STATS_MALFORMED], &s->malformed) ||
	    attr_value_u64(&table[TCPSTATE_A_STATS_UNTRACKED], &s->untracked) ||
	    attr_u64(&table[TCPSTATE_A_STATS_EVENT_SEQ], &result->event_seq) ||
	    attr_u64(&table[TCPSTATE_A_STATS_EVENT_LOST], &result->event_lost) ||
	    decode_health(attrs, len, table, result))
		return -EBADMSG;
	return 0;
}

static int decode_thresholds(const struct attr *nest, struct tcpstate_config *c)
{
	struct attr table[TCPSTATE_A_THRESHOLDS_MAX + 1];
	unsigned int i;

	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_THRESHOLDS_MAX))
		return -EBADMSG;
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++) {
		if (attr_maybe_u32(&table[i], &c->threshold[i]))
			return -EBADMSG;
	}
	/* Then it has alerts. */
	c->ignores.known = true;
	return 0;
}

static int decode_ignore(const struct attr *nest, struct tcpstate_ignore *ignore)
{
	struct attr table[TCPSTATE_A_IGNORE_MAX + 1];
	const struct attr *kind = &table[TCPSTATE_A_IGNORE_KIND];
	const struct attr *port = &table[TCPSTATE_A_IGNORE_PORT];
	const struct attr *addr = &table[TCPSTATE_A_IGNORE_ADDR];

	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_IGNORE_MAX) ||
	    (kind->at && attr_u32(kind, &ignore->kind)) ||
	    (port->at && attr_u16(port, &ignore->port)))
		return -EBADMSG;
	if (!addr->at)
		return 0;
	ignore->family = addr->len == 4 ? AF_INET : AF_INET6;
	return attr_get(addr, ignore->addr, ignore->family == AF_INET ? 4 : 16);
}

static int decode_ignores(const void *attrs, size_t len, struct tcpstate_config *c)
{
	struct attr_walk w = { attrs, len };
	struct attr nest;
	unsigned int type;
	int ret;

	while ((ret = attr_next(&w, &type, &nest)) > 0) {
		if (type != TCPSTATE_A_CONFIG_IGNORE)
			continue;
		if (c->ignores.n == TCPSTATE_IGNORES_MAX ||
		    decode_ignore(&nest, &c->ignore[c->ignores.n]))
			return -EBADMSG;
		c->ignores = (struct tcpstate_value){ c->ignores.n + 1, true };
	}
	return ret;
}

int tcpstate_decode_config(const void *attrs, size_t len, struct tcpstate_config *result)
{
	struct attr table[TCPSTATE_A_CONFIG_MAX + 1];
	const struct attr *thresholds = &table[TCPSTATE_A_CONFIG_THRESHOLDS];

	memset(result, 0, sizeof(*result));
	if (attr_read(attrs, len, table, TCPSTATE_A_CONFIG_MAX) ||
	    attr_value_u32(&table[TCPSTATE_A_CONFIG_LIMIT], &result->limit) ||
	    attr_value_u32(&table[TCPSTATE_A_CONFIG_EVENT_BATCH], &result->event_batch) ||
	    attr_value_u32(&table[TCPSTATE_A_CONFIG_EVENT_DELAY_MS], &result->event_delay_ms) ||
	    attr_value_u32(&table[TCPSTATE_A_CONFIG_EVENT_QUEUE], &result->event_queue) ||
	    (thresholds->at && decode_thresholds(thresholds, result)) ||
	    decode_ignores(attrs, len, result))
		return -EBADMSG;
	return 0;
}
