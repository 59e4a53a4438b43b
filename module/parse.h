/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes to segment facts: the pure half of segment.c, so that it can be tested and fuzzed in user
 * space.
 */
#ifndef TCPSTATE_PARSE_H
#define TCPSTATE_PARSE_H

#include "fsm/fsm.h"

#define TCPS_TCP_HDR_MIN	20
#define TCPS_TCP_HDR_MAX	60

/**
 * tcps_parse_header_len() - length of a TCP header
 * @hdr:	its first TCPS_TCP_HDR_MIN bytes
 * @total:	bytes of the segment, header and payload, as IP tells
 *
 * Return: 20 … 60, or 0 where the data offset is below 5 or points behind the segment.
 */
u32 tcps_parse_header_len(const u8 *hdr, u32 total);

/**
 * tcps_parse_ports() - the port numbers, host order
 * @hdr:	the first TCPS_TCP_HDR_MIN bytes of the header
 * @source:	result
 * @dest:	result
 */
void tcps_parse_ports(const u8 *hdr, u16 *source, u16 *dest);

/**
 * tcps_parse_segment() - the facts that the machine wants
 * @hdr:	the header, @hdr_len bytes
 * @hdr_len:	what tcps_parse_header_len() returned, or TCPS_TCP_HDR_MIN where the options are
 *		of no interest (no SYN)
 * @payload:	bytes behind the header
 * @seg:	result; @seg->abort is false
 */
void tcps_parse_segment(const u8 *hdr, u32 hdr_len, u32 payload, struct tcps_seg *seg);

#endif
