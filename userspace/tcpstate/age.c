// SPDX-License-Identifier: GPL-2.0-only
/*
 * What was there before the module knew of it has been in its state for at least so long. Of an
 * endpoint the module says so; of the oldest in a state nobody does, but its age is that of the module
 * then.
 */
#include <langinfo.h>
#include <locale.h>
#include <string.h>

#include "../lib/format.h"
#include "tcpstate.h"

/* In which the module finds what was there when it was switched on. */
#define SEARCH_MS	2000

bool use_utf8(void)
{
	setlocale(LC_CTYPE, "");
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

const char *at_least_sign(bool utf8)
{
	return utf8 ? "≥" : ">=";
}

bool oldest_at_least(const struct tcpstate_row *row, const struct tcpstate_stats *stats)
{
	return row->oldest_ms.known && row->count.n && stats->on_ns.known &&
	       row->oldest_ms.n + SEARCH_MS >= stats->on_ns.n / NS_PER_MS;
}
