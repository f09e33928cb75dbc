"""The roles that there are."""

from collections.abc import Iterator

from sqlalchemy import Engine, func, select

from app.core.scopes import ADMIN
from app.core.system import acting_as_system
from app.models.user import Role, RoleScope


def held(engine: Engine) -> dict[str, frozenset[str]]:
    """Give the scopes of each role, by its name."""
    with acting_as_system(engine, "read the roles", reads=True) as session:
        roles = session.execute(select(Role.id, Role.name).order_by(Role.id)).all()
        scopes = session.execute(select(RoleScope.role_id, RoleScope.scope)).all()
    return {
        name: frozenset(scope for role_id, scope in scopes if role_id == key)
        for key, name in roles
    }


def faults(engine: Engine) -> Iterator[str]:
    """Give what is wrong with the roles themselves, a line each."""
    with acting_as_system(engine, "read the roles", reads=True) as session:
        defaults = session.scalar(select(func.count()).where(Role.is_default))
        admins = session.scalars(select(Role.name).where(Role.is_admin)).all()
    if defaults != 1:
        yield f"roles: {defaults} of them are the default; let it be one"
    if not admins:
        yield "roles: none of them is the admins'"
    scopes = held(engine)
    for name in admins:
        for scope in sorted(frozenset(ADMIN) - scopes[name]):
            yield f"role {name}: it is the admins', and lacks {scope}"
