#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In a machine with a kernel that has KUnit: loads the state machine's tests and prints, as KTAP, what they wrote into the
# kernel log. For selftests/run.sh, which counts.
. "$(dirname "$0")/../../selftests/lib.sh"
suite=tcpstate_fsm
ko=${TCPSTATE_KO%/*}/module/fsm/fsm_kunit.ko

echo "TAP version 13"
log_mark kunit
insmod "$ko" || echo "not ok cannot load $ko"
log_since kunit | busybox sed 's/^\[[^]]*\] //; s/^<[0-9]*>//' >"$tmp/ktap"
# The suite's cases are one level down, the suite's own result is not.
busybox sed -n 's/^    \([^ ].*\)/\1/p' "$tmp/ktap" | grep -v '^K*TAP version'
grep -qE "^ok [0-9]+ (- )?$suite( |\$)" "$tmp/ktap" || { echo "not ok $suite"; failures=1; }
rmmod fsm_kunit
trap - EXIT
cleanup
exit "$failures"
