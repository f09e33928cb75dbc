"""The places for fetching documents: bounded, and kept for those that must not be held up."""

from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event

import pytest

from app.core.errors import Busy
from app.oauth.fetch_queue import (
    MAX_BLOCKED_THREADS,
    MAX_FETCHES,
    MAX_WAITING,
    FetchQueue,
    Place,
    Purpose,
    Requester,
)

ANYONE = [
    Requester("a", is_signed_in=is_signed_in, is_client_known=is_known)
    for is_signed_in in (False, True)
    for is_known in (False, True)
]
BY_ADDRESS, OF_USER = (ANYONE[0], ANYONE[1]), (ANYONE[2], ANYONE[3])


@pytest.fixture
def queue() -> FetchQueue:
    """Give a queue in which nobody waits long."""
    return FetchQueue(timeout=0.01)


def named(requester: Requester, name: str) -> Requester:
    return Requester(name, requester.is_signed_in, requester.is_client_known)


def fill(queue: FetchQueue, requester: Requester) -> list[Place]:
    """Let one purpose take every place that it can get, each at a host of its own."""
    places: list[Place] = []
    with suppress(Busy):
        while True:
            number = str(len(places))
            places.append(queue.enter(f"slow{number}.example", named(requester, number)))
    return places


def test_whatever_strangers_fetch_users_have_their_places(queue: FetchQueue) -> None:
    for requester in BY_ADDRESS:
        assert len(fill(queue, requester)) == MAX_FETCHES[requester.purpose]
    for requester in OF_USER:
        assert len(fill(queue, requester)) == MAX_FETCHES[requester.purpose]


def test_whatever_strangers_fetch_first_known_clients_have_their_places(
    queue: FetchQueue,
) -> None:
    fill(queue, BY_ADDRESS[0])
    assert len(fill(queue, BY_ADDRESS[1])) == MAX_FETCHES[Purpose.ANONYMOUS_KNOWN]


def test_a_slow_host_holds_one_place_of_each_purpose(queue: FetchQueue) -> None:
    for requester in ANYONE:
        queue.enter("slow.example", named(requester, "1"))
        with pytest.raises(Busy):
            queue.enter("slow.example", named(requester, "2"))
        queue.enter("other.example", named(requester, "3"))


def test_a_requester_holds_one_place(queue: FetchQueue) -> None:
    for requester in ANYONE:
        queue.enter("one.example", requester)
        with pytest.raises(Busy):
            queue.enter("two.example", requester)


def test_what_is_free_again_goes_to_who_waits() -> None:
    queue, started = FetchQueue(timeout=10), Event()
    place = queue.enter("slow.example", Requester("1"))

    def enter_late() -> Place:
        started.set()
        return queue.enter("slow.example", Requester("2"))

    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(enter_late)
        assert started.wait(10)
        queue.leave(place)
        assert waiting.result(10).requester.name == "2"


def test_who_has_another_way_does_not_wait() -> None:
    queue = FetchQueue(timeout=10)
    queue.enter("slow.example", Requester("1"))
    with pytest.raises(Busy):
        queue.enter("slow.example", Requester("2"), waits=False)


def test_strangers_never_take_the_threads_that_are_left_for_users() -> None:
    anonymous = (Purpose.ANONYMOUS, Purpose.ANONYMOUS_KNOWN)
    blocked = sum(MAX_FETCHES[purpose] + MAX_WAITING[purpose] for purpose in anonymous)
    assert blocked + MAX_FETCHES[Purpose.SIGNED_IN] < MAX_BLOCKED_THREADS


def test_only_a_few_wait() -> None:
    queue, number = FetchQueue(timeout=10), MAX_WAITING[Purpose.SIGNED_IN] + 1
    place = queue.enter("slow.example", Requester("0", is_signed_in=True))
    with ThreadPoolExecutor(number) as threads:
        users = [Requester(str(user), is_signed_in=True) for user in range(1, number + 1)]
        waiting = {threads.submit(queue.enter, "slow.example", user) for user in users}
        # The others get their turn one after the other.
        [refused], waiting = wait(waiting, 10, FIRST_COMPLETED)
        assert isinstance(refused.exception(), Busy)
        while waiting:
            queue.leave(place)
            [entered], waiting = wait(waiting, 10, FIRST_COMPLETED)
            place = entered.result()


def test_no_more_threads_are_held_than_pages_can_spare(queue: FetchQueue) -> None:
    held = sum(len(fill(queue, requester)) for requester in ANYONE)
    assert held <= MAX_BLOCKED_THREADS < 16
