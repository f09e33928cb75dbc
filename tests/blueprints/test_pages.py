"""The pages' forms and addresses, met with what nobody would type."""

import re
from collections.abc import Iterator
from itertools import product
from urllib.parse import quote, urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from app.extensions import csrf, db
from tests.blueprints.conftest import Browser
from tests.blueprints.markup import faults
from tests.blueprints.routes import ANYTHING, FOR_PROGRAMS, RESENT, addresses, forms, of_everyone

FIELDS = [
    "name",
    "redirect_uris",
    "description",
    "kind",
    "typed",
    "title",
    "notes",
    "status",
    "body",
    "email",
    "password",
    "next",
    "consent",
    "decision",
    "task_id",
    "client_id",
    "client_uri",
    "scopes",
    "required_scopes",
    "post_logout_redirect_uris",
    "access_token_lasts",
    "others_end_hours",
    "identifier",
    "is_open",
    "external_id",
    "organization_id",
    "standing",
    "domain",
    "access",
    "role_ids",
    "organization_id",
    "team_id",
    "standing",
    "welcome",
    "cursor",
    "limit",
    "id",
    "q",
    "csrf_token.x",
]
ODD = [
    b"",
    b"\0",
    b"a\0b",
    b"\xff\xfe",
    b"\xed\xa0\x80",
    "é\u202e\u2028\U0001f600".encode() * 99,
    b"x" * 20_000,
    b"<script>alert(1)</script>",
    b"\"' onfocus=alert(1) style=x",
    b"{{7*7}}%s%n",
    b"-1",
    b"9" * 40,
    "²".encode(),
    b"\r\nSet-Cookie: x=y",
    b"javascript:alert(1)",
    b"//evil.example",
]
BODY = "application/x-www-form-urlencoded"


each_odd = pytest.mark.parametrize("value", ODD, ids=range(len(ODD)))


def rows() -> dict[str, int]:
    """Give how many rows each table has."""
    with db.engine.connect() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar_one()
            for name in db.metadata.tables
            if name != "audit_event"
        }


def paths(app: Flask, places: dict[str, str], value: bytes) -> Iterator[str]:
    """Give the address of each form: as it is, and with this value in the place of an id."""
    odd = dict.fromkeys(places, quote(value[:300]) or "-")
    for there in (places, odd):
        for rule in forms(app, places):
            path = rule
            for name, instead in there.items():
                path = path.replace(f"<path:{name}>", instead).replace(f"<{name}>", instead)
            if path not in ("/logout", "/login", "/oauth/logout/confirmed"):
                yield path


@each_odd
def test_no_odd_value_breaks_a_form(app: Flask, grace: Browser, value: bytes) -> None:
    places = dict(of_everyone(grace))
    body = urlencode([*product(FIELDS, [value]), ("csrf_token", grace.token)])
    for number, path in enumerate(paths(app, places, value)):
        headers = {"HX-Request": "true"} if number % 2 else {}
        answer = grace.client.post(path, data=body, content_type=BODY, headers=headers)
        expected = {200, 204, 303, 404, 405, 409, 422}
        # Another's invitation, whatever else is sent.
        expected |= {403} if path == f"/invite/{places['token']}" else set()
        assert answer.status_code in expected, (path, value)
        assert "Set-Cookie: x" not in str(answer.headers)
        assert faults(answer.text) == [], (path, value)


def test_no_odd_value_breaks_the_doors(app: Flask) -> None:
    for value in ODD:
        browser = app.test_client()
        form = browser.get("/login").text.split('name="csrf_token" value="')[1].split('"')[0]
        body = urlencode([*product(FIELDS, [value]), ("csrf_token", form)])
        for path, status in (("/login", 422), ("/signup", 422), ("/logout", 303)):
            answer = browser.post(path, data=body, content_type=BODY)
            assert answer.status_code == status, (path, value)
            assert re.match("/(?![/\\\\])", answer.headers.get("Location", "/login"))
            assert faults(answer.text) == [], (path, value)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    fields=st.lists(st.tuples(st.sampled_from(FIELDS), st.text(max_size=50)), max_size=8),
    number=st.integers(0, 10_000),
    is_htmx=st.booleans(),
)
def test_no_mixture_of_fields_breaks_a_form(
    app: Flask, grace: Browser, fields: list[tuple[str, str]], number: int, *, is_htmx: bool
) -> None:
    known = [path for path in paths(app, dict(ANYTHING), b"-") if path != "/signup"]
    sent = [(name, value.encode(errors="surrogatepass")) for name, value in fields]
    answer = grace.client.post(
        known[number % len(known)],
        data=urlencode([*sent, ("csrf_token", grace.token)]),
        content_type=BODY,
        headers={"HX-Request": "true"} if is_htmx else {},
    )
    assert answer.status_code < 500


@pytest.mark.parametrize("query", ["\xff", "next=\xc3"])
def test_an_address_that_is_not_utf_8_is_refused(app: Flask, grace: Browser, query: str) -> None:
    for address in addresses(app, "GET", of_everyone(grace)).values():
        for client in (grace.client, app.test_client()):
            there = {"QUERY_STRING": query}
            answer = client.get(address, environ_overrides=there, buffered=True)
            assert answer.status_code == 400, address


@each_odd
def test_no_odd_query_and_no_odd_path_breaks_a_page(
    app: Flask, grace: Browser, value: bytes
) -> None:
    places = of_everyone(grace)
    names = [
        "q",
        "cursor",
        "status",
        "role_id",
        "team_id",
        "next",
        "scope",
        "client_id",
        "redirect_uri",
    ]
    names += ["user", "procedure"]
    query = urlencode([*product(names, [value])])
    for rule, address in addresses(app, "GET", places).items():
        path = rule
        for name in places:
            odd = quote(value[:300], safe="") or "-"
            path = path.replace(f"<path:{name}>", odd).replace(f"<{name}>", odd)
        for there in {address, path}:
            answer = grace.client.get(there, query_string=query, buffered=True)
            assert answer.status_code < 500, (there, value)
            assert answer.mimetype != "text/html" or faults(answer.text) == [], there


def test_a_body_that_is_no_form_is_refused(app: Flask, grace: Browser) -> None:
    places = of_everyone(grace)
    types = [BODY, "multipart/form-data; boundary=x", "multipart/form-data", "text/x", ""]
    bodies = [b"--x\r\n", b"\xff", b"csrf_token=\0", b"%", b"--x--" * 3000]
    for content_type, body in product(types, bodies):
        for path in forms(app, places).values():
            answer = grace.client.post(path, data=body, content_type=content_type)
            assert answer.status_code == 400, (path, content_type, body)


def test_no_form_without_its_token_changes_anything(app: Flask, grace: Browser) -> None:
    places = of_everyone(grace)
    before = rows()
    foreign = app.test_client().get("/login").text.split('name="csrf_token" value="')[1]
    fields = {"title": "x", "name": "x", "typed": "Here", "redirect_uris": "https://a.example/"}
    for token in ({}, {"csrf_token": ""}, {"csrf_token": foreign.split('"')[0]}):
        for path in forms(app, places).values():
            answer = grace.client.post(path, data={**fields, **token})
            assert answer.status_code == 400, path
            assert "Your session has expired." in answer.text
    assert rows() == before
    assert grace.get("/tasks").status_code == 200


def test_a_stranger_is_asked_for_the_token_first(app: Flask, grace: Browser) -> None:
    for path in forms(app, of_everyone(grace)).values():
        assert app.test_client().post(path).status_code == 400


def test_only_what_programs_call_is_free_of_the_token(app: Flask) -> None:
    exempt = {name for name, bp in app.blueprints.items() if bp in csrf._exempt_blueprints}
    assert exempt == FOR_PROGRAMS
    assert csrf._exempt_views == {f"app.blueprints.oauth.{view}" for view in RESENT}


def test_a_form_for_a_task_that_is_not_there_is_not_shown(grace: Browser) -> None:
    for task_id in ("999", "nosuch", "9" * 70):
        for send in (grace.submit, grace.swap):
            assert send(f"/tasks/{task_id}", {"title": ""}).status_code == 404
            assert send(f"/tasks/{task_id}/comments", {"body": ""}).status_code == 404
