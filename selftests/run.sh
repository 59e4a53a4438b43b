#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the given tests (or all) on this machine and says whether they passed.
#
#	run.sh [TEST...]	e.g. scripts/vm -i -t 900 -- 'selftests/run.sh states namespaces.sh'
#	run.sh -x "TEST..."	all but these
#	run.sh A all B		A, then all, then B; a test may also be the path of a program elsewhere
#
# Prints each test's KTAP, then the last line "N passed, N failed, N skipped". A failure is: "not ok", a test without a
# plan or with fewer results than planned, an exit status other than 0, a time-out, SKIP, and a bad kernel log.
# To be run as root, in a machine of its own, with TCPSTATE_KO= the module's file or the module installed.
here=$(cd "$(dirname "$0")" && pwd)
export TCPSTATE_TESTBIN=${TCPSTATE_TESTBIN-$here/../build/selftests}
[ -x "$here/states" ] && TCPSTATE_TESTBIN=$here
. "$here/settings"
export LC_ALL=C	# another locale is a dozen files for every program
limit=${TCPSTATE_TIMEOUT-$timeout}

all=(states wire segments.sh paths.sh malformed malformed_states rawsock procfile params.sh tracepoint.sh namespaces.sh
     rmmod_open.sh time_wait.sh netlink netlink_dump netlink_config netlink_thresholds netlink_perm netlink_holder netlink_churn netlink_life
     netlink_alert alerts alerts_many alerts_edge ports peers fuzz_netlink events.sh events_count ynl.sh tool.sh tcpstated.sh verify.sh netlink_cost compare.sh random.sh
     silence silence_crowd silence.sh
     alerts_slow holder.sh
     random_sockets.sh truth truth_zero truth_kill truth_time truth_open truth_race seed.sh off.sh flood.sh race load.sh)
except=
if [ "${1-}" = -x ]; then except=$2; shift 2; fi
[ $# -gt 0 ] || set -- all
for test; do
	shift
	if [ "$test" != all ]; then set -- "$@" "$test"; continue; fi
	for test in "${all[@]}"; do [[ " $except " = *" $test "* ]] || set -- "$@" "$test"; done
done
if [ -z "${TCPSTATE_KO-}" ] && ! modinfo tcpstate >/dev/null 2>&1; then
	TCPSTATE_KO=$(echo "$here/../build/$(uname -r)/tcpstate.ko")
fi
[ -z "${TCPSTATE_KO-}" ] || export TCPSTATE_KO

# Under "scripts/vm -i" the clock leaps while the machine waits for its disk, by a second for each tenth of a millisecond, the
# more so the busier the host is. What will be needed before any clock counts: the programs and their libraries, by each name
# that they are found by, into the overlay's memory (a change of their modes and owners does that, even if it is none).
names() {	# FILE...: and what each is a link to
	local from to
	while [ $# -gt 0 ]; do
		printf '%s\n' "$@"
		# shellcheck disable=SC2046
		set -- $(busybox stat -c %N "$@" | busybox sed -n "s/^'\(.*\)' -> '\(.*\)'$/\1 \2/p" | while read -r from to; do
			[[ $to = /* ]] || to=${from%/*}/$to
			echo "$to"
		done)
	done
}
with_libraries() {	# PROGRAM...
	# shellcheck disable=SC2046
	set -- $(type -P "$@")
	names "$@" $(ldd "$@" | busybox sed -n 's/^[^/]*\(\/[^ ]*\) (0x.*/\1/p' | busybox sort -u)
}
files() {
	with_libraries bash sh nsenter ip ss tc insmod rmmod modprobe mount timeout tee mktemp mkfifo cat rm sleep grep dirname tail date kill \
		busybox true env chrt unshare seq cp mv ls mkdir touch tr "$here"/../build/bin/*
	[ ! -x "$here/../scripts/fetch" ] || (eval "$("$here/../scripts/fetch" --env)"; with_libraries nft nginx)
	busybox find "$here" "$TCPSTATE_TESTBIN" ${TCPSTATE_KO+"$TCPSTATE_KO"} /etc/iproute2 -type f
	busybox find "$here/../build/programs" "$here/../scripts" -type f -o -type l	# where they are: nft
	names /etc/ld.so.cache /etc/localtime
	busybox find /etc/modprobe.d /lib/modprobe.d/ 2>/dev/null	# and what is in a directory: its list is kept, too
}
warm() {
	local f m files=() links=()
	while read -r f; do
		if [ -L "$f" ]; then links+=("$f"); else files+=("$f"); fi
	done < <(files | busybox sort -u)
	# One program for all of them: on a debug kernel with several processors each takes half a second.
	if grep -q "^overlay / overlay" /proc/mounts; then
		busybox chmod u+r "${files[@]}"
		busybox chown -h 0:0 "${links[@]}"
	else
		cat "${files[@]}"
	fi
	for m in tun veth dummy vrf ipip nf_tables nft_reject_ipv4 sch_netem inet_diag tcp_diag; do modprobe -q "$m"; done
	ip -V; ss -V; tc -V; ss -Htan; timeout 1000 true; ip netns add tcps-warm; ip netns exec tcps-warm true; ip netns del tcps-warm
	echo | tee /dev/null | grep -q . ; tail -n 1 /proc/uptime; sleep 0
} >/dev/null 2>&1
warm

passed=0 failed=0 skipped=0
out=$(mktemp)

# judge NAME STATUS: counts the results of one test, in $out
judge() {
	local line planned= results=0 bad=0
	while IFS= read -r line; do
		case $line in
		1..[0-9]*) planned=${line#1..}; planned=${planned%% *} ;;
		*"# SKIP"*) skipped=$((skipped + 1)); results=$((results + 1)) ;;
		"ok "*) passed=$((passed + 1)); results=$((results + 1)) ;;
		"not ok "*) bad=$((bad + 1)); results=$((results + 1)) ;;
		esac
	done <"$out"
	if [ -z "$planned" ]; then
		echo "# $1: no plan"
		bad=$((bad + 1))
	elif [ "$results" != "$planned" ]; then
		echo "# $1: planned $planned, $results results"
		bad=$((bad + 1))
	fi
	if [ "$2" != 0 ] && [ $bad = 0 ]; then
		echo "# $1: exit status $2"
		bad=1
	fi
	failed=$((failed + bad))
}

for test in "$@"; do
	program=$here/$test
	[ -x "$program" ] || program=$TCPSTATE_TESTBIN/$test
	read -r up _ </proc/uptime
	echo "# $test at $up s"
	timeout -k 5 "$limit" "$program" 2>&1 | tee "$out"
	status=${PIPESTATUS[0]}
	[ "$status" != 124 ] || echo "# $test: time-out after $limit s"
	judge "$test" "$status"
done
rm -f "$out"
if busybox dmesg | grep -v 'leak detector initialized' | grep -E 'BUG:|WARNING:|Oops|Call Trace|KASAN|suspicious|leak'; then
	echo "# the kernel log is not clean"
	failed=$((failed + 1))
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ] && [ $skipped = 0 ] && [ $passed -gt 0 ]
