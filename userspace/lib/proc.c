// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc_line.h"

struct proc_quoted proc_quote(struct proc_word w)
{
	struct proc_quoted q;
	size_t i;

	for (i = 0; i < w.len && i < sizeof(q.text) - 1; i++)
		q.text[i] = w.at[i] > ' ' && w.at[i] <= '~' ? w.at[i] : '?';
	q.text[i] = '\0';
	return q;
}

int proc_fail(struct proc_line *p, const char *fmt, ...)
{
	int used = 0;
	va_list args;

	if (!p->errlen)
		return -EPROTO;
	if (p->line)
		used = snprintf(p->err, p->errlen, "line %u: ", p->line);
	if (used < 0 || (size_t)used >= p->errlen)
		return -EPROTO;
	va_start(args, fmt);
	vsnprintf(p->err + used, p->errlen - used, fmt, args);
	va_end(args);
	return -EPROTO;
}

bool proc_is(struct proc_word w, const char *name)
{
	return w.len == strlen(name) && !memcmp(w.at, name, w.len);
}

bool proc_next(struct proc_line *p, struct proc_word *w)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
		p->at++;
	w->at = p->at;
	while (p->at < p->end && *p->at != ' ' && *p->at != '\t')
		p->at++;
	w->len = p->at - w->at;
	return w->len > 0;
}

bool proc_number(struct proc_word w, uint64_t *out)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < w.len; i++) {
		unsigned int digit = (unsigned char)w.at[i] - '0';

		if (digit > 9 || n > ((uint64_t)INT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return w.len > 0;
}

int proc_value(struct proc_line *p, struct proc_word name, struct tcpstate_value *v)
{
	struct proc_word w;

	if (!proc_next(p, &w))
		return proc_fail(p, "no number after '%s'", proc_quote(name).text);
	if (v->known)
		return proc_fail(p, "'%s' is there twice", proc_quote(name).text);
	if (!proc_number(w, &v->n))
		return proc_fail(p, "'%s' is not a number from 0 to 2^63-1", proc_quote(w).text);
	v->known = true;
	return 0;
}

/* NULL for a name that the table does not know: the caller skips it. */
static struct tcpstate_value *find(void *base, const struct tcpstate_field *table,
				   struct proc_word name)
{
	const struct tcpstate_field *f;

	for (f = table; f->name; f++) {
		if (proc_is(name, f->name))
			return (struct tcpstate_value *)((char *)base + f->offset);
	}
	return NULL;
}

static int parse_state(struct proc_line *p)
{
	struct tcpstate_value *v;
	struct tcpstate_row *row;
	struct proc_word name, skipped;
	unsigned int number;
	int ret;

	if (!proc_next(p, &name))
		return proc_fail(p, "'state' without a name");
	number = tcpstate_state_number(name.at, name.len);
	if (!number)
		return 0;
	row = &p->s->state[number];
	ret = proc_value(p, name, &row->count);

	/* The count has no key here, so "count" is as unknown as any other. */
	while (!ret && proc_next(p, &name)) {
		v = find(row, &tcpstate_row_fields[TCPSTATE_ROW_COUNT + 1], name);
		if (v)
			ret = proc_value(p, name, v);
		else if (!proc_next(p, &skipped))
			ret = proc_fail(p, "no value after '%s'", proc_quote(name).text);
	}
	return ret;
}

static int parse_total(struct proc_line *p)
{
	struct tcpstate_value *v;
	struct proc_word name;

	if (!proc_next(p, &name))
		return proc_fail(p, "'total' without a name");
	v = find(p->s, tcpstate_total_fields, name);
	return v ? proc_value(p, name, v) : 0;
}

static int take_coverage(struct proc_line *p)
{
	struct tcpstate_value *v = &p->s->health.coverage;
	struct proc_word w;

	if (!proc_next(p, &w))
		return proc_fail(p, "no word after 'coverage'");
	if (v->known)
		return proc_fail(p, "'coverage' is there twice");
	/* A word that a newer module has leaves it unknown. */
	v->n = tcpstate_coverage_number(w.at, w.len);
	v->known = v->n;
	return 0;
}

static int parse_health(struct proc_line *p)
{
	struct proc_word name, skipped;
	struct tcpstate_value *v;
	int ret = 0;

	while (!ret && proc_next(p, &name)) {
		v = find(&p->s->health, tcpstate_health_fields, name);
		if (v)
			ret = proc_value(p, name, v);
		else if (proc_is(name, "coverage"))
			ret = take_coverage(p);
		else if (!proc_next(p, &skipped))
			ret = proc_fail(p, "no value after '%s'", proc_quote(name).text);
	}
	return ret;
}

static int parse_record(struct proc_line *p)
{
	struct tcpstate_value *v;
	struct proc_word type;

	if (!proc_next(p, &type))
		return 0;
	if (proc_is(type, "state"))
		return parse_state(p);
	if (proc_is(type, "total"))
		return parse_total(p);
	if (proc_is(type, "health"))
		return parse_health(p);
	if (p->trouble && proc_is(type, "listener"))
		return proc_listener(p);
	if (p->trouble && proc_is(type, "alert"))
		return proc_alert(p);
	v = find(p->s, tcpstate_head_fields, type);
	return v ? proc_value(p, type, v) : 0;
}

static int parse_version(struct proc_line *p)
{
	uint64_t version;
	struct proc_word w;

	if (!proc_next(p, &w) || !proc_is(w, "tcpstate") || !proc_next(p, &w) ||
	    !proc_number(w, &version))
		return proc_fail(p, "not a tcpstate file: 'tcpstate %d' is missing",
			    TCPSTATE_PROC_VERSION);
	if (version != TCPSTATE_PROC_VERSION)
		return proc_fail(p, "format version %s, but this program reads version %d: "
			    "module and tools do not match", proc_quote(w).text,
			    TCPSTATE_PROC_VERSION);
	p->s->version = version;
	return 0;
}

static int check_complete(struct proc_line *p)
{
	const struct tcpstate_field *f;
	unsigned int i;

	p->line = 0;
	for (f = tcpstate_head_fields; f->name; f++) {
		if (!tcpstate_field_get(p->s, f)->known)
			return proc_fail(p, "there is no line '%s'", f->name);
	}
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		if (!p->s->state[i].count.known)
			return proc_fail(p, "there is no line 'state %s'", tcpstate_state_name(i));
	}
	return 0;
}

int tcpstate_proc_parse(const char *text, size_t len, struct tcpstate_snapshot *s,
			char *err, size_t errlen)
{
	return tcpstate_proc_parse_all(text, len, s, NULL, err, errlen);
}

int tcpstate_proc_parse_all(const char *text, size_t len, struct tcpstate_snapshot *s,
			    struct tcpstate_proc_trouble *trouble, char *err, size_t errlen)
{
	struct proc_line p = { .s = s, .trouble = trouble, .err = err, .errlen = errlen };
	const char *end = text + len;
	const char *at = text;
	int ret;

	memset(s, 0, sizeof(*s));
	if (trouble)
		memset(trouble, 0, sizeof(*trouble));
	if (!len)
		return proc_fail(&p, "the file is empty");
	while (at < end) {
		p.line++;
		p.at = at;
		p.end = memchr(at, '\n', end - at);
		if (!p.end)
			return proc_fail(&p, "the text is cut short");
		ret = p.line == 1 ? parse_version(&p) : parse_record(&p);
		if (ret)
			return ret;
		at = p.end + 1;
	}
	return check_complete(&p);
}

/*
 * Reads to the end of the file, not to a size: /proc files have none and hand
 * out about a page a read.
 */
static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t used = 0;
	ssize_t n;

	while (used < size) {
		n = read(fd, buf + used, size - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return used;
		used += n;
	}
	return -EFBIG;
}

static int read_text(const char *path, char *text, size_t size, size_t *len)
{
	ssize_t n;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read_all(fd, text, size);
	close(fd);
	if (n < 0)
		return n;
	*len = n;
	return 0;
}

int tcpstate_proc_read(const char *path, struct tcpstate_snapshot *s,
		       char *err, size_t errlen)
{
	return tcpstate_proc_read_all(path, s, NULL, err, errlen);
}

int tcpstate_proc_read_all(const char *path, struct tcpstate_snapshot *s,
			   struct tcpstate_proc_trouble *trouble, char *err, size_t errlen)
{
	char why[160] = "";
	size_t len = 0;
	char *text;
	int ret;

	text = malloc(TCPSTATE_PROC_MAX);
	ret = text ? read_text(path, text, TCPSTATE_PROC_MAX, &len) : -ENOMEM;
	if (ret)
		snprintf(why, sizeof(why), "%s", strerror(-ret));
	else
		ret = tcpstate_proc_parse_all(text, len, s, trouble, why, sizeof(why));
	free(text);
	if (ret)
		snprintf(err, errlen, "%s: %s", path, why);
	return ret;
}
