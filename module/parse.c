// SPDX-License-Identifier: GPL-2.0-only
#include "parse.h"

#define OPT_END		0	/* RFC 9293, section 3.2 */
#define OPT_NOP		1
#define OPT_SCALE	3	/* RFC 7323, section 2.2 */
#define OPT_SCALE_LEN	3

static u16 get16(const u8 *p)
{
	return p[0] << 8 | p[1];
}

static u32 get32(const u8 *p)
{
	return (u32)get16(p) << 16 | get16(p + 2);
}

u32 tcps_parse_header_len(const u8 *hdr, u32 total)
{
	u32 len = (hdr[12] >> 4) * 4;

	return len >= TCPS_TCP_HDR_MIN && len <= total ? len : 0;
}

void tcps_parse_ports(const u8 *hdr, u16 *source, u16 *dest)
{
	*source = get16(hdr);
	*dest = get16(hdr + 2);
}

/* An option that points behind the header ends the list, as in tcp_parse_options(). */
static u8 window_scale(const u8 *opt, const u8 *end)
{
	u8 scale = TCPS_NO_SCALE;

	/* Of two, the last one counts (tcp_parse_options()). */
	while (opt < end && *opt != OPT_END) {
		if (*opt == OPT_NOP) {
			opt++;
			continue;
		}
		if (end - opt < 2 || opt[1] < 2 || opt[1] > end - opt)
			break;
		if (opt[0] == OPT_SCALE && opt[1] == OPT_SCALE_LEN)
			scale = opt[2] < TCPS_MAX_SCALE ? opt[2] : TCPS_MAX_SCALE;
		opt += opt[1];
	}
	return scale;
}

void tcps_parse_segment(const u8 *hdr, u32 hdr_len, u32 payload, struct tcps_seg *seg)
{
	memset(seg, 0, sizeof(*seg));
	seg->seq = get32(hdr + 4);
	seg->ack = get32(hdr + 8);
	seg->len = payload;
	seg->win = get16(hdr + 14);
	seg->flags = hdr[13] & (TCPS_FIN | TCPS_SYN | TCPS_RST | TCPS_ACK);
	seg->scale = TCPS_NO_SCALE;
	if (seg->flags & TCPS_SYN)
		seg->scale = window_scale(hdr + TCPS_TCP_HDR_MIN, hdr + hdr_len);
}
