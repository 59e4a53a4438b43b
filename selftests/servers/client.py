# SPDX-License-Identifier: GPL-2.0-only
"""PORT NUMBER CLOSE: so many connections; the first of them it closes a second later. Says when, from and to, in ns:
"ready BEGUN OPENED BEFORE AFTER"."""
import socket
import sys
import time

port, number, close = map(int, sys.argv[1:])
begun = time.time_ns()
kept = [socket.create_connection(("127.0.0.1", port)) for _ in range(number)]
opened = time.time_ns()
time.sleep(1)
before = time.time_ns()
for connection in kept[:close]:
    connection.close()
after = time.time_ns()
print("ready", begun, opened, before, after, flush=True)
while True:
    time.sleep(1000)
