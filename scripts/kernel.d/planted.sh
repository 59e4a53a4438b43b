#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In a machine with the debug kernel, booted with kasan_multi_shot: is each planted bug reported, and does the tests' own
# check of the kernel log see the report? PLANTED_KO is the module. Lockdep goes off after its first report and after any
# of KASAN: hence this order.
. "$(dirname "$0")/../../selftests/lib.sh"
plan 9
need insmod; need busybox

# planted BUG REPORT: loaded, it brings about the report, and log_clean sees it
planted() {
	log_mark "$1"
	insmod "$PLANTED_KO" "bug=$1" 2>/dev/null
	[ "$1" != leak ] || {
		sleep 10	# kmemleak does not report what is younger than 5 s
		echo scan >/sys/kernel/debug/kmemleak && echo scan >/sys/kernel/debug/kmemleak
	}
	! log_clean "$1" >/dev/null || { diag "the check of the log sees nothing"; return 1; }
	log_since "$1" >"$tmp/log"
	grep -q "$2" "$tmp/log" && return
	diag "no '$2' in the log: $(busybox head -n 5 "$tmp/log")"
	return 1
}
nothing_planted() {
	log_mark none
	! insmod "$PLANTED_KO" bug=none 2>/dev/null && log_clean none
}

check "no bug, no report" nothing_planted
check "kmemleak: a leak" planted leak 'kmemleak: .* new suspected memory leak'
check "PROVE_RCU: dereferenced without a lock" planted rcu 'suspicious RCU usage'
check "UBSAN: shift beyond the width" planted shift 'UBSAN: shift-out-of-bounds'
check "DEBUG_OBJECTS: active timer freed" planted timer 'ODEBUG: free active'
check "sleep in atomic context" planted atomic 'sleeping function called from invalid context'
check "lockdep: locks in either order" planted locks 'possible circular locking dependency'
check "KASAN: use after free" planted free 'KASAN: .*use-after-free'
check "KASAN: out of bounds" planted bounds 'KASAN: .*out-of-bounds'
finish
