"""How long what a client gets lasts: what an admin set for it, or the default."""

from dataclasses import dataclass

from app.models.lifetimes import DEFAULTS


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """Of one client, in seconds.

    A refresh token ends when it was idle for so long, and at the latest so long after the
    person's consent, however often it was renewed.
    """

    access_token: int
    refresh_token_idle: int
    refresh_token: int
    code: int
    device_code: int


def of(
    access: int | None, idle: int | None, refresh: int | None, code: int | None, device: int | None
) -> Lifetimes:
    """Give the lifetimes of a client's row, in the order of its columns."""
    return Lifetimes(
        access_token=access or DEFAULTS["access_token_lasts"],
        refresh_token_idle=idle or DEFAULTS["refresh_token_idles"],
        refresh_token=refresh or DEFAULTS["refresh_token_lasts"],
        code=code or DEFAULTS["code_lasts"],
        device_code=device or DEFAULTS["device_code_lasts"],
    )
