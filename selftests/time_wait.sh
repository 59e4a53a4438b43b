#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What ends by itself, and when: TIME_WAIT, a SYN that nobody answers, an orphan in FIN_WAIT2; and what does not: a
# CLOSE_WAIT whose application forgets close(). Takes some 15 minutes of the clock, or seconds under "scripts/vm -i".
#
#	tcps-a                                tcps-b
#	  va 10.77.0.1/24              ----  vb 10.77.0.2/24
#	  dummy0 10.78.0.1/24: nobody answers
. "$(dirname "$0")/lib.sh"
plan 11
need ip; need ss; need busybox

N=200
topology() {
	module_load && netns tcps-a && netns tcps-b &&
	ip link add va netns tcps-a type veth peer name vb netns tcps-b &&
	ip -n tcps-a addr add 10.77.0.1/24 dev va && ip -n tcps-b addr add 10.77.0.2/24 dev vb &&
	ip -n tcps-a link set va up && ip -n tcps-b link set vb up &&
	ip -n tcps-a link add dummy0 type dummy && ip -n tcps-a addr add 10.78.0.1/24 dev dummy0 &&
	ip -n tcps-a link set dummy0 up
}
sleep_until() { local left=$(($1 - $(now_ms))); [ $left -le 0 ] || busybox usleep $((left * 1000)); }
at_seconds() { sleep_until $((entered + $1 * 1000)); }

# To TIME_WAIT: N over lo, then N over veth, all in a.
to_time_wait() {
	serve tcps-a 127.0.0.1 7000 close && client tcps-a 127.0.0.1 7000 $N && echo close >&5 &&
	wait_nine tcps-a 5000 "TIME_WAIT=$N" && exec 5>&- &&
	serve tcps-b 10.77.0.2 7000 close && client tcps-a 10.77.0.2 7000 $N &&
	wait_nine tcps-a 5000 "ESTABLISHED=$N TIME_WAIT=$N" || return
	began=$(now_ms)
	echo close >&5
	wait_nine tcps-a 5000 "TIME_WAIT=$((2 * N))" && wait_nine tcps-b 1000 ""
	entered=$(now_ms)
}
grows() {
	local first=$O_TIME_WAIT t0 t1
	at_seconds 30
	t0=$(now_ms)
	snapshot_of tcps-a
	t1=$(now_ms)
	ge "oldest_ms at 30 s" "$O_TIME_WAIT" $((t0 - entered)) && le "oldest_ms at 30 s" "$O_TIME_WAIT" $((t1 - lo_began + 20)) &&
	ge "oldest_ms" "$O_TIME_WAIT" "$first"
}
still_there() {
	sleep_until $((began + 59000))
	snapshot_of tcps-a && ge "TIME_WAIT after 59 s" "$S_TIME_WAIT" $N || return
	is "TIME_WAIT of the last $N, 59 s after" "$(in_ns tcps-a ss -Htan state time-wait dport = :7000 dst 10.77.0.2 | grep -c ^)" $N &&
	snapshot_of tcps-a && ge "TIME_WAIT" "$S_TIME_WAIT" $N && le "oldest_ms" "$O_TIME_WAIT" 64000
}
drained() {
	at_seconds 63
	snapshot_of tcps-a && is "states" "$nine" "" && is "tracked" "$tracked" "$S_LISTEN" && ss_nine tcps-a && is "ss" "$ss_is" "" || return
	is "entered TIME_WAIT" "$E_TIME_WAIT" $((2 * N)) && is "entered CLOSE" "$E_CLOSE" $((3 * N)) &&
	is "oldest_ms" "$O_TIME_WAIT" 0
}
# connect() to nobody, tcp_syn_retries=4: it ends after 31 s.
blackhole() {
	local t pid now last=0 i
	in_ns tcps-a busybox sysctl -qw net.ipv4.tcp_syn_retries=4	# 31 s: ss may take some of them
	exec_ns tcps-a "$bin/endpoint" connect 10.78.0.2 80 1 </dev/null 2>"$tmp/err" &
	pid=$!
	wait_nine tcps-a 20000 "SYN_SENT=1" && ss_nine tcps-a && is "ss" "$ss_is" "SYN_SENT=1 " || return
	wait $pid
	grep -q "timed out" "$tmp/err" || { diag "connect said $(<"$tmp/err")"; return 1; }
	t=$(now_ms)
	# When it was last seen: a look itself can take a second of guest time on a busy host.
	for ((i = 0; i < 30; i++)); do
		now=$(now_ms)
		snapshot_of tcps-a || return
		[ "$nine" ] || break
		last=$((now - t))
		sleep 0.1
	done
	is "states" "$nine" "" && le "ms from the end of the socket to the last look that saw its record" $last 1700
}

fin_wait2() {
	in_ns tcps-a busybox sysctl -qw net.ipv4.tcp_fin_timeout=10	# that a look finds them
	serve tcps-b 10.77.0.2 7001 keep && client tcps-a 10.77.0.2 7001 3 && echo close >&5 &&
	wait_nine tcps-a 5000 "FIN_WAIT2=3" && wait_nine tcps-a 12500 "" && snapshot_of tcps-a &&
	is "entered TIME_WAIT since the start" "$E_TIME_WAIT" $((2 * N)) && wait_nine tcps-b 1000 "CLOSE_WAIT=3"
}
# Without close() there is no timer: FIN_WAIT2 of shutdown() stays.
fin_wait2_stays() {
	serve tcps-a 127.0.0.1 7002 keep && client tcps-a 127.0.0.1 7002 2 && echo shut >&5 && sleep 100 &&
	wait_nine tcps-a 1000 "FIN_WAIT2=2 CLOSE_WAIT=2"
}
forgotten() {
	sleep 500
	local t0 t1
	t0=$(now_ms)
	snapshot_of tcps-b && is "states" "$nine" "CLOSE_WAIT=3 " && ss_nine tcps-b && is "ss" "$ss_is" "CLOSE_WAIT=3 " &&
	ge "oldest_ms" "$O_CLOSE_WAIT" 600000 && le "oldest_ms" "$O_CLOSE_WAIT" 640000
}
all_ends() { end_all; sleep 70; wait_nine tcps-a 1000 "" && wait_nine tcps-b 1000 ""; }

log_mark
check "two namespaces" topology
lo_began=$(now_ms)
check "$N connections over lo and $N over veth go to TIME_WAIT" to_time_wait
snapshot_of tcps-a
check "oldest_ms grows with the clock" grows
check "they are there at 59 s" still_there
check "they are gone at 63 s" drained
check "SYN_SENT ends with its socket" blackhole
check "FIN_WAIT2 ends after tcp_fin_timeout" fin_wait2
check "FIN_WAIT2 without close() stays" fin_wait2_stays
check "CLOSE_WAIT without close() stays for ten minutes" forgotten
check "all ends when the processes do" all_ends
check "the kernel log is clean" log_clean
finish
