// SPDX-License-Identifier: LGPL-2.1-or-later
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

int tcpstate_number(const char *name)
{
	char *end;
	long n;

	if (*name < '0' || *name > '9')
		return -1;
	errno = 0;
	n = strtol(name, &end, 10);
	return *end || errno || n > INT_MAX ? -1 : n;
}

bool tcpstate_each_process(const char *proc, bool (*each)(const char *proc, pid_t pid, void *arg),
			   void *arg)
{
	struct dirent *entry;
	DIR *dir = opendir(proc);
	bool ok = true;
	int pid;

	while (dir && ok && (entry = readdir(dir))) {
		pid = tcpstate_number(entry->d_name);
		if (pid > 0)
			ok = each(proc, pid, arg);
	}
	if (dir)
		closedir(dir);
	return ok;
}

void tcpstate_make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

bool tcpstate_process_comm(const char *proc, pid_t pid, char *comm)
{
	char file[PATH_MAX];
	size_t len = 0;
	FILE *f;

	snprintf(file, sizeof(file), "%s/%d/comm", proc, (int)pid);
	f = fopen(file, "re");
	if (f) {
		len = fread(comm, 1, TCPSTATE_COMM_MAX - 1, f);
		fclose(f);
	}
	comm[len] = '\0';
	comm[strcspn(comm, "\n")] = '\0';
	tcpstate_make_printable(comm);
	return len;
}
