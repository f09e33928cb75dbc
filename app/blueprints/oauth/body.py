"""What was posted to an OAuth endpoint, read whole and within bounds."""

from flask import abort, request

# Bytes: more than a protocol message needs.
LARGEST = 64 * 1024


def whole_body(most: int = LARGEST) -> bytes:
    """Give the body of a request; a larger one is answered with 413."""
    request.max_content_length = most
    body = request.get_data()
    if len(body) >= most and request.content_length is None:
        # Werkzeug cuts one of unknown length off there, and says nothing.
        abort(413)
    return body
