/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests to the module by generic netlink, and its events. One link is one socket; not for
 * several threads at once.
 *
 * Functions return 0 or a negative errno; tcpstate_link_error() then has one line for people, the
 * kernel's own words (extended acknowledgment) where it gave some. -ENOENT: the module is not
 * loaded, or no more. -EPERM: CAP_NET_ADMIN is needed.
 */
#ifndef TCPSTATE_LINK_H
#define TCPSTATE_LINK_H

#include "decode.h"

struct tcpstate_link;

/* What people are told where the module is missing: one line also behind "tcpstated: ". */
#define TCPSTATE_LINK_ABSENT \
	"the module is not loaded; modprobe tcpstate or insmod DIR/tcpstate.ko"

/**
 * struct tcpstate_filter - which endpoints a dump lists; all 0: all of them
 * @states: bit (1 << state) for each state, 0: every state
 * @family: AF_INET, AF_INET6, or 0
 * @laddr: local address, with @laddr_len bytes (0: any, 4 or 16), of which the first @lprefix bits
 *	count
 * @raddr: remote address, likewise
 * @lport_min: lowest local port
 * @lport_max: highest, 0: 65535
 * @rport_min: lowest remote port
 * @rport_max: highest, 0: 65535
 * @min_age_ns: shortest time in the state
 * @limit: list no more, 0: all
 */
struct tcpstate_filter {
	uint32_t states;
	int family;
	uint8_t laddr[16];
	uint8_t raddr[16];
	uint8_t laddr_len;
	uint8_t raddr_len;
	uint8_t lprefix;
	uint8_t rprefix;
	uint16_t lport_min;
	uint16_t lport_max;
	uint16_t rport_min;
	uint16_t rport_max;
	uint64_t min_age_ns;
	uint32_t limit;
};

/* Whether a dump would list such an endpoint, but for its state and age, and the limit. */
bool tcpstate_filter_match(const struct tcpstate_filter *filter,
			   const struct tcpstate_tuple *tuple);

int tcpstate_link_open(struct tcpstate_link **link);
void tcpstate_link_close(struct tcpstate_link *link);

/*
 * What the last failure was; never NULL. @link is NULL after a failed open. Valid until the next
 * call, and undefined where a callback has ended it.
 */
const char *tcpstate_link_error(const struct tcpstate_link *link);

/* The descriptor, for poll(). */
int tcpstate_link_fd(const struct tcpstate_link *link);

int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats);

/**
 * tcpstate_link_endpoints() - a dump
 * @link: link, without a subscription
 * @filter: which
 * @each: called for every endpoint; what it returns other than 0 ends the dump and is returned
 * @restart: called where the kernel says that the dump was interrupted and it begins anew: forget
 *	what @each was told. After some attempts the last result stands
 * @arg: for both
 */
int tcpstate_link_endpoints(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			    int (*each)(const struct tcpstate_endpoint *e, void *arg),
			    void (*restart)(void *arg), void *arg);

/* One endpoint; -ENOENT where there is none, too. */
int tcpstate_link_endpoint(struct tcpstate_link *link, const struct tcpstate_tuple *tuple,
			   struct tcpstate_endpoint *e);

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *config);
/* Sets what is known in @config, all of it or nothing. */
int tcpstate_link_config_set(struct tcpstate_link *link, const struct tcpstate_config *config);

/*
 * Switches tcpstate on or off in all network namespaces, which takes its time. Needs CAP_NET_ADMIN in
 * the initial user namespace. -EOPNOTSUPP: an older module.
 */
int tcpstate_link_switch(struct tcpstate_link *link, bool on);

/**
 * tcpstate_link_subscribe() - begin to receive transitions
 * @link: link, from now on for events only
 * @buffer: bytes of the socket's buffer, 0: the library's default
 */
int tcpstate_link_subscribe(struct tcpstate_link *link, unsigned int buffer);

/**
 * struct tcpstate_loss - events that a reader of events has missed so far
 * @kernel: those that the kernel had no room for
 * @reader: those that this reader's buffer had no room for, exact as soon as a later event has come
 * @overruns: how often this reader's buffer had no room
 */
struct tcpstate_loss {
	uint64_t kernel;
	uint64_t reader;
	uint64_t overruns;
};

/**
 * tcpstate_link_events() - the events that have arrived
 * @link: subscribed link
 * @each: called for every transition, in order
 * @arg: for @each
 * @loss: updated
 *
 * Takes what is there, but no more than some hundred messages at a time, and does not wait: poll()
 * before. An overrun is no error, it is in @loss. Return: 0, what @each returned, or a negative
 * errno; -ENOENT: the module has been unloaded. An overrun can swallow even that notice, and then
 * the socket stays silent for ever: who hears nothing for long asks something through another link.
 */
int tcpstate_link_events(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_transition *t, void *arg), void *arg,
			 struct tcpstate_loss *loss);

#endif
