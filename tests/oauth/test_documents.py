"""Clients that are known by the URL of a document about them."""

import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask

from app.extensions import db
from app.oauth.documents import is_document
from app.oauth.fetching import LARGEST, Fetcher, NotFetched, _is_public
from tests.conftest import change
from tests.oauth.conftest import CALLBACK, Flow, answer_of, sign_in


class Site:
    """A web site with one document; `said` is what it answers."""

    def __init__(self, folder: Path) -> None:
        certificate, key = _certificate(folder)
        self.status, self.headers = 200, {"Content-Type": "application/json"}
        self.body = b"{}"
        self.asked: list[str] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.asked.append(self.headers["Host"])
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


def _certificate(folder: Path) -> tuple[Path, Path]:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "certificate.pem", folder / "key.pem"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return certificate, private


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path)
    thread = Thread(target=made.server.serve_forever)
    thread.start()
    made.say()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def flow(app: Flask, site: Site) -> Flow:
    """Give Ada in front of a client that the server knows nothing of, but may fetch."""
    documents = app.extensions["consent_server"]._documents
    documents._fetcher = Fetcher(is_private_allowed=True, trusted=site.trusted)
    return Flow(sign_in(app.test_client(), "ada"), site.url, None)


def test_a_client_is_learned_from_its_document(flow: Flow, site: Site) -> None:
    page = flow.authorize()
    assert "Claude" in page.text
    assert site.url in page.text
    body = flow.exchange(answer_of(flow.decide(page))["code"]).json
    assert body is not None
    assert body["access_token"]
    assert flow.refresh(body["refresh_token"]).status_code == 200
    assert site.asked == [f"localhost:{site.server.server_port}"]


def test_it_is_asked_for_each_time(flow: Flow) -> None:
    flow.tokens()
    assert "Allow" in flow.authorize().text


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


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 20000, b" " * (LARGEST + 1)])
def test_what_is_no_document_is_refused(flow: Flow, site: Site, body: bytes) -> None:
    site.body = body
    assert flow.authorize().status_code == 400


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


def test_a_certificate_that_nobody_trusts_is_refused(site: Site) -> None:
    with pytest.raises(NotFetched):
        Fetcher(is_private_allowed=True).document(site.url)


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
