"""The console's own client."""

import json

from flask import Flask

from app.extensions import db
from app.oauth import console
from tests.conftest import Call, Person


def found() -> tuple[int | None, list[str]]:
    """Give when the client was revoked, and its redirect URIs."""
    with db.engine.connect() as connection:
        revoked_at, uris = connection.exec_driver_sql(
            "SELECT revoked_at, redirect_uris FROM client WHERE client_id = ?",
            (console.CLIENT_ID,),
        ).one()
    return revoked_at, json.loads(uris)


def test_the_console_has_one_client_whose_redirect_uri_follows_the_public_url(app: Flask) -> None:
    console.ensure(db.engine, "http://127.0.0.1:8000", now=1)
    console.ensure(db.engine, "https://latchkey.example.com", now=2)
    assert found() == (
        None,
        ["https://latchkey.example.com/docs/api/oauth2-redirect.html"],
    )


def test_a_revoked_console_stays_revoked(app: Flask, call: Call, person: Person) -> None:
    console.ensure(db.engine, "http://127.0.0.1:8000", now=1)
    call("oauth_clients.revoke", person("grace"), {"client_id": console.CLIENT_ID})
    console.ensure(db.engine, "http://127.0.0.1:8000", now=2)
    assert found()[0] is not None
