"""The edge of the Flask app: what every request must be, and what every answer carries."""

import logging
import sys
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, jsonify, make_response, request
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import (
    HTTPException,
    InternalServerError,
)

from app.blueprints.pages import is_partial, page, put_in_words
from app.blueprints.signed_out import FormRefused, ask_to_sign_in, refuse_stale_form
from app.blueprints.way_back import way_back
from app.core.errors import CallError, NotFound, NotSignedIn
from app.core.outages import outage_of
from app.extensions import login
from app.identity.session import is_ambiguous
from app.surfaces import page_messages
from app.surfaces.bug_report import log_bug
from app.surfaces.error_format import ErrorFormat, error_format, oauth_error, static_error
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
    # `_bug` logs it, with its reference, and without what an address may hold.
    app.log_exception = _log_nothing  # type: ignore[method-assign] # Flask's documented way
    login.unauthorized_handler(ask_to_sign_in)


class AtPublicUrl:
    """Lets every request come to the public URL: what its Host header says counts nowhere."""

    def __init__(self, wsgi_app: WSGIApplication, public_url: str) -> None:
        scheme, _, host = public_url.partition("://")
        self._wsgi_app = wsgi_app
        self._here = {"wsgi.url_scheme": scheme, "HTTP_HOST": host}

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request, whatever goes wrong on the way to Flask's own error handlers."""
        try:
            return self._wsgi_app({**environ, **self._here}, start_response)
        except Exception as error:  # noqa: BLE001 - nobody behind this one would answer
            return self._bug(error, environ, start_response)

    def _bug(
        self, error: Exception, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        status, more = HTTPStatus.INTERNAL_SERVER_ERROR, {}
        if outage := outage_of(error):
            status = HTTPStatus.SERVICE_UNAVAILABLE
            detail, more = page_messages.detail(status), {"Retry-After": str(outage.retry_after)}
        else:
            reference = log_bug(error, f"at {environ['REQUEST_METHOD']}, outside of Flask")
            detail = page_messages.bug(reference)
        is_htmx = environ.get("HTTP_HX_REQUEST") == "true"
        error_headers, body = static_error(
            environ["PATH_INFO"], status, detail, is_partial=is_htmx
        )
        sent = {**headers(self._here["wsgi.url_scheme"]), **error_headers, **more}
        line = f"{status.value} {status.phrase}"
        start_response(line, [*sent.items(), ("Content-Length", str(len(body)))], sys.exc_info())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


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


def _log_nothing(exc_info: object) -> None:
    pass


def _refused(refusal: CallError) -> Response:
    if _is_page():
        if isinstance(refusal, NotSignedIn):
            return ask_to_sign_in()
        if refusal.fields.keys() & (request.view_args or {}).keys():
            # Not a field of a form: what stands in the path cannot be an id at all.
            refusal = NotFound("There is nothing at this address.")
        put_in_words(refusal)
    headers = {"Retry-After": str(refusal.retry_after)} if refusal.retry_after else {}
    return _answer(
        refusal.status, refusal.code, refusal.message, fields=refusal.fields, headers=headers
    )


def _expired_form(_error: CSRFError) -> Response:
    try:
        return refuse_stale_form()
    except FormRefused as refusal:
        return _refused(refusal)


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError) and isinstance(error.original_exception, Exception):
        return _bug(error.original_exception)
    if error.response is not None:
        return make_response(error.response)
    status = error.code or InternalServerError.code
    code = error.name.lower().replace(" ", "_")
    headers = {k: v for k, v in error.get_headers() if k not in ("Content-Type", "Content-Length")}
    detail = page_messages.detail(status) if _is_page() else error.description or error.name
    return _answer(status, code, detail, headers=headers)


def _bug(error: Exception) -> Response:
    """Answer a bug with its reference in the log; what it was is nobody's business outside."""
    if outage := outage_of(error):
        return _refused(outage)
    # An address may hold a secret, as that of an invitation does.
    where = request.url_rule.rule if request.url_rule else request.path
    reference = log_bug(error, f"at {request.method} {where!r}")
    detail = page_messages.bug(reference)
    try:
        response = _answer(InternalServerError.code, "server_error", detail)
    except Exception:
        log.exception("no error page from templates for %s", reference)
        response = _static_answer(detail)
    # Now: what goes wrong after this ends `_secure`, too.
    response.headers.update({**headers(request.scheme), "Cache-Control": "no-store"})
    return response


def _static_answer(detail: str) -> Response:
    status = InternalServerError.code
    error_headers, body = static_error(request.path, status, detail, is_partial=is_partial())
    return Response(body, status, error_headers)


def _answer(
    status: int,
    code: str,
    detail: str,
    *,
    fields: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Say what is wrong in the words that the caller understands: of the API, OAuth, or people."""
    form = error_format(request.path)
    if form is ErrorFormat.OAUTH:
        response = jsonify({"error": oauth_error(status), "error_description": detail})
        response.headers["Cache-Control"] = "no-store"
    elif form is not ErrorFormat.PAGE:
        response = jsonify(problem(status, code, detail, fields))
        response.mimetype = MEDIA_TYPE
        response.headers["Cache-Control"] = "no-store"
    elif is_partial():
        # The part that was asked for stays as it is; what was wrong is said above it.
        response = page("components/_said.html", said=detail, kind="error")
        response.headers["HX-Reswap"] = "none"
    else:
        response = error_page(status, detail)
    response.status_code = status
    response.headers.update(headers or {})
    return response


def error_page(status: int, detail: str) -> Response:
    """Show people what is wrong, under the heading of its kind."""
    context: dict[str, object] = {"heading": page_messages.heading(status), "detail": detail}
    if status >= InternalServerError.code:
        # The page of a stranger: to look its viewer up may be what went wrong, and without the
        # database nobody can be.
        context["viewer"] = lambda: None
    return page("errors/error.html", status, way_back=way_back(status), **context)


def _is_page() -> bool:
    return error_format(request.path) is ErrorFormat.PAGE
