/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Alerts, listeners and destinations, as several subcommands read and show them.
 */
#ifndef ALERTS_H
#define ALERTS_H

#include "../lib/alert.h"
#include "../lib/proc.h"
#include "tcpstate.h"

/**
 * struct alert_list - what a dump told
 * @at: notices, each with its alert
 * @n: their number
 * @room: for so many
 */
struct alert_list {
	struct tcpstate_notice *at;
	size_t n;
	size_t room;
};

struct peer_list {
	struct tcpstate_peer *at;
	size_t n;
	size_t room;
};

/**
 * struct trouble - alerts, listeners and destinations at one moment
 * @known: whether it could be read at all; an older module has none of it
 * @counted: by netlink: peers have all their numbers. Otherwise there are only the listeners and
 *	the active alerts of /proc/tcpstate, with few
 * @refused: it is by /proc because netlink is for others
 * @alerts: active and ended ones, sorted as they are shown
 * @peers: listeners, destinations, local addresses
 * @holders: who has their sockets; NULL: nobody has asked, or nothing is known
 */
struct trouble {
	bool known;
	bool counted;
	bool refused;
	struct alert_list alerts;
	struct peer_list peers;
	struct tcpstate_holders *holders;
};

int alert_list_add(const struct tcpstate_notice *notice, void *list);
int peer_list_add(const struct tcpstate_peer *peer, void *list);
/* The dumps, appended; active alerts first, the newest first. 0 or as tcpstate_link_alerts(). */
int alert_list_read(struct alert_list *list, struct tcpstate_link *link);
int peer_list_read(struct peer_list *list, struct tcpstate_link *link);
void alert_list_sort(struct alert_list *list);
/* NULL: there is none with this number. */
const struct tcpstate_alert *alert_list_find(const struct alert_list *list, uint64_t id);

/**
 * trouble_find() - by netlink or, where that is refused, by what /proc says
 * @t: overwritten; to be freed in any case
 * @link: link, NULL: there is none
 * @proc: what /proc says
 *
 * Return: 0 or -ENOMEM.
 */
int trouble_find(struct trouble *t, struct tcpstate_link *link,
		 const struct tcpstate_proc_trouble *proc);

/**
 * trouble_read() - by netlink
 * @t: overwritten; to be freed in any case
 * @link: link
 *
 * Return: 0, or a negative errno: then nothing of it is known.
 */
int trouble_read(struct trouble *t, struct tcpstate_link *link);
/* Only the alerts, by a link of their own. To be freed in any case; what went wrong is said. */
enum exit_code trouble_read_alerts(struct trouble *t);
/* From what /proc says; 0 or -ENOMEM. */
int trouble_take(struct trouble *t, const struct tcpstate_proc_trouble *proc);
/* Looks for the holders, if there is anything that somebody could hold. */
void trouble_find_holders(struct trouble *t);
void trouble_free(struct trouble *t);

static inline bool alert_active(const struct tcpstate_alert *a)
{
	return !a->cleared.known;
}

/* Active, but less than what it was raised at: it is cleared when that lasts. */
bool alert_below(const struct tcpstate_alert *a);

/* False: nothing is known of who has its socket. @holders can be NULL. */
bool find_peer_holder(struct tcpstate_holders *holders, const struct tcpstate_peer *peer,
		      struct tcpstate_holder *holder);
bool find_alert_holder(struct tcpstate_holders *holders, const struct tcpstate_alert *a,
		       struct tcpstate_holder *holder);

/* Text */

#define ALERT_TEXT	256	/* any of these texts, null byte included */

/* The wall clock now, nanoseconds. */
uint64_t wall_now(void);
/* "03:02:09" within a day, otherwise "01-31 03:02"; short "03:02" and "01-31". Local time. */
void format_wall(char *buf, size_t size, uint64_t ns, uint64_t now);
void format_wall_short(char *buf, size_t size, uint64_t ns, uint64_t now);

/* "listen-full", or a number that this program does not know. */
void format_kind(char *buf, size_t size, uint32_t kind);
void format_severity(char *buf, size_t size, uint32_t severity);
/* ":8080", "> 10.0.3.9:6379", "from 10.0.0.1"; empty for the whole namespace. */
void format_peer_name(char *buf, size_t size, const struct tcpstate_peer *peer);
/* The same without a sign or word for the direction. */
void format_bare_name(char *buf, size_t size, const struct tcpstate_peer *peer);
void format_alert_name(char *buf, size_t size, const struct tcpstate_alert *a);
/* The unit, or the container, or the process; "-" where nothing is known. */
void format_unit(char *buf, size_t size, const struct tcpstate_holder *h);
/* The same of a socket that has to be looked up; @holders can be NULL. */
void format_peer_unit(char *buf, size_t size, struct tcpstate_holders *holders,
		      const struct tcpstate_peer *peer);
void format_alert_unit(char *buf, size_t size, struct tcpstate_holders *holders,
		       const struct tcpstate_alert *a);
/* "queue 101/100, 212 drops/min" */
void format_alert_detail(char *buf, size_t size, const struct tcpstate_alert *a);
/* @n, its value or its peak, with what it counts where that is not what others of its kind do. */
void format_alert_value(char *buf, size_t size, const struct tcpstate_alert *a, uint64_t n);

/* "101/100", of a listener; false: not known. */
bool format_queue(char *buf, size_t size, const struct tcpstate_peer *peer);
/* @n of @of in per cent, rounded down; 0 where @of is. */
unsigned int percent(uint64_t n, uint64_t of);
/* Endpoints that are neither in TIME_WAIT nor gone. */
uint32_t peer_live(const struct tcpstate_peer *peer);

#define VERDICT_LINES	10

/**
 * struct verdict - what is wrong, in a few lines
 * @n: number of lines
 * @line: the first says how many alerts there are and how far it can be believed
 * @severity: of the alert that a line is about, 0 of the others
 */
struct verdict {
	unsigned int n;
	char line[VERDICT_LINES][2 * ALERT_TEXT];
	uint32_t severity[VERDICT_LINES];
};

/**
 * verdict_build() - the verdict
 * @v: overwritten
 * @t: alerts
 * @health: how far all is right
 * @stats: since when it is on and has been compared, where that is known
 * @lines: no more lines than this
 */
void verdict_build(struct verdict *v, const struct trouble *t, const struct tcpstate_health *health,
		   const struct tcpstate_stats *stats, unsigned int lines);

/* Tables of show and top */

/*
 * The fullest listeners with anything to say, and the busiest destinations: lines, the first with
 * the headings. To be freed; NULL: there is none, or no memory.
 */
char *listeners_text(const struct trouble *t, const struct options *o);
char *destinations_text(const struct trouble *t, const struct options *o);
/* The same of who holds both, summed; nothing where /proc had to do. */
char *units_text(const struct trouble *t, const struct options *o);

#define PEER_ROWS	10

/* The same choice for others: @rows gets up to PEER_ROWS of them. Return: how many. */
unsigned int choose_listeners(const struct trouble *t, const struct tcpstate_peer **rows);
unsigned int choose_destinations(const struct trouble *t, const struct tcpstate_peer **rows);

/* JSON */

/* Each is new; NULL: no memory. */
json_t *peer_json(const struct tcpstate_peer *peer, bool counted);
json_t *peers_json(const struct trouble *t, bool listeners);
json_t *alert_json(const struct tcpstate_alert *a, struct tcpstate_holders *holders, bool counted);
/* Without those that have ended, or with. */
json_t *alerts_json(const struct trouble *t, bool ended);

/* The stream of tcpstate alerts. */
enum exit_code follow_alerts(const struct options *o);

/* tcpstate explain, where it is given a number. */
enum exit_code explain_alert(const struct options *o, uint32_t id);
/*
 * How it stands, where what it tells need not be so any more, else null; @holder: of its socket, or
 * NULL. And what to do now, which is taken, by that.
 */
json_t *standing_json(const struct tcpstate_alert *a, const struct tcpstate_holder *holder);
json_t *standing_now(const struct tcpstate_alert *a, json_t *now);
/* @root, which is taken, as JSON or by @print; NULL: there was no memory for it. */
enum exit_code print_explanation(const struct options *o, json_t *root,
				 void (*print)(const json_t *root));
/* Breaks at spaces; behind the first line lines are indented by @hang more than the label. */
void print_wrapped(const char *label, int indent, const char *text, int hang);

#endif
