"""Who may not introspect, and what they learn: nothing (RFC 7662 §2.1, §2.3, §4)."""

from typing import Any

import pytest

from app.core import credentials
from app.core.credentials import Prefix
from tests.oauth.conftest import Flow
from tests.oauth.test_rfc6749 import is_refused
from tests.requirements import requirement

WRONG = credentials.issue(Prefix.CLIENT_SECRET)


@requirement("rfc7662:wrong-credentials", "rfc7662:authorization-required")
@pytest.mark.parametrize("way", ["basic", "post", "none", "bearer"])
def test_who_shows_wrong_credentials_gets_a_401(flow: Flow, way: str) -> None:
    token = flow.tokens()["access_token"]
    program = flow.browser.application.test_client(use_cookies=False)
    ways: dict[str, dict[str, Any]] = {
        "basic": {"data": {"token": token}, "auth": (flow.client_id, WRONG)},
        "post": {"data": {"token": token, "client_id": flow.client_id, "client_secret": WRONG}},
        "none": {"data": {"token": token, "client_id": flow.client_id}},
        "bearer": {"data": {"token": token}, "headers": {"Authorization": f"Bearer {token}"}},
    }
    refused = program.post("/oauth/introspect", **ways[way])
    assert is_refused(refused, 401, "invalid_client")
    assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")


@requirement("rfc7662:active-told", "rfc7662:not-cached", "rfc7662:inactive-and-no-more")
@pytest.mark.parametrize("is_known", [True, False])
def test_the_answer_is_json_that_nobody_stores(flow: Flow, *, is_known: bool) -> None:
    token = flow.tokens()["access_token"]
    known = {"client_id": flow.client_id, "client_secret": flow.client_secret}
    asked = token if is_known else credentials.issue(Prefix.ACCESS_TOKEN)
    answer = flow.browser.post("/oauth/introspect", data={**known, "token": asked})
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["active"] is is_known
    assert is_known or answer.json == {"active": False}
