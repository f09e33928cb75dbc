"""Who is calling, through what, and how far they may go."""

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How the credential reached us."""

    BROWSER = "browser"
    API = "api"
    MCP = "mcp"


@dataclass(frozen=True, slots=True)
class Principal:
    """The answer of the identity step; every later step reads only this.

    `scopes` is what this credential may do now: scopes of the client, of the grant and of
    the user's roles, intersected. `reach` is what the user's roles allow at the most; of it a
    wider consent could open `openable` to the client. The ids are of the organizations that the
    user is in, of those that they look after, and of their teams.
    """

    channel: Channel
    user_id: int | None
    scopes: frozenset[str] = frozenset()
    reach: frozenset[str] = frozenset()
    openable: frozenset[str] = frozenset()
    client_id: str | None = None
    grant_id: int | None = None
    organizations: frozenset[int] = frozenset()
    managed: frozenset[int] = frozenset()
    teams: frozenset[int] = frozenset()

    @property
    def is_nobody(self) -> bool:
        """True where no credential was presented."""
        return self.user_id is None


def nobody(channel: Channel) -> Principal:
    """The principal of a request without a credential: no scopes, no rows."""
    return Principal(channel, None)
