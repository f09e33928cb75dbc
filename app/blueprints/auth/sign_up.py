"""Signing up, as the workspace allows it. Off the road: nobody is calling yet."""

import time

from flask import Blueprint, Response, url_for

from app.blueprints.pages import form, go, page
from app.blueprints.road import caller, shares
from app.blueprints.road import sign_up as doors
from app.core.errors import Forbidden, InvalidInput
from app.identity.session import sign_up

bp = Blueprint("sign_up", __name__, url_prefix="/signup")

_TEMPLATES = {"open": "auth/signup.html", "organization": "auth/ask.html"}


@bp.get("")
def show() -> Response:
    """Show the form, where people may sign up at all."""
    return page(_TEMPLATES[_access()], values={}, errors={})


@bp.post("")
def create() -> Response:
    """Make an account, or mail a link; the answer is the same for every address."""
    access = _access()
    shares().sign_ups.spend(caller())
    given = form()
    try:
        said = _sign_up(given) if access == "open" else _ask(given)
    except InvalidInput as refusal:
        return page(_TEMPLATES[access], 422, values=given, errors=refusal.fields)
    return go(url_for("auth.login"), said=said)


def _access() -> str:
    access = doors().access()
    if access == "private":
        raise Forbidden("Accounts are made by invitation here. Ask an admin.")
    return access


def _sign_up(given: dict[str, str]) -> str:
    sign_up(
        email=given.get("email", ""),
        name=given.get("name", ""),
        password=given.get("password", ""),
    )
    return "If this address had no account yet, it has one now. Sign in with your password."


def _ask(given: dict[str, str]) -> str:
    doors().ask(given.get("email", ""), int(time.time()))
    return "If the address is at an organization's domain, a link is on its way to it."
