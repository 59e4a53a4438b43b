// SPDX-License-Identifier: GPL-2.0-only
/* Configuration, listeners, destinations and alerts taken apart; declared in nl.h and nl_alert.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "nl_alert.h"
#include "nl_attr.h"

#define BIT(attr)	(1ull << (attr))

/* Counts @a in @seen, if it is one of @max attributes. */
static void see(unsigned char *seen, const struct nlattr *a, int max)
{
	if (attr_type(a) <= max)
		seen[attr_type(a)]++;
}

/* Configuration */

static void parse_thresholds(const struct nlattr *nest, struct nl_config *c, int *bad)
{
	unsigned char seen[TCPSTATE_A_THRESHOLDS_MAX + 1] = { 0 };
	const struct nlattr *a;

	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		see(seen, a, TCPSTATE_A_THRESHOLDS_MAX);
		if (attr_type(a) && attr_type(a) <= TCPSTATE_A_THRESHOLDS_MAX)
			take(a, &c->threshold[attr_type(a)], 4, bad);
		else
			unknown("thresholds", a, bad);
	}
	*bad += complete("thresholds", seen, TCPSTATE_A_THRESHOLDS_MAX, 0);
}

static void parse_ignore(const struct nlattr *nest, struct nl_config *c, int *bad)
{
	unsigned char seen[TCPSTATE_A_IGNORE_MAX + 1] = { 0 };
	struct nl_ignore *ignore = &c->ignore[c->ignores];
	const struct nlattr *a;

	if (c->ignores == TCPSTATE_IGNORES_MAX) {
		printf("# more than %d are ignored\n", TCPSTATE_IGNORES_MAX);
		(*bad)++;
		return;
	}
	c->ignores++;
	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		see(seen, a, TCPSTATE_A_IGNORE_MAX);
		switch (attr_type(a)) {
		case TCPSTATE_A_IGNORE_KIND: take(a, &ignore->kind, 4, bad); break;
		case TCPSTATE_A_IGNORE_PORT: take(a, &ignore->port, 2, bad); break;
		case TCPSTATE_A_IGNORE_ADDR:
			ignore->family = attr_len(a) == 4 ? AF_INET : AF_INET6;
			take(a, ignore->addr, nl_addr_len(ignore->family), bad);
			break;
		default: unknown("ignore", a, bad);
		}
	}
	*bad += complete("ignore", seen, TCPSTATE_A_IGNORE_MAX, ~0ull);
	/* what does not matter is absent, not 0, and something matters */
	if (!seen[TCPSTATE_A_IGNORE_KIND] != !ignore->kind || !seen[TCPSTATE_A_IGNORE_PORT] != !ignore->port ||
	    (!ignore->kind && !ignore->port && !ignore->family)) {
		printf("# ignore: kind %u, port %u, family %u\n", ignore->kind, ignore->port, ignore->family);
		(*bad)++;
	}
}

int nl_parse_config(const struct nlmsghdr *h, struct nl_config *c)
{
	unsigned char seen[TCPSTATE_A_CONFIG_MAX + 1] = { 0 };
	const struct nlattr *a;
	int bad = 0;

	memset(c, 0, sizeof(*c));
	if (!is_cmd(h, TCPSTATE_CMD_CONFIG_GET))
		return -EBADMSG;
	for_each_attr(a, attrs_of(h), end_of(h)) {
		see(seen, a, TCPSTATE_A_CONFIG_MAX);
		switch (attr_type(a)) {
		case TCPSTATE_A_CONFIG_LIMIT: take(a, &c->limit, 4, &bad); break;
		case TCPSTATE_A_CONFIG_EVENT_BATCH: take(a, &c->batch, 4, &bad); break;
		case TCPSTATE_A_CONFIG_EVENT_DELAY_MS: take(a, &c->delay_ms, 4, &bad); break;
		case TCPSTATE_A_CONFIG_EVENT_QUEUE: take(a, &c->queue, 4, &bad); break;
		case TCPSTATE_A_CONFIG_THRESHOLDS: parse_thresholds(a, c, &bad); break;
		case TCPSTATE_A_CONFIG_IGNORE: parse_ignore(a, c, &bad); break;
		default: unknown("config", a, &bad);
		}
	}
	seen[TCPSTATE_A_CONFIG_IGNORE] = 1;	/* none, or several */
	bad += complete("config", seen, TCPSTATE_A_CONFIG_IGNORE, 0);
	return bad ? -EBADMSG : 0;
}

/* Listeners, destinations and local addresses */

#define OF_ALL		(BIT(TCPSTATE_A_PEER_KIND) | BIT(TCPSTATE_A_PEER_FAMILY) | BIT(TCPSTATE_A_PEER_LOCAL_ADDR) | \
			 BIT(TCPSTATE_A_PEER_COUNTS))
#define OF_SOCKETS	(BIT(TCPSTATE_A_PEER_IDLE) | BIT(TCPSTATE_A_PEER_UNREAD_EOF))
#define OF_PORTS	(BIT(TCPSTATE_A_PEER_PORTS_USED) | BIT(TCPSTATE_A_PEER_PORTS) | \
			 BIT(TCPSTATE_A_PEER_PLATEAU) | BIT(TCPSTATE_A_PEER_OPENS_MILLI) | \
			 BIT(TCPSTATE_A_PEER_FAILS_PER_MINUTE) | BIT(TCPSTATE_A_PEER_NO_PORT))
#define HOLDER		(BIT(TCPSTATE_A_PEER_UID) | BIT(TCPSTATE_A_PEER_INODE) | BIT(TCPSTATE_A_PEER_COOKIE) | \
			 BIT(TCPSTATE_A_PEER_CGROUP))

/* What is there of each kind, and what may be. */
static const struct { uint64_t must, may; } peer_kinds[] = {
	[TCPSTATE_PEER_KIND_LISTENER] = {
		OF_ALL | OF_SOCKETS | BIT(TCPSTATE_A_PEER_LOCAL_PORT) | BIT(TCPSTATE_A_PEER_SOCKETS) |
		BIT(TCPSTATE_A_PEER_QUEUE) | BIT(TCPSTATE_A_PEER_BACKLOG) | BIT(TCPSTATE_A_PEER_DROPS) |
		BIT(TCPSTATE_A_PEER_DROPS_PER_MINUTE) | BIT(TCPSTATE_A_PEER_NOT_ACCEPTED),
		HOLDER | BIT(TCPSTATE_A_PEER_WAITING_NS),
	},
	[TCPSTATE_PEER_KIND_DESTINATION] = {
		OF_ALL | OF_SOCKETS | OF_PORTS | BIT(TCPSTATE_A_PEER_REMOTE_ADDR) | BIT(TCPSTATE_A_PEER_REMOTE_PORT),
		HOLDER | BIT(TCPSTATE_A_PEER_PID) | BIT(TCPSTATE_A_PEER_REUSABLE),
	},
	[TCPSTATE_PEER_KIND_LOCAL_ADDRESS] = { OF_ALL | OF_PORTS, HOLDER | BIT(TCPSTATE_A_PEER_PID) },
};

static int check_peer(const unsigned char *seen, const struct nl_peer *p)
{
	uint64_t must, may;
	int i, bad = 0;

	if (p->kind < TCPSTATE_PEER_KIND_LISTENER || p->kind > TCPSTATE_PEER_KIND_LOCAL_ADDRESS ||
	    (p->family != AF_INET && p->family != AF_INET6)) {
		printf("# there is no peer of kind %u, family %u\n", p->kind, p->family);
		return 1;
	}
	must = peer_kinds[p->kind].must;
	may = peer_kinds[p->kind].may;
	for (i = 1; i <= TCPSTATE_A_PEER_MAX; i++) {
		if (i == TCPSTATE_A_PEER_PAD || (must & BIT(i) ? seen[i] == 1 : seen[i] <= (may & BIT(i) ? 1 : 0)))
			continue;
		printf("# attribute %d of a peer of kind %u is there %d times\n", i, p->kind, seen[i]);
		bad++;
	}
	/* what has waited for no time has not */
	if (!seen[TCPSTATE_A_PEER_WAITING_NS] != !p->waiting_ns)
		bad++;
	return bad + check_holder("peer", seen, TCPSTATE_A_PEER_UID, p->cookie, p->cgroup);
}

static bool parse_name(const struct nlattr *a, struct nl_peer *p, int *bad)
{
	switch (attr_type(a)) {
	case TCPSTATE_A_PEER_KIND: take(a, &p->kind, 4, bad); break;
	case TCPSTATE_A_PEER_FAMILY: take(a, &p->family, 4, bad); break;
	case TCPSTATE_A_PEER_LOCAL_ADDR: take(a, p->addr[0], nl_addr_len(p->family), bad); break;
	case TCPSTATE_A_PEER_REMOTE_ADDR: take(a, p->addr[1], nl_addr_len(p->family), bad); break;
	case TCPSTATE_A_PEER_LOCAL_PORT: take(a, &p->port[0], 2, bad); break;
	case TCPSTATE_A_PEER_REMOTE_PORT: take(a, &p->port[1], 2, bad); break;
	case TCPSTATE_A_PEER_COUNTS: take(a, &p->count[1], (STATES - 1) * 4, bad); break;
	case TCPSTATE_A_PEER_UID: take(a, &p->uid, 4, bad); break;
	case TCPSTATE_A_PEER_INODE: take(a, &p->inode, 8, bad); break;
	case TCPSTATE_A_PEER_COOKIE: take(a, &p->cookie, 8, bad); break;
	case TCPSTATE_A_PEER_CGROUP: take(a, &p->cgroup, 8, bad); break;
	case TCPSTATE_A_PEER_PID: take(a, &p->pid, 4, bad); break;
	case TCPSTATE_A_PEER_PAD: break;
	default: return false;
	}
	return true;
}

static void parse_number(const struct nlattr *a, struct nl_peer *p, int *bad)
{
	switch (attr_type(a)) {
	case TCPSTATE_A_PEER_SOCKETS: take(a, &p->sockets, 4, bad); break;
	case TCPSTATE_A_PEER_QUEUE: take(a, &p->queue, 4, bad); break;
	case TCPSTATE_A_PEER_BACKLOG: take(a, &p->backlog, 4, bad); break;
	case TCPSTATE_A_PEER_DROPS: take(a, &p->drops, 8, bad); break;
	case TCPSTATE_A_PEER_DROPS_PER_MINUTE: take(a, &p->drops_per_minute, 4, bad); break;
	case TCPSTATE_A_PEER_WAITING_NS: take(a, &p->waiting_ns, 8, bad); break;
	case TCPSTATE_A_PEER_PORTS_USED: take(a, &p->ports_used, 4, bad); break;
	case TCPSTATE_A_PEER_PORTS: take(a, &p->ports, 4, bad); break;
	case TCPSTATE_A_PEER_PLATEAU: take(a, &p->plateau, 4, bad); break;
	case TCPSTATE_A_PEER_REUSABLE: *bad += attr_len(a) != 0; break;
	case TCPSTATE_A_PEER_OPENS_MILLI: take(a, &p->opens_milli, 4, bad); break;
	case TCPSTATE_A_PEER_FAILS_PER_MINUTE: take(a, &p->fails_per_minute, 4, bad); break;
	case TCPSTATE_A_PEER_NO_PORT: take(a, &p->no_port, 8, bad); break;
	case TCPSTATE_A_PEER_IDLE: take(a, &p->idle, 4, bad); break;
	case TCPSTATE_A_PEER_UNREAD_EOF: take(a, &p->unread_eof, 4, bad); break;
	case TCPSTATE_A_PEER_NOT_ACCEPTED: take(a, &p->not_accepted, 4, bad); break;
	default: unknown("peer", a, bad);
	}
}

static void parse_peer(const struct nlattr *nest, struct nl_peer *p, int *bad)
{
	unsigned char seen[TCPSTATE_A_PEER_MAX + 1] = { 0 };
	const struct nlattr *a;

	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		see(seen, a, TCPSTATE_A_PEER_MAX);
		if (!parse_name(a, p, bad))
			parse_number(a, p, bad);
	}
	p->has_holder = seen[TCPSTATE_A_PEER_UID];
	p->reusable = seen[TCPSTATE_A_PEER_REUSABLE];
	*bad += check_peer(seen, p);
}

int nl_parse_peer(const struct nlmsghdr *h, struct nl_peer *p)
{
	const struct nlattr *a;
	int bad = 0, n = 0;

	memset(p, 0, sizeof(*p));
	if (!is_cmd(h, TCPSTATE_CMD_PEER_GET))
		return -EBADMSG;
	for_each_attr(a, attrs_of(h), end_of(h)) {
		if (attr_type(a) == TCPSTATE_A_PEERS_PEER && !n++)
			parse_peer(a, p, &bad);
		else
			unknown("peers", a, &bad);
	}
	return bad || n != 1 ? -EBADMSG : 0;
}

/* Alerts */

static int check_alert(const unsigned char *seen, const struct nl_alert *alert)
{
	const uint64_t may = BIT(TCPSTATE_A_ALERT_CLEARED_NS) | BIT(TCPSTATE_A_ALERT_FOLDED) |
			     BIT(TCPSTATE_A_ALERT_IGNORED) | BIT(TCPSTATE_A_ALERT_UNVERIFIED) |
			     BIT(TCPSTATE_A_ALERT_PEER) | BIT(TCPSTATE_A_ALERT_FILE_LIMIT) |
			     BIT(TCPSTATE_A_ALERT_WITHDRAWN);
	bool of_namespace = alert->kind >= TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE;
	int bad = complete("alert", seen, TCPSTATE_A_ALERT_MAX, may);

	if (alert->id && alert->kind && alert->kind <= TCPSTATE_ALERT_KIND_PEERS_FULL && alert->severity &&
	    alert->severity <= TCPSTATE_SEVERITY_PAGE && alert->reason &&
	    alert->reason <= TCPSTATE_ALERT_REASON_PEERS && alert->peak >= alert->value && alert->limit &&
	    alert->begun_ns && alert->begun_ns <= alert->raised_ns && alert->has_peer == !of_namespace &&
	    !seen[TCPSTATE_A_ALERT_CLEARED_NS] == !alert->cleared_ns &&
	    !seen[TCPSTATE_A_ALERT_FILE_LIMIT] == !alert->file_limit)
		return bad;
	printf("# alert %u of kind %u, severity %u, reason %u, ", alert->id, alert->kind, alert->severity,
	       alert->reason);
	printf("value %llu, peak %llu, limit %llu, begun %llu, raised %llu, cleared %llu\n",
	       (unsigned long long)alert->value, (unsigned long long)alert->peak, (unsigned long long)alert->limit,
	       (unsigned long long)alert->begun_ns, (unsigned long long)alert->raised_ns,
	       (unsigned long long)alert->cleared_ns);
	return bad + 1;
}

static bool parse_flag(const struct nlattr *a, struct nl_alert *alert, int *bad)
{
	switch (attr_type(a)) {
	case TCPSTATE_A_ALERT_FOLDED: alert->folded = true; break;
	case TCPSTATE_A_ALERT_IGNORED: alert->ignored = true; break;
	case TCPSTATE_A_ALERT_UNVERIFIED: alert->unverified = true; break;
	case TCPSTATE_A_ALERT_WITHDRAWN: alert->withdrawn = true; break;
	default: return false;
	}
	*bad += attr_len(a) != 0;
	return true;
}

static void parse_alert(const struct nlattr *nest, struct nl_alert *alert, int *bad)
{
	unsigned char seen[TCPSTATE_A_ALERT_MAX + 1] = { 0 };
	const struct nlattr *a;

	for_each_attr(a, attr_data(nest), attr_end(nest)) {
		see(seen, a, TCPSTATE_A_ALERT_MAX);
		if (parse_flag(a, alert, bad))
			continue;
		switch (attr_type(a)) {
		case TCPSTATE_A_ALERT_ID: take(a, &alert->id, 4, bad); break;
		case TCPSTATE_A_ALERT_KIND: take(a, &alert->kind, 4, bad); break;
		case TCPSTATE_A_ALERT_SEVERITY: take(a, &alert->severity, 4, bad); break;
		case TCPSTATE_A_ALERT_REASON: take(a, &alert->reason, 4, bad); break;
		case TCPSTATE_A_ALERT_VALUE: take(a, &alert->value, 8, bad); break;
		case TCPSTATE_A_ALERT_LIMIT: take(a, &alert->limit, 8, bad); break;
		case TCPSTATE_A_ALERT_PEAK: take(a, &alert->peak, 8, bad); break;
		case TCPSTATE_A_ALERT_RAISED_NS: take(a, &alert->raised_ns, 8, bad); break;
		case TCPSTATE_A_ALERT_BEGUN_NS: take(a, &alert->begun_ns, 8, bad); break;
		case TCPSTATE_A_ALERT_CLEARED_NS: take(a, &alert->cleared_ns, 8, bad); break;
		case TCPSTATE_A_ALERT_FILE_LIMIT: take(a, &alert->file_limit, 4, bad); break;
		case TCPSTATE_A_ALERT_PEER: parse_peer(a, &alert->peer, bad); break;
		case TCPSTATE_A_ALERT_PAD: break;
		default: unknown("alert", a, bad);
		}
	}
	alert->has_peer = seen[TCPSTATE_A_ALERT_PEER];
	seen[TCPSTATE_A_ALERT_PAD] = 1;
	*bad += check_alert(seen, alert);
}

static int parse_alerts(const struct nlmsghdr *h, struct nl_alert *alert, bool notice)
{
	const uint64_t of_notices = BIT(TCPSTATE_A_ALERTS_TIME_NS) | BIT(TCPSTATE_A_ALERTS_ACTION);
	unsigned char seen[TCPSTATE_A_ALERTS_MAX + 1] = { 0 };
	const struct nlattr *a;
	int bad = 0;

	for_each_attr(a, attrs_of(h), end_of(h)) {
		see(seen, a, TCPSTATE_A_ALERTS_MAX);
		switch (attr_type(a)) {
		case TCPSTATE_A_ALERTS_SEQ: take(a, &alert->seq, 8, &bad); break;
		case TCPSTATE_A_ALERTS_TIME_NS: take(a, &alert->time_ns, 8, &bad); break;
		case TCPSTATE_A_ALERTS_ACTION: take(a, &alert->action, 4, &bad); break;
		case TCPSTATE_A_ALERTS_ALERT: parse_alert(a, alert, &bad); break;
		case TCPSTATE_A_ALERTS_PAD: break;
		default: unknown("alerts", a, &bad);
		}
	}
	bad += complete("alerts", seen, TCPSTATE_A_ALERTS_ALERT, notice ? 0 : of_notices);
	if (!alert->seq || alert->action > TCPSTATE_ALERT_ACTION_CLEAR || !alert->action != !notice ||
	    !alert->time_ns != !notice) {
		printf("# an alert's seq %llu, action %u\n", (unsigned long long)alert->seq, alert->action);
		bad++;
	}
	return bad ? -EBADMSG : 0;
}

int nl_parse_alert(const struct nlmsghdr *h, struct nl_alert *a)
{
	const struct genlmsghdr *g = NLMSG_DATA(h);
	bool notice = h->nlmsg_len >= NLMSG_HDRLEN + GENL_HDRLEN && g->cmd == TCPSTATE_CMD_ALERT_NTF;

	memset(a, 0, sizeof(*a));
	if (!is_cmd(h, notice ? TCPSTATE_CMD_ALERT_NTF : TCPSTATE_CMD_ALERT_GET))
		return -EBADMSG;
	return parse_alerts(h, a, notice);
}

/* Requests */

struct list {
	void *to;
	int n, max;
};

static int take_peer(const struct nlmsghdr *h, void *arg)
{
	struct list *list = arg;
	struct nl_peer p;
	int err = nl_parse_peer(h, &p);

	if (!err && list->n++ < list->max)
		((struct nl_peer *)list->to)[list->n - 1] = p;
	return err;
}

static int take_alert(const struct nlmsghdr *h, void *arg)
{
	struct list *list = arg;
	struct nl_alert a;
	int err = nl_parse_alert(h, &a);

	if (!err && list->n++ < list->max)
		((struct nl_alert *)list->to)[list->n - 1] = a;
	return err;
}

int nl_peers(struct nl *nl, struct nl_peer *to, int max)
{
	struct list list = { to, 0, max };
	struct nl_msg m;
	int err;

	nl_begin(&m, nl, TCPSTATE_CMD_PEER_GET, NLM_F_DUMP);
	err = nl_dump_all(nl, &m, take_peer, &list);
	return err ? err : list.n;
}

int nl_alerts(struct nl *nl, struct nl_alert *to, int max)
{
	struct list list = { to, 0, max };
	struct nl_msg m;
	int err;

	nl_begin(&m, nl, TCPSTATE_CMD_ALERT_GET, NLM_F_DUMP);
	err = nl_dump_all(nl, &m, take_alert, &list);
	return err ? err : list.n;
}

int nl_alert_wait(struct nl *nl, int ms, struct nl_alert *a)
{
	int err = nl_wait(nl, ms);

	if (err <= 0)
		return err;
	err = nl->answer.h.nlmsg_len == nl->len ? nl_parse_alert(&nl->answer.h, a) : -EBADMSG;
	return err ? err : a->action ? 1 : -EBADMSG;
}

int nl_set_files(struct nl *nl, uint32_t id, uint32_t files)
{
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_ALERT_SET, NLM_F_ACK);
	nl_put_u32(&m, TCPSTATE_A_ALERTS_ID, id);
	nl_put_u32(&m, TCPSTATE_A_ALERTS_FILE_LIMIT, files);
	return nl_ask(nl, &m);
}
