"""Signing up, by the form."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.blueprints.doors import is_signed_in, said, send, sign_in, token_of

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
    assert "That was too often." in refused.text
