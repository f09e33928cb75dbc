"""Going through the doors by their forms."""

import re

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD


def send(browser: FlaskClient, path: str, **fields: str) -> TestResponse:
    """Send a form with the token that its page holds."""
    return browser.post(path, data={"csrf_token": token_of(browser, path), **fields})


def token_of(browser: FlaskClient, path: str) -> str:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(path).text)
    assert token
    return token[1]


def sign_in(browser: FlaskClient, name: str = "ada", **fields: str) -> TestResponse:
    given = {"email": f"{name}@example.com", "password": PASSWORD, **fields}
    return send(browser, "/login", **given)


def is_signed_in(browser: FlaskClient) -> bool:
    return browser.get("/tasks").status_code == 200


def cookie_of(browser: FlaskClient) -> str:
    cookie = browser.get_cookie("latchkey")
    assert cookie
    return cookie.value


def with_cookie(app: Flask, value: str) -> FlaskClient:
    browser = app.test_client()
    browser.set_cookie("latchkey", value)
    return browser


def said(answer: TestResponse) -> str:
    """Give a page without what differs from one browser and one address to the next."""
    html = re.sub(r'"[^"]{60,}"|\{"X-CSRFToken":"[^"]+"\}', "", answer.text)
    return re.sub(r"\w+@example\.com", "", html)
