"""The edge: what every answer carries, and what no request gets past."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from app.extensions import db
from app.identity.cookies import CookieSessions
from tests.blueprints.conftest import Browser
from tests.blueprints.markup import faults
from tests.blueprints.routes import addresses, of_everyone

HUGE = {"title": "x" * 1_100_000}


@pytest.fixture
def stranger(app: Flask) -> FlaskClient:
    """Give a client that keeps no cookies."""
    return app.test_client(use_cookies=False)


def is_guarded(answer: TestResponse) -> bool:
    """Tell whether an answer carries what every answer must."""
    policy = answer.headers["Content-Security-Policy"]
    is_page = answer.mimetype == "text/html"
    return (
        policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        and "unsafe" not in policy
        and "frame-ancestors 'none'" in policy
        and "base-uri 'none'" in policy
        and answer.headers["X-Content-Type-Options"] == "nosniff"
        and answer.headers["Referrer-Policy"] == "same-origin"
        and answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
        and (not is_page or "no-store" in answer.headers["Cache-Control"])
        and (not is_page or faults(answer.text) == [])
    )


def test_every_address_is_guarded_and_its_page_clean(app: Flask, grace: Browser) -> None:
    places = of_everyone(grace)
    for address in addresses(app, "GET", places).values():
        answer = grace.client.get(address, buffered=True)
        assert answer.status_code in (200, 303, 308, 400, 401), address
        assert is_guarded(answer), (address, answer.headers, faults(answer.text))


def test_strangers_get_the_same_guard(app: Flask, grace: Browser, stranger: FlaskClient) -> None:
    places = of_everyone(grace)
    for address in addresses(app, "GET", places).values():
        answer = stranger.get(address, buffered=True)
        assert is_guarded(answer), (address, answer.headers)


@pytest.mark.parametrize(
    ("method", "path", "status", "media_type"),
    [
        ("GET", "/nosuch", 404, "text/html"),
        ("GET", "/tasks/nosuch", 303, "text/html"),
        ("GET", "/static/nosuch.css", 404, "text/html"),
        ("GET", "/static/../config.py", 404, "text/html"),
        ("GET", "/api/nosuch", 404, "application/problem+json"),
        ("GET", "/api/tasks", 404, "application/problem+json"),
        ("GET", "/apinosuch", 404, "text/html"),
        ("GET", "/oauth/nosuch", 404, "text/html"),
        ("GET", "/.well-known/nosuch", 404, "application/json"),
        ("DELETE", "/tasks", 405, "text/html"),
        ("GET", "/oauth/token", 405, "application/json"),
        ("POST", "/api/tasks/list", 405, "application/problem+json"),
        ("NONSENSE", "/login", 405, "text/html"),
        ("POST", "/login", 400, "text/html"),
        ("POST", "/tasks", 400, "text/html"),
        ("POST", "/api/tasks/create", 401, "application/problem+json"),
    ],
)
def test_a_refusal_is_said_in_the_callers_own_terms(
    stranger: FlaskClient, method: str, path: str, status: int, media_type: str
) -> None:
    answer = stranger.open(path, method=method, json={} if path.startswith("/api") else None)
    assert (answer.status_code, answer.mimetype) == (status, media_type)
    assert is_guarded(answer)
    assert (status == 405) == ("Allow" in answer.headers)


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        ("/tasks", "text/html"),
        ("/login", "text/html"),
        ("/signup", "text/html"),
        ("/api/tasks/create", "application/problem+json"),
        ("/oauth/token", "application/json"),
        ("/oauth/register", "application/json"),
    ],
)
def test_what_is_too_large_is_a_413(stranger: FlaskClient, path: str, media_type: str) -> None:
    answer = stranger.post(path, data=HUGE)
    assert (answer.status_code, answer.mimetype) == (413, media_type)
    assert is_guarded(answer)


def test_a_session_and_a_token_at_once_are_refused_everywhere(app: Flask, grace: Browser) -> None:
    places = of_everyone(grace)
    headers = {"Authorization": "Bearer lk_at_x"}
    for method in ("GET", "POST"):
        for address in addresses(app, method, places).values():
            answer = grace.client.open(address, method=method, headers=headers)
            assert answer.status_code == 400, address
            assert "Send one of them." in answer.text
            assert is_guarded(answer)


@pytest.mark.parametrize(
    "cookie",
    [
        "latchkey=",
        "latchkey",
        "latchkey=\0",
        "latchkey=é",
        "latchkey=..",
        "latchkey=.eJ.x.y",
        'latchkey="\\377\\000"',
        "latchkey=a; latchkey=b",
        "latchkey=" + "A" * 60_000,
        "=;=;;;",
        "remember_token=1|é",
        "remember_token=1|0",
    ],
)
def test_a_broken_cookie_is_no_cookie(stranger: FlaskClient, cookie: str) -> None:
    headers = {"Cookie": cookie.encode().decode("latin-1")}
    answer = stranger.get("/tasks", headers=headers)
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/login")
    assert stranger.get("/login", headers=headers).status_code == 200


@pytest.mark.parametrize("value", ["\xff\xfe", "x" * 60_000, "\t,;=\"'", "bytes=9-1,-,a-b", "-1"])
def test_no_odd_header_breaks_a_page(app: Flask, grace: Browser, value: str) -> None:
    names = ["Range", "If-Range", "If-None-Match", "If-Modified-Since", "Accept", "Referer"]
    names += ["HX-Request", "HX-Current-URL", "HX-Target", "X-CSRFToken", "User-Agent", "Origin"]
    names += ["Authorization", "Accept-Language", "X-Forwarded-For", "Content-Type"]
    for path in ("/tasks", "/login", "/static/app.css", "/api", "/api/tasks/list", "/healthz"):
        for name in names:
            for client in (grace.client, app.test_client(use_cookies=False)):
                answer = client.get(path, headers={name: value}, buffered=True)
                assert answer.status_code < 500, (path, name)
    for name in names:
        assert grace.client.post("/tasks", headers={name: value}).status_code == 400


def test_a_cookie_signed_by_another_key_is_no_cookie(app: Flask, grace: Browser) -> None:
    with grace.client.session_transaction() as kept:
        content = dict(kept)
    ours = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined] # Flask's
    assert isinstance(ours, URLSafeTimedSerializer)
    app.secret_key = "another"
    theirs = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined] # Flask's
    app.secret_key = "of the tests"
    for signer, status in ((ours, 200), (theirs, 303)):
        visitor = app.test_client(use_cookies=False)
        headers = {"Cookie": f"latchkey={signer.dumps(content)}"}
        assert visitor.get("/tasks", headers=headers).status_code == status


def test_a_session_that_is_over_is_just_signed_out(grace: Browser) -> None:
    assert grace.get("/tasks").status_code == 200
    with db.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE login SET expires_at = 1")
    assert grace.get("/tasks").headers["Location"] == "/login?next=/tasks"
    for send in (grace.submit, grace.swap):
        assert send("/tasks", {"title": "late"}).status_code == 403
    assert grace.get("/login").status_code == 200


@pytest.mark.parametrize(
    ("path", "media_type", "headers"),
    [
        ("/broken", "text/html", {}),
        ("/broken", "text/html", {"HX-Request": "true"}),
        ("/api/broken", "application/problem+json", {}),
        ("/oauth/token/broken", "application/json", {}),
        ("/broken/%1b[31m%09red", "text/html", {}),
    ],
)
def test_a_bug_is_one_line_in_the_log_and_a_number_outside(
    unshared_app: Flask,
    caplog: pytest.LogCaptureFixture,
    path: str,
    media_type: str,
    headers: dict[str, str],
) -> None:
    def broken(rest: str) -> str:
        raise ZeroDivisionError("hush: " + rest)

    for start in ("/<path:rest>", "/api/<path:rest>"):
        unshared_app.add_url_rule(start, endpoint=start, view_func=broken)
    with caplog.at_level(logging.INFO):
        answer = unshared_app.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.mimetype) == (500, media_type)
    assert is_guarded(answer)
    number = re.search(r"on our side. Reference: ([0-9a-f]{8})\.", answer.text)
    assert number
    [line] = caplog.records
    assert number[1] in line.message
    assert line.message.isprintable()
    assert line.exc_info
    for word in ("hush", "ZeroDivisionError", "Traceback", __file__):
        assert word not in answer.text


def reference_in(answer: TestResponse) -> str:
    """Return the reference of a bug that an answer names."""
    found = re.search(
        r"Something went wrong on our side\. Reference: ([0-9a-f]{8})\.", answer.text
    )
    assert found, answer.text
    return found[1]


def broken(*_args: object, **_values: object) -> Any:
    raise ZeroDivisionError("hush")


def break_sessions(app: Flask) -> None:
    app.session_interface = BrokenSessions()


def break_answers(app: Flask) -> None:
    app.after_request(broken)


def break_templates(app: Flask) -> None:
    app.jinja_env.globals["url_for"] = broken


def break_error_handlers(app: Flask) -> None:
    app.register_error_handler(Exception, broken)
    app.before_request(broken)


class BrokenSessions(CookieSessions):
    """Sessions of which none can be loaded."""

    def open_session(self, app: Flask, request: Request) -> None:  # noqa: ARG002 - its signature
        """Fail."""
        raise ZeroDivisionError("hush")


@pytest.mark.parametrize(
    "breaks", [break_sessions, break_answers, break_templates, break_error_handlers]
)
def test_wherever_a_bug_is_its_answer_has_a_form_and_a_reference_in_the_log(
    unshared_app: Flask, caplog: pytest.LogCaptureFixture, breaks: Callable[[Flask], None]
) -> None:
    breaks(unshared_app)
    htmx = {"HX-Request": "true"}
    attempts: list[tuple[str, str, dict[str, str]]] = [
        ("/login", "text/html", {}),
        ("/login", "text/html", htmx),
        ("/api/nosuch", "application/problem+json", {}),
        ("/oauth/jwks", "application/json", {}),
    ]
    for path, media_type, headers in attempts[: 2 if breaks is break_templates else None]:
        answer = unshared_app.test_client().get(path, headers=headers)
        assert (answer.status_code, answer.mimetype) == (500, media_type)
        assert is_guarded(answer)
        reference = reference_in(answer)
        assert any(reference in line.message and line.exc_info for line in caplog.records)
        assert "hush" not in answer.text
        if headers:
            assert answer.headers["HX-Reswap"] == "none"
            assert '<hx-partial hx-target="#status"' in answer.text
        elif media_type == "text/html":
            assert "<h1" in answer.text
            assert "app.css" in answer.text


def test_no_framework_text_reaches_a_page(app: Flask, grace: Browser) -> None:
    answers = {
        404: grace.get("/nosuch"),
        405: grace.client.delete("/tasks"),
        413: grace.client.post("/tasks", data=HUGE),
        400: grace.client.get("/tasks", headers={"Authorization": "Bearer lk_at_x"}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        for text in ("The requested URL", "method is not allowed", "data value", "browser (or"):
            assert text not in answer.text


def test_the_link_of_an_error_page_says_where_it_leads(ada: Browser) -> None:
    for path, link in (
        ("/nosuch", 'href="/">Go home<'),
        ("/tasks/999", 'href="/tasks">Back to tasks<'),
        ("/settings/oauth-apps/nosuch", 'href="/settings/oauth-apps">Back to OAuth apps<'),
        ("/admin/users", 'href="/">Go home<'),
    ):
        assert link in ada.get(path).text, path


def test_a_broken_database_is_a_bug_too_and_its_page_needs_none(grace: Browser) -> None:
    with db.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE login")
    for answer in (grace.get("/tasks"), grace.get("/"), grace.swap("/tasks", {"title": "x"})):
        assert answer.status_code == 500
        assert is_guarded(answer)
        assert "login" not in answer.text.partition("<main")[2].replace("/login", "")
    assert grace.get("/healthz").status_code == 200
