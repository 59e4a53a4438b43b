// SPDX-License-Identifier: GPL-2.0-only
/*
 * How many files may be open where connections leak: the limit is that of a process, and several can
 * share a listener's connections.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/grow.h"
#include "tcpstated.h"

uint32_t open_files_limit(const char *proc, pid_t pid)
{
	unsigned long long soft = 0;
	char path[PATH_MAX], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/limits", proc, (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* "unlimited" is no number. */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Max open files %llu", &soft) == 1)
			break;
	}
	fclose(f);
	return soft > UINT32_MAX ? UINT32_MAX : soft;
}

/**
 * struct shares - who has the sockets of a group in CLOSE_WAIT
 * @holders: by which it is found
 * @at: a process, and how many it has
 * @n: processes
 * @room: for as many
 * @sockets: that have a process
 */
struct shares {
	struct tcpstate_holders *holders;
	struct share {
		pid_t pid;
		uint32_t sockets;
	} *at;
	size_t n;
	size_t room;
	uint32_t sockets;
};

static int count_for(struct shares *s, pid_t pid)
{
	void *at;
	size_t i;

	for (i = 0; i < s->n && s->at[i].pid != pid; i++)
		;
	if (i == s->n) {
		at = tcpstate_grow(s->at, s->n, &s->room, sizeof(*s->at));
		if (!at)
			return -ENOMEM;
		s->at = at;
		s->at[s->n++] = (struct share){ pid, 0 };
	}
	s->at[i].sockets++;
	return 0;
}

static int count_socket(const struct tcpstate_endpoint *e, void *arg)
{
	struct tcpstate_holder h;
	struct shares *s = arg;
	unsigned int i;
	int ret = 0;

	tcpstate_holder_find(s->holders, &e->socket, e->local, &h);
	if (h.holding != TCPSTATE_HOLDING_PROCESS)
		return 0;
	s->sockets++;
	for (i = 0; i < h.processes && i < TCPSTATE_HOLDER_PROCESSES && !ret; i++)
		ret = count_for(s, h.process[i].pid);
	return ret;
}

static void count_anew(void *arg)
{
	struct shares *s = arg;

	s->n = 0;
	s->sockets = 0;
}

/* Its connections in CLOSE_WAIT. What was accepted at any address has one of its own. */
static struct tcpstate_filter filter_of(const struct tcpstate_peer *peer)
{
	static const uint8_t any[16];
	const struct tcpstate_tuple *t = &peer->name;
	uint8_t size = t->family == AF_INET ? 4 : 16;
	struct tcpstate_filter f = { .states = 1u << TCPSTATE_STATE_CLOSE_WAIT };

	if (peer->kind == TCPSTATE_PEER_KIND_LISTENER)
		f.lport_min = f.lport_max = t->lport;
	else
		f.rport_min = f.rport_max = t->rport;
	if (memcmp(t->laddr, any, size)) {
		f.family = t->family;
		f.laddr_len = size;
		f.lprefix = 8 * size;
		memcpy(f.laddr, t->laddr, size);
	}
	if (peer->kind == TCPSTATE_PEER_KIND_DESTINATION) {
		f.raddr_len = size;
		f.rprefix = 8 * size;
		memcpy(f.raddr, t->raddr, size);
	}
	return f;
}

/* The process that is nearest to its end counts; so many in the group are that many in it. */
static uint32_t least_limit(const struct shares *s)
{
	uint64_t least = 0, limit;
	size_t i;

	for (i = 0; i < s->n; i++) {
		limit = (uint64_t)open_files_limit("/proc", s->at[i].pid) * s->sockets /
			s->at[i].sockets;
		if (limit && (!least || limit < least))
			least = limit;
	}
	return least > UINT32_MAX ? UINT32_MAX : least;
}

uint32_t group_files_limit(struct tcpstate_link *link, struct tcpstate_holders *holders,
			   const struct tcpstate_peer *peer)
{
	struct tcpstate_filter filter = filter_of(peer);
	struct shares s = { .holders = holders };
	uint32_t limit = 0;

	if (!tcpstate_link_endpoints(link, &filter, count_socket, count_anew, &s))
		limit = least_limit(&s);
	free(s.at);
	return limit;
}
