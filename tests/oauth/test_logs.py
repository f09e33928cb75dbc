"""What the log of a whole run tells: no token, no secret, no code."""

import logging
import re

import pytest

from tests.oauth.conftest import Flow
from tests.oauth.keyholder import KeyHolder
from tests.oauth.test_client_credentials import issued
from tests.oauth.test_code_flow import api
from tests.oauth.test_device import decide, poll, start
from tests.oauth.test_dpop import bound
from tests.oauth.test_introspection import introspect
from tests.oauth.test_token_exchange import exchanged
from tests.requirements import requirement


@requirement(
    "rfc6749:credentials-kept-secret", "rfc9700:tokens-not-kept-in-clear", "mcp:tokens-kept-secret"
)
def test_nothing_secret_reaches_the_log(flow: Flow, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("authlib").setLevel(logging.DEBUG)
    body = flow.tokens(scope="openid tasks:view")
    flow.refresh(body["refresh_token"])
    flow.refresh(body["refresh_token"] + "x")
    api(flow, body["access_token"])
    introspect(flow, body["access_token"])
    exchanged(flow, body["access_token"])
    issued(flow)
    bound(flow, KeyHolder())
    started = start(flow)
    decide(flow, started["user_code"])
    poll(flow, started)
    assert caplog.records, "the log is listened to"
    assert not re.findall(r"lk_[a-z]+_[A-Za-z0-9_-]{20,}|eyJ[A-Za-z0-9_-]{20,}", caplog.text)
    assert started["user_code"] not in caplog.text
