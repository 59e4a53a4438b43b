// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "proc_line.h"

#define NS_PER_S	1000000000ull
#define WORD_MAX	64	/* no address with its port is longer */

/* With a null byte; too long, it is empty, which is no address and no name. */
static void copy(char *buf, struct proc_word w)
{
	size_t len = w.len < WORD_MAX ? w.len : 0;

	memcpy(buf, w.at, len);
	buf[len] = '\0';
}

static bool parse_addr(const char *text, int *family, uint8_t *addr)
{
	*family = AF_INET;
	if (inet_pton(AF_INET, text, addr) == 1)
		return true;
	*family = AF_INET6;
	return inet_pton(AF_INET6, text, addr) == 1;
}

static bool parse_port(struct proc_word w, uint16_t *port)
{
	uint64_t n;

	if (!proc_number(w, &n) || n > UINT16_MAX)
		return false;
	*port = n;
	return true;
}

/* "0.0.0.0:8080", "[::]:8080" */
static bool parse_end(struct proc_word w, int *family, uint8_t *addr, uint16_t *port)
{
	char text[WORD_MAX];
	char *colon, *host = text;
	struct proc_word digits;

	copy(text, w);
	colon = strrchr(text, ':');
	if (!colon)
		return false;
	*colon = '\0';
	if (*host == '[') {
		if (colon[-1] != ']')
			return false;
		colon[-1] = '\0';
		host++;
	}
	digits.at = colon + 1;
	digits.len = strlen(colon + 1);
	return parse_addr(host, family, addr) && (*family == AF_INET6) == (host != text) &&
	       parse_port(digits, port);
}

static int take_word(struct proc_line *p, struct proc_word key, struct proc_word *w)
{
	return proc_next(p, w) ? 0 : proc_fail(p, "no value after '%s'", proc_quote(key).text);
}

/* Whatever follows a key that is not known. */
static int skip_value(struct proc_line *p, struct proc_word key)
{
	struct proc_word skipped;

	return take_word(p, key, &skipped);
}

int proc_listener(struct proc_line *p)
{
	struct tcpstate_proc_trouble *t = p->trouble;
	struct tcpstate_peer peer = { .kind = TCPSTATE_PEER_KIND_LISTENER };
	struct tcpstate_value syn_recv = { .known = false };
	struct proc_word w;
	int ret = 0;

	if (!proc_next(p, &w))
		return proc_fail(p, "'listener' without a name");
	if (!parse_end(w, &peer.name.family, peer.name.laddr, &peer.name.lport))
		return proc_fail(p, "'%s' is not an address with a port", proc_quote(w).text);
	while (!ret && proc_next(p, &w)) {
		if (proc_is(w, "queue"))
			ret = proc_value(p, w, &peer.queue);
		else if (proc_is(w, "backlog"))
			ret = proc_value(p, w, &peer.backlog);
		else if (proc_is(w, "drops"))
			ret = proc_value(p, w, &peer.drops);
		else if (proc_is(w, "syn_recv"))
			ret = proc_value(p, w, &syn_recv);
		else
			ret = skip_value(p, w);
	}
	peer.counts[TCPSTATE_STATE_SYN_RECV] = syn_recv.n;
	if (!ret && t->listeners < TCPSTATE_PROC_LISTENERS)
		t->listener[t->listeners++] = peer;
	return ret;
}

/* What it is about: "port 8080", "peer 10.0.3.9:6379", "addr 10.0.0.1". False: another key. */
static bool take_name(struct proc_line *p, struct proc_word key, struct tcpstate_alert *a, int *ret)
{
	struct tcpstate_tuple *t = &a->peer.name;
	char text[WORD_MAX];
	struct proc_word w;
	bool ok;

	if (!proc_is(key, "port") && !proc_is(key, "peer") && !proc_is(key, "addr"))
		return false;
	*ret = take_word(p, key, &w);
	if (*ret)
		return true;
	a->has_peer = true;
	if (proc_is(key, "port")) {
		a->peer.kind = TCPSTATE_PEER_KIND_LISTENER;
		ok = parse_port(w, &t->lport);
	} else if (proc_is(key, "peer")) {
		a->peer.kind = TCPSTATE_PEER_KIND_DESTINATION;
		ok = parse_end(w, &t->family, t->raddr, &t->rport);
	} else {
		a->peer.kind = TCPSTATE_PEER_KIND_LOCAL_ADDRESS;
		copy(text, w);
		ok = parse_addr(text, &t->family, t->laddr);
	}
	if (!ok)
		*ret = proc_fail(p, "'%s' is not what follows '%s'", proc_quote(w).text,
				 proc_quote(key).text);
	return true;
}

static int take_words(struct proc_line *p, struct tcpstate_alert *a)
{
	char text[WORD_MAX];
	struct proc_word w;
	uint64_t id;

	if (!proc_next(p, &w) || !proc_number(w, &id) || !id || id > UINT32_MAX)
		return proc_fail(p, "'alert' without a number");
	a->id = id;
	if (!proc_next(p, &w))
		return proc_fail(p, "'alert' without a kind");
	copy(text, w);
	a->kind = tcpstate_alert_kind_number(text);
	if (!proc_next(p, &w))
		return proc_fail(p, "'alert' without a severity");
	copy(text, w);
	a->severity = tcpstate_severity_number(text);
	return 0;
}

/* What is newer than this program stays 0. */
static int take_reason(struct proc_line *p, struct proc_word key, struct tcpstate_alert *a)
{
	char text[WORD_MAX];
	struct proc_word w;
	int ret = take_word(p, key, &w);

	if (ret)
		return ret;
	copy(text, w);
	a->reason = tcpstate_reason_number(text);
	return 0;
}

int proc_alert(struct proc_line *p)
{
	struct tcpstate_value since = { 0 }, value = { 0 }, limit = { 0 };
	struct tcpstate_proc_trouble *t = p->trouble;
	struct tcpstate_alert a = { .has_peer = false };
	struct proc_word w;
	int ret;

	ret = take_words(p, &a);
	while (!ret && proc_next(p, &w)) {
		if (proc_is(w, "since"))
			ret = proc_value(p, w, &since);
		else if (proc_is(w, "value"))
			ret = proc_value(p, w, &value);
		else if (proc_is(w, "limit"))
			ret = proc_value(p, w, &limit);
		else if (proc_is(w, "reason"))
			ret = take_reason(p, w, &a);
		else if (!take_name(p, w, &a, &ret))
			ret = skip_value(p, w);
	}
	if (!ret && since.n > INT64_MAX / NS_PER_S)
		ret = proc_fail(p, "'since' is too late");
	a.raised_ns = since.n * NS_PER_S;
	a.value = value.n;
	a.limit = limit.n;
	if (!ret && t->alerts < TCPSTATE_ALERTS_MAX)
		t->alert[t->alerts++] = a;
	return ret;
}
