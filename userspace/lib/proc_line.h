/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The words of a line of /proc/tcpstate. For proc.c and proc_alert.c alone.
 */
#ifndef TCPSTATE_PROC_LINE_H
#define TCPSTATE_PROC_LINE_H

#include "proc.h"

/* Not null-terminated: points into the caller's text. */
struct proc_word {
	const char *at;
	size_t len;
};

struct proc_line {
	struct tcpstate_snapshot *s;
	struct tcpstate_proc_trouble *trouble;	/* NULL: nobody asks */
	const char *at;		/* rest of the current line */
	const char *end;	/* of the current line, without its newline */
	unsigned int line;	/* 0 once the complaint is about the whole file */
	char *err;
	size_t errlen;
};

/* A word made fit for a message: short, and no terminal sequences. */
struct proc_quoted {
	char text[40];
};

struct proc_quoted proc_quote(struct proc_word w);

/* Return: -EPROTO. */
__attribute__((format(printf, 2, 3)))
int proc_fail(struct proc_line *p, const char *fmt, ...);

bool proc_is(struct proc_word w, const char *name);
/* False: the line has no more. */
bool proc_next(struct proc_line *p, struct proc_word *w);
/* strtoull() would take a sign, white space and what follows the word. */
bool proc_number(struct proc_word w, uint64_t *out);
/* The number behind the word @name, which is known afterwards. */
int proc_value(struct proc_line *p, struct proc_word name, struct tcpstate_value *v);

/* The rest of a line "listener", or "alert". */
int proc_listener(struct proc_line *p);
int proc_alert(struct proc_line *p);

#endif
