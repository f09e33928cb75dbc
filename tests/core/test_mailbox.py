"""Email addresses, and the host names that they are at."""

import pytest

from app.core import mailbox

NO_HOST = [
    "",
    "localhost",
    "example",
    "example.com, example.org",
    "somebody@example.com",
    "@example.com",
    "https://example.com",
    "example.com/path",
    "example.com:25",
    "exa mple.com",
    "example..com",
    "-example.com",
    "example.com.",
    "127.0.0.1",
    "[127.0.0.1]",
    "*.example.com",
    "example.com\n",
    "exa\u200bmple.com",
    "x" * 64 + ".com",
    ".".join(["x" * 60] * 5),
]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Ada@Example.COM\n", "ada@example.com"),
        ("ÄDA@example.com", "äda@example.com"),
        ("ada@xn--bcher-kva.example", "ada@bücher.example"),
    ],
)
def test_an_address_is_kept_one_way(given: str, kept: str) -> None:
    assert mailbox.address(given) == kept
    assert mailbox.address(kept) == kept


@pytest.mark.parametrize("text", ["", "ada", "ada@", "ada@example", "İ" * 200 + "@example.com"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        mailbox.address(text)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("Example.COM", "example.com"),
        ("mail.example.com", "mail.example.com"),
        ("Bücher.example", "xn--bcher-kva.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_a_host_name_is_kept_as_the_addresses_at_it_have_it(given: str, kept: str) -> None:
    assert mailbox.host_name(given) == kept
    assert mailbox.domain(mailbox.address(f"Ada@{given}")) == kept


@pytest.mark.parametrize("text", NO_HOST)
def test_what_is_no_host_name_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Give a host name"):
        mailbox.host_name(text)


@pytest.mark.parametrize("address", ["ada@example.com.evil.example", "ada@notexample.com"])
def test_a_longer_name_is_another_domain(address: str) -> None:
    assert mailbox.domain(address) != "example.com"
