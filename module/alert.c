// SPDX-License-Identifier: GPL-2.0-only
#include <linux/ktime.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "alert.h"
#include "alert_watch.h"
#include "trace.h"

#define PERIOD		HZ
#define UPDATE_MS	10000	/* between two updates of an alert */
#define HOUR_PART_MS	(5 * 60 * MSEC_PER_SEC)
#define ENDED_MAX	(TCPSTATE_ALERTS_MAX / 4)
#define WORSE_KEPT	(TCPSTATE_ALERTS_MAX / 4)	/* places that no info takes */

static u64 now_ms(void)
{
	/* 0 means never */
	return div_u64(ktime_get_boottime_ns(), NSEC_PER_MSEC) ?: 1;
}

/* Parts of an hour that are over make room. */
static void pass_hour(struct tcps_alerts *alerts)
{
	u64 part = div_u64(alerts->now_ms, HOUR_PART_MS), passed = part - alerts->hour_part;

	if (!passed)
		return;
	passed = min_t(u64, passed, TCPS_HOUR_PARTS);
	memmove(alerts->hour + passed, alerts->hour,
		(TCPS_HOUR_PARTS - passed) * sizeof(alerts->hour[0]));
	memset(alerts->hour, 0, passed * sizeof(alerts->hour[0]));
	alerts->hour_part = part;
}

/* Is it one too many for an hour, whenever that began? */
static bool folds(struct tcps_alerts *alerts)
{
	unsigned int i, raised = 0;

	pass_hour(alerts);
	for (i = 0; i < TCPS_HOUR_PARTS; i++)
		raised += alerts->hour[i];
	if (raised >= tcps_th(alerts, TCPS_TH_RAISES_PER_HOUR))
		return true;
	alerts->hour[0]++;
	return false;
}

static const char *const actions[] = {
#define TCPS_ACTION(id, name) [TCPSTATE_ALERT_ACTION_##id] = name,
#include "alerts.def"
};

static void tell(struct tcps_alerts *alerts, struct tcps_alert *alert,
		 enum tcpstate_alert_action action)
{
	alert->updated_ms = alerts->now_ms;
	alert->view.seq = ++alerts->seq;
	trace_tcpstate_alert(alerts->tn, alert->view.id, tcps_alert_kind_name(alert->view.kind),
			     tcps_alert_severity_name(alert->view.severity), actions[action],
			     &alert->view.peer.key, alert->view.value, alert->view.limit);
	tcps_alert_notify(alerts->tn, &alert->view, action);
}

static bool diverging(const struct tcps_alerts *alerts)
{
	unsigned int i;

	for (i = 0; i < TCPS_NET_RULES; i++)
		if (alerts->net[i].alert && tcps_net_rules[i]->kind == TCPSTATE_ALERT_KIND_DIVERGENCE)
			return true;
	return false;
}

/* What its peer is like now, and whether that is sure. */
static void refresh(const struct tcps_alerts *alerts, struct tcps_alert *alert)
{
	const struct tcps_holder holder = alert->view.peer.holder;

	if (alert->view.cleared_ns)
		return;
	alert->view.unverified = alert->view.kind != TCPSTATE_ALERT_KIND_DIVERGENCE && diverging(alerts);
	if (!alert->watched)
		return;
	tcps_watch_view(alert->watched->peer, alert->watched, &alert->view.peer);
	/* Who had the socket that is gone is who is asked for. */
	if (!alert->view.peer.holder.known)
		alert->view.peer.holder = holder;
}

/* Some places are kept for the namespace's own, and some for what is worse than an info. */
static bool full(const struct tcps_alerts *alerts, const struct tcps_watched *watched, u8 severity)
{
	unsigned int kept = watched ? TCPS_NET_RULES : 0;

	if (watched && severity < TCPSTATE_SEVERITY_TICKET)
		kept += WORSE_KEPT;
	return alerts->active >= TCPSTATE_ALERTS_MAX - kept;
}

static void note_value(struct tcps_alert *alert, const struct tcps_reading *reading)
{
	alert->view.value = reading->value[alert->condition];
	alert->view.peak = max(alert->view.peak, alert->view.value);
}

/* From now on it is what @condition makes it. */
static void be(struct tcps_alerts *alerts, struct tcps_alert *alert, const struct tcps_rule *rule,
	       unsigned int condition, const struct tcps_reading *reading)
{
	const struct tcps_condition *c = &rule->conditions[condition];
	bool notable = alert->view.severity >= TCPSTATE_SEVERITY_TICKET;

	alert->condition = condition;
	alert->view.severity = c->severity;
	/* Another thing is counted. */
	if (alert->view.reason != c->reason)
		alert->view.peak = 0;
	alert->view.reason = c->reason;
	alert->view.limit = reading->limit[condition];
	note_value(alert, reading);
	refresh(alerts, alert);
	alert->view.ignored = tcps_alert_ignored(&alerts->config, &alert->view);
	if (!notable && c->severity >= TCPSTATE_SEVERITY_TICKET && !alert->view.ignored)
		alert->view.folded = folds(alerts);
}

static void raise(struct tcps_alerts *alerts, struct tcps_watch *watch,
		  const struct tcps_rule *rule, unsigned int condition,
		  struct tcps_watched *watched, const struct tcps_reading *reading)
{
	u64 held_ms = alerts->now_ms - watch->since_ms[condition];
	struct tcps_alert *alert = NULL;

	if (!full(alerts, watched, rule->conditions[condition].severity))
		alert = kzalloc(sizeof(*alert), GFP_KERNEL_ACCOUNT);
	if (!alert) {
		alerts->refused++;	/* tries again */
		return;
	}
	alert->watched = watched;
	alert->view.id = ++alerts->last_id;
	alert->view.kind = rule->kind;
	alert->view.raised_ns = ktime_get_real_ns();
	alert->view.begun_ns = alert->view.raised_ns - held_ms * NSEC_PER_MSEC;
	be(alerts, alert, rule, condition, reading);
	list_add_tail(&alert->node, &alerts->list);
	alerts->active++;
	watch->alert = alert;
	watch->calm_ms = 0;
	tell(alerts, alert, TCPSTATE_ALERT_ACTION_RAISE);
}

/* The oldest of those that have ended makes room. */
static void forget_one(struct tcps_alerts *alerts)
{
	struct tcps_alert *alert, *oldest = NULL;

	list_for_each_entry(alert, &alerts->list, node)
		if (alert->view.cleared_ns &&
		    (!oldest || alert->view.seq < oldest->view.seq))
			oldest = alert;
	list_del(&oldest->node);
	kfree(oldest);
	alerts->ended--;
}

/* 0: nobody is told. */
static u8 severity_of(const struct tcps_alert *alert)
{
	return alert->view.ignored ? 0 : alert->view.severity;
}

static void clear(struct tcps_alerts *alerts, struct tcps_watch *watch)
{
	struct tcps_alert *alert = watch->alert;

	alert->view.cleared_ns = ktime_get_real_ns();
	alert->watched = NULL;
	watch->alert = NULL;
	watch->cleared_ms = alerts->now_ms;
	watch->cleared_severity = severity_of(alert);
	alerts->active--;
	tell(alerts, alert, TCPSTATE_ALERT_ACTION_CLEAR);
	if (++alerts->ended > ENDED_MAX)
		forget_one(alerts);
}

/* An active alert: worse, another value, or over. */
static void go_on(struct tcps_alerts *alerts, struct tcps_watch *watch,
		  const struct tcps_rule *rule, int due, bool any,
		  const struct tcps_reading *reading)
{
	struct tcps_alert *alert = watch->alert;
	u64 before = alert->view.value;

	if (due >= 0 && rule->conditions[due].severity > alert->view.severity) {
		be(alerts, alert, rule, due, reading);
		tell(alerts, alert, TCPSTATE_ALERT_ACTION_UPDATE);
		return;
	}
	note_value(alert, reading);
	if (any || !reading->calm)
		watch->calm_ms = 0;
	else if (!watch->calm_ms)
		watch->calm_ms = alerts->now_ms;
	if (watch->calm_ms && alerts->now_ms - watch->calm_ms >= tcps_th_ms(alerts, rule->calm)) {
		refresh(alerts, alert);
		clear(alerts, watch);
	} else if (alert->view.value != before && alerts->now_ms - alert->updated_ms >= UPDATE_MS) {
		refresh(alerts, alert);
		tell(alerts, alert, TCPSTATE_ALERT_ACTION_UPDATE);
	}
}

/* May something so bad be raised? Not while everything else starts, too. */
static bool settled(const struct tcps_alerts *alerts, u8 severity)
{
	return severity < TCPSTATE_SEVERITY_TICKET ||
	       alerts->now_ms - alerts->begun_ms >= tcps_th_ms(alerts, TCPS_TH_SETTLE_SECONDS);
}

/* The worst condition that has held for long enough, or -1; @any: one holds that is as bad as the alert. */
static int due_condition(struct tcps_alerts *alerts, struct tcps_watch *watch,
			 const struct tcps_rule *rule, const struct tcps_reading *reading,
			 bool *any)
{
	int i, due = -1;

	for (i = 0; i < TCPS_CONDITIONS && rule->conditions[i].severity; i++) {
		const struct tcps_condition *c = &rule->conditions[i];

		if (!reading->holds[i]) {
			watch->since_ms[i] = 0;
			continue;
		}
		*any |= !watch->alert || c->severity >= watch->alert->view.severity;
		if (!watch->since_ms[i])
			watch->since_ms[i] = alerts->now_ms;
		if (due < 0 && settled(alerts, c->severity) &&
		    alerts->now_ms - watch->since_ms[i] >= tcps_th_ms(alerts, c->hold))
			due = i;
	}
	return due;
}

static bool repeats(const struct tcps_alerts *alerts, const struct tcps_watch *watch)
{
	return watch->cleared_ms && alerts->now_ms - watch->cleared_ms <
				    tcps_th_ms(alerts, TCPS_TH_REPEAT_SECONDS);
}

/* Is there an alert that tells the same trouble, and is as bad, or was there one just now? */
static bool told(const struct tcps_alerts *alerts, const struct tcps_watched *watched,
		 const struct tcps_rule *rule, u8 severity)
{
	const struct tcps_rule *const *rules;
	const struct tcps_watch *kin;
	unsigned int i;

	if (!rule->kin)
		return false;
	rules = tcps_peer_rules[watched->peer->key.kind];
	for (i = 0; rules[i]->kind != rule->kin; i++)
		;
	kin = &watched->watch[i];
	if (kin->alert)
		return severity_of(kin->alert) >= severity;
	return repeats(alerts, kin) && kin->cleared_severity >= severity;
}

static void judge(struct tcps_alerts *alerts, struct tcps_watch *watch,
		  const struct tcps_rule *rule, struct tcps_watched *watched)
{
	struct tcps_reading reading = {};
	bool any = false;
	int due;

	rule->read(alerts, watched, watch, &reading);
	due = due_condition(alerts, watch, rule, &reading, &any);
	if (due >= 0 && told(alerts, watched, rule, rule->conditions[due].severity)) {
		watch->since_ms[due] = alerts->now_ms;	/* when that is over it has to last once more */
		due = -1;
	}
	if (watch->alert)
		go_on(alerts, watch, rule, due, any, &reading);
	else if (due >= 0 && !repeats(alerts, watch))
		raise(alerts, watch, rule, due, watched, &reading);
}

/* Is there something that has to be remembered, or will be looked at again? */
static bool pending(const struct tcps_alerts *alerts, const struct tcps_watch *watch)
{
	unsigned int i;

	for (i = 0; i < TCPS_CONDITIONS; i++)
		if (watch->since_ms[i])
			return true;
	return watch->alert || repeats(alerts, watch);
}

static void unwatch(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	struct tcps_peer *peer = watched->peer;

	tcps_leak_drop(alerts, watched);
	peer->told = (struct tcps_peer_told){
		.opened = watched->opens.last, .tw_entered = watched->tw.last,
		.failed = watched->last_failed, .no_port = watched->last_no_port,
		.drops = watched->last_drops, .listens = watched->listening.sockets,
	};
	list_del(&watched->node);
	kfree(watched);
	peer->watched = NULL;
	tcps_peer_put(peer);
}

static struct tcps_watched *watch_peer(struct tcps_alerts *alerts, struct tcps_peer *peer)
{
	struct tcps_watched *watched = kzalloc(sizeof(*watched), GFP_KERNEL_ACCOUNT);

	if (!watched)
		return NULL;
	watched->peer = peer;
	/* What has been counted since it was watched last happened in this second. */
	watched->opens.last = peer->told.opened;
	watched->tw.last = peer->told.tw_entered;
	watched->last_failed = peer->told.failed;
	watched->last_no_port = peer->told.no_port;
	watched->last_drops = peer->told.drops;
	watched->listening.sockets = peer->told.listens;
	list_add_tail(&watched->node, &alerts->watched);
	peer->watched = watched;
	return watched;
}

/* Those that have moved are watched from now on, the first of them first. */
static void take_moved(struct tcps_alerts *alerts)
{
	struct llist_node *moved = llist_reverse_order(tcps_peer_take_moved(alerts->tn));
	struct tcps_peer *peer, *next;

	llist_for_each_entry_safe(peer, next, moved, moved) {
		struct tcps_watched *watched = peer->watched;

		tcps_peer_seen(peer);
		if (watched)
			tcps_peer_put(peer);
		else
			watched = watch_peer(alerts, peer);
		if (watched)
			watched->moved_ms = alerts->now_ms;
		else
			tcps_peer_put(peer);
	}
}

static void judge_peer(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	const struct tcps_rule *const *rules = tcps_peer_rules[watched->peer->key.kind];
	bool left = false;
	unsigned int i;

	tcps_watch_sample(alerts, watched);
	for (i = 0; i < TCPS_PEER_RULES && rules[i]; i++) {
		judge(alerts, &watched->watch[i], rules[i], watched);
		left |= pending(alerts, &watched->watch[i]);
	}
	if (!left && tcps_watch_quiet(alerts, watched))
		unwatch(alerts, watched);
}

/* Returns whether something is left to look at. */
static bool judge_net(struct tcps_alerts *alerts)
{
	bool left = false;
	unsigned int i;

	tcps_watch_sample_net(alerts);
	for (i = 0; i < TCPS_NET_RULES; i++) {
		judge(alerts, &alerts->net[i], tcps_net_rules[i], NULL);
		left |= pending(alerts, &alerts->net[i]);
	}
	return left;
}

/* Returns whether something is left to look at. */
static bool evaluate(struct tcps_alerts *alerts)
{
	struct tcps_watched *watched, *tmp;

	alerts->last_ms = alerts->now_ms;
	alerts->now_ms = now_ms();
	take_moved(alerts);
	tcps_watch_sample_full(alerts);
	tcps_leak_pass(alerts);
	list_for_each_entry_safe(watched, tmp, &alerts->watched, node) {
		judge_peer(alerts, watched);
		cond_resched();
	}
	return judge_net(alerts) || !list_empty(&alerts->watched);
}

/* Switched off: peers have moved because their records were forgotten. */
static void forget_moved(struct tcps_alerts *alerts)
{
	struct llist_node *moved = tcps_peer_take_moved(alerts->tn);
	struct tcps_peer *peer, *next;

	llist_for_each_entry_safe(peer, next, moved, moved) {
		tcps_peer_seen(peer);
		tcps_peer_put(peer);
	}
}

static void evaluate_work(struct work_struct *work)
{
	struct tcps_alerts *alerts = container_of(to_delayed_work(work), struct tcps_alerts, work);
	bool left = false;

	mutex_lock(&alerts->lock);
	if (READ_ONCE(alerts->tn->live))
		left = evaluate(alerts);
	else
		forget_moved(alerts);
	mutex_unlock(&alerts->lock);
	/* Else whoever moves first wakes it: the list of those is empty, or that has happened. */
	if (left)
		queue_delayed_work(system_unbound_wq, &alerts->work, PERIOD);
}

static void wake(struct tcps_net *tn)
{
	queue_delayed_work(system_unbound_wq, &tn->alerts->work, PERIOD);
}

bool tcps_alert_next(struct tcps_net *tn, u32 after, struct tcps_alert_view *view)
{
	struct tcps_alert *alert;
	bool found = false;

	mutex_lock(&tn->alerts->lock);
	list_for_each_entry(alert, &tn->alerts->list, node) {
		if (alert->view.id <= after)
			continue;
		refresh(tn->alerts, alert);
		*view = alert->view;
		found = true;
		break;
	}
	mutex_unlock(&tn->alerts->lock);
	return found;
}

int tcps_alert_set_files(struct tcps_net *tn, u32 id, u32 files)
{
	struct tcps_alert *alert;
	int ret = -ENOENT;

	mutex_lock(&tn->alerts->lock);
	list_for_each_entry(alert, &tn->alerts->list, node) {
		if (alert->view.id != id || alert->view.cleared_ns)
			continue;
		alert->view.file_limit = files;
		ret = 0;
	}
	mutex_unlock(&tn->alerts->lock);
	return ret;
}

void tcps_alert_peer_view(struct tcps_peer *peer, struct tcps_peer_view *view)
{
	struct tcps_alerts *alerts = peer->tn->alerts;

	mutex_lock(&alerts->lock);
	tcps_watch_view(peer, peer->watched, view);
	mutex_unlock(&alerts->lock);
}

void tcps_alert_config_get(struct tcps_net *tn, struct tcps_alert_config *config)
{
	mutex_lock(&tn->alerts->lock);
	*config = tn->alerts->config;
	mutex_unlock(&tn->alerts->lock);
}

void tcps_alert_config_set(struct tcps_net *tn, const struct tcps_alert_config *config)
{
	struct tcps_alert *alert;

	mutex_lock(&tn->alerts->lock);
	tn->alerts->config = *config;
	list_for_each_entry(alert, &tn->alerts->list, node)
		if (!alert->view.cleared_ns)
			alert->view.ignored = tcps_alert_ignored(config, &alert->view);
	mutex_unlock(&tn->alerts->lock);
	/* What has not moved for long may be too much now. */
	tcps_peer_move_all(tn);
	wake(tn);
}

void tcps_alert_start(struct tcps_net *tn, bool older)
{
	struct tcps_alerts *alerts = tn->alerts;

	mutex_lock(&alerts->lock);
	alerts->begun_ms = alerts->now_ms = now_ms();
	alerts->older = older;
	alerts->last_overflows = 0;
	alerts->passing = false;
	mutex_unlock(&alerts->lock);
}

/* What is active is withdrawn, as it was when it was told of last, and @watch forgets the rest. */
static void switch_off(struct tcps_alerts *alerts, struct tcps_watch *watch)
{
	if (watch->alert) {
		watch->alert->view.withdrawn = true;
		clear(alerts, watch);
	}
	memset(watch, 0, sizeof(*watch));
}

void tcps_alert_off(struct tcps_net *tn)
{
	struct tcps_alerts *alerts = tn->alerts;
	struct tcps_watched *watched, *tmp;
	unsigned int i;

	cancel_delayed_work_sync(&alerts->work);
	mutex_lock(&alerts->lock);
	alerts->now_ms = now_ms();
	list_for_each_entry_safe(watched, tmp, &alerts->watched, node) {
		for (i = 0; i < TCPS_PEER_RULES; i++)
			switch_off(alerts, &watched->watch[i]);
		unwatch(alerts, watched);
	}
	for (i = 0; i < TCPS_NET_RULES; i++)
		switch_off(alerts, &alerts->net[i]);
	forget_moved(alerts);
	mutex_unlock(&alerts->lock);
}

int tcps_alert_net_init(struct tcps_net *tn)
{
	struct tcps_alerts *alerts = kvzalloc(sizeof(*alerts), GFP_KERNEL_ACCOUNT);

	if (!alerts)
		return -ENOMEM;
	mutex_init(&alerts->lock);
	alerts->tn = tn;
	INIT_DELAYED_WORK(&alerts->work, evaluate_work);
	INIT_LIST_HEAD(&alerts->watched);
	INIT_LIST_HEAD(&alerts->list);
	xa_init(&alerts->suspects);
	tcps_alert_config_default(&alerts->config);
	tn->alerts = alerts;
	tn->wake_alert = wake;
	return 0;
}

void tcps_alert_net_stop(struct tcps_net *tn)
{
	cancel_delayed_work_sync(&tn->alerts->work);
}

void tcps_alert_net_exit(struct tcps_net *tn)
{
	struct tcps_alerts *alerts = tn->alerts;
	struct tcps_watched *watched, *left;
	struct tcps_alert *alert, *tmp;

	/* The peers are gone, with all their references. */
	list_for_each_entry_safe(watched, left, &alerts->watched, node) {
		kfree(watched->leak);
		kfree(watched);
	}
	list_for_each_entry_safe(alert, tmp, &alerts->list, node)
		kfree(alert);
	xa_destroy(&alerts->suspects);
	kvfree(alerts);
}
