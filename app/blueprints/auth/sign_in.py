"""The doors of the app: sign in, sign out. Off the road: nobody is calling yet."""

from flask import Blueprint, Response, request, url_for

from app.blueprints.pages import go, page
from app.blueprints.saved_form import account_in_form, unsealed
from app.blueprints.signed_out import go_on, login_page
from app.identity.session import safe_next, sign_in_by_password, sign_out, viewer
from app.identity.throttle import TooManyGuesses
from app.surfaces.page_messages import wait

bp = Blueprint("auth", __name__)


@bp.get("/login")
def login() -> Response:
    """Show the sign-in form; who is signed in already goes on, unless they are asked again."""
    target = safe_next(request.args.get("next"))
    if viewer() and "again" not in request.args:
        return go(target)
    return login_page(target=target, email=request.args.get("login_hint", "")[:254])


@bp.post("/login")
def sign_in() -> Response:
    """Begin a session, or say that email or password is wrong."""
    target = safe_next(request.form.get("next"))
    email, saved = request.form.get("email", ""), request.form.get("saved", "")
    typed = {"target": target, "email": email, "saved": saved, "account": account_in_form()}
    try:
        if sign_in_by_password(email, request.form.get("password", "")):
            return go_on(target, unsealed(saved) if saved else None)
    except TooManyGuesses as refusal:
        error = f"Too many attempts. Try again in {wait(refusal.retry_after)}."
        answer = login_page(429, **typed, error=error)
        answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer
    return login_page(422, **typed, error="Wrong email or password.")


@bp.route("/logout", methods=["GET", "POST"])
def logout() -> Response:
    """End the session; a mere link must not, so GET asks first."""
    if request.method == "GET":
        return page("auth/logout.html")
    sign_out()
    # A page that needs somebody leads to the form by itself, and says why.
    target = request.form.get("next")
    return go(safe_next(target) if target else url_for("auth.login"))
