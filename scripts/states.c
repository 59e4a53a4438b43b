// SPDX-License-Identifier: GPL-2.0-only
/*
 * states.def for readers: "states dot" prints the diagram for graphviz, "states rst" the tables of
 * Documentation/states.rst. Built and run by scripts/docs.
 */
#include <stdio.h>
#include <string.h>

struct edge {
	const char *from, *event, *to, *origin, *why;
};

static const struct edge edges[] = {
#define TCPS_EDGE(from, event, to, origin, why) { #from, #event, #to, #origin, why },
#include "../module/fsm/states.def"
};

static const struct {
	const char *name;
	int number;
	const char *rfc, *meaning;
} states[] = {
#define TCPS_STATE(name, number, rfc, meaning) { #name, number, rfc, meaning },
#include "../module/fsm/states.def"
};

static const struct {
	const char *name, *text;
} events[] = {
#define TCPS_EVENT(name, text) { #name, text },
#include "../module/fsm/states.def"
};

static const struct {
	const char *from, *to, *why;
} never[] = {
#define TCPS_NEVER(from, to, why) { #from, #to, why },
#include "../module/fsm/states.def"
};

#define N(a) (sizeof(a) / sizeof((a)[0]))

static const char *event_text(const char *name)
{
	size_t i;

	for (i = 0; i < N(events); i++)
		if (!strcmp(events[i].name, name))
			return events[i].text;
	return name;
}

static int in_figure(const struct edge *e)
{
	return !strcmp(e->origin, "FIG5");
}

/* Is there an edge before this one that joins the same two states and is drawn with it? */
static int drawn(const struct edge *e)
{
	const struct edge *o;

	for (o = edges; o < e; o++)
		if (!in_figure(o) && !strcmp(o->from, e->from) && !strcmp(o->to, e->to))
			return 1;
	return 0;
}

/* As in figure 5, CLOSE stands at both ends of the picture: where connections begin and where they end. */
static const char *drawn_to(const struct edge *e)
{
	return strcmp(e->to, "CLOSE") ? e->to : "CLOSE_";
}

static void dot(void)
{
	const struct edge *e;
	size_t i;

	puts("// made from module/fsm/states.def by scripts/docs; do not edit");
	puts("digraph states {");
	puts("\tgraph [rankdir=TB, nodesep=0.55, ranksep=0.5, fontname=\"sans-serif\", bgcolor=\"white\"];");
	puts("\tnode [shape=box, style=\"rounded,filled\", fillcolor=\"#eef4fb\", color=\"#34618f\", fontname=\"sans-serif\", fontsize=13];");
	puts("\tedge [fontname=\"sans-serif\", fontsize=10, color=\"#333333\"];");
	for (i = 0; i < N(states); i++)
		printf("\t%s [tooltip=\"%s\"];\n", states[i].name, states[i].meaning);
	puts("\tCLOSE_ [label=\"CLOSE\"];");
	for (e = edges; e < edges + N(edges); e++) {
		if (in_figure(e))
			printf("\t%s -> %s [label=\" %s\"];\n", e->from, drawn_to(e), event_text(e->event));
		else if (!drawn(e))
			printf("\t%s -> %s [style=dashed, color=\"#c09090\", arrowsize=0.6, constraint=false];\n",
			       e->from, drawn_to(e));
	}
	puts("\tlabel=\"solid: figure 5 of RFC 9293; dashed: a RST, or the socket is gone\";");
	puts("}");
}

static void row(const char *a, const char *b, const char *c, const char *d)
{
	printf("   * - %s\n     - %s\n     - %s\n     - %s\n", a, b, c, d);
}

static void table(const char *title, const char *widths)
{
	printf("\n.. list-table:: %s\n   :header-rows: 1\n   :widths: %s\n\n", title, widths);
}

static void rst(void)
{
	char buf[64];
	size_t i;

	table("States", "18 8 18 56");
	row("State", "Number", "RFC 9293", "Meaning");
	for (i = 0; i < N(states); i++) {
		snprintf(buf, sizeof(buf), "%d", states[i].number);
		row(states[i].name, buf, states[i].rfc, states[i].meaning);
	}
	table("Transitions", "22 28 10 40");
	row("From, to", "Event", "Origin", "Why");
	for (i = 0; i < N(edges); i++) {
		snprintf(buf, sizeof(buf), "%s → %s", edges[i].from, edges[i].to);
		row(buf, event_text(edges[i].event), edges[i].origin, edges[i].why);
	}
	printf("\nEdges of RFC 9293 that Linux does not take, and the machine neither:\n\n");
	for (i = 0; i < N(never); i++)
		printf("* %s → %s: %s\n", never[i].from, never[i].to, never[i].why);
	putchar('\n');
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "dot"))
		dot();
	else if (argc == 2 && !strcmp(argv[1], "rst"))
		rst();
	else
		return fprintf(stderr, "usage: states dot|rst\n"), 2;
	return 0;
}
