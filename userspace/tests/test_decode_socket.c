// SPDX-License-Identifier: GPL-2.0-only
/*
 * The decoder again: what endpoints and transitions say of the socket, none of which has to be
 * there.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "message.h"

static struct tcpstate_endpoint endpoint;
static struct tcpstate_transition transition;
static uint64_t lost;

static int decode_endpoint(const void *attrs, size_t len)
{
	return tcpstate_decode_endpoint(attrs, len, &endpoint);
}

static int see(const struct tcpstate_transition *t, void *arg)
{
	*(struct tcpstate_transition *)arg = *t;
	return 0;
}

static int decode_events(const void *attrs, size_t len)
{
	return tcpstate_decode_events(attrs, len, &lost, see, &transition);
}

/* As an older module sends it. */
static void bare_endpoint(void)
{
	begin();
	put_tuple(AF_INET);
	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_LOCAL_STATE, TCPSTATE_STATE_ESTABLISHED);
	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_REMOTE_STATE, TCPSTATE_STATE_ESTABLISHED);
	mnl_attr_put_u64(msg, TCPSTATE_A_ENDPOINT_AGE_NS, 5);
}

/* @first: the number of the first of the five. */
static void put_socket(uint16_t first)
{
	mnl_attr_put_u32(msg, first, UINT32_MAX);
	mnl_attr_put_u64(msg, first + 1, 12345);
	mnl_attr_put_u64(msg, first + 2, INT64_MAX);
	mnl_attr_put_u64(msg, first + 3, 99);
	mnl_attr_put_u32(msg, first + 4, 1234);
}

static void assert_value(const struct tcpstate_value *v, uint64_t n)
{
	assert_true(v->known);
	assert_int_equal(v->n, n);
}

static void assert_unknown(const struct tcpstate_value *v)
{
	assert_false(v->known);
	assert_int_equal(v->n, 0);
}

static void assert_socket(const struct tcpstate_socket *s)
{
	assert_value(&s->uid, UINT32_MAX);
	assert_value(&s->inode, 12345);
	assert_value(&s->cookie, INT64_MAX);
	assert_value(&s->cgroup, 99);
	assert_value(&s->pid, 1234);
}

static void assert_no_socket(const struct tcpstate_socket *s)
{
	assert_unknown(&s->kind);
	assert_unknown(&s->uid);
	assert_unknown(&s->inode);
	assert_unknown(&s->cookie);
	assert_unknown(&s->cgroup);
	assert_unknown(&s->pid);
}

static void test_endpoint(void **state)
{
	(void)state;
	bare_endpoint();
	assert_int_equal(decode_all(decode_endpoint), 0);
	assert_no_socket(&endpoint.socket);
	assert_false(endpoint.age_at_least);

	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_SOCKET_KIND, TCPSTATE_SOCKET_KIND_FULL);
	put_socket(TCPSTATE_A_ENDPOINT_UID);
	mnl_attr_put(msg, TCPSTATE_A_ENDPOINT_AGE_AT_LEAST, 0, NULL);
	put_unknown();
	assert_int_equal(decode_all(decode_endpoint), 0);
	assert_socket(&endpoint.socket);
	assert_value(&endpoint.socket.kind, TCPSTATE_SOCKET_KIND_FULL);
	assert_true(endpoint.age_at_least);

	/* An inode of 0 is something that the kernel has said. */
	bare_endpoint();
	mnl_attr_put_u64(msg, TCPSTATE_A_ENDPOINT_INODE, 0);
	assert_int_equal(decode_all(decode_endpoint), 0);
	assert_value(&endpoint.socket.inode, 0);
}

/* A kind that this program does not know is no reason to lose the endpoint. */
static void test_newer_kind(void **state)
{
	(void)state;
	bare_endpoint();
	mnl_attr_put_u32(msg, TCPSTATE_A_ENDPOINT_SOCKET_KIND, 77);
	assert_int_equal(decode_all(decode_endpoint), 0);
	assert_value(&endpoint.socket.kind, 77);
	assert_null(tcpstate_socket_kind_name(77));
	assert_null(tcpstate_socket_kind_name(0));
	assert_string_equal(tcpstate_socket_kind_name(TCPSTATE_SOCKET_KIND_FULL), "full");
	assert_string_equal(tcpstate_socket_kind_name(TCPSTATE_SOCKET_KIND_REQUEST), "request");
	assert_string_equal(tcpstate_socket_kind_name(TCPSTATE_SOCKET_KIND_MINISOCK), "minisock");
}

/* Each of them with another length, or a number that is none. */
static void test_endpoint_refused(void **state)
{
	static const uint16_t numbers[] = {
		TCPSTATE_A_ENDPOINT_INODE, TCPSTATE_A_ENDPOINT_COOKIE, TCPSTATE_A_ENDPOINT_CGROUP,
	};
	unsigned int i;

	(void)state;
	for (i = TCPSTATE_A_ENDPOINT_SOCKET_KIND; i <= TCPSTATE_A_ENDPOINT_BYPASSED; i++) {
		bare_endpoint();
		mnl_attr_put_u16(msg, i, 1);
		assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
		bare_endpoint();
		mnl_attr_put(msg, i, 0, NULL);
		assert_int_equal(decode_all(decode_endpoint),
				 i >= TCPSTATE_A_ENDPOINT_AGE_AT_LEAST ? 0 : -EBADMSG);
	}
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		bare_endpoint();
		mnl_attr_put_u64(msg, numbers[i], (uint64_t)INT64_MAX + 1);
		assert_int_equal(decode_all(decode_endpoint), -EBADMSG);
	}
}

static struct nlattr *begin_transition(void)
{
	struct nlattr *nest;

	begin();
	mnl_attr_put_u64(msg, TCPSTATE_A_EVENTS_LOST, 0);
	nest = mnl_attr_nest_start(msg, TCPSTATE_A_EVENTS_TRANSITION);
	put_tuple(AF_INET6);
	mnl_attr_put_u64(msg, TCPSTATE_A_TRANSITION_SEQ, 1);
	mnl_attr_put_u64(msg, TCPSTATE_A_TRANSITION_TIME_NS, 5000);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_END, TCPSTATE_END_LOCAL);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_OLD_STATE, TCPSTATE_STATE_SYN_RECV);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_NEW_STATE, TCPSTATE_STATE_ESTABLISHED);
	mnl_attr_put_u32(msg, TCPSTATE_A_TRANSITION_CAUSE, TCPSTATE_CAUSE_REPAIRED);
	return nest;
}

static void test_transition(void **state)
{
	struct nlattr *nest;
	unsigned int i;

	(void)state;
	mnl_attr_nest_end(msg, begin_transition());
	assert_int_equal(decode_all(decode_events), 0);
	assert_no_socket(&transition.socket);
	assert_string_equal(tcpstate_cause_name(transition.cause), "repaired");

	nest = begin_transition();
	put_socket(TCPSTATE_A_TRANSITION_UID);
	mnl_attr_nest_end(msg, nest);
	assert_int_equal(decode_all(decode_events), 0);
	assert_socket(&transition.socket);
	assert_unknown(&transition.socket.kind);

	for (i = TCPSTATE_A_TRANSITION_UID; i <= TCPSTATE_A_TRANSITION_PID; i++) {
		nest = begin_transition();
		mnl_attr_put_u16(msg, i, 1);
		mnl_attr_nest_end(msg, nest);
		assert_int_equal(decode_all(decode_events), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_endpoint),
		cmocka_unit_test(test_newer_kind),
		cmocka_unit_test(test_endpoint_refused),
		cmocka_unit_test(test_transition),
	};

	return cmocka_run_group_tests_name("decode_socket", tests, NULL, NULL);
}
