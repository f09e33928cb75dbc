"""What RFC 9700 and RFC 8252 ask of an authorization server, where no other test asks for it."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.models.lifetimes import DEFAULTS
from tests.conftest import PASSWORD, change
from tests.oauth.conftest import CALLBACK, Flow, answer_of, sign_in
from tests.oauth.test_code_flow import api
from tests.oauth.test_rfc6749 import is_refused, redirect_to
from tests.requirements import requirement

Another = Callable[..., Flow]
# What makes a browser load something, send something, or go somewhere.
TARGET = re.compile(r'\s(?:href|src|srcset|action|formaction|data|poster|hx-\w+)="([^"]*)"')


def registered(browser: FlaskClient, *uris: str, **metadata: object) -> Flow:
    """Give a client that registered itself, in front of a browser."""
    given = {
        "redirect_uris": uris,
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        **metadata,
    }
    made = browser.post("/oauth/register", json=given).get_json()
    return Flow(browser, made["client_id"], made.get("client_secret"), redirect_uri=uris[0])


@requirement("rfc9700:redirects-only-where-trusted", "mcp:redirects-only-where-trusted")
def test_who_declines_has_seen_where_that_leads(flow: Flow) -> None:
    phish = registered(flow.browser, "https://evil.example/phish")
    page = phish.authorize()
    assert "It sends you back to <strong" in page.text
    assert ">evil.example</strong>" in page.text
    assert "nobody has checked who made it" in page.text
    assert answer_of(phish.decide(page, "deny"))["error"] == "access_denied"
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM oauth_grant").scalar_one() == 0


@requirement("rfc9700:redirects-only-where-trusted", "mcp:redirects-only-where-trusted")
@pytest.mark.parametrize(
    "changes",
    [
        {"scope": "nonsense"},
        {"response_type": "token"},
        {"prompt": "none"},
        {"code_challenge": None},
        {"resource": "https://elsewhere.example"},
    ],
)
def test_no_mistake_takes_the_browser_to_nobodys_client(
    app: Flask, flow: Flow, changes: dict[str, str | None]
) -> None:
    phish = registered(flow.browser, "https://evil.example/phish")
    for browser in (flow.browser, app.test_client()):
        phish.browser = browser
        answer = phish.authorize(**changes)
        assert not answer.headers.get("Location", "").startswith("https://evil.example")
        assert answer.status_code in (400, 303)


@requirement("rfc9700:redirects-only-where-trusted")
def test_whom_a_person_allows_they_are_sent_to(flow: Flow) -> None:
    uri = "https://app.example/cb"
    tool = registered(flow.browser, uri)
    allowed = tool.decide(tool.authorize())
    assert allowed.headers["Location"].startswith(uri + "?code=lk_ac_")
    local = registered(flow.browser, CALLBACK)
    assert answer_of(local.decide(local.authorize(), "deny"))["error"] == "access_denied"


@requirement("rfc9700:signed-in-before-redirected")
@pytest.mark.parametrize(
    "changes",
    [{}, {"response_type": "token"}, {"scope": "nonsense"}, {"resource": "https://x.example"}],
)
def test_nobody_is_redirected_before_they_have_signed_in(
    app: Flask, flow: Flow, changes: dict[str, str | None]
) -> None:
    stranger = Flow(app.test_client(), flow.client_id, flow.client_secret)
    answer = stranger.authorize(**changes)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")
    silent = answer_of(stranger.authorize(**changes, prompt="none"))
    assert silent["error"] == "login_required"


@requirement("rfc9700:no-clickjacking", "rfc9700:framing-refused-twice")
def test_nothing_that_a_person_decides_on_can_be_framed(app: Flask, flow: Flow) -> None:
    odd = registered(flow.browser, "https://app.example/cb")
    pages = [
        flow.authorize(),
        flow.authorize(client_id="unknown"),
        odd.authorize(response_type="token"),
        flow.browser.get("/oauth/device"),
        flow.browser.get("/oauth/logout"),
        app.test_client().get("/login"),
        app.test_client().get("/signup"),
    ]
    for page in pages:
        assert page.mimetype == "text/html"
        assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
        assert page.headers.get("X-Frame-Options") == "DENY"


@requirement("rfc9700:no-cors-at-authorize")
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_no_page_of_another_origin_reads_the_authorization_endpoint(
    flow: Flow, method: str
) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    for path in ("/oauth/authorize?" + flow.query(), "/oauth/consent"):
        answer = flow.browser.open(path, method=method, headers=asked)
        assert not [name for name, _ in answer.headers if name.startswith("Access-Control-")]


@requirement("rfc9700:no-password-grant")
def test_a_persons_password_gets_no_client_a_token(flow: Flow) -> None:
    given = {"username": "ada@example.com", "password": PASSWORD, "scope": "tasks:view"}
    refused = flow.token(grant_type="password", **given)
    assert is_refused(refused, 400, "unsupported_grant_type")
    document = flow.browser.get("/.well-known/oauth-authorization-server").get_json()
    assert not {"password", "implicit"} & set(document["grant_types_supported"])
    with db.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM access_token").scalar_one() == 0


@requirement("rfc9700:client-id-not-chosen")
@pytest.mark.parametrize("wanted", ["1", "latchkey-console", "ada@example.com"])
def test_a_client_that_registers_itself_does_not_choose_its_id(flow: Flow, wanted: str) -> None:
    made = registered(flow.browser, CALLBACK, client_id=wanted)
    assert re.fullmatch(r"[0-9a-f]{32}", made.client_id)


@requirement("rfc9700:no-307", "rfc9700:redirect-by-303")
def test_each_form_of_the_flow_is_answered_with_a_303(app: Flask, flow: Flow) -> None:
    # With a 307 the browser would send the form, the password too, on to the client.
    visitor = app.test_client()
    form = visitor.get("/login").text
    token = form.split('name="csrf_token" value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": "ada@example.com", "password": PASSWORD}
    target = "/oauth/authorize?" + flow.query()
    signed_in = visitor.post("/login", data={**fields, "next": target})
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, target)
    resent = flow.browser.post("/oauth/authorize", data={"client_id": flow.client_id})
    answers = [resent, *(flow.decide(flow.authorize(), how) for how in ("deny", "allow"))]
    assert [answer.status_code for answer in answers] == [303, 303, 303]


@requirement("rfc6749:person-informed")
@pytest.mark.parametrize(
    ("grant_types", "told"),
    [
        (
            ["authorization_code", "refresh_token"],
            "for up to 180 days, or until it has not used it for 30 days.",
        ),
        (["authorization_code"], "Its access ends after 1 hour."),
    ],
)
def test_the_consent_page_says_for_how_long(flow: Flow, grant_types: list[str], told: str) -> None:
    tool = registered(flow.browser, CALLBACK, grant_types=grant_types)
    assert told in " ".join(tool.authorize().text.split())


@requirement("rfc9700:nothing-foreign-on-the-page")
def test_the_consent_page_loads_nothing_and_links_to_nothing_elsewhere(flow: Flow) -> None:
    web = "https://app.example/"
    tool = registered(flow.browser, web + "cb", client_name="Tool", client_uri=web + "home")
    change("UPDATE client SET description = :text", text=f'<a href="{web}">{web}</a>')
    page = tool.authorize(state=web)
    assert "Allow" in page.text
    targets = TARGET.findall(page.text)
    assert targets
    assert not [target for target in targets if not re.match(r"[/#](?!/)", target)]
    # Should it link one day, the address of the page, with its state, stays here.
    assert page.headers["Referrer-Policy"] == "same-origin"


@requirement(
    "rfc9700:refresh-tokens-rotate", "rfc9700:replay-detected", "mcp:refresh-tokens-rotate"
)
def test_a_public_clients_refresh_token_rotates_and_a_replay_ends_its_family(
    another: Another,
) -> None:
    public = another(kind="public")
    first = public.tokens()
    second = public.refresh(first["refresh_token"]).get_json()
    third = public.refresh(second["refresh_token"]).get_json()
    assert len({body["refresh_token"] for body in (first, second, third)}) == 3
    assert api(public, third["access_token"]) == 200
    assert is_refused(public.refresh(first["refresh_token"]), 400, "invalid_grant")
    assert is_refused(public.refresh(third["refresh_token"]), 400, "invalid_grant")
    assert [api(public, body["access_token"]) for body in (first, second, third)] == [401] * 3


@requirement("rfc9700:refresh-tokens-idle-out")
def test_a_refresh_token_that_lay_idle_is_refused(flow: Flow) -> None:
    token = flow.tokens()["refresh_token"]
    idle = DEFAULTS["refresh_token_idles"]
    assert idle == 30 * 24 * 3600
    change("UPDATE refresh_token SET expires_at = expires_at - :idle", idle=idle + 1)
    assert is_refused(flow.refresh(token), 400, "invalid_grant")
    change("UPDATE refresh_token SET expires_at = expires_at + 100")
    assert flow.refresh(token).status_code == 200


@requirement("rfc9700:refresh-bound-to-consent")
def test_a_refresh_token_gives_no_scope_that_the_person_removed(flow: Flow) -> None:
    answer = answer_of(flow.decide(flow.authorize(), without=["tasks:edit"]))
    body = flow.exchange(answer["code"]).get_json()
    widened = flow.refresh(body["refresh_token"], scope="tasks:view tasks:edit")
    assert is_refused(widened, 400, "invalid_scope")
    assert flow.refresh(body["refresh_token"]).get_json()["scope"] == "tasks:view"


@requirement("rfc8252:three-kinds-of-redirect-uri")
@pytest.mark.parametrize(
    "uri",
    [
        "com.example.app:/oauth2redirect",
        "https://app.example/oauth2redirect",
        "http://127.0.0.1:51004/oauth2redirect",
        "http://[::1]:51004/oauth2redirect",
    ],
)
def test_a_native_app_gets_its_code_at_each_kind_of_redirect_uri(
    browser: FlaskClient, uri: str
) -> None:
    native = registered(sign_in(browser, "ada"), uri)
    allowed = native.decide(native.authorize())
    assert allowed.headers["Location"].startswith(uri + "?code=lk_ac_")
    exchanged = native.exchange(answer_of(allowed)["code"])
    assert exchanged.status_code == 200
    assert api(native, exchanged.get_json()["access_token"]) == 200


@requirement("rfc8252:any-loopback-port", "rfc9700:exact-redirect-uri", "mcp:exact-redirect-uri")
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost"])
def test_at_a_loopback_address_the_port_is_free_and_nothing_else(flow: Flow, host: str) -> None:
    redirect_to(flow, f"http://{host}/callback")
    for port in ("", ":1", ":51004", ":65535"):
        uri = f"http://{host}{port}/callback"
        answer = flow.authorize(redirect_uri=uri, response_type="token")
        assert answer.headers["Location"].startswith(uri + "?error=")
    for uri in (
        f"http://{host}:51004/other",
        f"http://{host}:51004/callback/",
        f"http://{host}:51004/callback?a=b",
        f"https://{host}:51004/callback",
        f"http://{host}:65536/callback",
        f"http://{host}.example.com:51004/callback",
        f"http://evil@{host}:51004/callback",
    ):
        answer = flow.authorize(redirect_uri=uri)
        assert (answer.status_code, "Location" in answer.headers) == (400, False), uri
    redirect_to(flow, "https://app.example/callback")
    answer = flow.authorize(redirect_uri="https://app.example:51004/callback")
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


@requirement("rfc8252:client-type-recorded")
def test_a_public_client_is_one_at_each_request(another: Another) -> None:
    public, confidential = another(kind="public"), another()
    with db.engine.connect() as connection:
        kinds = connection.exec_driver_sql(
            "SELECT client_id, is_public FROM client WHERE owner_id IS NOT NULL"
        ).all()
    assert {(client_id, bool(is_public)) for client_id, is_public in kinds} == {
        (public.client_id, True),
        (confidential.client_id, False),
    }
    refused = public.exchange(public.code(), client_secret=confidential.client_secret)
    assert is_refused(refused, 401, "invalid_client")
    assert is_refused(
        confidential.exchange(confidential.code(), client_secret=None), 401, "invalid_client"
    )
    own = public.token(grant_type="client_credentials")
    assert is_refused(own, 400, "unauthorized_client")
