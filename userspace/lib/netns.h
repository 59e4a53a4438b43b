/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network namespaces that processes are in, and what the tracker says of each. None is entered.
 */
#ifndef TCPSTATE_NETNS_H
#define TCPSTATE_NETNS_H

#include <sys/types.h>

#include "model.h"

/**
 * struct tcpstate_netns - one of them
 * @dev: with @inode what tells it from others
 * @inode: as in /proc/tcpstate
 * @pid: the lowest of its processes that can be seen
 * @own: it is that of who asks
 * @known: whether the next two could be read
 * @s: its endpoints
 * @alerts: that are active, but for infos
 * @name: that of "ip netns", else its process as "nginx/1200"; printable ASCII
 */
struct tcpstate_netns {
	uint64_t dev;
	uint64_t inode;
	pid_t pid;
	bool own;
	bool known;
	struct tcpstate_snapshot s;
	unsigned int alerts;
	char name[256];
};

struct tcpstate_namespaces;

/**
 * tcpstate_namespaces_new() - none yet
 * @proc: /proc, or what stands for it; NULL: /proc
 * @names: where "ip netns" mounts those with names; NULL: where it usually does
 *
 * Return: NULL if there is no memory.
 */
struct tcpstate_namespaces *tcpstate_namespaces_new(const char *proc, const char *names);
void tcpstate_namespaces_free(struct tcpstate_namespaces *ns);

/**
 * tcpstate_namespaces_refresh() - looks again, unless the last time was a moment ago
 * @ns: what was found before, which stays where there is no memory
 *
 * For namespaces at most every three seconds, at what they say four times a second, and for each of
 * both never more than a tenth of the time: there can be thousands of processes and namespaces.
 */
void tcpstate_namespaces_refresh(struct tcpstate_namespaces *ns);

/* Our own first, then those with the most endpoints, then those of which nothing is known. */
const struct tcpstate_netns *tcpstate_namespaces_list(const struct tcpstate_namespaces *ns,
						      size_t *n);

#endif
