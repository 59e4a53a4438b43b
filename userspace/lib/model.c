// SPDX-License-Identifier: LGPL-2.1-or-later
#include <linux/tcpstate.h>
#include <string.h>

#include "model.h"

#define HEAD(member) { #member, offsetof(struct tcpstate_snapshot, member) }
#define ROW(member) { #member, offsetof(struct tcpstate_row, member) }
#define HEALTH(member) { #member, offsetof(struct tcpstate_health, member) }

const struct tcpstate_field tcpstate_head_fields[] = {
	HEAD(netns),
	HEAD(tracked),
	HEAD(limit),
	{ NULL, 0 },
};

const struct tcpstate_field tcpstate_row_fields[TCPSTATE_ROW_FIELDS + 1] = {
	[TCPSTATE_ROW_COUNT] = ROW(count),
	[TCPSTATE_ROW_ENTERED] = ROW(entered),
	[TCPSTATE_ROW_OLDEST] = ROW(oldest_ms),
};

const struct tcpstate_field tcpstate_total_fields[TCPSTATE_TOTAL_FIELDS + 1] = {
	[TCPSTATE_TOTAL_TRANSITIONS] = HEAD(transitions),
	[TCPSTATE_TOTAL_INVALID] = HEAD(invalid),
	[TCPSTATE_TOTAL_MALFORMED] = HEAD(malformed),
	[TCPSTATE_TOTAL_UNTRACKED] = HEAD(untracked),
};

const struct tcpstate_field tcpstate_health_fields[] = {
	HEALTH(tracepoint),
	HEALTH(untracked),
	HEALTH(divergence),
	{ NULL, 0 },
};

/* The module's own table: a name cannot differ between the two sides. */
static const char * const state_names[] = {
#define TCPS_STATE(name, number, rfc, meaning) [number] = #name,
#include "fsm/states.def"
};

_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == TCPSTATE_STATE_LAST + 1,
	       "states.def ends at the last state the snapshot has room for");

const char *tcpstate_state_name(unsigned int number)
{
	if (number < TCPSTATE_STATE_FIRST || number > TCPSTATE_STATE_LAST)
		return NULL;
	return state_names[number];
}

unsigned int tcpstate_state_number(const char *name, size_t len)
{
	unsigned int i;

	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		if (strlen(state_names[i]) == len && !memcmp(state_names[i], name, len))
			return i;
	}
	return 0;
}

/* As in the netlink spec; states.def has them in capitals. */
static const char * const cause_names[] = {
	[TCPSTATE_CAUSE_LISTEN] = "listen",
	[TCPSTATE_CAUSE_SEND_SYN] = "send-syn",
	[TCPSTATE_CAUSE_SEND_SYNACK] = "send-synack",
	[TCPSTATE_CAUSE_RCV_SYN] = "rcv-syn",
	[TCPSTATE_CAUSE_SYN_ACKED] = "syn-acked",
	[TCPSTATE_CAUSE_SEND_FIN] = "send-fin",
	[TCPSTATE_CAUSE_LATE_FIN] = "late-fin",
	[TCPSTATE_CAUSE_RCV_FIN] = "rcv-fin",
	[TCPSTATE_CAUSE_FIN_ACKED] = "fin-acked",
	[TCPSTATE_CAUSE_SEND_RST] = "send-rst",
	[TCPSTATE_CAUSE_RCV_RST] = "rcv-rst",
	[TCPSTATE_CAUSE_EXPIRE] = "expire",
	[TCPSTATE_CAUSE_GONE] = "gone",
	[TCPSTATE_CAUSE_FOUND] = "found",
	[TCPSTATE_CAUSE_REPAIRED] = "repaired",
};

static const char * const cause_texts[] = {
#define TCPS_EVENT(name, text) [TCPSTATE_CAUSE_##name] = text,
#include "fsm/states.def"
};

#define CAUSES (sizeof(cause_names) / sizeof(cause_names[0]))

_Static_assert(sizeof(cause_texts) == sizeof(cause_names),
	       "states.def and the netlink spec end with the same cause");

const char *tcpstate_cause_name(unsigned int cause)
{
	return cause < CAUSES ? cause_names[cause] : NULL;
}

const char *tcpstate_cause_text(unsigned int cause)
{
	return cause < CAUSES ? cause_texts[cause] : NULL;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* As in /proc: what is seen, not how. */
static const char * const coverage_names[] = {
	[TCPSTATE_EVIDENCE_PACKETS] = "packets",
	[TCPSTATE_EVIDENCE_SOCKETS] = "full",
	[TCPSTATE_EVIDENCE_NONE] = "off",
};

const char *tcpstate_coverage_name(unsigned int evidence)
{
	return evidence < COUNT(coverage_names) ? coverage_names[evidence] : NULL;
}

unsigned int tcpstate_coverage_number(const char *name, size_t len)
{
	unsigned int i;

	for (i = 1; i < COUNT(coverage_names); i++) {
		if (strlen(coverage_names[i]) == len && !memcmp(coverage_names[i], name, len))
			return i;
	}
	return 0;
}

/* As in the netlink spec. */
static const char * const socket_kind_names[] = {
	[TCPSTATE_SOCKET_KIND_FULL] = "full",
	[TCPSTATE_SOCKET_KIND_REQUEST] = "request",
	[TCPSTATE_SOCKET_KIND_MINISOCK] = "minisock",
};

const char *tcpstate_socket_kind_name(unsigned int kind)
{
	return kind < COUNT(socket_kind_names) ? socket_kind_names[kind] : NULL;
}
