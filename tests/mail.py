"""A real mail server in a thread, and what people find in its inbox."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from queue import Queue
from threading import Thread
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

SENDER = "Latchkey <post@example.com>"
_STEPS_OF_A_CONNECTION = 4
USER, PASSWORD = "us:er@example.com", "p/ss:w@rd"


class Inbox:
    """What a mail server took, letter by letter; `refusal` is what it says to the next ones."""

    def __init__(self) -> None:
        self.port = 0
        self.refusal: str | None = None
        self.envelopes: Queue[Envelope] = Queue()
        self.passwords: list[bytes] = []

    @property
    def url(self) -> str:
        """Where letters are handed in."""
        return f"smtp://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """Give what an operator sets to send mail here."""
        return {"smtp_url": self.url, "mail_from": SENDER}

    def envelope(self) -> Envelope:
        """Wait for the next letter, and give what the server knows of it."""
        return self.envelopes.get(timeout=10)

    def letter(self) -> EmailMessage:
        """Wait for the next letter, and give it as its reader has it."""
        return read(self.envelope())

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        """Take a letter, or don't."""
        if self.refusal:
            return self.refusal
        self.envelopes.put(envelope)
        return "250 OK"

    def authenticate(self, *asked: Any) -> AuthResult:
        """Let in who knows the password."""
        given = asked[-1]
        assert isinstance(given, LoginPassword)
        self.passwords.append(given.password)
        known = (given.login.decode(), given.password.decode()) == (USER, PASSWORD)
        return AuthResult(success=known, handled=known)


def read(envelope: Envelope) -> EmailMessage:
    """Give a letter as its reader has it."""
    assert isinstance(envelope.content, bytes)
    return BytesParser(EmailMessage, policy=default).parsebytes(envelope.content)


def text(letter: EmailMessage) -> str:
    """Give what a letter says."""
    return str(letter.get_content()).replace("\r\n", "\n")


@contextmanager
def serving(tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[Inbox]:
    """Run a mail server; with `tls` it speaks nothing else from the first byte on."""
    inbox, loop = Inbox(), asyncio.new_event_loop()

    protocols: list[SMTP] = []

    def protocol() -> SMTP:
        protocols.append(SMTP(inbox, authenticator=inbox.authenticate, loop=loop, **options))
        return protocols[-1]

    thread = Thread(target=loop.run_forever)
    thread.start()
    listening = loop.create_server(protocol, "127.0.0.1", 0, ssl=tls)
    server = asyncio.run_coroutine_threadsafe(listening, loop).result(10)
    inbox.port = server.sockets[0].getsockname()[1]
    try:
        yield inbox
    finally:
        asyncio.run_coroutine_threadsafe(_end(server, protocols), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _end(server: asyncio.Server, protocols: list[SMTP]) -> None:
    server.close()
    # A connection that was accepted just now becomes a task, then a transport, then another task.
    for _ in range(_STEPS_OF_A_CONNECTION):
        await asyncio.sleep(0)
    while connections := asyncio.all_tasks() - {asyncio.current_task()}:
        for each in connections:
            each.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
    for smtp in protocols:
        # What a client has not read yet would keep the connection open.
        if isinstance(smtp.transport, asyncio.Transport):
            smtp.transport.abort()
    for _ in range(_STEPS_OF_A_CONNECTION):
        await asyncio.sleep(0)
