// SPDX-License-Identifier: GPL-2.0-only
/*
 * What can be set, in one table: as an option, and as a line of the file, which has the same names.
 */
#include <errno.h>
#include <getopt.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../tcpstate/tcpstate.h"
#include "tcpstated.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define NO_LETTER	256	/* and above: options without a letter */
#define LINE_ROOM	(PATH_MAX + 64)

/**
 * struct place - where something is said, and what is wrong with it
 * @name: "--log", "/etc/tcpstate/tcpstated.conf:3: log"
 * @why: gets the complaint
 * @size: of @why
 */
struct place {
	const char *name;
	char *why;
	size_t size;
};

__attribute__((format(printf, 2, 3)))
static bool complain(const struct place *p, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(p->why, p->size, fmt, args);
	va_end(args);
	return false;
}

/* Values */

static bool take_path(const struct place *p, const char *value, char *path)
{
	if (strcmp(value, "none") && strcmp(value, "-") && *value != '/')
		return complain(p, "%s is a path that begins with /, not '%.200s'", p->name, value);
	if (strlen(value) >= PATH_MAX)
		return complain(p, "%s is too long a path; %d bytes are the most", p->name,
				PATH_MAX - 1);
	strcpy(path, value);
	return true;
}

static bool take_json(const struct place *p, const char *value, struct settings *s)
{
	return take_path(p, value, s->json);
}

static bool take_state(const struct place *p, const char *value, struct settings *s)
{
	if (!strcmp(value, "-"))
		return complain(p, "%s is a path or none, not '-'", p->name);
	return take_path(p, value, s->state);
}

/* By enum log_target. */
static const char * const targets[] = { "auto", "journal", "syslog", "none" };
static const char * const answers[] = { "no", "yes" };

static const char *target_word(unsigned int i)
{
	return targets[i];
}

static const char *answer_word(unsigned int i)
{
	return answers[i];
}

static int find_word(const char *value, unsigned int count, const char *(*word)(unsigned int i))
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!strcmp(value, word(i)))
			return i;
	}
	return -1;
}

static bool refuse_word(const struct place *p, const char *value, const char *valid,
			const char *meant)
{
	return complain(p, "%s is %s, not '%.100s'%s%s%s", p->name, valid, value,
			meant ? "; did you mean '" : "", meant ? meant : "", meant ? "'?" : "");
}

static bool take_log(const struct place *p, const char *value, struct settings *s)
{
	int i = find_word(value, ARRAY_SIZE(targets), target_word);

	if (i < 0)
		return refuse_word(p, value, "auto, journal, syslog or none",
				   nearest(value, ARRAY_SIZE(targets), target_word));
	s->log = i;
	return true;
}

static bool take_transitions(const struct place *p, const char *value, struct settings *s)
{
	int i = value ? find_word(value, ARRAY_SIZE(answers), answer_word) : 1;

	if (i < 0)
		return refuse_word(p, value, "yes or no",
				   nearest(value, ARRAY_SIZE(answers), answer_word));
	s->transitions = i;
	return true;
}

static bool take_ignore(const struct place *p, const char *value, struct settings *s)
{
	struct ignored_list *list = &s->ignored;
	char why[256];

	if (list->n == TCPSTATE_IGNORES_MAX)
		return complain(p, "%s: %d are the most", p->name, TCPSTATE_IGNORES_MAX);
	if (!ignored_parse(value, &list->at[list->n], why, sizeof(why)))
		return complain(p, "%s: %s", p->name, why);
	list->n++;
	return true;
}

/**
 * struct key - one setting
 * @name: in the file; with -- in front, on the command line
 * @arg: as in the help; "[": the option can go without
 * @take: value is NULL where it does
 * @help: further lines are indented by whoever prints them
 */
static const struct key {
	const char *name;
	const char *arg;
	bool (*take)(const struct place *p, const char *value, struct settings *s);
	const char *help;
} keys[] = {
	{ "json", "=FILE", take_json,
	  "where JSON lines go: a file, which is appended to; -,\n"
	  "standard output (default); none" },
	{ "log", "=WHERE", take_log,
	  "journal, syslog, none; auto (default): the first of\n"
	  "them that is there" },
	{ "state", "=FILE", take_state,
	  "what has been told already, over a restart; none\n"
	  "(default: " STATE_FILE ")" },
	{ "transitions", "[=yes|no]", take_transitions,
	  "JSON lines for changes of state, too (default: no)" },
	{ "ignore", "=ALERTS", take_ignore,
	  "which the log is not told of: a kind, or any, and\n"
	  "unit=UNIT, port=N, peer=ADDRESS; can be repeated" },
};

static const char *key_word(unsigned int i)
{
	return keys[i].name;
}

static void set_defaults(struct settings *s)
{
	*s = (struct settings){ .json = "-", .log = TARGET_AUTO, .state = STATE_FILE };
}

/* The command line */

enum {
	OPTION_CONFIG = ARRAY_SIZE(keys),
	OPTION_CHECK,
	OPTION_HELP,
	OPTION_VERSION,
	OPTIONS,
};

static const struct {
	char letter;
	const char *name;
	const char *arg;
	const char *help;
} others[] = {
	{ 0, "config", "=FILE", "read FILE instead of\n" CONFIG_FILE },
	{ 0, "check-config", NULL, "only say whether file and options are right" },
	{ 'h', "help", NULL, "this text" },
	{ 'V', "version", NULL, "version of this program" },
};

static const char *option_word(unsigned int i)
{
	return i < OPTION_CONFIG ? keys[i].name : others[i - OPTION_CONFIG].name;
}

static const char *option_arg(unsigned int i)
{
	return i < OPTION_CONFIG ? keys[i].arg : others[i - OPTION_CONFIG].arg;
}

static void build_table(struct option *table)
{
	unsigned int i;

	memset(table, 0, (OPTIONS + 1) * sizeof(*table));
	for (i = 0; i < OPTIONS; i++) {
		const char *arg = option_arg(i);

		table[i].name = option_word(i);
		table[i].has_arg = !arg ? no_argument :
				   *arg == '[' ? optional_argument : required_argument;
		table[i].val = NO_LETTER + i;
	}
}

static bool refuse_option(const struct invocation *in, const struct place *p)
{
	const char *typed = in->argv[optind - 1] + 2, *meant;
	char word[64];

	if (optopt >= NO_LETTER)
		return complain(p, "option '--%s' takes no argument",
				option_word(optopt - NO_LETTER));
	if (optopt)
		return complain(p, "unknown option '-%c'; see tcpstated --help", optopt);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(typed, "="), typed);
	meant = nearest(word, OPTIONS, option_word);
	if (!meant)
		return complain(p, "unknown option '--%s'; see tcpstated --help", word);
	return complain(p, "unknown option '--%s'; did you mean '--%s'?", word, meant);
}

static bool take_option(struct invocation *in, struct settings *s, const struct place *whole, int c)
{
	unsigned int i = c == 'h' ? OPTION_HELP : c == 'V' ? OPTION_VERSION : c - NO_LETTER;
	char name[32];
	const struct place p = { .name = name, .why = whole->why, .size = whole->size };

	snprintf(name, sizeof(name), "--%s", option_word(i));
	switch (i) {
	case OPTION_CONFIG:
		in->config = optarg;
		in->must_exist = true;
		return true;
	case OPTION_CHECK:
		return in->check = true;
	case OPTION_HELP:
		return in->help = true;
	case OPTION_VERSION:
		return in->version = true;
	default:
		return keys[i].take(&p, optarg, s);
	}
}

bool config_arguments(struct invocation *in, struct settings *s, char *why, size_t size)
{
	struct place p = { .why = why, .size = size };
	struct option table[OPTIONS + 1];
	int c;

	build_table(table);
	opterr = 0;
	optind = 0;
	while ((c = getopt_long(in->argc, in->argv, ":hV", table, NULL)) != -1) {
		if (c == ':')
			return complain(&p, "option '%s' needs an argument", in->argv[optind - 1]);
		if (c == '?')
			return refuse_option(in, &p);
		if (!take_option(in, s, &p, c))
			return false;
	}
	if (optind < in->argc)
		return complain(&p, "unknown argument '%.200s'; see tcpstated --help",
				in->argv[optind]);
	return true;
}

static void print_option(char letter, const char *name, const char *arg, const char *help)
{
	char left[40];
	const char *line;
	int len;

	snprintf(left, sizeof(left), "%c%c%c --%s%s", letter ? '-' : ' ', letter ? letter : ' ',
		 letter ? ',' : ' ', name, arg ? arg : "");
	for (line = help; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		printf("  %-26s %.*s\n", line == help ? left : "", len, line);
	}
}

void config_print_options(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(keys); i++)
		print_option(0, keys[i].name, keys[i].arg, keys[i].help);
	for (i = 0; i < ARRAY_SIZE(others); i++)
		print_option(others[i].letter, others[i].name, others[i].arg, others[i].help);
}

/* The file */

/**
 * struct reading - one pass over the file
 * @file: it
 * @path: its name
 * @line: number of the line that was read last
 * @s: settings
 * @why: gets the first complaint
 * @size: of @why
 * @bad: there was one
 */
struct reading {
	FILE *file;
	const char *path;
	unsigned int line;
	struct settings *s;
	char *why;
	size_t size;
	bool bad;
};

/* libinih does not tell the number of the line; here it is counted. */
static char *read_line(char *buf, int size, void *arg)
{
	struct reading *r = arg;
	struct place p = { .why = r->why, .size = r->size };

	if (r->bad || !fgets(buf, size, r->file))
		return NULL;
	r->line++;
	if (strchr(buf, '\n') || feof(r->file))
		return buf;
	complain(&p, "%s:%u: the line is too long; %d bytes are the most", r->path, r->line,
		 size - 2);
	r->bad = true;
	return NULL;
}

static bool refuse_key(const struct place *p, const char *name)
{
	const char *meant = nearest(name, ARRAY_SIZE(keys), key_word);

	if (meant)
		return complain(p, "%s: unknown key '%.100s'; did you mean '%s'?", p->name, name,
				meant);
	return complain(p, "%s: unknown key '%.100s'; there are json, log, state, transitions and ignore",
			p->name, name);
}

static bool take_line(const struct reading *r, const char *section, const char *name,
		      const char *value)
{
	struct place p = { .why = r->why, .size = r->size };
	char where[PATH_MAX + 128];
	unsigned int i;

	snprintf(where, sizeof(where), "%s:%u", r->path, r->line);
	p.name = where;
	if (*section)
		return complain(&p, "%s: there are no sections like [%.100s]; remove its line",
				where, section);
	for (i = 0; i < ARRAY_SIZE(keys) && strcmp(name, keys[i].name); i++)
		;
	if (i == ARRAY_SIZE(keys))
		return refuse_key(&p, name);
	snprintf(where + strlen(where), sizeof(where) - strlen(where), ": %s", name);
	return keys[i].take(&p, value, r->s);
}

static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
	struct reading *r = arg;

	if (!r->bad)
		r->bad = !take_line(r, section, name, value);
	return !r->bad;
}

static bool parse_file(struct reading *r)
{
	struct place p = { .why = r->why, .size = r->size };
	int line;

	ini_allow_multiline = false;
	ini_max_line = LINE_ROOM;
	line = ini_parse_stream(read_line, r, take_pair, r);
	if (r->bad)
		return false;
	if (line < 0)
		return complain(&p, "%s: %s", r->path, strerror(ENOMEM));
	if (line > 0)
		return complain(&p, "%s:%d: not a line like 'log = journal'", r->path, line);
	if (ferror(r->file))
		return complain(&p, "cannot read %s: %s", r->path, strerror(errno));
	return true;
}

static bool load_file(const struct invocation *in, struct settings *s, char *why, size_t size)
{
	struct reading r = { .path = in->config, .s = s, .why = why, .size = size };
	struct place p = { .why = why, .size = size };
	bool ok;

	r.file = fopen(in->config, "re");
	if (!r.file && errno == ENOENT && !in->must_exist)
		return true;
	if (!r.file)
		return complain(&p, "cannot read %s: %s", in->config, strerror(errno));
	ok = parse_file(&r);
	fclose(r.file);
	return ok;
}

bool config_load(struct invocation *in, struct settings *s, char *why, size_t size)
{
	set_defaults(s);
	return load_file(in, s, why, size) && config_arguments(in, s, why, size);
}
