// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcpstated where it needs no module: the command line, the file, signals, and lines that cannot be
 * written.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture.h"
#include "tcpstated_files.h"
#include "../tcpstated/tcpstated.h"

/* A reader that does not read: nothing is lost, and the end comes none the less. */
static void fill_pipe(int fd)
{
	char buf[4096] = { 0 };

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (write(fd, buf, sizeof(buf)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void test_stuck(void **state)
{
	static struct out out = { .fd = -1 };
	int ends[2], was = dup(STDOUT_FILENO), i;
	char byte[65536];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	fill_pipe(ends[1]);
	dup2(ends[1], STDOUT_FILENO);
	assert_int_equal(out_open(&out, "-"), 0);
	dup2(was, STDOUT_FILENO);
	out_line(&out, json_pack("{s:i}", "n", 1), true);
	assert_int_equal(out_flush(&out), -EAGAIN);
	assert_int_equal(out.error, EAGAIN);
	/* What may be lost leaves half of the room. */
	for (i = 0; i < 200000; i++)
		out_line(&out, json_pack("{s:i}", "transition", i), false);
	assert_true(out.dropped > 0 && out.used <= OUT_ROOM / 2);
	out_line(&out, json_pack("{s:i}", "n", 2), true);
	assert_int_equal(out.dropped, 0);
	out.buf[out.used] = '\0';
	assert_non_null(strstr(out.buf, "{\"dropped\":"));
	assert_memory_equal(out.buf + out.used - 8, "{\"n\":2}\n", 8);
	/* It reads again. */
	fcntl(ends[0], F_SETFL, O_NONBLOCK);
	while (read(ends[0], byte, sizeof(byte)) > 0)
		;
	out_flush(&out);
	assert_int_equal(read(ends[0], byte, sizeof(byte)) > 8, 1);
	assert_memory_equal(byte, "{\"n\":1}\n", 8);
	close(ends[0]);
	assert_int_equal(out_flush(&out), -EPIPE);
	out_close(&out);
	close(ends[1]);
	close(was);
}

/* A disk that is full: the lines wait, and go to the next file. */
static void test_full_disk(void **state)
{
	static struct out out = { .fd = -1 };

	(void)state;
	assert_int_equal(out_open(&out, "/nonexistent/lines"), -ENOENT);
	assert_int_equal(out_open(&out, "/dev/full"), 0);
	out_line(&out, json_pack("{s:i}", "n", 1), true);
	assert_int_equal(out_flush(&out), -ENOSPC);
	assert_int_equal(out_flush(&out), -ENOSPC);
	assert_int_equal(out_open(&out, lines), 0);
	assert_int_equal(out_flush(&out), 0);
	read_text(lines);
	assert_string_equal(text, "{\"n\":1}\n");
	assert_int_equal(out_open(&out, "none"), 0);
	out_line(&out, json_pack("{s:i}", "n", 2), true);
	assert_int_equal(out.used, 0);
	out_close(&out);
}

/* As above, but there was room for a part of it: the next file gets the whole line. */
static void test_half_a_line(void **state)
{
	struct rlimit was, small = { 0, 0 };
	static struct out out = { .fd = -1 };
	char old[192];

	(void)state;
	snprintf(old, sizeof(old), "%s.1", lines);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = (struct rlimit){ 4, was.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(out_open(&out, lines), 0);
	out_line(&out, json_pack("{s:i}", "n", 1), true);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(out_flush(&out), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	/* The same file again: only the rest. */
	assert_int_equal(out_open(&out, lines), 0);
	assert_int_equal(out.begun, 4);
	assert_int_equal(rename(lines, old), 0);
	assert_int_equal(out_open(&out, lines), 0);
	assert_int_equal(out_flush(&out), 0);
	read_text(lines);
	assert_string_equal(text, "{\"n\":1}\n");
	unlink(old);
	out_close(&out);
}

/* Nobody waits for a reader: a signal would not come through. */
static void test_fifo(void **state)
{
	static struct out out = { .fd = -1 };

	(void)state;
	unlink(lines);
	assert_int_equal(mkfifo(lines, 0600), 0);
	assert_int_equal(out_open(&out, lines), -ENXIO);
	unlink(lines);
}

static void test_limits(void **state)
{
	char path[192];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/77", dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/77/limits", dir);
	f = fopen(path, "w");
	fputs("Limit                     Soft Limit           Hard Limit           Units     \n"
	      "Max cpu time              unlimited            unlimited            seconds   \n"
	      "Max open files            1024                 1048576              files     \n", f);
	fclose(f);
	assert_int_equal(open_files_limit(dir, 77), 1024);
	assert_int_equal(open_files_limit(dir, 78), 0);
	f = fopen(path, "w");
	fputs("Max open files            unlimited            unlimited            files     \n", f);
	fclose(f);
	assert_int_equal(open_files_limit(dir, 77), 0);
	unlink(path);
	snprintf(path, sizeof(path), "%s/77", dir);
	rmdir(path);
}

/* The program */

static int run_program(const char *arguments)
{
	char command[512];
	int status;

	snprintf(command, sizeof(command), DAEMON " %s >%s 2>&1", arguments, other);
	status = system(command);
	read_text(other);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_program(void **state)
{
	char arguments[256];

	(void)state;
	assert_int_equal(run_program("--version"), 0);
	assert_string_equal(text, "tcpstated " TCPSTATE_VERSION "\n");
	assert_int_equal(run_program("--help"), 0);
	assert_has(text, "--transitions[=yes|no]");
	assert_int_equal(run_program("--jsn=x"), 2);
	assert_string_equal(text, "tcpstated: unknown option '--jsn'; did you mean '--json'?\n");
	assert_int_equal(run_program("--log=jurnal"), 2);
	assert_string_equal(text, "tcpstated: --log is auto, journal, syslog or none, "
				  "not 'jurnal'; did you mean 'journal'?\n");
	assert_int_equal(run_program("alerts"), 2);
	assert_int_equal(run_program("-x"), 2);
	assert_int_equal(run_program("--json"), 2);
	assert_string_equal(text, "tcpstated: option '--json' needs an argument\n");
	snprintf(arguments, sizeof(arguments), "--config=%s --check-config", config);
	assert_int_equal(run_program(arguments), 0);
	assert_string_equal(text, "");
	assert_int_equal(run_program("--json=/nonexistent/lines --log=none --state=none"), 1);
	assert_has(text, "tcpstated: cannot open /nonexistent/lines: No such file or directory\n");
}

/* Alerts that reach nobody, and nobody knows: it does not begin. By default there may be no log. */
static void test_no_log(void **state)
{
	(void)state;
	assert_int_equal(run_program("--log=journal --json=none --state=none"), 1);
	assert_string_equal(text, "tcpstated: --log=journal: there is no /absent/journal; "
				  "take --log=auto or --log=none\n");
	assert_int_equal(run_program("--log=syslog --json=none --state=none"), 1);
	assert_has(text, "tcpstated: --log=syslog: there is no /absent/log; ");
}

static void refuse(const char *what, const char *why)
{
	char arguments[256], want[512];

	write_config(what);
	snprintf(arguments, sizeof(arguments), "--config=%s --check-config", config);
	assert_int_equal(run_program(arguments), 2);
	snprintf(want, sizeof(want), "tcpstated: %s:%s\n", config, why);
	assert_string_equal(text, want);
}

static void test_config(void **state)
{
	char line[5000] = "json = /";

	(void)state;
	refuse("log = none\ntransitons = yes\n",
	       "2: unknown key 'transitons'; did you mean 'transitions'?");
	refuse("\n# a comment\nprometheus = 1\n",
	       "3: unknown key 'prometheus'; there are json, log, state, transitions and ignore");
	refuse("log = sylog\n", "1: log is auto, journal, syslog or none, not 'sylog'; "
				"did you mean 'syslog'?");
	refuse("transitions = 5\n", "1: transitions is yes or no, not '5'");
	refuse("json = lines\n", "1: json is a path that begins with /, not 'lines'");
	refuse("state = -\n", "1: state is a path or none, not '-'");
	refuse("log = none\n  json = -\nlog = x\n",
	       "3: log is auto, journal, syslog or none, not 'x'");
	refuse("ignore = stale_pol\n", "1: ignore: unknown kind 'stale_pol'; did you mean 'stale-pool'?");
	refuse("[alerts]\nlog = none\n", "2: there are no sections like [alerts]; remove its line");
	refuse("log\n", "1: not a line like 'log = journal'");
	memset(line + 8, 'x', sizeof(line) - 10);
	refuse(line, "1: the line is too long; 4158 bytes are the most");
}

/* SIGTERM, where there is no module: it ends at once, and well. */
static void test_terminate(void **state)
{
	static const int signals[] = { SIGTERM, SIGINT };
	unsigned int i;
	int status;
	pid_t child;

	(void)state;
	for (i = 0; i < 2; i++) {
		unlink(lines);
		child = fork();
		assert_true(child >= 0);
		if (!child) {
			execl(DAEMON, DAEMON, "--config", config, option, NULL);
			_exit(127);
		}
		wait_for(lines, "\"module\":\"absent\"");
		kill(child, SIGHUP);
		usleep(100000);
		kill(child, signals[i]);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_stuck, set_up_files),
		cmocka_unit_test_setup(test_full_disk, set_up_files),
		cmocka_unit_test_setup(test_half_a_line, set_up_files),
		cmocka_unit_test_setup(test_fifo, set_up_files),
		cmocka_unit_test_setup(test_limits, set_up_files),
		cmocka_unit_test_setup(test_program, set_up_files),
		cmocka_unit_test_setup(test_no_log, set_up_files),
		cmocka_unit_test_setup(test_config, set_up_files),
		cmocka_unit_test_setup(test_terminate, set_up_files),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("tcpstated: program", tests, make_dir, remove_dir);
}
