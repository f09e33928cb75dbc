"""Entries put back into the fields of a form, in the HTML of the page that holds it."""

from collections import defaultdict, deque
from collections.abc import Iterable
from html import escape
from html.parser import HTMLParser
from itertools import accumulate

_TEXT_TYPES = frozenset({"text", "email", "url", "search", "number", "tel", "date"})
_TICKS = frozenset({"checkbox", "radio"})

Attributes = dict[str, str | None]


def fill(html: str, action: str, entries: Iterable[tuple[str, str]]) -> str | None:
    """Return the page with the entries in its form for this action; None if it has none.

    Hidden fields, passwords, files and what is disabled stay as the page has them: only what
    a user can see and change is filled in.
    """
    filler = _Filler(html, action, entries)
    filler.feed(html)
    filler.close()
    return filler.result() if filler.is_found else None


class _Filler(HTMLParser):
    """Finds the tags to replace; everything between them stays as it is, to the letter."""

    def __init__(self, html: str, action: str, entries: Iterable[tuple[str, str]]) -> None:
        super().__init__(convert_charrefs=False)
        self.is_found = False
        self._html = html
        self._line_starts = [0, *accumulate(len(line) + 1 for line in html.split("\n"))]
        self._action = action
        self._entries: dict[str, deque[str]] = defaultdict(deque)
        for name, value in entries:
            self._entries[name].append(value)
        self._edits: list[tuple[int, int, str]] = []
        self._is_inside = False
        self._selected: str | None = None
        # Where the old text of a text area begins, and its new text.
        self._area: tuple[int, str] | None = None

    def result(self) -> str:
        """Return the page with its new tags."""
        pieces, end = [], 0
        for start, stop, text in self._edits:
            pieces += [self._html[end:start], text]
            end = stop
        return "".join([*pieces, self._html[end:]])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Replace the tag of a field of the form by one with the user's entry."""
        values = dict(attrs)
        if tag == "form" and not self.is_found and values.get("action") == self._action:
            self._is_inside = self.is_found = values.get("method") == "post"
        if not self._is_inside:
            return
        start = self._offset()
        stop = start + len(self.get_starttag_text() or "")
        if tag == "textarea" and values.get("name") in self._entries:
            self._area = (stop, "\n" + escape(self._next(values["name"] or "")))
        elif changed := self._changed(tag, values):
            self._edits.append((start, stop, _tag(tag, changed)))

    def handle_endtag(self, tag: str) -> None:
        """End an element; a text area's old text goes."""
        if tag == "textarea" and self._area:
            start, text = self._area
            self._edits.append((start, self._offset(), text))
            self._area = None
        elif tag == "select":
            self._selected = None
        elif tag == "form":
            self._is_inside = False

    def _changed(self, tag: str, values: Attributes) -> Attributes | None:
        name = values.get("name") or ""
        if tag == "details":
            # What was filled in must not be out of sight.
            return {**values, "open": None}
        if tag == "select":
            self._selected = self._next(name) if name in self._entries else None
        if tag == "option" and self._selected is not None:
            return _switched(values, "selected", is_on=values.get("value") == self._selected)
        if tag != "input" or not name or "disabled" in values or "readonly" in values:
            return None
        kind = values.get("type") or "text"
        if kind in _TICKS:
            return self._ticked(values, name, kind)
        if kind in _TEXT_TYPES and name in self._entries:
            return {**values, "value": self._next(name)}
        return None

    def _ticked(self, values: Attributes, name: str, kind: str) -> Attributes | None:
        # A form sends no tick that is not set; of radio buttons, one is always sent.
        if kind == "radio" and name not in self._entries:
            return None
        is_on = (values.get("value") or "") in self._entries.get(name, ())
        return _switched(values, "checked", is_on=is_on)

    def _next(self, name: str) -> str:
        values = self._entries[name]
        return values.popleft() if values else ""

    def _offset(self) -> int:
        line, column = self.getpos()
        return self._line_starts[line - 1] + column


def _switched(values: Attributes, attribute: str, *, is_on: bool) -> Attributes:
    others = {name: value for name, value in values.items() if name != attribute}
    return {**others, attribute: None} if is_on else others


def _tag(tag: str, values: Attributes) -> str:
    attributes = (
        name if value is None else f'{name}="{escape(value)}"' for name, value in values.items()
    )
    return f"<{' '.join([tag, *attributes])}>"
