#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A web server that reads its configuration again, seven times in eleven minutes, while its clients keep their
# connections and old workers stay until their downloads are through: that is no trouble. silence_web.c has the clients.
. "$(dirname "$0")/lib.sh"
plan 5
need ip; need busybox
need "$bin/silence_web"
[ ! -x "$here/../scripts/fetch" ] || eval "$("$here/../scripts/fetch" --env)"
need nginx
dir=$tmp/nginx

configuration() {
	# 97 s each: none ends when old workers are looked for, 10 s after a reload at 50, 150, 250 and so on (silence_web.c)
	mkdir -p "$dir" && busybox dd if=/dev/zero of="$dir/slow" bs=1k count=192 2>/dev/null && cat >"$dir/conf" <<-END
		user root;
		worker_processes 2;
		pid nginx.pid;
		events { worker_connections 2048; }
		http {
			access_log off;
			client_body_temp_path body;
			proxy_temp_path proxy;
			fastcgi_temp_path fastcgi;
			uwsgi_temp_path uwsgi;
			scgi_temp_path scgi;
			keepalive_timeout 600;
			keepalive_requests 1000000;
			server {
				listen 127.0.0.1:8080;
				location / { return 200 "hello"; }
				location /slow { alias $dir/slow; limit_rate 2k; }
			}
		}
	END
}
start() {
	configuration && netns tcps-w || return
	exec_ns tcps-w nginx -p "$dir" -c "$dir/conf" -e "$dir/error" -g 'daemon off;' </dev/null >"$dir/out" 2>&1 &
	server=$!
	pids+=($!)
	wait_listener || { diag "nginx: $(<"$dir/out")"; return 1; }
}
wait_listener() {
	local i
	for ((i = 0; i < looks; i++)); do
		snapshot_of tcps-w && [ "$S_LISTEN" != 0 ] && return
		sleep 0.1
	done
	return 1
}
stop() {	# without workers that nobody waits for
	kill -TERM "$server" && wait "$server"
}

log_mark
check "module loaded" module_load
check "a web server" start
check "seven reloads, and no alert" in_ns tcps-w "$bin/silence_web" "$server" 660
check "it ends" stop
check "the kernel log is clean" log_clean
finish
