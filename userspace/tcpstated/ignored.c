// SPDX-License-Identifier: GPL-2.0-only
/*
 * Alerts that nobody is to be told of: kept in the configuration, as the module forgets what it
 * ignores when it is unloaded, and does not know of units.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../tcpstate/tcpstate.h"
#include "tcpstated.h"

#define KINDS	TCPSTATE_ALERT_KIND_PEERS_FULL

/* Words */

static const char *kind_word(unsigned int i)
{
	return i < KINDS ? tcpstate_alert_kind_name(i + 1) : "any";
}

static bool take_kind(const char *word, struct ignored *i, char *why, size_t size)
{
	const char *meant;

	i->match.kind = tcpstate_alert_kind_number(word);
	if (i->match.kind || !strcmp(word, "any"))
		return true;
	meant = nearest(word, KINDS + 1, kind_word);
	snprintf(why, size, "unknown kind '%.100s'%s%s%s", word,
		 meant ? "; did you mean '" : "; it is any, listen-full or another that tcpstate alerts shows",
		 meant ? meant : "", meant ? "'?" : "");
	return false;
}

static bool take_port(const char *word, struct ignored *i, char *why, size_t size)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno || !n || n > UINT16_MAX) {
		snprintf(why, size, "port is a number from 1 to 65535, not '%.100s'", word);
		return false;
	}
	i->match.port = n;
	return true;
}

static bool take_peer(const char *word, struct ignored *i, char *why, size_t size)
{
	i->match.family = strchr(word, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(i->match.family, word, i->match.addr) == 1)
		return true;
	snprintf(why, size, "peer is an IPv4 or IPv6 address, not '%.100s'", word);
	return false;
}

static bool take_unit(const char *word, struct ignored *i, char *why, size_t size)
{
	if (*word && strlen(word) < sizeof(i->unit)) {
		strcpy(i->unit, word);
		return true;
	}
	snprintf(why, size, "unit is a pattern of 1 to %zu characters", sizeof(i->unit) - 1);
	return false;
}

static const struct {
	const char *name;
	bool (*take)(const char *word, struct ignored *i, char *why, size_t size);
} parts[] = {
	{ "unit=", take_unit },
	{ "port=", take_port },
	{ "peer=", take_peer },
	{ "addr=", take_peer },		/* as tcpstate ignore calls it */
};

static bool take_part(const char *word, struct ignored *i, char *why, size_t size)
{
	unsigned int k;

	for (k = 0; k < sizeof(parts) / sizeof(parts[0]); k++) {
		size_t len = strlen(parts[k].name);

		if (!strncmp(word, parts[k].name, len))
			return parts[k].take(word + len, i, why, size);
	}
	snprintf(why, size, "'%.100s' is not unit=UNIT, port=NUMBER or peer=ADDRESS", word);
	return false;
}

bool ignored_parse(const char *value, struct ignored *result, char *why, size_t size)
{
	char copy[IGNORED_TEXT], *rest = NULL, *word;

	memset(result, 0, sizeof(*result));
	if (strlen(value) >= sizeof(copy)) {
		snprintf(why, size, "is too long; %zu bytes are the most", sizeof(copy) - 1);
		return false;
	}
	strcpy(copy, value);
	word = strtok_r(copy, " \t", &rest);
	if (!word) {
		snprintf(why, size, "is a kind, or any, and what it is about: stale-pool port=5432");
		return false;
	}
	if (!take_kind(word, result, why, size))
		return false;
	while ((word = strtok_r(NULL, " \t", &rest)))
		if (!take_part(word, result, why, size))
			return false;
	if (result->match.kind || result->match.port || result->match.family || *result->unit)
		return true;
	snprintf(why, size, "any needs a unit, a port or a peer: any port=8080");
	return false;
}

/* Alerts */

/* As the module does: the address and port that an operator knows it by. */
static bool names(const struct tcpstate_ignore *i, const struct tcpstate_alert *a)
{
	const struct tcpstate_tuple *t = &a->peer.name;
	bool out = a->peer.kind == TCPSTATE_PEER_KIND_DESTINATION;

	if (i->kind && i->kind != a->kind)
		return false;
	if (!a->has_peer)
		return !i->port && !i->family;
	return (!i->port || i->port == (out ? t->rport : t->lport)) &&
	       (!i->family || (i->family == t->family &&
			       !memcmp(i->addr, out ? t->raddr : t->laddr,
				       i->family == AF_INET ? 4 : 16)));
}

/* "orders" is orders.service, too. */
static bool is_unit(const char *pattern, const struct tcpstate_holder *h)
{
	char service[IGNORED_TEXT];

	if (!h || !*h->place.unit)
		return false;
	snprintf(service, sizeof(service), "%s.service", pattern);
	return !fnmatch(pattern, h->place.unit, 0) || !fnmatch(service, h->place.unit, 0);
}

bool ignored_matches(const struct ignored_list *list, const struct tcpstate_alert *a,
		     const struct tcpstate_holder *holder)
{
	unsigned int i;

	for (i = 0; i < list->n; i++) {
		const struct ignored *at = &list->at[i];

		if (names(&at->match, a) && (!*at->unit || is_unit(at->unit, holder)))
			return true;
	}
	return false;
}

/* The module */

static bool has(const struct tcpstate_config *c, const struct tcpstate_ignore *ignore)
{
	unsigned int i;

	for (i = 0; i < c->ignores.n; i++)
		if (tcpstate_ignore_same(&c->ignore[i], ignore))
			return true;
	return false;
}

int ignored_tell(const struct ignored_list *list, struct tcpstate_link *link)
{
	struct tcpstate_config now, set = { .limit.known = false };
	int ret = tcpstate_link_config_get(link, &now);
	unsigned int i, n = now.ignores.n;

	if (ret || !now.ignores.known)
		return ret;
	for (i = 0; i < list->n; i++)
		if (!*list->at[i].unit && !has(&now, &list->at[i].match) &&
		    now.ignores.n < TCPSTATE_IGNORES_MAX)
			now.ignore[now.ignores.n++] = list->at[i].match;
	if (now.ignores.n == n)
		return 0;
	/* Nothing else is set: it may have changed meanwhile. */
	set.ignores = now.ignores;
	memcpy(set.ignore, now.ignore, sizeof(set.ignore));
	return tcpstate_link_config_set(link, &set);
}
