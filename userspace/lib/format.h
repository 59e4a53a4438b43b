/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Numbers as people read them. The same in every locale, so that a screen in a
 * ticket reads the same everywhere.
 */
#ifndef TCPSTATE_FORMAT_H
#define TCPSTATE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

/* Room for any uint64_t in either form, null byte included. */
#define TCPSTATE_FORMAT_MAX	32

/**
 * tcpstate_format_count() - 9812 as "9,812"
 * @buf: gets the text
 * @size: at least TCPSTATE_FORMAT_MAX
 * @n: the number
 */
void tcpstate_format_count(char *buf, size_t size, uint64_t n);

#define NS_PER_MS 1000000	/* netlink counts in the one, people are told in the other */

/**
 * tcpstate_format_duration() - "350ms", "12s", "4m12s", "3h05m", "2d03h"
 * @buf: gets the text
 * @size: at least TCPSTATE_FORMAT_MAX
 * @ms: milliseconds
 *
 * The two largest units, rounded down: an age is never overstated.
 */
void tcpstate_format_duration(char *buf, size_t size, uint64_t ms);

#endif
