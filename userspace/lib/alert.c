// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>

#include "alert.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The module's own tables: a name cannot differ between the two sides. */
static const char * const kinds[] = {
#define TCPS_ALERT_KIND(id, name) [TCPSTATE_ALERT_KIND_##id] = name,
#include "alerts.def"
};

static const char * const severities[] = {
#define TCPS_SEVERITY(id, name) [TCPSTATE_SEVERITY_##id] = name,
#include "alerts.def"
};

static const char * const actions[] = {
#define TCPS_ACTION(id, name) [TCPSTATE_ALERT_ACTION_##id] = name,
#include "alerts.def"
};

static const char * const reasons[] = {
#define TCPS_REASON(id, name) [TCPSTATE_ALERT_REASON_##id] = name,
#include "alerts.def"
};

static const char * const peer_kinds[] = {
#define TCPS_PEER_KIND(id, name) [TCPSTATE_PEER_KIND_##id] = name,
#include "alerts.def"
};

const struct tcpstate_threshold tcpstate_thresholds[TCPSTATE_A_THRESHOLDS_MAX + 1] = {
#define TCPS_THRESHOLD(id, name, by_default, min, max) \
	[TCPSTATE_A_THRESHOLDS_##id] = { name, by_default, min, max },
#include "alerts.def"
};

_Static_assert(COUNT(kinds) == TCPSTATE_ALERT_KIND_PEERS_FULL + 1 &&
	       COUNT(severities) == TCPSTATE_SEVERITY_PAGE + 1 &&
	       COUNT(actions) == TCPSTATE_ALERT_ACTION_CLEAR + 1 &&
	       COUNT(reasons) == TCPSTATE_ALERT_REASON_PEERS + 1 &&
	       COUNT(peer_kinds) == TCPSTATE_PEER_KIND_LOCAL_ADDRESS + 1,
	       "alerts.def ends where the netlink spec ends");

const char *tcpstate_alert_kind_name(unsigned int kind)
{
	return kind < COUNT(kinds) ? kinds[kind] : NULL;
}

const char *tcpstate_severity_name(unsigned int severity)
{
	return severity < COUNT(severities) ? severities[severity] : NULL;
}

const char *tcpstate_action_name(unsigned int action)
{
	return action < COUNT(actions) ? actions[action] : NULL;
}

const char *tcpstate_reason_name(unsigned int reason)
{
	return reason < COUNT(reasons) ? reasons[reason] : NULL;
}

const char *tcpstate_peer_kind_name(unsigned int kind)
{
	return kind < COUNT(peer_kinds) ? peer_kinds[kind] : NULL;
}

bool tcpstate_ignore_same(const struct tcpstate_ignore *a, const struct tcpstate_ignore *b)
{
	return a->kind == b->kind && a->port == b->port && a->family == b->family &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

bool tcpstate_same_word(const char *a, const char *b)
{
	for (; *a && *b; a++, b++) {
		if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
			return false;
	}
	return *a == *b;
}

static unsigned int number_of(const char *name, const char * const *names, unsigned int count)
{
	unsigned int i;

	for (i = 1; i < count; i++) {
		if (tcpstate_same_word(names[i], name))
			return i;
	}
	return 0;
}

unsigned int tcpstate_alert_kind_number(const char *name)
{
	return number_of(name, kinds, COUNT(kinds));
}

unsigned int tcpstate_severity_number(const char *name)
{
	return number_of(name, severities, COUNT(severities));
}

unsigned int tcpstate_reason_number(const char *name)
{
	return number_of(name, reasons, COUNT(reasons));
}
