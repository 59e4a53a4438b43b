/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reading the text of /proc/tcpstate.
 */
#ifndef TCPSTATE_PROC_H
#define TCPSTATE_PROC_H

#include <stddef.h>

#include "alert.h"
#include "model.h"

/* The tests build with a path that is certainly absent. */
#ifndef TCPSTATE_PROC_PATH
#define TCPSTATE_PROC_PATH	"/proc/tcpstate"
#endif

/* The first line's number. It changes only when readers would misread. */
#define TCPSTATE_PROC_VERSION	1

/* A namespace's file is a few KiB; what is longer is some other file. */
#define TCPSTATE_PROC_MAX	(1024 * 1024)

#define TCPSTATE_PROC_LISTENERS	64	/* the fullest; /proc has no more */

/**
 * struct tcpstate_proc_trouble - what /proc says of listeners and active alerts
 * @listeners: number of listeners
 * @listener: of each its name, queue, backlog and drops, and how many are in SYN_RECV
 * @alerts: number of alerts
 * @alert: of each what the line has. A kind or severity that this program does not know is 0, and
 *	so is what /proc does not say: reason, peak, since when, the local address of a
 *	destination, address and family of a listener
 *
 * Nearly 200 KiB: not for the stack.
 */
struct tcpstate_proc_trouble {
	unsigned int listeners;
	struct tcpstate_peer listener[TCPSTATE_PROC_LISTENERS];
	unsigned int alerts;
	struct tcpstate_alert alert[TCPSTATE_ALERTS_MAX];
};

/**
 * tcpstate_proc_parse() - understand the text of /proc/tcpstate
 * @text: the whole file; may hold anything, null bytes included
 * @len: its length
 * @s: filled in on success, undefined otherwise
 * @err: gets one line of plain ASCII without newline on failure; may be NULL
 *	if @errlen is 0
 * @errlen: its size
 *
 * Record types, totals, states and keys that it does not know are skipped:
 * newer modules add them without a new version. A number it knows must be
 * decimal, fit 63 bits and be there once. The text must end with a newline:
 * otherwise the last number may be cut short.
 *
 * Return: 0, or -EPROTO.
 */
int tcpstate_proc_parse(const char *text, size_t len, struct tcpstate_snapshot *s,
			char *err, size_t errlen);

/**
 * tcpstate_proc_read() - read and understand such a file
 * @path: TCPSTATE_PROC_PATH, or /proc/PID/net/tcpstate for another namespace
 * @s: filled in on success, undefined otherwise
 * @err: gets one line that names @path on failure
 * @errlen: its size
 *
 * Return: 0 or a negative errno: -ENOENT if the file does not exist (for
 * TCPSTATE_PROC_PATH: the module is not loaded), -EPROTO if it is not a file
 * that this version can read.
 */
int tcpstate_proc_read(const char *path, struct tcpstate_snapshot *s,
		       char *err, size_t errlen);

/* The same, with listeners and alerts; @trouble can be NULL. */
int tcpstate_proc_parse_all(const char *text, size_t len, struct tcpstate_snapshot *s,
			    struct tcpstate_proc_trouble *trouble, char *err, size_t errlen);
int tcpstate_proc_read_all(const char *path, struct tcpstate_snapshot *s,
			   struct tcpstate_proc_trouble *trouble, char *err, size_t errlen);

#endif
