// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/tcpstate.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "exchange.h"

#define DUMP_ATTEMPTS	4

int link_fail(struct tcpstate_link *link, int err, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(link->error, sizeof(link->error), fmt, args);
	va_end(args);
	return err;
}

int link_fail_errno(struct tcpstate_link *link, const char *what)
{
	int err = errno;

	return link_fail(link, -err, "%s: %s", what, strerror(err));
}

struct nlmsghdr *link_request(struct tcpstate_link *link, char *buf, uint16_t family,
			      uint8_t cmd, uint16_t flags)
{
	struct genlmsghdr *genl;
	struct nlmsghdr *nlh;

	memset(buf, 0, LINK_REQUEST_MAX);	/* libmnl leaves what pads as it is */
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | flags;
	nlh->nlmsg_seq = ++link->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = cmd;
	genl->version = TCPSTATE_FAMILY_VERSION;
	return nlh;
}

/* The kernel's own words; not null-terminated. */
struct extack {
	const char *text;
	size_t len;
};

static int find_text(const struct nlattr *attr, void *arg)
{
	struct extack *ack = arg;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG) {
		ack->text = mnl_attr_get_payload(attr);
		ack->len = strnlen(ack->text, mnl_attr_get_payload_len(attr));
	}
	return MNL_CB_OK;
}

/* In the attributes from byte @skip of the message on. */
static struct extack extack_of(const struct nlmsghdr *nlh, size_t skip)
{
	struct extack ack = { NULL, 0 };
	size_t len = mnl_nlmsg_get_payload_len(nlh);

	if ((nlh->nlmsg_flags & NLM_F_ACK_TLVS) && skip < len)
		mnl_attr_parse_payload((const char *)mnl_nlmsg_get_payload(nlh) + skip, len - skip,
				       find_text, &ack);
	return ack;
}

int link_refused(struct tcpstate_link *link, int err, const struct nlmsghdr *nlh, size_t skip)
{
	struct extack ack = { NULL, 0 };

	if (nlh)
		ack = extack_of(nlh, skip);
	if (ack.len)
		return link_fail(link, err, "%.*s", (int)ack.len, ack.text);
	if (err == -EPERM)
		return link_fail(link, err, "needs CAP_NET_ADMIN (root)");
	if (err == -ENOENT)
		return link_fail(link, err, "%s", link->kind->absent);
	return link_fail(link, err, "the kernel refuses: %s", strerror(-err));
}

/* The acknowledgment of a request (an error of 0), or its refusal. */
static int take_error(struct tcpstate_link *link, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = mnl_nlmsg_get_payload(nlh);
	size_t skip = sizeof(*err);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err))
		return link_fail(link, -EBADMSG, "the kernel's answer cannot be read");
	if (!err->error)
		return 0;
	/* The request comes back in full where NETLINK_CAP_ACK is not known. */
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		skip += MNL_ALIGN(err->msg.nlmsg_len) - sizeof(err->msg);
	return link_refused(link, err->error, nlh, skip);
}

/* The end of a dump. */
static int take_done(struct tcpstate_link *link, const struct nlmsghdr *nlh)
{
	const int *err = mnl_nlmsg_get_payload(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*err) || *err >= 0)
		return 0;
	return link_refused(link, *err, nlh, sizeof(*err));
}

int link_take(struct tcpstate_link *link, const struct nlmsghdr *nlh, take_fn take,
	      void *arg)
{
	size_t len = mnl_nlmsg_get_payload_len(nlh), header = link->kind->header;
	int ret;

	if (len < header)
		return link_fail(link, -EBADMSG, "the kernel's answer cannot be read");
	ret = take(mnl_nlmsg_get_payload_offset(nlh, header), len - header, arg);
	if (ret == -EBADMSG)
		return link_fail(link, ret, "%s", link->kind->unreadable);
	return ret;
}

/* One datagram from the kernel, whoever else may send to this socket. */
ssize_t link_receive(struct tcpstate_link *link, int flags)
{
	struct sockaddr_nl from;
	socklen_t size;
	ssize_t n;

	do {
		size = sizeof(from);
		n = recvfrom(mnl_socket_get_fd(link->nl), link->reply, sizeof(link->reply),
			     flags | MSG_TRUNC, (struct sockaddr *)&from, &size);
	} while ((n < 0 && errno == EINTR) ||
		 (n >= 0 && (size != sizeof(from) || from.nl_pid)));
	if (n <= (ssize_t)sizeof(link->reply))
		return n;
	errno = EMSGSIZE;
	return -1;
}

static void take_answer(struct exchange *x, const struct nlmsghdr *nlh)
{
	int ret;

	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR)
		x->interrupted = true;
	if (nlh->nlmsg_type == NLMSG_ERROR || nlh->nlmsg_type == NLMSG_DONE) {
		x->done = true;
		ret = nlh->nlmsg_type == NLMSG_DONE ? take_done(x->link, nlh) :
						      take_error(x->link, nlh);
		if (!x->ret)
			x->ret = ret;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE && !x->ret && x->take) {
		/* What is left of a dump that has been ended is read and dropped. */
		x->ret = link_take(x->link, nlh, x->take, x->arg);
	}
}

int link_exchange(struct exchange *x, struct nlmsghdr *nlh)
{
	struct tcpstate_link *link = x->link;
	const uint32_t seq = nlh->nlmsg_seq;
	ssize_t n;
	int len;

	if (mnl_socket_sendto(link->nl, nlh, nlh->nlmsg_len) < 0)
		return link_fail_errno(link, "cannot ask the kernel");
	while (!x->done) {
		n = link_receive(link, 0);
		if (n < 0)
			return link_fail_errno(link, "no answer from the kernel");
		len = n;
		nlh = (struct nlmsghdr *)link->reply;
		for (; mnl_nlmsg_ok(nlh, len); nlh = mnl_nlmsg_next(nlh, &len)) {
			if (nlh->nlmsg_seq == seq)
				take_answer(x, nlh);
		}
	}
	return x->ret;
}

/* The acknowledgment ends the answer. */
int link_ask(struct tcpstate_link *link, struct nlmsghdr *nlh, take_fn take, void *arg)
{
	struct exchange x = { .link = link, .take = take, .arg = arg };

	nlh->nlmsg_flags |= NLM_F_ACK;
	return link_exchange(&x, nlh);
}

int link_dump(struct tcpstate_link *link, const struct link_dump *dump)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh;
	int attempt, ret;

	for (attempt = 1;; attempt++) {
		struct exchange x = { .link = link, .take = dump->take, .arg = dump->to };

		nlh = link_request(link, buf, link->family, dump->cmd, NLM_F_DUMP);
		if (dump->put)
			dump->put(nlh, dump->what);
		ret = link_exchange(&x, nlh);
		if (ret || !x.interrupted || attempt == DUMP_ATTEMPTS)
			return ret;
		dump->restart(dump->arg);
	}
}
