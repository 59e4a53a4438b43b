// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/tcpstate as a file: read in any portion and from any place it is the same well-formed text, for everybody, and
 * it is that of the reader's, or the named process's, network namespace.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "kselftest_harness.h"
#include "testlib.h"

#define FILE_PROC	"/proc/tcpstate"
#define ROOM		8192

FIXTURE(procfile) {
	char text[ROOM];	/* what one read() gives */
	ssize_t len;
	int fd;
};

FIXTURE_SETUP(procfile)
{
	struct snapshot s;

	ASSERT_EQ(0, netns_enter());
	self->fd = open(FILE_PROC, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->len = pread(self->fd, self->text, ROOM - 1, 0);
	ASSERT_LT(400, self->len);
	self->text[self->len] = 0;
	ASSERT_EQ(0, snapshot_parse(self->text, &s));
}

FIXTURE_TEARDOWN(procfile)
{
	close(self->fd);
}

/* Reads all by @size bytes at a time; 0 if it is @text. */
static int read_by(int fd, size_t size, const char *text, ssize_t len)
{
	char buf[ROOM];
	ssize_t got = 0, n;

	if (lseek(fd, 0, SEEK_SET))
		return -1;
	while ((n = read(fd, buf + got, size < sizeof(buf) - got ? size : sizeof(buf) - got)) > 0)
		got += n;
	if (!n && got == len && !memcmp(buf, text, len))
		return 0;
	printf("# by %zu bytes: %zd bytes instead of %zd, or other text\n", size, got, len);
	return -1;
}

TEST_F(procfile, byte_at_a_time)
{
	EXPECT_EQ(0, read_by(self->fd, 1, self->text, self->len));
}

TEST_F(procfile, any_portion)
{
	static const size_t sizes[] = { 2, 3, 7, 13, 64, 100, 511, 512, 4095, 4096, ROOM };
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		EXPECT_EQ(0, read_by(self->fd, sizes[i], self->text, self->len));
}

TEST_F(procfile, any_offset)
{
	char buf[ROOM];
	ssize_t at, n;

	for (at = self->len + 3; at >= 0; at -= 7) {
		n = pread(self->fd, buf, sizeof(buf), at);
		ASSERT_EQ(at < self->len ? self->len - at : 0, n);
		ASSERT_EQ(0, memcmp(buf, self->text + at, n));
	}
	EXPECT_EQ(0, pread(self->fd, buf, sizeof(buf), 1L << 40));
	EXPECT_EQ(0, pread(self->fd, buf, 0, 0));
}

TEST_F(procfile, seek_generates_anew)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(7000), .sin_addr.s_addr = htonl(0x7f000001) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
	char buf[ROOM] = "";
	struct snapshot s;

	ASSERT_EQ(0, bind(listener, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_EQ(0, listen(listener, 1));
	ASSERT_EQ(0, connect(client, (struct sockaddr *)&to, sizeof(to)));
	ASSERT_EQ(0, check_counts("ESTABLISHED=2"));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_LT(0, read(self->fd, buf, sizeof(buf) - 1));
	ASSERT_EQ(0, snapshot_parse(buf, &s));
	EXPECT_EQ(2ULL, s.count[TCP_ESTABLISHED]);
	EXPECT_EQ(2ULL, s.tracked - s.count[TCP_LISTEN]);
}

/* Many readers at once, each with its own place. */
TEST_F(procfile, many_open)
{
	int fds[64], i;

	for (i = 0; i < 64; i++) {
		fds[i] = open(FILE_PROC, O_RDONLY | O_CLOEXEC);
		ASSERT_LE(0, fds[i]);
	}
	for (i = 0; i < 64; i++)
		EXPECT_EQ(0, read_by(fds[i], i + 1, self->text, self->len));
	for (i = 0; i < 64; i++)
		close(fds[i]);
}

TEST_F(procfile, names_its_namespace)
{
	struct snapshot s;
	struct stat st;

	ASSERT_EQ(0, stat("/proc/self/ns/net", &st));
	ASSERT_EQ(0, snapshot_parse(self->text, &s));
	EXPECT_EQ(st.st_ino, s.netns);
}

TEST_F(procfile, link_to_own_namespace)
{
	char to[64] = "";

	ASSERT_LT(0, readlink(FILE_PROC, to, sizeof(to) - 1));
	EXPECT_STREQ("self/net/tcpstate", to);
}

TEST_F(procfile, everybody_may_read)
{
	struct stat st;
	int fd;

	ASSERT_EQ(0, stat(FILE_PROC, &st));
	EXPECT_EQ((mode_t)(S_IFREG | 0444), st.st_mode);
	ASSERT_EQ(0, setgid(65534));
	ASSERT_EQ(0, setuid(65534));
	fd = open(FILE_PROC, O_RDONLY);
	ASSERT_LE(0, fd);
	EXPECT_EQ(0, read_by(fd, 100, self->text, self->len));
	EXPECT_EQ(-1, open(FILE_PROC, O_WRONLY));
	EXPECT_EQ(EACCES, errno);
}

TEST_F(procfile, nobody_may_write)
{
	int fd = open(FILE_PROC, O_RDWR);

	if (fd < 0)
		return;
	EXPECT_EQ(-1, write(fd, "0", 1));
	close(fd);
	EXPECT_EQ(0, read_by(self->fd, 100, self->text, self->len));
}

TEST_F(procfile, another_process)
{
	struct snapshot mine, other;
	char path[64], c = 0;
	int ready[2];
	pid_t pid;

	ASSERT_EQ(0, pipe(ready));
	pid = fork();
	if (!pid) {
		if (netns_enter() || write(ready[1], &c, 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	EXPECT_EQ(1, read(ready[0], &c, 1));
	snprintf(path, sizeof(path), "/proc/%d/net/tcpstate", pid);
	EXPECT_EQ(0, snapshot_read(path, &other));
	EXPECT_EQ(0, snapshot_parse(self->text, &mine));
	EXPECT_NE(mine.netns, other.netns);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The file keeps its namespace: another one entered later does not change what it shows. */
TEST_F(procfile, opened_in_another_namespace)
{
	struct snapshot before, after;
	char buf[ROOM] = "";

	ASSERT_EQ(0, snapshot_parse(self->text, &before));
	ASSERT_EQ(0, netns_enter());
	ASSERT_LT(0, pread(self->fd, buf, sizeof(buf) - 1, 0));
	ASSERT_EQ(0, snapshot_parse(buf, &after));
	EXPECT_EQ(before.netns, after.netns);
}

TEST_HARNESS_MAIN
