"""Network addresses, where callers are counted by them."""

import pytest

from app.core.address import network


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:0:7:1:2:3:4", "2001:db8:0:7::/64"),
        ("2001:DB8::7:0:0:0:1", "2001:db8:0:7::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        # One socket for both families names people of IPv4 so: each is still one.
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("", ""),
        ("unknown", "unknown"),
        ("192.0.2.7:4711", "192.0.2.7:4711"),
        ("x" * 900, "x" * 64),
    ],
)
def test_an_address_counts_as_what_one_household_has(address: str, counted: str) -> None:
    assert network(address) == counted
