#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The tracepoint tcpstate:tcpstate_transition: what one connection over lo, closed by the client first, says.
. "$(dirname "$0")/lib.sh"
plan 6
need ip; need busybox

tracing=/sys/kernel/tracing
[ -e $tracing/trace ] || mount -t tracefs tracefs $tracing
event=$tracing/events/tcpstate/tcpstate_transition

# Of each end: whose state (local: of the socket itself, remote: of its far end as far as proved), from, to.
# Where sockets tell, the far end's transition comes with the segment, and ours when the socket has seen that.
golden_packets_client="local CLOSE SYN_SENT 'SYN sent'
local SYN_SENT ESTABLISHED 'ACK of SYN received'
remote CLOSE LISTEN 'listen()'
remote LISTEN SYN_RECV 'SYN received, SYN-ACK sent'
local ESTABLISHED FIN_WAIT1 'FIN sent'
local FIN_WAIT1 FIN_WAIT2 'ACK of FIN received'
remote SYN_RECV ESTABLISHED 'ACK of SYN received'
remote ESTABLISHED CLOSE_WAIT 'FIN received in sequence'
local FIN_WAIT2 TIME_WAIT 'FIN received in sequence'
remote CLOSE_WAIT LAST_ACK 'FIN sent'"
golden_packets_server="local LISTEN SYN_RECV 'SYN received, SYN-ACK sent'
remote CLOSE SYN_SENT 'SYN sent'
local SYN_RECV ESTABLISHED 'ACK of SYN received'
remote SYN_SENT ESTABLISHED 'ACK of SYN received'
local ESTABLISHED CLOSE_WAIT 'FIN received in sequence'
remote ESTABLISHED FIN_WAIT1 'FIN sent'
local CLOSE_WAIT LAST_ACK 'FIN sent'
local LAST_ACK CLOSE 'ACK of FIN received'
remote FIN_WAIT1 FIN_WAIT2 'ACK of FIN received'
remote FIN_WAIT2 TIME_WAIT 'FIN received in sequence'"

golden_sockets_client="local CLOSE SYN_SENT 'SYN sent'
remote CLOSE LISTEN 'listen()'
remote LISTEN SYN_RECV 'SYN received, SYN-ACK sent'
local SYN_SENT ESTABLISHED 'ACK of SYN received'
local ESTABLISHED FIN_WAIT1 'FIN sent'
remote SYN_RECV ESTABLISHED 'ACK of SYN received'
remote ESTABLISHED CLOSE_WAIT 'FIN received in sequence'
local FIN_WAIT1 FIN_WAIT2 'ACK of FIN received'
remote CLOSE_WAIT LAST_ACK 'FIN sent'
local FIN_WAIT2 TIME_WAIT 'FIN received in sequence'"
golden_sockets_server="local LISTEN SYN_RECV 'SYN received, SYN-ACK sent'
remote CLOSE SYN_SENT 'SYN sent'
remote SYN_SENT ESTABLISHED 'ACK of SYN received'
local SYN_RECV ESTABLISHED 'ACK of SYN received'
remote ESTABLISHED FIN_WAIT1 'FIN sent'
local ESTABLISHED CLOSE_WAIT 'FIN received in sequence'
local CLOSE_WAIT LAST_ACK 'FIN sent'
remote FIN_WAIT1 FIN_WAIT2 'ACK of FIN received'
remote FIN_WAIT2 TIME_WAIT 'FIN received in sequence'
local LAST_ACK CLOSE 'ACK of FIN received'"
# An endpoint of its own, which may end before the connection does or after.
golden_sockets_listener="local CLOSE LISTEN 'listen()'
local LISTEN CLOSE 'no socket left'"

exists() {
	local f
	for f in netns family lport rport local oldstate newstate event laddr raddr; do
		grep -q "field:.* $f\(\[[^]]*\]\)\?;" $event/format || { diag "no field $f"; return 1; }
	done
	grep -q '"CLOSE_WAIT"' $event/format || { diag "states have no names"; return 1; }
	# Programs that read the format take the text up to the next quote: there must be none within.
	busybox awk '/^print fmt:/ { s = substr($0, 1, index($0, ", REC->")); exit gsub(/"/, "", s) != 2 }' $event/format ||
		{ diag "$(grep 'print fmt' $event/format)"; return 1; }
}
# Of this connection, in this namespace: what former tests have left in others, at the same port, ends when it likes.
ours() { grep "tcpstate_transition: netns=$inum .*:7000 " $tracing/trace; }
# moves server|client|listener: the transitions of that record, whose local port is 7000 or another; a listener's far end has none
moves() {
	busybox awk -v who="$1" '/tcpstate_transition:/ {
		is = $0 ~ / remote=[^ ]*:0 / ? "listener" : $0 ~ / local=[^ ]*:7000 / ? "server" : "client"
		if (is != who)
			next
		sub(/.* end=/, ""); sub(/oldstate=/, ""); sub(/newstate=/, ""); sub(/event=/, "")
		print
	}' "$tmp/trace"
}
connection() {	# ADDRESS
	local inum
	inum=$(ip netns exec tcps-t busybox readlink /proc/self/ns/net) || return
	inum=${inum#*[}; inum=${inum%]}
	echo >$tracing/trace
	echo 1 >$event/enable
	serve tcps-t "$1" 7000 keep && client tcps-t "$1" 7000 1 && wait_nine tcps-t 3000 "ESTABLISHED=2" &&
	echo shut >&5 && wait_nine tcps-t 3000 "FIN_WAIT2=1 CLOSE_WAIT=1" &&
	kill -KILL "$serve_pid" && { wait "$serve_pid"; } 2>/dev/null
	wait_nine tcps-t 3000 "TIME_WAIT=1"
	echo 0 >$event/enable
	ours >"$tmp/trace"
	end_all
}
same_list() {	# NAME FOUND WANTED
	[ "$2" = "$3" ] && return
	diag "$1, wanted:"; busybox sed 's/^/# /' <<<"$3"
	diag "$1, found:"; busybox sed 's/^/# /' <<<"$2"
	return 1
}
golden() {	# ADDRESS
	local client=$golden_packets_client server=$golden_packets_server listener=
	netns tcps-t && snapshot_of tcps-t || return
	[ "$coverage" != full ] || client=$golden_sockets_client server=$golden_sockets_server listener=$golden_sockets_listener
	connection "$1" &&
	same_list "server" "$(moves server)" "$server" &&
	same_list "listener" "$(moves listener)" "$listener" &&
	same_list "client" "$(moves client)" "$client"
	local err=$?
	ip netns del tcps-t
	return $err
}
# Whatever has the client's port is of this connection.
own_namespace() {
	local port want=20
	netns tcps-t && connection 127.0.0.1 || return
	port=$(busybox sed -n 's/.* local=[^ ]*:7000 remote=[^ ]*:\([1-9][0-9]*\) .*/\1/p' "$tmp/trace" | busybox head -n 1)
	is "events of the connection" "$(grep -c "tcpstate_transition:.*:$port " $tracing/trace)" $want || return
	snapshot
	[ "$coverage" != full ] || want=22	# the listener's
	is "events of the namespace" "$(grep -c . "$tmp/trace")" $want
}

log_mark
check "module loaded" module_load
check "the event exists and has its fields" exists
check "the transitions of a connection over 127.0.0.1" golden 127.0.0.1
check "the transitions of a connection over ::1" golden ::1
check "all are of their namespace" own_namespace
echo >$tracing/trace
check "the kernel log is clean" log_clean
finish
