// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners and destinations summed by who holds them, by a /proc that is made here.
 */
#define _GNU_SOURCE		/* nftw() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "capture.h"
#include "fake_alerts.h"
#include "tree.h"
#include "../tcpstate/alerts.h"

static const struct options plain;
static struct trouble t;
static char *text;

static void make_process(int pid, const char *comm, const char *groups, uint64_t inode)
{
	char target[64];

	write_file(below("proc/%d/comm", pid), comm);
	write_file(below("proc/%d/cgroup", pid), groups);
	snprintf(target, sizeof(target), "socket:[%llu]", (unsigned long long)inode);
	assert_int_equal(symlink(target, below("proc/%d/fd/3", pid)), 0);
}

static int set_up(void **state)
{
	t = (struct trouble){ .known = true, .counted = true };
	return make_tree(state);
}

static int tear_down(void **state)
{
	free(text);
	text = NULL;
	trouble_free(&t);
	return remove_tree(state);
}

/* Peers with a socket of this inode. */
static struct tcpstate_peer *add(struct tcpstate_peer p, uint64_t inode)
{
	p.socket = (struct tcpstate_socket){ .inode = fake_value(inode) };
	assert_int_equal(peer_list_add(&p, &t.peers), 0);
	return &t.peers.at[t.peers.n - 1];
}

static struct tcpstate_peer listener(uint64_t queue, uint64_t backlog, uint32_t established)
{
	struct tcpstate_peer p = fake_listener(80);

	p.queue.n = queue;
	p.backlog.n = backlog;
	p.counts[TCPSTATE_STATE_LISTEN] = 1;
	p.counts[TCPSTATE_STATE_ESTABLISHED] = established;
	return p;
}

static void make_text(void)
{
	t.holders = tcpstate_holders_new(proc, "/nonexistent");
	assert_non_null(t.holders);
	text = units_text(&t, &plain);
}

static void test_sums(void **state)
{
	(void)state;
	make_process(10, "nginx\n", "0::/system.slice/nginx.service\n", 500);
	make_process(11, "nginx\n", "0::/system.slice/nginx.service\n", 501);
	make_process(12, "curl\n", "0::/\n", 502);
	add(listener(3, 500, 100), 500);
	add(fake_destination(6379), 502);
	add(listener(5, 10, 7), 501);
	add(fake_destination(6380), 501);
	/* Its connections are those of its destinations. */
	add(fake_local_address(), 502);
	/* Of a socket that nobody has, and of one that is not told. */
	add(listener(0, 128, 1), 503);
	add(listener(0, 128, 1), 0)->socket.inode.known = false;
	make_text();
	assert_string_equal(text,
		"UNIT           LISTENERS  PEERS  QUEUE  ESTAB  TIME_WAIT  CLOSE_WAIT\n"
		"nginx.service          2      1   5/10    319     17,009          62\n"
		"curl/12                0      1      -    212     17,009           0\n"
		"-                      2      0  0/128      2          0          62");
}

/* Who had something and has nothing any more is nobody; connections outlive their listener. */
static void test_nothing_left(void **state)
{
	struct tcpstate_peer *p;

	(void)state;
	make_process(10, "a\n", "0::/a.service\n", 500);
	make_process(11, "b\n", "0::/b.service\n", 501);
	memset(add(fake_destination(6379), 500)->counts, 0, sizeof(t.peers.at->counts));
	p = add(listener(0, 0, 0), 500);
	memset(p->counts, 0, sizeof(p->counts));
	p->sockets.n = 0;
	add(listener(0, 0, 4), 501)->sockets.n = 0;
	make_text();
	assert_string_equal(text,
		"UNIT       LISTENERS  PEERS  ESTAB  TIME_WAIT  CLOSE_WAIT\n"
		"b.service          0      0      4          0          31");
}

static void test_empty(void **state)
{
	(void)state;
	make_text();
	assert_null(text);
	/* From /proc there are no holders. */
	add(listener(1, 2, 3), 500);
	t.counted = false;
	assert_null(units_text(&t, &plain));
}

/* 2,000 units: the busiest ten, none wider than a screen, however long its name. */
static void test_many(void **state)
{
	unsigned int i, lines = 0;
	char groups[300], *line;
	size_t len;

	(void)state;
	for (i = 1; i <= 2000; i++) {
		snprintf(groups, sizeof(groups), "0::/u%04u-%0200u.service\n", i, 0);
		make_process(i, "x\n", groups, 1000 + i);
		add(listener(65000, 65535, 4000000 + i), 1000 + i);
		add(fake_destination(80), 1000 + i)->counts[TCPSTATE_STATE_TIME_WAIT] = 4194304;
	}
	make_text();
	assert_memory_equal(strchr(text, '\n') + 1, "u2000-0", 7);
	for (line = text; *line; line += len + (line[len] == '\n')) {
		len = strcspn(line, "\n");
		assert_in_range(len, 1, WIDTH);
		lines++;
	}
	assert_int_equal(lines, 1 + PEER_ROWS);
	assert_memory_equal(strrchr(text, '\n') + 1, "u1991-0", 7);
}

#define with_tree(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_tree(test_sums),
		with_tree(test_nothing_left),
		with_tree(test_empty),
		with_tree(test_many),
	};

	return cmocka_run_group_tests_name("show_units", tests, NULL, NULL);
}
