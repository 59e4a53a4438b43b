// SPDX-License-Identifier: GPL-2.0-only
/*
 * A client that takes ports toward one address faster than TIME_WAIT gives them back, and others that do not: told before
 * the first connect() fails, with the level that it would reach. Over a veth pair, in guest time, with 1,000 ports.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "notices.h"

#define PORT	7000
#define PORTS	1000
#define SERVER	"10.88.0.2"

#define EXHAUSTION	TCPSTATE_ALERT_KIND_PORT_EXHAUSTION

FIXTURE(ports) {
	struct notices *s;
	pid_t server;
	int failed;		/* connect() with EADDRNOTAVAIL, or bind() with EADDRINUSE */
	uint64_t failed_ns;	/* the first */
};

static int sh(const char *command)
{
	int status = system(command);

	if (status)
		printf("# failed: %s\n", command);
	return status ? -1 : 0;
}

/* Accepts and reads until the other end closes, then closes, too. */
static void serve(int ready, int go)
{
	int listener, fd;
	char c;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWNET) || write(ready, "x", 1) != 1 || read(go, &c, 1) != 1 ||
	    sh("ip link set lo up; ip addr add 10.88.0.2/24 dev v1; ip addr add 10.88.1.1/16 dev v1; ip link set v1 up;"
	       "for i in $(seq 1 20); do ip addr add 10.88.2.$i/16 dev v1; done"))
		_exit(1);
	listener = nl_listen("0.0.0.0", PORT, 1000);
	if (listener < 0 || write(ready, "x", 1) != 1)
		_exit(1);
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		while (recv(fd, &c, 1, 0) > 0)
			;
		close(fd);
	}
	_exit(0);
}

static int link_up(pid_t server)
{
	char command[200];

	snprintf(command, sizeof(command), "ip link add v0 type veth peer name v1 netns %d && ip addr add 10.88.0.1/16 dev v0 &&"
		 " ip link set v0 up", server);
	return sh(command);
}

FIXTURE_SETUP(ports)
{
	int ready[2], go[2];
	char c;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	self->server = fork();
	if (!self->server)
		serve(ready[1], go[0]);
	ASSERT_LT(0, self->server);
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, link_up(self->server));
	ASSERT_EQ(1, write(go[1], "x", 1));
	ASSERT_EQ(1, read(ready[0], &c, 1));
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/ip_local_port_range", "30000 30999"));
	self->s = malloc(sizeof(*self->s));
	ASSERT_NE(NULL, self->s);
	ASSERT_EQ(0, notices_open(self->s));
	self->failed = 0;
}

FIXTURE_TEARDOWN(ports)
{
	kill(self->server, SIGKILL);
	waitpid(self->server, NULL, 0);
	free(self->s);
}

/* One connection to @to, which we close first; from a port bound before, if @early. */
static int once(const char *to, bool early)
{
	struct sockaddr_storage addr;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len;
	int ret = 0;

	if (early) {
		len = nl_sockaddr(&addr, "10.88.0.1", 0);
		ret = bind(fd, (struct sockaddr *)&addr, len);
	}
	len = nl_sockaddr(&addr, to, PORT);
	if (!ret)
		ret = connect(fd, (struct sockaddr *)&addr, len);
	ret = ret ? -errno : 0;
	close(fd);
	return ret;
}

/* @rate connections a second for @seconds: a tenth of them each tenth of a second, to @spread addresses in turn. */
static void burn(struct __test_metadata *_metadata, FIXTURE_DATA(ports) *self, int rate, int seconds, bool early, int spread)
{
	char to[32] = SERVER;
	int tick, n, ret, done = 0;

	for (tick = 0; tick < 10 * seconds; tick++) {
		for (n = rate * (tick + 1) / 10 - done; n > 0; n--, done++) {
			if (spread)
				snprintf(to, sizeof(to), "10.88.2.%d", done % spread + 1);
			ret = once(to, early);
			if (ret != -EADDRNOTAVAIL && ret != -EADDRINUSE) {
				ASSERT_EQ(0, ret);
			} else if (!self->failed++) {
				self->failed_ns = real_ns();
			}
		}
		ASSERT_EQ(0, notices_take(self->s, 100));
	}
}

/* The one that burns them is this process, though all of its sockets are gone. */
static void named(struct __test_metadata *_metadata, const struct nl_peer *p)
{
	EXPECT_TRUE(p->has_holder);
	EXPECT_LT(0, p->inode);
	EXPECT_EQ(getpid(), p->pid);
}

static void reuse(struct __test_metadata *_metadata, const char *how)
{
	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_tw_reuse", how));
}

/* 25 a second would want 1,500 ports: a page before the first failure. */
TEST_F_TIMEOUT(ports, exhausts, 6000)
{
	const struct nl_alert *n;

	reuse(_metadata, "0");
	burn(_metadata, self, 25, 45, false, 0);
	EXPECT_LT(0, self->failed);
	n = notices_await(self->s, 1000, EXHAUSTION, RAISE, PAGE);
	ASSERT_NE(NULL, n);
	EXPECT_GT(self->failed_ns, n->time_ns);
	EXPECT_EQ(TCPSTATE_ALERT_REASON_PORTS, n->reason);
	EXPECT_EQ(TCPSTATE_PEER_KIND_DESTINATION, n->peer.kind);
	EXPECT_EQ(PORT, n->peer.port[1]);
	EXPECT_EQ(PORTS, n->peer.ports);
	EXPECT_LE(1350, n->peer.plateau);
	EXPECT_GE(1650, n->peer.plateau);
	EXPECT_LE(850, n->peer.ports_used);
	named(_metadata, &n->peer);
	n = notices_await(self->s, 180000, EXHAUSTION, CLEAR, 0);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
	EXPECT_EQ(1, notices_count(self->s, 0, CLEAR, INFO));
}

/* 12 a second level off at 720 of 1,000: a ticket, and never a page. */
TEST_F_TIMEOUT(ports, levels_off_high, 6000)
{
	const struct nl_alert *n;
	struct nl_peer peer;

	reuse(_metadata, "0");
	burn(_metadata, self, 12, 300, false, 0);
	EXPECT_EQ(0, self->failed);
	n = notices_await(self->s, 1000, EXHAUSTION, RAISE, TICKET);
	ASSERT_NE(NULL, n);
	EXPECT_EQ(TICKET, n->severity);
	EXPECT_LE(59 * SECOND_NS, n->raised_ns - n->begun_ns);
	ASSERT_EQ(0, notices_peer(self->s, TCPSTATE_PEER_KIND_DESTINATION, PORT, &peer));
	EXPECT_LE(648, peer.plateau);
	EXPECT_GE(792, peer.plateau);
	EXPECT_LE(648, peer.ports_used);
	EXPECT_GE(792, peer.ports_used);
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, PAGE));
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
}

/* 7 a second: 420 of 1,000. A straight line would cry after a minute. */
TEST_F_TIMEOUT(ports, levels_off_low, 6000)
{
	struct nl_peer peer;

	reuse(_metadata, "0");
	burn(_metadata, self, 7, 600, false, 0);
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, INFO));
	ASSERT_EQ(0, notices_peer(self->s, TCPSTATE_PEER_KIND_DESTINATION, PORT, &peer));
	EXPECT_LE(378, peer.plateau);
	EXPECT_GE(462, peer.plateau);
	EXPECT_FALSE(peer.reusable);
}

/* The same rate as above, and every TIME_WAIT can be used again after a second. */
TEST_F_TIMEOUT(ports, reused, 6000)
{
	struct nl_peer peer;

	reuse(_metadata, "1");
	burn(_metadata, self, 25, 300, false, 0);
	EXPECT_EQ(0, self->failed);
	EXPECT_EQ(0, notices_count(self->s, 0, RAISE, INFO));
	ASSERT_EQ(0, notices_peer(self->s, TCPSTATE_PEER_KIND_DESTINATION, PORT, &peer));
	EXPECT_TRUE(peer.reusable);
	EXPECT_GE(100, peer.ports_used);
}

/* Who binds before it connects takes each port from all destinations: 20 of them, of which none has many. */
TEST_F_TIMEOUT(ports, binds_first, 6000)
{
	const struct nl_alert *n;

	reuse(_metadata, "1");
	burn(_metadata, self, 25, 45, true, 20);
	EXPECT_LT(0, self->failed);
	n = notices_await(self->s, 1000, EXHAUSTION, RAISE, PAGE);
	ASSERT_NE(NULL, n);
	EXPECT_GT(self->failed_ns, n->time_ns);
	EXPECT_EQ(TCPSTATE_PEER_KIND_LOCAL_ADDRESS, n->peer.kind);
	named(_metadata, &n->peer);
	EXPECT_EQ(1, notices_count(self->s, 0, RAISE, INFO));
}

TEST_HARNESS_MAIN
