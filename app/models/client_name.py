"""Names that an app may not take, because people would trust it for another one's sake."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from app.core import confusables
from app.models import redirect_uri

CONSOLE_NAME = "API console"
# What this server itself is called on its pages, and its built-in client.
RESERVED_NAMES = ("Latchkey", CONSOLE_NAME)
# Only an admin's verification says so, and it has a badge of its own.
_CLAIMS = ("verified", "official")
_DENIALS = frozenset(confusables.fold(f"un{claim}") for claim in _CLAIMS)


class TrustedApp(NamedTuple):
    """An app that an admin has verified: its name is its own."""

    name: str
    redirect_uris: Sequence[str]
    is_public: bool


def check(name: str) -> None:
    """Check a name that somebody chose for their own app.

    Raises:
        ValueError: it is this server's own name, or claims that somebody checked the app.
    """
    if claim := _claim(name):
        raise ValueError(f"Names can't contain the word {claim}. Choose another name.")
    if any(confusables.look_alike(name, reserved) for reserved in RESERVED_NAMES):
        raise ValueError("This name looks like one of Latchkey's own. Choose another name.")


def imitates(name: str, redirect_uris: Sequence[str], trusted_apps: Iterable[TrustedApp]) -> bool:
    """Whether a name looks like that of a trusted app, and the app is another one."""
    return any(
        confusables.look_alike(name, trusted.name) and not _is_same_app(redirect_uris, trusted)
        for trusted in trusted_apps
    )


def is_misleading(
    name: str, redirect_uris: Sequence[str], trusted_apps: Iterable[TrustedApp]
) -> bool:
    """Whether people could trust an app for its name that was registered before the rules."""
    try:
        check(name)
    except ValueError:
        return True
    return imitates(name, redirect_uris, trusted_apps)


def _claim(name: str) -> str | None:
    # "Unofficial" is honest; it is left out word by word, since "Sun Official" is not.
    claims = [word for word in confusables.words(name) if word not in _DENIALS]
    texts = {"".join(claims), *confusables.look_alikes("".join(claims))}
    folded = {claim: confusables.fold(claim) for claim in _CLAIMS}
    return next((c for c, text in folded.items() if any(text in t for t in texts)), None)


def _is_same_app(redirect_uris: Sequence[str], trusted: TrustedApp) -> bool:
    """Whether the code reaches nobody whom it could not reach by way of the trusted app.

    An https host is the trusted app's own. On the user's device anybody may present the id of a
    public client, and so gains nothing by registering the same redirect URIs once more.
    """
    hosts = {redirect_uri.host(uri) for uri in trusted.redirect_uris if _is_https(uri)}
    return bool(redirect_uris) and all(
        (_is_https(uri) and redirect_uri.host(uri) in hosts)
        or (
            trusted.is_public
            and any(redirect_uri.matches(registered, uri) for registered in trusted.redirect_uris)
        )
        for uri in redirect_uris
    )


def _is_https(uri: str) -> bool:
    return urlsplit(uri).scheme == "https"
