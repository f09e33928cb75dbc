"""Latchkey: functions become, each declared once, an HTTP API, a console and an MCP server."""

from pathlib import Path

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

import config
from app.blueprints import BLUEPRINTS, check_complete, cross_origin, edge, pages
from app.blueprints.oauth.door import Door
from app.core import postgres, sqlite
from app.core.declarations import Declarations
from app.core.pipeline import Pipeline
from app.core.post import Post
from app.core.postgres_rows import ServerPolicies
from app.core.readiness import Readiness
from app.core.resource import Resources
from app.core.share import shares
from app.core.sqlite_guard import RowGuard
from app.extensions import ROWS, csrf, db, htmx, login, migrate
from app.identity.bearer import Bearer
from app.identity.cookies import CookieSessions
from app.identity.invitations import Invitations
from app.identity.sign_up import SignUp
from app.models import ROW_POLICIES, UNREACHABLE
from app.models.audit import record
from app.models.signing import probe_writes
from app.models.uri_schemes import CONTEXT_KEY, SchemeDenylist
from app.oauth import outside
from app.oauth.client import NEW_APP_PATH
from app.oauth.client_metadata import APP_PAGE_KEY
from app.oauth.consent import ConsentServer
from app.oauth.device import Devices
from app.oauth.documents import Documents
from app.oauth.dpop import Proofs
from app.oauth.fetching import Fetcher
from app.oauth.keys import Keys
from app.oauth.logout import LogoutServer
from app.oauth.opened import Opened
from app.oauth.published_keys import PublishedKeys
from app.oauth.registration import Registration
from app.oauth.server import Server
from app.oauth.userinfo import UserInfo
from app.procedures import catalogue
from app.surfaces.cross_origin import CrossOrigin

_MIGRATIONS = Path(__file__).parent.parent / "migrations"
# As many as there are threads: one above is opened for a call and closed after it, and to open a
# guarded one costs more than the call. The one used last has in its cache what it wrote.
_POOL = {"pool_size": 32, "pool_use_lifo": True}


def create_app(settings: config.Settings | None = None) -> Flask:
    """Put the application together.

    Raises:
        SettingsInvalid: a setting does not fit.
        Misdeclared: a declaration does not fit (a procedure, a scope or a row policy), or a
            procedure or a blueprint is in no list.
    """
    settings = settings or config.load()
    app = Flask(__name__)
    app.config.from_mapping(_flask_settings(settings))
    app.extensions["settings"] = settings
    app.extensions["cross_origin"] = CrossOrigin(settings)
    app.session_interface = CookieSessions()
    app.wsgi_app = Door(app)  # type: ignore[method-assign] # Flask's documented way
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=0)  # type: ignore[method-assign] # Flask's documented way
    cross_origin.init_app(app)
    edge.init_app(app)
    pages.init_app(app)
    for extension in (db, csrf, login, htmx):
        extension.init_app(app)
    migrate.init_app(app, db, directory=str(_MIGRATIONS))
    with app.app_context():
        _prepare_engines()
        build_services(app, settings)
    app.extensions["declarations"].check()
    check_complete()
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _prepare_engines() -> None:
    for bind, engine in db.engines.items():
        sqlite.prepare(engine)
        postgres.prepare(engine, guarded=bind == ROWS)
    RowGuard(db.metadata, ROW_POLICIES).watch(db.engines[ROWS])


def build_services(app: Flask, settings: config.Settings) -> None:
    """Build what requests are answered with, on the app's engines, inside its context.

    Counters and caches live in these objects: built again, they are empty.
    """
    rows = db.engines[ROWS]
    post = Post(settings.public_url, settings.smtp_url, settings.mail_from)
    app.extensions["post"] = post
    is_open = settings.signup == "open"
    rules = _input_rules(settings)
    road = Pipeline(catalogue(), rows, record, post=post, is_sign_up_open=is_open, context=rules)
    app.extensions["pipeline"] = road
    app.extensions["invitations"] = Invitations(db.engine)
    app.extensions["sign_up"] = SignUp(db.engine, post, is_open=is_open)
    app.extensions["declarations"] = Declarations(road.catalogue, ROW_POLICIES, UNREACHABLE)
    app.extensions["shares"] = shares(limited=settings.rate_limits == "on")
    policies = ServerPolicies(db.metadata, ROW_POLICIES)
    app.extensions["readiness"] = Readiness(db.engine, _MIGRATIONS, policies, probe_writes)
    _build_authorization_server(app, settings, Opened(road.catalogue, rows))


def _build_authorization_server(app: Flask, settings: config.Settings, opened: Opened) -> None:
    is_outside = outside.known_to(db.engine)
    app.extensions["resources"] = resources = Resources(
        settings.public_url, is_outside, has_streams=settings.workers == 1
    )
    app.extensions["keys"] = keys = Keys(db.engine, settings.secret_key)
    proofs = Proofs(db.engine, settings.secret_key)
    app.extensions["user_info"] = UserInfo(db.engine, proofs)
    app.extensions["logout_server"] = LogoutServer(db.engine, keys, settings.public_url)
    app.extensions["bearer"] = Bearer(db.engine, resources, proofs)
    is_open, counted = settings.registration == "open", app.extensions["shares"]
    rules = {**_input_rules(settings), APP_PAGE_KEY: resources.url(NEW_APP_PATH)}
    registration = Registration(db.engine, resources, is_open=is_open, rules=rules)
    app.extensions["registration"] = registration
    fetcher = Fetcher(is_private_allowed=settings.private_documents == "on")
    app.extensions["fetcher"] = fetcher
    documents = Documents(db.engine, registration, fetcher, counted)
    app.extensions["oauth_server"] = Server(
        db.engine,
        resources,
        keys=keys,
        proofs=proofs,
        documents=documents,
        published=PublishedKeys(fetcher, counted.anonymous_documents),
        shares=counted,
    )
    app.extensions["devices"] = Devices(db.engine, resources, opened)
    app.extensions["consent_server"] = ConsentServer(
        db.engine, resources, keys, documents=documents, opened=opened
    )


def _input_rules(settings: config.Settings) -> dict[str, object]:
    """Return what validators of inputs depend on in this deployment.

    Raises:
        SettingsInvalid: the denylist of URI schemes has a word that is none.
    """
    try:
        return {CONTEXT_KEY: SchemeDenylist.parse(settings.denied_schemes)}
    except ValueError as error:
        raise config.SettingsInvalid(f"{config.PREFIX}DENIED_SCHEMES: {error}") from None


def _flask_settings(settings: config.Settings) -> dict[str, object]:
    is_sqlite = settings.database_url.startswith("sqlite:")
    options = {**_POOL, **({} if is_sqlite else postgres.ENGINE_OPTIONS)}
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": options,
        "SQLALCHEMY_BINDS": {ROWS: {"url": settings.database_url, **options}},
        "SESSION_COOKIE_NAME": "__Host-latchkey" if settings.is_https else "latchkey",
        "SESSION_COOKIE_SECURE": settings.is_https,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": 14 * 24 * 3600,
        "WTF_CSRF_TIME_LIMIT": None,
        "MAX_CONTENT_LENGTH": 1024 * 1024,
        "MAX_FORM_MEMORY_SIZE": 256 * 1024,
    }
