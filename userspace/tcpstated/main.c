// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstated: follows the alerts of the tcpstate module, and tells of them.
 */
#include <stdio.h>
#include <string.h>

#include "tcpstated.h"

static void take_signal(int sig)
{
	if (sig == SIGHUP)
		reload_wanted = 1;
	else
		stop_wanted = 1;
}

/* Blocked, so that none comes between the look at its flag and the wait. */
static void prepare_signals(void)
{
	struct sigaction action = { .sa_handler = take_signal };
	sigset_t ours;

	sigemptyset(&ours);
	sigaddset(&ours, SIGINT);
	sigaddset(&ours, SIGTERM);
	sigaddset(&ours, SIGHUP);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
}

static int help(void)
{
	printf("Usage: tcpstated [OPTION...]\n\n"
	       "Follows the alerts of the tcpstate module in this network namespace: JSON lines,\n"
	       "and entries in the journal or syslog. Stays in the foreground.\n\n"
	       "Options; the first five can also be lines of the file, like log = syslog:\n");
	config_print_options();
	printf("\nSIGHUP: read the file again and reopen what is written. SIGTERM, SIGINT: end.\n"
	       "Exit status: 0 success, 1 failure, 2 wrong usage or configuration.\n");
	return STATUS_OK;
}

static int complain(const char *why)
{
	fprintf(stderr, "tcpstated: %s\n", why);
	return STATUS_USAGE;
}

int main(int argc, char **argv)
{
	struct invocation in = { .argc = argc, .argv = argv, .config = CONFIG_FILE };
	struct settings s = { .transitions = false };
	char why[COMPLAINT_MAX];

	/* The first time for the name of the file. */
	if (!config_arguments(&in, &s, why, sizeof(why)))
		return complain(why);
	if (in.help)
		return help();
	if (in.version) {
		printf("tcpstated %s\n", TCPSTATE_VERSION);
		return STATUS_OK;
	}
	if (!config_load(&in, &s, why, sizeof(why)))
		return complain(why);
	if (in.check)
		return STATUS_OK;
	prepare_signals();
	return daemon_run(&in, &s);
}
