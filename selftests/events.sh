#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the multicast group "transitions" says of connections made by a script is what golden/ says: golden/sockets where
# sockets tell, golden/packets where segments alone do. The two differ in listeners and holders, and in the order: a
# segment proves the far end's state when it arrives, and moves its socket later, when that has processed it.
#
#	TCPSTATE_GOLDEN_OUT=DIRECTORY events.sh		writes there what the golden files should be, instead
. "$(dirname "$0")/lib.sh"
mapfile -t names < <("$bin/events")
plan $((${#names[@]} + 3))
need busybox; need tc

scenario() {	# NAME
	"$bin/events" "$1" >"$tmp/$1.json" 2>"$tmp/err" || { diag "$(<"$tmp/err")"; diag "$(<"$tmp/$1.json")"; return 1; }
	if [ "${TCPSTATE_GOLDEN_OUT-}" ]; then busybox cp "$tmp/$1.json" "$TCPSTATE_GOLDEN_OUT/"; return; fi
	busybox diff -u "$golden/$1.json" "$tmp/$1.json" >"$tmp/diff" && return
	busybox sed 's/^/# /' "$tmp/diff"
	return 1
}
golden_of() {
	module_load && snapshot || return
	golden=$here/golden/packets
	[ "$coverage" != full ] || golden=$here/golden/sockets
}
# Each file has its scenario: none is left over.
all_compared() {
	local file
	for file in "$golden"/*.json; do
		file=${file##*/}
		[[ " ${names[*]} " = *" ${file%.json} "* ]] || { diag "$file is nobody's"; return 1; }
	done
}

log_mark
check "module loaded" golden_of
for name in "${names[@]}"; do check "$name" scenario "$name"; done
check "each golden file has its scenario" all_compared
check "the kernel log is clean" log_clean
finish
