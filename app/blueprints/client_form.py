"""The forms with which people register an OAuth client, and delete one."""

from typing import Any

from flask import request

_TEXTS = ("name", "description", "kind")


def given_client() -> dict[str, Any]:
    """Give what the form says about the client; its empty redirect URIs were not meant."""
    sent = {name: request.form[name] for name in _TEXTS if name in request.form}
    uris = [uri.strip() for uri in request.form.getlist("redirect_uris")]
    return {**sent, "redirect_uris": [uri for uri in uris if uri]}


def is_confirmed(name: str) -> bool:
    """Tell whether the person typed the name of what they are about to delete."""
    return request.form.get("typed", "").strip() == name
