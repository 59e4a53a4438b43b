// SPDX-License-Identifier: GPL-2.0-only
/*
 * JSON lines. They wait in a buffer while nobody reads or the disk is full; whoever fills it looks
 * at
 * @used and brings no news meanwhile, so that the kernel keeps what there is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tcpstated.h"

#define WAIT_MS		1000
#define PLAIN_ROOM	(OUT_ROOM / 2)	/* the rest is for what must not be dropped */

static int open_path(const char *path)
{
	if (!strcmp(path, "-"))
		return fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
	return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
		    0640);
}

static bool same_file(int a, int b)
{
	struct stat x, y;

	return !fstat(a, &x) && !fstat(b, &y) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

int out_open(struct out *o, const char *path)
{
	bool wanted = strcmp(path, "none");
	int fd = wanted ? open_path(path) : -1;
	struct stat st;

	if (wanted && fd < 0)
		return -errno;
	/* A line that the file before has a part of is written to this one as a whole. */
	if (!same_file(o->fd, fd))
		o->begun = 0;
	out_close(o);
	o->fd = fd;
	o->regular = fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode);
	if (fd < 0)
		o->used = 0;
	return 0;
}

void out_close(struct out *o)
{
	if (o->fd >= 0)
		close(o->fd);
	o->fd = -1;
}

static bool put(struct out *o, const json_t *line, size_t room)
{
	size_t len = json_dumpb(line, NULL, 0, JSON_COMPACT);

	if (!len || len + 1 > room - o->used)
		return false;
	json_dumpb(line, o->buf + o->used, len, JSON_COMPACT);
	o->used += len;
	o->buf[o->used++] = '\n';
	return true;
}

/* In its place, as soon as there is room again. */
static void tell_dropped(struct out *o, size_t room)
{
	json_t *line;

	if (!o->dropped)
		return;
	line = json_pack("{s:I}", "dropped", (json_int_t)o->dropped);
	if (line && put(o, line, room))
		o->dropped = 0;
	json_decref(line);
}

void out_line(struct out *o, json_t *line, bool precious)
{
	size_t room = precious ? OUT_ROOM : PLAIN_ROOM;

	if (o->fd < 0) {
		json_decref(line);
		return;
	}
	if (o->used >= PLAIN_ROOM / 2 && !o->error)
		out_flush(o);
	if (o->used > room)
		room = o->used;
	tell_dropped(o, room);
	if (!line || !put(o, line, room))
		o->dropped++;
	json_decref(line);
}

/* A pipe that can be written to takes PIPE_BUF bytes at once. */
static bool may_write(const struct out *o)
{
	struct pollfd p = { .fd = o->fd, .events = POLLOUT };

	return o->regular || poll(&p, 1, WAIT_MS) > 0;
}

static int write_some(struct out *o, size_t *done)
{
	size_t len = o->used - *done;
	ssize_t n;

	if (!may_write(o))
		return -EAGAIN;
	if (!o->regular && len > PIPE_BUF)
		len = PIPE_BUF;
	n = write(o->fd, o->buf + *done, len);
	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	*done += n;
	return 0;
}

int out_flush(struct out *o)
{
	size_t done = o->begun, whole;
	int ret = 0;

	while (done < o->used && !ret)
		ret = write_some(o, &done);
	for (whole = done; whole && o->buf[whole - 1] != '\n'; whole--)
		;
	o->begun = done - whole;
	o->used -= whole;
	memmove(o->buf, o->buf + whole, o->used);
	o->error = -ret;
	return ret;
}
