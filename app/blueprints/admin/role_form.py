"""The form of a role: what it may hold, by what that opens, and what the viewer may change."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from flask import request

from app.core.scopes import ADMIN, OF_ROLES, SCOPES, Risk, Scope
from app.identity.session import principal
from app.procedures.authority import passable
from app.procedures.roles import RoleOut


@dataclass(frozen=True, slots=True)
class Group:
    """What scopes of one risk have in common, in words."""

    risk: Risk
    title: str
    hint: str


GROUPS = (
    Group(Risk.READ, "See", "What they can look at."),
    Group(Risk.WRITE, "Change", "What they can add, change and delete."),
    Group(Risk.ADMIN, "Rule the workspace", "What belongs to everyone here. Give it sparingly."),
)


@dataclass(frozen=True, slots=True)
class Tick:
    """A scope on the form; one that `is_fixed` stays as it is, and the form may say why."""

    scope: Scope
    is_held: bool
    is_fixed: bool = False
    why: str = ""


def given_role() -> dict[str, Any]:
    """Give what the form says about a role."""
    sent = {name: request.form.get(name, "") for name in ("name", "description")}
    return {**sent, "scopes": request.form.getlist("scopes")}


def given_changes(role_id: str) -> dict[str, Any]:
    """Give what the form says that a role is to be; without its tick the default is as it was."""
    default = {"is_default": True} if "is_default" in request.form else {}
    return {**given_role(), **default, "role_id": role_id}


def ticks(wanted: Collection[str], role: RoleOut | None = None) -> list[tuple[Group, list[Tick]]]:
    """Give the scopes that a role can hold, by their risk; `wanted` have their tick."""
    by_risk: dict[Risk, list[Tick]] = {group.risk: [] for group in GROUPS}
    yours = passable(principal())
    for name in OF_ROLES:
        scope = SCOPES[name]
        by_risk[scope.risk].append(_tick(scope, name in wanted, yours, role))
    return [(group, by_risk[group.risk]) for group in GROUPS]


def _tick(scope: Scope, is_wanted: bool, yours: Collection[str], role: RoleOut | None) -> Tick:  # noqa: FBT001 - whether it has its tick
    is_held = role is not None and scope.name in role.scopes
    if role is not None and role.is_admin and scope.name in ADMIN:
        return Tick(scope, is_held, is_fixed=True)
    if scope.name not in yours:
        return Tick(scope, is_held, is_fixed=True, why="You do not hold it yourself.")
    return Tick(scope, is_wanted)
