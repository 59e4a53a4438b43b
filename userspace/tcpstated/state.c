// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file that outlives the daemon, so that what has been told is not told again: ids, the alerts
 * that are active with their holders, and what the log is still to take back. It is of use within
 * one boot. It takes the place of the one before at once, after the lines that it stands for are
 * written: who kills the daemon between the two gets those lines again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tcpstated.h"

#define FORMAT		1	/* raised where an older program would misunderstand */

/* Bytes as hexadecimal digits */

static json_t *bytes_json(const uint8_t *bytes, size_t n)
{
	char text[2 * FOLLOW_IDS / 8 + 1];
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	return json_stringn(text, 2 * n);
}

static bool read_bytes(const char *text, uint8_t *bytes, size_t n)
{
	unsigned int byte;
	size_t i;

	if (strlen(text) != 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		if (sscanf(text + 2 * i, "%2x", &byte) != 1)
			return false;
		bytes[i] = byte;
	}
	return true;
}

static void copy_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

/* Holders */

static json_t *processes_json(const struct tcpstate_holder *h)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < h->processes && i < TCPSTATE_HOLDER_PROCESSES; i++) {
		const struct tcpstate_process *p = &h->process[i];

		json_array_append_new(array, json_pack("{s:i, s:i, s:s}", "pid", (int)p->pid,
						       "fd", p->fd, "comm", p->comm));
	}
	return array;
}

static json_t *holder_json(const struct tcpstate_holder *h)
{
	return json_pack("{s:i, s:i, s:o, s:s, s:s, s:s, s:s}", "holding", (int)h->holding,
			 "processes", (int)h->processes, "process", processes_json(h),
			 "unit", h->place.unit, "runtime", h->place.runtime,
			 "container", h->place.container, "pod", h->place.pod);
}

static bool read_processes(json_t *array, struct tcpstate_holder *h)
{
	const char *comm;
	unsigned int i;
	int pid, fd;

	for (i = 0; i < json_array_size(array) && i < TCPSTATE_HOLDER_PROCESSES; i++) {
		if (json_unpack(json_array_get(array, i), "{s:i, s:i, s:s}", "pid", &pid, "fd", &fd,
				"comm", &comm))
			return false;
		h->process[i].pid = pid;
		h->process[i].fd = fd;
		copy_text(h->process[i].comm, sizeof(h->process[i].comm), comm);
	}
	return h->processes >= i && (h->processes == i || i == TCPSTATE_HOLDER_PROCESSES);
}

static bool read_holder(json_t *object, struct tcpstate_holder *h)
{
	const char *unit, *runtime, *container, *pod;
	json_t *processes;
	int holding, n;

	if (json_unpack(object, "{s:i, s:i, s:o, s:s, s:s, s:s, s:s}", "holding", &holding,
			"processes", &n, "process", &processes, "unit", &unit,
			"runtime", &runtime, "container", &container, "pod", &pod) ||
	    holding < 0 || holding > TCPSTATE_HOLDING_NOT_FOUND || n < 0)
		return false;
	h->holding = holding;
	h->processes = n;
	copy_text(h->place.unit, sizeof(h->place.unit), unit);
	copy_text(h->place.runtime, sizeof(h->place.runtime), runtime);
	copy_text(h->place.container, sizeof(h->place.container), container);
	copy_text(h->place.pod, sizeof(h->place.pod), pod);
	return read_processes(processes, h);
}

/* What an alert is about: the name alone; the rest comes with the next news of it */

static json_t *peer_json(const struct tcpstate_alert *a)
{
	const struct tcpstate_tuple *t = &a->peer.name;

	if (!a->has_peer)
		return json_null();
	return json_pack("{s:i, s:i, s:o, s:i, s:o, s:i, s:I}", "kind", (int)a->peer.kind,
			 "family", t->family, "laddr", bytes_json(t->laddr, sizeof(t->laddr)),
			 "lport", (int)t->lport,
			 "raddr", bytes_json(t->raddr, sizeof(t->raddr)), "rport", (int)t->rport,
			 "scope", (json_int_t)t->scope);
}

static bool read_peer(json_t *object, struct tcpstate_alert *a)
{
	struct tcpstate_tuple *t = &a->peer.name;
	const char *laddr, *raddr;
	int kind, lport, rport;
	json_int_t scope;

	if (json_is_null(object))
		return true;
	if (json_unpack(object, "{s:i, s:i, s:s, s:i, s:s, s:i, s:I}", "kind", &kind,
			"family", &t->family, "laddr", &laddr, "lport", &lport,
			"raddr", &raddr, "rport", &rport, "scope", &scope) ||
	    (t->family != AF_INET && t->family != AF_INET6))
		return false;
	a->has_peer = true;
	a->peer.kind = kind;
	t->lport = lport;
	t->rport = rport;
	t->scope = scope;
	return read_bytes(laddr, t->laddr, sizeof(t->laddr)) &&
	       read_bytes(raddr, t->raddr, sizeof(t->raddr));
}

/* Alerts */

static json_t *known_json(const struct known *k, uint64_t until_ns)
{
	const struct tcpstate_alert *a = &k->alert;

	return json_pack("{s:I, s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:i, s:I,"
			 " s:o, s:o}",
			 "id", (json_int_t)a->id, "seq", (json_int_t)k->seq, "kind", (int)a->kind,
			 "severity", (int)a->severity, "reason", (int)a->reason,
			 "value", (json_int_t)a->value, "limit", (json_int_t)a->limit,
			 "peak", (json_int_t)a->peak, "raised", (json_int_t)a->raised_ns,
			 "begun", (json_int_t)a->begun_ns, "folded", (int)a->folded,
			 "ignored", (int)a->ignored, "logged", (int)k->logged,
			 "until", (json_int_t)until_ns, "peer", peer_json(a),
			 "holder", k->held ? holder_json(&k->holder) : json_null());
}

static bool read_numbers(json_t *object, struct known *k, uint64_t *until_ns)
{
	json_int_t id, seq, value, limit, peak, raised, begun, until;
	struct tcpstate_alert *a = &k->alert;
	int kind, severity, reason, folded, ignored, logged;

	if (json_unpack(object, "{s:I, s:I, s:i, s:i, s:i, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:i,"
				" s:I}",
			"id", &id, "seq", &seq, "kind", &kind, "severity", &severity,
			"reason", &reason, "value", &value, "limit", &limit, "peak", &peak,
			"raised", &raised, "begun", &begun, "folded", &folded,
			"ignored", &ignored, "logged", &logged, "until", &until) ||
	    id < 1 || id > UINT32_MAX)
		return false;
	*a = (struct tcpstate_alert){
		.id = id, .kind = kind, .severity = severity, .reason = reason, .value = value,
		.limit = limit, .peak = peak, .raised_ns = raised, .begun_ns = begun,
		.folded = folded, .ignored = ignored,
	};
	k->seq = seq;
	k->logged = logged;
	k->folded = folded;
	*until_ns = until;
	return true;
}

static bool read_known(json_t *object, struct known *k, uint64_t *until_ns)
{
	json_t *peer, *holder;

	memset(k, 0, sizeof(*k));
	if (!read_numbers(object, k, until_ns) ||
	    json_unpack(object, "{s:o, s:o}", "peer", &peer, "holder", &holder))
		return false;
	k->held = !json_is_null(holder);
	return read_peer(peer, &k->alert) && (!k->held || read_holder(holder, &k->holder));
}

static json_t *active_json(const struct follow *f)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < FOLLOW_ACTIVE; i++) {
		if (f->active[i].alert.id)
			json_array_append_new(array, known_json(&f->active[i], 0));
	}
	return array;
}

static json_t *carried_json(const struct carry *c)
{
	json_t *array = json_array();
	unsigned int i;

	for (i = 0; i < FOLLOW_ACTIVE; i++) {
		if (c->at[i].known.alert.id)
			json_array_append_new(array, known_json(&c->at[i].known,
								c->at[i].until_ns));
	}
	return array;
}

/* In reading, both have the same room. */
static bool read_active(json_t *array, struct follow *f)
{
	uint64_t until;
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		struct known *k = follow_place(f);

		if (!k || !read_known(json_array_get(array, i), k, &until))
			return false;
	}
	return true;
}

static bool read_carried(json_t *array, struct carry *c)
{
	struct known k;
	uint64_t until;
	size_t i;

	for (i = 0; i < json_array_size(array); i++) {
		if (!read_known(json_array_get(array, i), &k, &until))
			return false;
		carry_put(c, &k, until);
	}
	return true;
}

/* The whole */

static json_t *state_json(const struct follow *f, const struct carry *carry,
			  const struct identity *id)
{
	uint64_t seq = f->last_seq > f->listed_seq ? f->last_seq : f->listed_seq;

	return json_pack("{s:i, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:o}", "format", FORMAT,
			 "boot", id->boot, "netns", (json_int_t)id->netns,
			 "module", (json_int_t)id->module, "seq", (json_int_t)seq,
			 "last_id", (json_int_t)f->last_id,
			 "seen", bytes_json(f->seen, sizeof(f->seen)),
			 "active", active_json(f), "carried", carried_json(carry));
}

static bool read_state(json_t *root, struct follow *f, struct carry *carry, struct identity *id)
{
	json_int_t netns, module, seq, last_id;
	json_t *active, *carried;
	const char *boot, *seen;
	int format;

	if (json_unpack(root, "{s:i, s:s, s:I, s:I, s:I, s:I, s:s, s:o, s:o}", "format", &format,
			"boot", &boot, "netns", &netns, "module", &module, "seq", &seq,
			"last_id", &last_id, "seen", &seen, "active", &active,
			"carried", &carried) || format != FORMAT)
		return false;
	copy_text(id->boot, sizeof(id->boot), boot);
	id->netns = netns;
	id->module = module;
	f->listed_seq = seq;
	f->last_id = last_id;
	return read_bytes(seen, f->seen, sizeof(f->seen)) && read_active(active, f) &&
	       read_carried(carried, carry);
}

bool state_load(const char *path, struct follow *f, struct carry *carry, struct identity *id)
{
	json_t *root = strcmp(path, "none") ? json_load_file(path, 0, NULL) : NULL;
	bool ok = root && read_state(root, f, carry, id);

	json_decref(root);
	if (ok)
		return true;
	follow_init(f, f->tell, f->arg);
	memset(carry, 0, sizeof(*carry));
	memset(id, 0, sizeof(*id));
	return false;
}

/* Its directory is that of our own service, or whoever started us did not make it. */
static void make_directory(const char *path)
{
	char dir[PATH_MAX];
	char *slash;

	copy_text(dir, sizeof(dir), path);
	slash = strrchr(dir, '/');
	if (slash && slash != dir) {
		*slash = '\0';
		mkdir(dir, 0755);
	}
}

static int write_file(const char *path, const json_t *root)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
	int ret;

	if (!f)
		return -errno;
	errno = EIO;
	ret = json_dumpf(root, f, JSON_COMPACT) ? -errno : 0;
	if (fclose(f) && !ret)
		ret = -errno;
	return ret;
}

int state_save(const char *path, const struct follow *f, const struct carry *carry,
	       const struct identity *id)
{
	char new[PATH_MAX + 8];
	json_t *root;
	int ret;

	if (!strcmp(path, "none"))
		return 0;
	root = state_json(f, carry, id);
	if (!root)
		return -ENOMEM;
	make_directory(path);
	snprintf(new, sizeof(new), "%s.new", path);
	ret = write_file(new, root);
	json_decref(root);
	if (!ret && rename(new, path))
		ret = -errno;
	return ret;
}
