// SPDX-License-Identifier: GPL-2.0-only
/*
 * Holds TCP endpoints in every state in this network namespace, until the end of standard input.
 *
 *	hold [-n ENDPOINTS]
 *
 * About ENDPOINTS (5000), over IPv4, IPv6 and IPv4 on AF_INET6 sockets; 1 % are listeners. Needs: a device on which
 * nobody answers, with 10.66.0.1/16 and fd66::1/64 (seed.sh). FIN_WAIT1, LAST_ACK and CLOSING last because a socket
 * filter drops what would end them; requests are SYNs from spoofed addresses on that device. Says "ready" and how many
 * of what it has made; minisocks last for a minute from then.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"

#define PORT		30000
#define PORTS		50	/* an address has so many listeners; a client's port is used once for each */
#define REQUEST_PORT	29000
#define KINDS		3

static const char *const lo[KINDS] = { "127.0.0.1", "::1", "::ffff:127.0.0.1" };
static const char *const void_addr[KINDS] = { "10.66.7.7", "fd66::7", "::ffff:10.66.7.7" };
static int listener[KINDS][PORTS], next;

static void die(const char *what)
{
	fprintf(stderr, "hold: %s: %s\n", what, strerror(errno));
	exit(1);
}

static socklen_t address(struct sockaddr_storage *addr, const char *host, int port)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)addr;
	struct sockaddr_in *in = (struct sockaddr_in *)addr;

	memset(addr, 0, sizeof(*addr));
	in->sin_port = htons(port);	/* where it is in a sockaddr_in6, too */
	in->sin_family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (in->sin_family == AF_INET6)
		inet_pton(AF_INET6, host, &in6->sin6_addr);
	else
		inet_pton(AF_INET, host, &in->sin_addr);
	return in->sin_family == AF_INET6 ? sizeof(*in6) : sizeof(*in);
}

static int listen_at(const char *host, int port)
{
	struct sockaddr_storage addr;
	socklen_t len = address(&addr, host, port);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (addr.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 0 }, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) || listen(fd, 4096))
		die("listen");
	return fd;
}

/* Connected, client's first; each time another listener. */
static void open_pair(int *fd)
{
	int i = next++, kind = i % KINDS, port = i / KINDS % PORTS;
	struct sockaddr_storage addr;
	socklen_t len = address(&addr, lo[kind], PORT + kind * PORTS + port);

	fd[0] = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd[0] < 0 || connect(fd[0], (struct sockaddr *)&addr, len))
		die("connect");
	fd[1] = accept4(listener[kind][port], NULL, NULL, SOCK_CLOEXEC);
	if (fd[1] < 0)
		die("accept");
}

/* This socket receives nothing any more. */
static void deafen(int fd)
{
	struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog prog = { .len = 1, .filter = &drop };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)))
		die("filter");
}

static void syn_sent(int i)
{
	struct sockaddr_storage addr;
	socklen_t len = address(&addr, void_addr[i % KINDS], 1000 + i % 50000);
	int fd = socket(addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || (connect(fd, (struct sockaddr *)&addr, len) && errno != EINPROGRESS))
		die("connect to nobody");
}

/* A SYN from an address that is not there, to the listener on the device where nobody answers */
static void request(int raw, int i)
{
	struct {
		struct iphdr ip;
		struct tcphdr tcp;
	} __attribute__((packed)) packet = {
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons(40) },
		.tcp = { .source = htons(1024 + i % 60000), .dest = htons(REQUEST_PORT), .seq = htonl(i * 1000),
			 .doff = 5, .syn = 1, .window = htons(60000) },
	};
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint32_t sum;

	packet.ip.saddr = htonl(0x0a421000 + i % 60000);
	packet.ip.daddr = inet_addr("10.66.0.1");
	sum = checksum_add(IPPROTO_TCP + sizeof(packet.tcp), &packet.ip.saddr, 8);
	packet.tcp.check = checksum(checksum_add(sum, &packet.tcp, sizeof(packet.tcp)));
	to.sin_addr.s_addr = packet.ip.daddr;
	if (sendto(raw, &packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) != sizeof(packet))
		die("raw");
}

/* What lasts, then what lasts for a minute: both ends are counted. */
enum what { OPEN, HALF_CLOSED, FIN_WAIT1, LAST_ACK, CLOSING, FIN_WAIT2, TIME_WAIT, PAIRS };

static void make(enum what what)
{
	int fd[2];

	open_pair(fd);
	switch (what) {
	case OPEN:
		break;
	case HALF_CLOSED:	/* FIN_WAIT2, a full socket, and CLOSE_WAIT */
		shutdown(fd[0], SHUT_WR);
		break;
	case FIN_WAIT1:		/* and ESTABLISHED */
		deafen(fd[1]);
		shutdown(fd[0], SHUT_WR);
		break;
	case LAST_ACK:		/* and FIN_WAIT2 */
		shutdown(fd[0], SHUT_WR);
		deafen(fd[0]);
		shutdown(fd[1], SHUT_WR);
		break;
	case CLOSING:		/* and FIN_WAIT1 */
		deafen(fd[1]);
		shutdown(fd[0], SHUT_WR);
		shutdown(fd[1], SHUT_WR);
		break;
	case FIN_WAIT2:		/* a minisock, and CLOSE_WAIT */
		close(fd[0]);
		break;
	case TIME_WAIT:
		close(fd[0]);
		close(fd[1]);
		break;
	case PAIRS:
		break;
	}
}

int main(int argc, char **argv)
{
	static const int percent[PAIRS] = {
		[OPEN] = 40, [HALF_CLOSED] = 10, [FIN_WAIT1] = 4, [LAST_ACK] = 4, [CLOSING] = 4, [FIN_WAIT2] = 10,
		[TIME_WAIT] = 10,
	};
	struct rlimit r = { 1 << 20, 1 << 20 };
	int n = 5000, option, i, what, raw;
	char c;

	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n' || (n = atoi(optarg)) < 100)
			return 2;
	}
	if (setrlimit(RLIMIT_NOFILE, &r))
		die("limit of open files");
	for (i = 0; i < KINDS * PORTS; i++)
		listener[i % KINDS][i / KINDS] = listen_at(lo[i % KINDS], PORT + i % KINDS * PORTS + i / KINDS);
	listen_at("10.66.0.1", REQUEST_PORT);
	for (what = 0; what < PAIRS; what++)
		for (i = 0; i < (long)n * percent[what] / 200; i++)
			make(what);
	for (i = 0; i < n / 20; i++)
		syn_sent(i);
	raw = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	for (i = 0; i < n / 20 && i < 4000; i++)
		request(raw, i);
	printf("ready\n");
	fflush(stdout);
	while (read(0, &c, 1) > 0)
		;
	return 0;
}
