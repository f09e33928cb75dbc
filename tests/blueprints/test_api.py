"""The HTTP API, from a token to an answer or a refusal."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.principal import Channel
from app.core.procedure import AnyProcedure
from app.core.share import CALLS
from app.procedures import catalogue
from tests.conftest import PASSWORD, Call, Person
from tests.requirements import requirement

OFFERED = catalogue().on(Channel.API)
PAGES_ONLY = [item for item in catalogue() if item not in OFFERED]
METADATA = "http://127.0.0.1:8000/.well-known/oauth-protected-resource/api"
PROBLEM = "application/problem+json"
by_name = pytest.mark.parametrize("item", OFFERED, ids=lambda item: item.name)

Token = Callable[..., str]
Fetch = Callable[..., TestResponse]


@pytest.fixture
def http(app: Flask) -> FlaskClient:
    """Give a program that keeps no cookies."""
    return app.test_client(use_cookies=False)


@pytest.fixture
def fetch(http: FlaskClient, token: Token) -> Fetch:
    """Give a function that calls the API as Ada: procedure, arguments."""
    headers = {"Authorization": f"Bearer {token('ada')}"}

    def run(name: str, /, **arguments: Any) -> TestResponse:
        item = next(item for item in OFFERED if item.name == name)
        if item.writes:
            return http.post(item.path, json=arguments, headers=headers)
        return http.get(item.path, query_string=arguments, headers=headers)

    return run


def is_problem(response: TestResponse, status: int, code: str) -> bool:
    """Tell whether this is a problem document of that status and code."""
    document = response.get_json(force=True)
    return (
        response.status_code == document["status"] == status
        and document["code"] == code
        and response.mimetype == PROBLEM
    )


def test_a_task_is_made_listed_changed_and_deleted(fetch: Fetch) -> None:
    made = fetch("tasks.create", title="Über 学习").get_json()
    assert fetch("tasks.list").get_json() == {"items": [made], "next_cursor": None}
    changed = fetch("tasks.update", task_id=made["id"], status="done").get_json()
    assert changed["completed_at"].endswith("Z")
    assert fetch("tasks.list", status="open").get_json()["items"] == []
    assert fetch("tasks.delete", task_id=made["id"]).get_json() == {"id": made["id"]}
    assert is_problem(fetch("tasks.get", task_id=made["id"]), 404, "not_found")


def test_pages_follow_each_other_by_cursor(fetch: Fetch) -> None:
    for number in range(5):
        fetch("tasks.create", title=f"Task {number}")
    first = fetch("tasks.list", limit=2).get_json()
    second = fetch("tasks.list", limit=2, cursor=first["next_cursor"]).get_json()
    third = fetch("tasks.list", limit=2, cursor=second["next_cursor"]).get_json()
    titles = [item["title"] for page in (first, second, third) for item in page["items"]]
    assert titles == ["Task 4", "Task 3", "Task 2", "Task 1", "Task 0"]
    assert third["next_cursor"] is None


def test_an_answer_is_json_that_nobody_keeps(fetch: Fetch) -> None:
    response = fetch("tasks.list")
    assert response.mimetype == "application/json"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


@requirement("rfc6750:challenge-in-each-401", "rfc6750:nothing-sent-no-error")
@by_name
def test_no_procedure_but_a_public_one_answers_without_a_token(
    item: AnyProcedure, http: FlaskClient
) -> None:
    response = http.open(item.path, method=item.method, json={} if item.writes else None)
    if item.public:
        assert response.status_code == 200
        return
    assert is_problem(response, 401, "unauthorized")
    # RFC 6750 §3.1: no error where no token was sent.
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith('Bearer scope="')
    assert f'resource_metadata="{METADATA}"' in challenge
    assert "error" not in challenge


@requirement("rfc6750:invalid-token")
@pytest.mark.parametrize("sent", ["nonsense", "", "lk_at_" + "A" * 49])
def test_a_bad_token_is_refused_even_where_none_is_needed(sent: str, http: FlaskClient) -> None:
    bearer = {"Authorization": f"Bearer {sent}"}
    for item in OFFERED:
        response = http.open(item.path, method=item.method, headers=bearer)
        assert is_problem(response, 401, "invalid_token"), item.name
        assert 'error="invalid_token"' in response.headers["WWW-Authenticate"]


@requirement("rfc6749:token-checked", "rfc6750:insufficient-scope")
@by_name
def test_a_token_without_the_scope_is_told_which_one(
    item: AnyProcedure, http: FlaskClient, token: Token
) -> None:
    other = "profile:view" if "profile:view" not in item.scopes else "tasks:edit"
    headers = {"Authorization": f"Bearer {token('ada', other)}"}
    response = http.open(
        item.path, method=item.method, json={} if item.writes else None, headers=headers
    )
    if item.public:
        assert response.status_code == 200
        return
    assert is_problem(response, 403, "insufficient_scope")
    challenge = response.headers["WWW-Authenticate"]
    assert 'error="insufficient_scope"' in challenge
    assert f'scope="{" ".join(item.scopes)}"' in challenge
    assert f'resource_metadata="{METADATA}"' in challenge


def test_what_is_for_pages_only_has_no_route(app: Flask) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules()}
    assert PAGES_ONLY
    assert paths.isdisjoint(item.path for item in PAGES_ONLY)


def test_a_signed_in_browser_is_nobody_here(app: Flask) -> None:
    browser = app.test_client()
    app.config["WTF_CSRF_ENABLED"] = False
    browser.post("/login", data={"email": "ada@example.com", "password": PASSWORD})
    assert browser.get_cookie("latchkey") is not None
    assert is_problem(browser.get("/api/tasks/list"), 401, "unauthorized")


def test_a_sign_in_beside_a_token_is_ambiguous_but_from_another_origin(
    app: Flask, token: Token
) -> None:
    browser = app.test_client()
    bearer = {"Authorization": f"Bearer {token('ada')}"}
    assert "latchkey" in browser.get("/login").headers["Set-Cookie"]
    assert browser.get("/api/tasks/list", headers=bearer).status_code == 200
    app.config["WTF_CSRF_ENABLED"] = False
    browser.post("/login", data={"email": "ada@example.com", "password": PASSWORD})
    response = browser.get("/api/tasks/list", headers=bearer)
    assert is_problem(response, 400, "ambiguous_credentials")
    # A page on another port of this host: its browser adds the cookie, which counts for nothing.
    foreign = {**bearer, "Origin": "http://127.0.0.1:9"}
    assert browser.get("/api/tasks/list", headers=foreign).status_code == 200
    cookie_alone = {"Origin": "http://127.0.0.1:9"}
    assert browser.get("/api/tasks/list", headers=cookie_alone).status_code == 401


def test_another_persons_task_does_not_exist(fetch: Fetch, call: Call, person: Person) -> None:
    theirs = call("tasks.create", person("ben"), {"title": "his"})
    for name, more in (
        ("tasks.get", {}),
        ("tasks.update", {"title": "mine"}),
        ("tasks.complete", {}),
        ("tasks.delete", {}),
        ("comments.list", {}),
        ("comments.add", {"body": "mine"}),
    ):
        assert is_problem(fetch(name, task_id=theirs.id, **more), 404, "not_found")
    assert fetch("tasks.list").get_json()["items"] == []


@pytest.mark.parametrize("task_id", ["0", "-1", "x", "9" * 64, "1.0", "٣", "1;drop", "é"])
def test_an_id_that_cannot_be_one_is_named(task_id: str, fetch: Fetch) -> None:
    for name in ("tasks.get", "tasks.complete"):
        response = fetch(name, task_id=task_id)
        assert is_problem(response, 422, "invalid_input")
        assert [fault["field"] for fault in response.get_json(force=True)["errors"]] == ["task_id"]


def test_an_integer_is_an_id_too(fetch: Fetch) -> None:
    made = fetch("tasks.create", title="Count").get_json()
    assert fetch("tasks.complete", task_id=int(made["id"])).get_json()["id"] == made["id"]
    assert is_problem(fetch("tasks.complete", task_id=float(made["id"])), 404, "not_found")
    assert is_problem(fetch("tasks.complete", task_id=True), 422, "invalid_input")


def test_null_and_none_take_a_task_out_of_its_team_and_an_empty_text_does_not(
    fetch: Fetch, call: Call, person: Person
) -> None:
    acme = call("all_organizations.create", person("grace"), {"name": "Acme"})
    added = {"organization_id": acme.id, "email": "ada@example.com", "standing": "manager"}
    call("all_organizations.add_member", person("grace"), added)
    team = call("teams.create", person("ada"), {"organization_id": acme.id, "name": "Build"})
    ada = {"team_id": team.id, "user_id": str(person("ada").user_id)}
    call("teams.add_member", person("ada"), ada)
    task = fetch("tasks.create", title="Share", team_id=int(team.id)).get_json()
    assert task["team_id"] == team.id
    assert fetch("tasks.list", team_id="none").get_json()["items"] == []
    unchanged = fetch("tasks.update", task_id=task["id"], team_id="", status="", title="")
    assert (unchanged.get_json()["team_id"], unchanged.get_json()["title"]) == (team.id, "Share")
    for nothing in (None, "none"):
        changed = fetch("tasks.update", task_id=task["id"], team_id=nothing)
        assert changed.get_json()["team_id"] is None
        assert fetch("tasks.list", team_id="none").get_json()["items"] == [changed.get_json()]
        assert fetch("tasks.update", task_id=task["id"], team_id=team.id).status_code == 200
    refused = fetch("tasks.update", task_id=task["id"], title=None)
    assert is_problem(refused, 422, "invalid_input")


def test_a_revoked_clients_token_is_refused_at_the_next_call(
    fetch: Fetch, call: Call, person: Person, client_id: str
) -> None:
    assert fetch("tasks.list").status_code == 200
    call("oauth_clients.revoke", person("grace"), {"client_id": client_id})
    assert is_problem(fetch("tasks.list"), 401, "invalid_token")


@requirement("rfc6750:audience-restricted", "rfc9700:audience-checked")
@pytest.mark.parametrize(
    ("path", "status"), [("/api", 200), ("", 200), ("/mcp", 401)], ids=["api", "app", "mcp"]
)
def test_a_token_for_another_resource_is_refused(
    path: str, status: int, http: FlaskClient, token: Token
) -> None:
    resource = f"http://127.0.0.1:8000{path}" if path else None
    headers = {"Authorization": f"Bearer {token('ada', resource=resource)}"}
    assert http.get("/api/tasks/list", headers=headers).status_code == status


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"limit": "many"}, "limit"),
        ({"limit": "0"}, "limit"),
        ({"limit": "101"}, "limit"),
        ({"status": "OPEN"}, "status"),
        ({"cursor": "!"}, "cursor"),
        ({"q": "a\0b"}, "q"),
        ({"q": "x" * 201}, "q"),
        ({"owner_id": "2"}, "owner_id"),
    ],
)
def test_arguments_that_do_not_fit_are_named(
    arguments: dict[str, str], field: str, fetch: Fetch
) -> None:
    response = fetch("tasks.list", **arguments)
    assert is_problem(response, 422, "invalid_input")
    assert [fault["field"] for fault in response.get_json(force=True)["errors"]] == [field]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"title": "a\\u0000b"}', 422),
        (b'{"title": "\\ud800"}', 422),
        (b'{"title": "a", "\\udfff": 1}', 422),
        (b'{"title": ["a"]}', 422),
        (b'{"title": ' + b"[" * 900 + b"]" * 900 + b"}", 422),
        (b'{"title": 1e999}', 422),
        (b'{"title": "a", "owner_id": 2}', 422),
        (b"{}", 422),
        (b"[]", 400),
        (b"[" * 100_000, 400),
        (b"\xff\xfe", 400),
        (b'{"title": "a", "title": "b"}', 400),
        (b'{"title": "' + b"a" * 1024 * 1024 + b'"}', 413),
    ],
    ids=lambda given: repr(given)[:30],
)
def test_bad_bodies_are_refused_and_never_an_error_of_ours(
    body: bytes, status: int, http: FlaskClient, token: Token
) -> None:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    response = http.post(
        "/api/tasks/create", data=body, headers=headers, content_type="application/json"
    )
    assert response.status_code == status
    assert response.mimetype == PROBLEM


def test_a_body_that_is_not_json_is_not_read(http: FlaskClient, token: Token) -> None:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    response = http.post("/api/tasks/create", data={"title": "a"}, headers=headers)
    assert is_problem(response, 415, "unsupported_media_type")


def test_a_mutation_takes_nothing_from_its_url(http: FlaskClient, token: Token) -> None:
    headers = {"Authorization": f"Bearer {token('ada')}"}
    response = http.post("/api/tasks/create?title=a", json={"title": "b"}, headers=headers)
    assert is_problem(response, 400, "malformed_request")


@by_name
def test_the_other_method_is_not_allowed(item: AnyProcedure, http: FlaskClient) -> None:
    response = http.open(item.path, method="GET" if item.writes else "POST")
    assert is_problem(response, 405, "method_not_allowed")
    assert item.method in response.headers["Allow"]


@pytest.mark.parametrize("path", ["/api/tasks", "/api/tasks/fly", "/api/tasks/list/"])
def test_what_is_not_there_is_a_problem_too(path: str, http: FlaskClient) -> None:
    assert is_problem(http.get(path), 404, "not_found")


def test_head_and_options_say_what_a_procedure_takes(http: FlaskClient) -> None:
    assert http.head("/api/tasks/list").status_code == 401
    assert http.head("/api/health/check").data == b""
    assert "GET" in http.options("/api/tasks/list").headers["Allow"]


def test_the_manifest_names_each_procedure_and_the_way_to_a_token(http: FlaskClient) -> None:
    manifest = http.get("/api").get_json()
    assert [entry["name"] for entry in manifest["procedures"]] == [item.name for item in OFFERED]
    for item, entry in zip(OFFERED, manifest["procedures"], strict=True):
        assert (entry["method"], entry["path"]) == (item.method, item.path)
        assert entry["description"] == item.description
        assert entry["scopes"] == list(item.scopes)
        assert entry["tool"] == item.tool_name
        assert entry["input_schema"]["type"] == entry["output_schema"]["type"] == "object"
    oauth = manifest["oauth"]
    assert oauth["token_endpoint"] == "http://127.0.0.1:8000/oauth/token"
    assert oauth["protected_resource_metadata"] == METADATA
    assert http.get(oauth["authorization_server_metadata"]).status_code == 200
    assert set(manifest["scopes"]) == {scope for item in OFFERED for scope in item.scopes}


def test_the_openapi_document_is_sent_once(http: FlaskClient) -> None:
    first = http.get("/api/openapi.json")
    assert first.get_json()["openapi"] == "3.1.0"
    headers = {"If-None-Match": first.headers["ETag"]}
    assert http.get("/api/openapi.json", headers=headers).status_code == 304


def test_too_many_calls_are_told_when_to_go_on(deployed: Callable[..., Flask]) -> None:
    http = deployed().test_client()
    for _ in range(CALLS):
        response = http.get("/api/health/check")
    while response.status_code == 200:
        # A new minute may have begun in between.
        response = http.get("/api/health/check")
    assert is_problem(response, 429, "too_many_requests")
    assert 1 <= int(response.headers["Retry-After"]) <= 60
