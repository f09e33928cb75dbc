"""What a question about a call is about: a procedure, a person, perhaps a client, as found."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.principal import Channel, Principal, nobody
from app.core.procedure import AnyProcedure
from app.core.rule import Circle


@dataclass(frozen=True, slots=True)
class Account:
    """A person's account: the scopes of each of their roles, and what they belong to, by name."""

    user_id: int
    email: str
    is_suspended: bool
    roles: Mapping[str, frozenset[str]]
    circles: Mapping[Circle, Mapping[int, str]]

    @property
    def scopes(self) -> frozenset[str]:
        """What their roles hold together."""
        return frozenset().union(*self.roles.values())

    def ids(self, circle: Circle) -> frozenset[int]:
        """Give the ids of what they belong to."""
        return frozenset(self.circles[circle])


@dataclass(frozen=True, slots=True)
class App:
    """An OAuth client, and each live grant by which it acts among the person's rows.

    By `consent` it does so for the person, by `service` for itself, as theirs.
    """

    client_id: str
    name: str
    is_revoked: bool
    scopes: frozenset[str]
    consent: frozenset[str] | None
    service: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class Case:
    """What was asked about, and what was found of it."""

    name: str
    email: str
    client_id: str | None
    procedure: AnyProcedure | None
    account: Account | None
    app: App | None

    @property
    def names(self) -> dict[Circle, tuple[str, ...]]:
        """What the person belongs to, by name."""
        circles = self.account.circles if self.account else {}
        return {circle: tuple(sorted(ids.values())) for circle, ids in circles.items()}

    @property
    def channel(self) -> Channel:
        """How the call would come: from a page, or from a client by a way that is offered."""
        if self.client_id is None:
            return Channel.BROWSER
        offered = self.procedure.channels if self.procedure else frozenset()
        is_for_tools_alone = Channel.MCP in offered and Channel.API not in offered
        return Channel.MCP if is_for_tools_alone else Channel.API

    @property
    def granted(self) -> frozenset[str] | None:
        """What a token of the client's may hold: by the grant that does for the call, if one."""
        app, item = self.app, self.procedure
        if app is None or self.account is None:
            return None
        within = app.scopes & self.account.scopes
        grants = [each for each in (app.consent, app.service) if each is not None]
        does = (each for each in grants if item and item.is_open_to(each & within))
        return next(does, grants[0] if grants else None)

    @property
    def principal(self) -> Principal:
        """Who would be calling; nobody, where the credential would count for nothing.

        How far their reach is decides nothing about a call.
        """
        account, app, granted = self.account, self.app, self.granted
        if account is None or account.is_suspended:
            return nobody(self.channel)
        scopes = account.scopes
        if self.client_id is not None:
            if app is None or app.is_revoked or granted is None:
                return nobody(self.channel)
            scopes = granted & app.scopes & scopes
        return Principal(
            self.channel,
            account.user_id,
            scopes=scopes,
            client_id=self.client_id,
            organizations=account.ids(Circle.ORGANIZATIONS),
            managed=account.ids(Circle.MANAGED),
            teams=account.ids(Circle.TEAMS),
        )
