/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Arrays that grow as they are filled.
 */
#ifndef TCPSTATE_GROW_H
#define TCPSTATE_GROW_H

#include <stdlib.h>

/* Room for one more of @size bytes behind @n. The array, perhaps moved; NULL: as it was. */
static inline void *tcpstate_grow(void *at, size_t n, size_t *room, size_t size)
{
	size_t want = *room ? 2 * *room : 64;

	if (n < *room)
		return at;
	at = reallocarray(at, want, size);
	if (at)
		*room = want;
	return at;
}

#endif
