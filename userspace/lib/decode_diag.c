// SPDX-License-Identifier: LGPL-2.1-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <linux/inet_diag.h>
#include <string.h>
#include <sys/socket.h>

#include "diag.h"

static const uint8_t v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

static const uint8_t unspecified[16];

static bool is_mapped(const uint8_t *addr)
{
	return !memcmp(addr, v4_mapped, sizeof(v4_mapped));
}

static bool is_unspecified(const uint8_t *addr)
{
	return !memcmp(addr, unspecified, sizeof(unspecified));
}

/* An AF_INET6 socket that talks IPv4. A listener on a v4-mapped address has no address remotely. */
static bool is_v4(const uint8_t *laddr, const uint8_t *raddr)
{
	return (is_mapped(laddr) && (is_mapped(raddr) || is_unspecified(raddr))) ||
	       (is_unspecified(laddr) && is_mapped(raddr));
}

static void decode_id(const struct inet_diag_sockid *id, int family, struct tcpstate_tuple *t)
{
	const uint8_t *laddr = (const uint8_t *)id->idiag_src;
	/* A listener that was connected once still says to whom. */
	const uint8_t *raddr = id->idiag_dport ? (const uint8_t *)id->idiag_dst : unspecified;
	bool mapped = family == AF_INET6 && is_v4(laddr, raddr);
	size_t skip = mapped ? sizeof(v4_mapped) : 0, size = family == AF_INET || mapped ? 4 : 16;

	t->family = mapped ? AF_INET : family;
	memcpy(t->laddr, laddr + skip, size);
	memcpy(t->raddr, raddr + skip, size);
	t->lport = ntohs(id->idiag_sport);
	t->rport = ntohs(id->idiag_dport);
	/* Also of request and TIME-WAIT sockets it is what the socket is bound to. */
	t->scope = id->idiag_if;
}

int tcpstate_decode_diag(const void *msg, size_t len, struct tcpstate_seen *result)
{
	struct inet_diag_msg m;

	memset(result, 0, sizeof(*result));
	if (len < sizeof(m))
		return -EBADMSG;
	memcpy(&m, msg, sizeof(m));
	if ((m.idiag_family != AF_INET && m.idiag_family != AF_INET6) ||
	    m.idiag_state < TCPSTATE_STATE_FIRST || m.idiag_state > TCPSTATE_STATE_LAST)
		return -EBADMSG;
	decode_id(&m.id, m.idiag_family, &result->tuple);
	result->cookie = m.id.idiag_cookie[0] | (uint64_t)m.id.idiag_cookie[1] << 32;
	result->state = m.idiag_state;
	return 0;
}
