#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module is loaded while there are connections in all states, and traffic: what it finds is what there is, by tuple,
# nothing missed and nothing doubled. TCPSTATE_MANY says how many in each of two namespaces (5000).
#
#	tcps-s1, tcps-s2: lo, and dummy0 10.66.0.1/16, fd66::1/64, on which nobody answers
. "$(dirname "$0")/lib.sh"
plan 16
need ip; need busybox; need insmod; need rmmod

many=${TCPSTATE_MANY-5000}	# a namespace may have a quarter of the table: TIME_WAITs come on top
loads=5
holds=(tcps-s1 tcps-s2)
for program in hold same traffic; do
	need "$bin/$program"
	busybox cp "$bin/$program" "$tmp/$program"
done

settings() {
	cd /proc/sys/net/ipv4 && echo 500000 >tcp_max_tw_buckets && echo 8192 >tcp_max_syn_backlog && echo 0 >tcp_syncookies &&
	echo 12 >tcp_syn_retries && echo 12 >tcp_synack_retries && echo 8192 >../core/somaxconn && echo 2000 65000 >ip_local_port_range &&
	echo 5 >tcp_fastopen	# a cookie is not asked for: traffic's connect() can be deferred, and looked at later
}
namespace() {	# NS
	netns "$1" && ip -n "$1" link add dummy0 type dummy && ip -n "$1" link set dummy0 up &&
	ip -n "$1" addr add 10.66.0.1/16 dev dummy0 && ip -n "$1" addr add fd66::1/64 dev dummy0 nodad &&
	ip netns exec "$1" busybox sh -c "$(declare -f settings); settings"
}
hold() {	# NS DESCRIPTOR
	mkfifo "$tmp/hold.$1"
	exec_ns "$1" "$tmp/hold" -n "$many" <"$tmp/hold.$1" >"$tmp/held.$1" 2>&1 &
	pids+=($!)
	eval "exec $2>\"$tmp/hold.$1\""
}
held() {	# NS
	local i
	for ((i = 0; i < 2 * looks; i++)); do
		! grep -q ^ready "$tmp/held.$1" || { diag "$1: $(in_ns "$1" ss -Htan | busybox awk '{ n[$1]++ } END { for (s in n) printf "%s=%d ", s, n[s] }')"; return 0; }
		[ ! -s "$tmp/held.$1" ] || break
		sleep 0.1
	done
	diag "hold: $(<"$tmp/held.$1")"
	return 1
}
traffic_on() {
	local ns seed
	moving=()
	for ns in "${holds[@]}"; do
		seed=$RANDOM
		diag "$ns: traffic by seed $seed"
		exec_ns "$ns" "$tmp/traffic" -s $seed -t 100000 -p 20 </dev/null >>"$tmp/traffic.out" 2>&1 &
		moving+=($!)
	done
	pids+=("${moving[@]}")
	sleep 0.5
}
traffic_off() {
	local p
	for p in "${moving[@]}"; do kill -KILL "$p"; wait "$p"; done 2>/dev/null
	! grep -v ^done "$tmp/traffic.out" || { diag "traffic: $(<"$tmp/traffic.out")"; return 1; }
}
load_under_traffic() {
	local t
	traffic_on || return
	t=$(now_ms)
	module_insert "max_endpoints=$((8 * many + 262144))" || return
	diag "loaded in $(($(now_ms) - t)) ms"
	loaded_here=1
	sleep 0.3
	traffic_off
}
# At rest: twice as long where a look at all takes its time.
compared() { sleep 2; "$tmp/same" -w $((1000 + many / 10)) "$@" "${holds[@]}"; }
tracked_as_counted() {
	local ns s sum
	for ns in "${holds[@]}"; do
		snapshot_of "$ns" || return
		sum=$((S_LISTEN))
		for s in $nine; do sum=$((sum + ${s#*=})); done
		is "$ns: tracked, the sum of the states wanted" "$tracked" $sum && is "$ns: untracked" "$T_untracked" 0 || return
	done
}
# The objects of the slab cache are the records, but for what waits to be freed.
gone() { [ ! -e /proc/tcpstate ] && [ ! -e /sys/kernel/slab/tcps_conn ]; }
unloaded() { local t; t=$(now_ms); module_unload && diag "unloaded in $(($(now_ms) - t)) ms" && gone; }

once_more() {
	local bad=
	! module_loaded || unloaded || return
	load_under_traffic || bad=1
	compared -d || bad=1
	[ -z "$bad" ]
}

log_mark
! module_loaded || module_unload
check "two namespaces" eval 'namespace tcps-s1 && namespace tcps-s2'
hold tcps-s1 7
hold tcps-s2 8
check "$many connections in all states in one" held tcps-s1
check "and in another" held tcps-s2
check "loaded under traffic" load_under_traffic
check "the endpoints are the kernel's, $((many * 8 / 10)) or more found as old" compared -l $((many * 8 / 10))
check "tracked is what there is" tracked_as_counted
check "no correction that an event should have told" compared -d
check "unloaded with all open" unloaded
for ((i = 1; i <= loads; i++)); do
	check "load $i of $loads: the same" once_more
done
exec 7>&- 8>&-
end_all
drained() { sleep 70; compared -w 30000 && for ns in "${holds[@]}"; do wait_nine "$ns" 70000 "" || return; done; }
check "after the end: the same, then nothing" drained
check "unloaded" unloaded
check "the kernel log is clean" log_clean
finish
