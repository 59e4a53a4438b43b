// SPDX-License-Identifier: GPL-2.0-only
/*
 * A link between two network namespaces that loses, doubles and reorders TCP segments, the same ones each time: netem
 * has no seed.
 *
 *	relay [-s SEED] [-d DROP] [-u DUPLICATE] [-r REORDER] [-w MS] [-f FILE] CLIENT-NETNS SERVER-NETNS
 *
 * Makes a tun device "tcps0" in each of the two (names as of "ip netns"), says "ready", and forwards IPv4 and IPv6
 * packets between them until SIGTERM or SIGINT. What becomes of a segment depends on SEED, the client's port, the
 * direction and the segment's ordinal within that flow, on nothing else. The rates are per mille. A reordered segment
 * waits until one to three others of its flow have passed it, but at most MS (5) milliseconds. What is not TCP passes.
 *
 * At the end it prints what it did, and writes into FILE who has sent a FIN: one byte for each client's port, bit 0 for
 * the client, bit 1 for the server.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define PACKET_MAX	2048
#define HELD_MAX	512	/* segments that wait at a time; what finds no room passes */

enum { FROM_CLIENT, FROM_SERVER, DIRS };
enum fate { PASS, DROP, DUPLICATE, REORDER, FATES };

struct held {
	struct held *next;
	uint64_t deadline;	/* ns */
	int port, dir;
	int behind;		/* segments of its flow that have yet to pass it */
	int len;
	uint8_t data[PACKET_MAX];
};

static struct held pool[HELD_MAX], *idle, *waiting, **last = &waiting;
static uint32_t ordinal[65536][DIRS];
static unsigned int rate[FATES];
static unsigned long long seed, hold_ns = 5000000, done[DIRS][FATES], others, no_room, failed;
static uint8_t fins[65536];
static int tun[DIRS];
static volatile sig_atomic_t stop;

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void on_signal(int sig)
{
	stop = 1;
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int tun_open(const char *netns)
{
	struct ifreq ifr = { .ifr_name = "tcps0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	char path[256];
	int ns, fd;

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWNET))
		die(path);
	close(ns);
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		die("tun");
	return fd;
}

/* splitmix64: each input bit changes half of the output's. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/* The client's port of a TCP segment, or -1: not a whole one. Remembers a FIN. */
static int client_port(const uint8_t *packet, int len, int dir)
{
	int l4, at, port;

	if (len < 40)
		return -1;
	if (packet[0] >> 4 == 4) {
		l4 = (packet[0] & 0xf) * 4;
		/* the first fragment, or the only one */
		if (packet[9] != IPPROTO_TCP || ((packet[6] & 0x1f) << 8 | packet[7]))
			return -1;
	} else {
		l4 = 40;
		if (packet[6] != IPPROTO_TCP)
			return -1;
	}
	if (len < l4 + 20)
		return -1;
	at = l4 + (dir == FROM_CLIENT ? 0 : 2);
	port = packet[at] << 8 | packet[at + 1];
	if (packet[l4 + 13] & 1)
		fins[port] |= 1 << dir;
	return port;
}

static void forward(int dir, const uint8_t *packet, int len)
{
	if (write(tun[!dir], packet, len) != len)
		failed++;
}

static enum fate decide(int port, int dir, unsigned int *more)
{
	uint64_t h = mix(mix(seed) ^ mix((uint64_t)port << 40 | (uint64_t)dir << 32 | ordinal[port][dir]++));
	unsigned int n = h % 1000;
	enum fate fate;

	*more = h >> 40;
	for (fate = DROP; fate < FATES; fate++) {
		if (n < rate[fate])
			return fate;
		n -= rate[fate];
	}
	return PASS;
}

static void unlink_held(struct held **at)
{
	struct held *h = *at;

	*at = h->next;
	if (last == &h->next)
		last = at;
	h->next = idle;
	idle = h;
}

/* A segment of the flow has passed: those that wait for it are one nearer to their end. */
static void passed(int port, int dir)
{
	struct held **at = &waiting;

	while (*at) {
		struct held *h = *at;

		if (h->port == port && h->dir == dir && --h->behind == 0) {
			unlink_held(at);
			forward(dir, h->data, h->len);
		} else {
			at = &h->next;
		}
	}
}

static int hold(int port, int dir, const uint8_t *packet, int len, unsigned int more)
{
	struct held *h = idle;

	if (!h)
		return -1;
	idle = h->next;
	h->deadline = now_ns() + hold_ns;
	h->port = port;
	h->dir = dir;
	h->behind = 1 + more % 3;
	h->len = len;
	h->next = NULL;
	memcpy(h->data, packet, len);
	*last = h;
	last = &h->next;
	return 0;
}

static void handle(int dir, const uint8_t *packet, int len)
{
	int port = client_port(packet, len, dir);
	enum fate fate = PASS;
	unsigned int more;

	if (port < 0) {
		others++;
		forward(dir, packet, len);
		return;
	}
	fate = decide(port, dir, &more);
	if (fate == REORDER && hold(port, dir, packet, len, more)) {
		no_room++;
		fate = PASS;
	}
	done[dir][fate]++;
	if (fate == DROP || fate == REORDER)
		return;
	forward(dir, packet, len);
	if (fate == DUPLICATE)
		forward(dir, packet, len);
	passed(port, dir);
}

/* All wait equally long, so the list is in the order of their deadlines. Returns how long to wait for the next. */
static int release_overdue(void)
{
	uint64_t now = now_ns();

	while (waiting && waiting->deadline <= now) {
		struct held *h = waiting;

		unlink_held(&waiting);
		forward(h->dir, h->data, h->len);
	}
	return waiting ? (waiting->deadline - now) / 1000000 + 1 : 1000;
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	const char *fin_file = NULL;
	uint8_t packet[PACKET_MAX];
	int option, i, len;

	while ((option = getopt(argc, argv, "s:d:u:r:w:f:")) != -1) {
		switch (option) {
		case 's': seed = strtoull(optarg, NULL, 10); break;
		case 'd': rate[DROP] = atoi(optarg); break;
		case 'u': rate[DUPLICATE] = atoi(optarg); break;
		case 'r': rate[REORDER] = atoi(optarg); break;
		case 'f': fin_file = optarg; break;
		case 'w': hold_ns = strtoull(optarg, NULL, 10) * 1000000; break;
		default: return 2;
		}
	}
	if (argc - optind != DIRS)
		return 2;
	for (i = 0; i < HELD_MAX; i++) {
		pool[i].next = idle;
		idle = &pool[i];
	}
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	for (i = 0; i < DIRS; i++)
		tun[i] = tun_open(argv[optind + i]);
	printf("ready\n");
	fflush(stdout);
	while (!stop) {
		struct pollfd p[DIRS] = { { .fd = tun[0], .events = POLLIN }, { .fd = tun[1], .events = POLLIN } };

		if (poll(p, DIRS, release_overdue()) <= 0)
			continue;
		for (i = 0; i < DIRS; i++) {
			int burst;

			for (burst = 0; burst < 16 && (len = read(tun[i], packet, sizeof(packet))) > 0; burst++)
				handle(i, packet, len);
		}
	}
	for (i = 0; i < DIRS; i++)
		printf("%s passed %llu dropped %llu duplicated %llu reordered %llu\n",
		       i == FROM_CLIENT ? "client" : "server", done[i][PASS], done[i][DROP],
		       done[i][DUPLICATE], done[i][REORDER]);
	printf("others %llu no_room %llu failed %llu\n", others, no_room, failed);
	if (fin_file) {
		FILE *f = fopen(fin_file, "we");

		if (!f || fwrite(fins, sizeof(fins), 1, f) != 1 || fclose(f))
			die(fin_file);
	}
	return 0;
}
