/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The live screen in three parts: the model keeps samples and takes rates from them, the frame is
 * what they look like as lines, and top.c has the terminal and the clock. Only the last knows of
 * either.
 */
#ifndef TCPSTATE_TOP_H
#define TCPSTATE_TOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../lib/netns.h"
#include "alerts.h"

#define TOP_BINS	20		/* of the last minute */
#define TOP_BIN_NS	3000000000ull
#define TOP_LEVELS	8
#define TOP_OLDEST	64		/* rows of the list, on the tallest screen */
#define TOP_LINES	128
#define TOP_LINE_MAX	512		/* bytes, null byte included */

/**
 * struct top_model - two samples and a minute of history
 * @now: the last sample
 * @before: the one before it
 * @now_ns: when @now was taken, any clock that does not jump
 * @before_ns: when @before was
 * @samples: 0, 1, or 2 for more
 * @bin: number of the newest bin
 * @history: highest count of each state in each bin, the newest last
 */
struct top_model {
	struct tcpstate_stats now;
	struct tcpstate_stats before;
	uint64_t now_ns;
	uint64_t before_ns;
	unsigned int samples;
	uint64_t bin;
	struct tcpstate_value history[TCPSTATE_STATE_LAST + 1][TOP_BINS];
};

/* Where counters have gone back, the module was loaded anew: the model begins anew too. */
void top_model_add(struct top_model *m, const struct tcpstate_stats *stats, uint64_t ns);

/* Forgets everything. */
void top_model_reset(struct top_model *m);

/* Per second between the last two samples, negative where that is not known. */
double top_model_entered(const struct top_model *m, unsigned int state);
double top_model_transitions(const struct top_model *m);

/**
 * top_model_levels() - the last minute of a state as heights
 * @m: model
 * @state: state
 * @level: gets 0 (nobody, or not known) to TOP_LEVELS (the highest of this minute), the newest last
 */
void top_model_levels(const struct top_model *m, unsigned int state, unsigned int level[TOP_BINS]);

/* The state with most endpoints, the first of several; 0: nobody is in any. */
unsigned int top_model_fullest(const struct top_model *m);

/**
 * struct top_oldest - the oldest of many endpoints
 * @want: how many, at most TOP_OLDEST
 * @n: how many there are
 * @seen: how many were added
 * @e: they, the oldest first
 */
struct top_oldest {
	unsigned int want;
	unsigned int n;
	unsigned int seen;
	struct tcpstate_endpoint e[TOP_OLDEST];
};

void top_oldest_begin(struct top_oldest *l, unsigned int want);
void top_oldest_add(struct top_oldest *l, const struct tcpstate_endpoint *e);

enum top_look {
	TOP_PLAIN,
	TOP_TITLE,
	TOP_HEADING,
	TOP_DIM,
	TOP_CURSOR,
	TOP_NOTE,
};

/* UTF-8 or ASCII, no control character. May be wider than the screen. */
struct top_line {
	enum top_look look;
	char text[TOP_LINE_MAX];
};

struct top_frame {
	unsigned int n;
	struct top_line line[TOP_LINES];
};

/* What is below the states. */
enum top_list {
	TOP_ENDPOINTS,
	TOP_LISTENERS,
	TOP_DESTINATIONS,
	TOP_UNITS,
	TOP_NAMESPACES,
};

/**
 * struct top_trouble - what is wrong
 * @verdict: in lines; none where the module has no alerts
 * @table: what is instead of endpoints, as lines, NULL: none of it has anything to say
 * @holders: who has the sockets
 * @namespaces: network namespaces, once somebody has asked for them
 * @state: what the worst alert is about, of those that are about one; 0: none is
 */
struct top_trouble {
	struct verdict verdict;
	char *table;
	struct tcpstate_holders *holders;
	struct tcpstate_namespaces *namespaces;
	unsigned int state;
};

struct top_view;

/* Reads it anew, for the view's list; who may not ask by netlink gets what /proc says. */
void top_trouble_read(struct top_trouble *tt, struct tcpstate_link *link, const struct top_view *v,
		      const struct options *o);
void top_trouble_free(struct top_trouble *tt);

/*
 * As many namespaces as there are lines for, the first with the headings not counted. To be freed;
 * NULL: there is none, or no memory.
 */
char *netns_text(const struct tcpstate_namespaces *ns, unsigned int rows, const struct options *o);

/**
 * struct top_view - what is to be seen
 * @m: the model
 * @oldest: the endpoints below the table
 * @cursor: the state that @oldest are in
 * @width: columns of the screen
 * @height: lines of it; 0: paper, with as many as there are and nothing for a keyboard
 * @utf8: whether the screen shows more than ASCII
 * @paused: not sampling
 * @help: the keys instead of the endpoints
 * @no_header: no title and no column names
 * @note: what keeps it from sampling, NULL: nothing
 * @list_note: instead of the list, NULL: the list
 * @trouble: the verdict, and the table of what @list says; NULL: none
 * @list: what is below the states
 */
struct top_view {
	const struct top_model *m;
	const struct top_oldest *oldest;
	unsigned int cursor;
	unsigned int width;
	unsigned int height;
	bool utf8;
	bool paused;
	bool help;
	bool no_header;
	const char *note;
	const char *list_note;
	const struct top_trouble *trouble;
	enum top_list list;
};

void top_frame_build(struct top_frame *f, const struct top_view *v);

/* How many endpoints a screen of that height has room for. */
unsigned int top_frame_rows(unsigned int height);

#endif
