"""The doors of the app: sign in, sign out. Off the road: nobody is calling yet."""

from flask import Blueprint, Response, request, url_for

from app.blueprints.pages import go, page
from app.blueprints.road import sign_up
from app.identity.session import safe_next, sign_in_by_password, sign_out, viewer
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


def _login_page(status: int = 200, **context: str) -> Response:
    is_open = sign_up().access() != "private"
    return page("auth/login.html", status, is_signup_open=is_open, **context)
