// SPDX-License-Identifier: GPL-2.0-only
/* Requests, attribute by attribute and as a whole, and sockets; declared in nl.h. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "nl.h"

void nl_begin(struct nl_msg *m, const struct nl *nl, int cmd, int flags)
{
	struct genlmsghdr *g = (struct genlmsghdr *)(m->bytes + NLMSG_HDRLEN);

	memset(m, 0, NLMSG_HDRLEN + GENL_HDRLEN);
	m->h.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	m->h.nlmsg_type = nl->family;
	m->h.nlmsg_flags = NLM_F_REQUEST | flags;
	g->cmd = cmd;
	g->version = TCPSTATE_FAMILY_VERSION;
}

void nl_put(struct nl_msg *m, int type, const void *data, size_t len)
{
	struct nlattr *a = (struct nlattr *)(m->bytes + m->h.nlmsg_len);

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memset((char *)a + NLA_HDRLEN, 0, NLA_ALIGN(len));
	if (len)
		memcpy((char *)a + NLA_HDRLEN, data, len);
	m->h.nlmsg_len += NLA_ALIGN(a->nla_len);
}

void nl_put_u16(struct nl_msg *m, int type, uint16_t value)
{
	nl_put(m, type, &value, sizeof(value));
}

void nl_put_u32(struct nl_msg *m, int type, uint32_t value)
{
	nl_put(m, type, &value, sizeof(value));
}

void nl_put_u64(struct nl_msg *m, int type, uint64_t value)
{
	nl_put(m, type, &value, sizeof(value));
}

void nl_put_tuple(struct nl_msg *m, const struct nl_tuple *t)
{
	nl_put_u32(m, TCPSTATE_A_ENDPOINT_FAMILY, t->family);
	nl_put(m, TCPSTATE_A_ENDPOINT_LOCAL_ADDR, t->addr[0], nl_addr_len(t->family));
	nl_put(m, TCPSTATE_A_ENDPOINT_REMOTE_ADDR, t->addr[1], nl_addr_len(t->family));
	nl_put_u16(m, TCPSTATE_A_ENDPOINT_LOCAL_PORT, t->port[0]);
	nl_put_u16(m, TCPSTATE_A_ENDPOINT_REMOTE_PORT, t->port[1]);
	if (t->scope)
		nl_put_u32(m, TCPSTATE_A_ENDPOINT_SCOPE, t->scope);
}

void nl_put_ignore(struct nl_msg *m, const struct nl_ignore *ignore)
{
	struct nlattr *nest = nl_nest(m, TCPSTATE_A_CONFIG_IGNORE);

	if (ignore->kind)
		nl_put_u32(m, TCPSTATE_A_IGNORE_KIND, ignore->kind);
	if (ignore->port)
		nl_put_u16(m, TCPSTATE_A_IGNORE_PORT, ignore->port);
	if (ignore->family)
		nl_put(m, TCPSTATE_A_IGNORE_ADDR, ignore->addr, nl_addr_len(ignore->family));
	nl_nest_end(m, nest);
}

struct nlattr *nl_nest(struct nl_msg *m, int type)
{
	struct nlattr *nest = (struct nlattr *)(m->bytes + m->h.nlmsg_len);

	nl_put(m, type | NLA_F_NESTED, NULL, 0);
	return nest;
}

void nl_nest_end(struct nl_msg *m, struct nlattr *nest)
{
	nest->nla_len = m->bytes + m->h.nlmsg_len - (char *)nest;
}

int nl_stats(struct nl *nl, struct nl_stats *s)
{
	struct nl_msg m;
	int err;

	nl_begin(&m, nl, TCPSTATE_CMD_STATS_GET, 0);
	err = nl_ask(nl, &m);
	return err ? err : nl_parse_stats(&nl->answer.h, s);
}

int nl_config(struct nl *nl, struct nl_config *c)
{
	struct nl_msg m;
	int err;

	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_GET, 0);
	err = nl_ask(nl, &m);
	return err ? err : nl_parse_config(&nl->answer.h, c);
}

int nl_set(struct nl *nl, int key, uint32_t value)
{
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nl_put_u32(&m, key, value);
	return nl_ask(nl, &m);
}

int nl_set_threshold(struct nl *nl, int threshold, uint32_t value)
{
	struct nlattr *nest;
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	nest = nl_nest(&m, TCPSTATE_A_CONFIG_THRESHOLDS);
	nl_put_u32(&m, threshold, value);
	nl_nest_end(&m, nest);
	return nl_ask(nl, &m);
}

int nl_get(struct nl *nl, const struct nl_tuple *t, struct nl_endpoint *e)
{
	struct nl_msg m;
	int err;

	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, 0);
	nl_put_tuple(&m, t);
	err = nl_ask(nl, &m);
	return err ? err : nl_parse_endpoint(&nl->answer.h, e);
}

int nl_join(struct nl *nl, int group)
{
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &nl->group[group], sizeof(int)) ? -errno : 0;
}

int nl_leave(struct nl *nl, int group)
{
	return setsockopt(nl->fd, SOL_NETLINK, NETLINK_DROP_MEMBERSHIP, &nl->group[group], sizeof(int)) ? -errno : 0;
}

static void take_addr(struct nl_tuple *t, int end, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)addr;
	const struct sockaddr_in *in = (const struct sockaddr_in *)addr;

	t->port[end] = ntohs(in->sin_port);	/* where it is in a sockaddr_in6, too */
	t->family = AF_INET;
	if (addr->ss_family == AF_INET) {
		memcpy(t->addr[end], &in->sin_addr, 4);
	} else if (IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr)) {
		memcpy(t->addr[end], in6->sin6_addr.s6_addr + 12, 4);
	} else {
		memcpy(t->addr[end], &in6->sin6_addr, 16);
		t->family = AF_INET6;
	}
}

static bool listens(int fd)
{
	socklen_t len = sizeof(int);
	int yes = 0;

	return !getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &yes, &len) && yes;
}

int nl_tuple_of(int fd, struct nl_tuple *t)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	memset(t, 0, sizeof(*t));
	if (getsockname(fd, (struct sockaddr *)&addr, &len))
		return -errno;
	take_addr(t, 0, &addr);
	if (listens(fd))
		return 0;
	len = sizeof(addr);
	if (getpeername(fd, (struct sockaddr *)&addr, &len))
		return -errno;
	take_addr(t, 1, &addr);
	return 0;
}

bool nl_same(const struct nl_tuple *a, const struct nl_tuple *b)
{
	return !memcmp(a, b, sizeof(*a));
}

socklen_t nl_sockaddr(struct sockaddr_storage *addr, const char *host, int port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	if (strchr(host, ':')) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(port);
		inet_pton(AF_INET6, host, &in6->sin6_addr);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(port);
	inet_pton(AF_INET, host, &in->sin_addr);
	return sizeof(*in);
}

static int socket_at(const char *host, int port, int flags)
{
	struct sockaddr_storage addr;
	socklen_t len = nl_sockaddr(&addr, host, port);
	int fd, one = 1;

	fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, (struct sockaddr *)&addr, len))
		return fd;
	close(fd);
	return -1;
}

int nl_listen(const char *host, int port, int backlog)
{
	int fd = socket_at(host, port, 0);

	if (fd >= 0 && listen(fd, backlog)) {
		close(fd);
		return -1;
	}
	return fd;
}

int nl_connect(const char *host, int port, const char *to, int to_port, bool nonblock)
{
	int flags = nonblock ? SOCK_NONBLOCK : 0, fd;
	struct sockaddr_storage addr;
	socklen_t len = nl_sockaddr(&addr, to, to_port);

	if (host)
		fd = socket_at(host, port, flags);
	else
		fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		return -1;
	if (connect(fd, (struct sockaddr *)&addr, len) && errno != EINPROGRESS) {
		int err = errno;

		close(fd);
		errno = err;
		return -1;
	}
	return fd;
}

void nl_reset(int fd)
{
	struct linger l = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}
