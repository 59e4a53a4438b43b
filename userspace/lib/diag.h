/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel's own list of its TCP sockets (inet_diag, what ss reads), in this library's words. It
 * needs neither the module nor a capability.
 */
#ifndef TCPSTATE_DIAG_H
#define TCPSTATE_DIAG_H

#include "link.h"

/**
 * struct tcpstate_seen - one socket, be it full, a request or TIME-WAIT, as one side sees it
 * @tuple: as the module names endpoints. The family is that of the packets: IPv4 where the socket
 *	is AF_INET6 and its addresses are v4-mapped. Of a listener the remote end is all 0
 * @cookie: names the socket as long as it lives, from request socket to TIME-WAIT; 0: not known
 * @state: the kernel's number
 */
struct tcpstate_seen {
	struct tcpstate_tuple tuple;
	uint64_t cookie;
	uint8_t state;
};

/**
 * tcpstate_decode_diag() - one message of inet_diag
 * @msg: its payload, struct inet_diag_msg and attributes, aligned or not; no pointer to it is kept
 * @len: its length
 * @result: overwritten
 *
 * Return: 0, or -EBADMSG where it is too short, or of no family or no state that is known.
 */
int tcpstate_decode_diag(const void *msg, size_t len, struct tcpstate_seen *result);

/* A link for the functions here, and for tcpstate_link_error() and tcpstate_link_close(), alone. */
int tcpstate_diag_open(struct tcpstate_link **link);

/**
 * tcpstate_diag_sockets() - a dump of this network namespace
 * @link: from tcpstate_diag_open()
 * @filter: which; age and limit do not apply. Sockets in CLOSE are in none of the kernel's tables
 * @each: called for every socket; what it returns other than 0 ends the dump and is returned. While
 *	sockets come and go one may be missed, or come twice
 * @restart: as in tcpstate_link_endpoints()
 * @arg: for both
 */
int tcpstate_diag_sockets(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			  int (*each)(const struct tcpstate_seen *seen, void *arg),
			  void (*restart)(void *arg), void *arg);

/* The socket with exactly this tuple, that of a connection; -ENOENT where there is none. */
int tcpstate_diag_socket(struct tcpstate_link *link, const struct tcpstate_tuple *tuple,
			 struct tcpstate_seen *seen);

#endif
