// SPDX-License-Identifier: GPL-2.0-only
/*
 * What several subcommands print alike: the ends of connections, tables, JSON, and failures.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libsmartcols.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <search.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tcpstate.h"

#define NS_PER_S	1000000000

enum exit_code link_failed(const struct tcpstate_link *link, int err)
{
	fprintf(stderr, "tcpstate: %s\n", tcpstate_link_error(link));
	return err == -ENOENT ? TCPSTATE_NOT_LOADED : TCPSTATE_FAILURE;
}

/* An address whose name has been asked for; empty: it has none. */
struct host {
	int family;
	uint8_t addr[16];
	char *name;
};

static int compare_hosts(const void *a, const void *b)
{
	const struct host *x = a, *y = b;

	if (x->family != y->family)
		return x->family - y->family;
	return memcmp(x->addr, y->addr, sizeof(x->addr));
}

static char *ask_name(const struct host *h)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };
	const void *sa = h->family == AF_INET ? (void *)&v4 : (void *)&v6;
	char name[NI_MAXHOST];

	memcpy(&v4.sin_addr, h->addr, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, h->addr, sizeof(v6.sin6_addr));
	if (getnameinfo(sa, h->family == AF_INET ? sizeof(v4) : sizeof(v6), name, sizeof(name),
			NULL, 0, NI_NAMEREQD))
		return NULL;
	return strdup(name);
}

/* NULL if the address has no name. Each is asked for once: the answer can take seconds. */
static const char *host_name(int family, const uint8_t *addr)
{
	static void *hosts;
	struct host key = { .family = family }, *h;
	struct host **found;

	memcpy(key.addr, addr, family == AF_INET ? 4 : 16);
	found = tfind(&key, &hosts, compare_hosts);
	if (found)
		return (*found)->name;
	h = malloc(sizeof(*h));
	if (!h)
		return NULL;
	*h = key;
	h->name = ask_name(h);
	if (!tsearch(h, &hosts, compare_hosts)) {
		free(h->name);
		free(h);
		return NULL;
	}
	return h->name;
}

static void format_scope(char *buf, size_t size, uint32_t scope)
{
	char name[IF_NAMESIZE];

	if (!scope)
		*buf = '\0';
	else if (if_indextoname(scope, name))
		snprintf(buf, size, "%%%s", name);
	else
		snprintf(buf, size, "%%%u", scope);
}

void format_end(char *buf, size_t size, const struct tcpstate_tuple *t, bool remote,
		bool resolve)
{
	const uint8_t *addr = remote ? t->raddr : t->laddr;
	const char *name = resolve ? host_name(t->family, addr) : NULL;
	bool brackets = !name && t->family == AF_INET6;
	char text[INET6_ADDRSTRLEN], scope[IF_NAMESIZE + 1];

	/* A name says enough; the interface is that of our end. */
	format_scope(scope, sizeof(scope), remote || name ? 0 : t->scope);
	if (!name)
		name = inet_ntop(t->family, addr, text, sizeof(text));
	snprintf(buf, size, "%s%s%s%s:%u", brackets ? "[" : "", name, scope, brackets ? "]" : "",
		 remote ? t->rport : t->lport);
}

static json_t *address_json(const struct tcpstate_tuple *t, const uint8_t *addr)
{
	char text[INET6_ADDRSTRLEN];

	return json_string(inet_ntop(t->family, addr, text, sizeof(text)));
}

/* null for an address that has no name. */
static json_t *name_json(const struct tcpstate_tuple *t, const uint8_t *addr)
{
	const char *name = host_name(t->family, addr);
	json_t *string = name ? json_string(name) : NULL;

	return string ? string : json_null();
}

json_t *tuple_json(const struct tcpstate_tuple *t, bool resolve)
{
	json_t *object;

	object = json_pack("{s:i, s:o, s:i, s:o, s:i, s:o}",
			   "family", t->family == AF_INET ? 4 : 6,
			   "local_addr", address_json(t, t->laddr), "local_port", (int)t->lport,
			   "remote_addr", address_json(t, t->raddr), "remote_port", (int)t->rport,
			   "scope", t->scope ? json_integer(t->scope) : json_null());
	if (!object || !resolve)
		return object;
	if (json_object_set_new(object, "local_name", name_json(t, t->laddr)) ||
	    json_object_set_new(object, "remote_name", name_json(t, t->raddr))) {
		json_decref(object);
		return NULL;
	}
	return object;
}

struct libscols_table *new_table(const struct options *o)
{
	struct libscols_table *tb = scols_new_table();

	if (!tb)
		return NULL;
	scols_table_enable_colors(tb, o->color);
	scols_table_enable_noheadings(tb, o->no_header);
	scols_table_set_column_separator(tb, "  ");
	/* A terminal that is too narrow wraps: a digit, or an address, cut off would lie. */
	scols_table_set_termforce(tb, SCOLS_TERMFORCE_NEVER);
	return tb;
}

/* "/158" of "python3/158": without all of it nobody finds the process. Else the end of the text. */
static const char *pid_in(const char *name)
{
	const char *end = name + strlen(name), *slash = strrchr(name, '/');

	return slash && slash[1] && !slash[1 + strspn(slash + 1, "0123456789")] ? slash : end;
}

void cut_name(char *buf, size_t size, const char *name, size_t width)
{
	const char *pid = pid_in(name);
	size_t rest = strlen(pid) + strlen("..");
	int keep = width > rest ? width - rest : 1;

	if (strlen(name) <= width || pid - name <= keep)
		snprintf(buf, size, "%s", name);
	else
		snprintf(buf, size, "%.*s..%s", keep, name, pid);
}

static const char *cell_text(struct libscols_line *line, unsigned int column)
{
	return scols_cell_get_data(scols_line_get_cell(line, column));
}

/* Longest text of a column, its heading included. */
static size_t column_width(struct libscols_table *tb, unsigned int column)
{
	struct libscols_column *col = scols_table_get_column(tb, column);
	const char *text = scols_cell_get_data(scols_column_get_header(col));
	size_t width = text ? strlen(text) : 0, len, i;

	for (i = 0; i < scols_table_get_nlines(tb); i++) {
		text = cell_text(scols_table_get_line(tb, i), column);
		len = text ? strlen(text) : 0;
		width = len > width ? len : width;
	}
	return width;
}

static int shorten(struct libscols_line *line, unsigned int column, size_t width)
{
	const char *text = cell_text(line, column);
	char cut[ENDPOINT_MAX];

	if (!text || strlen(text) <= width)
		return 0;
	cut_name(cut, sizeof(cut), text, width);
	return scols_line_set_data(line, column, cut);
}

int fit_column(struct libscols_table *tb, unsigned int column)
{
	size_t columns = scols_table_get_ncols(tb), rest = 2 * (columns - 1), i;
	size_t width = line_width();
	int ret = 0;

	for (i = 0; i < columns; i++)
		rest += i == column ? 0 : column_width(tb, i);
	rest = rest + NAME_LEAST < width ? width - rest : NAME_LEAST;
	for (i = 0; i < scols_table_get_nlines(tb) && !ret; i++)
		ret = shorten(scols_table_get_line(tb, i), column, rest);
	return ret;
}

json_t *wall_json(uint64_t wall)
{
	time_t second = wall / NS_PER_S;
	char text[32] = "";
	struct tm tm;

	if (gmtime_r(&second, &tm))
		strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%06uZ", text, (unsigned int)(wall % NS_PER_S / 1000));
}

json_t *value_json(const struct tcpstate_value *v)
{
	return v->known ? json_integer(v->n) : json_null();
}

void print_json(json_t *root)
{
	json_dumpf(root, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(root);
}

volatile sig_atomic_t interrupted;

static void interrupt(int sig)
{
	(void)sig;
	interrupted = 1;
}

void catch_interrupts(void)
{
	struct sigaction action = {
		.sa_handler = interrupt, .sa_flags = SA_RESTART | SA_RESETHAND,
	};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}
