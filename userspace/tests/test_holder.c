// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who has a socket, by a /proc and a tree of control groups that are made here.
 */
#define _GNU_SOURCE		/* nftw() */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tree.h"
#include "../lib/holder.h"

#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define ID2	"fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
#define POD	"12345678-9abc-def0-1234-56789abcdef0"
#define POD_	"12345678_9abc_def0_1234_56789abcdef0"

static char cgroup[64];

static void make_process(int pid, const char *comm, const char *groups)
{
	write_file(below("proc/%d/comm", pid), comm);
	write_file(below("proc/%d/cgroup", pid), groups);
	below("proc/%d/fd/", pid);
}

static void make_fd(int pid, int fd, const char *target)
{
	assert_int_equal(symlink(target, below("proc/%d/fd/%d", pid, fd)), 0);
}

/* Its id. */
static uint64_t make_group(const char *path)
{
	struct stat st;

	assert_int_equal(stat(below("cgroup%s/", path), &st), 0);
	return st.st_ino;
}

static int set_up(void **state)
{
	if (make_tree(state))
		return -1;
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", dir);
	below("cgroup/");
	return 0;
}

/* Paths */

static const struct {
	const char *path, *unit, *runtime, *container, *pod;
} paths[] = {
	{ "/", "", "", "", "" },
	{ "", "", "", "", "" },
	{ "/system.slice", "", "", "", "" },
	{ "/system.slice/nginx.service", "nginx.service", "", "", "" },
	{ "/system.slice/nginx.service/workers/7", "nginx.service", "", "", "" },
	{ "/system.slice/system-getty.slice/getty@tty1.service", "getty@tty1.service", "", "", "" },
	{ "/user.slice/user-1000.slice/session-3.scope", "session-3.scope", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service", "user@1000.service", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/app.slice/foo.service", "foo.service",
	  "", "", "" },
	{ "/init.scope", "init.scope", "", "", "" },
	{ "/system.slice/.service", "", "", "", "" },
	{ "/system.slice/a\033[2Jb\xff.service", "a?[2Jb?.service", "", "", "" },
	/* docker, with systemd and without, and systemd within it */
	{ "/system.slice/docker-" ID ".scope", "docker-" ID ".scope", "docker", ID, "" },
	{ "/docker/" ID, "", "docker", ID, "" },
	{ "/docker/" ID "/system.slice/nginx.service", "nginx.service", "docker", ID, "" },
	{ "/docker/buildkit", "", "", "", "" },
	{ "/system.slice/docker-0123.scope", "docker-0123.scope", "", "", "" },
	{ "/system.slice/docker.service", "docker.service", "", "", "" },
	/* libpod, and its monitor, which is outside of the container */
	{ "/machine.slice/libpod-" ID ".scope/container", "libpod-" ID ".scope", "libpod", ID, "" },
	{ "/machine.slice/libpod-conmon-" ID ".scope", "libpod-conmon-" ID ".scope", "", "", "" },
	{ "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" ID ".scope",
	  "libpod-" ID ".scope", "libpod", ID, "" },
	{ "/libpod_parent/libpod-" ID, "", "libpod", ID, "" },
	{ "/lxc.payload.web1", "", "lxc", "web1", "" },
	{ "/lxc.payload.web1/system.slice/nginx.service", "nginx.service", "lxc", "web1", "" },
	{ "/lxc/101/ns", "", "lxc", "101", "" },
	{ "/lxc.payload.", "", "", "", "" },
	{ "/lxc.monitor.web1", "", "", "", "" },
	/* Kubernetes: by systemd, without, and in between */
	{ "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" POD_ ".slice/"
	  "cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope", "containerd", ID, POD },
	{ "/kubepods.slice/kubepods-pod" POD_ ".slice/crio-" ID ".scope", "crio-" ID ".scope",
	  "crio", ID, POD },
	{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" POD_ ".slice/"
	  "docker-" ID ".scope", "docker-" ID ".scope", "docker", ID, POD },
	{ "/kubepods/burstable/pod" POD "/" ID, "", "", ID, POD },
	{ "/kubepods/pod" POD "/" ID, "", "", ID, POD },
	{ "/kubepods/besteffort/pod0123456789abcdef0123456789abcdef/" ID, "", "", ID,
	  "0123456789abcdef0123456789abcdef" },
	{ "/system.slice/containerd.service/kubepods-burstable-pod" POD_ ".slice:cri-containerd:" ID,
	  "containerd.service", "containerd", ID, POD },
	{ "/docker/" ID2 "/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod" POD_ ".slice/"
	  "cri-containerd-" ID ".scope", "cri-containerd-" ID ".scope", "containerd", ID, POD },
	{ "/kubepods/burstable/podium/" ID, "", "", ID, "" },
	{ "/system.slice/pod" POD "/x", "", "", "", "" },
};

static void test_paths(void **state)
{
	struct tcpstate_place p;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		bool says = *paths[i].unit || *paths[i].container || *paths[i].pod;

		assert_int_equal(tcpstate_place_parse(paths[i].path, &p), says);
		assert_string_equal(p.unit, paths[i].unit);
		assert_string_equal(p.runtime, paths[i].runtime);
		assert_string_equal(p.container, paths[i].container);
		assert_string_equal(p.pod, paths[i].pod);
	}
}

/* The longest name that a directory can have, and one that no directory can have. */
static void test_long_path(void **state)
{
	char path[2048] = "/lxc.payload.";
	struct tcpstate_place p;
	size_t len = strlen(path);

	(void)state;
	memset(path + len, 'x', sizeof(path) - len - 1);
	strcpy(path + sizeof(path) - 9, ".service");
	assert_true(tcpstate_place_parse(path, &p));
	assert_int_equal(strlen(p.container), sizeof(p.container) - 1);
	assert_int_equal(strlen(p.unit), sizeof(p.unit) - 1);
}

static void assert_unit_of(int pid, const char *groups, const char *unit)
{
	struct tcpstate_place p;

	make_process(pid, "x\n", groups);
	assert_int_equal(tcpstate_place_of_process(proc, pid, &p), *unit != '\0');
	assert_string_equal(p.unit, unit);
}

static void test_groups_of_process(void **state)
{
	struct tcpstate_place p;

	(void)state;
	assert_unit_of(10, "0::/system.slice/a.service\n", "a.service");
	assert_unit_of(11, "9:name=systemd:/system.slice/b.service\n0::/\n", "b.service");
	assert_unit_of(12, "4:memory:/x.service\n9:name=systemd:/b.service\n0::/c.service\n",
		       "c.service");
	assert_unit_of(13, "4:memory:/x.service\n9:name=systemd:/b.service\n", "b.service");
	assert_unit_of(14, "0::/../../system.slice/d.service\n", "d.service");
	assert_unit_of(15, "0::/system.slice/with:colon.service", "with:colon.service");
	assert_unit_of(16, "", "");
	assert_unit_of(17, "nonsense\n:\n::\n\n", "");
	assert_unit_of(18, "5:cpu,cpuacct:/\n4:memory:/docker/" ID "/e.service\n0::/\n", "e.service");
	assert_false(tcpstate_place_of_process(proc, 19, &p));
	assert_string_equal(p.unit, "");
}

static void test_ids(void **state)
{
	uint64_t nginx = make_group("/system.slice/nginx.service");
	uint64_t slice = make_group("/system.slice");
	uint64_t pod = make_group("/kubepods/burstable/pod" POD "/" ID);
	struct tcpstate_cgroups *groups = tcpstate_cgroups_new(cgroup);
	const struct tcpstate_place *place;

	(void)state;
	assert_non_null(groups);
	place = tcpstate_place_of_id(groups, nginx);
	assert_non_null(place);
	assert_string_equal(place->unit, "nginx.service");
	assert_ptr_equal(tcpstate_place_of_id(groups, nginx), place);
	assert_null(tcpstate_place_of_id(groups, slice));
	assert_null(tcpstate_place_of_id(groups, UINT64_MAX));
	place = tcpstate_place_of_id(groups, pod);
	assert_non_null(place);
	assert_string_equal(place->pod, POD);
	/* Until the next walk, and after the group has gone. */
	assert_null(tcpstate_place_of_id(groups, make_group("/system.slice/late.service")));
	assert_int_equal(rmdir(below("cgroup/system.slice/nginx.service")), 0);
	assert_non_null(tcpstate_place_of_id(groups, nginx));
	tcpstate_cgroups_free(groups);

	groups = tcpstate_cgroups_new("/nonexistent");
	assert_non_null(groups);
	assert_null(tcpstate_place_of_id(groups, pod));
	tcpstate_cgroups_free(groups);
	tcpstate_cgroups_free(NULL);
}

/* Holders */

static struct tcpstate_holder h;

static struct tcpstate_value known(uint64_t n)
{
	return (struct tcpstate_value){ n, true };
}

static struct tcpstate_socket full(uint64_t inode)
{
	return (struct tcpstate_socket){
		.kind = known(TCPSTATE_SOCKET_KIND_FULL), .inode = known(inode),
	};
}

static struct tcpstate_holders *look(void)
{
	struct tcpstate_holders *holders = tcpstate_holders_new(proc, cgroup);

	assert_non_null(holders);
	return holders;
}

static enum tcpstate_holding find(struct tcpstate_holders *holders, struct tcpstate_socket s,
				  unsigned int state)
{
	tcpstate_holder_find(holders, &s, state, &h);
	return h.holding;
}

static void test_processes(void **state)
{
	struct tcpstate_holders *holders;

	(void)state;
	make_process(1200, "nginx\n", "0::/system.slice/nginx.service\n");
	make_fd(1200, 11, "socket:[500]");
	make_fd(1200, 7, "socket:[500]");
	make_fd(1200, 3, "/var/log/nginx/access.log");
	make_fd(1200, 4, "socket:[501]");
	make_process(99, "odd\033\xffname\n", "0::/docker/" ID "\n");
	make_fd(99, 5, "socket:[500]");
	make_fd(99, 6, "socket:[18446744073709551615]");
	make_fd(99, 8, "socket:[12x]");
	make_fd(99, 9, "socket:[]");
	/* One that ends while it is looked at, one that we may not look into. */
	make_fd(1300, 5, "socket:[600]");
	write_file(below("proc/1400/comm"), "secret\n");
	holders = look();

	assert_int_equal(find(holders, full(500), TCPSTATE_STATE_ESTABLISHED),
			 TCPSTATE_HOLDING_PROCESS);
	assert_int_equal(h.processes, 2);
	assert_int_equal(h.process[0].pid, 99);
	assert_int_equal(h.process[0].fd, 5);
	assert_string_equal(h.process[0].comm, "odd??name");
	assert_string_equal(h.place.container, ID);
	assert_int_equal(h.process[1].pid, 1200);
	assert_int_equal(h.process[1].fd, 7);
	assert_string_equal(h.process[1].comm, "nginx");
	find(holders, full(501), TCPSTATE_STATE_LISTEN);
	assert_int_equal(h.processes, 1);
	assert_string_equal(h.place.unit, "nginx.service");
	find(holders, full(600), TCPSTATE_STATE_ESTABLISHED);
	assert_string_equal(h.process[0].comm, "?");
	assert_string_equal(h.place.unit, "");
	assert_int_equal(find(holders, full(12), TCPSTATE_STATE_ESTABLISHED),
			 TCPSTATE_HOLDING_NOT_FOUND);
	assert_int_equal(h.processes, 0);
	tcpstate_holders_free(holders);
}

static void test_many(void **state)
{
	struct tcpstate_holders *holders;
	int pid;

	(void)state;
	for (pid = 1; pid <= 600; pid++) {
		make_process(pid, "w\n", "0::/\n");
		make_fd(pid, 3, "socket:[7]");
		make_fd(pid, 4, pid % 2 ? "socket:[8]" : "socket:[9]");
	}
	holders = look();
	find(holders, full(7), TCPSTATE_STATE_ESTABLISHED);
	assert_int_equal(h.processes, 600);
	for (pid = 1; pid <= TCPSTATE_HOLDER_PROCESSES; pid++)
		assert_int_equal(h.process[pid - 1].pid, pid);
	find(holders, full(9), TCPSTATE_STATE_ESTABLISHED);
	assert_int_equal(h.processes, 300);
	assert_int_equal(h.process[1].pid, 4);
	tcpstate_holders_free(holders);
}

/* What a socket that no process has is, by its state. */
static void test_nobody(void **state)
{
	static const enum tcpstate_holding want[] = {
		[TCPSTATE_STATE_ESTABLISHED] = TCPSTATE_HOLDING_NOT_ACCEPTED,
		[TCPSTATE_STATE_SYN_RECV] = TCPSTATE_HOLDING_NOT_ACCEPTED,
		[TCPSTATE_STATE_CLOSE_WAIT] = TCPSTATE_HOLDING_NOT_ACCEPTED,
		[TCPSTATE_STATE_FIN_WAIT1] = TCPSTATE_HOLDING_ORPHAN,
		[TCPSTATE_STATE_FIN_WAIT2] = TCPSTATE_HOLDING_ORPHAN,
		[TCPSTATE_STATE_LAST_ACK] = TCPSTATE_HOLDING_ORPHAN,
		[TCPSTATE_STATE_CLOSING] = TCPSTATE_HOLDING_ORPHAN,
		[TCPSTATE_STATE_TIME_WAIT] = TCPSTATE_HOLDING_KERNEL,
	};
	struct tcpstate_holders *holders = look();
	struct tcpstate_socket s;
	unsigned int i;

	(void)state;
	for (i = 0; i <= TCPSTATE_STATE_LAST; i++)
		assert_int_equal(find(holders, full(0), i), i <= TCPSTATE_STATE_CLOSING ? want[i] : 0);
	s = full(0);
	s.kind = known(TCPSTATE_SOCKET_KIND_REQUEST);
	assert_int_equal(find(holders, s, TCPSTATE_STATE_SYN_RECV), TCPSTATE_HOLDING_HALF_OPEN);
	s.kind = known(TCPSTATE_SOCKET_KIND_MINISOCK);
	assert_int_equal(find(holders, s, TCPSTATE_STATE_FIN_WAIT2), TCPSTATE_HOLDING_KERNEL);
	s.kind = known(77);
	assert_int_equal(find(holders, s, TCPSTATE_STATE_ESTABLISHED), TCPSTATE_HOLDING_UNKNOWN);
	/* As of an event, and as of an older module. */
	s.kind.known = false;
	assert_int_equal(find(holders, s, TCPSTATE_STATE_ESTABLISHED),
			 TCPSTATE_HOLDING_NOT_ACCEPTED);
	assert_int_equal(find(holders, s, TCPSTATE_STATE_SYN_RECV), TCPSTATE_HOLDING_HALF_OPEN);
	assert_int_equal(find(holders, s, 0), TCPSTATE_HOLDING_UNKNOWN);
	s.inode.known = false;
	assert_int_equal(find(holders, s, TCPSTATE_STATE_ESTABLISHED), TCPSTATE_HOLDING_UNKNOWN);
	tcpstate_holders_free(holders);
}

/* Who made it, where no process has it: of what waits to be accepted, the listener's. */
static void test_maker(void **state)
{
	struct tcpstate_socket s = full(0);
	struct tcpstate_holders *holders;

	(void)state;
	s.cgroup = known(make_group("/system.slice/nginx.service"));
	holders = look();
	assert_int_equal(find(holders, s, TCPSTATE_STATE_ESTABLISHED),
			 TCPSTATE_HOLDING_NOT_ACCEPTED);
	assert_string_equal(h.place.unit, "nginx.service");
	s.inode = known(4711);
	assert_int_equal(find(holders, s, TCPSTATE_STATE_ESTABLISHED), TCPSTATE_HOLDING_NOT_FOUND);
	assert_string_equal(h.place.unit, "nginx.service");
	tcpstate_holders_free(holders);
}

static void test_follow(void **state)
{
	struct tcpstate_socket s = full(500);
	struct tcpstate_holders *holders;
	unsigned int tries = 0;

	(void)state;
	make_process(40, "old\n", "0::/old.service\n");
	make_fd(40, 3, "socket:[400]");
	holders = look();
	make_process(50, "curl\n", "0::/new.service\n");
	make_fd(50, 3, "socket:[500]");
	/* Not again so soon; but who has called connect() may still be there. */
	assert_false(tcpstate_holders_refresh(holders));
	tcpstate_holder_follow(holders, &s, TCPSTATE_STATE_SYN_SENT, &h);
	assert_int_equal(h.holding, TCPSTATE_HOLDING_NOT_FOUND);
	s.pid = known(51);
	tcpstate_holder_follow(holders, &s, TCPSTATE_STATE_SYN_SENT, &h);
	assert_int_equal(h.holding, TCPSTATE_HOLDING_NOT_FOUND);
	assert_int_equal(h.processes, 0);
	s.pid = known(50);
	tcpstate_holder_follow(holders, &s, TCPSTATE_STATE_SYN_SENT, &h);
	assert_int_equal(h.holding, TCPSTATE_HOLDING_PROCESS);
	assert_int_equal(h.processes, 1);
	assert_int_equal(h.process[0].pid, 50);
	assert_int_equal(h.process[0].fd, -1);
	assert_string_equal(h.process[0].comm, "curl");
	assert_string_equal(h.place.unit, "new.service");
	/* The pass knows it. */
	s.pid = known(40);
	tcpstate_holder_follow(holders, &s, TCPSTATE_STATE_SYN_SENT, &h);
	assert_string_equal(h.process[0].comm, "old");
	assert_int_equal(h.process[0].fd, -1);
	assert_string_equal(h.place.unit, "old.service");

	/* With the next pass, which the first of these that may makes. */
	assert_int_equal(unlink(below("proc/40/fd/3")), 0);
	s = full(500);
	do {
		usleep(50000);
		tcpstate_holder_follow(holders, &s, TCPSTATE_STATE_ESTABLISHED, &h);
	} while (h.holding != TCPSTATE_HOLDING_PROCESS && ++tries < 200);
	assert_int_equal(h.holding, TCPSTATE_HOLDING_PROCESS);
	assert_int_equal(h.process[0].fd, 3);
	/* Closed since, but there the time before. */
	assert_int_equal(find(holders, full(400), TCPSTATE_STATE_CLOSE), TCPSTATE_HOLDING_PROCESS);
	assert_string_equal(h.place.unit, "old.service");
	while (!tcpstate_holders_refresh(holders) && ++tries < 400)
		usleep(50000);
	assert_int_equal(find(holders, full(400), TCPSTATE_STATE_CLOSE), TCPSTATE_HOLDING_NOT_FOUND);
	tcpstate_holders_free(holders);
}

/* A /proc that is none has nobody in it. */
static void test_no_proc(void **state)
{
	struct tcpstate_holders *holders = tcpstate_holders_new("/nonexistent", "/nonexistent");

	(void)state;
	assert_non_null(holders);
	assert_int_equal(find(holders, full(1), TCPSTATE_STATE_ESTABLISHED),
			 TCPSTATE_HOLDING_NOT_FOUND);
	tcpstate_holders_free(holders);
	tcpstate_holders_free(NULL);
}

#define with_tree(test) cmocka_unit_test_setup_teardown(test, set_up, remove_tree)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_long_path),
		with_tree(test_groups_of_process),
		with_tree(test_ids),
		with_tree(test_processes),
		with_tree(test_many),
		with_tree(test_nobody),
		with_tree(test_maker),
		with_tree(test_follow),
		cmocka_unit_test(test_no_proc),
	};

	return cmocka_run_group_tests_name("holder", tests, NULL, NULL);
}
