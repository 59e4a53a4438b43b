/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink family "tcpstate": Documentation/netlink/specs/tcpstate.yaml.
 */
#ifndef TCPSTATE_NETLINK_H
#define TCPSTATE_NETLINK_H

/* After every namespace has its data, and before it loses that. Context: may sleep. */
int tcps_netlink_init(void);
void tcps_netlink_exit(void);

#endif
