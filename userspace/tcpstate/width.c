// SPDX-License-Identifier: GPL-2.0-only
/*
 * How wide a line may be: alone here, so that a test can say another width.
 */
#include <limits.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tcpstate.h"

unsigned int line_width(void)
{
	struct winsize w = { .ws_col = 0 };

	/* Whoever reads a file or a pipe has a reader of his own, which breaks lines or not. */
	if (!isatty(STDOUT_FILENO))
		return INT_MAX;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &w))
		return WIDTH;
	return w.ws_col > WIDTH ? w.ws_col : WIDTH;
}
