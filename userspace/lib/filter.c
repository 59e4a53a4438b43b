// SPDX-License-Identifier: LGPL-2.1-or-later
#include <string.h>
#include <sys/socket.h>

#include "link.h"

static bool prefix_matches(const uint8_t *addr, const uint8_t *want, unsigned int bits)
{
	unsigned int bytes = bits / 8, rest = bits % 8;

	if (memcmp(addr, want, bytes))
		return false;
	return !rest || !((addr[bytes] ^ want[bytes]) >> (8 - rest));
}

static bool addr_matches(const struct tcpstate_tuple *t, const uint8_t *addr,
			 const uint8_t *want, unsigned int len, unsigned int bits)
{
	if (!len)
		return true;
	return len == (t->family == AF_INET ? 4 : 16) && prefix_matches(addr, want, bits);
}

static bool port_matches(uint16_t port, uint16_t min, uint16_t max)
{
	return port >= min && (!max || port <= max);
}

bool tcpstate_filter_match(const struct tcpstate_filter *f, const struct tcpstate_tuple *t)
{
	return (!f->family || f->family == t->family) &&
	       port_matches(t->lport, f->lport_min, f->lport_max) &&
	       port_matches(t->rport, f->rport_min, f->rport_max) &&
	       addr_matches(t, t->laddr, f->laddr, f->laddr_len, f->lprefix) &&
	       addr_matches(t, t->raddr, f->raddr, f->raddr_len, f->rprefix);
}
