// SPDX-License-Identifier: LGPL-2.1-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proc.h"

/* Not null-terminated: points into the caller's text. */
struct word {
	const char *at;
	size_t len;
};

struct parse {
	struct tcpstate_snapshot *s;
	const char *at;		/* rest of the current line */
	const char *end;	/* of the current line, without its newline */
	unsigned int line;	/* 0 once the complaint is about the whole file */
	char *err;
	size_t errlen;
};

/* A word made fit for a message: short, and no terminal sequences. */
struct quoted {
	char text[40];
};

static struct quoted quote(struct word w)
{
	struct quoted q;
	size_t i;

	for (i = 0; i < w.len && i < sizeof(q.text) - 1; i++)
		q.text[i] = w.at[i] > ' ' && w.at[i] <= '~' ? w.at[i] : '?';
	q.text[i] = '\0';
	return q;
}

__attribute__((format(printf, 2, 3)))
static int fail(struct parse *p, const char *fmt, ...)
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

static bool is(struct word w, const char *name)
{
	return w.len == strlen(name) && !memcmp(w.at, name, w.len);
}

static bool next_word(struct parse *p, struct word *w)
{
	while (p->at < p->end && (*p->at == ' ' || *p->at == '\t'))
		p->at++;
	w->at = p->at;
	while (p->at < p->end && *p->at != ' ' && *p->at != '\t')
		p->at++;
	w->len = p->at - w->at;
	return w->len > 0;
}

/* strtoull() would take a sign, white space and what follows the word. */
static bool parse_number(struct word w, uint64_t *out)
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

static int take_value(struct parse *p, struct word name, struct tcpstate_value *v)
{
	struct word w;

	if (!next_word(p, &w))
		return fail(p, "no number after '%s'", quote(name).text);
	if (v->known)
		return fail(p, "'%s' is there twice", quote(name).text);
	if (!parse_number(w, &v->n))
		return fail(p, "'%s' is not a number from 0 to 2^63-1", quote(w).text);
	v->known = true;
	return 0;
}

/* NULL for a name that the table does not know: the caller skips it. */
static struct tcpstate_value *find(void *base, const struct tcpstate_field *table,
				   struct word name)
{
	const struct tcpstate_field *f;

	for (f = table; f->name; f++) {
		if (is(name, f->name))
			return (struct tcpstate_value *)((char *)base + f->offset);
	}
	return NULL;
}

static int parse_state(struct parse *p)
{
	struct tcpstate_value *v;
	struct tcpstate_row *row;
	struct word name, skipped;
	unsigned int number;
	int ret;

	if (!next_word(p, &name))
		return fail(p, "'state' without a name");
	number = tcpstate_state_number(name.at, name.len);
	if (!number)
		return 0;
	row = &p->s->state[number];
	ret = take_value(p, name, &row->count);

	/* The count has no key here, so "count" is as unknown as any other. */
	while (!ret && next_word(p, &name)) {
		v = find(row, &tcpstate_row_fields[TCPSTATE_ROW_COUNT + 1], name);
		if (v)
			ret = take_value(p, name, v);
		else if (!next_word(p, &skipped))
			ret = fail(p, "no value after '%s'", quote(name).text);
	}
	return ret;
}

static int parse_total(struct parse *p)
{
	struct tcpstate_value *v;
	struct word name;

	if (!next_word(p, &name))
		return fail(p, "'total' without a name");
	v = find(p->s, tcpstate_total_fields, name);
	return v ? take_value(p, name, v) : 0;
}

static int take_coverage(struct parse *p)
{
	struct tcpstate_value *v = &p->s->health.coverage;
	struct word w;

	if (!next_word(p, &w))
		return fail(p, "no word after 'coverage'");
	if (v->known)
		return fail(p, "'coverage' is there twice");
	/* A word that a newer module has leaves it unknown. */
	v->n = tcpstate_coverage_number(w.at, w.len);
	v->known = v->n;
	return 0;
}

static int parse_health(struct parse *p)
{
	struct word name, skipped;
	struct tcpstate_value *v;
	int ret = 0;

	while (!ret && next_word(p, &name)) {
		v = find(&p->s->health, tcpstate_health_fields, name);
		if (v)
			ret = take_value(p, name, v);
		else if (is(name, "coverage"))
			ret = take_coverage(p);
		else if (!next_word(p, &skipped))
			ret = fail(p, "no value after '%s'", quote(name).text);
	}
	return ret;
}

static int parse_record(struct parse *p)
{
	struct tcpstate_value *v;
	struct word type;

	if (!next_word(p, &type))
		return 0;
	if (is(type, "state"))
		return parse_state(p);
	if (is(type, "total"))
		return parse_total(p);
	if (is(type, "health"))
		return parse_health(p);
	v = find(p->s, tcpstate_head_fields, type);
	return v ? take_value(p, type, v) : 0;
}

static int parse_version(struct parse *p)
{
	uint64_t version;
	struct word w;

	if (!next_word(p, &w) || !is(w, "tcpstate") || !next_word(p, &w) ||
	    !parse_number(w, &version))
		return fail(p, "not a tcpstate file: 'tcpstate %d' is missing",
			    TCPSTATE_PROC_VERSION);
	if (version != TCPSTATE_PROC_VERSION)
		return fail(p, "format version %s, but this program reads version %d: "
			    "module and tools do not match", quote(w).text,
			    TCPSTATE_PROC_VERSION);
	p->s->version = version;
	return 0;
}

static int check_complete(struct parse *p)
{
	const struct tcpstate_field *f;
	unsigned int i;

	p->line = 0;
	for (f = tcpstate_head_fields; f->name; f++) {
		if (!tcpstate_field_get(p->s, f)->known)
			return fail(p, "there is no line '%s'", f->name);
	}
	for (i = TCPSTATE_STATE_FIRST; i <= TCPSTATE_STATE_LAST; i++) {
		if (!p->s->state[i].count.known)
			return fail(p, "there is no line 'state %s'", tcpstate_state_name(i));
	}
	return 0;
}

int tcpstate_proc_parse(const char *text, size_t len, struct tcpstate_snapshot *s,
			char *err, size_t errlen)
{
	struct parse p = { .s = s, .err = err, .errlen = errlen };
	const char *end = text + len;
	const char *at = text;
	int ret;

	memset(s, 0, sizeof(*s));
	if (!len)
		return fail(&p, "the file is empty");
	while (at < end) {
		p.line++;
		p.at = at;
		p.end = memchr(at, '\n', end - at);
		if (!p.end)
			return fail(&p, "the text is cut short");
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
	char why[160] = "";
	size_t len = 0;
	char *text;
	int ret;

	text = malloc(TCPSTATE_PROC_MAX);
	ret = text ? read_text(path, text, TCPSTATE_PROC_MAX, &len) : -ENOMEM;
	if (ret)
		snprintf(why, sizeof(why), "%s", strerror(-ret));
	else
		ret = tcpstate_proc_parse(text, len, s, why, sizeof(why));
	free(text);
	if (ret)
		snprintf(err, errlen, "%s: %s", path, why);
	return ret;
}
