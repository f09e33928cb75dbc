"""What can go wrong in a call, in the product's own words."""

from collections.abc import Iterable, Mapping
from typing import ClassVar


class CallError(Exception):
    """A refusal that the caller can act on. Never used for bugs.

    `retry_after` is in seconds, where waiting helps.
    """

    code: ClassVar[str] = "call_failed"
    status: ClassVar[int] = 400
    retry_after: int | None = None

    def __init__(self, message: str, *, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.fields = dict(fields or {})

    def in_full(self) -> str:
        """Give the message, and what it says of each field, in one line."""
        return " ".join((self.message, *(f"{name}: {text}" for name, text in self.fields.items())))


class InvalidInput(CallError):
    """The arguments do not fit the procedure's input model."""

    code = "invalid_input"
    status = 422


class NotSignedIn(CallError):
    """The procedure acts for a person, and nobody is calling."""

    code = "unauthorized"
    status = 401


class ScopeMissing(CallError):
    """The credential is valid but too weak for this procedure."""

    code = "insufficient_scope"
    status = 403

    def __init__(self, name: str, needed: Iterable[str]) -> None:
        self.needed = tuple(sorted(needed))
        super().__init__(f"{name} needs {' '.join(self.needed)}, which this credential lacks.")


class ChannelRefused(CallError):
    """The procedure is not offered on the channel that the caller used."""

    code = "channel_refused"
    status = 403


class Forbidden(CallError):
    """The caller may do such things, but not this one."""

    code = "forbidden"
    status = 403


class NotFound(CallError):
    """No such row, or no such row for this principal. Deliberately the same."""

    code = "not_found"
    status = 404


class Conflict(CallError):
    """The row is not in a state that allows this."""

    code = "conflict"
    status = 409


class TooManyCalls(CallError):
    """The caller has had their share for now."""

    code = "too_many_requests"
    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"That was too often. Wait {retry_after} seconds, then go on.")
        self.retry_after = retry_after


class Busy(CallError):
    """There is too much to do at the moment."""

    code = "busy"
    status = 503
    retry_after = 2


class Unavailable(Busy):
    """The database cannot serve: it is away, full, or read-only."""

    code = "unavailable"

    def __init__(self) -> None:
        super().__init__("The database is not available. Try again in a few seconds.")


class Lost(Unavailable):
    """The database was started again, or the network cut, while the call was under way."""


class NotReady(CallError):
    """The app is not set up as it must be: until it is, it answers nobody."""

    code = "not_ready"
    status = 503


class UndeclaredWrite(Exception):
    """A procedure that is declared as a query changes rows: a bug of its declaration.

    Nothing is stored. The caller gets a 500; the message, which is for the log, has no more to
    tell than the declaration to mend, and so needs no traceback.
    """

    def __init__(self, procedure: str, table: str) -> None:
        super().__init__(f"{procedure} writes to {table}: declare writes=True")


class Misdeclared(Exception):
    """A declaration that must stop the start; the message names it and the fault."""
