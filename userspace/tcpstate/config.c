// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate config: what can be set at run time. "get" prints what "set" takes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/alert.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define KEY_MAX		40

/* JSON has the keys with underscores, as the tables of numbers do. */
static const struct setting {
	const char *key;
	size_t offset;
	uint32_t min;
	uint32_t max;
} settings[] = {
#define AT(member) offsetof(struct tcpstate_config, member)
	{ "limit", AT(limit), TCPSTATE_LIMIT_MIN, UINT32_MAX },
	{ "event-batch", AT(event_batch), 1, TCPSTATE_EVENT_BATCH_MAX },
	{ "event-delay-ms", AT(event_delay_ms), 0, TCPSTATE_EVENT_DELAY_MAX },
	{ "event-queue", AT(event_queue), TCPSTATE_EVENT_QUEUE_MIN, TCPSTATE_EVENT_QUEUE_MAX },
#define TCPS_THRESHOLD(id, name, by_default, min, max) \
	{ name, AT(threshold[TCPSTATE_A_THRESHOLDS_##id]), min, max },
#include "alerts.def"
};

static struct tcpstate_value *value_of(struct tcpstate_config *c, const struct setting *s)
{
	return (struct tcpstate_value *)((char *)c + s->offset);
}

static const char *key_word(unsigned int i)
{
	return settings[i].key;
}

static const char *verb_word(unsigned int i)
{
	return i ? "set" : "get";
}

static const struct setting *find_setting(const char *key)
{
	const char *meant;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		if (tcpstate_same_word(settings[i].key, key))
			return &settings[i];
	}
	meant = nearest(key, ARRAY_SIZE(settings), key_word);
	if (meant)
		fprintf(stderr, "tcpstate: unknown key '%s'; did you mean '%s'?\n", key, meant);
	else
		fprintf(stderr, "tcpstate: unknown key '%s'; tcpstate config get lists them\n",
			key);
	return NULL;
}

/* strtoull() would take a sign and white space. */
static bool parse_value(const struct setting *s, const char *word, struct tcpstate_value *v)
{
	size_t digits = strspn(word, "0123456789");

	v->n = digits && digits < 12 ? strtoull(word, NULL, 10) : UINT64_MAX;
	v->known = !word[digits] && v->n >= s->min && v->n <= s->max;
	if (!v->known)
		fprintf(stderr, "tcpstate: %s is a number from %" PRIu32 " to %" PRIu32
			", not '%s'\n", s->key, s->min, s->max, word);
	return v->known;
}

static bool parse_assignment(const char *word, struct tcpstate_config *c)
{
	const struct setting *s;
	size_t len = strcspn(word, "=");
	struct tcpstate_value *v;
	char key[KEY_MAX];

	snprintf(key, sizeof(key), "%.*s", (int)len, word);
	s = find_setting(key);
	if (!s)
		return false;
	v = value_of(c, s);
	if (word[len] != '=') {
		fprintf(stderr, "tcpstate: '%s' is given no value: %s=NUMBER\n", key, key);
		return false;
	}
	if (v->known) {
		fprintf(stderr, "tcpstate: '%s' is given twice\n", key);
		return false;
	}
	return parse_value(s, word + len + 1, v);
}

static void print_member(const char *key, const struct tcpstate_value *v)
{
	putchar('"');
	for (; *key; key++)
		putchar(*key == '-' ? '_' : *key);
	if (v->known)
		printf("\":%" PRIu64, v->n);
	else
		printf("\":null");
}

/* An older module does not know all of them; "set" would not take what it does not. */
static void print(struct tcpstate_config *c, bool json)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		const struct tcpstate_value *v = value_of(c, &settings[i]);

		if (json) {
			putchar(i ? ',' : '{');
			print_member(settings[i].key, v);
		} else if (v->known) {
			printf("%s=%" PRIu64 "\n", settings[i].key, v->n);
		}
	}
	if (json)
		puts("}");
}

static enum exit_code get(const struct options *o)
{
	enum exit_code code = TCPSTATE_OK;
	struct tcpstate_config c;
	struct tcpstate_link *link;
	int ret;

	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = tcpstate_link_config_get(link, &c);
	if (ret)
		code = link_failed(link, ret);
	else
		print(&c, o->json);
	tcpstate_link_close(link);
	return code;
}

static enum exit_code set(const struct options *o)
{
	struct tcpstate_config c = { .limit = { 0, false } };
	enum exit_code code = TCPSTATE_OK;
	struct tcpstate_link *link;
	int ret, i;

	for (i = 1; i < o->argc; i++) {
		if (!parse_assignment(o->argv[i], &c))
			return TCPSTATE_USAGE;
	}
	if (i == 1) {
		fprintf(stderr, "tcpstate: 'config set' needs KEY=VALUE; "
			"tcpstate config get lists them\n");
		return TCPSTATE_USAGE;
	}
	ret = tcpstate_link_open(&link);
	if (!ret)
		ret = tcpstate_link_config_set(link, &c);
	if (ret)
		code = link_failed(link, ret);
	tcpstate_link_close(link);
	return code;
}

enum exit_code configure(const struct options *o)
{
	const char *verb = o->argc ? o->argv[0] : "get";
	const char *meant;

	if (!strcmp(verb, "set"))
		return set(o);
	if (strcmp(verb, "get")) {
		meant = nearest(verb, 2, verb_word);
		fprintf(stderr, "tcpstate: config: unknown word '%s'; %s '%s'%s\n", verb,
			meant ? "did you mean" : "it is", meant ? meant : "get' or 'set",
			meant ? "?" : "");
		return TCPSTATE_USAGE;
	}
	if (o->argc > 1) {
		fprintf(stderr, "tcpstate: 'config get' takes no argument '%s'\n", o->argv[1]);
		return TCPSTATE_USAGE;
	}
	return get(o);
}
