"""The door for programs: forms for the OAuth endpoints are answered before Flask begins."""

from collections.abc import Iterable
from http import HTTPStatus
from json import JSONEncoder
from wsgiref.types import StartResponse, WSGIEnvironment

from flask import Flask

from app.blueprints import edge
from app.blueprints.oauth.body import LARGEST
from app.blueprints.oauth.endpoints import ENDPOINTS, Endpoint
from app.core.address import network
from app.identity.bearer import token_in
from app.oauth.sent import FORM
from app.oauth.server import Answer, Posted
from app.surfaces.cross_origin import CrossOrigin

_STATUS = {each.value: f"{each.value} {each.phrase}" for each in HTTPStatus}
_json = JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class Door:
    """Answers what is plainly a form for one of the endpoints, and leaves the rest to Flask.

    A page's session, forms and hooks have no part in these answers, and cost more than they do.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._flask = app.wsgi_app
        self._cross_origin: CrossOrigin = app.extensions["cross_origin"]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        endpoint = ENDPOINTS.get(environ["PATH_INFO"])
        if endpoint is None or not _is_plain(environ):
            return self._flask(environ, start_response)
        try:
            answer = self._answer(endpoint, environ)
        except Exception as error:  # noqa: BLE001 - the edge's handlers know what to say to it
            return self._refusal(error, environ, start_response)
        body = f"{_json(answer.body)}\n".encode()
        headers = {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **edge.headers(environ["wsgi.url_scheme"]),
            **answer.headers,
            **self._cross_origin.headers(environ.get("HTTP_ORIGIN")),
        }
        start_response(_STATUS[answer.status], list(headers.items()))
        return [body]

    def _answer(self, endpoint: Endpoint, environ: WSGIEnvironment) -> Answer:
        built, sent = self._app.extensions, _posted(environ)
        endpoint.share(built["shares"]).spend(sent.caller)
        return endpoint.answer(built["oauth_server"], sent)

    def _refusal(
        self, error: Exception, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        with self._app.request_context(environ):
            response = self._app.finalize_request(self._app.handle_user_exception(error))
            return response(environ, start_response)


def _is_plain(environ: WSGIEnvironment) -> bool:
    """Tell whether a request is a POST of a form, with nothing about it that the edge refuses."""
    media_type = environ.get("CONTENT_TYPE", "").partition(";")[0]
    length = environ.get("CONTENT_LENGTH", "")
    return (
        environ["REQUEST_METHOD"] == "POST"
        and media_type.strip().lower() == FORM
        and not environ["QUERY_STRING"]
        and length.isdecimal()
        and len(length) <= len(str(LARGEST))
        and int(length) <= LARGEST
        and ("HTTP_COOKIE" not in environ or token_in(environ.get("HTTP_AUTHORIZATION")) is None)
    )


def _posted(environ: WSGIEnvironment) -> Posted:
    return Posted(
        content_type=FORM,
        query=b"",
        body=environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        path=environ["PATH_INFO"],
        caller=network(environ.get("REMOTE_ADDR", "")),
        proofs=[environ["HTTP_DPOP"]] if "HTTP_DPOP" in environ else (),
    )
