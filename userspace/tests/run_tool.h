/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests that run a built program as a user does. Behind cmocka.h.
 */
#ifndef RUN_TOOL_H
#define RUN_TOOL_H

#include <stdio.h>
#include <sys/wait.h>

#include "capture.h"

/* What it prints goes to out[]; @arguments are the shell's. Return: its exit code. */
static inline int run_tool(const char *tool, const char *arguments)
{
	char command[1024];
	int status;
	size_t n;
	FILE *p;

	snprintf(command, sizeof(command), "%s %s 2>&1", tool, arguments);
	p = popen(command, "r");
	assert_non_null(p);
	n = fread(out, 1, sizeof(out) - 1, p);
	out[n] = '\0';
	status = pclose(p);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#endif
