"""Where the link of an invitation leads. Off the road: mostly nobody is calling yet."""

import time

from flask import Blueprint, Response, url_for

from app.blueprints.pages import form, go, page
from app.blueprints.road import caller, invitations, shares
from app.core.errors import Conflict, Forbidden, InvalidInput
from app.identity.invitations import Invited
from app.identity.session import sign_in, viewer

bp = Blueprint("invite", __name__, url_prefix="/invite")


@bp.get("/<token>")
def show(token: str) -> Response:
    """Show who invites to what, and what there is to do about it."""
    return _page(token)


@bp.post("/<token>")
def accept(token: str) -> Response:
    """Accept an invitation, by the account that was invited or by a new one."""
    seen, given = viewer(), form()
    if seen is None:
        shares().sign_ups.spend(caller())
    invited = invitations().find(token, _now())
    try:
        if seen and seen.principal.user_id is not None:
            invitations().accept(token, seen.principal.user_id, _now())
        else:
            _make_account(token, given)
    except InvalidInput as refusal:
        return _page(token, refusal.status, values=given, errors=refusal.fields)
    except (Conflict, Forbidden) as refusal:
        return _page(token, refusal.status, refused=refusal.message)
    # Whoever looks at the address bar, or at the history, finds no token there.
    return go(url_for("tasks.index"), said=_welcome(invited))


def _make_account(token: str, given: dict[str, str]) -> None:
    # The address is the invitation's, whatever the form says.
    name, password = given.get("name", ""), given.get("password", "")
    sign_in(invitations().accept_anew(token, name=name, password=password, now=_now()))


def _page(token: str, status: int = 200, **context: object) -> Response:
    invited = invitations().find(token, _now())
    here = url_for("invite.show", token=token)
    typed = {"values": {}, "errors": {}, **context}
    return page("auth/invite.html", status, invited=invited, here=here, **typed)


def _welcome(invited: Invited) -> str:
    return f"Welcome to {invited.what}."


def _now() -> int:
    return int(time.time())
