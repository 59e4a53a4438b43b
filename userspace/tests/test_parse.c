// SPDX-License-Identifier: GPL-2.0-only
/* Bytes of a TCP header to segment facts (module/parse.c). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "parse.h"

/* Source 0x1234, destination 80; SYN; window 0x7210; options: MSS, NOP, window scale 7. */
static const u8 syn[28] = {
	0x12, 0x34, 0, 80, 0xde, 0xad, 0xbe, 0xef, 0x01, 0x02, 0x03, 0x04,
	0x70, TCPS_SYN, 0x72, 0x10, 0, 0, 0, 0,
	2, 4, 5, 0xb4, 1, 3, 3, 7,
};

static void facts(void **state)
{
	struct tcps_seg seg;
	u16 source, dest;

	(void)state;
	tcps_parse_ports(syn, &source, &dest);
	assert_int_equal(source, 0x1234);
	assert_int_equal(dest, 80);
	tcps_parse_segment(syn, sizeof(syn), 17, &seg);
	assert_int_equal(seg.seq, 0xdeadbeef);
	assert_int_equal(seg.ack, 0x01020304);
	assert_int_equal(seg.win, 0x7210);
	assert_int_equal(seg.len, 17);
	assert_int_equal(seg.flags, TCPS_SYN);
	assert_int_equal(seg.scale, 7);
	assert_false(seg.abort);
	assert_false(seg.active);
}

static void header_len(void **state)
{
	u8 hdr[TCPS_TCP_HDR_MIN] = { 0 };
	unsigned int doff;

	(void)state;
	for (doff = 0; doff < 16; doff++) {
		hdr[12] = doff << 4 | 0xf;
		assert_int_equal(tcps_parse_header_len(hdr, 60), doff < 5 ? 0 : doff * 4);
		assert_int_equal(tcps_parse_header_len(hdr, doff * 4), doff < 5 ? 0 : doff * 4);
		assert_int_equal(tcps_parse_header_len(hdr, doff ? doff * 4 - 1 : 0), 0);
	}
}

static void scale_only_on_syn(void **state)
{
	u8 hdr[sizeof(syn)];
	struct tcps_seg seg;

	(void)state;
	memcpy(hdr, syn, sizeof(hdr));
	hdr[13] = TCPS_ACK;
	tcps_parse_segment(hdr, sizeof(hdr), 0, &seg);
	assert_int_equal(seg.scale, TCPS_NO_SCALE);
}

/* On the heap and of the exact length, so that ASan and valgrind see a read behind the end. */
static u8 scale_of(const u8 *options, size_t n)
{
	u8 *hdr = malloc(TCPS_TCP_HDR_MIN + n);
	struct tcps_seg seg;

	assert_non_null(hdr);
	memcpy(hdr, syn, TCPS_TCP_HDR_MIN);
	memcpy(hdr + TCPS_TCP_HDR_MIN, options, n);
	tcps_parse_segment(hdr, TCPS_TCP_HDR_MIN + n, 0, &seg);
	free(hdr);
	return seg.scale;
}

#define scale(...) scale_of((const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void odd_options(void **state)
{
	(void)state;
	assert_int_equal(scale(3, 3, 14), 14);
	assert_int_equal(scale(3, 3, 255), TCPS_MAX_SCALE);
	assert_int_equal(scale(1, 1, 1, 3, 3, 2), 2);
	assert_int_equal(scale(3, 3, 1, 3, 3, 7), 7);		/* the last one */
	assert_int_equal(scale(0, 3, 3, 2), TCPS_NO_SCALE);	/* behind the end of the list */
	assert_int_equal(scale(3), TCPS_NO_SCALE);		/* no length */
	assert_int_equal(scale(3, 3), TCPS_NO_SCALE);		/* points behind the header */
	assert_int_equal(scale(3, 2, 1), TCPS_NO_SCALE);	/* wrong length */
	assert_int_equal(scale(3, 4, 1, 1), TCPS_NO_SCALE);
	assert_int_equal(scale(8, 0, 3, 3, 1), TCPS_NO_SCALE);	/* would never end */
	assert_int_equal(scale(8, 1, 3, 3, 1), TCPS_NO_SCALE);
	assert_int_equal(scale(8, 200, 3, 3, 1), TCPS_NO_SCALE);
	assert_int_equal(scale(8, 2, 3, 3, 1), 1);
}

static void random_bytes_stay_inside(void **state)
{
	unsigned int i, k;
	u8 options[40];

	(void)state;
	srandom(1);
	for (i = 0; i < 200000; i++) {
		u8 got;

		for (k = 0; k < sizeof(options); k++)
			options[k] = random() % 3 ? random() % 5 : random();
		got = scale_of(options, i % 11 * 4);
		assert_true(got <= TCPS_MAX_SCALE || got == TCPS_NO_SCALE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts),
		cmocka_unit_test(header_len),
		cmocka_unit_test(scale_only_on_syn),
		cmocka_unit_test(odd_options),
		cmocka_unit_test(random_bytes_stay_inside),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
