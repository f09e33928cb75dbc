"""What every page does: call a procedure as its viewer, and render what comes back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import humanize
from flask import Flask, Response, flash, make_response, redirect, render_template, request
from flask_login import login_required
from werkzeug.urls import iri_to_uri

from app.blueprints.road import pipeline
from app.core.errors import CallError
from app.core.scopes import ADMIN, SCOPES
from app.extensions import htmx
from app.identity.session import principal, viewer
from app.procedures.shapes import LARGEST_PAGE
from app.surfaces import page_messages
from app.surfaces.short_uri import short_uri

# What each form has beside its fields: its token, and whose page it is on.
_OF_THE_PAGE = frozenset({"csrf_token", "account"})


def init_app(app: Flask) -> None:
    """Give every template what it may ask for: who looks at it, moments and scopes in words."""
    app.context_processor(lambda: {"viewer": viewer})
    # A macro that is imported without its caller's context finds globals alone.
    app.add_template_global(_account_email, "account_email")
    app.add_template_filter(_ago, "ago")
    app.add_template_filter(short_uri)
    app.add_template_filter(_sentence, "sentence")
    app.add_template_test(_rules, "ruling")
    app.add_template_filter(_seconds, "seconds")


@login_required  # type: ignore[untyped-decorator] # flask-login carries no types
def for_members() -> None:
    """Let nobody in who is not signed in; what a blueprint does before its requests."""


def call(name: str, arguments: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - each gives its own
    """Run a procedure as the person in front of the page.

    Raises:
        CallError: the person asked for something that they cannot have; in words for pages.
    """
    try:
        return pipeline().call(name, principal(), arguments or {})
    except CallError as refusal:
        put_in_words(refusal)
        raise


def put_in_words(refusal: CallError) -> None:
    """Replace what a refusal says for programs: people read it on this page."""
    is_reading = request.method in ("GET", "HEAD")
    refusal.fields = page_messages.fields(refusal)
    refusal.message = page_messages.refusal(refusal, is_reading=is_reading)


def call_all(name: str, arguments: Mapping[str, Any] | None = None) -> list[Any]:
    """Return the items of all pages of a list that is short as a rule: mostly by one call."""
    asked_for = {**(arguments or {}), "limit": LARGEST_PAGE}
    items: list[Any] = []
    while True:
        found = call(name, asked_for)
        items += found.items
        if found.next_cursor is None:
            return items
        asked_for["cursor"] = found.next_cursor


def check(name: str) -> None:
    """Refuse a form to a person who may not send it.

    Raises:
        CallError: the procedure behind the form is not open to them.
    """
    pipeline().check(name, principal(), {})


def may(scope: str) -> bool:
    """Tell whether the person's roles hold a scope; for what a page offers, not decides."""
    seen = viewer()
    return seen is not None and seen.may(scope)


def form() -> dict[str, str]:
    """Give the fields that the browser sent, by name, without those of every form."""
    return {name: value for name, value in request.form.items() if name not in _OF_THE_PAGE}


def asked(*names: str) -> dict[str, str]:
    """Give those of the named parameters that the URL holds; an empty one was not asked for."""
    return {name: request.args[name] for name in names if request.args.get(name)}


def wrong(refusal: CallError, field: str) -> dict[str, str]:
    """Give what is wrong with a form, by field; what is about none is said at the one named."""
    return refusal.fields or {field: refusal.message}


def page(template: str, status: int = 200, **context: Any) -> Response:
    """Render a whole page."""
    response = make_response(render_template(template, status=status, **context))
    response.status_code = status
    return response


def is_partial() -> bool:
    """Tell whether HTMX asks, which wants a part of the page."""
    return bool(htmx)


def part_or_page(part: str, whole: str, status: int = 200, **context: Any) -> Response:
    """Answer with a part of a page to HTMX, with the whole of it to a plain form."""
    return page(part if is_partial() else whole, status, **context)


def partial_or_redirect(template: str, target: str, said: str = "", **context: Any) -> Response:
    """Answer a click: its part of the page to HTMX, a redirect to a plain form.

    Either way the person is told what was done.
    """
    if is_partial():
        response = page(template, **context)
        notice = render_template("components/_said.html", said=said) if said else ""
        response.set_data(response.get_data(as_text=True) + notice)
        return response
    return go(target, said)


def go(target: str, said: str = "") -> Response:
    """Send the browser to another page, which says what was done."""
    if said:
        flash(said)
    if not is_partial():
        return make_response(redirect(target, 303))
    # HTMX would follow a redirect by itself, and put the whole page into a part of this one.
    response = make_response("", 204)
    response.headers["HX-Redirect"] = iri_to_uri(target)
    return response


def _account_email() -> str:
    seen = viewer()
    return seen.email if seen else ""


def _ago(at: datetime) -> str:
    return humanize.naturaltime(at, when=datetime.now(UTC))


def _seconds(length: int) -> str:
    return humanize.precisedelta(length, suppress=["months", "years"], format="%d")


def _sentence(scope: str) -> str:
    return SCOPES[scope].sentence if scope in SCOPES else scope


def _rules(scope: str) -> bool:
    """Tell whether a scope rules the workspace."""
    return scope in ADMIN
