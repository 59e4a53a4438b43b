#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loaded and unloaded 20 times under traffic on every CPU, in the initial and in another namespace, with readers of
# /proc all the time. For a machine with several CPUs (README.rst says which).
. "$(dirname "$0")/lib.sh"
plan 8
need ip; need busybox; need insmod; need rmmod

ROUNDS=${TCPSTATE_ROUNDS-20}
reader() {	# until the file "stop" appears; well-formed or not there
	local text
	while [ ! -e "$tmp/stop" ]; do
		text=
		{ IFS= read -r -d '' text </proc/tcpstate; } 2>/dev/null
		case $text in ''|"tcpstate 1"*"total untracked "*) ;; *) echo "odd text: $text" ;; esac
	done
}
begin() {
	local i n ns
	! module_loaded || module_unload || return
	netns tcps-l || return
	tw=$(</proc/sys/net/ipv4/tcp_max_tw_buckets)
	for ns in - tcps-l; do in_ns $ns busybox sysctl -qw net.ipv4.tcp_max_tw_buckets=200000; done
	n=$(busybox nproc)
	[ "$n" -gt 1 ] || n=2
	for ((i = 0; i < n; i++)); do
		ns=-
		[ $((i % 2)) = 0 ] || ns=tcps-l
		exec_ns $ns "$bin/traffic" -s $i -t 100000 -p 50 </dev/null >>"$tmp/traffic" 2>&1 &
		traffics+=($!)
	done
	pids+=("${traffics[@]}")
	reader >"$tmp/reader" 2>&1 &
	pids+=($!)
	sleep 1
}
rounds() {
	local i
	most=0
	for ((i = 1; i <= ROUNDS; i++)); do
		module_insert || { diag "round $i: cannot load"; return 1; }
		sleep 0.$((RANDOM % 9))
		snapshot || { diag "round $i: nothing to read"; return 1; }
		[ "$E_ESTABLISHED" -le "$most" ] || most=$E_ESTABLISHED
		module_unload || { diag "round $i: cannot unload"; return 1; }
		[ ! -e /proc/tcpstate ] || { diag "round $i: /proc/tcpstate is still there"; return 1; }
	done
}
alive() {
	local p
	for p in "${traffics[@]}"; do kill -0 "$p" 2>/dev/null || { diag "a traffic program has ended"; return 1; }; done
}
errors() { grep -v ^done "$1" >"$tmp/errors" || return 0; diag "$(<"$tmp/errors")"; return 1; }
gone() { [ ! -e /proc/tcpstate ] && ! grep -q '^tcpstate ' /proc/modules && ! ls -d /proc/self/net/tcpstate 2>/dev/null; }
slab() {
	! [ -e /sys/kernel/slab/tcps_conn ] && ! grep -q '^tcps_conn ' /proc/slabinfo && return
	diag "slab cache tcps_conn is still there"
	return 1
}

traffics=()
log_mark
check "traffic and readers are under way" begin
check "loaded and unloaded $ROUNDS times" rounds
check "some of it was seen" ge "most ESTABLISHED entered in a round" "${most-0}" 1
touch "$tmp/stop"
check "traffic goes on" alive
end_all
[ -z "${tw-}" ] || echo "$tw" >/proc/sys/net/ipv4/tcp_max_tw_buckets
check "traffic saw no error" errors "$tmp/traffic"
check "readers saw no odd text" errors "$tmp/reader"
left_nothing() { gone && slab; }
check "nothing is left" left_nothing
check "the kernel log is clean" log_clean
finish
