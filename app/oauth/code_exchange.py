"""The authorization code grant at the token endpoint (RFC 6749 §4.1.3, RFC 7636)."""

import hmac

from authlib.oauth2.rfc6749 import InvalidGrantError
from authlib.oauth2.rfc7636.challenge import CODE_VERIFIER_PATTERN, create_s256_code_challenge

from app.core import credentials, scopes
from app.models.grant import AuthorizationCode
from app.oauth import families, lookup, purge, tokens
from app.oauth.audience import resource_within
from app.oauth.issue import TokenGrant


class CodeExchange(TokenGrant):
    """Exchanges an authorization code for tokens, once."""

    GRANT_TYPE = "authorization_code"
    CLEANS = purge.CODES_AND_REFRESH

    def validate_token_request(self) -> None:
        """Check the request, in this order."""
        self.client_may_use_it()  # RFC 6749 §5.2
        self._code_is_this_clients()  # RFC 6749 §4.1.3
        self._code_was_not_used_before()  # RFC 6749 §4.1.2
        self._redirect_uri_is_the_same()  # RFC 6749 §4.1.3
        self._verifier_fits_the_challenge()  # RFC 7636 §4.6
        self._key_is_the_announced_one()  # RFC 9449 §10
        self.key_is_proved()  # RFC 9449 §5.2
        self._authorization_still_counts()
        self._resource_was_authorized()  # RFC 8707 §2.2
        self._code_is_used_up()  # RFC 9700 §4.5

    def _code_is_this_clients(self) -> None:
        self.digest = credentials.digest(self.request.value("code"))
        code = lookup.find_code(self.request.session, self.digest)
        if code is None or code.client_key != self.request.client.key:
            raise InvalidGrantError("The code is unknown.")
        self.code, self.nonce = code, code.nonce

    def _code_was_not_used_before(self) -> None:
        if self.code.consumed_at is not None:
            self.end_family(self.code.family_id, "oauth.code_replayed")
            raise InvalidGrantError("The code was used before. Its tokens are revoked.")
        if self.code.expires_at <= self.request.now:
            raise InvalidGrantError("The code has expired.")

    def _redirect_uri_is_the_same(self) -> None:
        authorized, sent = self.code.redirect_uri, self.request.optional("redirect_uri")
        if authorized is None and sent is not None:
            authorized = sent if self.request.client.check_redirect_uri(sent) else None
        if sent != authorized:
            raise InvalidGrantError("The redirect_uri is not the one of the authorization.")

    def _verifier_fits_the_challenge(self) -> None:
        if self.code.code_challenge is None:
            self._nonce_stands_in_for_pkce()
            return
        verifier = self.request.value("code_verifier")
        if not CODE_VERIFIER_PATTERN.fullmatch(verifier) or not hmac.compare_digest(
            create_s256_code_challenge(verifier),  # type: ignore[no-untyped-call] # Authlib's stubs
            self.code.code_challenge,
        ):
            raise InvalidGrantError("The code_verifier does not fit the code_challenge.")

    def _nonce_stands_in_for_pkce(self) -> None:
        # RFC 9700 §4.8.2: a verifier without a challenge is a client that sent one, and whose
        # request an attacker has replaced.
        if self.request.optional("code_verifier") is not None:
            raise InvalidGrantError("The authorization request had no code_challenge.")
        if self.request.client.needs_pkce or self.code.nonce is None:
            raise InvalidGrantError("The code has no code_challenge, and the client needs one.")

    def _key_is_the_announced_one(self) -> None:
        if self.code.jkt not in (None, self.request.jkt):
            raise InvalidGrantError("The code is bound to another key.")

    def _authorization_still_counts(self) -> None:
        family = families.live_family(self.request.session, self.code.family_id)
        if family is None:
            raise InvalidGrantError("The authorization was revoked.")
        self.family, self.scope = family, family.scopes
        if self.code.code_challenge is None and "openid" not in scopes.parse(self.scope):
            # RFC 9700 §2.1.1: the nonce protects only where an ID token carries it.
            raise InvalidGrantError("The code has no code_challenge, and no ID token follows.")

    def _resource_was_authorized(self) -> None:
        self.resource = resource_within(
            self.resources, self.family.resource, self.request.optional("resource")
        )

    def _code_is_used_up(self) -> None:
        request = self.request
        if not tokens.consume(request.session, AuthorizationCode, self.digest, request.now):
            raise InvalidGrantError("The code was used before.")
