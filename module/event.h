/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transitions, told to those who listen to the multicast group: queued where they happen, put into
 * messages and sent from a work, many at a time.
 *
 * Every queued event has a sequence number of its namespace, given under the queue's lock. What
 * finds no room, or no memory, has none and is counted.
 */
#ifndef TCPSTATE_EVENT_H
#define TCPSTATE_EVENT_H

#include "fsm/fsm.h"
#include "tcpstate.h"
#include "wire.h"

struct genl_family;

#define TCPS_EVENT_BATCH_DEFAULT	32	/* events a message */
#define TCPS_EVENT_DELAY_DEFAULT	20	/* ms */
#define TCPS_EVENT_QUEUE_DEFAULT	65536

/* What can be set at run time, and what has been counted. See the netlink spec. */
struct tcps_event_config {
	u32 batch;
	u32 delay_ms;
	u32 queue;
};

struct tcps_event_counts {
	u64 seq;
	u64 lost;
};

/* Context: may sleep. */
int tcps_event_init(void);
/* No namespace has a queue any more. */
void tcps_event_exit(void);

/* The family whose multicast group gets the events; NULL: none. Context: may sleep. */
void tcps_event_family(const struct genl_family *family);

/**
 * tcps_event_multicast() - a message to those who listen in a namespace, if anybody does
 * @tn:		namespace
 * @group:	multicast group
 * @cmd:	what it is
 * @size:	room for its attributes
 * @fill:	puts them; 0, or -EMSGSIZE
 * @arg:	for @fill
 *
 * Context: may sleep.
 */
void tcps_event_multicast(struct tcps_net *tn, enum tcps_group group, u8 cmd, size_t size,
			  int (*fill)(struct sk_buff *skb, const void *arg), const void *arg);

int tcps_event_net_init(struct tcps_net *tn);
/* Nothing is queued any more. Context: may sleep. */
void tcps_event_net_exit(struct tcps_net *tn);

/* Does anybody listen to transitions in this namespace? Context: any. */
bool tcps_event_wanted(const struct tcps_net *tn);

/**
 * tcps_event_queue() - an end has moved; for those who listen
 * @tn:		namespace
 * @key:	endpoint
 * @local:	which end
 * @move:	transition
 * @stay_ns:	how long the local end had been in the old state; 0 where it was not, and for the far
 *		end
 * @holder:	who holds its socket
 *
 * tcps_event_kick() has to follow, after the unlock. Context: under the endpoint's shard lock, so
 * that the events of one endpoint are in order.
 */
void tcps_event_queue(struct tcps_net *tn, const struct tcps_key *key, bool local,
		      const struct tcps_move *move, u64 stay_ns,
		      const struct tcps_holder *holder);

/* Sees that what is queued will be sent. Context: any, no lock of ours held. */
void tcps_event_kick(struct tcps_net *tn);

void tcps_event_get(struct tcps_net *tn, struct tcps_event_config *config,
		    struct tcps_event_counts *counts);
/* @config has been checked. Takes effect with the next event. */
void tcps_event_set(struct tcps_net *tn, const struct tcps_event_config *config);

#endif
