#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The reader against the module: what it prints is what there is, -j can be parsed, refusals have one line and the right
# exit status. TCPSTATE_TOOL is the program (../build/bin/tcpstate).
. "$(dirname "$0")/lib.sh"
plan 13
need ip; need python3; need busybox

tool=${TCPSTATE_TOOL-$here/../build/bin/tcpstate}
need "$tool"
busybox cp "$tool" "$tmp/tcpstate"
tool=$tmp/tcpstate

# holds FILE EXPRESSION: of the JSON document x; several lines are a list
holds() {
	python3 - "$1" "$2" <<-'END'
		import json, sys
		text = open(sys.argv[1]).read()
		try:
		    x = json.loads(text)
		except ValueError:
		    x = [json.loads(line) for line in text.splitlines()]
		if not eval(sys.argv[2]):
		    print("#", sys.argv[2], "does not hold of", text[:500])
		    sys.exit(1)
	END
}
# refused STATUS TEXT ARGUMENT...: nothing on stdout, one line on stderr
refused() {
	local status=$1 text=$2 err=0
	shift 2
	"$tool" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null || err=$?
	is "exit status of '$*'" "$err" "$status" && is "lines on stderr" "$(busybox wc -l <"$tmp/err")" 1 &&
	is "bytes on stdout" "$(busybox wc -c <"$tmp/out")" 0 || return
	grep -qF -- "$text" "$tmp/err" || { diag "'$*' says: $(<"$tmp/err")"; return 1; }
}

# Three leaked CLOSE_WAITs: the client has closed, its server forgets to.
connections() {
	module_load && netns tcps-t && serve tcps-t 127.0.0.1 7000 keep && client tcps-t 127.0.0.1 7000 3 && echo shut >&5 &&
	wait_nine tcps-t 3000 "FIN_WAIT2=3 CLOSE_WAIT=3" || return
	listeners=0
	[ "$coverage" != full ] || listeners=1
}
absent() {
	! module_loaded || module_unload || return
	refused 3 "modprobe tcpstate" show && refused 3 "modprobe tcpstate" list && refused 3 "modprobe tcpstate" events
}
shown() {
	"$tool" -N tcps-t show -j >"$tmp/j" &&
	holds "$tmp/j" "x['states']['CLOSE_WAIT']['count'] == 3 and len(x['states']) == 11" &&
	holds "$tmp/j" "x['states']['LISTEN']['count'] == $listeners and x['tracked'] == 6 + $listeners"
}
listed() {
	"$tool" -N tcps-t list -j >"$tmp/j" &&
	holds "$tmp/j" "len([e for e in x['endpoints'] if e['local_state'] != 'LISTEN']) == 6" &&
	holds "$tmp/j" "[(e['local_port'], e['remote_addr'], e['remote_port'], e['remote_state'])
		for e in x['endpoints'] if e['local_state'] == 'LISTEN'] == $listeners * [(7000, '0.0.0.0', 0, 'CLOSE')]" &&
	"$tool" -N tcps-t list -j -s close-wait >"$tmp/j" &&
	holds "$tmp/j" "[(e['local_port'], e['local_state']) for e in x['endpoints']] == 3 * [(7000, 'CLOSE_WAIT')]" &&
	"$tool" -N tcps-t list --no-header -s fin-wait-2 --dport 7000 >"$tmp/text" && is "lines" "$(grep -c '^FIN_WAIT2 .*127.0.0.1:7000' "$tmp/text")" 3 &&
	"$tool" -N tcps-t list -j --dst 10.0.0.0/8 >"$tmp/j" && holds "$tmp/j" "x['endpoints'] == []" &&
	"$tool" -N tcps-t list -j --older 1d >"$tmp/j" && holds "$tmp/j" "x['endpoints'] == []" &&
	"$tool" -N tcps-t list -j -n 2 --sort age >"$tmp/j" && holds "$tmp/j" "len(x['endpoints']) == 2"
}
# Who has them: the server; and of one that waits to be accepted, nobody.
held() {
	local pid
	"$tool" -N tcps-t list -jp -s close-wait >"$tmp/j" &&
	holds "$tmp/j" "[(e['holder']['kind'], e['holder']['processes'][0]['comm'], e['pid']) for e in x['endpoints']] == 3 * [('process', 'endpoint', None)]" &&
	holds "$tmp/j" "all(e['inode'] > 0 and e['cookie'] > 0 and e['socket_kind'] == 'full' for e in x['endpoints'])" &&
	"$tool" -N tcps-t list -p --no-header -s close-wait >"$tmp/text" && is "lines" "$(grep -c ' endpoint/[0-9]' "$tmp/text")" 3 || return
	ip netns exec tcps-t python3 -u - >"$tmp/queue" 2>&1 <<-'END' &
		import socket, time
		listener = socket.create_server(("127.0.0.1", 7001))
		client = socket.create_connection(("127.0.0.1", 7001))
		print("ready")
		time.sleep(600)
	END
	pid=$!
	pids+=($pid)
	await_line "$tmp/queue" && "$tool" -N tcps-t list -jp -s established >"$tmp/j" &&
	holds "$tmp/j" "sorted((e['local_port'] == 7001, e['holder']['kind']) for e in x['endpoints']) == [(False, 'process'), (True, 'not-accepted')]" &&
	"$tool" -N tcps-t list -p --no-header --sport 7001 -s established >"$tmp/text" &&
	is "lines" "$(grep -c 'not accepted yet' "$tmp/text")" 1 || return
	kill $pid
	wait_nine tcps-t 3000 "FIN_WAIT2=3 CLOSE_WAIT=3"
}
# All three are reset.
followed() {
	local pid
	"$tool" -N tcps-t events -j -s close-wait >"$tmp/j" 2>"$tmp/err" </dev/null &
	pid=$!
	pids+=($pid)
	listens tcps-t || return
	echo reset >&5
	wait_nine tcps-t 3000 "" || return
	sleep 2
	kill -INT $pid && wait $pid && is "stderr" "$(<"$tmp/err")" "" || return
	holds "$tmp/j" "len([e for e in x if e['end'] == 'local' and e['old_state'] == 'CLOSE_WAIT' and e['new_state'] == 'CLOSE']) == 3" &&
	holds "$tmp/j" "[e['seq'] for e in x] == sorted(e['seq'] for e in x)" &&
	holds "$tmp/j" "all(e['duration_ns'] > 0 for e in x if e['end'] == 'local')"
}
configured() {
	"$tool" -N tcps-t config set event-delay-ms=5 event-batch=64 >/dev/null && "$tool" -N tcps-t config get -j >"$tmp/j" &&
	holds "$tmp/j" "(x['event_delay_ms'], x['event_batch']) == (5, 64)" &&
	refused 2 "event-batch" -N tcps-t config set event-delay-ms=6 event-batch=65 &&
	"$tool" -N tcps-t config get -j >"$tmp/j" && holds "$tmp/j" "x['event_delay_ms'] == 5"
}
explained() {
	local state
	for state in established syn-sent syn-recv fin-wait1 fin-wait2 time-wait close close-wait last-ack listen closing; do
		"$tool" explain $state -j >"$tmp/j" && holds "$tmp/j" "x['state'] and x['normal'] and x['dont']" || return
		"$tool" explain $state >"$tmp/text" || return
		is "$state: lines of more than 80 columns" "$(grep -cE '.{81}' "$tmp/text")" 0 || return
	done
}
bad_input() {
	refused 2 "did you mean 'close-wait'" list -s close-wiat && refused 2 "300.0.0.1" list --dst 300.0.0.1 &&
	refused 2 "70000" list --sport 70000 && refused 2 "5x" list --older 5x && refused 2 "did you mean 'list'" lsit &&
	refused 2 "--sort" events --sort age && refused 1 "no-such" -N no-such list && refused 2 "did you mean '--state'" list --sate x
}
# As who has no capability in the namespace's owner.
unprivileged() {
	ip netns exec tcps-t busybox su -s /bin/sh nobody -c "$tool show -j" >"$tmp/j" && holds "$tmp/j" "x['tracked'] >= 0" || return
	local sub
	for sub in list events; do
		! ip netns exec tcps-t busybox su -s /bin/sh nobody -c "$tool $sub" >"$tmp/out" 2>"$tmp/err" || { diag "$sub was let in"; return 1; }
		grep -q CAP_NET_ADMIN "$tmp/err" || { diag "$sub says: $(<"$tmp/err")"; return 1; }
	done
}
# A closed pipe ends quietly.
piped() {
	local n
	client tcps-t 127.0.0.1 7000 200 || return
	n=$({ "$tool" -N tcps-t list 2>"$tmp/err"; echo "${?}" >"$tmp/status"; } | busybox head -n 1 | busybox wc -l)
	is "lines" "$n" 1 && is "stderr" "$(<"$tmp/err")" ""
}
framed() {
	"$tool" -N tcps-t top >"$tmp/text" 2>&1 </dev/null || return
	grep -q "^ESTABLISHED *400 " "$tmp/text" || { diag "$(<"$tmp/text")"; return 1; }
	is "control characters" "$(grep -c '[[:cntrl:]]' "$tmp/text")" 0 && is "lines of more than 80 columns" "$(grep -cE '.{81}' "$tmp/text")" 0
}

log_mark
busybox chmod 755 "$tmp" "$tool"
check "without the module: exit 3, and what to do" absent
check "connections" connections
check "show" shown
check "list, with filters" listed
check "who has the sockets" held
check "events" followed
check "config" configured
check "explain" explained
check "bad input: one line, exit 2" bad_input
check "without CAP_NET_ADMIN" unprivileged
check "a closed pipe" piped
check "top, not on a terminal" framed
check "the kernel log is clean" log_clean
finish
