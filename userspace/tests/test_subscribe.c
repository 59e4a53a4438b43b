// SPDX-License-Identifier: GPL-2.0-only
/*
 * Notices that arrive, and how many did not: by their numbers, from what a dump has told on. The
 * kernel is a list of datagrams.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message.h"
#include "../lib/alert.h"

/* What is static there is called here, and what it calls is here. */
#include "../lib/subscribe.c"

#define FAMILY	33

/* What comes next: a notice with this number, or an errno. */
static struct {
	uint64_t seq;
	int error;
	uint8_t cmd;
	uint16_t type;
} incoming[16];
static unsigned int n_incoming, at_incoming;
static uint64_t got[16];
static unsigned int n_got;
static struct tcpstate_link link_;

int link_fail(struct tcpstate_link *l, int err, const char *fmt, ...)
{
	(void)l, (void)fmt;
	return err;
}

int link_fail_errno(struct tcpstate_link *l, const char *what)
{
	(void)l, (void)what;
	return -errno;
}

int link_refused(struct tcpstate_link *l, int err, const struct nlmsghdr *nlh, size_t skip)
{
	(void)l, (void)nlh, (void)skip;
	return err;
}

int link_no_alerts(struct tcpstate_link *l)
{
	(void)l;
	return -EOPNOTSUPP;
}

uint16_t link_family(const void *attrs, size_t len)
{
	(void)attrs, (void)len;
	return FAMILY;
}

int tcpstate_link_stats(struct tcpstate_link *l, struct tcpstate_stats *stats)
{
	(void)l;
	*stats = (struct tcpstate_stats){ .event_lost = 0 };
	return 0;
}

int link_take(struct tcpstate_link *l, const struct nlmsghdr *nlh, take_fn take, void *arg)
{
	(void)l;
	return take(mnl_nlmsg_get_payload_offset(nlh, GENL_HDRLEN),
		    mnl_nlmsg_get_payload_len(nlh) - GENL_HDRLEN, arg);
}

static void put_notice(struct nlmsghdr *nlh, uint64_t seq)
{
	static const uint32_t words[] = {
		TCPSTATE_A_ALERT_ID, TCPSTATE_A_ALERT_KIND, TCPSTATE_A_ALERT_SEVERITY,
		TCPSTATE_A_ALERT_REASON,
	};
	struct nlattr *nest;
	unsigned int i;

	mnl_attr_put_u64(nlh, TCPSTATE_A_ALERTS_SEQ, seq);
	nest = mnl_attr_nest_start(nlh, TCPSTATE_A_ALERTS_ALERT);
	for (i = 0; i < 4; i++)
		mnl_attr_put_u32(nlh, words[i], 1);
	mnl_attr_put_u64(nlh, TCPSTATE_A_ALERT_VALUE, 1);
	mnl_attr_put_u64(nlh, TCPSTATE_A_ALERT_LIMIT, 1);
	mnl_attr_put_u64(nlh, TCPSTATE_A_ALERT_PEAK, 1);
	mnl_attr_put_u64(nlh, TCPSTATE_A_ALERT_RAISED_NS, 1);
	mnl_attr_put_u64(nlh, TCPSTATE_A_ALERT_BEGUN_NS, 1);
	mnl_attr_nest_end(nlh, nest);
}

ssize_t link_receive(struct tcpstate_link *l, int flags)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(l->reply);
	struct genlmsghdr *genl;

	(void)flags;
	errno = at_incoming == n_incoming ? EAGAIN : incoming[at_incoming].error;
	if (errno) {
		at_incoming += at_incoming < n_incoming;
		return -1;
	}
	nlh->nlmsg_type = incoming[at_incoming].type;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = incoming[at_incoming].cmd;
	put_notice(nlh, incoming[at_incoming++].seq);
	return nlh->nlmsg_len;
}

static int take(const struct tcpstate_notice *n, void *arg)
{
	(void)arg;
	got[n_got++] = n->seq;
	return 0;
}

static void add(uint64_t seq)
{
	incoming[n_incoming].seq = seq;
	incoming[n_incoming].error = 0;
	incoming[n_incoming].type = FAMILY;
	incoming[n_incoming++].cmd = TCPSTATE_CMD_ALERT_NTF;
}

static void add_error(int error)
{
	incoming[n_incoming++].error = error;
}

static struct tcpstate_loss receive(int want)
{
	struct tcpstate_loss loss;

	assert_int_equal(tcpstate_link_notices(&link_, take, NULL, &loss), want);
	assert_int_equal(loss.kernel, 0);
	return loss;
}

static int set_up(void **state)
{
	(void)state;
	n_incoming = at_incoming = n_got = 0;
	memset(&link_, 0, sizeof(link_));
	link_.family = FAMILY;
	link_.groups[LINK_ALERTS] = 5;
	return 0;
}

static void test_all_come(void **state)
{
	struct tcpstate_loss loss;

	(void)state;
	add(7);
	add(8);
	loss = receive(0);
	assert_int_equal(loss.reader, 0);
	assert_int_equal(loss.overruns, 0);
	assert_int_equal(n_got, 2);
	assert_int_equal(got[1], 8);
	assert_int_equal(receive(0).reader, 0);
	assert_int_equal(n_got, 2);
}

static void test_gap(void **state)
{
	struct tcpstate_loss loss;

	(void)state;
	add(7);
	add_error(ENOBUFS);
	assert_int_equal(receive(0).overruns, 1);
	add(12);
	add(13);
	add_error(ENOBUFS);
	add(15);
	loss = receive(0);
	assert_int_equal(loss.reader, 4 + 1);
	assert_int_equal(loss.overruns, 2);
	assert_int_equal(n_got, 4);
}

/* What the dump has told may come, late, or not at all; behind it everything counts. */
static void test_expected(void **state)
{
	(void)state;
	tcpstate_link_expect(&link_, 10);
	add(8);
	add(10);
	assert_int_equal(receive(0).reader, 0);
	assert_int_equal(n_got, 2);
	add(12);
	assert_int_equal(receive(0).reader, 1);
	/* A later dump does not excuse what was lost before it. */
	tcpstate_link_expect(&link_, 20);
	add(21);
	assert_int_equal(receive(0).reader, 1 + 8);
}

static void test_expected_gap(void **state)
{
	(void)state;
	tcpstate_link_expect(&link_, 0);
	add(3);
	assert_int_equal(receive(0).reader, 2);
}

/* Other messages are none of these; the end of the family is the end. */
static void test_others(void **state)
{
	(void)state;
	add(1);
	incoming[n_incoming - 1].type = FAMILY + 1;
	add(2);
	incoming[n_incoming - 1].cmd = TCPSTATE_CMD_TRANSITION_NTF;
	add(3);
	assert_int_equal(receive(0).reader, 0);
	assert_int_equal(n_got, 1);
	add(4);
	incoming[n_incoming - 1].type = GENL_ID_CTRL;
	incoming[n_incoming - 1].cmd = CTRL_CMD_DELFAMILY;
	receive(-ENOENT);
	add_error(EIO);
	receive(-EIO);
}

static void test_older_module(void **state)
{
	(void)state;
	link_.groups[LINK_ALERTS] = 0;
	assert_int_equal(tcpstate_link_subscribe_alerts(&link_, 0), -EOPNOTSUPP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_all_come, set_up),
		cmocka_unit_test_setup(test_gap, set_up),
		cmocka_unit_test_setup(test_expected, set_up),
		cmocka_unit_test_setup(test_expected_gap, set_up),
		cmocka_unit_test_setup(test_others, set_up),
		cmocka_unit_test_setup(test_older_module, set_up),
	};

	return cmocka_run_group_tests_name("subscribe", tests, NULL, NULL);
}
