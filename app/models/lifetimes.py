"""How long what a client gets may last, by column of its table; in seconds."""

_DAY = 24 * 3600

DEFAULTS = {
    "access_token_lasts": 3600,
    "refresh_token_idles": 30 * _DAY,
    "refresh_token_lasts": 180 * _DAY,
    "code_lasts": 60,
    "device_code_lasts": 600,
}
# The least and the most that an admin may set.
BOUNDS = {
    "access_token_lasts": (300, _DAY),
    "refresh_token_idles": (3600, 90 * _DAY),
    "refresh_token_lasts": (_DAY, 365 * _DAY),
    "code_lasts": (10, 600),
    "device_code_lasts": (60, 1800),
}
