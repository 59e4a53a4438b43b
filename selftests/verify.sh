#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "tcpstate verify": nothing where all is well, at rest and under traffic; exactly what has no record where the limit is
# reached. TCPSTATE_TOOL is the program (../build/bin/tcpstate).
. "$(dirname "$0")/lib.sh"
plan 12
need ip; need python3; need busybox

tool=${TCPSTATE_TOOL-$here/../build/bin/tcpstate}
need "$tool"
busybox cp "$tool" "$tmp/tcpstate"
tool=$tmp/tcpstate

# holds EXPRESSION...: of the JSON document x in $tmp/j; several lines are a list
holds() {
	python3 -S - "$tmp/j" "$@" <<-'END'
		import json, sys
		x = [json.loads(line) for line in open(sys.argv[1])]
		if len(x) == 1: x = x[0]
		for expression in sys.argv[2:]:
		    if not eval(expression):
		        print("#", expression, "does not hold of", json.dumps(x)[:1500])
		        sys.exit(1)
	END
}
# verify STATUS [OPTION...]: the document is in $tmp/j
verify() {
	local want=$1 status=0
	shift
	"$tool" -N tcps-v verify -j "$@" >"$tmp/j" 2>"$tmp/err" </dev/null || status=$?
	is "exit status of 'verify $*'" "$status" "$want" && is "stderr" "$(<"$tmp/err")" "" && return
	diag "$(busybox head -c 1500 "$tmp/j")"
	return 1
}

# Sockets that no other program here has: SYN_SENT into nowhere, bound to an interface and link-local; listeners that
# share an address, and one on a v4-mapped address. tcpsx swallows everything.
odd_ones() {
	ip -n tcps-v link add tcpsx type dummy && ip -n tcps-v link set tcpsx up &&
	ip -n tcps-v addr add 192.0.2.1/24 dev tcpsx && ip -n tcps-v addr add fe80::1/64 dev tcpsx nodad || return
	: >"$tmp/odd"
	ip netns exec tcps-v python3 - >"$tmp/odd" 2>&1 <<-'END' &
		import socket, time
		def make(family, address, device=None):
		    s = socket.socket(family)
		    s.setblocking(False)
		    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
		    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_SYNCNT, 100)  # the clock can leap
		    if device: s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device)
		    kept.append(s)
		    return s
		kept = []
		for family, device, address in ((socket.AF_INET, None, ("192.0.2.2", 80)),
		                                (socket.AF_INET, b"tcpsx", ("192.0.2.2", 80)),
		                                (socket.AF_INET6, None, ("::ffff:192.0.2.2", 80)),
		                                (socket.AF_INET6, None, ("fe80::2", 80, 0, socket.if_nametoindex("tcpsx")))):
		    make(family, address, device).connect_ex(address)
		for family, address in 3 * [(socket.AF_INET, ("0.0.0.0", 9000))] + [(socket.AF_INET6, ("::", 9001)),
		                            (socket.AF_INET6, ("::ffff:127.0.0.1", 9002))]:
		    s = make(family, address)
		    s.bind(address)
		    s.listen()
		print("ready", flush=True)
		time.sleep(100000)
	END
	pids+=($!)
	await_line "$tmp/odd"
}
absent() {
	local err=0
	! module_loaded || module_unload || return
	"$tool" verify >"$tmp/out" 2>"$tmp/err" || err=$?
	is "exit status" $err 3 && is "stdout" "$(<"$tmp/out")" "" && grep -qF "modprobe tcpstate" "$tmp/err"
}
# Two connections that are bound to lo, over IPv6, to a listener that is, too
bound() {
	serve tcps-v ::1 7002 keep lo || return
	: >"$tmp/lo"
	exec_ns tcps-v "$bin/endpoint" connect ::1 7002 2 lo < <(exec sleep 100000 2>/dev/null) >"$tmp/lo" 2>&1 &
	pids+=($!)
	await_line "$tmp/lo"
}
connections() {
	module_load && netns tcps-v && odd_ones && bound &&
	serve tcps-v 127.0.0.1 7001 close && client tcps-v 127.0.0.1 7001 4 && echo close >&5 &&
	wait_nine tcps-v 5000 "ESTABLISHED=4 SYN_SENT=4 TIME_WAIT=4" &&
	serve tcps-v 127.0.0.1 7000 keep && client tcps-v 127.0.0.1 7000 3 && echo shut >&5 &&
	half_closed
}
# The TIME_WAITs end when they like.
half_closed() {
	local i
	for ((i = 0; i < 50; i++)); do
		snapshot_of tcps-v || return
		[ "$S_FIN_WAIT2 $S_CLOSE_WAIT" != "3 3" ] || return 0
		sleep 0.1
	done
	diag "found $nine"
	return 1
}
# Listeners are tracked where the sockets tell.
at_rest() {
	local listeners=None
	! in_ns tcps-v grep -q '^health coverage full' /proc/self/net/tcpstate || listeners=8
	verify 0 && holds \
		"x['verified'] is True and x['differences'] == [] and x['different'] == 0" \
		"[x['states'][s]['ours'] for s in ('ESTABLISHED', 'SYN_SENT', 'FIN_WAIT2', 'CLOSE_WAIT')] == [4, 4, 3, 3]" \
		"len(x['states']) == 11 and x['states']['CLOSE'] == {'kernel': None, 'ours': 0, 'different': None}" \
		"all(s['kernel'] == s['ours'] for s in x['states'].values() if None not in s.values())" \
		"x['states']['LISTEN']['kernel'] == 8 and x['states']['LISTEN']['ours'] == $listeners" \
		"x['endpoints'] == sum(s['kernel'] for s in x['states'].values() if None not in s.values())"
}
filtered() {
	: >"$tmp/all"
	local o
	for o in "-s close-wait" "-6 -s established,syn-sent" "-4 -s syn-sent" "-s established --dport 7002" "-4 --src 10.0.0.0/8"; do
		verify 0 $o || return
		busybox cat "$tmp/j" >>"$tmp/all"
	done
	busybox mv "$tmp/all" "$tmp/j"
	holds "list(x[0]['states']) == ['CLOSE_WAIT']" "[d['endpoints'] for d in x] == [3, 5, 3, 2, 0]" \
		"[s['kernel'] for s in x[1]['states'].values()] == [4, 1]"
}
# Of five connections neither end has room. No TIME_WAIT may end meanwhile and leave some.
no_room() {
	local ports
	sleep 62
	wait_nine tcps-v 5000 "ESTABLISHED=4 SYN_SENT=4 FIN_WAIT2=3 CLOSE_WAIT=3" && serve tcps-v 127.0.0.1 7003 keep &&
	snapshot_of tcps-v && "$tool" -N tcps-v config set limit="$tracked" || return
	mkfifo "$tmp/in6"
	exec_ns tcps-v "$bin/endpoint" connect 127.0.0.1 7003 5 <"$tmp/in6" >"$tmp/noroom" 2>&1 &
	fifth=$!
	pids+=($fifth)
	exec 6>"$tmp/in6"
	await_line "$tmp/noroom" && verify 1 -s established || return
	ports=$(in_ns tcps-v ss -Htan sport = :7003 | busybox awk '$1 == "ESTAB" { sub(/.*:/, "", $5); print $5 "," }')
	holds "x['verified'] is False and x['different'] == 10 and x['states']['ESTABLISHED']['different'] == 10" \
		"all((d['kernel'], d['ours'], d['count']) == ('ESTABLISHED', None, 1) for d in x['differences'])" \
		"sorted(d['remote_port'] for d in x['differences'] if d['local_port'] == 7003) == sorted([$ports])" \
		"sorted(d['local_port'] for d in x['differences'] if d['remote_port'] == 7003) == sorted([$ports])"
}
as_text() {
	local status=0
	"$tool" -N tcps-v verify -s established -n 4 >"$tmp/text" 2>"$tmp/err" || status=$?
	is "exit status" $status 1 && is "stderr" "$(<"$tmp/err")" "" &&
	is "lines" "$(grep -cE '^127\.0\.0\.1:[0-9]+ 127\.0\.0\.1:[0-9]+ kernel=ESTABLISHED ours=none$' "$tmp/text")" 4 &&
	is "last line" "$(busybox tail -n 1 "$tmp/text")" "and 6 more" &&
	is "summary" "$(grep -c '^verified 14 endpoints: 10 not as the kernel' "$tmp/text")" 1 &&
	is "lines of more than 80 columns" "$(grep -cE '.{81}' "$tmp/text")" 0 && return
	diag "$(<"$tmp/text")"
	return 1
}
restored() {
	"$tool" -N tcps-v config set limit=10000 && kill -KILL $fifth && exec 6>&- || return
	wait $fifth 2>/dev/null
	sleep 1
	verify 0 && holds "x['verified'] is True"
}
# Every connection moves all the time.
under_traffic() {
	local i
	ip netns exec tcps-v "$bin/traffic" -s 7 -t 100000 -p 100 </dev/null >"$tmp/traffic" 2>&1 &
	pids+=($!)
	sleep 1
	for ((i = 0; i < 3; i++)); do
		verify 0 || return
		diag "$(grep -oE '"endpoints":[0-9]+,"moved":[0-9]+' "$tmp/j")"
	done
	holds "x['endpoints'] > 100" && is "traffic" "$(<"$tmp/traffic")" ""
}
documents() {	# NUMBER: until there are so many
	local i
	for ((i = 0; i < looks; i++)); do
		[ "$(busybox wc -l <"$tmp/j")" -lt "$1" ] || return 0
		sleep 0.1
	done
	diag "not $1 documents: $(<"$tmp/err")"
	return 1
}
watched() {
	local pid
	"$tool" -N tcps-v verify -j --watch=1 -s close-wait >"$tmp/j" 2>"$tmp/err" </dev/null &
	pid=$!
	pids+=($pid)
	documents 3 || return
	kill -INT $pid && wait $pid && is "stderr" "$(<"$tmp/err")" "" && holds "len(x) >= 3 and all(d['verified'] for d in x)"
}
unprivileged() {
	! ip netns exec tcps-v busybox su -s /bin/sh nobody -c "$tool verify" >"$tmp/out" 2>"$tmp/err" || { diag "was let in"; return 1; }
	is "stdout" "$(<"$tmp/out")" "" && grep -q CAP_NET_ADMIN "$tmp/err"
}
unloaded_meanwhile() {
	local pid status=0
	"$tool" -N tcps-v verify -j --watch=1 >"$tmp/j" 2>"$tmp/err" </dev/null &
	pid=$!
	documents 1 && module_unload || return
	wait $pid || status=$?
	is "exit status" $status 3 && grep -qF "modprobe tcpstate" "$tmp/err"
}

log_mark
busybox chmod 755 "$tmp" "$tool"
check "without the module: exit 3, and what to do" absent
check "connections" connections
check "all as the kernel's sockets" at_rest
check "filters" filtered
check "no room: exactly the connections without a record" no_room
check "the same as text" as_text
check "with room again" restored
check "while connections move" under_traffic
check "watched until interrupted" watched
check "without CAP_NET_ADMIN" unprivileged
check "the module unloaded meanwhile" unloaded_meanwhile
check "the kernel log is clean" log_clean
finish
