// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "grow.h"
#include "holder.h"
#include "pace.h"
#include "process.h"

#define PASS_EVERY_NS	250000000ull

/* A process that has a socket of any kind. */
struct owner {
	pid_t pid;
	char comm[TCPSTATE_COMM_MAX];
	struct tcpstate_place place;
};

/* One descriptor. */
struct held {
	uint64_t inode;
	pid_t pid;
	int fd;
};

/**
 * struct pass - what one look at all processes has found
 * @owners: processes, by pid
 * @held: descriptors, by inode, then pid, then number: those of one inode stand together
 */
struct pass {
	struct owner *owners;
	size_t n_owners, room_owners;
	struct held *held;
	size_t n_held, room_held;
};

/**
 * struct tcpstate_holders - two passes and the control groups
 * @proc: /proc
 * @now: the last pass
 * @before: the one before: events come late, and what they tell of may have been closed
 * @pace: of the passes
 * @groups: for sockets that no process has
 */
struct tcpstate_holders {
	char proc[PATH_MAX];
	struct pass now, before;
	struct tcpstate_pace pace;
	struct tcpstate_cgroups *groups;
};

/* One pass */

static void free_pass(struct pass *p)
{
	free(p->owners);
	free(p->held);
	*p = (struct pass){ .owners = NULL };
}

static bool add_held(struct pass *p, uint64_t inode, pid_t pid, int fd)
{
	void *at = tcpstate_grow(p->held, p->n_held, &p->room_held, sizeof(*p->held));

	if (!at)
		return false;
	p->held = at;
	p->held[p->n_held++] = (struct held){ inode, pid, fd };
	return true;
}

static bool add_owner(struct pass *p, const char *proc, pid_t pid)
{
	void *at = tcpstate_grow(p->owners, p->n_owners, &p->room_owners, sizeof(*p->owners));
	struct owner *o;

	if (!at)
		return false;
	p->owners = at;
	o = &p->owners[p->n_owners++];
	o->pid = pid;
	if (!tcpstate_process_comm(proc, pid, o->comm))
		strcpy(o->comm, "?");
	tcpstate_place_of_process(proc, pid, &o->place);
	return true;
}

/* "socket:[INODE]"; 0: another file. */
static uint64_t socket_inode(int dir, const char *name)
{
	unsigned long long inode;
	char target[64];
	ssize_t len;
	int end = 0;

	len = readlinkat(dir, name, target, sizeof(target) - 1);
	if (len < 0)
		return 0;
	target[len] = '\0';
	if (sscanf(target, "socket:[%llu]%n", &inode, &end) != 1 || end != len)
		return 0;
	return inode;
}

/* False: no memory. A process that is gone, or that we may not look into, has nothing to tell. */
static bool look_into(const char *proc, pid_t pid, void *pass)
{
	struct pass *p = pass;
	size_t before = p->n_held;
	struct dirent *entry;
	char path[PATH_MAX];
	bool ok = true;
	uint64_t inode;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/%d/fd", proc, (int)pid);
	dir = opendir(path);
	if (!dir)
		return true;
	while (ok && (entry = readdir(dir))) {
		fd = tcpstate_number(entry->d_name);
		inode = fd < 0 ? 0 : socket_inode(dirfd(dir), entry->d_name);
		if (inode)
			ok = add_held(p, inode, pid, fd);
	}
	closedir(dir);
	return ok && (p->n_held == before || add_owner(p, proc, pid));
}

static int compare_owners(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static int compare_held(const void *a, const void *b)
{
	const struct held *x = a, *y = b;

	if (x->inode != y->inode)
		return x->inode < y->inode ? -1 : 1;
	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return x->fd < y->fd ? -1 : x->fd > y->fd;
}

/* The two passes */

static bool pass_again(struct tcpstate_holders *holders)
{
	struct pass p = { .owners = NULL };
	bool ok;

	tcpstate_pace_begin(&holders->pace);
	ok = tcpstate_each_process(holders->proc, look_into, &p);
	if (p.n_held)
		qsort(p.held, p.n_held, sizeof(*p.held), compare_held);
	if (p.n_owners)
		qsort(p.owners, p.n_owners, sizeof(*p.owners), compare_owners);
	tcpstate_pace_end(&holders->pace);
	if (!ok) {
		free_pass(&p);
		return false;
	}
	free_pass(&holders->before);
	holders->before = holders->now;
	holders->now = p;
	return true;
}

struct tcpstate_holders *tcpstate_holders_new(const char *proc, const char *cgroup)
{
	struct tcpstate_holders *holders = calloc(1, sizeof(*holders));

	if (!holders)
		return NULL;
	snprintf(holders->proc, sizeof(holders->proc), "%s", proc ? proc : "/proc");
	holders->pace.every_ns = PASS_EVERY_NS;
	holders->groups = tcpstate_cgroups_new(cgroup);
	if (!holders->groups || !pass_again(holders)) {
		tcpstate_holders_free(holders);
		return NULL;
	}
	return holders;
}

void tcpstate_holders_free(struct tcpstate_holders *holders)
{
	if (!holders)
		return;
	free_pass(&holders->now);
	free_pass(&holders->before);
	tcpstate_cgroups_free(holders->groups);
	free(holders);
}

bool tcpstate_holders_refresh(struct tcpstate_holders *holders)
{
	return tcpstate_pace_due(&holders->pace) && pass_again(holders);
}

/* The answer */

static const char * const holding_names[] = {
	[TCPSTATE_HOLDING_UNKNOWN] = "unknown",
	[TCPSTATE_HOLDING_PROCESS] = "process",
	[TCPSTATE_HOLDING_NOT_ACCEPTED] = "not-accepted",
	[TCPSTATE_HOLDING_ORPHAN] = "orphan",
	[TCPSTATE_HOLDING_HALF_OPEN] = "half-open",
	[TCPSTATE_HOLDING_KERNEL] = "kernel",
	[TCPSTATE_HOLDING_NOT_FOUND] = "not-found",
};

const char *tcpstate_holding_name(enum tcpstate_holding holding)
{
	return holding_names[holding];
}

/* The first descriptor with that inode, or with a higher one. */
static size_t lower_bound(const struct pass *p, uint64_t inode)
{
	size_t low = 0, high = p->n_held, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (p->held[middle].inode < inode)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* NULL: it has no socket. */
static const struct owner *find_owner(const struct pass *p, pid_t pid)
{
	struct owner key = { .pid = pid };

	if (!p->n_owners)
		return NULL;
	return bsearch(&key, p->owners, p->n_owners, sizeof(key), compare_owners);
}

static bool find_processes(const struct pass *p, uint64_t inode, struct tcpstate_holder *result)
{
	size_t i = lower_bound(p, inode);
	const struct owner *owner;
	const struct held *held;
	pid_t last = 0;

	for (; i < p->n_held && p->held[i].inode == inode; i++) {
		held = &p->held[i];
		/* A second descriptor of the same process. */
		if (held->pid == last)
			continue;
		owner = find_owner(p, held->pid);
		last = held->pid;
		if (!result->processes)
			result->place = owner->place;
		if (result->processes < TCPSTATE_HOLDER_PROCESSES) {
			result->process[result->processes].pid = held->pid;
			result->process[result->processes].fd = held->fd;
			strcpy(result->process[result->processes].comm, owner->comm);
		}
		result->processes++;
	}
	return result->processes;
}

/* A socket with which no inode is, in a state in which that says something. */
static enum tcpstate_holding without_inode(unsigned int state, bool full)
{
	switch (state) {
	case TCPSTATE_STATE_ESTABLISHED:
	case TCPSTATE_STATE_CLOSE_WAIT:
		return TCPSTATE_HOLDING_NOT_ACCEPTED;
	case TCPSTATE_STATE_SYN_RECV:
		/* Only TCP Fast Open queues a socket so early. */
		return full ? TCPSTATE_HOLDING_NOT_ACCEPTED : TCPSTATE_HOLDING_HALF_OPEN;
	case TCPSTATE_STATE_FIN_WAIT1:
	case TCPSTATE_STATE_FIN_WAIT2:
	case TCPSTATE_STATE_LAST_ACK:
	case TCPSTATE_STATE_CLOSING:
		return TCPSTATE_HOLDING_ORPHAN;
	default:
		return TCPSTATE_HOLDING_UNKNOWN;
	}
}

static enum tcpstate_holding without_process(const struct tcpstate_socket *socket,
					     unsigned int state)
{
	bool full = socket->kind.known && socket->kind.n == TCPSTATE_SOCKET_KIND_FULL;

	if (socket->kind.known && socket->kind.n == TCPSTATE_SOCKET_KIND_REQUEST)
		return TCPSTATE_HOLDING_HALF_OPEN;
	if (socket->kind.known && socket->kind.n == TCPSTATE_SOCKET_KIND_MINISOCK)
		return TCPSTATE_HOLDING_KERNEL;
	/* Of events there is no kind; no full socket is ever in this state. */
	if (state == TCPSTATE_STATE_TIME_WAIT)
		return TCPSTATE_HOLDING_KERNEL;
	if (!socket->inode.known || (socket->kind.known && !full))
		return TCPSTATE_HOLDING_UNKNOWN;
	return socket->inode.n ? TCPSTATE_HOLDING_NOT_FOUND : without_inode(state, full);
}

void tcpstate_holder_find(struct tcpstate_holders *holders, const struct tcpstate_socket *socket,
			  unsigned int state, struct tcpstate_holder *result)
{
	const struct tcpstate_place *place;

	memset(result, 0, sizeof(*result));
	result->holding = without_process(socket, state);
	if (result->holding == TCPSTATE_HOLDING_NOT_FOUND &&
	    (find_processes(&holders->now, socket->inode.n, result) ||
	     find_processes(&holders->before, socket->inode.n, result))) {
		result->holding = TCPSTATE_HOLDING_PROCESS;
		return;
	}
	place = socket->cgroup.n ? tcpstate_place_of_id(holders->groups, socket->cgroup.n) : NULL;
	if (place)
		result->place = *place;
}

/*
 * Who has opened thousands of connections lately is asked for as often: most have a socket still,
 * and then the last pass knows them. Return: false if it is gone.
 */
static bool find_caller(struct tcpstate_holders *holders, pid_t pid, struct tcpstate_holder *result)
{
	struct tcpstate_process *caller = &result->process[0];
	const struct owner *owner = find_owner(&holders->now, pid);

	if (!owner && !tcpstate_process_comm(holders->proc, pid, caller->comm))
		return false;
	if (owner) {
		strcpy(caller->comm, owner->comm);
		result->place = owner->place;
	} else {
		tcpstate_place_of_process(holders->proc, pid, &result->place);
	}
	caller->pid = pid;
	caller->fd = -1;
	return true;
}

void tcpstate_holder_follow(struct tcpstate_holders *holders, const struct tcpstate_socket *socket,
			    unsigned int state, struct tcpstate_holder *result)
{
	pid_t pid = socket->pid.n;

	tcpstate_holder_find(holders, socket, state, result);
	if (result->holding == TCPSTATE_HOLDING_NOT_FOUND && tcpstate_holders_refresh(holders))
		tcpstate_holder_find(holders, socket, state, result);
	if (result->holding != TCPSTATE_HOLDING_NOT_FOUND || !pid ||
	    !find_caller(holders, pid, result))
		return;
	result->processes = 1;
	result->holding = TCPSTATE_HOLDING_PROCESS;
}
