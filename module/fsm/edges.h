/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The diagram of states.def as data, for those who check what the machine does: the KUnit suite,
 * the exhaustive walk, the fuzzer. The machine itself does not need it.
 */
#ifndef TCPSTATE_FSM_EDGES_H
#define TCPSTATE_FSM_EDGES_H

#include "fsm.h"

static const struct tcps_move tcps_edges[] = {
#define TCPS_EDGE(from, event, to, origin, why) { TCPS_##from, TCPS_##to, TCPS_EV_##event },
#include "states.def"
};

static const struct {
	u8 from;
	u8 to;
} tcps_nevers[] = {
#define TCPS_NEVER(from, to, why) { TCPS_##from, TCPS_##to },
#include "states.def"
};

#define TCPS_EDGES	(sizeof(tcps_edges) / sizeof(tcps_edges[0]))
#define TCPS_NEVERS	(sizeof(tcps_nevers) / sizeof(tcps_nevers[0]))

/* The index of @move in tcps_edges, or TCPS_EDGES where the diagram has no such transition. */
static inline unsigned int tcps_edge_index(const struct tcps_move *move)
{
	unsigned int i;

	for (i = 0; i < TCPS_EDGES; i++)
		if (tcps_edges[i].from == move->from && tcps_edges[i].event == move->event &&
		    tcps_edges[i].to == move->to)
			break;
	return i;
}

/* Is it one that RFC 9293 has and Linux never takes? */
static inline bool tcps_edge_never(const struct tcps_move *move)
{
	unsigned int i;

	for (i = 0; i < TCPS_NEVERS; i++)
		if (tcps_nevers[i].from == move->from && tcps_nevers[i].to == move->to)
			return true;
	return false;
}

#endif
