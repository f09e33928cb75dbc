"""How a token is presented, and how one that will not do is refused (RFC 6750)."""

import re

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from app.core import credentials
from app.core.credentials import Prefix
from app.core.scopes import BASIC
from tests.conftest import change
from tests.oauth.conftest import Flow
from tests.requirements import requirement

API = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/api"
# RFC 6750 §3: the value of each attribute, error and scope too, keeps to these.
ATTRIBUTE = re.compile(r'([a-z_]+)="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"')
GUARDED = ["/api/tasks/list", "/oauth/userinfo", "/oauth/register/unknown"]
CALLS = ["/api/tasks/list", "/oauth/userinfo"]


def ask(app: Flask, path: str, token: str | None = None, scheme: str = "Bearer") -> TestResponse:
    """Call as a program does: without cookies."""
    headers = {} if token is None else {"Authorization": f"{scheme} {token}"}
    return app.test_client(use_cookies=False).get(path, headers=headers)


def challenge_of(answer: TestResponse) -> dict[str, str]:
    """Give the attributes of the only challenge, which is Bearer's and well formed."""
    (header,) = answer.headers.getlist("WWW-Authenticate")
    scheme, _, rest = header.partition(" ")
    assert scheme == "Bearer"
    attributes = ATTRIBUTE.findall(rest)
    assert ", ".join(f'{name}="{value}"' for name, value in attributes) == rest
    assert attributes, "RFC 6750 §3: the scheme is followed by one attribute at least"
    assert len(dict(attributes)) == len(attributes), "none comes twice"
    return dict(attributes)


@requirement("rfc6750:challenge-in-each-401", "rfc6750:nothing-sent-no-error")
@pytest.mark.parametrize("path", GUARDED)
def test_who_sends_no_token_is_told_of_no_error(app: Flask, path: str) -> None:
    answer = ask(app, path)
    assert answer.status_code == 401
    assert not {name for name in challenge_of(answer) if name.startswith("error")}


@requirement("rfc6750:token-in-the-header")
@pytest.mark.parametrize("path", CALLS)
@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_in_the_header_opens_what_it_is_for(flow: Flow, path: str, scheme: str) -> None:
    token = flow.tokens(scope="openid tasks:view")["access_token"]
    assert ask(flow.browser.application, path, token, scheme).status_code == 200
    assert ask(flow.browser.application, path, token, "Token").status_code == 401


@requirement("rfc6750:no-token-in-the-url")
@pytest.mark.parametrize("path", CALLS)
def test_a_token_in_the_url_or_in_a_form_counts_for_nothing(flow: Flow, path: str) -> None:
    token = flow.tokens(scope="openid tasks:view")["access_token"]
    program = flow.browser.application.test_client(use_cookies=False)
    given = {"access_token": token}
    for answer in (
        program.get(path, query_string=given),
        program.post("/oauth/userinfo", data=given),
        program.post("/oauth/userinfo", query_string=given),
    ):
        assert answer.status_code == 401
        assert "error" not in challenge_of(answer)
        assert token not in answer.text + str(answer.headers)


@requirement(
    "rfc6750:invalid-token", "rfc6750:challenge-in-each-401", "rfc6750:challenge-well-formed"
)
@pytest.mark.parametrize(
    "fault",
    [
        "malformed",
        "unknown",
        "UPDATE access_token SET expires_at = 1",
        "DELETE FROM access_token",
        "UPDATE token_family SET revoked_at = 1",
        "UPDATE oauth_grant SET revoked_at = 1",
        "UPDATE client SET revoked_at = 1",
        "UPDATE user_account SET suspended_at = 1",
    ],
)
def test_a_token_that_is_no_good_is_an_invalid_one(flow: Flow, fault: str) -> None:
    app, token = flow.browser.application, flow.tokens(scope="openid tasks:view")["access_token"]
    assert [ask(app, path, token).status_code for path in CALLS] == [200, 200]
    if fault == "malformed":
        token = 'lk_at_"quoted\\'
    elif fault == "unknown":
        token = credentials.issue(Prefix.ACCESS_TOKEN)
    else:
        change(fault)
    for path in CALLS:
        refused = ask(app, path, token)
        assert refused.status_code == 401
        told = challenge_of(refused)
        assert told["error"] == "invalid_token"
        assert told["error_description"]
        assert token not in refused.text + str(refused.headers)


@requirement("rfc6750:insufficient-scope", "rfc6750:challenge-well-formed")
def test_a_token_that_is_too_weak_is_told_what_is_missing(flow: Flow) -> None:
    app, token = flow.browser.application, flow.tokens(scope="profile:view")["access_token"]
    refused = ask(app, "/api/tasks/list", token)
    assert refused.status_code == 403
    assert challenge_of(refused) == {
        "error": "insufficient_scope",
        "error_description": "tasks.list needs tasks:view, which this credential lacks.",
        "scope": "tasks:view",
        "resource_metadata": API,
    }
    refused = ask(app, "/oauth/userinfo", token)
    assert refused.status_code == 403
    told = challenge_of(refused)
    assert (told["error"], told["scope"]) == ("insufficient_scope", "openid")


@requirement("rfc6750:challenge-well-formed")
def test_the_challenge_of_the_api_names_its_scopes_and_its_metadata(app: Flask) -> None:
    told = challenge_of(ask(app, "/api/tasks/list"))
    assert told == {"scope": " ".join(BASIC), "resource_metadata": API}


@requirement("rfc6750:tokens-not-forged")
@pytest.mark.parametrize("path", CALLS)
def test_a_token_that_was_changed_in_one_character_is_refused(flow: Flow, path: str) -> None:
    app, token = flow.browser.application, flow.tokens(scope="openid tasks:view")["access_token"]
    for place in range(len(Prefix.ACCESS_TOKEN), len(token), 7):
        other = "A" if token[place] != "A" else "B"
        assert ask(app, path, token[:place] + other + token[place + 1 :]).status_code == 401
    assert ask(app, path, token).status_code == 200


@requirement("rfc6750:short-lived", "mcp:short-lived", "rfc6749:token-checked")
@pytest.mark.parametrize("path", CALLS)
def test_an_access_token_lasts_for_an_hour(flow: Flow, path: str) -> None:
    app, body = flow.browser.application, flow.tokens(scope="openid tasks:view")
    assert body["expires_in"] == 3600
    change("UPDATE access_token SET expires_at = expires_at - 3000")
    assert ask(app, path, body["access_token"]).status_code == 200
    change("UPDATE access_token SET expires_at = expires_at - 601")
    assert ask(app, path, body["access_token"]).status_code == 401
