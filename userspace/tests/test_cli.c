// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs the built tool as a user does: what it prints, where, and how it ends.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "../lib/link.h"
#include "capture.h"

#define BUSY "--proc=" FIXTURES "/busy"
#define IDLE "--proc=" FIXTURES "/idle"

static char err[65536];

/* Anonymous, so that nothing is left behind if a test fails. */
static int scratch_fd(void)
{
	char path[] = "/tmp/tcpstate-test-XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(unlink(path), 0);
	return fd;
}

static void take(int fd, char *buf, size_t size)
{
	ssize_t n = pread(fd, buf, size - 1, 0);

	assert_true(n >= 0);
	buf[n] = '\0';
	close(fd);
}

/* The tool's wait status; its stdout goes to out_fd, its stderr to err[]. */
static int spawn(int out_fd, const char *const argv[])
{
	int err_fd = scratch_fd(), status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		dup2(out_fd, STDOUT_FILENO);
		dup2(err_fd, STDERR_FILENO);
		unsetenv("NO_COLOR");
		execv(argv[0], (char *const *)argv);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	take(err_fd, err, sizeof(err));
	return status;
}

/* Its exit code, both streams captured. */
static int run_argv(const char *const argv[])
{
	int fd = scratch_fd();
	int status = spawn(fd, argv);

	take(fd, out, sizeof(out));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

#define run(...) run_argv((const char *const[]){ TOOL, __VA_ARGS__, NULL })

static void assert_one_line(const char *text)
{
	const char *end = strchr(text, '\n');

	assert_non_null(end);
	assert_int_equal(end[1], '\0');
	assert_memory_equal(text, "tcpstate: ", 10);
}

static void assert_usage(int code, const char *word)
{
	assert_int_equal(code, 2);
	assert_string_equal(out, "");
	assert_one_line(err);
	if (!strstr(err, word))
		fail_msg("%s is not in: %s", word, err);
}

static void test_text(void **state)
{
	char want[8192];
	int fd = open(FIXTURES "/busy.txt", O_RDONLY);

	(void)state;
	assert_true(fd >= 0);
	take(fd, want, sizeof(want));
	assert_int_equal(run(BUSY), 0);
	assert_string_equal(out, want);
	assert_string_equal(err, "");
	assert_int_equal(run("show", BUSY), 0);
	assert_string_equal(out, want);
	assert_int_equal(run(BUSY, "show"), 0);
	assert_string_equal(out, want);
	assert_int_equal(run("--proc", FIXTURES "/busy", "--no-header"), 0);
	assert_string_equal(out, strstr(want, "ESTABLISHED"));
}

static void test_quiet_when_all_is_well(void **state)
{
	(void)state;
	assert_int_equal(run(IDLE), 0);
	assert_memory_equal(out, "1 endpoint tracked (limit 65,536), 1 transition\n\nSTATE", 54);
	assert_null(strstr(out, "untracked"));
	assert_non_null(strstr(out, "CLOSING"));
}

/* More records than memory could hold, and ages beyond reason, still fit uncut. */
static void test_width(void **state)
{
	const char *big = "  4,294,967,295  9,223,372,036,854,775,807  106751991167d07h";
	char path[] = "/tmp/tcpstate-test-XXXXXX";
	int fd = mkstemp(path), code;
	char *line, *end;
	FILE *in, *f;
	char word[256];
	const char *argv[] = { TOOL, "--no-header", "--proc", path, NULL };

	(void)state;
	in = fopen(FIXTURES "/busy", "r");
	f = fdopen(fd, "w");
	assert_non_null(in);
	assert_non_null(f);
	while (fgets(word, sizeof(word), in)) {
		if (!strncmp(word, "state ", 6))
			fprintf(f, "state %s 4294967295 entered 9223372036854775807 "
				"oldest_ms 9223372036854775807\n", strtok(word + 6, " "));
		else
			fputs(word, f);
	}
	fclose(in);
	fclose(f);
	code = run_argv(argv);
	unlink(path);
	assert_int_equal(code, 0);
	for (line = out; *line; line = end + 1) {
		end = strchr(line, '\n');
		assert_non_null(end);
		*end = '\0';
		assert_in_range(end - line, 1, 80);
		assert_non_null(strstr(line, big));
	}
}

static void test_color(void **state)
{
	(void)state;
	assert_int_equal(run(BUSY, "--color=always"), 0);
	assert_non_null(strstr(out, "\033[2mCLOSING"));
	assert_null(strstr(out, "\033[2mESTABLISHED"));
	assert_int_equal(run(BUSY, "--color=auto"), 0);
	assert_null(strchr(out, '\033'));
	assert_int_equal(run(BUSY, "--color=never"), 0);
	assert_null(strchr(out, '\033'));
	assert_usage(run(BUSY, "--color=maybe"), "'maybe'");
}

static json_t *json_of(const char *fixture)
{
	json_error_t error;
	json_t *root;

	assert_int_equal(run("--json", fixture), 0);
	assert_string_equal(err, "");
	assert_int_equal(out[strlen(out) - 1], '\n');
	root = json_loads(out, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		fail_msg("%s: %s", error.text, out);
	return root;
}

/* Fails on a missing key, one too many, or another order. */
static void assert_keys(json_t *object, const char *want)
{
	char keys[256] = "";
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		if (*keys)
			strcat(keys, " ");
		strcat(keys, key);
	}
	assert_string_equal(keys, want);
}

static void test_json(void **state)
{
	json_t *root = json_of(BUSY), *states, *row;
	json_int_t count, entered, oldest, untracked;
	const char *name;

	(void)state;
	assert_keys(root, "version netns tracked limit states totals health alerts listeners peers");
	states = json_object_get(root, "states");
	assert_keys(states, "ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT "
			    "CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING");
	json_object_foreach(states, name, row)
		assert_keys(row, "count entered oldest_ms");
	assert_keys(json_object_get(root, "totals"), "transitions invalid malformed untracked");
	assert_keys(json_object_get(root, "health"), "coverage tracepoint untracked divergence verified_ms on_ms");
	assert_int_equal(json_unpack(root, "{s:{s:{s:I,s:I,s:I}},s:{s:I}}",
				     "states", "CLOSE_WAIT", "count", &count,
				     "entered", &entered, "oldest_ms", &oldest,
				     "totals", "untracked", &untracked), 0);
	assert_int_equal(count, 212);
	assert_int_equal(entered, 11100);
	assert_int_equal(oldest, 11100000);
	assert_int_equal(untracked, 8120);
	assert_int_equal(json_integer_value(json_object_get(root, "version")), 1);
	assert_int_equal(json_integer_value(json_object_get(root, "netns")), 4026531840);
	json_decref(root);
}

/* The line under the first says what the module sees; an older one says nothing. */
static void test_health(void **state)
{
	static const struct {
		const char *proc, *text;
	} cases[] = {
		{ "coverage full tracepoint 1 untracked 0 divergence 1200",
		  "sees all sockets, 1,200 corrected\n" },
		{ "coverage packets tracepoint 1 untracked 0 divergence 0",
		  "packets only: socket_evidence=0\n" },
		{ "coverage packets tracepoint 0 untracked 0 divergence 0",
		  "packets only: tracepoint sock:inet_sock_set_state missing, or "
		  "socket_evidence=0\n" },
		{ "coverage off tracepoint 0 untracked 0 divergence 0",
		  "switched off, nothing is counted or watched: tcpstate on\n" },
		{ "coverage teapot", "\n" },
	};
	char path[] = "/tmp/tcpstate-test-XXXXXX", option[64], text[8192];
	int fd = mkstemp(path);
	size_t i, len;

	(void)state;
	take(open(FIXTURES "/idle", O_RDONLY), text, sizeof(text));
	len = strlen(text);
	snprintf(option, sizeof(option), "--proc=%s", path);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(text + len, sizeof(text) - len, "health %s\n", cases[i].proc);
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, text, strlen(text), 0), strlen(text));
		assert_int_equal(run(option), 0);
		assert_memory_equal(strchr(out, '\n') + 1, cases[i].text, strlen(cases[i].text));
		assert_in_range(strlen(cases[i].text), 1, 81);
	}
	close(fd);
	unlink(path);
}

/* A number the module does not give is null or "-", not 0; its key stays. */
static void test_unknown_number(void **state)
{
	char path[] = "/tmp/tcpstate-test-XXXXXX", option[64];
	int fd = mkstemp(path), from, code;
	char text[8192], *key;
	json_t *root;

	(void)state;
	from = open(FIXTURES "/idle", O_RDONLY);
	assert_true(from >= 0);
	take(from, text, sizeof(text));
	*strstr(text, "total malformed") = '\0';
	key = strstr(text, "entered");
	memcpy(key, "renamed", strlen("renamed"));
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	snprintf(option, sizeof(option), "--proc=%s", path);
	root = json_of(option);
	code = run("--no-header", option);
	unlink(path);
	assert_true(json_is_null(json_object_get(json_object_get(root, "totals"), "malformed")));
	json_decref(root);
	assert_int_equal(code, 0);
	assert_memory_equal(out, "ESTABLISHED    0        -       -\n", 34);
}

static void test_help_and_version(void **state)
{
	(void)state;
	assert_int_equal(run("--help"), 0);
	assert_memory_equal(out, "Usage: tcpstate ", 16);
	assert_non_null(strstr(out, "--proc=FILE"));
	assert_int_equal(run("-h"), 0);
	assert_int_equal(run("--version"), 0);
	assert_string_equal(out, "tcpstate " TCPSTATE_VERSION "\n");
	assert_int_equal(run("-V"), 0);
}

static void test_help_of_subcommands(void **state)
{
	static const char * const names[] = {
		"show", "list", "events", "top", "alerts", "explain", "config", "ignore", "verify",
	};
	char usage[64];
	size_t i;

	(void)state;
	assert_int_equal(run("--help"), 0);
	assert_width();
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_non_null(strstr(out, names[i]));
		assert_int_equal(run(names[i], "--help"), 0);
		snprintf(usage, sizeof(usage), "Usage: tcpstate %s", names[i]);
		assert_memory_equal(out, usage, strlen(usage));
		assert_width();
		assert_string_equal(err, "");
		assert_int_equal(run("--help"), 0);
	}
	assert_int_equal(run("list", "-h"), 0);
	assert_non_null(strstr(out, "--sort=KEY"));
	assert_int_equal(run("-h", "config"), 0);
	assert_null(strstr(out, "--sort"));
}

static void test_usage(void **state)
{
	(void)state;
	assert_usage(run("shwo"), "'shwo'; did you mean 'show'?");
	assert_usage(run("sho"), "did you mean 'show'?");
	assert_usage(run("--jsno"), "'--jsno'; did you mean '--json'?");
	assert_usage(run("--noheader=1"), "'--noheader'; did you mean '--no-header'?");
	assert_usage(run(BUSY, "--colour=never"), "'--colour'; did you mean '--color'?");
	assert_usage(run("teapot"), "'teapot'; see tcpstate --help");
	assert_usage(run("an-overlong-word-that-nobody-could-have-meant"), "see tcpstate --help");
	assert_usage(run(""), "''");
	assert_usage(run("-x"), "'-x'");
	assert_usage(run("-jx", BUSY), "'-x'");
	assert_usage(run("--json=yes"), "'--json' takes no argument");
	assert_usage(run("--proc"), "'--proc' needs an argument");
	assert_usage(run("show", "me"), "'me'");
}

/* An option that a subcommand has no use for is named, with the subcommand. */
static void test_misplaced_option(void **state)
{
	(void)state;
	assert_usage(run("show", "--older=5s"), "'--older' does not apply to 'show'");
	assert_usage(run("-4", BUSY), "'--ipv4' does not apply to 'show'");
	assert_usage(run("list", "--proc=x"), "'--proc' does not apply to 'list'");
	assert_usage(run("events", "--sort=age"), "'--sort' does not apply to 'events'");
	assert_usage(run("events", "--watch"), "'--watch' does not apply to 'events'");
	assert_usage(run("events", "--no-header"), "'--no-header' does not apply to 'events'");
	assert_usage(run("config", "-s", "close"), "'--state' does not apply to 'config'");
	assert_usage(run("explain", "-r"), "'--resolve' does not apply to 'explain'");
	assert_usage(run("top", "-j"), "'--json' does not apply to 'top'");
	assert_usage(run("verify", "--older=5s"), "'--older' does not apply to 'verify'");
	assert_usage(run("off", "-j"), "'--json' does not apply to 'off'");
	assert_usage(run("on", "-N", "x"), "'--netns' does not apply to 'on'");
	assert_usage(run("off", "now"), "'off' takes no argument 'now'");
}

static void test_bad_values(void **state)
{
	(void)state;
	assert_usage(run("list", "-s", "close-wiat"), "'close-wiat'; did you mean 'close-wait'?");
	assert_usage(run("list", "-s", "TIME_WIAT"), "did you mean 'time-wait'?");
	assert_usage(run("list", "-s", "listen,teapot"), "unknown state 'teapot'; tcpstate show");
	assert_usage(run("list", "-s", "listen,"), "unknown state ''");
	assert_usage(run("list", "-s", ""), "unknown state ''");
	assert_usage(run("list", "--src=example.org"), "--src: 'example.org' is not an address");
	assert_usage(run("list", "--src=192.0.2.1/33"), "'192.0.2.1/33'");
	assert_usage(run("list", "--dst=192.0.2.1/"), "'192.0.2.1/'");
	assert_usage(run("list", "--dst=192.0.2.1/24x"), "'192.0.2.1/24x'");
	assert_usage(run("list", "--dst=2001:db8::/129"), "--dst: '2001:db8::/129'");
	assert_usage(run("list", "--dst=/8"), "'/8'");
	assert_usage(run("list", "--sport=http"), "--sport: 'http' is not a port");
	assert_usage(run("list", "--sport=0"), "'0'");
	assert_usage(run("list", "--dport=65536"), "--dport: '65536'");
	assert_usage(run("list", "--dport=90-80"), "'90-80'");
	assert_usage(run("list", "--dport=80-"), "'80-'");
	assert_usage(run("list", "--older=5x"), "--older: '5x' is not a duration, like 500ms");
	assert_usage(run("list", "--older=1h30"), "'1h30'");
	assert_usage(run("list", "--older=-5s"), "'-5s'");
	assert_usage(run("list", "--older="), "''");
	assert_usage(run("list", "--older=106752d"), "'106752d'");
	assert_usage(run("list", "--older=99999999999999999999s"), "'99999999999999999999s'");
	assert_usage(run("list", "-n", "0"), "--limit: '0' is not a number from 1");
	assert_usage(run("list", "-n", "4294967296"), "'4294967296'");
	assert_usage(run("list", "-n", "+5"), "'+5'");
	assert_usage(run("list", "--sort=agee"), "unknown key 'agee'; did you mean 'age'?");
	assert_usage(run("list", "--sort=x"), "'x' is not age, local, remote or state");
	assert_usage(run("list", "--watch=0"), "--watch: '0' is not a number of seconds");
	assert_usage(run("list", "--watch=1.5"), "'1.5'");
	assert_usage(run("list", "--watch", "5"), "'list' takes no argument '5'");
}

static void test_bad_together(void **state)
{
	(void)state;
	assert_usage(run("list", "-4", "-6"), "--ipv4 and --ipv6 exclude each other");
	assert_usage(run("list", "--src=::1", "--dst=127.0.0.1"), "of different families");
	assert_usage(run("list", "-4", "--src=::1"), "--src is not an address of --ipv4");
	assert_usage(run("list", "-6", "--dst=0.0.0.0/0"), "--dst is not an address of --ipv6");
}

static void test_bad_config(void **state)
{
	(void)state;
	assert_usage(run("config", "gte"), "'gte'; did you mean 'get'?");
	assert_usage(run("config", "teapot"), "'teapot'; it is 'get' or 'set'");
	assert_usage(run("config", "get", "limit"), "'config get' takes no argument 'limit'");
	assert_usage(run("config", "set"), "'config set' needs KEY=VALUE");
	assert_usage(run("config", "set", "limt=3"), "'limt'; did you mean 'limit'?");
	assert_usage(run("config", "set", "teapot=3"), "unknown key 'teapot'; tcpstate config get");
	assert_usage(run("config", "set", "limit"), "limit=NUMBER");
	assert_usage(run("config", "set", "limit=1", "limit=2"), "'limit' is given twice");
	assert_usage(run("config", "set", "limit=0"), "from 1 to 4294967295, not '0'");
	assert_usage(run("config", "set", "limit=4294967296"), "not '4294967296'");
	assert_usage(run("config", "set", "limit=99999999999999999999"), "not '99999");
	assert_usage(run("config", "set", "limit= 5"), "not ' 5'");
	assert_usage(run("config", "set", "limit="), "not ''");
	assert_usage(run("config", "set", "event-batch=65"), "from 1 to 64, not '65'");
	assert_usage(run("config", "set", "event-delay-ms=1001"), "from 0 to 1000");
	assert_usage(run("config", "set", "event-queue=1023"), "from 1024 to 1048576");
}

#define absent(...) run_argv((const char *const[]){ TOOL_ABSENT, __VA_ARGS__, NULL })

/* What is understood gets as far as the module, which is not there. */
static void test_good_values(void **state)
{
	(void)state;
	assert_int_equal(absent("list", "-s", "close-wait,CLOSE_WAIT,closewait,fin-wait-1"), 3);
	assert_int_equal(absent("list", "-s", "FIN_WAIT1,FinWait2,syn-received,CLOSED,listening"), 3);
	assert_int_equal(absent("list", "-4", "--src=192.0.2.0/24", "--dst=198.51.100.1"), 3);
	assert_int_equal(absent("list", "-6", "--src=2001:db8::/32", "--dst=::/0"), 3);
	/* As an IPv6 socket writes an IPv4 address. */
	assert_int_equal(absent("list", "-4", "--src=::ffff:192.0.2.1"), 3);
	assert_int_equal(absent("list", "--sport=1-65535", "--dport=443"), 3);
	assert_int_equal(absent("list", "--older=1h30m", "-n", "4294967295", "--sort=age"), 3);
	assert_int_equal(absent("list", "--older=106751d"), 3);
	assert_int_equal(absent("list", "--older=60"), 3);
	assert_int_equal(absent("list", "--watch=1", "--no-header", "--color=always", "-r"), 3);
	assert_int_equal(absent("events", "-j", "-s", "listen", "-4", "-n5", "-r"), 3);
	assert_int_equal(absent("list", "-jp"), 3);
	assert_int_equal(absent("events", "--processes"), 3);
	assert_int_equal(absent("config", "set", "limit=5", "event-batch=1"), 3);
	assert_int_equal(absent("verify", "-j", "-4", "-s", "listen", "--sport=80", "-n5", "-r"), 3);
	assert_int_equal(absent("verify", "--watch=1", "--no-header", "--color=never"), 3);
}

static void test_namespace(void **state)
{
	(void)state;
	assert_int_equal(run("list", "-N", "no-such-namespace"), 1);
	assert_string_equal(out, "");
	assert_one_line(err);
	assert_non_null(strstr(err, "'no-such-namespace'; ip netns list"));
	assert_int_equal(run("list", "--netns=../../proc/self/ns/net"), 1);
	assert_int_equal(run("list", "--netns=99999999"), 1);
	assert_int_equal(run("list", "--netns="), 1);
}

static void test_selected_states(void **state)
{
	json_t *root, *states;

	(void)state;
	assert_int_equal(run(BUSY, "--no-header", "-s", "close-wait,listen"), 0);
	assert_memory_equal(out, "CLOSE_WAIT", 10);
	assert_non_null(strstr(out, "\nLISTEN"));
	assert_null(strstr(out, "ESTABLISHED"));
	assert_int_equal(run(BUSY, "-j", "-s", "close-wait"), 0);
	root = json_loads(out, 0, NULL);
	states = json_object_get(root, "states");
	assert_keys(states, "CLOSE_WAIT");
	json_decref(root);
}

static void test_failure(void **state)
{
	(void)state;
	assert_int_equal(run("--proc=/nonexistent/file"), 1);
	assert_string_equal(out, "");
	assert_string_equal(err, "tcpstate: /nonexistent/file: No such file or directory\n");
	assert_int_equal(run("--proc=/dev/null"), 1);
	assert_string_equal(err, "tcpstate: /dev/null: the file is empty\n");
	assert_int_equal(run("--proc=" FIXTURES "/busy.txt"), 1);
	assert_one_line(err);
	assert_non_null(strstr(err, "not a tcpstate file"));
}

/* Same sources, but the default path certainly does not exist. */
static void test_not_loaded(void **state)
{
	const char *const argv[] = { TOOL_ABSENT, NULL };
	const char *const given[] = { TOOL_ABSENT, BUSY, NULL };
	static const char * const others[] = {
		"list", "events", "config", "top", "verify", "alerts", "ignore", "off", "on",
	};
	size_t i;

	(void)state;
	assert_int_equal(run_argv(argv), 3);
	assert_string_equal(out, "");
	assert_one_line(err);
	assert_string_equal(err, "tcpstate: " TCPSTATE_LINK_ABSENT "\n");
	assert_int_equal(run_argv(given), 0);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		assert_int_equal(absent(others[i]), 3);
		assert_string_equal(out, "");
		assert_string_equal(err, "tcpstate: " TCPSTATE_LINK_ABSENT "\n");
	}
}

static void test_closed_pipe(void **state)
{
	const char *const argv[] = { TOOL, BUSY, NULL };
	int fds[2], status;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	signal(SIGPIPE, SIG_IGN);	/* as some parents leave it */
	status = spawn(fds[1], argv);
	signal(SIGPIPE, SIG_DFL);
	close(fds[1]);
	assert_string_equal(err, "");
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGPIPE);
}

static void test_full_disk(void **state)
{
	const char *const text[] = { TOOL, BUSY, NULL };
	const char *const json[] = { TOOL, BUSY, "-j", NULL };
	const char *const help[] = { TOOL, "-h", NULL };
	const char *const *const argvs[] = { text, json, help };
	int fd = open("/dev/full", O_WRONLY), status;
	size_t i;

	(void)state;
	assert_true(fd >= 0);
	for (i = 0; i < 3; i++) {
		status = spawn(fd, argvs[i]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
		assert_string_equal(err, "tcpstate: cannot write the output: "
				    "No space left on device\n");
	}
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_quiet_when_all_is_well),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_health),
		cmocka_unit_test(test_unknown_number),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_help_of_subcommands),
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_misplaced_option),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_bad_together),
		cmocka_unit_test(test_bad_config),
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_namespace),
		cmocka_unit_test(test_selected_states),
		cmocka_unit_test(test_failure),
		cmocka_unit_test(test_not_loaded),
		cmocka_unit_test(test_closed_pipe),
		cmocka_unit_test(test_full_disk),
	};

	return cmocka_run_group_tests_name("cli", tests, NULL, NULL);
}
