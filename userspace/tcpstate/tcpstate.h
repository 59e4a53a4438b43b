/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the reader's files share.
 */
#ifndef TCPSTATE_H
#define TCPSTATE_H

#include <jansson.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "../lib/holder.h"
#include "../lib/link.h"

struct libscols_table;

/* Scripts rely on these; they are in --help. */
enum exit_code {
	TCPSTATE_OK = 0,
	TCPSTATE_FAILURE = 1,
	TCPSTATE_USAGE = 2,
	TCPSTATE_NOT_LOADED = 3,
};

/* As they come: in the kernel's order. */
enum sort_key {
	SORT_NONE,
	SORT_AGE,
	SORT_LOCAL,
	SORT_REMOTE,
	SORT_STATE,
};

/**
 * struct options - the same for every subcommand
 * @json: one JSON document instead of text; a stream: one object a line
 * @no_header: rows only
 * @color: already decided: whether to use colour
 * @resolve: names instead of addresses
 * @processes: who has the sockets
 * @follow: what happens from now on, too
 * @proc: file to read
 * @netns: another network namespace, or NULL; main() has already entered it
 * @filter: of connections
 * @sort: order of connections
 * @watch: seconds between two readings, 0: not said, or only one
 * @argc: number of operands behind the subcommand
 * @argv: they
 */
struct options {
	bool json;
	bool no_header;
	bool color;
	bool resolve;
	bool processes;
	bool follow;
	const char *proc;
	const char *netns;
	struct tcpstate_filter filter;
	enum sort_key sort;
	unsigned int watch;
	int argc;
	char **argv;
};

/* One bit for each subcommand, for the table of options. */
enum {
	SUB_SHOW = 1,
	SUB_LIST = 2,
	SUB_EVENTS = 4,
	SUB_TOP = 8,
	SUB_EXPLAIN = 16,
	SUB_CONFIG = 32,
	SUB_VERIFY = 64,
	SUB_ALERTS = 128,
	SUB_IGNORE = 256,
	SUB_SWITCH = 512,	/* both on and off */
};

struct subcommand {
	const char *name;
	const char *operands;	/* as in the help; empty: it takes none */
	const char *help;
	unsigned int bit;
	enum exit_code (*run)(const struct options *o);
};

/* The subcommands. Each returns an exit code; errors of writing to stdout are main()'s. */
enum exit_code show(const struct options *o);
enum exit_code list_endpoints(const struct options *o);
enum exit_code follow_events(const struct options *o);
enum exit_code top(const struct options *o);
enum exit_code explain(const struct options *o);
enum exit_code configure(const struct options *o);
enum exit_code verify(const struct options *o);
enum exit_code alerts(const struct options *o);
enum exit_code ignore(const struct options *o);
enum exit_code switch_off(const struct options *o);
enum exit_code switch_on(const struct options *o);

/* The first is what no argument means; an entry without a name is behind the last. */
extern const struct subcommand subcommands[];

/**
 * struct command - what somebody asks for
 * @sub: subcommand
 * @o: its options
 * @help: to be told about it instead; about all if @bare
 * @version: to be told the version
 * @bare: no subcommand was named
 */
struct command {
	const struct subcommand *sub;
	struct options o;
	bool help;
	bool version;
	bool bare;
};

/* Return: TCPSTATE_OK, or TCPSTATE_USAGE after one line on stderr. */
enum exit_code parse_command(int argc, char **argv, struct command *cmd);

/* The options of the subcommands in @bits, for people. */
void print_options(unsigned int bits);

/* Each understands one word, or complains about it in one line. */
bool parse_states(const char *option, const char *word, uint32_t *states);
bool parse_prefix(const char *option, const char *word, uint8_t *addr, uint8_t *len,
		  uint8_t *bits);
bool parse_ports(const char *option, const char *word, uint16_t *min, uint16_t *max);
bool parse_count(const char *option, const char *word, uint32_t *n);
bool parse_seconds(const char *option, const char *word, unsigned int *seconds);
bool parse_duration(const char *option, const char *word, uint64_t *ns);
bool parse_sort(const char *option, const char *word, enum sort_key *key);

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

/* Enters the network namespace with that name, or that of a process. */
enum exit_code enter_netns(const char *name);
/* The inode of the one we are in, as in /proc/tcpstate; 0 without /proc. */
unsigned long long netns_inode(void);

/* Says what went wrong with a link; the exit code for it. */
enum exit_code link_failed(const struct tcpstate_link *link, int err);

#define SWITCHED_OFF	"switched off; switch it on with: tcpstate on"

/* Whether the module follows nothing at all. */
bool switched_off(const struct tcpstate_health *health);
/* The same, with a line on stderr where it is so. */
bool say_if_off(const struct tcpstate_health *health);
/* The same, asked for first; false also where there is no answer: then something else fails. */
bool ask_if_off(struct tcpstate_link *link);

/* Takes the user's character set; whether it is UTF-8. */
bool use_utf8(void);
/* Before an age that may be higher; one column where @utf8, otherwise two. */
const char *at_least_sign(bool utf8);
/* Whether the oldest in a state may have been there before the module was loaded or switched on. */
bool oldest_at_least(const struct tcpstate_row *row, const struct tcpstate_stats *stats);

#define WIDTH		80	/* columns that fit any terminal */
#define NAME_LEAST	8	/* what is left of a name that is cut */

/* How wide a line may be: as the terminal, but not less than WIDTH; INT_MAX where there is none. */
unsigned int line_width(void);
/*
 * @name, which is ASCII, in @width columns: without the end of the name, but with all of the pid
 * behind it, and be it wider.
 */
void cut_name(char *buf, size_t size, const char *name, size_t width);

#define ENDPOINT_MAX	1100	/* any end's text, null byte included */

/**
 * format_end() - "192.0.2.1:80", "[fe80::1%eth0]:80", "www.example.org:80"
 * @buf: gets the text
 * @size: ENDPOINT_MAX
 * @t: tuple
 * @remote: the far end, and not the local one
 * @resolve: name instead of address, where there is one
 */
void format_end(char *buf, size_t size, const struct tcpstate_tuple *t, bool remote,
		bool resolve);

/* A new object with the numbers of the tuple; NULL if there is no memory. */
json_t *tuple_json(const struct tcpstate_tuple *t, bool resolve);

#define HOLDER_MAX	700	/* any holder's text, null byte included */

/* "nginx/1234 +3 nginx.service docker:1a2b3c4d5e6f", "not accepted yet nginx.service" */
void format_holder(char *buf, size_t size, const struct tcpstate_holder *h);

/* Add to @object what the kernel says of a socket, and who has it. 0 or -ENOMEM. */
int add_socket_json(json_t *object, const struct tcpstate_socket *s);
int add_holder_json(json_t *object, const struct tcpstate_holder *h);

/* An empty table as the options want it, never cut off at the terminal's width; NULL: no memory. */
struct libscols_table *new_table(const struct options *o);

/**
 * fit_column() - cut the texts of a column, so that no line is wider than line_width()
 * @tb: table with all its lines; its texts are ASCII
 * @column: number of a column with names that may be cut, which addresses and numbers may not
 *
 * Something of each name is always left, and its pid, however wide the rest is. Return: 0 or a
 * negative errno.
 */
int fit_column(struct libscols_table *tb, unsigned int column);

/* Set when SIGINT or SIGTERM has come, after catch_interrupts(). */
extern volatile sig_atomic_t interrupted;

/* A second signal ends a program that is stuck in writing. */
void catch_interrupts(void);

/* null for a number that is not known. */
json_t *value_json(const struct tcpstate_value *v);
/* Nanoseconds of the wall clock in UTC, as RFC 3339 has it. */
json_t *wall_json(uint64_t wall);

/* One line of JSON; gives @root back. What goes wrong in writing, main() sees on stdout. */
void print_json(json_t *root);

#endif
