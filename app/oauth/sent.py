"""What an OAuth endpoint was sent, taken apart before any rule looks at it."""

import re
from collections import Counter
from dataclasses import dataclass
from urllib.parse import parse_qsl

from authlib.oauth2 import OAuth2Request
from authlib.oauth2.rfc6749 import InvalidRequestError
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload

from app.core.statement import Transaction
from app.oauth.client import KnownClient
from app.oauth.errors import InvalidTarget

LONGEST = 4000
# Some clients put a whole document into `state`. A token that a client was given elsewhere, with
# its groups as claims, is unknown here; that is no error (RFC 7009 §2.2, RFC 7662 §2.2).
_MAX_LONG_PARAMETER_BYTES = 16 * 1024
_LONG_PARAMETERS = frozenset({"state", "token"})
MOST = 50
_CONTROL = re.compile(r"[\x00-\x1f]")
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Sent:
    """The parameters of a request, and the names of those that came more than once."""

    values: dict[str, str]
    repeated: frozenset[str]

    def each_once(self) -> dict[str, str]:
        """Give the parameters.

        Raises:
            InvalidRequestError: one is repeated (RFC 6749 §3.1, §3.2).
            InvalidTarget: only the resource is, which a client may repeat (RFC 8707 §2).
        """
        if self.repeated == {"resource"}:
            raise InvalidTarget("A token is for one resource. Send one resource parameter.")
        for name in sorted(self.repeated):
            raise InvalidRequestError(f"The parameter {printable(name)} is repeated.")
        return self.values


def taken_apart(raw: bytes) -> Sent:
    """Give the parameters in a query string or a form body; one without a value is left out.

    Raises:
        InvalidRequestError: it is not form-encoded UTF-8, or too much (RFC 6749 appendix B).
    """
    try:
        pairs = parse_qsl(raw.decode("ascii"), errors="strict", max_num_fields=MOST)
    except ValueError as error:
        raise InvalidRequestError("The parameters are not form-encoded UTF-8.") from error
    for name, value in pairs:
        _check_length(name, value)
        if _CONTROL.search(name) or _CONTROL.search(value):
            raise InvalidRequestError("A parameter holds a control character.")
    counted = Counter(name for name, _ in pairs)
    return Sent(dict(pairs), frozenset(name for name, times in counted.items() if times > 1))


def _check_length(name: str, value: str) -> None:
    if name in _LONG_PARAMETERS:
        if len(value.encode()) > _MAX_LONG_PARAMETER_BYTES:
            raise InvalidRequestError(
                f"The {name} is longer than {_MAX_LONG_PARAMETER_BYTES} bytes."
            )
    elif len(name) + len(value) > LONGEST:
        raise InvalidRequestError(f"A parameter is longer than {LONGEST} characters.")


def posted(content_type: str, query: bytes, body: bytes) -> dict[str, str]:
    """Give the parameters of a POST to an endpoint for clients: in the body, and only there.

    Raises:
        InvalidRequestError: it is no form, something is in the query, or something is repeated.
    """
    if content_type != FORM:
        raise InvalidRequestError(f"Send the parameters as {FORM}.")
    if query:
        # RFC 6749 §2.3.1: credentials in a URL end in logs.
        raise InvalidRequestError("Send the parameters in the body, not in the URL.")
    return taken_apart(body).each_once()


def printable(text: str) -> str:
    """Give a text with only what an `error_description` may hold (RFC 6749 §5.2)."""
    return "".join(c if " " <= c <= "~" and c not in '"\\' else "?" for c in text)[:200]


class TokenRequest(OAuth2Request):
    """A request to the token endpoint, with the transaction that it is answered in.

    `now` is in seconds since the epoch; `jkt` is the thumbprint of the key that the client has
    proved to hold, if it did (RFC 9449 §5).
    """

    client: KnownClient

    def __init__(
        self,
        form: dict[str, str],
        client: KnownClient,
        session: Transaction,
        now: int,
        *,
        jkt: str | None = None,
    ) -> None:
        # Not OAuth2Request's own: it would judge the transport by the URL, behind any proxy.
        self.method = "POST"
        self.payload = BasicOAuth2Payload(form)
        self.given = form
        self.client = client
        self.session = session
        self.now = now
        self.jkt = jkt

    def value(self, name: str) -> str:
        """Give a parameter.

        Raises:
            InvalidRequestError: it is missing.
        """
        value = self.given.get(name)
        if value is None:
            raise InvalidRequestError(f"The parameter {name} is missing.")
        return value

    def optional(self, name: str) -> str | None:
        """Give a parameter, or None where it was left out."""
        return self.given.get(name)
