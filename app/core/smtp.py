"""The mail server: found by its URL, spoken to over TLS unless it is on this machine."""

import smtplib
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Self
from urllib.parse import unquote, urlsplit

from config import is_loopback

# Seconds that it may take for each answer.
_PATIENCE = 10
_OVER_TLS = "smtps"
# RFC 6409 §3.1, RFC 8314 §3.3.
_PORTS = {"smtp": 587, _OVER_TLS: 465}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Where letters are handed in, and as whom."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)
    # From the first byte, or after asking (RFC 3207); in clear on this machine alone.
    begins_in_tls: bool
    asks_for_tls: bool

    @classmethod
    def at(cls, url: str) -> Self:
        """Give the server of a URL such as `smtp://user:password@host:587`."""
        parts = urlsplit(url)
        begins_in_tls = parts.scheme == _OVER_TLS
        return cls(
            host=parts.hostname or "",
            port=parts.port or _PORTS[parts.scheme],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            begins_in_tls=begins_in_tls,
            asks_for_tls=not begins_in_tls and bool(parts.username or not is_loopback(url)),
        )

    def take(self, message: EmailMessage) -> None:
        """Hand a message in.

        Raises:
            OSError: the server cannot be reached or trusted, or does not take it.
        """
        with closing(self._connected()) as server:
            if self.asks_for_tls:
                server.starttls(context=ssl.create_default_context())
            if self.user:
                server.login(self.user, self.password)
            server.send_message(message)
            # It is taken by now, whatever the server says at the end.
            with suppress(OSError):
                server.quit()

    def _connected(self) -> smtplib.SMTP:
        if self.begins_in_tls:
            context = ssl.create_default_context()
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_PATIENCE, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=_PATIENCE)
