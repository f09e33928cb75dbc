"""A person's browser without a script: it keeps cookies, and sends what forms hold."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, session
from werkzeug.test import TestResponse

from app.identity.session import sign_in
from tests.conftest import Person


class Browser:
    """One browser, signed in as one person."""

    def __init__(self, app: Flask, user_id: int) -> None:
        self._client = app.test_client()
        with app.test_request_context():
            sign_in(user_id)
            begun = dict(session)
        with self._client.session_transaction() as kept:
            kept.update(begun)
        found = re.search(r'name="csrf_token" value="([^"]+)"', self.get("/logout").text)
        assert found
        self._token = found[1]

    def get(self, path: str, **query: str) -> TestResponse:
        """Follow a link."""
        return self._client.get(path, query_string=query or None)

    def submit(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Send a form."""
        return self._client.post(path, data={**(fields or {}), "csrf_token": self._token})

    def swap(self, path: str, fields: dict[str, Any] | None = None) -> TestResponse:
        """Send a form as HTMX does."""
        headers = {"HX-Request": "true", "X-CSRFToken": self._token}
        return self._client.post(path, data=fields or {}, headers=headers)

    def submit_without_token(self, path: str) -> TestResponse:
        """Send what another site could send."""
        return self._client.post(path)


@pytest.fixture
def browser(app: Flask, person: Person) -> Callable[[str], Browser]:
    """Give a function from a name to that person's browser."""
    return lambda name: Browser(app, person(name).user_id or 0)
