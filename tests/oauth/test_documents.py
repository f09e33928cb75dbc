"""Clients that are known by the URL of a document about them."""

import socket
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from ipaddress import ip_address
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from flask import Flask
from httpx2 import Headers
from joserfc.jwk import ECKey

from app import create_app
from app.core.share import DOCUMENTS
from app.extensions import db
from app.oauth import fetching
from app.oauth.documents import is_document
from app.oauth.fetching import LARGEST, Document, Fetcher, NotFetched, _is_public
from app.oauth.purge import purge
from tests.conftest import change, stop_the_minute
from tests.oauth.conftest import Flow, answer_of, sign_in
from tests.oauth.site import Site, serving
from tests.oauth.test_assertion import ask, error, signed
from tests.requirements import requirement


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Give a site whose document is that of a client."""
    with serving(tmp_path) as made:
        made.say()
        yield made


@pytest.fixture
def flow(app: Flask, site: Site) -> Flow:
    """Give Ada in front of a client that the server knows nothing of, but may fetch."""
    site.may_be_read(app.extensions["fetcher"])
    return Flow(sign_in(app.test_client(), "ada"), site.url, None)


@requirement("mcp:documents-taken")
def test_a_client_is_learned_from_its_document(flow: Flow, site: Site) -> None:
    page = flow.authorize()
    assert "Claude" in page.text
    assert site.url in page.text
    body = flow.exchange(answer_of(flow.decide(page))["code"]).json
    assert body is not None
    assert body["access_token"]
    assert flow.refresh(body["refresh_token"]).status_code == 200
    assert site.asked == [f"localhost:{site.server.server_port}"]


@requirement("mcp:consent-for-each-client")
def test_it_is_asked_for_each_time(flow: Flow) -> None:
    flow.tokens()
    assert "Allow" in flow.authorize().text


@requirement("mcp:document-cached")
def test_a_document_holds_as_long_as_its_headers_say(flow: Flow, site: Site) -> None:
    site.headers["Cache-Control"] = "public, max-age=7200"
    flow.authorize()
    with db.engine.connect() as connection:
        query = "SELECT document_expires_at - created_at FROM client WHERE source = 'document'"
        assert connection.exec_driver_sql(query).scalar_one() == 7200
    site.say(client_name="Claudia")
    assert "Claudia" not in flow.authorize().text
    change("UPDATE client SET document_expires_at = 1 WHERE source = 'document'")
    assert "Claudia" in flow.authorize().text
    assert len(site.asked) == 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 3600),
        ({"Cache-Control": "max-age=1"}, 60),
        ({"Cache-Control": "max-age=999999999"}, 24 * 3600),
        ({"Cache-Control": "no-store, max-age=7200"}, 60),
        ({"Expires": "Tue, 24 Nov 2026 10:00:00 GMT"}, 7200),
        ({"Expires": "Tue, 24 Nov 2026 10:00:00 GMT", "Cache-Control": "max-age=300"}, 300),
        ({"Expires": "0"}, 60),
    ],
)
def test_its_headers_are_held_within_bounds(headers: dict[str, str], seconds: int) -> None:
    date = {"Date": "Tue, 24 Nov 2026 08:00:00 GMT"}
    assert Document({}, Headers({**date, **headers})).lasts == seconds


@requirement("mcp:document-names-itself", "mcp:document-redirect-uris")
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "https://localhost/another.json"},
        {"redirect_uris": None},
        {"redirect_uris": ["https://elsewhere.example/"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": 7},
        {"client_secret": "shared"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
    ],
)
def test_a_document_that_will_not_do_is_refused(
    flow: Flow, site: Site, changes: dict[str, Any]
) -> None:
    site.say(**changes)
    assert flow.authorize().status_code == 400


@requirement("mcp:document-whole")
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 20000, b" " * (LARGEST + 1)])
def test_what_is_no_document_is_refused(flow: Flow, site: Site, body: bytes) -> None:
    site.body = body
    assert flow.authorize().status_code == 400


@requirement("mcp:no-request-forgery")
def test_a_redirect_or_another_type_is_not_followed(flow: Flow, site: Site) -> None:
    site.status, site.headers["Location"] = 302, site.url
    assert flow.authorize().status_code == 400
    site.status, site.headers["Content-Type"] = 200, "text/html"
    assert flow.authorize().status_code == 400
    assert len(site.asked) == 2


def test_where_registration_is_closed_no_document_is_fetched(flow: Flow, site: Site) -> None:
    change("INSERT INTO switch (name, is_on) VALUES ('registration', 0)")
    assert flow.authorize().status_code == 400
    assert site.asked == []


def test_a_document_on_our_own_network_is_not_fetched(app: Flask, site: Site) -> None:
    flow = Flow(sign_in(app.test_client(), "ada"), site.url, None)
    assert flow.authorize().status_code == 400
    assert site.asked == []


def test_nobody_has_a_document_read_who_has_not_signed_in(
    app: Flask, flow: Flow, site: Site
) -> None:
    stranger = Flow(app.test_client(), site.url, None)
    assert stranger.authorize().headers["Location"].startswith("/login?next=")
    assert stranger.authorize(prompt="none").status_code == 400
    assert site.asked == []
    assert "Claude" in flow.authorize().text
    # One that is known, and due to be read again, is asked for in silence as it is.
    change("UPDATE client SET document_expires_at = 1 WHERE source = 'document'")
    assert answer_of(stranger.authorize(prompt="none"))["error"] == "login_required"
    assert len(site.asked) == 1


def test_a_person_has_so_many_documents_read(app: Flask, flow: Flow, site: Site) -> None:
    limited = create_app(app.extensions["settings"].model_copy(update={"rate_limits": "on"}))
    stop_the_minute(limited)
    site.may_be_read(limited.extensions["fetcher"])
    browser = sign_in(limited.test_client(), "ada")
    urls = [site.url.replace("/client", f"/client-{number}") for number in range(DOCUMENTS + 1)]
    asked = [Flow(browser, url, None).authorize().status_code for url in urls]
    assert asked == [400] * DOCUMENTS + [429]
    with limited.app_context():
        for engine in db.engines.values():
            engine.dispose()


@pytest.mark.parametrize(
    "touched",
    ["UPDATE client SET revoked_at = 1", "UPDATE client SET scope_bound = 'tasks:view'"],
)
def test_what_an_admin_has_done_to_a_document_is_not_purged(flow: Flow, touched: str) -> None:
    flow.authorize()
    change(touched + ", created_at = 1, document_expires_at = 1 WHERE source = 'document'")
    purge(db.engine, int(time.time()))
    with db.engine.connect() as connection:
        kept = "SELECT count(*) FROM client WHERE source = 'document'"
        assert connection.exec_driver_sql(kept).scalar_one() == 1


def test_a_document_may_come_to_prove_itself_otherwise(flow: Flow, site: Site) -> None:
    jwks = {"keys": [ECKey.generate_key("P-256").as_dict(private=False)]}
    site.say(token_endpoint_auth_method="private_key_jwt", jwks=jwks)
    assert flow.exchange(flow.code()).status_code == 401
    site.say()
    change("UPDATE client SET document_expires_at = 1 WHERE source = 'document'")
    assert flow.exchange(flow.code()).status_code == 200


@pytest.mark.parametrize("drips", ["head", "body"])
def test_a_site_that_drips_is_given_up(
    site: Site, monkeypatch: pytest.MonkeyPatch, drips: str
) -> None:
    monkeypatch.setattr(fetching, "WITHIN", 0.5)
    ended = Event()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nX-Padding: "

    class Dripping(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            try:
                self.wfile.write(head)
                if drips == "head":
                    self.drip()
                self.wfile.write(b"\r\n\r\n")
                if drips == "body":
                    self.drip()
                self.wfile.write(site.body)
            except OSError:
                ended.set()

        def drip(self) -> None:
            for _ in range(100):
                self.wfile.write(b" ")
                ended.wait(0.05)

        def log_message(self, *_args: object) -> None:
            """Say nothing."""

    site.server.RequestHandlerClass = Dripping
    fetcher = Fetcher(is_private_allowed=True, trusted=site.trusted)
    # In five seconds it would be whole, and good.
    with pytest.raises(NotFetched):
        fetcher.document(site.url)
    assert ended.wait(10), "the connection is closed"


@requirement("mcp:no-request-forgery")
def test_a_name_is_looked_up_once_and_what_was_checked_is_where_it_leads(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up, asked = socket.getaddrinfo, []

    def changing(host: str, *given: Any, **more: Any) -> Any:
        if host != "localhost":
            return look_up(host, *given, **more)
        asked.append(host)
        # Nobody listens at the address that it is said to have from the second time on.
        return look_up("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *given, **more)

    monkeypatch.setattr(socket, "getaddrinfo", changing)
    fetcher = Fetcher(is_private_allowed=True, trusted=site.trusted)
    assert fetcher.document(site.url).members["client_name"] == "Claude"
    assert asked == ["localhost"]
    assert site.asked == [f"localhost:{site.server.server_port}"]


def test_a_name_that_has_one_private_address_among_others_is_not_fetched(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    look_up = socket.getaddrinfo

    def both(host: str, *given: Any, **more: Any) -> Any:
        addresses = ["93.184.215.14", "127.0.0.1"] if host == "localhost" else [host]
        return [entry for each in addresses for entry in look_up(each, *given, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", both)
    with pytest.raises(NotFetched, match="not on the public network"):
        Fetcher(trusted=site.trusted).document(site.url)
    assert site.asked == []


def test_a_certificate_that_nobody_trusts_is_refused(site: Site) -> None:
    with pytest.raises(NotFetched):
        Fetcher(is_private_allowed=True).document(site.url)


@requirement("mcp:no-request-forgery")
@pytest.mark.parametrize(
    ("address", "is_public"),
    [
        ("93.184.215.14", True),
        ("2606:4700:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to be refused
        ("224.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:93.184.215.14", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b:1::7f00:1", False),
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("5f00::1", False),
        ("nonsense", False),
    ],
)
def test_only_what_is_public_is_fetched_from(address: str, *, is_public: bool) -> None:
    assert _is_public(address) == is_public
    assert ip_address("127.0.0.1").is_loopback


@pytest.mark.parametrize(
    ("client_id", "is_one"),
    [
        ("https://app.example/client.json", True),
        ("https://app.example:8443/oauth/client", True),
        ("http://app.example/client.json", False),
        ("https://app.example", False),
        ("https://app.example/", False),
        ("https://app.example/a/../b", False),
        ("https://app.example/a?b=c", False),
        ("https://app.example/a#b", False),
        ("https://user@app.example/a", False),
        ("https://APP.example/a", False),
        ("https://app.example:99999/a", False),
        ("https://[::1/a", False),
        ("https://app.example/" + "a" * 500, False),
        ("latchkey-console", False),
    ],
)
def test_which_client_ids_are_documents(client_id: str, *, is_one: bool) -> None:
    assert is_document(client_id) == is_one


@pytest.mark.parametrize(
    "host", ['a"b.example', "a\\b.example", "é.example", "\u0131.example", "a b"]
)
def test_an_odd_host_is_no_documents(flow: Flow, host: str) -> None:
    assert not is_document(f"https://{host}/x")
    assert Flow(flow.browser, f"https://{host}/x", None).authorize().status_code == 400
    form = {"client_id": f"https://{host}/x"}
    for path in ("/oauth/par", "/oauth/device_authorization"):
        assert flow.browser.post(path, data=form).status_code == 401


def test_a_key_that_left_the_document_proves_nothing(flow: Flow, site: Site) -> None:
    old, new = ECKey.generate_key("P-256"), ECKey.generate_key("P-256")

    def publish(key: ECKey) -> None:
        jwks = {"keys": [key.as_dict(private=False)]}
        site.say(token_endpoint_auth_method="private_key_jwt", jwks=jwks)

    def asked(key: ECKey) -> str:
        return error(ask(flow.browser, signed(site.url, key=key)))

    publish(old)
    flow.authorize()
    assert (asked(old), asked(new)) == ("invalid_grant", "invalid_client")
    publish(new)
    change("UPDATE client SET document_expires_at = 1 WHERE source = 'document'")
    assert (asked(old), asked(new)) == ("invalid_client", "invalid_grant")
