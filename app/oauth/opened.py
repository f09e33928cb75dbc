"""What scopes would open right now, in numbers: what the consent pages tell a person."""

from sqlalchemy import Engine

from app.core.counting import Counting, in_digits
from app.core.principal import Channel, Principal
from app.core.procedure import Catalogue
from app.extensions import Model
from app.models import ROW_POLICIES

# What the procedures of a noun are about: its table, one of it, several of it.
_NOUNS = {
    "tasks": ("task", "task", "tasks"),
    "projects": ("project", "project", "projects"),
    "teams": ("team", "team", "teams"),
    "organizations": ("organization", "organization", "organizations"),
}


class Opened:
    """Counts, as the person, what a client would find with scopes of theirs."""

    def __init__(self, catalogue: Catalogue, guarded: Engine) -> None:
        self._catalogue = catalogue
        self._counting = Counting(guarded)

    def by(self, scopes: frozenset[str], principal: Principal) -> list[str]:
        """Give what the scopes open, a number and a noun each; what takes long is left out."""
        told = (self._told(noun, scopes, principal) for noun in _NOUNS)
        return [each for each in told if each]

    def _told(self, noun: str, scopes: frozenset[str], principal: Principal) -> str | None:
        named = self._named(noun, scopes)
        if not named:
            return None
        name, one, several = _NOUNS[noun]
        table = Model.metadata.tables[name]
        count = self._counting.found(principal, named, table, ROW_POLICIES[name])
        if count is None:
            return None
        return f"{in_digits(count) if count else 'no'} {one if count == 1 else several}"

    def _named(self, noun: str, scopes: frozenset[str]) -> frozenset[str]:
        """Give which of the scopes a client's calls about a noun would act with."""
        return frozenset(
            scope
            for item in self._catalogue
            if item.noun == noun and item.channels - {Channel.BROWSER} and item.is_open_to(scopes)
            for scope in item.scopes
            if scope in scopes
        )
