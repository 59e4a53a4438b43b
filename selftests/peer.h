/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The far end of a connection, made of single packets: a tun device whose other side is this program.
 *
 *	socket --- PEER_LOCAL (tun0) === file descriptor: PEER_ADDR, segments as the test wants them
 *
 * In the test's own network namespace; the device goes with it.
 */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PEER_FIN	0x01
#define PEER_SYN	0x02
#define PEER_RST	0x04
#define PEER_ACK	0x10

#define PEER_PORT	80	/* the far end's */
#define PEER_WINDOW	60000
#define PEER_PACKET	2048

struct peer_seg {
	uint32_t seq;
	uint32_t ack;
	uint32_t len;		/* of the payload; its bytes do not matter */
	uint16_t lport;		/* of the local socket */
	uint16_t rport;		/* the peer's; 0 in what is sent: PEER_PORT */
	uint16_t window;	/* as received; sent: PEER_WINDOW where it is 0 and !zero_window */
	uint8_t flags;
	uint32_t timestamp;	/* as received: the timestamp option's value, or 0 */
	uint8_t options[40];	/* sent only */
	uint8_t noptions;	/* bytes of them, a multiple of 4 */
	bool zero_window;
	bool bad_checksum;
};

struct peer {
	int tun;
	int family;
	uint16_t lport;		/* the current connection's */
	uint32_t seq;		/* next that we send */
	uint32_t ack;		/* next that we expect: all we have received */
};

int peer_open(struct peer *p, int family);

/* Addresses for sockets: the local one with @port, the far end's with PEER_PORT. */
socklen_t peer_local(const struct peer *p, struct sockaddr_storage *addr, int port);
socklen_t peer_remote(const struct peer *p, struct sockaddr_storage *addr);

/* The IP packet of a segment; returns its length and, in @l4, where the TCP header begins. */
size_t peer_build(const struct peer *p, const struct peer_seg *seg, uint8_t *packet, size_t *l4);
/* Length and IPv4 header checksum, and the TCP checksum, after the packet was changed. */
void peer_fix_ip(const struct peer *p, uint8_t *packet, size_t len);
void peer_fix_tcp(const struct peer *p, uint8_t *packet, size_t l4, size_t len);
int peer_write(const struct peer *p, const uint8_t *packet, size_t len);

/* Sends @flags with @seq, @ack and @len bytes on the current connection. */
int peer_send(const struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len);

/* Waits for the next TCP segment of the kernel's; -1 when none comes within @ms. */
int peer_recv(const struct peer *p, struct peer_seg *seg, int ms);
/* Waits for one that has all of @flags; sets p->ack behind it. */
int peer_expect(struct peer *p, uint8_t flags, struct peer_seg *seg);

/* A connection that the peer opens to a listener on @port, up to SYN_RECV, and the ACK that completes it. */
int peer_syn(struct peer *p, uint16_t port, uint32_t isn);
int peer_complete(struct peer *p);
/* A connection that a local socket opens: returns the socket, in SYN_SENT. */
int peer_connect(struct peer *p);

#endif
