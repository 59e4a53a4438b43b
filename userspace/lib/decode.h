/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The attributes of the netlink family "tcpstate" (Documentation/netlink/specs/tcpstate.yaml) as
 * structs. Takes bytes, aligned or not, and keeps no pointer to them; whatever the bytes are,
 * nothing outside them is read. Attributes that are not known are skipped: a newer module may send
 * more. Of several with one number that should be there once, the last counts.
 */
#ifndef TCPSTATE_DECODE_H
#define TCPSTATE_DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/tcpstate.h>

#include "model.h"

#define TCPSTATE_AGES		2	/* 60 s, 300 s */
#define TCPSTATE_CORRECTIONS	TCPSTATE_CORRECTION_MISSED

/**
 * struct tcpstate_tuple - what names an endpoint
 * @family: AF_INET or AF_INET6
 * @laddr: local address, the first 4 bytes of it with AF_INET; network order
 * @raddr: remote address
 * @lport: local port, host order
 * @rport: remote port
 * @scope: interface that the socket is bound to, or 0
 */
struct tcpstate_tuple {
	int family;
	uint8_t laddr[16];
	uint8_t raddr[16];
	uint16_t lport;
	uint16_t rport;
	uint32_t scope;
};

/**
 * struct tcpstate_socket - what the kernel says of the socket of an endpoint; older modules do not
 * @kind: enum tcpstate_socket_kind, or a number that this program does not know; not known of a
 *	transition, nor where the socket has just gone
 * @uid: user who made it, in the user namespace that owns the network namespace
 * @inode: as in /proc/PID/fd; 0: no process holds it
 * @cookie: as in inet_diag
 * @cgroup: cgroup v2 id of who made it
 * @pid: process that called connect(), in the initial pid namespace; never known of one accepted
 */
struct tcpstate_socket {
	struct tcpstate_value kind;
	struct tcpstate_value uid;
	struct tcpstate_value inode;
	struct tcpstate_value cookie;
	struct tcpstate_value cgroup;
	struct tcpstate_value pid;
};

/**
 * struct tcpstate_endpoint - one local end
 * @local: its state, the kernel's number, TCPSTATE_STATE_FIRST to TCPSTATE_STATE_LAST
 * @remote: state of the far end
 * @age_ns: since it entered its state
 * @age_at_least: it may have been in it for longer
 * @bypassed: its data moves beside TCP (sockmap, SMC)
 */
struct tcpstate_endpoint {
	struct tcpstate_tuple tuple;
	uint8_t local;
	uint8_t remote;
	uint64_t age_ns;
	bool age_at_least;
	bool bypassed;
	struct tcpstate_socket socket;
};

/**
 * struct tcpstate_transition - one end has moved
 * @duration: in the old state, ns; not known for the far end and where the endpoint begins
 * @end: enum tcpstate_end
 * @cause: enum tcpstate_cause, or a number that this program does not know
 */
struct tcpstate_transition {
	uint64_t seq;
	uint64_t time_ns;
	struct tcpstate_value duration;
	uint8_t end;
	uint8_t from;
	uint8_t to;
	uint32_t cause;
	struct tcpstate_tuple tuple;
	struct tcpstate_socket socket;
};

/**
 * struct tcpstate_stats - one network namespace, in more detail than /proc says
 * @snapshot: what /proc says; its version is that of the netlink family
 * @older: of each state, endpoints that have been in it for 60 s, 300 s or longer
 * @histogram: of each state, how long those that left it had been in it; see the spec
 * @matrix: transitions by old and new state; element 0 of either is unused
 * @event_seq: last sequence number given to an event
 * @event_lost: events that got none
 * @corrected: by enum tcpstate_correction (0: none of them), old and new state: how many records
 *	had to be corrected; what this program does not know is in the snapshot's sum only
 * @verified_ns: since every record has been compared with the kernel's sockets
 * @on_ns: since the module has been on here
 */
struct tcpstate_stats {
	struct tcpstate_snapshot snapshot;
	uint32_t older[TCPSTATE_STATE_LAST + 1][TCPSTATE_AGES];
	uint64_t histogram[TCPSTATE_STATE_LAST + 1][TCPSTATE_HISTOGRAM_BUCKETS];
	uint64_t matrix[TCPSTATE_STATE_LAST + 1][TCPSTATE_STATE_LAST + 1];
	uint64_t event_seq;
	uint64_t event_lost;
	uint64_t corrected[TCPSTATE_CORRECTIONS + 1][TCPSTATE_STATE_LAST + 1]
			  [TCPSTATE_STATE_LAST + 1];
	struct tcpstate_value verified_ns;
	struct tcpstate_value on_ns;
};

/**
 * struct tcpstate_ignore - alerts that are ignored
 * @kind: enum tcpstate_alert_kind; 0: any
 * @port: local port of a listener, remote port of a destination; 0: any
 * @family: of @addr; 0: any address
 * @addr: local address of a listener or a local address, remote address of a destination; the
 *	first 4 bytes with AF_INET
 */
struct tcpstate_ignore {
	uint32_t kind;
	uint16_t port;
	int family;
	uint8_t addr[16];
};

bool tcpstate_ignore_same(const struct tcpstate_ignore *a, const struct tcpstate_ignore *b);

/**
 * struct tcpstate_config - what can be set at run time; older modules do not know all of it
 * @threshold: when alerts are raised and cleared, by TCPSTATE_A_THRESHOLDS_...; element 0 is unused
 * @ignores: how many of @ignore there are; of a request: known, they take the place of all that
 *	there were
 * @ignore: alerts that are ignored
 */
struct tcpstate_config {
	struct tcpstate_value limit;
	struct tcpstate_value event_batch;
	struct tcpstate_value event_delay_ms;
	struct tcpstate_value event_queue;
	struct tcpstate_value threshold[TCPSTATE_A_THRESHOLDS_MAX + 1];
	struct tcpstate_value ignores;
	struct tcpstate_ignore ignore[TCPSTATE_IGNORES_MAX];
};

/*
 * Each decodes the attributes of one message, without its headers. @result is overwritten. Return:
 * 0, or -EBADMSG where an attribute that is needed is missing, of another length, or out of range
 * (a state that is none; a number above INT64_MAX).
 */
int tcpstate_decode_stats(const void *attrs, size_t len, struct tcpstate_stats *result);
int tcpstate_decode_endpoint(const void *attrs, size_t len, struct tcpstate_endpoint *result);
int tcpstate_decode_config(const void *attrs, size_t len, struct tcpstate_config *result);

/**
 * tcpstate_decode_events() - a message of the group "transitions"
 * @attrs: its attributes
 * @len: their length, bytes
 * @lost: gets the kernel's count of lost events
 * @each: called for every transition, in order; what it returns other than 0 ends it
 * @arg: for @each
 *
 * Return: 0, -EBADMSG, or what @each returned. @each may have been called before -EBADMSG.
 */
int tcpstate_decode_events(const void *attrs, size_t len, uint64_t *lost,
			   int (*each)(const struct tcpstate_transition *t, void *arg), void *arg);

#endif
