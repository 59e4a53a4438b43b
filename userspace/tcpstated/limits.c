// SPDX-License-Identifier: GPL-2.0-only
#include <limits.h>
#include <stdio.h>

#include "tcpstated.h"

uint32_t open_files_limit(const char *proc, pid_t pid)
{
	unsigned long long soft = 0;
	char path[PATH_MAX], line[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/limits", proc, (int)pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	/* "unlimited" is no number. */
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Max open files %llu", &soft) == 1)
			break;
	}
	fclose(f);
	return soft > UINT32_MAX ? UINT32_MAX : soft;
}
