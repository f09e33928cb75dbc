"""What a strict content security policy would block in a page, and what would lead elsewhere."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

_LINKS = frozenset({"src", "href", "action", "formaction", "poster", "data", "srcset", "ping"})
_OURS = frozenset({"127.0.0.1:8000", ""})


def faults(html: str) -> list[str]:
    """Give each inline script, style or handler, and each link to another host."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.faults


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one tag."""
        given = dict(attrs)
        if tag in ("style", "base", "iframe", "object", "embed"):
            self.faults.append(f"<{tag}>")
        if tag == "script" and not given.get("src"):
            self.faults.append("a script within the page")
        for name, value in attrs:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.faults.append(f"{name}= on <{tag}>")
            elif name in _LINKS and not _leads_here(value or ""):
                self.faults.append(f"{name}={value!r} on <{tag}>")


def _leads_here(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("", "http", "https") and parts.netloc in _OURS
