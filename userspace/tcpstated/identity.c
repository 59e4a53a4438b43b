// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tcpstated.h"

static uint64_t inode_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? 0 : st.st_ino;
}

void identity_read(struct identity *id)
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	memset(id, 0, sizeof(*id));
	if (f) {
		if (!fgets(id->boot, sizeof(id->boot), f))
			id->boot[0] = '\0';
		fclose(f);
	}
	id->boot[strcspn(id->boot, "\n")] = '\0';
	id->netns = inode_of("/proc/self/ns/net");
	/* sysfs gives no number twice, but after billions. */
	id->module = inode_of("/sys/module/tcpstate");
}

bool identity_same_module(const struct identity *a, const struct identity *b)
{
	return !strcmp(a->boot, b->boot) && a->netns == b->netns &&
	       (a->module == b->module || !a->module || !b->module);
}
