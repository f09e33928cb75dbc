"""The Flask extensions, unbound; the composition root binds them to an app."""

from typing import cast

from flask import Flask, current_app, request
from flask_htmx import HTMX
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from flask_wtf.csrf import same_origin
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


class FormProtection(CSRFProtect):  # type: ignore[misc] # flask-wtf carries no types
    """Flask-WTF's check of a form's token, and over https one of where the form was.

    Its own check of the Referer refuses a browser that sends none, and looks at no Origin.
    """

    def init_app(self, app: Flask) -> None:
        """Bind it to an app, in place of Flask-WTF's check of the Referer."""
        app.config["WTF_CSRF_SSL_STRICT"] = False
        super().init_app(app)

    def protect(self, apply_exemptions: bool = False) -> None:  # noqa: FBT001, FBT002 - its signature
        """Check the request; 400 where it isn't a form of this server's pages."""
        super().protect(apply_exemptions)
        is_exempt = apply_exemptions and (not request.endpoint or self._is_exempt())
        is_form = request.method in current_app.config["WTF_CSRF_METHODS"]
        if request.is_secure and is_form and not is_exempt and not _is_of_own_page():
            self._error_response("The form was on a page of another origin.")


def _is_of_own_page() -> bool:
    """Whether a form was sent by a page of this server.

    A browser that knows Origin sends it with each POST; what it says counts, and "null" is the
    origin of no page of ours. Only where there is none the Referer has to say it.
    """
    origin = request.headers.get("Origin")
    sender = request.referrer if origin is None else origin
    try:
        return bool(sender) and bool(same_origin(sender, request.host_url))
    except ValueError:  # what it names is no URL
        return False


db = SQLAlchemy(metadata=Model.metadata)
migrate = Migrate()
csrf = FormProtection()
login = SignIns()
htmx = HTMX()


def settings() -> Settings:
    """Give the settings of the current app."""
    return cast("Settings", current_app.extensions["settings"])
