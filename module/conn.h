/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: one a local endpoint. A table of fixed size, split into shards; in each shard every
 * namespace has one list a state (appended on entry: its length is the count, its head the oldest)
 * and a few due lists for the audit. Locks and lifetimes: Documentation/locking.rst.
 */
#ifndef TCPSTATE_CONN_H
#define TCPSTATE_CONN_H

#include <linux/list.h>
#include <linux/spinlock.h>

#include "fsm/fsm.h"
#include "tcpstate.h"

/*
 * Bounds of the module parameter max_endpoints, and of its default: RAM / 64, a record taken as
 * 256 bytes.
 */
#define TCPS_ENDPOINTS_MIN		1024u
#define TCPS_ENDPOINTS_MAX		16777216u
#define TCPS_ENDPOINTS_DEFAULT_MIN	16384u
#define TCPS_ENDPOINTS_DEFAULT_MAX	1048576u

struct tcps_peer;

/* When the audit is to look at a record; the delays are in conn.c, the reasons in locking.rst. */
enum tcps_due {
	TCPS_DUE_NOW,
	TCPS_DUE_RETRY,
	TCPS_DUE_SHORT,
	TCPS_DUE_LONG,
	TCPS_DUE_TIME_WAIT,
	TCPS_DUES
};

/* Ages that are counted: how many endpoints have been in their state that long. Ascending. */
enum tcps_age { TCPS_AGE_60S, TCPS_AGE_300S, TCPS_AGES };

/**
 * struct tcps_conn - the record of one local endpoint
 * @node:	in its bucket
 * @by_state:	in the list of its local state, oldest entry first
 * @by_due:	in a due list, soonest first
 * @tn:		its namespace
 * @key:	what it is found by; does not change
 * @version:	differs after every transition and between incarnations of one tuple
 * @fsm:	the machine
 * @peer:	who it is counted with (peer.c), NULL: nobody
 * @listed:	local state, whose list it is on; 0 while it is on none. Without a socket that tells
 *		it is the machine's
 * @ages:	how many of enum tcps_age it has reached in it and is counted for
 * @early:	its port was bound before connect(), and it is counted with its local address, too
 * @ranged:	it opened the connection, from a port in ip_local_port_range
 * @at_least:	it was in that state already when it was found
 * @suspect:	the audit has found its socket in another state, once since it entered this one; or
 *		its minisock has sent a RST
 * @pid:	process that called connect(), in the initial pid namespace, or 0
 * @expires:	of a minisock that was found: when its time is over, jiffies; else 0
 * @due:	when the audit is to look, jiffies; while it is on a due list
 * @owner:	the full socket that tells its transitions, or NULL: there is none, or segments tell.
 *		Compared, never followed
 * @since:	when it entered that state, ns of ktime_get_boottime_ns(); no two of a shard have the
 *		same
 *
 * Protected by its shard's lock, all of it.
 */
struct tcps_conn {
	struct hlist_node node;
	struct list_head by_state;
	struct list_head by_due;
	struct tcps_net *tn;
	struct tcps_peer *peer;
	struct tcps_key key;
	u32 version;
	struct tcps_fsm fsm;
	u8 listed;
	u8 ages;
	bool early:1;
	bool ranged:1;
	bool at_least:1;
	bool suspect:1;
	u32 pid;
	u32 expires;
	u32 due;
	const void *owner;
	u64 since;
};

/* Makes sure that a record stays at what the README says it costs. */
static_assert(sizeof(struct tcps_conn) <= 208, "the record has grown");

/* Is the deadline of @conn, which is on a due list, still to come at @now, jiffies? */
static inline bool tcps_conn_not_due(const struct tcps_conn *conn, unsigned long now)
{
	return (s32)(conn->due - (u32)now) > 0;
}

struct tcps_shard;

/* A locked place in the table: where a key belongs. */
struct tcps_slot {
	struct tcps_shard *shard;
	struct hlist_head *bucket;
	struct tcps_lists *lists;
};

/* Counts of a namespace: of each state, how many are in it now. */
struct tcps_counts {
	struct {
		u32 count;
		u32 older[TCPS_AGES];	/* those of them that have been in it that long */
		u64 oldest_ns;		/* since the oldest entered the state; 0: none */
	} state[TCPS_STATES];
};

/* What readers are told of a record. */
struct tcps_view {
	struct tcps_key key;
	u64 age_ns;		/* since it entered its local state */
	const void *owner;
	const void *peer;	/* only to be compared */
	u32 version;
	u32 pid;
	u8 local;
	u8 remote;
	bool at_least;		/* it may have been there for longer than @age_ns */
};

/* Where a walk over a namespace's records is: behind the record @last, if @state is not 0. */
struct tcps_cursor {
	struct tcps_key last;
	u64 since;
	u32 shard;
	u8 state;
};

/* What of a record is copied out for a look-up without the shard's lock. */
struct tcps_item {
	struct tcps_key key;
	const void *owner;
	u32 version;
	u8 state;
};

static inline struct tcps_item tcps_conn_item(const struct tcps_conn *conn)
{
	return (struct tcps_item){
		.key = conn->key, .owner = conn->owner, .version = conn->version,
		.state = conn->listed,
	};
}

/**
 * tcps_conn_init() - make the table
 * @max_endpoints: most records in all namespaces together, or 0: by the size of the memory
 *
 * Context: may sleep. Return: 0, -EINVAL (the log says why) or -ENOMEM.
 */
int tcps_conn_init(unsigned int max_endpoints);
void tcps_conn_exit(void);

/*
 * Lists of one namespace. Context: may sleep. exit frees the namespace's records: nothing may add
 * one any more.
 */
int tcps_conn_net_init(struct tcps_net *tn);
void tcps_conn_net_exit(struct tcps_net *tn);
/*
 * Calls @remove, which ends in tcps_conn_remove(), for each record of a namespace while nothing else
 * adds, moves or removes one. Context: may sleep; @remove under the shard's lock, may not.
 */
void tcps_conn_clear(struct tcps_net *tn,
		     void (*remove)(struct tcps_slot *slot, struct tcps_conn *conn));

/* Locks the place where @key belongs in @tn. Context: any but hard interrupt. */
void tcps_conn_lock(struct tcps_slot *slot, struct tcps_net *tn, const struct tcps_key *key);
void tcps_conn_unlock(struct tcps_slot *slot);

/*
 * Find the record of @key in the locked @slot, or NULL. An endpoint that sends knows its own
 * scope; a packet that comes in by interface @key->scope (in a VRF also @sdif) is for an endpoint
 * bound to one of them or to none.
 */
struct tcps_conn *tcps_conn_find_sender(struct tcps_slot *slot, const struct tcps_net *tn,
					const struct tcps_key *key);
struct tcps_conn *tcps_conn_find_receiver(struct tcps_slot *slot, const struct tcps_net *tn,
					  const struct tcps_key *key, int sdif);
/* The record that belongs to @owner, whatever its scope. */
struct tcps_conn *tcps_conn_find_owner(struct tcps_slot *slot, const struct tcps_net *tn,
				       const struct tcps_key *key, const void *owner);
/* Any record of the tuple, whatever its scope. */
struct tcps_conn *tcps_conn_find_any_scope(struct tcps_slot *slot, const struct tcps_net *tn,
					   const struct tcps_key *key);

/* The socket of @conn has been bound to another interface (SO_BINDTODEVICE after connect()). */
void tcps_conn_rebind(struct tcps_slot *slot, struct tcps_conn *conn, int scope);

/**
 * tcps_conn_create() - a new record, found by its key, on no list yet, its machine all zero
 * @slot:	locked, that of @key
 * @tn:		namespace
 * @key:	key; there is no record of it
 *
 * Return: NULL where the table or the namespace's share is full, or there is no memory.
 */
struct tcps_conn *tcps_conn_create(struct tcps_slot *slot, struct tcps_net *tn,
				   const struct tcps_key *key);

/**
 * tcps_conn_enter() - a record has changed its local state, now
 * @slot:	locked, that of @conn
 * @conn:	record: it is moved to the new state's list; in CLOSE it is on none
 * @state:	new state
 *
 * Return: how long it had been in the state before, ns; 0 where it was in none.
 */
u64 tcps_conn_enter(struct tcps_slot *slot, struct tcps_conn *conn, u8 state);

/*
 * From now on the full socket @owner tells the transitions of @conn, and the audit has no deadline
 * for it; NULL: it has none any more.
 */
void tcps_conn_bind(struct tcps_slot *slot, struct tcps_conn *conn, const void *owner);

/* Has the audit look at @conn when the delay of @due has passed. */
void tcps_conn_set_due(struct tcps_slot *slot, struct tcps_conn *conn, enum tcps_due due);

/* Unlinks and frees @conn. */
void tcps_conn_remove(struct tcps_slot *slot, struct tcps_conn *conn);

/**
 * tcps_conn_due_batch() - records that the audit has to look at
 * @tn:		namespace
 * @shard:	index of the shard, from 0
 * @now:	jiffies; what becomes due later is left for the next tick
 * @items:	result
 * @max:	room in @items
 *
 * Each is put on the due list of its state as if it had just been looked at, or on none if a socket
 * tells its transitions. Context: process.
 * Return: number of @items filled in; -1 where there is no such shard.
 */
int tcps_conn_due_batch(struct tcps_net *tn, unsigned int shard, unsigned long now,
			struct tcps_item *items, unsigned int max);

/**
 * tcps_conn_walk() - the next records of a namespace
 * @tn:		namespace
 * @cursor:	where the walk is; all 0 at first. Moved
 * @states:	set of local states, bit @state for each
 * @min_age:	shortest time in its state, ns
 * @match:	further condition, called under the shard's lock, or NULL
 * @arg:	for @match
 * @views:	result
 * @max:	room in @views, at least 1
 *
 * By shard, state and time of entry. A record that stays in its state throughout the walk is told
 * exactly once. Takes a shard's lock for some hundred records at a time. Context: process.
 * Return: number of @views filled in; 0 at the end.
 */
unsigned int tcps_conn_walk(struct tcps_net *tn, struct tcps_cursor *cursor, u32 states,
			    u64 min_age, bool (*match)(const struct tcps_key *key, const void *arg),
			    const void *arg, struct tcps_view *views, unsigned int max);

/* One endpoint; false where it has no record. Context: process or softirq. */
bool tcps_conn_view(struct tcps_net *tn, const struct tcps_key *key, struct tcps_view *view);

/* How many endpoints of @tn are in @state, without a lock. Context: any. */
unsigned int tcps_conn_count(const struct tcps_net *tn, u8 state);

/*
 * How full it is for @tn: @used of the @most records that it may have. For the initial namespace, which
 * answers for the machine, all records count instead where they leave less room, to it or to the others.
 */
void tcps_conn_fill(const struct tcps_net *tn, u32 *used, u32 *most);

/* Most records of all namespaces together, and most that @tn may have by default. */
unsigned int tcps_conn_capacity(void);
unsigned int tcps_conn_default_limit(const struct tcps_net *tn);

/*
 * Counts of @tn, see locking.rst on what they are while things move. Context: process or softirq.
 */
void tcps_conn_counts(struct tcps_net *tn, struct tcps_counts *counts);

#endif
