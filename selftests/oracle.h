/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the module says of a network namespace's endpoints against what the kernel says: both as sets of tuple, scope
 * and state, listeners among them, from inet_diag (an independent look; the tracepoint is evidence of the module's
 * and so cannot judge it) and from the module's own dump.
 *
 * Functions that check return 0, or print what is wrong as KTAP diagnostics and return -1.
 */
#ifndef ORACLE_H
#define ORACLE_H

#include <stddef.h>
#include <stdint.h>

#include "nl.h"

#define ORACLE_REACH_MS	5000	/* how long the kernel may take to be where a test wants it */
#define ORACLE_EVENT_MS	1000	/* what an event tells */
#define ORACLE_SWEEP_MS	30000	/* what nothing tells, with fewer than 61,440 endpoints */

/* IPv4 on an AF_INET6 socket is IPv4. */
struct end {
	struct nl_tuple tuple;
	uint32_t state;
	uint32_t at_least;	/* the module's: not compared */
};

struct ends {
	struct end *end;
	size_t n, room;
};

struct oracle {
	int diag;
	struct nl nl;
};

/* In the namespace that we are in. */
int oracle_open(struct oracle *o);
void oracle_close(struct oracle *o);

/* All there is, sorted. */
int oracle_kernel(struct oracle *o, struct ends *list);
int oracle_module(struct oracle *o, struct ends *list);
void ends_free(struct ends *list);
void ends_count(const struct ends *list, unsigned long long *count);
/* How many are in one list alone; prints up to @show of them. */
size_t ends_differ(const struct ends *kernel, const struct ends *module, unsigned int show);

/*
 * Waits up to @reach_ms until the kernel's counts are @want (as in check_counts(), with LISTEN; NULL: whatever they
 * are), then up to @bound_ms until the module has the same endpoints in the same states, and the same counts in its
 * statistics and in /proc. @name is for the line that says how long it took.
 */
int oracle_equal(const char *name, struct oracle *o, const char *want, unsigned int reach_ms, unsigned int bound_ms);

/* The module knows from sockets, and has corrected nothing that an event tells. */
int oracle_undiverged(struct oracle *o);

/* SOCK_DESTROY of the one socket that is in @state (12: a request socket); its errno, negative, or 0. */
int oracle_destroy(struct oracle *o, int state);

uint64_t now_ns(void);
/* system() of what @format makes; prints what fails */
int run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The framework's 30 s are the guest's, whose clock leaps where a program has to be read from a busy disk. */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	150
#endif

#define EQUAL_BY(o, want, bound_ms) \
	EXPECT_EQ(0, oracle_equal(_metadata->name, o, want, ORACLE_REACH_MS, bound_ms))
#define EQUAL(o, want)	EQUAL_BY(o, want, ORACLE_EVENT_MS)
/* The kernel gets there without a word. */
#define EQUAL_SILENT(o, want)	EQUAL_BY(o, want, ORACLE_SWEEP_MS)
/* Whatever the kernel has. */
#define EQUAL_NOW(o, name) \
	EXPECT_EQ(0, oracle_equal(name, o, NULL, 0, ORACLE_EVENT_MS))
/* It takes the kernel longer. */
#define EQUAL_WITHIN(o, want, reach_ms) \
	EXPECT_EQ(0, oracle_equal(_metadata->name, o, want, reach_ms, ORACLE_EVENT_MS))

#endif
