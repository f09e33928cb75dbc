"""Signing up, by the form."""

import re
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.identity import anybody
from tests import mail
from tests.blueprints.conftest import Browser
from tests.blueprints.doors import is_signed_in, said, send, sign_in, token_of
from tests.mail import Inbox

NEW = {"name": "Zoë", "email": "zoe@example.com", "password": "a long enough one"}

Deploy = Callable[..., Flask]


def test_a_person_signs_up_and_in(visitor: FlaskClient) -> None:
    answer = send(visitor, "/signup", **NEW)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert not is_signed_in(visitor)
    assert "it has one now" in visitor.get("/login").text
    sign_in(visitor, "zoe", password=NEW["password"])
    assert is_signed_in(visitor)
    assert visitor.get("/admin").status_code == 403


def test_signing_up_for_a_taken_address_looks_the_same(app: Flask) -> None:
    pages = []
    for email in ("zoe@example.com", "ada@example.com", " ADA@example.com"):
        browser = app.test_client()
        answer = send(browser, "/signup", **{**NEW, "email": email})
        pages.append((answer.status_code, dict(answer.headers).get("Location")))
        pages.append((200, said(browser.get("/login"))))
    assert pages[0:2] == pages[2:4] == pages[4:6]
    assert sign_in(app.test_client(), password=NEW["password"]).status_code == 422
    assert sign_in(app.test_client()).status_code == 303


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "zoe"),
        ("email", ""),
        ("email", "zoe@example.com\0"),
        ("name", ""),
        ("name", "x" * 81),
        ("name", "Zo\u202eë"),
        ("name", "Zo\0e"),
        ("password", "tooshort"),
        ("password", "x" * 201),
    ],
)
def test_a_wrong_sign_up_comes_back_with_its_values(
    visitor: FlaskClient, field: str, value: str
) -> None:
    answer = send(visitor, "/signup", **{**NEW, field: value})
    assert answer.status_code == 422
    told = re.search(rf'id="{field}-error"[^>]*>([^<]+)<', answer.text)
    assert told
    for name in {"name", "email"} - {field}:
        assert f'value="{NEW[name]}"' in answer.text
    assert NEW["password"] not in answer.text
    assert f'href="#{field}"' in answer.text


def test_where_accounts_are_by_invitation_nobody_signs_up(deployed: Deploy) -> None:
    visitor = deployed(signup="invite").test_client()
    for answer in (visitor.get("/signup"), send(visitor, "/login", email="", password="")):
        assert 'href="/signup"' not in answer.text
    answer = visitor.get("/signup")
    assert answer.status_code == 403
    assert "by invitation" in answer.text
    token = token_of(visitor, "/login")
    assert visitor.post("/signup", data={**NEW, "csrf_token": token}).status_code == 403
    assert send(visitor, "/login", **NEW).status_code == 422


def test_who_may_sign_up_is_as_an_admin_decides(app: Flask, grace: Browser) -> None:
    for access, status in (("private", 403), ("open", 200), ("private", 403)):
        grace.submit("/admin/access", {"access": access})
        visitor = app.test_client()
        assert visitor.get("/signup").status_code == status
        assert ('href="/signup"' in visitor.get("/login").text) == (status == 200)
        given = {**NEW, "csrf_token": token_of(visitor, "/login")}
        sent = visitor.post("/signup", data=given).status_code
        assert sent == {200: 303, 403: 403}[status]


@pytest.fixture
def by_domain(deployed: Deploy) -> Iterator[tuple[Flask, Inbox]]:
    """Give an app where people at example.org may join Acme, and where its mail goes."""
    with mail.serving() as inbox:
        app = deployed(**inbox.settings(), signup="open", rate_limits="off")
        with app.app_context():
            call, grace = app.extensions["pipeline"].call, anybody.principal_of
            admin = grace(db.engine, "grace@example.com")
            acme = {"name": "Acme", "domain": "example.org"}
            call("all_organizations.create", admin, acme)
            call("access.set", admin, {"access": "organization"})
        yield app, inbox


def link_in(inbox: Inbox) -> str:
    [link] = re.findall(r"http://127\.0\.0\.1:8000(/invite/\S+)", mail.text(inbox.letter()))
    return str(link)


def test_who_shows_that_an_address_at_the_domain_is_theirs_gets_in(
    by_domain: tuple[Flask, Inbox],
) -> None:
    app, inbox = by_domain
    visitor = app.test_client()
    form = visitor.get("/signup").text
    assert 'name="email"' in form
    assert 'name="password"' not in form
    answer = send(visitor, "/signup", **{**NEW, "email": "Zoe@Example.org"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert "a link is on its way to it" in visitor.get("/login").text
    link = link_in(inbox)
    assert "/invite/" not in answer.text
    # What was sent along with the address has made no account.
    assert sign_in(visitor, "zoe", email="zoe@example.org").status_code == 422
    given = {"name": "Zoe", "password": NEW["password"]}
    assert send(visitor, link, **given).status_code == 303
    assert "Acme" in visitor.get("/settings/organizations").text


def test_asking_looks_the_same_for_every_address(by_domain: tuple[Flask, Inbox]) -> None:
    app, inbox = by_domain
    emails = ["zoe@example.org", "zoe@example.com", "ada@example.com", "x@nowhere.example"]
    pages = []
    for email in emails:
        browser = app.test_client()
        answer = send(browser, "/signup", email=email)
        shown = re.sub(r"@\S+?\.\w+", "", said(browser.get("/login")))
        pages.append((answer.status_code, answer.headers["Location"], shown))
    assert len(set(pages)) == 1
    assert inbox.letter()["To"] == "zoe@example.org"
    assert inbox.envelopes.empty()


@pytest.mark.parametrize("email", ["", "zoe", "zoe@example.org\nBcc: a@example.com", "a\0@b.org"])
def test_what_is_no_address_comes_back(by_domain: tuple[Flask, Inbox], email: str) -> None:
    answer = send(by_domain[0].test_client(), "/signup", email=email)
    assert answer.status_code == 422
    assert re.search(r'id="email-error"[^>]*>[^<]+<', answer.text)


def test_with_open_sign_up_an_address_at_the_domain_joins_nothing(
    app: Flask, visitor: FlaskClient, grace: Browser
) -> None:
    grace.submit("/admin/organizations/new", {"name": "Acme", "domain": "example.com"})
    send(visitor, "/signup", **NEW)
    assert anybody.principal_of(db.engine, NEW["email"]).organizations == frozenset()


def test_one_address_makes_few_accounts(deployed: Deploy) -> None:
    visitor = deployed(signup="open").test_client()
    fields = {**NEW, "password": "weak", "csrf_token": token_of(visitor, "/signup")}
    # A new minute may begin in between.
    answers = [visitor.post("/signup", data=fields) for _ in range(21)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [422] * 10
    assert 429 in statuses
    refused = answers[statuses.index(429)]
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert "Too many requests. Try again in" in refused.text
