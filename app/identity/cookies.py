"""The session cookie: Flask's own, signed; free of charge for requests that have none."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature

# Where Flask-Login stores the login's credential in a session.
CREDENTIAL = "_user_id"


class CookieSessions(SecureCookieSessionInterface):
    """Flask's sessions, without setting up a signature where there is none to check.

    Programs that call the API send no cookie, and keep none.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Give the session of the request's cookie; without one, an empty session."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def has_sign_in(self, app: Flask, cookie: str) -> bool:
        """Whether this is the cookie of a session in which someone is signed in."""
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return False
        try:
            content = serializer.loads(
                cookie, max_age=int(app.permanent_session_lifetime.total_seconds())
            )
        except BadSignature:
            return False
        return bool(content.get(CREDENTIAL))
