#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Real programs that misbehave (servers/): the alert comes in time, once, and says who has the sockets: process, systemd
# unit, port. With tcpstated a leak is a page where it takes half of the files that its holder may have open, without it
# never. TCPSTATE_TOOL is the program (../build/bin/tcpstate); tcpstated is beside it.
. "$(dirname "$0")/lib.sh"
plan 13
need ip; need python3; need busybox; need ldd

tool=${TCPSTATE_TOOL-$here/../build/bin/tcpstate}
daemon=${tool%/*}/tcpstated
need "$tool"; need "$daemon"
groups=/sys/fs/cgroup/system.slice

# What a program reads over a slow file system makes the clock of an exact-time machine leap: into memory with it.
memory() {
	local f
	python3 -IS - >"$tmp/files" <<-'END'
		import collections, json, os, selectors, socket, sys, threading, time
		for m in list(sys.modules.values()):
		    print(getattr(m, "__file__", None) or sys.executable)
		    print(getattr(m, "__cached__", None) or sys.executable)
	END
	for f in "$(command -v python3)" "$tool" "$daemon" "$here"/servers/*; do
		busybox readlink -f "$f"
		ldd "$f" 2>/dev/null | busybox sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' |
			busybox xargs -r -n 1 busybox readlink -f
	done >>"$tmp/files"
	busybox sort -u "$tmp/files" | while read -r f; do
		[ ! -f "$f" ] || busybox touch -c -r "$f" "$f"
	done
	"$tool" --version && "$daemon" --version && "$tool" explain time-wait && python3 -IS -c "import json"
}
# As run.sh does: where / is not a copy that memory holds, nothing is touched.
warm() {
	! grep -q "^overlay / overlay" /proc/mounts || memory >/dev/null
	busybox cp "$tool" "$daemon" "$here"/servers/*.py "$tmp/"
	tool=$tmp/tcpstate daemon=$tmp/tcpstated
}

# holds FILE EXPRESSION...: of x, the JSON documents in the file, one a line
holds() {
	python3 -IS - "$@" <<-'END'
		import json, os, sys
		x = [json.loads(line) for line in open(sys.argv[1])]

		leak = "close-wait-leak"

		def about(alert, port):
		    return "kind" in alert and alert["peer"]["local_port"] == port

		# Of a list the active alert about it, of which there is one
		def one(kind, port):
		    [a] = [a for a in x[0]["alerts"] if (a["kind"], a["cleared"]) == (kind, None) and about(a, port)]
		    return a

		def how(a):
		    return [a[k] for k in ("severity", "reason", "limit", "file_limit")]

		# Is it the socket that the process has, and nobody else?
		def held(a, pid, unit):
		    h, comm = a["holder"], open(f"/proc/{pid}/comm").read().strip()
		    [p] = h["processes"]
		    return (p["pid"], p["comm"], h["kind"], h["process_count"]) == (pid, comm, "process", 1) and \
		           (h["unit"], h["container"], h["pod"]) == (unit, None, None) and \
		           os.readlink(f"/proc/{pid}/fd/{p['fd']}") == f"socket:[{a['peer']['inode']}]"

		# What has been told of an alert; other values are no news.
		def news(kind, port):
		    n = [e for e in x if about(e, port) and e["kind"] == kind]
		    return [e for e, last in zip(n, [{}] + n)
		            if e["action"] != "update" or e["severity"] != last["severity"]]

		def told(kind, port):
		    return [e["action"] + " " + e["severity"] for e in news(kind, port)]

		# Was the n-th news told after so many seconds, and at most two looks of the module's later?
		def after(kind, port, n, seconds, since, until, late=2.1):
		    ns = news(kind, port)[n]["time_ns"]
		    print("#", kind, port, told(kind, port)[n], "after %.3f s" % ((ns - since) / 1e9))
		    return since + seconds * 10**9 <= ns <= until + int((seconds + late) * 10**9)

		# Who is named by its lines
		def who(port):
		    holders = [e["holder"] for e in x if about(e, port)]
		    return {(h["unit"], *(p["pid"] for p in h["processes"])) for h in holders}

		for expression in sys.argv[2:]:
		    try:
		        ok = eval(expression)
		    except (ValueError, LookupError, TypeError, OSError) as e:
		        ok = print("#", repr(e))
		    if not ok:
		        print("#", expression, "does not hold of", *x[:20])
		        sys.exit(1)
	END
}

# server NS UNIT FILES PROGRAM ARGUMENT...: in the unit's control group, with so many files; server_pid is its process
server() {
	local ns=$1 unit=$2 files=$3 program=$4
	shift 4
	mkdir -p "$groups/$unit" && : >"$tmp/$unit.out" || return
	(echo $BASHPID >"$groups/$unit/cgroup.procs" && ulimit -n "$files" &&
		exec_ns "$ns" python3 -IS "$tmp/$program" "$@") </dev/null >"$tmp/$unit.out" 2>&1 &
	server_pid=$!
	pids+=($!)
	await_line "$tmp/$unit.out"
}
# clients NS PORT NUMBER CLOSE: opened and closed are when that was, two times each, with a comma between
clients() {
	local out=$tmp/clients.$1.$2 a b c d
	: >"$out"
	exec_ns "$1" python3 -IS "$tmp/client.py" "$2" "$3" "$4" </dev/null >"$out" 2>&1 &
	pids+=($!)
	await_line "$out" && read -r _ a b c d <"$out" && opened=$a,$b closed=$c,$d
}
# follow NS: what happens to its alerts; nothing is quiet, and once is once, not because it is not told again so soon
follow() {
	netns "$1" && "$tool" -N "$1" config set settle-seconds=0 repeat-seconds=0 >/dev/null || return
	"$tool" -N "$1" alerts --follow -j </dev/null >"$tmp/$1.told" 2>&1 &
	pids+=($!)
	listens "$1"
}
# heard NS SECONDS ACTION KIND SEVERITY [PORT]: until that has been told
heard() {
	local i want="\"action\":\"$3\".*\"kind\":\"$4\",\"severity\":\"$5\".*\"local_port\":${6-}"
	for ((i = 0; i <= $2; i += 5)); do
		! grep -q "$want" "$tmp/$1.told" || return 0
		sleep 5
	done
	diag "$1: not told within $2 s: $3 $4 $5 ${6-}"
	return 1
}
# killed PID...: as by a restart of the service; killed is from when to when
killed() {
	local pid
	killed=${EPOCHREALTIME/./}000
	kill -KILL "$@"
	for pid; do wait "$pid"; done 2>/dev/null
	killed+=,${EPOCHREALTIME/./}000
}
alerts() { "$tool" -N "$1" alerts -j >"$tmp/j" 2>"$tmp/err" && is "stderr" "$(<"$tmp/err")" ""; }

# All at the same time, each in a namespace of its own; other units have other processes.
in_trouble() {
	module_load && follow tcps-stuck && follow tcps-forgets && follow tcps-idle || return
	server tcps-stuck orders.service 1024 stuck_pool.py 7001 120 && stuck_pid=$server_pid &&
	server tcps-forgets billing.service 200 forgets_close.py 7002 && forgets_pid=$server_pid &&
	server tcps-idle gate.service 1024 never_accepts.py 7003 && idle_pid=$server_pid &&
	clients tcps-stuck 7001 120 120 && stuck_closed=$closed &&
	clients tcps-forgets 7002 120 120 && forgets_closed=$closed &&
	clients tcps-idle 7003 95 40 && idle_opened=$opened
}
# Some clients have given up meanwhile, which is no leak of the server's.
not_accepted() {
	heard tcps-idle 20 raise accept-stalled page && sleep 30 && alerts tcps-idle &&
	holds "$tmp/j" "[a['kind'] for a in x[0]['alerts']] == ['accept-stalled']" \
		"all(a['peer']['kind'] == 'listener' for a in x[0]['alerts'])" \
		"all(held(a, $idle_pid, 'gate.service') for a in x[0]['alerts'])" \
		"how(one('accept-stalled', 7003)) == ['page', 'not-accepted', 10, None]" \
		"[(a['peer']['queue'], a['peer']['backlog']) for a in x[0]['alerts']] == [(95, 100)]" &&
	holds "$tmp/tcps-idle.told" "after('accept-stalled', 7003, 0, 15, $idle_opened)" \
		"all(held(e, $idle_pid, 'gate.service') for e in x)"
}
# leaks NS PORT UNIT PID SINCE SEVERITY SECONDS UNREAD LIMIT: now
leaks() {
	alerts "$1" &&
	holds "$tmp/j" "[a['kind'] for a in x[0]['alerts']] == [leak]" \
		"how(one(leak, $2)) == ['$6', 'leak', $9, None] and one(leak, $2)['value'] == 120" \
		"one(leak, $2)['peer']['kind'] == 'listener'" \
		"[one(leak, $2)['peer'][k] for k in ('idle', 'unread_eof', 'not_accepted')] == [120, $8, 0]" \
		"held(one(leak, $2), $4, '$3')" &&
	holds "$tmp/$1.told" "after(leak, $2, -1, $7, $5)" \
		"held(news(leak, $2)[-1], $4, '$3')"
}
few_as_info() {
	heard tcps-stuck 70 raise close-wait-leak info && heard tcps-forgets 70 raise close-wait-leak info &&
	leaks tcps-stuck 7001 orders.service $stuck_pid "$stuck_closed" info 60 120 10 &&
	leaks tcps-forgets 7002 billing.service $forgets_pid "$forgets_closed" info 60 0 10
}
stuck() {
	heard tcps-stuck 300 update close-wait-leak ticket &&
	leaks tcps-stuck 7001 orders.service $stuck_pid "$stuck_closed" ticket 300 120 100
}
forgets() {
	heard tcps-forgets 300 update close-wait-leak ticket &&
	leaks tcps-forgets 7002 billing.service $forgets_pid "$forgets_closed" ticket 300 0 100
}
# number PORT KIND: of the alert about it
number() {
	python3 -IS - "$tmp/j" "$@" <<-'END'
		import json, sys
		for a in json.load(open(sys.argv[1]))["alerts"]:
		    if (a["peer"]["local_port"], a["kind"]) == (int(sys.argv[2]), sys.argv[3]): print(a["id"])
	END
}
# explains NS PORT KIND UNIT PID TEXT: what is for people, and the same for programs
explains() {
	local id comm text
	alerts "$1" && id=$(number "$2" "$3") || return
	comm=$(<"/proc/$5/comm")
	"$tool" -N "$1" explain "$id" >"$tmp/text" && "$tool" -N "$1" explain "$id" -j >"$tmp/j" &&
	holds "$tmp/j" "x[0]['verdict'].startswith('$4 ($comm $5) ') and ':$2' in x[0]['verdict']" \
		"x[0]['alert']['id'] == $id and held(x[0]['alert'], $5, '$4')" \
		"'py-spy dump --pid $5 ' in x[0]['now']" \
		"'$6' in x[0]['verdict'] + x[0]['proof']" || return
	# Lines are broken between words.
	text=$(busybox tr -s '\n ' '  ' <"$tmp/text")
	[[ $text = "$4 ($comm $5) "*" PROOF "*" NOW "*"--pid $5 "*" UNKNOWN "* ]] && return
	diag "explain $id: $(<"$tmp/text")"
	return 1
}
explained() {
	explains tcps-stuck 7001 close-wait-leak orders.service $stuck_pid "the end of file has not been read" &&
	explains tcps-forgets 7002 close-wait-leak billing.service $forgets_pid "the end of file has been read" &&
	explains tcps-idle 7003 accept-stalled gate.service $idle_pid "is not accepting on :7003" &&
	explains tcps-idle 7003 accept-stalled gate.service $idle_pid "queue 95/100"
}
in_the_table() {
	"$tool" -N tcps-stuck alerts --no-header >"$tmp/text" && is "lines" "$(busybox wc -l <"$tmp/text")" 1 &&
	grep -qE '^ *[0-9]+ +ticket .* close-wait-leak :7001 +orders.service +120 +120$' "$tmp/text" && return
	diag "$(<"$tmp/text")"
	return 1
}
# More than half of the 200 files that it may have open are lost, but nobody has told the module of 200.
no_page() {
	sleep 300
	holds "$tmp/tcps-forgets.told" "told(leak, 7002) == ['raise info', 'update ticket']" \
		"all(e['kind'] == leak and e['severity'] != 'page' and e['file_limit'] is None for e in x)"
}
# Killed, as by a restart: all is over, and has been one alert each.
over() {
	killed $stuck_pid $forgets_pid $idle_pid
	heard tcps-stuck 310 clear close-wait-leak ticket &&
		heard tcps-forgets 10 clear close-wait-leak ticket || return
	sleep 60
	holds "$tmp/tcps-stuck.told" "told(leak, 7001) == ['raise info', 'update ticket', 'clear ticket']" \
		"after(leak, 7001, -1, 300, $killed)" "len({e['id'] for e in x}) == 1" &&
	holds "$tmp/tcps-forgets.told" "told(leak, 7002) == ['raise info', 'update ticket', 'clear ticket']" \
		"after(leak, 7002, -1, 300, $killed)" "len({e['id'] for e in x}) == 1" &&
	holds "$tmp/tcps-idle.told" "told('accept-stalled', 7003) == ['raise page', 'clear page']" \
		"after('accept-stalled', 7003, 1, 0, $killed)" "len({e['id'] for e in x}) == 1"
}

# Three that leak as much; one of them may have 200 files open, one 1,000, and the last is six processes, 200 each.
with_daemon() {
	netns tcps-page && follow_daemon || return
	server tcps-page small.service 200 forgets_close.py 7004 && small_pid=$server_pid &&
	server tcps-page large.service 1000 forgets_close.py 7005 && large_pid=$server_pid &&
	server tcps-page many.service 200 workers.py 7006 && many_pid=$server_pid &&
	clients tcps-page 7004 120 120 && small_closed=$closed && clients tcps-page 7005 120 120 && large_closed=$closed &&
	clients tcps-page 7006 120 120
}
follow_daemon() {
	"$tool" -N tcps-page config set settle-seconds=0 repeat-seconds=0 >/dev/null || return
	exec_ns tcps-page "$daemon" --json="$tmp/tcps-page.told" --log=none --state="$tmp/state" \
		</dev/null >"$tmp/daemon" 2>&1 &
	daemon_pid=$!
	pids+=($!)
	local i
	for ((i = 0; i < looks; i++)); do
		! grep -q '"module":"present"' "$tmp/tcps-page.told" 2>/dev/null || return 0
		sleep 0.1
	done
	diag "tcpstated: $(<"$tmp/daemon")"
	return 1
}
paged() {
	heard tcps-page 70 update close-wait-leak page 7004 && heard tcps-page 310 update close-wait-leak ticket 7005 &&
	heard tcps-page 10 update close-wait-leak ticket 7006 && alerts tcps-page &&
	holds "$tmp/j" "len(x[0]['alerts']) == 3" \
		"how(one(leak, 7006)) == ['ticket', 'leak', 100, 6 * 200]" \
		"how(one(leak, 7004)) == ['page', 'files', 100, 200]" \
		"one(leak, 7004)['value'] == 120 and held(one(leak, 7004), $small_pid, 'small.service')" \
		"how(one(leak, 7005)) == ['ticket', 'leak', 100, 1000]" \
		"held(one(leak, 7005), $large_pid, 'large.service')" &&
	explains tcps-page 7004 close-wait-leak small.service $small_pid "200 files may be open"
}
# The daemon hears of the raise, and the next look a second later makes a page of it. Its lines name the holder to the
# end.
daemon_tells() {
	local status=0
	killed $small_pid $large_pid
	echo 1 >"$groups/many.service/cgroup.kill" && wait $many_pid
	heard tcps-page 310 clear close-wait-leak page 7004 &&
		heard tcps-page 10 clear close-wait-leak ticket 7005 || return
	kill -TERM $daemon_pid
	wait $daemon_pid || status=$?
	is "exit status of tcpstated" $status 0 && is "lines that it has said" "$(busybox wc -l <"$tmp/daemon")" 1 &&
	holds "$tmp/tcps-page.told" "told(leak, 7004) == ['raise info', 'update page', 'clear page']" \
		"told(leak, 7005) == ['raise info', 'update ticket', 'clear ticket']" \
		"after(leak, 7004, 0, 60, $small_closed) and after(leak, 7004, 1, 60, $small_closed, 3.2)" \
		"after(leak, 7005, 1, 300, $large_closed)" \
		"after(leak, 7004, 2, 300, $killed) and after(leak, 7005, 2, 300, $killed)" \
		"[e['module'] for e in x if 'module' in e] == ['present'] and not any('lost' in e for e in x)" \
		"who(7004) == {('small.service', $small_pid)} and who(7005) == {('large.service', $large_pid)}"
}

log_mark
warm
busybox grep -q ' /sys/fs/cgroup cgroup2 ' /proc/mounts || bail "no cgroup2 at /sys/fs/cgroup"
check "three services in trouble" in_trouble
check "nobody accepts: pages, and who listens" not_accepted
check "leaks: info after a minute" few_as_info
check "stuck threads: a ticket after five minutes, and who" stuck
check "a forgotten close(): likewise" forgets
check "explain: process, unit, and whether the end was read" explained
check "the table" in_the_table
check "no page without tcpstated" no_page
check "killed: one raise, one clear" over
check "two services that leak, and tcpstated" with_daemon
check "half of the files: a page" paged
check "what tcpstated has told" daemon_tells
check "the kernel log is clean" log_clean
end_all
for unit in orders billing gate small large many; do busybox rmdir "$groups/$unit.service" 2>/dev/null; done
finish
