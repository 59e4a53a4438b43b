/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's own socket tables say of an endpoint.
 */
#ifndef TCPSTATE_SOCKET_H
#define TCPSTATE_SOCKET_H

#include "tcpstate.h"

/**
 * tcps_socket_exists() - does the kernel hold a socket for this endpoint?
 * @tn:		namespace
 * @key:	endpoint
 *
 * Looks in the established table, which holds full sockets, request sockets and TIME-WAIT sockets.
 * Context: process or softirq, without a shard's lock. Does not sleep.
 */
bool tcps_socket_exists(const struct tcps_net *tn, const struct tcps_key *key);

#endif
