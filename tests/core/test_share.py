"""How often one caller may do one thing."""

import pytest

from app.core.errors import TooManyCalls
from app.core.share import Share, shares


def test_a_grant_has_its_share_of_a_minute() -> None:
    clock = [90.0]
    share = Share(2, now=lambda: clock[0])
    share.spend("grant")
    share.spend("another")
    share.spend("grant")
    with pytest.raises(TooManyCalls) as refused:
        share.spend("grant")
    assert refused.value.retry_after == 30
    clock[0] = 120.0
    share.spend("grant")


def test_without_limits_there_is_no_end() -> None:
    unlimited = shares(limited=False)
    for _ in range(1000):
        unlimited.registrations.spend("one address")
