/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /proc/net/tcpstate of each namespace, and /proc/tcpstate, a symbolic link to self/net/tcpstate:
 * every reader sees its own namespace, and /proc/PID/net/tcpstate shows that of any process. The
 * format: Documentation/proc.rst.
 */
#ifndef TCPSTATE_PROC_H
#define TCPSTATE_PROC_H

#include "tcpstate.h"

/* Context: may sleep, all of them. The exits wait for readers that are inside. */
int tcps_proc_init(void);
void tcps_proc_exit(void);
int tcps_proc_net_init(struct tcps_net *tn);
void tcps_proc_net_exit(struct tcps_net *tn);

#endif
