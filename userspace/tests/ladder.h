/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ladders of segments for the machine's tests: snd() and rcv() with sequence and acknowledgment
 * numbers relative to the two initial ones, is() with the two states that must hold then.
 */
#ifndef TCPSTATE_TESTS_LADDER_H
#define TCPSTATE_TESTS_LADDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "fsm/fsm.h"

/* Both wrap within a few bytes. */
#define ISS	0xfffffffeu
#define IRS	0xfffffff0u

#define S	TCPS_SYN
#define F	TCPS_FIN
#define R	TCPS_RST
#define A	TCPS_ACK

static struct tcps_fsm m;
static struct tcps_step st;
static u16 win;		/* of every segment */
static u8 scale;	/* of every SYN */

static void step(struct tcps_seg seg, enum tcps_dir dir)
{
	seg.win = win;
	seg.scale = scale;
	if (!m.local.state)
		tcps_fsm_init(&m, &seg);
	tcps_fsm_step(&m, &seg, dir, &st);
}

static void snd(u8 flags, u32 seq, u32 ack, u32 len)
{
	step((struct tcps_seg){ .flags = flags, .seq = ISS + seq, .ack = IRS + ack, .len = len },
	     TCPS_SENT);
}

/* A FIN of a socket that was closed before it got the far end's */
static __attribute__((unused)) void snd_late_fin(u32 seq, u32 ack, u32 len)
{
	step((struct tcps_seg){ .flags = F | A, .seq = ISS + seq, .ack = IRS + ack, .len = len,
				.active = true }, TCPS_SENT);
}

static void rcv(u8 flags, u32 seq, u32 ack, u32 len)
{
	step((struct tcps_seg){ .flags = flags, .seq = IRS + seq, .ack = ISS + ack, .len = len },
	     TCPS_RCVD);
}

#define is(l, r) do {								\
	assert_string_equal(tcps_state_name(m.local.state), #l);		\
	assert_string_equal(tcps_state_name(m.remote.state), #r);		\
} while (0)

/* The last step moved nothing and said so, or said nothing. */
#define ignored() do { assert_int_equal(st.nlocal, 0); assert_true(st.invalid); } while (0)
#define unmoved() do {								\
	assert_int_equal(st.nlocal + st.nremote, 0);				\
	assert_false(st.invalid);						\
} while (0)

static int begin(void **state)
{
	(void)state;
	memset(&m, 0, sizeof(m));
	win = 1000;
	scale = TCPS_NO_SCALE;
	return 0;
}

/* Both SYNs, no more: sequence number 1 is next on either side. */
static __attribute__((unused)) void active(void)
{
	snd(S, 0, 0, 0);
	rcv(S | A, 0, 1, 0);
	snd(A, 1, 1, 0);
}

static __attribute__((unused)) void passive(void)
{
	snd(S | A, 0, 1, 0);
	rcv(A, 1, 1, 0);
}

#endif
