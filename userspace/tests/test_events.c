// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate events against a link that is none: its lines and its objects, and who has the sockets,
 * of which one is ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "capture.h"
#include "fake_link.h"

/* Not in the library: they are the tool's. */
#include "../tcpstate/events.c"
#include "../tcpstate/holder.c"
#include "../tcpstate/output.c"

/* The module */

static struct tcpstate_transition transitions[8];
static unsigned int n_transitions;
static int always;

int tcpstate_link_fd(const struct tcpstate_link *link)
{
	(void)link;
	return always;
}

int tcpstate_link_subscribe(struct tcpstate_link *link, unsigned int buffer)
{
	(void)link, (void)buffer;
	return 0;
}

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *config)
{
	(void)link, (void)config;
	return 0;
}

static uint64_t coverage;

int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats)
{
	(void)link;
	*stats = (struct tcpstate_stats){ .snapshot.health.coverage = { coverage, true } };
	return 0;
}

int tcpstate_link_events(struct tcpstate_link *link,
			 int (*each)(const struct tcpstate_transition *t, void *arg), void *arg,
			 struct tcpstate_loss *loss)
{
	unsigned int i;
	int ret = 0;

	(void)link;
	*loss = (struct tcpstate_loss){ 0 };
	for (i = 0; i < n_transitions && !ret; i++)
		ret = each(&transitions[i], arg);
	return ret;
}

/* All of them once. */
static void follow_with(struct options o)
{
	o.filter.limit = n_transitions;
	capture_begin();
	assert_int_equal(follow_events(&o), TCPSTATE_OK);
	capture_end();
}

static void add(uint8_t end, uint8_t from, uint8_t to, struct tcpstate_socket s)
{
	transitions[n_transitions++] = (struct tcpstate_transition){
		.seq = n_transitions, .end = end, .from = from, .to = to,
		.cause = TCPSTATE_CAUSE_SYN_ACKED, .socket = s,
		.tuple = { .family = AF_INET, .laddr = { 192, 0, 2, 1 }, .raddr = { 192, 0, 2, 2 },
			   .lport = 80, .rport = 50312 },
	};
}

static struct tcpstate_socket with_inode(uint64_t inode)
{
	return (struct tcpstate_socket){
		.uid = { 1000, true }, .inode = { inode, true }, .cookie = { 4711, true },
	};
}

static int set_up(void **state)
{
	(void)state;
	n_transitions = 0;
	coverage = TCPSTATE_EVIDENCE_SOCKETS;
	always = open("/dev/zero", O_RDONLY);
	return always < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return close(always);
}

static void test_text(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char want[64];
	struct stat st;

	(void)state;
	assert_int_equal(fstat(fd, &st), 0);
	add(TCPSTATE_END_LOCAL, 2, 1, with_inode(st.st_ino));
	add(TCPSTATE_END_LOCAL, 3, 1, with_inode(0));
	add(TCPSTATE_END_REMOTE, 3, 1, with_inode(0));
	add(TCPSTATE_END_LOCAL, 5, 6, (struct tcpstate_socket){ .uid.known = false });
	add(TCPSTATE_END_LOCAL, 10, 3, (struct tcpstate_socket){ .uid.known = false });
	follow_with((struct options){ .processes = true });
	close(fd);
	snprintf(want, sizeof(want), " local SYN_SENT -> ESTABLISHED - syn-acked test_events/%d",
		 (int)getpid());
	assert_has(out, want);
	assert_has(out, " local SYN_RECV -> ESTABLISHED - syn-acked not accepted yet\n");
	assert_has(out, " remote SYN_RECV -> ESTABLISHED - syn-acked -\n");
	assert_has(out, " local FIN_WAIT2 -> TIME_WAIT - syn-acked kernel\n");
	assert_has(out, " local LISTEN -> SYN_RECV - syn-acked half-open\n");

	follow_with((struct options){ .processes = false });
	assert_has(out, " local SYN_RECV -> ESTABLISHED - syn-acked\n");
}

static void test_json(void **state)
{
	struct tcpstate_socket caller = with_inode(INT64_MAX);

	(void)state;
	add(TCPSTATE_END_LOCAL, 3, 1, with_inode(0));
	add(TCPSTATE_END_LOCAL, 3, 1, (struct tcpstate_socket){ .uid.known = false });
	follow_with((struct options){ .json = true });
	assert_has(out, ",\"duration_ns\":null,\"uid\":1000,\"inode\":0,\"cookie\":4711,"
			"\"cgroup\":null,\"pid\":null}\n");
	assert_has(out, ",\"uid\":null,\"inode\":null,\"cookie\":null,\"cgroup\":null,\"pid\":null}\n");
	assert_has_not(out, "holder");

	/* No process has such an inode; who called connect() is still there. */
	n_transitions = 0;
	caller.pid = (struct tcpstate_value){ getpid(), true };
	add(TCPSTATE_END_LOCAL, 7, 2, caller);
	follow_with((struct options){ .json = true, .processes = true });
	assert_has(out, "\"holder\":{\"kind\":\"process\",\"processes\":[{\"pid\":");
	assert_has(out, ",\"comm\":\"test_events\",\"fd\":null}],\"process_count\":1,");
}

/* Who waits for it to be switched on is told so, and waits. */
static void test_switched_off(void **state)
{
	(void)state;
	add(TCPSTATE_END_LOCAL, 3, 1, with_inode(0));
	coverage = TCPSTATE_EVIDENCE_NONE;
	complaint_begin();
	follow_with((struct options){ .json = false });
	complaint_end();
	assert_has(out, " local SYN_RECV -> ESTABLISHED - syn-acked\n");
	assert_string_equal(complaint,
			    "tcpstate: switched off; switch it on with: tcpstate on\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_text, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_switched_off, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("events", tests, NULL, NULL);
}
