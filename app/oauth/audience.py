"""Which resource a token is asked for, and may be issued for (RFC 8707)."""

from app.core.resource import Resources
from app.oauth.errors import InvalidTarget


def resource_asked(resources: Resources, asked: str | None) -> str | None:
    """Give what a request wants its token to be bound to; None is the whole app.

    Raises:
        InvalidTarget: there is no such resource.
    """
    if asked is None:
        return None
    try:
        return resources.audience(asked)
    except ValueError as error:
        raise InvalidTarget("There is no such resource here.") from error


def resource_within(resources: Resources, authorized: str | None, asked: str | None) -> str | None:
    """Give what a token is to be bound to: what was authorized, or less (RFC 8707 §2.2).

    Raises:
        InvalidTarget: there is no such resource, or it was not authorized.
    """
    if asked is None:
        return authorized
    wanted = resource_asked(resources, asked)
    if authorized not in (None, wanted):
        raise InvalidTarget("This resource was not authorized.")
    return wanted
