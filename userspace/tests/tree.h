/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory for each test, with a /proc in it that is made here. Behind cmocka.h, with
 * _GNU_SOURCE in front of all headers.
 */
#ifndef TREE_H
#define TREE_H

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/tcpstate-tree-XXXXXX";
static char proc[64];

/* A path below the directory, with all that leads to it. */
__attribute__((format(printf, 1, 2)))
static inline const char *below(const char *fmt, ...)
{
	static char path[PATH_MAX];
	size_t used = snprintf(path, sizeof(path), "%s/", dir);
	va_list args;
	char *slash;

	va_start(args, fmt);
	vsnprintf(path + used, sizeof(path) - used, fmt, args);
	va_end(args);
	for (slash = path + used; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		assert_true(!mkdir(path, 0755) || errno == EEXIST);
		*slash = '/';
	}
	return path;
}

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static inline int make_tree(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(proc, sizeof(proc), "%s/proc", dir);
	below("proc/sys/net/");
	return 0;
}

static inline int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static inline int remove_tree(void **state)
{
	(void)state;
	return nftw(dir, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
