// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate config and tcpstate ignore against a module that is none: what is set, and that nothing
 * else is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <jansson.h>

#include "capture.h"
#include "fake_alerts.h"
#include "../tcpstate/alerts.h"

static struct tcpstate_config config;
static unsigned int sets;
static struct tcpstate_config last;

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *c)
{
	(void)link;
	*c = config;
	return 0;
}

int tcpstate_link_config_set(struct tcpstate_link *link, const struct tcpstate_config *c)
{
	(void)link;
	sets++;
	last = *c;
	if (c->ignores.known) {
		config.ignores = c->ignores;
		memcpy(config.ignore, c->ignore, sizeof(config.ignore));
	}
	return 0;
}

static int set_up(void **state)
{
	unsigned int i;

	(void)state;
	sets = 0;
	memset(&config, 0, sizeof(config));
	config.limit = config.event_batch = config.event_delay_ms = config.event_queue =
		(struct tcpstate_value){ 5, true };
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++) {
		config.threshold[i].n = tcpstate_thresholds[i].by_default;
		config.threshold[i].known = true;
	}
	config.ignores.known = true;
	return 0;
}

#define WORDS_MAX	8

/* The words behind the subcommand. */
static enum exit_code run_words(enum exit_code (*sub)(const struct options *o), bool json,
				const char *const *words)
{
	struct options o = { .json = json };
	char *argv[WORDS_MAX];
	enum exit_code code;

	for (; words[o.argc]; o.argc++)
		argv[o.argc] = (char *)words[o.argc];
	o.argv = argv;
	capture_begin();
	code = sub(&o);
	capture_end();
	return code;
}

#define run(sub, ...) run_words(sub, false, (const char *const[]){ __VA_ARGS__, NULL })
#define run_json(sub) run_words(sub, true, (const char *const[]){ NULL })
#define run_bare(sub) run_words(sub, false, (const char *const[]){ NULL })

/* "get" prints what "set" takes, all of it. */
static void test_get(void **state)
{
	const char *words[2 + TCPSTATE_A_THRESHOLDS_MAX + 4] = { "set" };
	struct options o = { .argv = (char **)words };
	unsigned int i, n = 1;
	char *line;

	(void)state;
	config.limit.n = 5;
	config.event_queue.n = 1024;
	assert_int_equal(run(configure, "get"), TCPSTATE_OK);
	assert_memory_equal(out, "limit=5\nevent-batch=5\n", 22);
	assert_has(out, "\nsettle-seconds=120\n");
	assert_has(out, "\ndivergence-seconds=600\n");
	for (line = strtok(out, "\n"); line; line = strtok(NULL, "\n"))
		words[n++] = line;
	assert_int_equal(n, 5 + TCPSTATE_A_THRESHOLDS_MAX);
	o.argc = n;
	assert_int_equal(configure(&o), TCPSTATE_OK);
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		assert_int_equal(last.threshold[i].n, tcpstate_thresholds[i].by_default);
	assert_false(last.ignores.known);
}

static void test_get_json(void **state)
{
	json_t *root;

	(void)state;
	assert_int_equal(run_json(configure), TCPSTATE_OK);
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_object_size(root), 4 + TCPSTATE_A_THRESHOLDS_MAX);
	assert_int_equal(json_integer_value(json_object_get(root, "listen_full_drops_page")), 150);
	json_decref(root);
	/* An older module. */
	memset(config.threshold, 0, sizeof(config.threshold));
	assert_int_equal(run_json(configure), TCPSTATE_OK);
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	assert_true(json_is_null(json_object_get(root, "settle_seconds")));
	json_decref(root);
	assert_int_equal(run_bare(configure), TCPSTATE_OK);
	assert_string_equal(out, "limit=5\nevent-batch=5\nevent-delay-ms=5\nevent-queue=5\n");
}

static void test_set(void **state)
{
	const struct tcpstate_threshold *t;
	char word[64];
	unsigned int i;

	(void)state;
	assert_int_equal(run(configure, "set", "close-wait-count=7"), TCPSTATE_OK);
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++)
		assert_int_equal(last.threshold[i].known,
				 i == TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_COUNT);
	assert_int_equal(last.threshold[TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_COUNT].n, 7);
	assert_false(last.limit.known);
	/* As the keys of JSON are written. */
	assert_int_equal(run(configure, "set", "close_wait_count=8", "event_queue=2048"), TCPSTATE_OK);
	assert_int_equal(last.threshold[TCPSTATE_A_THRESHOLDS_CLOSE_WAIT_COUNT].n, 8);
	assert_int_equal(last.event_queue.n, 2048);
	assert_int_equal(run(configure, "set", "close_wait_count=8", "close-wait-count=8"),
			 TCPSTATE_USAGE);
	/* The ends of every range, and one beyond. */
	for (i = 1; i <= TCPSTATE_A_THRESHOLDS_MAX; i++) {
		t = &tcpstate_thresholds[i];
		snprintf(word, sizeof(word), "%s=%u", t->name, (unsigned int)t->min);
		assert_int_equal(run(configure, "set", word), TCPSTATE_OK);
		snprintf(word, sizeof(word), "%s=%u", t->name, (unsigned int)t->max);
		assert_int_equal(run(configure, "set", word), TCPSTATE_OK);
		snprintf(word, sizeof(word), "%s=%u", t->name, (unsigned int)t->max + 1);
		assert_int_equal(run(configure, "set", word), TCPSTATE_USAGE);
		if (!t->min)
			continue;
		snprintf(word, sizeof(word), "%s=%u", t->name, (unsigned int)t->min - 1);
		assert_int_equal(run(configure, "set", word), TCPSTATE_USAGE);
	}
}

static void test_ignore(void **state)
{
	(void)state;
	assert_int_equal(run_bare(ignore), TCPSTATE_OK);
	assert_string_equal(out, "nothing is ignored\n");
	assert_int_equal(run(ignore, "add", "listen-full", "port=8080"), TCPSTATE_OK);
	assert_int_equal(run(ignore, "add", "stale-pool"), TCPSTATE_OK);
	assert_int_equal(run(ignore, "add", "any", "addr=2001:db8::1", "port=443"), TCPSTATE_OK);
	assert_int_equal(run(ignore, "add", "any", "addr=10.0.3.9"), TCPSTATE_OK);
	assert_int_equal(sets, 4);
	/* Nothing else is set, and what is there already is there once. */
	assert_false(last.limit.known);
	assert_false(last.threshold[1].known);
	assert_int_equal(run(ignore, "add", "stale-pool"), TCPSTATE_OK);
	assert_int_equal(run(ignore, "add", "stale_pool"), TCPSTATE_OK);
	assert_int_equal(config.ignores.n, 4);
	assert_int_equal(run_bare(ignore), TCPSTATE_OK);
	assert_string_equal(out, "1  listen-full port=8080\n2  stale-pool\n"
				 "3  any port=443 addr=2001:db8::1\n4  any addr=10.0.3.9\n");
	assert_int_equal(run(ignore, "remove", "2"), TCPSTATE_OK);
	assert_int_equal(run(ignore, "remove", "3"), TCPSTATE_OK);
	assert_int_equal(run_bare(ignore), TCPSTATE_OK);
	assert_string_equal(out, "1  listen-full port=8080\n2  any port=443 addr=2001:db8::1\n");
	assert_int_equal(run(ignore, "remove", "all"), TCPSTATE_OK);
	assert_true(last.ignores.known);
	assert_int_equal(last.ignores.n, 0);
}

static void test_ignore_json(void **state)
{
	json_t *root, *entry;

	(void)state;
	assert_int_equal(run_json(ignore), TCPSTATE_OK);
	assert_string_equal(out, "{\"ignore\":[]}\n");
	run(ignore, "add", "any", "addr=10.0.3.9");
	config.ignore[0].kind = 100;
	assert_int_equal(run_json(ignore), TCPSTATE_OK);
	root = json_loads(out, JSON_REJECT_DUPLICATES, NULL);
	entry = json_array_get(json_object_get(root, "ignore"), 0);
	assert_string_equal(json_string_value(json_object_get(entry, "kind")), "100");
	assert_true(json_is_null(json_object_get(entry, "port")));
	assert_string_equal(json_string_value(json_object_get(entry, "addr")), "10.0.3.9");
	json_decref(root);
}

static void test_ignore_bad(void **state)
{
	(void)state;
	assert_int_equal(run(ignore, "ad"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "any"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "listen-ful"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "listen-full", "8080"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "listen-full", "port=0"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "listen-full", "port=80-90"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "listen-full", "port=1", "port=2"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "any", "addr=10.0.0.0/8"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "any", "addr=web"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "add", "any", "addr=::1", "addr=::1"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "remove"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "remove", "0"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "remove", "1", "2"), TCPSTATE_USAGE);
	assert_int_equal(run(ignore, "remove", "1"), TCPSTATE_FAILURE);
	assert_int_equal(sets, 0);
	config.ignores.known = false;
	assert_int_equal(run_bare(ignore), TCPSTATE_FAILURE);
}

static void test_ignore_most(void **state)
{
	char word[16];
	unsigned int i;

	(void)state;
	for (i = 0; i < TCPSTATE_IGNORES_MAX; i++) {
		snprintf(word, sizeof(word), "port=%u", i + 1);
		assert_int_equal(run(ignore, "add", "any", word), TCPSTATE_OK);
	}
	assert_int_equal(run(ignore, "add", "any", "port=1000"), TCPSTATE_FAILURE);
	assert_int_equal(sets, TCPSTATE_IGNORES_MAX);
	assert_int_equal(run(ignore, "remove", "64"), TCPSTATE_OK);
	assert_int_equal(config.ignores.n, TCPSTATE_IGNORES_MAX - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_get, set_up),
		cmocka_unit_test_setup(test_get_json, set_up),
		cmocka_unit_test_setup(test_set, set_up),
		cmocka_unit_test_setup(test_ignore, set_up),
		cmocka_unit_test_setup(test_ignore_json, set_up),
		cmocka_unit_test_setup(test_ignore_bad, set_up),
		cmocka_unit_test_setup(test_ignore_most, set_up),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
