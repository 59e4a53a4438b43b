// SPDX-License-Identifier: GPL-2.0-only
/*
 * The values of options: each is understood as people write it, or refused in one line that says
 * how it is written.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define WORD_MAX	32
#define V4_MAPPED	96	/* bits of ::ffff:0.0.0.0 */

static bool refuse(const char *option, const char *word, const char *want)
{
	fprintf(stderr, "tcpstate: %s: '%s' is not %s\n", option, word, want);
	return false;
}

/* The digits at @at, as a number up to @max; where they end, or NULL. */
static const char *take_number(const char *at, uint64_t max, uint64_t *n)
{
	if (!isdigit((unsigned char)*at))
		return NULL;
	for (*n = 0; isdigit((unsigned char)*at); at++) {
		unsigned int digit = *at - '0';

		if (*n > max / 10 || *n * 10 > max - digit)
			return NULL;
		*n = *n * 10 + digit;
	}
	return at;
}

/* States: the kernel's names, RFC 9293's, ss's; case, hyphens and underscores do not matter. */
static const struct {
	const char *name;
	unsigned int state;
} state_words[] = {
#define TCPS_STATE(name, number, rfc, meaning) { #name, number }, { rfc, number },
#include "fsm/states.def"
	{ "CLOSED", TCPSTATE_STATE_CLOSE },
	{ "LISTENING", TCPSTATE_STATE_LISTEN },
};

static void squeeze(char *buf, const char *word, size_t len)
{
	size_t n = 0;

	for (; len && n + 1 < WORD_MAX; word++, len--) {
		if (*word != '-' && *word != '_')
			buf[n++] = tolower((unsigned char)*word);
	}
	buf[n] = '\0';
}

static unsigned int find_state(const char *word, size_t len)
{
	char typed[WORD_MAX], name[WORD_MAX];
	size_t i;

	squeeze(typed, word, len);
	for (i = 0; i < ARRAY_SIZE(state_words); i++) {
		squeeze(name, state_words[i].name, strlen(state_words[i].name));
		if (!strcmp(typed, name))
			return state_words[i].state;
	}
	return 0;
}

/* As people type it: close-wait. */
static void hyphenate(char *buf, const char *word)
{
	size_t n;

	for (n = 0; word[n] && n + 1 < WORD_MAX; n++)
		buf[n] = word[n] == '_' ? '-' : tolower((unsigned char)word[n]);
	buf[n] = '\0';
}

static const char *state_word(unsigned int i)
{
	static char words[TCPSTATE_STATE_LAST][WORD_MAX];

	hyphenate(words[i], tcpstate_state_name(TCPSTATE_STATE_FIRST + i));
	return words[i];
}

static bool refuse_state(const char *option, const char *word, size_t len)
{
	char whole[2 * WORD_MAX], typed[WORD_MAX];
	const char *meant;

	snprintf(whole, sizeof(whole), "%.*s", (int)len, word);
	hyphenate(typed, whole);
	meant = nearest(typed, TCPSTATE_STATE_LAST, state_word);
	if (meant)
		fprintf(stderr, "tcpstate: %s: unknown state '%s'; did you mean '%s'?\n", option,
			whole, meant);
	else
		fprintf(stderr, "tcpstate: %s: unknown state '%s'; tcpstate show lists them\n",
			option, whole);
	return false;
}

bool parse_states(const char *option, const char *word, uint32_t *states)
{
	unsigned int state;
	size_t len;

	*states = 0;
	for (;; word += len + 1) {
		len = strcspn(word, ",");
		state = find_state(word, len);
		if (!state)
			return refuse_state(option, word, len);
		*states |= 1u << state;
		if (!word[len])
			return true;
	}
}

/* Sockets of IPv6 show IPv4 so; the packets are IPv4. */
static void unmap(uint8_t *addr, uint8_t *len, uint8_t *bits)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (*len != 16 || *bits < V4_MAPPED || memcmp(addr, mapped, sizeof(mapped)))
		return;
	memmove(addr, addr + sizeof(mapped), 4);
	*len = 4;
	*bits -= V4_MAPPED;
}

bool parse_prefix(const char *option, const char *word, uint8_t *addr, uint8_t *len,
		  uint8_t *bits)
{
	const char *want = "an address or ADDRESS/BITS, like 192.0.2.0/24 or 2001:db8::/32";
	char text[INET6_ADDRSTRLEN];
	size_t size = strcspn(word, "/");
	const char *end = "";
	uint64_t n;

	if (size >= sizeof(text))
		return refuse(option, word, want);
	memcpy(text, word, size);
	text[size] = '\0';
	if (inet_pton(AF_INET, text, addr) == 1)
		*len = 4;
	else if (inet_pton(AF_INET6, text, addr) == 1)
		*len = 16;
	else
		return refuse(option, word, want);
	n = *len * 8;
	if (word[size])
		end = take_number(word + size + 1, n, &n);
	if (!end || *end)
		return refuse(option, word, want);
	*bits = n;
	unmap(addr, len, bits);
	return true;
}

bool parse_ports(const char *option, const char *word, uint16_t *min, uint16_t *max)
{
	uint64_t low = 0, high = 0;
	const char *end;

	end = take_number(word, UINT16_MAX, &low);
	high = low;
	if (end && *end == '-')
		end = take_number(end + 1, UINT16_MAX, &high);
	if (!end || *end || !low || low > high)
		return refuse(option, word, "a port or a range of ports, like 443 or 8000-8999");
	*min = low;
	*max = high;
	return true;
}

bool parse_count(const char *option, const char *word, uint32_t *n)
{
	uint64_t value = 0;
	const char *end = take_number(word, UINT32_MAX, &value);

	if (!end || *end || !value)
		return refuse(option, word, "a number from 1 to 4294967295");
	*n = value;
	return true;
}

bool parse_seconds(const char *option, const char *word, unsigned int *seconds)
{
	uint64_t value = 0;
	const char *end = take_number(word, 86400, &value);

	if (!end || *end || !value)
		return refuse(option, word, "a number of seconds from 1 to 86400");
	*seconds = value;
	return true;
}

static const struct unit {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ms", 1000000ull },	/* before "m" */
	{ "s", 1000000000ull },
	{ "m", 60 * 1000000000ull },
	{ "h", 3600 * 1000000000ull },
	{ "d", 86400 * 1000000000ull },
};

/* Seconds if it is the whole word that has none. */
static const struct unit *take_unit(const char *at, bool alone)
{
	static const struct unit seconds = { "", 1000000000ull };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(units); i++) {
		if (!strncmp(at, units[i].name, strlen(units[i].name)))
			return &units[i];
	}
	return alone && !*at ? &seconds : NULL;
}

bool parse_duration(const char *option, const char *word, uint64_t *ns)
{
	const char *at = word;
	const struct unit *unit;
	uint64_t n;

	*ns = 0;
	do {
		const char *end = take_number(at, INT64_MAX, &n);

		unit = end ? take_unit(end, at == word) : NULL;
		if (!unit || n > (INT64_MAX - *ns) / unit->ns)
			return refuse(option, word, "a duration, like 500ms, 60s, 5m, 1h30m or 2d");
		*ns += n * unit->ns;
		at = end + strlen(unit->name);
	} while (*at);
	return true;
}

static const char * const sort_words[] = {
	[SORT_AGE - 1] = "age",
	[SORT_LOCAL - 1] = "local",
	[SORT_REMOTE - 1] = "remote",
	[SORT_STATE - 1] = "state",
};

static const char *sort_word(unsigned int i)
{
	return sort_words[i];
}

bool parse_sort(const char *option, const char *word, enum sort_key *key)
{
	const char *meant;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sort_words); i++) {
		if (strcmp(word, sort_words[i]))
			continue;
		*key = i + 1;
		return true;
	}
	meant = nearest(word, ARRAY_SIZE(sort_words), sort_word);
	if (!meant)
		return refuse(option, word, "age, local, remote or state");
	fprintf(stderr, "tcpstate: %s: unknown key '%s'; did you mean '%s'?\n", option, word,
		meant);
	return false;
}
