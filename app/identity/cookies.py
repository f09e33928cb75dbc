"""The session cookie: Flask's own, signed; free of charge for requests that have none."""

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface


class CookieSessions(SecureCookieSessionInterface):
    """Flask's sessions, without setting up a signature where there is none to check.

    Programs that call the API send no cookie, and keep none.
    """

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Give the session of the request's cookie; without one, an empty session."""
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)
