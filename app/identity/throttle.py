"""How often a password may be guessed: per account, per address, and per pair of both."""

import hashlib

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from app.core.address import network
from app.models.user import Guess

WINDOW = 15 * 60
PER_PAIR = 10
PER_ACCOUNT = 100
PER_ADDRESS = 50


class TooManyGuesses(Exception):
    """No more guesses for now; `retry_after` is in seconds."""

    def __init__(self, retry_after: int) -> None:
        super().__init__("Too many attempts. Wait a while, then try again.")
        self.retry_after = retry_after


def count_guess(session: Session, *, email: str, address: str, now: int) -> None:
    """Write one attempt down, before its password is looked at: parallel guesses all count.

    Raises:
        TooManyGuesses: account or address has had its share of the last fifteen minutes.
    """
    session.execute(delete(Guess).where(Guess.at <= now - WINDOW))
    shares = {
        pair(email, address): PER_PAIR,
        account(email): PER_ACCOUNT,
        address_of(address): PER_ADDRESS,
    }
    for subject, most in shares.items():
        tried, first = session.execute(
            select(func.count(), func.min(Guess.at)).where(Guess.subject == subject)
        ).one()
        if tried >= most:
            raise TooManyGuesses(max(1, first + WINDOW - now))
    session.add_all(Guess(subject=subject, at=now) for subject in shares)


def forgive(session: Session, *, email: str, address: str) -> None:
    """Forget an account's failed attempts: its person has signed in. The address pays no more."""
    last = select(func.max(Guess.id)).where(Guess.subject == address_of(address))
    session.execute(delete(Guess).where(Guess.id == last.scalar_subquery()))
    mine = (account(email), pair(email, address))
    session.execute(delete(Guess).where(Guess.subject.in_(mine)))


def pair(email: str, address: str) -> str:
    """Give how the attempts at an account from one address are counted.

    By themselves: whoever guesses at an account from elsewhere does not lock its person out.
    """
    return "pair:" + hashlib.sha256(f"{email} {network(address)}".encode()).hexdigest()


def account(email: str) -> str:
    """Give how the attempts at an account are counted, whether or not it exists."""
    return "account:" + hashlib.sha256(email.encode()).hexdigest()


def address_of(address: str) -> str:
    """Give how the attempts from an address are counted."""
    return "address:" + network(address)
