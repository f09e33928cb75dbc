"""A PostgreSQL server, as its administrator's URL leads to it."""

from typing import Any
from urllib.parse import quote

import psycopg
from psycopg.conninfo import conninfo_to_dict

Connection = psycopg.Connection[Any]

# What of the administrator's URL is about the server: the rest is about the administrator.
_ABOUT_THE_SERVER = (
    "hostaddr",
    "sslmode",
    "sslnegotiation",
    "sslrootcert",
    "sslcrl",
    "ssl_min_protocol_version",
    "channel_binding",
    "gssencmode",
    "connect_timeout",
    "target_session_attrs",
    "load_balance_hosts",
)
_PORT = "5432"
# Seconds until a server that does not answer is given up.
CONNECT_TIMEOUT_SECONDS = 10


class Unfit(Exception):
    """The server, or what is on it, cannot be used as it is; one line says what to do."""


class Server:
    """Connects to a server's databases, and names them."""

    def __init__(self, admin_url: str) -> None:
        try:
            # Nothing at all would lead to whatever serves on this machine.
            self._given: dict[str, Any] = dict(conninfo_to_dict(admin_url or "-"))
        except (psycopg.ProgrammingError, UnicodeError):
            # The driver's own words hold the URL, and so a password.
            raise Unfit(
                "--admin-url: give a URL such as postgresql://USER:PASSWORD@HOST:PORT/postgres."
            ) from None

    def connect(self, database: str | None = None) -> Connection:
        """Open a connection: to the URL's own database, or another.

        Raises:
            psycopg.OperationalError: it does not answer, or does not let the administrator in.
        """
        given = {"dbname": "postgres", "connect_timeout": CONNECT_TIMEOUT_SECONDS, **self._given}
        if database is not None:
            given["dbname"] = database
        given["client_encoding"] = "utf8"
        return psycopg.connect(**given, autocommit=True, prepare_threshold=None)

    def url(self, connection: Connection, role: str, password: str | None, database: str) -> str:
        """Give the URL by which a role reaches a database of the server that is connected to."""
        host = str(self._given.get("host") or connection.info.host)
        port = str(self._given.get("port") or connection.info.port)
        who = quote(role, "") + (f":{quote(password, '')}" if password else "")
        where, query = _place(host, port)
        query |= {name: self._given[name] for name in _ABOUT_THE_SERVER if name in self._given}
        asked = "&".join(f"{name}={quote(str(value), '/,')}" for name, value in query.items())
        return f"postgresql://{who}@{where}/{quote(database, '')}" + (asked and f"?{asked}")


def _place(host: str, port: str) -> tuple[str, dict[str, Any]]:
    # A socket's folder, and several hosts, have no place in the URL but its query.
    if "," in host or host.startswith(("/", "@")):
        return "", {"host": host} | ({"port": port} if port != _PORT else {})
    return (f"[{host}]" if ":" in host else host) + f":{port}", {}
