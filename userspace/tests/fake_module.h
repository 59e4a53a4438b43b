/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A module that is none, for the tests of the daemon: it raises, changes and clears alerts as it
 * is told to, keeps the last that have ended, sends notices into queues that can be too short, and
 * can be unloaded and loaded.
 */
#ifndef FAKE_MODULE_H
#define FAKE_MODULE_H

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../tcpstated/tcpstated.h"

#define QUEUE_MAX	4096
#define AT_ONCE		256		/* notices that a call takes */

/* A socket; @generation is that of the module it has found. */
struct tcpstate_link {
	bool used;
	unsigned int generation;
	bool alerts;
	bool events;
	bool unloaded;		/* the notice of that is in the queue */
	bool overrun;		/* not told yet */
	struct tcpstate_notice queue[QUEUE_MAX];
	unsigned int n;
	uint64_t next_seq;
	struct tcpstate_loss loss;
};

static struct {
	bool present;
	unsigned int generation;
	bool named;		/* there is a /sys to tell one from another by */
	int open_error;
	int notices_error;	/* once */
	unsigned int queue_room;
	struct tcpstate_notice alert[FOLLOW_DUMP];
	unsigned int alerts;
	uint64_t seq;
	uint32_t last_id;
	uint32_t limit_id;
	uint32_t limit;
	unsigned int dumps;
	struct tcpstate_transition transitions[64];
	unsigned int n_transitions;
	struct tcpstate_endpoint endpoint[16];
	unsigned int endpoints;
	struct tcpstate_filter asked;
	struct tcpstate_config config;
	unsigned int configured;
	struct tcpstate_link link[8];
} module = { .queue_room = QUEUE_MAX };

/* Events, for tests that wait: what happens while the daemon looks for notices. */
static void (*on_notices)(void);

static inline void module_load(void)
{
	module.present = true;
	module.generation++;
	module.alerts = 0;
	module.config = (struct tcpstate_config){ .ignores.n = 0 };
	module.seq = 0;
	module.last_id = 0;
}

/* @heard: the queue has room for the news. */
static inline void module_unload(bool heard)
{
	unsigned int i;

	module.present = false;
	for (i = 0; i < 8; i++)
		module.link[i].unloaded = module.link[i].used && heard;
}

static inline void module_send(const struct tcpstate_notice *n)
{
	unsigned int i;

	for (i = 0; i < 8; i++) {
		struct tcpstate_link *l = &module.link[i];

		if (!l->used || !l->alerts || l->generation != module.generation)
			continue;
		if (l->n < module.queue_room)
			l->queue[l->n++] = *n;
		else
			l->overrun = true;
	}
}

static inline struct tcpstate_notice *module_alert(uint32_t id)
{
	unsigned int i;

	for (i = 0; i < module.alerts; i++) {
		if (module.alert[i].alert.id == id)
			return &module.alert[i];
	}
	return NULL;
}

static inline void module_tell(uint32_t id, uint32_t action)
{
	struct tcpstate_notice *at = module_alert(id), n;

	at->seq = ++module.seq;
	n = *at;
	n.action = action;
	n.time_ns = 1000 + module.seq;
	module_send(&n);
}

/* A page about a listener. */
static inline uint32_t module_raise(uint16_t port)
{
	struct tcpstate_notice *n = &module.alert[module.alerts++];

	*n = (struct tcpstate_notice){ .alert = {
		.id = ++module.last_id, .kind = TCPSTATE_ALERT_KIND_LISTEN_FULL,
		.severity = TCPSTATE_SEVERITY_PAGE, .reason = TCPSTATE_ALERT_REASON_QUEUE,
		.value = 101, .limit = 90, .peak = 101, .has_peer = true,
		.raised_ns = 1000000ull * module.generation + module.last_id,
		.begun_ns = 1000000ull * module.generation,
		.peer = { .kind = TCPSTATE_PEER_KIND_LISTENER,
			  .name = { .family = AF_INET, .lport = port },
			  .queue = { 101, true }, .backlog = { 100, true } },
	} };
	module_tell(module.last_id, TCPSTATE_ALERT_ACTION_RAISE);
	return module.last_id;
}

static inline void module_update(uint32_t id, uint64_t value)
{
	module_alert(id)->alert.value = value;
	module_tell(id, TCPSTATE_ALERT_ACTION_UPDATE);
}

static inline unsigned int module_ended(void)
{
	unsigned int i, n = 0;

	for (i = 0; i < module.alerts; i++)
		n += module.alert[i].alert.cleared.known;
	return n;
}

/* The one that has ended first makes room. */
static inline void module_clear(uint32_t id)
{
	struct tcpstate_notice *oldest = NULL;
	unsigned int i;

	module_alert(id)->alert.cleared =
		(struct tcpstate_value){ 2000000ull * module.generation + module.seq, true };
	module_tell(id, TCPSTATE_ALERT_ACTION_CLEAR);
	if (module_ended() <= FOLLOW_ENDED)
		return;
	for (i = 0; i < module.alerts; i++) {
		if (module.alert[i].alert.cleared.known &&
		    (!oldest || module.alert[i].seq < oldest->seq))
			oldest = &module.alert[i];
	}
	module.alerts--;
	memmove(oldest, oldest + 1, (&module.alert[module.alerts] - oldest) * sizeof(*oldest));
}

/* What the daemon calls */

static inline int module_check(const struct tcpstate_link *link)
{
	return module.present && link->generation == module.generation ? 0 : -ENOENT;
}

int tcpstate_link_open(struct tcpstate_link **link)
{
	unsigned int i;

	*link = NULL;
	if (module.open_error || !module.present)
		return module.open_error ? module.open_error : -ENOENT;
	for (i = 0; module.link[i].used; i++)
		;
	*link = &module.link[i];
	memset(*link, 0, sizeof(**link));
	(*link)->used = true;
	(*link)->generation = module.generation;
	return 0;
}

void tcpstate_link_close(struct tcpstate_link *link)
{
	link->used = false;
}

const char *tcpstate_link_error(const struct tcpstate_link *link)
{
	(void)link;
	return "no such link";
}

int tcpstate_link_fd(const struct tcpstate_link *link)
{
	static int always = -1;

	(void)link;
	if (always < 0)
		always = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return always;
}

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *config)
{
	*config = module.config;
	config->ignores.known = true;
	return module_check(link);
}

int tcpstate_link_config_set(struct tcpstate_link *link, const struct tcpstate_config *config)
{
	module.config = *config;
	module.configured++;
	return module_check(link);
}

int tcpstate_link_subscribe(struct tcpstate_link *link, unsigned int buffer)
{
	(void)buffer;
	link->events = true;
	return module_check(link);
}

int tcpstate_link_subscribe_alerts(struct tcpstate_link *link, unsigned int buffer)
{
	(void)buffer;
	link->alerts = true;
	return module_check(link);
}

void tcpstate_link_expect(struct tcpstate_link *link, uint64_t seq)
{
	if (!link->next_seq)
		link->next_seq = seq + 1;
}

int tcpstate_link_alert_set(struct tcpstate_link *link, uint32_t id, uint32_t limit)
{
	module.limit_id = id;
	module.limit = limit;
	return module_check(link);
}

int tcpstate_link_alerts(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_notice *notice, void *arg),
			 void (*restart)(void *arg), void *arg)
{
	int ret = module_check(link);
	unsigned int i;

	(void)restart;
	module.dumps++;
	for (i = 0; i < module.alerts && !ret; i++)
		ret = each(&module.alert[i], arg);
	return ret;
}

int tcpstate_link_notices(struct tcpstate_link *link,
			  int (*each)(const struct tcpstate_notice *notice, void *arg), void *arg,
			  struct tcpstate_loss *loss)
{
	unsigned int i;
	int ret = 0;

	if (on_notices && !module_check(link))
		on_notices();
	if (module.notices_error) {
		ret = module.notices_error;
		module.notices_error = 0;
		return ret;
	}
	link->loss.overruns += link->overrun;
	link->overrun = false;
	for (i = 0; i < link->n && i < AT_ONCE && !ret; i++) {
		uint64_t seq = link->queue[i].seq;

		if (link->next_seq && seq > link->next_seq)
			link->loss.reader += seq - link->next_seq;
		link->next_seq = seq + 1;
		ret = each(&link->queue[i], arg);
	}
	link->n -= i;
	memmove(link->queue, link->queue + i, link->n * sizeof(link->queue[0]));
	*loss = link->loss;
	return !ret && !link->n && link->unloaded ? -ENOENT : ret;
}

int tcpstate_link_events(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_transition *t, void *arg), void *arg,
			 struct tcpstate_loss *loss)
{
	unsigned int i;

	for (i = 0; i < module.n_transitions; i++)
		each(&module.transitions[i], arg);
	module.n_transitions = 0;
	*loss = link->loss;
	return link->unloaded ? -ENOENT : 0;
}

/* Never called; they keep the library's own links out. */
int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats)
{
	(void)stats;
	return module_check(link);
}

int tcpstate_link_endpoints(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			    int (*each)(const struct tcpstate_endpoint *e, void *arg),
			    void (*restart)(void *arg), void *arg)
{
	unsigned int i;
	int ret = module_check(link);

	module.asked = *filter;
	/* What came before an interruption is told anew. */
	if (!ret && module.endpoints)
		ret = each(&module.endpoint[0], arg);
	restart(arg);
	for (i = 0; i < module.endpoints && !ret; i++)
		ret = each(&module.endpoint[i], arg);
	return ret;
}

int tcpstate_link_peers(struct tcpstate_link *link,
			int (*each)(const struct tcpstate_peer *peer, void *arg),
			void (*restart)(void *arg), void *arg)
{
	(void)each, (void)restart, (void)arg;
	return module_check(link);
}

/* Which module it is */

void identity_read(struct identity *id)
{
	*id = (struct identity){ .boot = "this-boot", .netns = 4026531840,
				 .module = module.named && module.present ? module.generation : 0 };
}

bool identity_same_module(const struct identity *a, const struct identity *b)
{
	return a->module == b->module || !a->module || !b->module;
}

#endif
