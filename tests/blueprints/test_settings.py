"""A person's OAuth apps and connections, page by page and without a script."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.blueprints.conftest import Browser
from tests.conftest import Call, Person

APPS = "/settings/oauth-apps"
NEW = f"{APPS}/new"
URI = "https://reports.example.com/callback"
FILLED: dict[str, Any] = {"name": "Reports", "redirect_uris": [URI, ""], "description": "Weekly."}

Browsers = Callable[[str], Browser]


def value_of(field: str, html: str) -> str | None:
    """Give the value of a field of this id."""
    tag = re.search(rf'<input[^>]* id="{field}"[^>]*>', html)
    value = tag and re.search(r'value="([^"]*)"', tag[0])
    return value[1] if value else None


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_the_secret_is_shown_once_and_is_kept_nowhere(ada: Browser, send: str) -> None:
    answer = getattr(ada, send)(NEW, FILLED)
    client_id, secret = (value_of(f, answer.text) for f in ("client-id", "client-secret"))
    assert answer.status_code == 201
    assert secret is not None
    assert secret.startswith("lk_cs_")
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in str(answer.headers)
    assert secret not in ada.get(f"{APPS}/{client_id}").text
    assert secret not in ada.get(APPS).text


def test_htmx_gets_the_part_and_a_plain_form_the_page(ada: Browser) -> None:
    part, whole = ada.swap(NEW, FILLED), ada.submit(NEW, FILLED)
    assert part.text.lstrip().startswith("<section")
    assert whole.text.lstrip().startswith("<!doctype html>")
    assert part.headers["Vary"] == whole.headers["Vary"]


def test_a_public_app_gets_no_secret(ada: Browser) -> None:
    answer = ada.submit(NEW, {**FILLED, "kind": "public"})
    assert answer.status_code == 201
    assert "lk_cs_" not in answer.text


@pytest.mark.parametrize(
    ("changed", "field", "message"),
    [
        ({"name": ""}, "name", "Enter a name."),
        ({"name": "x" * 81}, "name", "at most 80 characters"),
        ({"description": "x" * 501}, "description", "at most 500 characters"),
        ({"redirect_uris": ["", ""]}, "redirect_uris", "Add at least one redirect URI."),
        ({"redirect_uris": [URI, "http://example.com"]}, "redirect_uris-1", "must use https"),
        ({"redirect_uris": ["https://a.example/#x"]}, "redirect_uris-0", "fragment"),
        ({"kind": "secretive"}, "kind", "Choose one of the options."),
    ],
)
@pytest.mark.parametrize("send", ["submit", "swap"])
def test_a_wrong_form_comes_back_with_its_values_and_a_message_at_the_field(
    ada: Browser, changed: dict[str, Any], field: str, message: str, send: str
) -> None:
    answer = getattr(ada, send)(NEW, {**FILLED, "description": "Kept as it was.", **changed})
    assert answer.status_code == 422
    told = re.search(rf'id="{field}-error"[^>]*>([^<]*)<', answer.text)
    assert told
    assert message in told[1]
    assert f'href="#{field}"' in answer.text
    assert "description" in changed or "Kept as it was." in answer.text
    assert ada.get(APPS).text.count('id="client-') == 0


def test_what_people_wrote_is_text_and_never_markup(ada: Browser) -> None:
    ada.submit(NEW, {**FILLED, "name": "<script>alert(1)</script>"})
    page = ada.get(APPS).text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_revoking_gives_the_row_or_leads_to_the_app(ada: Browser, client_id: str) -> None:
    row = ada.swap(f"{APPS}/{client_id}/revoke")
    assert row.status_code == 200
    assert f'<tr role="row" id="client-{client_id}">' in row.text
    assert "Revoked" in row.text
    plain = ada.submit(f"{APPS}/{client_id}/revoke")
    assert (plain.status_code, plain.headers["Location"]) == (303, f"{APPS}/{client_id}")
    assert "Reporter is revoked" in ada.get(f"{APPS}/{client_id}").text


def test_deleting_takes_the_name_typed(ada: Browser, client_id: str) -> None:
    refused = ada.submit(f"{APPS}/{client_id}/delete", {"typed": "reporter"})
    assert refused.status_code == 422
    assert "Type Reporter to delete it." in refused.text
    gone = ada.submit(f"{APPS}/{client_id}/delete", {"typed": " Reporter "})
    assert (gone.status_code, gone.headers["Location"]) == (303, APPS)
    assert "Reporter is deleted" in ada.get(APPS).text
    assert ada.get(f"{APPS}/{client_id}").status_code == 404


@pytest.mark.parametrize("path", ["", "/revoke", "/delete"])
@pytest.mark.parametrize("kind", ["foreign", "unknown", "too long", "impossible"])
def test_what_is_not_ones_own_is_not_there(
    browser: Browsers, client_id: str, path: str, kind: str
) -> None:
    ids = {"foreign": client_id, "unknown": "0" * 32, "too long": "0" * 99, "impossible": "%00"}
    ben, url = browser("ben"), f"{APPS}/{ids[kind]}{path}"
    answer = ben.submit(url, {"typed": "Reporter"}) if path else ben.get(url)
    assert answer.status_code == 404
    assert "Page not found" in answer.text
    assert browser("ada").get(f"{APPS}/{client_id}").status_code == 200


def test_a_refusal_reaches_htmx_beside_the_part_it_asked_for(ada: Browser) -> None:
    answer = ada.swap(f"{APPS}/nosuch/revoke")
    assert answer.status_code == 404
    assert answer.headers["HX-Reswap"] == "none"
    assert 'hx-target="#status"' in answer.text
    assert "<html" not in answer.text


def test_a_form_of_another_site_does_nothing(ada: Browser, client_id: str) -> None:
    assert ada.submit_without_token(f"{APPS}/{client_id}/revoke").status_code == 400
    assert "Active" in ada.get(f"{APPS}/{client_id}").text


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_a_connection_is_shown_in_words_and_can_be_taken_back(
    ada: Browser, token: Callable[..., str], client_id: str, send: str
) -> None:
    token("ada", "tasks:view")
    assert "See your tasks and their comments" in ada.get("/settings/connections").text
    answer = getattr(ada, send)(f"/settings/connections/{client_id}/disconnect")
    assert answer.status_code == (200 if send == "swap" else 303)
    left = ada.get("/settings/connections").text
    assert "Nothing is connected" in left
    assert send == "swap" or "Reporter is disconnected" in left


def test_a_connection_of_someone_else_is_not_there(
    browser: Browsers, token: Callable[..., str], client_id: str
) -> None:
    token("ada")
    ben = browser("ben")
    assert ben.submit(f"/settings/connections/{client_id}/disconnect").status_code == 404
    assert "Reporter" in browser("ada").get("/settings/connections").text


@pytest.mark.parametrize("path", [APPS, NEW, "/settings/connections"])
def test_strangers_are_sent_to_the_door(app: Any, path: str) -> None:
    answer = app.test_client().get(path)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login?next=")


def test_apps_stand_newest_first_with_where_they_lead(
    ada: Browser, call: Call, person: Person
) -> None:
    for name in ("Older", "Newer"):
        given = {"name": name, "redirect_uris": [f"{URI}/{n}" for n in range(4)]}
        call("oauth_apps.create", person("ada"), given)
    page = ada.get(APPS).text
    assert page.index("Newer") < page.index("Older")
    assert "and 2 more" in page


def test_the_secret_is_in_no_session_and_in_no_page_after_its_own(ada: Browser) -> None:
    answer = ada.submit(NEW, FILLED)
    client_id, secret = (value_of(f, answer.text) for f in ("client-id", "client-secret"))
    assert secret
    assert answer.text.count(secret) == 1
    assert "Location" not in answer.headers
    with ada.client.session_transaction() as kept:
        assert secret not in str(dict(kept))
    for path in (NEW, APPS, f"{APPS}/{client_id}", "/tasks"):
        assert secret not in ada.get(path).text


def test_each_wrong_redirect_uri_has_its_own_message(ada: Browser) -> None:
    uris = [
        "https://a.example/*",
        URI,
        "http://b.example",
        "ftp://c.example",
        "https://d.example/#",
    ]
    answer = ada.submit(NEW, {**FILLED, "redirect_uris": uris})
    assert answer.status_code == 422
    told = re.findall(r'id="redirect_uris-(\d)-error"', answer.text)
    assert told == ["0", "2", "3", "4"]
    kept = [value_of(f"redirect_uris-{number}", answer.text) for number in range(5)]
    assert kept == uris


def test_too_many_redirect_uris_are_refused_and_kept(ada: Browser) -> None:
    uris = [f"{URI}/{number}" for number in range(11)]
    answer = ada.submit(NEW, {**FILLED, "redirect_uris": uris})
    assert answer.status_code == 422
    assert 'id="redirect_uris-error"' in answer.text
    assert value_of("redirect_uris-10", answer.text) == uris[10]


def test_an_app_that_is_revoked_is_refused_with_its_secret_and_its_tokens(
    app: Flask, ada: Browser, client_id: str, token: Callable[..., str]
) -> None:
    made = ada.submit(NEW, FILLED).text
    mine, secret = (value_of(f, made) or "" for f in ("client-id", "client-secret"))
    program = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {token('ada')}"}
    asked = {"client_id": mine, "client_secret": secret, "grant_type": "refresh_token"}
    asked["refresh_token"] = "unknown"

    def answers() -> tuple[int, str]:
        refused = program.post("/oauth/token", data=asked).get_json()["error"]
        return program.get("/api/tasks/list", headers=headers).status_code, refused

    assert answers() == (200, "invalid_grant")
    for revoked in (mine, client_id):
        ada.submit(f"{APPS}/{revoked}/revoke")
    assert answers() == (401, "invalid_client")


@pytest.mark.parametrize("send", ["submit", "swap"])
def test_after_deleting_the_browser_is_sent_to_the_list(
    ada: Browser, client_id: str, send: str
) -> None:
    answer = getattr(ada, send)(f"{APPS}/{client_id}/delete", {"typed": "Reporter"})
    name, status = {"submit": ("Location", 303), "swap": ("HX-Redirect", 204)}[send]
    assert (answer.status_code, answer.headers[name]) == (status, APPS)
    assert "Reporter is deleted" in ada.get(APPS).text


@pytest.mark.parametrize("typed", ["", "reporter", "Reporter2", "Repor"])
def test_without_the_name_nothing_is_deleted(ada: Browser, client_id: str, typed: str) -> None:
    assert ada.submit(f"{APPS}/{client_id}/delete", {"typed": typed}).status_code == 422
    assert ada.submit(f"{APPS}/{client_id}/delete").status_code == 422
    assert ada.get(f"{APPS}/{client_id}").status_code == 200
