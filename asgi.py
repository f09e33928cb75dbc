"""The whole product: MCP beside Flask in one ASGI app, and the command that serves it."""

import socket
import sys
import time
from contextlib import suppress

import uvicorn
from flask_migrate import upgrade
from sqlalchemy.exc import SQLAlchemyError
from uvicorn.supervisors import Multiprocess

from app.blueprints.operator import demo
from app.core.errors import Busy
from app.extensions import db  # noqa: TID251 - made ready here, then closed
from app.mcp.connection import Connection
from app.mcp.mount import Mount
from app.oauth import console
from config import Settings
from wsgi import app as pages

# Seconds that open streams may take to end after a signal.
_GRACE = 1
_WORKER_STARTUP_SECONDS = 60

app = Mount(pages)


def main() -> None:
    """Make the database ready, say where the product is, and serve it until a signal comes."""
    settings: Settings = pages.extensions["settings"]
    listener = _bound(settings)
    _prepare(settings)
    _announce(settings)
    config = uvicorn.Config(
        "asgi:app" if settings.workers > 1 else app,
        workers=settings.workers,
        http=Connection,
        loop="uvloop",
        ws="none",
        lifespan="on",
        log_level="warning",
        # It would hold query strings, and a client that errs puts its token there.
        access_log=False,
        server_header=False,
        # Flask believes as many proxies as it is told to; here it would be any on this machine.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE,
        # A worker that is still importing answers no ping: on a busy machine, uvicorn's five
        # seconds would end each one before it has begun.
        timeout_worker_healthcheck=_WORKER_STARTUP_SECONDS,
    )
    with suppress(KeyboardInterrupt):
        if settings.workers > 1:
            Multiprocess(config, [listener]).run()
        else:
            uvicorn.Server(config).run([listener])


def _bound(settings: Settings) -> socket.socket:
    address = (settings.host, settings.port)
    try:
        return socket.create_server(
            address, family=socket.AF_INET6 if ":" in settings.host else socket.AF_INET
        )
    except OSError as error:
        reason = str(error.strerror).partition(" (")[0]
        sys.exit(
            f"latchkey: cannot listen on {settings.host} port {settings.port}: {reason}. "
            "Stop what listens there, or set LATCHKEY_HOST and LATCHKEY_PORT."
        )


def _prepare(settings: Settings) -> None:
    with pages.app_context():
        try:
            upgrade()
        except (SQLAlchemyError, Busy) as error:
            reason = str(getattr(error, "orig", error.__cause__ or error)).partition("\n")[0]
            sys.exit(f"latchkey: the database could not be made ready: {reason}")
        declared = pages.extensions["declarations"]
        faults = declared.faults_of_rows(db.engine)
        if fault := pages.extensions["readiness"].fault() or next(faults, None):
            sys.exit(f"latchkey: {fault}")
        console.ensure(db.engine, settings.public_url, int(time.time()))
        engines = list(db.engines.values())
    if settings.demo:
        demo.seed(pages)
    for engine in engines:
        # The processes that serve must not share connections with this one.
        engine.dispose()


def _announce(settings: Settings) -> None:
    print(f"Latchkey is at {settings.public_url}")
    if settings.demo:
        print(f"Demo accounts, password {demo.PASSWORD}: {', '.join(demo.PEOPLE)}")
    if not settings.is_https and not settings.is_loopback:
        # RFC 6749 §3.1, §3.2: tokens go over TLS.
        print("Its address is plain http: tokens and passwords can be read on the way. Use https.")
    if settings.workers > 1:
        print("MCP over HTTP+SSE (/sse) needs LATCHKEY_WORKERS=1; /mcp does not.")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
