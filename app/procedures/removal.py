"""Deleting a row that the caller may see, and perhaps not delete."""

import sqlalchemy

from app.core.errors import NotFound
from app.core.procedure import Call
from app.extensions import Model


def delete(call: Call, row: Model) -> None:
    """Delete a row.

    Raises:
        NotFound: the row policy let the deletion touch nothing; the ORM would only warn.
    """
    call.session.flush()
    mapper = sqlalchemy.inspect(type(row))
    values = mapper.primary_key_from_instance(row)
    key = (column == value for column, value in zip(mapper.primary_key, values, strict=True))
    gone = call.session.connection().execute(sqlalchemy.delete(mapper).where(*key))
    if not gone.rowcount:
        raise NotFound("There is no such row for you to change.")
    call.session.expunge(row)
