/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The tracepoint sock:inet_sock_set_state, in which full sockets tell their transitions.
 */
#ifndef TCPSTATE_PROBE_H
#define TCPSTATE_PROBE_H

#include <linux/types.h>

/* Is there such a tracepoint in this kernel? Context: may sleep. */
bool tcps_probe_find(void);

/*
 * Every namespace that is live gets the transitions of its sockets. Where there is no tracepoint,
 * nothing happens. Context: may sleep. Return: 0 or an error.
 */
int tcps_probe_register(void);
/* When it returns, nothing comes any more. */
void tcps_probe_unregister(void);

#endif
