# SPDX-License-Identifier: GPL-2.0-only
"""Listens, and does something else."""
import socket
import sys
import time

listener = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=100)
print("ready", flush=True)
while True:
    time.sleep(1000)
