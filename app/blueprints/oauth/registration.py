"""The endpoints where clients register themselves (RFC 7591), and manage that (RFC 7592)."""

from flask import Blueprint, Response, jsonify, make_response, request

from app.blueprints.oauth.body import whole_body
from app.blueprints.road import caller, registration, shares
from app.extensions import csrf
from app.identity.bearer import token_in
from app.oauth.errors import OAuth2Error
from app.oauth.registration import RegistrationTokenRefused
from app.oauth.server import error_answer

bp = Blueprint("registration", __name__, url_prefix="/oauth/register")
# Nothing here reads a cookie: who manages a registration shows its token.
csrf.exempt(bp)


@bp.before_request
def limit() -> None:
    """Let nobody ask more often than registering needs."""
    if request.method != "OPTIONS":
        shares().registrations.spend(caller())


@bp.post("")
def register() -> Response:
    """Let a client register itself (RFC 7591 §3)."""
    return _said(registration().register(request.mimetype, whole_body()), 201)


@bp.get("/<path:client_id>")
def read(client_id: str) -> Response:
    """Give a client what is known about it (RFC 7592 §2.1)."""
    return _said(registration().read(client_id, _token()))


@bp.put("/<path:client_id>")
def replace(client_id: str) -> Response:
    """Let a client change what it said about itself (RFC 7592 §2.2)."""
    body = whole_body()
    return _said(registration().replace(client_id, _token(), request.mimetype, body))


@bp.delete("/<path:client_id>")
def remove(client_id: str) -> Response:
    """Let a client take itself away (RFC 7592 §2.3)."""
    registration().remove(client_id, _token())
    return make_response("", 204)


@bp.errorhandler(OAuth2Error)
def refused(error: OAuth2Error) -> Response:
    """Say what will not do (RFC 7591 §3.2.2)."""
    answer = error_answer(error)
    response = jsonify(answer.body)
    response.status_code = answer.status
    response.headers.update(answer.headers)
    if isinstance(error, RegistrationTokenRefused):
        # RFC 6750 §3.1: who sends no token is told of no error.
        said = 'realm="latchkey"' if _token() is None else f'error="{error.error}"'
        response.headers["WWW-Authenticate"] = f"Bearer {said}"
    return response


def _token() -> str | None:
    return token_in(request.headers.get("Authorization"))


def _said(information: dict[str, object], status: int = 200) -> Response:
    response = jsonify(information)
    response.status_code = status
    response.headers["Cache-Control"] = "no-store"
    return response
