// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstated with a module that is none: its lines, its log and its settings.
 */
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture.h"
#include "fake_module.h"
#include "tcpstated_files.h"

static unsigned int count(const char *part)
{
	unsigned int n = 0;
	const char *at;

	for (at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

/* What happens, one a turn of the loop; behind the last the daemon is told to end. */
static void (*steps[8])(void);
static unsigned int step;

static void next_step(void)
{
	if (step < 8 && steps[step])
		steps[step++]();
	else
		stop_wanted = 1;
}

/* Instead of the log. */
static char said[4096];

void log_line(int priority, const char *id, const char *fmt, ...)
{
	size_t used = strlen(said);
	va_list args;

	(void)priority, (void)id;
	va_start(args, fmt);
	vsnprintf(said + used, sizeof(said) - used, fmt, args);
	va_end(args);
	if (strlen(said) < sizeof(said) - 1)
		strcat(said, "\n");
}

static unsigned int logged[4];

void log_news(const struct follow_news *news)
{
	logged[news->action]++;
}

const char *log_open(enum log_target target)
{
	(void)target;
	return NULL;
}

static enum exit_status run_with(void (*each_turn)(void))
{
	char *argv[] = { "tcpstated", option, NULL };
	struct invocation in = { .argc = 2, .argv = argv, .config = config, .must_exist = true };
	char why[COMPLAINT_MAX];
	struct settings s;

	on_notices = each_turn;
	stop_wanted = step = 0;
	if (!config_load(&in, &s, why, sizeof(why)))
		fail_msg("%s", why);
	return daemon_run(&in, &s);
}

static enum exit_status run_daemon(void)
{
	return run_with(next_step);
}

static int set_up(void **state)
{
	memset(&module, 0, sizeof(module));
	memset(steps, 0, sizeof(steps));
	memset(logged, 0, sizeof(logged));
	said[0] = '\0';
	module.queue_room = QUEUE_MAX;
	module.named = true;
	module_load();
	return set_up_files(state);
}

/* Lines */

static int sock;

/* A connection in CLOSE_WAIT, of the socket @fd */
static void add_endpoint(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	module.endpoint[module.endpoints++] = (struct tcpstate_endpoint){
		.local = TCPSTATE_STATE_CLOSE_WAIT, .socket.inode = { st.st_ino, true },
	};
}

static void raise_leak(void)
{
	struct tcpstate_notice *n;
	struct stat st;

	assert_int_equal(fstat(sock, &st), 0);
	if (!module.endpoints)
		add_endpoint(sock);
	module_raise(8080);
	n = module_alert(module.last_id);
	n->alert.kind = TCPSTATE_ALERT_KIND_CLOSE_WAIT_LEAK;
	n->alert.severity = TCPSTATE_SEVERITY_TICKET;
	n->alert.peer.socket.inode = (struct tcpstate_value){ st.st_ino, true };
	module.link[0].n = 0;
	module_tell(module.last_id, TCPSTATE_ALERT_ACTION_RAISE);
	/* The first of the two was lost, as it were. */
	module.link[0].n = 1;
}

static void clear_leak(void)
{
	/* Who had it is still told. */
	close(sock);
	module_clear(1);
}

static void test_holder(void **state)
{
	uint32_t files = open_files_limit("/proc", getpid());
	char want[128];

	(void)state;
	sock = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_not_equal(files, 0);
	steps[0] = raise_leak;
	steps[1] = clear_leak;
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_memory_equal(text, "{\"module\":\"present\",\"time_ns\":", 30);
	assert_int_equal(count("\n"), 4);
	assert_int_equal(count("\"action\":\"raise\""), 1);
	assert_int_equal(count("\"action\":\"clear\""), 1);
	assert_int_equal(count("{\"lost\":{\"kernel\":0,\"reader\":1,\"overruns\":0}}\n"), 1);
	snprintf(want, sizeof(want), "\"holder\":{\"kind\":\"process\",\"processes\":[{\"pid\":%d,",
		 (int)getpid());
	assert_int_equal(count(want), 2);
	assert_has(text, "\"kind\":\"close-wait-leak\",\"severity\":\"ticket\"");
	assert_has(text, "\"local_port\":8080");
	assert_int_equal(module.limit_id, 1);
	assert_int_equal(module.limit, files);
	assert_int_equal(module.asked.states, 1 << TCPSTATE_STATE_CLOSE_WAIT);
	assert_int_equal(module.asked.lport_min, 8080);
	assert_int_equal(module.asked.lport_max, 8080);
	assert_int_equal(module.asked.laddr_len, 0);
}

/* One that is ignored here is in the lines, marked, and not in the log; the module learns of it where it can. */
static void test_ignored(void **state)
{
	char what[300];

	(void)state;
	snprintf(what, sizeof(what), "json = %s\nignore = any port=8080\nignore = any unit=nobody\n", lines);
	write_config(what);
	sock = socket(AF_INET, SOCK_STREAM, 0);
	steps[0] = raise_leak;
	steps[1] = clear_leak;
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_int_equal(count("\"ignored\":true"), 2);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_RAISE] + logged[TCPSTATE_ALERT_ACTION_CLEAR], 0);
	assert_int_equal(module.config.ignores.n, 1);
	assert_int_equal(module.config.ignore[0].port, 8080);
}

/* Workers that share a port: of one socket here and three there the three count, of so many files in all. */
static void test_workers(void **state)
{
	uint32_t files = open_files_limit("/proc", getpid());
	int fd[3], ready[2], i;
	pid_t child;
	char c;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	sock = socket(AF_INET, SOCK_STREAM, 0);
	add_endpoint(sock);
	for (i = 0; i < 3; i++) {
		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		add_endpoint(fd[i]);
	}
	/* One that nobody has */
	module.endpoint[module.endpoints++].socket.inode = (struct tcpstate_value){ 1, true };
	child = fork();
	if (!child) {
		close(sock);
		if (write(ready[1], "x", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	for (i = 0; i < 3; i++)
		close(fd[i]);
	steps[0] = raise_leak;
	steps[1] = clear_leak;
	assert_int_equal(run_daemon(), STATUS_OK);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	close(ready[0]);
	close(ready[1]);
	assert_int_equal(module.limit, files * 4 / 3);
}

/* The module goes and comes. */
static void raise_two(void)
{
	module_raise(80);
	module_raise(81);
}

static void unload(void)
{
	module_unload(true);
}

static void test_unload(void **state)
{
	pid_t child;
	int status;

	(void)state;
	/* Nobody asks for notices while there is no module: a signal ends the wait. */
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		struct sigaction action = { .sa_handler = SIG_DFL };

		sigaction(SIGTERM, &action, NULL);
		steps[0] = raise_two;
		steps[1] = unload;
		_exit(run_daemon());
	}
	wait_for(lines, "\"module\":\"absent\"");
	usleep(300000);
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
	read_text(lines);
	assert_int_equal(count("\"action\":\"raise\""), 2);
	assert_int_equal(count("\"action\":\"clear\""), 2);
	assert_int_equal(count("\"module\":\"absent\""), 1);
	assert_int_equal(count("\"module\":\"present\""), 1);
	/* They are over because the module is. */
	assert_int_equal(count("\"cleared\":null"), 4);
}

static void do_nothing(void)
{
}

/* Restart */

static void clear_first(void)
{
	module_clear(1);
}

static void test_restart(void **state)
{
	(void)state;
	steps[0] = raise_two;
	assert_int_equal(run_daemon(), STATUS_OK);
	assert_int_equal(access(state_file, R_OK), 0);
	steps[0] = NULL;
	assert_int_equal(run_daemon(), STATUS_OK);
	steps[0] = clear_first;
	module_raise(82);
	assert_int_equal(run_daemon(), STATUS_OK);
	steps[0] = NULL;
	module_clear(2);
	module_clear(3);
	assert_int_equal(run_daemon(), STATUS_OK);
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_int_equal(count("\"action\":\"raise\""), 3);
	assert_int_equal(count("\"action\":\"clear\""), 3);
	assert_int_equal(count("\"module\":\"present\""), 5);
	assert_int_equal(count("\"action\":\"raise\",\"id\":3,"), 1);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_RAISE], 3);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], 3);
}

/* The module is upgraded: JSON tells of both modules, the log of one trouble. */
static void reload_module(void)
{
	module_unload(true);
	module_load();
	module_raise(81);
}

static void clear_and_see(void)
{
	module_clear(1);
}

static void test_upgrade(void **state)
{
	(void)state;
	steps[0] = raise_two;
	steps[1] = reload_module;
	steps[2] = do_nothing;
	steps[3] = clear_and_see;
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_int_equal(count("\"action\":\"raise\""), 3);
	assert_int_equal(count("\"action\":\"clear\""), 3);
	assert_int_equal(count("\"module\":\"absent\""), 1);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_RAISE], 2);
	/* The one at port 80 has half an hour to be raised again. */
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], 1);
}

/* What the log is not told of, or not by itself, or not again. */
static void raise_quietly(void)
{
	struct tcpstate_notice *n;

	module_raise(80);
	module_raise(81);
	module_raise(82);
	module.link[0].n = 0;
	module_alert(1)->alert.ignored = true;
	module_alert(2)->alert.folded = true;
	n = module_alert(3);
	n->alert.severity = TCPSTATE_SEVERITY_TICKET;
	module_tell(1, TCPSTATE_ALERT_ACTION_RAISE);
	module_tell(2, TCPSTATE_ALERT_ACTION_RAISE);
	module_tell(3, TCPSTATE_ALERT_ACTION_RAISE);
}

static void become_worse(void)
{
	module_update(1, 7);
	module_update(2, 7);
	module_update(3, 7);
	module_alert(3)->alert.severity = TCPSTATE_SEVERITY_PAGE;
	module_update(3, 8);
	module_update(3, 9);
	module_clear(1);
	module_clear(2);
	module_clear(3);
}

static void test_quiet(void **state)
{
	(void)state;
	steps[0] = raise_quietly;
	steps[1] = become_worse;
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_int_equal(count("\"action\":\"raise\""), 3);
	assert_int_equal(count("\"action\":\"update\""), 5);
	assert_int_equal(count("\"action\":\"clear\""), 3);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_RAISE], 1);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_UPDATE], 1);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], 1);
}

/* The log is told later that there were more, once an hour. */
static const struct ignored_list none;

static void tell_folded(struct teller *t, uint32_t id)
{
	struct known known = { .alert = {
		.id = id, .severity = TCPSTATE_SEVERITY_TICKET, .folded = true,
	} };
	const struct follow_news news = {
		.action = TCPSTATE_ALERT_ACTION_RAISE, .alert = &known.alert, .known = &known,
	};

	teller_tell(&news, t);
	assert_int_equal(known.logged, 0);
}

static void test_more(void **state)
{
	static struct out out = { .fd = -1 };
	static struct carry carry;
	struct teller t = { .out = &out, .carry = &carry, .ignored = &none };

	(void)state;
	tell_folded(&t, 1);
	tell_folded(&t, 2);
	teller_tick(&t);
	assert_string_equal(said, "");
	t.more_ns = 1;
	teller_tick(&t);
	assert_string_equal(said, "and 2 more alerts were raised; all of them: tcpstate alerts\n");
	assert_true(t.more_ns > clock_ns(CLOCK_BOOTTIME) + 3500 * NS_PER_S);
	tell_folded(&t, 3);
	teller_tick(&t);
	assert_int_equal(t.folded, 1);
	/* Or at its end, once. */
	said[0] = '\0';
	teller_end(&t);
	teller_end(&t);
	assert_string_equal(said, "and 1 more alert was raised; all of them: tcpstate alerts\n");
	tcpstate_holders_free(t.holders);
}

/* A trouble that does not come again after an upgrade is taken back when its time is over. */
static void test_take_back(void **state)
{
	static struct out out = { .fd = -1 };
	static struct carry carry;
	struct teller t = { .out = &out, .carry = &carry, .ignored = &none };
	struct known known = { .alert.id = 1, .logged = TCPSTATE_SEVERITY_PAGE };

	(void)state;
	carry_put(&carry, &known, clock_ns(CLOCK_BOOTTIME) + 3600 * NS_PER_S);
	teller_tick(&t);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], 0);
	carry.at[0].until_ns = 1;
	teller_tick(&t);
	teller_tick(&t);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], 1);
	assert_int_equal(carry.at[0].known.alert.id, 0);
}

/* What was over before it was learnt of is no reason to get up. */
static void test_over(void **state)
{
	(void)state;
	module_raise(80);
	module_clear(1);
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_int_equal(count("\"action\":\"raise\""), 1);
	assert_int_equal(count("\"action\":\"clear\""), 1);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_RAISE], 0);
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], 1);
}

/* Thousands of alerts and transitions, overruns and reloads: it uses no more memory than before. */
static unsigned int turns, churned;
static size_t memory[2];

static void churn(void)
{
	unsigned int i;

	turns++;
	module.queue_room = turns % 50 ? QUEUE_MAX : 3;
	for (i = 0; i < 20; i++) {
		module_raise(i);
		module_update(module.last_id, turns);
		module_clear(module.last_id);
		churned++;
	}
	for (i = 0; i < 64; i++)
		module.transitions[i] = (struct tcpstate_transition){
			.seq = turns, .end = TCPSTATE_END_LOCAL, .from = 1, .to = 8,
			.tuple = { .family = AF_INET6 },
		};
	module.n_transitions = 64;
	if (turns % 30 == 0) {
		module_unload(true);
		module_load();
	}
	if (turns == 100 || turns == 300)
		memory[turns / 200] = mallinfo2().uordblks;
	stop_wanted = turns == 300;
}

static void test_flat(void **state)
{
	(void)state;
	write_config("json = /dev/null\nlog = none\ntransitions = yes\n");
	run_with(churn);
	/* Holders are looked up now and then, and there are not always as many; valgrind says 0. */
	assert_true(memory[1] < memory[0] + 100000);
	/* Twice the module went in the turn of an overrun, and took all but one with it. */
	assert_int_equal(logged[TCPSTATE_ALERT_ACTION_CLEAR], churned - 2 * 19);
}

/* SIGHUP */

static void change_settings(void)
{
	char what[512];

	module_raise(80);
	snprintf(what, sizeof(what), "json = %s\nlog = none\ntransitions = yes\n", other);
	write_config(what);
	reload_wanted = 1;
}

static void move_something(void)
{
	module.transitions[0] = (struct tcpstate_transition){
		.seq = 77, .time_ns = 1000, .end = TCPSTATE_END_LOCAL, .from = 1, .to = 8,
		.cause = TCPSTATE_CAUSE_RCV_FIN,
		.tuple = { .family = AF_INET, .lport = 80, .rport = 50312 },
	};
	module.n_transitions = 1;
	module_raise(81);
}

static void spoil_settings(void)
{
	write_config("json = -\nlog = nne\n");
	assert_int_equal(rename(other, lines), 0);
	reload_wanted = 1;
}

static void raise_one(void)
{
	module_raise(82);
}

static void test_reload(void **state)
{
	(void)state;
	steps[0] = change_settings;
	steps[1] = do_nothing;
	steps[2] = move_something;
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(lines);
	assert_int_equal(count("\"action\":\"raise\",\"id\":1,"), 1);
	assert_int_equal(count("\n"), 2);
	read_text(other);
	assert_int_equal(count("\"action\":\"raise\",\"id\":2,"), 1);
	assert_has(text, "\"seq\":77,\"time_ns\":1000,\"time\":\"");
	assert_has(text, "\"old_state\":\"ESTABLISHED\",\"new_state\":\"CLOSE_WAIT\","
			 "\"cause\":\"rcv-fin\",\"duration_ns\":null,\"uid\":null");
	assert_int_equal(count("\n"), 2);
}

/* What is wrong changes nothing, but the file that was taken away is made anew. */
static void test_reload_bad(void **state)
{
	char what[512];

	(void)state;
	snprintf(what, sizeof(what), "json = %s\nlog = none\n", other);
	write_config(what);
	steps[0] = spoil_settings;
	steps[1] = do_nothing;
	steps[2] = raise_one;
	assert_int_equal(run_daemon(), STATUS_OK);
	read_text(other);
	assert_int_equal(count("\"action\":\"raise\""), 1);
	assert_int_equal(count("\n"), 1);
	assert_has(said, "tcpstated.conf:2: log is auto, journal, syslog or none, not 'nne'; "
			 "did you mean 'none'?; nothing is changed\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_holder, set_up),
		cmocka_unit_test_setup(test_workers, set_up),
		cmocka_unit_test_setup(test_ignored, set_up),
		cmocka_unit_test_setup(test_unload, set_up),
		cmocka_unit_test_setup(test_restart, set_up),
		cmocka_unit_test_setup(test_upgrade, set_up),
		cmocka_unit_test_setup(test_quiet, set_up),
		cmocka_unit_test_setup(test_more, set_up),
		cmocka_unit_test_setup(test_take_back, set_up),
		cmocka_unit_test_setup(test_over, set_up),
		cmocka_unit_test_setup(test_flat, set_up),
		cmocka_unit_test_setup(test_reload, set_up),
		cmocka_unit_test_setup(test_reload_bad, set_up),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("tcpstated", tests, make_dir, remove_dir);
}
