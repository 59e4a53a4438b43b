#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel tree's own client, which knows nothing of this module but the YAML: tools/net/ynl, in the directory
# TCPSTATE_YNL/tools/net/ynl; out of a kernel tree scripts/ynl puts it in build/ynl.
. "$(dirname "$0")/lib.sh"
plan 12
need python3; need ip

ynl=${TCPSTATE_YNL-$here/../build/ynl}/tools/net/ynl
spec=${TCPSTATE_SPEC-$here/../Documentation/netlink/specs/tcpstate.yaml}
if [ -e "$here/../../../../../tools/net/ynl/cli.py" ]; then	# in a kernel tree
	ynl=$here/../../../../net/ynl
	spec=$here/../../../../../Documentation/netlink/specs/tcpstate.yaml
fi
[ -e "$ynl/cli.py" ] || bail "$ynl/cli.py is missing"
[ -e "$spec" ] || bail "$spec is missing"
mkdir "$tmp/ynl"
cp -r "$ynl/cli.py" "$ynl/lib" "$tmp/ynl/"
cp "$spec" "$tmp/tcpstate.yaml"

client() {
	in_ns "${ns-tcps-y}" python3 -B "$tmp/ynl/cli.py" --spec "$tmp/tcpstate.yaml" --no-schema --output-json "$@"
}
# holds FILE EXPRESSION: of the JSON in the file, as x
holds() {
	python3 -c 'import json, sys
x = json.load(open(sys.argv[1]))
ok = eval("(" + sys.argv[2] + ")", {"x": x})
if not ok: print("# wanted", sys.argv[2], "of", json.dumps(x)[:2000])
sys.exit(not ok)' "$1" "$2"
}

connections() {
	module_load && netns tcps-y && serve tcps-y 127.0.0.1 7000 keep && serve tcps-y ::1 7001 keep &&
	exec_client 127.0.0.1 7000 3 shut && exec_client ::1 7001 2 && snapshot_of tcps-y || return
	listeners=0 evidence=packets
	[ "$coverage" != full ] || listeners=2 evidence=sockets
	is "LISTEN" "$S_LISTEN" $listeners
}
exec_client() {	# ADDRESS PORT NUMBER [COMMAND]: stays open until the end
	mkfifo "$tmp/in$2"
	ip netns exec tcps-y "$bin/endpoint" connect "$1" "$2" "$3" <"$tmp/in$2" >"$tmp/client$2" 2>&1 &
	pids+=($!)
	exec {fd}>"$tmp/in$2"
	await_line "$tmp/client$2" && { [ -z "${4-}" ] || echo "$4" >&"$fd"; } && sleep 0.2
}

operations() { ns=- client --list-ops >"$tmp/ops" && is operations "$(grep -c . "$tmp/ops")" 8; }
stats() {
	client --do stats-get >"$tmp/stats" && snapshot_of tcps-y &&
	is tracked "$tracked" $((10 + listeners)) &&
	holds "$tmp/stats" "x['tracked'] == $tracked and x['transitions'] == $T_transitions" &&
	holds "$tmp/stats" "x['evidence'] == '$evidence' and x['divergences'] == 0 and 'divergence' not in x" &&
	holds "$tmp/stats" "sorted(s['state'] for s in x['state']) == sorted(['established', 'syn-sent', 'syn-recv',
		'fin-wait1', 'fin-wait2', 'time-wait', 'close', 'close-wait', 'last-ack', 'listen', 'closing'])" &&
	holds "$tmp/stats" "{s['state']: s['count'] for s in x['state'] if s['count']} ==
		{'established': 4, 'fin-wait2': 3, 'close-wait': 3} | ({'listen': 2} if $listeners else {})" &&
	holds "$tmp/stats" "{s['state']: s['entered'] for s in x['state']}['established'] == $E_ESTABLISHED" &&
	holds "$tmp/stats" "len(x['matrix']) == 121 and sum(x['matrix']) == x['transitions']"
}
everything() {
	client --dump endpoint-get >"$tmp/dump" && holds "$tmp/dump" "len(x) == 10 + $listeners" &&
	holds "$tmp/dump" "sorted(set(e['local-state'] for e in x if e['remote-port'])) ==
		['close-wait', 'established', 'fin-wait2']" &&
	holds "$tmp/dump" "sum(e['local-addr'] == '127.0.0.1' and e['family'] == 2 for e in x) == 6 + $listeners // 2" &&
	holds "$tmp/dump" "sum(e['local-addr'] == '::1' and e['family'] == 10 for e in x) == 4 + $listeners // 2" &&
	holds "$tmp/dump" "sum(e['local-port'] in (7000, 7001) for e in x) == 5 + $listeners" &&
	holds "$tmp/dump" "all('scope' not in e and e['age-ns'] > 0 for e in x)" &&
	# all are held by processes, the clients by those who have called connect()
	holds "$tmp/dump" "all(e['socket-kind'] == 'full' and e['uid'] == 0 and e['inode'] and e['cookie'] for e in x)" &&
	holds "$tmp/dump" "not any('age-at-least' in e for e in x)" &&
	holds "$tmp/dump" "len({e['inode'] for e in x}) == len({e['cookie'] for e in x}) == len(x)" &&
	holds "$tmp/dump" "{e.get('pid', 0) > 0 for e in x if e['remote-port'] in (7000, 7001)} == {True}" &&
	holds "$tmp/dump" "not any('pid' in e for e in x if e['local-port'] in (7000, 7001))" || return
	client --dump endpoint-get --json '{"filter": {"states": ["listen"]}}' >"$tmp/dump" &&
	holds "$tmp/dump" "all((e['local-state'], e['remote-state'], e['remote-port']) == ('listen', 'close', 0) for e in x)" &&
	holds "$tmp/dump" "sorted((e['local-addr'], e['local-port'], e['remote-addr']) for e in x) ==
		[('127.0.0.1', 7000, '0.0.0.0'), ('::1', 7001, '::')][:$listeners]"
}
filtered() {
	client --dump endpoint-get --json '{"filter": {"states": ["close-wait", "time-wait"]}}' >"$tmp/dump" &&
	holds "$tmp/dump" "len(x) == 3" &&
	holds "$tmp/dump" "all(e['local-state'] == 'close-wait' and e['local-port'] == 7000 for e in x)" &&
	client --dump endpoint-get --json '{"filter": {"local-addr": "00000000000000000000000000000000", "local-prefix": 64, "remote-port-min": 7001,
		"remote-port-max": 7001}}' >"$tmp/dump" &&
	holds "$tmp/dump" "[(e['remote-port'], e['local-addr']) for e in x] == 2 * [(7001, '::1')]" &&
	client --dump endpoint-get --json '{"filter": {"limit": 1}}' >"$tmp/dump" &&
	holds "$tmp/dump" "len(x) == 1" &&
	client --dump endpoint-get --json '{"filter": {"min-age-ns": 1000000000000000}}' >"$tmp/dump" &&
	holds "$tmp/dump" "x == []"
}
one() {
	local tuple
	client --dump endpoint-get --json '{"filter": {"states": ["fin-wait2"], "limit": 1}}' >"$tmp/dump" &&
	tuple=$(python3 -c 'import json, sys
e = json.load(open(sys.argv[1]))[0]
keys = "family", "local-addr", "remote-addr", "local-port", "remote-port"
import ipaddress	# it prints addresses, and takes them as hexadecimal digits
for k in "local-addr", "remote-addr":
    e[k] = ipaddress.ip_address(e[k]).packed.hex()
print(json.dumps({k: e[k] for k in keys}))' "$tmp/dump") &&
	client --do endpoint-get --json "$tuple" >"$tmp/one" &&
	holds "$tmp/one" "x['local-state'] == 'fin-wait2' and x['remote-state'] == 'close-wait'" || return
	! client --do endpoint-get --json "${tuple/7f000001/7f000009}" >"$tmp/none" ||
		{ diag "there is no such endpoint"; return 1; }
	grep -q 'no endpoint with this tuple' "$tmp/none" || { diag "$(<"$tmp/none")"; return 1; }
}
config() {
	client --do config-set --json '{"event-delay-ms": 7, "event-batch": 9}' >/dev/null &&
	client --do config-get >"$tmp/config" &&
	holds "$tmp/config" "(x['event-delay-ms'], x['event-batch'], x['event-queue']) == (7, 9, 65536)" || return
	! client --do config-set --json '{"event-delay-ms": 8, "event-batch": 65}' >"$tmp/refused" ||
		{ diag "65 was taken"; return 1; }
	grep -q 'out of range' "$tmp/refused" || { diag "$(<"$tmp/refused")"; return 1; }
	client --do config-get >"$tmp/config" && holds "$tmp/config" "x['event-delay-ms'] == 7"
}
nested_config() {
	client --do config-get >"$tmp/config" &&
	holds "$tmp/config" "len(x['thresholds']) == 42 and x['thresholds']['close-wait-age'] == 300 and 'ignore' not in x" &&
	client --do config-set --json '{"thresholds": {"close-wait-age": 200, "repeat-seconds": 0}, "ignore": [
		{"kind": "listen-full"}, {"addr": "7f000001", "port": 80}]}' >/dev/null &&
	client --do config-get >"$tmp/config" &&
	holds "$tmp/config" "x['thresholds']['close-wait-age'] == 200 and x['thresholds']['close-wait-slow-age'] == 3600" &&
	holds "$tmp/config" "x['ignore'] == [{'kind': 'listen-full'}, {'addr': '127.0.0.1', 'port': 80}]" || return
	! client --do config-set --json '{"thresholds": {"close-wait-age": 3601}}' >"$tmp/refused" ||
		{ diag "3601 was taken"; return 1; }
	grep -q 'close-wait-age must not be above close-wait-slow-age' "$tmp/refused" || { diag "$(<"$tmp/refused")"; return 1; }
	client --do config-set --json '{"ignore-none": true}' >/dev/null && client --do config-get >"$tmp/config" &&
	holds "$tmp/config" "x['thresholds']['close-wait-age'] == 200 and 'ignore' not in x"
}
# The counts are by state, from established on: number 4 is fin-wait2, number 7 close-wait.
peers() {
	client --dump peer-get >"$tmp/peers" && holds "$tmp/peers" "len(x) == 4 and all(list(p) == ['peer'] for p in x)" &&
	holds "$tmp/peers" "sorted((p['local-addr'], p['local-port'], p['counts'][0], p['counts'][7], p['sockets'], p['uid'])
		for p in (y['peer'] for y in x) if p['kind'] == 'listener') ==
		[('127.0.0.1', 7000, 0, 3, 1, 0), ('::1', 7001, 2, 0, 1, 0)]" &&
	holds "$tmp/peers" "sorted((p['local-addr'], p['remote-addr'], p['remote-port'], p['counts'][0], p['counts'][4], p['ports-used'])
		for p in (y['peer'] for y in x) if p['kind'] == 'destination') ==
		[('127.0.0.1', '127.0.0.1', 7000, 0, 3, 3), ('::1', '::1', 7001, 2, 0, 2)]" &&
	holds "$tmp/peers" "all(sum(p['peer']['counts']) == p['peer']['counts'][9] + (3 if p['peer']['family'] == 2 else 2) for p in x)"
}
# The table is full and then it is not, while the client listens; each time somebody connects. It says what it has heard when
# its time is over: enough of it, for what the clock leaps while others like it are read from a disk.
alerts() {
	local pid full room=0 i
	client --dump alert-get >"$tmp/alerts" && holds "$tmp/alerts" "x == []" && snapshot_of tcps-y || return
	full=$tracked
	client --do config-set --json '{"thresholds": {"settle-seconds": 0}}' >/dev/null || return
	client --subscribe alerts --sleep 600 >"$tmp/told" 2>"$tmp/err" &
	pid=$!
	listens tcps-y || return
	for ((i = 0; i < 6; i++)); do
		client --do config-set --json "{\"limit\": $((room ? 10000 : full))}" >/dev/null || return
		room=$((!room))
		ip netns exec tcps-y "$bin/endpoint" connect 127.0.0.1 7000 1 </dev/null >/dev/null 2>&1
		sleep 2.5
	done
	wait $pid || { diag "$(<"$tmp/err")"; return 1; }
	client --do config-set --json '{"limit": 10000}' >/dev/null && client --dump alert-get >"$tmp/alerts" || return
	! client --do alert-set --json '{"id": 4000, "file-limit": 1024}' >"$tmp/none" || { diag "there is no such alert"; return 1; }
	grep -q 'no alert with this id is active' "$tmp/none" || { diag "$(<"$tmp/none")"; return 1; }
	python3 - "$tmp/told" "$tmp/alerts" <<-'END'
	import json, sys
	told, listed = (json.load(open(name)) for name in sys.argv[1:])
	print("#", len(told), "notifications,", len(listed), "alerts")
	assert len(told) >= 6 and all(m["name"] == "alert-ntf" for m in told)
	told = [m["msg"] for m in told]
	assert [m["seq"] for m in told] == list(range(told[0]["seq"], told[0]["seq"] + len(told)))
	actions = [m["action"] for m in told if m["action"] != "update"]
	assert all(a != b for a, b in zip(actions, actions[1:])) and set(actions) == {"raise", "clear"}, actions
	for m in told + listed:
	    a = m["alert"]
	    assert (a["kind"], a["severity"], a["reason"]) == ("table-full", "ticket", "records"), m
	    assert a["value"] > 0 and a["limit"] > 0 and a["peak"] >= a["value"] and "peer" not in a, m
	assert all("cleared-ns" in m["alert"] for m in told if m["action"] == "clear")
	assert [m["alert"]["id"] for m in listed] == list(range(1, len(listed) + 1))
	END
}
# The client says nothing before its time is over.
follows() {
	local pid i
	client --subscribe transitions --sleep 200 >"$tmp/events" 2>"$tmp/err" &
	pid=$!
	listens tcps-y || return
	for ((i = 0; i < 20; i++)); do
		ip netns exec tcps-y "$bin/endpoint" connect 127.0.0.1 7000 1 </dev/null >/dev/null 2>&1
		sleep 0.5
	done
	wait $pid || { diag "$(<"$tmp/err")"; return 1; }
	python3 - "$tmp/events" $evidence <<-'END'
	import json, sys
	events = []
	for m in json.load(open(sys.argv[1])):
	    assert m["name"] == "transition-ntf", m
	    assert m["msg"]["lost"] == 0, m
	    events += m["msg"]["transition"]
	print("#", len(events), "events")
	assert len(events) >= 30
	assert [e["seq"] for e in events] == list(range(events[0]["seq"], events[0]["seq"] + len(events)))
	at = {}
	for e in events:
	    end = (e["local-addr"], e["remote-addr"], e["local-port"], e["remote-port"], e["end"])
	    if end in at:
	        assert at[end] == e["old-state"], (e, at[end])
	    at[end] = e["new-state"]
	causes = {e["cause"] for e in events}
	assert {"send-syn", "send-synack", "syn-acked", "send-fin", "rcv-fin", "fin-acked"} <= causes
	assert {"local", "remote"} == {e["end"] for e in events}
	assert not any("uid" in e or "pid" in e for e in events if e["end"] == "remote")
	# who connects sends the SYN itself; a socket that tells, says whose it is
	local = [e for e in events if e["end"] == "local"]
	assert all(e["uid"] == 0 and e["cookie"] and e["inode"] and e["pid"] for e in local if e["cause"] == "send-syn")
	if sys.argv[2] == "sockets":
	    told = [e for e in local if e["new-state"] in ("established", "close-wait", "last-ack")]
	    assert told and all(e["uid"] == 0 and e["cookie"] for e in told)
	END
}

log_mark
check "module loaded, connections" connections
check "the client lists the operations" operations
check "statistics" stats
check "a dump of everything" everything
check "dumps with filters" filtered
check "one endpoint by its tuple, and one that is not there" one
check "listeners and destinations" peers
check "configuration" config
check "thresholds and ignored alerts" nested_config
check "alerts, and their group" alerts
check "the group transitions" follows
check "the kernel log is clean" log_clean
finish
