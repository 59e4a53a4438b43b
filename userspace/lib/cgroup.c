// SPDX-License-Identifier: LGPL-2.1-or-later
#define _GNU_SOURCE		/* open_by_handle_at() */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "cgroup.h"

#define ID_LENGTH	64
#define SLOTS		1024
#define WALK_EVERY_NS	1000000000ull
#define WALK_DEPTH	32
#define FILEID_KERNFS	0xfe	/* of a struct file_handle, whose content is the id */

/* One element of a path, not null-terminated. */
struct word {
	const char *at;
	size_t len;
};

/* The path */

static bool begins(struct word w, const char *with)
{
	return w.len >= strlen(with) && !memcmp(w.at, with, strlen(with));
}

static bool ends(struct word w, const char *with)
{
	size_t len = strlen(with);

	return w.len > len && !memcmp(w.at + w.len - len, with, len);
}

static bool is(struct word w, const char *name)
{
	return w.len == strlen(name) && begins(w, name);
}

static bool has(struct word w, const char *part)
{
	return memmem(w.at, w.len, part, strlen(part));
}

static struct word behind(struct word w, size_t n)
{
	return (struct word){ w.at + n, w.len - n };
}

/* What names a container or a unit goes to terminals and into JSON. */
static void copy(char *to, size_t size, struct word w)
{
	size_t i;

	for (i = 0; i < w.len && i < size - 1; i++)
		to[i] = w.at[i] >= ' ' && w.at[i] <= '~' ? w.at[i] : '?';
	to[i] = '\0';
}

static bool is_id(struct word w)
{
	size_t i;

	for (i = 0; i < w.len; i++) {
		if (!isdigit((unsigned char)w.at[i]) && (w.at[i] < 'a' || w.at[i] > 'f'))
			return false;
	}
	return w.len == ID_LENGTH;
}

static void set_container(struct tcpstate_place *place, const char *runtime, struct word id)
{
	snprintf(place->runtime, sizeof(place->runtime), "%s", runtime);
	copy(place->container, sizeof(place->container), id);
}

static const struct {
	const char *prefix;
	const char *runtime;
} scopes[] = {
	{ "docker-", "docker" },
	{ "cri-containerd-", "containerd" },
	{ "crio-", "crio" },
	{ "libpod-", "libpod" },
};

/* docker-ID.scope; without systemd some leave the ending out. */
static void take_scope(struct word w, struct tcpstate_place *place)
{
	struct word id;
	size_t i;

	if (ends(w, ".scope"))
		w.len -= strlen(".scope");
	for (i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		id = behind(w, begins(w, scopes[i].prefix) ? strlen(scopes[i].prefix) : 0);
		if (id.len < w.len && is_id(id))
			set_container(place, scopes[i].runtime, id);
	}
}

/* A uid, or the 32 digits of a pod that no API server knows; systemd allows no hyphens there. */
static void take_pod(struct word uid, struct tcpstate_place *place)
{
	size_t i;

	if (uid.len != 32 && uid.len != 36)
		return;
	for (i = 0; i < uid.len; i++) {
		if (!isxdigit((unsigned char)uid.at[i]) && uid.at[i] != '_' && uid.at[i] != '-')
			return;
	}
	for (i = 0; i < uid.len; i++)
		place->pod[i] = uid.at[i] == '_' ? '-' : uid.at[i];
	place->pod[i] = '\0';
}

/*
 * kubepods-burstable-podUID.slice, perhaps with a prefix. Where containerd and the kubelet do not
 * agree on who makes groups, it is kubepods-burstable-podUID.slice:cri-containerd:ID.
 */
static void take_pod_slice(struct word w, struct tcpstate_place *place)
{
	static const char middle[] = ".slice:cri-containerd:";
	struct word id = { NULL, 0 };
	const char *at;

	at = memmem(w.at, w.len, middle, strlen(middle));
	if (at) {
		id = behind(w, at - w.at + strlen(middle));
		w.len = at - w.at;
	} else if (ends(w, ".slice")) {
		w.len -= strlen(".slice");
	}
	at = memmem(w.at, w.len, "-pod", 4);
	if (at)
		take_pod(behind(w, at - w.at + 4), place);
	if (is_id(id))
		set_container(place, "containerd", id);
}

static void take_element(struct word before, struct word w, bool kubernetes,
			 struct tcpstate_place *place)
{
	take_scope(w, place);
	if (has(w, "kubepods"))
		take_pod_slice(w, place);
	else if (kubernetes && begins(w, "pod"))
		take_pod(behind(w, 3), place);
	else if (is_id(w))
		set_container(place, is(before, "docker") ? "docker" : "", w);
	else if (begins(w, "lxc.payload.") && w.len > strlen("lxc.payload."))
		set_container(place, "lxc", behind(w, strlen("lxc.payload.")));
	else if (is(before, "lxc") || is(before, "lxc.payload"))
		set_container(place, "lxc", w);
	/* Slices only group units. */
	if (ends(w, ".service") || ends(w, ".scope"))
		copy(place->unit, sizeof(place->unit), w);
}

/* What is further in counts: a container within a container, a unit of a user's own systemd. */
bool tcpstate_place_parse(const char *path, struct tcpstate_place *place)
{
	struct word w = { path, 0 }, before = { path, 0 };
	bool kubernetes = false;

	memset(place, 0, sizeof(*place));
	for (; *w.at; w.at += w.len) {
		w.at += strspn(w.at, "/");
		w.len = strcspn(w.at, "/");
		take_element(before, w, kubernetes, place);
		kubernetes = kubernetes || has(w, "kubepods");
		before = w;
	}
	return *place->unit || *place->container || *place->pod;
}

/* A process */

/*
 * How much a line "NUMBER:CONTROLLERS:PATH" is worth, 0 is most: that of version 2, that of
 * systemd, those of version 1's controllers, which are all that a container of old has.
 */
static int rank_line(const char *line, const char **path)
{
	const char *controllers = strchr(line, ':');

	*path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!*path)
		return INT_MAX;
	++*path;
	if (!strncmp(line, "0::", 3))
		return 0;
	return strncmp(controllers, ":name=systemd:", 14) ? 2 : 1;
}

bool tcpstate_place_of_process(const char *proc, pid_t pid, struct tcpstate_place *place)
{
	char file[PATH_MAX], *line = NULL;
	struct tcpstate_place found;
	int best = INT_MAX, rank;
	const char *path;
	size_t room = 0;
	ssize_t len;
	FILE *f;

	memset(place, 0, sizeof(*place));
	snprintf(file, sizeof(file), "%s/%d/cgroup", proc, (int)pid);
	f = fopen(file, "re");
	if (!f)
		return false;
	while ((len = getline(&line, &room, f)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		rank = rank_line(line, &path);
		if (rank < best && tcpstate_place_parse(path, &found)) {
			*place = found;
			best = rank;
		}
	}
	free(line);
	fclose(f);
	return best < INT_MAX;
}

/* An id */

struct group {
	uint64_t id;
	bool known;
	struct tcpstate_place place;
	struct group *next;
};

/**
 * struct tcpstate_cgroups - ids that have been asked for, or found on the way
 * @root: where the hierarchy is mounted
 * @fd: of it
 * @handles: the kernel lets us open a directory by its id
 * @walk_after: CLOCK_MONOTONIC, ns: no walk before; each waits ten times as long as the last took
 * @slots: by id; no id is ever used again, so an entry stays right
 */
struct tcpstate_cgroups {
	char root[PATH_MAX];
	int fd;
	bool handles;
	uint64_t walk_after;
	struct group *slots[SLOTS];
};

static bool is_cgroup2(const char *path)
{
	struct statfs fs;

	return !statfs(path, &fs) && fs.f_type == CGROUP2_SUPER_MAGIC;
}

static const char *usual_root(void)
{
	static const char pure[] = "/sys/fs/cgroup", hybrid[] = "/sys/fs/cgroup/unified";

	return is_cgroup2(hybrid) ? hybrid : pure;
}

struct tcpstate_cgroups *tcpstate_cgroups_new(const char *root)
{
	struct tcpstate_cgroups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return NULL;
	snprintf(groups->root, sizeof(groups->root), "%s", root ? root : usual_root());
	groups->fd = open(groups->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	groups->handles = is_cgroup2(groups->root);
	return groups;
}

void tcpstate_cgroups_free(struct tcpstate_cgroups *groups)
{
	struct group *g, *next;
	unsigned int i;

	if (!groups)
		return;
	for (i = 0; i < SLOTS; i++) {
		for (g = groups->slots[i]; g; g = next) {
			next = g->next;
			free(g);
		}
	}
	if (groups->fd >= 0)
		close(groups->fd);
	free(groups);
}

static struct group *find(const struct tcpstate_cgroups *groups, uint64_t id)
{
	struct group *g;

	for (g = groups->slots[id % SLOTS]; g && g->id != id; g = g->next)
		;
	return g;
}

static struct group *add(struct tcpstate_cgroups *groups, uint64_t id, const char *path)
{
	struct group *g = malloc(sizeof(*g));

	if (!g)
		return NULL;
	g->id = id;
	g->known = tcpstate_place_parse(path, &g->place);
	g->next = groups->slots[id % SLOTS];
	groups->slots[id % SLOTS] = g;
	return g;
}

/* The path behind the root; false where the descriptor leads elsewhere, out of our namespace. */
static bool path_of(const struct tcpstate_cgroups *groups, int fd, char *path, size_t size)
{
	size_t root = strlen(groups->root);
	char link[64], target[PATH_MAX];
	ssize_t len;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, target, sizeof(target) - 1);
	if (len < 0)
		return false;
	target[len] = '\0';
	if (strncmp(target, groups->root, root) || (target[root] && target[root] != '/'))
		return false;
	snprintf(path, size, "%s", target + root);
	return true;
}

/* The id is all that a handle of this file system has. Needs CAP_DAC_READ_SEARCH. */
static struct group *open_id(struct tcpstate_cgroups *groups, uint64_t id)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(id)];
	} handle = { .h = { .handle_bytes = sizeof(id), .handle_type = FILEID_KERNFS } };
	struct group *g = NULL;
	char path[PATH_MAX];
	int fd;

	memcpy(handle.h.f_handle, &id, sizeof(id));
	fd = open_by_handle_at(groups->fd, &handle.h, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		/* ESTALE alone is about this id. */
		groups->handles = errno == ESTALE;
		return NULL;
	}
	if (path_of(groups, fd, path, sizeof(path)))
		g = add(groups, id, path);
	close(fd);
	return g;
}

static bool enter(int parent, const char *name, DIR **dir, struct stat *st)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	*dir = fd < 0 ? NULL : fdopendir(fd);
	if (*dir && !fstat(fd, st))
		return true;
	if (*dir)
		closedir(*dir);
	else if (fd >= 0)
		close(fd);
	return false;
}

/* Every directory below, @path being that of this one; it is put back as it was. */
static void walk(struct tcpstate_cgroups *groups, int parent, const char *name, char *path,
		 unsigned int depth)
{
	size_t len = strlen(path);
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (depth > WALK_DEPTH || !enter(parent, name, &dir, &st))
		return;
	if (!find(groups, st.st_ino))
		add(groups, st.st_ino, path);
	while ((entry = readdir(dir))) {
		if (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN)
			continue;
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") ||
		    len + 1 + strlen(entry->d_name) >= PATH_MAX)
			continue;
		snprintf(path + len, PATH_MAX - len, "/%s", entry->d_name);
		walk(groups, dirfd(dir), entry->d_name, path, depth + 1);
		path[len] = '\0';
	}
	closedir(dir);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void walk_all(struct tcpstate_cgroups *groups)
{
	uint64_t begun = now_ns(), took;
	char path[PATH_MAX] = "";

	if (begun < groups->walk_after)
		return;
	walk(groups, groups->fd, ".", path, 0);
	took = now_ns() - begun;
	groups->walk_after = begun + took + (10 * took > WALK_EVERY_NS ? 10 * took : WALK_EVERY_NS);
}

const struct tcpstate_place *tcpstate_place_of_id(struct tcpstate_cgroups *groups, uint64_t id)
{
	struct group *g = find(groups, id);

	if (!g && groups->fd >= 0 && groups->handles)
		g = open_id(groups, id);
	if (!g && groups->fd >= 0 && !groups->handles) {
		walk_all(groups);
		g = find(groups, id);
	}
	return g && g->known ? &g->place : NULL;
}
