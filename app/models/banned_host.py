"""Hosts that no client which registers itself may belong to: an admin has banned them."""

import ipaddress
import re
from collections.abc import Iterable

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.policy import Gated, rows
from app.extensions import Model
from app.models import redirect_uri

MAX_HOST_CHARS = 253
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


class BannedHost(Model):
    """A banned host; its subdomains are banned with it, since whoever has it makes them at will.

    Clients that it applies to have `Client.banned_at` set, so that no request needs this table.
    """

    __tablename__ = "banned_host"

    id: Mapped[int] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(String(MAX_HOST_CHARS), unique=True)
    created_at: Mapped[int] = mapped_column(BigInteger)


def checked_host(text: str) -> str:
    """Return a host as it is compared: in lower case, an address in its short form.

    Raises:
        ValueError: it is no host, or one that everybody has.
    """
    host = _normalize(text.strip().lower().removeprefix("[").removesuffix("]"))
    address = _address(host)
    if host == "localhost" or host.endswith(".localhost") or (address and address.is_loopback):
        raise ValueError("This is each user's own computer, so you can't ban it.")
    labels = host.split(".")
    is_name = len(labels) > 1 and not labels[-1].isdecimal() and all(map(_LABEL.fullmatch, labels))
    if len(host) > MAX_HOST_CHARS or not (is_name or address):
        raise ValueError("Enter a host, such as app.example, without https:// or a path.")
    return host


def is_bannable(host: str) -> bool:
    """Whether a client's host is one that an admin can ban."""
    try:
        checked_host(host)
    except ValueError:
        return False
    return True


def hosts_of(client_id: str, redirect_uris: Iterable[str]) -> frozenset[str]:
    """Return the hosts that a client belongs to: of its redirect URIs, and of its document."""
    uris = [*redirect_uris, *([client_id] if client_id.startswith("https://") else [])]
    return frozenset(_normalize(redirect_uri.host(uri)) for uri in uris)


def candidates(hosts: Iterable[str]) -> frozenset[str]:
    """Return each host and its parent domains: a ban of any of them applies."""
    return frozenset(
        parent
        for host in hosts
        for parent in ([host] if _address(host) else _with_parents(host))
        if parent
    )


def _with_parents(host: str) -> list[str]:
    labels = host.split(".")
    return [".".join(labels[place:]) for place in range(len(labels))]


def _normalize(host: str) -> str:
    address = _address(host)
    return address.compressed if address else host.rstrip(".")


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


BANNED_HOST_ROWS = rows(Gated(reads="oauth-clients:viewAll", writes="oauth-clients:edit"))
