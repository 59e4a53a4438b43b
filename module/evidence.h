/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the kernel's sockets tell, and what is found when they are looked at, put into effect on
 * records. A full socket is the only one that moves the local end of its record, which is bound to it;
 * a CLOSE of another one is no news of it.
 */
#ifndef TCPSTATE_EVIDENCE_H
#define TCPSTATE_EVIDENCE_H

#include "tcpstate.h"

struct sock;
struct tcps_item;
struct tcps_seen;

/*
 * What is left to do about a record that is wrong: nothing; lock the socket of its tuple and adopt
 * it; or search the table for the socket that it is bound to, which is not where its tuple is (it
 * has been bound to another interface), and adopt that, else the record's end has come.
 */
enum tcps_remedy { TCPS_REMEDY_NONE, TCPS_REMEDY_ADOPT, TCPS_REMEDY_SEARCH };

/**
 * tcps_evidence_socket() - a full socket that does not listen changes its state
 * @tn:		namespace
 * @sk:		socket, locked by whoever changes it
 * @from:	old state
 * @to:		new state, which it is about to have
 *
 * Context: process or softirq, under rcu_read_lock(). Does not sleep.
 */
void tcps_evidence_socket(struct tcps_net *tn, const struct sock *sk, u8 from, u8 to);

/**
 * tcps_evidence_listen() - a socket begins or ceases to listen
 * @tn:		namespace
 * @sk:		socket, locked
 * @listens:	it begins
 *
 * Context: as above. Return: it begins without a port, and has no record: adopt it soon.
 */
bool tcps_evidence_listen(struct tcps_net *tn, const struct sock *sk, bool listens);

/**
 * tcps_evidence_adopt() - a socket in the kernel's tables should have a record
 * @sk:		full socket, locked; or listener, request socket or minisock, its bucket locked
 * @expected:	it is older than the module, or could not tell: what is found wrong is not counted
 *
 * Wakes the audit of its namespace. Context: process or softirq. Does not sleep.
 */
void tcps_evidence_adopt(const struct sock *sk, bool expected);

/*
 * Has @sk, as above but for the lock of a full socket, a record? Also true where its namespace is
 * about to end.
 */
bool tcps_evidence_knows(const struct sock *sk);

/**
 * tcps_evidence_seen() - the socket of a record has been looked up
 * @tn:		namespace
 * @item:	the record, before the look-up: if it has changed since, nothing is done
 * @seen:	what there is
 *
 * Context: process or softirq. Does not sleep.
 * Return: what is left to do.
 */
enum tcps_remedy tcps_evidence_seen(struct tcps_net *tn, const struct tcps_item *item,
				    const struct tcps_seen *seen);

/* The socket that the record is bound to is in no table. Context: as above. */
void tcps_evidence_gone(struct tcps_net *tn, const struct tcps_item *item);

#endif
