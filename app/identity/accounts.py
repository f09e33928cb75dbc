"""Making accounts, and knowing people by their passwords."""

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.core import names
from app.core.errors import Conflict, InvalidInput, NotFound
from app.core.principal import Channel, Principal
from app.core.system import acting_as_system
from app.identity import passwords, throttle
from app.models.user import NAME_LENGTH, Password, Role, RoleScope, User, UserRole


def create(engine: Engine, *, email: str, name: str, password: str, role: str, now: int) -> int:
    """Make an account; give its user id.

    Raises:
        InvalidInput: address, name or password will not do.
        NotFound: there is no such role.
        Conflict: the address has an account already.
    """
    email, name = _checked(email, name, password)
    hash_ = passwords.hashed(password)
    with acting_as_system(engine, "create an account") as session:
        role_id = session.scalar(select(Role.id).where(Role.name == role))
        if role_id is None:
            raise NotFound(f"There is no role {role!r}.")
        if session.scalar(select(User.id).where(User.email == email)) is not None:
            raise Conflict(f"{email} has an account already.")
        user = User(email=email, name=name, created_at=now)
        session.add(user)
        session.flush()
        session.add(Password(user_id=user.id, hash=hash_))
        session.add(UserRole(user_id=user.id, role_id=role_id))
        return user.id


def exist(engine: Engine) -> bool:
    """Tell whether anybody has an account."""
    with acting_as_system(engine, "look for accounts") as session:
        return session.scalar(select(User.id).limit(1)) is not None


def principal_of(engine: Engine, email: str) -> Principal:
    """Give a person as if they sat in front of a page.

    Raises:
        NotFound: there is no such account.
    """
    with acting_as_system(engine, "act for a person") as session:
        user_id = session.scalar(select(User.id).where(User.email == email))
        if user_id is None:
            raise NotFound(f"There is no user {email!r}.")
        held = session.scalars(
            select(RoleScope.scope)
            .join(UserRole, UserRole.role_id == RoleScope.role_id)
            .where(UserRole.user_id == user_id)
        )
        scopes = frozenset(held)
    return Principal(Channel.BROWSER, user_id, scopes=scopes, reach=scopes)


def sign_up(engine: Engine, *, email: str, name: str, password: str, now: int) -> None:
    """Make an account with the default role; say nothing where the address has one already.

    Raises:
        InvalidInput: address, name or password will not do.
    """
    with acting_as_system(engine, "find the default role") as session:
        role = session.scalar(select(Role.name).where(Role.is_default))
    try:
        create(engine, email=email, name=name, password=password, role=role or "", now=now)
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
    if not is_right or len(password) > passwords.LONGEST:
        return None
    with acting_as_system(engine, "forgive guesses") as session:
        throttle.forgive(session, email=email, address=address)
    return user_id


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
        # The demo's and the tests' domains are of RFC 2606; no mail is sent to find out.
        parsed = validate_email(email.strip(), check_deliverability=False, test_environment=True)
        email = parsed.normalized.lower()
    except EmailNotValidError as fault:
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
