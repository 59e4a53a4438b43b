# SPDX-License-Identifier: GPL-2.0-only
"""A pool of threads: each accepts a connection, and then waits for a lock that nobody gives back."""
import socket
import sys
import threading

kept = []
lock = threading.Lock()


def work(listener):
    connection, _ = listener.accept()
    kept.append(connection)
    lock.acquire()
    connection.recv(1)


listener = socket.create_server(("0.0.0.0", int(sys.argv[1])), backlog=200)
lock.acquire()
threads = [threading.Thread(target=work, args=(listener,)) for _ in range(int(sys.argv[2]))]
for thread in threads:
    thread.start()
print("ready", flush=True)
for thread in threads:
    thread.join()
