"""What every page does: call a procedure as its viewer, and render what comes back."""

from collections.abc import Mapping
from typing import Any

from flask import Response, make_response, redirect, render_template, request
from flask_wtf.csrf import generate_csrf

from app.blueprints.road import pipeline
from app.extensions import htmx
from app.identity.session import principal


def call(name: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - each gives its own
    """Run a procedure as the person in front of the page.

    Raises:
        CallError: the person asked for something that they cannot have.
    """
    return pipeline().call(name, principal(), arguments or {})


def form() -> dict[str, str]:
    """Give the fields that the browser sent, by name, without the form's own token."""
    return {name: value for name, value in request.form.items() if name != "csrf_token"}


def page(template: str, status: int = 200, **context: Any) -> Response:
    """Render a whole page."""
    response = make_response(render_template(template, csrf_token=generate_csrf, **context))
    response.status_code = status
    return response


def partial_or_redirect(template: str, target: str, **context: Any) -> Response:
    """Answer a click: its part of the page to HTMX, a redirect to a plain form."""
    if htmx:
        return page(template, **context)
    return make_response(redirect(target, 303))
