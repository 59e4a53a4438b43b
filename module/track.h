/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The spine: every piece of evidence goes through here. It finds or makes the record, steps its
 * machine, moves it to the list of its new state, and then, outside the lock, tells the counters
 * and the tracepoint.
 *
 * Who moves the local end: where sockets tell, a full socket is the only one for its record, which
 * is bound to it; segments move minisocks; request sockets begin with a segment, and what becomes of
 * them the child or the audit tells. Else segments move everything.
 */
#ifndef TCPSTATE_TRACK_H
#define TCPSTATE_TRACK_H

#include "segment.h"

/**
 * tcps_track_segment() - the local end of @pkt->key sent or received a segment
 * @tn:		namespace
 * @pkt:	endpoint and segment
 * @dir:	sent or received
 *
 * Context: process or softirq, under rcu_read_lock(). Does not sleep.
 * Return: whether the endpoint had or got a record: then somebody has to see that the audit runs.
 */
bool tcps_track_segment(struct tcps_net *tn, const struct tcps_packet *pkt, enum tcps_dir dir);

#endif
