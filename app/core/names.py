"""Names, texts and addresses of strangers, that other people read and trust."""

import re
from urllib.parse import urlsplit

from app.core import patterns


def _compiled(pattern: str) -> re.Pattern[str]:
    """Compile a pattern that the API's document publishes, so that both always agree.

    Halves of surrogate pairs cannot stand in it: other engines know no such characters.
    """
    return re.compile(pattern.removesuffix("$").replace("[^", r"[^\ud800-\udfff") + r"\Z")


_IN_NAME = _compiled(patterns.IN_NAME)
_NAME = _compiled(patterns.NAME)
_PROSE = _compiled(patterns.PROSE)


def name(text: str) -> str:
    """Give a name back.

    Raises:
        ValueError: it holds what cannot be seen or turns the writing round, or nothing to read.
    """
    if not _IN_NAME.match(text):
        raise ValueError("The name holds a character that cannot be seen.")
    if not _NAME.match(text):
        raise ValueError("The name needs a letter or a digit.")
    return text


def prose(text: str) -> str:
    """Give a text of several lines back.

    Raises:
        ValueError: it holds what cannot be seen, or turns the writing round.
    """
    if not _PROSE.match(text):
        raise ValueError("This holds a character that cannot be seen.")
    return text


def https_address(text: str) -> str:
    """Give a web address back that is reached by TLS.

    Raises:
        ValueError: it is none, or not as `web_address` wants it.
    """
    if not web_address(text).startswith("https://"):
        raise ValueError("It begins with https://, in small letters.")
    return text


def web_address(text: str) -> str:
    """Give the address of a web page back.

    Raises:
        ValueError: it is none, holds user information, or a character that no URL holds.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("This is no web address.") from error
    if parts.scheme not in ("http", "https") or not host:
        raise ValueError("A web address begins with https:// or http://, and names a host.")
    if "@" in parts.netloc:
        raise ValueError("Leave the user information out.")
    if (
        not text.isascii()
        or not text.isprintable()
        or not frozenset(' "<>\\^`{|}').isdisjoint(text)
    ):
        raise ValueError("It holds a character that a URL cannot hold; percent-encode it.")
    return text
