"""Who acts in the plain-Python model, and what a policy is there."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

from tests.security.tables import Row, Tables


@dataclass(frozen=True, slots=True)
class Who:
    """Who acts, a person or nobody, with which scopes, and among which rows.

    What they belong to is what it was when the call began.
    """

    user: int | None
    scopes: frozenset[str]
    among: Tables
    began: Tables
    policies: "Mapping[str, Policy]"

    def is_me(self, user: int | None) -> bool:
        """Tell whether this is the person."""
        return user is not None and user == self.user

    def may(self, *scopes: str) -> bool:
        """Tell whether the call has one of these scopes."""
        return not self.scopes.isdisjoint(scopes)

    def is_in(self, organization: int | None, **standing: str) -> bool:
        """Tell whether the person is in an organization."""
        mine = {"organization_id": organization, "user_id": self.user, **standing}
        memberships = self.began["membership"].values()
        return any(mine.items() <= each.items() for each in memberships)

    def manages(self, organization: int | None) -> bool:
        """Tell whether the person looks after an organization."""
        return self.is_in(organization, standing="manager")

    def is_in_team(self, team: int | None) -> bool:
        """Tell whether the person is in a team."""
        members = self.began["team_member"].values()
        return any(self.is_me(each["user_id"]) and each["team_id"] == team for each in members)

    def sees_one(self, name: str, **having: object) -> bool:
        """Tell whether the person sees a row of a table that has these values."""
        return any(
            having.items() <= row.items() and self.policies[name].sees(self, row)
            for row in self.among[name].values()
        )

    def changes_one(self, name: str, key: object) -> bool:
        """Tell whether the person may see and change the row with this key."""
        row = self.among[name].get((key,))
        policy = self.policies[name]
        return row is not None and policy.sees(self, row) and policy.changes(self, row)

    def after(self, tables: Tables) -> Self:
        """Give who this is once the call has done something."""
        return replace(self, among=tables)


Says = Callable[[Who, Row], bool]


def nobody(_who: Who, _row: Row) -> bool:
    """Say that nobody may."""
    return False


def anybody(_who: Who, _before: Row, _after: Row) -> bool:
    """Say that whoever may change the row may change this of it."""
    return True


@dataclass(frozen=True, slots=True)
class Policy:
    """Who sees, adds, changes and deletes a row of one table, and which columns it keeps."""

    sees: Says
    adds: Says = nobody
    changes: Says = nobody
    deletes: Says = nobody
    keeps: frozenset[str] = frozenset()
    moves: Callable[[Who, Row, Row], bool] = anybody


class _Anything(dict[str, Policy]):
    def __missing__(self, name: str) -> Policy:
        return _ALL


def _always(_who: Who, _row: Row) -> bool:
    return True


_ALL = Policy(_always, _always, _always, _always)


def the_system(tables: Tables) -> Who:
    """Give the system, which may do anything."""
    return Who(None, frozenset(), tables, tables, _Anything())
