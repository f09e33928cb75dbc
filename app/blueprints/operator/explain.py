"""Why a call of somebody's would be allowed or refused, as text."""

from collections.abc import Iterator
from typing import cast

from app.blueprints.road import pipeline
from app.core.explanation import Explanation, Rows
from app.core.pipeline import parse
from app.extensions import ROWS, db
from app.identity.explain import explained
from app.procedures.cases import Question


def told(procedure: str, user: str, client_id: str | None) -> str:
    """Give the explanation of a call as text.

    Raises:
        InvalidInput: what was given cannot be meant.
    """
    asked = {"procedure": procedure, "user": user, "client_id": client_id}
    given = cast("Question", parse(pipeline().find("explanations.get"), asked))
    found = explained(db.engine, db.engines[ROWS], pipeline().catalogue, given)
    return "\n".join((*_steps(found), *(line for rows in found.rows for line in _rows(rows))))


def _steps(found: Explanation) -> Iterator[str]:
    yield found.verdict
    yield ""
    for step in found.steps:
        yield f"{'NO' if step.code else 'ok':3} {step.name:15} {step.says}"
        for part in step.parts:
            yield f"{'':20}{part.source}: {' '.join(part.scopes) or 'nothing'}"


def _rows(rows: Rows) -> Iterator[str]:
    yield ""
    yield f"Rows of {rows.table}" + (f": {rows.found} found" if rows.found else "")
    for way in rows.ways:
        yield f"{way.rows or '-':>18}  {way.words}"
    for verb, ways in rows.writing.items():
        yield f"  to {verb}: {'; or '.join(ways)}"
    if rows.kept:
        yield f"  in a change: {'; '.join(rows.kept)}"
