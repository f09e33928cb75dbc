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

    The whole app is all of its own resources, and none of others.

    Raises:
        InvalidTarget: there is no such resource, not any more, or it was not authorized.
    """
    wanted = resource_asked(resources, authorized if asked is None else asked)
    if wanted != authorized and not (authorized is None and resources.is_own(wanted)):
        raise InvalidTarget("This resource was not authorized.")
    return wanted
