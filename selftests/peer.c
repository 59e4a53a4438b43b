// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"
#include "peer.h"
#include "testlib.h"

#define LOCAL4	"10.99.0.1"
#define REMOTE4	"10.99.0.2"
#define LOCAL6	"fd99::1"
#define REMOTE6	"fd99::2"

struct in6_ifreq_ {	/* <linux/ipv6.h> and <netinet/in.h> exclude each other */
	struct in6_addr addr;
	uint32_t prefix;
	int ifindex;
};

/* The address is tentative, and bind() fails, until a work queue has found that this device wants no DAD. */
static int await_address(int fd, const struct in6_addr *addr)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_addr = *addr };
	int tries;

	for (tries = 0; tries < 1000; tries++) {
		if (!bind(fd, (struct sockaddr *)&in6, sizeof(in6)))
			return 0;
		usleep(1000);
	}
	return -1;
}

static int set_address(struct ifreq *ifr)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&ifr->ifr_addr;
	int fd4 = socket(AF_INET, SOCK_DGRAM, 0), fd6 = socket(AF_INET6, SOCK_DGRAM, 0), err;
	struct in6_ifreq_ six = { .prefix = 64 };

	ifr->ifr_flags = IFF_UP;
	err = ioctl(fd4, SIOCSIFFLAGS, ifr);
	memset(in, 0, sizeof(*in));
	in->sin_family = AF_INET;
	inet_pton(AF_INET, LOCAL4, &in->sin_addr);
	err |= ioctl(fd4, SIOCSIFADDR, ifr);
	inet_pton(AF_INET, "255.255.255.0", &in->sin_addr);
	err |= ioctl(fd4, SIOCSIFNETMASK, ifr);
	six.ifindex = if_nametoindex(ifr->ifr_name);
	inet_pton(AF_INET6, LOCAL6, &six.addr);
	err |= ioctl(fd6, SIOCSIFADDR, &six);
	err |= await_address(fd6, &six.addr);
	close(fd4);
	close(fd6);
	return err;
}

int peer_open(struct peer *p, int family)
{
	struct ifreq ifr = { .ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI };

	memset(p, 0, sizeof(*p));
	p->family = family;
	if (access("/dev/net/tun", F_OK) && system("modprobe tun"))
		printf("# modprobe tun failed\n");
	p->tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (p->tun < 0 || ioctl(p->tun, TUNSETIFF, &ifr) || set_address(&ifr)) {
		printf("# no tun device: %m\n");
		return -1;
	}
	return 0;
}

static socklen_t address(const struct peer *p, struct sockaddr_storage *addr, const char *a4, const char *a6, int port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	addr->ss_family = p->family;
	if (p->family == AF_INET) {
		in->sin_port = htons(port);
		inet_pton(AF_INET, a4, &in->sin_addr);
		return sizeof(*in);
	}
	in6->sin6_port = htons(port);
	inet_pton(AF_INET6, a6, &in6->sin6_addr);
	return sizeof(*in6);
}

socklen_t peer_local(const struct peer *p, struct sockaddr_storage *addr, int port)
{
	return address(p, addr, LOCAL4, LOCAL6, port);
}

socklen_t peer_remote(const struct peer *p, struct sockaddr_storage *addr)
{
	return address(p, addr, REMOTE4, REMOTE6, PEER_PORT);
}

static void put16(uint8_t *at, uint16_t v)
{
	at[0] = v >> 8;
	at[1] = v;
}

static void put32(uint8_t *at, uint32_t v)
{
	put16(at, v >> 16);
	put16(at + 2, v);
}

static uint16_t get16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)get16(at) << 16 | get16(at + 2);
}

void peer_fix_ip(const struct peer *p, uint8_t *packet, size_t len)
{
	uint16_t sum;

	if (p->family == AF_INET6) {
		put16(packet + 4, len - 40);
		return;
	}
	put16(packet + 2, len);
	put16(packet + 10, 0);
	sum = checksum(checksum_add(0, packet, (packet[0] & 0xf) * 4));
	memcpy(packet + 10, &sum, sizeof(sum));
}

void peer_fix_tcp(const struct peer *p, uint8_t *packet, size_t l4, size_t len)
{
	const uint8_t *addrs = packet + (p->family == AF_INET ? 12 : 8);
	uint32_t sum = checksum_add(IPPROTO_TCP + (len - l4), addrs, p->family == AF_INET ? 8 : 32);
	uint16_t check;

	put16(packet + l4 + 16, 0);
	check = checksum(checksum_add(sum, packet + l4, len - l4));
	memcpy(packet + l4 + 16, &check, sizeof(check));
}

static size_t build_ip(const struct peer *p, uint8_t *packet)
{
	if (p->family == AF_INET) {
		packet[0] = 0x45;
		packet[8] = 64;
		packet[9] = IPPROTO_TCP;
		inet_pton(AF_INET, REMOTE4, packet + 12);
		inet_pton(AF_INET, LOCAL4, packet + 16);
		return 20;
	}
	packet[0] = 0x60;
	packet[6] = IPPROTO_TCP;
	packet[7] = 64;
	inet_pton(AF_INET6, REMOTE6, packet + 8);
	inet_pton(AF_INET6, LOCAL6, packet + 24);
	return 40;
}

size_t peer_build(const struct peer *p, const struct peer_seg *seg, uint8_t *packet, size_t *l4)
{
	size_t len;
	uint8_t *tcp;

	memset(packet, 0, PEER_PACKET);
	*l4 = build_ip(p, packet);
	len = *l4 + 20 + seg->noptions + seg->len;
	tcp = packet + *l4;
	put16(tcp, seg->rport ? seg->rport : PEER_PORT);
	put16(tcp + 2, seg->lport);
	put32(tcp + 4, seg->seq);
	put32(tcp + 8, seg->ack);
	tcp[12] = (5 + seg->noptions / 4) << 4;
	tcp[13] = seg->flags;
	put16(tcp + 14, seg->window || seg->zero_window ? seg->window : PEER_WINDOW);
	memcpy(tcp + 20, seg->options, seg->noptions);
	memset(tcp + 20 + seg->noptions, 'x', seg->len);
	peer_fix_ip(p, packet, len);
	peer_fix_tcp(p, packet, *l4, len);
	if (seg->bad_checksum)
		tcp[16] ^= 0x55;
	return len;
}

int peer_write(const struct peer *p, const uint8_t *packet, size_t len)
{
	return write(p->tun, packet, len) == (ssize_t)len ? 0 : -1;
}

int peer_send(const struct peer *p, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len)
{
	struct peer_seg seg = { .seq = seq, .ack = ack, .len = len, .lport = p->lport, .flags = flags };
	uint8_t packet[PEER_PACKET];
	size_t l4, n;

	n = peer_build(p, &seg, packet, &l4);
	return peer_write(p, packet, n);
}

/* The value of the timestamp option (RFC 7323), 0 where there is none. */
static uint32_t read_timestamp(const uint8_t *tcp, size_t len)
{
	size_t i = 20;

	while (i + 10 <= len && tcp[i] != 0) {
		if (tcp[i] == 8)
			return get32(tcp + i + 2);
		i += tcp[i] == 1 ? 1 : tcp[i + 1] ? tcp[i + 1] : 1;
	}
	return 0;
}

static bool read_segment(const struct peer *p, const uint8_t *packet, size_t n, struct peer_seg *seg)
{
	size_t l4 = p->family == AF_INET ? 20 : 40;
	const uint8_t *tcp = packet + l4;

	if (n < l4 + 20 || packet[0] >> 4 != (p->family == AF_INET ? 4 : 6) ||
	    packet[p->family == AF_INET ? 9 : 6] != IPPROTO_TCP)
		return false;
	memset(seg, 0, sizeof(*seg));
	seg->lport = get16(tcp);
	seg->rport = get16(tcp + 2);
	seg->seq = get32(tcp + 4);
	seg->ack = get32(tcp + 8);
	seg->flags = tcp[13];
	seg->window = get16(tcp + 14);
	seg->len = n - l4 - (tcp[12] >> 4) * 4;
	seg->timestamp = read_timestamp(tcp, (tcp[12] >> 4) * 4);
	return true;
}

int peer_recv(const struct peer *p, struct peer_seg *seg, int ms)
{
	struct pollfd pfd = { .fd = p->tun, .events = POLLIN };
	uint8_t packet[PEER_PACKET];
	ssize_t n;

	while (poll(&pfd, 1, ms) == 1) {
		n = read(p->tun, packet, sizeof(packet));
		if (n > 0 && read_segment(p, packet, n, seg))
			return 0;
	}
	return -1;
}

int peer_expect(struct peer *p, uint8_t flags, struct peer_seg *seg)
{
	struct peer_seg ignored;

	if (!seg)
		seg = &ignored;
	while (!peer_recv(p, seg, 2000)) {
		if ((seg->flags & flags) != flags)
			continue;
		p->ack = seg->seq + seg->len + !!(seg->flags & PEER_SYN) + !!(seg->flags & PEER_FIN);
		return 0;
	}
	printf("# no segment with flags 0x%02x came\n", flags);
	return -1;
}

int peer_syn(struct peer *p, uint16_t port, uint32_t isn)
{
	p->lport = port;
	p->seq = isn + 1;
	return peer_send(p, PEER_SYN, isn, 0, 0) || peer_expect(p, PEER_SYN | PEER_ACK, NULL);
}

int peer_complete(struct peer *p)
{
	return peer_send(p, PEER_ACK, p->seq, p->ack, 0);
}

int peer_connect(struct peer *p)
{
	int fd = socket(p->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_storage to;
	struct peer_seg seg;
	socklen_t len = peer_remote(p, &to);

	if (connect(fd, (struct sockaddr *)&to, len) && errno != EINPROGRESS)
		return -1;
	if (peer_expect(p, PEER_SYN, &seg))
		return -1;
	p->lport = seg.lport;
	p->seq = 5000;
	return fd;
}
