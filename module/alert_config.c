// SPDX-License-Identifier: GPL-2.0-only
#include <linux/kernel.h>
#include <linux/string.h>
#include <net/ipv6.h>

#include "alert.h"
#include "alert_watch.h"

/* Makes sure that alerts.def has the numbers of the netlink spec. */
#define TCPS_THRESHOLD(id, name, by_default, min, max) \
	static_assert((int)TCPS_TH_##id == (int)TCPSTATE_A_THRESHOLDS_##id);
#include "alerts.def"
static_assert(TCPS_THRESHOLDS == TCPSTATE_A_THRESHOLDS_MAX + 1);

static const struct bounds {
	u32 by_default;
	u32 min;
	u32 max;
} ranges[TCPS_THRESHOLDS] = {
#define TCPS_THRESHOLD(id, name, by_default, min, max) \
	[TCPS_TH_##id] = { by_default, min, max },
#include "alerts.def"
};

static const char *const kinds[] = {
	[0] = "none",
#define TCPS_ALERT_KIND(id, name) [TCPSTATE_ALERT_KIND_##id] = name,
#include "alerts.def"
};

static const char *const severities[] = {
	[0] = "none",
#define TCPS_SEVERITY(id, name) [TCPSTATE_SEVERITY_##id] = name,
#include "alerts.def"
};

static const char *const reasons[] = {
	[0] = "none",
#define TCPS_REASON(id, name) [TCPSTATE_ALERT_REASON_##id] = name,
#include "alerts.def"
};

const char *tcps_alert_reason_name(unsigned int reason)
{
	return reason < ARRAY_SIZE(reasons) ? reasons[reason] : reasons[0];
}

const char *tcps_alert_kind_name(unsigned int kind)
{
	return kind < ARRAY_SIZE(kinds) ? kinds[kind] : kinds[0];
}

const char *tcps_alert_severity_name(unsigned int severity)
{
	return severity < ARRAY_SIZE(severities) ? severities[severity] : severities[0];
}

void tcps_alert_range(enum tcps_threshold threshold, u32 *min, u32 *max)
{
	*min = ranges[threshold].min;
	*max = ranges[threshold].max;
}

void tcps_alert_config_default(struct tcps_alert_config *config)
{
	unsigned int i;

	memset(config, 0, sizeof(*config));
	for (i = 1; i < TCPS_THRESHOLDS; i++)
		config->threshold[i] = ranges[i].by_default;
}

/* The lower one has to be below the higher one, or at most at it. */
static const struct order {
	u8 low;
	u8 high;
	bool at_most;
	const char *why;
} orders[] = {
	{ TCPS_TH_LISTEN_FULL_CLEAR_PERCENT, TCPS_TH_LISTEN_FULL_PERCENT, false,
	  "listen-full-clear-percent has to be below listen-full-percent" },
	{ TCPS_TH_LISTEN_FULL_DROPS, TCPS_TH_LISTEN_FULL_DROPS_PAGE, true,
	  "listen-full-drops must not be above listen-full-drops-page" },
	{ TCPS_TH_CLOSE_WAIT_INFO_AGE, TCPS_TH_CLOSE_WAIT_AGE, true,
	  "close-wait-info-age must not be above close-wait-age" },
	{ TCPS_TH_CLOSE_WAIT_AGE, TCPS_TH_CLOSE_WAIT_SLOW_AGE, true,
	  "close-wait-age must not be above close-wait-slow-age" },
	{ TCPS_TH_STALE_POOL_CLEAR_COUNT, TCPS_TH_STALE_POOL_COUNT, true,
	  "stale-pool-clear-count must not be above stale-pool-count" },
	{ TCPS_TH_PORT_EXHAUSTION_CLEAR_PERCENT, TCPS_TH_PORT_EXHAUSTION_PERCENT, false,
	  "port-exhaustion-clear-percent has to be below port-exhaustion-percent" },
	{ TCPS_TH_PORT_EXHAUSTION_PERCENT, TCPS_TH_PORT_EXHAUSTION_PAGE_PERCENT, true,
	  "port-exhaustion-percent must not be above port-exhaustion-page-percent" },
	{ TCPS_TH_TIME_WAIT_CLEAR_PERCENT, TCPS_TH_TIME_WAIT_PERCENT, false,
	  "time-wait-clear-percent has to be below time-wait-percent" },
	{ TCPS_TH_TABLE_FULL_CLEAR_PERCENT, TCPS_TH_TABLE_FULL_PERCENT, false,
	  "table-full-clear-percent has to be below table-full-percent" },
};

const char *tcps_alert_config_wrong(const struct tcps_alert_config *config)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		u32 low = config->threshold[orders[i].low];
		u32 high = config->threshold[orders[i].high];

		if (low > high || (low == high && !orders[i].at_most))
			return orders[i].why;
	}
	return NULL;
}

/* The address and port that an operator knows it by. */
static bool names(const struct tcps_ignore *ignore, const struct tcps_peer_key *key)
{
	bool out = key->kind == TCPS_DESTINATION;
	const struct in6_addr *addr = out ? &key->raddr : &key->laddr;

	if (!key->kind)	/* the namespace's */
		return !ignore->port && ipv6_addr_any(&ignore->addr);
	return (!ignore->port || ignore->port == (out ? key->rport : key->lport)) &&
	       (ipv6_addr_any(&ignore->addr) || ipv6_addr_equal(&ignore->addr, addr));
}

bool tcps_alert_ignored(const struct tcps_alert_config *config, const struct tcps_alert_view *view)
{
	unsigned int i;

	for (i = 0; i < config->ignores; i++) {
		const struct tcps_ignore *ignore = &config->ignore[i];

		if ((!ignore->kind || ignore->kind == view->kind) && names(ignore, &view->peer.key))
			return true;
	}
	return false;
}
