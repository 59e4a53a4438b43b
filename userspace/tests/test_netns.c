// SPDX-License-Identifier: GPL-2.0-only
/*
 * The network namespaces of a machine, by a /proc that is made here, and their table.
 */
#define _GNU_SOURCE		/* nftw() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"
#include "../lib/netns.h"
#include "../tcpstate/top.h"

static struct tcpstate_namespaces *ns;
static char names[80];
static char *text;

unsigned int line_width(void)
{
	return WIDTH;
}

/* A file is a namespace: it has a device and an inode. */
static uint64_t make_netns(const char *name)
{
	struct stat st;

	write_file(below("nsfs/%s", name), "");
	assert_int_equal(stat(below("nsfs/%s", name), &st), 0);
	return st.st_ino;
}

static void enter(const char *pid, const char *name)
{
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s", below("nsfs/%s", name));
	assert_int_equal(symlink(target, below("proc/%s/ns/net", pid)), 0);
}

static void make_process(int pid, const char *comm, const char *netns)
{
	char name[16];

	snprintf(name, sizeof(name), "%d", pid);
	write_file(below("proc/%d/comm", pid), comm);
	enter(name, netns);
}

static void mount_name(const char *name, const char *netns)
{
	char target[PATH_MAX];

	snprintf(target, sizeof(target), "%s", below("nsfs/%s", netns));
	assert_int_equal(link(target, below("netns/%s", name)), 0);
}

/* What process @pid has as net/tcpstate: as many in ESTABLISHED as are tracked; others as told. */
static void make_counts(int pid, uint64_t netns, unsigned int tracked, const char *more)
{
	char buf[4096];
	size_t used;
	unsigned int s;

	used = snprintf(buf, sizeof(buf), "tcpstate 1\nnetns %llu\ntracked %u\nlimit 1000000\n",
			(unsigned long long)netns, tracked);
	for (s = TCPSTATE_STATE_FIRST; s <= TCPSTATE_STATE_LAST; s++)
		used += snprintf(buf + used, sizeof(buf) - used, "state %s %u\n",
				 tcpstate_state_name(s), s == TCPSTATE_STATE_FIRST ? tracked : s);
	snprintf(buf + used, sizeof(buf) - used, "%s", more);
	write_file(below("proc/%d/net/tcpstate", pid), buf);
}

static int set_up(void **state)
{
	if (make_tree(state))
		return -1;
	snprintf(names, sizeof(names), "%s/netns", dir);
	below("netns/");
	ns = tcpstate_namespaces_new(proc, names);
	return ns ? 0 : -1;
}

static int tear_down(void **state)
{
	free(text);
	text = NULL;
	tcpstate_namespaces_free(ns);
	return remove_tree(state);
}

static const char *table_of(unsigned int rows)
{
	static const struct options plain;

	free(text);
	text = netns_text(ns, rows, &plain);
	return text;
}

/* Each once, by its name or its first process; ours first, then by what they have. */
static void test_list(void **state)
{
	uint64_t init = make_netns("init"), web = make_netns("web"), pod = make_netns("pod");

	(void)state;
	make_process(900, "python3\n", "init");
	make_process(1, "systemd\n", "init");
	make_process(1200, "nginx\n", "web");
	make_process(77, "java\033\n", "pod");
	make_process(78, "java\n", "pod");
	enter("self", "init");
	mount_name("web-too", "web");
	mount_name("web", "web");
	write_file(below("netns/none"), "");
	make_counts(1, init, 2, "");
	make_counts(1200, web, 12345, "alert 1 listen_full page since 1\n"
		    "alert 2 close_wait_leak ticket since 1\nalert 3 some info since 1\n");
	make_counts(77, pod, 400, "");
	tcpstate_namespaces_refresh(ns);
	assert_string_equal(table_of(10),
		"NETNS      TRACKED   ESTAB  SYN_RECV  TIME_WAIT  CLOSE_WAIT  ALERTS\n"
		"systemd/1        2       2         3          6           8       0\n"
		"web         12,345  12,345         3          6           8       2\n"
		"java?/77       400     400         3          6           8       0");
	assert_string_equal(table_of(2),
		"NETNS      TRACKED  ESTAB  SYN_RECV  TIME_WAIT  CLOSE_WAIT  ALERTS\n"
		"systemd/1        2      2         3          6           8       0\n"
		"and 2 more");
}

/* No file, one that is none, and that of a process which is somewhere else by now. */
static void test_unreadable(void **state)
{
	uint64_t init = make_netns("init");
	const struct tcpstate_netns *at;
	size_t n, i;

	(void)state;
	make_netns("a");
	make_netns("b");
	make_netns("c");
	make_process(5, "a\n", "a");
	make_process(6, "b\n", "b");
	make_process(7, "c\n", "c");
	make_process(8, "d\n", "init");
	write_file(below("proc/6/net/tcpstate"), "tcpstate 1\nnetns");
	make_counts(7, init, 100, "alert 1 listen_full page since 1\n");
	make_counts(8, init, 0, "");
	/* One that ends while it is looked at, one that we may not look into. */
	write_file(below("proc/9/comm"), "e\n");
	below("proc/10/");
	tcpstate_namespaces_refresh(ns);
	at = tcpstate_namespaces_list(ns, &n);
	assert_int_equal(n, 4);
	for (i = 0; i < n; i++) {
		assert_int_equal(at[i].known, !i);
		assert_false(at[i].own);
	}
	assert_string_equal(table_of(10),
		"NETNS  TRACKED  ESTAB  SYN_RECV  TIME_WAIT  CLOSE_WAIT  ALERTS\n"
		"d/8          0      0         3          6           8       0\n"
		"a/5          -      -         -          -           -       -\n"
		"b/6          -      -         -          -           -       -\n"
		"c/7          -      -         -          -           -       -");
}

static void test_empty(void **state)
{
	(void)state;
	assert_null(table_of(10));
	tcpstate_namespaces_refresh(ns);
	assert_null(table_of(10));
	tcpstate_namespaces_free(ns);
	ns = tcpstate_namespaces_new("/nonexistent", "/nonexistent");
	tcpstate_namespaces_refresh(ns);
	assert_null(table_of(10));
}

/* What has changed is seen, but not at once: processes less often than numbers. */
static void test_again(void **state)
{
	uint64_t init = make_netns("init");
	const struct tcpstate_netns *at;
	unsigned int tries = 0;
	size_t n;

	(void)state;
	make_process(1, "init\n", "init");
	make_counts(1, init, 1, "");
	tcpstate_namespaces_refresh(ns);
	make_process(2, "late\n", "late");
	make_netns("late");
	make_counts(1, init, 7, "");
	tcpstate_namespaces_refresh(ns);
	at = tcpstate_namespaces_list(ns, &n);
	assert_int_equal(at->s.tracked.n, 1);
	do {
		usleep(50000);
		tcpstate_namespaces_refresh(ns);
		at = tcpstate_namespaces_list(ns, &n);
	} while (at->s.tracked.n != 7 && ++tries < 200);
	assert_int_equal(at->s.tracked.n, 7);
	assert_int_equal(n, 1);
	while (n == 1 && ++tries < 200) {
		usleep(50000);
		tcpstate_namespaces_refresh(ns);
		at = tcpstate_namespaces_list(ns, &n);
	}
	assert_int_equal(n, 2);
	assert_string_equal(at[1].name, "late/2");
}

/* 500 namespaces with four processes each; no line is wider than a screen, whatever their names. */
static void test_many(void **state)
{
	char name[NAME_MAX + 1], netns[16], *line;
	unsigned int lines = 0;
	uint64_t inode;
	size_t len;
	int i;

	(void)state;
	for (i = 1; i <= 2000; i++) {
		snprintf(netns, sizeof(netns), "ns%d", i % 500);
		inode = make_netns(netns);
		make_process(i, "w\n", netns);
		if (i > 500)
			continue;
		make_counts(i, inode, 4000000 + i, "");
		snprintf(name, sizeof(name), "n%04d-%0249d", i, 0);
		mount_name(name, netns);
	}
	tcpstate_namespaces_refresh(ns);
	assert_memory_equal(strchr(table_of(43), '\n') + 1, "n0500-0", 7);
	for (line = text; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		assert_in_range(len, 1, WIDTH);
		lines++;
	}
	assert_int_equal(lines, 1 + 43);
	assert_string_equal(strrchr(text, '\n') + 1, "and 458 more");
}

#define with_tree(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_tree(test_list),
		with_tree(test_unreadable),
		with_tree(test_empty),
		with_tree(test_again),
		with_tree(test_many),
	};

	return cmocka_run_group_tests_name("netns", tests, NULL, NULL);
}
