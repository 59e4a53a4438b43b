/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the path of a control group says of who runs there: systemd unit, container, pod. By its
 * spelling alone; no daemon is asked.
 */
#ifndef TCPSTATE_CGROUP_H
#define TCPSTATE_CGROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/**
 * struct tcpstate_place - where something runs; what is empty is not known
 * @unit: systemd unit, the innermost .service or .scope
 * @runtime: what made the container: docker, containerd, crio, libpod, lxc; can be unknown of a
 *	container that is known
 * @container: its id, 64 hexadecimal digits; of lxc its name
 * @pod: uid of the Kubernetes pod, with hyphens
 *
 * Printable ASCII, whatever the path was.
 */
struct tcpstate_place {
	char unit[256];
	char runtime[16];
	char container[256];
	char pod[40];
};

/* Understands one path, "/system.slice/nginx.service". False: it says nothing, and all is empty. */
bool tcpstate_place_parse(const char *path, struct tcpstate_place *place);

/**
 * tcpstate_place_of_process() - by /proc/PID/cgroup
 * @proc: /proc, or what stands for it
 * @pid: process
 * @place: result, empty where it is not known
 */
bool tcpstate_place_of_process(const char *proc, pid_t pid, struct tcpstate_place *place);

struct tcpstate_cgroups;

/**
 * tcpstate_cgroups_new() - a reader of cgroup v2 ids
 * @root: where the hierarchy is mounted; NULL: where it usually is
 *
 * Return: NULL if there is no memory.
 */
struct tcpstate_cgroups *tcpstate_cgroups_new(const char *root);
void tcpstate_cgroups_free(struct tcpstate_cgroups *groups);

/**
 * tcpstate_place_of_id() - by the id of a cgroup, the inode number of its directory
 * @groups: reader; remembers
 * @id: cgroup v2 id
 *
 * Return: valid as long as @groups; NULL: it is gone or not visible here, or says nothing.
 */
const struct tcpstate_place *tcpstate_place_of_id(struct tcpstate_cgroups *groups, uint64_t id);

#endif
