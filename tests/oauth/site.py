"""A web site with a certificate of its own: what a client publishes about itself."""

import json
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Semaphore, Thread
from typing import Any

from app.oauth.fetching import Fetcher
from tests.certificate import make_certificate
from tests.oauth.conftest import CALLBACK


class HeldBack:
    """Lets requests come in, and none go on."""

    def __init__(self) -> None:
        self._come = Semaphore(0)
        self._go = Event()

    def __call__(self) -> None:
        """Hold one request back."""
        self._come.release()
        self._go.wait(10)

    def wait_for(self, count: int) -> None:
        """Wait until so many have come."""
        for _ in range(count):
            assert self._come.acquire(timeout=10)

    def let_go(self) -> None:
        """Let all go on, those to come too."""
        self._go.set()


class Site:
    """A web site with one document; `said` is what it answers."""

    def __init__(self, folder: Path) -> None:
        certificate, key = make_certificate(folder)
        self.status, self.headers = 200, {"Content-Type": "application/json"}
        self.body = b"{}"
        self.asked: list[str] = []
        self.hold: Callable[[], None] = lambda: None
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.headers["Host"])
                site.hold()
                self.send_response(site.status)
                for name, value in site.headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(site.body)

            def log_message(self, *_args: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.trusted = ssl.create_default_context(cafile=str(certificate))
        self.url = f"https://localhost:{self.server.server_port}/client.json"

    def held_back(self) -> HeldBack:
        """Answer nobody until they are let go."""
        self.hold = held = HeldBack()
        return held

    def may_be_read(self, fetcher: Fetcher) -> None:
        """Let a fetcher come to this computer, and believe the certificate."""
        fetcher._is_private_allowed, fetcher._trusted = True, self.trusted

    def say(self, **changes: Any) -> None:
        """Let the document say what a good one does, and these changes."""
        said = {
            "client_id": self.url,
            "client_name": "Claude",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "refresh_token"],
        }
        kept = {name: value for name, value in (said | changes).items() if value is not None}
        self.body = json.dumps(kept).encode()


@contextmanager
def serving(folder: Path) -> Iterator[Site]:
    """Give a site that is served; its certificate is kept in the folder."""
    made = Site(folder)
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()
