# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shared by the shell tests: KTAP, loading and unloading the module, reading /proc/tcpstate, waiting.
#
# A test file calls plan N, then exactly N times ok, not_ok or check, and ends with finish. What is missing (a tool, a
# module) is a failure. Diagnostics give the numbers.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$here
[ -x "$bin/endpoint" ] || bin=${TCPSTATE_TESTBIN-$here/../build/selftests}

planned=0 count=0 failures=0
netns_made=() pids=()

diag() { printf '# %s\n' "$*"; }
plan() { planned=$1; echo "TAP version 13"; echo "1..$1"; need "$bin/endpoint"; }
ok() { count=$((count + 1)); echo "ok $count $1"; }
not_ok() { count=$((count + 1)); failures=$((failures + 1)); echo "not ok $count $1"; }
# check NAME COMMAND...: ok if the command succeeds
check() { local name=$1; shift; if "$@"; then ok "$name"; else not_ok "$name"; fi; }
# The rest of the plan cannot run: each is a failure.
bail() { diag "$*"; while [ $count -lt $planned ]; do not_ok "not run: $*"; done; finish; }
# program NAME: its path, or that of a wrapper for what scripts/fetch has unpacked
program() {
	command -v "$1" && return
	[ -x "$here/../scripts/fetch" ] || return
	printf '#!/bin/bash\n%s\nexec %s "$@"\n' "$("$here/../scripts/fetch" --env)" "$1" >"$tmp/$1"
	chmod +x "$tmp/$1"
	"$tmp/$1" --version >/dev/null 2>&1 && echo "$tmp/$1"
}
need() { command -v "$1" >/dev/null || bail "$1 is missing"; }

cleanup() {
	local p n
	for p in ${pids[@]+"${pids[@]}"}; do kill -KILL "$p"; wait "$p"; done 2>/dev/null
	for n in ${netns_made[@]+"${netns_made[@]}"}; do ip netns del "$n" 2>/dev/null; done
	[ -z "${loaded_here-}" ] || ! module_loaded || module_unload
	[ -z "${tmp-}" ] || rm -rf "$tmp"
}
finish() {
	trap - EXIT
	cleanup
	[ $count = $planned ] || { diag "planned $planned, ran $count"; failures=$((failures + 1)); }
	[ $failures = 0 ]
	exit
}
trap 'cleanup' EXIT
tmp=$(mktemp -d)

module_loaded() { [ -e /proc/tcpstate ]; }
module_insert() {	# PARAMETER..., behind those of TCPSTATE_PARAMS
	# shellcheck disable=SC2086
	if [ "${TCPSTATE_KO-}" ]; then insmod "$TCPSTATE_KO" ${TCPSTATE_PARAMS-} "$@"; else modprobe tcpstate ${TCPSTATE_PARAMS-} "$@"; fi
}
module_load() {	# PARAMETER...: a fresh one, all counters 0
	if module_loaded; then
		[ "${was_loaded-}" ] || was_loaded=1
		module_unload || return 1
	fi
	module_insert "$@" || { diag "cannot load the module"; return 1; }
	[ "${was_loaded-}" ] || loaded_here=1
}
module_unload() {
	local i
	for ((i = 0; i < 50; i++)); do
		rmmod tcpstate 2>"$tmp/rmmod" && return 0
		sleep 0.1
	done
	diag "rmmod: $(<"$tmp/rmmod")"
	return 1
}

# netns NAME: a network namespace with lo up, deleted at the end
netns() {
	ip netns add "$1" || return 1
	netns_made+=("$1")
	ip -n "$1" link set lo up
}

now_ms() { local up; read -r up _ </proc/uptime; up=${up/./}; echo $((10#$up * 10)); }

# snapshot [FILE]: sets the variables S_<STATE>, E_<STATE> (entered), O_<STATE> (oldest), T_<total>, tracked, limit, coverage
# ("full": sockets tell), divergence, nine
snapshot() {
	local a b c e o
	tracked= limit= nine= coverage= divergence=
	while read -r a b c _ e _ o; do
		case $a in
		tracked) tracked=$b ;;
		limit) limit=$b ;;
		health) coverage=$c divergence=${o#* divergence } divergence=${divergence%% *} ;;
		total) printf -v "T_$b" %s "$c" ;;
		state)
			printf -v "S_$b" %s "$c"; printf -v "E_$b" %s "$e"; printf -v "O_$b" %s "$o"
			case $b in CLOSE|LISTEN) ;; *) [ "$c" = 0 ] || nine+="$b=$c " ;; esac ;;
		esac
	done <"${1-/proc/self/net/tcpstate}"
	[ "$tracked" ]
}

# in_ns NS COMMAND...; "-" is the one we are in.
in_ns() { local ns=$1; shift; if [ "$ns" = - ]; then "$@"; else ip netns exec "$ns" "$@"; fi; }
# The same as the process itself, for "&": the pid is then the command's.
exec_ns() { local ns=$1; shift; if [ "$ns" = - ]; then exec "$@"; else exec ip netns exec "$ns" "$@"; fi; }
snapshot_of() {	# NS
	if [ "$1" = - ]; then snapshot; return; fi
	ip netns exec "$1" busybox cat /proc/self/net/tcpstate >"$tmp/snapshot" && snapshot "$tmp/snapshot"
}

# wait_nine NS MILLISECONDS "STATE=N STATE=N ": until the nine states are that, in the order of /proc
wait_nine() {
	local ns=$1 end=$(($(now_ms) + $2)) want=${3% }
	[ -z "$want" ] || want+=' '
	while snapshot_of "$ns"; do
		[ "$nine" != "$want" ] || return 0
		[ "$(now_ms)" -lt "$end" ] || break
		sleep 0.1
	done
	diag "namespace $ns: wanted ${want:-nothing}, found ${nine:-nothing}"
	return 1
}

# is WHAT FOUND WANTED
is() { [ "$2" = "$3" ] || { diag "$1: wanted $3, found $2"; return 1; }; }
le() { [ "$2" -le "$3" ] || { diag "$1: wanted at most $3, found $2"; return 1; }; }
ge() { [ "$2" -ge "$3" ] || { diag "$1: wanted at least $3, found $2"; return 1; }; }

# ss_nine NS: the same as $nine, from ss, in ss_is
ss_nine() {
	local s n
	declare -A c=()
	while read -r s _; do c[$s]=$((${c[$s]-0} + 1)); done < <(in_ns "$1" ss -Htan)
	ss_is=
	for s in ESTAB:ESTABLISHED SYN-SENT:SYN_SENT SYN-RECV:SYN_RECV FIN-WAIT-1:FIN_WAIT1 FIN-WAIT-2:FIN_WAIT2 \
		 TIME-WAIT:TIME_WAIT CLOSE-WAIT:CLOSE_WAIT LAST-ACK:LAST_ACK CLOSING:CLOSING; do
		n=${c[${s%:*}]-0}
		[ "$n" = 0 ] || ss_is+="${s#*:}=$n "
	done
}

# serve NS ADDRESS PORT close|keep; serve_pid is its process
serve() {
	: >"$tmp/serve"	# no "ready" of an earlier one
	exec_ns "$1" "$bin/endpoint" serve "$2" "$3" "$4" </dev/null >"$tmp/serve" 2>&1 &
	serve_pid=$!
	pids+=($!)
	await_line "$tmp/serve"
}
# client NS ADDRESS PORT NUMBER: commands go to descriptor 5
client() {
	rm -f "$tmp/in"
	mkfifo "$tmp/in"
	: >"$tmp/client"
	exec_ns "$1" "$bin/endpoint" connect "$2" "$3" "$4" <"$tmp/in" >"$tmp/client" 2>&1 &
	pids+=($!)
	exec 5>"$tmp/in"
	await_line "$tmp/client"
}
# Something that is to come soon is looked for so often, a tenth of a second apart. It is a number of looks that counts: where
# idle time is skipped, seconds are nothing to a program that is being read from a disk.
looks=3000
await_line() {	# FILE: "ready" as its first line
	local i
	for ((i = 0; i < looks; i++)); do
		! grep -qs ^ready "$1" || return 0
		sleep 0.1
	done
	diag "$1: $(cat "$1" 2>&1)"
	return 1
}
# listens NS: until somebody there hears one of the groups of generic netlink, which is number 16
listens() {
	local i
	for ((i = 0; i < looks; i++)); do
		! in_ns "$1" busybox awk '$2 == 16 && $4 !~ /^0+$/ { heard = 1 } END { exit !heard }' /proc/self/net/netlink || return 0
		sleep 0.1
	done
	diag "namespace $1: nobody listens"
	return 1
}
end_all() {
	local p
	exec 5>&-
	for p in ${pids[@]+"${pids[@]}"}; do kill -KILL "$p"; wait "$p"; done 2>/dev/null
	pids=()
}

log_bad='BUG:|WARNING:|Oops|Call Trace|KASAN|suspicious|leak'
# log_mark: from here; log_clean: nothing bad since
log_mark() { echo "tcpstate selftest: mark $$ ${1-}" >/dev/kmsg; }
log_since() { busybox dmesg | busybox sed "1,/selftest: mark $$ ${1-}\$/d"; }
log_clean() {
	local bad
	bad=$(log_since "${1-}" | grep -E "$log_bad") || return 0
	diag "kernel log: $bad"
	return 1
}
