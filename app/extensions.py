"""The Flask extensions, unbound; the composition root binds them to an app."""

from typing import cast

from flask import current_app
from flask_htmx import HTMX
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase

from config import Settings

ROWS = "rows"


class Model(DeclarativeBase):
    """What every table inherits."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


db = SQLAlchemy(metadata=Model.metadata)
migrate = Migrate()
csrf = CSRFProtect()
login = LoginManager()
htmx = HTMX()
limiter = Limiter(get_remote_address, storage_uri="memory://", headers_enabled=True)


def settings() -> Settings:
    """Give the settings of the current app."""
    return cast("Settings", current_app.extensions["settings"])
