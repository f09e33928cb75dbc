"""Signing in and out, by the forms."""

import time
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.core.system import acting_as_system
from app.extensions import db
from app.identity import throttle
from tests.blueprints.conftest import Browser
from tests.blueprints.doors import (
    cookie_of,
    is_signed_in,
    said,
    send,
    sign_in,
    token_of,
    with_cookie,
)
from tests.conftest import PASSWORD, change
from tests.requirements import requirement


def guess_often(email: str, address: str) -> None:
    with acting_as_system(db.engine, "a test") as session:
        throttle.count_guess(session, email=email, address=address, now=int(time.time()))


def test_a_person_signs_in_and_out(visitor: FlaskClient) -> None:
    assert not is_signed_in(visitor)
    answer = sign_in(visitor)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/tasks")
    page = visitor.get("/tasks").text
    assert "ada@example.com" in page
    assert visitor.get("/").headers["Location"] == "/tasks"
    assert visitor.get("/login").headers["Location"] == "/tasks"
    answer = send(visitor, "/logout")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert not is_signed_in(visitor)


def test_a_wrong_password_keeps_the_email_and_not_the_password(visitor: FlaskClient) -> None:
    answer = sign_in(visitor, password="hush, this is wrong", next="/settings/connections")
    assert answer.status_code == 422
    assert 'value="ada@example.com"' in answer.text
    assert 'name="next" value="/settings/connections"' in answer.text
    assert "hush" not in answer.text
    assert "Wrong email or password." in answer.text
    assert not is_signed_in(visitor)


def test_it_is_not_told_who_has_an_account(app: Flask) -> None:
    answers = [
        sign_in(app.test_client(), name, password="wrong") for name in ("ada", "nobody", "ben")
    ]
    change("UPDATE user_account SET suspended_at = 1 WHERE email = 'ben@example.com'")
    answers.append(sign_in(app.test_client(), "ben"))
    assert {(answer.status_code, said(answer)) for answer in answers} == {(422, said(answers[0]))}


@requirement("rfc6749:passwords-throttled")
@pytest.mark.parametrize("whose", ["ada@example.com", "nobody@example.com"])
def test_after_too_many_guesses_one_has_to_wait(visitor: FlaskClient, whose: str) -> None:
    # The rate limits are off in this app: they are not what guards a password.
    assert visitor.application.extensions["settings"].rate_limits == "off"
    for number in range(throttle.PER_ACCOUNT):
        guess_often(whose, f"10.0.0.{number}")
    answer = send(visitor, "/login", email=whose, password=PASSWORD)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= throttle.WINDOW
    assert f'value="{whose}"' in answer.text
    assert PASSWORD not in answer.text
    assert not is_signed_in(visitor)


@requirement("rfc6749:passwords-throttled")
def test_guesses_at_many_accounts_from_one_network_are_stopped(visitor: FlaskClient) -> None:
    for number in range(throttle.PER_ADDRESS):
        guess_often(f"{number}@example.com", f"2001:db8::{number:x}")
    token = token_of(visitor, "/login")
    fields = {"csrf_token": token, "email": "ben@example.com", "password": PASSWORD}
    for address, status in (("2001:db8::ffff:1", 429), ("2001:db8:0:1::1", 303)):
        there = {"REMOTE_ADDR": address}
        answer = visitor.post("/login", data=fields, environ_overrides=there)
        assert answer.status_code == status


@requirement("rfc9700:no-open-redirector")
@pytest.mark.parametrize(
    ("target", "lands"),
    [
        ("/settings/connections", "/settings/connections"),
        ("/tasks?q=a%20b&status=open", "/tasks?q=a%20b&status=open"),
        ("", "/tasks"),
        ("https://evil.example/", "/tasks"),
        ("//evil.example", "/tasks"),
        ("///evil.example", "/tasks"),
        ("/\\evil.example", "/tasks"),
        ("/\t/evil.example", "/tasks"),
        ("\\\\evil.example", "/tasks"),
        ("javascript:alert(1)", "/tasks"),
        (" //evil.example", "/tasks"),
        ("/\r\nSet-Cookie: x=y", "/tasks"),
        ("evil.example", "/tasks"),
    ],
)
def test_next_leads_inside_this_app_alone(
    visitor: FlaskClient, browser: Callable[[str], Browser], target: str, lands: str
) -> None:
    form = visitor.get("/login", query_string={"next": target}).text
    assert f'name="next" value="{lands}"'.replace("&", "&amp;") in form
    assert browser("ada").get("/login", next=target).headers["Location"] == lands


@requirement("rfc9700:no-open-redirector")
def test_next_is_looked_at_again_when_the_form_comes(visitor: FlaskClient) -> None:
    answer = sign_in(visitor, next="//evil.example/")
    assert answer.headers["Location"] == "/tasks"


def test_signing_in_begins_a_new_session(app: Flask, visitor: FlaskClient) -> None:
    token = token_of(visitor, "/login")
    before = cookie_of(visitor)
    sign_in(visitor)
    after = cookie_of(visitor)
    assert before != after
    # Whoever planted the cookie of before gains nothing, nor does a form of before.
    assert not is_signed_in(with_cookie(app, before))
    assert visitor.post("/tasks", data={"csrf_token": token, "title": "x"}).status_code == 400
    assert is_signed_in(with_cookie(app, after))


def test_signing_in_again_ends_the_session_of_before(app: Flask, visitor: FlaskClient) -> None:
    sign_in(visitor)
    before = cookie_of(visitor)
    token = token_of(visitor, "/logout")
    fields = {"csrf_token": token, "email": "ben@example.com", "password": PASSWORD}
    assert visitor.post("/login", data=fields).status_code == 303
    assert "ben@example.com" in visitor.get("/tasks").text
    assert not is_signed_in(with_cookie(app, before))


def test_a_cookie_is_worth_nothing_after_signing_out(app: Flask, visitor: FlaskClient) -> None:
    sign_in(visitor)
    kept = cookie_of(visitor)
    assert is_signed_in(with_cookie(app, kept))
    send(visitor, "/logout")
    assert not is_signed_in(with_cookie(app, kept))


def test_a_link_does_not_sign_out(visitor: FlaskClient) -> None:
    sign_in(visitor)
    assert "Sign out?" in visitor.get("/logout").text
    assert visitor.post("/logout").status_code == 400
    assert is_signed_in(visitor)


def test_another_account_goes_on_where_this_one_was(visitor: FlaskClient) -> None:
    sign_in(visitor)
    answer = send(visitor, "/logout", next="/oauth/authorize?client_id=x")
    assert answer.headers["Location"] == "/oauth/authorize?client_id=x"
    assert not is_signed_in(visitor)
    sign_in(visitor)
    answer = send(visitor, "/logout", next="//evil.example")
    assert answer.headers["Location"] == "/tasks"
    assert not is_signed_in(visitor)


def test_a_suspended_person_is_out_at_the_next_request(visitor: FlaskClient) -> None:
    sign_in(visitor)
    assert is_signed_in(visitor)
    change("UPDATE user_account SET suspended_at = 1")
    assert visitor.get("/tasks").headers["Location"] == "/login?next=/tasks"
    assert sign_in(visitor).status_code == 422


def test_htmx_is_sent_where_no_header_could_say_so(visitor: FlaskClient) -> None:
    sign_in(visitor)
    headers = {"HX-Request": "true"}
    answer = visitor.get("/login", query_string={"next": "/tasks/漢"}, headers=headers)
    assert answer.headers["HX-Redirect"] == "/tasks/%E6%BC%A2"
