// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate off and tcpstate on: for the whole machine. Whoever suspects the module of something does
 * not want to unload it at once: that it is quiet now, and what it knew of alerts, is said.
 */
#include <errno.h>
#include <stdio.h>

#include "tcpstate.h"

static enum exit_code set(bool on, const char *said)
{
	struct tcpstate_link *link;
	int ret = tcpstate_link_open(&link);
	enum exit_code code = TCPSTATE_OK;

	if (!ret)
		ret = tcpstate_link_switch(link, on);
	if (ret)
		code = link_failed(link, ret);
	else
		puts(said);
	tcpstate_link_close(link);
	return code;
}

enum exit_code switch_off(const struct options *o)
{
	(void)o;
	return set(false, "tcpstate is off in all network namespaces; again: tcpstate on");
}

enum exit_code switch_on(const struct options *o)
{
	(void)o;
	return set(true, "tcpstate is on");
}
