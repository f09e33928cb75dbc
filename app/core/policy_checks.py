"""What is wrong with row policies by themselves, before any database is asked."""

from collections.abc import Iterable, Iterator, Mapping

from app.core.policy import Gated, RowPolicy
from app.core.procedure import AnyProcedure
from app.core.rule import (
    Always,
    Among,
    Both,
    Either,
    Empty,
    Held,
    Never,
    Own,
    Related,
    Rule,
    Shared,
)
from app.core.rule_facts import facts_of, sufficient_scopes
from app.core.scopes import SCOPES, Risk

Policies = Mapping[str, RowPolicy]


def faults(procedures: Iterable[AnyProcedure], policies: Policies) -> Iterator[str]:
    """Yield what is wrong, a line each; where policies form a circle, nothing else can be told."""
    circles = list(cycles(policies))
    yield from circles
    if not circles:
        yield from low_risks(policies)
        yield from public_without_rows(procedures, policies)


def cycles(policies: Policies) -> Iterator[str]:
    """Yield each circle in which policies ask about one another's rows, a line each.

    SQLite finds such views "circularly defined", PostgreSQL an "infinite recursion", and both
    only at the first statement.
    """
    asked = {
        name: sorted(facts_of(policy.rules).tables & policies.keys())
        for name, policy in policies.items()
    }
    reported: set[frozenset[str]] = set()
    for name in asked:
        path = _path_back(name, asked)
        if path and frozenset(path) not in reported:
            reported.add(frozenset(path))
            yield (
                f"row policies form a circle: {' → '.join(path)}. "
                "Let one of them read the other's table with SharedWith"
            )


def _path_back(start: str, asked: Mapping[str, list[str]]) -> list[str] | None:
    """Return the shortest path from a table back to it."""
    paths, seen = [[start]], set[str]()
    for path in paths:
        for name in asked.get(path[-1], ()):
            if name == start:
                return [*path, name]
            if name not in seen:
                seen.add(name)
                paths.append([*path, name])
    return None


def low_risks(policies: Policies) -> Iterator[str]:
    """Yield each scope that opens other people's rows and is not declared as an admin scope."""
    for scope, what in dict(_openings(policies)).items():
        if scope in SCOPES and SCOPES[scope].risk is not Risk.ADMIN:
            yield f"scope {scope}: it {what}, so its risk must be admin"


def _openings(policies: Policies) -> Iterator[tuple[str, str]]:
    for name, policy in policies.items():
        for rule in _readings(policy):
            for scope in sorted(sufficient_scopes(rule)):
                yield scope, f"reads every row of {name}"
        for rule in (policy.insert, policy.update, policy.delete):
            for scope in sorted(sufficient_scopes(rule)):
                yield scope, f"writes every row of {name}"


def _readings(policy: RowPolicy) -> Iterable[Rule]:
    """Return the rules that may open other people's rows.

    Where a scope alone gates a table, its rows are nobody's.
    """
    if not policy.patterns:
        return (policy.select,)
    if all(isinstance(pattern, Gated) for pattern in policy.patterns):
        return ()
    return (pattern.reading() for pattern in policy.patterns)


def public_without_rows(procedures: Iterable[AnyProcedure], policies: Policies) -> Iterator[str]:
    """Yield each public procedure with a table of which anonymous callers see no row."""
    for item in procedures:
        for table in item.touches if item.public else ():
            if table in policies and not _may_be_read(table, policies):
                yield (
                    f"procedure {item.name}: it is public, and anonymous callers can't read "
                    f"{table}. Give the policy of {table} the pattern Everyone(reads=True)"
                )


def _may_be_read(table: str, policies: Policies) -> bool:
    policy = policies.get(table)
    return policy is not None and _may_hold(policy.select, policies)


def _may_hold(rule: Rule, policies: Policies) -> bool:
    """Whether a rule may hold for a caller without a credential, for all that can be told."""
    match rule:
        case Never() | Own() | Held() | Among() | Shared():
            return False
        case Always() | Empty():
            return True
        case Related(table, rule=narrower):
            may_narrow = narrower is None or _may_hold(narrower, policies)
            return may_narrow and _may_be_read(table, policies)
        case Either(rules):
            return any(_may_hold(part, policies) for part in rules)
        case Both(rules):
            return all(_may_hold(part, policies) for part in rules)
        case _:
            # A team's own rule may hold for rows that say so themselves.
            return True
