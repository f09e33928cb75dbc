"""The authorization code flow: what it gives, and what it refuses."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from app.core import credentials
from app.extensions import db, settings
from tests.oauth.conftest import CALLBACK, ISSUER, VERIFIER, Flow, answer_of
from tests.requirements import requirement

Another = Callable[..., Flow]


def api(flow: Flow, token: str) -> int:
    """Give the status of an API call with this token, from a program without cookies."""
    program = flow.browser.application.test_client()
    return program.get("/api/tasks/list", headers={"Authorization": f"Bearer {token}"}).status_code


@requirement(
    "rfc6749:authorize-by-get",
    "rfc6749:state-returned",
    "rfc6750:token-in-the-header",
    "oidc-core:tokens-are-not-stored",
    "oidc-core:bearer-unless-agreed",
)
def test_the_flow_ends_in_a_token_that_opens_the_api(flow: Flow) -> None:
    answer = answer_of(flow.decide(flow.authorize()))
    assert answer["state"] == "a state & more"
    assert answer["iss"] == ISSUER
    exchanged = flow.exchange(answer["code"])
    assert exchanged.headers["Cache-Control"] == "no-store"
    body = exchanged.json
    assert body is not None
    assert body["token_type"] == "Bearer"
    assert body["scope"] == "tasks:view tasks:edit"
    assert api(flow, body["access_token"]) == 200


def test_a_public_client_needs_no_secret(another: Another) -> None:
    flow = another(kind="public")
    assert flow.client_secret is None
    assert api(flow, flow.tokens()["access_token"]) == 200


@requirement("rfc6749:basic-authentication")
def test_basic_authentication_works_too(flow: Flow) -> None:
    assert flow.client_secret
    program = flow.browser.application.test_client()
    answer = program.post(
        "/oauth/token",
        auth=(flow.client_id, flow.client_secret),
        data={
            "grant_type": "authorization_code",
            "code": flow.code(),
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
    )
    assert answer.status_code == 200


@requirement("rfc6749:authorize-by-get", "oidc-core:get-and-post")
def test_the_request_may_come_as_a_form(flow: Flow) -> None:
    form = "application/x-www-form-urlencoded"
    sent = flow.browser.post("/oauth/authorize", data=flow.query(), content_type=form)
    assert sent.status_code == 303
    page = flow.browser.get(sent.headers["Location"])
    assert flow.exchange(answer_of(flow.decide(page))["code"]).status_code == 200


@requirement(
    "rfc6749:errors-told-to-the-client",
    "rfc9207:iss-with-an-error",
    "oidc-core:the-person-decides",
)
def test_cancelling_tells_the_client_so(flow: Flow) -> None:
    answer = answer_of(flow.decide(flow.authorize(), "deny"))
    assert answer["error"] == "access_denied"
    assert answer["iss"] == ISSUER
    assert "code" not in answer


@requirement("rfc6749:person-identified-first", "oidc-core:sign-in-comes-first")
def test_a_stranger_signs_in_first_and_comes_back(app: Flask, flow: Flow) -> None:
    query = flow.query()
    answer = app.test_client().get("/oauth/authorize?" + query)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")


@requirement(
    "rfc6749:nowhere-in-doubt",
    "rfc6749:redirect-uri-compared",
    "rfc8252:whole-redirect-uri",
    "rfc9700:exact-redirect-uri",
    "rfc9700:no-open-redirector",
    "mcp:exact-redirect-uri",
    "oidc-core:redirect-uris-match-exactly",
)
@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": CALLBACK + "/more"},
        {"redirect_uri": CALLBACK + "?more=1"},
        {"redirect_uri": CALLBACK + "#fragment"},
        {"redirect_uri": CALLBACK.upper()},
        {"redirect_uri": "http://127.0.0.1@evil.example:9999/callback"},
        {"redirect_uri": 'http://127.0.0.1:9999/"é\\'},
        {"redirect_uri": "javascript:alert(1)"},
    ],
)
@pytest.mark.parametrize("who", ["ada", "nobody"])
def test_a_request_in_doubt_sends_the_browser_nowhere(
    app: Flask, flow: Flow, changes: dict[str, str | None], who: str
) -> None:
    browser = flow.browser if who == "ada" else app.test_client()
    answer = browser.get("/oauth/authorize?" + flow.query(**changes))
    assert answer.status_code == 400
    assert "Location" not in answer.headers


@requirement(
    "rfc6749:response-type-checked",
    "rfc6749:errors-told-to-the-client",
    "rfc6749:state-returned",
    "rfc7636:challenge-required",
    "rfc7636:s256-only",
    "rfc8707:unknown-resource-refused",
    "oidc-core:errors-are-reported",
)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": 'co"dé'}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"scope": "tasks:view nonsense"}, "invalid_scope"),
        ({"scope": 'quote"\\é'}, "invalid_scope"),
        ({"scope": "oauth-clients:viewAll"}, "invalid_scope"),
        ({"scope": "tasks:viewAll"}, "invalid_scope"),
        ({"resource": "https://elsewhere.example/mcp"}, "invalid_target"),
        ({"resource": "not a url"}, "invalid_target"),
    ],
)
def test_a_wrong_request_is_reported_to_the_client(
    flow: Flow, changes: dict[str, str | None], error: str
) -> None:
    response = flow.authorize(**changes)
    assert response.headers["Location"].startswith(CALLBACK + "?")
    answer = answer_of(response)
    assert answer["error"] == error
    assert answer["state"] == "a state & more"
    assert answer["iss"] == ISSUER


@requirement("rfc9700:signed-in-before-redirected")
def test_a_stranger_is_sent_nowhere_but_to_the_sign_in(app: Flask, flow: Flow) -> None:
    wrong = flow.query(response_type="token")
    answer = app.test_client().get("/oauth/authorize?" + wrong)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")


@requirement("rfc9700:redirects-only-where-trusted", "mcp:redirects-only-where-trusted")
def test_nobodys_client_takes_the_browser_nowhere_by_itself(flow: Flow) -> None:
    uri = "https://evil.example/phish"
    client = flow.browser.post("/oauth/register", json={"redirect_uris": [uri]}).json
    assert client is not None
    answer = flow.authorize(client_id=client["client_id"], redirect_uri=uri, response_type="token")
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert 'href="https://evil.example/phish?error=unsupported_response_type' in answer.text
    assert "nobody has checked who made it" in answer.text


@requirement("rfc6749:each-parameter-once")
def test_a_repeated_parameter_is_refused(flow: Flow) -> None:
    response = flow.browser.get("/oauth/authorize?" + flow.query() + "&scope=profile:view")
    assert answer_of(response)["error"] == "invalid_request"
    twice = flow.browser.get("/oauth/authorize?" + flow.query() + "&client_id=other")
    assert twice.status_code == 400


@requirement("rfc6749:default-scope")
def test_without_scope_the_basic_ones_are_asked_for(flow: Flow) -> None:
    assert flow.tokens(scope=None)["scope"] == "profile:view tasks:view tasks:edit"


def test_the_only_redirect_uri_may_be_left_out(flow: Flow) -> None:
    code = flow.code(redirect_uri=None)
    assert flow.exchange(code, redirect_uri=None).status_code == 200


@requirement("rfc8252:any-loopback-port", "oidc-core:redirect-uris-match-exactly")
def test_a_loopback_client_takes_the_port_that_it_gets(flow: Flow) -> None:
    flow.redirect_uri = "http://127.0.0.1:41234/callback"
    assert flow.exchange(flow.code()).status_code == 200


@requirement("rfc9700:no-clickjacking", "oidc-core:no-forgery-no-frames")
def test_the_consent_form_names_neither_client_nor_redirect_uri(flow: Flow) -> None:
    page = flow.authorize()
    form = page.text.split('action="/oauth/consent"')[1].split("</form>")[0]
    assert flow.client_id not in form
    assert "redirect_uri" not in form
    assert "form-action 'self' http://127.0.0.1:9999;" in page.headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@requirement("rfc6749:consent-not-forged")
def test_a_consent_is_decided_once_and_by_its_person(flow: Flow, another: Another) -> None:
    page = flow.authorize()
    bens = another("ben")
    theirs = bens.authorize(client_id=flow.client_id)
    foreign = page.text.split('name="consent" value="')[1].split('"')[0]
    own = theirs.text.split('name="consent" value="')[1].split('"')[0]
    token = theirs.text.split('name="csrf_token" value="')[1].split('"')[0]
    refused = bens.browser.post(
        "/oauth/consent", data={"csrf_token": token, "consent": foreign, "decision": "allow"}
    )
    assert refused.status_code == 409
    assert own != foreign
    assert flow.decide(page).status_code == 303
    assert flow.decide(page).status_code == 409


@requirement("rfc6749:consent-not-forged", "oidc-core:no-forgery-no-frames")
def test_a_consent_without_csrf_token_is_refused(flow: Flow) -> None:
    page = flow.authorize()
    consent = page.text.split('name="consent" value="')[1].split('"')[0]
    answer = flow.browser.post("/oauth/consent", data={"consent": consent, "decision": "allow"})
    assert answer.status_code == 400


@requirement(
    "rfc6749:redirect-uri-repeated",
    "rfc6749:token-errors",
    "rfc7636:verifier-compared",
    "rfc8707:token-request-too",
    "rfc9700:verifier-enforced",
    "oidc-core:the-redirect-uri-is-repeated",
)
@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": VERIFIER + "x"}, "invalid_grant"),
        ({"code_verifier": "é" * 50}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"redirect_uri": CALLBACK + "/x"}, "invalid_grant"),
        ({"code": "lk_ac_unknown"}, "invalid_grant"),
        ({"code": None}, "invalid_request"),
        ({"grant_type": None}, "invalid_request"),
        ({"grant_type": 'pass"wörd'}, "unsupported_grant_type"),
        ({"resource": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_wrong_exchange_is_refused_and_the_code_still_works(
    flow: Flow, changes: dict[str, str | None], error: str
) -> None:
    code = flow.code()
    refused = flow.exchange(code, **changes)
    assert refused.status_code == 400
    assert refused.json is not None
    assert refused.json["error"] == error
    assert refused.headers["Cache-Control"] == "no-store"
    assert flow.exchange(code).status_code == 200


@requirement("rfc6749:code-bound-to-its-client", "oidc-core:a-code-is-its-clients")
def test_a_code_of_another_client_is_refused_without_harm(flow: Flow, another: Another) -> None:
    body = flow.tokens()
    code = flow.code()
    stranger = another()
    assert stranger.exchange(code).json == {
        "error": "invalid_grant",
        "error_description": "The code is unknown.",
    }
    assert flow.exchange(code).status_code == 200
    assert api(flow, body["access_token"]) == 200


@requirement("rfc6749:code-once", "rfc6749:replay-revokes", "rfc9700:code-once")
def test_a_replayed_code_kills_its_family(flow: Flow) -> None:
    other_family = flow.tokens()
    code = flow.code()
    body = flow.exchange(code).json
    assert body is not None
    replayed = flow.exchange(code)
    assert replayed.json is not None
    assert replayed.json["error"] == "invalid_grant"
    assert api(flow, body["access_token"]) == 401
    assert flow.refresh(body["refresh_token"]).status_code == 400
    assert api(flow, other_family["access_token"]) == 200


def test_replays_are_written_down_once(app: Flask, flow: Flow) -> None:
    code = flow.code()
    for _ in range(4):
        flow.exchange(code)
    with db.engine.connect() as connection:
        events = connection.exec_driver_sql(
            "SELECT outcome, client_id FROM audit_event WHERE action = 'oauth.code_replayed'"
        ).all()
    assert events == [("refused", flow.client_id)]


@requirement("rfc6749:code-once", "rfc9700:code-once")
def test_of_many_exchanges_at_once_one_wins_and_the_family_dies(flow: Flow) -> None:
    code = flow.code()

    def exchange(_number: int) -> tuple[int, str | None]:
        program = Flow(flow.browser.application.test_client(), flow.client_id, flow.client_secret)
        answer = program.exchange(code)
        return answer.status_code, (answer.json or {}).get("access_token")

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(exchange, range(40)))
    won = [token for status, token in answers if status == 200]
    assert len(won) == 1
    assert {status for status, _ in answers} == {200, 400}
    assert won[0]
    assert api(flow, won[0]) == 401


@requirement("rfc6749:code-expires")
def test_an_expired_code_is_refused(app: Flask, flow: Flow) -> None:
    code = flow.code()
    _age(app, "UPDATE authorization_code SET expires_at = 1 WHERE digest = ?", code)
    refused = flow.exchange(code)
    assert refused.json == {
        "error": "invalid_grant",
        "error_description": "The code has expired.",
    }


def _age(app: Flask, statement: str, credential: str) -> None:
    with app.app_context():
        database = Path(settings().instance) / "latchkey.sqlite3"
    with sqlite3.connect(database) as connection:
        connection.execute(statement, (credentials.digest(credential),))
    connection.close()
