/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What follows the module that is none, for the tests of the daemon: with a clock that they set,
 * and an account of what has been told. Behind cmocka.h.
 */
#ifndef FAKE_READER_H
#define FAKE_READER_H

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "fake_module.h"

/* The clock, and what has been told */

static uint64_t now_ns;

uint64_t clock_ns(clockid_t clock)
{
	(void)clock;
	return now_ns;
}

/* The log: how often each was said. */
static unsigned int said_absent, said_present, said_other;

void log_line(int priority, const char *id, const char *fmt, ...)
{
	(void)priority, (void)fmt;
	if (id && !strcmp(id, ID_ABSENT))
		said_absent++;
	else if (id && !strcmp(id, ID_PRESENT))
		said_present++;
	else
		said_other++;
}

#define NEWS_MAX	64

static struct {
	enum tcpstate_alert_action action;
	enum follow_source source;
	uint32_t id;
	uint64_t seq;
	uint64_t time_ns;
} news[NEWS_MAX];
static unsigned int n_news;

/* Of this module: what has been told of each id. */
#define IDS_MAX		200000
static uint8_t raised[IDS_MAX], cleared[IDS_MAX];
static uint32_t last_raised;

static void take_news(const struct follow_news *n, void *arg)
{
	uint32_t id = n->alert->id;

	(void)arg;
	assert_non_null(n->known);
	assert_true(id && id < IDS_MAX);
	if (n_news < NEWS_MAX) {
		news[n_news].action = n->action;
		news[n_news].source = n->source;
		news[n_news].id = id;
		news[n_news].seq = n->seq;
		news[n_news++].time_ns = n->time_ns;
	}
	switch (n->action) {
	case TCPSTATE_ALERT_ACTION_RAISE:
		assert_int_equal(raised[id]++, 0);
		assert_false(n->alert->cleared.known);
		last_raised = id > last_raised ? id : last_raised;
		break;
	case TCPSTATE_ALERT_ACTION_UPDATE:
		assert_true(raised[id] && !cleared[id]);
		break;
	case TCPSTATE_ALERT_ACTION_CLEAR:
		assert_int_equal(raised[id], 1);
		assert_int_equal(cleared[id]++, 0);
		break;
	}
}

/* A new module: ids begin anew. */
static inline void forget_ids(void)
{
	memset(raised, 0, sizeof(raised));
	memset(cleared, 0, sizeof(cleared));
	last_raised = 0;
}

static struct out out = { .fd = -1 };
static const struct ignored_list nothing;
static struct watch w;
static struct carry carry;

static inline void start(void)
{
	memset(&w, 0, sizeof(w));
	w.ignored = &nothing;
	w.out = &out;
	follow_init(&w.follow, take_news, NULL);
}

/* A second passes. */
static inline void turn(void)
{
	now_ns += NS_PER_S;
	assert_int_equal(watch_seek(&w), 0);
	assert_int_equal(watch_take(&w), 0);
	assert_int_equal(watch_tick(&w), 0);
	assert_int_equal(watch_seek(&w), 0);
}

static inline int set_up(void **state)
{
	(void)state;
	memset(&module, 0, sizeof(module));
	module.queue_room = QUEUE_MAX;
	module.named = true;
	now_ns = NS_PER_S;
	n_news = 0;
	said_absent = said_present = said_other = 0;
	forget_ids();
	start();
	module_load();
	return 0;
}

static inline int tear_down(void **state)
{
	(void)state;
	watch_close(&w);
	return 0;
}

static inline void expect(unsigned int i, enum tcpstate_alert_action action,
			  enum follow_source source, uint32_t id)
{
	assert_true(i < n_news);
	assert_int_equal(news[i].action, action);
	assert_int_equal(news[i].source, source);
	assert_int_equal(news[i].id, id);
}

#define RAISE	TCPSTATE_ALERT_ACTION_RAISE
#define UPDATE	TCPSTATE_ALERT_ACTION_UPDATE
#define CLEAR	TCPSTATE_ALERT_ACTION_CLEAR

/* The daemon ends and begins again; the file is what is left of it. */
static char path[] = "/tmp/test_tcpstated_XXXXXX";

static inline void restart(bool kept)
{
	struct identity id;

	if (kept)
		assert_int_equal(state_save(path, &w.follow, &carry, &w.id), 0);
	watch_close(&w);
	start();
	if (kept)
		assert_true(state_load(path, &w.follow, &carry, &id));
	if (kept)
		w.id = id;
}

/* Around all tests. */
static inline int make_state_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static inline int remove_state_file(void **state)
{
	(void)state;
	return unlink(path);
}

#endif
