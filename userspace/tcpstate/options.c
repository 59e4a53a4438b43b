// SPDX-License-Identifier: GPL-2.0-only
/*
 * The options, in one table: what they are called, what they do, and which subcommands they apply
 * to. Those are all that they could apply to.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/proc.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WATCH_DEFAULT	2	/* seconds */
#define NO_LETTER	256	/* and above: options without a letter */

#define TUPLES		(SUB_LIST | SUB_EVENTS | SUB_TOP | SUB_VERIFY)
#define ALL		(SUB_SHOW | TUPLES | SUB_ALERTS | SUB_EXPLAIN | SUB_CONFIG | SUB_IGNORE)
#define EVERY		(ALL | SUB_SWITCH)

static bool take_json(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->o.json = true;
	return true;
}

static bool take_family(struct command *cmd, int family)
{
	if (cmd->o.filter.family && cmd->o.filter.family != family) {
		fprintf(stderr, "tcpstate: --ipv4 and --ipv6 exclude each other\n");
		return false;
	}
	cmd->o.filter.family = family;
	return true;
}

static bool take_ipv4(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	return take_family(cmd, AF_INET);
}

static bool take_ipv6(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	return take_family(cmd, AF_INET6);
}

static bool take_states(struct command *cmd, const char *name, const char *arg)
{
	return parse_states(name, arg, &cmd->o.filter.states);
}

static bool take_src(struct command *cmd, const char *name, const char *arg)
{
	struct tcpstate_filter *f = &cmd->o.filter;

	return parse_prefix(name, arg, f->laddr, &f->laddr_len, &f->lprefix);
}

static bool take_dst(struct command *cmd, const char *name, const char *arg)
{
	struct tcpstate_filter *f = &cmd->o.filter;

	return parse_prefix(name, arg, f->raddr, &f->raddr_len, &f->rprefix);
}

static bool take_sport(struct command *cmd, const char *name, const char *arg)
{
	return parse_ports(name, arg, &cmd->o.filter.lport_min, &cmd->o.filter.lport_max);
}

static bool take_dport(struct command *cmd, const char *name, const char *arg)
{
	return parse_ports(name, arg, &cmd->o.filter.rport_min, &cmd->o.filter.rport_max);
}

static bool take_older(struct command *cmd, const char *name, const char *arg)
{
	return parse_duration(name, arg, &cmd->o.filter.min_age_ns);
}

static bool take_limit(struct command *cmd, const char *name, const char *arg)
{
	return parse_count(name, arg, &cmd->o.filter.limit);
}

static bool take_sort(struct command *cmd, const char *name, const char *arg)
{
	return parse_sort(name, arg, &cmd->o.sort);
}

static bool take_watch(struct command *cmd, const char *name, const char *arg)
{
	cmd->o.watch = WATCH_DEFAULT;
	return !arg || parse_seconds(name, arg, &cmd->o.watch);
}

static bool take_no_header(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->o.no_header = true;
	return true;
}

static bool color_auto(void)
{
	const char *no_color = getenv("NO_COLOR");
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) &&
	       term && strcmp(term, "dumb");
}

static bool take_color(struct command *cmd, const char *name, const char *when)
{
	if (!strcmp(when, "always")) {
		cmd->o.color = true;
	} else if (!strcmp(when, "never")) {
		cmd->o.color = false;
	} else if (!strcmp(when, "auto")) {
		cmd->o.color = color_auto();
	} else {
		fprintf(stderr, "tcpstate: %s is auto, always or never, not '%s'\n", name, when);
		return false;
	}
	return true;
}

static bool take_resolve(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->o.resolve = true;
	return true;
}

static bool take_processes(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->o.processes = true;
	return true;
}

static bool take_follow(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->o.follow = true;
	return true;
}

static bool take_netns(struct command *cmd, const char *name, const char *arg)
{
	(void)name;
	cmd->o.netns = arg;
	return true;
}

static bool take_proc(struct command *cmd, const char *name, const char *arg)
{
	(void)name;
	cmd->o.proc = arg;
	return true;
}

static bool take_help(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->help = true;
	return true;
}

static bool take_version(struct command *cmd, const char *name, const char *arg)
{
	(void)name, (void)arg;
	cmd->version = true;
	return true;
}

/**
 * struct option_desc - one option
 * @letter: its letter, or 0
 * @name: its long name
 * @arg: what its argument is, as in the help; NULL: it has none; "[": it can have one
 * @bits: subcommands
 * @take: name is the option as a complaint names it
 * @help: further lines are indented by whoever prints them
 */
static const struct option_desc {
	char letter;
	const char *name;
	const char *arg;
	unsigned int bits;
	bool (*take)(struct command *cmd, const char *name, const char *arg);
	const char *help;
} options[] = {
	{ 'j', "json", NULL, ALL & ~SUB_TOP, take_json, "JSON, for scripts" },
	{ '4', "ipv4", NULL, TUPLES, take_ipv4, "IPv4 only" },
	{ '6', "ipv6", NULL, TUPLES, take_ipv6, "IPv6 only" },
	{ 's', "state", "=LIST", SUB_SHOW | TUPLES, take_states,
	  "states, like close-wait,fin-wait-1" },
	{ 0, "src", "=ADDRESS[/BITS]", TUPLES, take_src, "local address or network" },
	{ 0, "dst", "=ADDRESS[/BITS]", TUPLES, take_dst, "remote address or network" },
	{ 0, "sport", "=PORT[-PORT]", TUPLES, take_sport, "local port or range of ports" },
	{ 0, "dport", "=PORT[-PORT]", TUPLES, take_dport, "remote port or range of ports" },
	{ 0, "older", "=DURATION", SUB_LIST | SUB_TOP, take_older,
	  "so long in their state, or longer: 60s, 1h30m, 2d" },
	{ 'n', "limit", "=NUMBER", TUPLES | SUB_ALERTS, take_limit, "no more than so many" },
	{ 0, "sort", "=KEY", SUB_LIST, take_sort, "by age (oldest first), local, remote or state" },
	{ 0, "watch", "[=SECONDS]", SUB_SHOW | SUB_LIST | SUB_TOP | SUB_VERIFY | SUB_ALERTS,
	  take_watch, "again and again (every 2 seconds)" },
	{ 0, "no-header", NULL, SUB_SHOW | SUB_LIST | SUB_TOP | SUB_VERIFY | SUB_ALERTS,
	  take_no_header, "only the rows of the table" },
	{ 0, "color", "=WHEN", SUB_SHOW | TUPLES | SUB_ALERTS, take_color,
	  "auto, always or never: dim what matters less; auto\n"
	  "is on a terminal and not if NO_COLOR is set" },
	{ 'r', "resolve", NULL, SUB_LIST | SUB_EVENTS | SUB_VERIFY, take_resolve,
	  "names of hosts; asks the name server" },
	{ 'p', "processes", NULL, SUB_LIST | SUB_EVENTS, take_processes,
	  "who has the socket: process, unit, container" },
	{ 0, "follow", NULL, SUB_ALERTS, take_follow,
	  "what happens to alerts from now on, one a line" },
	{ 'N', "netns", "=NAME|PID", ALL, take_netns,
	  "another network namespace: one of ip netns, or that\nof a process" },
	{ 0, "proc", "=FILE", SUB_SHOW, take_proc,
	  "read FILE instead of " TCPSTATE_PROC_PATH },
	{ 'h', "help", NULL, EVERY, take_help, "this text; with a subcommand, of that" },
	{ 'V', "version", NULL, EVERY, take_version, "version of this program" },
};

/* What an option does otherwise with one subcommand. */
static const struct {
	unsigned int bit;
	const char *name;
	const char *help;
} own_help[] = {
	{ SUB_EVENTS, "json", "JSON, one object a line" },
	{ SUB_ALERTS, "json", "JSON, one document; with --follow one object a line" },
	{ SUB_EVENTS, "state", "changes from or to these, like close-wait,fin-wait-1" },
	{ SUB_TOP, "state", "begin at this state, like close-wait" },
	{ SUB_TOP, "watch", "every so many seconds, 2 if not said; without it\nevery second" },
};

static struct option long_options[ARRAY_SIZE(options) + 1];
static char letters[3 * ARRAY_SIZE(options) + 2] = ":";

/* What getopt_long() wants to know. */
static void build_tables(void)
{
	char *at = letters + 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_desc *d = &options[i];

		long_options[i] = (struct option){
			.name = d->name,
			.has_arg = !d->arg ? no_argument :
				   *d->arg == '[' ? optional_argument : required_argument,
			.val = NO_LETTER + i,
		};
		if (!d->letter)
			continue;
		*at++ = d->letter;
		if (d->arg)
			*at++ = ':';
	}
	*at = '\0';
}

static const char *option_word(unsigned int i)
{
	return options[i].name;
}

static const char *subcommand_word(unsigned int i)
{
	return subcommands[i].name;
}

static unsigned int count_subcommands(void)
{
	unsigned int n = 0;

	while (subcommands[n].name)
		n++;
	return n;
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
	/* Also reached for --s when several options begin so: naming one is fair. */
	word[strcspn(word, "=")] = '\0';
	return unknown("option", "--", word, nearest(word, ARRAY_SIZE(options), option_word));
}

/* getopt_long() said '?'; what it means by that is spread over three variables. */
static enum exit_code refuse_option(char **argv)
{
	char letter[2] = { optopt, '\0' };

	if (!optopt)
		return unknown_long_option(argv[optind - 1] + 2);
	if (optopt < NO_LETTER)
		return unknown("option", "-", letter, NULL);
	fprintf(stderr, "tcpstate: option '--%s' takes no argument\n",
		options[optopt - NO_LETTER].name);
	return TCPSTATE_USAGE;
}

static const struct option_desc *find_option(int c)
{
	size_t i;

	if (c >= NO_LETTER)
		return &options[c - NO_LETTER];
	for (i = 0; options[i].letter != c; i++)
		;
	return &options[i];
}

/* @given gets a bit for every option that is there. */
static enum exit_code parse_options(int argc, char **argv, struct command *cmd, uint32_t *given)
{
	const struct option_desc *d;
	char name[32];
	int c;

	opterr = 0;
	while ((c = getopt_long(argc, argv, letters, long_options, NULL)) != -1) {
		if (c == ':') {
			fprintf(stderr, "tcpstate: option '%s' needs an argument\n",
				argv[optind - 1]);
			return TCPSTATE_USAGE;
		}
		if (c == '?')
			return refuse_option(argv);
		d = find_option(c);
		*given |= 1u << (d - options);
		snprintf(name, sizeof(name), "--%s", d->name);
		if (!d->take(cmd, name, optarg))
			return TCPSTATE_USAGE;
	}
	return TCPSTATE_OK;
}

static enum exit_code parse_subcommand(int argc, char **argv, struct command *cmd)
{
	unsigned int n = count_subcommands(), i;

	cmd->bare = argc == 0;
	cmd->sub = &subcommands[0];
	if (cmd->bare)
		return TCPSTATE_OK;
	if (!strcmp(argv[0], "help")) {
		cmd->help = true;
		return parse_subcommand(argc - 1, argv + 1, cmd);
	}
	for (i = 0; i < n; i++) {
		if (!strcmp(argv[0], subcommands[i].name))
			break;
	}
	if (i == n)
		return unknown("subcommand", "", argv[0], nearest(argv[0], n, subcommand_word));
	cmd->sub = &subcommands[i];
	cmd->o.argc = argc - 1;
	cmd->o.argv = argv + 1;
	if (!cmd->o.argc || *cmd->sub->operands)
		return TCPSTATE_OK;
	fprintf(stderr, "tcpstate: '%s' takes no argument '%s'\n", cmd->sub->name, argv[1]);
	return TCPSTATE_USAGE;
}

/* Options that are fine one by one, and not together. */
static enum exit_code check_together(const struct command *cmd, uint32_t given)
{
	const struct tcpstate_filter *f = &cmd->o.filter;
	int src = !f->laddr_len ? 0 : f->laddr_len == 4 ? AF_INET : AF_INET6;
	int dst = !f->raddr_len ? 0 : f->raddr_len == 4 ? AF_INET : AF_INET6;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		if (!(given & (1u << i)) || options[i].bits & cmd->sub->bit)
			continue;
		fprintf(stderr, "tcpstate: option '--%s' does not apply to '%s'\n",
			options[i].name, cmd->sub->name);
		return TCPSTATE_USAGE;
	}
	if (cmd->o.follow && cmd->o.watch)
		fprintf(stderr, "tcpstate: --follow and --watch exclude each other\n");
	else if (src && dst && src != dst)
		fprintf(stderr, "tcpstate: --src and --dst are of different families\n");
	else if (f->family && ((src && src != f->family) || (dst && dst != f->family)))
		fprintf(stderr, "tcpstate: %s is not an address of --ipv%c\n",
			src && src != f->family ? "--src" : "--dst",
			f->family == AF_INET ? '4' : '6');
	else
		return TCPSTATE_OK;
	return TCPSTATE_USAGE;
}

enum exit_code parse_command(int argc, char **argv, struct command *cmd)
{
	uint32_t given = 0;
	enum exit_code ret;

	*cmd = (struct command){ .o = { .proc = TCPSTATE_PROC_PATH, .color = color_auto() } };
	build_tables();
	ret = parse_options(argc, argv, cmd, &given);
	if (ret == TCPSTATE_OK)
		ret = parse_subcommand(argc - optind, argv + optind, cmd);
	return ret == TCPSTATE_OK ? check_together(cmd, given) : ret;
}

static const char *help_of(const struct option_desc *d, unsigned int bits)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(own_help); i++) {
		if (own_help[i].bit == bits && !strcmp(own_help[i].name, d->name))
			return own_help[i].help;
	}
	return d->help;
}

void print_options(unsigned int bits)
{
	const char *line, *help;
	char left[32];
	size_t i;
	int len;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		const struct option_desc *d = &options[i];

		if (!(d->bits & bits))
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%s%s", d->letter ? '-' : ' ',
			 d->letter ? d->letter : ' ', d->letter ? ',' : ' ', d->name,
			 d->arg ? d->arg : "");
		help = help_of(d, bits);
		for (line = help; *line; line += len + (line[len] == '\n')) {
			len = strcspn(line, "\n");
			printf("  %-25s %.*s\n", line == help ? left : "", len, line);
		}
	}
}
