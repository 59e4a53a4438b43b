/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * On and off, for all network namespaces at once. Off, neither hook nor probe is there, there are no
 * records and nothing is looked up; counters, thresholds and the alerts that have ended stay.
 */
#ifndef TCPSTATE_SWITCH_H
#define TCPSTATE_SWITCH_H

#include <uapi/linux/tcpstate.h>

#include "tcpstate.h"

/* @sockets: on, the kernel's sockets tell their own states. Off until tcps_switch_on(). */
void tcps_switch_init(bool sockets);
/* What runs is off, for good; the records are left to those who free the namespaces. */
void tcps_switch_exit(void);

/* Context: may sleep. Return: 0, also where it is already so, or what the kernel refused. */
int tcps_switch_on(void);
void tcps_switch_off(void);
/* What moves the local ends now. Context: any. */
enum tcpstate_evidence tcps_switch_evidence(void);

/*
 * A namespace that has all but its hooks; and one that ends, after which they are off, though one may
 * be running for a grace period. Return: 0 or what the kernel refused.
 */
int tcps_switch_join(struct tcps_net *tn);
void tcps_switch_leave(struct tcps_net *tn);

#endif
