"""From a browser's session to a principal: a cookie that is worth its database row."""

import hashlib
import time
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from flask import Request, abort, current_app, request, session
from flask_login import UserMixin, current_user, login_user, logout_user
from sqlalchemy import bindparam, select, update

from app.core import credentials
from app.core.credentials import Prefix
from app.core.errors import Busy
from app.core.principal import Channel, Principal, nobody
from app.core.statement import Statement
from app.core.system import acting_as_system, connected_as_system
from app.extensions import db, login
from app.identity import accounts
from app.identity.bearer import token_in
from app.identity.cookies import CREDENTIAL
from app.identity.held import HELD, person
from app.models.user import Login, User

LASTS = 14 * 24 * 3600
_ASKED = "asked_to_sign_in"
# Seconds.
_ANSWERED_WITHIN = 600
_NOTED_EVERY = 60
_LOOKUP = Statement(
    select(User.id, User.email, User.name, User.last_seen_at, Login.created_at, *HELD)
    .join_from(Login, User, User.id == Login.user_id)
    .where(
        Login.digest == bindparam("digest"),
        Login.revoked_at.is_(None),
        Login.expires_at > bindparam("now"),
        User.suspended_at.is_(None),
    )
)


@dataclass(frozen=True, slots=True)
class Viewer(UserMixin):  # type: ignore[misc] # flask-login carries no types
    """The person in front of a page."""

    principal: Principal
    email: str
    name: str
    credential: str = field(repr=False)
    # When they signed in, in seconds since the epoch.
    auth_time: int = 0

    def get_id(self) -> str:
        """Give what the cookie holds: the credential of the login, not the user's id."""
        return self.credential

    def may(self, scope: str) -> bool:
        """Tell whether the person's roles hold a scope; for what a page offers, not decides."""
        return scope in self.principal.scopes


def viewer() -> Viewer | None:
    """Give the person who is signed in, if there is one."""
    seen = current_user._get_current_object()  # noqa: SLF001 - werkzeug's way past its proxy
    return seen if isinstance(seen, Viewer) else None


def principal() -> Principal:
    """Give the principal of the person who is signed in, or nobody."""
    seen = viewer()
    return seen.principal if seen else nobody(Channel.BROWSER)


def sign_in_by_password(email: str, password: str) -> bool:
    """Begin a session where email and password are right; tell whether they were.

    Raises:
        TooManyGuesses: account or address has had its share of attempts.
    """
    user_id = accounts.who_signs_in(
        db.engine,
        email=email,
        password=password,
        address=request.remote_addr or "",
        now=int(time.time()),
    )
    if user_id is not None:
        sign_in(user_id)
    return user_id is not None


def sign_up(*, email: str, name: str, password: str) -> None:
    """Make an account; the answer does not tell whether the address had one already.

    Raises:
        InvalidInput: address, name or password will not do.
    """
    accounts.sign_up(db.engine, email=email, name=name, password=password, now=int(time.time()))


def sign_in(user_id: int) -> None:
    """Begin a session for this user, under a new cookie."""
    now = int(time.time())
    credential = credentials.issue(Prefix.LOGIN)
    asked = session.get(_ASKED)
    # Nobody stays signed in under the cookie of before (OWASP ASVS 7.2.4).
    sign_out()
    if asked:
        session[_ASKED] = asked
    with acting_as_system(db.engine, "begin a session") as store:
        store.add(
            Login(
                digest=credentials.digest(credential),
                user_id=user_id,
                created_at=now,
                expires_at=now + LASTS,
                user_agent=request.user_agent.string[:200],
                address=(request.remote_addr or "")[:45],
            )
        )
    found = load(credential)
    if found is None:
        abort(403)
    login_user(found)
    session.permanent = True


def sign_out() -> None:
    """End the session, here and in the database."""
    credential = session.get(CREDENTIAL)
    if credential:
        with acting_as_system(db.engine, "end a session") as store:
            store.execute(
                update(Login)
                .where(Login.digest == credentials.digest(credential))
                .values(revoked_at=int(time.time()))
            )
    logout_user()
    session.clear()


def forget_ended_session() -> bool:
    """Drop the credential of a session that the server ended; whether there was one."""
    return session.pop(CREDENTIAL, None) is not None


@login.user_loader  # type: ignore[untyped-decorator] # flask-login carries no types
def load(credential: str) -> Viewer | None:
    """Give the person whose login this is; None where it is unknown, over or revoked."""
    if not credentials.is_well_formed(credential, Prefix.LOGIN):
        return None
    digest, now = credentials.digest(credential), int(time.time())
    with connected_as_system(db.engine, "find a session", reads=True) as connection:
        row = _LOOKUP.row(connection, digest=digest, now=now)
    if row is None:
        return None
    user_id, email, name, seen_at, auth_time, *held = row
    if seen_at is None or seen_at <= now - _NOTED_EVERY:
        with suppress(Busy):  # the next page notes it
            _note_seen(user_id, now)
    return Viewer(person(user_id, held), email, name, credential, auth_time)


def _note_seen(user_id: int, now: int) -> None:
    with acting_as_system(db.engine, "note that a person is here") as store:
        store.execute(update(User).where(User.id == user_id).values(last_seen_at=now))


def is_sign_in_for(request_: bytes) -> bool:
    """Tell whether the person signed in because this request made them."""
    asked = session.get(_ASKED)
    if not isinstance(asked, dict) or asked.get("by") != _name_of(request_):
        return False
    is_recent = time.time() - asked.get("at", 0) <= _ANSWERED_WITHIN
    return is_recent and asked.get("under") != _login_name()


def ask_to_sign_in(request_: bytes) -> None:
    """Remember that a request makes the person sign in, from the login of now to another."""
    session[_ASKED] = {
        "by": _name_of(request_),
        "under": _login_name(),
        "at": int(time.time()),
    }


def forget_what_asked() -> None:
    """Forget which request made the person sign in: it was answered."""
    session.pop(_ASKED, None)


def _login_name() -> str:
    return hashlib.sha256(session.get(CREDENTIAL, "").encode()).hexdigest()


def _name_of(request_: bytes) -> str:
    # A browser may escape what a redirect says otherwise than it came.
    plain = unquote_to_bytes(request_.replace(b"+", b" "))
    return hashlib.sha256(plain).hexdigest()


def is_ambiguous(given: Request) -> bool:
    """Whether a request carries a sign-in and a bearer token at once.

    The cookie of a session without a sign-in is none: the sign-in page sets one for its form.
    """
    if current_app.config["SESSION_COOKIE_NAME"] not in given.cookies:
        return False
    has_token = token_in(given.headers.get("Authorization")) is not None
    return has_token and bool(session.get(CREDENTIAL))


def safe_next(target: str | None) -> str:
    """Give where to go after signing in: a path of this app, or its first page."""
    if not target or not target.startswith("/") or target.startswith("//"):
        return "/tasks"
    # Browsers read a backslash as a slash, and skip tabs and line ends.
    return target if "\\" not in target and target.isprintable() else "/tasks"
