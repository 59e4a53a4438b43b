/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the reader's files share.
 */
#ifndef TCPSTATE_H
#define TCPSTATE_H

#include <stdbool.h>

/* Scripts rely on these; they are in --help. */
enum exit_code {
	TCPSTATE_OK = 0,
	TCPSTATE_FAILURE = 1,
	TCPSTATE_USAGE = 2,
	TCPSTATE_NOT_LOADED = 3,
};

/**
 * struct options - the same for every subcommand
 * @json: one JSON document instead of text
 * @no_header: rows only
 * @color: already decided: whether to use colour
 * @proc: file to read
 */
struct options {
	bool json;
	bool no_header;
	bool color;
	const char *proc;
};

/**
 * show() - how many connections are in each state now
 * @o: the options
 *
 * Return: an exit code. Errors of writing to stdout are main()'s.
 */
enum exit_code show(const struct options *o);

/**
 * nearest() - the word that somebody who typed another one meant
 * @typed: what was typed
 * @count: number of valid words
 * @word: gives the valid word with an index below @count
 *
 * Return: the word, or NULL if none comes near.
 */
const char *nearest(const char *typed, unsigned int count,
		    const char *(*word)(unsigned int i));

#endif
