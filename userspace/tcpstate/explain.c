// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate explain: what a state means, how one gets in and out, what to do about it. The edges are
 * those of states.def, the same that the module runs by; the advice is explain.def. Text is printed
 * from the JSON, so that neither can say what the other does not. What is a number is an alert:
 * explain_alert.c.
 */
#include <errno.h>
#include <jansson.h>
#include <linux/tcpstate.h>
#include <stdio.h>
#include <string.h>

#include "../lib/model.h"
#include "alerts.h"
#include "tcpstate.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define INDENT		8
#define TEXT_MAX	512

struct state {
	const char *name, *rfc, *meaning;
};

static const struct state states[TCPSTATE_STATE_LAST + 1] = {
#define TCPS_STATE(name, number, rfc, meaning) [number] = { #name, rfc, meaning },
#include "fsm/states.def"
};

static const struct edge {
	const char *from, *to, *why;
	unsigned int cause;
} edges[] = {
#define TCPS_EDGE(from, event, to, origin, why) { #from, #to, why, TCPSTATE_CAUSE_##event },
#include "fsm/states.def"
};

static const struct advice {
	const char *name, *normal, *act, *avoid;
} advices[] = {
#define TCPSTATE_EXPLAIN(name, normal, act, avoid) { #name, normal, act, avoid },
#include "explain.def"
};

static const struct advice *advice_on(const char *name)
{
	static const struct advice none = { "", "", "", "" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		if (!strcmp(advices[i].name, name))
			return &advices[i];
	}
	return &none;
}

/* The document */

/* The edges that lead into a state, or out of it, in the order of states.def. */
static json_t *edges_json(const char *name, bool in)
{
	json_t *list = json_array();
	const struct edge *e;

	for (e = edges; e < edges + ARRAY_SIZE(edges); e++) {
		if (strcmp(in ? e->to : e->from, name))
			continue;
		json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s}",
						      in ? "from" : "to", in ? e->from : e->to,
						      "event", tcpstate_cause_name(e->cause),
						      "text", tcpstate_cause_text(e->cause),
						      "why", e->why));
	}
	return list;
}

static json_t *state_json(unsigned int number)
{
	const struct state *s = &states[number];
	const struct advice *a = advice_on(s->name);

	return json_pack("{s:s, s:i, s:s, s:s, s:o, s:o, s:s, s:s, s:s}",
			 "state", s->name, "number", (int)number, "rfc", s->rfc,
			 "meaning", s->meaning,
			 "in", edges_json(s->name, true), "out", edges_json(s->name, false),
			 "normal", a->normal, "do", a->act, "dont", a->avoid);
}

static json_t *all_json(void)
{
	json_t *list = json_array();
	unsigned int i;

	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++)
		json_array_append_new(list, state_json(i));
	return json_pack("{s:o}", "states", list);
}

/* The text */

static const char *get(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

void print_wrapped(const char *label, int indent, const char *text, int hang)
{
	int column = indent, len;

	printf("%-*s", indent, label);
	while (*text) {
		len = strcspn(text, " ");
		if (column > indent + hang && column + 1 + len > WIDTH) {
			column = indent + hang;
			printf("\n%*s", column, "");
		} else if (column > indent + hang || (column > indent && hang)) {
			putchar(' ');
			column++;
		}
		printf("%.*s", len, text);
		column += len;
		text += len;
		text += *text == ' ';
	}
	putchar('\n');
}

/* From nearly every state a RST or the loss of the socket leads to CLOSE: one line is enough. */
static bool is_abort(const json_t *edge)
{
	const char *event = get(edge, "event");

	return !strcmp(event, "send-rst") || !strcmp(event, "rcv-rst") || !strcmp(event, "gone");
}

/* Adds @word to a list with commas, once. */
static void add_word(char *list, size_t size, const char *word)
{
	const char *at = list;
	size_t used = strlen(list), len;

	while (*at) {
		len = strcspn(at, ",");
		if (len == strlen(word) && !memcmp(at, word, len))
			return;
		at += len;
		at += strspn(at, ", ");
	}
	snprintf(list + used, size - used, "%s%s", used ? ", " : "", word);
}

/* Return: number of aborts; the states and the events of them are added to the lists. */
static unsigned int collect_aborts(const json_t *list, const char *end, char *from, char *by)
{
	unsigned int n = 0;
	json_t *edge;
	size_t i;

	*from = *by = '\0';
	json_array_foreach(list, i, edge) {
		if (!is_abort(edge))
			continue;
		add_word(from, TEXT_MAX, get(edge, end));
		add_word(by, TEXT_MAX, get(edge, "text"));
		n++;
	}
	return n;
}

static void print_edges(const char *label, const json_t *list, const char *end)
{
	char text[2 * TEXT_MAX + 8], from[TEXT_MAX], by[TEXT_MAX];
	unsigned int aborts = collect_aborts(list, end, from, by);
	json_t *edge;
	size_t i;

	json_array_foreach(list, i, edge) {
		if (aborts > 1 && is_abort(edge))
			continue;
		snprintf(text, sizeof(text), "%s by %s: %s", get(edge, end),
			 get(edge, "text"), get(edge, "why"));
		print_wrapped(label, INDENT, text, 2);
		label = "";
	}
	if (aborts > 1) {
		snprintf(text, sizeof(text), "%s by %s", from, by);
		print_wrapped(label, INDENT, text, 2);
	}
}

static void print_state(const json_t *s)
{
	const char *name = get(s, "state"), *rfc = get(s, "rfc");

	printf("%s", name);
	if (strcmp(name, rfc))
		printf(" (RFC 9293: %s)", rfc);
	printf("\n%s\n\n", get(s, "meaning"));
	print_edges("IN", json_object_get(s, "in"), "from");
	print_edges("OUT", json_object_get(s, "out"), "to");
	print_wrapped("NORMAL", INDENT, get(s, "normal"), 0);
	print_wrapped("DO", INDENT, get(s, "do"), 0);
	print_wrapped("DON'T", INDENT, get(s, "dont"), 0);
}

static void print_all(const json_t *root)
{
	json_t *s;
	size_t i;

	json_array_foreach(json_object_get(root, "states"), i, s)
		printf("%-11s  %s\n", get(s, "state"), get(s, "meaning"));
}

enum exit_code print_explanation(const struct options *o, json_t *root,
				 void (*print)(const json_t *root))
{
	if (!root) {
		fprintf(stderr, "tcpstate: cannot explain it: %s\n", strerror(ENOMEM));
		return TCPSTATE_FAILURE;
	}
	if (o->json) {
		print_json(root);
		return TCPSTATE_OK;
	}
	print(root);
	json_decref(root);
	return TCPSTATE_OK;
}

/* Return: the state's number, or 0 after one line on stderr. */
static unsigned int state_of(const char *word)
{
	uint32_t states;
	unsigned int i;

	if (!parse_states("explain", word, &states))
		return 0;
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		if (states == 1u << i)
			return i;
	}
	fprintf(stderr, "tcpstate: explain: one state at a time, not '%s'\n", word);
	return 0;
}

/* The number of an alert as it is shown, "#41", or without its sign; NULL: it is none. */
static const char *number_in(const char *word)
{
	word += *word == '#';
	return *word && !word[strspn(word, "0123456789")] ? word : NULL;
}

static bool refuse_kind(const char *word)
{
	fprintf(stderr, "tcpstate: explain: '%s' is a kind of alert; give the number of an alert: "
		"tcpstate alerts lists them\n", word);
	return false;
}

/* False after one line on stderr. */
static bool parse_subject(const char *word, unsigned int *state, uint32_t *alert)
{
	const char *number = number_in(word);

	if (number)
		return parse_count("explain", number, alert);
	if (tcpstate_alert_kind_number(word))
		return refuse_kind(word);
	*state = state_of(word);
	return *state;
}

enum exit_code explain(const struct options *o)
{
	unsigned int state = 0;
	uint32_t alert = 0;

	if (o->argc > 1) {
		fprintf(stderr, "tcpstate: explain: one state or alert at a time, not also '%s'\n",
			o->argv[1]);
		return TCPSTATE_USAGE;
	}
	if (o->argc && !parse_subject(o->argv[0], &state, &alert))
		return TCPSTATE_USAGE;
	if (alert)
		return explain_alert(o, alert);
	if (state)
		return print_explanation(o, state_json(state), print_state);
	return print_explanation(o, all_json(), print_all);
}
