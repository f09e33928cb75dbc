"""The doors of the app: sign in, sign up, sign out. Off the road: nobody is calling yet."""

from http import HTTPStatus

from flask import Blueprint, Response, abort, request, url_for

from app.blueprints.pages import form, go, page
from app.blueprints.road import caller, shares
from app.core.errors import InvalidInput
from app.extensions import settings
from app.identity.session import (
    safe_next,
    sign_in_by_password,
    sign_out,
    sign_up,
    viewer,
)
from app.identity.throttle import TooManyGuesses

bp = Blueprint("auth", __name__)


@bp.get("/login")
def login() -> Response:
    """Show the sign-in form; who is signed in already goes on, unless they are asked again."""
    target = safe_next(request.args.get("next"))
    if viewer() and "again" not in request.args:
        return go(target)
    return _login_page(target=target, email=request.args.get("login_hint", "")[:254])


@bp.post("/login")
def sign_in() -> Response:
    """Begin a session, or say that email and password don't fit."""
    target = safe_next(request.form.get("next"))
    email = request.form.get("email", "")
    try:
        if sign_in_by_password(email, request.form.get("password", "")):
            return go(target)
    except TooManyGuesses as refusal:
        answer = _login_page(429, target=target, email=email, error=str(refusal))
        answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer
    return _login_page(422, target=target, email=email, error="Email and password don't fit.")


@bp.route("/logout", methods=["GET", "POST"])
def logout() -> Response:
    """End the session; a mere link must not, so GET asks first."""
    if request.method == "GET":
        return page("auth/logout.html")
    sign_out()
    # A page that needs somebody leads to the form by itself, and says why.
    target = request.form.get("next")
    return go(safe_next(target) if target else url_for("auth.login"))


@bp.get("/signup")
def sign_up_form() -> Response:
    """Show the sign-up form."""
    _refuse_unless_open()
    return page("auth/signup.html", values={}, errors={})


@bp.post("/signup")
def create_account() -> Response:
    """Make an account; the answer is the same for an address that has one."""
    _refuse_unless_open()
    shares().sign_ups.spend(caller())
    given = form()
    try:
        sign_up(
            email=given.get("email", ""),
            name=given.get("name", ""),
            password=given.get("password", ""),
        )
    except InvalidInput as refusal:
        return page("auth/signup.html", 422, values=given, errors=refusal.fields)
    return go(
        url_for("auth.login"),
        said="If this address had no account yet, it has one now. Sign in with your password.",
    )


def _login_page(status: int = 200, **context: str) -> Response:
    is_open = settings().signup == "open"
    return page("auth/login.html", status, is_signup_open=is_open, **context)


def _refuse_unless_open() -> None:
    if settings().signup != "open":
        abort(HTTPStatus.FORBIDDEN, "Accounts are made by invitation here. Ask an admin.")
