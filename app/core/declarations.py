"""Whether what the code declares fits itself and the database that it meets."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Engine, inspect

from app.core import policy_checks
from app.core.errors import Misdeclared
from app.core.policy import RowPolicy
from app.core.procedure import Catalogue
from app.core.rule import NEVER, Among, Both, Either, Empty, Held, Own, Related, Rule, Shared
from app.core.scopes import OF_ROLES, SCOPES

_OF_ALEMBIC = "alembic_version"


@dataclass(frozen=True, slots=True)
class Declarations:
    """What one application declares: its procedures, and which rows are whose.

    `unreachable` are the tables that have no policy on purpose: no procedure finds them.
    """

    catalogue: Catalogue
    policies: Mapping[str, RowPolicy]
    unreachable: Collection[str]

    def faults(self, engine: Engine, roles: Mapping[str, frozenset[str]]) -> Iterator[str]:
        """Give what does not fit, a line each; `roles` are the scopes of each role."""
        yield from self.faults_of_policies()
        yield from self.faults_of_rows(engine)
        yield from _faults_of_roles(roles)
        yield from self._faults_of_procedures(frozenset().union(*roles.values()))

    def check(self) -> None:
        """Refuse policies that can't be served, whatever the database holds.

        Raises:
            Misdeclared: they form a circle, a scope opens others' rows and isn't an admin scope,
                or a public procedure finds no rows.
        """
        for fault in self.faults_of_policies():
            raise Misdeclared(fault)

    def faults_of_policies(self) -> Iterator[str]:
        """Yield what is wrong with the policies by themselves, a line each."""
        return policy_checks.faults(self.catalogue, self.policies)

    def faults_of_scopes(self) -> Iterator[str]:
        """Yield the scopes that grant nothing: a policy opens rows to calls that require one."""
        required = {scope for item in self.catalogue for scope in item.scopes}
        for scope in OF_ROLES:
            if scope not in required:
                yield f"scope {scope}: it grants nothing, since no procedure requires it"

    def faults_of_rows(self, engine: Engine) -> Iterator[str]:
        """Give which tables and row policies do not fit: with one of these nothing is served."""
        columns = _columns_in(engine)
        yield from self._faults_of_tables(columns)
        for name, policy in self.policies.items():
            yield from _faults_of_policy(name, policy, columns)

    def _faults_of_tables(self, columns: Mapping[str, frozenset[str]]) -> Iterator[str]:
        declared = {*self.policies, *self.unreachable}
        for name in sorted(declared - columns.keys()):
            yield f"table {name}: it is declared, and not in the database"
        for name in sorted(self.unreachable & self.policies.keys()):
            yield f"table {name}: it is named as unreachable, and has a policy"
        for name in sorted(columns.keys() - declared - {_OF_ALEMBIC}):
            yield f"table {name}: it has no policy, and is not named as unreachable"

    def _faults_of_procedures(self, held: frozenset[str]) -> Iterator[str]:
        for item in self.catalogue:
            if not item.public and not item.is_open_to(held):
                missing = " ".join(sorted(set(item.scopes) - held))
                yield f"procedure {item.name}: no role holds {missing}"
            for table in item.touches:
                if table not in self.policies:
                    yield f"procedure {item.name}: it touches {table}, which has no policy"


def _columns_in(engine: Engine) -> dict[str, frozenset[str]]:
    found = inspect(engine)
    return {
        table: frozenset(column["name"] for column in found.get_columns(table))
        for table in found.get_table_names()
    }


def _faults_of_policy(
    name: str, policy: RowPolicy, columns: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    where = f"table {name}: its policy"
    if policy.select is NEVER and policy.insert is NEVER:
        yield f"table {name}: its policy shows no row to anybody; name it as unreachable"
    for change in policy.changes:
        yield from _faults_of_column(where, name, change.column, columns)
    for rule in policy.rules:
        yield from _faults_of_rule(where, rule, name, columns)


def _faults_of_rule(
    where: str, rule: Rule, table: str, columns: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    match rule:
        case Own(column) | Among(column) | Empty(column):
            yield from _faults_of_column(where, table, column, columns)
        case Held(scope):
            if scope not in SCOPES:
                yield f"{where} names the unknown scope {scope}"
        case Shared(other, row_column, user_column, key):
            yield from _faults_of_column(where, table, key, columns)
            yield from _faults_of_column(where, other, row_column, columns)
            yield from _faults_of_column(where, other, user_column, columns)
        case Related(other, column, key, narrower):
            yield from _faults_of_column(where, table, column, columns)
            yield from _faults_of_column(where, other, key, columns)
            if narrower:
                yield from _faults_of_rule(where, narrower, other, columns)
        case Either(rules) | Both(rules):
            for part in rules:
                yield from _faults_of_rule(where, part, table, columns)


def _faults_of_column(
    where: str, table: str, column: str, columns: Mapping[str, frozenset[str]]
) -> Iterator[str]:
    if column not in columns.get(table, frozenset()):
        yield f"{where} names the column {table}.{column}, which is not in the database"


def _faults_of_roles(roles: Mapping[str, frozenset[str]]) -> Iterator[str]:
    for name, held in roles.items():
        for scope in sorted(held - SCOPES.keys()):
            yield f"role {name}: it holds the unknown scope {scope}"
