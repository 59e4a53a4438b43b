/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A link's socket: requests, their answers, and errors in words. For the files of the library that
 * ask the kernel.
 */
#ifndef TCPSTATE_EXCHANGE_H
#define TCPSTATE_EXCHANGE_H

#include <libmnl/libmnl.h>
#include <sys/types.h>

#include "link.h"

#define LINK_REQUEST_MAX	1024
#define LINK_REPLY_MAX		65536	/* the kernel's dumps have at most 32 KiB a message */

/**
 * struct link_kind - whom a socket talks to
 * @bus: NETLINK_GENERIC or another
 * @header: bytes of an answer's payload in front of what is taken
 * @absent: what -ENOENT means, for people
 * @unreadable: the same of an answer that cannot be decoded
 */
struct link_kind {
	int bus;
	size_t header;
	const char *absent;
	const char *unreadable;
};

/* The module's multicast groups. */
enum {
	LINK_TRANSITIONS,
	LINK_ALERTS,
	LINK_GROUPS,
};

/**
 * struct tcpstate_link - one socket
 * @kind: whom it talks to
 * @nl: libmnl's
 * @seq: of the last request
 * @family: number of the module's family
 * @groups: numbers of the module's groups, 0: an older module has it not
 * @notify: number of the group in which the kernel tells that a family is gone
 * @started: an event has come: the next three are known
 * @next_seq: of the event that comes next if none is lost
 * @lost_before: the kernel's count of lost events when it joined
 * @loss: what the reader is told
 * @error: the last one
 * @reply: what has been received
 */
struct tcpstate_link {
	const struct link_kind *kind;
	struct mnl_socket *nl;
	uint32_t seq;
	uint16_t family;
	uint32_t groups[LINK_GROUPS];
	uint32_t notify;
	bool started;
	uint64_t next_seq;
	uint64_t lost_before;
	struct tcpstate_loss loss;
	char error[256];
	char reply[LINK_REPLY_MAX] __attribute__((aligned(8)));
};

/*
 * What to do with a message, given its attributes. What it returns other than 0 is returned to
 * whoever asked.
 */
typedef int (*take_fn)(const void *attrs, size_t len, void *arg);

/**
 * struct exchange - where the answer to a request is
 * @link: link
 * @take: for its messages, as long as @ret is 0
 * @arg: for @take
 * @ret: the result so far
 * @interrupted: a dump that has to begin anew
 * @done: no further message will come
 */
struct exchange {
	struct tcpstate_link *link;
	take_fn take;
	void *arg;
	int ret;
	bool interrupted;
	bool done;
};

/*
 * A new link, on which @begin has succeeded, if it is not NULL; or none, and then
 * tcpstate_link_error(NULL) says why.
 */
int link_open(struct tcpstate_link **result, const struct link_kind *kind,
	      int (*begin)(struct tcpstate_link *link));

/* Keeps a line for people and returns @err. */
__attribute__((format(printf, 3, 4)))
int link_fail(struct tcpstate_link *link, int err, const char *fmt, ...);
/* The same for errno, negative. */
int link_fail_errno(struct tcpstate_link *link, const char *what);
/* The same for a refusal: the kernel's words, if any, from byte @skip of @nlh (or NULL) on. */
int link_refused(struct tcpstate_link *link, int err, const struct nlmsghdr *nlh, size_t skip);

/* Begins a request in @buf, LINK_REQUEST_MAX bytes that are aligned. */
struct nlmsghdr *link_request(struct tcpstate_link *link, char *buf, uint16_t family,
			      uint8_t cmd, uint16_t flags);
/* Sends it and reads all of the answer, so that the next one can follow. */
int link_exchange(struct exchange *x, struct nlmsghdr *nlh);
/* The same for a request that is no dump. */
int link_ask(struct tcpstate_link *link, struct nlmsghdr *nlh, take_fn take, void *arg);

/**
 * struct link_dump - a dump to be asked for
 * @cmd: command
 * @put: adds attributes to the request, NULL: it has none
 * @what: for @put
 * @take: for each message
 * @to: for @take
 * @restart: where it begins anew, forget what @take was told
 * @arg: for @restart
 */
struct link_dump {
	uint8_t cmd;
	void (*put)(struct nlmsghdr *nlh, const void *what);
	const void *what;
	take_fn take;
	void *to;
	void (*restart)(void *arg);
	void *arg;
};

/* Where the kernel says that it was interrupted, again, but not for ever. */
int link_dump(struct tcpstate_link *link, const struct link_dump *dump);

/* Says that the module is too old for alerts; -EOPNOTSUPP. */
int link_no_alerts(struct tcpstate_link *link);

/* The number of the family that a message of the control family is about. */
uint16_t link_family(const void *attrs, size_t len);

/* One datagram into link->reply; its length, or -1 and errno. */
ssize_t link_receive(struct tcpstate_link *link, int flags);
int link_take(struct tcpstate_link *link, const struct nlmsghdr *nlh, take_fn take, void *arg);

#endif
