/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the C tests share: a network namespace each, what /proc/self/net/tcpstate says, and the kernel's own
 * count of sockets (inet_diag) to compare it with.
 *
 * Functions that check return 0, or print what is wrong as KTAP diagnostics and return -1.
 */
#ifndef TESTLIB_H
#define TESTLIB_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Of a test that says nothing else. It only ends what hangs: 30 seconds, the framework's, are gone at once where the clock
 * leaps because a program is read from a slow disk.
 */
#ifdef TEST_TIMEOUT_DEFAULT
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	600
#endif

#define STATES	12	/* one more than TCP_CLOSING, the largest of <netinet/tcp.h> */

struct snapshot {
	unsigned long long netns, tracked, limit;
	unsigned long long count[STATES];
	unsigned long long entered[STATES];
	unsigned long long oldest_ms[STATES];
	unsigned long long transitions, invalid, malformed, untracked;
	unsigned long long divergence;
	unsigned int listeners, alerts;
	bool sockets;	/* the kernel's sockets tell; else segments alone show the states */
};

/* What the module's file at @path, or in @text, says; every line is checked against the format. */
int snapshot_parse(const char *text, struct snapshot *s);
int snapshot_read(const char *path, struct snapshot *s);

/* A fresh network namespace with lo up, for this process. */
int netns_enter(void);

/*
 * @format gives counts of states, such as "ESTABLISHED=2 TIME_WAIT=1"; the others are 0. Waits up to three
 * seconds until the module's counts, its "tracked" and inet_diag's counts are all that. Where sockets tell, the
 * listeners are as many as the kernel's, too, and nothing has had to be corrected; else there are none.
 */
int check_counts(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Likewise where the two differ, because packets cannot know what the kernel knows. Where sockets tell, both have to
 * be @diag_want.
 */
int check_both(const char *diag_want, const char *want);

/* Likewise, but whatever the counts are, if only the two agree. */
int check_agreement(void);

/* Likewise the "entered" counters (with CLOSE), and "total transitions", without those of listeners; at once. */
int check_entered(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The totals; at once. */
int check_totals(unsigned long long invalid, unsigned long long malformed, unsigned long long untracked);

/* Counts of states as above, from text; what is not named is 0. */
int counts_parse(const char *want, unsigned long long *count);
/* "# @head: ESTABLISHED=2 TIME_WAIT=1" */
void counts_print(const char *head, const unsigned long long *count);

/* Runs @child in a process of its own; its return value. */
#define IN_CHILD(child) ({					\
	int _status = -1;					\
	pid_t _pid = fork();					\
								\
	if (!_pid)						\
		_exit((child) ? 1 : 0);				\
	waitpid(_pid, &_status, 0);				\
	WIFEXITED(_status) ? WEXITSTATUS(_status) : -1;		\
})

/* "ESTABLISHED" ... "CLOSING", "?" */
const char *state_name(int state);
void sleep_ms(unsigned int ms);
int write_file(const char *path, const char *text);
int nofile_max(void);

#endif
