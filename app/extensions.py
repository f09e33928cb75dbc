"""The Flask extensions, unbound; the composition root binds them to an app."""

from typing import cast

from flask import Flask, current_app
from flask_htmx import HTMX
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import BigInteger, Integer, MetaData
from sqlalchemy.orm import DeclarativeBase

from config import Settings

ROWS = "rows"


class Model(DeclarativeBase):
    """What every table inherits."""

    # What SQLite counts by itself is an INTEGER there, of as many bits.
    type_annotation_map = {int: BigInteger().with_variant(Integer, "sqlite")}  # noqa: RUF012 - SQLAlchemy's own shape

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class SignIns(LoginManager):  # type: ignore[misc] # flask-login carries no types
    """Flask-Login with one cookie: the session's."""

    def init_app(self, app: Flask) -> None:
        """Bind it to an app, whose templates ask `viewer` and not `current_user`."""
        # Its context processor looks the person up for every page, that of a broken database too.
        super().init_app(app, add_context_processor=False)

    def _load_user_from_remember_cookie(self, cookie: str) -> None:  # noqa: ARG002 - its signature
        # Nothing here sets that cookie, and one that holds an é would end in a TypeError.
        return None


db = SQLAlchemy(metadata=Model.metadata)
migrate = Migrate()
csrf = CSRFProtect()
login = SignIns()
htmx = HTMX()


def settings() -> Settings:
    """Give the settings of the current app."""
    return cast("Settings", current_app.extensions["settings"])
