// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sockets in CLOSE_WAIT: whether they have sent of late and whether their holder has read the end is not
 * in a record, but in the socket. As soon as a peer has enough of them, a pass goes over all that are
 * old enough, a bounded number of look-ups a second.
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "alert.h"
#include "alert_watch.h"
#include "record.h"

#define BATCH		16
#define PASS_BUDGET	4096	/* look-ups in an evaluation */
#define PASS_SMALL	4096	/* a pass of up to so many follows the last one at once */
#define PASS_PAUSE_MS	10000	/* else after this */
#define RECENT		2	/* samples: a leak that goes on has grown in one of them */
#define SEEDED_MS	5000	/* after the load, at least: what is there has been found, it has not come */

static u32 least_count(const struct tcps_alerts *alerts)
{
	return min(min(tcps_th(alerts, TCPS_TH_CLOSE_WAIT_INFO_COUNT),
		       tcps_th(alerts, TCPS_TH_CLOSE_WAIT_COUNT)),
		   min(tcps_th(alerts, TCPS_TH_CLOSE_WAIT_SLOW_COUNT),
		       tcps_th(alerts, TCPS_TH_STALE_POOL_COUNT)));
}

static u64 least_age_ns(const struct tcps_alerts *alerts)
{
	/* The other two are not below the first. */
	return (u64)min(tcps_th(alerts, TCPS_TH_CLOSE_WAIT_INFO_AGE),
			tcps_th(alerts, TCPS_TH_STALE_POOL_AGE)) * NSEC_PER_SEC;
}

static u32 in_close_wait(const struct tcps_watched *watched)
{
	return atomic_read(&watched->peer->count[TCPS_CLOSE_WAIT]);
}

void tcps_leak_drop(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	if (!watched->leak)
		return;
	xa_erase(&alerts->suspects, (unsigned long)watched->peer);
	kfree(watched->leak);
	watched->leak = NULL;
}

static void begin(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	struct tcps_leak *leak = kzalloc(sizeof(*leak), GFP_KERNEL_ACCOUNT);

	if (!leak)
		return;
	leak->sampled_ms = leak->sixth_ms = alerts->now_ms;
	if (xa_err(xa_store(&alerts->suspects, (unsigned long)watched->peer, watched, GFP_KERNEL))) {
		kfree(leak);
		return;
	}
	watched->leak = leak;
}

/* The oldest sample first; one each @every_ms. */
static void push(u32 *samples, unsigned int n, u64 *last_ms, u64 every_ms, u64 now_ms, u32 value)
{
	unsigned int i;

	for (i = 0; i < n && now_ms - *last_ms >= every_ms; i++) {
		memmove(samples, samples + 1, (n - 1) * sizeof(*samples));
		samples[n - 1] = value;
		*last_ms += every_ms;
	}
	/* Nobody has looked for longer than all of them span. */
	if (now_ms - *last_ms >= every_ms)
		*last_ms = now_ms;
}

/* As if @n had been there all the time. */
static void found(struct tcps_leak *leak, u32 n)
{
	unsigned int i;

	for (i = 0; i < TCPS_LEAK_SAMPLES; i++)
		leak->samples[i] = n;
	for (i = 0; i < TCPS_LEAK_SIXTHS; i++)
		leak->sixths[i] = n;
}

static bool seeding(const struct tcps_alerts *alerts)
{
	return alerts->older && (READ_ONCE(tcps_seeding) ||
				 alerts->now_ms - alerts->begun_ms < SEEDED_MS);
}

void tcps_leak_sample(struct tcps_alerts *alerts, struct tcps_watched *watched)
{
	u64 span = tcps_th_ms(alerts, TCPS_TH_CLOSE_WAIT_AGE) +
		   tcps_th_ms(alerts, TCPS_TH_CLOSE_WAIT_GROWTH_SECONDS);
	struct tcps_leak *leak = watched->leak;
	u32 n = in_close_wait(watched);

	if (!leak && n >= least_count(alerts))
		begin(alerts, watched);
	else if (leak && !n && !leak->now.idle[0] && !leak->now.stale)
		tcps_leak_drop(alerts, watched);
	leak = watched->leak;
	if (!leak)
		return;
	if (seeding(alerts))
		found(leak, n);
	push(leak->samples, TCPS_LEAK_SAMPLES, &leak->sampled_ms,
	     div_u64(span, TCPS_LEAK_SAMPLES - 1), alerts->now_ms, n);
	push(leak->sixths, TCPS_LEAK_SIXTHS, &leak->sixth_ms,
	     div_u64(tcps_th_ms(alerts, TCPS_TH_CLOSE_WAIT_SLOW_SECONDS), TCPS_LEAK_SIXTHS - 1),
	     alerts->now_ms, n);
}

u32 tcps_leak_growth(const struct tcps_watched *watched)
{
	u32 n = in_close_wait(watched), before = watched->leak->samples[0];

	return n > before ? n - before : 0;
}

/*
 * In how many steps they have come, and whether they still do: a pool whose far end has gone away came
 * in one, and one whose far end closes what is idle comes in many and then no more.
 */
bool tcps_leak_steady(const struct tcps_watched *watched)
{
	const u32 *samples = watched->leak->samples;
	unsigned int i, steps = 0, last = 0;

	for (i = 1; i < TCPS_LEAK_SAMPLES; i++)
		if (samples[i] > samples[i - 1]) {
			steps++;
			last = i;
		}
	return steps >= 3 && last >= TCPS_LEAK_SAMPLES - RECENT;
}

bool tcps_leak_slow(const struct tcps_watched *watched)
{
	const u32 *sixths = watched->leak->sixths;
	unsigned int i;

	for (i = 1; i < TCPS_LEAK_SIXTHS; i++)
		if (sixths[i] <= sixths[i - 1])
			return false;
	return true;
}

static void count(const struct tcps_alerts *alerts, const struct tcps_watched *watched,
		  struct tcps_tally *tally, u64 age_ns, const struct tcps_idleness *idleness)
{
	static const enum tcps_threshold ages[] = {
		TCPS_TH_CLOSE_WAIT_INFO_AGE, TCPS_TH_CLOSE_WAIT_AGE, TCPS_TH_CLOSE_WAIT_SLOW_AGE,
	};
	u64 idle_ns = min(age_ns, idleness->idle_ns);
	unsigned int i;

	if (watched->peer->key.kind == TCPS_LISTENER && !idleness->holder.inode) {
		tally->not_accepted++;
		return;
	}
	for (i = 0; i < ARRAY_SIZE(ages); i++)
		if (idle_ns >= tcps_th(alerts, ages[i]) * (u64)NSEC_PER_SEC)
			tally->idle[i]++;
	if (idleness->unread && idle_ns >= tcps_th(alerts, ages[0]) * (u64)NSEC_PER_SEC)
		tally->unread_eof++;
	if (idleness->unread == 1 &&
	    idle_ns >= tcps_th(alerts, TCPS_TH_STALE_POOL_AGE) * (u64)NSEC_PER_SEC)
		tally->stale++;
	if (idle_ns > tally->oldest_ns) {
		tally->oldest_ns = idle_ns;
		tally->holder = idleness->holder;
	}
}

static void look(struct tcps_alerts *alerts, const struct tcps_view *view)
{
	struct tcps_watched *watched = xa_load(&alerts->suspects, (unsigned long)view->peer);
	struct tcps_idleness idleness;

	if (!watched || !tcps_socket_idleness(alerts->tn, &view->key, &idleness))
		return;
	count(alerts, watched, &watched->leak->next, view->age_ns, &idleness);
}

static void begin_pass(struct tcps_alerts *alerts)
{
	struct tcps_watched *watched;
	unsigned long at;

	xa_for_each(&alerts->suspects, at, watched)
		memset(&watched->leak->next, 0, sizeof(watched->leak->next));
	memset(&alerts->cursor, 0, sizeof(alerts->cursor));
	alerts->passed = 0;
	alerts->passing = true;
}

static void end_pass(struct tcps_alerts *alerts)
{
	struct tcps_watched *watched;
	unsigned long at;

	xa_for_each(&alerts->suspects, at, watched)
		watched->leak->now = watched->leak->next;
	alerts->passing = false;
	alerts->pass_ms = alerts->now_ms + (alerts->passed > PASS_SMALL ? PASS_PAUSE_MS : 0);
}

void tcps_leak_pass(struct tcps_alerts *alerts)
{
	struct tcps_view views[BATCH];
	unsigned int n, i, budget;

	if (!alerts->passing && (xa_empty(&alerts->suspects) || alerts->now_ms < alerts->pass_ms))
		return;
	if (!alerts->passing)
		begin_pass(alerts);
	for (budget = PASS_BUDGET; budget; budget -= BATCH) {
		n = tcps_conn_walk(alerts->tn, &alerts->cursor, BIT(TCPS_CLOSE_WAIT),
				   least_age_ns(alerts), NULL, NULL, views, BATCH);
		for (i = 0; i < n; i++)
			look(alerts, &views[i]);
		alerts->passed += n;
		if (n < BATCH) {
			end_pass(alerts);
			return;
		}
		cond_resched();
	}
}
