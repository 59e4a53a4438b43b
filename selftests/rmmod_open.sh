#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# /proc/tcpstate held open while the module is unloaded, and loaded again: an error or the end of the file, no crash.
. "$(dirname "$0")/lib.sh"
plan 7
need busybox; need insmod; need rmmod

unload_while_open() {
	exec 7</proc/self/net/tcpstate 8</proc/tcpstate
	read -r line <&7
	is "first line" "$line" "tcpstate 1" && module_unload && ! module_loaded
}
read_rest() {	# DESCRIPTOR: what it still gives is the text it had, or nothing
	local text
	text=$(busybox cat <&"$1" 2>"$tmp/err") && [ -z "$text" ] && return
	[ -n "$(<"$tmp/err")" ] && [ -z "$text" ] && return
	diag "read after the unload gave: $text"
	return 1
}
load_again() { module_load && snapshot && is "tracked" "$tracked" 0 && is "transitions" "$T_transitions" 0; }
old_and_new() { read_rest 7 && read_rest 8 && snapshot && exec 7<&- 8<&- && snapshot; }

log_mark
check "module loaded" module_load
check "unloaded while two files are open" unload_while_open
check "a file read in part ends cleanly" read_rest 7
check "a file not yet read ends cleanly" read_rest 8
check "loaded again while they are open" load_again
check "old files still end, new ones work" old_and_new
exec 7<&- 8<&-
check "the kernel log is clean" log_clean
finish
