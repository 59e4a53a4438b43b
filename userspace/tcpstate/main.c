// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate: what the tcpstate module knows, on the command line.
 *
 * Every option works with every subcommand it could apply to, so there is one
 * table of each and options are parsed once, here.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/proc.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

struct subcommand {
	const char *name;
	const char *help;
	enum exit_code (*run)(const struct options *o);
};

/* The first is what no argument means. */
static const struct subcommand subcommands[] = {
	{ "show", "how many connections are in each TCP state now (default)", show },
};

/* Those without a letter. */
enum {
	OPT_COLOR = 256,
	OPT_NO_HEADER,
	OPT_PROC,
};

static const struct option long_options[] = {
	{ "color", required_argument, NULL, OPT_COLOR },
	{ "help", no_argument, NULL, 'h' },
	{ "json", no_argument, NULL, 'j' },
	{ "no-header", no_argument, NULL, OPT_NO_HEADER },
	{ "proc", required_argument, NULL, OPT_PROC },
	{ "version", no_argument, NULL, 'V' },
	{ NULL, 0, NULL, 0 },
};

static const char option_help[] =
"Options:\n"
"  -j, --json        one JSON document instead of text\n"
"      --no-header   only the rows of the table, no summary and no column names\n"
"      --color=WHEN  auto, always or never: dim the states nobody is in; auto is\n"
"                    on a terminal and not if NO_COLOR is set\n"
"      --proc=FILE   read FILE instead of " TCPSTATE_PROC_PATH "; /proc/PID/net/tcpstate\n"
"                    shows the container that process PID lives in\n"
"  -h, --help        this text\n"
"  -V, --version     version of this program\n"
"\n"
"Exit status: 0 success, 1 failure, 2 wrong usage, 3 the module is not loaded.\n";

static const char *subcommand_word(unsigned int i)
{
	return subcommands[i].name;
}

static const char *option_word(unsigned int i)
{
	return long_options[i].name;
}

static void print_help(void)
{
	unsigned int i;

	printf("Usage: tcpstate [SUBCOMMAND] [OPTION...]\n\n"
	       "Shows the TCP connections of this network namespace by state.\n\n"
	       "Subcommands:\n");
	for (i = 0; i < ARRAY_SIZE(subcommands); i++)
		printf("  %-16s  %s\n", subcommands[i].name, subcommands[i].help);
	printf("\n%s", option_help);
}

static enum exit_code unknown(const char *what, const char *dashes, const char *word,
			      const char *meant)
{
	fprintf(stderr, "tcpstate: unknown %s '%s%s'", what, dashes, word);
	if (meant)
		fprintf(stderr, "; did you mean '%s%s'?\n", dashes, meant);
	else
		fprintf(stderr, "; see tcpstate --help\n");
	return TCPSTATE_USAGE;
}

static enum exit_code unknown_long_option(char *word)
{
	/* Also reached for --co when two options begin so: naming one is fair. */
	word[strcspn(word, "=")] = '\0';
	return unknown("option", "--", word,
		       nearest(word, ARRAY_SIZE(long_options) - 1, option_word));
}

/* getopt_long() said '?'; what it means by that is spread over three variables. */
static enum exit_code refuse_option(char **argv)
{
	char letter[2] = { optopt, '\0' };
	unsigned int i;

	if (!optopt)
		return unknown_long_option(argv[optind - 1] + 2);
	for (i = 0; i < ARRAY_SIZE(long_options) - 1; i++) {
		if (long_options[i].val != optopt)
			continue;
		fprintf(stderr, "tcpstate: option '--%s' takes no argument\n",
			long_options[i].name);
		return TCPSTATE_USAGE;
	}
	return unknown("option", "-", letter, NULL);
}

static bool color_auto(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       term && strcmp(term, "dumb");
}

static bool parse_color(struct options *o, const char *when)
{
	if (!strcmp(when, "always"))
		o->color = true;
	else if (!strcmp(when, "never"))
		o->color = false;
	else if (!strcmp(when, "auto"))
		o->color = color_auto();
	else
		return false;
	return true;
}

static const struct subcommand *parse_subcommand(int argc, char **argv)
{
	unsigned int i;

	if (optind == argc)
		return &subcommands[0];
	for (i = 0; i < ARRAY_SIZE(subcommands); i++) {
		if (!strcmp(argv[optind], subcommands[i].name))
			break;
	}
	if (i == ARRAY_SIZE(subcommands)) {
		unknown("subcommand", "", argv[optind],
			nearest(argv[optind], ARRAY_SIZE(subcommands), subcommand_word));
		return NULL;
	}
	if (optind + 1 < argc) {
		fprintf(stderr, "tcpstate: '%s' takes no argument '%s'\n",
			subcommands[i].name, argv[optind + 1]);
		return NULL;
	}
	return &subcommands[i];
}

static enum exit_code run(int argc, char **argv)
{
	struct options o = { .proc = TCPSTATE_PROC_PATH, .color = color_auto() };
	const struct subcommand *sub;
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, ":jhV", long_options, NULL)) != -1) {
		switch (c) {
		case 'j':
			o.json = true;
			break;
		case OPT_NO_HEADER:
			o.no_header = true;
			break;
		case OPT_PROC:
			o.proc = optarg;
			break;
		case OPT_COLOR:
			if (parse_color(&o, optarg))
				break;
			fprintf(stderr, "tcpstate: --color is auto, always or never, not '%s'\n",
				optarg);
			return TCPSTATE_USAGE;
		case 'h':
			print_help();
			return TCPSTATE_OK;
		case 'V':
			printf("tcpstate %s\n", TCPSTATE_VERSION);
			return TCPSTATE_OK;
		case ':':
			fprintf(stderr, "tcpstate: option '%s' needs an argument\n",
				argv[optind - 1]);
			return TCPSTATE_USAGE;
		default:
			return refuse_option(argv);
		}
	}
	sub = parse_subcommand(argc, argv);
	return sub ? sub->run(&o) : TCPSTATE_USAGE;
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
