// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/tcpstate.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "exchange.h"

/* The tests build with a family that is certainly absent. */
#ifndef TCPSTATE_LINK_FAMILY
#define TCPSTATE_LINK_FAMILY	TCPSTATE_FAMILY_NAME
#endif

#define CONFIG_MAX	8192		/* bytes of a request with all that can be set */

/* Of the last link that could not be opened. */
static _Thread_local char open_error[256];

/* The number of a family, and of its groups with these names: 0 where there is none. */
struct lookup {
	const char *names[LINK_GROUPS];
	uint16_t family;
	uint32_t groups[LINK_GROUPS];
};

static int take_group(const struct nlattr *nest, void *arg)
{
	struct lookup *l = arg;
	const struct nlattr *attr;
	const char *name = NULL;
	uint32_t id = 0;
	unsigned int i;

	mnl_attr_for_each_nested(attr, nest) {
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_NAME &&
		    !mnl_attr_validate(attr, MNL_TYPE_NUL_STRING))
			name = mnl_attr_get_str(attr);
		if (mnl_attr_get_type(attr) == CTRL_ATTR_MCAST_GRP_ID &&
		    !mnl_attr_validate(attr, MNL_TYPE_U32))
			id = mnl_attr_get_u32(attr);
	}
	for (i = 0; name && i < LINK_GROUPS; i++) {
		if (l->names[i] && !strcmp(name, l->names[i]))
			l->groups[i] = id;
	}
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

uint16_t link_family(const void *attrs, size_t len)
{
	struct lookup l = { .family = 0 };

	take_family(attrs, len, &l);
	return l.family;
}

static int look_up(struct tcpstate_link *link, const char *name, struct lookup *l)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	int ret;

	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, name);
	ret = link_ask(link, nlh, take_family, l);
	if (!ret && (!l->family || !l->groups[0]))
		ret = link_fail(link, -EBADMSG, "the kernel's family '%s' has no group '%s'", name,
				l->names[0]);
	return ret;
}

static int resolve(struct tcpstate_link *link)
{
	struct lookup own = {
		.names = {
			[LINK_TRANSITIONS] = TCPSTATE_MCGRP_TRANSITIONS,
			[LINK_ALERTS] = TCPSTATE_MCGRP_ALERTS,
		},
	};
	struct lookup control = { .names = { "notify" } };
	int ret;

	ret = look_up(link, TCPSTATE_LINK_FAMILY, &own);
	if (!ret)
		ret = look_up(link, "nlctrl", &control);
	link->family = own.family;
	memcpy(link->groups, own.groups, sizeof(link->groups));
	link->notify = control.groups[0];
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
		.absent = TCPSTATE_LINK_ABSENT,
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

static int put_value(struct tcpstate_link *link, struct nlmsghdr *nlh, uint16_t attr,
		     const struct tcpstate_value *v)
{
	if (!v->known)
		return 0;
	if (v->n > UINT32_MAX)
		return link_fail(link, -ERANGE, "a value is above 4294967295");
	mnl_attr_put_u32(nlh, attr, v->n);
	return 0;
}

static int put_thresholds(struct tcpstate_link *link, struct nlmsghdr *nlh,
			  const struct tcpstate_config *config)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, TCPSTATE_A_CONFIG_THRESHOLDS);
	unsigned int i, given = 0;
	int ret = 0;

	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX && !ret; i++) {
		ret = put_value(link, nlh, i, &config->threshold[i]);
		given += config->threshold[i].known;
	}
	if (given)
		mnl_attr_nest_end(nlh, nest);
	else
		mnl_attr_nest_cancel(nlh, nest);
	return ret;
}

static void put_ignore(struct nlmsghdr *nlh, const struct tcpstate_ignore *ignore)
{
	struct nlattr *nest = mnl_attr_nest_start(nlh, TCPSTATE_A_CONFIG_IGNORE);

	if (ignore->kind)
		mnl_attr_put_u32(nlh, TCPSTATE_A_IGNORE_KIND, ignore->kind);
	if (ignore->port)
		mnl_attr_put_u16(nlh, TCPSTATE_A_IGNORE_PORT, ignore->port);
	if (ignore->family)
		mnl_attr_put(nlh, TCPSTATE_A_IGNORE_ADDR, ignore->family == AF_INET ? 4 : 16,
			     ignore->addr);
	mnl_attr_nest_end(nlh, nest);
}

static int put_ignores(struct tcpstate_link *link, struct nlmsghdr *nlh,
		       const struct tcpstate_config *config)
{
	unsigned int i;

	if (!config->ignores.known)
		return 0;
	if (config->ignores.n > TCPSTATE_IGNORES_MAX)
		return link_fail(link, -ERANGE, "no more than %d can be ignored",
				 TCPSTATE_IGNORES_MAX);
	for (i = 0; i < config->ignores.n; i++)
		put_ignore(nlh, &config->ignore[i]);
	if (!i)
		mnl_attr_put(nlh, TCPSTATE_A_CONFIG_IGNORE_NONE, 0, NULL);
	return 0;
}

int tcpstate_link_config_set(struct tcpstate_link *link, const struct tcpstate_config *config)
{
	char buf[CONFIG_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, link->family, TCPSTATE_CMD_CONFIG_SET, 0);
	int ret;

	ret = put_value(link, nlh, TCPSTATE_A_CONFIG_LIMIT, &config->limit);
	if (!ret)
		ret = put_value(link, nlh, TCPSTATE_A_CONFIG_EVENT_BATCH, &config->event_batch);
	if (!ret)
		ret = put_value(link, nlh, TCPSTATE_A_CONFIG_EVENT_DELAY_MS,
				&config->event_delay_ms);
	if (!ret)
		ret = put_value(link, nlh, TCPSTATE_A_CONFIG_EVENT_QUEUE, &config->event_queue);
	if (!ret)
		ret = put_thresholds(link, nlh, config);
	if (!ret)
		ret = put_ignores(link, nlh, config);
	return ret ? ret : link_ask(link, nlh, NULL, NULL);
}

int tcpstate_link_switch(struct tcpstate_link *link, bool on)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, link->family, TCPSTATE_CMD_SWITCH_SET, 0);
	int ret;

	mnl_attr_put_u8(nlh, TCPSTATE_A_SWITCH_ENABLED, on);
	ret = link_ask(link, nlh, NULL, NULL);
	if (ret == -EOPNOTSUPP)
		return link_fail(link, ret, "the loaded module cannot be switched off: it is older than this program");
	return ret;
}

/* Endpoints */

static void put_filter(struct nlmsghdr *nlh, const void *arg)
{
	const struct tcpstate_filter *f = arg;
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
	struct endpoints to = { each, arg };
	const struct link_dump dump = {
		.cmd = TCPSTATE_CMD_ENDPOINT_GET,
		.put = put_filter,
		.what = filter,
		.take = take_endpoint,
		.to = &to,
		.restart = restart,
		.arg = arg,
	};

	return link_dump(link, &dump);
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
