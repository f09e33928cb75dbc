"""What no endpoint takes: refused in the words of its RFC, with nothing written."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.oauth.conftest import Flow
from tests.oauth.good_requests import GOOD, everything
from tests.oauth.odd_input import refused, spoilings
from tests.processes import sharing


@pytest.fixture(scope="module")
def app(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Give an app with its signing keys, which else the first good request would make."""
    with sharing(sqlite_template, tmp_path_factory.mktemp("odd")) as made:
        made.extensions["keys"].ready()
        yield made


@pytest.fixture
def program(app: Flask) -> FlaskClient:
    """Give a program, which keeps no cookies."""
    return app.test_client(use_cookies=False)


@pytest.mark.parametrize("name", GOOD)
def test_a_spoilt_request_is_refused_and_changes_nothing(
    program: FlaskClient, flow: Flow, name: str
) -> None:
    good = GOOD[name](flow)
    before = everything()
    for spoilt in spoilings(good):
        refused(program.open(**spoilt.options), spoilt)
    assert everything() == before
    answer = program.post(good.path, data=good.form)
    assert answer.status_code in (200, 201), "it was good all the time"
    assert (answer.json or {}).get("active", True)


def test_userinfo_takes_a_token_in_its_header_alone(program: FlaskClient, flow: Flow) -> None:
    token = flow.tokens(scope="openid")["access_token"]
    before = everything()
    shown = ["", "Bearer", "Bearer ", f"Bearer {token}x", f"Bearer {token},Bearer {token}"]
    shown += [
        "Bearer é",
        'Bearer "\\',
        "Bearer " + "x" * 5000,
        f"Basic {token}",
        token,
        "\xff\xfe",
    ]
    shown += [f"DPoP {token}", "DPoP é", f"bearer\t{token}", f'Bearer "{token}"']
    for header in shown:
        for method in ("GET", "POST"):
            answer = program.open(
                "/oauth/userinfo", method=method, headers={"Authorization": header}
            )
            assert answer.status_code == 401, header
            challenge = answer.headers["WWW-Authenticate"]
            assert challenge.startswith(("Bearer ", "DPoP ")), header
            assert challenge.isascii(), header
            assert challenge.isprintable(), header
    in_the_query = program.get(f"/oauth/userinfo?access_token={token}")
    in_the_body = program.post("/oauth/userinfo", data={"access_token": token})
    assert (in_the_query.status_code, in_the_body.status_code) == (401, 401)
    assert everything() == before
    good = {"Authorization": f"Bearer {token}"}
    assert program.post("/oauth/userinfo", data=b"\xff" * 1000, headers=good).status_code == 200
