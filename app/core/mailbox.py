"""Email addresses, and the host names that they are at, each written one way."""

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

LONGEST = 254


def address(text: str) -> str:
    """Give an email address as it is kept: without spaces around it, in small letters.

    Raises:
        ValueError: it is none.
    """
    kept = _parsed(text.strip()).normalized.lower()
    if len(kept) > LONGEST:
        raise ValueError("The address is too long.")
    return kept


def on_the_wire(text: str) -> str:
    """Give an address in the letters that every mail server knows, as far as there are such.

    Raises:
        ValueError: it is none.
    """
    parsed = _parsed(text)
    return parsed.ascii_email or parsed.normalized


def domain(of_address: str) -> str:
    """Give the host name that an address is at, as `host_name` gives it.

    Raises:
        ValueError: it is no address.
    """
    return _parsed(of_address).ascii_domain.lower()


def host_name(text: str) -> str:
    """Give the name of a host that mail goes to: in small letters, and in ASCII.

    Raises:
        ValueError: it is none.
    """
    try:
        return domain(f"a@{text}")
    except ValueError as error:
        raise ValueError("Give a host name, such as example.com.") from error


def _parsed(text: str) -> ValidatedEmail:
    try:
        # The demo's and the tests' domains are of RFC 2606; no mail is sent to find out.
        return validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as fault:
        raise ValueError(str(fault)) from fault
