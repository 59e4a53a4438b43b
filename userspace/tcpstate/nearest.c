// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "tcpstate.h"

/* Longer than any valid word: what is longer still is nobody's slip. */
#define WORD_MAX 32

static unsigned int min(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* Edits from a to b; two letters swapped, the commonest slip, count as one. */
static unsigned int distance(const char *a, unsigned int alen, const char *b, unsigned int blen)
{
	unsigned int d[WORD_MAX + 1][WORD_MAX + 1];
	unsigned int i, j;

	for (i = 0; i <= alen; i++)
		d[i][0] = i;
	for (j = 0; j <= blen; j++)
		d[0][j] = j;
	for (i = 1; i <= alen; i++) {
		for (j = 1; j <= blen; j++) {
			d[i][j] = min(d[i - 1][j], d[i][j - 1]) + 1;
			d[i][j] = min(d[i][j], d[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				d[i][j] = min(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[alen][blen];
}

const char *nearest(const char *typed, unsigned int count,
		    const char *(*word)(unsigned int i))
{
	unsigned int len = strnlen(typed, WORD_MAX + 1);
	const char *best = NULL;
	unsigned int i, away, least = 0;

	if (len > WORD_MAX)
		return NULL;
	for (i = 0; i < count; i++) {
		unsigned int wlen = strnlen(word(i), WORD_MAX);

		away = distance(typed, len, word(i), wlen);
		/* More than half of it wrong is not a slip but another word. */
		if (away * 2 > wlen)
			continue;
		if (!best || away < least) {
			best = word(i);
			least = away;
		}
	}
	return best;
}
