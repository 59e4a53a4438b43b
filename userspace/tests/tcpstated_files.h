/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For the tests of the daemon: a directory with its configuration and what it writes. Behind
 * cmocka.h.
 */
#ifndef TCPSTATED_FILES_H
#define TCPSTATED_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[] = "/tmp/test_tcpstated_XXXXXX";
static char lines[128], other[128], state_file[128], config[128], option[160];
static char text[200000];

/* Into text[]. */
static inline void read_text(const char *path)
{
	FILE *f = fopen(path, "r");
	size_t len = 0;

	if (f) {
		len = fread(text, 1, sizeof(text) - 1, f);
		fclose(f);
	}
	text[len] = '\0';
}

/* Until it is there, but not for ever. */
static inline void wait_for(const char *path, const char *part)
{
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		read_text(path);
		if (strstr(text, part))
			return;
		usleep(20000);
	}
	fail_msg("'%s' does not come into %s: %s", part, path, text);
}

static inline void write_config(const char *what)
{
	FILE *f = fopen(config, "w");

	assert_non_null(f);
	fputs(what, f);
	fclose(f);
}

/* Of a group. */
static inline int make_dir(void **state)
{
	(void)state;
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	char command[160];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* Of a test: nothing but the configuration is there. */
static inline int set_up_files(void **state)
{
	char what[512];

	(void)state;
	snprintf(lines, sizeof(lines), "%s/lines", dir);
	snprintf(other, sizeof(other), "%s/other", dir);
	snprintf(state_file, sizeof(state_file), "%s/run/state", dir);
	snprintf(config, sizeof(config), "%s/tcpstated.conf", dir);
	snprintf(option, sizeof(option), "--state=%s", state_file);
	unlink(lines);
	unlink(other);
	unlink(state_file);
	snprintf(what, sizeof(what), "# where\njson = %s\nlog = none\n", lines);
	write_config(what);
	return 0;
}

#endif
