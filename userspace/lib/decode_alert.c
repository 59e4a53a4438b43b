// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "alert.h"
#include "attr.h"

/* What a peer of this kind is named by; of a kind that is not known, perhaps nothing. */
static bool names(uint32_t kind, unsigned int attr)
{
	switch (attr) {
	case TCPSTATE_A_PEER_LOCAL_ADDR:
		return kind >= TCPSTATE_PEER_KIND_LISTENER &&
		       kind <= TCPSTATE_PEER_KIND_LOCAL_ADDRESS;
	case TCPSTATE_A_PEER_LOCAL_PORT:
		return kind == TCPSTATE_PEER_KIND_LISTENER;
	default:
		return kind == TCPSTATE_PEER_KIND_DESTINATION;
	}
}

static int get_addr(const struct attr *table, uint32_t kind, unsigned int attr, int family,
		    uint8_t *addr)
{
	if (!table[attr].at)
		return names(kind, attr) ? -EBADMSG : 0;
	return attr_get(&table[attr], addr, family == AF_INET ? 4 : 16);
}

static int get_port(const struct attr *table, uint32_t kind, unsigned int attr, uint16_t *port)
{
	if (!table[attr].at)
		return names(kind, attr) ? -EBADMSG : 0;
	return attr_u16(&table[attr], port);
}

static int get_name(const struct attr *table, struct tcpstate_peer *p)
{
	struct tcpstate_tuple *t = &p->name;
	uint32_t family;

	if (attr_u32(&table[TCPSTATE_A_PEER_FAMILY], &family) ||
	    (family != AF_INET && family != AF_INET6))
		return -EBADMSG;
	t->family = family;
	if (get_addr(table, p->kind, TCPSTATE_A_PEER_LOCAL_ADDR, family, t->laddr) ||
	    get_addr(table, p->kind, TCPSTATE_A_PEER_REMOTE_ADDR, family, t->raddr) ||
	    get_port(table, p->kind, TCPSTATE_A_PEER_LOCAL_PORT, &t->lport) ||
	    get_port(table, p->kind, TCPSTATE_A_PEER_REMOTE_PORT, &t->rport))
		return -EBADMSG;
	return 0;
}

/* The numbers that a peer can do without, by attribute; 0: not one of these. */
static const struct {
	size_t offset;
	bool wide;
} numbers[TCPSTATE_A_PEER_MAX + 1] = {
#define AT(member) offsetof(struct tcpstate_peer, member)
#define U32(attr, member) [TCPSTATE_A_PEER_##attr] = { AT(member), false }
#define U64(attr, member) [TCPSTATE_A_PEER_##attr] = { AT(member), true }
	U32(UID, socket.uid),
	U64(INODE, socket.inode),
	U64(COOKIE, socket.cookie),
	U64(CGROUP, socket.cgroup),
	U32(PID, socket.pid),
	U32(SOCKETS, sockets),
	U32(QUEUE, queue),
	U32(BACKLOG, backlog),
	U64(DROPS, drops),
	U32(DROPS_PER_MINUTE, drops_per_minute),
	U64(WAITING_NS, waiting_ns),
	U32(PORTS_USED, ports_used),
	U32(PORTS, ports),
	U32(PLATEAU, plateau),
	U32(OPENS_MILLI, opens_milli),
	U32(FAILS_PER_MINUTE, fails_per_minute),
	U64(NO_PORT, no_port),
	U32(IDLE, idle),
	U32(UNREAD_EOF, unread_eof),
	U32(NOT_ACCEPTED, not_accepted),
};

static int get_numbers(const struct attr *table, struct tcpstate_peer *p)
{
	struct tcpstate_value *v;
	unsigned int i;

	for (i = 1; i <= TCPSTATE_A_PEER_MAX; i++) {
		if (!numbers[i].offset)
			continue;
		v = (struct tcpstate_value *)((char *)p + numbers[i].offset);
		if (numbers[i].wide ? attr_maybe_u64(&table[i], v) : attr_maybe_u32(&table[i], v))
			return -EBADMSG;
	}
	return 0;
}

static int decode_peer(const struct attr *nest, struct tcpstate_peer *p)
{
	struct attr table[TCPSTATE_A_PEER_MAX + 1];

	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_PEER_MAX) ||
	    attr_u32(&table[TCPSTATE_A_PEER_KIND], &p->kind) ||
	    get_name(table, p) ||
	    attr_get(&table[TCPSTATE_A_PEER_COUNTS], &p->counts[TCPSTATE_STATE_FIRST],
		     TCPSTATE_STATE_LAST * sizeof(p->counts[0])) ||
	    attr_flag(&table[TCPSTATE_A_PEER_REUSABLE], &p->reusable) ||
	    get_numbers(table, p))
		return -EBADMSG;
	return 0;
}

int tcpstate_decode_peer(const void *attrs, size_t len, struct tcpstate_peer *result)
{
	struct attr table[TCPSTATE_A_PEERS_MAX + 1];

	memset(result, 0, sizeof(*result));
	if (attr_read(attrs, len, table, TCPSTATE_A_PEERS_MAX) ||
	    !table[TCPSTATE_A_PEERS_PEER].at)
		return -EBADMSG;
	return decode_peer(&table[TCPSTATE_A_PEERS_PEER], result);
}

static int decode_alert(const struct attr *nest, struct tcpstate_alert *a)
{
	struct attr table[TCPSTATE_A_ALERT_MAX + 1];
	const struct attr *peer = &table[TCPSTATE_A_ALERT_PEER];

	if (attr_read(nest->at, nest->len, table, TCPSTATE_A_ALERT_MAX) ||
	    attr_u32(&table[TCPSTATE_A_ALERT_ID], &a->id) ||
	    attr_u32(&table[TCPSTATE_A_ALERT_KIND], &a->kind) ||
	    attr_u32(&table[TCPSTATE_A_ALERT_SEVERITY], &a->severity) ||
	    attr_u32(&table[TCPSTATE_A_ALERT_REASON], &a->reason) ||
	    attr_u64(&table[TCPSTATE_A_ALERT_VALUE], &a->value) ||
	    attr_u64(&table[TCPSTATE_A_ALERT_LIMIT], &a->limit) ||
	    attr_u64(&table[TCPSTATE_A_ALERT_PEAK], &a->peak) ||
	    attr_u64(&table[TCPSTATE_A_ALERT_RAISED_NS], &a->raised_ns) ||
	    attr_u64(&table[TCPSTATE_A_ALERT_BEGUN_NS], &a->begun_ns) ||
	    attr_maybe_u64(&table[TCPSTATE_A_ALERT_CLEARED_NS], &a->cleared) ||
	    attr_flag(&table[TCPSTATE_A_ALERT_FOLDED], &a->folded) ||
	    attr_flag(&table[TCPSTATE_A_ALERT_IGNORED], &a->ignored) ||
	    attr_flag(&table[TCPSTATE_A_ALERT_UNVERIFIED], &a->unverified) ||
	    attr_flag(&table[TCPSTATE_A_ALERT_WITHDRAWN], &a->withdrawn) ||
	    attr_maybe_u32(&table[TCPSTATE_A_ALERT_FILE_LIMIT], &a->file_limit))
		return -EBADMSG;
	a->has_peer = peer->at;
	return peer->at ? decode_peer(peer, &a->peer) : 0;
}

int tcpstate_decode_notice(const void *attrs, size_t len, struct tcpstate_notice *result)
{
	struct attr table[TCPSTATE_A_ALERTS_MAX + 1];
	const struct attr *time = &table[TCPSTATE_A_ALERTS_TIME_NS];
	const struct attr *action = &table[TCPSTATE_A_ALERTS_ACTION];

	memset(result, 0, sizeof(*result));
	if (attr_read(attrs, len, table, TCPSTATE_A_ALERTS_MAX) ||
	    attr_u64(&table[TCPSTATE_A_ALERTS_SEQ], &result->seq) ||
	    (time->at && attr_u64(time, &result->time_ns)) ||
	    (action->at && attr_u32(action, &result->action)) ||
	    !table[TCPSTATE_A_ALERTS_ALERT].at)
		return -EBADMSG;
	return decode_alert(&table[TCPSTATE_A_ALERTS_ALERT], &result->alert);
}
