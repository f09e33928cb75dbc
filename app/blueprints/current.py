"""The organization that pages are about at the moment: what they show first, never a right."""

from contextlib import suppress
from dataclasses import dataclass

from flask import session

from app.blueprints.pages import call_all, may
from app.core.errors import CallError
from app.procedures.organizations import OrganizationOut

_CHOSEN = "organization"


@dataclass(frozen=True, slots=True)
class Belonging:
    """The organizations that a person is in, and the one that pages are about."""

    organizations: list[OrganizationOut]

    @property
    def current(self) -> OrganizationOut | None:
        """The one that the person chose, as long as they are in it; else the first."""
        chosen = (each for each in self.organizations if each.id == session.get(_CHOSEN))
        return next(chosen, self.organizations[0] if self.organizations else None)


def belonging() -> Belonging:
    """Give what the person in front of the page belongs to; nothing where it cannot be told."""
    organizations: list[OrganizationOut] = []
    # It stands on every page, also on the one that says what was refused.
    if may("organizations:view"):
        with suppress(CallError):
            organizations = call_all("organizations.list")
    return Belonging(organizations)


def choose(organization_id: str) -> None:
    """Let pages be about another of the person's organizations; what is none of theirs is not."""
    if any(each.id == organization_id for each in belonging().organizations):
        session[_CHOSEN] = organization_id
