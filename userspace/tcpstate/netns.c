// SPDX-License-Identifier: GPL-2.0-only
/*
 * Another network namespace: the one that "ip netns" has under that name, or that of a process.
 */
#define _GNU_SOURCE		/* setns() */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tcpstate.h"

static int open_netns(const char *name)
{
	char path[PATH_MAX];
	int fd;

	/* A name is a file's name and leads nowhere else. */
	if (!*name || strchr(name, '/') || strlen(name) > NAME_MAX) {
		errno = ENOENT;
		return -1;
	}
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT || name[strspn(name, "0123456789")])
		return fd;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

enum exit_code enter_netns(const char *name)
{
	int fd = open_netns(name), err = 0;

	if (fd < 0 || setns(fd, CLONE_NEWNET))
		err = errno;
	if (fd >= 0)
		close(fd);
	if (!err)
		return TCPSTATE_OK;
	if (err == ENOENT)
		fprintf(stderr, "tcpstate: no network namespace and no process '%s'; "
			"ip netns list has the names\n", name);
	else if (err == EPERM || err == EACCES)
		fprintf(stderr, "tcpstate: entering the network namespace '%s' needs "
			"CAP_SYS_ADMIN (root)\n", name);
	else
		fprintf(stderr, "tcpstate: cannot enter the network namespace '%s': %s\n", name,
			strerror(err));
	return TCPSTATE_FAILURE;
}

unsigned long long netns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) ? 0 : st.st_ino;
}
