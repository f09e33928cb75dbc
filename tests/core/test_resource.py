"""The protected resources of one deployment."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.core.resource import API, MCP, MCP_SLASH, ROOT, SSE, Resources
from tests.requirements import requirement

URL = "https://tasks.example.com:8443"
OURS = Resources(URL)
ANY_TEXT = st.text(st.characters(exclude_categories=()))


@requirement("mcp:resource-in-capitals")
@pytest.mark.parametrize(
    ("requested", "audience"),
    [
        (URL, None),
        (URL + "/", None),
        (URL + "/api", URL + "/api"),
        (URL + "/mcp", URL + "/mcp"),
        (URL + "/mcp/", URL + "/mcp"),
        (URL + "/sse", URL + "/mcp"),
        ("HTTPS://Tasks.Example.COM:8443/mcp", URL + "/mcp"),
    ],
)
def test_a_resource_of_ours_is_an_audience(requested: str, audience: str | None) -> None:
    assert OURS.audience(requested) == audience


@pytest.mark.parametrize("bound_to", [URL + "/mcp", URL + "/mcp/", None])
def test_a_token_for_mcp_is_admitted_with_and_without_the_slash(bound_to: str | None) -> None:
    assert all(OURS.admits(bound_to, path) for path in (MCP, MCP_SLASH, SSE))
    assert OURS.admits(bound_to, API) == (bound_to is None)


@pytest.mark.parametrize(
    "requested",
    [
        "",
        "/mcp",
        "https://tasks.example.com/mcp",
        "http://tasks.example.com:8443/mcp",
        "https://tasks.example.com:8443.evil.example/mcp",
        "https://evil@tasks.example.com:8443/mcp",
        "https://evil.example/?https://tasks.example.com:8443/mcp",
        URL + "/MCP",
        URL + "/mcp//",
        URL + "//mcp",
        URL + "/api/tasks/list",
        URL + "/mcp?x",
        URL + "/mcp?",
        URL + "/mcp#",
        URL + "/mcp#x",
        URL + "/../mcp",
        URL + "/%6dcp",
        "https://[",
        "https://[::1]evil/mcp",
        "urn:mcp",
    ],
)
def test_what_is_not_ours_is_no_audience(requested: str) -> None:
    with pytest.raises(ValueError, match=r"resource|URL|netloc|address"):
        OURS.audience(requested)


@given(ANY_TEXT | st.from_regex(r"https?://.*", fullmatch=True))
@example("https://\u2100/")
@example("//[\ud800")
def test_any_text_is_one_of_our_audiences_or_a_value_error(requested: str) -> None:
    try:
        audience = OURS.audience(requested)
    except ValueError:
        return
    assert audience in {None, URL + API, URL + MCP}


@pytest.mark.parametrize("entrance", [ROOT, API, MCP, SSE])
def test_a_token_for_the_whole_app_is_good_at_every_entrance(entrance: str) -> None:
    assert OURS.admits(None, entrance)


@pytest.mark.parametrize(
    ("entrance", "good"), [(API, {API}), (MCP, {MCP, SSE}), (SSE, {MCP, SSE}), (ROOT, set())]
)
def test_a_bound_token_is_good_for_its_own_resource_alone(entrance: str, good: set[str]) -> None:
    if entrance != ROOT:
        bound_to = OURS.audience(URL + entrance)
        assert {place for place in (API, MCP, SSE) if OURS.admits(bound_to, place)} == good
    assert not OURS.admits("https://elsewhere.example" + entrance, entrance)


@requirement("rfc9728:well-known")
def test_the_metadata_of_a_resource_are_where_rfc_9728_says() -> None:
    assert OURS.metadata_url(MCP) == URL + "/.well-known/oauth-protected-resource/mcp"
    assert OURS.metadata_url(ROOT) == URL + "/.well-known/oauth-protected-resource"
