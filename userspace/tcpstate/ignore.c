// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate ignore: which alerts nobody is to be told of. The module takes the list as a whole: it
 * is read, changed and set again.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "alerts.h"

#define KINDS	TCPSTATE_ALERT_KIND_PEERS_FULL

/* Words */

static const char *verb_word(unsigned int i)
{
	return i ? "remove" : "add";
}

/* "any" is the last: what is wrong is measured against the kinds first. */
static const char *kind_word(unsigned int i)
{
	return i < KINDS ? tcpstate_alert_kind_name(i + 1) : "any";
}

static bool parse_kind(const char *word, struct tcpstate_ignore *ignore)
{
	const char *meant;

	ignore->kind = tcpstate_alert_kind_number(word);
	if (ignore->kind || !strcmp(word, "any"))
		return true;
	meant = nearest(word, KINDS + 1, kind_word);
	if (meant)
		fprintf(stderr, "tcpstate: ignore: unknown kind '%s'; did you mean '%s'?\n", word,
			meant);
	else
		fprintf(stderr, "tcpstate: ignore: unknown kind '%s'; it is any, listen-full or "
			"another that tcpstate alerts shows\n", word);
	return false;
}

static bool parse_addr(const char *word, struct tcpstate_ignore *ignore)
{
	uint8_t len, bits;

	if (!parse_prefix("addr", word, ignore->addr, &len, &bits))
		return false;
	ignore->family = len == 4 ? AF_INET : AF_INET6;
	if (bits == 8 * len)
		return true;
	fprintf(stderr, "tcpstate: addr: '%s' is a network; alerts are ignored by address\n", word);
	return false;
}

static bool parse_port(const char *word, struct tcpstate_ignore *ignore)
{
	uint16_t last;

	if (!parse_ports("port", word, &ignore->port, &last))
		return false;
	if (ignore->port == last)
		return true;
	fprintf(stderr, "tcpstate: port: '%s' is a range; give one port\n", word);
	return false;
}

static bool parse_match(const char *word, struct tcpstate_ignore *ignore)
{
	bool port = !strncmp(word, "port=", 5);
	bool addr = !strncmp(word, "addr=", 5) || !strncmp(word, "peer=", 5);

	if ((port && ignore->port) || (addr && ignore->family)) {
		fprintf(stderr, "tcpstate: ignore: '%.4s' is given twice\n", word);
		return false;
	}
	if (port)
		return parse_port(word + 5, ignore);
	if (addr)
		return parse_addr(word + 5, ignore);
	if (!strncmp(word, "unit=", 5))
		fprintf(stderr, "tcpstate: ignore: the module knows no units, tcpstated does: put "
			"'ignore = any %s' into /etc/tcpstate/tcpstated.conf\n", word);
	else
		fprintf(stderr, "tcpstate: ignore: '%s' is not port=NUMBER and not "
			"addr=ADDRESS\n", word);
	return false;
}

static bool parse_ignore(int argc, char **argv, struct tcpstate_ignore *ignore)
{
	int i;

	*ignore = (struct tcpstate_ignore){ .kind = 0 };
	if (!argc) {
		fprintf(stderr, "tcpstate: 'ignore add' needs a kind, or any: "
			"tcpstate ignore add listen-full port=8080\n");
		return false;
	}
	if (!parse_kind(argv[0], ignore))
		return false;
	for (i = 1; i < argc; i++) {
		if (!parse_match(argv[i], ignore))
			return false;
	}
	if (ignore->kind || ignore->port || ignore->family)
		return true;
	fprintf(stderr, "tcpstate: 'ignore add any' needs a port or an address: "
		"tcpstate ignore add any port=8080\n");
	return false;
}

/* Return: from 1 on, 0 for all, -1 for what is neither. */
static int64_t parse_number(int argc, char **argv)
{
	uint32_t n;

	if (argc != 1) {
		fprintf(stderr, "tcpstate: 'ignore remove' needs one number, or all; "
			"tcpstate ignore lists them\n");
		return -1;
	}
	if (!strcmp(argv[0], "all"))
		return 0;
	return parse_count("ignore remove", argv[0], &n) ? (int64_t)n : -1;
}

/* The list */

/* Adding what is there already changes nothing, and is no error: scripts do it. */
static bool add(struct tcpstate_config *c, const struct tcpstate_ignore *ignore)
{
	unsigned int i;

	for (i = 0; i < c->ignores.n; i++) {
		if (tcpstate_ignore_same(&c->ignore[i], ignore))
			return true;
	}
	if (c->ignores.n == TCPSTATE_IGNORES_MAX) {
		fprintf(stderr, "tcpstate: %d are ignored already, which is the most; "
			"tcpstate ignore remove makes room\n", TCPSTATE_IGNORES_MAX);
		return false;
	}
	c->ignore[c->ignores.n++] = *ignore;
	return true;
}

static bool take_away(struct tcpstate_config *c, int64_t number)
{
	if (!number) {
		c->ignores.n = 0;
		return true;
	}
	if ((uint64_t)number > c->ignores.n) {
		fprintf(stderr, "tcpstate: ignore: there is no number %" PRId64 "; "
			"tcpstate ignore lists them\n", number);
		return false;
	}
	c->ignores.n--;
	memmove(&c->ignore[number - 1], &c->ignore[number],
		(c->ignores.n - (number - 1)) * sizeof(c->ignore[0]));
	return true;
}

static void format_addr(char *buf, const struct tcpstate_ignore *ignore)
{
	if (!ignore->family || !inet_ntop(ignore->family, ignore->addr, buf, INET6_ADDRSTRLEN))
		*buf = '\0';
}

/* Behind its number, as "add" takes it. */
static void print_text(const struct tcpstate_config *c)
{
	char kind[32], addr[INET6_ADDRSTRLEN];
	unsigned int i;

	for (i = 0; i < c->ignores.n; i++) {
		const struct tcpstate_ignore *ignore = &c->ignore[i];

		if (ignore->kind)
			format_kind(kind, sizeof(kind), ignore->kind);
		printf("%u  %s", i + 1, ignore->kind ? kind : "any");
		if (ignore->port)
			printf(" port=%u", ignore->port);
		format_addr(addr, ignore);
		printf("%s%s\n", *addr ? " addr=" : "", addr);
	}
	if (!i)
		puts("nothing is ignored");
}

static json_t *ignore_json(const struct tcpstate_ignore *ignore)
{
	char kind[32], addr[INET6_ADDRSTRLEN];

	format_kind(kind, sizeof(kind), ignore->kind);
	format_addr(addr, ignore);
	return json_pack("{s:o, s:o, s:o}",
			 "kind", ignore->kind ? json_string(kind) : json_null(),
			 "port", ignore->port ? json_integer(ignore->port) : json_null(),
			 "addr", *addr ? json_string(addr) : json_null());
}

static int print_document(const struct tcpstate_config *c)
{
	json_t *array = json_array(), *root;
	unsigned int i;

	for (i = 0; i < c->ignores.n; i++)
		json_array_append_new(array, ignore_json(&c->ignore[i]));
	root = json_array_size(array) == c->ignores.n ? json_pack("{s:o}", "ignore", array) : NULL;
	if (!root)
		return -ENOMEM;
	print_json(root);
	return 0;
}

static enum exit_code print_list(const struct tcpstate_config *c, const struct options *o)
{
	if (!o->json)
		print_text(c);
	else if (print_document(c))
		return TCPSTATE_FAILURE;
	return TCPSTATE_OK;
}

/* The subcommand */

/* What was asked for: neither is a list. */
struct change {
	const struct tcpstate_ignore *add;
	const int64_t *remove;
};

/* Two that do it at once could undo each other; this is for people. */
static enum exit_code change_list(struct tcpstate_link *link, struct tcpstate_config *c,
				  const struct change *change)
{
	struct tcpstate_config set = { .limit.known = false };
	int ret;

	if (change->add && !add(c, change->add))
		return TCPSTATE_FAILURE;
	if (change->remove && !take_away(c, *change->remove))
		return TCPSTATE_FAILURE;
	/* Nothing else is set: it may have changed meanwhile. */
	set.ignores = c->ignores;
	memcpy(set.ignore, c->ignore, sizeof(set.ignore));
	ret = tcpstate_link_config_set(link, &set);
	return ret ? link_failed(link, ret) : TCPSTATE_OK;
}

static enum exit_code run(const struct options *o, const struct change *change)
{
	struct tcpstate_config c;
	struct tcpstate_link *link;
	enum exit_code code;
	int ret;

	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = tcpstate_link_config_get(link, &c);
	if (ret) {
		code = link_failed(link, ret);
	} else if (!c.ignores.known) {
		fprintf(stderr, "tcpstate: the loaded module has no alerts: it is older than this "
			"program\n");
		code = TCPSTATE_FAILURE;
	} else if (change->add || change->remove) {
		code = change_list(link, &c, change);
	} else {
		code = print_list(&c, o);
	}
	tcpstate_link_close(link);
	return code;
}

static enum exit_code unknown_verb(const char *verb)
{
	const char *meant = nearest(verb, 2, verb_word);

	fprintf(stderr, "tcpstate: ignore: unknown word '%s'; %s '%s'%s\n", verb,
		meant ? "did you mean" : "it is", meant ? meant : "add' or 'remove",
		meant ? "?" : "");
	return TCPSTATE_USAGE;
}

enum exit_code ignore(const struct options *o)
{
	struct tcpstate_ignore added;
	int64_t number;

	if (!o->argc)
		return run(o, &(struct change){ NULL, NULL });
	if (!strcmp(o->argv[0], "add")) {
		if (!parse_ignore(o->argc - 1, o->argv + 1, &added))
			return TCPSTATE_USAGE;
		return run(o, &(struct change){ .add = &added });
	}
	if (!strcmp(o->argv[0], "remove")) {
		number = parse_number(o->argc - 1, o->argv + 1);
		if (number < 0)
			return TCPSTATE_USAGE;
		return run(o, &(struct change){ .remove = &number });
	}
	return unknown_verb(o->argv[0]);
}
