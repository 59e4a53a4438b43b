// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "../lib/format.h"
#include "tcpstate.h"
#include "top.h"

#define HEAD_LINES	3	/* title, note, names of the columns */
#define TAIL_LINES	3	/* empty, names of the list's columns, keys */
#define HINT_WIDTH	90	/* of all keys */
#define KEYS_WIDTH	75	/* of all but the arrows */
#define AGE_WIDTH	8	/* with its sign */
#define AGE_MAX		(TCPSTATE_FORMAT_MAX + AGE_WIDTH)
#define STATE_WIDTH	11
#define NAME_WIDEST	47	/* no IPv6 address and port is longer, but for its scope */
#define NAME_NARROWEST	21	/* no IPv4 address and port is longer */

/* As many as a small terminal has room for below a verdict of one line. */
static const char * const help[] = {
	"up, down, home, end  choose a state; its oldest endpoints are listed here",
	"L, P, U, N           listeners, destinations, units, namespaces; and back",
	"p, space             stop sampling, and go on",
	"?, h; q              this text; quit",
	"NOW     endpoints in the state        IN/s   entered, per second",
	"OLDEST  time in the state, longest    >60s   in it for 60 s or longer",
	"tcpstate explain STATE says what a state means and what to do.",
};

static void __attribute__((format(printf, 3, 4)))
add_line(struct top_frame *f, enum top_look look, const char *format, ...)
{
	struct top_line *line;
	va_list args;

	if (f->n == TOP_LINES)
		return;
	line = &f->line[f->n++];
	line->look = look;
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
}

/* "0.4", "410"; "-" where it is not known. */
static void format_rate(char *buf, size_t size, double rate)
{
	if (rate < 0)
		snprintf(buf, size, "-");
	else if (rate > 0 && rate < 9.95)
		snprintf(buf, size, "%.1f", rate);
	else
		tcpstate_format_count(buf, size, (uint64_t)(rate + 0.5));
}

static void add_title(struct top_frame *f, const struct top_view *v)
{
	const struct tcpstate_stats *s = &v->m->now;
	char tracked[TCPSTATE_FORMAT_MAX], limit[TCPSTATE_FORMAT_MAX];
	char moves[TCPSTATE_FORMAT_MAX], lost[TCPSTATE_FORMAT_MAX];

	if (!v->m->samples) {
		add_line(f, TOP_TITLE, "tcpstate%s", v->paused ? "  PAUSED" : "");
		return;
	}
	tcpstate_format_count(tracked, sizeof(tracked), s->snapshot.tracked.n);
	tcpstate_format_count(limit, sizeof(limit), s->snapshot.limit.n);
	tcpstate_format_count(lost, sizeof(lost), s->event_lost);
	format_rate(moves, sizeof(moves), top_model_transitions(v->m));
	add_line(f, TOP_TITLE, "netns %llu  tracked %s/%s  transitions/s %s  lost %s%s",
		 (unsigned long long)s->snapshot.netns.n, tracked, limit, moves, lost,
		 v->paused ? "  PAUSED" : "");
}

/* One column each, though three bytes. */
static const char *bar(unsigned int level, bool utf8)
{
	static const char * const blocks[TOP_LEVELS + 1] = {
		" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█",
	};
	static const char * const ascii[TOP_LEVELS + 1] = {
		" ", ".", ":", "-", "=", "+", "*", "#", "@",
	};

	return utf8 ? blocks[level] : ascii[level];
}

/* As wide as printf() with "%*s" makes it, which counts bytes. */
static void format_age(char *buf, size_t size, uint64_t ms, bool at_least, bool utf8)
{
	const char *sign = at_least ? at_least_sign(utf8) : "";
	char age[TCPSTATE_FORMAT_MAX];
	int width;

	tcpstate_format_duration(age, sizeof(age), ms);
	width = strlen(age) + (at_least && utf8 ? 1 : strlen(sign));
	snprintf(buf, size, "%*s%s%s", width < AGE_WIDTH ? AGE_WIDTH - width : 0, "", sign, age);
}

static void add_state(struct top_frame *f, const struct top_view *v, unsigned int state)
{
	const struct tcpstate_stats *s = &v->m->now;
	const struct tcpstate_row *row = &s->snapshot.state[state];
	char now[TCPSTATE_FORMAT_MAX], in[TCPSTATE_FORMAT_MAX], oldest[AGE_MAX] = "-";
	char older[TCPSTATE_AGES][TCPSTATE_FORMAT_MAX], minute[TOP_BINS * 4] = "";
	unsigned int level[TOP_BINS], i;
	enum top_look look = TOP_PLAIN;

	if (!v->m->samples) {
		add_line(f, TOP_DIM, "%-*s %9s", STATE_WIDTH, tcpstate_state_name(state), "-");
		return;
	}
	tcpstate_format_count(now, sizeof(now), row->count.n);
	format_rate(in, sizeof(in), top_model_entered(v->m, state));
	if (row->count.n && row->oldest_ms.known)
		format_age(oldest, sizeof(oldest), row->oldest_ms.n, oldest_at_least(row, s),
			   v->utf8);
	for (i = 0; i < TCPSTATE_AGES; i++)
		tcpstate_format_count(older[i], sizeof(older[i]), s->older[state][i]);
	top_model_levels(v->m, state, level);
	for (i = 0; v->height && i < TOP_BINS; i++)
		strcat(minute, bar(level[i], v->utf8));
	if (v->height && state == v->cursor)
		look = TOP_CURSOR;
	else if (!row->count.n)
		look = TOP_DIM;
	add_line(f, look, "%-*s %9s %7s %*s %9s %9s%s%s", STATE_WIDTH,
		 tcpstate_state_name(state), now, in, AGE_WIDTH, oldest, older[0], older[1],
		 v->height ? "  " : "", minute);
}

/* On a screen without lines for all, the cursor is seen. */
static unsigned int first_shown(const struct top_frame *f, const struct top_view *v)
{
	unsigned int room = v->height > f->n + 1 ? v->height - 1 - f->n : 0;

	return room && v->cursor > room ? v->cursor - room + 1 : TCPSTATE_STATE_FIRST;
}

static void add_states(struct top_frame *f, const struct top_view *v)
{
	unsigned int state;

	if (!v->no_header)
		add_line(f, TOP_HEADING, "%-*s %9s %7s %*s %9s %9s%s", STATE_WIDTH, "STATE", "NOW",
			 "IN/s", AGE_WIDTH, "OLDEST", ">60s", ">5m", v->height ? "  LAST MINUTE" : "");
	for (state = first_shown(f, v); state <= TCPSTATE_STATE_LAST; state++)
		add_state(f, v, state);
}

/* A name too long for its column loses its middle, never its port. */
static void format_name(char *buf, size_t width, const struct tcpstate_endpoint *e, bool remote)
{
	size_t len, tail;

	format_end(buf, ENDPOINT_MAX, &e->tuple, remote, false);
	len = strlen(buf);
	if (len <= width)
		return;
	tail = width - 2 < 20 ? width / 2 : width - 2 - 10;
	memmove(buf + width - tail, buf + len - tail, tail + 1);
	memcpy(buf + width - tail - 2, "..", 2);
}

/* On paper both names are whole; on a screen they share what is left of the line. */
static int name_width(const struct top_view *v)
{
	const unsigned int rest = AGE_WIDTH + 2 + 2 + 2 + STATE_WIDTH;
	char name[ENDPOINT_MAX];
	size_t width = NAME_NARROWEST, len;
	unsigned int i;

	if (v->height) {
		if (v->width > rest + 2 * NAME_NARROWEST)
			width = (v->width - rest) / 2;
		return width < NAME_WIDEST ? width : NAME_WIDEST;
	}
	for (i = 0; i < 2 * v->oldest->n; i++) {
		format_name(name, ENDPOINT_MAX, &v->oldest->e[i / 2], i % 2);
		len = strlen(name);
		width = len > width ? len : width;
	}
	return width;
}

static void add_endpoints(struct top_frame *f, const struct top_view *v)
{
	char local[ENDPOINT_MAX], remote[ENDPOINT_MAX], age[AGE_MAX];
	const struct tcpstate_endpoint *e;
	int width = name_width(v);

	snprintf(local, sizeof(local), "LOCAL (%s)", tcpstate_state_name(v->cursor));
	if (!v->no_header)
		add_line(f, TOP_HEADING, "%*s  %-*s  %-*s  %s", AGE_WIDTH, "AGE", width, local,
			 width, "REMOTE", "FAR END");
	for (e = v->oldest->e; e < v->oldest->e + v->oldest->n; e++) {
		format_age(age, sizeof(age), e->age_ns / NS_PER_MS, e->age_at_least, v->utf8);
		format_name(local, width, e, false);
		format_name(remote, width, e, true);
		add_line(f, TOP_PLAIN, "%s  %-*s  %-*s  %s", age, width, local, width, remote,
			 tcpstate_state_name(e->remote) ?: "?");
	}
}

/* @name: of one; @keyed: of all, as the last line has them behind @key. */
static const struct {
	const char *name;
	const char *keyed;
	char key;
} lists[] = {
	[TOP_LISTENERS] = { "listener", "listeners", 'L' },
	[TOP_DESTINATIONS] = { "destination", "peers", 'P' },
	[TOP_UNITS] = { "unit", "units", 'U' },
	[TOP_NAMESPACES] = { "network namespace", "namespaces", 'N' },
};

/* Its first line has the headings, unless nobody wants them. */
static void add_table(struct top_frame *f, const struct top_view *v)
{
	/* What was is not told where nothing is known any more. */
	const char *at = v->trouble && v->m->samples ? v->trouble->table : NULL;
	enum top_look look = v->no_header ? TOP_PLAIN : TOP_HEADING;
	int len;

	if (!at && v->m->samples)
		add_line(f, TOP_NOTE, "no %s with anything to say, or not known to you",
			 lists[v->list].name);
	for (; at && *at; at += len + (at[len] == '\n')) {
		len = strcspn(at, "\n");
		add_line(f, look, "%.*s", len, at);
		look = TOP_PLAIN;
	}
}

static void add_list(struct top_frame *f, const struct top_view *v)
{
	unsigned int i;

	if (v->help) {
		for (i = 0; i < sizeof(help) / sizeof(help[0]); i++)
			add_line(f, TOP_PLAIN, "%s", help[i]);
	} else if (v->list != TOP_ENDPOINTS) {
		add_table(f, v);
	} else if (v->list_note) {
		add_line(f, TOP_NOTE, "%s", v->list_note);
	} else if (v->m->samples) {
		add_endpoints(f, v);
	}
}

/* Whoever is to act on it sees it first. */
static void add_verdict(struct top_frame *f, const struct top_view *v)
{
	const struct verdict *verdict = v->trouble ? &v->trouble->verdict : NULL;
	unsigned int i;

	for (i = 0; verdict && i < verdict->n && v->m->samples; i++) {
		if (!i)
			add_line(f, TOP_TITLE, "%s", verdict->line[0]);
		else
			add_line(f, verdict->severity[i] == TCPSTATE_SEVERITY_INFO ? TOP_PLAIN :
				 TOP_NOTE, "%s", verdict->line[i]);
	}
}

unsigned int top_frame_rows(unsigned int height)
{
	const unsigned int rest = HEAD_LINES + TCPSTATE_STATE_LAST + TAIL_LINES;

	return height > rest ? height - rest : 0;
}

/* Behind what is whole: "tracked 318/262,144" before "tracked", and that before "trac". */
static void cut_title(struct top_line *line, unsigned int width)
{
	char *text = line->text, *at;

	if (strlen(text) <= width)
		return;
	for (at = text + width; at > text; at--) {
		if ((at[0] == ' ' || at[0] == ',') && at[1] == ' ' && at[-1] != ' ')
			break;
	}
	for (at = at > text ? at : text + width; at > text && *at != ' ' && *at != ','; at--)
		;
	if (at > text)
		*at = '\0';
}

/* Of what a key was pressed for, at most a heading would be seen. */
static bool no_room(const struct top_view *v, unsigned int begin)
{
	return v->height && (v->help || v->list != TOP_ENDPOINTS) && begin + 2 >= v->height;
}

static void add_keys(struct top_frame *f, const struct top_view *v, bool seen)
{
	const char *pause = v->paused ? "go on" : "pause", *help_word = v->help ? "back" : "help";

	if (!seen)
		add_line(f, TOP_NOTE, "the terminal is too small for %s; %c: back  q: quit",
			 v->help ? "help" : lists[v->list].keyed,
			 v->help ? '?' : lists[v->list].key);
	else if (v->width < KEYS_WIDTH)
		add_line(f, TOP_DIM, "L P U N: lists  p: %s  ?: %s  q: quit", pause, help_word);
	else
		add_line(f, TOP_DIM, "%sL: listeners  P: peers  U: units  N: namespaces  p: %s  "
			 "?: %s  q: quit", v->width < HINT_WIDTH ? "" : "arrows: state  ", pause,
			 help_word);
}

void top_frame_build(struct top_frame *f, const struct top_view *v)
{
	unsigned int begin, i;

	f->n = 0;
	if (!v->no_header) {
		add_verdict(f, v);
		add_title(f, v);
		add_line(f, TOP_NOTE, "%s%s", v->note ?: "", v->note ? "; trying again" : "");
	}
	add_states(f, v);
	add_line(f, TOP_PLAIN, "%s", "");
	begin = f->n;
	add_list(f, v);
	if (!v->height)
		return;
	for (i = 0; i < f->n; i++) {
		if (f->line[i].look == TOP_TITLE)
			cut_title(&f->line[i], v->width);
	}
	/* The keys keep the last line, whatever is above them. */
	if (f->n >= v->height)
		f->n = v->height - 1;
	while (f->n < v->height - 1 && f->n < TOP_LINES - 1)
		add_line(f, TOP_PLAIN, "%s", "");
	add_keys(f, v, !no_room(v, begin));
}
