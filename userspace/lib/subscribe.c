// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/tcpstate.h>
#include <sys/socket.h>

#include "alert.h"
#include "exchange.h"

#define EVENT_BUFFER	(4 * 1024 * 1024)
#define EVENT_MESSAGES	256		/* a reader gets to act between so many */

static int join(struct tcpstate_link *link, uint32_t group)
{
	if (mnl_socket_setsockopt(link->nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) >= 0)
		return 0;
	if (errno == EPERM)
		return link_refused(link, -EPERM, NULL, 0);
	return link_fail_errno(link, "cannot join a group");
}

static int subscribe(struct tcpstate_link *link, unsigned int group, unsigned int buffer)
{
	int fd = mnl_socket_get_fd(link->nl), size = buffer ? buffer : EVENT_BUFFER, ret;

	/* Beyond rmem_max only with CAP_NET_ADMIN in the initial namespace. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	/* First, so that no end of the family goes unseen. */
	ret = join(link, link->notify);
	return ret ? ret : join(link, link->groups[group]);
}

int tcpstate_link_subscribe(struct tcpstate_link *link, unsigned int buffer)
{
	struct tcpstate_stats stats;
	int ret;

	/* Before: what is lost between this and the first message is this reader's loss, too. */
	ret = tcpstate_link_stats(link, &stats);
	if (ret)
		return ret;
	link->lost_before = stats.event_lost;
	return subscribe(link, LINK_TRANSITIONS, buffer);
}

int tcpstate_link_subscribe_alerts(struct tcpstate_link *link, unsigned int buffer)
{
	if (!link->groups[LINK_ALERTS])
		return link_no_alerts(link);
	return subscribe(link, LINK_ALERTS, buffer);
}

/* Whoever gets what has come: either function is NULL. */
struct events {
	struct tcpstate_link *link;
	int (*transition)(const struct tcpstate_transition *t, void *arg);
	int (*notice)(const struct tcpstate_notice *n, void *arg);
	void *arg;
};

/* One of them may come late, from before what the reader expects. */
static void count_loss(struct tcpstate_link *link, uint64_t seq)
{
	if (link->started && seq > link->next_seq)
		link->loss.reader += seq - link->next_seq;
	if (!link->started || seq >= link->next_seq)
		link->next_seq = seq + 1;
	link->started = true;
}

void tcpstate_link_expect(struct tcpstate_link *link, uint64_t seq)
{
	if (link->started)
		return;
	link->next_seq = seq + 1;
	link->started = true;
}

static int take_transition(const struct tcpstate_transition *t, void *arg)
{
	const struct events *to = arg;

	count_loss(to->link, t->seq);
	return to->transition(t, to->arg);
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

static int take_notice(const void *attrs, size_t len, void *arg)
{
	const struct events *to = arg;
	struct tcpstate_notice n;
	int ret = tcpstate_decode_notice(attrs, len, &n);

	if (ret)
		return ret;
	count_loss(to->link, n.seq);
	return to->notice(&n, to->arg);
}

/* What the control family says: -ENOENT where our family is gone. */
static int take_control(const void *attrs, size_t len, void *arg)
{
	struct tcpstate_link *link = arg;

	if (link_family(attrs, len) != link->family)
		return 0;
	return link_fail(link, -ENOENT, "the module has been unloaded");
}

static int take_message(const struct nlmsghdr *nlh, struct events *to)
{
	const struct genlmsghdr *genl = mnl_nlmsg_get_payload(nlh);
	struct tcpstate_link *link = to->link;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*genl))
		return 0;
	if (nlh->nlmsg_type == GENL_ID_CTRL && genl->cmd == CTRL_CMD_DELFAMILY)
		return link_take(link, nlh, take_control, link);
	if (nlh->nlmsg_type != link->family)
		return 0;
	if (genl->cmd == TCPSTATE_CMD_TRANSITION_NTF && to->transition)
		return link_take(link, nlh, take_events, to);
	if (genl->cmd == TCPSTATE_CMD_ALERT_NTF && to->notice)
		return link_take(link, nlh, take_notice, to);
	return 0;
}

static int take_datagram(struct tcpstate_link *link, ssize_t n, struct events *to)
{
	struct nlmsghdr *nlh = (struct nlmsghdr *)link->reply;
	int len = n, ret = 0;

	for (; mnl_nlmsg_ok(nlh, len) && !ret; nlh = mnl_nlmsg_next(nlh, &len))
		ret = take_message(nlh, to);
	return ret;
}

/* What has arrived. What an overrun lost, the sequence tells. */
static int take_arrived(struct events *to, struct tcpstate_loss *loss)
{
	struct tcpstate_link *link = to->link;
	unsigned int messages;
	int ret = 0;
	ssize_t n;

	for (messages = 0; messages < EVENT_MESSAGES && !ret; messages++) {
		n = link_receive(link, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			break;
		if (n >= 0)
			ret = take_datagram(link, n, to);
		else if (errno == ENOBUFS)
			link->loss.overruns++;
		else
			ret = link_fail_errno(link, "cannot receive events");
	}
	*loss = link->loss;
	return ret;
}

int tcpstate_link_events(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_transition *t, void *arg), void *arg,
			 struct tcpstate_loss *loss)
{
	struct events to = { .link = link, .transition = each, .arg = arg };

	return take_arrived(&to, loss);
}

int tcpstate_link_notices(struct tcpstate_link *link,
			  int (*each)(const struct tcpstate_notice *n, void *arg), void *arg,
			  struct tcpstate_loss *loss)
{
	struct events to = { .link = link, .notice = each, .arg = arg };

	return take_arrived(&to, loss);
}
