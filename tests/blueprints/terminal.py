"""What an operator types and reads, and what the database holds after it."""

from collections.abc import Callable

from click.testing import Result
from sqlalchemy import text

from app.extensions import db

Run = Callable[..., Result]


def refused(result: Result) -> str:
    """Give the one line with which a command was refused."""
    assert result.exit_code == 1, result.output
    assert isinstance(result.exception, SystemExit)
    [line] = result.output.splitlines()
    assert line.startswith("Error: ")
    return line


def count(query: str) -> int:
    with db.engine.connect() as connection:
        return int(connection.execute(text(query)).scalar_one())
