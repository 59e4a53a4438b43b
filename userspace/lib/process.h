/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Processes, as /proc or what stands for it has them. For the library alone.
 */
#ifndef TCPSTATE_PROCESS_H
#define TCPSTATE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TCPSTATE_COMM_MAX	64	/* any name of a process, null byte included */

/* The number that a whole name is; -1: it is none. */
int tcpstate_number(const char *name);

/**
 * tcpstate_each_process() - in the order of the directory
 * @proc: /proc; one that cannot be read has no processes
 * @each: called for each; false ends it
 * @arg: for @each
 *
 * Return: false if @each has ended it.
 */
bool tcpstate_each_process(const char *proc, bool (*each)(const char *proc, pid_t pid, void *arg),
			   void *arg);

/* Its name in printable ASCII, with TCPSTATE_COMM_MAX bytes of room. False: it is gone. */
bool tcpstate_process_comm(const char *proc, pid_t pid, char *comm);

/* Whatever somebody has chosen as a name goes to terminals and into JSON. */
void tcpstate_make_printable(char *text);

#endif
