/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The family "tcpstate" over a raw netlink socket: requests made attribute by attribute, right or wrong, and answers
 * taken apart as strictly as the spec says (Documentation/netlink/specs/tcpstate.yaml).
 *
 * Functions return 0 or a negative errno; for a refusal struct nl tells the kernel's text and the bad attribute.
 */
#ifndef NL_H
#define NL_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/tcpstate.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "testlib.h"

#define NL_ROOM		65536
#define NL_ROOM_SHORT	4096

/* A state in the filter's set of states */
#define NL_STATE(state)	(1u << (state))

#define NL_CORRECTIONS	(TCPSTATE_CORRECTION_MISSED + 1)

enum { NL_TRANSITIONS, NL_ALERTS, NL_GROUPS };

struct nl {
	int fd;
	uint16_t family;
	uint32_t group[NL_GROUPS];
	uint32_t seq;
	char text[256];		/* of the last refusal; empty: none */
	int offset;		/* of the attribute it is about, from the message's beginning; -1: none */
	size_t len;		/* of the last answer */
	size_t room;		/* longest answer that is taken; the kernel fills as much when it dumps */
	union {
		struct nlmsghdr h;
		char bytes[NL_ROOM];
	} answer;
};

struct nl_msg {
	union {
		struct nlmsghdr h;
		char bytes[32768];
	};
};

struct nl_state {
	uint32_t count;
	uint64_t entered;
	uint64_t oldest_ns;
	uint32_t older_60s;
	uint32_t older_300s;
	bool has_histogram;
	uint64_t histogram[TCPSTATE_HISTOGRAM_BUCKETS];
};

struct nl_stats {
	uint32_t netns, tracked, limit;
	struct nl_state state[STATES];
	uint64_t matrix[STATES][STATES];	/* by number, row and column 0 unused */
	uint64_t transitions, invalid, malformed, untracked;
	uint64_t event_seq, event_lost;
	uint32_t evidence;	/* enum tcpstate_evidence */
	uint64_t divergences;
	bool has_verified;
	uint64_t verified_ns;
	bool has_on;
	uint64_t on_ns;
	uint64_t divergence[NL_CORRECTIONS];	/* by enum tcpstate_correction */
	uint64_t diverged[NL_CORRECTIONS][STATES][STATES];	/* the same, by old and new state */
};

struct nl_tuple {
	uint32_t family;
	uint8_t addr[2][16];	/* local, remote; the first 4 bytes of IPv4 */
	uint16_t port[2];
	uint32_t scope;
};

struct nl_endpoint {
	struct nl_tuple tuple;	/* first */
	uint32_t local, remote;
	uint64_t age_ns;
	bool age_at_least, bypassed;
	uint32_t kind;		/* enum tcpstate_socket_kind; 0: it does not tell */
	bool has_holder;	/* the next three; without a cgroup that is 0 */
	uint32_t uid;
	uint64_t inode, cookie, cgroup;
	uint32_t pid;		/* 0: it does not tell */
};

struct nl_event {
	struct nl_tuple tuple;	/* first */
	uint64_t seq, time_ns, duration_ns;
	bool has_duration, has_holder;
	uint32_t end, from, to, cause;
	uint32_t uid, pid;
	uint64_t inode, cookie, cgroup;
};

struct nl_ignore {
	uint32_t kind;		/* enum tcpstate_alert_kind; 0: any */
	uint16_t port;		/* 0: any */
	uint32_t family;	/* of the address; 0: any */
	uint8_t addr[16];
};

struct nl_config {
	uint32_t limit, batch, delay_ms, queue;
	uint32_t threshold[TCPSTATE_A_THRESHOLDS_MAX + 1];	/* by number, 0 unused */
	unsigned int ignores;
	struct nl_ignore ignore[TCPSTATE_IGNORES_MAX];
};

/* In the namespace that we are in. -ENOENT: the module is not loaded. */
int nl_open(struct nl *nl);
/* With short messages: for dumps that take many. Statistics do not fit. */
int nl_open_short(struct nl *nl);
void nl_close(struct nl *nl);

void nl_begin(struct nl_msg *m, const struct nl *nl, int cmd, int flags);
void nl_put(struct nl_msg *m, int type, const void *data, size_t len);
void nl_put_u16(struct nl_msg *m, int type, uint16_t value);
void nl_put_u32(struct nl_msg *m, int type, uint32_t value);
void nl_put_u64(struct nl_msg *m, int type, uint64_t value);
void nl_put_tuple(struct nl_msg *m, const struct nl_tuple *t);
struct nlattr *nl_nest(struct nl_msg *m, int type);
void nl_nest_end(struct nl_msg *m, struct nlattr *nest);
static inline size_t nl_addr_len(uint32_t family) { return family == AF_INET ? 4 : 16; }

int nl_send(struct nl *nl, struct nl_msg *m);
/* A request that has one answer, or an ACK. */
int nl_ask(struct nl *nl, struct nl_msg *m);
/* A dump of endpoints: @each for every one. */
int nl_dump(struct nl *nl, struct nl_msg *m, void (*each)(const struct nl_endpoint *e, void *arg), void *arg);
/* The next message of a dump: 1, 0 at the end, or a negative errno. */
int nl_dump_next(struct nl *nl, void (*each)(const struct nl_endpoint *e, void *arg), void *arg);

/* The same of whatever a dump lists: @each for every message, where an errno ends it. */
int nl_dump_all(struct nl *nl, struct nl_msg *m, int (*each)(const struct nlmsghdr *h, void *arg), void *arg);
int nl_next(struct nl *nl, int (*each)(const struct nlmsghdr *h, void *arg), void *arg);

int nl_stats(struct nl *nl, struct nl_stats *s);
int nl_config(struct nl *nl, struct nl_config *c);
/* Sets one key that is a number, or one threshold. */
int nl_set(struct nl *nl, int key, uint32_t value);
int nl_set_threshold(struct nl *nl, int threshold, uint32_t value);
void nl_put_ignore(struct nl_msg *m, const struct nl_ignore *ignore);
int nl_get(struct nl *nl, const struct nl_tuple *t, struct nl_endpoint *e);

/* From a message that came; -EBADMSG and a diagnostic for what the spec does not know. */
int nl_parse_endpoint(const struct nlmsghdr *h, struct nl_endpoint *e);
int nl_parse_stats(const struct nlmsghdr *h, struct nl_stats *s);
int nl_parse_config(const struct nlmsghdr *h, struct nl_config *c);
/* Text and attribute of a refusal, into @nl; returns its errno, negative or 0. */
int nl_parse_error(struct nl *nl, const struct nlmsghdr *h);

int nl_join(struct nl *nl, int group);
int nl_leave(struct nl *nl, int group);
/* Waits up to @ms for a message, which is the answer then: 1, 0 where none has come, or a negative errno. */
int nl_wait(struct nl *nl, int ms);
/*
 * Waits up to @ms for a message of events. @each for every event; *lost is what it says of losses. Returns how many, 0
 * where none has come, -ENOBUFS where the socket has lost messages.
 */
int nl_events(struct nl *nl, int ms, void (*each)(const struct nl_event *e, void *arg), void *arg, uint64_t *lost);

/* The tuple of a connected socket, or of one that listens, whose far end is all zero. */
int nl_tuple_of(int fd, struct nl_tuple *t);
bool nl_same(const struct nl_tuple *a, const struct nl_tuple *b);
/* An address and a port as sockets want them. */
socklen_t nl_sockaddr(struct sockaddr_storage *addr, const char *host, int port);
/* A listener there; -1. */
int nl_listen(const char *host, int port, int backlog);
/* A connection from there (@host NULL: from anywhere) to @to; waits unless @nonblock. -1: errno. */
int nl_connect(const char *host, int port, const char *to, int to_port, bool nonblock);
/* Closes with a RST. */
void nl_reset(int fd);

#endif
