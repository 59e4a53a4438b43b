// SPDX-License-Identifier: GPL-2.0-only
/*
 * Our records against the kernel's sockets: the decoder of inet_diag, what is a difference, and
 * what has only moved.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "../lib/compare.h"

#define ALL	((2u << TCPSTATE_STATE_LAST) - (1u << TCPSTATE_STATE_FIRST))
#define NONE	0

enum {
	EST = TCPSTATE_STATE_ESTABLISHED,
	FW1 = TCPSTATE_STATE_FIN_WAIT1,
	FW2 = TCPSTATE_STATE_FIN_WAIT2,
	TW = TCPSTATE_STATE_TIME_WAIT,
	CW = TCPSTATE_STATE_CLOSE_WAIT,
	LIS = TCPSTATE_STATE_LISTEN,
};

/* Decoder */

static struct inet_diag_msg message(int family, const char *local, const char *remote)
{
	struct inet_diag_msg m = { .idiag_family = family, .idiag_state = CW };

	m.id.idiag_sport = htons(443);
	m.id.idiag_dport = htons(51234);
	m.id.idiag_if = 7;
	m.id.idiag_cookie[0] = 0x89abcdef;
	m.id.idiag_cookie[1] = 0x01234567;
	assert_int_equal(inet_pton(family, local, m.id.idiag_src), 1);
	assert_int_equal(inet_pton(family, remote, m.id.idiag_dst), 1);
	return m;
}

/* In memory of exactly this size and of no alignment, so that ASan and UBSan see what is wrong. */
static int decode(const void *bytes, size_t len, struct tcpstate_seen *seen)
{
	char *copy = malloc(len + 1);
	int ret;

	assert_non_null(copy);
	memcpy(copy + 1, bytes, len);
	ret = tcpstate_decode_diag(copy + 1, len, seen);
	free(copy);
	return ret;
}

static void assert_ends(const struct tcpstate_tuple *t, int family, const char *local,
			const char *remote)
{
	uint8_t laddr[16] = { 0 }, raddr[16] = { 0 };

	assert_int_equal(t->family, family);
	assert_int_equal(inet_pton(family, local, laddr), 1);
	assert_int_equal(inet_pton(family, remote, raddr), 1);
	/* All 16 bytes: the tuple is compared as bytes. */
	assert_memory_equal(t->laddr, laddr, 16);
	assert_memory_equal(t->raddr, raddr, 16);
}

static void assert_decoded(int family, const char *local, const char *remote, int want,
			   const char *want_local, const char *want_remote)
{
	struct inet_diag_msg m = message(family, local, remote);
	struct tcpstate_seen seen;

	assert_int_equal(decode(&m, sizeof(m), &seen), 0);
	assert_ends(&seen.tuple, want, want_local, want_remote);
	assert_int_equal(seen.tuple.lport, 443);
	assert_int_equal(seen.tuple.rport, 51234);
	assert_int_equal(seen.tuple.scope, 7);
	assert_int_equal(seen.cookie, 0x0123456789abcdef);
	assert_int_equal(seen.state, CW);
}

static void test_decode(void **state)
{
	(void)state;
	assert_decoded(AF_INET, "192.0.2.1", "198.51.100.7", AF_INET, "192.0.2.1", "198.51.100.7");
	assert_decoded(AF_INET6, "2001:db8::1", "2001:db8::2", AF_INET6, "2001:db8::1",
		       "2001:db8::2");
	assert_decoded(AF_INET6, "::", "::", AF_INET6, "::", "::");
	assert_decoded(AF_INET6, "::1", "::1", AF_INET6, "::1", "::1");
}

/* connect(), disconnect, listen(): the address is left, the port is not. */
static void test_decode_listener(void **state)
{
	struct inet_diag_msg m = message(AF_INET6, "::", "::ffff:198.51.100.7");
	struct tcpstate_seen seen;

	(void)state;
	m.id.idiag_dport = 0;
	assert_int_equal(decode(&m, sizeof(m), &seen), 0);
	assert_ends(&seen.tuple, AF_INET6, "::", "::");
	m = message(AF_INET, "192.0.2.1", "198.51.100.7");
	m.id.idiag_dport = 0;
	assert_int_equal(decode(&m, sizeof(m), &seen), 0);
	assert_ends(&seen.tuple, AF_INET, "192.0.2.1", "0.0.0.0");
}

/* The family is that of the packets. */
static void test_decode_mapped(void **state)
{
	(void)state;
	assert_decoded(AF_INET6, "::ffff:192.0.2.1", "::ffff:198.51.100.7", AF_INET, "192.0.2.1",
		       "198.51.100.7");
	/* A listener that is bound to such an address; a socket that is not bound yet. */
	assert_decoded(AF_INET6, "::ffff:192.0.2.1", "::", AF_INET, "192.0.2.1", "0.0.0.0");
	assert_decoded(AF_INET6, "::", "::ffff:192.0.2.1", AF_INET, "0.0.0.0", "192.0.2.1");
	/* Nothing that the kernel does; no address is cut. */
	assert_decoded(AF_INET6, "::ffff:192.0.2.1", "2001:db8::2", AF_INET6, "::ffff:192.0.2.1",
		       "2001:db8::2");
	assert_decoded(AF_INET6, "::fffe:192.0.2.1", "::", AF_INET6, "::fffe:192.0.2.1", "::");
}

/* What an IPv4 message has behind its 4 bytes is not part of the address. */
static void test_decode_rubbish_behind_ipv4(void **state)
{
	struct inet_diag_msg m = message(AF_INET, "192.0.2.1", "198.51.100.7");
	struct tcpstate_seen seen;

	(void)state;
	m.id.idiag_src[1] = 0xffffffff;
	m.id.idiag_dst[3] = 0xffffffff;
	assert_int_equal(decode(&m, sizeof(m), &seen), 0);
	assert_ends(&seen.tuple, AF_INET, "192.0.2.1", "198.51.100.7");
}

static void test_decode_refuses(void **state)
{
	struct inet_diag_msg m = message(AF_INET, "192.0.2.1", "198.51.100.7");
	struct tcpstate_seen seen;
	unsigned int n;
	char longer[sizeof(m) + 3] = { 0 };

	(void)state;
	for (n = 0; n < sizeof(m); n++)
		assert_int_equal(decode(&m, n, &seen), -EBADMSG);
	/* Attributes follow, and are nothing to us. */
	memcpy(longer, &m, sizeof(m));
	memset(longer + sizeof(m), 0xff, 3);
	assert_int_equal(decode(longer, sizeof(longer), &seen), 0);
	for (n = 0; n <= UINT8_MAX; n++) {
		m.idiag_family = n;
		assert_int_equal(decode(&m, sizeof(m), &seen),
				 n == AF_INET || n == AF_INET6 ? 0 : -EBADMSG);
	}
	m.idiag_family = AF_INET;
	for (n = 0; n <= UINT8_MAX; n++) {
		m.idiag_state = n;
		assert_int_equal(decode(&m, sizeof(m), &seen),
				 n >= EST && n <= TCPSTATE_STATE_LAST ? 0 : -EBADMSG);
	}
}

/* Comparison */

struct sides {
	struct tcpstate_view kernel;
	struct tcpstate_view ours;
	struct tcpstate_differences left;
};

static struct tcpstate_tuple tuple(uint16_t port)
{
	return (struct tcpstate_tuple){
		.family = AF_INET, .laddr = { 192, 0, 2, 1 }, .raddr = { 198, 51, 100, 7 },
		.lport = port, .rport = 443,
	};
}

static void put(struct tcpstate_view *view, struct tcpstate_tuple t, unsigned int s,
		uint64_t cookie)
{
	const struct tcpstate_seen seen = { .tuple = t, .state = s, .cookie = cookie };

	assert_int_equal(tcpstate_view_add(view, &seen), 0);
}

/* A connection as both sides have it, NONE where one has not. */
static void both(struct sides *s, uint16_t port, unsigned int kernel, unsigned int ours)
{
	if (kernel)
		put(&s->kernel, tuple(port), kernel, port);
	if (ours)
		put(&s->ours, tuple(port), ours, 0);
}

static void again(struct sides *s)
{
	s->kernel.n = 0;
	s->ours.n = 0;
}

static size_t compare(struct sides *s, uint32_t states)
{
	assert_int_equal(tcpstate_compare(&s->kernel, &s->ours, states, &s->left), 0);
	return s->left.n;
}

/* Another look at what is left. */
static size_t update(struct sides *s)
{
	struct tcpstate_differences now = { NULL, 0, 0 };

	assert_int_equal(tcpstate_compare(&s->kernel, &s->ours, ALL, &now), 0);
	tcpstate_differences_update(&s->left, &now);
	tcpstate_differences_free(&now);
	again(s);
	return s->left.n;
}

static size_t settle(struct sides *s)
{
	tcpstate_differences_settle(&s->left);
	return s->left.n;
}

static void assert_difference(const struct sides *s, size_t i, uint16_t port, unsigned int kernel,
			      unsigned int ours, unsigned int count)
{
	const struct tcpstate_difference *d = &s->left.at[i];
	const struct tcpstate_tuple t = tuple(port);

	assert_true(i < s->left.n);
	assert_memory_equal(&d->tuple, &t, sizeof(t));
	assert_int_equal(d->kernel, kernel);
	assert_int_equal(d->ours, ours);
	assert_int_equal(d->count, count);
}

static void discard(struct sides *s)
{
	tcpstate_view_free(&s->kernel);
	tcpstate_view_free(&s->ours);
	tcpstate_differences_free(&s->left);
}

static void test_equal(void **state)
{
	struct sides s = { 0 };
	unsigned int i;

	(void)state;
	assert_int_equal(compare(&s, ALL), 0);
	/* In another order, and so many that the arrays grow. */
	for (i = 0; i < 1000; i++) {
		put(&s.kernel, tuple(i), EST + i % 6, 5000 + i);
		put(&s.ours, tuple(999 - i), EST + (999 - i) % 6, 0);
	}
	assert_int_equal(compare(&s, ALL), 0);
	assert_int_equal(s.kernel.n, 1000);
	assert_int_equal(s.ours.n, 1000);
	discard(&s);
}

static void test_differences(void **state)
{
	struct sides s = { 0 };

	(void)state;
	both(&s, 1, EST, EST);
	both(&s, 2, EST, NONE);
	both(&s, 3, NONE, TW);
	both(&s, 4, EST, CW);
	both(&s, 5, FW2, FW2);
	assert_int_equal(compare(&s, ALL), 3);
	assert_difference(&s, 0, 2, EST, NONE, 1);
	assert_difference(&s, 1, 3, NONE, TW, 1);
	assert_difference(&s, 2, 4, EST, CW, 1);
	/* One side is enough; neither is not. */
	assert_int_equal(compare(&s, 1u << CW), 1);
	assert_difference(&s, 0, 4, EST, CW, 1);
	assert_int_equal(compare(&s, 1u << EST), 2);
	assert_int_equal(compare(&s, 1u << FW2), 0);
	discard(&s);
}

/* Family, addresses, ports and scope: each alone makes another endpoint. */
static void test_keys(void **state)
{
	struct tcpstate_tuple t[] = { tuple(1), tuple(1), tuple(1), tuple(1), tuple(1), tuple(1) };
	struct sides s = { 0 };
	unsigned int i;

	(void)state;
	t[0].family = AF_INET6;
	t[1].laddr[3] = 2;
	t[2].raddr[15] = 1;
	t[3].lport = 2;
	t[4].rport = 444;
	t[5].scope = 3;
	for (i = 0; i < 6; i++) {
		both(&s, 1, EST, NONE);
		put(&s.ours, t[i], EST, 0);
		assert_int_equal(compare(&s, ALL), 2);
		again(&s);
		put(&s.kernel, t[i], EST, 1);
		put(&s.ours, t[i], EST, 0);
		assert_int_equal(compare(&s, ALL), 0);
		again(&s);
	}
	discard(&s);
}

/* What differs in the same way at the last two looks is a difference; all else has moved. */
static void test_moved(void **state)
{
	struct sides s = { 0 };

	(void)state;
	both(&s, 1, EST, NONE);		/* stays */
	both(&s, 2, EST, CW);		/* becomes equal */
	both(&s, 3, NONE, TW);		/* goes */
	both(&s, 4, EST, FW1);		/* differs in another way each time */
	both(&s, 5, EST, CW);		/* the same */
	both(&s, 6, EST, EST);
	assert_int_equal(compare(&s, ALL), 5);
	again(&s);

	both(&s, 1, EST, NONE);
	both(&s, 2, CW, CW);
	both(&s, 4, FW1, FW2);
	both(&s, 5, NONE, CW);		/* another way than before, once */
	both(&s, 7, EST, NONE);		/* has begun since */
	assert_int_equal(update(&s), 3);
	assert_difference(&s, 1, 4, FW1, FW2, 1);

	both(&s, 1, EST, NONE);
	both(&s, 4, FW2, TW);
	both(&s, 5, NONE, CW);
	assert_int_equal(update(&s), 3);
	assert_int_equal(settle(&s), 2);
	assert_difference(&s, 0, 1, EST, NONE, 1);
	assert_difference(&s, 1, 5, NONE, CW, 1);
	discard(&s);
}

/* One look shows no difference, however it looks. */
static void test_one_look(void **state)
{
	struct sides s = { 0 };

	(void)state;
	both(&s, 1, EST, NONE);
	assert_int_equal(compare(&s, ALL), 1);
	assert_int_equal(settle(&s), 0);
	discard(&s);
}

/* One that was as it is now, but not in between, has moved. */
static void test_to_and_fro(void **state)
{
	struct sides s = { 0 };

	(void)state;
	both(&s, 1, EST, CW);
	assert_int_equal(compare(&s, ALL), 1);
	again(&s);
	both(&s, 1, EST, NONE);
	assert_int_equal(update(&s), 1);
	both(&s, 1, EST, CW);
	assert_int_equal(update(&s), 1);
	assert_int_equal(settle(&s), 0);
	discard(&s);
}

static void listeners(struct sides *s, unsigned int kernel, unsigned int ours)
{
	struct tcpstate_tuple t = { .family = AF_INET6, .lport = 8080 };
	unsigned int i;

	for (i = 0; i < kernel; i++)
		put(&s->kernel, t, LIS, 100 + i);
	for (i = 0; i < ours; i++)
		put(&s->ours, t, LIS, i % 2 ? 100 + i : 0);
}

/* SO_REUSEPORT: several with one address. */
static void test_listeners(void **state)
{
	struct sides s = { 0 };

	(void)state;
	listeners(&s, 4, 4);
	assert_int_equal(compare(&s, ALL), 0);
	again(&s);
	listeners(&s, 4, 1);
	assert_int_equal(compare(&s, ALL), 1);
	assert_int_equal(s.left.at[0].kernel, LIS);
	assert_int_equal(s.left.at[0].ours, NONE);
	assert_int_equal(s.left.at[0].count, 3);
	again(&s);
	listeners(&s, 4, 2);		/* fewer are missing: it moves */
	assert_int_equal(update(&s), 1);
	assert_false(s.left.at[0].steady);
	listeners(&s, 4, 2);
	assert_int_equal(update(&s), 1);
	assert_int_equal(settle(&s), 1);
	assert_int_equal(s.left.at[0].count, 2);
	again(&s);
	listeners(&s, 0, 3);
	assert_int_equal(compare(&s, ALL), 1);
	assert_int_equal(s.left.at[0].kernel, NONE);
	assert_int_equal(s.left.at[0].count, 3);
	assert_int_equal(compare(&s, ALL & ~(1u << LIS)), 0);
	discard(&s);
}

/* A dump meets what moves twice: request socket and child have one cookie. */
static void test_met_twice(void **state)
{
	struct sides s = { 0 };

	(void)state;
	put(&s.kernel, tuple(1), TCPSTATE_STATE_SYN_RECV, 9);
	put(&s.kernel, tuple(1), EST, 9);
	put(&s.kernel, tuple(2), EST, 10);
	put(&s.kernel, tuple(2), EST, 10);
	both(&s, 2, NONE, EST);
	assert_int_equal(compare(&s, ALL), 1);
	assert_int_equal(s.kernel.n, 2);
	assert_int_equal(s.left.at[0].count, 1);
	again(&s);
	/* Without a cookie nobody knows. */
	put(&s.ours, tuple(1), EST, 0);
	put(&s.ours, tuple(1), CW, 0);
	both(&s, 1, EST, NONE);
	assert_int_equal(compare(&s, ALL), 1);
	assert_difference(&s, 0, 1, NONE, CW, 1);
	discard(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_decode_mapped),
		cmocka_unit_test(test_decode_listener),
		cmocka_unit_test(test_decode_rubbish_behind_ipv4),
		cmocka_unit_test(test_decode_refuses),
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_differences),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_one_look),
		cmocka_unit_test(test_to_and_fro),
		cmocka_unit_test(test_listeners),
		cmocka_unit_test(test_met_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
