#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Thousands of connections that end in every way, over IPv4, IPv6 and IPv4 on AF_INET6 sockets: at rest the counts of the nine
# states are those of "ss -tan". In the initial namespace and in another.
. "$(dirname "$0")/lib.sh"
plan 9
need ip; need ss; need busybox

# At rest: two looks of ss one second apart are the same, and no retransmission timer runs; within 180 s.
at_rest() {	# NS
	local i last=none now
	for ((i = 0; i < 180; i++)); do
		now=$(in_ns "$1" ss -Htano | busybox awk '{ gsub(/timer:\((timewait|keepalive)[^)]*\)/, ""); print }' | busybox sort)
		[ "$now" != "$last" ] || ! ! [[ $now == *timer:\(on,* ]] || return 0
		last=$now
		sleep 1
	done
	diag "namespace $1 has not come to rest in 180 s"
	return 1
}
same() {	# NS
	at_rest "$1" && snapshot_of "$1" && ss_nine "$1" && is "states, ss's wanted" "$nine" "$ss_is"
}
# traffic NS SEED: sets opened; what it leaves open it holds until descriptor 5 is closed
traffic() {
	rm -f "$tmp/in"; mkfifo "$tmp/in"
	exec_ns "$1" "$bin/traffic" -s "$2" -n 2000 -p 300 -w <"$tmp/in" >"$tmp/traffic" 2>&1 &
	pids+=($!)
	exec 5>"$tmp/in"
	for ((i = 0; i < looks; i++)); do
		! grep -q "^done" "$tmp/traffic" || { diag "namespace $1, seed $2: $(<"$tmp/traffic")"; return 0; }
		kill -0 $! 2>/dev/null || break
		sleep 0.1
	done
	diag "traffic: $(<"$tmp/traffic")"
	return 1
}
numbers() {	# NS: what must hold of the counters at rest
	local sum=0 s
	snapshot_of "$1"
	for s in $nine; do sum=$((sum + ${s#*=})); done
	is "tracked, the sum of the states wanted" "$tracked" $((sum + S_LISTEN)) || return
	is "untracked" "$T_untracked" 0 && is "malformed" "$T_malformed" 0 &&
	ge "entered SYN_SENT" "$E_SYN_SENT" 2000 && is "entered SYN_RECV" "$E_SYN_RECV" 2000 && is "entered ESTABLISHED" "$E_ESTABLISHED" 4000
}
compared() { traffic "$1" "$2" && same "$1"; }
ended() {	# NS
	end_all
	same "$1" && sleep 64 && wait_nine "$1" 1000 "" && is "tracked" "$tracked" 0
}

# What other tests have left, the module has not seen.
nothing_left() {
	local i
	for ((i = 0; i < 70; i++)); do
		[ "$(ss -Htan state connected)" ] || return 0
		sleep 1
	done
	diag "the initial namespace has connections of others: $(ss -Htan state connected | busybox head -n 3)"
	return 1
}
log_mark
nothing_left && module_load && netns tcps-c || bail "no module or namespace"
check "initial namespace: states as ss" compared - 1
check "initial namespace: counters" numbers -
check "initial namespace: states as ss after the end, then nothing" ended -
check "another namespace: states as ss" compared tcps-c 2
check "another namespace: counters" numbers tcps-c
check "another namespace: states as ss after the end, then nothing" ended tcps-c
entered_add_up() {
	local s sum=0
	for s in ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN CLOSING; do
		s=E_$s
		sum=$((sum + ${!s}))
	done
	is "total transitions" "$T_transitions" $sum
}
check "entered adds up to total transitions" entered_add_up
check "each endpoint that began has ended" is "entered CLOSE, SYN_SENT + SYN_RECV + LISTEN wanted" "$E_CLOSE" $((E_SYN_SENT + E_SYN_RECV + E_LISTEN))
check "the kernel log is clean" log_clean
finish
