"""Letters to people: mail over SMTP, where the operator has set it, and the links in it."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from threading import BoundedSemaphore

from app.core import mailbox
from app.core.smtp import MailServer

log = logging.getLogger(__name__)

# How many letters may wait; with a mail server that hangs, each takes its ten seconds.
_MOST_WAITING = 50


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail, in plain text."""

    to: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Post:
    """Sends letters, and knows where their links lead."""

    public_url: str = ""
    smtp_url: str = field(default="", repr=False)
    sender: str = ""

    @property
    def is_set(self) -> bool:
        """True where mail can be sent at all."""
        return bool(self.smtp_url)

    def link(self, path: str) -> str:
        """Give the absolute URL of one of the app's pages."""
        return self.public_url + path

    def send(self, letter: Letter) -> bool:
        """Send a letter; tell whether the mail server took it."""
        if not self.is_set:
            return False
        try:
            MailServer.at(self.smtp_url).take(self._written(letter))
        except (OSError, ValueError) as error:
            # What was answered may hold the address.
            code = getattr(error, "smtp_code", "")
            log.warning("a letter was not sent: %s", f"{type(error).__name__} {code}".strip())
            return False
        return True

    def send_soon(self, letter: Letter) -> None:
        """Send a letter when there is time: who asked for it does not learn how long it took."""
        _postman.do(lambda: self.send(letter))

    def _written(self, letter: Letter) -> EmailMessage:
        message = EmailMessage(policy=SMTP)
        message["From"] = self.sender
        message["To"] = mailbox.on_the_wire(letter.to)
        message["Subject"] = _one_line(letter.subject)
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = make_msgid(domain=mailbox.domain(parseaddr(self.sender)[1]))
        # RFC 3834 §5: nobody's absence is to be told to us.
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.text)
        return message


class _Postman:
    """Sends one letter after another, apart from whoever asked for it."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="post")
        self._room = BoundedSemaphore(_MOST_WAITING)

    def do(self, send: Callable[[], bool]) -> None:
        if not self._room.acquire(blocking=False):
            log.warning("a letter was not sent: too many wait")
            return
        self._thread.submit(send).add_done_callback(lambda _: self._room.release())


_postman = _Postman()


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
