"""What somebody entered in a form before they were signed out: sealed in the sign-in page.

The server keeps nothing. Who holds the sealed text can neither read nor change it, and it fills
in a form for the account whose page it was typed on, and for no other.
"""

import json
import time
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import asdict, dataclass

from flask import request, url_for

from app.core import sealing
from app.extensions import settings

# Bytes of names and values together: task notes of 4,000 characters fit several times.
MAX_BYTES = 64 * 1024
TTL_SECONDS = 24 * 3600
_PURPOSE = "entries of a form"
_NEVER_SAVED = ("password", "secret")
_OF_THE_PAGE = frozenset({"account", "csrf_token", "saved"})


@dataclass(frozen=True, slots=True)
class SavedForm:
    """A form's entries: where it is sent, the page it is on, whose page that was."""

    action: str
    page: str
    account: str
    entries: tuple[tuple[str, str], ...]

    def sealed(self) -> str:
        """Return it as text for a hidden field, which only this server can open."""
        plain = json.dumps({**asdict(self), "at": int(time.time())}).encode()
        return urlsafe_b64encode(sealing.seal(_key(), zlib.compress(plain))).decode()


def from_request(page: str) -> SavedForm:
    """Return what the request's form holds; nothing of it where that is too much to keep."""
    entries = tuple(
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in _OF_THE_PAGE and not any(part in name for part in _NEVER_SAVED)
    )
    size = sum(len(name.encode()) + len(value.encode()) for name, value in entries)
    saved_entries = entries if size <= MAX_BYTES else ()
    action = url_for(request.endpoint or "home.index", **(request.view_args or {}))
    return SavedForm(action, page, account_in_form(), saved_entries)


def account_in_form() -> str:
    """Return whose page the request's form was on, as the page wrote it into the form."""
    return request.form.get("account", "")[:254]


def unsealed(text: str) -> SavedForm | None:
    """Return a saved form; None where the text is not ours, was changed, or is too old."""
    try:
        plain = sealing.opened(_key(), urlsafe_b64decode(text.encode()))
    except (ValueError, sealing.Unsealed):
        return None
    values = json.loads(zlib.decompress(plain))
    if time.time() - values.pop("at") > TTL_SECONDS:
        return None
    entries = tuple((name, value) for name, value in values.pop("entries"))
    return SavedForm(**values, entries=entries)


def _key() -> bytes:
    return sealing.key_for(_PURPOSE, settings().secret_key)
