// SPDX-License-Identifier: GPL-2.0-only
/*
 * While the module is switched off it knows of no connection: an empty answer would be taken for a
 * quiet machine.
 */
#include <stdio.h>

#include "tcpstate.h"

bool switched_off(const struct tcpstate_health *health)
{
	return health->coverage.n == TCPSTATE_EVIDENCE_NONE;
}

bool say_if_off(const struct tcpstate_health *health)
{
	bool off = switched_off(health);

	if (off)
		fprintf(stderr, "tcpstate: %s\n", SWITCHED_OFF);
	return off;
}

bool ask_if_off(struct tcpstate_link *link)
{
	struct tcpstate_stats stats;

	return !tcpstate_link_stats(link, &stats) && say_if_off(&stats.snapshot.health);
}
