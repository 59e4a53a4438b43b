// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate show with alerts, listeners and destinations: the screen as it is in the manual, and
 * that it fits; who may not ask by netlink sees what /proc says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <cmocka.h>
#include <jansson.h>

#include "capture.h"
#include "fake_alerts.h"

/* A file that is there stands for /proc/tcpstate. */
#define TCPSTATE_PROC_PATH	FIXTURES "/busy"

#include "../tcpstate/show.c"

#define NOW	1769828645ull

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_REALTIME)
		return syscall(SYS_clock_gettime, clock, t);
	*t = (struct timespec){ .tv_sec = NOW };
	return 0;
}

int gethostname(char *name, size_t len)
{
	snprintf(name, len, "web17");
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	fake_reset();
	setenv("LC_ALL", "C", 1);
	return 0;
}

static void show_with(struct options o)
{
	o.proc = o.proc ? o.proc : TCPSTATE_PROC_PATH;
	capture_begin();
	assert_int_equal(show(&o), TCPSTATE_OK);
	capture_end();
}

/* Who holds the sockets depends on where the test runs: here nobody does. */
static struct tcpstate_peer unseen(struct tcpstate_peer peer)
{
	peer.socket = (struct tcpstate_socket){ .inode = fake_value(INT64_MAX) };
	return peer;
}

static void some_trouble(void)
{
	struct tcpstate_alert *a;

	a = fake_alert(39, TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TCPSTATE_SEVERITY_TICKET,
		       TCPSTATE_ALERT_REASON_PORTS, NOW - 720);
	fake_about(a, unseen(fake_destination(6379)));
	a = fake_alert(41, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
		       TCPSTATE_ALERT_REASON_QUEUE, NOW - 240);
	fake_about(a, unseen(fake_listener(8080)));
	fake_peers[n_fake_peers++] = unseen(fake_listener(8080));
	fake_peers[n_fake_peers++] = fake_destination(6379);
	fake_stats.verified_ns = fake_value(12000000000);
	fake_stats.on_ns = fake_value(6 * 86400 * 1000000000ull);
	fake_stats.older[TCPSTATE_STATE_CLOSE_WAIT][0] = 28;
}

static const char screen[] =
"web17  2 alerts  sees all sockets but the untracked, verified 12s ago\n"
"PAGE   #41 listen-full      :8080  queue 101/100, 212 drops/min, 4m00s\n"
"TICKET #39 port-exhaustion  > 10.0.3.9:6379  60%, levels at 74%, 12m00s\n"
"27,074 endpoints tracked (limit 262,144), 391,220 transitions\n"
"invalid 12 (segments that a socket drops: out of window, damaged)\n"
"untracked 8,120 (segments and changes of sockets that had no record)\n"
"\n"
"LISTENER  UNIT    QUEUE  DROP/min  ESTAB  CLOSE_WAIT\n"
":8080     -     101/100       212    100          31\n"
"TO PEER        UNIT  LIVE  TIME_WAIT  NEW/s  PORTS  FAIL/min\n"
"10.0.3.9:6379  -      212     17,009    345    60%         0\n"
"STATE           NOW  ENTERED   OLDEST  >60s\n"
"ESTABLISHED   9,812   51,210    2d03h     0\n"
"SYN_SENT          3   40,012    350ms     0\n"
"SYN_RECV          1   11,198      12s     0\n"
"FIN_WAIT1         0   40,100        -     -\n"
"FIN_WAIT2         7   39,800      59s     0\n"
"TIME_WAIT    17,009   39,700    1m00s     0\n"
"CLOSE             0   51,200        -     -\n"
"CLOSE_WAIT      212   11,100    3h05m    28\n"
"LAST_ACK          0   11,098        -     -\n"
"LISTEN           30       42  >=6d00h     0\n"
"CLOSING           0        0        -     -\n";

static void test_screen(void **state)
{
	(void)state;
	some_trouble();
	show_with((struct options){ .json = false });
	assert_string_equal(out, screen);
	/* Rows only. */
	show_with((struct options){ .no_header = true });
	assert_memory_equal(out, "ESTABLISHED", 11);
	assert_has_not(out, "8080");
}

/* What was there when it was switched on has been there for longer: nothing younger is marked. */
static void test_at_least(void **state)
{
	const char *row;

	(void)state;
	setenv("LC_ALL", "C.UTF-8", 1);
	fake_stats.on_ns = fake_value(184203 * 1000000000ull);
	show_with((struct options){ .filter.states = 1u << TCPSTATE_STATE_ESTABLISHED |
						     1u << TCPSTATE_STATE_CLOSE_WAIT });
	row = strstr(out, "STATE ");
	assert_string_equal(row, "STATE          NOW  ENTERED  OLDEST  >60s\n"
				 "ESTABLISHED  9,812   51,210   2d03h     0\n"
				 "CLOSE_WAIT     212   11,100   3h05m     0\n");
	fake_stats.on_ns = fake_value(184202 * 1000000000ull);
	show_with((struct options){ .filter.states = 1u << TCPSTATE_STATE_ESTABLISHED |
						     1u << TCPSTATE_STATE_CLOSE_WAIT });
	row = strstr(out, "STATE ");
	assert_string_equal(row, "STATE          NOW  ENTERED  OLDEST  >60s\n"
				 "ESTABLISHED  9,812   51,210  \342\211\2452d03h     0\n"
				 "CLOSE_WAIT     212   11,100   3h05m     0\n");
}

/* One line: the rest would look like a quiet machine. */
static void test_switched_off(void **state)
{
	const struct tcpstate_health off = { .coverage = { TCPSTATE_EVIDENCE_NONE, true } };
	const struct trouble none = { .known = true };
	struct verdict v;

	(void)state;
	verdict_build(&v, &none, &off, &fake_stats, VERDICT_LINES);
	assert_int_equal(v.n, 1);
	assert_string_equal(v.line[0],
			    "web17  switched off, nothing is counted or watched: tcpstate on");
}

static void test_all_is_well(void **state)
{
	(void)state;
	/* Since when it is on is left out where there is no room for it. */
	fake_stats.on_ns = fake_value(6 * 86400 * 1000000000ull);
	show_with((struct options){ .json = false });
	assert_memory_equal(out, "web17  no alert  module 6d00h, sees all sockets", 47);
	assert_has_not(out, "LISTENER");
	assert_has_not(out, "TO PEER");
	/* A listener with nothing to say is no row, either. */
	fake_peers[n_fake_peers++] = (struct tcpstate_peer){
		.kind = TCPSTATE_PEER_KIND_LISTENER, .name = { .family = AF_INET, .lport = 80 },
		.queue = fake_value(0), .backlog = fake_value(511),
	};
	show_with((struct options){ .json = false });
	assert_has_not(out, "LISTENER");
}

static void count_rows(unsigned int want_listeners, unsigned int want_destinations)
{
	unsigned int listeners = 0, destinations = 0;
	const char *at;

	for (at = out; *at; at += strcspn(at, "\n") + 1) {
		listeners += *at == ':';
		destinations += !strncmp(at, "10.0.3.9:", 9);
	}
	assert_int_equal(listeners, want_listeners);
	assert_int_equal(destinations, want_destinations);
}

/* Ten of each, the worst first, and not more alerts than fit. */
static void test_many(void **state)
{
	struct tcpstate_alert *a;
	unsigned int i;

	(void)state;
	for (i = 0; i < 25; i++) {
		struct tcpstate_peer p = unseen(fake_listener(60000 + i));

		p.queue = fake_value((i * 7) % 25);
		fake_peers[n_fake_peers++] = p;
		p = fake_destination(50000 + i);
		p.ports_used = fake_value(1000 * ((i * 7) % 25));
		fake_peers[n_fake_peers++] = p;
		a = fake_alert(i + 1, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
			       TCPSTATE_ALERT_REASON_DROPS, NOW - 100);
		fake_about(a, unseen(fake_listener(60000 + i)));
	}
	fake_alerts[0].alert.folded = true;
	fake_alerts[1].alert.ignored = true;
	show_with((struct options){ .json = false });
	assert_width();
	count_rows(10, 10);
	assert_memory_equal(out, "web17  24 alerts  ", 18);
	assert_has(out, "\nPAGE   #25 listen-full  :60024  101 drops/min, queue 101/100, 1m40s\n");
	assert_has(out, "\nand 16 more: tcpstate alerts\n");
	/* 7 * 7 % 25 is 24, the fullest. */
	assert_has(out, "CLOSE_WAIT\n:60007 ");
	assert_has(out, "FAIL/min\n10.0.3.9:50007 ");
}

/* Addresses are whole, units are cut, details lose their last parts: 80 columns. */
static void test_width(void **state)
{
	struct tcpstate_peer p = fake_listener(65535);
	struct tcpstate_alert *a;

	(void)state;
	memcpy(p.name.laddr, (uint8_t[]){ 192, 168, 100, 200 }, 4);
	p.queue = p.backlog = fake_value(65535);
	p.drops_per_minute = fake_value(100000);
	p.counts[TCPSTATE_STATE_ESTABLISHED] = 100000;
	fake_peers[n_fake_peers++] = p;
	a = fake_alert(1234, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
		       TCPSTATE_ALERT_REASON_QUEUE, NOW - 7 * 86400);
	a->unverified = true;
	fake_about(a, p);
	a = fake_alert(1235, TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE, TCPSTATE_SEVERITY_INFO,
		       TCPSTATE_ALERT_REASON_BUCKETS, NOW - 7 * 86400);
	p = fake_destination(65535);
	memcpy(p.name.raddr, (uint8_t[]){ 192, 168, 100, 200 }, 4);
	p.counts[TCPSTATE_STATE_TIME_WAIT] = 1000000;
	/* Its socket is gone, but who called connect() is here: this test. */
	p.socket = fake_socket();
	p.socket.inode = fake_value(1);
	p.socket.pid = fake_value(getpid());
	fake_peers[n_fake_peers++] = p;
	show_with((struct options){ .json = false });
	assert_width();
	assert_has(out, "web17  1 alert, 1 info  sees");
	assert_has(out, " 192.168.100.200:65535 ");
	assert_has(out, "\n192.168.100.200:65535 ");
	assert_has(out, "\n192.168.100.200:65535  test_");
}

/* Without CAP_NET_ADMIN: the file has no alert, so there is none. */
static void test_refused(void **state)
{
	(void)state;
	some_trouble();
	fake_error = -EPERM;
	show_with((struct options){ .json = false });
	assert_memory_equal(out, "web17  no alert  sees", 21);
	assert_has(out, "  >60s\n");
	/* An older module says nothing of alerts, and neither do we. */
	fake_error = -EOPNOTSUPP;
	show_with((struct options){ .json = false });
	assert_memory_equal(out, "27,074 endpoints", 16);
}

/* Another file is not this namespace: nothing is asked by netlink. */
static void test_proc(void **state)
{
	static const char lines[] =
		"listener 0.0.0.0:8080 queue 101 backlog 100 drops 8120 syn_recv 3\n"
		"listener [2001:db8::1]:443 queue 7 backlog 511 drops 0 syn_recv 0 newer 1\n"
		"alert 41 listen_full page since 1769828405 port 8080 value 212 limit 150\n"
		"alert 42 port_exhaustion ticket since 1769827925 peer 10.0.3.9:6379 value 17221 "
		"limit 14116\n";
	char path[] = "/tmp/tcpstate-test-XXXXXX", text[4096];
	FILE *in = fopen(FIXTURES "/busy", "r"), *to = fdopen(mkstemp(path), "w");

	(void)state;
	some_trouble();
	while (fgets(text, sizeof(text), in))
		fputs(text, to);
	fputs(lines, to);
	fclose(in);
	fclose(to);
	show_with((struct options){ .proc = path });
	assert_memory_equal(out, "web17  2 alerts  sees all sockets but the untracked\n"
		"PAGE   #41 listen-full      :8080  212, limit 150, 4m00s\n"
		"TICKET #42 port-exhaustion  > 10.0.3.9:6379  17,221, limit 14,116, 12m00s\n", 183);
	assert_has(out, "\n\nLISTENER             QUEUE  DROPS  SYN_RECV\n"
			":8080              101/100  8,120         3\n"
			"[2001:db8::1]:443    7/511      0         0\n"
			"STATE           NOW  ENTERED  OLDEST\n");
	show_with((struct options){ .proc = path, .json = true });
	unlink(path);
	assert_has(out, "\"kind\":\"listen-full\",\"severity\":\"page\",\"reason\":null,");
	assert_has(out, "\"peer\":{\"kind\":\"destination\",\"family\":4,\"local_addr\":null,"
			"\"local_port\":null,\"remote_addr\":\"10.0.3.9\",\"remote_port\":6379,");
	assert_has(out, "\"local_addr\":\"2001:db8::1\",\"local_port\":443,");
	assert_has(out, "\"peers\":null}\n");
}

static void test_json(void **state)
{
	json_t *root, *row;

	(void)state;
	some_trouble();
	show_with((struct options){ .json = true });
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(root);
	assert_int_equal(json_array_size(json_object_get(root, "alerts")), 2);
	assert_int_equal(json_array_size(json_object_get(root, "listeners")), 1);
	assert_int_equal(json_array_size(json_object_get(root, "peers")), 1);
	row = json_array_get(json_object_get(root, "peers"), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "opens_milli")), 345000);
	assert_true(json_is_false(json_object_get(row, "reusable")));
	assert_int_equal(json_integer_value(json_object_get(json_object_get(row, "counts"),
							    "TIME_WAIT")), 17009);
	json_decref(root);
	fake_alerts[0].alert.cleared = fake_value(1);
	show_with((struct options){ .json = true });
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_array_size(json_object_get(root, "alerts")), 1);
	json_decref(root);
	/* Nothing known is null, nothing there is an empty array. */
	fake_error = -EOPNOTSUPP;
	show_with((struct options){ .json = true });
	assert_has(out, ",\"alerts\":null,\"listeners\":null,\"peers\":null}\n");
	fake_error = 0;
	fake_reset();
	show_with((struct options){ .json = true });
	assert_has(out, ",\"alerts\":[],\"listeners\":[],\"peers\":[]}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_screen, set_up),
		cmocka_unit_test_setup(test_all_is_well, set_up),
		cmocka_unit_test_setup(test_at_least, set_up),
		cmocka_unit_test_setup(test_switched_off, set_up),
		cmocka_unit_test_setup(test_many, set_up),
		cmocka_unit_test_setup(test_width, set_up),
		cmocka_unit_test_setup(test_refused, set_up),
		cmocka_unit_test_setup(test_proc, set_up),
		cmocka_unit_test_setup(test_json, set_up),
	};

	return cmocka_run_group_tests_name("show", tests, NULL, NULL);
}
