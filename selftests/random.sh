#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Random connections over a link that loses, doubles and reorders segments: the sequence of states of each endpoint is
# the kernel's, and at rest so are the states themselves. TCPSTATE_CONNECTIONS (2000, at most 50000) and TCPSTATE_SEED
# (1) say how many and which; with TCPSTATE_VERBOSE=1 every endpoint of a class is printed. TCPSTATE_EVIDENCE: 0 (default),
# the module has packets alone, and what they cannot know is in classes of which there may be some; 1, it has the
# sockets (random_sockets.sh): every sequence is the kernel's, and at rest every endpoint by tuple.
#
# Two namespaces; relay.c is the link, workload.c holds both ends of all connections, watch.c polls inet_diag, and
# sequences.c compares and says what is equal. Its lines "# random: ..." are for programs.
. "$(dirname "$0")/lib.sh"
evidence=${TCPSTATE_EVIDENCE-0}
plan $((10 + 2 * evidence))
need ip; need ss; need busybox

connections=${TCPSTATE_CONNECTIONS-2000} seed=${TCPSTATE_SEED-1}
client=tcps-client server=tcps-server
tracing=/sys/kernel/tracing
[ -e $tracing/trace ] || mount -t tracefs tracefs $tracing
instance=$tracing/instances/tcpstate_random
# What a program reads over a slow file system makes the clock of an exact-time machine leap.
for program in relay workload watch sequences same; do
	need "$bin/$program"
	busybox cp "$bin/$program" "$tmp/$program"
done

probe() {	# NAME FUNCTION WHAT
	echo "p:tcpstate_random/$1 $2 $3" >>$tracing/kprobe_events
}
# See sequences.c. "ports": the second four bytes but one of struct sock_common.
trace_on() {
	mkdir $instance && echo mono >$instance/trace_clock &&
	echo $((8192 + connections * 3)) >$instance/buffer_size_kb || return
	# shellcheck disable=SC2016
	probe request inet_csk_reqsk_queue_hash_add 'ports=+12($arg2):x32' &&
	probe minisock tcp_time_wait 'ports=+12($arg1):x32 state=$arg2:u32' &&
	probe restart __inet_twsk_schedule 'ports=+12($arg1):x32 rearm=$arg3:u8' &&
	probe end inet_twsk_deschedule_put 'ports=+12($arg1):x32' &&
	probe refused tcp_send_dupack 'ports=+12($arg1):x32' &&
	echo 'rearm != 0' >$instance/events/tcpstate_random/restart/filter &&
	echo 1 >$instance/events/tcpstate_random/enable &&
	echo 'local == 1' >$instance/events/tcpstate/tcpstate_transition/filter &&
	echo 1 >$instance/events/tcpstate/tcpstate_transition/enable &&
	echo 1 >$instance/events/sock/inet_sock_set_state/enable
}
trace_off() {
	local p
	[ -d $instance ] || return 0
	echo 0 >$instance/events/enable
	rmdir $instance
	for p in request minisock restart end refused; do echo "-:tcpstate_random/$p" >>$tracing/kprobe_events; done
} 2>/dev/null
trap 'trace_off; cleanup' EXIT
none_lost() {
	local lost
	lost=$(grep -hE '^(overrun|commit overrun|dropped events): [^0]' $instance/per_cpu/cpu*/stats) || return 0
	diag "trace: $lost"
	return 1
}

settings() {
	cd /proc/sys/net && echo 200000 >ipv4/tcp_max_tw_buckets &&
	echo 0 >ipv4/tcp_tw_reuse && echo 0 >ipv4/tcp_syncookies &&
	echo 8192 >ipv4/tcp_max_syn_backlog && echo 8192 >core/somaxconn && echo 1 >ipv4/tcp_no_metrics_save
}
address() {	# NS OWN OTHER
	ip -n "$1" link set tcps0 up txqueuelen 10000 &&
	ip -n "$1" addr add "10.99.$2.1/24" dev tcps0 && ip -n "$1" route add "10.99.$3.0/24" dev tcps0 &&
	ip -n "$1" addr add "fd99:$2::1/64" dev tcps0 nodad && ip -n "$1" route add "fd99:$3::/64" dev tcps0 &&
	ip netns exec "$1" busybox sh -c "$(declare -f settings); settings"
}
link() {
	netns $client && netns $server || return
	"$tmp/relay" -s "$seed" -d 15 -u 10 -r 20 -f "$tmp/fins" $client $server </dev/null >"$tmp/relay.out" 2>&1 &
	relay=$!
	pids+=($!)
	await_line "$tmp/relay.out" && address $client 1 2 && address $server 2 1
}

# What is to be left open is held until descriptor 5 is closed.
work() {
	"$tmp/watch" "$tmp/watched" $client $server </dev/null >"$tmp/watch.out" 2>&1 &
	watch=$!
	pids+=($!)
	await_line "$tmp/watch.out" || return
	mkfifo "$tmp/in"
	"$tmp/workload" -s "$seed" -n "$connections" -k 100 $client $server <"$tmp/in" >"$tmp/workload.out" 2>&1 &
	workload=$!
	pids+=($!)
	exec 5>"$tmp/in"
	while ! grep -q ^done "$tmp/workload.out" && kill -0 $workload 2>/dev/null; do sleep 0.2; done
	kill -USR1 $watch
	diag "$(<"$tmp/workload.out")"
	grep -q "^done $connections " "$tmp/workload.out"
}

# At rest: two looks of ss one second apart are the same, and no retransmission timer runs; within 180 s.
moving() {
	local ns
	for ns in $client $server; do in_ns $ns ss -Htano exclude time-wait; done |
		busybox awk '{ gsub(/timer:\((timewait|keepalive)[^)]*\)/, ""); print }' | busybox sort
}
at_rest() {
	local i last=none now
	for ((i = 0; i < 180; i++)); do
		now=$(moving)
		[ "$now" != "$last" ] || [[ $now == *timer:\(on,* ]] || return 0
		last=$now
		sleep 1
	done
	diag "not at rest in 180 s"
	return 1
}
rest() {
	at_rest && kill -TERM $watch && wait $watch && "$tmp/watch" -1 "$tmp/rest" $client $server
}

# The counts of both namespaces
ss_fast() {	# NS: ss_nine of many thousands
	ss_is=$(in_ns "$1" ss -Htan | busybox awk '
		{ n[$1]++ }
		END {
			split("ESTAB SYN-SENT SYN-RECV FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSE-WAIT LAST-ACK CLOSING", of)
			for (i = 1; i <= 9; i++) {
				s = of[i] == "ESTAB" ? "ESTABLISHED" : of[i]
				gsub(/-/, "_", s); sub(/WAIT_/, "WAIT", s)
				if (n[of[i]])
					printf "%s=%d ", s, n[of[i]]
			}
		}')
}
counts() {
	local i ns same
	for ((i = 0; i < 20; i++)); do
		same=yes
		for ns in $client $server; do
			snapshot_of $ns && ss_fast $ns || return
			[ "$nine" = "$ss_is" ] || same=
			diag "$ns: ${nine}by ss: $ss_is"
		done
		[ -z "$same" ] || return 0
		sleep 0.3
	done
	return 1
}

# Why the sockets have dropped segments that the module has seen: TcpExt counters that are not 0.
dropped() {
	local ns
	for ns in $client $server; do
		in_ns $ns busybox awk -v ns=$ns '/^TcpExt: [A-Z]/ { split($0, name); next }
			/^TcpExt:/ { for (i = 2; i <= NF; i++)
				if ($i && name[i] ~ /^(PAWSEstab|Listen.*|TCP.*Drop|TCPChallengeACK)$/)
					s = s " " name[i] " " $i
				print "# random: netns " ns s }' /proc/self/net/netstat
	done
}
ended() {
	local ns
	exec 5>&-
	wait $workload
	sleep 62
	dropped
	for ns in $client $server; do
		wait_nine $ns 75000 "" && is "tracked" "$tracked" 0 && le "untracked (see rst_challenged)" "$T_untracked" $((evidence ? 0 : connections / 1000)) &&
		is "malformed" "$T_malformed" 0 || return
	done
	kill -TERM $relay && wait $relay
	busybox sed 's/^/# relay: /' "$tmp/relay.out"
}
compared() {
	local wait=1
	# What holds a socket for a moment holds it 30 times as long on a debug kernel.
	[[ $(uname -r) != *-debug ]] || wait=30
	[ "$evidence" = 0 ] || exact=-e
	"$tmp/sequences" ${TCPSTATE_VERBOSE:+-v} ${exact-} -w $wait $instance "$tmp/watched" "$tmp/rest" "$tmp/fins" >"$tmp/result" 2>&1
	local err=$?
	busybox cat "$tmp/result"
	return $err
}
log_mark
check "module loaded" module_load socket_evidence="$evidence"
check "two namespaces and a lossy link" link
check "tracepoints and probes" trace_on
check "$connections connections, seed $seed" work
check "they come to rest" rest
check "at rest: states as ss" counts
[ "$evidence" = 0 ] || check "at rest: by tuple" "$tmp/same" $client $server
check "after the end: nothing" ended
[ "$evidence" = 0 ] || check "no correction that an event should have told" "$tmp/same" -d $client $server
check "no entry of the trace was lost" none_lost
check "sequences as the kernel's, and states at rest" compared
trace_off
check "the kernel log is clean" log_clean
finish
