"""Entries put back into a form: into its visible fields, and nowhere else."""

import pytest

from app.surfaces.form_filler import fill
from app.surfaces.short_uri import short_uri

PAGE = """<!doctype html>
<p>é &amp; ü</p><script>if (a < b) {}</script>
<form method="post" action="/other"><input name="a" value="1"><textarea name="t">x &lt; y</textarea></form>
<form class="x"
  method="post" action="/a?b=1&amp;c=2">
<input type="hidden" name="a" value="h"><input type="password" name="p"><input name="r" readonly value="r">
<input name="a" value="old"><input
  name="a"><input type="checkbox" name="s" value="1" checked><input type="checkbox" name="s" value="2">
<input type="checkbox" name="s" value="3" disabled>
<textarea name="t" rows="3">
old &lt;</textarea><select name="k"><option value="">-</option><option value="2" selected>2</option></select>
<details><summary>more</summary><input type="radio" name="o" value="" checked><input type="radio" name="o" value="7"></details>
</form><p>after</p><input name="a" value="out">
"""  # noqa: E501 - a page is as wide as it is
ACTION = "/a?b=1&c=2"


def changed(*entries: tuple[str, str]) -> list[str]:
    """Return the lines of the page that the entries change."""
    filled = fill(PAGE, ACTION, entries)
    assert filled is not None
    before = PAGE.splitlines()
    return [line for line in filled.splitlines() if line not in before]


def test_only_the_fields_of_the_form_that_have_entries_change() -> None:
    lines = changed(("a", "one"), ("a", "two"), ("s", "2"), ("s", "3"))
    assert lines[0] == (
        '<input name="a" value="one"><input name="a" value="two">'
        '<input type="checkbox" name="s" value="1">'
        '<input type="checkbox" name="s" value="2" checked>'
    )
    assert lines[1].startswith("<details open><summary>")
    assert len(lines) == 2


def test_hidden_fields_passwords_and_what_is_fixed_stay() -> None:
    lines = "\n".join(changed(("p", "secret"), ("r", "x"), ("csrf_token", "x"), ("s", "1")))
    assert "secret" not in lines
    assert 'name="r"' not in lines
    assert 'name="p"' not in lines


def test_text_choices_and_lists_are_filled() -> None:
    text = fill(PAGE, ACTION, [("t", "one\n</textarea>&amp;"), ("k", ""), ("o", "7")])
    assert text
    assert '<textarea name="t" rows="3">\none\n&lt;/textarea&gt;&amp;amp;</textarea>' in text
    assert '<option value="" selected>-</option><option value="2">2</option>' in text
    assert 'name="o" value=""><input type="radio" name="o" value="7" checked>' in text
    assert '<textarea name="t">x &lt; y</textarea>' in text
    assert text.endswith('<p>after</p><input name="a" value="out">\n')


@pytest.mark.parametrize(
    "value", ['"><script>alert(1)</script>', "' onfocus=x", "\0", "{{7*7}}", "é"]
)
def test_no_entry_leaves_its_field(value: str) -> None:
    text = fill(PAGE, ACTION, [("a", value), ("t", value)])
    assert text
    assert text.count("<script>") == 1
    assert "<script>alert" not in text


@pytest.mark.parametrize("action", ["/nosuch", "", "/a?b=1&amp;c=2"])
def test_a_page_without_the_form_is_none(action: str) -> None:
    assert fill(PAGE, action, [("a", "1")]) is None


@pytest.mark.parametrize(
    ("uri", "short"),
    [
        ("https://app.example/callback", "https://app.example/callback"),
        (f"https://app.example/{'x' * 90}/end", "https://app.example/xxxxxxxxxxx…xxxxxxxx/end"),
        (f"com.example.app:/{'x' * 90}", f"com.example.app:/{'x' * 11}…{'x' * 12}"),
        (f"https://{'x' * 90}.example/cb", f"https://{'x' * 90}.example/cb"),
        (f"https://[{'x' * 90}", f"https://[{'x' * 90}"),
    ],
)
def test_a_long_uri_keeps_its_host_and_its_ends(uri: str, short: str) -> None:
    assert short_uri(uri) == short
