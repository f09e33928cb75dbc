"""The roles that there are."""

from sqlalchemy import Engine, select

from app.core.system import acting_as_system
from app.models.user import Role, RoleScope


def held(engine: Engine) -> dict[str, frozenset[str]]:
    """Give the scopes of each role, by its name."""
    with acting_as_system(engine, "read the roles") as session:
        roles = session.execute(select(Role.id, Role.name).order_by(Role.id)).all()
        scopes = session.execute(select(RoleScope.role_id, RoleScope.scope)).all()
    return {
        name: frozenset(scope for role_id, scope in scopes if role_id == key)
        for key, name in roles
    }
