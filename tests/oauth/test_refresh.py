"""Refresh tokens: rotated at each use, and the end of their family at reuse."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.core import sealing
from app.extensions import db
from app.models.lifetimes import DEFAULTS
from tests.conftest import Call, Person, change
from tests.oauth.conftest import Flow
from tests.oauth.test_code_flow import api
from tests.requirements import requirement


def test_a_refresh_rotates_and_keeps_the_scope(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    assert second["scope"] == first["scope"]
    assert second["refresh_token"] != first["refresh_token"]
    assert api(flow, second["access_token"]) == 200


@requirement("rfc9700:replay-detected")
def test_a_retry_gets_the_identical_answer(flow: Flow) -> None:
    first = flow.tokens()
    answers = [flow.refresh(first["refresh_token"]).json for _ in range(3)]
    assert answers[0] == answers[1] == answers[2]
    assert answers[0] is not None
    assert api(flow, answers[0]["access_token"]) == 200
    assert flow.refresh(answers[0]["refresh_token"]).status_code == 200


@requirement("rfc9700:replay-detected")
def test_a_retry_that_comes_too_late_ends_the_family(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    change("UPDATE refresh_token SET consumed_at = consumed_at - 61 WHERE consumed_at > 0")
    assert_family_ends(flow, first, second)


@requirement("rfc9700:replay-detected")
def test_an_older_token_than_the_one_before_ends_the_family(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    third = flow.refresh(second["refresh_token"]).json
    assert third is not None
    assert_family_ends(flow, first, third)


def assert_family_ends(flow: Flow, replayed: dict[str, Any], latest: dict[str, Any]) -> None:
    refused = flow.refresh(replayed["refresh_token"])
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"] == "invalid_grant"
    assert api(flow, latest["access_token"]) == 401
    assert flow.refresh(latest["refresh_token"]).status_code == 400
    with db.engine.connect() as connection:
        actions = connection.exec_driver_sql("SELECT action FROM audit_event").scalars().all()
    assert actions.count("oauth.refresh_token_reused") == 1


def disconnect(flow: Flow) -> None:
    page = flow.browser.get("/settings/connections").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    path = f"/settings/connections/{flow.client_id}/disconnect"
    assert flow.browser.post(path, data={"csrf_token": token}).status_code == 303


def revoke_the_client(flow: Flow) -> None:
    page = flow.browser.get(f"/settings/oauth-apps/{flow.client_id}").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    path = f"/settings/oauth-apps/{flow.client_id}/revoke"
    assert flow.browser.post(path, data={"csrf_token": token}).status_code == 303


def suspend_the_person(_flow: Flow) -> None:
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'ada@example.com'")


def revoke(flow: Flow, token: str) -> None:
    data = {"client_id": flow.client_id, "client_secret": flow.client_secret, "token": token}
    assert flow.browser.post("/oauth/revoke", data=data).status_code == 200


@pytest.mark.parametrize(
    ("take_back", "status", "error"),
    [
        (disconnect, 400, "invalid_grant"),
        (revoke_the_client, 401, "invalid_client"),
        (suspend_the_person, 400, "invalid_grant"),
    ],
)
def test_what_was_taken_back_on_purpose_is_not_given_again(
    flow: Flow, take_back: Callable[[Flow], None], status: int, error: str
) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert flow.refresh(first["refresh_token"]).json == second, "a retry is answered until then"
    take_back(flow)
    refused = flow.refresh(first["refresh_token"])
    assert (refused.status_code, (refused.json or {})["error"]) == (status, error)


@pytest.mark.parametrize("which", [0, 1], ids=["the one before", "the latest"])
def test_what_the_client_revoked_is_not_given_again(flow: Flow, which: int) -> None:
    first = flow.tokens()["refresh_token"]
    second = flow.refresh(first).json
    assert second is not None
    assert flow.refresh(first).json == second, "a retry is answered until then"
    revoke(flow, (first, second["refresh_token"])[which])
    refused = flow.refresh(first)
    assert (refused.status_code, (refused.json or {})["error"]) == (400, "invalid_grant")
    assert api(flow, second["access_token"]) == 401


def test_a_retry_that_asks_for_something_else_is_refused_without_harm(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    assert flow.refresh(first["refresh_token"], scope="tasks:view").status_code == 400
    assert flow.refresh(second["refresh_token"]).status_code == 200


def test_the_kept_answer_opens_with_the_presented_token_alone(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    with db.engine.connect() as connection:
        kept = connection.exec_driver_sql(
            "SELECT answer FROM refresh_token WHERE answer IS NOT NULL"
        ).scalar_one()
    assert second["access_token"].encode() not in kept
    with pytest.raises(sealing.Unsealed):
        sealing.opened(sealing.key_for("refresh answer", second["refresh_token"]), kept)


@requirement("rfc9700:refresh-tokens-idle-out")
def test_a_refresh_token_ends_with_its_idle_time_and_its_family_with_the_last_day(
    flow: Flow,
) -> None:
    first = flow.tokens()
    with db.engine.connect() as connection:
        issued, ends = connection.exec_driver_sql(
            "SELECT issued_at, expires_at FROM refresh_token"
        ).one()
    assert ends - issued == DEFAULTS["refresh_token_idles"]
    age = DEFAULTS["refresh_token_lasts"] - 100
    change("UPDATE token_family SET created_at = created_at - :age", age=age)
    assert flow.refresh(first["refresh_token"]).status_code == 200
    with db.engine.connect() as connection:
        left = connection.exec_driver_sql(
            "SELECT expires_at - issued_at FROM refresh_token WHERE consumed_at IS NULL"
        ).scalar_one()
    assert left <= 100


def test_lifetimes_are_those_of_the_client(flow: Flow) -> None:
    change("UPDATE client SET access_token_lasts = 300, refresh_token_idles = 7200")
    assert flow.tokens()["expires_in"] == 300
    with db.engine.connect() as connection:
        lasts = connection.exec_driver_sql(
            "SELECT expires_at - issued_at FROM refresh_token"
        ).scalar_one()
    assert lasts == 7200


@requirement("rfc6749:refresh-bound-to-its-client", "oidc-core:a-refresh-token-is-its-clients")
def test_another_clients_refresh_token_is_refused_without_harm(
    flow: Flow, another: Callable[..., Flow]
) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    stranger = another()
    for token in (first["refresh_token"], second["refresh_token"]):
        refused = stranger.refresh(token)
        assert refused.json is not None
        assert refused.json["error"] == "invalid_grant"
    assert api(flow, second["access_token"]) == 200


@requirement(
    "rfc6749:refresh-never-widens",
    "rfc6749:refresh-keeps-its-scope",
    "rfc9700:refresh-bound-to-consent",
)
def test_scope_may_narrow_and_never_widen(flow: Flow) -> None:
    first = flow.tokens()
    wider = flow.refresh(first["refresh_token"], scope="tasks:view profile:view")
    assert wider.json is not None
    assert wider.json["error"] == "invalid_scope"
    narrower = flow.refresh(first["refresh_token"], scope="tasks:view").json
    assert narrower is not None
    assert narrower["scope"] == "tasks:view"
    again = flow.refresh(narrower["refresh_token"]).json
    assert again is not None
    assert again["scope"] == "tasks:view tasks:edit"


def test_a_hundred_refreshes_at_once_get_one_answer(flow: Flow) -> None:
    first = flow.tokens()

    def refresh(_number: int) -> str:
        program = Flow(flow.browser.application.test_client(), flow.client_id, flow.client_secret)
        answer = program.refresh(first["refresh_token"])
        assert answer.status_code == 200
        return answer.text

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(refresh, range(100)))
    assert len(answers) == 1
    with db.engine.connect() as connection:
        count = "SELECT count(*) FROM refresh_token WHERE consumed_at IS NULL"
        assert connection.exec_driver_sql(count).scalar_one() == 1


def test_a_revoked_client_gets_nothing_more(flow: Flow, call: Call, person: Person) -> None:
    body = flow.tokens()
    call("oauth_apps.revoke", person("ada"), {"client_id": flow.client_id})
    assert api(flow, body["access_token"]) == 401
    refused = flow.refresh(body["refresh_token"])
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith("Basic")


def test_a_disconnected_app_gets_nothing_more(flow: Flow, call: Call, person: Person) -> None:
    body = flow.tokens()
    call("connections.revoke", person("ada"), {"client_id": flow.client_id})
    assert api(flow, body["access_token"]) == 401
    assert flow.refresh(body["refresh_token"]).status_code == 400
    assert api(flow, flow.tokens()["access_token"]) == 200


@requirement(
    "rfc8707:audience-restricted",
    "rfc8707:never-more-than-authorized",
    "rfc9700:audience-checked",
    "mcp:resource-in-capitals",
)
def test_a_token_is_bound_to_its_resource(flow: Flow) -> None:
    mcp = flow.tokens(resource="http://127.0.0.1:8000/mcp")
    assert api(flow, mcp["access_token"]) == 401
    widened = flow.refresh(mcp["refresh_token"], resource="http://127.0.0.1:8000/api")
    assert widened.json is not None
    assert widened.json["error"] == "invalid_target"
    for_api = flow.tokens(resource="HTTP://127.0.0.1:8000/api/")
    assert api(flow, for_api["access_token"]) == 200


@requirement("rfc8707:never-more-than-authorized")
def test_a_token_for_the_whole_app_may_be_narrowed_to_a_resource(flow: Flow) -> None:
    whole = flow.tokens()
    narrowed = flow.refresh(whole["refresh_token"], resource="http://127.0.0.1:8000/mcp").json
    assert narrowed is not None
    assert api(flow, narrowed["access_token"]) == 401
