#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Module parameters: wrong ones are refused with a line in the kernel log that names the parameter; right ones take
# effect. A full table drops nothing, counts what it cannot track, and has room again afterwards.
. "$(dirname "$0")/lib.sh"
plan 15
need ip; need busybox; need insmod; need rmmod

# refused VALUE WHY: the load fails, and the log names parameter and value, or says WHY
refused() {
	log_mark "$1"
	if module_insert "max_endpoints=$1" 2>"$tmp/err"; then
		diag "max_endpoints=$1 was taken"
		module_unload
		return 1
	fi
	! module_loaded || { diag "/proc/tcpstate is there"; return 1; }
	! grep -q '^tcpstate ' /proc/modules || { diag "the module is there"; return 1; }
	log_since "$1" >"$tmp/log"
	grep -q "tcpstate.*max_endpoints" "$tmp/log" && grep -q -- "$2" "$tmp/log" && return
	diag "the kernel log does not say it: $(<"$tmp/log") insmod: $(<"$tmp/err")"
	return 1
}
limits() {	# PARAMETER INITIAL OTHER
	module_load ${1:+"$1"} && snapshot && is "limit" "$limit" "$2" &&
	netns tcps-p && snapshot_of tcps-p && is "limit of another namespace" "$limit" "$3"
}
default_limit() {
	local key kb rest want
	read -r key kb rest </proc/meminfo
	module_load max_endpoints=0 && snapshot || return
	want=$limit
	# RAM / 64 / 256 bytes; what the kernel itself takes is not in MemTotal's 2 % either way
	ge "limit" "$want" 16384 && le "limit" "$want" $((kb * 1024 / 64 / 256 * 102 / 100 + 16384)) &&
	module_load && snapshot && is "limit without the parameter" "$limit" "$want" &&
	is "the parameter as it reads" "$(cat /sys/module/tcpstate/parameters/max_endpoints)" "$want"
}
full() {
	serve tcps-p 127.0.0.1 7000 keep && client tcps-p 127.0.0.1 7000 300 || return
	snapshot_of tcps-p
	is "tracked" "$tracked" 256 && ge "untracked" "$T_untracked" 344 && is "states" "$nine" "ESTABLISHED=$((256 - S_LISTEN)) "
}
still_flows() {
	local before=$T_untracked
	echo echo >&5
	sleep 1
	is "client" "$(busybox tail -n 1 "$tmp/client")" echo && snapshot_of tcps-p && ge "untracked" "$T_untracked" $((before + 344 / 2)) &&
	ss_nine tcps-p && is "ss" "$ss_is" "ESTABLISHED=600 "
}
initial_has_room() {
	serve - 127.0.0.1 7000 close && "$bin/traffic" -n 100 -p 100 >/dev/null && snapshot &&
	is "untracked in the initial namespace" "$T_untracked" 0
}
room_again() {
	local before
	echo reset >&5
	wait_nine tcps-p 3000 "" || return
	is "tracked" "$tracked" "$S_LISTEN" || return
	end_all		# whose sockets without a record say good-bye
	wait_nine tcps-p 1000 "" || return
	before=$T_untracked
	serve tcps-p 127.0.0.1 7001 keep && client tcps-p 127.0.0.1 7001 50 && wait_nine tcps-p 1000 "ESTABLISHED=100" &&
	is "untracked" "$T_untracked" "$before"
}

ORPHANS=200	# endpoints of former tests, at most

# hold NS PORT NUMBER: connections that last until end_all: nothing comes on their standard input, and it does not end
hold() {
	[ -p "$tmp/never" ] || { mkfifo "$tmp/never" && exec 6<>"$tmp/never"; } || return
	: >"$tmp/held"
	exec_ns "$1" "$bin/endpoint" connect 127.0.0.1 "$2" "$3" <&6 >"$tmp/held" 2>&1 &
	pids+=($!)
	await_line "$tmp/held"
}
# Four namespaces whose own limits make up the whole table: they get three quarters of it, less what is there already. That
# is also in namespaces which nobody has any more: orphans that still send for a former test keep them, for minutes.
fill_from_outside() {	# RECORDS
	local i sum=0
	for i in 0 1 2 3; do
		netns tcps-q$i && serve tcps-q$i 127.0.0.1 7000 keep && hold tcps-q$i 7000 150 &&
		ss_nine tcps-q$i && is "ss in namespace $i" "$ss_is" "ESTABLISHED=300 " || return
	done
	for i in 0 1 2 3; do
		snapshot_of tcps-q$i || return
		sum=$((sum + tracked))
	done
	le "tracked in four namespaces" "$sum" $((768 - $1)) && ge "tracked in four namespaces" "$sum" $((768 - $1 - ORPHANS))
}
# What the initial namespace has when the module is loaded is found where sockets tell, and is part of the table like any
# other record: here 60 connections that last as long as the test, and no TIME_WAIT, which would end in its midst.
others_leave_room() {
	local found=0
	end_all
	# All that the tests before have left. A TIME_WAIT lasts 60 s and up to 2.1 s more: its timer is that coarse.
	ip netns del tcps-p && sleep 64 || return
	serve - 127.0.0.1 7003 keep && hold - 7003 60 && module_load max_endpoints=1024 && snapshot || return
	if [ "$coverage" = full ]; then
		is "ESTABLISHED found" "$S_ESTABLISHED" 120 || return
		found=$((120 + S_LISTEN))
	fi
	is "found ($nine)" "$tracked" "$found" && fill_from_outside "$found" && snapshot &&
	is "still tracked in the initial namespace" "$tracked" "$found" || return
	serve - 127.0.0.1 7002 keep && hold - 7002 1 && snapshot &&
	is "tracked with another connection" "$tracked" $((found + 2 + (found ? 1 : 0))) &&
	is "untracked in the initial namespace" "$T_untracked" 0 || return
	# all of the quarter is for it, and no more
	hold - 7002 300 && snapshot && ge "tracked in the initial namespace" "$tracked" $((found + 256)) &&
	le "tracked in the initial namespace" "$tracked" $((found + 256 + ORPHANS)) &&
	ge "untracked" "$T_untracked" 1
}

! module_loaded || { was_loaded=1; module_unload; }
log_mark
check "max_endpoints=5 is refused" refused 5 "1024 to 16777216"
check "max_endpoints=1023 is refused" refused 1023 "1024 to 16777216"
check "max_endpoints=16777217 is refused" refused 16777217 "1024 to 16777216"
check "max_endpoints=99999999999 is refused" refused 99999999999 "invalid for parameter"
check "max_endpoints=abc is refused" refused abc "invalid for parameter"
check "max_endpoints=-1 is refused" refused -1 "invalid for parameter"
check "max_endpoints= is refused" refused "" "invalid for parameter"
check "max_endpoints=0 is the default" default_limit
check "max_endpoints=1024: a quarter for another namespace" limits max_endpoints=1024 1024 256
check "a full table tracks 256 and counts the rest" full
check "what is not tracked works all the same" still_flows
check "the initial namespace has room" initial_has_room
check "there is room again" room_again
end_all
check "four full namespaces leave a quarter to the initial one" others_leave_room
end_all
check "the kernel log is clean" log_clean
finish
