"""Requests from pages of other origins: preflights, refusals, and the headers of responses."""

from collections.abc import Iterable
from typing import cast
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Response, current_app, request

from app.identity.bearer import token_in
from app.surfaces.cross_origin import CrossOrigin, OriginRefused, is_for_programs, is_preflight


def init_app(app: Flask) -> None:
    """Apply the rules to every request; before the other hooks, which may refuse it."""
    app.wsgi_app = IgnoreForeignCookies(app.wsgi_app, app.extensions["cross_origin"])  # type: ignore[method-assign] # Flask's documented way
    app.before_request(_answer_preflight)
    app.before_request(_refuse_foreign_token)
    app.after_request(_let_pages_read)


class IgnoreForeignCookies:
    """Removes the cookie that a browser adds to a request of another origin's page.

    A page on another port of the same host can send it. No such request uses a session, and
    beside a token it would be refused as ambiguous.
    """

    def __init__(self, wsgi_app: WSGIApplication, cross_origin: CrossOrigin) -> None:
        self._wsgi_app = wsgi_app
        self._cross_origin = cross_origin

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        if (
            "HTTP_COOKIE" in environ
            and self._cross_origin.is_foreign(environ.get("HTTP_ORIGIN"))
            and is_for_programs(environ["PATH_INFO"])
        ):
            environ = {name: each for name, each in environ.items() if name != "HTTP_COOKIE"}
        return self._wsgi_app(environ, start_response)


def _answer_preflight() -> Response | None:
    """Answer a preflight without a token: browsers send none with it."""
    if request.method != "OPTIONS" or not is_for_programs(request.path):
        return None
    origin = request.headers.get("Origin")
    requested_method = request.headers.get("Access-Control-Request-Method")
    if not is_preflight(request.method, origin, requested_method):
        return None
    response = Response(status=204)
    response.headers.update(_rules().preflight_headers(origin or ""))
    return response


def _refuse_foreign_token() -> None:
    origin = request.headers.get("Origin")
    if origin is None or not is_for_programs(request.path) or _rules().allows(origin):
        return
    if token_in(request.headers.get("Authorization")) is not None:
        raise OriginRefused


def _let_pages_read(response: Response) -> Response:
    if is_for_programs(request.path):
        headers = dict(_rules().headers(request.headers.get("Origin")))
        if "Vary" in headers:
            response.vary.add(headers.pop("Vary"))
        for name, value in headers.items():
            response.headers.add(name, value)
    if request.method == "OPTIONS" and not response.content_length:
        # There is no body that it could be the type of.
        response.headers.pop("Content-Type", None)
    return response


def _rules() -> CrossOrigin:
    return cast("CrossOrigin", current_app.extensions["cross_origin"])
