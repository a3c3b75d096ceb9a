# The other end of parent.js, in Python: one JSON text per line, both ways.
import json
import os
import socket
import threading

channel = socket.socket(fileno=int(os.environ["NODE_CHANNEL_FD"]))


def listen():
    for line in channel.makefile("r", encoding="utf-8", newline="\n"):
        print("message from parent:", json.loads(line), flush=True)
    # The parent has disconnected, or is gone.
    os._exit(0)


threading.Thread(target=listen, daemon=True).start()
interval = int(os.environ.get("INTERVAL", "3000")) / 1000
while True:
    threading.Event().wait(interval)
    try:
        channel.sendall(json.dumps("hello").encode() + b"\n")
    except OSError:  # the parent has disconnected
        os._exit(0)
