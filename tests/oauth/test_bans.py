"""Hosts that an admin bans: their clients neither come back nor go on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from app.core.errors import Conflict, InvalidInput
from app.extensions import db
from app.models.banned_host import candidates, checked_host, hosts_of
from tests.conftest import Call, Person, change
from tests.oauth.conftest import Flow, sign_in
from tests.oauth.site import serving
from tests.oauth.test_registration import CONFIDENTIAL, PUBLIC, manage, register
from tests.processes import sharing_on


@pytest.fixture(scope="module")
def app(
    request: pytest.FixtureRequest, engine_name: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """Give an app for all of these tests, each of which has hosts of its own."""
    with sharing_on(request, engine_name, tmp_path_factory.mktemp("bans")) as made:
        yield made


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    return app.test_client(use_cookies=False)


def status(program: FlaskClient, token: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return program.get("/api/tasks/list", headers=headers).status_code


def test_a_ban_stops_a_client_with_its_tokens_until_it_is_removed(
    app: Flask, program: FlaskClient, call: Call, person: Person
) -> None:
    uri, grace = "https://app.evil.example:8443/cb", person("grace")
    said = PUBLIC | {"redirect_uris": [uri]}
    flow = Flow(sign_in(app.test_client(), "ada"), register(program, said)["client_id"], None, uri)
    tokens = flow.tokens()
    other = create_app(app.extensions["settings"])  # another worker of the same deployment
    workers = [program, other.test_client(use_cookies=False)]
    assert [status(worker, tokens["access_token"]) for worker in workers] == [200, 200]
    banned = call("banned_hosts.add", grace, {"host": "Evil.example."})
    assert (banned.host, banned.clients) == ("evil.example", 1)
    assert [status(worker, tokens["access_token"]) for worker in workers] == [401, 401]
    assert flow.authorize().status_code == 400
    assert flow.refresh(tokens["refresh_token"]).status_code == 401
    refused = register(program, said, 400)
    assert "banned the host evil.example" in refused["error_description"]
    assert register(workers[1], CONFIDENTIAL | {"redirect_uris": [uri]}, 400)
    [ban] = [b for b in call("banned_hosts.list", grace).items if b.host == "evil.example"]
    assert call("banned_hosts.remove", grace, {"ban_id": ban.id}).clients == 1
    assert [status(worker, tokens["access_token"]) for worker in workers] == [200, 200]
    assert flow.refresh(tokens["refresh_token"]).status_code == 200
    assert register(program, said)["client_id"] == flow.client_id
    with other.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_a_document_on_a_banned_host_is_not_fetched_and_its_client_stops(
    app: Flask, program: FlaskClient, call: Call, person: Person, tmp_path: Path
) -> None:
    with serving(tmp_path) as site:
        site.may_be_read(app.extensions["fetcher"])
        site.say()
        flow = Flow(sign_in(app.test_client(), "ada"), site.url, None)
        token = flow.tokens()["access_token"]
        # Behind the back of the procedure, which bans nobody's own computer.
        change("INSERT INTO banned_host (host, created_at) VALUES ('localhost', 1)")
        change("UPDATE client SET document_expires_at = 1 WHERE client_id = :id", id=site.url)
        assert flow.authorize().status_code == 400
        new = Flow(flow.browser, site.url.replace("client.json", "new.json"), None)
        assert new.authorize().status_code == 400
        assert len(site.asked) == 1
        change("UPDATE client SET banned_at = 1 WHERE client_id = :id", id=site.url)
        assert status(program, token) == 401
        change("DELETE FROM banned_host WHERE host = 'localhost'")
        call("banned_hosts.add", person("grace"), {"host": "bad.example"})
        site.say(redirect_uris=["https://bad.example/cb"])
        assert new.authorize().status_code == 400


def test_a_registration_that_a_ban_has_not_marked_is_refused_all_the_same(
    app: Flask, program: FlaskClient
) -> None:
    uri = "https://late.example/cb"
    device = "urn:ietf:params:oauth:grant-type:device_code"
    grants = {"grant_types": ["authorization_code", device]}
    made = register(program, PUBLIC | grants | {"redirect_uris": [uri]})
    flow = Flow(sign_in(app.test_client(), "ada"), made["client_id"], None, uri)
    assert flow.authorize().status_code == 200
    change("INSERT INTO banned_host (host, created_at) VALUES ('late.example', 1)")
    assert flow.authorize().status_code == 400


def test_a_registration_does_not_move_to_a_banned_host(
    program: FlaskClient, call: Call, person: Person
) -> None:
    made = register(program, CONFIDENTIAL)
    call("banned_hosts.add", person("grace"), {"host": "moved.example"})
    said = {"client_id": made["client_id"], "redirect_uris": ["https://moved.example/"]}
    assert manage(program, "PUT", made, json=CONFIDENTIAL | said).status_code == 400
    assert (manage(program, "GET", made).json or {})["redirect_uris"]


def test_a_ban_leaves_the_clients_of_users_and_admins_alone(
    app: Flask, program: FlaskClient, call: Call, person: Person
) -> None:
    new = {"name": "Own", "redirect_uris": ["https://shared.example/cb"]}
    for name, procedure in (("ada", "oauth_apps.create"), ("grace", "oauth_clients.create")):
        made = call(procedure, person(name), new)
        client_id = (made.app if name == "ada" else made.client).client_id
        banned = {"host": "shared.example"}
        bans = {b.host: b.id for b in call("banned_hosts.list", person("grace")).items}
        if "shared.example" not in bans:
            assert call("banned_hosts.add", person("grace"), banned).clients == 0
        flow = Flow(sign_in(app.test_client(), "ben"), client_id, made.client_secret,
                    new["redirect_uris"][0])  # fmt: skip
        assert flow.authorize().status_code == 200


def test_a_client_of_two_banned_hosts_waits_for_both(
    program: FlaskClient, call: Call, person: Person
) -> None:
    grace = person("grace")
    uris = ["https://one.example/", "https://x.two.example/"]
    made = register(program, PUBLIC | {"redirect_uris": uris})
    assert call("banned_hosts.add", grace, {"host": "one.example"}).clients == 1
    assert call("banned_hosts.add", grace, {"host": "two.example"}).clients == 0
    bans = {ban.host: ban.id for ban in call("banned_hosts.list", grace).items}
    assert call("banned_hosts.remove", grace, {"ban_id": bans["one.example"]}).clients == 0
    client = call("oauth_clients.get", grace, {"client_id": made["client_id"]})
    assert client.banned_at is not None
    assert client.bannable_hosts == ["one.example", "x.two.example"]
    assert call("banned_hosts.remove", grace, {"ban_id": bans["two.example"]}).clients == 1
    call("banned_hosts.add", grace, {"host": "twice.example"})
    with pytest.raises(Conflict):
        call("banned_hosts.add", grace, {"host": "twice.example"})


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("App.Example.", "app.example"),
        (" app.example ", "app.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("198.51.100.7", "198.51.100.7"),
        ("[2001:DB8:0::1]", "2001:db8::1"),
    ],
)
def test_a_host_is_banned_as_it_is_compared(text: str, host: str) -> None:
    assert checked_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        *("", "com", "https://app.example", "app.example/cb", "app.example:80", "a b.example"),
        *(
            "*.app.example",
            "b\u00fccher.example",
            "1.2.3",
            "100.7",
            "a..example",
            "x" * 64 + ".ex",
        ),
        *("localhost", "app.localhost", "127.0.0.1", "[::1]", "-a.example"),
    ],
)
def test_what_is_no_host_of_somebody_is_not_banned(call: Call, person: Person, text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        call("banned_hosts.add", person("grace"), {"host": text})
    assert list(refusal.value.fields) == ["host"]


def test_a_ban_applies_to_subdomains_and_to_no_other_names() -> None:
    names = candidates(hosts_of("", ["https://a.b.example/cb", "app://c.example/x", "x:/y"]))
    assert names == {"a.b.example", "b.example", "example", "c.example"}
    assert candidates(hosts_of("https://doc.example/c.json", [])) == {"doc.example", "example"}
    assert candidates(hosts_of("", ["https://[2001:db8:0::1]/", "https://192.0.2.1/"])) == {
        "2001:db8::1",
        "192.0.2.1",
    }
