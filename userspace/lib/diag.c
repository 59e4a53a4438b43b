// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "diag.h"
#include "exchange.h"

#define DUMP_ATTEMPTS	4
#define ALL_STATES	((2u << TCPSTATE_STATE_LAST) - (1u << TCPSTATE_STATE_FIRST))

int tcpstate_diag_open(struct tcpstate_link **link)
{
	static const struct link_kind kind = {
		.bus = NETLINK_SOCK_DIAG,
		.absent = "the kernel cannot list its TCP sockets; load what it needs with: "
			  "modprobe tcp_diag",
		.unreadable = "the kernel's list of TCP sockets cannot be read",
	};

	return link_open(link, &kind, NULL);
}

/* Begins a request in @buf, LINK_REQUEST_MAX bytes that are aligned. */
static struct nlmsghdr *request(struct tcpstate_link *link, char *buf, uint16_t flags,
				const struct inet_diag_req_v2 *req)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);

	nlh->nlmsg_type = SOCK_DIAG_BY_FAMILY;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++link->seq;
	memcpy(mnl_nlmsg_put_extra_header(nlh, sizeof(*req)), req, sizeof(*req));
	return nlh;
}

struct sockets {
	const struct tcpstate_filter *filter;
	int (*each)(const struct tcpstate_seen *seen, void *arg);
	void *arg;
};

static int take_socket(const void *msg, size_t len, void *arg)
{
	const struct sockets *to = arg;
	struct tcpstate_seen seen;
	int ret = tcpstate_decode_diag(msg, len, &seen);

	if (ret)
		return ret;
	/* The kernel has looked at the state before; it may be CLOSE by now. */
	if (seen.state == TCPSTATE_STATE_CLOSE || !tcpstate_filter_match(to->filter, &seen.tuple))
		return 0;
	return to->each(&seen, to->arg);
}

static int dump(struct tcpstate_link *link, int family, struct sockets *to, bool *interrupted)
{
	struct exchange x = { .link = link, .take = take_socket, .arg = to };
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct inet_diag_req_v2 req = {
		.sdiag_family = family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = (to->filter->states ? to->filter->states : ALL_STATES) &
				~(1u << TCPSTATE_STATE_CLOSE),
	};
	int ret = link_exchange(&x, request(link, buf, NLM_F_DUMP, &req));

	*interrupted = x.interrupted;
	/* For whoever asked, -ENOENT is the module's absence. */
	return ret == -ENOENT ? -EOPNOTSUPP : ret;
}

int tcpstate_diag_sockets(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			  int (*each)(const struct tcpstate_seen *seen, void *arg),
			  void (*restart)(void *arg), void *arg)
{
	struct sockets to = { filter, each, arg };
	bool v4 = false, v6 = false;
	int attempt, ret;

	for (attempt = 1;; attempt++) {
		ret = 0;
		if (filter->family != AF_INET6)
			ret = dump(link, AF_INET, &to, &v4);
		/* IPv4, too: what is v4-mapped is listed here. */
		if (!ret)
			ret = dump(link, AF_INET6, &to, &v6);
		if (ret || !(v4 || v6) || attempt == DUMP_ATTEMPTS)
			return ret;
		restart(arg);
	}
}

/* Where no connection has the tuple, the kernel answers with the listener that would take it. */
struct wanted {
	const struct tcpstate_tuple *tuple;
	struct tcpstate_seen *seen;
	bool found;
};

static int take_one(const void *msg, size_t len, void *arg)
{
	struct wanted *want = arg;
	int ret = tcpstate_decode_diag(msg, len, want->seen);

	if (!ret)
		want->found = want->seen->state != TCPSTATE_STATE_CLOSE &&
			      !memcmp(&want->seen->tuple, want->tuple, sizeof(*want->tuple));
	return ret;
}

int tcpstate_diag_socket(struct tcpstate_link *link, const struct tcpstate_tuple *t,
			 struct tcpstate_seen *seen)
{
	struct inet_diag_req_v2 req = {
		.sdiag_family = t->family,
		.sdiag_protocol = IPPROTO_TCP,
		.idiag_states = ALL_STATES,
		.id.idiag_sport = htons(t->lport),
		.id.idiag_dport = htons(t->rport),
		.id.idiag_if = t->scope,
		.id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct wanted want = { .tuple = t, .seen = seen };
	int ret;

	memcpy(req.id.idiag_src, t->laddr, sizeof(t->laddr));
	memcpy(req.id.idiag_dst, t->raddr, sizeof(t->raddr));
	ret = link_ask(link, request(link, buf, 0, &req), take_one, &want);
	return ret || want.found ? ret : -ENOENT;
}
