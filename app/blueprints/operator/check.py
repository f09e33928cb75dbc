"""Whether the code's declarations fit each other, the database and the roles in it."""

from collections.abc import Iterator

from app.blueprints.road import declarations, readiness
from app.extensions import db
from app.identity import roles


def faults() -> Iterator[str]:
    """Give what does not fit, a line each; of a database that is not ready, only that."""
    fault = readiness().fault()
    if fault:
        yield fault
        return
    yield from declarations().faults_of_scopes()
    yield from declarations().faults(db.engine, roles.held(db.engine))
    yield from roles.faults(db.engine)
