/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From the kernel's tables of sockets to records: sockets that are older than the module, that had
 * no room, or whose record is wrong.
 */
#ifndef TCPSTATE_SEED_H
#define TCPSTATE_SEED_H

#include "tcpstate.h"

struct sock;

/*
 * Does this namespace answer for a table of established sockets? The initial one for that which
 * all share, others for their own (net.ipv4.tcp_child_ehash_entries).
 */
bool tcps_seed_owns_table(const struct tcps_net *tn);

/* Number of buckets of the table that @tn's sockets are in. */
unsigned int tcps_seed_buckets(const struct tcps_net *tn);

/*
 * All of these: context: process, may sleep, no lock held.
 *
 * bucket: adopts what has no record in one bucket of that table, whatever its namespace; listeners:
 * likewise what listens, in all namespaces; one: the socket of one endpoint; search: the full socket
 * at @owner, if it is that of @key but for the scope (false: it is not there); begin, before any hook
 * is on, and all: all of all tables, once, when the probe is on and the listeners are known: what is
 * open belongs to one, or else it was opened from here. A full socket that somebody owns is left for
 * the next time.
 */
void tcps_seed_bucket(const struct tcps_net *tn, unsigned int bucket);
void tcps_seed_listeners(void);
void tcps_seed_one(struct tcps_net *tn, const struct tcps_key *key);
bool tcps_seed_search(const struct tcps_net *tn, const struct tcps_key *key, const void *owner);
void tcps_seed_begin(void);
void tcps_seed_all(void);

/*
 * Adopts a full socket soon: one that has no tuple yet, and will tell nothing when it has. Context:
 * process or softirq, the socket locked, or a reference to it held.
 */
void tcps_seed_later(struct sock *sk);
/* No more of that; nothing calls the above any more. Context: may sleep. */
void tcps_seed_stop(void);

#endif
