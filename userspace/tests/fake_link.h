/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A link to nothing, for the tests of subcommands: they say themselves what is asked through it.
 */
#ifndef FAKE_LINK_H
#define FAKE_LINK_H

#include "../lib/link.h"

int tcpstate_link_open(struct tcpstate_link **link)
{
	static int nothing;

	*link = (struct tcpstate_link *)&nothing;
	return 0;
}

void tcpstate_link_close(struct tcpstate_link *link)
{
	(void)link;
}

const char *tcpstate_link_error(const struct tcpstate_link *link)
{
	(void)link;
	return "no link";
}

#endif
