"""What the log of a whole run tells, where everything talks: nothing that was a secret."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core import credentials
from app.core.credentials import Prefix
from app.oauth.assertion import TYPE
from tests.conftest import PASSWORD, change
from tests.mcp.conftest import headers_of, message
from tests.oauth.conftest import VERIFIER, Flow
from tests.oauth.good_requests import GOOD
from tests.oauth.keyholder import KeyHolder
from tests.oauth.overheard import SECRETS, Overheard
from tests.oauth.test_assertion import KEY, METADATA, OTHER, signed
from tests.oauth.test_dpop import API_URL, bound, use
from tests.oauth.test_openid import leave
from tests.oauth.test_registration import CONFIDENTIAL, PUBLIC, manage, register
from tests.processes import PROJECT, environment, free_port, sharing
from tests.requirements import requirement

HOME = "https://reporter.example/bye"
WRONG = "a wrong password, but nearly right"


@dataclass(frozen=True)
class Run:
    """A process that serves an app, and what has gone to it and come from it."""

    app: Flask
    process: subprocess.Popen[str]
    line: Overheard
    log: Path

    def ended(self) -> str:
        """End the process; give all that it has said."""
        self.process.terminate()
        said, _ = self.process.communicate(timeout=60)
        return said + self.log.read_text()


@pytest.fixture
def run(sqlite_template: Path, tmp_path: Path) -> Iterator[Run]:
    """Give a process with all its loggers at DEBUG, at the end of every client's line."""
    port, log = free_port(), tmp_path / "everything.log"
    with sharing(sqlite_template, tmp_path) as app, log.open("w") as errors:
        line = Overheard(f"http://127.0.0.1:{port}")
        with subprocess.Popen(
            [sys.executable, "-m", "tests.oauth.talkative"],
            cwd=PROJECT,
            env=environment(app.extensions["settings"], PORT=str(port)),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as process:
            try:
                assert process.stdout
                assert process.stdout.readline().startswith("Latchkey is at")
                app.wsgi_app = line  # type: ignore[method-assign] # Flask's documented way
                yield Run(app, process, line, log)
            finally:
                process.terminate()


@pytest.fixture
def app(run: Run) -> Flask:
    """Give an app whose requests a process answers."""
    return run.app


def token_of(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


def every_form(flow: Flow) -> None:
    for make in GOOD.values():
        good = make(flow)
        program = flow.browser.application.test_client()
        assert program.post(good.path, data=dict(good.form)).status_code in (200, 201)
    good = GOOD["client credentials"](flow)
    auth = (flow.client_id, flow.client_secret or "")
    assert flow.browser.post(good.path, data=good.anonymous, auth=auth).status_code == 200


def registration(program: FlaskClient) -> None:
    for metadata in (PUBLIC, CONFIDENTIAL):
        made = register(program, metadata)
        if "registration_access_token" in made:
            assert manage(program, "GET", made).status_code == 200
            assert manage(program, "GET", made, token="lk_reg_unknown-to-us").status_code == 401
    signer = register(program, METADATA)["client_id"]
    for key in (KEY, OTHER):
        given = {"client_assertion": signed(signer, key), "client_assertion_type": TYPE}
        asked = {"grant_type": "refresh_token", "refresh_token": "unknown-to-us", **given}
        assert program.post("/oauth/token", data=asked).status_code in (400, 401)
    wrong = {**PUBLIC, "redirect_uris": 7, "client_secret": "a secret of one's own"}
    assert program.post("/oauth/register", json=wrong).status_code == 400


def resources(program: FlaskClient, token: str) -> list[int]:
    """Use a token everywhere; give the statuses."""
    bearer = {"Authorization": f"Bearer {token}"}
    call = json.dumps(message("tools/call", name="tasks_list", arguments={}))
    return [
        program.get("/api/tasks/list", headers=bearer).status_code,
        program.get("/oauth/userinfo", headers=bearer).status_code,
        program.post("/mcp", data=call, headers=headers_of(token)).status_code,
    ]


def pages(flow: Flow) -> None:
    """Make an app and a second secret on their pages, and sign in wrongly."""
    new = "/settings/oauth-apps/new"
    form = {
        "csrf_token": token_of(flow.browser.get(new).text),
        "name": "Made by hand",
        "redirect_uris": flow.redirect_uri,
        "kind": "confidential",
    }
    shown = flow.browser.post(new, data=form)
    assert "lk_cs_" in shown.text
    detail = f"/settings/oauth-apps/{flow.client_id}"
    added = {"csrf_token": token_of(flow.browser.get(detail).text), "label": "second"}
    assert "lk_cs_" in flow.browser.post(detail + "/secrets", data=added).text
    stranger = flow.browser.application.test_client()
    wrong = {"email": "ada@example.com", "password": WRONG}
    wrong["csrf_token"] = token_of(stranger.get("/login").text)
    assert stranger.post("/login", data=wrong).status_code == 422
    wrong["csrf_token"] = "made up by somebody"
    assert stranger.post("/login", data=wrong).status_code == 400


def bad_requests(program: FlaskClient, flow: Flow, token: str) -> None:
    """Send secrets where they do not belong, and some that are none of ours."""
    who = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    given: dict[str, Any] = {**who, "code": "a code in the address", "code_verifier": VERIFIER}
    for path in ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par"):
        in_url = program.post(path, query_string={**given, "token": token}, data={})
        assert in_url.status_code in (400, 401)
        for pair in ("bm8tY29sb24taW4taXQ=", "not-base64-at-all!", "OmVtcHR5LW5hbWU="):
            refused = program.post(path, data=given, headers={"Authorization": f"Basic {pair}"})
            assert refused.status_code in (400, 401)
        large = {**who, "token": token, "password": "x" * 70000}
        assert program.post(path, data=large).status_code == 413
    forged = {**who, "client_secret": credentials.issue(Prefix.CLIENT_SECRET), "token": token}
    assert program.post("/oauth/revoke", data=forged).status_code == 401
    assert program.get("/api/tasks/list", query_string={"access_token": token}).status_code == 401
    both = flow.browser.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"})
    assert both.status_code == 400
    for unknown in (credentials.issue(Prefix.ACCESS_TOKEN), token + "x", "not-even-one-of-ours"):
        assert resources(program, unknown) == [401, 401, 401]
        for path in ("/oauth/introspect", "/oauth/revoke"):
            assert program.post(path, data={**who, "token": unknown}).status_code == 200
        for asked in (
            {"grant_type": "refresh_token", "refresh_token": unknown},
            {"grant_type": "authorization_code", "code": unknown, "code_verifier": VERIFIER},
        ):
            assert program.post("/oauth/token", data={**who, **asked}).status_code == 400
    assert leave(flow.browser, id_token_hint="eyJhbGciOiJub25lIn0.e30.").status_code == 400


@requirement(
    "rfc6749:credentials-kept-secret", "rfc9700:tokens-not-kept-in-clear", "mcp:tokens-kept-secret"
)
def test_nothing_secret_reaches_the_log(run: Run, flow: Flow) -> None:
    change("UPDATE client SET post_logout_redirect_uris = :uris", uris=f'["{HOME}"]')
    program = run.app.test_client(use_cookies=False)
    every_form(flow)
    registration(program)
    holder = KeyHolder()
    held = bound(flow, holder)["access_token"]
    proof = holder.proof("GET", API_URL, token=held)
    assert [use(flow, held, proof).status_code for _ in range(2)] == [200, 401]
    pages(flow)
    body = flow.tokens(scope="openid tasks:view")
    assert resources(program, body["access_token"]) == [200, 200, 200]
    bad_requests(program, flow, body["access_token"])
    hint = {"id_token_hint": body["id_token"], "post_logout_redirect_uri": HOME}
    assert leave(flow.browser, **hint).status_code in (200, 303)
    assert flow.browser.get("/tasks").status_code == 303, "signed out"

    log, secrets = run.ended(), run.line.secrets
    assert {PASSWORD, WRONG} <= secrets["password"]
    assert secrets.keys() >= SECRETS, "each of them was heard"
    assert {"Authorization", "Basic", "Cookie", "DPoP"} <= secrets.keys()
    assert {"lk_at_", "lk_rt_", "lk_cs_", "lk_dc_", "lk_reg_"} <= secrets.keys()
    for logger in ("app.core.system", "sqlalchemy.engine", "mcp.server"):
        assert f"DEBUG:{logger}" in log, "all of them talk"
    told = [f"{kind} {value}" for kind in secrets for value in secrets[kind] if value in log]
    assert told == []
    assert not re.findall(r"lk_[a-z]+_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{20,}", log)
