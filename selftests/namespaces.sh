#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each network namespace shows its own endpoints and no other's; a namespace may die with live connections, and with a
# file of it open.
#
#	tcps-a                                tcps-b
#	  va 10.77.0.1/24, fd77::1/64  ----  vb 10.77.0.2/24, fd77::2/64
. "$(dirname "$0")/lib.sh"
plan 16
need ip; need ss; need busybox

topology() {
	netns tcps-a && netns tcps-b &&
	ip link add va netns tcps-a type veth peer name vb netns tcps-b &&
	ip -n tcps-a addr add 10.77.0.1/24 dev va && ip -n tcps-a -6 addr add fd77::1/64 dev va nodad &&
	ip -n tcps-b addr add 10.77.0.2/24 dev vb && ip -n tcps-b -6 addr add fd77::2/64 dev vb nodad &&
	ip -n tcps-a link set va up && ip -n tcps-b link set vb up
}

both() {	# "NINE of a" "NINE of b"
	wait_nine tcps-a 3000 "$1" && wait_nine tcps-b 3000 "$2" &&
	ss_nine tcps-a && is "ss in a" "$ss_is" "${1:+$1 }" && ss_nine tcps-b && is "ss in b" "$ss_is" "${2:+$2 }"
}
direction() {	# FROM TO ADDRESS PORT NAME
	local a= b=
	serve "$2" "$3" "$4" keep && client "$1" "$3" "$4" 5 || { not_ok "$5: opens"; not_ok "$5: half-closed"; not_ok "$5: reset"; return; }
	check "$5: opens" both "ESTABLISHED=5" "ESTABLISHED=5"
	echo shut >&5
	if [ "$1" = tcps-a ]; then a=FIN_WAIT2=5 b=CLOSE_WAIT=5; else a=CLOSE_WAIT=5 b=FIN_WAIT2=5; fi
	check "$5: half-closed" both "$a" "$b"
	echo reset >&5	# the servers' CLOSE_WAIT goes with it
	check "$5: reset" both "" ""
	end_all
}
# What was there before is found: listeners, TIME_WAITs of other tests
untouched() {
	snapshot && is "opened in the initial namespace" "$((E_SYN_SENT + E_SYN_RECV + E_ESTABLISHED))" 0 &&
	is "tracked there, without what was found" "$((tracked - S_LISTEN - S_TIME_WAIT))" 0
}

load_and_topology() { module_load && topology; }
log_mark
check "module loaded, two namespaces" load_and_topology
direction tcps-a tcps-b 10.77.0.2 7000 "IPv4 from a to b"
direction tcps-b tcps-a 10.77.0.1 7001 "IPv4 from b to a"
direction tcps-a tcps-b fd77::2 7002 "IPv6 from a to b"
check "the initial namespace has seen nothing" untouched

# b dies with live connections and with its file open; a's are still there.
serve tcps-b 10.77.0.2 7003 keep; client tcps-a 10.77.0.2 7003 20
# An open file keeps its namespace, as the kernel's own files do: it still gives the text, and the end comes at close().
dead_file() {
	local line
	both "ESTABLISHED=20" "ESTABLISHED=20" || return
	exec 6<"/proc/$serve_pid/net/tcpstate"
	read -r line <&6
	is "first line" "$line" "tcpstate 1" || return
	kill -KILL "$serve_pid"; wait "$serve_pid" 2>/dev/null
	ip netns del tcps-b
	busybox cat <&6 >"$tmp/snapshot" || return
	exec 6<&-
	is "lines left in the file" "$(grep -v '^listener ' "$tmp/snapshot" | grep -c '^[a-z]* ')" 19 &&
	[[ $(busybox tail -n 1 "$tmp/snapshot") == "health coverage "* ]] &&
	wait_nine tcps-a 3000 "CLOSE_WAIT=20"
}
check "a namespace dies with live connections and its file open" dead_file
end_all

again() {
	local i
	for ((i = 0; i < 5; i++)); do
		netns tcps-$i && ip netns exec tcps-$i "$bin/traffic" -n 50 -p 50 >"$tmp/t" && snapshot_of tcps-$i || return
		ge "entered ESTABLISHED in new namespace $i" "$E_ESTABLISHED" 100 || return
		ip netns del tcps-$i
	done
}
check "new namespaces begin at 0 and die with records" again
# Where nothing happens nobody wakes the audit but who has found them.
found_and_idle() {
	netns tcps-idle && ip netns exec tcps-idle busybox sysctl -qw net.ipv4.tcp_tw_reuse=0 &&
	ip netns exec tcps-idle "$bin/traffic" -n 20 -p 20 >"$tmp/t" && module_unload && module_load || return
	snapshot_of tcps-idle
	[ "$coverage" != full ] || ge "TIME_WAITs found" "$S_TIME_WAIT" 1 || return
	sleep 63
	wait_nine tcps-idle 1000 "" && ss_nine tcps-idle && is "ss" "$ss_is" ""
}
check "TIME_WAITs that are older than the module end in an idle namespace" found_and_idle
check "unload with namespaces" module_unload
check "the kernel log is clean" log_clean
finish
