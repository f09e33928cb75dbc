"""Flask on an event loop: a request goes to a thread whole, and its answer comes back whole."""

import io
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from starlette.types import Scope, Send

from app.mcp.threads import Threads

# Bytes. What is longer goes out in pieces, the next one made when the client has taken the last.
_PIECE = 128 * 1024


class Bridge:
    """Serves a WSGI application to requests that were read whole.

    Each is one call in one thread: no client can hold a thread by reading slowly.
    """

    def __init__(self, app: WSGIApplication, threads: Threads) -> None:
        self._app = app
        self._threads = threads

    async def serve(self, scope: Scope, body: bytes, send: Send) -> None:
        """Answer a request."""
        answer = _Answer(self._app, _environ(scope, body))
        await self._threads.run(answer.begin)
        try:
            start = {"status": answer.status, "headers": answer.headers}
            await send({"type": "http.response.start", **start})
            while answer.goes_on:
                piece = {"body": answer.piece, "more_body": True}
                await send({"type": "http.response.body", **piece})
                await self._threads.run(answer.go_on)
            await send({"type": "http.response.body", "body": answer.piece})
        finally:
            if answer.goes_on:
                await self._threads.run(answer.close)


class _Answer:
    """What the application answers: made in a thread, read on the event loop in between."""

    def __init__(self, app: WSGIApplication, environ: WSGIEnvironment) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.piece = b""
        self.goes_on = False
        self._app = app
        self._environ = environ
        self._answer: Iterable[bytes] = ()
        self._rest: Iterator[bytes] = iter(())

    def begin(self) -> None:
        """Call the application; its first piece is there then."""
        self._answer = self._app(self._environ, self._start)
        self._rest = iter(self._answer)
        self.go_on()

    def go_on(self) -> None:
        """Make the next piece."""
        chunks: list[bytes] = []
        size = 0
        self.goes_on = False
        try:
            for chunk in self._rest:
                chunks.append(chunk)
                size += len(chunk)
                if size >= _PIECE:
                    self.goes_on = True
                    break
        finally:
            if not self.goes_on:
                self.close()
        self.piece = b"".join(chunks)

    def close(self) -> None:
        """Tell the application that nothing more is wanted."""
        close = getattr(self._answer, "close", None)
        if close is not None:
            close()

    def _start(
        self, status: str, headers: list[tuple[str, str]], _error: object = None
    ) -> Callable[[bytes], object]:
        self.status = int(status[:3])
        self.headers = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers]
        return _no_write


def _no_write(_data: bytes) -> object:
    raise NotImplementedError("Give an iterable: PEP 3333 keeps write() for what is older.")


def _environ(scope: Scope, body: bytes) -> WSGIEnvironment:
    host, port = scope["server"] or ("localhost", 0)
    environ: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("ascii"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope["client"]:
        environ["REMOTE_ADDR"] = scope["client"][0]
    for raw, content in scope["headers"]:
        name = _variable(raw)
        if name:
            value = content.decode("latin-1")
            environ[name] = f"{environ[name]},{value}" if name in environ else value
    if body or scope["method"] not in ("GET", "HEAD"):
        environ["CONTENT_LENGTH"] = str(len(body))
    return environ


@lru_cache(maxsize=256)
def _variable(header: bytes) -> str:
    """Give the name of the variable for a header field; none for those that count no more."""
    # `X_Forwarded_For` and `X-Forwarded-For` would be one variable: only one is a proxy's.
    if b"_" in header or header in (b"content-length", b"transfer-encoding"):
        return ""
    name = header.decode("latin-1").upper().replace("-", "_")
    return name if name == "CONTENT_TYPE" else f"HTTP_{name}"
