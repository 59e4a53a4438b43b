// SPDX-License-Identifier: GPL-2.0-only
/*
 * Are the module's endpoints those of inet_diag, as sets of tuple, scope and state? For the shell's tests.
 *
 *	same [-w MS] [-l LEAST] [-d] NETNS...		each within MS (1000); says how many, and how long it took
 *
 * -l: at least so many in each are marked age-at-least, none in more states than there are; -d: nothing has been
 * corrected that an event tells. NETNS "-" is the one we are in.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oracle.h"

static int enter(const char *netns)
{
	char path[256];
	int fd, err;

	if (!strcmp(netns, "-"))
		return 0;
	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	err = fd < 0 || setns(fd, CLONE_NEWNET);
	if (err)
		printf("# %s: %m\n", path);
	close(fd);
	return err;
}

static int marked(const char *netns, struct oracle *o, size_t least)
{
	struct ends list = { 0 };
	size_t n = 0, i;

	if (oracle_module(o, &list))
		return -1;
	for (i = 0; i < list.n; i++)
		n += list.end[i].at_least;
	printf("# %s: %zu of %zu are marked age-at-least, wanted %zu\n", netns, n, list.n, least);
	ends_free(&list);
	return n < least ? -1 : 0;
}

int main(int argc, char **argv)
{
	int option, ms = ORACLE_EVENT_MS, corrected = 0, bad = 0;
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	static struct oracle o;
	size_t least = 0;

	while ((option = getopt(argc, argv, "w:l:d")) != -1) {
		switch (option) {
		case 'w': ms = atoi(optarg); break;
		case 'l': least = strtoul(optarg, NULL, 10); break;
		case 'd': corrected = 1; break;
		default: return 2;
		}
	}
	for (; optind < argc; optind++) {
		const char *netns = argv[optind];

		if (setns(home, CLONE_NEWNET) || enter(netns) || oracle_open(&o))
			return 1;
		bad |= oracle_equal(netns, &o, NULL, 0, ms);
		if (least)
			bad |= marked(netns, &o, least);
		if (corrected)
			bad |= oracle_undiverged(&o);
		oracle_close(&o);
	}
	return bad ? 1 : 0;
}
