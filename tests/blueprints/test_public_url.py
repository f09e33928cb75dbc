"""Where the app says that it is: at its public URL, whatever a request claims."""

import re
from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.blueprints.oauth.endpoints import ENDPOINTS
from app.extensions import db
from app.identity.throttle import address_of
from tests.blueprints.conftest import Browser
from tests.blueprints.routes import ANYTHING, addresses, of_everyone
from tests.conftest import PASSWORD
from tests.requirements import requirement

PUBLIC = "https://tasks.example.com"
EVIL = "evil.example"

Deploy = Callable[..., Flask]


def token_in(html: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', html)
    assert found
    return found[1]


def filled(form: str, **fields: str) -> dict[str, str]:
    return {"csrf_token": token_in(form), **fields}


def guess(browser: FlaskClient, **headers: str) -> None:
    """Try a wrong password from somewhere."""
    fields = filled(browser.get("/login").text, email="ada@example.com", password="wrong")
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    assert browser.post("/login", data=fields, headers=sent).status_code == 422


def addresses_of_guesses(app: Flask) -> set[str]:
    with app.app_context(), db.engine.connect() as connection:
        query = "SELECT subject FROM guess WHERE subject LIKE 'address:%'"
        return set(connection.exec_driver_sql(query).scalars())


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": EVIL},
        {"X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/" + EVIL},
        {"Forwarded": f"host={EVIL};proto=https", "X-Original-URL": f"http://{EVIL}/"},
        {"X-Forwarded-Server": EVIL, "X-Host": EVIL, "X-Forwarded-Port": "444"},
    ],
)
@pytest.mark.parametrize("proxies", [0, 1])
def test_no_answer_repeats_the_host_that_a_request_names(
    deployed: Deploy, headers: dict[str, str], proxies: int
) -> None:
    visitor = deployed(trusted_proxies=proxies).test_client()
    odd = ["//login", "/oauth//authorize", "/login/", "//" + "tasks?next=1", "/nosuch"]
    for address in [*addresses(visitor.application, "GET", ANYTHING).values(), *odd]:
        answer = visitor.get(address, headers=headers, buffered=True)
        assert EVIL not in str(answer.headers) + answer.text, address
        assert answer.status_code < 500


@pytest.mark.parametrize(
    "host", ["", ":", "[", "a b", "a:99999", "a:b", "\xff", "a" * 9000, "a/b", "a\0b"]
)
def test_a_host_that_cannot_be_does_no_harm(app: Flask, host: str) -> None:
    assert app.test_client().get("/login", headers={"Host": host}).status_code == 200


def test_behind_tls_the_cookie_is_the_hosts_alone_and_tls_is_to_stay(deployed: Deploy) -> None:
    answer = deployed(public_url=PUBLIC).test_client(use_cookies=False).get("/login")
    [cookie] = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert cookie.key == "__Host-latchkey"
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    assert cookie["secure"]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert answer.headers["Strict-Transport-Security"] == "max-age=63072000"


def test_without_tls_nobody_is_told_to_insist_on_it(app: Flask) -> None:
    answer = app.test_client().get("/login", headers={"X-Forwarded-Proto": "https"})
    assert "Strict-Transport-Security" not in answer.headers
    assert answer.headers["Set-Cookie"].startswith("latchkey=")


def test_behind_tls_people_sign_in_whatever_the_proxy_calls_itself(deployed: Deploy) -> None:
    app = deployed(public_url=PUBLIC)
    # A proxy that names itself as the host, and says nothing of TLS.
    browser = app.test_client()
    behind = {"base_url": "https://10.0.0.7:8000"}
    form = browser.get("/login", **behind)
    fields = filled(form.text, email="ada@example.com", password=PASSWORD)
    assert browser.post("/login", data=fields, **behind).status_code == 400
    sent = {"Referer": f"{PUBLIC}/login"}
    answer = browser.post("/login", data=fields, headers=sent, **behind)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks")
    # Without an Origin a form needs its Referer, and each page with a form lets it be sent.
    for path in ("/tasks", "/settings/oauth-apps/new", "/logout"):
        page = browser.get(path, **behind)
        assert page.status_code == 200
        assert page.headers["Referrer-Policy"] == "same-origin"


SENDERS: list[tuple[dict[str, str], bool]] = [
    ({"Origin": PUBLIC}, True),
    ({"Origin": PUBLIC, "Referer": f"https://{EVIL}/"}, True),
    ({"Referer": f"{PUBLIC}/login"}, True),
    ({}, False),
    ({"Referer": f"https://{EVIL}/"}, False),
    ({"Origin": f"https://{EVIL}", "Referer": f"{PUBLIC}/login"}, False),
    ({"Origin": "null", "Referer": f"{PUBLIC}/login"}, False),
    ({"Origin": "", "Referer": f"{PUBLIC}/login"}, False),
    ({"Origin": PUBLIC.replace("https", "http"), "Referer": f"{PUBLIC}/login"}, False),
    ({"Origin": f"{PUBLIC}:444", "Referer": f"{PUBLIC}/login"}, False),
    ({"Origin": f"{PUBLIC}.{EVIL}", "Referer": f"{PUBLIC}/login"}, False),
    ({"Origin": "https://[", "Referer": f"{PUBLIC}/login"}, False),
    ({"Referer": "https://["}, False),
]


def test_behind_tls_a_form_is_taken_from_pages_of_ours_alone(deployed: Deploy) -> None:
    app = deployed(public_url=PUBLIC)
    browser, behind = app.test_client(), {"base_url": PUBLIC}
    token = filled(browser.get("/login", **behind).text)
    for headers, is_ours in SENDERS:
        answer = browser.post("/login", data=token, headers=headers, **behind)
        assert answer.status_code == (422 if is_ours else 400), headers
    # Each address that takes a page's form asks.
    foreign = {"Origin": f"https://{EVIL}", "Referer": f"{PUBLIC}/login"}
    takes_forms = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "POST" in (rule.methods or ()) and not rule.arguments
    ]
    others = {"/oauth/authorize", "/oauth/logout", "/oauth/userinfo", *ENDPOINTS}
    others |= {path for path in takes_forms if path.startswith(("/api/", "/oauth/register"))}
    checked = sorted(set(takes_forms) - others)
    assert {"/login", "/tasks", "/oauth/consent", "/oauth/device/decision"} <= set(checked)
    for path in checked:
        answer = browser.post(path, data=token, headers=foreign, **behind)
        assert (answer.status_code, "Your session has expired" in answer.text) == (400, True), path


def test_a_proxy_that_is_not_trusted_says_nothing(deployed: Deploy) -> None:
    app = deployed()
    guess(app.test_client(), X_Forwarded_For="203.0.113.9", X_Real_IP="203.0.113.9")
    assert addresses_of_guesses(app) == {address_of("127.0.0.1")}


@pytest.mark.parametrize("claimed", ["203.0.113.9", f"{EVIL}, 203.0.113.9"])
def test_a_trusted_proxy_tells_who_calls(deployed: Deploy, claimed: str) -> None:
    app = deployed(trusted_proxies=1)
    guess(app.test_client(), X_Forwarded_For=claimed)
    assert addresses_of_guesses(app) == {address_of("203.0.113.9")}


@requirement("rfc8414:issuer-identical")
def test_the_metadata_name_the_public_url_alone(deployed: Deploy) -> None:
    visitor = deployed(public_url=PUBLIC).test_client()
    for name in ("oauth-authorization-server", "oauth-protected-resource/mcp"):
        found = re.findall(r'"(https?://[^"]*)"', visitor.get(f"/.well-known/{name}").text)
        assert found
        assert all(url.startswith(PUBLIC) for url in found)


def test_a_person_meets_no_absolute_link(app: Flask, browser: Callable[[str], Browser]) -> None:
    grace = browser("grace")
    places = of_everyone(grace)
    for address in addresses(app, "GET", places).values():
        answer = grace.client.get(address, buffered=True)
        assert answer.headers.get("Location", "/").startswith("/"), address
