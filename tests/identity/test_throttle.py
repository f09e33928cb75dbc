"""How often a password may be guessed."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app.core.system import acting_as_system
from app.identity import throttle
from app.identity.throttle import (
    PER_ACCOUNT,
    PER_ADDRESS,
    PER_PAIR,
    WINDOW,
    TooManyGuesses,
)
from tests.world import World


def guess(
    world: World, email: str = "ada@example.com", address: str = "::1", now: int = 0
) -> bool:
    """Count a guess; tell whether it was let through."""
    try:
        with acting_as_system(world.system, "a test") as session:
            throttle.count_guess(session, email=email, address=address, now=now)
    except TooManyGuesses:
        return False
    return True


def test_an_account_has_its_share_from_everywhere_together(world: World) -> None:
    tried = [guess(world, address=f"10.0.0.{n}") for n in range(PER_ACCOUNT + 3)]
    assert tried == [True] * PER_ACCOUNT + [False] * 3


def test_an_address_has_its_share_over_all_accounts(world: World) -> None:
    tried = [guess(world, email=f"{n}@example.com") for n in range(PER_ADDRESS + 3)]
    assert tried == [True] * PER_ADDRESS + [False] * 3
    assert guess(world, email="another@example.com", address="10.0.0.1")


def test_parallel_guesses_all_count(world: World) -> None:
    with ThreadPoolExecutor(8) as threads:
        tried = list(threads.map(lambda _: guess(world), range(PER_PAIR + 10)))
    assert tried.count(True) == PER_PAIR


def test_the_window_passes(world: World) -> None:
    for _ in range(PER_PAIR):
        assert guess(world, now=1000)
    assert not guess(world, now=1000 + WINDOW - 1)
    assert guess(world, now=1000 + WINDOW)


def test_a_refused_guess_does_not_make_the_wait_longer(world: World) -> None:
    for _ in range(PER_PAIR):
        guess(world, now=1000)
    for moment in range(1001, 1011):
        assert not guess(world, now=moment)
    assert guess(world, now=1000 + WINDOW)


@pytest.mark.parametrize(("moment", "wait"), [(1000, WINDOW), (1000 + WINDOW - 1, 1)])
def test_the_refusal_says_how_long_to_wait(world: World, moment: int, wait: int) -> None:
    for _ in range(PER_PAIR):
        guess(world, now=1000)
    with (
        pytest.raises(TooManyGuesses) as refusal,
        acting_as_system(world.system, "a test") as session,
    ):
        throttle.count_guess(session, email="ada@example.com", address="::1", now=moment)
    assert refusal.value.retry_after == wait


def test_signing_in_forgives_the_account_and_one_try_of_the_address(world: World) -> None:
    for _ in range(PER_PAIR):
        guess(world)
    with acting_as_system(world.system, "a test") as session:
        throttle.forgive(session, email="ada@example.com", address="::1")
    kept = [row["subject"] for row in world.found("guess", "at = 0")]
    assert kept == [throttle.address_of("::1")] * (PER_PAIR - 1)
    assert guess(world)


def test_guesses_from_elsewhere_do_not_lock_a_person_out(world: World) -> None:
    for _ in range(PER_PAIR + 3):
        guess(world, address="10.0.0.66")
    assert guess(world, address="10.0.0.1")


def test_the_database_keeps_no_address_of_a_person_in_clear(world: World) -> None:
    guess(world, email="ada@example.com")
    assert not [row for row in world.found("guess") if "ada" in row["subject"]]


def test_the_addresses_of_one_ipv6_network_share_one_count(world: World) -> None:
    tried = [
        guess(world, email=f"{n}@example.com", address=f"2001:db8:0:7:{n:x}::1")
        for n in range(PER_ADDRESS + 3)
    ]
    assert tried == [True] * PER_ADDRESS + [False] * 3
    assert guess(world, email="another@example.com", address="2001:db8:0:8::1")
