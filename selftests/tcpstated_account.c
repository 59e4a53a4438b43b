// SPDX-License-Identifier: GPL-2.0-only
/*
 * What tcpstated has written, against the kernel's own account of it:
 *
 *	tcpstated_account KERNEL TRACE JSON...
 *
 * KERNEL has a line for each load of the module: how many transitions it has numbered, and how many it has lost in
 * its queue. TRACE is what trace_pipe gave of tcpstate:tcpstate_alert, with a marker "tcpstated: load" where one
 * begins. JSON are the daemon's files, in order; a line {"module":"absent"...} ends a load there.
 *
 * Of each load: every id that was raised has one raise, and behind it one clear. The clear says when it was; null
 * stands for an alert that was active when the module went, or that the module had forgotten: 64 others have ended
 * since. Transitions are in order, and the numbers that are missing are those that were reported lost.
 *
 * Prints what is wrong as diagnostics (exit status 1), and a last line with the sums.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOADS		64
#define IDS		4096
#define FORGOTTEN	64
#define LINE		65536

struct alert {
	unsigned int raised, cleared;		/* in the daemon's lines */
	unsigned int unknown;			/* of the clears: without a time */
	unsigned int really_raised, really_cleared;
	unsigned int place;			/* of its clear among those of its load, from 1 on */
	unsigned int disorder;
};

struct load {
	struct alert alert[IDS];
	unsigned int clears;			/* by the trace */
	unsigned long long numbered, lost;	/* transitions, by the kernel */
	unsigned long long written, first, last, missing, disorder;
	unsigned long long kernel, reader;	/* lost transitions, as reported */
	unsigned long long overruns;
	unsigned int ended;
};

static struct load loads[LOADS];
static unsigned int n_kernel, n_trace, n_json;
static unsigned long long dropped, bad;

/* Losses are told as sums of a subscription. */
static struct { unsigned long long kernel, reader, overruns; } so_far;

static void wrong(const char *what, unsigned int load, unsigned long long number, const char *text)
{
	if (bad++ < 40)
		printf("# load %u: %s %llu: %s\n", load, what, number, text);
}

static unsigned long long number_behind(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? strtoull(at + strlen(key), NULL, 10) : 0;
}

static struct alert *alert_of(unsigned int load, unsigned long long id)
{
	if (load < 1 || load > LOADS || id < 1 || id >= IDS) {
		wrong("alert", load, id, "no such load or id");
		return NULL;
	}
	return &loads[load - 1].alert[id];
}

/* The kernel's side */

static void read_kernel(const char *line)
{
	struct load *l = &loads[n_kernel];

	if (n_kernel < LOADS && sscanf(line, "%llu %llu", &l->numbered, &l->lost) == 2)
		n_kernel++;
	else
		wrong("line", n_kernel, 0, line);
}

static void read_trace(const char *line)
{
	struct alert *a;

	if (strstr(line, "tracing_mark_write: tcpstated: load"))
		n_trace++;
	if (strstr(line, "LOST") && strstr(line, "EVENTS"))
		wrong("trace", n_trace, 0, line);
	if (!strstr(line, " tcpstate_alert: "))
		return;
	a = alert_of(n_trace, number_behind(line, " id="));
	if (a && strstr(line, " action=raise "))
		a->really_raised++;
	if (a && strstr(line, " action=clear ")) {
		a->really_cleared++;
		a->place = ++loads[n_trace - 1].clears;
	}
}

/* The daemon's */

static void add_losses(struct load *l)
{
	l->kernel += so_far.kernel;
	l->reader += so_far.reader;
	l->overruns += so_far.overruns;
	memset(&so_far, 0, sizeof(so_far));
}

/* A daemon that is started anew says "present" once more. */
static void take_module(const char *line)
{
	if (strstr(line, "\"module\":\"absent\"")) {
		loads[n_json - 1].ended++;
	} else if (!n_json || loads[n_json - 1].ended) {
		if (n_json)
			add_losses(&loads[n_json - 1]);
		n_json++;
	} else {
		add_losses(&loads[n_json - 1]);
	}
}

static void take_lost(const char *line)
{
	if (strstr(line, "\"overruns\":")) {
		so_far.overruns = number_behind(line, "\"overruns\":");
		return;
	}
	so_far.kernel = number_behind(line, "\"kernel\":");
	so_far.reader = number_behind(line, "\"reader\":");
}

static void take_transition(struct load *l, const char *line)
{
	unsigned long long seq = number_behind(line, "\"seq\":");

	l->written++;
	if (seq <= l->last)
		l->disorder++;
	else
		l->missing += seq - l->last - 1;
	if (!l->first)
		l->first = seq;
	if (seq > l->last)
		l->last = seq;
}

static void take_action(struct load *l, const char *line)
{
	struct alert *a = alert_of(n_json, number_behind(line, "\"id\":"));

	if (!a)
		return;
	if (l->ended)
		wrong("alert", n_json, a - l->alert, "told after its module was");
	if (strstr(line, "\"action\":\"raise\"")) {
		a->raised++;
		a->disorder += a->cleared != 0;
	} else if (strstr(line, "\"action\":\"clear\"")) {
		a->cleared++;
		a->disorder += a->raised != 1;
		a->unknown += strstr(line, "\"cleared\":null") != NULL;
	} else if (!a->raised || a->cleared) {
		a->disorder++;
	}
}

static void read_json(const char *line)
{
	struct load *l;

	if (*line != '{' || strcmp(line + strlen(line) - 1, "}"))
		wrong("line", n_json, 0, line);
	if (!strncmp(line, "{\"module\":", 10))
		return take_module(line);
	if (!n_json || n_json > LOADS)
		return wrong("line", n_json, 0, line);
	l = &loads[n_json - 1];
	if (strstr(line, "\"old_state\":"))
		take_transition(l, line);
	else if (strstr(line, "\"action\":"))
		take_action(l, line);
	else if (!strncmp(line, "{\"lost\":", 8))
		take_lost(line);
	else if (!strncmp(line, "{\"dropped\":", 11))
		dropped += number_behind(line, "\"dropped\":");
	else
		wrong("line", n_json, 0, line);
}

static void read_file(const char *path, void (*take)(const char *line))
{
	static char line[LINE];
	FILE *f = fopen(path, "re");

	if (!f) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), f)) {
		if (!strchr(line, '\n'))
			wrong("line", n_json, 0, "is cut");
		line[strcspn(line, "\n")] = '\0';
		take(line);
	}
	fclose(f);
}

/* Both */

static void compare_alert(unsigned int load, const struct load *l, unsigned int id)
{
	const struct alert *a = &l->alert[id];
	unsigned int since = a->place ? l->clears - a->place : 0;

	if (a->really_raised > 1 || a->really_cleared > a->really_raised)
		wrong("alert", load, id, "the kernel's account is not right itself");
	if (a->raised != a->really_raised)
		wrong("alert", load, id, a->raised ? "raised twice, or not by the kernel" : "its raise is lost");
	if (a->cleared != a->really_raised)
		wrong("alert", load, id, a->cleared ? "cleared more than once" : "its clear is lost");
	if (a->disorder)
		wrong("alert", load, id, "out of order");
	if (a->cleared && !a->unknown && !a->really_cleared)
		wrong("alert", load, id, "cleared at a time at which it was not");
	if (a->unknown && a->really_cleared && since < FORGOTTEN)
		wrong("alert", load, id, "when it was cleared is known");
}

static void compare_transitions(unsigned int load, const struct load *l)
{
	unsigned long long missing = l->missing + (l->numbered - l->last);

	if (l->last > l->numbered)
		wrong("transition", load, l->last, "has a number that was not given");
	if (l->disorder)
		wrong("transitions", load, l->disorder, "are out of order, or there twice");
	if (missing != l->reader)
		wrong("transitions", load, missing, "are missing, and others were reported");
	if (l->written + l->reader != l->numbered)
		wrong("transitions", load, l->written + l->reader, "were written or reported, others numbered");
	if (l->kernel != l->lost)
		wrong("transitions", load, l->kernel, "were reported as lost by the kernel");
}

static unsigned int count(const struct load *l, int which)
{
	unsigned int id, n = 0;

	for (id = 1; id < IDS; id++) {
		const struct alert *a = &l->alert[id];

		n += which == 0 ? a->really_raised : which == 1 ? a->really_cleared :
		     which == 2 ? a->unknown && !a->really_cleared : a->unknown && a->really_cleared;
	}
	return n;
}

static void compare(void)
{
	unsigned long long sum[8] = { 0 };
	unsigned int i, j, id;

	if (n_trace != n_kernel || n_json != n_kernel)
		wrong("loads", n_kernel, n_json, "in the daemon's lines");
	for (i = 0; i < n_kernel; i++) {
		const struct load *l = &loads[i];
		unsigned long long now[8] = { count(l, 0), count(l, 1), count(l, 2), count(l, 3), l->numbered,
					      l->written, l->reader, l->overruns };

		for (id = 1; id < IDS; id++)
			compare_alert(i + 1, l, id);
		compare_transitions(i + 1, l);
		printf("# load %u: alerts %llu raised, %llu cleared, %llu ended with it, %llu forgotten; ", i + 1,
		       now[0], now[1], now[2], now[3]);
		printf("transitions %llu, %llu written, %llu reported lost; %llu overruns\n", now[4], now[5],
		       now[6], now[7]);
		for (j = 0; j < 8; j++)
			sum[j] += now[j];
	}
	printf("loads=%u raised=%llu cleared=%llu unloaded=%llu forgotten=%llu ", n_kernel, sum[0], sum[1], sum[2],
	       sum[3]);
	printf("transitions=%llu written=%llu lost=%llu ", sum[4], sum[5], sum[6]);
	printf("overruns=%llu dropped=%llu wrong=%llu\n", sum[7], dropped, bad);
}

int main(int argc, char **argv)
{
	int i;

	if (argc < 4)
		return 2;
	read_file(argv[1], read_kernel);
	read_file(argv[2], read_trace);
	for (i = 3; i < argc; i++)
		read_file(argv[i], read_json);
	if (n_json && n_json <= LOADS)
		add_losses(&loads[n_json - 1]);
	compare();
	return bad || dropped;
}
