"""A session that ended while its user was at work: sign in again, and lose nothing entered."""

import io
from html import escape
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Response, current_app, flash, request, session, url_for

from app.blueprints import saved_form
from app.blueprints.form_pages import form_page
from app.blueprints.pages import go, is_partial, page
from app.blueprints.road import sign_up
from app.blueprints.saved_form import SavedForm
from app.core.errors import CallError
from app.extensions import settings
from app.identity.session import forget_ended_session, safe_next, viewer
from app.surfaces.form_filler import fill

_SIGNED_OUT = "You were signed out. Sign in to continue."
_ENTRIES_KEPT = "You were signed out. Sign in and your entries are kept."
_ENTRIES_LOST = "You were signed out. Your entries were too long to keep."
_SIGNED_IN_AGAIN = "You're signed in again. Check your entries, then send them."
_OUT_OF_DATE = "Your session has changed. Check your entries, then send them again."
_FLASHES = "_flashes"
_HX = "HTTP_HX_"
# Both are refusals; a 401 would need a challenge of HTTP authentication (RFC 9110 §15.5.2).
_REFUSED = 403
_STALE = 400


class FormRefused(CallError):
    """A form whose token is not of this session, from a page that may not be ours."""

    code = "invalid_form"
    status = _STALE


def ask_to_sign_in() -> Response:
    """Answer a request that needs a user, and whose session is over or never began."""
    if is_partial():
        return _dialog()
    if request.method in ("GET", "HEAD"):
        if forget_ended_session():
            flash(_SIGNED_OUT)
        return go(url_for("auth.login", next=request.full_path.rstrip("?")))
    return _login_page_with_entries()


def refuse_stale_form() -> Response:
    """Answer a form whose token is not of this session.

    Entries are kept for a form of our own pages alone: one that another site sent could fill in
    ours with what an attacker chose, and wait for the user to press the button.

    Raises:
        FormRefused: nothing can be kept.
    """
    if not _is_from_own_page():
        raise FormRefused("Your session has expired. Open the page again, then try again.")
    seen, account = viewer(), saved_form.account_in_form()
    if request.endpoint == "auth.sign_in":
        return _sign_in_by_stale_form()
    if seen is None and account:
        return _dialog() if is_partial() else _login_page_with_entries()
    if (seen.email if seen else "") != account:
        raise FormRefused("You're signed in to another account now. Open the page again.")
    if is_partial():
        return _without_swap("auth/_session_renewed.html", _STALE, said=_OUT_OF_DATE)
    return _refilled(saved_form.from_request(form_page()), _OUT_OF_DATE, _STALE)


def login_page(status: int = 200, **context: str) -> Response:
    """Show the sign-in form: a page of its own or, on a page that stays open, a dialog."""
    if is_partial():
        return _without_swap("auth/_sign_in_again.html", status, **context)
    is_open = sign_up().access() != "private"
    return page("auth/login.html", status, is_signup_open=is_open, **context)


def go_on(target: str, saved: SavedForm | None) -> Response:
    """Answer a sign-in: lead to what the user was about to do, with what they had entered."""
    seen = viewer()
    email = seen.email if seen else ""
    if is_partial():
        if saved_form.account_in_form() == email:
            return _without_swap("auth/_session_renewed.html", said=_SIGNED_IN_AGAIN)
        # The page that is still open is another user's.
        return go("/tasks", f"You're signed in as {email}.")
    if saved is None:
        return go(target)
    if saved.account != email:
        message = f"You're signed in as {email}. Entries from another account weren't kept."
        return go("/tasks", message)
    return _refilled(saved, _SIGNED_IN_AGAIN if saved.entries else "You're signed in again.")


def _sign_in_by_stale_form() -> Response:
    """Go on where somebody has signed in elsewhere meanwhile; else show the form again."""
    target, saved = safe_next(request.form.get("next")), request.form.get("saved", "")
    if viewer():
        return go_on(target, saved_form.unsealed(saved))
    return login_page(
        _STALE,
        target=target,
        saved=saved,
        email=request.form.get("email", ""),
        account=saved_form.account_in_form(),
        error="Your session has changed. Sign in again.",
    )


def _login_page_with_entries() -> Response:
    saved = saved_form.from_request(form_page())
    is_lost = not saved.entries and len(request.form) > len(("csrf_token", "account"))
    return login_page(
        _REFUSED,
        reason=_ENTRIES_LOST if is_lost else _ENTRIES_KEPT if saved.entries else _SIGNED_OUT,
        target=saved.page,
        saved=saved.sealed(),
        email=saved.account,
    )


def _dialog() -> Response:
    return login_page(_REFUSED, reason=_ENTRIES_KEPT, email=saved_form.account_in_form())


def _without_swap(template: str, status: int = 200, **context: Any) -> Response:
    """Render parts that HTMX puts where they say; the part that asked stays as it is."""
    response = page(template, status, **context)
    response.headers["HX-Reswap"] = "none"
    return response


def _is_from_own_page() -> bool:
    # Only the browser can set it (Fetch Metadata §2.1); it does so where it trusts the origin.
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    return request.headers.get("Origin") == settings().public_url


def _refilled(saved: SavedForm, message: str, status: int = 200) -> Response:
    """Show the page of a form with the entries in it; the user sends it, nothing else does."""
    flash(message)
    response = _as_seen_now(saved.page)
    html = response.get_data(as_text=True) if response.mimetype == "text/html" else ""
    filled = fill(html, saved.action, saved.entries) if response.status_code == 200 else None  # noqa: PLR2004 - OK
    if filled is None:
        if _FLASHES not in session:
            flash(message)
        return go(saved.page)
    # app.js shows the page's own address, at which it can be loaded again.
    response.set_data(filled.replace("<body ", f'<body data-address="{escape(saved.page)}" ', 1))
    response.status_code = status
    return response


def _as_seen_now(address: str) -> Response:
    """Return a page as this session's user sees it, by a GET within this request."""
    app = current_app._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - werkzeug's way past its proxy
    signer = app.session_interface.get_signing_serializer(app)
    path, _, query = address.partition("?")
    environ = {k: v for k, v in request.environ.items() if not _is_of_body(k)}
    environ |= {
        "REQUEST_METHOD": "GET",
        # As PEP 3333 wants it: without its escapes, each byte a character.
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "HTTP_COOKIE": f"{app.config['SESSION_COOKIE_NAME']}={signer.dumps(dict(session))}",
        "wsgi.input": io.BytesIO(),
    }
    with app.request_context(environ):
        response: Response = app.full_dispatch_request()
        after = dict(session)
    # Its cookie would be of this session before the request ended.
    response.headers.remove("Set-Cookie")
    session.clear()
    session.update(after)
    return response


def _is_of_body(variable: str) -> bool:
    return variable.startswith((_HX, "CONTENT_", "werkzeug.", "flask."))
