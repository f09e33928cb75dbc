"""A form that a client lets the browser post to an endpoint for people."""

from urllib.parse import quote

from flask import Response, request

from app.blueprints.oauth.body import LARGEST, whole_body
from app.blueprints.pages import go
from app.oauth.sent import FORM
from app.surfaces.http import Malformed


def as_get() -> Response:
    """Send the browser here again with the form as its query.

    A page of another site posts without the person's cookie: only as a link does their session
    come along. Nothing is done by the post itself, so it needs no token against forgery.
    """
    if request.mimetype != FORM or request.query_string:
        raise Malformed("Send the parameters as a form, in the body alone.")
    return go(f"{request.path}?{quote(whole_body(LARGEST), safe='%&=+')}")
