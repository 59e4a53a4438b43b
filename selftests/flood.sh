#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A flood of SYNs from addresses that are nobody's, with SYN cookies and without: what is real is exact throughout, the
# records are no more than the kernel's own request sockets, and nothing is left. TCPSTATE_FLOOD says how many (50000);
# cookies off is a tenth of it. flood.c does it and says what it saw in lines "# flood: ...".
#
#	tcps-a  fa 10.88.0.1/24, no way to anywhere else  ----  fv 10.88.0.2/24, default route back  tcps-v
. "$(dirname "$0")/lib.sh"
plan 12
need ip; need busybox

syns=${TCPSTATE_FLOOD-50000}
for program in flood same; do
	need "$bin/$program"
	busybox cp "$bin/$program" "$tmp/$program"
done
settings() {	# Sources are anywhere; requests last for 3 s
	cd /proc/sys/net/ipv4 && echo 0 >conf/all/rp_filter && echo 0 >conf/fv/rp_filter && echo 1 >tcp_synack_retries &&
	echo 1024 >tcp_max_syn_backlog && echo 4096 >../core/somaxconn && echo 200000 >tcp_max_tw_buckets
}
topology() {
	netns tcps-a && netns tcps-v && ip link add fa netns tcps-a type veth peer name fv netns tcps-v &&
	ip -n tcps-a link set fa up && ip -n tcps-v link set fv up &&
	ip -n tcps-a addr add 10.88.0.1/24 dev fa && ip -n tcps-v addr add 10.88.0.2/24 dev fv &&
	ip -n tcps-v route add default via 10.88.0.1 &&
	ip netns exec tcps-v busybox sh -c "$(declare -f settings); settings" &&
	in_ns tcps-a busybox sysctl -qw net.ipv4.tcp_max_tw_buckets=200000
}
flood() {	# SYNS COOKIES
	in_ns tcps-v busybox sysctl -qw net.ipv4.tcp_syncookies="$2" && "$tmp/flood" -n "$1" tcps-a tcps-v
}
equal() { sleep 5; "$tmp/same" tcps-a tcps-v; }
unchanged() { "$tmp/same" -d tcps-a tcps-v; }
drained() {
	sleep 62
	wait_nine tcps-v 20000 "" && wait_nine tcps-a 20000 "" && "$tmp/same" tcps-a tcps-v
}
untracked() {
	local ns
	for ns in tcps-a tcps-v; do snapshot_of $ns && is "$ns: untracked" "$T_untracked" 0 && is "$ns: tracked" "$tracked" 0 || return; done
}
slab() {
	local n
	n=$(busybox awk '$1 == "tcps_conn" { print $2 }' /proc/slabinfo)
	diag "objects left in use: ${n-no such cache}"
	[ -z "$n" ] || le "objects" "$n" 500
}
clean_unload() { module_unload && [ ! -e /sys/kernel/slab/tcps_conn ]; }

log_mark
check "module loaded" module_load
check "two namespaces" topology
check "$syns SYNs with cookies" flood "$syns" 1
check "5 s later: equal" equal
check "$((syns / 10)) SYNs without cookies" flood $((syns / 10)) 0
check "5 s later: equal" equal
check "no correction that an event should have told" unchanged
check "all has drained" drained
check "nothing untracked" untracked
check "the objects have gone" slab
check "unloaded" clean_unload
check "the kernel log is clean" log_clean
finish
