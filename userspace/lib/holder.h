/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Who has a socket: processes by its inode (/proc/PID/fd), systemd unit, container and pod by their
 * control group, and where no process has it, why not. No daemon is asked. What this process may
 * not look into is not known, which is no error.
 */
#ifndef TCPSTATE_HOLDER_H
#define TCPSTATE_HOLDER_H

#include "cgroup.h"
#include "decode.h"
#include "process.h"

/**
 * enum tcpstate_holding - what can be said
 * @TCPSTATE_HOLDING_UNKNOWN: nothing: the module has told too little
 * @TCPSTATE_HOLDING_PROCESS: one or more processes have it
 * @TCPSTATE_HOLDING_NOT_ACCEPTED: it waits in a listener's accept queue
 * @TCPSTATE_HOLDING_ORPHAN: closed by its process, the kernel brings it to its end
 * @TCPSTATE_HOLDING_HALF_OPEN: a request socket, which nobody can have yet
 * @TCPSTATE_HOLDING_KERNEL: a TIME-WAIT socket, which nobody has any more
 * @TCPSTATE_HOLDING_NOT_FOUND: somebody has it, who cannot be seen from here: in another pid
 *	namespace, of another user, the kernel itself; or it has been closed since
 */
enum tcpstate_holding {
	TCPSTATE_HOLDING_UNKNOWN,
	TCPSTATE_HOLDING_PROCESS,
	TCPSTATE_HOLDING_NOT_ACCEPTED,
	TCPSTATE_HOLDING_ORPHAN,
	TCPSTATE_HOLDING_HALF_OPEN,
	TCPSTATE_HOLDING_KERNEL,
	TCPSTATE_HOLDING_NOT_FOUND,
};

/**
 * struct tcpstate_process - one that has the socket
 * @pid: in this pid namespace
 * @fd: its lowest descriptor for it, -1: not known
 * @comm: its name, printable ASCII
 */
struct tcpstate_process {
	pid_t pid;
	int fd;
	char comm[TCPSTATE_COMM_MAX];
};

#define TCPSTATE_HOLDER_PROCESSES	16

/**
 * struct tcpstate_holder - the answer
 * @holding: what can be said
 * @process: those with the lowest pids, these first
 * @processes: how many there are, which can be more than fit
 * @place: of the first process; of who made the socket, where no process is found
 */
struct tcpstate_holder {
	enum tcpstate_holding holding;
	struct tcpstate_process process[TCPSTATE_HOLDER_PROCESSES];
	unsigned int processes;
	struct tcpstate_place place;
};

/* "process", "not-accepted": fixed words for scripts. */
const char *tcpstate_holding_name(enum tcpstate_holding holding);

struct tcpstate_holders;

/**
 * tcpstate_holders_new() - one pass over the descriptors of all processes
 * @proc: /proc, or what stands for it; NULL: /proc
 * @cgroup: where control groups v2 are mounted; NULL: where they usually are
 *
 * Return: what was found, or NULL if there is no memory.
 */
struct tcpstate_holders *tcpstate_holders_new(const char *proc, const char *cgroup);
void tcpstate_holders_free(struct tcpstate_holders *holders);

/**
 * tcpstate_holders_refresh() - another pass, unless the last one was a moment ago
 * @holders: what was found before; the last but one is forgotten
 *
 * At most four a second, and never more than a tenth of the time: a pass takes long where there are
 * many descriptors. Return: whether there was one.
 */
bool tcpstate_holders_refresh(struct tcpstate_holders *holders);

/**
 * tcpstate_holder_find() - who has this socket
 * @holders: from the last pass, or the one before
 * @socket: what the kernel says of it
 * @state: of the local end, 0: not known
 * @result: overwritten
 */
void tcpstate_holder_find(struct tcpstate_holders *holders, const struct tcpstate_socket *socket,
			  unsigned int state, struct tcpstate_holder *result);

/*
 * The same for an event, with another pass where it may help. Where even that comes too late, who
 * called connect() counts.
 */
void tcpstate_holder_follow(struct tcpstate_holders *holders, const struct tcpstate_socket *socket,
			    unsigned int state, struct tcpstate_holder *result);

#endif
