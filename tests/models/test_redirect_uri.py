"""Which redirect URIs may be registered, and which match."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.models import redirect_uri
from tests.requirements import requirement

ANY_TEXT = st.text(st.characters(exclude_categories=()))
ALMOST = st.tuples(
    st.sampled_from(["http://", "https://", "HTTP://", "//", "", "com.example:/", "javascript:"]),
    st.sampled_from(["127.0.0.1", "[::1]", "localhost", "example.com", "", "a@localhost", "[::1"]),
    st.sampled_from(["", ":", ":80", ":99999", ":1x", ".evil.example", "@evil.example"]),
    st.sampled_from(["", "/", "/cb", "/cb?x=1", "/cb?", "/cb#", "/cb/..", "\\@evil.example"]),
).map("".join)
LOOPBACK = ["http://127.0.0.1", "http://[::1]", "http://localhost"]


def without_port(uri: str) -> str:
    return re.sub(r"^(http://(?:127\.0\.0\.1|\[::1\]|localhost)):\d+", r"\1", uri)


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.com/callback",
        "https://example.com:8443/cb?of=us",
        "https://[2001:db8::1]:8443/cb",
        "https://192.0.2.1/cb",
        "https://xn--strae-oqa.example/cb",
        f"https://{'a' * 63}.example/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:8765/cb",
        "http://[::1]:8765/cb",
        "http://localhost/cb",
        "com.example.app:/cb",
        "cursor://anysphere.cursor-retrieval/oauth/callback",
        "vscode://some/thing",
    ],
)
def test_a_redirect_uri_is_registered_as_it_is(uri: str) -> None:
    assert redirect_uri.checked(uri) == uri


@requirement(
    "rfc6749:redirect-uri-absolute", "rfc8252:dangerous-scheme", "rfc9700:no-http-redirect"
)
@pytest.mark.parametrize(
    ("uri", "fault"),
    [
        ("", "is empty"),
        ("https://example.com/" + "a" * 2000, "is longer than 2000"),
        ("https://*.example.com/cb", "holds a wildcard"),
        ("https://example.com/cb#", "holds a fragment"),
        ("https://example.com/a b", "holds a character"),
        ("https://example.com\\@evil.example/", "holds a character"),
        ("https://example.com/\n", "holds a character"),
        ("https://ex\u0430mple.com/", "holds a character"),
        ("https://[::1", "is not a URI"),
        ("https://[::1].evil.example/", "has a host|is not a URI"),
        ("http://[::1].evil.example/cb", "has a host|is not a URI"),
        ("https://example.com:99999/", "is not a URI"),
        ("https://evil.example;sandbox/cb", "has a host"),
        ("https://example.com%2F.evil.example/", "has a host"),
        ("https://!/", "has a host"),
        ("https://.../", "has a host"),
        ("https://example.com:/", "has a host or a port"),
        (f"https://{'a' * 64}.example/cb", "has a host longer than 253"),
        (f"https://{'a.' * 126}example/cb", "has a host longer than 253"),
        ("https://256.256.256.256/cb", "has a host or a port"),
        ("https://2130706433/cb", "has a host or a port"),
        ("https://127.0.0.0x1/cb", "has a host or a port"),
        ("https://xn--99999999999.example/cb", "has a host or a port"),
        ("http://localhost:0/", "has a host or a port"),
        ("https:///evil.example", "names no host"),
        ("https:evil.example", "names no host"),
        ("https://ada@example.com/", "holds user information"),
        ("http://localhost@evil.example/", "holds user information"),
        ("http://example.com/cb", "must use https"),
        ("http://127.0.0.1.evil.example/", "must use https"),
        ("http://127.0.0.2/cb", "must use https"),
        ("http://0.0.0.0/cb", "must use https"),
        ("javascript:alert(1)", "uses the scheme javascript:"),
        ("data:text/html,x", "uses the scheme data:"),
        ("file:///etc/passwd", "uses the scheme file:"),
        ("view-source:https://example.com/", "uses the scheme view-source:"),
        ("chrome-extension://abc/cb", "uses the scheme chrome-extension:"),
        ("ms-settings:x", "uses the scheme ms-settings:"),
        ("market://details?id=x", "uses the scheme market:"),
        ("localhost:3000/cb", "does not begin with a scheme: write https://"),
        ("example.com:8080/cb", "does not begin with a scheme: write https://"),
        ("localhost:x/cb", "uses the scheme localhost:"),
        ("/callback", "does not begin with a scheme"),
        ("//evil.example/cb", "does not begin with a scheme"),
        ("example.com/cb", "does not begin with a scheme"),
        ("urn:ietf:wg:oauth:2.0:oob", "uses the scheme urn:"),
    ],
)
def test_a_uri_that_would_not_be_safe_is_refused_with_the_reason(uri: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        redirect_uri.checked(uri)


@given(ANY_TEXT | ALMOST)
@example("https://[v1.x]/")
@example("http://\u2100.example/")
def test_any_text_is_checked_or_refused(uri: str) -> None:
    try:
        checked = redirect_uri.checked(uri)
    except ValueError:
        return
    assert checked is uri
    assert redirect_uri.destination(uri)
    assert redirect_uri.matches(uri, uri)


@given(ALMOST, ALMOST | ANY_TEXT)
@example("http://[::1]/cb", "http://[::1].evil.example/cb")
@example("http://[::1]/cb", "http://evil[::1]:80/cb")
@example("http://127.0.0.1/cb", "http://127.0.0.1/cb?")
@example("http://localhost/cb", "http://LOCALHOST:1/cb")
def test_a_uri_that_matches_is_the_registered_one_but_for_the_port_of_a_loopback(
    registered: str, requested: str
) -> None:
    try:
        redirect_uri.checked(registered)
    except ValueError:
        return
    if redirect_uri.matches(registered, requested):
        assert without_port(requested) == without_port(registered)


@requirement("rfc8252:any-loopback-port")
@pytest.mark.parametrize("origin", LOOPBACK)
@pytest.mark.parametrize("port", ["", ":0", ":1", ":80", ":65535"])
def test_a_program_on_ones_computer_takes_any_port(origin: str, port: str) -> None:
    assert redirect_uri.matches(f"{origin}/cb?a=b", f"{origin}{port}/cb?a=b")
    assert redirect_uri.matches(f"{origin}:4000/cb?a=b", f"{origin}{port}/cb?a=b")


@requirement(
    "rfc6749:redirect-uri-compared", "rfc8252:whole-redirect-uri", "rfc9700:exact-redirect-uri"
)
@pytest.mark.parametrize(
    ("registered", "requested"),
    [
        ("http://127.0.0.1/cb", "http://127.0.0.1:65536/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:/cb"),
        ("http://127.0.0.1/cb", "http://localhost/cb"),
        ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
        ("http://127.0.0.1/cb", "http://127.0.0.1/cb/"),
        ("http://127.0.0.1/cb", "http://127.0.0.1/CB"),
        ("http://127.0.0.1/cb", "http://127.0.0.1/cb#"),
        ("http://127.0.0.1/cb", "http://127.0.0.1\\@evil.example/cb"),
        ("https://example.com/cb", "https://example.com:8443/cb"),
        ("https://example.com/cb", "https://example.com/cb?"),
        ("https://example.com/cb", "https://example.com/cb/../evil"),
        ("com.example:/cb", "com.example:/cb/x"),
    ],
)
def test_what_differs_in_anything_else_does_not_match(registered: str, requested: str) -> None:
    assert not redirect_uri.matches(registered, requested)


# What the tools register, by their schemes (as published, or as their kind does).
TOOLS = [
    "cursor://anysphere.cursor-mcp/oauth/callback",
    "vscode://vscode.github-authentication/did-authenticate",
    "vscode-insiders://vscode.github-authentication/did-authenticate",
    "vscodium://vscodium.authentication/did-authenticate",
    "windsurf://codeium.windsurf/oauth/callback",
    "claude://claude.ai/oauth/callback",
    "zed://agent/oauth/callback",
    "jetbrains://gateway/oauth/callback",
    "kiro://kiro.kiroAgent/oauth/callback",
    "trae://trae.ai-ide/oauth/callback",
    "goose://oauth/callback",
    "warp://mcp/oauth2callback",
    "raycast://oauth?package_name=Extension",
    "lmstudio://oauth/callback",
    "opencode://oauth/callback",
    "cline://oauth/callback",
    "positron://oauth/callback",
    "com.raycast:/oauth?package_name=Extension",
]


@requirement("rfc8252:three-kinds-of-redirect-uri")
@pytest.mark.parametrize("uri", TOOLS)
def test_the_schemes_of_the_tools_in_use_are_registered(uri: str) -> None:
    assert redirect_uri.checked(uri) == uri


@pytest.mark.parametrize(
    ("client_uri", "redirect_uris", "is_shown"),
    [
        ("https://app.example/about", ["https://app.example/cb"], True),
        ("https://APP.example", ["https://app.example:8443/cb", "https://app.example./x"], True),
        ("https://bank.example/", ["https://app.example/cb"], False),
        ("https://app.example/", ["https://www.app.example/cb"], False),
        ("https://app.example/", ["https://app.example/cb", "https://evil.example/"], False),
        ("https://app.example/", ["https://app.example/cb", "http://localhost/cb"], False),
        ("http://localhost/", ["http://localhost/cb"], False),
        ("https://app.example/", ["app.example://app.example/cb"], False),
        ("https://app.example/", [], False),
        (None, ["https://app.example/cb"], False),
    ],
)
def test_a_home_page_is_shown_where_each_redirect_uri_proves_its_host(
    client_uri: str | None, redirect_uris: list[str], *, is_shown: bool
) -> None:
    assert redirect_uri.home_page(client_uri, redirect_uris) == (client_uri if is_shown else None)


def test_the_destination_is_what_a_person_can_check() -> None:
    assert redirect_uri.destination("https://example.com:8443/cb") == "example.com:8443"
    assert redirect_uri.destination("com.example.app:/cb") == "com.example.app:"
