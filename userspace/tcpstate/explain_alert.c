// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate explain, of an alert: explain_alert.def with the alert's own numbers and holder. Text is
 * printed from the JSON, so that neither can say what the other does not.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "../lib/format.h"
#include "alerts.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define INDENT		8
#define TEXT_MAX	2048

/**
 * struct subject - what is explained
 * @a: alert
 * @p: its peer; all unknown where there is none
 * @found: whether @holder says anything
 * @holder: who has the socket
 */
struct subject {
	const struct tcpstate_alert *a;
	const struct tcpstate_peer *p;
	bool found;
	struct tcpstate_holder holder;
};

static const struct advice {
	uint32_t kind, reason;
	const char *verdict, *proof, *now, *fix, *avoid, *unknown;
} advices[] = {
#define TCPSTATE_EXPLAIN_ALERT(kind, reason, ...) \
	{ TCPSTATE_ALERT_KIND_##kind, TCPSTATE_ALERT_REASON_##reason, __VA_ARGS__ },
#include "explain_alert.def"
};

/* NULL: the module is newer than this program. */
static const struct advice *advice_on(const struct tcpstate_alert *a)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advices); i++) {
		if (advices[i].kind == a->kind && advices[i].reason == a->reason)
			return &advices[i];
	}
	return NULL;
}

/* Words: each returns false where it is not known. */

static bool put_count(char *buf, uint64_t n)
{
	tcpstate_format_count(buf, ALERT_TEXT, n);
	return true;
}

static bool put_value(char *buf, const struct tcpstate_value *v)
{
	return v->known && put_count(buf, v->n);
}

/* A count that says nothing at 0. */
static bool put_some(char *buf, uint64_t n)
{
	return n && put_count(buf, n);
}

static const struct tcpstate_process *process_of(const struct subject *s)
{
	return s->found && s->holder.holding == TCPSTATE_HOLDING_PROCESS ?
	       &s->holder.process[0] : NULL;
}

static bool is_service(const struct subject *s)
{
	const char *unit = s->holder.place.unit;
	size_t len = strlen(unit);

	return s->found && len > 8 && !strcmp(unit + len - 8, ".service");
}

/* What it tells is so at present. */
static bool is_so(const struct tcpstate_alert *a)
{
	return alert_active(a) && !alert_below(a);
}

static bool word_who(char *buf, const struct subject *s)
{
	const struct tcpstate_process *process = process_of(s);
	const struct tcpstate_place *place = &s->holder.place;

	if (process && (*place->unit || *place->container)) {
		format_unit(buf, ALERT_TEXT / 2, &s->holder);
		snprintf(buf + strlen(buf), ALERT_TEXT / 2, " (%s %d)", process->comm,
			 (int)process->pid);
	} else if (process) {
		snprintf(buf, ALERT_TEXT, "%s %d", process->comm, (int)process->pid);
	} else if (s->found && (*place->unit || *place->container)) {
		format_unit(buf, ALERT_TEXT, &s->holder);
	} else {
		/* Who has closed its sockets is not to be seen by anybody. */
		snprintf(buf, ALERT_TEXT, "Somebody%s", is_so(s->a) ?
			 " whom this program cannot see" : "");
	}
	return true;
}

static bool word_pid(char *buf, const struct subject *s)
{
	const struct tcpstate_process *process = process_of(s);

	snprintf(buf, ALERT_TEXT, "%d", process ? (int)process->pid : 0);
	return process;
}

static bool word_name(char *buf, const struct subject *s)
{
	if (s->a->has_peer)
		format_bare_name(buf, ALERT_TEXT - 8, s->p);
	return s->a->has_peer;
}

static bool word_on(char *buf, const struct subject *s)
{
	if (!word_name(buf + 3, s))
		return false;
	memcpy(buf, s->p->kind == TCPSTATE_PEER_KIND_DESTINATION ? "to " : "on ", 3);
	return true;
}

static bool word_toward(char *buf, const struct subject *s)
{
	char name[ALERT_TEXT];

	if (!word_name(name, s))
		return false;
	if (s->p->kind == TCPSTATE_PEER_KIND_LOCAL_ADDRESS)
		snprintf(buf, ALERT_TEXT, "of %.200s by bind() before connect()", name);
	else
		snprintf(buf, ALERT_TEXT, "toward %.200s", name);
	return true;
}

static bool word_since(char *buf, const struct subject *s)
{
	uint64_t ns = s->a->begun_ns ? s->a->begun_ns : s->a->raised_ns;

	format_wall(buf, ALERT_TEXT, ns, wall_now());
	return ns;
}

static bool word_value(char *buf, const struct subject *s)
{
	return put_count(buf, s->a->value);
}

static bool word_limit(char *buf, const struct subject *s)
{
	return put_count(buf, s->a->limit);
}

static bool word_file_limit(char *buf, const struct subject *s)
{
	return put_value(buf, &s->a->file_limit);
}

static bool word_queue(char *buf, const struct subject *s)
{
	return put_value(buf, &s->p->queue);
}

static bool word_backlog(char *buf, const struct subject *s)
{
	return put_value(buf, &s->p->backlog);
}

static bool word_waiting(char *buf, const struct subject *s)
{
	tcpstate_format_duration(buf, ALERT_TEXT, s->p->waiting_ns.n / NS_PER_MS);
	return s->p->waiting_ns.known;
}

static bool word_drops(char *buf, const struct subject *s)
{
	return put_some(buf, s->p->drops.n);
}

static bool word_drops_per_minute(char *buf, const struct subject *s)
{
	return put_some(buf, s->p->drops_per_minute.n);
}

static bool word_not_accepted(char *buf, const struct subject *s)
{
	return put_some(buf, s->p->not_accepted.n);
}

/* It decides whom to wake: what the holder has read, and whether anybody has it at all. */
static bool word_eof(char *buf, const struct subject *s)
{
	const struct tcpstate_peer *p = s->p;
	const char *what;

	if (p->not_accepted.n && p->not_accepted.n * 2 > p->idle.n)
		what = "most have never been accepted: look at accept(), not at close()";
	else if (!p->idle.n || !p->unread_eof.known)
		return false;
	else if (p->unread_eof.n * 2 > p->idle.n)
		what = "the end of file has not been read: a thread is stuck, or a pool idles";
	else
		what = "the end of file has been read: close() is forgotten";
	snprintf(buf, ALERT_TEXT, "%s", what);
	return true;
}

static bool word_ports_used(char *buf, const struct subject *s)
{
	return put_value(buf, &s->p->ports_used);
}

static bool word_ports(char *buf, const struct subject *s)
{
	return put_value(buf, &s->p->ports);
}

static bool word_used_percent(char *buf, const struct subject *s)
{
	snprintf(buf, ALERT_TEXT, "%u%%", percent(s->p->ports_used.n, s->p->ports.n));
	return s->p->ports_used.known && s->p->ports.n;
}

static bool word_plateau_percent(char *buf, const struct subject *s)
{
	snprintf(buf, ALERT_TEXT, "%u%%", percent(s->p->plateau.n, s->p->ports.n));
	/* Who finds no port opens no connection: where that levels off says nothing. */
	return s->p->plateau.known && s->p->ports.n &&
	       s->a->reason != TCPSTATE_ALERT_REASON_NO_PORT;
}

static bool word_opens(char *buf, const struct subject *s)
{
	return s->p->opens_milli.known && put_count(buf, (s->p->opens_milli.n + 500) / 1000);
}

static bool word_live(char *buf, const struct subject *s)
{
	return put_count(buf, peer_live(s->p));
}

static bool word_time_wait(char *buf, const struct subject *s)
{
	return put_count(buf, s->p->counts[TCPSTATE_STATE_TIME_WAIT]);
}

static bool word_reuse(char *buf, const struct subject *s)
{
	snprintf(buf, ALERT_TEXT, s->p->reusable ?
		 "a port in TIME_WAIT can be used again after 1 s" :
		 "a port in TIME_WAIT is taken for 60 s");
	return s->a->has_peer;
}

static bool word_tw_reuse(char *buf, const struct subject *s)
{
	snprintf(buf, ALERT_TEXT, "sysctl -w net.ipv4.tcp_tw_reuse=1 gives ports in TIME_WAIT back "
		 "after 1 s, if the far end has timestamps");
	/* A port that is taken before connect() is taken from all alike. */
	return s->p->kind == TCPSTATE_PEER_KIND_DESTINATION && !s->p->reusable;
}

static bool word_early_bind(char *buf, const struct subject *s)
{
	snprintf(buf, ALERT_TEXT, "IP_BIND_ADDRESS_NO_PORT before bind(): then a port is taken for "
		 "one destination only");
	return s->p->kind == TCPSTATE_PEER_KIND_LOCAL_ADDRESS;
}

/* What shows the sockets that it is about. */
static bool word_list(char *buf, const struct subject *s)
{
	const struct tcpstate_tuple *t = &s->p->name;
	bool ports = s->a->kind == TCPSTATE_ALERT_KIND_PORT_EXHAUSTION;
	char addr[INET6_ADDRSTRLEN];
	size_t used;

	if (!s->a->has_peer || !t->family)
		return false;
	snprintf(buf, ALERT_TEXT, "tcpstate list --processes --sort=age%s",
		 ports ? "" : " --state=close-wait");
	used = strlen(buf);
	if (s->p->kind == TCPSTATE_PEER_KIND_LISTENER)
		snprintf(buf + used, ALERT_TEXT - used, " --sport=%u", t->lport);
	else if (s->p->kind == TCPSTATE_PEER_KIND_DESTINATION)
		snprintf(buf + used, ALERT_TEXT - used, " --dst=%s --dport=%u",
			 inet_ntop(t->family, t->raddr, addr, sizeof(addr)), t->rport);
	else
		snprintf(buf + used, ALERT_TEXT - used, " --src=%s",
			 inet_ntop(t->family, t->laddr, addr, sizeof(addr)));
	return true;
}

/* What the threads of the holder do just now, by what its runtime has for it. */
static bool word_dump(char *buf, const struct subject *s)
{
	const struct tcpstate_process *process = process_of(s);
	int pid = process ? (int)process->pid : 0;

	if (!process)
		return false;
	if (!strcmp(process->comm, "java"))
		snprintf(buf, ALERT_TEXT, "jstack %d >/tmp/%d.jstack", pid, pid);
	else if (!strncmp(process->comm, "python", 6))
		snprintf(buf, ALERT_TEXT, "py-spy dump --pid %d >/tmp/%d.stacks", pid, pid);
	else
		snprintf(buf, ALERT_TEXT, "gdb -p %d -batch -ex 'thread apply all bt' "
			 ">/tmp/%d.stacks", pid, pid);
	return true;
}

static bool word_restart(char *buf, const struct subject *s)
{
	const struct tcpstate_place *place = &s->holder.place;

	if (!s->found)
		return false;
	if (!strcmp(place->runtime, "docker"))
		snprintf(buf, ALERT_TEXT, "docker restart %.12s", place->container);
	else if (!*place->container && is_service(s))
		snprintf(buf, ALERT_TEXT, "systemctl restart %.200s", place->unit);
	else
		return false;
	return true;
}

static const struct word {
	const char *name;
	bool (*put)(char *buf, const struct subject *s);
} words[] = {
#define WORD(name) { #name, word_##name }
	WORD(who),
	WORD(pid),
	WORD(name),
	WORD(on),
	WORD(toward),
	WORD(since),
	WORD(value),
	WORD(limit),
	WORD(file_limit),
	WORD(queue),
	WORD(backlog),
	WORD(waiting),
	WORD(drops),
	WORD(drops_per_minute),
	WORD(not_accepted),
	WORD(eof),
	WORD(ports_used),
	WORD(ports),
	WORD(used_percent),
	WORD(plateau_percent),
	WORD(opens),
	WORD(live),
	WORD(time_wait),
	WORD(reuse),
	WORD(tw_reuse),
	WORD(early_bind),
	WORD(list),
	WORD(dump),
	WORD(restart),
};

/* Filling in */

static bool put_word(char *buf, const char *name, int len, const struct subject *s)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		if ((int)strlen(words[i].name) == len && !memcmp(words[i].name, name, len))
			return words[i].put(buf, s);
	}
	return false;
}

/* One part, up to @end. False: something of it is not known. */
static bool fill_part(char *buf, const char *at, const char *end, const struct subject *s)
{
	size_t used = 0, len;
	char word[ALERT_TEXT];

	for (; at < end; at += len) {
		len = strcspn(at, "{|");
		len = at + len > end ? (size_t)(end - at) : len;
		used += snprintf(buf + used, TEXT_MAX - used, "%.*s", (int)len, at);
		if (at + len >= end || at[len] != '{')
			continue;
		at += len + 1;
		len = strcspn(at, "}");
		if (!put_word(word, at, len, s))
			return false;
		used += snprintf(buf + used, TEXT_MAX - used, "%s", word);
		len++;
	}
	return true;
}

/* All parts that are known, one behind the other. */
static json_t *fill(const char *text, const struct subject *s)
{
	char all[TEXT_MAX] = "", part[TEXT_MAX];
	size_t used = 0, len;

	for (; *text; text += len + (text[len] == '|')) {
		len = strcspn(text, "|");
		if (fill_part(part, text, text + len, s) && used < sizeof(all))
			used += snprintf(all + used, sizeof(all) - used, "%s%s", used ? "; " : "",
					 part);
	}
	return json_string(all);
}

/* The last of what is not known: who it is, where that would help. */
static json_t *fill_unknown(const char *text, const struct subject *s)
{
	json_t *filled = fill(text, s), *with;

	if (!s->a->has_peer || process_of(s))
		return filled;
	with = json_sprintf("%s; which process: none that this program sees has the socket",
			    json_string_value(filled));
	json_decref(filled);
	return with;
}

static json_t *explanation_json(const struct subject *s, struct tcpstate_holders *holders)
{
	static const struct advice none = {
		0, 0, "This program does not know such an alert: the module is newer.",
		"{value}, limit {limit}, since {since}", "", "", "", "",
	};
	const struct advice *advice = advice_on(s->a);

	if (!advice)
		advice = &none;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "alert", alert_json(s->a, holders, true),
			 "standing", standing_json(s->a, s->found ? &s->holder : NULL),
			 "verdict", fill(advice->verdict, s), "proof", fill(advice->proof, s),
			 "now", standing_now(s->a, fill(advice->now, s)), "fix", fill(advice->fix, s),
			 "dont", fill(advice->avoid, s),
			 "unknown", fill_unknown(advice->unknown, s));
}

/* Text */

/* What is not so any more, or not now, must not be read as if it were. */
static void print_verdict(const json_t *root)
{
	const char *standing = json_string_value(json_object_get(root, "standing"));
	const char *verdict = json_string_value(json_object_get(root, "verdict"));
	char text[TEXT_MAX + ALERT_TEXT];

	snprintf(text, sizeof(text), "%s%s%s", standing ? standing : "",
		 standing ? " It was: " : "", verdict);
	print_wrapped("", 0, text, 0);
}

static void print_text(const json_t *root)
{
	static const struct {
		const char *label, *key;
	} parts[] = {
		{ "PROOF", "proof" }, { "NOW", "now" }, { "FIX", "fix" }, { "DON'T", "dont" },
		{ "UNKNOWN", "unknown" },
	};
	const char *text;
	size_t i;

	print_verdict(root);
	for (i = 0; i < ARRAY_SIZE(parts); i++) {
		text = json_string_value(json_object_get(root, parts[i].key));
		if (*text)
			print_wrapped(parts[i].label, INDENT, text, 0);
	}
}

enum exit_code explain_alert(const struct options *o, uint32_t id)
{
	struct trouble t;
	enum exit_code code = trouble_read_alerts(&t);
	struct subject s;

	s.a = code == TCPSTATE_OK ? alert_list_find(&t.alerts, id) : NULL;
	if (s.a) {
		trouble_find_holders(&t);
		s.p = &s.a->peer;
		s.found = find_alert_holder(t.holders, s.a, &s.holder);
		code = print_explanation(o, explanation_json(&s, t.holders), print_text);
	} else if (code == TCPSTATE_OK) {
		fprintf(stderr, "tcpstate: there is no alert %u, or none any more; "
			"tcpstate alerts lists them\n", (unsigned int)id);
		code = TCPSTATE_FAILURE;
	}
	trouble_free(&t);
	return code;
}
