"""The denylist of URI schemes, and what an operator changes about it."""

from pathlib import Path

import pytest

import config
from app import create_app
from app.models import redirect_uri
from app.models.uri_schemes import ALWAYS_DENIED, DEFAULT_DENYLIST, SchemeDenylist
from config import SettingsInvalid

NAMED = [
    *("javascript", "data", "vbscript", "file", "blob", "about", "ftp", "ws", "wss", "mailto"),
    *("tel", "intent", "chrome", "view-source", "chrome-extension", "ms-word", "ms-settings"),
    *("resource", "jar", "sms", "market", "moz-extension", "filesystem", "urn"),
]


@pytest.mark.parametrize("scheme", NAMED)
def test_a_scheme_that_something_else_handles_is_denied(scheme: str) -> None:
    assert DEFAULT_DENYLIST.denies(scheme)


def test_an_operator_denies_more_schemes_and_allows_some() -> None:
    denylist = SchemeDenylist.parse("cursor, Legacy-* -sms  -ms-*")
    assert [denylist.denies(scheme) for scheme in ("cursor", "legacy-app", "vscode")] == [
        True,
        True,
        False,
    ]
    assert not denylist.denies("sms")
    assert not denylist.denies("ms-word")
    assert denylist.denies("tel")
    with pytest.raises(ValueError, match="uses the scheme cursor:"):
        redirect_uri.checked("cursor://a/b", denylist)
    assert redirect_uri.checked("ms-word://a/b", denylist)


@pytest.mark.parametrize("scheme", sorted(ALWAYS_DENIED))
def test_no_setting_allows_code(scheme: str) -> None:
    with pytest.raises(ValueError, match="not an entry that can be removed"):
        SchemeDenylist.parse(f"-{scheme}")


@pytest.mark.parametrize("word", ["cursor:", "*", "-", "1x", "a*b", "-cursor", "é"])
def test_a_word_that_is_no_scheme_stops_the_start(word: str, tmp_path: Path) -> None:
    settings = config.load(denied_schemes=word, instance=tmp_path, secret_key="k")
    with pytest.raises(SettingsInvalid, match="LATCHKEY_DENIED_SCHEMES"):
        create_app(settings)
