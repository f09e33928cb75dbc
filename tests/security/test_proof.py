"""One policy, two engines, the same answer: both are held against a model in plain Python."""

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from app.models import ROW_POLICIES
from tests.security import proof
from tests.security.machine import Town
from tests.security.model import POLICIES
from tests.security.town import made
from tests.security.twins import Twin

# The same towns in every run: what is found is found by everybody. `make soak` has more of them.
TOWNS = 10 * int(os.environ.get("SOAK", "1"))
BUDGET = settings(
    max_examples=2,
    stateful_step_count=20,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_the_model_tells_of_every_guarded_table() -> None:
    assert set(POLICIES) == set(ROW_POLICIES)


@pytest.mark.parametrize("name", ROW_POLICIES)
def test_whatever_one_tries_on_a_table_ends_as_the_model_says(twin: Twin, name: str) -> None:
    town = made()
    twin.fill(town)
    assert list(proof.disagreements(twin, town, name, ROW_POLICIES[name])) == []


@pytest.mark.parametrize("number", range(TOWNS))
def test_whatever_happens_in_a_town_both_databases_and_the_model_agree(
    twins: tuple[Twin, Twin], number: int
) -> None:
    @seed(number)
    class ThisTown(Town):
        def __init__(self) -> None:
            super().__init__(twins, number)

    run_state_machine_as_test(ThisTown, settings=BUDGET)
