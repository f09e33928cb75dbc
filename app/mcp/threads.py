"""Threads for what an event loop must not wait for: few, and more while those are held up."""

import asyncio
import math
import time
import weakref
from asyncio import AbstractEventLoop, Future, TimerHandle
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

# Seconds after which a call is waiting for something else than Python's lock.
_HELD_UP = 0.01


@dataclass(slots=True, eq=False)
class _Job:
    call: Callable[[], None]
    loop: AbstractEventLoop
    ended: "Future[None]"
    timer: TimerHandle | None = None
    is_taken: bool = False


_Jobs = SimpleQueue[_Job | None]


class Threads:
    """Runs calls in a `few` threads; where each of those is held up, in at `most` so many.

    Threads that all want Python's lock, and the database's, only get into each other's way. But
    a call may also wait for another server, or for a password's hash.
    """

    def __init__(self, few: int, most: int) -> None:
        self._few = few
        self._most = most
        self._jobs: _Jobs = SimpleQueue()
        self._workers: list[_Worker] = []

    async def run(self, call: Callable[[], None]) -> None:
        """Run a call in a thread, and wait for its end."""
        if not self._workers:
            self._begin()
        loop = asyncio.get_running_loop()
        job = _Job(call, loop, loop.create_future())
        self._jobs.put(job)
        job.timer = loop.call_later(_HELD_UP, self._look_after, job)
        try:
            await job.ended
        finally:
            job.timer.cancel()

    def _begin(self) -> None:
        self._workers = [_Worker(self._jobs) for _ in range(self._few)]
        weakref.finalize(self, _stop, self._jobs, self._few)
        for worker in self._workers:
            worker.start()

    def _look_after(self, job: _Job) -> None:
        if job.is_taken:
            return
        held_up = time.monotonic() - _HELD_UP
        self._workers = [worker for worker in self._workers if worker.is_alive()]
        if len(self._workers) < self._most and all(w.since < held_up for w in self._workers):
            self._workers.append(_Worker(self._jobs, is_helping=True))
            self._workers[-1].start()
        job.timer = job.loop.call_later(_HELD_UP, self._look_after, job)


class _Worker(Thread):
    """One thread; one that is helping ends when there is nothing to do."""

    def __init__(self, jobs: _Jobs, *, is_helping: bool = False) -> None:
        super().__init__(name="wsgi", daemon=True)
        # When it began what it is doing.
        self.since = math.inf
        self._jobs = jobs
        self._is_helping = is_helping

    def run(self) -> None:
        with suppress(Empty):
            while (job := self._jobs.get(block=not self._is_helping)) is not None:
                job.is_taken = True
                self.since = time.monotonic()
                _do(job)
                self.since = math.inf
                del job


def _do(job: _Job) -> None:
    failure: BaseException | None = None
    try:
        # What it leaves in its context is nothing for the next one.
        Context().run(job.call)
    except BaseException as error:  # noqa: BLE001 - it is raised again, where it is waited for
        failure = error
    with suppress(RuntimeError):  # the loop is closed: nobody waits any more
        job.loop.call_soon_threadsafe(_end, job.ended, failure)


def _end(ended: "Future[None]", failure: BaseException | None) -> None:
    if ended.cancelled():
        return
    if failure is None:
        ended.set_result(None)
    else:
        ended.set_exception(failure)


def _stop(jobs: _Jobs, count: int) -> None:
    for _ in range(count):
        jobs.put(None)
