"""Row policies in words: which rows a rule opens, and for a call of whom."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.core.policy import Change, RowPolicy
from app.core.rows import Acting
from app.core.rule import (
    ALWAYS,
    NEVER,
    Always,
    Among,
    Both,
    Circle,
    Either,
    Empty,
    Held,
    Never,
    Own,
    Related,
    Rule,
    Shared,
)

_MANY = 3
_CIRCLES = {
    Circle.ORGANIZATIONS: "their organizations",
    Circle.MANAGED: "the organizations that they look after",
    Circle.TEAMS: "their teams",
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose call the words are about.

    `named` are the scopes that the procedure names, `circles` what the person belongs to, by name.
    """

    acting: Acting
    named: frozenset[str]
    circles: Mapping[Circle, tuple[str, ...]]


def ways(policy: RowPolicy) -> Iterator[Rule]:
    """Give the ways in which a policy shows rows, in the order in which they are looked at."""
    if policy.patterns:
        yield from (pattern.reading() for pattern in policy.patterns)
    else:
        yield from either_of(policy.select)


def either_of(rule: Rule) -> tuple[Rule, ...]:
    """Give the rules of which one is enough."""
    return rule.rules if isinstance(rule, Either) and not _scopes(rule) else (rule,)


def keeping(change: Change, caller: Caller) -> str:
    """Give when a column may change, as a person would say it."""
    if NEVER in (change.before, change.after):
        return f"{change.column} stays as it is"
    before, after = words(change.before, caller), words(change.after, caller)
    return f"{change.column} changes in {before}" + ("" if before == after else f", to {after}")


def words(rule: Rule, caller: Caller) -> str:
    """Give which rows meet a rule, as a person would say it."""
    if rule in (ALWAYS, NEVER):
        return "every row" if rule == ALWAYS else "no row"
    if scopes := _scopes(rule):
        return f"every row, {_with(scopes, caller)}"
    if isinstance(rule, Both) and all(map(_scopes, rule.rules)):
        return f"every row, {' and '.join(_with(_scopes(part), caller) for part in rule.rules)}"
    return f"rows {_said(rule, caller)}"


def _said(rule: Rule, caller: Caller) -> str:
    match rule:
        case Related():
            return _related(rule, caller)
        case Either(rules):
            return "either " + " or ".join(_said(each, caller) for each in rules)
        case Both(rules):
            return _both(rules, caller)
        case Held(scope):
            return _with((scope,), caller)
        case _:
            return _of_row(rule, caller)


def _of_row(rule: Rule, caller: Caller) -> str:
    match rule:
        case Own(column):
            return f"that the person owns ({column})"
        case Empty(column):
            return f"without {column}"
        case Among(_, circle):
            names = ", ".join(caller.circles.get(circle, ())) or "none"
            return f"of {_CIRCLES[circle]} ({names})"
        case Shared(table, _, user_column):
            return f"that are shared with the person ({table}.{user_column})"
        case Always():
            return "of any kind"
        case Never():
            return "of no kind"
        case _:
            return _own_rule(rule)


def _own_rule(rule: Rule) -> str:
    """Describe a rule that is a team's own, by its name and the first line of its docstring."""
    name, lines = type(rule).__name__, (type(rule).__doc__ or "").strip().splitlines()
    # A dataclass without a docstring has its signature for one.
    has_docstring = bool(lines) and not lines[0].startswith(f"{name}(")
    return f"that match {name}" + (f": {lines[0].rstrip('.')}" if has_docstring else "")


def _related(rule: Related, caller: Caller) -> str:
    verb = "see" if rule.rule is None else "may change"
    if rule.key == "id":
        said = f"whose {rule.table} they {verb} ({rule.column})"
    else:
        said = f"that have a {rule.table} which they {verb} ({rule.table}.{rule.key})"
    if rule.rule is None:
        return said
    return f"{said}: {'; '.join(words(each, caller) for each in either_of(rule.rule))}"


def _both(rules: tuple[Rule, ...], caller: Caller) -> str:
    plain = [_said(rule, caller) for rule in rules if not _scopes(rule)]
    gates = [_with(_scopes(rule), caller) for rule in rules if _scopes(rule)]
    return ", ".join([" and ".join(plain), *gates])


def _scopes(rule: Rule) -> tuple[str, ...]:
    """Give the scopes of which a rule asks for one, where it asks for nothing else."""
    match rule:
        case Held(scope):
            return (scope,)
        case Either(rules):
            found = [_scopes(each) for each in rules]
            return tuple(scope for each in found for scope in each) if all(found) else ()
        case _:
            return ()


def _with(scopes: tuple[str, ...], caller: Caller) -> str:
    held = [scope for scope in scopes if scope in caller.acting.scopes]
    if held:
        state = "held" if len(scopes) == 1 else f"{' and '.join(held)} held"
    elif caller.named.isdisjoint(scopes):
        state = "not named by this procedure"
    else:
        state = "not held"
    return f"with {_one_of(scopes)}: {state}"


def _one_of(scopes: tuple[str, ...]) -> str:
    return " or ".join(scopes) if len(scopes) < _MANY else f"one of {', '.join(scopes)}"
