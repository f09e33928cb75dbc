"""Making accounts, and knowing people by their passwords."""

from dataclasses import dataclass, field

from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from app.core import mailbox, names
from app.core.errors import Busy, Conflict, InvalidInput, NotFound
from app.core.system import acting_as_system
from app.identity import passwords, throttle
from app.models.user import NAME_LENGTH, Password, Role, User, UserRole


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account that may be made: what it is made of was checked."""

    email: str
    name: str
    hash: str = field(repr=False)


def create(engine: Engine, *, email: str, name: str, password: str, role: str, now: int) -> int:
    """Make an account; give its user id.

    Raises:
        InvalidInput: address, name or password will not do.
        NotFound: there is no such role.
        Conflict: the address has an account already.
    """
    account = prepared(email=email, name=name, password=password)
    with acting_as_system(engine, "create an account") as session:
        role_id = session.scalar(select(Role.id).where(Role.name == role))
        if role_id is None:
            raise NotFound(f"There is no role {role!r}.")
        return _add(session, account, role_id, now)


def prepared(*, email: str, name: str, password: str) -> NewAccount:
    """Give what an account is made of.

    Raises:
        InvalidInput: address, name or password will not do.
    """
    email, name = _checked(email, name, password)
    return NewAccount(email, name, passwords.hashed(password))


def add(session: Session, account: NewAccount, now: int) -> int:
    """Make an account with the default role, within a transaction; give its user id.

    Raises:
        Conflict: the address has an account already.
    """
    role_id = session.scalars(select(Role.id).where(Role.is_default)).one()
    return _add(session, account, role_id, now)


def _add(session: Session, account: NewAccount, role_id: int, now: int) -> int:
    if session.scalar(select(User.id).where(User.email == account.email)) is not None:
        raise Conflict(f"{account.email} has an account already.")
    user = User(email=account.email, name=account.name, created_at=now)
    session.add(user)
    session.flush()
    session.add(Password(user_id=user.id, hash=account.hash))
    session.add(UserRole(user_id=user.id, role_id=role_id))
    return user.id


def exist(engine: Engine) -> bool:
    """Tell whether anybody has an account."""
    with acting_as_system(engine, "look for accounts") as session:
        return session.scalar(select(User.id).limit(1)) is not None


def sign_up(engine: Engine, *, email: str, name: str, password: str, now: int) -> None:
    """Make an account with the default role; say nothing where the address has one already.

    Raises:
        InvalidInput: address, name or password will not do.
    """
    account = prepared(email=email, name=name, password=password)
    try:
        with acting_as_system(engine, "sign up") as session:
            add(session, account, now)
    except Conflict:
        # OWASP ASVS 2.2: the answer must not tell who has an account.
        return


def who_signs_in(
    engine: Engine, *, email: str, password: str, address: str, now: int
) -> int | None:
    """Give the id of the user whose email and password these are; None where they are not.

    An unknown address, a wrong password and a suspended account are the same, and take the
    same time.

    Raises:
        TooManyGuesses: account or address has had its share of attempts.
    """
    email = email.strip().lower()
    with acting_as_system(engine, "count a guess") as session:
        throttle.count_guess(session, email=email, address=address, now=now)
        user_id, known = _password_of(session, email)
    is_right = passwords.is_right(password[: passwords.LONGEST], known)
    if not is_right or known is None or len(password) > passwords.LONGEST:
        return None
    new_hash = _replacement(password, known)
    with acting_as_system(engine, "forgive guesses") as session:
        throttle.forgive(session, email=email, address=address)
        if new_hash:
            # Only what was checked is replaced: the password may have been changed meanwhile.
            session.execute(
                update(Password)
                .where(Password.user_id == user_id, Password.hash == known)
                .values(hash=new_hash)
            )
    return user_id


def _replacement(password: str, known: str) -> str | None:
    try:
        return passwords.rehash(password, known)
    except Busy:  # the next sign-in replaces it
        return None


def _password_of(session: Session, email: str) -> tuple[int | None, str | None]:
    row = session.execute(
        select(User.id, Password.hash)
        .join(Password, Password.user_id == User.id)
        .where(User.email == email, User.suspended_at.is_(None))
    ).one_or_none()
    return (None, None) if row is None else (row[0], row[1])


def _checked(email: str, name: str, password: str) -> tuple[str, str]:
    faults: dict[str, str] = {}
    try:
        email = mailbox.address(email)
    except ValueError as fault:
        faults["email"] = str(fault)
    name = name.strip()
    if not 1 <= len(name) <= NAME_LENGTH:
        faults["name"] = f"Give a name of at most {NAME_LENGTH} characters."
    else:
        try:
            # People read it on the consent page, as the publisher's.
            names.name(name)
        except ValueError as fault:
            faults["name"] = str(fault)
    if not passwords.SHORTEST <= len(password) <= passwords.LONGEST:
        faults["password"] = (
            f"Use at least {passwords.SHORTEST} characters, and at most {passwords.LONGEST}."
        )
    if faults:
        raise InvalidInput("Some fields need attention.", fields=faults)
    return email, name
