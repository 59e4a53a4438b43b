/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon's files share. follow.h has the part that decides what is news.
 */
#ifndef TCPSTATED_H
#define TCPSTATED_H

#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "follow.h"

#define NS_PER_S	1000000000ull

/* Scripts rely on these; they are in --help. */
enum exit_status {
	STATUS_OK = 0,
	STATUS_FAILURE = 1,
	STATUS_USAGE = 2,
};

/* Settings: config.c */

#define CONFIG_FILE	"/etc/tcpstate/tcpstated.conf"
#define STATE_FILE	"/run/tcpstated/state"

enum log_target {
	TARGET_AUTO,
	TARGET_JOURNAL,
	TARGET_SYSLOG,
	TARGET_NONE,
};

#define IGNORED_TEXT	512

/**
 * struct ignored - alerts that nobody is to be told of
 * @match: what they are about
 * @unit: pattern for the holder's systemd unit; empty: any, known or not
 */
struct ignored {
	struct tcpstate_ignore match;
	char unit[256];
};

struct ignored_list {
	struct ignored at[TCPSTATE_IGNORES_MAX];
	unsigned int n;
};

/**
 * struct settings - by default, from the file, from the command line, in this order
 * @json: file for JSON lines, "-": standard output, "none"
 * @log: where people read
 * @state: file that outlives the daemon, or "none"
 * @transitions: JSON lines for these, too
 * @ignored: alerts that people are not told of
 */
struct settings {
	char json[PATH_MAX];
	enum log_target log;
	char state[PATH_MAX];
	bool transitions;
	struct ignored_list ignored;
};

#define COMPLAINT_MAX	(2 * PATH_MAX)

/**
 * struct invocation - the command line
 * @argc: as main() has it
 * @argv: likewise
 * @config: file
 * @must_exist: it was named
 * @check: only say whether all is right
 * @help: only tell the options
 * @version: only tell the version
 */
struct invocation {
	int argc;
	char **argv;
	const char *config;
	bool must_exist;
	bool check;
	bool help;
	bool version;
};

/*
 * Each returns whether all is well; if not, @why has a line for people, and @s is to be thrown
 * away. The first reads the command line alone, the second both.
 */
bool config_arguments(struct invocation *in, struct settings *s, char *why, size_t size);
bool config_load(struct invocation *in, struct settings *s, char *why, size_t size);
/* The options, for --help. */
void config_print_options(void);

/* Alerts that are ignored: ignored.c */

/* "stale-pool port=5432"; if it is none, @why says what is wrong, to go behind a name and a colon. */
bool ignored_parse(const char *value, struct ignored *result, char *why, size_t size);
/* @holder: NULL, nobody is known */
bool ignored_matches(const struct ignored_list *list, const struct tcpstate_alert *a,
		     const struct tcpstate_holder *holder);
/* Those that the module can tell it ignores, too, as long as it has room. 0 or -errno. */
int ignored_tell(const struct ignored_list *list, struct tcpstate_link *link);

/* JSON lines: out.c */

#define OUT_ROOM	(2 * 1024 * 1024)	/* a dump in full, and then some */

/**
 * struct out - lines on their way
 * @fd: file, -1: none
 * @regular: never makes us wait
 * @used: bytes of lines that are not written yet, or not whole
 * @begun: bytes of the first line that are written
 * @dropped: lines that found no room since the last that was told
 * @error: errno of the last failure, 0: all is well
 * @buf: whole lines
 */
struct out {
	int fd;
	bool regular;
	size_t used;
	size_t begun;
	uint64_t dropped;
	int error;
	char buf[OUT_ROOM];
};

/* 0 or -errno: then what was open stays open. */
int out_open(struct out *o, const char *path);
void out_close(struct out *o);
/* Gives @line back, which can be NULL: then there was no memory, and it counts as dropped. */
void out_line(struct out *o, json_t *line, bool precious);
/* Writes what it can within a second. 0: all of it. */
int out_flush(struct out *o);

/* The objects: json.c. Each is new; NULL: no memory. */

json_t *json_news(const struct follow_news *news);
json_t *json_transition(const struct tcpstate_transition *t, uint64_t epoch_ns);
json_t *json_module(bool present, uint64_t now_ns);
/* So far; @alerts: of notices, not of transitions. */
json_t *json_lost(const struct tcpstate_loss *loss, bool alerts);

/* Journal and syslog: log.c */

#define LOG_FIELDS	24
#define LOG_TEXT	8192

/**
 * struct log_entry - one entry for the journal
 * @field: "NAME=value", without a null byte
 * @n: how many; the first is the message, the second the priority
 * @priority: as in syslog
 * @text: they
 * @used: bytes of it
 */
struct log_entry {
	struct iovec field[LOG_FIELDS];
	unsigned int n;
	int priority;
	char text[LOG_TEXT];
	size_t used;
};

/* NULL; or what is not there, and then nothing is changed: what was said would reach nobody. */
const char *log_open(enum log_target target);
/* An entry about an alert. */
void log_fill(struct log_entry *e, const struct follow_news *news);
void log_news(const struct follow_news *news);
/* One line about ourselves, to the log and to standard error. @id: a MESSAGE_ID, or NULL. */
__attribute__((format(printf, 3, 4)))
void log_line(int priority, const char *id, const char *fmt, ...);

#define ID_ABSENT	"f2c516468f6448c5b182cc7db17b6706"
#define ID_PRESENT	"6cea0b2a7f934162966c17a90f272532"
#define ID_MORE		"6a8d24af45eb447c8ac38ee0c0589dee"

/* Which machine, namespace and module: identity.c */

/**
 * struct identity - whose alert ids these are
 * @boot: id of the boot
 * @netns: inode of the network namespace
 * @module: changes whenever the module is loaded; 0: not known
 */
struct identity {
	char boot[40];
	uint64_t netns;
	uint64_t module;
};

void identity_read(struct identity *id);
bool identity_same_module(const struct identity *a, const struct identity *b);

/* Alerts of a module that is gone, for the log alone: carry.c */

/**
 * struct carried - an alert that the log has told, and not taken back
 * @known: as it was last; its id is 0 where there is none
 * @until_ns: CLOCK_BOOTTIME
 */
struct carried {
	struct known known;
	uint64_t until_ns;
};

struct carry {
	struct carried at[FOLLOW_ACTIVE];
};

void carry_put(struct carry *c, const struct known *known, uint64_t until_ns);
/* The severity that was told of the same trouble, which is forgotten with this; 0: none was. */
uint32_t carry_take(struct carry *c, const struct tcpstate_alert *a);
/* One whose time is over, to be forgotten by setting its id to 0; or NULL. */
struct carried *carry_over(struct carry *c, uint64_t now_ns);

/* What outlives the daemon: state.c */

/* Into @f, @carry and @id, which are as new. false: there is nothing, or nothing of use. */
bool state_load(const char *path, struct follow *f, struct carry *carry, struct identity *id);
/* 0 or -errno. */
int state_save(const char *path, const struct follow *f, const struct carry *carry,
	       const struct identity *id);

/* "Max open files" of a process, the soft one; 0: not known, or no limit. limits.c */
uint32_t open_files_limit(const char *proc, pid_t pid);
/*
 * How many sockets of @peer may be in CLOSE_WAIT until one process has all its files open, if they
 * go on to be as spread as they are: of one process its limit. 0: not known, or no limit.
 */
uint32_t group_files_limit(struct tcpstate_link *link, struct tcpstate_holders *holders,
			   const struct tcpstate_peer *peer);

/* What is done with news: news.c */

/**
 * struct teller - whoever tells
 * @out: JSON lines
 * @carry: see there
 * @ignored: alerts that the log is not told of
 * @holders: who has sockets, NULL: nobody has asked lately
 * @asked_ns: when somebody did, CLOCK_BOOTTIME
 * @set_limit: tells the kernel how many files may be open where an alert's connections leak
 * @arg: for @set_limit
 * @folded: alerts that the log was not told of, and has not been told that there were any
 * @more_ns: when it may be told, CLOCK_BOOTTIME
 * @told: what has to be kept, and has not been saved yet
 */
struct teller {
	struct out *out;
	struct carry *carry;
	const struct ignored_list *ignored;
	struct tcpstate_holders *holders;
	uint64_t asked_ns;
	void (*set_limit)(const struct tcpstate_alert *a, struct tcpstate_holders *holders,
			  void *arg);
	void *arg;
	unsigned int folded;
	uint64_t more_ns;
	unsigned int told;
};

void teller_tell(const struct follow_news *news, void *teller);
/* Once a second or so. */
void teller_tick(struct teller *t);
/* What would have been told later. */
void teller_end(struct teller *t);

uint64_t clock_ns(clockid_t clock);

/* The module and its notices: watch.c */

enum presence {
	MODULE_UNKNOWN,
	MODULE_PRESENT,
	MODULE_ABSENT,
};

/**
 * struct watch - links to the module, and what comes through them
 * @follow: what is known of alerts
 * @list: room for a dump
 * @id: the module that @follow knows of
 * @out: JSON lines
 * @alerts: subscribed; NULL: there is no module, or none was found so far
 * @events: subscribed to transitions, or NULL
 * @second: for requests
 * @transitions: wanted
 * @ignored: for the module, too
 * @presence: what was told last
 * @lost_alerts: what was told last, too
 * @lost_events: likewise
 * @epoch_ns: wall clock when CLOCK_BOOTTIME was 0
 * @again_ns: when to look for the module again, CLOCK_BOOTTIME like all that follow
 * @delay_ns: between two looks
 * @taken: notices and transitions that have come
 * @dumped_ns: when the last dump was
 * @unsure: something may be missing, and a dump has failed
 * @changes: of @id and @presence since the state was saved
 * @trouble: what was said last of a module that cannot be followed
 */
struct watch {
	struct follow follow;
	struct follow_list list;
	struct identity id;
	struct out *out;
	struct tcpstate_link *alerts;
	struct tcpstate_link *events;
	struct tcpstate_link *second;
	bool transitions;
	const struct ignored_list *ignored;
	enum presence presence;
	struct tcpstate_loss lost_alerts;
	struct tcpstate_loss lost_events;
	uint64_t epoch_ns;
	uint64_t again_ns;
	uint64_t delay_ns;
	uint64_t taken;
	uint64_t dumped_ns;
	bool unsure;
	unsigned int changes;
	char trouble[256];
};

/*
 * Each returns 0, or -EPERM after it has been logged: there is no use in going on. The first looks
 * for the module if it is time to; the second takes what has come; the third is for once a second.
 */
int watch_seek(struct watch *w);
int watch_take(struct watch *w);
int watch_tick(struct watch *w);
/* Begins or ends with transitions, as wanted now, and ignores what is to be ignored now. */
void watch_adjust(struct watch *w);
void watch_close(struct watch *w);
/* Tells the kernel; the struct is @w. */
void watch_set_limit(const struct tcpstate_alert *a, struct tcpstate_holders *holders, void *w);

/* The loop: daemon.c */

/* Set by signals. */
extern volatile sig_atomic_t stop_wanted, reload_wanted;

/* Signals are blocked but within it. */
enum exit_status daemon_run(struct invocation *in, const struct settings *s);

#endif
