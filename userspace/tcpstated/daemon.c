// SPDX-License-Identifier: GPL-2.0-only
/*
 * The loop: wait, take what has come, write it, keep what has to outlive us.
 */
#define _GNU_SOURCE		/* ppoll() */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "tcpstated.h"

volatile sig_atomic_t stop_wanted, reload_wanted;

/**
 * struct daemon - all of it
 * @in: command line
 * @s: settings
 * @tick_every_ns: a second, or less where the watchdog wants it
 * @tick_ns: when the next one is, CLOCK_BOOTTIME
 * @status: what the service manager was told last
 * @out_error: what has been said of writing lines, an errno; 0: nothing
 * @state_error: the same of the state
 */
struct daemon {
	struct invocation *in;
	struct settings s;
	struct out out;
	struct carry carry;
	struct teller teller;
	struct watch watch;
	uint64_t tick_every_ns;
	uint64_t tick_ns;
	char status[128];
	int out_error;
	int state_error;
};

/* What is said of itself */

static void tell_status(struct daemon *d)
{
	unsigned int n = follow_count(&d->watch.follow);
	char status[sizeof(d->status)];

	if (d->out.error)
		snprintf(status, sizeof(status), "cannot write JSON lines: %s",
			 strerror(d->out.error));
	else if (d->watch.alerts)
		snprintf(status, sizeof(status), "%u alert%s active", n, n == 1 ? "" : "s");
	else
		snprintf(status, sizeof(status), "waiting for the tcpstate module");
	if (!strcmp(status, d->status))
		return;
	strcpy(d->status, status);
	sd_notifyf(0, "STATUS=%s", status);
}

/* Once, until it is all right again. */
static void complain(int err, int *said, const char *what, const char *path)
{
	if (err && err != *said)
		log_line(LOG_ERR, NULL, "cannot write %s %s: %s; it is tried again", what, path,
			 strerror(err));
	*said = err;
}

/* What has to be kept */

static void save(struct daemon *d)
{
	struct watch *w = &d->watch;
	int ret;

	/* Lines that are not written yet would not come again. */
	if (d->out.used || (!d->teller.told && !w->changes))
		return;
	ret = state_save(d->s.state, &w->follow, &d->carry, &w->id);
	complain(-ret, &d->state_error, "the state", d->s.state);
	if (ret)
		return;
	d->teller.told = 0;
	w->changes = 0;
}

static void settle(struct daemon *d)
{
	out_flush(&d->out);
	complain(d->out.error, &d->out_error, "JSON lines to", d->s.json);
	save(d);
	tell_status(d);
}

/* Alerts of another boot, or of another network namespace, are not ours to take back. */
static void load(struct daemon *d)
{
	struct watch *w = &d->watch;
	struct identity now;

	identity_read(&now);
	follow_init(&w->follow, teller_tell, &d->teller);
	if (state_load(d->s.state, &w->follow, &d->carry, &w->id) &&
	    !strcmp(w->id.boot, now.boot) && w->id.netns == now.netns)
		return;
	follow_init(&w->follow, teller_tell, &d->teller);
	memset(&d->carry, 0, sizeof(d->carry));
	w->id = now;
}

/* Settings */

static int open_out(struct daemon *d, const char *path)
{
	int ret = out_open(&d->out, path);

	if (ret)
		log_line(LOG_ERR, NULL, "cannot open %s: %s", path, strerror(-ret));
	return ret;
}

static int open_log(const struct settings *s)
{
	const char *missing = log_open(s->log);

	if (missing)
		log_line(LOG_ERR, NULL, "--log=%s: there is no %s; take --log=auto or --log=none",
			 s->log == TARGET_SYSLOG ? "syslog" : "journal", missing);
	return missing ? -ENOENT : 0;
}

static void use(struct daemon *d, const struct settings *s)
{
	d->s = *s;
	d->watch.transitions = s->transitions;
	watch_adjust(&d->watch);
	d->watch.changes++;
}

/* All of it, or nothing. */
static void reload(struct daemon *d)
{
	char why[COMPLAINT_MAX];
	struct settings s;

	reload_wanted = 0;
	sd_notify(0, "RELOADING=1");
	if (!config_load(d->in, &s, why, sizeof(why))) {
		log_line(LOG_ERR, NULL, "%s; nothing is changed", why);
		/* The file may have been rotated none the less. */
		s = d->s;
	}
	out_flush(&d->out);
	if (open_out(d, s.json))
		strcpy(s.json, d->s.json);
	if (open_log(&s))
		s.log = d->s.log;
	use(d, &s);
	sd_notify(0, "READY=1");
}

/* The loop */

static int time_left_ms(const struct daemon *d)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME), until = d->tick_ns;
	const struct watch *w = &d->watch;

	if (!w->alerts && w->again_ns < until)
		until = w->again_ns;
	return until <= now ? 0 : (until - now) / 1000000 + 1;
}

/*
 * While lines wait nothing new is taken: the kernel keeps it, or says that it could not. A regular
 * file that is full cannot be waited for.
 */
static void wait_for_news(const struct daemon *d)
{
	const struct watch *w = &d->watch;
	struct pollfd fds[2];
	sigset_t none;
	int ms = time_left_ms(d), n = 0;
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	if (d->out.used && !d->out.regular) {
		fds[n++] = (struct pollfd){ .fd = d->out.fd, .events = POLLOUT };
	} else if (!d->out.used) {
		if (w->alerts)
			fds[n++] = (struct pollfd){ tcpstate_link_fd(w->alerts), POLLIN, 0 };
		if (w->events)
			fds[n++] = (struct pollfd){ tcpstate_link_fd(w->events), POLLIN, 0 };
	}
	sigemptyset(&none);
	ppoll(fds, n, &t, &none);
}

static int tick(struct daemon *d)
{
	uint64_t now = clock_ns(CLOCK_BOOTTIME);

	if (now < d->tick_ns)
		return 0;
	d->tick_ns = now + d->tick_every_ns;
	sd_notify(0, "WATCHDOG=1");
	if (d->out.used)
		return 0;
	teller_tick(&d->teller);
	return watch_tick(&d->watch);
}

static int turn(struct daemon *d)
{
	int ret;

	wait_for_news(d);
	if (reload_wanted)
		reload(d);
	ret = d->out.used ? 0 : watch_seek(&d->watch);
	if (!ret && !d->out.used)
		ret = watch_take(&d->watch);
	if (!ret)
		ret = tick(d);
	settle(d);
	/* Nobody will ever read it. */
	return !ret && d->out.error == EPIPE ? -EPIPE : ret;
}

static void set_up(struct daemon *d, struct invocation *in, const struct settings *s)
{
	uint64_t watchdog_us;

	d->in = in;
	d->out.fd = -1;
	d->watch.out = &d->out;
	d->watch.ignored = &d->s.ignored;
	d->teller = (struct teller){
		.out = &d->out, .carry = &d->carry, .ignored = &d->s.ignored,
		.set_limit = watch_set_limit, .arg = &d->watch,
	};
	d->tick_every_ns = NS_PER_S;
	if (sd_watchdog_enabled(0, &watchdog_us) > 0 && watchdog_us * 1000 / 3 < NS_PER_S)
		d->tick_every_ns = watchdog_us * 1000 / 3;
	use(d, s);
	load(d);
}

static void take_down(struct daemon *d)
{
	watch_close(&d->watch);
	out_close(&d->out);
	tcpstate_holders_free(d->teller.holders);
	free(d);
}

enum exit_status daemon_run(struct invocation *in, const struct settings *s)
{
	struct daemon *d;
	int ret;

	/* First: what goes wrong below is said there. */
	if (open_log(s))
		return STATUS_FAILURE;
	d = calloc(1, sizeof(*d));
	if (!d) {
		log_line(LOG_ERR, NULL, "%s", strerror(ENOMEM));
		return STATUS_FAILURE;
	}
	set_up(d, in, s);
	ret = open_out(d, s->json);
	if (!ret)
		ret = watch_seek(&d->watch);
	if (!ret) {
		settle(d);
		sd_notify(0, "READY=1");
	}
	while (!ret && !stop_wanted)
		ret = turn(d);
	sd_notify(0, "STOPPING=1");
	teller_end(&d->teller);
	/* Updates, too. */
	d->watch.changes++;
	settle(d);
	if (!ret && d->out.used)
		ret = -EAGAIN;
	take_down(d);
	return ret ? STATUS_FAILURE : STATUS_OK;
}
