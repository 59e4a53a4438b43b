#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In a machine with the debug kernel, booted with slab_nomerge, as the last test: was anything reported, and is anything
# left of the module?
. "$(dirname "$0")/../../selftests/lib.sh"
plan 5
need busybox; need rmmod

# More than what each test looks for (log_bad), and since boot. What the kernel says of its checkers at boot is none of it.
reports="$log_bad|UBSAN|ODEBUG|INFO: (task|rcu|trying|suspicious|possible)|possible .*(deadlock|recursion)|rcu.*(stall|self-detected)"
reports+='|refcount_t|list_(add|del) corruption|general protection|ref_tracker|unregister_netdevice: waiting|detector disabled'
whole_log() {
	busybox dmesg | grep -v 'leak detector initialized' | grep -E "$reports" >"$tmp/bad" || return 0
	diag "kernel log: $(busybox head -n 20 "$tmp/bad")"
	return 1
}
# The first report, of whatever kind, would have switched it off.
lockdep_on() { grep -q '^ *debug_locks: *1$' /proc/lockdep_stats || { diag "$(grep debug_locks /proc/lockdep_stats)"; return 1; }; }
unloaded() { ! module_loaded || module_unload; }
no_slab() {
	grep -E '^(tcpstate|tcps_)' /proc/slabinfo >"$tmp/slab" || return 0
	diag "left in slab: $(<"$tmp/slab")"
	return 1
}
no_leak() {
	local leaks=/sys/kernel/debug/kmemleak
	sleep 10	# what is younger than 5 s is not reported
	echo scan >$leaks && echo scan >$leaks || { diag "kmemleak cannot scan: is it on?"; return 1; }
	busybox cat $leaks >"$tmp/leaks"
	[ -s "$tmp/leaks" ] || return 0
	diag "$(grep -c '^unreferenced' "$tmp/leaks") leaks, $(grep -cE 'tcpstate|tcps_' "$tmp/leaks") lines of them name the module:"
	busybox head -n 60 "$tmp/leaks" | busybox sed 's/^/# /'
	return 1
}

check "unloaded" unloaded
check "no slab cache is left" no_slab
check "kmemleak finds nothing" no_leak
check "lockdep is still on" lockdep_on
check "nothing in the kernel log since boot" whole_log
finish
