"""What a page of another origin may call, and read: every path of programs, every refusal."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx2
import pytest
from flask import Flask

from app import create_app
from app.core.share import shares
from app.extensions import db
from app.mcp.connection import Connection
from config import Settings
from tests.conftest import stop_the_minute
from tests.mcp.conftest import Ask, asking, headers_of, message, serving
from tests.processes import Ask as Request
from tests.processes import at_once

Token = Callable[..., str]
APP = "https://app.example.com"
PUBLIC = "https://latchkey.example.com"
ALLOWED = {
    *("authorization", "content-type", "accept", "x-requested-with", "dpop", "idempotency-key"),
    *("if-match", "if-none-match", "last-event-id", "mcp-protocol-version", "mcp-session-id"),
    *("mcp-method", "mcp-name"),
}
EXPOSED = {
    *("www-authenticate", "retry-after", "etag", "link", "location", "dpop-nonce"),
    *("mcp-session-id", "x-request-id", "ratelimit", "ratelimit-policy"),
}
PATHS = [
    *("/api", "/api/openapi.json", "/api/tasks/list", "/api/tasks/create", "/api/no/such"),
    *("/mcp", "/mcp/", "/sse", "/messages/", "/messages"),
    *("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/register", "/oauth/par"),
    *("/oauth/register/x", "/oauth/device_authorization", "/oauth/userinfo", "/oauth/jwks"),
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource",
    "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/no-such",
]
PAGES = ["/", "/login", "/tasks", "/docs/api", "/oauth/authorize", "/oauth/device", "/mcp/x"]


def names(header: str) -> set[str]:
    return {name.strip().lower() for name in header.split(",")}


def cors(answer: httpx2.Response) -> dict[str, str]:
    """Return the headers of the CORS protocol that an answer carries."""
    found = answer.headers.items()
    return {k.lower(): v for k, v in found if k.lower().startswith("access-control-")}


def preflight(ask: Ask, path: str, origin: str = APP) -> httpx2.Response:
    """Ask as a browser does before a call with a token."""
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type,mcp-protocol-version",
    }
    return ask("OPTIONS", path, headers={"Origin": origin, **asked})


def may_read(answer: httpx2.Response) -> bool:
    """Whether a page of any origin may read an answer, and the headers that it may need."""
    found = cors(answer)
    return (
        found.pop("access-control-allow-origin", "") == "*"
        and names(found.pop("access-control-expose-headers", "")) == EXPOSED
        # With credentials, a cookie would count.
        and not found
    )


@pytest.fixture
def another(app: Flask) -> Iterator[Callable[..., Ask]]:
    """Give a function that runs the product with other settings on the same database."""
    with ExitStack() as stack:

        def run(**update: str) -> Ask:
            settings: Settings = app.extensions["settings"].model_copy(update=update)
            built = create_app(settings)
            stack.callback(dispose, built)
            return stack.enter_context(asking(built))

        yield run


def dispose(app: Flask) -> None:
    with app.app_context():
        for engine in db.engines.values():
            engine.dispose()


def test_a_preflight_is_answered_without_a_token(ask: Ask) -> None:
    for path in PATHS:
        answer = preflight(ask, path)
        assert (answer.status_code, answer.content) == (204, b""), path
        assert "content-type" not in answer.headers, path
        assert answer.headers["Access-Control-Allow-Origin"] == "*", path
        assert names(answer.headers["Access-Control-Allow-Headers"]) == ALLOWED, path
        assert names(answer.headers["Access-Control-Allow-Methods"]) >= {"get", "post"}, path
        assert "Access-Control-Allow-Credentials" not in answer.headers, path


def test_flask_by_itself_answers_a_preflight_alike(app: Flask, ask: Ask) -> None:
    asked = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    for path in ("/api/tasks/list", "/oauth/token", "/.well-known/openid-configuration"):
        answer = app.test_client().options(path, headers=asked)
        assert (answer.status_code, answer.data) == (204, b"")
        assert "Content-Type" not in answer.headers
        found = [(k.lower(), v) for k, v in answer.headers if k.startswith("Access-Control-")]
        assert sorted(found) == sorted(cors(preflight(ask, path)).items())


def test_an_options_request_has_no_media_type(ask: Ask) -> None:
    for path in ("/api/tasks/list", "/oauth/token", "/mcp", "/sse", "/tasks"):
        answer = ask("OPTIONS", path)
        assert answer.content == b"", path
        assert "content-type" not in answer.headers, path
        assert "OPTIONS" in answer.headers["Allow"], path


def test_no_page_of_another_origin_reads_a_page(ask: Ask) -> None:
    for path in PAGES:
        answers = [preflight(ask, path), ask("GET", path, headers={"Origin": APP})]
        assert [cors(answer) for answer in answers] == [{}, {}], path


def test_every_answer_may_be_read(ask: Ask, token: Token) -> None:
    held, weak = headers_of(token("ada")), headers_of(token("ada", "profile:view"))
    call = message("tools/call", name="tasks_list", arguments={})
    large, page = b" " * 1_500_000, {"Origin": "http://localhost:9"}
    answers: dict[int, list[tuple[str, str, dict[str, Any]]]] = {
        200: [
            ("GET", "/api", {}),
            ("GET", "/api/openapi.json", {}),
            ("GET", "/api/tasks/list", {"headers": held}),
            ("POST", "/mcp", {"headers": held, "json": call}),
        ],
        400: [
            ("POST", "/mcp", {"headers": held, "content": b"{"}),
            ("GET", "/api/tasks/list?q=\u00e9%ff", {"headers": held}),
        ],
        401: [
            ("GET", "/api/tasks/list", {}),
            ("GET", "/api/tasks/list", {"headers": headers_of("lk_at_x")}),
            ("POST", "/mcp", {}),
            ("GET", "/sse", {}),
            ("POST", "/messages/", {"headers": headers_of("lk_at_x")}),
            ("POST", "/oauth/introspect", {"data": {"token": "x"}}),
            ("GET", "/oauth/userinfo", {}),
        ],
        403: [
            ("GET", "/api/tasks/list", {"headers": weak}),
            ("POST", "/mcp", {"headers": weak, "json": call}),
        ],
        404: [
            ("GET", "/api/no/such", {}),
            ("GET", "/api/tasks/get?task_id=999", {"headers": held}),
            ("GET", "/.well-known/no-such", {}),
            ("POST", f"/messages/?session_id={'0' * 32}", {"headers": held, "json": call}),
        ],
        405: [("DELETE", "/mcp", {"headers": held}), ("DELETE", "/oauth/token", {})],
        413: [
            ("POST", "/api/tasks/create", {"headers": held, "content": large}),
            ("POST", "/mcp", {"headers": held, "content": large}),
            ("POST", "/oauth/token", {"data": {"token": "x" * 100_000}}),
        ],
        422: [("POST", "/api/tasks/create", {"headers": held, "json": {"title": ""}})],
    }
    for status, requests in answers.items():
        for method, path, options in requests:
            headers = {**options.pop("headers", {}), **page}
            answer = ask(method, path, headers=headers, **options)
            assert answer.status_code == status, (path, answer.text)
            assert may_read(answer), (path, status, cors(answer))


def test_one_call_too_many_may_be_read(app: Flask, token: Token) -> None:
    app.extensions["shares"] = shares(limited=True)
    stop_the_minute(app)
    held = headers_of(token("ada"))
    with asking(app) as ask:
        call = message("tools/call", name="health_check", arguments={})
        while (answer := ask("POST", "/mcp", json=call, headers=held)).status_code == 200:
            pass
        assert (answer.status_code, may_read(answer)) == (429, True)
        answer = ask("GET", "/api/tasks/list", headers=held)
        assert (answer.status_code, may_read(answer)) == (429, True)


def test_what_comes_while_there_are_too_many_connections_may_be_read(app: Flask) -> None:
    class Small(Connection):
        most_connections = 2

    asked = {"Origin": APP, "Access-Control-Request-Method": "GET"}
    with serving(app, Small) as address:
        said = at_once([address], [Request("/api", headers={"Origin": APP})] * 8)
        refused = [each for each in said if each.status == 503]
        assert refused
        for each in refused:
            assert each.headers["Access-Control-Allow-Origin"] == "*"
            assert each.headers["Retry-After"] == "1"
            assert each.json["code"] == "overloaded"
        held = at_once([address], [Request("/mcp", headers=asked)] * 8)
    assert {each.headers["Access-Control-Allow-Origin"] for each in held} == {"*"}


def test_on_a_public_host_any_page_is_told_where_to_get_a_token(
    another: Callable[..., Ask],
) -> None:
    ask = another(public_url=PUBLIC, demo=False, rate_limits="on")
    for method, path in (("POST", "/mcp"), ("GET", "/sse"), ("POST", "/messages/")):
        for origin in (APP, "null", PUBLIC):
            answer = ask(method, path, headers={"Origin": origin})
            assert (answer.status_code, may_read(answer)) == (401, True), (path, origin)
            assert "resource_metadata=" in answer.headers["WWW-Authenticate"]


def test_only_pages_of_listed_origins_may_call(another: Callable[..., Ask], token: Token) -> None:
    ask = another(allowed_origins=f"{APP}, https://two.example.com:8443")
    held = headers_of(token("ada", "tasks:view", "openid"))
    calls = [
        ("GET", "/api/tasks/list", {}),
        ("GET", "/oauth/userinfo", {}),
        ("POST", "/mcp", {"json": message("tools/list")}),
    ]
    for method, path, options in calls:
        for origin in ("https://evil.example", "null", "http://localhost:9", f"{APP}:444"):
            answer = ask(method, path, headers={**held, "Origin": origin}, **options)
            assert (answer.status_code, cors(answer)) == (403, {}), (path, origin)
            assert "Origin" in answer.headers["Vary"]
        for origin in (APP, "https://two.example.com:8443"):
            answer = ask(method, path, headers={**held, "Origin": origin}, **options)
            assert answer.status_code == 200, (path, answer.text)
            assert answer.headers["Access-Control-Allow-Origin"] == origin
            assert names(answer.headers["Access-Control-Expose-Headers"]) == EXPOSED
            assert "Origin" in answer.headers["Vary"]
        # Not a browser's page.
        answer = ask(method, path, headers=held, **options)
        assert answer.status_code == 200
        assert "Origin" in answer.headers["Vary"]


def test_a_page_that_is_not_listed_learns_nothing(another: Callable[..., Ask]) -> None:
    ask = another(allowed_origins=APP)
    for path in PATHS:
        foreign, listed = preflight(ask, path, "https://evil.example"), preflight(ask, path)
        assert (foreign.status_code, foreign.content, cors(foreign)) == (204, b"", {}), path
        assert foreign.headers["Vary"] == "Origin"
        assert listed.headers["Access-Control-Allow-Origin"] == APP
        assert listed.headers["Vary"] == "Origin"
    anonymous = ask("POST", "/mcp", headers={"Origin": "http://localhost:9"})
    assert anonymous.status_code == 403
    # The operator named it, also on a loopback address.
    assert ask("POST", "/mcp", headers={"Origin": APP}).status_code == 401
    token = ask(
        "POST", "/oauth/token", data={"x": "y"}, headers={"Origin": "https://evil.example"}
    )
    assert (token.status_code, cors(token)) == (401, {})
