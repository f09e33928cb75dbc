"""Which redirect URIs a client may register, and which URI of a request matches one."""

import re
from collections.abc import Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from app.models.uri_schemes import DEFAULT_DENYLIST, SchemeDenylist

LENGTH = 2000
MOST = 10
_SHOWN = 100
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_WEB = frozenset({"http", "https"})
_LOCAL = re.compile(
    r"(?P<origin>http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?].*)?)"
)
_LARGEST_PORT = 65535
# A host's labels, or an IPv6 address in brackets; a port only with its number. It also stands in
# the consent page's Content-Security-Policy.
_AUTHORITY = re.compile(
    r"([a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(:[1-9][0-9]{0,4})?", re.IGNORECASE
)
# RFC 1035 §2.3.4: octets of a name and of one of its labels.
_MAX_HOST_CHARS = 253
_MAX_LABEL_CHARS = 63
# URL Standard §3.5: browsers read a host as an IPv4 address if its last label looks so.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.IGNORECASE)
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*")
# `localhost:3000/callback` parses as the scheme localhost: a forgotten http://, and no app's URI.
_PORT = re.compile(r"[0-9]+(?![^/?])")
_ALLOWED = re.compile(r"[A-Za-z0-9\-._~:/?#\[\]@!$&'()+,;=%]+")


def checked(uri: str, denylist: SchemeDenylist = DEFAULT_DENYLIST) -> str:
    """Give the URI back as it is: a redirect URI matches by exact comparison (RFC 9700 §2.1).

    Raises:
        ValueError: it cannot be registered; the message says why, and names it.
    """
    fault = _fault(uri, denylist)
    if fault:
        shown = uri if len(uri) <= _SHOWN else uri[:_SHOWN] + "…"
        raise ValueError(f"{shown!r} {fault}.")
    return uri


def matches(registered: str, requested: str) -> bool:
    """Tell whether a request's URI is the registered one; the port of a loopback URI is free.

    RFC 8252 §7.3: a program on the person's computer takes the port it gets.
    """
    if registered == requested:
        return True
    # By our own reading: urlsplit finds the host ::1 in http://[::1].example.com.
    ours, theirs = _LOCAL.fullmatch(registered), _LOCAL.fullmatch(requested)
    return bool(
        ours
        and theirs
        and ours["origin"] == theirs["origin"]
        and ours["rest"] == theirs["rest"]
        and int(theirs["port"] or 0) <= _LARGEST_PORT
    )


def is_loopback(uri: SplitResult) -> bool:
    """Tell whether this is plain HTTP to the person's own computer."""
    return uri.scheme == "http" and uri.hostname in _LOOPBACK


def is_private_use(uri: SplitResult) -> bool:
    """Whether an app on the user's device opens the URI, by a scheme of its own."""
    return uri.scheme not in _WEB


def host(uri: str) -> str:
    """Return the host of a redirect URI in lower case, or nothing where it has none."""
    return (urlsplit(uri).hostname or "").rstrip(".")


def home_page(client_uri: str | None, redirect_uris: Sequence[str]) -> str | None:
    """Return a client's home page, if each redirect URI leads to that very host by https.

    Anybody can register somebody else's site as their home page. Only who receives the
    authorization code at a host shows that the host is theirs.
    """
    if client_uri is None or not redirect_uris:
        return None
    hosts = {(urlsplit(uri).scheme, host(uri)) for uri in redirect_uris}
    return client_uri if hosts == {("https", host(client_uri))} else None


def destination(uri: str) -> str:
    """Give where a redirect URI sends the browser, in words that a person can check."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in _WEB else f"{parts.scheme}:"


def _fault(uri: str, denylist: SchemeDenylist) -> str | None:
    if not uri:
        return "is empty"
    if len(uri) > LENGTH:
        return f"is longer than {LENGTH} characters"
    if "*" in uri:
        return "holds a wildcard: register each URI that you use"
    if not _ALLOWED.fullmatch(uri):
        return "holds a character that a URI cannot hold; percent-encode it"
    if "#" in uri:
        return "holds a fragment, which a redirect URI cannot have"
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError:
        return "is not a URI"
    if parts.scheme in _WEB:
        return _fault_of_web(parts)
    return _fault_of_private_use(uri, parts, denylist)


def _fault_of_web(parts: SplitResult) -> str | None:
    if not parts.hostname:
        return "names no host"
    if parts.username is not None or parts.password is not None:
        return "holds user information"
    if not _AUTHORITY.fullmatch(parts.netloc):
        return "has a host or a port that cannot be one"
    if fault := _fault_of_host(parts.hostname):
        return fault
    if parts.scheme == "http" and not is_loopback(parts):
        return "must use https; plain http is for 127.0.0.1, [::1] and localhost only"
    return None


def _fault_of_host(host: str) -> str | None:
    """Return why no browser can be sent to a host, or None."""
    labels = host.removesuffix(".").split(".")
    if len(host) > _MAX_HOST_CHARS or max(map(len, labels)) > _MAX_LABEL_CHARS:
        return (
            f"has a host longer than {_MAX_HOST_CHARS} characters, "
            f"or a part of it longer than {_MAX_LABEL_CHARS}"
        )
    try:
        if ":" in host or _NUMBER.fullmatch(labels[-1]):
            ip_address(".".join(labels))
        for label in labels:
            if label.startswith("xn--"):
                label.removeprefix("xn--").encode().decode("punycode")
    except ValueError:
        return "has a host or a port that cannot be one"
    return None


def _fault_of_private_use(uri: str, parts: SplitResult, denylist: SchemeDenylist) -> str | None:
    if not _SCHEME.fullmatch(parts.scheme) or not uri.startswith(parts.scheme + ":"):
        return "does not begin with a scheme, such as https://"
    if _PORT.match(uri.removeprefix(parts.scheme + ":")):
        return "does not begin with a scheme: write https://, or http:// for localhost"
    if denylist.denies(parts.scheme):
        return (
            f"uses the scheme {parts.scheme}:, which is not allowed; use https, "
            "or a scheme of your app's own, such as com.example.app:"
        )
    return None
