"""The edge of the Flask app: what every request must be, and what every answer carries."""

import logging
import secrets
from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, jsonify, make_response, request, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
    ServiceUnavailable,
    TooManyRequests,
)

from app.blueprints.pages import go, is_partial, page
from app.core.errors import CallError, NotFound, NotSignedIn, Unavailable, UndeclaredWrite
from app.core.outages import outage_of
from app.extensions import login
from app.identity.session import is_ambiguous
from app.surfaces.cross_origin import OAUTH_ENDPOINTS, WELL_KNOWN
from app.surfaces.problem import MEDIA_TYPE, problem

log = logging.getLogger(__name__)

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'{form_action}; "
    "frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY.format(form_action=""),
    "X-Content-Type-Options": "nosniff",
    # For browsers that do not know frame-ancestors (RFC 9700 §4.16).
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    # One page of a popup's chain without it, and the console's Authorize loses its opener.
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
_OVER_TLS = {**_HEADERS, "Strict-Transport-Security": "max-age=63072000"}
_OF_OAUTH = (*OAUTH_ENDPOINTS, WELL_KNOWN)


def init_app(app: Flask) -> None:
    """Stand at the edge of an app: before every other hook, around every answer."""
    app.wsgi_app = AtPublicUrl(app.wsgi_app, app.extensions["settings"].public_url)  # type: ignore[method-assign] # Flask's documented way
    # It would answer //path with a redirect of its own.
    app.url_map.merge_slashes = False
    app.before_request(_refuse_malformed)
    app.before_request(_refuse_ambiguity)
    app.after_request(_secure)
    app.register_error_handler(CallError, _refused)
    app.register_error_handler(CSRFError, _expired_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _bug)
    login.unauthorized_handler(_to_sign_in)


class AtPublicUrl:
    """Lets every request come to the public URL: what its Host header says counts nowhere."""

    def __init__(self, wsgi_app: WSGIApplication, public_url: str) -> None:
        scheme, _, host = public_url.partition("://")
        self._wsgi_app = wsgi_app
        self._here = {"wsgi.url_scheme": scheme, "HTTP_HOST": host}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        return self._wsgi_app({**environ, **self._here}, start_response)


def content_security_policy(form_action: str = "") -> str:
    """Give the policy of a page; `form_action` is where its forms may lead besides here."""
    return _POLICY.format(form_action=f" {form_action}" if form_action else "")


def headers(scheme: str) -> Mapping[str, str]:
    """Give what every answer carries that goes out over this scheme."""
    return _OVER_TLS if scheme == "https" else _HEADERS


def _refuse_malformed() -> Response | None:
    try:
        request.query_string.decode()
    except UnicodeDecodeError:
        return _answer(400, "malformed_request", "The address is not UTF-8.")
    return None


def _refuse_ambiguity() -> Response | None:
    if is_ambiguous(request):
        return _answer(
            400,
            "ambiguous_credentials",
            "This request carries a session and a bearer token. Send one of them.",
        )
    return None


def _secure(response: Response) -> Response:
    # Not setdefault: it walks all headers for each one, on every answer.
    given = {name.lower() for name, _ in response.headers}
    for name, value in headers(request.scheme).items():
        if name.lower() not in given:
            response.headers.add(name, value)
    if response.mimetype == "text/html":
        response.headers.setdefault("Cache-Control", "no-store")
        response.vary.add("HX-Request")
    return response


def _refused(refusal: CallError) -> Response:
    if isinstance(refusal, NotSignedIn) and not _is_of_api():
        return _to_sign_in()
    if not _is_of_api() and refusal.fields.keys() & (request.view_args or {}).keys():
        # Not a field of a form: what stands in the path cannot be an id at all.
        refusal = NotFound("There is nothing at this address.")
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
    # Without the database nobody can be looked up, for the head of the page either.
    stranger = {"viewer": lambda: None} if isinstance(refusal, Unavailable) else {}
    return _answer(
        refusal.status,
        refusal.code,
        refusal.message,
        fields=refusal.fields,
        headers=headers,
        **stranger,
    )


def _expired_form(_error: CSRFError) -> Response:
    return _answer(
        400, "invalid_form", "This form is too old, or not ours. Reload the page, then try again."
    )


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    code = error.name.lower().replace(" ", "_")
    headers = {k: v for k, v in error.get_headers() if k not in ("Content-Type", "Content-Length")}
    return _answer(error.code or 500, code, error.description or error.name, headers=headers)


def _bug(error: Exception) -> Response:
    """Answer a bug with its number in the log; what it was is nobody's business outside."""
    if outage := outage_of(error):
        return _refused(outage)
    number = secrets.token_hex(4)
    # An address may hold a secret, as that of an invitation does.
    where = request.url_rule.rule if request.url_rule else request.path
    if isinstance(error, UndeclaredWrite):
        log.error("bug %s at %s %r: %s", number, request.method, where, error)
    else:
        log.error("bug %s at %s %r", number, request.method, where, exc_info=error)
    detail = f"Something went wrong on our side. Tell the operator this number: {number}."
    # The page is that of a stranger: to look its viewer up may be what went wrong.
    return _answer(InternalServerError.code, "server_error", detail, viewer=lambda: None)


def _to_sign_in() -> Response:
    here = request.full_path.rstrip("?") if request.method == "GET" else None
    return go(url_for("auth.login", next=here))


def _answer(
    status: int,
    code: str,
    detail: str,
    *,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> Response:
    """Say what is wrong in the words that the caller understands: of the API, OAuth, or people."""
    if _is_of_api():
        response = jsonify(problem(status, code, detail, fields))
        response.mimetype = MEDIA_TYPE
        response.headers["Cache-Control"] = "no-store"
    elif request.path.startswith(_OF_OAUTH):
        error = "server_error" if status >= InternalServerError.code else "invalid_request"
        if status in (TooManyRequests.code, ServiceUnavailable.code):
            error = "temporarily_unavailable"
        response = jsonify({"error": error, "error_description": detail})
        response.headers["Cache-Control"] = "no-store"
    elif is_partial():
        # The part that was asked for stays as it is; what was wrong is said above it.
        response = page("components/_said.html", said=detail, kind="error")
        response.headers["HX-Reswap"] = "none"
    else:
        response = page("errors/error.html", status=status, detail=detail, **context)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def _is_of_api() -> bool:
    return request.path == "/api" or request.path.startswith("/api/")
