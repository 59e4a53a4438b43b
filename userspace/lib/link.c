// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/tcpstate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"

/* The tests build with a family that is certainly absent. */
#ifndef TCPSTATE_LINK_FAMILY
#define TCPSTATE_LINK_FAMILY	TCPSTATE_FAMILY_NAME
#endif

#define EVENT_BUFFER	(4 * 1024 * 1024)
#define EVENT_MESSAGES	256		/* a reader gets to act between so many */
#define DUMP_ATTEMPTS	4

/* Of the last link that could not be opened. */
static _Thread_local char open_error[256];

/* The number of a family, and of one of its groups: 0 where there is none. */
struct lookup {
	const char *group_name;
	uint16_t family;
	uint32_t group;
};

static int take_group(const struct nlattr *nest, void *arg)
{
	struct lookup *l = arg;
	const struct nlattr *attr;
	const char *name = NULL;
	uint32_t id = 0;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    !mnl_attr_validate(attr, MNL_TYPE_U32))
			id = mnl_attr_get_u32(attr);
	}
	if (name && !strcmp(name, l->group_name))
		l->group = id;
	return MNL_CB_OK;
}

static int take_family_attr(const struct nlattr *attr, void *arg)
{
	struct lookup *l = arg;

	if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
	    !mnl_attr_validate(attr, MNL_TYPE_U16))
		l->family = mnl_attr_get_u16(attr);
	if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GROUPS)
		mnl_attr_parse_nested(attr, take_group, l);
	return MNL_CB_OK;
}

static int take_family(const void *attrs, size_t len, void *arg)
{
	mnl_attr_parse_payload(attrs, len, take_family_attr, arg);
	return 0;
}

static int look_up(struct tcpstate_link *link, const char *name, struct lookup *l)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	int ret;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	ret = link_ask(link, nlh, take_family, l);
	if (!ret && (!l->family || !l->group))
		ret = link_fail(link, -EBADMSG, "the kernel's family '%s' has no group '%s'", name,
			   l->group_name);
	return ret;
}

static int resolve(struct tcpstate_link *link)
{
	struct lookup own = { .group_name = TCPSTATE_MCGRP_TRANSITIONS };
	struct lookup control = { .group_name = "notify" };
	int ret;

	ret = look_up(link, TCPSTATE_LINK_FAMILY, &own);
	if (!ret)
		ret = look_up(link, "nlctrl", &control);
	link->family = own.family;
	link->group = own.group;
	link->notify = control.group;
	return ret;
}

static int open_socket(struct tcpstate_link *link)
{
	int on = 1;

	link->nl = mnl_socket_open2(link->kind->bus, SOCK_CLOEXEC);
	if (!link->nl || mnl_socket_bind(link->nl, 0, MNL_SOCKET_AUTOPID) < 0)
		return link_fail_errno(link, "cannot open a netlink socket");
	/* Without them there are numbers instead of words. */
	mnl_socket_setsockopt(link->nl, NETLINK_EXT_ACK, &on, sizeof(on));
	mnl_socket_setsockopt(link->nl, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

int link_open(struct tcpstate_link **result, const struct link_kind *kind,
	      int (*begin)(struct tcpstate_link *link))
{
	struct tcpstate_link *link = calloc(1, sizeof(*link));
	int ret;

	*result = NULL;
	if (!link) {
		snprintf(open_error, sizeof(open_error), "%s", strerror(ENOMEM));
		return -ENOMEM;
	}
	link->kind = kind;
	ret = open_socket(link);
	if (!ret && begin)
		ret = begin(link);
	if (!ret) {
		*result = link;
		return 0;
	}
	memcpy(open_error, link->error, sizeof(open_error));
	tcpstate_link_close(link);
	return ret;
}

int tcpstate_link_open(struct tcpstate_link **result)
{
	static const struct link_kind kind = {
		.bus = NETLINK_GENERIC,
		.header = GENL_HDRLEN,
		.absent = "the tcpstate module is not loaded; load it with: modprobe tcpstate",
		.unreadable = "the module's answer cannot be read: module and tools do not match",
	};

	return link_open(result, &kind, resolve);
}

void tcpstate_link_close(struct tcpstate_link *link)
{
	if (link && link->nl)
		mnl_socket_close(link->nl);
	free(link);
}

const char *tcpstate_link_error(const struct tcpstate_link *link)
{
	return link ? link->error : open_error;
}

int tcpstate_link_fd(const struct tcpstate_link *link)
{
	return mnl_socket_get_fd(link->nl);
}

/* Statistics, configuration */

static int take_stats(const void *attrs, size_t len, void *arg)
{
	return tcpstate_decode_stats(attrs, len, arg);
}

int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));

	return link_ask(link, link_request(link, buf, link->family, TCPSTATE_CMD_STATS_GET, 0),
		   take_stats, stats);
}

static int take_config(const void *attrs, size_t len, void *arg)
{
	return tcpstate_decode_config(attrs, len, arg);
}

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *config)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));

	return link_ask(link, link_request(link, buf, link->family, TCPSTATE_CMD_CONFIG_GET, 0),
		   take_config, config);
}

int tcpstate_link_config_set(struct tcpstate_link *link, const struct tcpstate_config *config)
{
	const struct {
		uint16_t attr;
		const struct tcpstate_value *value;
	} values[] = {
		{ TCPSTATE_A_CONFIG_LIMIT, &config->limit },
		{ TCPSTATE_A_CONFIG_EVENT_BATCH, &config->event_batch },
		{ TCPSTATE_A_CONFIG_EVENT_DELAY_MS, &config->event_delay_ms },
		{ TCPSTATE_A_CONFIG_EVENT_QUEUE, &config->event_queue },
	};
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, link->family, TCPSTATE_CMD_CONFIG_SET, 0);
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!values[i].value->known)
			continue;
		if (values[i].value->n > UINT32_MAX)
			return link_fail(link, -ERANGE, "a value is above 4294967295");
		mnl_attr_put_u32(nlh, values[i].attr, values[i].value->n);
	}
	return link_ask(link, nlh, NULL, NULL);
}

/* Endpoints */

static void put_filter(struct nlmsghdr *nlh, const struct tcpstate_filter *f)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, TCPSTATE_A_ENDPOINT_FILTER);

	if (f->states)
		mnl_attr_put_u32(nlh, TCPSTATE_A_FILTER_STATES, f->states);
	if (f->family)
		mnl_attr_put_u32(nlh, TCPSTATE_A_FILTER_FAMILY, f->family);
	if (f->laddr_len) {
		mnl_attr_put(nlh, TCPSTATE_A_FILTER_LOCAL_ADDR, f->laddr_len, f->laddr);
		mnl_attr_put_u32(nlh, TCPSTATE_A_FILTER_LOCAL_PREFIX, f->lprefix);
	}
	if (f->raddr_len) {
		mnl_attr_put(nlh, TCPSTATE_A_FILTER_REMOTE_ADDR, f->raddr_len, f->raddr);
		mnl_attr_put_u32(nlh, TCPSTATE_A_FILTER_REMOTE_PREFIX, f->rprefix);
	}
	mnl_attr_put_u16(nlh, TCPSTATE_A_FILTER_LOCAL_PORT_MIN, f->lport_min);
	if (f->lport_max)
		mnl_attr_put_u16(nlh, TCPSTATE_A_FILTER_LOCAL_PORT_MAX, f->lport_max);
	mnl_attr_put_u16(nlh, TCPSTATE_A_FILTER_REMOTE_PORT_MIN, f->rport_min);
	if (f->rport_max)
		mnl_attr_put_u16(nlh, TCPSTATE_A_FILTER_REMOTE_PORT_MAX, f->rport_max);
	if (f->min_age_ns)
		mnl_attr_put_u64(nlh, TCPSTATE_A_FILTER_MIN_AGE_NS, f->min_age_ns);
	if (f->limit)
		mnl_attr_put_u32(nlh, TCPSTATE_A_FILTER_LIMIT, f->limit);
	mnl_attr_nest_end(nlh, nest);
}

struct endpoints {
	int (*each)(const struct tcpstate_endpoint *e, void *arg);
	void *arg;
};

static int take_endpoint(const void *attrs, size_t len, void *arg)
{
	const struct endpoints *to = arg;
	struct tcpstate_endpoint e;
	int ret = tcpstate_decode_endpoint(attrs, len, &e);

	return ret ? ret : to->each(&e, to->arg);
}

int tcpstate_link_endpoints(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			    int (*each)(const struct tcpstate_endpoint *e, void *arg),
			    void (*restart)(void *arg), void *arg)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct endpoints to = { each, arg };
	struct nlmsghdr *nlh;
	int attempt, ret;

	for (attempt = 1;; attempt++) {
		struct exchange x = { .link = link, .take = take_endpoint, .arg = &to };

		nlh = link_request(link, buf, link->family, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
		put_filter(nlh, filter);
		ret = link_exchange(&x, nlh);
		if (ret || !x.interrupted || attempt == DUMP_ATTEMPTS)
			return ret;
		restart(arg);
	}
}

static int take_one(const void *attrs, size_t len, void *arg)
{
	return tcpstate_decode_endpoint(attrs, len, arg);
}

int tcpstate_link_endpoint(struct tcpstate_link *link, const struct tcpstate_tuple *t,
			   struct tcpstate_endpoint *e)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, link->family, TCPSTATE_CMD_ENDPOINT_GET, 0);
	size_t size = t->family == AF_INET ? 4 : 16;

	mnl_attr_put_u32(nlh, TCPSTATE_A_ENDPOINT_FAMILY, t->family);
	mnl_attr_put(nlh, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, size, t->laddr);
	mnl_attr_put(nlh, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, size, t->raddr);
	mnl_attr_put_u16(nlh, TCPSTATE_A_ENDPOINT_LOCAL_PORT, t->lport);
	mnl_attr_put_u16(nlh, TCPSTATE_A_ENDPOINT_REMOTE_PORT, t->rport);
	if (t->scope)
		mnl_attr_put_u32(nlh, TCPSTATE_A_ENDPOINT_SCOPE, t->scope);
	return link_ask(link, nlh, take_one, e);
}

/* Events */

int tcpstate_link_subscribe(struct tcpstate_link *link, unsigned int buffer)
{
	int fd = mnl_socket_get_fd(link->nl), size = buffer ? buffer : EVENT_BUFFER, ret;
	struct tcpstate_stats stats;

	/* Beyond rmem_max only with CAP_NET_ADMIN in the initial namespace. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* Before: what is lost between this and the first message is this reader's loss, too. */
	ret = tcpstate_link_stats(link, &stats);
	if (ret)
		return ret;
	link->lost_before = stats.event_lost;
	/* First, so that no end of the family goes unseen. */
	if (mnl_socket_setsockopt(link->nl, NETLINK_ADD_MEMBERSHIP, &link->notify,
				  sizeof(link->notify)) < 0)
		return link_fail_errno(link, "cannot join a group");
	if (!mnl_socket_setsockopt(link->nl, NETLINK_ADD_MEMBERSHIP, &link->group,
				   sizeof(link->group)))
		return 0;
	if (errno == EPERM)
		return link_refused(link, -EPERM, NULL, 0);
	return link_fail_errno(link, "cannot join a group");
}

struct events {
	struct tcpstate_link *link;
	int (*each)(const struct tcpstate_transition *t, void *arg);
	void *arg;
};

static int take_transition(const struct tcpstate_transition *t, void *arg)
{
	const struct events *to = arg;
	struct tcpstate_link *link = to->link;

	if (link->started && t->seq > link->next_seq)
		link->loss.reader += t->seq - link->next_seq;
	link->next_seq = t->seq + 1;
	link->started = true;
	return to->each(t, to->arg);
}

static int take_events(const void *attrs, size_t len, void *arg)
{
	const struct events *to = arg;
	struct tcpstate_link *link = to->link;
	uint64_t lost;
	int ret;

	ret = tcpstate_decode_events(attrs, len, &lost, take_transition, arg);
	if (ret == -EBADMSG)
		return ret;
	if (lost > link->lost_before)
		link->loss.kernel = lost - link->lost_before;
	return ret;
}

/* What the control family says: -ENOENT where our family is gone. */
static int take_control(const void *attrs, size_t len, void *arg)
{
	struct tcpstate_link *link = arg;
	struct lookup l = { .group_name = "" };

	take_family(attrs, len, &l);
	return l.family == link->family ? link_fail(link, -ENOENT, "the module has been unloaded") : 0;
}

static int take_datagram(struct tcpstate_link *link, ssize_t n, struct events *to)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)link->reply;
	int len = n, ret = 0;

	for (; mnl_nlmsg_ok(nlh, len) && !ret; nlh = mnl_nlmsg_next(nlh, &len)) {
		const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);

		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
			continue;
		if (nlh->nlmsg_type == link->family && genl->cmd == TCPSTATE_CMD_TRANSITION_NTF)
			ret = link_take(link, nlh, take_events, to);
		else if (nlh->nlmsg_type == GENL_ID_CTRL && genl->cmd == CTRL_CMD_DELFAMILY)
			ret = link_take(link, nlh, take_control, link);
	}
	return ret;
}

int tcpstate_link_events(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_transition *t, void *arg), void *arg,
			 struct tcpstate_loss *loss)
{
	struct events to = { link, each, arg };
	unsigned int messages;
	int ret = 0;
	ssize_t n;

	for (messages = 0; messages < EVENT_MESSAGES && !ret; messages++) {
		n = link_receive(link, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n >= 0)
			ret = take_datagram(link, n, &to);
		else if (errno != ENOBUFS)	/* what it lost, the sequence tells */
			ret = link_fail_errno(link, "cannot receive events");
	}
	*loss = link->loss;
	return ret;
}
