// SPDX-License-Identifier: GPL-2.0-only
/*
 * Clients by the thousand, which are single packets: a server with 50,000 in TIME_WAIT, clients that vanish, health
 * checks that do not even open a connection, and a scan. Nothing of that is told. Eleven minutes of guest time each:
 * the longest that a condition has to hold is ten.
 *
 *	server, a real one --- 10.0.0.1/8 (tun0) === file descriptor: 10.128.0.0/9, each client an address of its own
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"
#include "kselftest_harness.h"
#include "silence.h"

#define LOCAL		0x0a000001
#define LOCAL_TEXT	"10.0.0.1"
#define ROUTER		0x0a7f0001
#define CLIENTS		0x0a800000
#define NUMBER		0x007fffff	/* of a client, in its address */
#define PORT		80
#define CLIENT_PORT	33000
#define REQUEST		100		/* bytes */
#define ANSWER		500
#define PATIENCE_MS	30000		/* of the server */
#define WAITING		2000
#define SECONDS		(11 * 60)
#define TICKS		10		/* a second */

/* What becomes of a client */
enum fate {
	CLOSED,		/* it asks for nothing; the server closes first */
	SERVED,		/* it asks, is answered, and the server closes first */
	GONE_SYN,	/* it does not hear the answer to its SYN */
	GONE_OPEN,	/* it opens a connection and never asks */
	GONE_ASKED,	/* it asks and does not hear the answer */
	GONE_FIN,	/* it has acknowledged the answer and the end, and sends no end of its own */
	GONE_LAST,	/* it asks, with its end, and does not hear the answer */
	RESETS,		/* it answers SYN+ACK with a RST */
	UNREACHABLE,	/* a router says that it is not there */
	LATE,		/* it does not get the first SYN+ACK */
	FATES
};

struct packet {
	struct iphdr ip;
	struct tcphdr tcp;
	char data[1500];
};

struct client {
	uint32_t seq, ack;
	uint16_t port;
	uint8_t fate;
	bool gone;
};

FIXTURE(crowd) {
	struct notices *s;
	int tun;
	struct client *clients;
	unsigned int n, most;		/* have begun, and at most */
	unsigned int refused;		/* RSTs that came */
	unsigned int greeted;		/* SYN+ACKs, the first of each */
	int listener;
	unsigned int accepted, waiting, given_up;
	struct {
		int fd;
		uint64_t until;
	} wait[WAITING];
};

static int tun_open(void)
{
	struct ifreq ifr = { .ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	struct sockaddr_in *in = (struct sockaddr_in *)&ifr.ifr_addr;
	int fd, tun, err;

	if (access("/dev/net/tun", F_OK) && system("modprobe tun"))
		printf("# modprobe tun failed\n");
	tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	err = tun < 0 || ioctl(tun, TUNSETIFF, &ifr);
	ifr.ifr_flags = IFF_UP;
	err = err || ioctl(fd, SIOCSIFFLAGS, &ifr);
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(LOCAL) };
	err = err || ioctl(fd, SIOCSIFADDR, &ifr);
	in->sin_addr.s_addr = htonl(0xff000000);
	err = err || ioctl(fd, SIOCSIFNETMASK, &ifr);
	close(fd);
	return err ? -1 : tun;
}

FIXTURE_SETUP(crowd)
{
	struct rlimit files = { 8192, 8192 };

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &files));
	ASSERT_EQ(0, netns_enter());
	self->tun = tun_open();
	ASSERT_LE(0, self->tun);
	self->most = 2000 * SECONDS + 60000;
	self->clients = calloc(self->most, sizeof(*self->clients));
	ASSERT_NE(NULL, self->clients);
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	/* What a machine of 8 GB gives to a namespace */
	ASSERT_EQ(0, nl_set(&self->s->ask, TCPSTATE_A_CONFIG_LIMIT, 131072));
	self->n = self->refused = self->greeted = self->accepted = self->waiting = self->given_up = 0;
	self->listener = nl_listen(LOCAL_TEXT, PORT, 512);
	ASSERT_LE(0, self->listener);
	ASSERT_EQ(0, fcntl(self->listener, F_SETFL, O_NONBLOCK));
}

FIXTURE_TEARDOWN(crowd)
{
	free(self->s);
	free(self->clients);
}

/* Packets */

static void to_kernel(const FIXTURE_DATA(crowd) *self, const void *packet, size_t len)
{
	if (write(self->tun, packet, len) != (ssize_t)len)
		printf("# tun: %m\n");
}

static void fill_ip(struct iphdr *ip, uint32_t from, int protocol, size_t len)
{
	*ip = (struct iphdr){
		.version = 4, .ihl = 5, .ttl = 64, .protocol = protocol, .tot_len = htons(len),
		.saddr = htonl(from), .daddr = htonl(LOCAL),
	};
	ip->check = checksum(checksum_add(0, ip, sizeof(*ip)));
}

enum { F_FIN = 1, F_SYN = 2, F_RST = 4, F_ACK = 16 };

/* @len is even, and all of it 0. */
static void say(const FIXTURE_DATA(crowd) *self, struct client *c, int flags, size_t len)
{
	struct packet p;
	size_t size = sizeof(p.ip) + sizeof(p.tcp) + len;
	uint32_t sum;

	memset(&p, 0, size);
	fill_ip(&p.ip, CLIENTS + (c - self->clients), IPPROTO_TCP, size);
	p.tcp = (struct tcphdr){
		.source = htons(CLIENT_PORT), .dest = htons(c->port), .seq = htonl(c->seq), .ack_seq = htonl(c->ack),
		.doff = 5, .fin = !!(flags & F_FIN), .syn = !!(flags & F_SYN), .rst = !!(flags & F_RST),
		.ack = !!(flags & F_ACK), .window = htons(60000),
	};
	sum = checksum_add(IPPROTO_TCP + sizeof(p.tcp) + len, &p.ip.saddr, 8);
	p.tcp.check = checksum(checksum_add(sum, &p.tcp, sizeof(p.tcp)));
	c->seq += len + !!(flags & F_FIN) + !!(flags & F_SYN);
	to_kernel(self, &p, size);
}

/* "Host unreachable", of what the kernel has sent. */
static void say_unreachable(const FIXTURE_DATA(crowd) *self, const struct packet *about)
{
	struct {
		struct iphdr ip;
		struct icmphdr icmp;
		uint8_t about[28];
	} p = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_HOST_UNREACH } };

	memcpy(p.about, about, sizeof(p.about));
	p.icmp.checksum = checksum(checksum_add(0, &p.icmp, sizeof(p.icmp) + sizeof(p.about)));
	fill_ip(&p.ip, ROUTER, IPPROTO_ICMP, sizeof(p));
	to_kernel(self, &p, sizeof(p));
}

/* Clients */

static void greet(FIXTURE_DATA(crowd) *self, struct client *c, const struct packet *p)
{
	if (c->fate == LATE) {
		c->fate = SERVED;
		return;
	}
	self->greeted++;
	c->ack = ntohl(p->tcp.seq) + 1;
	c->gone = c->fate != CLOSED && c->fate != SERVED && c->fate != GONE_FIN;
	switch (c->fate) {
	case CLOSED:
	case GONE_OPEN:
		say(self, c, F_ACK, 0);
		break;
	case SERVED:
	case GONE_ASKED:
	case GONE_FIN:
		say(self, c, F_ACK, REQUEST);
		break;
	case GONE_LAST:
		say(self, c, F_ACK | F_FIN, REQUEST);
		break;
	case RESETS:
		say(self, c, F_RST, 0);
		break;
	case UNREACHABLE:
		say_unreachable(self, p);
		break;
	}
}

static void hear(FIXTURE_DATA(crowd) *self, const struct packet *p, size_t size)
{
	struct client *c = &self->clients[ntohl(p->ip.daddr) & NUMBER];
	size_t len = size - sizeof(p->ip) - p->tcp.doff * 4;

	if (p->ip.version != 4 || p->ip.protocol != IPPROTO_TCP || c >= self->clients + self->n)
		return;
	self->refused += p->tcp.rst;
	if (c->gone || p->tcp.rst)
		return;
	if (p->tcp.syn) {
		greet(self, c, p);
		return;
	}
	if ((!len && !p->tcp.fin) || ntohl(p->tcp.seq) != c->ack)
		return;
	c->ack += len + p->tcp.fin;
	say(self, c, F_ACK | (p->tcp.fin && c->fate != GONE_FIN ? F_FIN : 0), 0);
	c->gone = p->tcp.fin;
}

static void hear_all(FIXTURE_DATA(crowd) *self)
{
	struct packet p;
	ssize_t n;

	while ((n = read(self->tun, &p, sizeof(p))) > 0)
		hear(self, &p, n);
}

static void begin(FIXTURE_DATA(crowd) *self, enum fate fate, uint16_t port)
{
	struct client *c = &self->clients[self->n++];

	*c = (struct client){ .seq = self->n * 7919, .port = port, .fate = fate };
	say(self, c, F_SYN, 0);
	hear_all(self);
}

/* The server */

static bool answer(int fd)
{
	static const char text[ANSWER];
	char request[2 * REQUEST];

	if (recv(fd, request, sizeof(request), MSG_DONTWAIT) != REQUEST)
		return false;
	send(fd, text, sizeof(text), MSG_NOSIGNAL);
	close(fd);
	return true;
}

/* Accepts all, closes (@ask: answers) at once, and gives up on who does not ask in time. */
static int serve(FIXTURE_DATA(crowd) *self, bool ask)
{
	uint64_t now = ms_now();
	unsigned int i, left = 0;
	int fd;

	while ((fd = accept4(self->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		self->accepted++;
		if (!ask) {
			close(fd);
		} else if (!answer(fd)) {
			if (self->waiting == WAITING)
				return -1;
			self->wait[self->waiting].fd = fd;
			self->wait[self->waiting++].until = now + PATIENCE_MS;
		}
		hear_all(self);
	}
	for (i = 0; i < self->waiting; i++) {
		if (answer(self->wait[i].fd))
			continue;
		if (now < self->wait[i].until) {
			self->wait[left++] = self->wait[i];
			continue;
		}
		close(self->wait[i].fd);
		self->given_up++;
	}
	self->waiting = left;
	hear_all(self);
	return 0;
}

#define UNTIL(when)	ASSERT_EQ(0, notices_until(self->s, when))
#define SNAPSHOT(to)	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", to))
/* How many are to have begun after @tick */
#define DUE(rate, tick)	((rate) * ((tick) + 1) / TICKS)

/* TIME_WAIT */

#define CROWD		51000
#define A_SECOND	870
#define PRESSED		65	/* seconds, with less room */
#define HELD_SECONDS	(full_form() ? SECONDS + PRESSED : 75)
#define AFTER		20	/* a second, when there need not be so many any more */

static int crowded(int tick)
{
	int held = HELD_SECONDS * TICKS;

	return CROWD + (tick < held ? DUE(A_SECOND, tick) : A_SECOND * HELD_SECONDS + DUE(AFTER, tick - held));
}

/* 50,000 at once: all the time in the full form, else for longer than time-wait-seconds. */
TEST_F_TIMEOUT(crowd, time_wait, 6000)
{
	struct snapshot now;
	char buckets[20];
	int tick;
	uint64_t begun;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", "200000"));
	while (self->n < CROWD) {
		begin(self, CLOSED, PORT);
		ASSERT_EQ(0, serve(self, false));
	}
	SNAPSHOT(&now);
	printf("# TIME_WAIT %llu after %llu ms\n", now.count[TCP_TIME_WAIT], now.oldest_ms[TCP_TIME_WAIT]);
	EXPECT_EQ(CROWD, now.count[TCP_TIME_WAIT]);
	EXPECT_EQ(CROWD, now.entered[TCP_TIME_WAIT]);
	begun = ms_now();
	for (tick = 0; tick < TICKS * SECONDS; tick++) {
		while (self->n < crowded(tick)) {
			begin(self, CLOSED, PORT);
			ASSERT_EQ(0, serve(self, false));
		}
		hear_all(self);
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
		if (tick % (5 * TICKS) || tick >= HELD_SECONDS * TICKS)
			continue;
		SNAPSHOT(&now);
		EXPECT_LE(50000, now.count[TCP_TIME_WAIT]);
	}
	SNAPSHOT(&now);
	EXPECT_EQ(crowded(TICKS * SECONDS - 1), now.entered[TCP_TIME_WAIT]);
	EXPECT_EQ(self->n, self->accepted);
	EXPECT_EQ(0, now.untracked);
	SILENT(self->s);
	/* With room for little more it is an info. */
	snprintf(buckets, sizeof(buckets), "%llu", now.count[TCP_TIME_WAIT] * 10 / 9);
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_max_tw_buckets", buckets));
	for (; tick < TICKS * (SECONDS + PRESSED); tick++) {
		while (self->n < crowded(tick)) {
			begin(self, CLOSED, PORT);
			ASSERT_EQ(0, serve(self, false));
		}
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
	}
	EXPECT_EQ(1, notices_count(self->s, TCPSTATE_ALERT_KIND_TIME_WAIT_PRESSURE, RAISE, INFO));
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
	HEARS(self->s);
}

/* Clients that vanish */

/* 100 a second, and one in twenty vanishes: at its SYN, or at any later step. */
TEST_F_TIMEOUT(crowd, vanishing_clients, 6000)
{
	static const uint8_t vanish[] = { GONE_SYN, GONE_OPEN, GONE_ASKED, GONE_FIN, GONE_LAST };
	int tick, rate = full_form() ? 100 : 20, done = rate * SECONDS, gone = 0;
	struct snapshot now;
	uint64_t begun = ms_now();

	for (tick = 0; tick < TICKS * SECONDS; tick++) {
		while (self->n < DUE(rate, tick)) {
			if (self->n % 20)
				begin(self, SERVED, PORT);
			else
				begin(self, vanish[gone++ % 5], PORT);
		}
		ASSERT_EQ(0, serve(self, true));
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
	}
	SNAPSHOT(&now);
	counts_print("at the end", now.count);
	EXPECT_EQ(done, self->n);
	EXPECT_EQ(done, self->greeted);
	EXPECT_EQ(done / 20, gone);
	EXPECT_EQ(done - gone / 5, self->accepted);
	EXPECT_EQ(done - gone / 5, now.entered[TCP_ESTABLISHED]);
	EXPECT_EQ(gone / 5, self->given_up + self->waiting);
	/* One in a hundred connections each; for 63 s, for longer, for 60 s, for longer. */
	EXPECT_LE(rate * 60 / 100, now.count[TCP_SYN_RECV]);
	EXPECT_LE(rate * 60 / 100, now.count[TCP_FIN_WAIT1]);
	EXPECT_LE(rate * 58 / 100, now.count[TCP_FIN_WAIT2]);
	EXPECT_LE(rate * 60 / 100, now.count[TCP_LAST_ACK]);
	EXPECT_LE(rate * 93 * 58 / 100, now.count[TCP_TIME_WAIT]);
	SILENT(self->s);
	HEARS(self->s);
}

/* The same where routers say so: 1 in 20 has gone before it could be answered. */
TEST_F_TIMEOUT(crowd, unreachable_clients, 6000)
{
	int tick, rate = full_form() ? 100 : 10, done = rate * SECONDS;
	struct snapshot now;
	uint64_t begun = ms_now();

	for (tick = 0; tick < TICKS * SECONDS; tick++) {
		while (self->n < DUE(rate, tick))
			begin(self, self->n % 20 ? SERVED : UNREACHABLE, PORT);
		ASSERT_EQ(0, serve(self, true));
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
	}
	/* Nothing tells when a request ends: it is looked for. */
	UNTIL(ms_now() + 2000);
	SNAPSHOT(&now);
	EXPECT_EQ(done, self->greeted);
	EXPECT_EQ(done, now.entered[TCP_SYN_RECV]);
	EXPECT_EQ(done - done / 20, self->accepted);
	EXPECT_EQ(0, now.count[TCP_SYN_RECV]);
	SILENT(self->s);
	HEARS(self->s);
}

/* The same where packets are lost: 1 in 20 sends its SYN again, before the server sends its answer again. */
TEST_F_TIMEOUT(crowd, lossy_clients, 6000)
{
	int tick, rate = full_form() ? 100 : 10, done = rate * SECONDS, at = 0, resent = 0;
	struct snapshot now;
	struct client *c;
	uint64_t begun = ms_now();

	for (tick = 0; tick < TICKS * SECONDS; tick++) {
		for (; at < DUE(rate, tick - 9); at++) {
			c = &self->clients[at];
			if (c->ack)
				continue;
			c->seq--;
			say(self, c, F_SYN, 0);
			hear_all(self);
			resent++;
		}
		while (self->n < DUE(rate, tick))
			begin(self, self->n % 20 == 10 ? LATE : SERVED, PORT);
		ASSERT_EQ(0, serve(self, true));
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
	}
	SNAPSHOT(&now);
	EXPECT_EQ(done, self->n);
	EXPECT_EQ(done, self->accepted + now.count[TCP_SYN_RECV]);
	EXPECT_LE(done / 20 - rate / 20 - 1, resent);
	EXPECT_GE(done / 20, resent);
	SILENT(self->s);
	HEARS(self->s);
}

/* Health checks of load balancers: SYN, SYN+ACK, RST; the application never sees them. 100 a second. */
TEST_F_TIMEOUT(crowd, half_open_checks, 6000)
{
	int tick, rate = 100, done = rate * SECONDS;
	struct snapshot now;
	uint64_t begun = ms_now();

	for (tick = 0; tick < TICKS * SECONDS; tick++) {
		while (self->n < DUE(rate, tick))
			begin(self, RESETS, PORT);
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
	}
	SNAPSHOT(&now);
	EXPECT_EQ(done, self->greeted);
	EXPECT_EQ(done, now.entered[TCP_SYN_RECV]);
	EXPECT_EQ(0, now.entered[TCP_ESTABLISHED]);
	EXPECT_EQ(0, now.count[TCP_SYN_RECV]);
	SILENT(self->s);
	HEARS(self->s);
}

/* A scan */

#define OPEN		4	/* ports */
#define FAST		2000	/* a second */
#define FAST_SECONDS	(full_form() ? SECONDS : 60)
#define SLOW		100	/* a second, after that */

/* The kernel's own, of this namespace. */
static unsigned long long counter(const char *name)
{
	char names[8192], values[8192], *n, *v, *save[2];
	FILE *f = fopen("/proc/self/net/netstat", "re");
	unsigned long long found = 0;

	if (f && fgets(names, sizeof(names), f) && fgets(values, sizeof(values), f)) {
		n = strtok_r(names, " \n", &save[0]);
		v = strtok_r(values, " \n", &save[1]);
		for (; n && v && strcmp(n, name); v = strtok_r(NULL, " \n", &save[1]))
			n = strtok_r(NULL, " \n", &save[0]);
		found = n && v ? strtoull(v, NULL, 10) : 0;
	}
	if (f)
		fclose(f);
	return found;
}

static int scanned(int tick)
{
	int fast = FAST_SECONDS * TICKS;

	return tick < fast ? DUE(FAST, tick) : FAST * FAST_SECONDS + DUE(SLOW, tick - fast);
}

/*
 * One in ten SYNs meets an open port. Of the addresses that they name, half are nobody's, a quarter the scanner's or
 * another host's, which answers with a RST, and of a quarter a router says that there is nobody.
 */
TEST_F_TIMEOUT(crowd, scan, 6000)
{
	static const uint8_t fates[] = { GONE_SYN, RESETS, UNREACHABLE, GONE_SYN };
	unsigned int i, open = 0, total = scanned(TICKS * SECONDS - 1);
	struct snapshot now;
	uint64_t begun;
	int tick;

	for (i = 1; i < OPEN; i++)
		ASSERT_LE(0, nl_listen(LOCAL_TEXT, PORT + i, 128));
	begun = ms_now();
	for (tick = 0; tick < TICKS * SECONDS; tick++) {
		for (i = self->n; i < scanned(tick); i++) {
			if (i % 10) {
				begin(self, GONE_SYN, 1000 + i % 60000);
			} else {
				begin(self, fates[open / OPEN % 4], PORT + open % OPEN);
				open++;
			}
		}
		hear_all(self);
		UNTIL(begun + (tick + 1) * 1000 / TICKS);
	}
	SNAPSHOT(&now);
	counts_print("at the end", now.count);
	printf("# %u SYNs, %u refused, %u greeted, cookies %llu, drops %llu, overflows %llu\n", self->n, self->refused,
	       self->greeted, counter("SyncookiesSent"), counter("ListenDrops"), counter("ListenOverflows"));
	EXPECT_EQ(total, self->n);
	EXPECT_EQ(total - open, self->refused);
	EXPECT_EQ(open, self->greeted);
	EXPECT_EQ(total / 10, open);
	EXPECT_LT(0, counter("SyncookiesSent"));
	EXPECT_EQ(0, now.entered[TCP_ESTABLISHED]);
	EXPECT_EQ(0, now.untracked);
	SILENT(self->s);
	HEARS(self->s);
}

TEST_HARNESS_MAIN
