"""A pooler such as pgbouncer in transaction mode: many clients, one connection to the server.

Each client has that connection for a transaction, and then the next one has it.
"""

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock, Thread

_SOCKET = ".s.PGSQL.5432"
_VERSION = 3 << 16
# PostgreSQL §54.7: what a client sends that a server answers with "ready for query", and that.
_ASKS = (b"Q", b"S")
_TERMINATES, _IS_READY = b"X", b"Z"
_IS_IDLE = b"I"


class Pooler:
    """Hands one server connection from client to client; `asked` are the messages they sent."""

    def __init__(self, server: socket.socket) -> None:
        self.asked: set[bytes] = set()
        self._server = server
        self._turn = Lock()
        self._greeting = b"".join(_until_ready(server))

    @classmethod
    @contextmanager
    def started(cls, folder: Path, server: str, database: str, role: str) -> Iterator["Pooler"]:
        """Stand in a folder for a server whose socket is in another."""
        with (
            socket.socket(socket.AF_UNIX) as upstream,
            socket.socket(socket.AF_UNIX) as listening,
        ):
            upstream.connect(f"{server}/{_SOCKET}")
            upstream.sendall(_startup(user=role, database=database))
            listening.bind(str(folder / _SOCKET))
            listening.listen()
            pooler = cls(upstream)
            accepting = Thread(target=pooler._accept, args=(listening,))
            accepting.start()
            yield pooler
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()

    def _accept(self, listening: socket.socket) -> None:
        served = []
        with suppress(OSError):
            while True:
                served.append(Thread(target=self._serve, args=(listening.accept()[0],)))
                served[-1].start()
        for each in served:
            each.join()

    def _serve(self, client: socket.socket) -> None:
        with client:
            while _first(client) != _VERSION:
                # It asked for encryption.
                client.sendall(b"N")
            client.sendall(self._greeting)
            has_its_turn = False
            while (message := _message(client))[:1] not in (_TERMINATES, b""):
                self.asked.add(message[:1])
                if not has_its_turn:
                    self._turn.acquire()
                self._server.sendall(message)
                has_its_turn = True
                if message[:1] in _ASKS:
                    for answer in _until_ready(self._server):
                        client.sendall(answer)
                    has_its_turn = answer[-1:] != _IS_IDLE
                    if not has_its_turn:
                        self._turn.release()


def _startup(**parameters: str) -> bytes:
    said = b"".join(f"{name}\0{value}\0".encode() for name, value in parameters.items())
    return struct.pack("!ii", len(said) + 9, _VERSION) + said + b"\0"


def _first(client: socket.socket) -> int:
    """Give what a client wants first: to begin by a version of the protocol, or something else."""
    length, wanted = struct.unpack("!ii", _read(client, 8))
    _read(client, length - 8)
    return int(wanted)


def _until_ready(server: socket.socket) -> Iterator[bytes]:
    while message := _message(server):
        yield message
        if message[:1] == _IS_READY:
            return


def _message(sender: socket.socket) -> bytes:
    """Give the next message, or nothing where the sender is gone."""
    head = _read(sender, 5)
    return head + _read(sender, struct.unpack("!i", head[1:])[0] - 4) if head else b""


def _read(sender: socket.socket, size: int) -> bytes:
    found = b""
    while len(found) < size:
        more = sender.recv(size - len(found))
        if not more:
            return b""
        found += more
    return found
