"""The typed settings, and the only reader of the environment."""

import fcntl
import ipaddress
import os
import re
import secrets
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import unquote, urlsplit

from email_validator import EmailNotValidError, validate_email
from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LATCHKEY_"
_PROJECT = Path(__file__).parent
_DATABASES = ("sqlite:///", "postgresql://", "postgresql+psycopg://")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9.:_\[\]-]+")
_ANY_ORIGIN = "*"
_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[A-Za-z0-9.:_\[\]-]+")
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class SettingsInvalid(Exception):
    """A setting that must stop the start; one line names it and the fault."""


class Settings(BaseSettings):
    """What an operator may set; see the README for each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    instance: Path = _PROJECT / "instance"
    # What holds a secret stays out of the settings' own text, and so out of logs.
    database_url: str = Field("", repr=False)
    migration_url: str = Field("", repr=False)
    public_url: str = ""
    secret_key: str = Field("", repr=False)
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    workers: int = Field(1, ge=1, le=64)
    demo: bool = False
    signup: Literal["", "open", "invite"] = ""
    rate_limits: Literal["on", "off"] = "on"
    registration: Literal["open", "closed"] = "open"
    private_documents: Literal["on", "off"] = "off"
    denied_schemes: str = ""
    trusted_proxies: int = Field(0, ge=0, le=10)
    allowed_origins: str = "*"
    smtp_url: str = Field("", repr=False)
    mail_from: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Fill in what follows from other settings, and check what they say together."""
        _fill(self, "public_url", f"http://{_in_url(self.host)}:{self.port}")
        _fill(self, "database_url", f"sqlite:///{self.instance.absolute() / 'latchkey.sqlite3'}")
        _fill(self, "migration_url", self.database_url)
        _fill(self, "signup", "open" if self.demo else "invite")
        _check_public_url(self.public_url)
        _check_database_url("DATABASE_URL", self.database_url)
        _check_database_url("MIGRATION_URL", self.migration_url)
        if self.migration_url.startswith("sqlite") != self.database_url.startswith("sqlite"):
            raise ValueError("LATCHKEY_MIGRATION_URL: it names another kind of database")
        _check_mail(self.smtp_url, self.mail_from)
        _check_origins(self.allowed_origins)
        if self.demo and not self.is_loopback:
            raise ValueError(
                "LATCHKEY_DEMO: demo accounts are for a loopback LATCHKEY_PUBLIC_URL only; "
                "set it to 0"
            )
        if self.rate_limits == "off" and not self.is_loopback:
            raise ValueError(
                "LATCHKEY_RATE_LIMITS: off is for a loopback LATCHKEY_PUBLIC_URL only"
            )
        if self.private_documents == "on" and not self.is_loopback:
            raise ValueError(
                "LATCHKEY_PRIVATE_DOCUMENTS: on is for a loopback LATCHKEY_PUBLIC_URL only"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """True where the public URL leads to this machine alone."""
        return is_loopback(self.public_url)

    @property
    def is_https(self) -> bool:
        """True where browsers reach the app by TLS."""
        return self.public_url.startswith("https:")

    @property
    def origin(self) -> str:
        """This server's own origin, as browsers write it (RFC 6454 §6.2)."""
        return _origin(self.public_url)

    @property
    def origins(self) -> frozenset[str] | None:
        """The origins whose pages may call the API and MCP; None if pages of any origin may."""
        names = _listed_origins(self.allowed_origins)
        return None if names == [_ANY_ORIGIN] else frozenset(map(_origin, names))


def is_loopback(url: str) -> bool:
    """Tell whether a URL leads to the machine that follows it."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def load(**overrides: Any) -> Settings:
    """Give the settings of the environment; `overrides` take precedence, for tests.

    The instance folder is made, and the secret key in it, where they are missing.

    Raises:
        SettingsInvalid: a variable is unknown, or a value does not fit.
    """
    _refuse_unknown()
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsInvalid(_line(error)) from None
    try:
        settings.instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not settings.secret_key:
            _fill(settings, "secret_key", _generated_key(settings.instance / "secret_key"))
    except OSError as error:
        raise SettingsInvalid(f"{PREFIX}INSTANCE: {error}") from None
    return settings


def _fill(settings: Settings, name: str, value: str) -> None:
    if not getattr(settings, name):
        object.__setattr__(settings, name, value)


def _refuse_unknown() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.upper().startswith(PREFIX) and name.upper() not in known:
            raise SettingsInvalid(f"{name}: there is no such setting")


def _line(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{str(first['loc'][0]).upper()}: {message}" if first["loc"] else message


def _generated_key(path: Path) -> str:
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+") as file:
        # Of several processes that start at once the first makes the key, the others wait for it.
        fcntl.flock(file, fcntl.LOCK_EX)
        key = file.read().strip()
        if not key:
            key = secrets.token_urlsafe(48)
            file.write(key)
    return key


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _check_public_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web:
        raise ValueError("LATCHKEY_PUBLIC_URL: give an http or https URL")
    if url != f"{parts.scheme}://{parts.netloc}" or not _HOST_AND_PORT.fullmatch(parts.netloc):
        raise ValueError(
            "LATCHKEY_PUBLIC_URL: give scheme, host and port only, with no path or slash"
        )


def _check_origins(text: str) -> None:
    names = _listed_origins(text)
    if names == [_ANY_ORIGIN]:
        return
    wrong = next((name for name in names if not _is_origin(name)), "" if names else text)
    if wrong or not names:
        raise ValueError(
            f"LATCHKEY_ALLOWED_ORIGINS: {wrong!r} is not an origin; list origins such as "
            "https://app.example.com, or set * alone for any"
        )


def _listed_origins(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        is_host = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return is_host and _ORIGIN.fullmatch(text) is not None


def _origin(url: str) -> str:
    """Return an origin as browsers write it: in lower case, without the default port."""
    origin = url.lower()
    return origin.removesuffix(_DEFAULT_PORTS.get(origin.partition(":")[0], ":"))


def _check_database_url(name: str, url: str) -> None:
    if not url.startswith(_DATABASES):
        raise ValueError(f"{PREFIX}{name}: give a sqlite:/// or postgresql:// URL")


def _check_mail(url: str, sender: str) -> None:
    if url and not _is_mail_server(url):
        raise ValueError(
            "LATCHKEY_SMTP_URL: give smtp://user:password@host:587, or smtps:// with port 465"
        )
    if url and not sender:
        raise ValueError("LATCHKEY_MAIL_FROM: say from which address letters come")
    if sender and not _is_sender(sender):
        raise ValueError(
            "LATCHKEY_MAIL_FROM: give an address, such as post@example.com or "
            "Latchkey <post@example.com>"
        )


def _is_mail_server(url: str) -> bool:
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return (
        parts.scheme in ("smtp", "smtps")
        and bool(parts.hostname)
        and has_port
        and (parts.path, parts.query, parts.fragment) in (("", "", ""), ("/", "", ""))
        and (bool(user) == bool(password) == ("@" in parts.netloc))
        # What SMTP's logins can say, and what no URL's parser has left out in silence.
        and all(text.isascii() and text.isprintable() for text in (url, user, password))
        and " " not in url
    )


def _is_sender(text: str) -> bool:
    try:
        found = validate_email(
            text, allow_display_name=True, check_deliverability=False, test_environment=True
        )
    except EmailNotValidError:
        return False
    return found.ascii_email == found.normalized and text.isprintable()
