/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A module that has alerts, listeners and destinations as a test says: what the subcommands ask of
 * the library, and good ones of each. Behind cmocka.h.
 */
#ifndef FAKE_ALERTS_H
#define FAKE_ALERTS_H

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake_link.h"
#include "../lib/alert.h"

static struct tcpstate_notice fake_alerts[TCPSTATE_ALERTS_MAX + 64];
static unsigned int n_fake_alerts;
static struct tcpstate_peer fake_peers[64];
static unsigned int n_fake_peers;
static struct tcpstate_stats fake_stats;
static int fake_error;		/* of the dumps */

int tcpstate_link_alerts(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_notice *notice, void *arg),
			 void (*restart)(void *arg), void *arg)
{
	unsigned int i;
	int ret = fake_error;

	(void)link;
	/* What came before an interruption is told anew. */
	if (!ret && n_fake_alerts)
		ret = each(&fake_alerts[0], arg);
	restart(arg);
	for (i = 0; i < n_fake_alerts && !ret; i++)
		ret = each(&fake_alerts[i], arg);
	return ret;
}

int tcpstate_link_peers(struct tcpstate_link *link,
			int (*each)(const struct tcpstate_peer *peer, void *arg),
			void (*restart)(void *arg), void *arg)
{
	unsigned int i;
	int ret = fake_error;

	(void)link, (void)restart;
	for (i = 0; i < n_fake_peers && !ret; i++)
		ret = each(&fake_peers[i], arg);
	return ret;
}

int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats)
{
	(void)link;
	*stats = fake_stats;
	return 0;
}

static inline struct tcpstate_value fake_value(uint64_t n)
{
	return (struct tcpstate_value){ n, true };
}

static inline void fake_reset(void)
{
	n_fake_alerts = n_fake_peers = 0;
	fake_error = 0;
	fake_stats = (struct tcpstate_stats){ .event_seq = 0 };
}

/* A socket that this process has, and keeps. */
static inline struct tcpstate_socket fake_socket(void)
{
	static int fd = -1;
	struct stat st;

	if (fd < 0)
		fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(fstat(fd, &st), 0);
	return (struct tcpstate_socket){
		.uid = fake_value(1000), .inode = fake_value(st.st_ino), .cookie = fake_value(4711),
	};
}

static inline struct tcpstate_peer fake_listener(uint16_t port)
{
	return (struct tcpstate_peer){
		.kind = TCPSTATE_PEER_KIND_LISTENER,
		.name = { .family = AF_INET, .lport = port },
		.counts = { [TCPSTATE_STATE_ESTABLISHED] = 100, [TCPSTATE_STATE_CLOSE_WAIT] = 31 },
		.socket = fake_socket(), .sockets = fake_value(1), .queue = fake_value(101),
		.backlog = fake_value(100), .drops = fake_value(8120),
		.drops_per_minute = fake_value(212), .waiting_ns = fake_value(47000000000),
		.idle = fake_value(31), .unread_eof = fake_value(31), .not_accepted = fake_value(0),
	};
}

static inline struct tcpstate_peer fake_destination(uint16_t port)
{
	return (struct tcpstate_peer){
		.kind = TCPSTATE_PEER_KIND_DESTINATION,
		.name = { .family = AF_INET, .laddr = { 10, 0, 0, 1 }, .raddr = { 10, 0, 3, 9 },
			  .rport = port },
		.counts = { [TCPSTATE_STATE_ESTABLISHED] = 212,
			    [TCPSTATE_STATE_TIME_WAIT] = 17009 },
		.ports_used = fake_value(17221), .ports = fake_value(28232),
		.plateau = fake_value(20892), .opens_milli = fake_value(345000),
		.fails_per_minute = fake_value(0), .no_port = fake_value(0),
		.idle = fake_value(0), .unread_eof = fake_value(0), .not_accepted = fake_value(0),
	};
}

static inline struct tcpstate_peer fake_local_address(void)
{
	struct tcpstate_peer p = fake_destination(0);

	p.kind = TCPSTATE_PEER_KIND_LOCAL_ADDRESS;
	memset(p.name.raddr, 0, sizeof(p.name.raddr));
	return p;
}

/* Active since four minutes; @raised: seconds of the wall clock. */
static inline struct tcpstate_alert *fake_alert(uint32_t id, uint32_t kind, uint32_t severity,
						uint32_t reason, uint64_t raised)
{
	struct tcpstate_notice *n = &fake_alerts[n_fake_alerts++];

	*n = (struct tcpstate_notice){
		.seq = n_fake_alerts,
		.alert = { .id = id, .kind = kind, .severity = severity, .reason = reason,
			   .value = 101, .limit = 90, .peak = 104,
			   .raised_ns = raised * 1000000000,
			   .begun_ns = (raised - 30) * 1000000000 },
	};
	return &n->alert;
}

static inline void fake_about(struct tcpstate_alert *a, struct tcpstate_peer peer)
{
	a->has_peer = true;
	a->peer = peer;
	if (!a->peer.socket.inode.known)
		a->peer.socket = fake_socket();
}

#endif
