"""Explaining a call to the operator: found by the system, counted as the person."""

from sqlalchemy import Engine

from app.core.counting import Counting
from app.core.explanation import Explanation
from app.core.procedure import Catalogue
from app.core.system import acting_as_system
from app.procedures import cases, explanations
from app.procedures.cases import Question


def explained(
    system: Engine, guarded: Engine, catalogue: Catalogue, given: Question
) -> Explanation:
    """Give why a call would be allowed or refused."""
    with acting_as_system(system, "explain a call", reads=True) as session:
        case = cases.found(session, catalogue, given)
    return explanations.explained(case, Counting(guarded))
