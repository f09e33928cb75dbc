"""The forms with which people register an OAuth client, change one, and delete one."""

from collections.abc import Sequence
from typing import Any

from flask import request

from app.core.scopes import ADMIN, SCOPES, grantable

_TEXTS = ("name", "description", "kind")
_CHANGED = ("name", "description", "client_uri", "id_token_signed_response_alg")
_OF_SECRET = ("label", "lasts_days", "others_end_hours")
_RULES = ("is_verified", "is_first_party", "is_trusted", "is_pkce_exempt")
_Options = list[tuple[str, str, str]]


def offered(*, is_trusted: bool = False) -> _Options:
    """Give what a client may ask people for, as forms offer it: name, sentence, name."""
    return _options(grantable(is_trusted=is_trusted))


def offered_on_trust() -> _Options:
    """Give what only a client that an admin trusts may ask for."""
    return _options(ADMIN)


def given_client() -> dict[str, Any]:
    """Give what the form says about the client; its empty redirect URIs were not meant."""
    sent = {name: request.form[name] for name in _TEXTS if name in request.form}
    return {**sent, "redirect_uris": _filled("redirect_uris")}


def given_changes(client_id: str) -> dict[str, Any]:
    """Give what the form says that a client is to be; a box without its tick is a no."""
    return {
        **{name: request.form[name] for name in _CHANGED if request.form.get(name)},
        "client_id": client_id,
        "redirect_uris": _filled("redirect_uris"),
        "post_logout_redirect_uris": _filled("post_logout_redirect_uris"),
        "scopes": request.form.getlist("scopes"),
        "required_scopes": request.form.getlist("required_scopes"),
        "dpop_bound_access_tokens": "dpop_bound_access_tokens" in request.form,
    }


def given_rules(client_id: str, lifetimes: Sequence[str]) -> dict[str, Any]:
    """Give what the form sets about a client; an empty lifetime is the default one."""
    return {
        **{name: request.form[name] for name in lifetimes if request.form.get(name)},
        **{name: name in request.form for name in _RULES},
        "said": request.form.get("said"),
        "client_id": client_id,
        "scopes": request.form.getlist("scopes"),
    }


def given_secret(client_id: str) -> dict[str, str]:
    """Give what the form says about a secret to be added; an empty field says nothing."""
    sent = {name: request.form[name] for name in _OF_SECRET if request.form.get(name)}
    return {**sent, "client_id": client_id}


def is_confirmed(name: str) -> bool:
    """Tell whether the person typed the name of what they are about to delete."""
    return request.form.get("typed", "").strip() == name


def _options(names: Sequence[str]) -> _Options:
    return [(name, SCOPES[name].sentence, name) for name in names]


def _filled(name: str) -> list[str]:
    return [value.strip() for value in request.form.getlist(name) if value.strip()]
