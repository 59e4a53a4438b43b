/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sequence-number arithmetic, modulo 2^32 (RFC 9293, section 3.4): a comparison is right as long
 * as the two numbers are less than 2^31 apart.
 */
#ifndef TCPSTATE_FSM_SEQ_H
#define TCPSTATE_FSM_SEQ_H

#include "shim.h"

static inline bool tcps_seq_before(u32 a, u32 b)
{
	return (s32)(a - b) < 0;
}

static inline bool tcps_seq_after(u32 a, u32 b)
{
	return tcps_seq_before(b, a);
}

/* Moves *mark forward to @to; never back. */
static inline void tcps_seq_advance(u32 *mark, u32 to)
{
	if (tcps_seq_after(to, *mark))
		*mark = to;
}

#endif
