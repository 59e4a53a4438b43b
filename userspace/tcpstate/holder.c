// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a socket: the kernel's facts, and what /proc and the control groups make of them, as text
 * and as JSON.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tcpstate.h"

#define SHORT_ID	12	/* as docker ps prints it */

/* NULL: processes, which are named instead. */
static const char * const words[] = {
	[TCPSTATE_HOLDING_UNKNOWN] = "-",
	[TCPSTATE_HOLDING_PROCESS] = NULL,
	[TCPSTATE_HOLDING_NOT_ACCEPTED] = "not accepted yet",
	[TCPSTATE_HOLDING_ORPHAN] = "orphan",
	[TCPSTATE_HOLDING_HALF_OPEN] = "half-open",
	[TCPSTATE_HOLDING_KERNEL] = "kernel",
	[TCPSTATE_HOLDING_NOT_FOUND] = "?",
};

static bool is_lxc(const struct tcpstate_place *p)
{
	return !strcmp(p->runtime, "lxc");
}

/* The container's own scope says nothing that its id does not. */
static bool names_unit(const struct tcpstate_place *p)
{
	return *p->unit && !(*p->container && !is_lxc(p) && strstr(p->unit, p->container));
}

void format_holder(char *buf, size_t size, const struct tcpstate_holder *h)
{
	const char *word = words[h->holding];
	const struct tcpstate_place *p = &h->place;
	char more[16] = "";

	if (h->processes > 1)
		snprintf(more, sizeof(more), " +%u", h->processes - 1);
	if (word)
		snprintf(buf, size, "%s", word);
	else
		snprintf(buf, size, "%s/%d%s", h->process[0].comm, (int)h->process[0].pid, more);
	if (names_unit(p))
		snprintf(buf + strlen(buf), size - strlen(buf), " %s", p->unit);
	/* An id is cut short, a name is not. */
	if (*p->container)
		snprintf(buf + strlen(buf), size - strlen(buf), " %s:%.*s",
			 *p->runtime ? p->runtime : "container",
			 is_lxc(p) ? (int)strlen(p->container) : SHORT_ID, p->container);
}

int add_socket_json(json_t *object, const struct tcpstate_socket *s)
{
	json_t *facts = json_pack("{s:o, s:o, s:o, s:o, s:o}",
				  "uid", value_json(&s->uid), "inode", value_json(&s->inode),
				  "cookie", value_json(&s->cookie),
				  "cgroup", value_json(&s->cgroup), "pid", value_json(&s->pid));
	int ret = json_object_update(object, facts) ? -ENOMEM : 0;

	json_decref(facts);
	return ret;
}

/* null for what is not known. */
static json_t *text_json(const char *text)
{
	return *text ? json_string(text) : json_null();
}

static json_t *processes_json(const struct tcpstate_holder *h)
{
	json_t *array = json_array();
	unsigned int i;
	int ret = 0;

	for (i = 0; i < h->processes && i < TCPSTATE_HOLDER_PROCESSES && !ret; i++) {
		const struct tcpstate_process *p = &h->process[i];

		ret = json_array_append_new(array, json_pack("{s:i, s:s, s:o}", "pid", (int)p->pid,
				"comm", p->comm,
				"fd", p->fd < 0 ? json_null() : json_integer(p->fd)));
	}
	if (ret) {
		json_decref(array);
		array = NULL;
	}
	return array;
}

static json_t *container_json(const struct tcpstate_place *p)
{
	if (!*p->container)
		return json_null();
	return json_pack("{s:o, s:s}", "runtime", text_json(p->runtime), "id", p->container);
}

int add_holder_json(json_t *object, const struct tcpstate_holder *h)
{
	json_t *holder = json_pack("{s:s, s:o, s:I, s:o, s:o, s:o}",
				   "kind", tcpstate_holding_name(h->holding),
				   "processes", processes_json(h),
				   "process_count", (json_int_t)h->processes,
				   "unit", text_json(h->place.unit),
				   "container", container_json(&h->place),
				   "pod", text_json(h->place.pod));

	return json_object_set_new(object, "holder", holder) ? -ENOMEM : 0;
}
