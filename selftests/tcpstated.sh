#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The daemon against the module, for long: 100,000 transitions, 800 alerts, 10 reloads of the module and 5 overruns of
# the daemon's sockets. Then each raise and each clear is in its lines once, by the kernel's own account (the tracepoint
# tcpstate:tcpstate_alert), each transition is written or reported lost, and the daemon has not grown. Then less of the
# same under valgrind.
#
# What is promised, and done here to its limit: of an overrun the module still lists the last 64 alerts that have ended.
# The clear of one that was known before is told even if it is not among them. What the module has sent before it goes
# is told; what an overrun has lost then, nobody knows. Who loses transitions is told when the next one comes.
#
# TCPSTATE_DAEMON and TCPSTATE_TOOL are the programs (../build/bin), TCPSTATE_TRANSITIONS is the least number of them.
. "$(dirname "$0")/lib.sh"
plan 15
need ip; need python3; need busybox; need chrt; need valgrind

transitions=${TCPSTATE_TRANSITIONS-100000}
tracing=/sys/kernel/tracing
event=events/tcpstate/tcpstate_alert
per_connection=24	# transitions: ten of either socket, as both ends see them, and what is connected besides
growth=256	# KB that the daemon may grow by after its first load of the module

# Programs that run while a clock counts are in memory, as are their libraries.
install_programs() {
	local program path
	local programs=$here/../build/bin
	for program in "${TCPSTATE_DAEMON-$programs/tcpstated}" "${TCPSTATE_TOOL-$programs/tcpstate}"; do
		need "$program"
		busybox cp "$program" "$tmp/"
		ldd "$program" | busybox sed -n 's/.*[[:space:]]\(\/[^ ]*\) (0x.*/\1/p' >>"$tmp/libraries"
	done
	busybox mkdir "$tmp/lib"
	while read -r path; do [ -e "$tmp/lib/${path##*/}" ] || busybox cp "$path" "$tmp/lib/"; done <"$tmp/libraries"
	daemon=$tmp/tcpstated tool=$tmp/tcpstate
}

# ask WORD...: of the driver; its answer is in $answer
ask() { echo "$*" >&"${drive[1]}" && hear "$*"; }
hear() {
	local ok
	read -r -t 600 ok answer <&"${drive[0]}" && [ "$ok" = ok ] && return
	diag "$1: ${ok-nothing} ${answer-}"
	return 1
}

# await SECONDS WHAT COMMAND...: until it succeeds
await() {
	local end=$(($(now_ms) + $1 * 1000)) what=$2
	shift 2
	until "$@"; do
		[ "$(now_ms)" -lt $end ] || { diag "$what: not within the time"; return 1; }
		sleep 0.2
	done
}

# The kernel's account

counted() { [ "$(grep -c " action=$1 " "$tmp/trace")" = "$2" ]; }
accounted() { counted raise $raised && counted clear $cleared; }
# Each FIRST and NUMBER of listeners; returns when the module has told of all of them.
stall() { ask stall "$@" && raised=$((raised + $2)) && await 60 "raises" accounted; }
take() { ask take "$@" && cleared=$((cleared + $2)) && await 60 "clears" accounted; }

load() {
	module_insert && echo "tcpstated: load" >$tracing/trace_marker && echo 1 >$tracing/$event/enable &&
	"$tool" -N tcps-d config set settle-seconds=0 repeat-seconds=0 accept-stalled-count=1 accept-stalled-age=1 \
		accept-stalled-seconds=0 >/dev/null
}
# What waits to be read, and how often there was no room, of alerts and of transitions
sockets() { ask heard $pid && read -r waiting alert_drops event_drops <<<"$answer"; }
all_read() { sockets && [ "$waiting" = 0 ]; }
settled() { sleep 1 && await 120 "reading" all_read && sleep 1; }
# How many transitions have got numbers, at rest: no TIME_WAIT is left to end, which takes the kernel 60 to 63 seconds.
account() {
	local numbers
	sleep 68 && ask numbers && numbers=$answer && sleep 2 && ask numbers && is "numbers at rest" "$answer" "$numbers" &&
	echo "$answer" >>"$tmp/kernel"
}

# The daemon

daemon_start() {	# COMMAND... in front of it
	echo "
# a comment
json = $tmp/alerts.json
log = none
state = $tmp/state
transitions = yes" >"$tmp/conf"
	exec_ns tcps-d env NOTIFY_SOCKET="$tmp/notify" WATCHDOG_USEC=3000000 LD_LIBRARY_PATH="$tmp/lib" "$@" \
		"$daemon" --config="$tmp/conf" >>"$tmp/out" 2>&1 </dev/null &
	pid=$!
	pids+=($pid)
	is_present
}
has_line() { [ -e "$tmp/alerts.json" ] && grep -q "$1" "$tmp/alerts.json"; }
is_present() { await 200 "the daemon and the module" has_line '^{"module":"present"'; }
daemon_end() {
	local status=0
	kill -TERM $pid && wait $pid || status=$?
	is "exit status of the daemon" $status 0 || { busybox head -n 60 "$tmp/out" | busybox sed 's/^/# /'; return 1; }
}
# As who rotates: until the new file is there, lines go to the old one.
rotate() {
	files+=("$tmp/alerts.${#files[@]}")
	busybox mv "$tmp/alerts.json" "${files[-1]}" && kill -HUP $pid &&
	await 60 "the new file" [ -e "$tmp/alerts.json" ]
}
# Resident, and data, in KB; open files
# Without what is mapped from files: of a program's text more is there each time another part of it runs. And counted page by
# page: RssAnon of "status" is behind by up to 64 pages of each thread, and then has them all at once.
measure() {
	local name value
	while read -r name value _; do
		case $name in Anonymous:) resident=$value ;; VmData:) data=$value ;; esac
	done < <(busybox cat "/proc/$pid/smaps_rollup" "/proc/$pid/status")
	open_files=$(busybox ls "/proc/$pid/fd" | busybox wc -l)
	diag "load $loaded: resident $resident KB, data $data KB, $open_files files"
}

# What happens within one load of the module. At its end alerts are active: of "left" listeners, from "left_first" on.

begin_load() {
	loaded=$((loaded + 1))
	if [ $loaded -gt 1 ]; then
		module_unload && load || return
		[ ! "${stopped-}" ] || { kill -CONT $pid; stopped=; }
		raised=$((raised + left))
		is_present && await 60 "raises of a new module" accounted || return
		[ $left = 0 ] || take $left_first $left || return
		left=0
	fi
}
# Its file is rotated among connections.
busy() {
	local half=$((each / 2 + 1))
	stall 0 10 || return
	echo "connections $half" >&"${drive[1]}"
	rotate && hear connections && ask connections $half
}
# An overrun. What is raised first takes all the room. Of those that have ended meanwhile the module lists 64.
overrun() {	# OLD MANY: alerts that end in it, alerts that begin and end in it; five more begin
	take 0 $((10 - $1)) && settled && sockets && is "notices that found no room so far" "$alert_drops" 0 &&
	ask room $pid 8192 && kill -STOP $pid &&
	stall 20 "$2" && take $((10 - $1)) "$1" && take 20 "$2" && stall 90 5 &&
	ask connections $((each / 4 + 20)) && sleep 1 && sockets || return
	diag "overrun: $alert_drops notices, $event_drops messages with transitions found no room"
	ge "lost notices" "$alert_drops" 1 && ge "lost messages" "$event_drops" 1 && kill -CONT $pid && settled &&
	ask connections 1 && ask room $pid 0 && left_first=90 left=5 forced=$((forced + 1))
}
# The module is exchanged while more news waits than the daemon reads at once; it may not be lost with the module.
behind_its_back() {	# NUMBER
	settled && kill -STOP $pid && stopped=1 && stall 10 "$1" && take 10 "$1" && stall 10 "$1" &&
	ask connections $((each < 400 ? each / 4 + 1 : 100)) && account && sockets || return
	left_first=0 left=$((10 + $1))
	is "notices that found no room" "$alert_drops" 0 && is "messages" "$event_drops" 0
}
# A new daemon, started by COMMAND; nothing has happened yet
begin() {	# CONNECTIONS COMMAND...
	each=$1 loaded=0 raised=0 cleared=0 left=0 forced=0 files=() stopped=
	unset ${!sum_*}
	shift
	busybox rm -f "$tmp/alerts.json" "$tmp/state" "$tmp/kernel" "$tmp/trace" "$tmp/out"
	! module_loaded || module_unload || return
	end
	: >"$tmp/trace"
	echo >$tracing/trace
	chrt -f 10 busybox cat $tracing/trace_pipe >"$tmp/trace" &
	tracer=$!
	pids+=($tracer)
	load && daemon_start "$@"
}
end() {
	[ "${tracer-}" ] || return 0
	kill $tracer
	wait $tracer
	tracer=
} 2>/dev/null
# What the kernel and the daemon have written; the sums are variables
sums() {
	local word status=0
	files+=("$tmp/alerts.json")
	"$bin/tcpstated_account" "$tmp/kernel" "$tmp/trace" "${files[@]}" >"$tmp/sums" || status=$?
	grep '^#' "$tmp/sums"
	diag "$(busybox tail -n 1 "$tmp/sums")"
	for word in $(busybox tail -n 1 "$tmp/sums"); do declare -g "sum_${word%%=*}=${word#*=}"; done
	return $status
}

one_load() {	# KIND
	begin_load && busy || return
	case $1 in
	plain) take 0 10 && account ;;
	first) stall 10 90 && take 10 90 && overrun 4 60 && account ;;
	overrun) overrun 4 60 && account ;;
	forgotten) overrun 10 64 && account ;;
	short) overrun 4 6 && account ;;
	behind) behind_its_back 90 ;;
	few) behind_its_back 3 ;;
	esac && { [ "$stopped" ] || settled; }
}

full() {
	local kinds=(first plain behind overrun plain forgotten overrun plain few overrun plain) kind
	begin $((transitions / per_connection / ${#kinds[@]} + 1)) || return
	for kind in "${kinds[@]}"; do
		one_load $kind || return
		[ ! "$stopped" ] || continue
		measure
		[ $loaded -gt 1 ] || first_resident=$resident first_data=$data first_open=$open_files
	done
}
# It ends, misses something, and begins anew: nothing is told twice, nothing is left out.
restarted() {
	stall 0 10 && settled && daemon_end && take 0 5 && stall 20 10 && take 20 5 || return
	files+=("$tmp/alerts.${#files[@]}")
	busybox mv "$tmp/alerts.json" "${files[-1]}" && daemon_start && ask connections 20 &&
	take 5 5 && take 25 5 || return
	busybox sed -i '$d' "$tmp/kernel"	# this load goes on
	account && settled && daemon_end && end
}
every_alert() {
	sums && is loads "$sum_loads" 11 && is "alerts raised" "$sum_raised" $raised && ge "of them" $raised 800 &&
	is "alerts cleared" "$sum_cleared" $cleared && ge "of them" $cleared 600 &&
	is "alerts that ended with the module" "$sum_unloaded" $((raised - cleared)) && ge "of them" "$sum_unloaded" 100 &&
	is "alerts that were forgotten" "$sum_forgotten" 10
}
every_transition() {
	ge "transitions" "${sum_transitions-0}" "$transitions" &&
	is "written and lost" $((sum_written + sum_lost)) "$sum_transitions" &&
	ge "written" "$sum_written" $((transitions / 2)) && ge "lost" "$sum_lost" 1
}
overruns() { is forced "$forced" "$1" && is reported "${sum_overruns-}" "$1"; }
flat() {
	diag "after the first load: resident $first_resident KB, data $first_data KB; at the end $resident and $data"
	le "resident, KB" "$resident" $((first_resident + growth)) && le "data, KB" "$data" $((first_data + growth)) &&
	is "open files" "$open_files" "$first_open"
}
parsed() {
	grep -hv '"old_state"' "${files[@]}" >"$tmp/lines" || return
	grep '"old_state"' "${files[0]}" | busybox head -n 200 >>"$tmp/lines"
	python3 - "$tmp/lines" <<-'END'
		import json, sys
		lines = [json.loads(line) for line in open(sys.argv[1])]
		kinds = [key for line in lines for key in ("action", "module", "old_state", "lost") if key in line]
		print("#", {kind: kinds.count(kind) for kind in sorted(set(kinds))})
		assert len(kinds) == len(lines) and len(set(kinds)) == 4
		raises = [line for line in lines if line.get("action") == "raise"]
		held = [line for line in raises if line["holder"]["processes"][0]["comm"] == "tcpstated_drive"[:15]]
		print("# holders of", len(held), "of", len(raises))
		assert len(held) == len(raises)
	END
}
# What a service manager is told: by the first daemon, then by the second
told() {
	local n
	diag "$(busybox sort "$tmp/told" | grep -v ^STATUS | busybox uniq -c | busybox tr '\n' ',')"
	is "its first word" "$(grep -v -e ^ready -e ^STATUS "$tmp/told" | busybox head -n 1)" READY=1 &&
	is "its last word" "$(busybox tail -n 1 "$tmp/told")" STOPPING=1 &&
	is "ready" "$(grep -c '^READY=1$' "$tmp/told")" $((2 + loaded)) &&
	is "reloading" "$(grep -c '^RELOADING=1$' "$tmp/told")" "$loaded" &&
	is "stopping" "$(grep -c '^STOPPING=1$' "$tmp/told")" 2 || return
	n=$(busybox awk '/^READY=1/ { n = 0 } /^WATCHDOG=1/ { n++ } END { print n }' "$tmp/told")
	diag "signs of life since the last start: $n"
	ge "signs of life in the last daemon's minute" "$n" 60 &&
	grep -q '^STATUS=10 alerts active$' "$tmp/told" && grep -q '^STATUS=waiting for the tcpstate module$' "$tmp/told"
}

# Where there is no log: that the module comes and goes; and how many alerts are folded, once an hour of either daemon and what
# is left at its end. Six in each load are not folded: what was told so then is no news when it comes again, folded, in the next.
said() {
	local more='and [0-9]+ more alerts? (was|were) raised' n sum folded
	n=$(grep -cE ": $more; all of them: tcpstate alerts$" "$tmp/out")
	sum=$(grep -oE "$more" "$tmp/out" | busybox awk '{ sum += $2 } END { print sum + 0 }')
	folded=$(cat "${files[@]}" | grep '"action":"raise"' | grep -c '"folded":true')
	is "present" "$(grep -c ": the tcpstate module is loaded, its alerts are followed$" "$tmp/out")" $((loaded + 1)) &&
	is "absent" "$(grep -cF ": the module is not loaded; modprobe tcpstate or insmod " "$tmp/out")" $((loaded - 1)) &&
	le "folded" "$sum" "$folded" && ge "folded" "$sum" $((folded - 6 * loaded)) && ge "of them" "$folded" 700 &&
	ge "said" "$n" 2 && le "said" "$n" 4 &&
	is "lines" "$(busybox wc -l <"$tmp/out")" $((2 * loaded + n))
}

under_valgrind() {
	local kind
	local leaks=definite,indirect,possible
	begin 8 valgrind --leak-check=full --errors-for-leak-kinds=$leaks --error-exitcode=9 || return
	for kind in short few plain; do one_load $kind || return; done
	daemon_end && end
}
no_errors() {
	grep '^==' "$tmp/out" | busybox tail -n 12 | busybox sed 's/^/# /'
	grep -q 'All heap blocks were freed' "$tmp/out" && grep -q 'ERROR SUMMARY: 0 errors' "$tmp/out"
}

log_mark
install_programs
[ -e $tracing/events ] || mount -t tracefs tracefs $tracing
# The programs below load the module where it is not.
module_load && netns tcps-d && ip netns exec tcps-d busybox sh -c '
	echo 100000 >/proc/sys/net/ipv4/tcp_max_tw_buckets && echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse' ||
	bail "no module, or no network namespace"
coproc drive { exec_ns tcps-d "$bin/tcpstated_drive" 2>&1; }
pids+=($drive_PID)
"$bin/tcpstated_drive" notify "$tmp/notify" >"$tmp/told" &
pids+=($!)
await_line "$tmp/told" && ask numbers || bail "the driver does not answer"

check "transitions, alerts, reloads and overruns" full
check "a restart, with the state file" restarted
check "every raise and every clear is written once" every_alert
check "every transition is written or reported lost" every_transition
check "overruns were reported, each once" overruns 5
check "no line was dropped" is dropped "${sum_dropped-}" 0
check "memory and files stay as they are" flat
check "JSON, and each raise names its holder" parsed
check "what a service manager is told" told
check "standard error: that the module comes and goes, and that alerts are folded" said
check "under valgrind: less of the same" under_valgrind
check "under valgrind: every raise and every clear is written once" sums
check "under valgrind: an overrun was reported" overruns 1
check "under valgrind: no error, no leak" no_errors
check "the kernel log is clean" log_clean
finish
