// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate: what the tcpstate module knows, on the command line.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tcpstate.h"

const struct subcommand subcommands[] = {
	{ "show", "", "how many connections are in each TCP state now (default)",
	  SUB_SHOW, show },
	{ "list", "", "the connections, with the state of both ends",
	  SUB_LIST, list_endpoints },
	{ "events", "", "changes of state as they happen",
	  SUB_EVENTS, follow_events },
	{ "top", "", "the states live, and the oldest connections of one",
	  SUB_TOP, top },
	{ "alerts", "", "what is wrong, what was, and who holds the sockets",
	  SUB_ALERTS, alerts },
	{ "explain", "[STATE | ALERT]", "what a state or an alert means, and what to do about it",
	  SUB_EXPLAIN, explain },
	{ "config", "[get | set KEY=VALUE...]", "what can be set at run time",
	  SUB_CONFIG, configure },
	{ "ignore", "[add KIND [port=N] [addr=A] | remove N|all]",
	  "alerts that nobody is to be told of", SUB_IGNORE, ignore },
	{ "verify", "", "every endpoint against the kernel's own list of sockets",
	  SUB_VERIFY, verify },
	{ "off", "", "count and watch nothing any more, without unloading the module",
	  SUB_SWITCH, switch_off },
	{ "on", "", "count and watch again", SUB_SWITCH, switch_on },
	{ NULL, NULL, NULL, 0, NULL },
};

static enum exit_code help(const struct command *cmd)
{
	const struct subcommand *sub = cmd->sub;
	unsigned int bits = 0;

	if (cmd->bare) {
		printf("Usage: tcpstate [SUBCOMMAND] [OPTION...]\n\n"
		       "Shows the TCP connections of this network namespace by state.\n\n"
		       "Subcommands:\n");
		for (sub = subcommands; sub->name; sub++) {
			printf("  %-9s  %s\n", sub->name, sub->help);
			bits |= sub->bit;
		}
		printf("\nOptions; tcpstate SUBCOMMAND --help tells which apply:\n");
	} else {
		printf("Usage: tcpstate %s%s%s [OPTION...]\n\n%s: %s.\n\nOptions:\n", sub->name,
		       *sub->operands ? " " : "", sub->operands, sub->name, sub->help);
		bits = sub->bit;
	}
	print_options(bits);
	printf("\nExit status: 0 success, 1 failure, 2 wrong usage, 3 the module is not loaded.\n");
	return TCPSTATE_OK;
}

/* A terminal shows one reading at a time; a file gets one behind the other. */
static enum exit_code watch(const struct command *cmd)
{
	bool clear = isatty(STDOUT_FILENO) && !cmd->o.json;
	enum exit_code ret;

	for (;;) {
		if (clear)
			printf("\033[H\033[2J");
		ret = cmd->sub->run(&cmd->o);
		if (fflush(stdout) || ret != TCPSTATE_OK)
			return ret;
		sleep(cmd->o.watch);
		if (!clear && !cmd->o.json)
			putchar('\n');
	}
}

static enum exit_code run(int argc, char **argv)
{
	struct command cmd;
	enum exit_code ret;

	ret = parse_command(argc, argv, &cmd);
	if (ret != TCPSTATE_OK)
		return ret;
	if (cmd.version) {
		printf("tcpstate %s\n", TCPSTATE_VERSION);
		return TCPSTATE_OK;
	}
	if (cmd.help)
		return help(&cmd);
	if (cmd.o.netns)
		ret = enter_netns(cmd.o.netns);
	if (ret != TCPSTATE_OK)
		return ret;
	/* top has a clock of its own; verify goes on after differences. */
	if (cmd.o.watch && !(cmd.sub->bit & (SUB_TOP | SUB_VERIFY)))
		return watch(&cmd);
	return cmd.sub->run(&cmd.o);
}

int main(int argc, char **argv)
{
	enum exit_code ret;

	/* Whoever started us may ignore it; "tcpstate | head -1" ends quietly. */
	signal(SIGPIPE, SIG_DFL);
	ret = run(argc, argv);
	/* A full disk shows only when the last buffer is written. */
	if ((ferror(stdout) || fclose(stdout)) && ret == TCPSTATE_OK) {
		fprintf(stderr, "tcpstate: cannot write the output: %s\n", strerror(errno));
		return TCPSTATE_FAILURE;
	}
	return ret;
}
