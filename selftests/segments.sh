#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plays every script of segments/, or those named, over both families. The program prints the KTAP.
#
#	segments.sh [NAME...]	e.g. segments.sh simultaneous-open
here=$(cd "$(dirname "$0")" && pwd)
bin=$here
[ -x "$bin/play" ] || bin=${TCPSTATE_TESTBIN-$here/../build/selftests}
[ $# -gt 0 ] || set -- "$here"/segments/*.seg
files=()
for name in "$@"; do
	[[ $name = */* ]] || name=$here/segments/${name%.seg}.seg
	files+=("$name")
done
exec "$bin/play" "${files[@]}"
