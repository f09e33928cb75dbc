"""Acting for anybody, by their address and without a credential: for the operator's demo alone."""

from sqlalchemy import Engine, select

from app.core.errors import NotFound
from app.core.principal import Principal
from app.core.system import acting_as_system
from app.identity.held import HELD, person
from app.models.user import User


def principal_of(engine: Engine, email: str) -> Principal:
    """Give a person as if they sat in front of a page.

    Raises:
        NotFound: there is no such account.
    """
    with acting_as_system(engine, "act for a person", reads=True) as session:
        row = session.execute(select(User.id, *HELD).where(User.email == email)).one_or_none()
    if row is None:
        raise NotFound(f"There is no user {email!r}.")
    user_id, *held = row
    return person(user_id, held)
