// SPDX-License-Identifier: GPL-2.0-only
/*
 * SYNs from addresses that are nobody's, at full speed, while real connections come and go. For flood.sh, which makes
 *
 *	attacker and client  fa 10.88.0.1/24  ----  fv 10.88.0.2/24  server
 *
 *	flood [-n SYNS] CLIENT-NETNS SERVER-NETNS
 *
 * SYNS (50,000) frames are put on the wire with random sources in 10.0.0.0/9; between them PAIRS real connections
 * from 10.88.0.1 are opened, used, half closed and closed. Every SAMPLE frames: the real endpoints of both namespaces
 * are inet_diag's, by tuple and state, and each record in SYN_RECV is of a request socket that the kernel has, or has
 * had within RECENT_NS: nothing tells when one ends. So those bound the memory. Says what it has seen: "flood: ...".
 * Exit status 0: all of that held.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "checksum.h"
#include "oracle.h"

#define CLIENT		"10.88.0.1"
#define SERVER		"10.88.0.2"
#define PORT		7000
#define PAIRS		200
#define BATCH		10	/* frames between two steps of real connections */
#define SAMPLE		5000
#define RECENT		64	/* looks */
#define RECENT_NS	2000000000ULL	/* the audit looks within 1.25 s */

struct frame {
	struct ether_header eth;
	struct iphdr ip;
	struct tcphdr tcp;
} __attribute__((packed));

static struct {
	int fd[2];
	int step;
} pairs[PAIRS];
static struct oracle oracle[2];
static struct ends kernel, module;
static int listener, netns[2], opened, waits;
static uint64_t random_state = 1;
static struct {
	uint64_t when;
	struct ends requests;
} recent[RECENT];
static unsigned long long most_kernel, most_module, most_all, most_slab;

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint32_t draw(void)
{
	random_state = random_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return random_state >> 32;
}

static void enter(int which)
{
	if (setns(netns[which], CLONE_NEWNET))
		die("setns");
}

static int netns_open(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

static void mac_of(int fd, const char *name, uint8_t *mac, int *ifindex)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr))
		die(name);
	memcpy(mac, ifr.ifr_hwaddr.sa_data, 6);
	*ifindex = if_nametoindex(name);
}

static void spoof(struct frame *f)
{
	uint32_t sum;

	f->ip.saddr = htonl(0x0a000000 | (draw() & 0x7fffff));
	f->ip.check = 0;
	f->ip.check = checksum(checksum_add(0, &f->ip, sizeof(f->ip)));
	f->tcp.source = htons(1024 + draw() % 60000);
	f->tcp.seq = draw();
	f->tcp.check = 0;
	sum = checksum_add(IPPROTO_TCP + sizeof(f->tcp), &f->ip.saddr, 8);
	f->tcp.check = checksum(checksum_add(sum, &f->tcp, sizeof(f->tcp)));
}

/* One step of one real connection. */
static void step(int i)
{
	char buf[100];

	switch (pairs[i].step++) {
	case 0:
		pairs[i].fd[0] = nl_connect(CLIENT, 0, SERVER, PORT, true);
		if (pairs[i].fd[0] < 0)
			die("connect");
		break;
	case 1:
		pairs[i].fd[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (pairs[i].fd[1] < 0) {	/* a real SYN can be dropped */
			pairs[i].step = 1;
			waits++;
		} else {
			opened++;
		}
		break;
	case 2:
		send(pairs[i].fd[0], "hello", 5, MSG_NOSIGNAL);
		break;
	case 3:
		if (recv(pairs[i].fd[1], buf, sizeof(buf), 0) < 0 && errno == EAGAIN)
			pairs[i].step--;
		break;
	case 4:
		shutdown(pairs[i].fd[i & 1], SHUT_WR);
		break;
	case 5:
		close(pairs[i].fd[!(i & 1)]);
		break;
	case 6:
		close(pairs[i].fd[i & 1]);
		pairs[i].step = 0;
	}
}

/* Only what is not spoofed: the client's address is at one end. */
static void keep_real(struct ends *list)
{
	uint32_t real = inet_addr(CLIENT);
	size_t i, n = 0;

	for (i = 0; i < list->n; i++)
		if (!memcmp(list->end[i].tuple.addr[0], &real, 4) || !memcmp(list->end[i].tuple.addr[1], &real, 4))
			list->end[n++] = list->end[i];
	list->n = n;
}

static unsigned long long slab_objects(void)
{
	unsigned long long n = 0;
	char line[300];
	FILE *f = fopen("/proc/slabinfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "tcps_conn %llu", &n) == 1)
			break;
	if (f)
		fclose(f);
	return n;
}

/* The kernel's request sockets, now and kept for a while; returns how many. */
static unsigned long long look_at_requests(void)
{
	static unsigned int next;
	struct ends *to = &recent[next++ % RECENT].requests;
	size_t i, n = 0;

	recent[(next - 1) % RECENT].when = now_ns();
	if (oracle_kernel(&oracle[1], to))
		die("inet_diag");
	for (i = 0; i < to->n; i++)	/* sorted as before */
		if (to->end[i].state == TCP_SYN_RECV)
			to->end[n++] = to->end[i];
	to->n = n;
	return n;
}

static int by_tuple(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct nl_tuple));
}

static bool was_request(const struct end *e, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < RECENT; i++)
		if (recent[i].requests.n && now - recent[i].when < RECENT_NS &&
		    bsearch(e, recent[i].requests.end, recent[i].requests.n, sizeof(*e), by_tuple))
			return true;
	return false;
}

static void most(unsigned long long *of, unsigned long long n)
{
	if (n > *of)
		*of = n;
}

/* Records in SYN_RECV, and how many of them are of no request socket that was seen lately. */
static int strangers(unsigned long long *syn_recv, unsigned long long *strange)
{
	uint64_t now;
	size_t i;

	if (oracle_module(&oracle[1], &module))
		return -1;
	most(&most_all, module.n);
	most(&most_slab, slab_objects());
	most(&most_kernel, look_at_requests());
	now = now_ns();
	*syn_recv = *strange = 0;
	for (i = 0; i < module.n; i++) {
		if (module.end[i].state != TCP_SYN_RECV)
			continue;
		++*syn_recv;
		*strange += !was_request(&module.end[i], now);
	}
	most(&most_module, *syn_recv);
	return 0;
}

/*
 * A request socket may have lived between two looks (the address it is told by has answered with a RST): then its
 * record is gone within a second.
 */
static int bounded(void)
{
	uint64_t end = now_ns() + ORACLE_EVENT_MS * 1000000ULL;
	unsigned long long syn_recv, strange;

	most(&most_kernel, look_at_requests());
	do {
		if (strangers(&syn_recv, &strange))
			return -1;
	} while (strange && now_ns() < end);
	if (!strange)
		return 0;
	printf("# MODULE: %llu of %llu in SYN_RECV for a second, of which the kernel has had no request socket for two\n",
	       strange, syn_recv);
	return -1;
}

/* Nothing moves the real ones while this looks, but their own timers: a second look would see the same. */
static int exact(void)
{
	int which, tries, bad = 0;

	for (which = 0; which < 2; which++) {
		uint64_t end = now_ns() + ORACLE_EVENT_MS * 1000000ULL;
		size_t n = 1;

		for (tries = 0; n && (!tries || now_ns() < end); tries++) {
			if (oracle_kernel(&oracle[which], &kernel) || oracle_module(&oracle[which], &module))
				return -1;
			keep_real(&kernel);
			keep_real(&module);
			n = ends_differ(&kernel, &module, 0);
		}
		if (!n)
			continue;
		printf("# MODULE: %zu real endpoints differ in namespace %d after a second:\n", n, which);
		ends_differ(&kernel, &module, 5);
		bad = -1;
	}
	return bad;
}

static void fill(struct frame *f, int to_server, struct sockaddr_ll *to)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), ignored;

	*f = (struct frame){
		.eth.ether_type = htons(ETHERTYPE_IP),
		.ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_TCP, .tot_len = htons(40),
			.daddr = inet_addr(SERVER) },
		.tcp = { .dest = htons(PORT), .doff = 5, .syn = 1, .window = htons(60000) },
	};
	*to = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_halen = 6 };
	mac_of(fd, "fa", f->eth.ether_shost, &to->sll_ifindex);
	close(fd);
	enter(1);
	fd = socket(AF_INET, SOCK_DGRAM, 0);
	mac_of(fd, "fv", f->eth.ether_dhost, &ignored);
	close(fd);
	enter(0);
	memcpy(to->sll_addr, f->eth.ether_dhost, 6);
}

int main(int argc, char **argv)
{
	unsigned long n = 50000, sent, refused = 0, samples = 0, bad = 0;
	struct sockaddr_ll to;
	struct frame f;
	int option, raw, i;
	uint64_t begun;

	setvbuf(stdout, NULL, _IOLBF, 0);
	while ((option = getopt(argc, argv, "n:")) != -1) {
		if (option != 'n')
			return 2;
		n = strtoul(optarg, NULL, 10);
	}
	if (argc - optind != 2 || nofile_max())
		return 2;
	for (i = 1; i >= 0; i--) {
		netns[i] = netns_open(argv[optind + i]);
		enter(i);
		if (oracle_open(&oracle[i]))
			return 2;
		if (i)
			listener = nl_listen(SERVER, PORT, 4096);
	}
	if (listener < 0 || fcntl(listener, F_SETFL, O_NONBLOCK))
		die("listen");
	for (i = 0; i < PAIRS; i++)	/* open before it begins */
		while (pairs[i].step < 2)
			step(i);
	fill(&f, 1, &to);
	raw = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (raw < 0)
		die("packet socket");
	begun = now_ns();
	for (sent = 0; sent < n; sent++) {
		spoof(&f);
		if (sendto(raw, &f, sizeof(f), 0, (struct sockaddr *)&to, sizeof(to)) != sizeof(f))
			refused++;
		if (sent % BATCH == 0)
			step(draw() % PAIRS);
		if (sent % SAMPLE != SAMPLE - 1)
			continue;
		samples++;
		bad += !!bounded() + !!exact();
	}
	printf("# flood: SYNs %lu not sent %lu in %llu ms, samples %lu wrong %lu, real connections opened %d waits %d\n",
	       n, refused, (unsigned long long)(now_ns() - begun) / 1000000, samples, bad, opened, waits);
	printf("# flood: most SYN_RECV: kernel %llu module %llu; most records %llu, objects %llu\n", most_kernel,
	       most_module, most_all, most_slab);
	/* Objects wait for a grace period, and a slab is given back as a whole. */
	if (most_slab > 2 * most_all + 2000) {
		printf("# more objects than the records explain\n");
		bad++;
	}
	return bad || !samples || !opened;
}
