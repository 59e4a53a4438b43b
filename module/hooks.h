/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The netfilter hooks: LOCAL_OUT before everything else (before any NAT, and before a rule drops
 * what the socket has already sent), LOCAL_IN as late as possible (after every NAT, and after the
 * rules). They always accept.
 */
#ifndef TCPSTATE_HOOKS_H
#define TCPSTATE_HOOKS_H

#include "tcpstate.h"

/* Context: may sleep. */
int tcps_hooks_register(struct tcps_net *tn);

/*
 * Does not wait for packets inside the hooks: the caller sees to a grace period (pernet
 * pre_exit).
 */
void tcps_hooks_unregister(struct tcps_net *tn);

#endif
