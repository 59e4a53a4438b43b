#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Everything at once, on every CPU: the module is loaded and unloaded under traffic in the initial and another
# namespace, while namespaces are made and destroyed with traffic inside, and readers read /proc/tcpstate and all
# /proc/PID/net/tcpstate. Then the module's counts are those of ss, and nothing is left. For a machine with several
# CPUs (README.rst says which).
#
# Loaded TCPSTATE_ROUNDS times, or more if TCPSTATE_NAMESPACES namespaces take longer. Each of those has one end of a
# veth pair: the other one (c1, c2 and so on in the initial namespace) goes when the namespace really has.
. "$(dirname "$0")/lib.sh"
plan 14
need ip; need ss; need busybox; need insmod; need rmmod

ROUNDS=${TCPSTATE_ROUNDS-20}
NAMESPACES=${TCPSTATE_NAMESPACES-10}
well_formed() { case $1 in ''|"tcpstate 1"*"total untracked "*health\ *) ;; *) echo "odd text: $1" ;; esac; }
reader() {	# until the file "stop" appears; well-formed or not there
	local text
	while [ ! -e "$tmp/stop" ]; do
		text=
		{ IFS= read -r -d '' text </proc/tcpstate; } 2>/dev/null
		well_formed "$text"
	done
}
reader_of_all() {
	local file text
	while [ ! -e "$tmp/stop" ]; do
		for file in /proc/[0-9]*/net/tcpstate; do
			text=
			{ IFS= read -r -d '' text <"$file"; } 2>/dev/null
			well_formed "$text"
		done
		sleep 0.05
	done
}
# Until the process is in the namespace: it is no "ip" any more, which finds it by its name.
under_way() {
	local i comm
	for ((i = 0; i < looks; i++)); do
		read -r comm <"/proc/$1/comm" || return
		[ "$comm" != traffic ] || return 0
		sleep 0.1
	done
	echo "process $1 is $comm" >&2
	return 1
}
# One namespace in two is deleted with its connections in TIME_WAIT, the other in the midst of its traffic.
churn() {
	local i ns pid
	for ((i = 1; i <= NAMESPACES; i++)); do
		ns=tcps-c$i
		ip netns add $ns && ip -n $ns link set lo up && ip link add c$i type veth peer name c netns $ns || return
		if [ $((i % 2)) = 0 ]; then
			ip netns exec $ns "$bin/traffic" -s $i -n 40 -p 20 </dev/null >"$tmp/churned" || return
			ip netns del $ns || return
		else
			ip netns exec $ns "$bin/traffic" -s $i -t 100000 -p 20 </dev/null >"$tmp/churned" &
			pid=$!
			under_way $pid && sleep 0.3 && ip netns del $ns || return
			kill -KILL $pid || return
			wait $pid
		fi
		echo $i >"$tmp/namespaces.new"
		mv "$tmp/namespaces.new" "$tmp/namespaces"	# at once: it is being read
	done
} 2>>"$tmp/churn"
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
	readers=($!)
	reader_of_all >>"$tmp/reader" 2>&1 &
	readers+=($!)
	pids+=("${readers[@]}")
	sleep 1
}
rounds() {
	churn &
	churner=$!
	pids+=($!)
	most=0
	for ((round = 1; ; round++)); do
		[ $round -le "$ROUNDS" ] || kill -0 $churner 2>/dev/null || break
		module_insert || { diag "round $round: cannot load"; return 1; }
		sleep 0.$((RANDOM % 9))
		snapshot || { diag "round $round: nothing to read"; return 1; }
		[ "$E_ESTABLISHED" -le "$most" ] || most=$E_ESTABLISHED
		module_unload || { diag "round $round: cannot unload"; return 1; }
		[ ! -e /proc/tcpstate ] || { diag "round $round: /proc/tcpstate is still there"; return 1; }
	done
	diag "$((round - 1)) rounds, $(<"$tmp/namespaces") namespaces, $(now_ms) ms after boot"
}
churned() {
	wait $churner && is "namespaces made" "$(<"$tmp/namespaces")" "$NAMESPACES" && return
	diag "$(<"$tmp/churn")"
	return 1
}
no_namespace() {
	local i left=
	for ((i = 0; i < 300; i++)); do
		left=$(ip -o link show type veth; ip netns list | grep '^tcps-c')
		[ "$left" ] || return 0
		sleep 0.1
	done
	diag "still there: $left"
	return 1
}
alive() {
	local p
	for p in "${traffics[@]}"; do kill -0 "$p" 2>/dev/null || { diag "a traffic program has ended"; return 1; }; done
}
errors() { grep -v ^done "$1" >"$tmp/errors" || return 0; diag "$(<"$tmp/errors")"; return 1; }
# The load has stopped, the module is loaded once more. In namespaces of their own, with connections in all states:
final() {
	local ns i
	module_load && netns tcps-e0 && netns tcps-e1 || return
	for ns in tcps-e0 tcps-e1 -; do
		mkfifo "$tmp/hold$ns"
		exec_ns $ns "$bin/traffic" -s 99 -n 300 -p 100 -w <"$tmp/hold$ns" >"$tmp/final$ns" 2>&1 &
		pids+=($!)
	done
	exec 7>"$tmp/hold-" 8>"$tmp/holdtcps-e0" 9>"$tmp/holdtcps-e1"
	for ns in tcps-e0 tcps-e1 -; do
		for ((i = 0; i < looks; i++)); do ! grep -q ^done "$tmp/final$ns" || break; sleep 0.1; done
		is "traffic in $ns" "$(<"$tmp/final$ns")" "done 300" || return
	done
}
equal() {	# NS
	local i
	for ((i = 0; i < 100; i++)); do
		ss_nine "$1"
		snapshot_of "$1" || return
		[ "$nine" != "$ss_is" ] || [ -z "$nine" ] || { diag "$1: $nine"; return 0; }
		sleep 0.1
	done
	diag "namespace $1: wanted ${ss_is:-nothing}, found ${nine:-nothing}"
	return 1
}
# The initial namespace has TIME_WAITs older than the module, too.
not_more() {
	local i s n ss_n
	for ((i = 0; i < 100; i++)); do
		ss_nine - && snapshot || return
		s=
		for n in $nine; do
			ss_n=0
			case " $ss_is" in *" ${n%=*}="*) ss_n=" $ss_is"; ss_n=${ss_n#*" ${n%=*}="}; ss_n=${ss_n%% *} ;; esac
			[ "${n#*=}" -le "$ss_n" ] || s+="$n of $ss_n "
		done
		[ "$s" ] || { diag "initial: $nine; ss: $ss_is"; return 0; }
		sleep 0.1
	done
	diag "more than ss has: $s"
	return 1
}
gone() {
	[ ! -e /proc/tcpstate ] && ! grep -q '^tcpstate ' /proc/modules && ! ls -d /proc/self/net/tcpstate 2>/dev/null
}
slab() {
	! [ -e /sys/kernel/slab/tcps_conn ] && ! grep -q '^tcps_conn ' /proc/slabinfo && return
	diag "slab cache tcps_conn is still there"
	return 1
}
left_nothing() { gone && slab; }

traffics=() readers=() churner=
echo 0 >"$tmp/namespaces"
log_mark
check "traffic and readers are under way" begin
check "loaded and unloaded $ROUNDS times or more" rounds
check "some of it was seen" ge "most ESTABLISHED entered in a round" "${most-0}" 1
check "$NAMESPACES namespaces came and went" churned
touch "$tmp/stop"
wait "${readers[@]}"
check "traffic goes on" alive
end_all
[ -z "${tw-}" ] || echo "$tw" >/proc/sys/net/ipv4/tcp_max_tw_buckets
check "traffic saw no error" errors "$tmp/traffic"
check "readers saw no odd text" errors "$tmp/reader"
check "no namespace is left" no_namespace
check "loaded once more, and connections made" final
check "one namespace is as ss says" equal tcps-e0
check "and another" equal tcps-e1
check "the initial one has no more than ss" not_more
end_all
unload_clean() { module_unload && left_nothing; }
check "nothing is left" unload_clean
check "the kernel log is clean" log_clean
finish
