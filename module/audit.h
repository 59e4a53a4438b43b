/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Compares records with the kernel's sockets, in process context: at deadlines, as request sockets
 * and minisocks end in silence, and in a slow sweep over all records and all sockets.
 * Documentation/accuracy.rst says how long a sweep takes.
 */
#ifndef TCPSTATE_AUDIT_H
#define TCPSTATE_AUDIT_H

#include "tcpstate.h"

int tcps_audit_net_init(struct tcps_net *tn);
/* Hooks and probe are off; the audit looks no more. Context: may sleep. */
void tcps_audit_net_stop(struct tcps_net *tn);
void tcps_audit_net_exit(struct tcps_net *tn);

/* From the beginning, when it is kicked; after net_init, or net_stop. Context: any. */
void tcps_audit_start(struct tcps_net *tn);

/* There is a record now: see that the audit runs. Context: any. */
void tcps_audit_kick(struct tcps_net *tn);

/* A listener has no record, as it had no port yet: it will within a tick. Context: any. */
void tcps_audit_look_for_listeners(struct tcps_net *tn);

/*
 * When the sweep began in which every record was compared, ns of ktime_get_boottime_ns(); 0: none
 * has ended yet. Context: any.
 */
u64 tcps_audit_verified(const struct tcps_net *tn);

#endif
