/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What two sides say of the same endpoints, the kernel's sockets and the module's records, and
 * where they differ. Neither side stands still meanwhile, so what differs is looked at again.
 */
#ifndef TCPSTATE_COMPARE_H
#define TCPSTATE_COMPARE_H

#include "diag.h"

/* What one side has; begins as zeros. */
struct tcpstate_view {
	struct tcpstate_seen *at;
	size_t n;
	size_t room;
};

/* 0 or -ENOMEM. */
int tcpstate_view_add(struct tcpstate_view *view, const struct tcpstate_seen *seen);
void tcpstate_view_free(struct tcpstate_view *view);

/**
 * struct tcpstate_difference - a tuple of which the sides do not have the same
 * @kernel: the kernel's state, 0: it has none
 * @ours: the module's state, 0: it has none
 * @count: how many are too many or other ones. Above 1 only of listeners: they share an address by
 *	SO_REUSEPORT, and then the larger side has so many more
 * @steady: the look before found exactly this difference, too
 */
struct tcpstate_difference {
	struct tcpstate_tuple tuple;
	uint8_t kernel;
	uint8_t ours;
	bool steady;
	uint32_t count;
};

/* In the order of their tuples, one for each; begins as zeros. */
struct tcpstate_differences {
	struct tcpstate_difference *at;
	size_t n;
	size_t room;
};

void tcpstate_differences_free(struct tcpstate_differences *list);

/**
 * tcpstate_compare() - where two sides differ
 * @kernel: one; gets sorted, and what a dump has met twice is there once
 * @ours: the other, likewise
 * @states: bit (1 << state) for each state that counts; a tuple that on both sides is in other ones
 *	or absent makes no difference
 * @result: overwritten
 *
 * Return: 0 or -ENOMEM.
 */
int tcpstate_compare(struct tcpstate_view *kernel, struct tcpstate_view *ours, uint32_t states,
		     struct tcpstate_differences *result);

/**
 * tcpstate_differences_update() - what is left of the differences after another look
 * @list: what the looks before have left. What does not differ any more goes; what still does is as
 *	it is now, steady if it is as it was
 * @now: what the last look has found; tuples that are not in @list have begun to move since
 */
void tcpstate_differences_update(struct tcpstate_differences *list,
				 const struct tcpstate_differences *now);

/* The last look is over: what is not steady goes, too. */
void tcpstate_differences_settle(struct tcpstate_differences *list);

#endif
