#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# tcpstate off and on: off, nothing is counted, looked at or told, in any namespace; on, what there is is what the
# kernel has. Connections go on. TCPSTATE_TOOL is the program (../build/bin/tcpstate).
. "$(dirname "$0")/lib.sh"
plan 17
need ip; need busybox; need python3; need unshare; need insmod; need rmmod

tool=${TCPSTATE_TOOL-$here/../build/bin/tcpstate}
need "$tool"
for program in "$tool" "$bin/same" "$bin/traffic"; do busybox cp "$program" "$tmp/"; done
tool=$tmp/tcpstate
spaces=(tcps-o1 tcps-o2)
times=${TCPSTATE_ROUNDS-8}
within=${TCPSTATE_OFF_MS-1000}	# the debug kernel is slower

# Two CLOSE_WAITs that nobody closes, which is info here after a second; both namespaces, and the initial one, have more.
trouble() {
	module_load && "$tool" off >"$tmp/out" && "$tool" on >"$tmp/out" || return	# the first time it is read from a disk
	netns tcps-o1 && netns tcps-o2 &&
	"$tool" -N tcps-o1 config set settle-seconds=0 repeat-seconds=0 close-wait-info-count=2 close-wait-info-age=1 >"$tmp/out" || return
	"$tool" -N tcps-o1 alerts --follow -j >"$tmp/follow" &
	pids+=($!)
	listens tcps-o1 || return
	"$tmp/traffic" -s 1 -n 100 -p 20 >"$tmp/out" && ip netns exec tcps-o2 "$tmp/traffic" -s 1 -n 100 -p 20 >"$tmp/out" &&
	serve tcps-o1 127.0.0.1 7000 keep && client tcps-o1 127.0.0.1 7000 2 && echo shut >&5 && raised 1
}
# How many of these words have been told of alerts
told() { grep -c "\"action\": *\"$1\"" "$tmp/follow"; }
raised() {	# TIMES
	local i
	for ((i = 0; i < looks; i++)); do
		[ "$(told raise)" != "$1" ] || return 0
		sleep 0.1
	done
	diag "raised $(told raise) times, wanted $1: $(<"$tmp/follow")"
	return 1
}
switched() {	# on|off
	local t
	t=$(now_ms)
	"$tool" "$1" >"$tmp/out" 2>"$tmp/err" || { diag "$1: $(<"$tmp/err")"; return 1; }
	took=$(($(now_ms) - t))
}
says_off() { is "$1" "$(<"$tmp/err")" "tcpstate: switched off; switch it on with: tcpstate on"; }	# WHAT
nothing() {	# NS
	snapshot_of "$1" && is "$1: tracked" "$tracked" 0 && is "$1: states" "$nine" "" && is "$1: listeners" "$S_LISTEN" 0 &&
	is "$1: coverage" "$coverage" off && ! "$tool" -N "$1" list --no-header >"$tmp/out" 2>"$tmp/err" && is "$1: listed" "$(<"$tmp/out")" "" && says_off "$1: list" &&
	! grep "^alert\|^listener" "$tmp/snapshot"
}
nothing_anywhere() {
	local ns
	for ns in "$@"; do nothing $ns || return; done
	snapshot && is "initial: tracked" "$tracked" 0 && is "initial: listeners" "$S_LISTEN" 0
}
withdrawn() {
	is "raised" "$(told raise)" 1 && is "cleared" "$(told clear)" 1 && grep '"clear"' "$tmp/follow" | grep -q '"withdrawn": *true' &&
	"$tool" -N tcps-o1 alerts -j >"$tmp/out" && is "ended" "$(grep -o '"withdrawn": *true' "$tmp/out" | busybox wc -l)" 1 && return
	diag "$(<"$tmp/follow")"
	return 1
}
# No false difference, and no silence that could be taken for quiet
says() {
	! "$tool" -N tcps-o1 verify >"$tmp/out" 2>"$tmp/err" && is "verify" "$(<"$tmp/out")" "" && says_off verify || return
	busybox timeout 1 "$tool" -N tcps-o1 events >"$tmp/out" 2>"$tmp/err"
	is "events" "$(<"$tmp/out")" "" && says_off events || return
	busybox timeout 1 "$tool" -N tcps-o1 alerts --follow >"$tmp/out" 2>"$tmp/err"
	is "alerts --follow" "$(<"$tmp/out")" "" && says_off "alerts --follow" || return
	"$tool" show >"$tmp/out" && grep -q "switched off.*tcpstate on" "$tmp/out" && "$tool" show -j >"$tmp/out" &&
	grep -q '"coverage": *"off"' "$tmp/out" && grep -q '"on_ms": *null' "$tmp/out" && return
	diag "$(<"$tmp/out")"
	return 1
}
# A minute in which the trouble goes on, and a namespace comes and one goes.
nothing_counted() {
	local before
	snapshot_of tcps-o2 || return
	before="$T_transitions $T_invalid $T_untracked"
	netns tcps-o3 && ip netns add tcps-o4 && ip netns del tcps-o4 || return
	for ns in tcps-o2 tcps-o3; do ip netns exec $ns "$tmp/traffic" -s 2 -n 100 -p 20 >"$tmp/out" || return; done
	echo echo >&5	# the connections with a record, too, go on
	sleep 60
	snapshot_of tcps-o2 && is "transitions, invalid, untracked" "$T_transitions $T_invalid $T_untracked" "$before" &&
	nothing_anywhere "${spaces[@]}" tcps-o3 && is "raised" "$(told raise)" 1
}
equal() { "$tmp/same" -d "${spaces[@]}" - && snapshot && is coverage "$coverage" full; }
refused() {
	local text
	text=$(unshare -r -n "$tool" off 2>&1)
	is "exit status" $? 1 && is "text" "$text" "tcpstate: it is for all network namespaces: only from the initial user namespace" &&
	snapshot && is coverage "$coverage" full
}
often() {
	local i slowest=0 seed
	for ns in "${spaces[@]}" -; do
		seed=$RANDOM
		diag "$ns: traffic by seed $seed"
		exec_ns $ns "$tmp/traffic" -s $seed -t 100000 -p 20 </dev/null >>"$tmp/traffic.out" 2>&1 &
		pids+=($!)
		moving+=($!)
	done
	for ((i = 0; i < times; i++)); do
		ip netns add tcps-oo && switched off && [ "$took" -le $within ] || { diag "off in $took ms"; return 1; }
		[ $took -le $slowest ] || slowest=$took
		sleep 0.0$((RANDOM % 9))
		ip netns del tcps-oo && switched on || return
		sleep 0.0$((RANDOM % 9))
	done
	diag "$times times, off in $slowest ms at most"
	for p in "${moving[@]}"; do kill -KILL $p; wait $p; done 2>/dev/null
	is "traffic" "$(grep -v ^done "$tmp/traffic.out")" "" && sleep 2
}
# misplaced: connections in $tmp/j that are counted elsewhere than with their server's listener, which is on any address;
# those that are there; and the former's peers
misplaced() {
	python3 -S - "$tmp/j" <<-'END'
		import json, sys
		x = json.load(open(sys.argv[1]))
		ours = [l for l in x["listeners"] if l["local_addr"] in ("0.0.0.0", "::")]
		ports = {l["local_port"] for l in ours}
		ends = lambda peer: sum(n for state, n in peer["counts"].items() if state != "SYN_SENT")
		wrong = [l for l in x["listeners"] if l not in ours and l["local_port"] in ports]
		wrong += [p for p in x["peers"] if p["kind"] == "destination" and p["remote_port"] not in ports and ends(p)]
		print(sum(map(ends, wrong)), sum(map(ends, ours)) - len(ours), json.dumps(wrong)[:1000])
	END
}
# Connections to servers on any address begin while it is switched on: each belongs to its listener from the first.
anywhere() {
	local i wrong right what rights=0
	netns tcps-oa || return
	exec_ns tcps-oa "$tmp/traffic" -a -s 4 -t 100000 -p 20 </dev/null >"$tmp/traffic.out" 2>&1 &
	pids+=($!)
	sleep 2
	for ((i = 0; i < times; i++)); do
		switched off && sleep 0.0$((RANDOM % 9)) && switched on && sleep 0.3 && "$tool" -N tcps-oa show -j >"$tmp/j" &&
		read -r wrong right what < <(misplaced) || return
		is "misplaced, beside $right" "$wrong" 0 || { diag "$what"; return 1; }
		rights=$((rights + right))
	done
	diag "$rights of servers on any address"
	is "traffic" "$(<"$tmp/traffic.out")" "" && ge "of servers on any address" "$rights" $((times * 20))
}
# Namespaces with a table of established sockets of their own are gone through one after the other; the second one takes
# long, and meanwhile the one before it goes. The third one's connections are found all the same.
tables() {
	local i n=6 pid
	own_table() {	# NS BUCKETS
		busybox sysctl -qw net.ipv4.tcp_child_ehash_entries="$2" && netns "$1"
	}
	for ((i = 0; i < n; i++)); do own_table tcps-ox$i 1024 || return; done
	own_table tcps-oy 2097152 && own_table tcps-oz 1024 && busybox sysctl -qw net.ipv4.tcp_child_ehash_entries=0 || return
	mkfifo "$tmp/never" && exec 6<>"$tmp/never" || return
	: >"$tmp/traffic.out"
	exec_ns tcps-oz "$tmp/traffic" -s 5 -n 200 -p 50 -w <&6 >"$tmp/traffic.out" 2>&1 &
	pids+=($!)
	for ((i = 0; i < looks; i++)); do grep -q ^done "$tmp/traffic.out" && break; sleep 0.1; done
	for ((i = 0; i < n; i++)); do
		switched off || return
		{ sleep 0.0$((i * 15 + 10)); ip netns del tcps-ox$i; } &
		pid=$!
		switched on && wait $pid && sleep 0.2 && "$tmp/same" -d tcps-oz || return
	done
}
unloaded_off() { switched off && module_unload && [ ! -e /sys/kernel/slab/tcps_conn ]; }
off_at_load() {
	log_mark off && module_insert off=1 && loaded_here=1 && nothing_anywhere "${spaces[@]}" && log_since off | grep -q "switched off" &&
	"$tmp/traffic" -s 3 -n 50 -p 20 >"$tmp/out" && nothing_anywhere "${spaces[@]}"
}

log_mark
check "an alert, and connections in all namespaces" trouble
check "off" switched off
diag "off in $took ms"
check "within a second" le took "$took" $within
check "nothing is left, in any namespace" nothing_anywhere "${spaces[@]}"
check "the alert is withdrawn, once" withdrawn
check "every reader says it" says
check "nothing is counted or told for a minute" nothing_counted
check "off again" switched off
spaces+=(tcps-o3)
on_again() {
	local ms
	switched on && diag "on in $took ms" && sleep 1 && ms=$("$tool" show -j | busybox sed 's/.*"on_ms": *\([0-9]*\).*/\1/') &&
	ge "on_ms" "$ms" 1000 && le "on_ms" "$ms" $((within + 9000)) && equal
}
check "on: what there is is what the kernel has" on_again
check "the trouble is told again, once" raised 2
check "a container's root may not" refused
check "on and off under traffic" often
check "what there is is what the kernel has" equal
check "servers on any address: no connection is counted elsewhere" anywhere
check "tables of their own, while a namespace goes" tables
loaded_off() { unloaded_off && off_at_load && switched on && sleep 1 && equal; }
check "unloaded while off; loaded with off=1, then on" loaded_off
end_all
check "the kernel log is clean" log_clean
finish
