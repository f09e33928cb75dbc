"""A bug as the log has it, and the reference by which an answer names it."""

import logging
import secrets

from app.core.errors import UndeclaredWrite

log = logging.getLogger(__name__)


def log_bug(error: Exception, where: str) -> str:
    """Write a bug to the log; return the reference by which its answer names it.

    `where` says what was being done, such as "at GET '/tasks'"; it holds no secret.
    """
    reference = secrets.token_hex(4)
    if isinstance(error, UndeclaredWrite):
        # The message says all: a traceback would hide it.
        log.error("bug %s %s: %s", reference, where, error)
    else:
        log.error("bug %s %s", reference, where, exc_info=error)
    return reference
