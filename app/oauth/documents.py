"""Clients whose id is the URL of a document about them (client ID metadata documents).

draft-ietf-oauth-client-id-metadata-document; MCP 2026-07-28, Authorization.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from app.core.share import Share
from app.core.system import acting_as_system
from app.models.client import CLIENT_ID_LENGTH, Client, Source
from app.oauth.client import PRIVATE_KEY_JWT
from app.oauth.client_metadata import ClientMetadata, without_omitted
from app.oauth.fetching import Fetcher, NotFetched
from app.oauth.impersonation import check_name
from app.oauth.registration import Registration, describe
from app.procedures.clients import NewClient, new_client

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_PATH = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,;=:@%/]+")


def is_document(client_id: str) -> bool:
    """Tell whether a client id is the URL of a document: https, with a path and nothing odd."""
    if not client_id.startswith("https://") or len(client_id) > CLIENT_ID_LENGTH:
        return False
    try:
        parts = urlsplit(client_id)
        plain = f"https://{parts.hostname}" + (f":{parts.port}" if parts.port else "")
    except ValueError:
        return False
    steps = parts.path.split("/")
    is_odd = bool({".", ".."} & set(steps)) or not _PATH.fullmatch(parts.path)
    if not _HOST.fullmatch(parts.hostname or ""):
        return False
    # What is not said again by its parts holds a user, a query, a fragment or capitals.
    return not is_odd and client_id == plain + parts.path


class Documents:
    """Learns clients from their documents, and keeps what they say for a while."""

    def __init__(
        self,
        engine: Engine,
        registration: Registration,
        fetcher: Fetcher,
        share: Share,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._registration = registration
        self._fetcher = fetcher
        self._share = share
        self._now = now

    def look_up(self, client_id: str, asker: str) -> None:
        """See to it that a client is known, where its id is the URL of its document.

        Raises:
            InvalidRequestError: clients may not register, or the document will not do.
            TooManyCalls: its host was asked too often, or for this asker.
            Busy: too many are being read.
        """
        if is_document(client_id) and self._expires_at(client_id) <= int(self._now()):
            self._share.spend(asker)
            self._share.spend(f"host {urlsplit(client_id).hostname}")
            self._learn(client_id)

    def is_new(self, client_id: str) -> bool:
        """Tell whether an id is the URL of a document that was never read."""
        return is_document(client_id) and self._expires_at(client_id) == 0

    def _expires_at(self, client_id: str) -> int:
        known = select(Client.document_expires_at).where(
            Client.client_id == client_id, Client.source == Source.DOCUMENT
        )
        with acting_as_system(self._engine, "look a document up", reads=True) as session:
            return session.scalar(known) or 0

    def _learn(self, client_id: str) -> None:
        if not self._registration.is_open():
            raise InvalidRequestError("No app with this client_id is registered here.")
        try:
            document = self._fetcher.document(client_id)
            metadata = self._metadata(document.members, client_id)
        except NotFetched as error:
            raise InvalidRequestError(f"The app's document: {error}") from error
        except OAuth2Error as error:
            fault = error.get_error_description()
            raise InvalidRequestError(f"The app's document: {fault}") from error
        now = int(self._now())
        with acting_as_system(self._engine, "learn a client") as session:
            client = session.scalars(
                select(Client).where(Client.client_id == client_id)
            ).one_or_none()
            check_name(session, metadata, client)
            client = client or _new_client(session, client_id, metadata, now)
            describe(client, metadata)
            client.document_expires_at = now + document.lasts

    def _metadata(self, published: Mapping[str, Any], client_id: str) -> ClientMetadata:
        members = without_omitted(published)
        if members.get("client_id") != client_id:
            raise InvalidRequestError("its client_id is not its own address.")
        if "client_name" not in members:
            # MCP 2026-07-28, Authorization: the document MUST include it.
            raise InvalidRequestError("it does not say what the app is called: client_name.")
        if "client_secret" in members:
            raise InvalidRequestError("it holds a secret, which everybody can read.")
        said = {"token_endpoint_auth_method": "none", **members}
        metadata = self._registration.parse(json.dumps(said).encode())
        if metadata.auth_method not in ("none", PRIVATE_KEY_JWT):
            raise InvalidRequestError("it names an authentication method that needs a secret.")
        return metadata


def _new_client(session: Session, client_id: str, metadata: ClientMetadata, now: int) -> Client:
    described = NewClient.model_construct(
        name=metadata.name,
        redirect_uris=metadata.redirect_uris,
        description="",
        kind=metadata.kind,
    )
    client = new_client(session, described, source=Source.DOCUMENT, owner_id=None, now=now)
    client.client_id = client_id
    return client
