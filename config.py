"""The typed settings, and the only reader of the environment."""

import ipaddress
import os
import secrets
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "LATCHKEY_"
_PROJECT = Path(__file__).parent


class SettingsInvalid(Exception):
    """A setting that must stop the start; one line names it and the fault."""


class Settings(BaseSettings):
    """What an operator may set; see the README for each."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, env_ignore_empty=True)

    instance: Path = _PROJECT / "instance"
    database_url: str = ""
    migration_url: str = ""
    public_url: str = ""
    secret_key: str = ""
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    workers: int = Field(1, ge=1, le=64)
    demo: bool = False
    signup: Literal["", "open", "invite"] = ""
    rate_limits: Literal["on", "off"] = "on"
    registration: Literal["open", "closed"] = "open"
    trusted_proxies: int = Field(0, ge=0, le=10)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Fill in what follows from other settings, and check what they say together."""
        self._fill("public_url", f"http://{_in_url(self.host)}:{self.port}")
        self._fill("database_url", f"sqlite:///{self.instance.absolute() / 'latchkey.sqlite3'}")
        self._fill("migration_url", self.database_url)
        self._fill("signup", "open" if self.demo else "invite")
        _check_public_url(self.public_url)
        if self.demo and not self.is_loopback:
            raise ValueError(
                "LATCHKEY_DEMO: demo accounts are for a loopback LATCHKEY_PUBLIC_URL only; set it to 0"
            )
        if self.rate_limits == "off" and not self.is_loopback:
            raise ValueError(
                "LATCHKEY_RATE_LIMITS: off is for a loopback LATCHKEY_PUBLIC_URL only"
            )
        return self

    @property
    def is_loopback(self) -> bool:
        """True where the public URL leads to this machine alone."""
        host = urlsplit(self.public_url).hostname or ""
        try:
            return host == "localhost" or ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False

    @property
    def is_https(self) -> bool:
        """True where browsers reach the app by TLS."""
        return self.public_url.startswith("https:")

    def _fill(self, name: str, value: str) -> None:
        if not getattr(self, name):
            object.__setattr__(self, name, value)


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
    settings.instance.mkdir(parents=True, exist_ok=True)
    settings._fill("secret_key", _generated_key(settings.instance / "secret_key"))
    return settings


def _refuse_unknown() -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    for name in sorted(os.environ):
        if name.startswith(PREFIX) and name not in known:
            raise SettingsInvalid(f"{name}: there is no such setting")


def _line(error: ValidationError) -> str:
    first = error.errors()[0]
    message = first["msg"].removeprefix("Value error, ")
    return f"{PREFIX}{str(first['loc'][0]).upper()}: {message}" if first["loc"] else message


def _generated_key(path: Path) -> str:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(descriptor, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _check_public_url(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("LATCHKEY_PUBLIC_URL: give an http or https URL")
    if parts.path or parts.query or parts.fragment or parts.username:
        raise ValueError("LATCHKEY_PUBLIC_URL: give scheme, host and port only, with no path or slash")
