/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's own socket tables say of an endpoint.
 */
#ifndef TCPSTATE_SOCKET_H
#define TCPSTATE_SOCKET_H

#include "tcpstate.h"

/**
 * tcps_socket_exists() - does the kernel hold the socket of this endpoint?
 * @tn:		namespace
 * @key:	endpoint
 * @state:	local state of its record: a record in TIME_WAIT is not that of a socket that is
 *		open
 *
 * Looks in the established table, which holds full sockets, request sockets and TIME-WAIT
 * sockets.
 * Context: process or softirq, without a shard's lock. Does not sleep.
 */
bool tcps_socket_exists(const struct tcps_net *tn, const struct tcps_key *key, u8 state);

#endif
