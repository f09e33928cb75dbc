"""A state machine: a town in which people and the system do what comes to mind.

Each thing is done on the plain-Python model and on each database, and they must agree on who
sees what, on what becomes of it, and on every row that is there afterwards.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from random import Random

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.security import draws
from tests.security.fates import Outcome, Statement, seen
from tests.security.lines import lines
from tests.security.model import POLICIES
from tests.security.tables import Tables
from tests.security.twins import Twin
from tests.security.who import Who, the_system

_SEEDS = st.integers(0, 2**24 - 1)


class Town(RuleBasedStateMachine):
    """The town of a number."""

    def __init__(self, twins: Collection[Twin], number: int) -> None:
        super().__init__()
        self._twins = twins
        self._number = number
        self._tables = Tables()
        self._seeds = Counter[int]()

    @initialize(seed=_SEEDS)
    def begins(self, seed: int) -> None:
        """Have a town of its own in each database."""
        self._tables = draws.town(self._random(seed))
        for twin in self._twins:
            twin.fill(self._tables)
        self._compare_all()

    @rule(seed=_SEEDS)
    def somebody_acts(self, seed: int) -> None:
        """Let somebody look round and do something, once or twice in a call."""
        at_random = self._random(seed)
        call = [draws.statement(at_random, self._tables) for _ in range(at_random.randint(1, 2))]
        actor = draws.actor(at_random, self._tables, call[0])
        note(f"{actor}: {call}")
        told = list(_told(actor.among(self._tables), call))
        for twin in self._twins:
            happened = twin.act(actor, call)
            for (found, fate), (visible, outcome) in zip(happened, told, strict=True):
                assert found == visible, (twin, found ^ visible)
                assert fate in outcome.fates, (twin, fate)
        last = told[-1][1]
        self._tables = last.after if last.is_done else self._tables
        self._compare_all()

    @rule(seed=_SEEDS)
    def the_system_acts(self, seed: int) -> None:
        """Let the system do something."""
        statement = draws.ruling(self._random(seed), self._tables)
        note(f"the system: {statement}")
        outcome = statement.told(the_system(self._tables))
        for twin in self._twins:
            fate = twin.run_as_system(statement)
            assert fate in outcome.fates, (twin, fate)
        self._tables = outcome.after
        self._compare_all()

    def _random(self, seed: int) -> Random:
        """Give what draws a step: what hypothesis draws, it often draws again."""
        self._seeds[seed] += 1
        return Random(f"{self._number} {seed} {self._seeds[seed]}")  # noqa: S311 - no secret

    def _compare_all(self) -> None:
        there = _visible(the_system(self._tables))
        for twin in self._twins:
            found = twin.contents()
            assert found == there, (twin, found ^ there)


def _told(who: Who, call: Sequence[Statement]) -> Iterator[tuple[set[str], Outcome]]:
    """Tell what is seen before each statement of a call, and its outcome; a bad one ends it."""
    for statement in call:
        outcome = statement.told(who)
        yield _visible(who), outcome
        if not outcome.is_done:
            return
        who = who.after(outcome.after)


def _visible(who: Who) -> set[str]:
    return {line for name in POLICIES for line in lines(who.among, name, seen(who, name))}
