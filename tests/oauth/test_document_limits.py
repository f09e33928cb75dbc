"""Strangers, slow hosts and dead ones keep neither users nor known clients from signing in."""

import json
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from httpx2 import Headers
from werkzeug.test import TestResponse

from app.core.share import ANONYMOUS_DOCUMENTS, DOCUMENTS
from app.extensions import db
from app.oauth.assertion import TYPE
from app.oauth.fetch_queue import MAX_FETCHES, Purpose
from app.oauth.fetching import MAX_STALE_SECONDS, Document
from tests.conftest import change, stop_the_minute
from tests.oauth.conftest import CALLBACK, Flow, sign_in
from tests.oauth.site import HeldBack, Site, serving
from tests.oauth.test_assertion import signed
from tests.processes import sharing_on

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
GRANTS = ["authorization_code", "refresh_token", DEVICE]
FORM = {"scope": "tasks:view"}
# Each test floods from an address of its own.
Address = Callable[[], str]


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Give an app that limits its callers, and fetches from this computer."""
    folder = tmp_path_factory.mktemp("limits")
    limited = {"rate_limits": "on", "private_documents": "on"}
    with sharing_on(request, engine_name, folder, **limited) as made:
        stop_the_minute(made)
        yield made


@pytest.fixture(scope="module")
def site(app: Flask, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Give a site with a document at every path, under whichever name it is called."""
    with serving(tmp_path_factory.mktemp("site")) as made:
        made.trusted.check_hostname = False
        made.may_be_read(app.extensions["fetcher"])
        made.server.RequestHandlerClass = _published_by(made)
        yield made


def _published_by(site: Site) -> type[BaseHTTPRequestHandler]:
    class Published(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"https://{self.headers['Host']}{self.path}"
            site.asked.append(url)
            if self.path == "/held":
                site.hold()
            self.send_response(site.status)
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            said = {"client_id": url, "client_name": "A tool", "redirect_uris": [CALLBACK]}
            self.wfile.write(json.dumps(said | {"grant_types": GRANTS}).encode())

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    return Published


@pytest.fixture(autouse=True)
def healthy(site: Site) -> None:
    """Let the site answer well at the beginning of each test."""
    site.status, site.headers = 200, {"Content-Type": "application/json"}
    site.asked.clear()


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each name in .example lead to this computer."""
    look_up = socket.getaddrinfo

    def local(host: str, *more: Any, **options: Any) -> Any:
        return look_up("127.0.0.1" if host.endswith(".example") else host, *more, **options)

    monkeypatch.setattr(socket, "getaddrinfo", local)


@pytest.fixture
def ada(app: Flask) -> FlaskClient:
    return sign_in(app.test_client(), "ada")


def url_of(site: Site, name: str, host: str = "localhost") -> str:
    return f"https://{host}:{site.server.server_port}/{name}"


def ask(app: Flask, client_id: str, address: str, path: str = "device_authorization") -> int:
    """Ask anonymously; give the status."""
    form = FORM | {"client_id": client_id}
    if path == "introspect":
        assertion = {"client_assertion": signed(client_id), "client_assertion_type": TYPE}
        form = {"token": "x", **assertion}
    answer = app.test_client(use_cookies=False).post(
        f"/oauth/{path}", data=form, environ_base={"REMOTE_ADDR": address}
    )
    return answer.status_code


def authorize(browser: FlaskClient, client_id: str) -> TestResponse:
    return Flow(browser, client_id, None).authorize()


def expire(client_id: str) -> None:
    change("UPDATE client SET document_expires_at = 1 WHERE client_id = :id", id=client_id)


def use_up(app: Flask, address: str) -> None:
    app.extensions["shares"].anonymous_documents._spent[address] = ANONYMOUS_DOCUMENTS


def test_a_stranger_who_floods_a_host_limits_nobody_but_themselves(
    app: Flask, site: Site, ada: FlaskClient
) -> None:
    here, there = "192.0.2.7", "192.0.2.8"
    known = url_of(site, "flooded-known")
    assert ask(app, known, here) == 200
    use_up(app, here)
    paths = ("device_authorization", "par", "introspect")
    assert [ask(app, url_of(site, f"bad-{path}"), here, path) for path in paths] == [429] * 3
    assert site.asked == [known]
    # A user's first sign-in on that host, another address, and the client that is known.
    assert authorize(ada, url_of(site, "flooded-first")).status_code == 200
    assert ask(app, url_of(site, "flooded-there"), there) == 200
    expire(known)
    assert ask(app, known, here) == 200
    assert site.asked.count(known) == 2


def test_a_user_who_used_their_share_up_signs_in_to_known_clients(
    app: Flask, site: Site, ada: FlaskClient
) -> None:
    known = url_of(site, "share-known")
    assert authorize(ada, known).status_code == 200
    with db.engine.connect() as connection:
        find = "SELECT id FROM user_account WHERE email = 'ada@example.com'"
        key = connection.exec_driver_sql(find).scalar_one()
    shares = app.extensions["shares"]
    shares.documents._spent[f"user {key}"] = DOCUMENTS
    assert authorize(ada, url_of(site, "share-new")).status_code == 429
    expire(known)
    assert authorize(ada, known).status_code == 200
    shares.documents._spent.clear()


@pytest.mark.usefixtures("anywhere")
def test_three_slow_hosts_hold_up_neither_users_nor_known_clients(
    app: Flask, site: Site, ada: FlaskClient
) -> None:
    known = url_of(site, "waiting-known")
    assert authorize(ada, known).status_code == 200
    expire(known)
    site.hold = held = HeldBack()
    slow = [url_of(site, "held", f"slow{number}.example") for number in range(3)]
    with ThreadPoolExecutor(3) as strangers:
        waiting = [
            strangers.submit(ask, app, url, f"198.51.100.{number}")
            for number, url in enumerate(slow)
        ]
        held.wait_for(MAX_FETCHES[Purpose.ANONYMOUS])
        started = time.monotonic()
        assert authorize(ada, url_of(site, "waiting-new", "quick.example")).status_code == 200
        # Even on a host that holds a stranger up.
        assert authorize(ada, url_of(site, "quick", "slow0.example")).status_code == 200
        assert ask(app, known, "203.0.113.9") == 200
        assert time.monotonic() - started < 4, "nobody waited for the slow ones"
        held.let_go()
        assert [done.result() in (200, 400, 401) for done in waiting] == [True] * 3


@pytest.mark.parametrize("status", [500, 502, 503, 504, 429])
def test_a_known_client_signs_in_while_its_host_has_trouble(
    app: Flask, site: Site, ada: FlaskClient, status: int
) -> None:
    known = url_of(site, f"trouble-{status}")
    assert authorize(ada, known).status_code == 200
    expire(known)
    site.status = status
    assert authorize(ada, known).status_code == 200
    assert ask(app, known, "192.0.2.20") == 200
    assert authorize(ada, known).status_code == 200
    assert site.asked.count(known) == 2, "it is tried again after a minute only"
    documents = app.extensions["oauth_server"]._documents
    documents._failures.clear()
    for ended in ("document_stale_until = 1", "document_stale_until = NULL"):
        change(f"UPDATE client SET {ended} WHERE client_id = :id", id=known)
        assert authorize(ada, known).status_code == 400
        assert ask(app, known, "192.0.2.20") == 400
    site.status = 200
    assert authorize(ada, known).status_code == 200


def test_a_known_client_signs_in_while_its_host_is_gone(
    app: Flask, ada: FlaskClient, tmp_path: Path
) -> None:
    fetcher = app.extensions["fetcher"]
    before = fetcher._trusted
    with serving(tmp_path) as site:
        site.may_be_read(fetcher)
        site.say()
        assert authorize(ada, site.url).status_code == 200
    expire(site.url)
    assert authorize(ada, site.url).status_code == 200
    change("UPDATE client SET revoked_at = 1 WHERE client_id = :id", id=site.url)
    assert authorize(ada, site.url).status_code == 400
    fetcher._trusted = before


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (404, {}),
        (410, {}),
        (403, {}),
        (302, {"Location": "https://localhost/"}),
        (200, {"Content-Type": "text/html"}),
    ],
)
def test_what_the_host_says_of_a_document_ends_the_copy_for_good(
    app: Flask, site: Site, ada: FlaskClient, status: int, headers: dict[str, str]
) -> None:
    known = url_of(site, f"ended-{status}")
    assert authorize(ada, known).status_code == 200
    expire(known)
    site.status, site.headers = status, {"Content-Type": "application/json", **headers}
    assert authorize(ada, known).status_code == 400
    site.status = 503
    assert authorize(ada, known).status_code == 400
    # A stranger's request is answered by what was found a moment ago.
    fetched = len(site.asked)
    assert ask(app, known, "192.0.2.30") == 400
    assert len(site.asked) == fetched


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", MAX_STALE_SECONDS),
        ("public, max-age=60", MAX_STALE_SECONDS),
        ("max-age=60, stale-if-error=600", 600),
        ("stale-if-error=999999999", MAX_STALE_SECONDS),
        ("max-age=0, must-revalidate", 0),
        ("No-Cache", 0),
        ("private,no-store", 0),
        ("x-must-revalidate", MAX_STALE_SECONDS),
    ],
)
def test_headers_say_whether_a_copy_may_be_used_past_its_end(said: str, seconds: int) -> None:
    assert Document({}, Headers({"Cache-Control": said})).stale_seconds == seconds


def test_a_document_that_must_be_revalidated_is_not_used_past_its_end(
    site: Site, ada: FlaskClient
) -> None:
    known = url_of(site, "revalidated")
    site.headers["Cache-Control"] = "max-age=0, must-revalidate"
    assert authorize(ada, known).status_code == 200
    change(
        "UPDATE client SET document_expires_at = 1, "
        "document_stale_until = document_stale_until - document_expires_at + 1 "
        "WHERE client_id = :id",
        id=known,
    )
    site.status = 503
    assert authorize(ada, known).status_code == 400
