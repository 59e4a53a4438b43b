// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate verify against a kernel and a module that are none: when it looks again and at what,
 * what it calls a difference, how it ends, and what it prints.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "capture.h"
#include "fake_link.h"

/* Not in the library: they are the tool's. */
#include "../tcpstate/verify.c"
#include "../tcpstate/output.c"

#define LOOKS		(1 + ARRAY_SIZE(pauses_ms))
#define LISTEN_PORT	9000

enum {
	EST = TCPSTATE_STATE_ESTABLISHED,
	SYN = TCPSTATE_STATE_SYN_SENT,
	FW1 = TCPSTATE_STATE_FIN_WAIT1,
	FW2 = TCPSTATE_STATE_FIN_WAIT2,
	TW = TCPSTATE_STATE_TIME_WAIT,
	CW = TCPSTATE_STATE_CLOSE_WAIT,
};

/*
 * What either side has at each look: a state, or 0. Of listeners, how many. @many more connections
 * are the kernel's alone.
 */
static struct world {
	struct connection {
		uint16_t port;
		uint8_t kernel[LOOKS];
		uint8_t ours[LOOKS];
	} at[4];
	unsigned int listen_kernel[LOOKS];
	unsigned int listen_ours[LOOKS];
	unsigned int many;
	unsigned int unloaded;	/* from this look on; 0: never */
	bool packets;
	unsigned int off;	/* likewise; 1 + the look */
	bool refused;
	bool restarts;
} world;

static unsigned int looks, dumps, questions, watches;

/* Time */

int nanosleep(const struct timespec *t, struct timespec *left)
{
	(void)left;
	assert_true(t->tv_sec == 0 && t->tv_nsec > 0);
	looks++;
	assert_true(looks < LOOKS);
	return 0;
}

int pselect(int n, fd_set *r, fd_set *w, fd_set *e, const struct timespec *t, const sigset_t *mask)
{
	(void)n, (void)r, (void)w, (void)e, (void)mask;
	assert_int_equal(t->tv_sec, 5);
	looks = 0;
	if (++watches == 3)
		interrupt(SIGINT);
	return 0;
}

/* Both sides */

static bool is_unloaded(void)
{
	return world.unloaded && looks >= world.unloaded;
}

static struct tcpstate_tuple tuple_of(uint16_t port)
{
	struct tcpstate_tuple t = { .family = AF_INET, .laddr = { 192, 0, 2, 1 }, .lport = port };

	if (port != LISTEN_PORT) {
		memcpy(t.raddr, (uint8_t[]){ 198, 51, 100, 7 }, 4);
		t.rport = 443;
	}
	return t;
}

static int give(bool ours, uint16_t port, unsigned int state, uint64_t cookie,
		const struct tcpstate_filter *f, int (*each)(const struct tcpstate_seen *, void *),
		void *arg)
{
	const struct tcpstate_seen seen = { tuple_of(port), ours ? 0 : cookie, state };

	if (!state || (f->states && !(f->states & BIT(state))))
		return 0;
	return each(&seen, arg);
}

static int dump(bool ours, const struct tcpstate_filter *f,
		int (*each)(const struct tcpstate_seen *, void *), void *arg)
{
	unsigned int i, n = ours ? world.listen_ours[looks] : world.listen_kernel[looks];
	const struct connection *c;

	assert_int_equal(f->limit, 0);
	dumps++;
	for (i = 0; i < ARRAY_SIZE(world.at); i++) {
		c = &world.at[i];
		assert_int_equal(give(ours, c->port, ours ? c->ours[looks] : c->kernel[looks],
				      c->port, f, each, arg), 0);
	}
	for (i = 0; i < n; i++)
		assert_int_equal(give(ours, LISTEN_PORT, TCPSTATE_STATE_LISTEN, 100000 + i, f, each,
				      arg), 0);
	for (i = 0; i < world.many && !ours; i++)
		assert_int_equal(give(ours, 10000 + i, EST, 200000 + i, f, each, arg), 0);
	return 0;
}

/* What the kernel does with an interrupted dump: half of it, and then all of it again. */
static int dump_restarted(bool ours, const struct tcpstate_filter *f,
			  int (*each)(const struct tcpstate_seen *, void *),
			  void (*restart)(void *), void *arg)
{
	if (world.restarts) {
		assert_int_equal(give(ours, 7, EST, 7, f, each, arg), 0);
		restart(arg);
	}
	return dump(ours, f, each, arg);
}

int tcpstate_diag_open(struct tcpstate_link **link)
{
	*link = NULL;
	return 0;
}

int tcpstate_diag_sockets(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			  int (*each)(const struct tcpstate_seen *seen, void *arg),
			  void (*restart)(void *arg), void *arg)
{
	(void)link;
	return dump_restarted(false, filter, each, restart, arg);
}

static int answer(bool ours, const struct tcpstate_tuple *t, uint8_t *state)
{
	unsigned int i;

	questions++;
	assert_int_not_equal(t->lport, LISTEN_PORT);
	for (i = 0; i < ARRAY_SIZE(world.at); i++) {
		const struct connection *c = &world.at[i];

		*state = ours ? c->ours[looks] : c->kernel[looks];
		if (c->port == t->lport && *state)
			return 0;
	}
	return -ENOENT;
}

int tcpstate_diag_socket(struct tcpstate_link *link, const struct tcpstate_tuple *tuple,
			 struct tcpstate_seen *seen)
{
	(void)link;
	*seen = (struct tcpstate_seen){ .tuple = *tuple };
	return answer(false, tuple, &seen->state);
}

int tcpstate_link_stats(struct tcpstate_link *link, struct tcpstate_stats *stats)
{
	(void)link;
	memset(stats, 0, sizeof(*stats));
	stats->snapshot.netns.n = 4026531840;
	stats->snapshot.health.coverage.n = world.off && looks + 1 >= world.off ?
					    TCPSTATE_EVIDENCE_NONE : world.packets ?
					    TCPSTATE_EVIDENCE_PACKETS : TCPSTATE_EVIDENCE_SOCKETS;
	return is_unloaded() ? -ENOENT : 0;
}

struct endpoint_fn {
	int (*each)(const struct tcpstate_endpoint *e, void *arg);
	void (*restart)(void *arg);
	void *arg;
};

static int give_endpoint(const struct tcpstate_seen *seen, void *arg)
{
	const struct tcpstate_endpoint e = { .tuple = seen->tuple, .local = seen->state };
	const struct endpoint_fn *to = arg;

	return to->each(&e, to->arg);
}

static void restart_endpoints(void *arg)
{
	const struct endpoint_fn *to = arg;

	to->restart(to->arg);
}

int tcpstate_link_endpoints(struct tcpstate_link *link, const struct tcpstate_filter *filter,
			    int (*each)(const struct tcpstate_endpoint *e, void *arg),
			    void (*restart)(void *arg), void *arg)
{
	struct endpoint_fn to = { each, restart, arg };

	(void)link;
	if (world.refused)
		return -EPERM;
	if (is_unloaded())
		return -ENOENT;
	return dump_restarted(true, filter, give_endpoint, restart_endpoints, &to);
}

int tcpstate_link_endpoint(struct tcpstate_link *link, const struct tcpstate_tuple *tuple,
			   struct tcpstate_endpoint *e)
{
	(void)link;
	*e = (struct tcpstate_endpoint){ .tuple = *tuple };
	return is_unloaded() ? -ENOENT : answer(true, tuple, &e->local);
}

/* Running it */

static const struct options text, json = { .json = true };

static enum exit_code run(const struct options *o)
{
	enum exit_code code;

	looks = dumps = questions = watches = 0;
	interrupted = 0;
	capture_begin();
	code = verify(o);
	capture_end();
	return code;
}

static int reset(void **state)
{
	unsigned int i;

	(void)state;
	world = (struct world){ .packets = false };
	for (i = 0; i < LOOKS; i++)
		world.listen_kernel[i] = world.listen_ours[i] = 2;
	return 0;
}

/* One that is as it is at every look. */
static void stays(unsigned int i, uint16_t port, uint8_t kernel, uint8_t ours)
{
	world.at[i].port = port;
	memset(world.at[i].kernel, kernel, LOOKS);
	memset(world.at[i].ours, ours, LOOKS);
}

static void test_verified(void **state)
{
	(void)state;
	stays(0, 1, EST, EST);
	stays(1, 2, TW, TW);
	assert_int_equal(run(&text), TCPSTATE_OK);
	assert_int_equal(looks, 0);
	assert_int_equal(dumps, 2);
	assert_has(out, "STATE        KERNEL  OURS  DIFFERENT\n"
			"ESTABLISHED       1     1          0\n");
	assert_has(out, "CLOSE             -     0          -\n");
	assert_has(out, "LISTEN            2     2          0\n");
	assert_has(out, "\n\nverified 4 endpoints: all as the kernel's sockets\n");
	world.restarts = true;
	assert_int_equal(run(&text), TCPSTATE_OK);
	assert_has(out, "\n\nverified 4 endpoints: all as the kernel's sockets\n");
}

/* Only what differs is asked for, and no more often than needed. */
static void test_moved(void **state)
{
	(void)state;
	stays(0, 1, EST, EST);
	stays(1, 2, EST, EST);
	world.at[1].ours[0] = SYN;
	assert_int_equal(run(&text), TCPSTATE_OK);
	assert_int_equal(looks, 1);
	assert_int_equal(dumps, 2);
	assert_int_equal(questions, 2);
	assert_has(out, "verified 4 endpoints: all as the kernel's sockets (1 moved meanwhile)\n");
	/* Another way each time: it does not stand still, whatever it is. */
	stays(2, 3, EST, 0);
	memcpy(world.at[2].kernel, (uint8_t[]){ EST, CW, FW1, FW2, TW, 0 }, LOOKS);
	memcpy(world.at[2].ours, (uint8_t[]){ SYN, EST, CW, FW1, FW2, TW }, LOOKS);
	assert_int_equal(run(&text), TCPSTATE_OK);
	assert_int_equal(looks, LOOKS - 1);
	assert_has(out, "(2 moved meanwhile)\n");
}

static void test_difference(void **state)
{
	(void)state;
	stays(0, 1, EST, CW);
	stays(1, 2, EST, 0);
	stays(2, 3, 0, TW);
	stays(3, 4, EST, EST);
	assert_int_equal(run(&text), TCPSTATE_FAILURE);
	assert_int_equal(looks, LOOKS - 1);
	assert_int_equal(dumps, 2);
	assert_int_equal(questions, 2 * 3 * (LOOKS - 1));
	assert_has(out, "ESTABLISHED       3     1          2\n");
	assert_has(out, "verified 5 endpoints: 3 not as the kernel's sockets\n"
			"192.0.2.1:1 198.51.100.7:443 kernel=ESTABLISHED ours=CLOSE_WAIT\n"
			"192.0.2.1:2 198.51.100.7:443 kernel=ESTABLISHED ours=none\n"
			"192.0.2.1:3 198.51.100.7:443 kernel=none ours=TIME_WAIT\n");
}

/* Two dumps instead of ten thousand questions. */
static void test_many(void **state)
{
	struct options o = { .filter.limit = 3 };

	(void)state;
	world.many = ASK_MAX + 1;
	assert_int_equal(run(&text), TCPSTATE_FAILURE);
	assert_int_equal(questions, 0);
	assert_int_equal(dumps, 2 * LOOKS);
	assert_has(out, ": 4,097 not as");
	assert_has(out, "\nand 4,077 more\n");
	assert_int_equal(run(&o), TCPSTATE_FAILURE);
	assert_has(out, "\nand 4,094 more\n");
}

static void test_listeners(void **state)
{
	unsigned int i;

	(void)state;
	world.listen_ours[0] = 0;
	assert_int_equal(run(&text), TCPSTATE_OK);
	assert_has(out, "(1 moved meanwhile)\n");
	for (i = 0; i < LOOKS; i++)
		world.listen_kernel[i] = 5;
	world.listen_ours[0] = 2;
	assert_int_equal(run(&text), TCPSTATE_FAILURE);
	assert_int_equal(questions, 0);
	assert_has(out, "\n192.0.2.1:9000 0.0.0.0:0 kernel=LISTEN ours=none (3 of them)\n");
	assert_has(out, "LISTEN            5     2          3\n");
	/* Not tracked: no difference, and not counted as one. */
	world.packets = true;
	assert_int_equal(run(&text), TCPSTATE_OK);
	assert_has(out, "LISTEN            5     -          -\n");
	assert_has(out, "\nLISTEN is left out: ");
	assert_has(out, "\nverified 0 endpoints: all");
}

static void test_states(void **state)
{
	struct options o = { .filter.states = BIT(CW) };

	(void)state;
	stays(0, 1, EST, CW);
	stays(1, 2, EST, 0);
	assert_int_equal(run(&o), TCPSTATE_FAILURE);
	assert_has(out, "verified 0 endpoints: 1 not as");
	assert_has_not(out, "LISTEN");
	o.filter.states = BIT(TW);
	assert_int_equal(run(&o), TCPSTATE_OK);
	o.no_header = true;
	assert_int_equal(run(&o), TCPSTATE_OK);
	assert_string_equal(out, "TIME_WAIT       0     0          0\n");
}

static void test_json(void **state)
{
	struct options o = { .json = true, .filter.limit = 1 };

	(void)state;
	stays(0, 1, EST, CW);
	stays(1, 2, EST, 0);
	stays(2, 3, EST, EST);
	world.at[2].ours[0] = SYN;
	assert_int_equal(run(&json), TCPSTATE_FAILURE);
	assert_has(out, "{\"netns\":4026531840,\"states\":{"
			"\"ESTABLISHED\":{\"kernel\":3,\"ours\":0,\"different\":2},");
	assert_has(out, "\"CLOSE\":{\"kernel\":null,\"ours\":0,\"different\":null},");
	assert_has(out, "},\"endpoints\":5,\"moved\":1,\"different\":2,\"verified\":false,"
			"\"differences\":[{"
			"\"family\":4,\"local_addr\":\"192.0.2.1\",\"local_port\":1,"
			"\"remote_addr\":\"198.51.100.7\",\"remote_port\":443,\"scope\":null,"
			"\"kernel\":\"ESTABLISHED\",\"ours\":\"CLOSE_WAIT\",\"count\":1},{");
	assert_has(out, "\"kernel\":\"ESTABLISHED\",\"ours\":null,\"count\":1}]}\n");
	assert_int_equal(run(&o), TCPSTATE_FAILURE);
	assert_has(out, "\"different\":2,");
	assert_has(out, "\"ours\":\"CLOSE_WAIT\",\"count\":1}]}\n");
	world.packets = true;
	memset(&world.at, 0, sizeof(world.at));
	assert_int_equal(run(&json), TCPSTATE_OK);
	assert_has(out, "\"LISTEN\":{\"kernel\":2,\"ours\":null,\"different\":null}");
	assert_has(out, "\"endpoints\":0,\"moved\":0,\"different\":0,\"verified\":true,"
			"\"differences\":[]}\n");
}

/* Then every endpoint is missing, and that is no difference. */
static void test_unloaded(void **state)
{
	(void)state;
	stays(0, 1, EST, CW);
	for (world.unloaded = 1; world.unloaded < LOOKS; world.unloaded++) {
		assert_int_equal(run(&text), TCPSTATE_NOT_LOADED);
		assert_string_equal(out, "");
	}
	world.many = ASK_MAX + 1;
	world.unloaded = 1;
	assert_int_equal(run(&text), TCPSTATE_NOT_LOADED);
	assert_string_equal(out, "");
}

/* The same; and it may be switched off in between. */
static void test_switched_off(void **state)
{
	(void)state;
	stays(0, 1, EST, 0);
	for (world.off = 1; world.off <= LOOKS; world.off++) {
		complaint_begin();
		assert_int_equal(run(&text), TCPSTATE_FAILURE);
		complaint_end();
		assert_string_equal(out, "");
		assert_string_equal(complaint,
				    "tcpstate: switched off; switch it on with: tcpstate on\n");
	}
}

static void test_refused(void **state)
{
	(void)state;
	world.refused = true;
	assert_int_equal(run(&text), TCPSTATE_FAILURE);
	assert_string_equal(out, "");
}

/* It goes on after differences; the last reading counts. */
static void test_watch(void **state)
{
	struct options o = { .json = true, .watch = 5 };
	const char *at = out;
	unsigned int lines;

	(void)state;
	assert_int_equal(run(&o), TCPSTATE_OK);
	stays(0, 1, EST, CW);
	assert_int_equal(run(&o), TCPSTATE_FAILURE);
	assert_int_equal(watches, 3);
	for (lines = 0; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_verified, reset),
		cmocka_unit_test_setup(test_moved, reset),
		cmocka_unit_test_setup(test_difference, reset),
		cmocka_unit_test_setup(test_many, reset),
		cmocka_unit_test_setup(test_listeners, reset),
		cmocka_unit_test_setup(test_states, reset),
		cmocka_unit_test_setup(test_json, reset),
		cmocka_unit_test_setup(test_unloaded, reset),
		cmocka_unit_test_setup(test_switched_off, reset),
		cmocka_unit_test_setup(test_refused, reset),
		cmocka_unit_test_setup(test_watch, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
