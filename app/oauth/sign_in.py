"""When the person in front of the browser has to sign in again (OpenID Connect Core §3.1.2.1)."""

from dataclasses import dataclass

from app.oauth.authorization import Asked
from app.oauth.errors import LoginRequired


@dataclass(frozen=True, slots=True)
class SignIn:
    """How the person has signed in.

    `at` is when, in seconds since the epoch; `is_answer` tells that they did so because this
    very request made them.
    """

    at: int
    is_answer: bool = False


class SignInAgain(Exception):
    """The client wants the person to sign in now."""


def check_sign_in(asked: Asked, sign_in: SignIn, *, is_expected: bool, now: int) -> None:
    """Hold the sign-in against what the client asks for; `is_expected` says it is of whom.

    Raises:
        SignInAgain: the person has to do that first.
        LoginRequired: they would have to, and the request forbids to ask; or they did, as
            somebody other than the client expects.
    """
    if is_expected and (sign_in.is_answer or not _is_too_old(asked, sign_in, now)):
        return
    if "none" in asked.prompt:
        raise LoginRequired("The person has to sign in.")
    if sign_in.is_answer:
        raise LoginRequired("Somebody else than the id_token_hint names has signed in.")
    raise SignInAgain


def _is_too_old(asked: Asked, sign_in: SignIn, now: int) -> bool:
    if "login" in asked.prompt or asked.max_age == 0:
        # Met by a sign-in that this request led to, and by no other.
        return True
    return asked.max_age is not None and now - sign_in.at > asked.max_age
