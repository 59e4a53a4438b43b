// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstate alerts against a module that is none: the table, the document, and the stream, which
 * tells everything once, whatever the order in which dump and notices come.
 */
#include <fcntl.h>
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

/* The callbacks are not for others. */
#include "../tcpstate/alerts_follow.c"

/* The last day of January, 03:04:05 in UTC; UTC is where these tests are. */
#define NOW	1769828645ull

int clock_gettime(clockid_t clock, struct timespec *t)
{
	if (clock != CLOCK_REALTIME)
		return syscall(SYS_clock_gettime, clock, t);
	*t = (struct timespec){ .tv_sec = NOW };
	return 0;
}

/* The stream: batches of notices, each ended by a poll(). */

static struct tcpstate_notice batch[8][8];
static unsigned int in_batch[8], n_batches, at_batch;
static struct tcpstate_loss losses[8];
static uint64_t expected;
static int always;
static void (*before_batch)(unsigned int n);

int tcpstate_link_fd(const struct tcpstate_link *link)
{
	(void)link;
	return always;
}

int tcpstate_link_subscribe_alerts(struct tcpstate_link *link, unsigned int buffer)
{
	(void)link, (void)buffer;
	return 0;
}

void tcpstate_link_expect(struct tcpstate_link *link, uint64_t seq)
{
	(void)link;
	expected = seq;
}

int tcpstate_link_config_get(struct tcpstate_link *link, struct tcpstate_config *config)
{
	(void)link, (void)config;
	return -ENOENT;
}

int tcpstate_link_notices(struct tcpstate_link *link,
			  int (*each)(const struct tcpstate_notice *n, void *arg), void *arg,
			  struct tcpstate_loss *loss)
{
	unsigned int i, n = at_batch++;
	int ret = 0;

	(void)link;
	if (n == n_batches)
		return -ENOENT;
	if (before_batch)
		before_batch(n);
	*loss = losses[n];
	for (i = 0; i < in_batch[n] && !ret; i++)
		ret = each(&batch[n][i], arg);
	return ret;
}

static int set_up(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	fake_reset();
	n_batches = at_batch = 0;
	memset(in_batch, 0, sizeof(in_batch));
	memset(losses, 0, sizeof(losses));
	before_batch = NULL;
	expected = 0;
	always = open("/dev/zero", O_RDONLY);
	return always < 0;
}

static int tear_down(void **state)
{
	(void)state;
	return close(always);
}

static void alerts_with(struct options o)
{
	capture_begin();
	assert_int_equal(alerts(&o), TCPSTATE_OK);
	capture_end();
}

static void ended(struct tcpstate_alert *a, uint64_t when)
{
	a->cleared = fake_value(when * 1000000000);
}

static void some_alerts(void)
{
	ended(fake_alert(38, TCPSTATE_ALERT_KIND_TABLE_FULL, TCPSTATE_SEVERITY_TICKET,
			 TCPSTATE_ALERT_REASON_RECORDS, NOW - 90000), NOW - 80000);
	fake_about(fake_alert(39, TCPSTATE_ALERT_KIND_PORT_EXHAUSTION, TCPSTATE_SEVERITY_TICKET,
			      TCPSTATE_ALERT_REASON_PORTS, NOW - 720), fake_destination(6379));
	ended(fake_alert(40, TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE, TCPSTATE_SEVERITY_INFO,
			 TCPSTATE_ALERT_REASON_BUCKETS, NOW - 600), NOW - 300);
	fake_about(fake_alert(41, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
			      TCPSTATE_ALERT_REASON_QUEUE, NOW - 240), fake_listener(8080));
}

/* Active ones first, then by number; what is older than a day has a date. */
static void test_table(void **state)
{
	(void)state;
	some_alerts();
	n_fake_peers = 0;
	alerts_with((struct options){ .json = false });
	assert_width();
	assert_has(out, "ID  SEV     RAISED  CLEARED  WHAT                           WHO");
	assert_has(out, "\n41  page     03:00        -  listen-full :8080              ");
	assert_has(out, "\n39  ticket   02:52        -  port-exhaustion 10.0.3.9:6379  ");
	assert_has(out, "\n40  info     02:54    02:59  time-wait-pressure             -");
	assert_has(out, "\n38  ticket   01-30    04:50  table-full                     -");
	assert_true(strstr(out, "\n41 ") < strstr(out, "\n39 "));
	assert_true(strstr(out, "\n39 ") < strstr(out, "\n40 "));
	assert_has(out, " 101   104\n");
	alerts_with((struct options){ .filter.limit = 1, .no_header = true });
	assert_memory_equal(out, "41  page   03:00        -  listen-full :8080  ", 46);
	assert_int_equal(strcspn(out, "\n"), strlen(out) - 1);
	fake_reset();
	alerts_with((struct options){ .json = false });
	assert_string_equal(out, "no alert\n");
	alerts_with((struct options){ .no_header = true });
	assert_string_equal(out, "");
}

/* Names that are too long lose their end; addresses and numbers do not. */
static void test_width(void **state)
{
	struct tcpstate_alert *a;

	(void)state;
	a = fake_alert(9999, TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE, TCPSTATE_SEVERITY_TICKET,
		       TCPSTATE_ALERT_REASON_BUCKETS, NOW - 100);
	a->ignored = true;
	a->value = a->peak = 262144;
	fake_about(fake_alert(7, TCPSTATE_ALERT_KIND_LISTEN_FULL, TCPSTATE_SEVERITY_PAGE,
			      TCPSTATE_ALERT_REASON_QUEUE, NOW - 100), fake_listener(65535));
	alerts_with((struct options){ .json = false });
	assert_has(out, "\n9999  (ticket)  ");
	assert_has(out, "  262,144  262,144\n");
	assert_width();
}

/* How many columns the column has that is called @name; a column is followed by two blanks. */
static size_t width_of(const char *name)
{
	const char *at = strstr(out, name);
	size_t len;

	assert_non_null(at);
	len = strcspn(at, " ");
	return len + strspn(at + len, " ") - 2;
}

/* A wider terminal has room for longer names, a file for all of them. */
static void test_wide(void **state)
{
	struct tcpstate_peer p = fake_listener(8080);
	size_t narrow, wide;
	char whole[32];

	(void)state;
	memset(p.name.laddr, 222, 4);
	fake_about(fake_alert(7, TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK, TCPSTATE_SEVERITY_PAGE,
			      TCPSTATE_ALERT_REASON_LEAK, NOW - 100), p);
	fake_alerts[0].alert.value = fake_alerts[0].alert.peak = INT64_MAX;
	alerts_with((struct options){ .json = false });
	narrow = width_of("WHO");
	terminal_width = UINT16_MAX;
	alerts_with((struct options){ .json = false });
	terminal_width = WIDTH;
	wide = width_of("WHO");
	snprintf(whole, sizeof(whole), "test_alerts/%d", (int)getpid());
	if (strstr(out, whole))
		assert_true(narrow < wide);
	assert_has_not(out, "..");
}

static void assert_cut(const char *name, size_t width, const char *want)
{
	char text[64];

	cut_name(text, sizeof(text), name, width);
	assert_string_equal(text, want);
}

/* A process is found by its pid alone: that stays whole, as something of the name does. */
static void test_cut(void **state)
{
	(void)state;
	assert_cut("python3/158", 11, "python3/158");
	assert_cut("python3/158", 10, "pyth../158");
	assert_cut("python3/158", 8, "py../158");
	assert_cut("python3/4194304", 8, "p../4194304");
	assert_cut("a/4194304", 8, "a/4194304");
	assert_cut("orders.service", 14, "orders.service");
	assert_cut("orders.service", 13, "orders.serv..");
	assert_cut("docker:0123456789ab", 8, "docker..");
	assert_cut("a/b/c/d/e/f", 8, "a/b/c/..");
	assert_cut("", 8, "");
}

/* Calm, but not for long enough yet; and over because nobody looks any more. */
static void test_standing(void **state)
{
	struct tcpstate_alert *a;

	(void)state;
	fake_alert(1, TCPSTATE_ALERT_KIND_TABLE_FULL, TCPSTATE_SEVERITY_TICKET,
		   TCPSTATE_ALERT_REASON_RECORDS, NOW - 100)->value = 0;
	a = fake_alert(2, TCPSTATE_ALERT_KIND_TABLE_FULL, TCPSTATE_SEVERITY_TICKET,
		       TCPSTATE_ALERT_REASON_RECORDS, NOW - 100);
	ended(a, NOW - 50);
	a->withdrawn = true;
	alerts_with((struct options){ .json = false });
	assert_has(out, " 1  ticket   03:02    below  table-full  -            0   104\n");
	assert_has(out, " 2  ticket   03:02    03:03  table-full  -    withdrawn   104\n");
}

/* Attempts are no ports. */
static void test_no_port(void **state)
{
	struct tcpstate_alert *a = fake_alert(1, TCPSTATE_ALERT_KIND_PORT_EXHAUSTION,
					      TCPSTATE_SEVERITY_PAGE, TCPSTATE_ALERT_REASON_NO_PORT,
					      NOW - 100);

	(void)state;
	a->limit = 1;
	fake_about(a, fake_destination(6379));
	alerts_with((struct options){ .json = false });
	assert_has(out, "  101 failed  104 failed\n");
	a->reason = TCPSTATE_ALERT_REASON_PORTS;
	alerts_with((struct options){ .json = false });
	assert_has(out, "  101   104\n");
}

static json_t *parse(const char *text)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES | JSON_DISABLE_EOF_CHECK, &error);

	if (!root)
		fail_msg("%s: %s", error.text, text);
	return root;
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

static json_int_t number_of(const json_t *object, const char *key)
{
	assert_true(json_is_integer(json_object_get(object, key)));
	return json_integer_value(json_object_get(object, key));
}

static void assert_json_null(const json_t *object, const char *key)
{
	assert_true(json_is_null(json_object_get(object, key)));
}

static void test_json(void **state)
{
	json_t *root, *alert, *peer, *holder, *process;

	(void)state;
	some_alerts();
	alerts_with((struct options){ .json = true });
	root = parse(out);
	assert_int_equal(json_array_size(json_object_get(root, "alerts")), 4);
	alert = json_array_get(json_object_get(root, "alerts"), 0);
	assert_int_equal(number_of(alert, "id"), 41);
	assert_string_equal(text_of(alert, "kind"), "listen-full");
	assert_string_equal(text_of(alert, "severity"), "page");
	assert_string_equal(text_of(alert, "reason"), "queue");
	assert_int_equal(number_of(alert, "value"), 101);
	assert_int_equal(number_of(alert, "limit"), 90);
	assert_int_equal(number_of(alert, "peak"), 104);
	assert_string_equal(text_of(alert, "raised"), "2026-01-31T03:00:05.000000Z");
	assert_int_equal(number_of(alert, "begun_ns"), (NOW - 270) * 1000000000);
	assert_json_null(alert, "cleared");
	assert_json_null(alert, "file_limit");
	peer = json_object_get(alert, "peer");
	assert_string_equal(text_of(peer, "kind"), "listener");
	assert_string_equal(text_of(peer, "local_addr"), "0.0.0.0");
	assert_int_equal(number_of(peer, "local_port"), 8080);
	assert_json_null(peer, "remote_addr");
	assert_int_equal(number_of(json_object_get(peer, "counts"), "CLOSE_WAIT"), 31);
	assert_int_equal(number_of(peer, "drops_per_minute"), 212);
	assert_json_null(peer, "ports");
	assert_int_equal(number_of(peer, "uid"), 1000);
	holder = json_object_get(alert, "holder");
	assert_string_equal(text_of(holder, "kind"), "process");
	process = json_array_get(json_object_get(holder, "processes"), 0);
	assert_int_equal(number_of(process, "pid"), getpid());
	assert_string_equal(text_of(process, "comm"), "test_alerts");
	assert_true(number_of(process, "fd") > 0);
	assert_true(json_object_get(holder, "unit") && json_object_get(holder, "container"));
	alert = json_array_get(json_object_get(root, "alerts"), 3);
	assert_string_equal(text_of(alert, "cleared"), "2026-01-30T04:50:45.000000Z");
	assert_json_null(alert, "peer");
	assert_json_null(alert, "holder");
	json_decref(root);
}

/* A newer module's words are numbers. */
static void test_unknown(void **state)
{
	json_t *root, *alert;

	(void)state;
	fake_alert(1, 100, 101, 102, NOW - 10);
	alerts_with((struct options){ .json = true });
	root = parse(out);
	alert = json_array_get(json_object_get(root, "alerts"), 0);
	assert_int_equal(number_of(alert, "kind"), 100);
	assert_int_equal(number_of(alert, "severity"), 101);
	assert_int_equal(number_of(alert, "reason"), 102);
	json_decref(root);
	alerts_with((struct options){ .json = false });
	assert_has(out, " 1  101   03:03        -  100   -    101   104\n");
}

static void test_refused(void **state)
{
	struct options o = { .json = false };

	(void)state;
	fake_error = -EPERM;
	assert_int_equal(alerts(&o), TCPSTATE_FAILURE);
	fake_error = -ENOENT;
	assert_int_equal(alerts(&o), TCPSTATE_NOT_LOADED);
}

/* The stream */

static struct tcpstate_alert *add_notice(unsigned int n, uint64_t seq, uint32_t id, uint32_t action)
{
	struct tcpstate_notice *notice = &batch[n][in_batch[n]++];

	*notice = (struct tcpstate_notice){
		.seq = seq, .time_ns = (NOW - 5) * 1000000000, .action = action,
		.alert = { .id = id, .kind = TCPSTATE_ALERT_KIND_TABLE_FULL, .value = 5, .limit = 4,
			   .peak = 5, .severity = TCPSTATE_SEVERITY_TICKET,
			   .reason = TCPSTATE_ALERT_REASON_RECORDS,
			   .raised_ns = (NOW - 5) * 1000000000 },
	};
	if (action == TCPSTATE_ALERT_ACTION_CLEAR)
		notice->alert.cleared = fake_value(notice->time_ns);
	n_batches = n + 1;
	return &notice->alert;
}

/* In a dump, as the notice would leave it. */
static void add_dumped(uint64_t seq, uint32_t id, bool active)
{
	struct tcpstate_alert *a = fake_alert(id, TCPSTATE_ALERT_KIND_TABLE_FULL,
					      TCPSTATE_SEVERITY_TICKET,
					      TCPSTATE_ALERT_REASON_RECORDS, NOW - 60);

	fake_alerts[n_fake_alerts - 1].seq = seq;
	if (!active)
		ended(a, NOW - 30);
}

static void follow_with(bool json)
{
	struct options o = { .follow = true, .json = json };

	capture_begin();
	assert_int_equal(alerts(&o), TCPSTATE_NOT_LOADED);
	capture_end();
}

/* What the lines say, without their times: "raise 3, clear 3". */
static void assert_story(const char *want)
{
	char story[1024] = "", action[16];
	unsigned int id;
	const char *at;

	for (at = out; *at; at += strcspn(at, "\n") + 1) {
		if (sscanf(at, "%*s %15s %*s #%u", action, &id) == 2)
			snprintf(story + strlen(story), sizeof(story) - strlen(story), "%s%s %u",
				 *story ? ", " : "", action, id);
	}
	assert_string_equal(story, want);
}

/* What the dump told already, and what had ended before it, is not told again. */
static void test_merge(void **state)
{
	(void)state;
	add_dumped(5, 2, false);
	add_dumped(9, 3, true);
	add_dumped(6, 1, true);
	add_notice(0, 5, 2, TCPSTATE_ALERT_ACTION_CLEAR);
	add_notice(0, 7, 3, TCPSTATE_ALERT_ACTION_RAISE);
	add_notice(0, 8, 1, TCPSTATE_ALERT_ACTION_UPDATE);
	add_notice(0, 9, 3, TCPSTATE_ALERT_ACTION_UPDATE);
	add_notice(1, 10, 4, TCPSTATE_ALERT_ACTION_RAISE);
	add_notice(1, 11, 1, TCPSTATE_ALERT_ACTION_CLEAR);
	add_notice(1, 12, 4, TCPSTATE_ALERT_ACTION_CLEAR)->withdrawn = true;
	follow_with(false);
	assert_story("active 1, active 3, update 1, raise 4, clear 1, clear 4");
	assert_int_equal(expected, 9);
	assert_has(out, "03:04:00 raise ticket #4 table-full - 5 records, limit 4\n");
	assert_has(out, "clear ticket #4 table-full - 5 records, limit 4, withdrawn: switched off\n");
}

/* The last batch says that something is missing: the module then has what the test says. */
static void missed(unsigned int n)
{
	if (n != 1)
		return;
	n_fake_alerts = 0;
	add_dumped(11, 1, false);
	add_dumped(12, 2, true);
	add_dumped(14, 3, false);
	add_dumped(15, 4, true);
}

static void test_overrun(void **state)
{
	(void)state;
	add_dumped(3, 1, true);
	add_notice(0, 4, 2, TCPSTATE_ALERT_ACTION_RAISE);
	add_notice(1, 15, 4, TCPSTATE_ALERT_ACTION_RAISE);
	losses[1] = (struct tcpstate_loss){ .reader = 10, .overruns = 1 };
	before_batch = missed;
	follow_with(false);
	assert_story("active 1, raise 2, raise 4, clear 1, update 2, raise 3, clear 3");
}

/* The buffer was full, and no later notice says how many are missing. */
static void test_overrun_alone(void **state)
{
	(void)state;
	add_dumped(3, 1, true);
	add_notice(0, 4, 2, TCPSTATE_ALERT_ACTION_RAISE);
	n_batches = 2;
	losses[1] = (struct tcpstate_loss){ .overruns = 1 };
	before_batch = missed;
	follow_with(true);
	assert_has(out, "{\"lost\":{\"kernel\":0,\"reader\":0,\"overruns\":1}}\n");
	assert_has(out, "\"action\":\"clear\",\"id\":1,");
	assert_has(out, "\"action\":\"raise\",\"id\":3,");
}

/* Who waits for it to be switched on is told so, and waits. */
static void test_follow_off(void **state)
{
	(void)state;
	fake_stats.snapshot.health.coverage = fake_value(TCPSTATE_EVIDENCE_NONE);
	add_notice(0, 10, 4, TCPSTATE_ALERT_ACTION_RAISE);
	complaint_begin();
	follow_with(false);
	complaint_end();
	assert_story("raise 4");
	assert_has(complaint, "tcpstate: switched off; switch it on with: tcpstate on\n");
}

/* Every line is an object with all the keys; nobody who runs for weeks fills the memory. */
static void test_stream_json(void **state)
{
	json_t *object;
	const char *at;
	unsigned int lines = 0;

	(void)state;
	some_alerts();
	add_notice(0, 10, 50, TCPSTATE_ALERT_ACTION_RAISE);
	follow_with(true);
	for (at = out; *at; at = strchr(at, '\n') + 1, lines++) {
		object = parse(at);
		assert_int_equal(json_object_size(object), 4 + 7 + 6 + 7);
		assert_true(json_is_string(json_object_get(object, "time")));
		json_decref(object);
	}
	assert_int_equal(lines, 3);
}

static void test_many(void **state)
{
	static struct follower f;
	struct tcpstate_notice n = { .seq = 1 };
	uint32_t id;

	(void)state;
	f.n_seen = 0;
	for (id = 1; id <= 10 * SEEN_MAX; id++) {
		n.alert.id = id;
		n.seq = id;
		assert_true(is_new(&f, &n));
		assert_false(is_new(&f, &n));
	}
	assert_in_range(f.n_seen, SEEN_MAX / 2, SEEN_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_width, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_wide, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cut, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_standing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_port, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_merge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overrun, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_overrun_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_follow_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_stream_json, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("alerts", tests, NULL, NULL);
}
