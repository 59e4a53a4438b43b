// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "nl.h"
#include "nl_attr.h"

/* Sockets and requests */

static int receive(struct nl *nl)
{
	ssize_t n;

	do
		n = recv(nl->fd, nl->answer.bytes, nl->room, MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n > nl->room)
		return -EMSGSIZE;
	nl->len = n;
	return 0;
}

int nl_parse_error(struct nl *nl, const struct nlmsghdr *h)
{
	const struct nlmsgerr *e = NLMSG_DATA(h);
	const char *start = (const char *)e + sizeof(*e), *end = (const char *)h + h->nlmsg_len;
	const struct nlattr *a;

	nl->text[0] = 0;
	nl->offset = -1;
	/* A DONE has the number alone before its attributes. The request itself is left out (NETLINK_CAP_ACK). */
	if (h->nlmsg_type == NLMSG_DONE)
		start = (const char *)e + sizeof(int);
	if (h->nlmsg_flags & NLM_F_ACK_TLVS) {
		for_each_attr(a, start, end) {
			if (attr_type(a) == NLMSGERR_ATTR_MSG)
				snprintf(nl->text, sizeof(nl->text), "%s", (const char *)attr_data(a));
			else if (attr_type(a) == NLMSGERR_ATTR_OFFS)
				memcpy(&nl->offset, attr_data(a), sizeof(nl->offset));
		}
	}
	return e->error;
}

int nl_send(struct nl *nl, struct nl_msg *m)
{
	m->h.nlmsg_seq = ++nl->seq;
	if (send(nl->fd, m, m->h.nlmsg_len, 0) != (ssize_t)m->h.nlmsg_len)
		return -errno;
	return 0;
}

int nl_ask(struct nl *nl, struct nl_msg *m)
{
	int err = nl_send(nl, m);

	nl->text[0] = 0;
	nl->offset = -1;
	while (!err) {
		err = receive(nl);
		if (err || nl->answer.h.nlmsg_seq != nl->seq)
			continue;
		if (nl->answer.h.nlmsg_type == NLMSG_ERROR)
			return nl_parse_error(nl, &nl->answer.h);
		return 0;
	}
	return err;
}

static int resolve(struct nl *nl)
{
	const struct nlattr *a, *g, *x;
	struct nl_msg m;
	int err;

	nl->family = GENL_ID_CTRL;
	nl_begin(&m, nl, CTRL_CMD_GETFAMILY, 0);
	nl_put(&m, CTRL_ATTR_FAMILY_NAME, TCPSTATE_FAMILY_NAME, sizeof(TCPSTATE_FAMILY_NAME));
	err = nl_ask(nl, &m);
	if (err)
		return err;
	for_each_attr(a, nl->answer.bytes + NLMSG_HDRLEN + GENL_HDRLEN, nl->answer.bytes + nl->len) {
		if (attr_type(a) == CTRL_ATTR_FAMILY_ID)
			nl->family = *(const uint16_t *)attr_data(a);
		if (attr_type(a) != CTRL_ATTR_MCAST_GROUPS)
			continue;
		for_each_attr(g, attr_data(a), attr_end(a)) {
			const char *name = "";
			uint32_t id = 0;

			for_each_attr(x, attr_data(g), attr_end(g)) {
				if (attr_type(x) == CTRL_ATTR_MCAST_GRP_NAME)
					name = attr_data(x);
				else if (attr_type(x) == CTRL_ATTR_MCAST_GRP_ID)
					id = *(const uint32_t *)attr_data(x);
			}
			if (!strcmp(name, TCPSTATE_MCGRP_TRANSITIONS))
				nl->group[NL_TRANSITIONS] = id;
			else if (!strcmp(name, TCPSTATE_MCGRP_ALERTS))
				nl->group[NL_ALERTS] = id;
		}
	}
	return nl->group[NL_TRANSITIONS] && nl->group[NL_ALERTS] ? 0 : -ENOENT;
}

int nl_open_short(struct nl *nl)
{
	struct timeval patience = { .tv_sec = 20 };
	int one = 1, err;

	memset(nl, 0, offsetof(struct nl, answer));
	nl->room = NL_ROOM_SHORT;
	nl->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (nl->fd < 0)
		return -errno;
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(nl->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	err = resolve(nl);
	if (err)
		nl_close(nl);
	return err;
}

int nl_open(struct nl *nl)
{
	int err = nl_open_short(nl);

	nl->room = NL_ROOM;
	return err;
}

void nl_close(struct nl *nl)
{
	close(nl->fd);
	nl->fd = -1;
}

/* Answers */

/* The attributes of a tuple, which have the same numbers in both sets. Returns whether @a is one. */
static bool parse_tuple(const struct nlattr *a, struct nl_tuple *t, int *bad)
{
	switch (attr_type(a)) {
	case TCPSTATE_A_ENDPOINT_FAMILY:
		take(a, &t->family, 4, bad);
		break;
	case TCPSTATE_A_ENDPOINT_LOCAL_ADDR:
		take(a, t->addr[0], nl_addr_len(t->family), bad);
		break;
	case TCPSTATE_A_ENDPOINT_REMOTE_ADDR:
		take(a, t->addr[1], nl_addr_len(t->family), bad);
		break;
	case TCPSTATE_A_ENDPOINT_LOCAL_PORT:
		take(a, &t->port[0], 2, bad);
		break;
	case TCPSTATE_A_ENDPOINT_REMOTE_PORT:
		take(a, &t->port[1], 2, bad);
		break;
	case TCPSTATE_A_ENDPOINT_SCOPE:
		take(a, &t->scope, 4, bad);
		*bad += !t->scope;
		break;
	default:
		return false;
	}
	return true;
}

int nl_parse_endpoint(const struct nlmsghdr *h, struct nl_endpoint *e)
{
	unsigned char seen[TCPSTATE_A_ENDPOINT_MAX + 1] = { 0 };
	const struct nlattr *a;
	int bad = 0;

	memset(e, 0, sizeof(*e));
	if (!is_cmd(h, TCPSTATE_CMD_ENDPOINT_GET))
		return -EBADMSG;
	for_each_attr(a, attrs_of(h), end_of(h)) {
		if (attr_type(a) <= TCPSTATE_A_ENDPOINT_MAX)
			seen[attr_type(a)]++;
		if (parse_tuple(a, &e->tuple, &bad))
			continue;
		switch (attr_type(a)) {
		case TCPSTATE_A_ENDPOINT_LOCAL_STATE: take(a, &e->local, 4, &bad); break;
		case TCPSTATE_A_ENDPOINT_REMOTE_STATE: take(a, &e->remote, 4, &bad); break;
		case TCPSTATE_A_ENDPOINT_AGE_NS: take(a, &e->age_ns, 8, &bad); break;
		case TCPSTATE_A_ENDPOINT_AGE_AT_LEAST: bad += attr_len(a) != 0; break;
		case TCPSTATE_A_ENDPOINT_BYPASSED: bad += attr_len(a) != 0; break;
		case TCPSTATE_A_ENDPOINT_SOCKET_KIND: take(a, &e->kind, 4, &bad); break;
		case TCPSTATE_A_ENDPOINT_UID: take(a, &e->uid, 4, &bad); break;
		case TCPSTATE_A_ENDPOINT_INODE: take(a, &e->inode, 8, &bad); break;
		case TCPSTATE_A_ENDPOINT_COOKIE: take(a, &e->cookie, 8, &bad); break;
		case TCPSTATE_A_ENDPOINT_CGROUP: take(a, &e->cgroup, 8, &bad); break;
		case TCPSTATE_A_ENDPOINT_PID: take(a, &e->pid, 4, &bad); break;
		case TCPSTATE_A_ENDPOINT_PAD: break;
		default: unknown("endpoint", a, &bad);
		}
	}
	e->age_at_least = seen[TCPSTATE_A_ENDPOINT_AGE_AT_LEAST];
	e->bypassed = seen[TCPSTATE_A_ENDPOINT_BYPASSED];
	e->has_holder = seen[TCPSTATE_A_ENDPOINT_UID];
	bad += complete("endpoint", seen, TCPSTATE_A_ENDPOINT_AGE_NS, 1u << TCPSTATE_A_ENDPOINT_SCOPE);
	bad += check_holder("endpoint", seen, TCPSTATE_A_ENDPOINT_UID, e->cookie, e->cgroup);
	/* what is not known is absent, not 0; who holds it is known of a socket alone */
	if (!seen[TCPSTATE_A_ENDPOINT_SOCKET_KIND] != !e->kind || e->kind > TCPSTATE_SOCKET_KIND_MINISOCK ||
	    seen[TCPSTATE_A_ENDPOINT_SOCKET_KIND] > 1 || seen[TCPSTATE_A_ENDPOINT_AGE_AT_LEAST] > 1 ||
	    !seen[TCPSTATE_A_ENDPOINT_PID] != !e->pid || seen[TCPSTATE_A_ENDPOINT_PID] > 1 ||
	    e->has_holder != (e->kind == TCPSTATE_SOCKET_KIND_FULL)) {
		printf("# endpoint: kind %u, pid %u, holder %d\n", e->kind, e->pid, e->has_holder);
		bad++;
	}
	return bad ? -EBADMSG : 0;
}

static void parse_state(const struct nlattr *nest, struct nl_stats *s, int *bad)
{
	unsigned char seen[TCPSTATE_A_STATE_STATS_MAX + 1] = { 0 };
	struct nl_state state = { 0 };
	const struct nlattr *a;
	uint32_t number = 0;

	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		if (attr_type(a) <= TCPSTATE_A_STATE_STATS_MAX)
			seen[attr_type(a)]++;
		switch (attr_type(a)) {
		case TCPSTATE_A_STATE_STATS_STATE: take(a, &number, 4, bad); break;
		case TCPSTATE_A_STATE_STATS_COUNT: take(a, &state.count, 4, bad); break;
		case TCPSTATE_A_STATE_STATS_ENTERED: take(a, &state.entered, 8, bad); break;
		case TCPSTATE_A_STATE_STATS_OLDEST_NS: take(a, &state.oldest_ns, 8, bad); break;
		case TCPSTATE_A_STATE_STATS_OLDER_60S: take(a, &state.older_60s, 4, bad); break;
		case TCPSTATE_A_STATE_STATS_OLDER_300S: take(a, &state.older_300s, 4, bad); break;
		case TCPSTATE_A_STATE_STATS_HISTOGRAM:
			take(a, state.histogram, sizeof(state.histogram), bad);
			state.has_histogram = true;
			break;
		case TCPSTATE_A_STATE_STATS_PAD: break;
		default: unknown("state-stats", a, bad);
		}
	}
	*bad += complete("state-stats", seen, TCPSTATE_A_STATE_STATS_HISTOGRAM,
			 number == TCPSTATE_STATE_CLOSE ? 1u << TCPSTATE_A_STATE_STATS_HISTOGRAM : 0);
	if (number < 1 || number >= STATES) {
		printf("# there is no state %u\n", number);
		(*bad)++;
		return;
	}
	s->state[number] = state;
}

static void parse_divergence(const struct nlattr *nest, struct nl_stats *s, int *bad)
{
	uint32_t from = 0, to = 0, correction = 0;
	const struct nlattr *a;
	uint64_t count = 0;

	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		switch (attr_type(a)) {
		case TCPSTATE_A_DIVERGENCE_FROM: take(a, &from, 4, bad); break;
		case TCPSTATE_A_DIVERGENCE_TO: take(a, &to, 4, bad); break;
		case TCPSTATE_A_DIVERGENCE_CORRECTION: take(a, &correction, 4, bad); break;
		case TCPSTATE_A_DIVERGENCE_COUNT: take(a, &count, 8, bad); break;
		case TCPSTATE_A_DIVERGENCE_PAD: break;
		default: unknown("divergence", a, bad);
		}
	}
	if (!from || from >= STATES || !to || to >= STATES || !correction || correction >= NL_CORRECTIONS || !count) {
		printf("# divergence from %u to %u, correction %u\n", from, to, correction);
		(*bad)++;
		return;
	}
	s->divergence[correction] += count;
	s->diverged[correction][from][to] = count;
}

int nl_parse_stats(const struct nlmsghdr *h, struct nl_stats *s)
{
	unsigned char seen[TCPSTATE_A_STATS_MAX + 1] = { 0 };
	uint64_t matrix[(STATES - 1) * (STATES - 1)] = { 0 };
	const struct nlattr *a;
	int bad = 0, i;

	memset(s, 0, sizeof(*s));
	if (!is_cmd(h, TCPSTATE_CMD_STATS_GET))
		return -EBADMSG;
	for_each_attr(a, attrs_of(h), end_of(h)) {
		if (attr_type(a) <= TCPSTATE_A_STATS_MAX)
			seen[attr_type(a)]++;
		switch (attr_type(a)) {
		case TCPSTATE_A_STATS_NETNS: take(a, &s->netns, 4, &bad); break;
		case TCPSTATE_A_STATS_TRACKED: take(a, &s->tracked, 4, &bad); break;
		case TCPSTATE_A_STATS_LIMIT: take(a, &s->limit, 4, &bad); break;
		case TCPSTATE_A_STATS_STATE: parse_state(a, s, &bad); break;
		case TCPSTATE_A_STATS_MATRIX: take(a, matrix, sizeof(matrix), &bad); break;
		case TCPSTATE_A_STATS_TRANSITIONS: take(a, &s->transitions, 8, &bad); break;
		case TCPSTATE_A_STATS_INVALID: take(a, &s->invalid, 8, &bad); break;
		case TCPSTATE_A_STATS_MALFORMED: take(a, &s->malformed, 8, &bad); break;
		case TCPSTATE_A_STATS_UNTRACKED: take(a, &s->untracked, 8, &bad); break;
		case TCPSTATE_A_STATS_EVENT_SEQ: take(a, &s->event_seq, 8, &bad); break;
		case TCPSTATE_A_STATS_EVENT_LOST: take(a, &s->event_lost, 8, &bad); break;
		case TCPSTATE_A_STATS_EVIDENCE: take(a, &s->evidence, 4, &bad); break;
		case TCPSTATE_A_STATS_DIVERGENCES: take(a, &s->divergences, 8, &bad); break;
		case TCPSTATE_A_STATS_DIVERGENCE: parse_divergence(a, s, &bad); break;
		case TCPSTATE_A_STATS_VERIFIED_NS: take(a, &s->verified_ns, 8, &bad); break;
		case TCPSTATE_A_STATS_ON_NS: take(a, &s->on_ns, 8, &bad); break;
		case TCPSTATE_A_STATS_PAD: break;
		default: unknown("stats", a, &bad);
		}
	}
	for (i = 0; i < (STATES - 1) * (STATES - 1); i++)
		s->matrix[i / (STATES - 1) + 1][i % (STATES - 1) + 1] = matrix[i];
	if (seen[TCPSTATE_A_STATS_STATE] == STATES - 1)	/* one of each: the others would be missing below */
		seen[TCPSTATE_A_STATS_STATE] = 1;
	seen[TCPSTATE_A_STATS_PAD] = 1;
	seen[TCPSTATE_A_STATS_DIVERGENCE] = 1;	/* none, or several */
	bad += complete("stats", seen, TCPSTATE_A_STATS_ON_NS, 1u << TCPSTATE_A_STATS_VERIFIED_NS | 1u << TCPSTATE_A_STATS_ON_NS);
	s->has_verified = seen[TCPSTATE_A_STATS_VERIFIED_NS];
	s->has_on = seen[TCPSTATE_A_STATS_ON_NS];
	if (s->evidence != TCPSTATE_EVIDENCE_PACKETS && s->evidence != TCPSTATE_EVIDENCE_SOCKETS) {
		printf("# there is no evidence %u\n", s->evidence);
		bad++;
	}
	return bad ? -EBADMSG : 0;
}

int nl_next(struct nl *nl, int (*each)(const struct nlmsghdr *h, void *arg), void *arg)
{
	const struct nlmsghdr *h = &nl->answer.h;
	size_t len;
	int err;

	err = receive(nl);
	if (err)
		return err;
	for (len = nl->len; NLMSG_OK(h, len); h = NLMSG_NEXT(h, len)) {
		if (h->nlmsg_seq != nl->seq)
			continue;
		if (h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR)
			return nl_parse_error(nl, h);
		if (h->nlmsg_flags & NLM_F_DUMP_INTR)
			return -EINTR;
		err = each(h, arg);
		if (err)
			return err;
	}
	return 1;
}

int nl_dump_all(struct nl *nl, struct nl_msg *m, int (*each)(const struct nlmsghdr *h, void *arg), void *arg)
{
	int err = nl_send(nl, m);

	nl->text[0] = 0;
	nl->offset = -1;
	if (err)
		return err;
	do
		err = nl_next(nl, each, arg);
	while (err > 0);
	return err;
}

struct endpoints {
	void (*each)(const struct nl_endpoint *e, void *arg);
	void *arg;
};

static int take_endpoint(const struct nlmsghdr *h, void *arg)
{
	struct endpoints *to = arg;
	struct nl_endpoint e;
	int err = nl_parse_endpoint(h, &e);

	if (!err && to->each)
		to->each(&e, to->arg);
	return err;
}

int nl_dump_next(struct nl *nl, void (*each)(const struct nl_endpoint *e, void *arg), void *arg)
{
	return nl_next(nl, take_endpoint, &(struct endpoints){ each, arg });
}

int nl_dump(struct nl *nl, struct nl_msg *m, void (*each)(const struct nl_endpoint *e, void *arg), void *arg)
{
	return nl_dump_all(nl, m, take_endpoint, &(struct endpoints){ each, arg });
}

/* Events */

static void parse_event(const struct nlattr *nest, struct nl_event *e, int *bad)
{
	unsigned char seen[TCPSTATE_A_TRANSITION_MAX + 1] = { 0 };
	const struct nlattr *a;

	memset(e, 0, sizeof(*e));
	/* The family tells how long an address is, and may come behind it. */
	for_each_attr(a, attr_data(nest), attr_end(nest))
		if (attr_type(a) == TCPSTATE_A_TRANSITION_FAMILY)
			take(a, &e->tuple.family, 4, bad);
	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		if (attr_type(a) <= TCPSTATE_A_TRANSITION_MAX)
			seen[attr_type(a)]++;
		if (parse_tuple(a, &e->tuple, bad))
			continue;
		switch (attr_type(a)) {
		case TCPSTATE_A_TRANSITION_SEQ: take(a, &e->seq, 8, bad); break;
		case TCPSTATE_A_TRANSITION_TIME_NS: take(a, &e->time_ns, 8, bad); break;
		case TCPSTATE_A_TRANSITION_END: take(a, &e->end, 4, bad); break;
		case TCPSTATE_A_TRANSITION_OLD_STATE: take(a, &e->from, 4, bad); break;
		case TCPSTATE_A_TRANSITION_NEW_STATE: take(a, &e->to, 4, bad); break;
		case TCPSTATE_A_TRANSITION_CAUSE: take(a, &e->cause, 4, bad); break;
		case TCPSTATE_A_TRANSITION_DURATION_NS: take(a, &e->duration_ns, 8, bad); break;
		case TCPSTATE_A_TRANSITION_UID: take(a, &e->uid, 4, bad); break;
		case TCPSTATE_A_TRANSITION_INODE: take(a, &e->inode, 8, bad); break;
		case TCPSTATE_A_TRANSITION_COOKIE: take(a, &e->cookie, 8, bad); break;
		case TCPSTATE_A_TRANSITION_CGROUP: take(a, &e->cgroup, 8, bad); break;
		case TCPSTATE_A_TRANSITION_PID: take(a, &e->pid, 4, bad); break;
		case TCPSTATE_A_TRANSITION_PAD: break;
		default: unknown("transition", a, bad);
		}
	}
	e->has_duration = seen[TCPSTATE_A_TRANSITION_DURATION_NS];
	e->has_holder = seen[TCPSTATE_A_TRANSITION_UID];
	*bad += check_holder("transition", seen, TCPSTATE_A_TRANSITION_UID, e->cookie, e->cgroup);
	*bad += seen[TCPSTATE_A_TRANSITION_PID] > 1 || !seen[TCPSTATE_A_TRANSITION_PID] != !e->pid;
	*bad += complete("transition", seen, TCPSTATE_A_TRANSITION_DURATION_NS,
			 1u << TCPSTATE_A_TRANSITION_SCOPE | 1u << TCPSTATE_A_TRANSITION_DURATION_NS);
}

int nl_wait(struct nl *nl, int ms)
{
	struct pollfd p = { .fd = nl->fd, .events = POLLIN };
	int err;

	if (poll(&p, 1, ms) <= 0)
		return 0;
	err = receive(nl);
	return err ? err : 1;
}

int nl_events(struct nl *nl, int ms, void (*each)(const struct nl_event *e, void *arg), void *arg, uint64_t *lost)
{
	const struct nlattr *a;
	int n = 0, bad = 0, err;
	struct nl_event e;

	err = nl_wait(nl, ms);
	if (err <= 0)
		return err;
	if (!is_cmd(&nl->answer.h, TCPSTATE_CMD_TRANSITION_NTF) || nl->answer.h.nlmsg_len != nl->len)
		return -EBADMSG;
	for_each_attr(a, attrs_of(&nl->answer.h), end_of(&nl->answer.h)) {
		if (attr_type(a) == TCPSTATE_A_EVENTS_TRANSITION) {
			parse_event(a, &e, &bad);
			if (each)
				each(&e, arg);
			n++;
		} else if (attr_type(a) == TCPSTATE_A_EVENTS_LOST) {
			take(a, lost, 8, &bad);
		} else if (attr_type(a) != TCPSTATE_A_EVENTS_PAD) {
			unknown("events", a, &bad);
		}
	}
	if (!n)
		printf("# a message without events\n");
	return bad || !n ? -EBADMSG : n;
}
