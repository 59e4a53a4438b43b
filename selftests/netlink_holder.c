// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is told of the sockets behind the endpoints: kind, user, inode, cookie, control group and process, each against
 * what the socket itself says; to whom it is told; and how far the module says that it can be trusted.
 *
 * All of it is looked up when somebody asks, so it is the same whether sockets or segments move the records.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl.h"

#define PORT		7000
#define SECOND		1000000000ULL
#define SOMEBODY	12345	/* a user that nobody is */

#define FULL		TCPSTATE_SOCKET_KIND_FULL
#define REQUEST		TCPSTATE_SOCKET_KIND_REQUEST
#define MINISOCK	TCPSTATE_SOCKET_KIND_MINISOCK

FIXTURE(holder) {
	struct nl nl;
	bool sockets;		/* they tell */
	int listener;
};

FIXTURE_SETUP(holder)
{
	struct snapshot s;

	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &s));
	self->sockets = s.sockets;
	ASSERT_EQ(0, nl_open(&self->nl));
	self->listener = nl_listen("::", PORT, 10);
	ASSERT_LE(0, self->listener);
}

FIXTURE_TEARDOWN(holder)
{
	nl_close(&self->nl);
}

static int expect(const char *what, unsigned long long want, unsigned long long is)
{
	if (want != is)
		printf("# %s: %llu, not %llu\n", what, is, want);
	return want != is;
}

static uint64_t cookie_of(int fd)
{
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie = 0;

	getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len);
	return cookie;
}

/* What the module says of @e, which is the socket @fd of a process, is what the socket says. */
static int check_held(const struct nl_endpoint *e, int fd, pid_t pid)
{
	struct stat st;
	int bad = 0;

	if (fstat(fd, &st) || !e->has_holder) {
		printf("# %s: no holder\n", state_name(e->local));
		return -1;
	}
	bad += expect("kind", FULL, e->kind);
	bad += expect("uid", st.st_uid, e->uid);
	bad += expect("inode", st.st_ino, e->inode);
	bad += expect("cookie", cookie_of(fd), e->cookie);
	bad += expect("pid", pid, e->pid);
	bad += expect("age at least", 0, e->age_at_least);
	return bad ? -1 : 0;
}

static int check_fd(struct nl *nl, int fd, pid_t pid)
{
	struct nl_endpoint e;
	struct nl_tuple t;
	int err;

	err = nl_tuple_of(fd, &t) ?: nl_get(nl, &t, &e);
	if (!err)
		return check_held(&e, fd, pid);
	printf("# endpoint-get: %d \"%s\"\n", err, nl->text);
	return err;
}

/* Nobody holds it, or nobody any more, or nobody can. */
static int check_kind(struct nl *nl, const struct nl_tuple *t, uint32_t state, uint32_t kind)
{
	struct nl_endpoint e = { 0 };
	int bad = expect("endpoint-get", 0, nl_get(nl, t, &e));

	bad += expect("state", state, e.local);
	bad += expect("kind", kind, e.kind);
	bad += expect("has a holder", kind == FULL, e.has_holder);
	return bad + expect("inode", 0, e.inode) ? -1 : 0;
}

static void turn(const struct nl_tuple *t, struct nl_tuple *other)
{
	*other = *t;
	memcpy(other->addr[0], t->addr[1], 16);
	memcpy(other->addr[1], t->addr[0], 16);
	other->port[0] = t->port[1];
	other->port[1] = t->port[0];
}

TEST_F(holder, what_a_socket_says)
{
	static const char *const hosts[] = { "127.0.0.1", "::1", "::ffff:127.0.0.1" };
	int client, server, i;

	for (i = 0; i < 3; i++) {
		client = nl_connect(NULL, 0, hosts[i], PORT, false);
		server = accept(self->listener, NULL, NULL);
		EXPECT_EQ(0, check_fd(&self->nl, client, getpid()));
		EXPECT_EQ(0, check_fd(&self->nl, server, 0));
		shutdown(client, SHUT_WR);
		sleep_ms(60);
		EXPECT_EQ(0, check_fd(&self->nl, client, getpid()));
		EXPECT_EQ(0, check_fd(&self->nl, server, 0));
	}
}

static int into_a_sockmap(int map, int fd)
{
	uint32_t key = 0, value = fd;
	union bpf_attr attr = { .map_fd = map, .key = (uintptr_t)&key, .value = (uintptr_t)&value };

	return syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &attr, sizeof(attr));
}

/* A socket in a sockmap: its data may go another way than through TCP. */
TEST_F(holder, bypassed)
{
	union bpf_attr attr = { .map_type = BPF_MAP_TYPE_SOCKMAP, .key_size = 4, .value_size = 4, .max_entries = 1 };
	int client = nl_connect(NULL, 0, "127.0.0.1", PORT, false), server = accept(self->listener, NULL, NULL);
	int map = syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
	struct nl_endpoint e;
	struct nl_tuple t;

	ASSERT_LE(0, map);
	nl_tuple_of(server, &t);
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_FALSE(e.bypassed);
	ASSERT_EQ(0, into_a_sockmap(map, server));
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_TRUE(e.bypassed);
	nl_tuple_of(client, &t);
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_FALSE(e.bypassed);
	close(map);
}

/* Two listeners at one address are two endpoints. */
struct listeners {
	struct nl_endpoint e[4];
	int n;
};

static void add_listener(const struct nl_endpoint *e, void *arg)
{
	struct listeners *l = arg;

	if (e->local == TCPSTATE_STATE_LISTEN && l->n < 4)
		l->e[l->n++] = *e;
}

static int shared_listener(void)
{
	struct sockaddr_storage addr;
	socklen_t len = nl_sockaddr(&addr, "127.0.0.1", PORT + 1);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	return setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) || bind(fd, (struct sockaddr *)&addr, len) ||
	       listen(fd, 5) ? -1 : fd;
}

TEST_F(holder, listeners)
{
	struct listeners l = { .n = 0 };
	struct nl_tuple t;
	struct nl_msg m;
	int fd[3], i, j;

	fd[0] = self->listener;
	fd[1] = shared_listener();
	fd[2] = shared_listener();
	ASSERT_TRUE(fd[1] >= 0 && fd[2] >= 0);
	nl_begin(&m, &self->nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	ASSERT_EQ(0, nl_dump(&self->nl, &m, add_listener, &l));
	ASSERT_EQ(self->sockets ? 3 : 0, l.n);
	for (i = 0; i < l.n; i++) {
		for (j = 0; j < l.n && l.e[j].cookie != cookie_of(fd[i]); j++)
			;
		ASSERT_LT(j, l.n);
		ASSERT_EQ(0, nl_tuple_of(fd[i], &t));
		EXPECT_TRUE(nl_same(&t, &l.e[j].tuple));
		EXPECT_EQ(0, check_held(&l.e[j], fd[i], 0));
		EXPECT_EQ(TCPSTATE_STATE_CLOSE, l.e[j].remote);
	}
	/* by its tuple: the one, and either of the two */
	if (self->sockets) {
		struct nl_endpoint e;

		EXPECT_EQ(0, check_fd(&self->nl, self->listener, 0));
		ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
		EXPECT_TRUE(e.cookie == cookie_of(fd[1]) || e.cookie == cookie_of(fd[2]));
	}
}

/* No process has it until accept(); what it is does not change by that. */
TEST_F(holder, before_accept)
{
	int client = nl_connect(NULL, 0, "127.0.0.1", PORT, false), server;
	struct nl_tuple t, other;
	struct nl_endpoint e;

	ASSERT_EQ(0, nl_tuple_of(client, &t));
	turn(&t, &other);
	EXPECT_EQ(0, check_kind(&self->nl, &other, TCPSTATE_STATE_ESTABLISHED, FULL));
	ASSERT_EQ(0, nl_get(&self->nl, &other, &e));
	EXPECT_EQ(getuid(), e.uid);
	EXPECT_EQ(0, e.pid);
	server = accept(self->listener, NULL, NULL);
	EXPECT_EQ(0, check_fd(&self->nl, server, 0));
	EXPECT_EQ(e.cookie, cookie_of(server));
}

/* Closed, and still a socket: it has no inode, but its cookie. Longer than a minute is nothing for a minisock. */
TEST_F(holder, orphan)
{
	int client, server;
	struct nl_endpoint e;
	uint64_t cookie;
	struct nl_tuple t;

	ASSERT_EQ(0, write_file("/proc/sys/net/ipv4/tcp_fin_timeout", "100"));
	client = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	server = accept(self->listener, NULL, NULL);
	ASSERT_LE(0, server);
	ASSERT_EQ(0, nl_tuple_of(client, &t));
	cookie = cookie_of(client);
	close(client);
	sleep_ms(100);
	EXPECT_EQ(0, check_kind(&self->nl, &t, TCPSTATE_STATE_FIN_WAIT2, FULL));
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_EQ(cookie, e.cookie);
	EXPECT_EQ(getpid(), e.pid);
	EXPECT_EQ(getuid(), e.uid);
}

TEST_F(holder, minisock)
{
	int client = nl_connect(NULL, 0, "::1", PORT, false), server = accept(self->listener, NULL, NULL);
	struct nl_endpoint e;
	struct nl_tuple t;

	ASSERT_EQ(0, nl_tuple_of(client, &t));
	close(client);
	sleep_ms(100);
	EXPECT_EQ(0, check_kind(&self->nl, &t, TCPSTATE_STATE_FIN_WAIT2, MINISOCK));
	close(server);
	sleep_ms(100);
	EXPECT_EQ(0, check_kind(&self->nl, &t, TCPSTATE_STATE_TIME_WAIT, MINISOCK));
	/* who called connect() stays what it was */
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_EQ(getpid(), e.pid);
}

/* Half-open: the listener waits for data before it makes a socket, which segments do not tell. */
TEST_F(holder, request)
{
	int ten = 10, client;
	struct nl_tuple t, other;

	ASSERT_EQ(0, setsockopt(self->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, &ten, sizeof(ten)));
	client = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	ASSERT_EQ(0, nl_tuple_of(client, &t));
	turn(&t, &other);
	EXPECT_EQ(0, check_kind(&self->nl, &other, self->sockets ? TCPSTATE_STATE_SYN_RECV : TCPSTATE_STATE_ESTABLISHED,
				REQUEST));
	EXPECT_EQ(0, check_fd(&self->nl, client, getpid()));
	ASSERT_EQ(1, write(client, "x", 1));
	EXPECT_EQ(0, check_fd(&self->nl, accept(self->listener, NULL, NULL), 0));
}

/* A socket that goes without a segment: packets alone keep the record for a while, which says that it has none. */
TEST_F(holder, none)
{
	int full = nl_listen("127.0.0.1", PORT + 1, 0), fd;
	struct nl_endpoint e;
	struct nl_tuple t;

	ASSERT_LE(0, full);
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT + 1, false));
	fd = nl_connect("127.0.0.1", PORT + 2, "127.0.0.1", PORT + 1, true);
	ASSERT_LE(0, fd);
	memset(&t, 0, sizeof(t));
	t.family = AF_INET;
	memcpy(t.addr[0], "\177\0\0\1", 4);
	memcpy(t.addr[1], "\177\0\0\1", 4);
	t.port[0] = PORT + 2;
	t.port[1] = PORT + 1;
	ASSERT_EQ(0, nl_get(&self->nl, &t, &e));
	EXPECT_EQ(TCPSTATE_STATE_SYN_SENT, e.local);
	EXPECT_EQ(0, check_held(&e, fd, getpid()));
	close(fd);
	if (!self->sockets)
		EXPECT_EQ(0, check_kind(&self->nl, &t, TCPSTATE_STATE_SYN_SENT, 0));
	EXPECT_EQ(self->sockets ? -ENOENT : 0, nl_get(&self->nl, &t, &e));
}

/* Another user's, and one that has been given away since. */
TEST_F(holder, uid)
{
	int client, server;

	ASSERT_EQ(0, seteuid(SOMEBODY));
	client = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	ASSERT_EQ(0, seteuid(0));
	server = accept(self->listener, NULL, NULL);
	EXPECT_EQ(0, check_fd(&self->nl, client, getpid()));
	EXPECT_EQ(0, check_fd(&self->nl, server, 0));
	ASSERT_EQ(0, fchown(server, SOMEBODY + 1, 0));
	EXPECT_EQ(0, check_fd(&self->nl, server, 0));
	EXPECT_EQ(0, check_fd(&self->nl, client, getpid()));
}

/* In a container's network namespace users are called as they are there: root outside is 7, for fstat() there, too. */
static int in_a_container(void)
{
	static struct nl nl;
	int listener, client;
	struct stat st;
	int bad = 0;

	if (unshare(CLONE_NEWUSER) || write_file("/proc/self/uid_map", "7 0 1") || netns_enter() || nl_open(&nl)) {
		printf("# no user namespace: %m\n");
		return -1;
	}
	listener = nl_listen("127.0.0.1", PORT, 10);
	client = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	if (listener < 0 || client < 0 || fstat(client, &st))
		return -1;
	bad += expect("its user", 7, st.st_uid);
	bad += check_fd(&nl, client, getpid());
	return bad + check_fd(&nl, accept(listener, NULL, NULL), 0);
}

TEST_F(holder, uid_in_a_user_namespace)
{
	EXPECT_EQ(0, IN_CHILD(in_a_container()));
}

/* The process is who called connect(), whoever has the socket since; to others its number means nothing. */
static int connect_and_leave(int *fd)
{
	char control[CMSG_SPACE(sizeof(int))] = "", x = 0;
	struct iovec io = { .iov_base = &x, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &io, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control),
	};
	int sockets[2], status;
	struct cmsghdr *c;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, sockets))
		return -1;
	pid = fork();
	if (!pid) {
		*fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_len = CMSG_LEN(sizeof(int));
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(c), fd, sizeof(int));
		_exit(sendmsg(sockets[1], &msg, 0) != 1);
	}
	if (waitpid(pid, &status, 0) != pid || status || recvmsg(sockets[0], &msg, 0) != 1)
		return -1;
	c = CMSG_FIRSTHDR(&msg);
	memcpy(fd, CMSG_DATA(c), sizeof(int));
	return pid;
}

struct pids {
	unsigned int endpoints, told;
};

static void count_pids(const struct nl_endpoint *e, void *arg)
{
	struct pids *p = arg;

	p->endpoints++;
	p->told += !!e->pid;
}

static int dump_pids(struct nl *nl, unsigned int endpoints, unsigned int told)
{
	struct pids p = { 0 };
	struct nl_msg m;

	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	return expect("dump", 0, nl_dump(nl, &m, count_pids, &p)) + expect("endpoints", endpoints, p.endpoints) +
	       expect("with a pid", told, p.told);
}

/* Its socket is another's as little as the reader's own: both are asked with. */
static int in_another_pid_namespace(struct nl *theirs, int fd, int mine, unsigned int endpoints)
{
	static struct nl nl;

	if (nl_open(&nl) || getpid() != 1)
		return -1;
	return check_fd(&nl, fd, 0) || check_fd(&nl, mine, 0) || dump_pids(&nl, endpoints, 0) ||
	       check_fd(theirs, mine, 0) || dump_pids(theirs, endpoints, 0);
}

TEST_F(holder, pid)
{
	const unsigned int endpoints = 4 + self->sockets;
	int mine = nl_connect(NULL, 0, "127.0.0.1", PORT, false), fd;
	pid_t pid = connect_and_leave(&fd);

	ASSERT_LT(0, pid);
	ASSERT_NE(getpid(), pid);
	EXPECT_EQ(0, check_fd(&self->nl, mine, getpid()));
	EXPECT_EQ(0, check_fd(&self->nl, fd, pid));
	EXPECT_EQ(0, dump_pids(&self->nl, endpoints, 2));
	ASSERT_EQ(0, unshare(CLONE_NEWPID));	/* of the children from now on */
	EXPECT_EQ(0, IN_CHILD(in_another_pid_namespace(&self->nl, fd, mine, endpoints)));
	EXPECT_EQ(0, dump_pids(&self->nl, endpoints, 2));
}

/* Simultaneous open: both have called connect(). */
TEST_F(holder, pid_of_two_who_connect)
{
	int a, b;

	ASSERT_EQ(0, system("tc qdisc add dev lo root netem delay 100ms"));
	a = nl_connect("127.0.0.1", PORT + 1, "127.0.0.1", PORT + 2, true);
	b = nl_connect("127.0.0.1", PORT + 2, "127.0.0.1", PORT + 1, true);
	sleep_ms(500);
	EXPECT_EQ(0, check_fd(&self->nl, a, getpid()));
	EXPECT_EQ(0, check_fd(&self->nl, b, getpid()));
}

static uint64_t id_of(const char *dir)
{
	struct stat st;

	return stat(dir, &st) ? 0 : st.st_ino;
}

static uint64_t cgroup_of(struct nl *nl, int fd)
{
	struct nl_endpoint e;
	struct nl_tuple t;

	return nl_tuple_of(fd, &t) || nl_get(nl, &t, &e) ? 0 : e.cgroup;
}

/*
 * The control group, by the inode of its directory: that of who made the socket, and of an accepted one the listener's.
 * Where the process goes later does not matter.
 */
TEST_F(holder, cgroup)
{
	int client = nl_connect(NULL, 0, "::1", PORT, false), server, later;
	char dir[] = "/tmp/tcpstate-XXXXXX", sub[64], procs[80], rootprocs[80];
	uint64_t root, id;

	/* there is a hierarchy whether somebody has mounted it or not */
	EXPECT_NE(0, cgroup_of(&self->nl, client));
	close(client);
	ASSERT_TRUE(!!mkdtemp(dir));
	ASSERT_EQ(0, unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	ASSERT_EQ(0, mount("cgroup2", dir, "cgroup2", 0, NULL)) TH_LOG("cgroup2: %m");
	snprintf(sub, sizeof(sub), "%s/tcpstate-%d", dir, getpid());
	snprintf(procs, sizeof(procs), "%s/cgroup.procs", sub);
	snprintf(rootprocs, sizeof(rootprocs), "%s/cgroup.procs", dir);
	ASSERT_EQ(0, write_file(rootprocs, "0"));
	root = id_of(dir);
	/* the listener was made wherever the test began: it is made again */
	close(self->listener);
	self->listener = nl_listen("127.0.0.1", PORT, 10);
	ASSERT_EQ(0, mkdir(sub, 0755));
	id = id_of(sub);
	ASSERT_NE(0, id);
	ASSERT_NE(root, id);
	ASSERT_EQ(0, write_file(procs, "0"));
	client = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	server = accept(self->listener, NULL, NULL);
	EXPECT_EQ(id, cgroup_of(&self->nl, client));
	EXPECT_EQ(root, cgroup_of(&self->nl, server));
	if (self->sockets)
		EXPECT_EQ(root, cgroup_of(&self->nl, self->listener));
	ASSERT_EQ(0, write_file(rootprocs, "0"));
	EXPECT_EQ(id, cgroup_of(&self->nl, client));
	later = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	EXPECT_EQ(root, cgroup_of(&self->nl, later));
	close(client);
	close(server);
	EXPECT_EQ(0, rmdir(sub));
	umount(dir);
	rmdir(dir);
}

/* Health */

TEST_F(holder, evidence)
{
	uint64_t first = 0;	/* as the namespace has just been made */
	struct nl_stats s;
	struct snapshot p;
	int i;

	for (i = 0; i < 2; i++) {
		ASSERT_EQ(0, nl_stats(&self->nl, &s));
		ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &p));
		EXPECT_EQ(p.sockets ? TCPSTATE_EVIDENCE_SOCKETS : TCPSTATE_EVIDENCE_PACKETS, s.evidence);
		EXPECT_EQ(0, s.divergences);
		/* not before the audit has looked, which it does four times a second and of so few has then seen all */
		EXPECT_EQ(i && p.sockets, s.has_verified);
		if (s.has_verified)
			EXPECT_GT(SECOND, s.verified_ns);
		ASSERT_TRUE(s.has_on);
		EXPECT_LE(first + 2 * SECOND * i, s.on_ns);
		EXPECT_GT(first + 2 * SECOND * i + SECOND, s.on_ns);
		first = s.on_ns;
		ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));
		sleep_ms(2000);
	}
}

/* A connection for which there was no room is found later, where sockets are looked at, and this is told. */
TEST_F_TIMEOUT(holder, divergence, 200)
{
	const unsigned int corrections = self->sockets ? 2 : 0;
	struct nl_endpoint e;
	struct nl_tuple t;
	struct nl_stats s;
	struct snapshot p;
	int fd;

	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, 1));
	ASSERT_LE(0, nl_connect(NULL, 0, "127.0.0.1", PORT, false));	/* there is a listener, or room for one */
	fd = nl_connect(NULL, 0, "::1", PORT, false);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, nl_tuple_of(fd, &t));
	EXPECT_EQ(-ENOENT, nl_get(&self->nl, &t, &e));
	ASSERT_EQ(0, nl_set(&self->nl, TCPSTATE_A_CONFIG_LIMIT, 100));
	sleep_ms(65000);	/* the kernel's table is gone through in 30 s */
	EXPECT_EQ(self->sockets ? 0 : -ENOENT, nl_get(&self->nl, &t, &e));
	if (self->sockets) {
		EXPECT_EQ(TCPSTATE_STATE_ESTABLISHED, e.local);
		EXPECT_TRUE(e.age_at_least);
		EXPECT_EQ(0, e.pid);
	}
	ASSERT_EQ(0, nl_stats(&self->nl, &s));
	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &p));
	EXPECT_EQ(2 * corrections, s.divergences);
	EXPECT_EQ(2 * corrections, s.divergence[TCPSTATE_CORRECTION_MISSED]);
	EXPECT_EQ(0, s.divergence[TCPSTATE_CORRECTION_SOCKET] + s.divergence[TCPSTATE_CORRECTION_REQUEST] +
		  s.divergence[TCPSTATE_CORRECTION_MINISOCK]);
	EXPECT_EQ(s.divergences, p.divergence);
	EXPECT_LT(0, s.untracked);
}

TEST_HARNESS_MAIN
