/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of what a subcommand prints: its standard output as text, out[]. Behind cmocka.h.
 */
#ifndef CAPTURE_H
#define CAPTURE_H

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../tcpstate/tcpstate.h"

static char out[65536];
static int stdout_was = -1;
static FILE *captured;
static unsigned int terminal_width = WIDTH;

/* A terminal, although what is captured goes into a file. */
unsigned int line_width(void)
{
	return terminal_width;
}

static inline void capture_begin(void)
{
	fflush(stdout);
	captured = tmpfile();
	stdout_was = dup(STDOUT_FILENO);
	assert_non_null(captured);
	assert_true(dup2(fileno(captured), STDOUT_FILENO) >= 0);
}

static inline void read_back(FILE *f, char *text, size_t size)
{
	size_t len;

	rewind(f);
	len = fread(text, 1, size - 1, f);
	text[len] = '\0';
	fclose(f);
}

/* Into out[]. */
static inline void capture_end(void)
{
	fflush(stdout);
	dup2(stdout_was, STDOUT_FILENO);
	close(stdout_was);
	read_back(captured, out, sizeof(out));
}

/* The same with standard error, complaint[]. */
static char complaint[1024];
static int stderr_was = -1;
static FILE *complained;

static inline void complaint_begin(void)
{
	complained = tmpfile();
	stderr_was = dup(STDERR_FILENO);
	assert_non_null(complained);
	assert_true(dup2(fileno(complained), STDERR_FILENO) >= 0);
}

static inline void complaint_end(void)
{
	dup2(stderr_was, STDERR_FILENO);
	close(stderr_was);
	read_back(complained, complaint, sizeof(complaint));
}

static inline void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static inline void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in: %s", part, text);
}

/* out[] has whole lines, which fit a terminal. */
static inline void assert_width(void)
{
	const char *line, *end;

	for (line = out; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		if (end - line > 80)
			fail_msg("wider than 80 columns: %.*s", (int)(end - line), line);
	}
}

/* The lines of out[] as one, runs of blanks made one: what was broken can be compared. */
static inline void join_lines(void)
{
	char *to = out;
	const char *from;

	for (from = out; *from; from++) {
		if (!isspace((unsigned char)*from))
			*to++ = *from;
		else if (to > out && to[-1] != ' ')
			*to++ = ' ';
	}
	*to = '\0';
}

#endif
