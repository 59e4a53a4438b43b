/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is known of alerts, and what is news. Pure: notices and dumps in, news out; no socket,
 * clock, file or allocation.
 *
 * Each raise and each clear of an alert is news exactly once, whichever way it is learnt of. Three
 * facts carry that: the kernel numbers its notices without gaps; a dump says of each alert the
 * number of its last notice; and ids of alerts only grow, as long as the module stays. An alert
 * that is active is in a table, and of those that were there once, a bit for each id is left.
 *
 * The reader subscribes, then takes a dump, then the notices. What the dump has told already comes
 * again as a notice with a number that is not higher, and is no news. Where a number is missing, a
 * dump comes first, then the notice that showed it.
 */
#ifndef TCPSTATED_FOLLOW_H
#define TCPSTATED_FOLLOW_H

#include "../lib/alert.h"
#include "../lib/holder.h"

#define FOLLOW_ACTIVE	TCPSTATE_ALERTS_MAX
#define FOLLOW_ENDED	(FOLLOW_ACTIVE / 4)	/* that the kernel still lists */
#define FOLLOW_DUMP	(FOLLOW_ACTIVE + FOLLOW_ENDED)
#define FOLLOW_IDS	4096	/* what a dump lists is never this far behind the last id */

/**
 * struct known - an active alert
 * @seq: of the last notice of it that is known
 * @alert: as it was then; its id is 0 where there is none
 * @holder: found by whoever is told when it was raised, and kept; so is what follows
 * @held: there is one
 * @ignored: as our own configuration says, whether the module ignores it or not
 * @folded: it counts among those that the log is told of together
 * @logged: severity that the log has told, 0: the log has nothing of it
 */
struct known {
	uint64_t seq;
	struct tcpstate_alert alert;
	struct tcpstate_holder holder;
	bool held;
	bool ignored;
	bool folded;
	uint32_t logged;
};

/* How news is learnt of. */
enum follow_source {
	FOLLOW_NOTICE,
	FOLLOW_LISTED,		/* a dump has it */
	FOLLOW_GONE,		/* a dump has it no more */
	FOLLOW_UNLOADED,	/* the module is gone */
};

/**
 * struct follow_news - something that was not known
 * @action: what has happened
 * @source: how it is learnt of
 * @seq: number of the notice; 0: not known
 * @time_ns: when, CLOCK_REALTIME; 0: not known
 * @over: of a raise: it is over already, its clear comes next
 * @alert: the alert now; as it was last, if it is gone
 * @known: where the holder is, to be filled at the raise
 */
struct follow_news {
	enum tcpstate_alert_action action;
	enum follow_source source;
	uint64_t seq;
	uint64_t time_ns;
	bool over;
	const struct tcpstate_alert *alert;
	struct known *known;
};

/**
 * struct follow - what is known
 * @active: in no order
 * @once: stands for an alert that begins and ends in one dump
 * @seen: a bit for each of the FOLLOW_IDS ids up to @last_id: there is news of it no more, but of
 *	those in @active
 * @last_id: highest id
 * @last_seq: number of the last notice; 0: none has come since the subscription
 * @listed_seq: highest number in the last dump
 * @tell: gets the news
 * @arg: for @tell
 */
struct follow {
	struct known active[FOLLOW_ACTIVE];
	struct known once;
	uint8_t seen[FOLLOW_IDS / 8];
	uint32_t last_id;
	uint64_t last_seq;
	uint64_t listed_seq;
	void (*tell)(const struct follow_news *news, void *arg);
	void *arg;
};

/**
 * struct follow_list - a dump
 * @notice: what it says
 * @n: how many
 * @cut: there was more than fits: what is not here may be there
 */
struct follow_list {
	struct tcpstate_notice notice[FOLLOW_DUMP];
	unsigned int n;
	bool cut;
};

enum follow_verdict {
	FOLLOW_NEXT,		/* go on */
	FOLLOW_GAP,		/* notices are missing: a dump first */
	FOLLOW_RELOADED,	/* this is another module than that of before: forget first */
};

/* Nothing is known. */
void follow_init(struct follow *f, void (*tell)(const struct follow_news *news, void *arg),
		 void *arg);

/* A new subscription: numbers of notices begin anywhere. */
void follow_subscribed(struct follow *f);

/* Where a notice stands, which is still to be taken. @missing: how many did not come before it. */
enum follow_verdict follow_sequence(struct follow *f, uint64_t seq, uint64_t *missing);

/* A notice, whether it is news or not. */
void follow_take(struct follow *f, const struct tcpstate_notice *n);

/*
 * A dump, which is put in order. FOLLOW_RELOADED: nothing was taken. @same: it is known to be of
 * the same module as before; else its numbers have to tell.
 */
enum follow_verdict follow_dump(struct follow *f, struct follow_list *list, bool same);

/* The module is gone, and its alerts with it: a clear for each that is active. */
void follow_forget(struct follow *f);

/* For the file that outlives the program: is there news of @id no more? and: there is none. */
bool follow_seen(const struct follow *f, uint32_t id);
void follow_mark(struct follow *f, uint32_t id);
/* A free place, or NULL. */
struct known *follow_place(struct follow *f);

unsigned int follow_count(const struct follow *f);

#endif
