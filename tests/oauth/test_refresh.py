"""Refresh tokens: rotated at each use, and the end of their family at reuse."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from tests.conftest import Call, Person
from tests.oauth.conftest import Flow
from tests.oauth.test_code_flow import api


def test_a_refresh_rotates_and_keeps_the_scope(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    assert second["scope"] == first["scope"]
    assert second["refresh_token"] != first["refresh_token"]
    assert api(flow, second["access_token"]) == 200


def test_a_reused_refresh_token_ends_its_family(flow: Flow) -> None:
    first = flow.tokens()
    second = flow.refresh(first["refresh_token"]).json
    assert second is not None
    assert flow.refresh(first["refresh_token"]).status_code == 400
    assert api(flow, second["access_token"]) == 401
    assert flow.refresh(second["refresh_token"]).status_code == 400


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


def test_of_many_refreshes_at_once_one_wins(flow: Flow) -> None:
    first = flow.tokens()

    def refresh(_number: int) -> int:
        program = Flow(flow.browser.application.test_client(), flow.client_id, flow.client_secret)
        return program.refresh(first["refresh_token"]).status_code

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(refresh, range(40)))
    assert answers.count(200) == 1
    assert set(answers) == {200, 400}


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


def test_a_token_is_bound_to_its_resource(flow: Flow) -> None:
    mcp = flow.tokens(resource="http://127.0.0.1:8000/mcp")
    assert api(flow, mcp["access_token"]) == 401
    widened = flow.refresh(mcp["refresh_token"], resource="http://127.0.0.1:8000/api")
    assert widened.json is not None
    assert widened.json["error"] == "invalid_target"
    for_api = flow.tokens(resource="HTTP://127.0.0.1:8000/api/")
    assert api(flow, for_api["access_token"]) == 200


def test_a_token_for_the_whole_app_may_be_narrowed_to_a_resource(flow: Flow) -> None:
    whole = flow.tokens()
    narrowed = flow.refresh(whole["refresh_token"], resource="http://127.0.0.1:8000/mcp").json
    assert narrowed is not None
    assert api(flow, narrowed["access_token"]) == 401
