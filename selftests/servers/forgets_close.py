# SPDX-License-Identifier: GPL-2.0-only
"""Reads what comes to the end, and then forgets to close."""
import selectors
import socket
import sys

kept = []
selector = selectors.DefaultSelector()
listener = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=200)
selector.register(listener, selectors.EVENT_READ)
print("ready", flush=True)
while True:
    for key, _ in selector.select():
        if key.fileobj is listener:
            connection, _ = listener.accept()
            selector.register(connection, selectors.EVENT_READ)
        elif not key.fileobj.recv(4096):
            selector.unregister(key.fileobj)
            kept.append(key.fileobj)
