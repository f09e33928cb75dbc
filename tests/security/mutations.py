"""Each line of a row policy taken away, one at a time: what is left must be found out.

A line is an argument or an element in what `app/models` declares, a statement that guards a
SQLite connection, or one that makes a policy on a PostgreSQL server.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from app.core import sqlite_guard
from app.core.policy import RowPolicy
from app.core.postgres_rows import ServerPolicies
from app.core.sqlite_guard import RowGuard
from app.extensions import Model
from app.models import (
    ROW_POLICIES,
    audit,
    banned_host,
    client,
    grant,
    organization,
    signing,
    task,
    user,
)
from app.models import workspace as settings

_MODULES = (user, organization, task, client, grant, signing, settings, audit, banned_host)


@dataclass(frozen=True, slots=True)
class Mutant:
    """Policies without one line; those alone that are others for it."""

    line: str
    policies: Mapping[str, RowPolicy]


@dataclass(frozen=True, slots=True)
class GuardMutant:
    """A guard without one of the statements that make it, and the table that it is about."""

    statement: str
    table: str
    guard: RowGuard


def of_policies() -> Iterator[Mutant]:
    """Give what is declared, without one argument or element."""
    for module in _MODULES:
        for place, said in enumerate(_assignments(module)):
            for line, mutated in _without_a_part(said):
                try:
                    policies = _policies(module, place, mutated)
                except (TypeError, AttributeError, IndexError):
                    # Without it the app does not start.
                    continue
                if policies or _declares_a_policy(module, said):
                    yield Mutant(f"{module.__name__}:{line}", policies)


def of_the_guard(policies: Mapping[str, RowPolicy]) -> Iterator[GuardMutant]:
    """Give the guard of a SQLite connection without one view or trigger."""
    whole = list(sqlite_guard._statements(Model.metadata, policies, ""))
    for place, statement in enumerate(whole):
        guard = RowGuard(Model.metadata, policies)
        made = list(sqlite_guard._statements(Model.metadata, policies, guard._seal))
        del made[place]
        guard._script = ";\n".join(made) + ";"
        yield GuardMutant(statement.partition(" WHEN ")[0], _table(statement), guard)


def of_the_server(name: str) -> Iterator[str]:
    """Give what takes one thing about a table away from a PostgreSQL server."""
    for statement in ServerPolicies(Model.metadata, ROW_POLICIES)._statements[name]:
        action, kind, what = statement.split()[:3]
        if action == "CREATE":
            yield f"DROP {kind} {what} ON {name}"
        elif "FORCE" in statement:
            yield f"ALTER TABLE {name} NO FORCE ROW LEVEL SECURITY"
        else:
            yield f"ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"


def _table(statement: str) -> str:
    """Give the table that a view hides, or that a trigger watches."""
    words = statement.split()
    return words[3] if words[2] == "VIEW" else words[words.index("ON") + 1].removeprefix("main.")


def _assignments(module: ModuleType) -> list[ast.Assign]:
    tree = ast.parse(inspect.getsource(module))
    return [each for each in tree.body if isinstance(each, ast.Assign)]


def _without_a_part(said: ast.Assign) -> Iterator[tuple[str, ast.Assign]]:
    """Give the assignment without each argument of a call, and each element of a list."""
    for number, node in enumerate(ast.walk(said)):
        for name in ("args", "keywords", "elts"):
            for place, part in enumerate(getattr(node, name, ())):
                mutated = deepcopy(said)
                del getattr(_nth(mutated, number), name)[place]
                yield f"{part.lineno} without {ast.unparse(part)}", mutated


def _nth(tree: ast.AST, number: int) -> ast.AST:
    return list(ast.walk(tree))[number]


def _policies(module: ModuleType, place: int, mutated: ast.Assign) -> dict[str, RowPolicy]:
    """Give the policies that differ where an assignment is another, and those after it follow."""
    names: dict[str, Any] = dict(vars(module))
    following: list[ast.stmt] = [mutated, *_assignments(module)[place + 1 :]]
    code = compile(ast.Module(following, []), module.__file__ or "", "exec")
    exec(code, names)  # noqa: S102 - the source is ours
    return {
        table: names[name]
        for name, declared in vars(module).items()
        for table, policy in ROW_POLICIES.items()
        if declared is policy and names[name] != policy
    }


def _declares_a_policy(module: ModuleType, said: ast.Assign) -> bool:
    return isinstance(getattr(module, ast.unparse(said.targets[0])), RowPolicy)
