// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "grow.h"
#include "netns.h"
#include "pace.h"
#include "proc.h"
#include "process.h"

#define PASS_EVERY_NS	3000000000ull
#define READ_EVERY_NS	250000000ull

/* The namespace of a process. */
struct seen {
	uint64_t dev;
	uint64_t inode;
	pid_t pid;
};

/* Of all processes: tens of thousands, in a few namespaces. */
struct seen_list {
	struct seen *at;
	size_t n, room;
};

/**
 * struct tcpstate_namespaces - what the last pass over all processes has found
 * @proc: /proc
 * @names: where those with names are mounted
 * @at: namespaces
 * @n: their number
 * @pass: pace of the passes
 * @read: pace of reading what each says
 */
struct tcpstate_namespaces {
	char proc[PATH_MAX];
	char names[PATH_MAX];
	struct tcpstate_netns *at;
	size_t n;
	struct tcpstate_pace pass;
	struct tcpstate_pace read;
};

struct tcpstate_namespaces *tcpstate_namespaces_new(const char *proc, const char *names)
{
	struct tcpstate_namespaces *ns = calloc(1, sizeof(*ns));

	if (!ns)
		return NULL;
	snprintf(ns->proc, sizeof(ns->proc), "%s", proc ? proc : "/proc");
	snprintf(ns->names, sizeof(ns->names), "%s", names ? names : "/run/netns");
	ns->pass.every_ns = PASS_EVERY_NS;
	ns->read.every_ns = READ_EVERY_NS;
	return ns;
}

void tcpstate_namespaces_free(struct tcpstate_namespaces *ns)
{
	if (!ns)
		return;
	free(ns->at);
	free(ns);
}

/* Which there are */

/* False: no memory. A process that is gone, or that we may not look into, has nothing to tell. */
static bool see(const char *proc, pid_t pid, void *list)
{
	struct seen_list *l = list;
	char path[PATH_MAX];
	struct stat st;
	void *at;

	snprintf(path, sizeof(path), "%s/%d/ns/net", proc, (int)pid);
	if (stat(path, &st))
		return true;
	at = tcpstate_grow(l->at, l->n, &l->room, sizeof(*l->at));
	if (!at)
		return false;
	l->at = at;
	l->at[l->n++] = (struct seen){ st.st_dev, st.st_ino, pid };
	return true;
}

static int compare_ids(uint64_t dev, uint64_t inode, uint64_t dev2, uint64_t inode2)
{
	if (dev != dev2)
		return dev < dev2 ? -1 : 1;
	return inode < inode2 ? -1 : inode > inode2;
}

static int compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int ret = compare_ids(x->dev, x->inode, y->dev, y->inode);

	return ret ? ret : x->pid < y->pid ? -1 : x->pid > y->pid;
}

/* As bsearch() wants it. */
static int compare_stat(const void *key, const void *netns)
{
	const struct stat *st = key;
	const struct tcpstate_netns *n = netns;

	return compare_ids(st->st_dev, st->st_ino, n->dev, n->inode);
}

/* Of those in the same namespace only the first, which has the lowest pid. */
static size_t keep_firsts(struct seen_list *l)
{
	size_t n = 0, i;

	if (l->n)
		qsort(l->at, l->n, sizeof(*l->at), compare_seen);
	for (i = 0; i < l->n; i++) {
		if (!n || l->at[n - 1].dev != l->at[i].dev || l->at[n - 1].inode != l->at[i].inode)
			l->at[n++] = l->at[i];
	}
	return n;
}

/* NULL: that is none of these. */
static struct tcpstate_netns *find(struct tcpstate_netns *at, size_t n, const char *path)
{
	struct stat st;

	return n && !stat(path, &st) ? bsearch(&st, at, n, sizeof(*at), compare_stat) : NULL;
}

/* One that has several names is called by the first of the alphabet, each time. */
static void find_names(const char *names, struct tcpstate_netns *at, size_t n)
{
	DIR *dir = opendir(names);
	struct tcpstate_netns *ns;
	struct dirent *entry;
	char path[PATH_MAX];

	while (dir && (entry = readdir(dir))) {
		snprintf(path, sizeof(path), "%.*s/%s", PATH_MAX - NAME_MAX - 2, names,
			 entry->d_name);
		ns = find(at, n, path);
		if (ns && (!*ns->name || strcmp(entry->d_name, ns->name) < 0))
			snprintf(ns->name, sizeof(ns->name), "%s", entry->d_name);
	}
	if (dir)
		closedir(dir);
}

static void name_by_process(const char *proc, struct tcpstate_netns *ns)
{
	char comm[TCPSTATE_COMM_MAX];

	if (!tcpstate_process_comm(proc, ns->pid, comm))
		strcpy(comm, "?");
	snprintf(ns->name, sizeof(ns->name), "%s/%d", comm, (int)ns->pid);
}

static void describe(const struct tcpstate_namespaces *ns, struct tcpstate_netns *at, size_t n)
{
	struct tcpstate_netns *own;
	char path[PATH_MAX + 16];
	size_t i;

	snprintf(path, sizeof(path), "%s/self/ns/net", ns->proc);
	own = find(at, n, path);
	if (own)
		own->own = true;
	find_names(ns->names, at, n);
	for (i = 0; i < n; i++) {
		if (!*at[i].name)
			name_by_process(ns->proc, &at[i]);
		tcpstate_make_printable(at[i].name);
	}
}

static void make_pass(struct tcpstate_namespaces *ns)
{
	struct seen_list l = { .at = NULL };
	struct tcpstate_netns *at = NULL;
	size_t n = 0, i;

	if (tcpstate_each_process(ns->proc, see, &l)) {
		n = keep_firsts(&l);
		at = calloc(n + 1, sizeof(*at));
	}
	for (i = 0; at && i < n; i++) {
		at[i].dev = l.at[i].dev;
		at[i].inode = l.at[i].inode;
		at[i].pid = l.at[i].pid;
	}
	free(l.at);
	if (!at)
		return;
	describe(ns, at, n);
	free(ns->at);
	ns->at = at;
	ns->n = n;
}

/* What they say */

static unsigned int count_alerts(const struct tcpstate_proc_trouble *trouble)
{
	unsigned int n = 0, i;

	for (i = 0; i < trouble->alerts; i++)
		n += trouble->alert[i].severity != TCPSTATE_SEVERITY_INFO;
	return n;
}

static void read_one(const char *proc, struct tcpstate_netns *ns,
		     struct tcpstate_proc_trouble *trouble)
{
	char path[PATH_MAX + 32], err[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%d/net/tcpstate", proc, (int)ns->pid);
	ns->known = !tcpstate_proc_read_all(path, &ns->s, trouble, err, sizeof(err));
	/* The process may have gone to another namespace, or its pid to another process. */
	if (ns->known && ns->s.netns.n != ns->inode)
		ns->known = false;
	ns->alerts = ns->known ? count_alerts(trouble) : 0;
}

static int compare_shown(const void *a, const void *b)
{
	const struct tcpstate_netns *x = a, *y = b;

	if (x->own != y->own)
		return x->own ? -1 : 1;
	if (x->known != y->known)
		return x->known ? -1 : 1;
	if (x->known && x->s.tracked.n != y->s.tracked.n)
		return x->s.tracked.n < y->s.tracked.n ? 1 : -1;
	return x->pid < y->pid ? -1 : x->pid > y->pid;
}

static void read_all(struct tcpstate_namespaces *ns)
{
	struct tcpstate_proc_trouble *trouble = malloc(sizeof(*trouble));
	size_t i;

	for (i = 0; trouble && i < ns->n; i++)
		read_one(ns->proc, &ns->at[i], trouble);
	free(trouble);
	if (ns->n)
		qsort(ns->at, ns->n, sizeof(*ns->at), compare_shown);
}

void tcpstate_namespaces_refresh(struct tcpstate_namespaces *ns)
{
	if (!tcpstate_pace_due(&ns->read))
		return;
	/* Not without reading: of what it finds nothing is known. */
	if (tcpstate_pace_due(&ns->pass)) {
		tcpstate_pace_begin(&ns->pass);
		make_pass(ns);
		tcpstate_pace_end(&ns->pass);
	}
	tcpstate_pace_begin(&ns->read);
	read_all(ns);
	tcpstate_pace_end(&ns->read);
}

const struct tcpstate_netns *tcpstate_namespaces_list(const struct tcpstate_namespaces *ns,
						      size_t *n)
{
	*n = ns->n;
	return ns->at;
}
