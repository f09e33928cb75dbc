"""What every page says that has invited somebody."""

from flask import Response

from app.blueprints.pages import go, page
from app.blueprints.road import post
from app.procedures.inviting import InvitedOut


def invited(layout: str, made: InvitedOut, back: str) -> Response:
    """Say that a letter is on its way; or show the link, in this answer and in no other."""
    if made.is_mailed:
        return go(back, said=f"An invitation is on its way to {made.email}.")
    layout, is_mail_set = f"layouts/{layout}.html", post().is_set
    return page(
        "invitations/made.html", layout=layout, made=made, back=back, is_mail_set=is_mail_set
    )
