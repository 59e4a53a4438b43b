/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The life of each network namespace, those that are there and those to come.
 */
#ifndef TCPSTATE_NETNS_H
#define TCPSTATE_NETNS_H

/* Context: may sleep. After exit no namespace knows us any more and no hook runs. */
int tcps_netns_init(void);
void tcps_netns_exit(void);

#endif
