#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The ways that packets take: two VRFs with one tuple, link-local addresses on two links, tunnels, a firewall that resets,
# offload, a tuple used again from here. Counts are compared with ss, and each transition is counted once.
#
#	tcps-a                                       tcps-r
#	  vrf red  -- ra 10.78.0.1/24, fe80::1  ---  rr 10.78.0.2/24, fe80::2
#	                                             tcps-b
#	  vrf blue -- ba 10.78.0.1/24, fe80::1  ---  br 10.78.0.2/24, fe80::2
#	  pa 10.79.0.1/24, tunnel 10.80.0.1/24  ---  pb 10.79.0.2/24, tunnel 10.80.0.2/24 (tcps-p)
. "$(dirname "$0")/lib.sh"
plan 14
need ip; need ss; need busybox
nft=$(program nft) || bail "nft is missing (scripts/fetch nftables)"

link() {	# NS DEVICE NS DEVICE
	in_ns "$1" busybox sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 &&
	in_ns "$3" busybox sysctl -qw net.ipv6.conf.default.addr_gen_mode=1 &&
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3"
}
up() {	# NS DEVICE ADDRESS...
	local ns=$1 dev=$2 a
	shift 2
	for a in "$@"; do ip -n "$ns" addr add "$a" dev "$dev" $([[ $a != *:* ]] || echo nodad) || return; done
	ip -n "$ns" link set dev "$dev" up
}
# Addresses behind the VRF: a link that is enslaved loses its IPv6 addresses.
vrf() {	# DEVICE TABLE SLAVE ADDRESS...
	local slave=$3
	ip -n tcps-a link add "$1" type vrf table "$2" && ip -n tcps-a link set dev "$1" up &&
	ip -n tcps-a link set dev "$slave" master "$1" || return
	shift 3
	up tcps-a "$slave" "$@"
}
topology() {
	netns tcps-a && netns tcps-r && netns tcps-b && netns tcps-p &&
	link tcps-a ra tcps-r rr && link tcps-a ba tcps-b br && link tcps-a pa tcps-p pb &&
	vrf red 10 ra 10.78.0.1/24 fe80::1/64 && vrf blue 20 ba 10.78.0.1/24 fe80::1/64 &&
	up tcps-r rr 10.78.0.2/24 fe80::2/64 && up tcps-b br 10.78.0.2/24 fe80::2/64 &&
	up tcps-a pa 10.79.0.1/24 fe80::1/64 && up tcps-p pb 10.79.0.2/24 fe80::2/64
}
nines() {	# NS "NINE" ...: our counts and ss's
	while [ $# -gt 0 ]; do
		wait_nine "$1" 3000 "$2" && ss_nine "$1" && is "ss in $1" "$ss_is" "${2:+$2 }" || return
		shift 2
	done
}
entered() {	# NS "STATE=N ...": by this test, since mark_entered
	local s=${2-} pair
	snapshot_of "$1" || return
	for pair in $s; do
		local name=E_${pair%=*} base=${1//-/_}_${pair%=*}
		is "entered ${pair%=*} in $1" $((${!name} - ${!base-0})) "${pair#*=}" || return
	done
	is "untracked in $1" "$T_untracked" 0
}
mark_entered() {	# NS...
	local ns s v
	for ns in "$@"; do
		snapshot_of "$ns" || return
		for s in ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT1 FIN_WAIT2 TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK; do
			v=E_$s
			printf -v "${ns//-/_}_$s" %s "${!v}"
		done
	done
}
# opens NAME NS ARGUMENT... of endpoint connect: commands go to the descriptor $NAME
opens() {
	local fifo=$tmp/in.$1 name=$1 ns=$2
	shift 2
	rm -f "$fifo"; mkfifo "$fifo"
	: >"$tmp/client.$name"	# no "ready" of an earlier one
	exec_ns "$ns" "$bin/endpoint" connect "$@" <"$fifo" >"$tmp/client.$name" 2>&1 &
	pids+=($!)
	eval "exec $name>\"$fifo\""
	await_line "$tmp/client.$name"
}
serves() {	# NS ADDRESS PORT MODE [DEVICE]
	: >"$tmp/serve"
	exec_ns "$1" "$bin/endpoint" serve "${@:2}" </dev/null >"$tmp/serve" 2>&1 &
	pids+=($!)
	await_line "$tmp/serve"
}
over() { exec 6>&- 7>&-; end_all; }

# One tuple twice. In a VRF LOCAL_OUT sees each segment two times: each transition counts once.
two_vrfs() {
	mark_entered tcps-a
	serves tcps-r 10.78.0.2 7000 keep && serves tcps-b 10.78.0.2 7000 keep &&
	opens 6 tcps-a 10.78.0.2 7000 1 red 5555 && opens 7 tcps-a 10.78.0.2 7000 1 blue 5555 && two_of_one
}
two_links() {
	mark_entered tcps-a
	serves tcps-r fe80::2%rr 7001 keep && serves tcps-b fe80::2%br 7001 keep &&
	opens 6 tcps-a fe80::2%ra 7001 1 - 5556 && opens 7 tcps-a fe80::2%ba 7001 1 - 5556 && two_of_one
}
two_of_one() {
	nines tcps-a "ESTABLISHED=2" tcps-r "ESTABLISHED=1" tcps-b "ESTABLISHED=1" &&
	entered tcps-a "SYN_SENT=2 ESTABLISHED=2" || return
	echo shut >&6
	nines tcps-a "ESTABLISHED=1 FIN_WAIT2=1" tcps-r "CLOSE_WAIT=1" tcps-b "ESTABLISHED=1" || return
	echo reset >&7
	nines tcps-a "FIN_WAIT2=1" tcps-r "CLOSE_WAIT=1" tcps-b "" &&
	entered tcps-a "SYN_SENT=2 ESTABLISHED=2 FIN_WAIT1=1 FIN_WAIT2=1 CLOSE=1"
}
# A listener in the VRF: the request's scope goes down to the child.
vrf_listener() {
	serves tcps-a 10.78.0.1 7002 keep red && opens 6 tcps-r 10.78.0.1 7002 3 &&
	nines tcps-a "ESTABLISHED=3" tcps-r "ESTABLISHED=3" || return
	echo shut >&6
	nines tcps-a "CLOSE_WAIT=3" tcps-r "FIN_WAIT2=3"
}
drained() {	# NS...: by the end of TIME_WAIT
	local ns
	over
	sleep 62
	for ns in "$@"; do wait_nine "$ns" 2000 "" || return; done
}

# The outer packets carry the inner connection's socket.
tunnel() {	# TYPE
	ip -n tcps-a link add tun1 type "$1" local 10.79.0.1 remote 10.79.0.2 &&
	ip -n tcps-p link add tun1 type "$1" local 10.79.0.2 remote 10.79.0.1 &&
	up tcps-a tun1 10.80.0.1/24 && up tcps-p tun1 10.80.0.2/24 || return
	mark_entered tcps-a tcps-p
	serves tcps-p 10.80.0.2 7003 keep && opens 6 tcps-a 10.80.0.2 7003 5 &&
	nines tcps-a "ESTABLISHED=5" tcps-p "ESTABLISHED=5" || return
	echo shut >&6
	nines tcps-a "FIN_WAIT2=5" tcps-p "CLOSE_WAIT=5" &&
	entered tcps-a "SYN_SENT=5 ESTABLISHED=5 FIN_WAIT1=5 FIN_WAIT2=5" &&
	entered tcps-p "SYN_RECV=5 ESTABLISHED=5 CLOSE_WAIT=5"
}
no_tunnel() { drained tcps-a tcps-p && ip -n tcps-a link del tun1 && ip -n tcps-p link del tun1; }

# A RST that a firewall sends ends the far end's socket. The one in whose name it was sent lives on.
reject() {
	serves tcps-p 10.79.0.2 7004 keep && opens 6 tcps-a 10.79.0.2 7004 2 &&
	nines tcps-a "ESTABLISHED=2" tcps-p "ESTABLISHED=2" &&
	in_ns tcps-p "$nft" 'add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in tcp dport 7004 reject with tcp reset' &&
	mark_entered tcps-a tcps-p || return
	echo echo >&6
	# before the firewall, our hook: LOCAL_IN runs last, so it has not even seen the byte
	nines tcps-a "" tcps-p "ESTABLISHED=2" && entered tcps-a "CLOSE=2" && entered tcps-p "CLOSE=0" || return
	sleep 1
	nines tcps-a "" tcps-p "ESTABLISHED=2"
}
drop_fin() {
	in_ns tcps-p "$nft" delete table ip t && over &&
	serves tcps-p 10.79.0.2 7005 keep && opens 6 tcps-a 10.79.0.2 7005 2 &&
	nines tcps-a "ESTABLISHED=2" tcps-p "ESTABLISHED=2" &&
	in_ns tcps-p "$nft" 'add table ip t; add chain ip t in { type filter hook input priority 0; }; add rule ip t in tcp flags & fin == fin drop' || return
	mark_entered tcps-p
	echo shut >&6
	# The FIN is dropped by a rule: the far end does not have it.
	nines tcps-a "FIN_WAIT1=2" tcps-p "ESTABLISHED=2" && in_ns tcps-p "$nft" delete table ip t &&
	wait_nine tcps-a 15000 "FIN_WAIT2=2" &&	# it comes again after up to 6.4 s
	nines tcps-a "FIN_WAIT2=2" tcps-p "CLOSE_WAIT=2" && entered tcps-p "CLOSE_WAIT=2"
}

# One skb is many segments, with the FIN at the end of the last.
offload() {
	serves tcps-p 10.79.0.2 7006 close && opens 6 tcps-a 10.79.0.2 7006 3 &&
	mark_entered tcps-a tcps-p || return
	in_ns tcps-a busybox sysctl -qw net.ipv4.tcp_tw_reuse=0
	in_ns tcps-p busybox cat /sys/class/net/pb/statistics/rx_packets >"$tmp/before" || return
	echo bulk >&6
	nines tcps-a "TIME_WAIT=3" tcps-p "" && entered tcps-a "FIN_WAIT1=3 FIN_WAIT2=3 TIME_WAIT=3" &&
	entered tcps-p "CLOSE_WAIT=3 LAST_ACK=3 CLOSE=3" || return
	local after
	after=$(in_ns tcps-p busybox cat /sys/class/net/pb/statistics/rx_packets)
	# 3,000,000 bytes are some 2,080 segments of an MSS of 1,448
	le "packets for 3,000,000 bytes" $((after - $(<"$tmp/before"))) 1500
}

# RFC 6191 from here: tcp_tw_reuse.
reuse() {
	in_ns tcps-a busybox sysctl -qw net.ipv4.tcp_tw_reuse=1
	serves tcps-p 10.79.0.2 7007 close && opens 6 tcps-a 10.79.0.2 7007 1 - 5557 && mark_entered tcps-a || return
	# Two seconds: the time must not leap behind TIME_WAIT while a program is read from the disk.
	echo again >&6
	sleep 3
	nines tcps-a "ESTABLISHED=1" tcps-p "ESTABLISHED=1" &&
	entered tcps-a "FIN_WAIT1=1 FIN_WAIT2=1 TIME_WAIT=1 CLOSE=1 SYN_SENT=1 ESTABLISHED=1"
}

log_mark
begin() { module_load && topology; }
check "module loaded, namespaces, VRFs and links" begin
check "two VRFs hold one tuple: two records, each segment counts once" two_vrfs
check "and both are gone in the end" drained tcps-a tcps-r tcps-b
check "link-local addresses on two links: two records" two_links
check "and both are gone" drained tcps-a tcps-r tcps-b
check "a listener in a VRF" vrf_listener
drained tcps-a tcps-r
check "an ipip tunnel: nothing counts twice" tunnel ipip
check "and it drains" no_tunnel
check "nft rejects with tcp reset: the socket behind the firewall lives on" reject
check "a rule drops the FIN: the state moves when it is let in" drop_fin
drained tcps-a tcps-p
check "offload: the FIN at the end of a packet of many segments" offload
drained tcps-a tcps-p
check "a tuple used again from here (RFC 6191, tcp_tw_reuse)" reuse
over
check "unload" module_unload
check "the kernel log is clean" log_clean
finish
