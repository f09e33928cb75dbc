"""Revoking tokens at a client's wish (RFC 7009), where no other test asks for it."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from app.core import credentials
from app.core.credentials import Prefix
from tests.oauth.conftest import Flow
from tests.oauth.test_code_flow import api
from tests.oauth.test_introspection import INACTIVE, introspect
from tests.oauth.test_rfc6749 import is_refused
from tests.requirements import requirement


def revoke(flow: Flow, token: str | None, **changes: str | None) -> TestResponse:
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret, "token": token}
    sent = {name: value for name, value in (data | changes).items() if value is not None}
    return flow.browser.post("/oauth/revoke", data=sent)


@requirement("rfc7009:hint-not-needed", "rfc7009:at-once", "rfc7662:hint-not-needed")
@pytest.mark.parametrize("kind", ["access_token", "refresh_token"])
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense", "é", None])
def test_a_hint_that_is_wrong_hides_no_token(flow: Flow, kind: str, hint: str | None) -> None:
    token = flow.tokens()[kind]
    assert introspect(flow, token, token_type_hint=hint)["active"] is True
    assert revoke(flow, token, token_type_hint=hint).status_code == 200
    assert introspect(flow, token, token_type_hint=hint) == INACTIVE


@requirement("rfc7009:family-revoked", "rfc7009:refresh-tokens-revoked")
def test_with_a_refresh_token_go_all_access_tokens_of_its_authorization(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    assert [api(flow, body["access_token"]) for body in (first, second)] == [200, 200]
    assert revoke(flow, second["refresh_token"]).status_code == 200
    assert [api(flow, body["access_token"]) for body in (first, second)] == [401, 401]
    assert is_refused(flow.refresh(second["refresh_token"]), 400, "invalid_grant")


@requirement("rfc7009:unknown-counts-as-revoked")
@pytest.mark.parametrize(
    "token",
    ["x", "lk_rt_é", pytest.param(credentials.issue(Prefix.ACCESS_TOKEN), id="of nobody")],
)
def test_what_is_not_there_is_revoked_already(flow: Flow, token: str) -> None:
    answer = revoke(flow, token)
    assert (answer.status_code, answer.json) == (200, {})
    assert answer.headers["Cache-Control"] == "no-store"
    held = flow.tokens()["access_token"]
    assert [revoke(flow, held).status_code for _ in range(2)] == [200, 200]


@requirement("rfc7009:client-authenticated")
@pytest.mark.parametrize(
    "secret", [None, pytest.param(credentials.issue(Prefix.CLIENT_SECRET), id="of nobody")]
)
def test_who_does_not_prove_itself_revokes_nothing(flow: Flow, secret: str | None) -> None:
    body = flow.tokens()
    for token in (body["access_token"], body["refresh_token"]):
        refused = revoke(flow, token, client_secret=secret)
        assert is_refused(refused, 401, "invalid_client")
        assert refused.headers["WWW-Authenticate"].startswith("Basic realm=")
    assert api(flow, body["access_token"]) == 200


@requirement("rfc7009:own-tokens-alone")
def test_a_public_client_revokes_its_own_tokens_and_no_others(
    another: Callable[..., Flow],
) -> None:
    public, other = another(kind="public"), another(kind="public")
    body = public.tokens()
    for token in (body["access_token"], body["refresh_token"]):
        assert is_refused(revoke(other, token), 400, "invalid_grant")
    assert api(public, body["access_token"]) == 200
    assert revoke(public, body["access_token"]).status_code == 200
    assert api(public, body["access_token"]) == 401


def test_a_request_without_a_token_is_invalid(flow: Flow) -> None:
    assert is_refused(revoke(flow, None), 400, "invalid_request")
