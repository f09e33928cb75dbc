"""The `WWW-Authenticate` challenge that a protected resource answers with (RFC 6750 §3)."""

from collections.abc import Iterable

from app.core.errors import ScopeMissing
from app.core.resource import Resources
from app.core.scopes import BASIC, render
from app.oauth.signatures import ALGORITHMS


def token_wanted(
    resources: Resources,
    entrance: str,
    fault: str | None = None,
    *,
    is_dpop: bool = False,
    error: str = "invalid_token",
) -> str:
    """Give the challenge of a 401; `fault` says what is wrong with the token, if one was sent.

    One about a token's key is of the scheme DPoP (RFC 9449 §7.1).

    RFC 6750 §3.1: a request without a token is told how to get one, and of no error.
    """
    challenge = _bearer(
        resources,
        entrance,
        error=None if fault is None else error,
        description=fault,
        scopes=BASIC,
    )
    if not is_dpop:
        return challenge
    return f'DPoP algs="{" ".join(ALGORITHMS)}", ' + challenge.removeprefix("Bearer ")


def scope_wanted(
    resources: Resources,
    entrance: str,
    missing: ScopeMissing,
    *,
    token_scopes: Iterable[str] = (),
) -> str:
    """Give the challenge of a 403: it names all scopes that the call needs, at once.

    `token_scopes` are named, too, for clients that ask for exactly what the challenge says.
    """
    return _bearer(
        resources,
        entrance,
        error=missing.code,
        description=missing.message,
        scopes={*missing.needed, *token_scopes},
    )


def _bearer(
    resources: Resources,
    entrance: str,
    *,
    error: str | None,
    description: str | None,
    scopes: Iterable[str],
) -> str:
    parameters = {
        "error": error,
        "error_description": description,
        "scope": render(scopes),
        "resource_metadata": resources.metadata_url(entrance),
    }
    return "Bearer " + ", ".join(
        f'{name}="{value}"' for name, value in parameters.items() if value
    )
