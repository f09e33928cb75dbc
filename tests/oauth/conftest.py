"""A browser that is signed in, and the steps of the authorization code flow."""

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Container
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import PASSWORD, Call, Person

CALLBACK = "http://127.0.0.1:9999/callback"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0"
CHALLENGE = urlsafe_b64encode(sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
ISSUER = "http://127.0.0.1:8000"


@dataclass
class Flow:
    """One client's way through the authorization server."""

    browser: FlaskClient
    client_id: str
    client_secret: str | None
    redirect_uri: str = CALLBACK
    asked: dict[str, str] = field(default_factory=dict)

    def query(self, **changes: str | None) -> str:
        """Give the query of an authorization request; None leaves a parameter out."""
        parameters = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": "tasks:view tasks:edit",
            "state": "a state & more",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **self.asked,
            **changes,
        }
        return urlencode({k: v for k, v in parameters.items() if v is not None})

    def authorize(self, **changes: str | None) -> TestResponse:
        """Go to the authorization endpoint."""
        return self.browser.get("/oauth/authorize?" + self.query(**changes))

    def decide(
        self, page: TestResponse, decision: str = "allow", without: Container[str] = ()
    ) -> TestResponse:
        """Send the consent page's form, with the ticks of these scopes removed."""
        fields = dict(re.findall(r'name="(csrf_token|consent)" value="([^"]+)"', page.text))
        offered = re.findall(r'name="scope" value="([^"]+)" checked', page.text)
        ticked = [scope for scope in offered if scope not in without]
        return self.browser.post(
            "/oauth/consent", data={**fields, "decision": decision, "scope": ticked}
        )

    def code(self, **changes: str | None) -> str:
        """Give a code that the person allowed."""
        page = self.authorize(**changes)
        # What was allowed before is not asked again.
        return answer_of(page if page.status_code == 303 else self.decide(page))["code"]

    def token(self, **changes: str | None) -> TestResponse:
        """Send a token request, authenticated by the client's secret if it has one."""
        parameters = {
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            **changes,
        }
        return self.browser.post(
            "/oauth/token", data={k: v for k, v in parameters.items() if v is not None}
        )

    def exchange(self, code: str, /, **changes: str | None) -> TestResponse:
        """Exchange a code."""
        parameters = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": VERIFIER,
        }
        return self.token(**(parameters | changes))

    def refresh(self, token: str, **changes: str | None) -> TestResponse:
        """Use a refresh token."""
        return self.token(grant_type="refresh_token", refresh_token=token, **changes)

    def tokens(self, **changes: str | None) -> dict[str, Any]:
        """Go the whole way; give the token endpoint's answer."""
        answer = self.exchange(self.code(**changes))
        assert answer.status_code == 200, answer.text
        return dict(answer.json or {})


def answer_of(response: TestResponse) -> dict[str, str]:
    """Give the parameters that an authorization response carries to the client."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(response.headers["Location"]).query))


def sign_in(browser: FlaskClient, name: str) -> FlaskClient:
    """Sign a person in by the form, as they would."""
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/login").text)
    assert token
    answer = browser.post(
        "/login",
        data={"email": f"{name}@example.com", "password": PASSWORD, "csrf_token": token[1]},
    )
    assert answer.status_code == 303, answer.text
    return browser


@pytest.fixture
def browser(app: Flask) -> FlaskClient:
    """Give a browser in which nobody is signed in."""
    return app.test_client()


@pytest.fixture
def flow(app: Flask, call: Call, person: Person) -> Flow:
    """Give a confidential client of Ada's, with Ada in front of the browser."""
    made = call(
        "oauth_apps.create", person("ada"), {"name": "Reporter", "redirect_uris": [CALLBACK]}
    )
    return Flow(sign_in(app.test_client(), "ada"), made.app.client_id, made.client_secret)


@pytest.fixture
def another(app: Flask, call: Call, person: Person) -> Callable[..., Flow]:
    """Give a function that makes one more client of Ben's, with someone in front of it."""

    def make(name: str = "ada", kind: str = "confidential") -> Flow:
        given = {"name": "Other", "redirect_uris": [CALLBACK], "kind": kind}
        made = call("oauth_apps.create", person("ben"), given)
        return Flow(sign_in(app.test_client(), name), made.app.client_id, made.client_secret)

    return make
