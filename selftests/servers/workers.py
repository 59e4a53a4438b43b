# SPDX-License-Identifier: GPL-2.0-only
"""Six workers that share a port, and twenty connections each takes; they read to the end, and then forget to close."""
import os
import signal
import socket
import sys

WORKERS = 6
EACH = 20

kept = []
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=200)
for _ in range(WORKERS):
    if os.fork() == 0:
        break
else:
    print("ready", flush=True)
    while True:
        os.wait()
for _ in range(EACH):
    kept.append(listener.accept()[0])
for connection in kept:
    while connection.recv(4096):
        pass
while True:
    signal.pause()
