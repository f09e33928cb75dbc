r"""The patterns of text that inputs accept, and how a refusal explains each one.

They are written for every engine that reads a JSON Schema: no lookaround, no `\p` and no `\w`.
"""

# An id is a row's key in words, without a sign or a leading zero.
ID = "^[1-9][0-9]{0,18}$"
NONE = "none"
ID_OR_NONE = f"^(?:{NONE}|[1-9][0-9]{{0,18}})$"
# Sixteen hexadecimal digits behind a letter, so that no client takes a cursor for a number.
CURSOR = "^c[0-7][0-9a-f]{15}$"
SCOPE = "^[a-zA-Z0-9:._-]+$"
# RFC 1035 §2.3.1, with the digits of RFC 1123 §2.1: at least two labels of up to 63 characters,
# of which the last one begins and ends with a letter.
_HOST_NAME = (
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+"
    "[A-Za-z](?:[A-Za-z0-9-]{0,61}[A-Za-z])"
)
HOST_NAME = f"^{_HOST_NAME}$"
HOST_NAME_OR_NONE = f"^(?:{NONE}|{_HOST_NAME})$"

_BLANK = r"\u0000-\u0020\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
TEXT = r"^[^\u0000]*$"
FILLED_TEXT = rf"^[^\u0000]*[^{_BLANK}][^\u0000]*$"

# Unicode's controls, format characters, line separators, the first private-use area, and the tags,
# of which nothing is visible. Unassigned characters are visible as boxes.
_UNSEEN_IN_PROSE = (
    r"\u007f-\u009f\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b\u200e"
    r"\u200f\u2028-\u202e\u2060-\u206f\ue000-\uf8ff\ufeff\ufff0-\ufffb\ufffe\uffff"
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
PROSE = rf"^[^\u0000-\u0008\u000b\u000c\u000e-\u001f{_UNSEEN_IN_PROSE}]*$"
# On one line: neither joiners nor any space but the plain one.
_UNSEEN = (
    r"\u0000-\u001f\u00a0\u1680\u2000-\u200a\u200c\u200d\u202f\u205f\u3000" + _UNSEEN_IN_PROSE
)
# At least one character that is no space; inputs are trimmed.
VISIBLE_TEXT = f"^[^{_UNSEEN}]*[^\\u0020{_UNSEEN}][^{_UNSEEN}]*$"
# Fillers of the Korean alphabet are letters by category, and nothing to the eye.
_UNSEEN_IN_NAME = r"\u115f\u1160\u3164\uffa0" + _UNSEEN
IN_NAME = f"^[^{_UNSEEN_IN_NAME}]*$"
# What nobody can read aloud: spaces, punctuation, accents without a letter, symbols and emoji.
_UNREADABLE = (
    r"\u0020-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u007e\u00a1-\u00a9\u00ab-\u00b1\u00b4"
    r"\u00b6-\u00b8\u00bb\u00bf\u00d7\u00f7\u0300-\u036f\u2010-\u2027\u2030-\u205e\u20a0-\u20ff"
    r"\u2190-\u245f\u249c-\u24e9\u2500-\u2775\u2794-\u2bff\u2e00-\u2e2e\u2e30-\u2e7f"
    r"\u3001-\u3004\u3008-\u3020\ufe00-\ufe6f\uff01-\uff0f\uff1a-\uff20\uff3b-\uff40"
    r"\uff5b-\uff65\ufffc\ufffd"
    "\U0001f000-\U0001f0ff\U0001f10d-\U0001faff\U000e0100-\U000e01ef"
)
_READABLE = f"[^{_UNREADABLE}{_UNSEEN_IN_NAME}]"
# A range that is long costs a generator of examples a second each: hence no list of letters.
NAME = f"^[^{_UNSEEN_IN_NAME}]*{_READABLE}[^{_UNSEEN_IN_NAME}]*$"

MESSAGES = {
    ID: 'Use an id as another answer has it, such as "12".',
    ID_OR_NONE: f'Use an id as another answer has it, such as "12", or "{NONE}".',
    CURSOR: "This cursor is not one of ours; leave it out for the first page.",
    SCOPE: "Use the name of a scope, such as tasks:view.",
    HOST_NAME: "Use a host name, such as example.com.",
    HOST_NAME_OR_NONE: f'Use a host name, such as example.com, or "{NONE}".',
    TEXT: "Leave the NUL character out.",
    FILLED_TEXT: "Use at least one visible character, and no NUL character.",
    PROSE: "Leave invisible and control characters out.",
    VISIBLE_TEXT: "Leave invisible and control characters out.",
    NAME: "Use at least one letter or digit, and no invisible characters.",
}
