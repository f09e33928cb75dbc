"""Names that no app may give itself."""

import pytest

from app.models import client_name
from app.models.client_name import TrustedApp

CLAUDE = TrustedApp("Claude", ["https://claude.ai/api/mcp/auth_callback"], is_public=False)
CURSOR = TrustedApp(
    "Cursor", ["cursor://anysphere.cursor-mcp/cb", "http://localhost:8787/cb"], is_public=True
)


@pytest.mark.parametrize(
    "name",
    [
        "Latchkey Official (Verified)",
        "\u2705 Verified by Latchkey",
        "V e r i f i e d",
        "\u043effi\u0441ial",
        "0FF1C1AL",
        "V3rif13d app",
        "TaskOfficial",
        "Sun Official",
        "Unofficial-Official",
        "\U0001d5e9\U0001d5f2\U0001d5ff\U0001d5f6\U0001d5f3\U0001d5f6\U0001d5f2\U0001d5f1",
        "Latchkey",
        "L4TCHKEY",
        "API console",
        "API \u0441onsole",
        "api-console",
    ],
    ids=ascii,
)
def test_a_name_that_claims_a_review_or_is_our_own_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="Choose another name"):
        client_name.check(name)


@pytest.mark.parametrize(
    "name",
    [
        "Claude",
        "Unofficial Claude",
        "unverified",
        "Latchkey CLI",
        "Officer",
        "Verification helper",
    ],
)
def test_another_name_may_be_taken(name: str) -> None:
    client_name.check(name)


@pytest.mark.parametrize(
    ("name", "redirect_uris", "imitates"),
    [
        ("Claude", ["https://evil.example/cb"], True),
        ("\u0421laude", ["http://localhost/cb"], True),
        ("Claude", [], True),
        ("Claude", ["https://claude.ai/other"], False),
        ("Claude", ["https://claude.ai/cb", "https://evil.example/"], True),
        ("Claude", ["claude://claude.ai/cb"], True),
        ("Cursor", ["cursor://anysphere.cursor-mcp/cb"], False),
        ("Cursor", ["http://localhost:9999/cb"], False),
        ("Cursor", ["http://localhost:9999/other"], True),
        ("Curs0r", ["https://cursor.example/cb"], True),
        ("Claudia", ["https://evil.example/cb"], False),
    ],
)
def test_a_trusted_apps_name_is_for_who_leads_to_the_same_place(
    name: str, redirect_uris: list[str], *, imitates: bool
) -> None:
    assert client_name.imitates(name, redirect_uris, [CLAUDE, CURSOR]) == imitates
