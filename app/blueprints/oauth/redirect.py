"""The response that takes the browser to a client."""

import string
from typing import TYPE_CHECKING
from urllib.parse import quote

from flask import Response

if TYPE_CHECKING:
    from wsgiref.types import WSGIEnvironment

    from werkzeug.datastructures import Headers

_PRINTABLE = string.ascii_letters + string.digits + string.punctuation


class ClientRedirect(Response):
    """A 303 whose `Location` is the client's URI as it was registered.

    Werkzeug would turn the host into lower case, escape brackets, and fail at a host label
    that IDNA cannot encode. Android and iOS compare the URIs of apps as strings.
    """

    def __init__(self, location: str) -> None:
        super().__init__(status=303, headers={"Cache-Control": "no-store"})
        # No registered URI holds anything else. Escaped it can't split the response.
        self.headers["Location"] = quote(location, safe=_PRINTABLE)

    def get_wsgi_headers(self, environ: "WSGIEnvironment") -> "Headers":
        """Return the headers with the `Location` that was set."""
        location = self.headers.pop("Location")
        headers = super().get_wsgi_headers(environ)
        self.headers["Location"] = headers["Location"] = location
        return headers
