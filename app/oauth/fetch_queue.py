"""Who may fetch a document now, and who waits: slow hosts must not stop everybody's requests.

Each fetch holds a thread that would serve pages, so the number of fetches is bounded, and so is
that of the requests that wait. Each purpose has places of its own: whatever strangers ask for,
users who sign in and clients that are known keep theirs.
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Condition
from typing import Self

from app.core.errors import Busy

# A little more than a fetch may take, so that whoever waits for one gets its place.
QUEUE_TIMEOUT_SECONDS = 6.0
# Fetching and waiting together, of the 16 threads of a process.
MAX_BLOCKED_THREADS = 11


class Purpose(StrEnum):
    """Whose request a document is fetched for, and whether its client is known."""

    ANONYMOUS = "anonymous"
    ANONYMOUS_KNOWN = "anonymous, of a known client"
    SIGNED_IN = "signed in"
    SIGNED_IN_KNOWN = "signed in, of a known client"


# Anonymous requests get 6 threads at the most, so that 5 are left for those of users.
MAX_FETCHES = {
    Purpose.ANONYMOUS: 2,
    Purpose.ANONYMOUS_KNOWN: 2,
    Purpose.SIGNED_IN: 4,
    Purpose.SIGNED_IN_KNOWN: 2,
}
MAX_WAITING = {
    Purpose.ANONYMOUS: 1,
    Purpose.ANONYMOUS_KNOWN: 1,
    Purpose.SIGNED_IN: 2,
    Purpose.SIGNED_IN_KNOWN: 1,
}


@dataclass(frozen=True, slots=True)
class Requester:
    """Whose request a document is fetched for: a user, or the address of an anonymous one."""

    name: str
    is_signed_in: bool = False
    is_client_known: bool = False

    @property
    def purpose(self) -> Purpose:
        """Whose places a fetch takes."""
        if self.is_signed_in:
            return Purpose.SIGNED_IN_KNOWN if self.is_client_known else Purpose.SIGNED_IN
        return Purpose.ANONYMOUS_KNOWN if self.is_client_known else Purpose.ANONYMOUS

    def for_known_client(self) -> Self:
        """Return the same requester, of a document that was fetched before."""
        return replace(self, is_client_known=True)


@dataclass(frozen=True, slots=True)
class Place:
    """One fetch under way."""

    host: str
    requester: Requester


class FetchQueue:
    """Hands out the places of one process: for each purpose one per host and per requester."""

    def __init__(self, timeout: float = QUEUE_TIMEOUT_SECONDS) -> None:
        self._timeout = timeout
        self._condition = Condition()
        self._places: set[Place] = set()
        self._waiting: Counter[Purpose] = Counter()

    def enter(self, host: str, requester: Requester, *, waits: bool = True) -> Place:
        """Return a place, for `leave`; wait for one unless told not to.

        Raises:
            Busy: none is free, and too many wait or it took too long.
        """
        place = Place(host, requester)
        with self._condition:
            if self._is_full():
                raise _busy()
            if not self._is_free(place):
                if not waits or self._has_no_turn(requester.purpose):
                    raise _busy()
                self._wait_for(place)
            self._places.add(place)
        return place

    def leave(self, place: Place) -> None:
        """Free a place for those who wait."""
        with self._condition:
            self._places.discard(place)
            self._condition.notify_all()

    def _is_full(self) -> bool:
        return len(self._places) + self._waiting.total() >= MAX_BLOCKED_THREADS

    def _has_no_turn(self, purpose: Purpose) -> bool:
        return self._waiting[purpose] >= MAX_WAITING[purpose]

    def _wait_for(self, place: Place) -> None:
        purpose = place.requester.purpose
        self._waiting[purpose] += 1
        try:
            if not self._condition.wait_for(lambda: self._is_free(place), self._timeout):
                raise _busy()
        finally:
            self._waiting[purpose] -= 1

    def _is_free(self, place: Place) -> bool:
        purpose = place.requester.purpose
        # Of the same purpose only: a stranger's slow fetch from a host delays no user's from it.
        others = [other for other in self._places if other.requester.purpose is purpose]
        return len(others) < MAX_FETCHES[purpose] and not any(
            other.host == place.host or other.requester == place.requester for other in others
        )


def _busy() -> Busy:
    return Busy("Too many documents are being read. Try again in a moment.")
