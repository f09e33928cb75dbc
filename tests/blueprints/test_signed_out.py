"""A session that ends while somebody fills in a form: they sign in again, and lose nothing."""

import json
import re
import time
import zlib
from base64 import urlsafe_b64encode
from html import unescape
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.blueprints.form_pages import FORM_PAGES
from app.blueprints.saved_form import MAX_BYTES, TTL_SECONDS
from app.core import sealing
from app.extensions import db
from tests.blueprints.conftest import Browser
from tests.blueprints.routes import addresses, forms, of_everyone
from tests.conftest import PASSWORD, change
from tests.oauth.conftest import CHALLENGE

NEW_APP = "/settings/oauth-apps/new"
HERE = "http://127.0.0.1:8000"
FROM_HERE = {"Sec-Fetch-Site": "same-origin", "Origin": HERE}
APP = {
    "name": 'An "app" <b>',
    "redirect_uris": ["https://one.example/cb", "", "https://two.example/cb"],
    "description": "Two\nlines & </textarea>",
    "kind": "public",
}


def hidden(html: str, name: str) -> str:
    """Return the value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return unescape(found[1])


def end_sessions() -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE login SET revoked_at = 1")


def sign_in(client: FlaskClient, page: str, name: str = "ada", **changed: str) -> TestResponse:
    """Send the sign-in form of a page, with its hidden fields."""
    fields = {name: hidden(page, name) for name in ("csrf_token", "next", "saved")}
    account = {"email": f"{name}@example.com", "password": PASSWORD}
    return client.post("/login", data={**fields, **account, **changed})


def test_a_form_is_filled_in_again_after_signing_in(ada: Browser) -> None:
    end_sessions()
    sign_in_page = ada.submit(NEW_APP, {**APP, "account": "ada@example.com"})
    assert sign_in_page.status_code == 403
    assert "You were signed out. Sign in and your entries are kept." in sign_in_page.text
    assert 'value="ada@example.com"' in sign_in_page.text
    assert "one.example" not in sign_in_page.text
    page = sign_in(ada.client, sign_in_page.text)
    assert page.status_code == 200
    assert "signed in again" in page.text
    for field in (
        r'id="name"[^>]* value="An &quot;app&quot; &lt;b&gt;"',
        r'id="redirect_uris-0"[^>]* value="https://one.example/cb"',
        r'id="redirect_uris-1"[^>]* value=""',
        r'id="redirect_uris-2"[^>]* value="https://two.example/cb"',
        r'id="description"[^>]*>\nTwo\nlines &amp; &lt;/textarea&gt;</textarea>',
        r'value="public"[^>]* checked>',
        r"<details [^>]*open",
    ):
        assert re.search(field, page.text), field
    assert "An &quot;app" not in ada.get("/settings/oauth-apps").text
    # The page is whole: its token and its session are those of now.
    fields = {**APP, "description": "", "csrf_token": hidden(page.text, "csrf_token")}
    assert ada.client.post(NEW_APP, data=fields).status_code == 201


def test_ticks_are_as_they_were_when_the_session_ended(grace: Browser) -> None:
    end_sessions()
    role = {
        "name": "Reader",
        "scopes": ["tasks:view", "access:edit"],
        "account": "grace@example.com",
    }
    sign_in_page = grace.submit("/admin/roles/new", role)
    page = sign_in(grace.client, sign_in_page.text, "grace").text
    ticked = re.findall(r'name="scopes" value="([^"]+)"[^>]* checked', page)
    assert sorted(ticked) == ["access:edit", "tasks:view"]


def test_no_password_is_kept(app: Flask) -> None:
    visitor = app.test_client()
    fields = {"name": "Zoe", "email": "z@example.com", "password": "a secret password"}
    answer = visitor.post("/signup", data=fields, headers=FROM_HERE)
    assert answer.status_code == 400
    assert 'value="z@example.com"' in answer.text
    assert "a secret password" not in answer.text


def test_another_user_gets_nothing_of_what_was_entered(ada: Browser) -> None:
    end_sessions()
    sign_in_page = ada.submit(NEW_APP, {**APP, "account": "ada@example.com"})
    answer = sign_in(ada.client, sign_in_page.text, "ben")
    assert answer.headers["Location"] == "/tasks"
    page = ada.get("/tasks").text
    assert "signed in as ben@example.com" in page
    assert "one.example" not in page


def test_a_form_of_another_user_is_not_filled_in_for_who_is_signed_in_now(ada: Browser) -> None:
    fields = {**APP, "account": "ben@example.com", "csrf_token": "old"}
    answer = ada.client.post(NEW_APP, data=fields, headers=FROM_HERE)
    assert answer.status_code == 400
    assert "another account" in answer.text
    assert "one.example" not in answer.text


def test_a_stale_token_of_the_same_user_costs_nothing(ada: Browser) -> None:
    fields = {**APP, "account": "ada@example.com", "csrf_token": "old"}
    answer = ada.client.post(NEW_APP, data=fields, headers=FROM_HERE)
    assert answer.status_code == 400
    assert "Your session has changed." in answer.text
    assert "https://two.example/cb" in answer.text
    assert "one.example" not in ada.get("/settings/oauth-apps").text
    fresh = {**APP, "csrf_token": hidden(answer.text, "csrf_token")}
    assert ada.client.post(NEW_APP, data=fresh).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Origin": HERE},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_another_site_sends_fills_in_no_form(
    ada: Browser, app: Flask, headers: dict[str, str]
) -> None:
    for client in (ada.client, app.test_client()):
        for account in ("ada@example.com", ""):
            fields = {**APP, "account": account, "csrf_token": "old"}
            answer = client.post(NEW_APP, data=fields, headers=headers)
            assert answer.status_code == 400
            assert "Your session has expired." in answer.text
            assert 'name="saved"' not in answer.text
            assert "one.example" not in answer.text


def resealed(app: Flask, age: int) -> str:
    """Return entries that this server sealed so many seconds ago."""
    key = sealing.key_for("entries of a form", app.extensions["settings"].secret_key)
    form = {"action": NEW_APP, "page": NEW_APP, "account": "ada@example.com"}
    entries = [["name", "Sealed"]]
    plain = json.dumps({**form, "entries": entries, "at": int(time.time()) - age}).encode()
    return urlsafe_b64encode(sealing.seal(key, zlib.compress(plain))).decode()


def test_what_was_sealed_opens_unchanged_and_for_a_day(app: Flask, ada: Browser) -> None:
    whole = resealed(app, 0)
    changed = whole[:-8] + ("AAAAAAA=" if not whole.endswith("AAAAAAA=") else "BBBBBBB=")
    late = resealed(app, TTL_SECONDS + 5)
    for saved, status in ((whole, 200), (changed, 303), ("x", 303), ("é", 303), (late, 303)):
        visitor = app.test_client()
        page = visitor.get("/login").text + f'<input name="saved" value="{saved}">'
        answer = sign_in(visitor, page)
        assert answer.status_code == status, saved
        assert ("Sealed" in answer.text) == (status == 200)


def test_more_than_fits_is_not_kept_and_the_page_says_so(ada: Browser) -> None:
    end_sessions()
    fields = {"title": "x" * (MAX_BYTES + 1), "account": "ada@example.com"}
    sign_in_page = ada.submit("/tasks", fields)
    assert sign_in_page.status_code == 403
    assert "too long to keep" in sign_in_page.text
    assert len(sign_in_page.data) < 20_000


@pytest.mark.parametrize(
    "referrer",
    ["https://evil.example/tasks", "//evil.example", f"{HERE}//evil.example", "javascript:x"],
)
def test_no_referrer_leads_elsewhere(ada: Browser, referrer: str) -> None:
    end_sessions()
    headers = {"Referer": referrer, "HX-Current-URL": referrer}
    fields = {"csrf_token": ada.token, "account": "ada@example.com"}
    sign_in_page = ada.client.post("/tasks/1/complete", data=fields, headers=headers)
    assert hidden(sign_in_page.text, "next") == "/tasks"
    answer = sign_in(ada.client, sign_in_page.text)
    assert answer.headers["Location"] == "/tasks"


def test_a_button_leads_back_to_the_page_it_was_pressed_on(ada: Browser) -> None:
    end_sessions()
    headers = {"Referer": f"{HERE}/tasks?status=open"}
    fields = {"csrf_token": ada.token, "account": "ada@example.com"}
    sign_in_page = ada.client.post("/tasks/1/complete", data=fields, headers=headers)
    assert "You were signed out. Sign in to continue." in sign_in_page.text
    assert hidden(sign_in_page.text, "next") == "/tasks?status=open"


def test_htmx_gets_a_dialog_over_the_page_that_stays(ada: Browser) -> None:
    end_sessions()
    sign_in_page = ada.swap("/tasks", {"title": "Kept", "account": "ada@example.com"})
    assert sign_in_page.status_code == 403
    assert sign_in_page.headers["HX-Reswap"] == "none"
    assert 'id="sign-in-dialog"' in sign_in_page.text
    fields = {"csrf_token": hidden(sign_in_page.text, "csrf_token"), "account": "ada@example.com"}
    htmx = {"HX-Request": "true"}
    wrong = ada.client.post(
        "/login", data={**fields, "email": "ada@example.com", "password": "no"}, headers=htmx
    )
    assert wrong.status_code == 422
    assert "Wrong email or password." in wrong.text
    account = {"email": "ada@example.com", "password": PASSWORD}
    answer = ada.client.post("/login", data={**fields, **account}, headers=htmx)
    token = re.search(r'data-csrf="([^"]+)"', answer.text)
    assert token
    headers = {**htmx, "X-CSRFToken": token[1]}
    again = ada.client.post("/tasks", data={"title": "Kept"}, headers=headers)
    assert "Kept" in again.text


def test_htmx_leaves_the_page_of_another_user(ada: Browser) -> None:
    end_sessions()
    sign_in_page = ada.swap("/tasks", {"title": "Hers", "account": "ada@example.com"})
    fields = {"csrf_token": hidden(sign_in_page.text, "csrf_token"), "account": "ada@example.com"}
    account_fields = {**fields, "email": "ben@example.com", "password": PASSWORD}
    answer = ada.client.post("/login", data=account_fields, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/tasks"
    assert "Hers" not in ada.get("/tasks").text


def test_a_page_says_that_the_user_was_signed_out_and_opens_afterwards(ada: Browser) -> None:
    end_sessions()
    answer = ada.get("/settings/connections")
    assert answer.headers["Location"] == "/login?next=/settings/connections"
    assert "You were signed out. Sign in to continue." in ada.get("/login").text
    assert "You were signed out" not in ada.get("/login").text


def test_a_consent_is_asked_for_again_with_the_ticks_that_were_set(
    ada: Browser, client_id: str
) -> None:
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": "http://127.0.0.1:9999/callback",
        "scope": "tasks:view tasks:edit profile:view",
        "state": "x",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    consent_page = ada.get("/oauth/authorize", **query)
    fields = {"consent": hidden(consent_page.text, "consent"), "scope": ["tasks:view"]}
    end_sessions()
    answer = ada.client.post(
        "/oauth/consent",
        data={
            **fields,
            "account": "ada@example.com",
            "csrf_token": hidden(consent_page.text, "csrf_token"),
        },
        headers={"Referer": f"{HERE}/oauth/authorize?{urlencode(query)}"},
    )
    page = sign_in(ada.client, answer.text)
    assert "http://127.0.0.1:9999" in page.headers["Content-Security-Policy"]
    assert re.findall(r'name="scope" value="([^"]+)" checked', page.text) == ["tasks:view"]
    assert page.text.count('name="scope"') == 3
    assert hidden(page.text, "consent") != fields["consent"]


def test_rules_of_a_client_whose_id_is_an_address_are_filled_in_again(
    grace: Browser, client_id: str
) -> None:
    document = "https://tool.example/a%20b/client.json"
    change(
        "UPDATE client SET client_id = :new WHERE client_id = :old", new=document, old=client_id
    )
    page = grace.get(f"/admin/oauth-clients/rules/{quote(document, safe='/')}")
    fields = {"said": hidden(page.text, "said"), "access_token_lasts": "777"}
    end_sessions()
    action = re.search(r'action="(/admin/oauth-clients/rules/[^"]+)"', page.text)
    assert action
    sign_in_page = grace.submit(unescape(action[1]), {**fields, "account": "grace@example.com"})
    filled = sign_in(grace.client, sign_in_page.text, "grace")
    assert re.search(r'id="access_token_lasts"[^>]* value="777"', filled.text)


def test_who_signed_in_elsewhere_goes_on_from_an_old_sign_in_form(
    app: Flask, ada: Browser
) -> None:
    end_sessions()
    sign_in_page = ada.submit(NEW_APP, {**APP, "account": "ada@example.com"})
    fields = {name: hidden(sign_in_page.text, name) for name in ("next", "saved")}
    sign_in(ada.client, sign_in_page.text)
    stale = {**fields, "csrf_token": "old", "email": "", "password": ""}
    answer = ada.client.post("/login", data=stale, headers=FROM_HERE)
    assert answer.status_code == 200
    assert "https://two.example/cb" in answer.text
    visitor = app.test_client()
    again = visitor.post("/login", data=stale, headers=FROM_HERE)
    assert again.status_code == 400
    assert "https://two.example/cb" in sign_in(visitor, again.text).text


# Their pages show them in another state alone, after another form, or beside rows that are not
# in this world.
ELSEWHERE = {
    "admin_access.revoke",
    "admin_clients.remove_ban",
    "admin_clients.remove_secret",
    "admin_resources.remove",
    "admin_roles.delete",
    "admin_users.sign_out",
    "auth.sign_in",
    "connections.disconnect",
    "invite.accept",
    "oauth_apps.remove_secret",
    "teams.remove",
    "auth.logout",
    "authorize.decide",
    "device.decide",
    "logout.leave",
    "organizations.switch",
    "sign_up.create",
    "tasks.reopen",
    "admin_users.resume",
}


def test_each_form_has_a_page_that_holds_it(app: Flask, grace: Browser) -> None:
    places = of_everyone(grace)
    names = {(r.rule, m): r.endpoint for r in app.url_map.iter_rules() for m in r.methods or ()}
    pages = {names[rule, "GET"]: path for rule, path in addresses(app, "GET", places).items()}
    actions = {names[rule, "POST"]: path for rule, path in forms(app, places).items()}
    assert set(actions) == set(FORM_PAGES)
    without = [
        endpoint
        for endpoint, action in actions.items()
        if endpoint not in ELSEWHERE
        and f'action="{action}"' not in grace.get(pages[FORM_PAGES[endpoint]]).text
    ]
    assert without == []
