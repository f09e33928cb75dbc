"""Few threads, and more of them where those few are held up."""

import asyncio
from threading import Barrier, BrokenBarrierError, Event

import pytest

from app.mcp.threads import Threads

# Seconds after which a test has failed.
LATE = 10


def test_calls_that_wait_do_not_hold_up_one_that_ends_their_wait() -> None:
    ended = Event()

    def wait() -> None:
        assert ended.wait(LATE)

    async def run() -> None:
        threads = Threads(2, 3)
        await asyncio.gather(*map(threads.run, (wait, wait, ended.set)))

    asyncio.run(run())
    assert ended.is_set()


def test_there_are_never_more_than_the_most() -> None:
    at_once = Barrier(4)

    def meet() -> None:
        with pytest.raises(BrokenBarrierError):
            at_once.wait(1)

    async def run() -> None:
        threads = Threads(1, 3)
        await asyncio.gather(*(threads.run(meet) for _ in range(4)))

    asyncio.run(run())


def test_a_failure_is_raised_where_it_is_waited_for() -> None:
    class Failure(Exception):
        pass

    def fail() -> None:
        raise Failure

    with pytest.raises(Failure):
        asyncio.run(Threads(1, 1).run(fail))


def test_what_nobody_waits_for_any_more_leaves_the_threads_at_work() -> None:
    may_end, threads = Event(), Threads(1, 1)

    def wait() -> None:
        assert may_end.wait(LATE)

    async def give_up() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(threads.run(wait), 0.01)

    asyncio.run(give_up())
    may_end.set()
    asyncio.run(threads.run(may_end.clear))
    assert not may_end.is_set()
