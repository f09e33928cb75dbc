"""The demo workspace in process, and access tokens of its people."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade

from app.blueprints.operator import demo
from app.core import scopes
from app.extensions import db
from app.identity import anybody
from app.oauth import operator
from app.procedures.clients import NewClient
from tests.databases import opened


@contextmanager
def demo_site(folder: Path) -> Iterator[Flask]:
    """Open an app on the demo workspace."""
    with opened(folder, rate_limits="off", demo=True) as app:
        upgrade()
        demo.seed(app)
        yield app


def token_of(name: str) -> str:
    """Return an access token with everything that this person's roles allow an app."""
    email, now = f"{name}@example.com", int(time.time())
    reach = anybody.principal_of(db.engine, email).reach
    granted = reach.intersection(scopes.grantable(is_trusted=True))
    client = operator.create_client(
        db.engine,
        NewClient(name="Examples", redirect_uris=["http://127.0.0.1:9999/callback"]),
        allowed=granted,
        owner="grace@example.com",
        now=now,
        is_trusted=True,
    )
    answer = operator.mint_token(
        db.engine, client_id=client["client_id"], email=email, granted=granted, now=now
    )
    return str(answer["access_token"])
