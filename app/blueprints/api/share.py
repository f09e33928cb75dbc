"""How many calls of the API one caller may make in a minute."""

import time
from collections import Counter
from collections.abc import Callable
from threading import Lock

from app.surfaces.http import TooManyCalls

PER_MINUTE = 600
_WINDOW = 60


class Share:
    """Counts calls by caller within this process, in fixed windows of a minute.

    Flask-Limiter has the pages and the OAuth endpoints; on each call of the API, its hooks and
    the threads of its store would cost more than the call's own query.
    """

    def __init__(self, most: int = PER_MINUTE, now: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._now = now
        self._lock = Lock()
        self._window = 0
        self._calls: Counter[str | int] = Counter()

    def spend(self, caller: str | int) -> None:
        """Count one call.

        Raises:
            TooManyCalls: the caller's share of this minute is used up.
        """
        window, passed = divmod(self._now(), _WINDOW)
        with self._lock:
            if window != self._window:
                self._window = int(window)
                self._calls.clear()
            self._calls[caller] += 1
            made = self._calls[caller]
        if made > self._most:
            raise TooManyCalls(_WINDOW - int(passed))
