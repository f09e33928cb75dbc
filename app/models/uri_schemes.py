"""URI schemes that no redirect URI may have: a denylist, since apps invent schemes of their own.

RFC 8252 §7.1 lets a native app claim a private-use scheme, and §8.4 recommends that it contain a
dot. The tools in use leave the dot out (`cursor`, `vscode`, `jetbrains`, `kiro`), so the scheme's
form says nothing about the danger. What is dangerous is a scheme that a browser or an operating
system already gives a meaning to. PKCE protects the code in transit (RFC 8252 §8.1).
"""

import re
from dataclasses import dataclass
from typing import Self

# Code, or content that a page's own origin may run or read. No setting allows these.
_CODE = (
    "javascript livescript vbscript mocha jscript data blob file filesystem about view-source jar "
    "resource mhtml wyciwyg cid mid content http https"
)
ALWAYS_DENIED = frozenset(_CODE.split())
# Handled by a browser, an operating system or a program that everybody has: the code would reach
# them, and not an app of the client's.
DENIED_BY_DEFAULT = (
    "ftp ftps sftp ws wss gopher "
    "mailto tel sms smsto mms mmsto callto sip sips facetime facetime-audio im xmpp irc ircs "
    "intent android-app market itms* itunes* app-settings prefs x-apple* maps geo "
    "chrome* moz-* edge edge-* microsoft-edge* opera opera-* brave vivaldi safari* webkit* "
    "ms-* shell search search-ms help hcp onenote* "
    "ssh telnet rlogin ldap ldaps nntp news smb nfs afp dav rtsp mms-* ipp "
    "git svn magnet feed webcal urn tag uuid localhost"
)
_ENTRY = re.compile(r"-?[a-z][a-z0-9+.-]*\*?")


@dataclass(frozen=True, slots=True)
class SchemeDenylist:
    """Denied schemes by name, and by what their names begin with."""

    names: frozenset[str]
    prefixes: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the default list with an operator's changes.

        Each word denies one scheme more; one that ends in `*` denies all that begin with it. With
        a minus sign before it, an entry of the default list no longer applies.

        Raises:
            ValueError: a word is no scheme, or not an entry that can be removed.
        """
        entries = set(DENIED_BY_DEFAULT.split())
        for word in text.lower().replace(",", " ").split():
            if not _ENTRY.fullmatch(word):
                raise ValueError(f"{word!r} is not a URI scheme")
            if not word.startswith("-"):
                entries.add(word)
            elif word[1:] in entries:
                entries.remove(word[1:])
            else:
                raise ValueError(f"{word[1:]!r} is not an entry that can be removed")
        return cls(
            names=frozenset(entry for entry in entries if not entry.endswith("*")),
            prefixes=tuple(sorted(entry[:-1] for entry in entries if entry.endswith("*"))),
        )

    def denies(self, scheme: str) -> bool:
        """Whether no redirect URI may have the scheme, which is in lower case."""
        return scheme in ALWAYS_DENIED or scheme in self.names or scheme.startswith(self.prefixes)


DEFAULT_DENYLIST = SchemeDenylist.parse("")
# Where a validation context holds the denylist of a deployment.
CONTEXT_KEY = "denied_schemes"


def denylist_of(context: object) -> SchemeDenylist:
    """Return the denylist in a pydantic validation context, or the default one."""
    denylist = context.get(CONTEXT_KEY) if isinstance(context, dict) else None
    return denylist if isinstance(denylist, SchemeDenylist) else DEFAULT_DENYLIST
