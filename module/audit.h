/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The audit: ends the records whose socket is gone and of which no segment said so. It looks at a
 * record when it is due (Documentation/locking.rst, "Who looks when").
 */
#ifndef TCPSTATE_AUDIT_H
#define TCPSTATE_AUDIT_H

#include "tcpstate.h"

void tcps_audit_net_init(struct tcps_net *tn);

/*
 * Waits for the audit of @tn; it does not run any more. Context: may sleep; nobody calls
 * tcps_audit_kick().
 */
void tcps_audit_net_exit(struct tcps_net *tn);

/* @tn has a record: see that the audit runs until it has none. Cheap when it does. Context: any. */
void tcps_audit_kick(struct tcps_net *tn);

#endif
