// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <linux/tcpstate.h>

#include "alert.h"
#include "exchange.h"

int link_no_alerts(struct tcpstate_link *link)
{
	return link_fail(link, -EOPNOTSUPP,
			 "the loaded module has no alerts: it is older than this program");
}

/* An unknown command is refused so. */
static int dump_all(struct tcpstate_link *link, const struct link_dump *dump)
{
	int ret = link_dump(link, dump);

	return ret == -EOPNOTSUPP ? link_no_alerts(link) : ret;
}

struct peers {
	int (*each)(const struct tcpstate_peer *peer, void *arg);
	void *arg;
};

static int take_peer(const void *attrs, size_t len, void *arg)
{
	const struct peers *to = arg;
	struct tcpstate_peer peer;
	int ret = tcpstate_decode_peer(attrs, len, &peer);

	return ret ? ret : to->each(&peer, to->arg);
}

int tcpstate_link_peers(struct tcpstate_link *link,
			int (*each)(const struct tcpstate_peer *peer, void *arg),
			void (*restart)(void *arg), void *arg)
{
	struct peers to = { each, arg };
	const struct link_dump dump = {
		.cmd = TCPSTATE_CMD_PEER_GET,
		.take = take_peer,
		.to = &to,
		.restart = restart,
		.arg = arg,
	};

	return dump_all(link, &dump);
}

struct alerts {
	int (*each)(const struct tcpstate_notice *notice, void *arg);
	void *arg;
};

static int take_alert(const void *attrs, size_t len, void *arg)
{
	const struct alerts *to = arg;
	struct tcpstate_notice notice;
	int ret = tcpstate_decode_notice(attrs, len, &notice);

	return ret ? ret : to->each(&notice, to->arg);
}

int tcpstate_link_alerts(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_notice *notice, void *arg),
			 void (*restart)(void *arg), void *arg)
{
	struct alerts to = { each, arg };
	const struct link_dump dump = {
		.cmd = TCPSTATE_CMD_ALERT_GET,
		.take = take_alert,
		.to = &to,
		.restart = restart,
		.arg = arg,
	};

	return dump_all(link, &dump);
}

int tcpstate_link_alert_set(struct tcpstate_link *link, uint32_t id, uint32_t file_limit)
{
	char buf[LINK_REQUEST_MAX] __attribute__((aligned(8)));
	struct nlmsghdr *nlh = link_request(link, buf, link->family, TCPSTATE_CMD_ALERT_SET, 0);

	mnl_attr_put_u32(nlh, TCPSTATE_A_ALERTS_ID, id);
	mnl_attr_put_u32(nlh, TCPSTATE_A_ALERTS_FILE_LIMIT, file_limit);
	return link_ask(link, nlh, NULL, NULL);
}
