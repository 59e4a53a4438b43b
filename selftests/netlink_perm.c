// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may do what: everybody may ask for statistics and the configuration; endpoints, listeners and destinations,
 * alerts, changes and both groups are for CAP_NET_ADMIN in the user namespace that owns the network namespace of the
 * socket.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "nl_alert.h"

#define PORT	7000
#define NOBODY	65534
#define REPEAT	TCPSTATE_A_THRESHOLDS_REPEAT_SECONDS

FIXTURE(perm) {
	struct snapshot host;
	struct nl nl;		/* opened with all rights, in the test's network namespace */
	struct nl_config first;
	struct nl_tuple tuple;	/* of an endpoint there */
	unsigned int endpoints;	/* how many there are */
	unsigned int listeners;	/* those of them that do nothing but listen: where sockets tell */
};

FIXTURE_SETUP(perm)
{
	int listener, fd;

	ASSERT_EQ(0, snapshot_read("/proc/self/net/tcpstate", &self->host));
	ASSERT_EQ(0, netns_enter());
	ASSERT_EQ(0, nl_open(&self->nl));
	ASSERT_EQ(0, nl_config(&self->nl, &self->first));
	listener = nl_listen("127.0.0.1", PORT, 10);
	fd = nl_connect(NULL, 0, "127.0.0.1", PORT, false);
	ASSERT_LE(0, listener);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, nl_tuple_of(fd, &self->tuple));
	self->listeners = self->host.sockets;
	self->endpoints = 2 + self->listeners;
}

FIXTURE_TEARDOWN(perm)
{
	nl_close(&self->nl);
}

static void add(const struct nl_endpoint *e, void *arg)
{
	(*(unsigned int *)arg)++;
}

static int dump(struct nl *nl, unsigned int *n)
{
	struct nl_msg m;

	*n = 0;
	nl_begin(&m, nl, TCPSTATE_CMD_ENDPOINT_GET, NLM_F_DUMP);
	return nl_dump(nl, &m, add, n);
}

static int expect(const char *what, int want, int is)
{
	if (want != is)
		printf("# %s: %d, not %d\n", what, is, want);
	return want != is;
}

/* One more than there are. */
static int ignore_more(struct nl *nl, const struct nl_config *c)
{
	struct nl_msg m;
	unsigned int i;

	nl_begin(&m, nl, TCPSTATE_CMD_CONFIG_SET, NLM_F_ACK);
	for (i = 0; i < c->ignores; i++)
		nl_put_ignore(&m, &c->ignore[i]);
	nl_put_ignore(&m, &(struct nl_ignore){ .port = PORT });
	return nl_ask(nl, &m);
}

/* Listeners, destinations, alerts and what is told of these. @peers: how many there are. */
static int try_alerts(struct nl *nl, bool admin, unsigned int peers)
{
	int refused = admin ? 0 : -EPERM, bad = 0;
	struct nl_config before, after;

	bad += expect("peer-get", admin ? peers : -EPERM, nl_peers(nl, NULL, 0));
	bad += expect("alert-get", refused, nl_alerts(nl, NULL, 0));
	bad += expect("alert-set", admin ? -ENOENT : -EPERM, nl_set_files(nl, 1, 1024));
	bad += expect("config-get", 0, nl_config(nl, &before));
	bad += expect("config-set of a threshold", refused,
		      nl_set_threshold(nl, REPEAT, before.threshold[REPEAT] + 1));
	bad += expect("config-set of what is ignored", refused, ignore_more(nl, &before));
	bad += expect("config-get", 0, nl_config(nl, &after));
	bad += expect("repeat-seconds", before.threshold[REPEAT] + admin, after.threshold[REPEAT]);
	bad += expect("ignored", before.ignores + admin, after.ignores);
	return bad;
}

/* Every operation, on @nl: what is for all works; what is not does so only for an @admin. */
static int try_all(struct nl *nl, bool admin, const struct nl_tuple *tuple, unsigned int endpoints)
{
	const struct nl_tuple none = { .family = AF_INET };
	int refused = admin ? 0 : -EPERM, bad = 0;
	struct nl_config before, after;
	struct nl_endpoint e;
	struct nl_stats s;
	unsigned int n;

	bad += expect("stats-get", 0, nl_stats(nl, &s));
	bad += expect("tracked", endpoints, s.tracked);
	bad += expect("config-get", 0, nl_config(nl, &before));
	if (tuple)
		bad += expect("endpoint-get", refused, nl_get(nl, tuple, &e));
	else
		bad += expect("endpoint-get", admin ? -ENOENT : -EPERM, nl_get(nl, &none, &e));
	bad += expect("dump", refused, dump(nl, &n));
	bad += expect("dumped", admin ? endpoints : 0, n);
	bad += expect("config-set", refused, nl_set(nl, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, before.delay_ms + 1));
	bad += expect("config-get", 0, nl_config(nl, &after));
	bad += expect("event-delay-ms", before.delay_ms + admin, after.delay_ms);
	/* the listener is one, even without a socket that tells, and where the client goes to */
	bad += try_alerts(nl, admin, tuple ? 2 : endpoints);
	bad += expect("join transitions", refused, nl_join(nl, NL_TRANSITIONS));
	bad += expect("join alerts", refused, nl_join(nl, NL_ALERTS));
	nl_leave(nl, NL_TRANSITIONS);
	nl_leave(nl, NL_ALERTS);
	return bad ? -1 : 0;
}

static int user_namespace(int flags)
{
	if (unshare(CLONE_NEWUSER | flags)) {
		printf("# unshare: %m\n");
		return -1;
	}
	return write_file("/proc/self/uid_map", "0 0 1") || write_file("/proc/self/setgroups", "deny") ||
	       write_file("/proc/self/gid_map", "0 0 1");
}

static int set_caps(uint32_t caps)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { .effective = caps, .permitted = caps } };

	return syscall(SYS_capset, &h, d);
}

static int become_nobody(uint32_t caps)
{
	return prctl(PR_SET_KEEPCAPS, 1) || setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY) ||
	       set_caps(caps);
}

static int open_and_try(bool admin, const struct nl_tuple *tuple, unsigned int endpoints)
{
	static struct nl nl;

	return nl_open(&nl) || try_all(&nl, admin, tuple, endpoints);
}

TEST_F(perm, root)
{
	EXPECT_EQ(0, try_all(&self->nl, true, &self->tuple, self->endpoints));
}

static int unprivileged(FIXTURE_DATA(perm) *self)
{
	return become_nobody(0) || open_and_try(false, &self->tuple, self->endpoints);
}

TEST_F(perm, nobody)
{
	EXPECT_EQ(0, IN_CHILD(unprivileged(self)));
	EXPECT_EQ(0, try_all(&self->nl, true, &self->tuple, self->endpoints));
}

static int with_caps(FIXTURE_DATA(perm) *self, uint32_t caps, bool admin)
{
	return become_nobody(caps) || open_and_try(admin, &self->tuple, self->endpoints);
}

/* Not root makes the difference but this capability. */
TEST_F(perm, cap_net_admin)
{
	EXPECT_EQ(0, IN_CHILD(with_caps(self, 1u << CAP_NET_ADMIN, true)));
	EXPECT_EQ(0, IN_CHILD(with_caps(self, ~(1u << CAP_NET_ADMIN), false)));
	EXPECT_EQ(0, IN_CHILD(set_caps(~(1u << CAP_NET_ADMIN)) || open_and_try(false, &self->tuple, self->endpoints)));
}

/* A socket opened with rights, used by a process that has none, which a confused server might be. */
static int dropped(FIXTURE_DATA(perm) *self)
{
	return become_nobody(0) || try_all(&self->nl, false, &self->tuple, self->endpoints);
}

/* A socket opened without, used by root. Requests are judged by both; who joins a group is the process itself. */
static int lent(FIXTURE_DATA(perm) *self)
{
	static struct nl nl;
	struct nl_endpoint e;
	unsigned int n;
	int bad = 0;

	if (seteuid(NOBODY) || nl_open(&nl) || seteuid(0))
		return -1;
	bad += expect("endpoint-get", -EPERM, nl_get(&nl, &self->tuple, &e));
	bad += expect("dump", -EPERM, dump(&nl, &n));
	bad += expect("config-set", -EPERM, nl_set(&nl, TCPSTATE_A_CONFIG_EVENT_DELAY_MS, 1));
	bad += try_alerts(&nl, false, 2);
	return bad;
}

TEST_F(perm, borrowed_sockets)
{
	EXPECT_EQ(0, IN_CHILD(dropped(self)));
	EXPECT_EQ(0, IN_CHILD(lent(self)));
	EXPECT_EQ(0, try_all(&self->nl, true, &self->tuple, self->endpoints));
}

/* Root of a child user namespace, in a network namespace that is not its own. */
static int stranger(FIXTURE_DATA(perm) *self)
{
	return user_namespace(0) || open_and_try(false, &self->tuple, self->endpoints) ||
	       try_all(&self->nl, false, &self->tuple, self->endpoints);
}

TEST_F(perm, child_user_namespace)
{
	struct nl_config c;

	EXPECT_EQ(0, IN_CHILD(stranger(self)));
	ASSERT_EQ(0, nl_config(&self->nl, &c));
	EXPECT_EQ(0, memcmp(&c, &self->first, sizeof(c)));
}

static void remember(const struct nl_event *e, void *arg)
{
	(*(unsigned int *)arg)++;
}

/* In its own network namespace it may all of it, but not more than a quarter of the table; and nothing outside. */
static int container(FIXTURE_DATA(perm) *self)
{
	uint32_t quarter = self->host.limit / 4;
	static struct nl nl;
	unsigned int events = 0;
	uint64_t lost = 0;
	int bad = 0, n;

	if (user_namespace(CLONE_NEWNET) || system("ip link set lo up") || nl_open(&nl) ||
	    nl_listen("127.0.0.1", PORT, 10) < 0)
		return -1;
	bad += expect("all of it", 0, try_all(&nl, true, NULL, self->listeners));
	if (nl_join(&nl, NL_TRANSITIONS) || nl_connect(NULL, 0, "127.0.0.1", PORT, false) < 0)
		return -1;
	while ((n = nl_events(&nl, 500, remember, &events, &lost)) > 0)
		;
	if (events < 8)
		bad += expect("events", 8, events);
	if (nl_leave(&nl, NL_TRANSITIONS))
		return -1;
	bad += expect("limit of a quarter and one", -EPERM, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, quarter + 1));
	bad += strcmp(nl.text, "more than the default can only be given from the initial user namespace");
	bad += expect("limit of all", -EPERM, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, self->host.limit));
	bad += expect("limit above all", -ERANGE, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, self->host.limit + 1));
	bad += expect("limit of a quarter", 0, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, quarter));
	bad += expect("limit below", 0, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, quarter - 1));
	bad += expect("limit of a quarter again", 0, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, quarter));
	bad += expect("queue above the default", -EPERM, nl_set(&nl, TCPSTATE_A_CONFIG_EVENT_QUEUE, 65537));
	bad += expect("queue above all", -ERANGE, nl_set(&nl, TCPSTATE_A_CONFIG_EVENT_QUEUE, TCPSTATE_EVENT_QUEUE_MAX + 1));
	bad += expect("queue of the default", 0, nl_set(&nl, TCPSTATE_A_CONFIG_EVENT_QUEUE, 65536));
	bad += expect("the namespace outside", 0, try_all(&self->nl, false, &self->tuple, self->endpoints));
	/* its own nobody has no right there either */
	if (set_caps(0))
		return -1;
	bad += expect("without capabilities", 0, open_and_try(false, NULL, 2 + self->listeners));
	return bad;
}

TEST_F(perm, container)
{
	struct nl_config c;

	EXPECT_EQ(0, IN_CHILD(container(self)));
	ASSERT_EQ(0, nl_config(&self->nl, &c));
	EXPECT_EQ(0, memcmp(&c, &self->first, sizeof(c)));
}

/* Real root may give a container more, and the container keeps it. */
static int given(FIXTURE_DATA(perm) *self, int ready, int go)
{
	static struct nl nl;
	struct nl_config c;
	char x = 0;

	if (user_namespace(CLONE_NEWNET) || write(ready, &x, 1) != 1 || read(go, &x, 1) != 1 || nl_open(&nl) ||
	    nl_config(&nl, &c))
		return -1;
	return expect("limit", self->host.limit, c.limit) ||
	       expect("lower it", 0, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, 10)) ||
	       expect("raise it again", -EPERM, nl_set(&nl, TCPSTATE_A_CONFIG_LIMIT, self->host.limit));
}

TEST_F(perm, quarter_and_real_root)
{
	int ready[2], go[2], status, fd;
	char path[64], x = 0;
	struct nl *nl = &self->nl;
	pid_t pid;

	EXPECT_EQ(self->host.limit / 4, self->first.limit);
	ASSERT_EQ(0, pipe(ready));
	ASSERT_EQ(0, pipe(go));
	pid = fork();
	if (!pid)
		_exit(given(self, ready[1], go[0]) ? 1 : 0);
	ASSERT_EQ(1, read(ready[0], &x, 1));
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	ASSERT_EQ(0, setns(fd, CLONE_NEWNET));
	nl_close(nl);
	ASSERT_EQ(0, nl_open(nl));
	EXPECT_EQ(0, nl_set(nl, TCPSTATE_A_CONFIG_LIMIT, self->host.limit));
	EXPECT_EQ(-ERANGE, nl_set(nl, TCPSTATE_A_CONFIG_LIMIT, self->host.limit + 1));
	ASSERT_EQ(1, write(go[1], &x, 1));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
}

/* @n bytes of @enabled, and what is to come of it. */
static int try_switch(struct nl *nl, uint16_t enabled, unsigned int n, int want, const char *text)
{
	struct nl_msg m;
	int bad;

	nl_begin(&m, nl, TCPSTATE_CMD_SWITCH_SET, NLM_F_ACK);
	if (n)
		nl_put(&m, TCPSTATE_A_SWITCH_ENABLED, &enabled, n);
	bad = expect("switch-set", want, nl_ask(nl, &m));
	if (!text || !strcmp(nl->text, text))
		return bad;
	printf("# switch-set says: %s\n", nl->text);
	return bad + 1;
}

static int switch_container(void)
{
	static const char whole[] = "it is for all network namespaces: only from the initial user namespace";
	static struct nl nl;

	return user_namespace(CLONE_NEWNET) || nl_open(&nl) || try_switch(&nl, 0, 1, -EPERM, whole) ||
	       try_switch(&nl, 1, 1, -EPERM, whole);
}

static int switch_nobody(uint32_t caps, int want)
{
	static struct nl nl;

	return become_nobody(caps) || nl_open(&nl) || try_switch(&nl, 1, 1, want, NULL);
}

/* It is for the whole machine: a container's root may not. What is wrong leaves it on. */
TEST_F(perm, switch_set)
{
	struct nl_stats stats;

	EXPECT_EQ(0, IN_CHILD(switch_container()));
	EXPECT_EQ(0, IN_CHILD(switch_nobody(0, -EPERM)));
	EXPECT_EQ(0, IN_CHILD(switch_nobody(1u << CAP_NET_ADMIN, 0)));
	EXPECT_EQ(0, try_switch(&self->nl, 0, 0, -EINVAL, "enabled is missing: 1 on, 0 off"));
	EXPECT_EQ(0, try_switch(&self->nl, 2, 1, -ERANGE, NULL));
	EXPECT_EQ(0, try_switch(&self->nl, 0, 2, -EINVAL, NULL));
	EXPECT_EQ(0, try_switch(&self->nl, 1, 1, 0, NULL));
	ASSERT_EQ(0, nl_stats(&self->nl, &stats));
	EXPECT_NE(TCPSTATE_EVIDENCE_NONE, stats.evidence);
}

TEST_HARNESS_MAIN
