"""A line to a process of the product, and all that is secret of what went over it."""

import re
from base64 import b64decode
from binascii import Error
from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing, suppress
from http.client import HTTPConnection
from http.cookies import SimpleCookie
from json import loads
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit
from wsgiref.types import StartResponse, WSGIEnvironment

from werkzeug.datastructures import Headers
from werkzeug.wrappers import Request

# The parameters, members of JSON objects and fields of forms that are secret.
SECRETS = {
    "access_token",
    "client_assertion",
    "client_secret",
    "code",
    "code_verifier",
    "csrf_token",
    "device_code",
    "id_token",
    "id_token_hint",
    "password",
    "refresh_token",
    "registration_access_token",
    "request_uri",
    "subject_token",
    "token",
    "user_code",
}
# Characters: what is shorter is no secret of anybody, and found in any log.
SHORTEST = 8
_CREDENTIAL = re.compile(r"lk_[a-z]+_[A-Za-z0-9_-]{20,}")
_FIELD = re.compile(r'name="(\w+)"[^>]* value="([^"]+)"')


class Overheard:
    """A WSGI application that is elsewhere; `secrets` are the values heard, by kind."""

    def __init__(self, address: str) -> None:
        self._host = address.removeprefix("http://")
        self.secrets: defaultdict[str, set[str]] = defaultdict(set)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Pass a request on, and the answer back."""
        request = Request(environ)
        sent = request.get_data()
        self._hear_headers(request.headers)
        self._hear_text(request.query_string.decode())
        self._hear_text(sent.decode("latin-1"))
        target = quote(request.path) + "?" + request.query_string.decode()
        headers = {name: value for name, value in request.headers if name != "Host"}
        with closing(HTTPConnection(self._host, timeout=60)) as line:
            line.request(request.method, target, sent or None, headers)
            answer = line.getresponse()
            body = answer.read()
        self._hear_answer(answer.getheaders(), body.decode())
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() != "transfer-encoding"]
        start_response(f"{answer.status} {answer.reason}", kept)
        return [body]

    def _hear_headers(self, headers: Headers) -> None:
        self._hear("DPoP", headers.get("DPoP", ""))
        self._hear_cookies(headers.get("Cookie", ""))
        scheme, _, shown = headers.get("Authorization", "").partition(" ")
        self._hear("Authorization", shown)
        if scheme == "Basic":
            with suppress(Error, UnicodeDecodeError):
                self._hear("Basic", b64decode(shown).decode().partition(":")[2])

    def _hear_cookies(self, header: str) -> None:
        for cookie in SimpleCookie(header).values():
            self._hear("Cookie", cookie.value)

    def _hear_text(self, text: str) -> None:
        for name, value in parse_qsl(text):
            if name in SECRETS:
                self._hear(name, value)
        self._hear_json(text)

    def _hear_json(self, text: str) -> None:
        try:
            said: Any = loads(text)
        except ValueError:
            return
        for name, value in said.items() if isinstance(said, dict) else ():
            if name in SECRETS and isinstance(value, str):
                self._hear(name, value)

    def _hear_answer(self, headers: list[tuple[str, str]], body: str) -> None:
        for name, value in headers:
            if name.lower() == "location":
                self._hear_text(urlsplit(value).query)
            elif name.lower() == "set-cookie":
                self._hear_cookies(value)
        self._hear_json(body)
        for credential in _CREDENTIAL.findall(body):
            self._hear(credential[: credential.index("_", 3) + 1], credential)
        for name, value in _FIELD.findall(body):
            if name in SECRETS:
                self._hear(name, value)

    def _hear(self, kind: str, value: str) -> None:
        if len(value) >= SHORTEST:
            self.secrets[kind].add(value)
