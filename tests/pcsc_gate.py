"""The door of a private network namespace: loopback ports outside lead to vpcd's ports inside.

Runs inside the namespace with listening sockets that were made outside and handed down as open
files, so that a card outside reaches a vpcd that nobody else on the network can. Ends with its
standard input, so that no namespace outlives the test run. Knows nothing of cards or PC/SC.

    python pcsc_gate.py FD:PORT…
"""

from __future__ import annotations

import contextlib
import socket
import sys
import threading

CHUNK = 65536


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Carry bytes one way until either side ends; then both do."""
    with contextlib.suppress(OSError):
        while True:
            # vpcd sends a length and its body apart: unless acknowledged at once it waits 40 ms.
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
            data = source.recv(CHUNK)
            if not data:
                break
            sink.sendall(data)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def join(outside: socket.socket, port: int) -> None:
    """One card's connection, until card or vpcd hangs up."""
    with contextlib.ExitStack() as ends:
        ends.enter_context(outside)
        ends.enter_context(contextlib.suppress(OSError))  # no vpcd: the card is hung up on
        inside = ends.enter_context(socket.create_connection(("127.0.0.1", port)))
        for end in (outside, inside):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        back = threading.Thread(target=pump, args=(inside, outside), daemon=True)
        back.start()
        pump(outside, inside)
        back.join()


def listen(descriptor: int, port: int) -> None:
    """Take one connection after the other."""
    with socket.socket(fileno=descriptor) as door:
        while True:
            outside, _ = door.accept()
            threading.Thread(target=join, args=(outside, port), daemon=True).start()


def main() -> None:
    for pair in sys.argv[1:]:
        descriptor, port = (int(part) for part in pair.split(":"))
        threading.Thread(target=listen, args=(descriptor, port), daemon=True).start()
    sys.stdout.write("open\n")
    sys.stdout.flush()
    sys.stdin.read()


main()
