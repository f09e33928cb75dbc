"""How often one caller may do one thing."""

import math
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from app.core.errors import TooManyCalls

# Seconds.
MINUTE = 60
# Per minute.
CALLS = 600
TOKENS = 1200
INTROSPECTIONS = 6000
REGISTRATIONS = 20
SIGN_UPS = 10
DOCUMENTS = 20
ANONYMOUS_DOCUMENTS = 20
# In fifteen minutes, by one person or from one address.
DEVICE_CODES = 20


class Share:
    """Counts by caller, within this process, in fixed windows.

    It is on the road of every API call, where a rate limiter's hooks and the threads of its
    store cost more than the call's own query.
    """

    def __init__(
        self, most: float, window: int = MINUTE, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = most
        self._length = window
        self._now = now
        self._lock = Lock()
        self._window = 0
        self._spent: Counter[str] = Counter()

    def spend(self, caller: str) -> None:
        """Count one time.

        Raises:
            TooManyCalls: the caller's share of this window is used up.
        """
        window, passed = divmod(self._now(), self._length)
        with self._lock:
            if window != self._window:
                self._window = int(window)
                self._spent.clear()
            self._spent[caller] += 1
            spent = self._spent[caller]
        if spent > self._most:
            raise TooManyCalls(self._length - int(passed))


@dataclass(frozen=True, slots=True)
class Shares:
    """The shares of one app's callers; calls count over HTTP and MCP together."""

    calls: Share
    registrations: Share
    sign_ups: Share
    tokens: Share
    introspections: Share
    device_codes: Share
    documents: Share
    anonymous_documents: Share


def shares(*, limited: bool) -> Shares:
    """Give what one grant, or one address, may do."""

    def a_minute(most: int) -> Share:
        return Share(most if limited else math.inf)

    return Shares(
        calls=a_minute(CALLS),
        registrations=a_minute(REGISTRATIONS),
        sign_ups=a_minute(SIGN_UPS),
        tokens=a_minute(TOKENS),
        introspections=a_minute(INTROSPECTIONS),
        documents=a_minute(DOCUMENTS),
        anonymous_documents=a_minute(ANONYMOUS_DOCUMENTS),
        device_codes=Share(DEVICE_CODES if limited else math.inf, window=15 * MINUTE),
    )
