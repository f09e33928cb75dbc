"""How often a client, and an address, may ask each endpoint."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.core.share import INTROSPECTIONS, REGISTRATIONS, TOKENS, Share
from app.extensions import db
from tests.conftest import Program, stop_the_minute
from tests.oauth.conftest import Flow
from tests.requirements import requirement

Another = Callable[..., Flow]
HERE, THERE = "192.0.2.7", "198.51.100.9"
ENDPOINTS = [
    ("/oauth/token", "tokens", TOKENS),
    ("/oauth/revoke", "tokens", TOKENS),
    ("/oauth/par", "tokens", TOKENS),
    ("/oauth/device_authorization", "tokens", TOKENS),
    ("/oauth/introspect", "introspections", INTROSPECTIONS),
]


@pytest.fixture
def limited(app: Flask) -> Iterator[Flask]:
    """Give the same app with its limits on."""
    limited = create_app(app.extensions["settings"].model_copy(update={"rate_limits": "on"}))
    stop_the_minute(limited)
    limited.test_client_class = Program
    yield limited
    with limited.app_context():
        for engine in db.engines.values():
            engine.dispose()


def spend(app: Flask, share: str, caller: str, times: int) -> None:
    counted: Share = getattr(app.extensions["shares"], share)
    for _ in range(times):
        counted.spend(caller)


def status(browser: FlaskClient, path: str, address: str, flow: Flow | None = None) -> int:
    known = {"client_id": flow.client_id, "client_secret": flow.client_secret} if flow else {}
    answer = browser.post(
        path, data={"token": "x", **known}, environ_base={"REMOTE_ADDR": address}
    )
    if answer.status_code == 429:
        assert 0 < int(answer.headers["Retry-After"]) <= 60
        assert answer.json is not None
        assert answer.json["error"] == "temporarily_unavailable"
    return answer.status_code


@requirement("rfc6749:guessing-throttled")
@pytest.mark.parametrize(("path", "share", "most"), ENDPOINTS)
def test_an_address_has_its_share_of_each_endpoint(
    limited: Flask, path: str, share: str, most: int
) -> None:
    browser = limited.test_client()
    spend(limited, share, HERE, most - 1)
    assert [status(browser, path, HERE) for _ in range(2)] == [401, 429]
    assert status(browser, path, THERE) == 401


@pytest.mark.parametrize(("path", "share", "most"), ENDPOINTS)
def test_a_client_has_its_share_wherever_it_asks_from(
    limited: Flask, flow: Flow, path: str, share: str, most: int
) -> None:
    browser = limited.test_client()
    with limited.app_context(), db.engine.connect() as connection:
        find = "SELECT id FROM client WHERE client_id = ?"
        key = connection.exec_driver_sql(find, (flow.client_id,)).scalar_one()
    spend(limited, share, f"client {key}", most - 1)
    assert status(browser, path, HERE, flow) in (200, 400)
    assert status(browser, path, THERE, flow) == 429
    assert status(browser, path, THERE) == 401


def test_who_only_says_to_be_a_client_uses_nothing_of_its_share_up(
    limited: Flask, flow: Flow
) -> None:
    browser = limited.test_client()
    forged = Flow(browser, flow.client_id, "lk_cs_wrong")
    for number in range(3):
        assert status(browser, "/oauth/token", f"203.0.113.{number}", forged) == 401
    spent = limited.extensions["shares"].tokens._spent
    assert not [caller for caller in spent if caller.startswith("client ")]


def test_an_address_registers_so_many_clients(limited: Flask) -> None:
    spend(limited, "registrations", HERE, REGISTRATIONS)
    assert status(limited.test_client(), "/oauth/register", HERE) == 429
    assert status(limited.test_client(), "/oauth/register", THERE) == 400


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/register"])
@pytest.mark.parametrize("body", ["too often", "too much"])
def test_a_page_of_another_origin_may_read_why_it_was_refused(
    limited: Flask, path: str, body: str
) -> None:
    share, most = ("registrations", REGISTRATIONS) if "register" in path else ("tokens", TOKENS)
    if body == "too often":
        spend(limited, share, HERE, most)
    form = {"token": "x" * (100_000 if body == "too much" else 1)}
    answer = limited.test_client().post(path, data=form, environ_base={"REMOTE_ADDR": HERE})
    assert answer.status_code == (429 if body == "too often" else 413)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "Retry-After" in answer.headers["Access-Control-Expose-Headers"]


def test_nobody_uses_up_a_public_clients_share_for_all(limited: Flask, another: Another) -> None:
    public = another(kind="public")
    with limited.app_context(), db.engine.connect() as connection:
        find = "SELECT id FROM client WHERE client_id = ?"
        key = connection.exec_driver_sql(find, (public.client_id,)).scalar_one()
    spend(limited, "tokens", f"client {key} at {HERE}", TOKENS)
    browser = limited.test_client()
    form = {"client_id": public.client_id, "token": "x"}
    asked = [
        browser.post("/oauth/revoke", data=form, environ_base={"REMOTE_ADDR": address}).status_code
        for address in (HERE, THERE)
    ]
    assert asked == [429, 200]
