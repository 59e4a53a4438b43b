/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What one reading of the tracker says, however it was read.
 */
#ifndef TCPSTATE_MODEL_H
#define TCPSTATE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The kernel numbers the TCP states 1 (ESTABLISHED) to 11 (CLOSING). */
#define TCPSTATE_STATE_FIRST	1
#define TCPSTATE_STATE_LAST	11

/**
 * struct tcpstate_value - a number, or the knowledge that there was none
 * @n: at most INT64_MAX, so that every JSON reader can hold it
 * @known: false when the source did not say; @n is 0 then, which must not be
 *	shown as if it had been counted
 */
struct tcpstate_value {
	uint64_t n;
	bool known;
};

/**
 * struct tcpstate_row - one state
 * @count: endpoints in the state now; always known
 * @entered: how often the state was entered since the module was loaded
 * @oldest_ms: how long the oldest endpoint has been in it, in milliseconds
 */
struct tcpstate_row {
	struct tcpstate_value count;
	struct tcpstate_value entered;
	struct tcpstate_value oldest_ms;
};

/**
 * struct tcpstate_health - how far a snapshot can be believed
 * @coverage: enum tcpstate_evidence; older modules do not say
 * @tracepoint: 1 where the kernel has sock:inet_sock_set_state, 0 where it has not
 * @untracked: as in the snapshot
 * @divergence: records that had to be corrected
 */
struct tcpstate_health {
	struct tcpstate_value coverage;
	struct tcpstate_value tracepoint;
	struct tcpstate_value untracked;
	struct tcpstate_value divergence;
};

/**
 * struct tcpstate_snapshot - one network namespace at one moment
 * @version: format version the source declared
 * @netns: inode of the network namespace; always known
 * @tracked: records held; always known
 * @limit: records this namespace may hold; always known
 * @state: by kernel state number; element 0 is unused
 * @transitions: state changes seen
 * @invalid: segments that are not acceptable in the state they met
 * @malformed: fragments, and segments whose header does not hold together
 * @untracked: segments sent, and transitions told, by sockets without a record; not connections
 * @health: how far the rest can be believed
 */
struct tcpstate_snapshot {
	unsigned int version;
	struct tcpstate_value netns;
	struct tcpstate_value tracked;
	struct tcpstate_value limit;
	struct tcpstate_row state[TCPSTATE_STATE_LAST + 1];
	struct tcpstate_value transitions;
	struct tcpstate_value invalid;
	struct tcpstate_value malformed;
	struct tcpstate_value untracked;
	struct tcpstate_health health;
};

/**
 * struct tcpstate_field - the one name of a number, in /proc and in JSON
 * @name: NULL ends a table
 * @offset: of the struct tcpstate_value inside its snapshot or row
 */
struct tcpstate_field {
	const char *name;
	size_t offset;
};

enum {
	TCPSTATE_ROW_COUNT,
	TCPSTATE_ROW_ENTERED,
	TCPSTATE_ROW_OLDEST,
	TCPSTATE_ROW_FIELDS,
};

enum {
	TCPSTATE_TOTAL_TRANSITIONS,
	TCPSTATE_TOTAL_INVALID,
	TCPSTATE_TOTAL_MALFORMED,
	TCPSTATE_TOTAL_UNTRACKED,
	TCPSTATE_TOTAL_FIELDS,
};

/* Each in the order of output, one empty entry at the end. */
extern const struct tcpstate_field tcpstate_head_fields[];
extern const struct tcpstate_field tcpstate_row_fields[TCPSTATE_ROW_FIELDS + 1];
extern const struct tcpstate_field tcpstate_total_fields[TCPSTATE_TOTAL_FIELDS + 1];
/* Of a struct tcpstate_health, but for its coverage, which is a word. */
extern const struct tcpstate_field tcpstate_health_fields[];

/**
 * tcpstate_field_get() - the number a field names
 * @base: the struct the field's table belongs to
 * @field: entry of that table
 */
static inline const struct tcpstate_value *
tcpstate_field_get(const void *base, const struct tcpstate_field *field)
{
	return (const struct tcpstate_value *)((const char *)base + field->offset);
}

/**
 * tcpstate_state_name() - name of a state, or NULL for a number that is none
 * @number: the kernel's number
 */
const char *tcpstate_state_name(unsigned int number);

/**
 * tcpstate_state_number() - kernel number of a state, or 0 for another word
 * @name: need not end with a null byte
 * @len: its length
 */
unsigned int tcpstate_state_number(const char *name, size_t len);

/**
 * tcpstate_cause_name() - "send-fin", or NULL for a number that this program does not know
 * @cause: enum tcpstate_cause
 */
const char *tcpstate_cause_name(unsigned int cause);

/* The same in words, "FIN sent". */
const char *tcpstate_cause_text(unsigned int cause);

/**
 * tcpstate_coverage_name() - "full" or "packets", as in /proc; NULL for another number
 * @evidence: enum tcpstate_evidence
 */
const char *tcpstate_coverage_name(unsigned int evidence);

/**
 * tcpstate_coverage_number() - enum tcpstate_evidence, or 0 for another word
 * @name: need not end with a null byte
 * @len: its length
 */
unsigned int tcpstate_coverage_number(const char *name, size_t len);

/**
 * tcpstate_socket_kind_name() - "full", or NULL for a number that this program does not know
 * @kind: enum tcpstate_socket_kind
 */
const char *tcpstate_socket_kind_name(unsigned int kind);

#endif
