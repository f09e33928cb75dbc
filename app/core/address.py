"""Network addresses, where callers are counted by them."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

_LONGEST = 64
_OF_ONE_HOUSEHOLD = 64


@lru_cache(maxsize=1024)
def network(address: str) -> str:
    """Give what an address counts as: itself, or of IPv6 the /64 that one household has whole."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address[:_LONGEST]
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> _OF_ONE_HOUSEHOLD << _OF_ONE_HOUSEHOLD)}/64"
