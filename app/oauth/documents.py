"""Clients whose id is the URL of a document about them (client ID metadata documents).

draft-ietf-oauth-client-id-metadata-document; MCP 2026-07-28, Authorization.
"""

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from app.core.errors import Busy
from app.core.share import Shares
from app.core.system import acting_as_system
from app.models.client import CLIENT_ID_LENGTH, Client, Source
from app.oauth.bans import banned_host
from app.oauth.client import PRIVATE_KEY_JWT
from app.oauth.client_metadata import ClientMetadata, without_omitted
from app.oauth.fetch_queue import Requester
from app.oauth.fetching import Document, Fetcher, NotFetched, Unreachable
from app.oauth.impersonation import check_name
from app.oauth.registration import Registration, describe
from app.procedures.clients import NewClient, new_client

# After which a document that could not be read is tried again.
RETRY_SECONDS = 60
MAX_FAILURES = 1000
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


class DocumentUnreachable(InvalidRequestError):
    """The document's server does not answer; nothing is known against the document."""


@dataclass(frozen=True, slots=True)
class _Copy:
    """What is stored of a client's document; times are in seconds since the epoch."""

    expires_at: int
    stale_until: int
    is_stopped: bool


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a client's document could not be read again, and when."""

    at: int
    message: str


class Documents:
    """Learns clients from their documents, and keeps what they say for a while."""

    def __init__(
        self,
        engine: Engine,
        registration: Registration,
        fetcher: Fetcher,
        shares: Shares,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._registration = registration
        self._fetcher = fetcher
        self._shares = shares
        self._now = now
        self._failures: dict[str, _Failure] = {}

    def look_up(self, client_id: str, requester: Requester) -> None:
        """See to it that a client is known, where its id is the URL of its document.

        Only the first fetch counts for its requester. A known client's document is fetched when
        it has expired, whoever asks: no stranger's requests must keep it from that.

        Raises:
            InvalidRequestError: clients may not register, or the document will not do.
            TooManyCalls: the requester asked for too many unknown documents.
            Busy: too many are being read.
        """
        if not is_document(client_id):
            return
        copy = self._copy(client_id)
        # A revoked or banned client stays so, whatever its document says by now.
        if copy is not None and (copy.is_stopped or copy.expires_at > int(self._now())):
            return
        if not self._registration.is_open():
            raise InvalidRequestError("No app with this client_id is registered here.")
        if copy is not None:
            self._renew(client_id, copy, requester)
            return
        shares = self._shares
        share = shares.documents if requester.is_signed_in else shares.anonymous_documents
        share.spend(requester.name)
        self._learn(client_id, requester)

    def is_new(self, client_id: str) -> bool:
        """Tell whether an id is the URL of a document that was never read."""
        return is_document(client_id) and self._copy(client_id) is None

    def _copy(self, client_id: str) -> _Copy | None:
        stored = select(
            Client.document_expires_at,
            Client.document_stale_until,
            Client.revoked_at,
            Client.banned_at,
        ).where(Client.client_id == client_id, Client.source == Source.DOCUMENT)
        with acting_as_system(self._engine, "look a document up", reads=True) as session:
            row = session.execute(stored).one_or_none()
        if row is None:
            return None
        expires_at, stale_until, *stops = row
        return _Copy(expires_at or 0, stale_until or 0, any(at is not None for at in stops))

    def _renew(self, client_id: str, copy: _Copy, requester: Requester) -> None:
        """Fetch an expired document again; use the copy where its server does not answer.

        RFC 9111 §4.2.4. What the server does say ends the copy, here and in every worker.
        """
        now = int(self._now())
        is_usable = now < copy.stale_until
        failure = self._failures.get(client_id)
        if failure is not None and now < failure.at + RETRY_SECONDS:
            if is_usable:
                return
            if not requester.is_signed_in:
                raise InvalidRequestError(failure.message)
        try:
            self._learn(client_id, requester.for_known_client(), waits=not is_usable)
        except (Busy, DocumentUnreachable) as error:
            if isinstance(error, DocumentUnreachable):
                self._remember(client_id, _Failure(now, str(error.description)))
            if not is_usable:
                raise
        except InvalidRequestError as error:
            self._remember(client_id, _Failure(now, str(error.description)))
            if is_usable:
                self._end_copy(client_id)
            raise
        else:
            self._failures.pop(client_id, None)

    def _remember(self, client_id: str, failure: _Failure) -> None:
        if len(self._failures) >= MAX_FAILURES:
            self._failures.pop(next(iter(self._failures)), None)
        self._failures[client_id] = failure

    def _end_copy(self, client_id: str) -> None:
        ended = update(Client).where(Client.client_id == client_id).values(document_stale_until=0)
        with acting_as_system(self._engine, "end a document's copy") as session:
            session.execute(ended)

    def _learn(self, client_id: str, requester: Requester, *, waits: bool = True) -> None:
        self._check_hosts(client_id, [])
        try:
            document = self._fetcher.document(client_id, requester, waits=waits)
            metadata = self._metadata(document.members, client_id)
        except Unreachable as error:
            raise DocumentUnreachable(f"The app's document: {error}") from error
        except NotFetched as error:
            raise InvalidRequestError(f"The app's document: {error}") from error
        except OAuth2Error as error:
            fault = error.get_error_description()
            raise InvalidRequestError(f"The app's document: {fault}") from error
        self._check_hosts(client_id, metadata.redirect_uris)
        self._store(client_id, metadata, document)

    def _check_hosts(self, client_id: str, redirect_uris: list[str]) -> None:
        with acting_as_system(self._engine, "look for a ban", reads=True) as session:
            if host := banned_host(session, redirect_uris, client_id):
                raise InvalidRequestError(f"An admin has banned the host {host}.")

    def _store(self, client_id: str, metadata: ClientMetadata, document: Document) -> None:
        now = int(self._now())
        with acting_as_system(self._engine, "learn a client") as session:
            client = session.scalars(
                select(Client).where(Client.client_id == client_id)
            ).one_or_none()
            try:
                check_name(session, metadata, client)
            except OAuth2Error as error:
                raise InvalidRequestError(error.get_error_description()) from error
            client = client or _new_client(session, client_id, metadata, now)
            describe(client, metadata)
            client.document_expires_at = now + document.lasts
            client.document_stale_until = client.document_expires_at + document.stale_seconds

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
