"""The ledger: each MUST and SHOULD that Latchkey claims, held to its tests by test_requirements.

`make docs` makes docs/oauth.md from it.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).parent
DOCUMENT = TESTS.parent / "docs" / "oauth.md"


class Claim(NamedTuple):
    """One demand of a specification that we meet: its name, where it stands, what it says."""

    name: str
    section: str
    level: str
    says: str


@dataclass(frozen=True, slots=True)
class Specification:
    """A document, and what of it we claim; its `key` begins each of the claims' ids."""

    key: str
    title: str
    claims: tuple[Claim, ...]


def _specification(key: str, title: str, table: str) -> Specification:
    """Give a specification; each line of the table is a claim, its columns parted by bars."""
    rows = (line.split(" | ") for line in table.strip().splitlines())
    return Specification(key, title, tuple(Claim(*row) for row in rows))


SPECIFICATIONS = (
    _specification(
        "rfc6749",
        "RFC 6749: The OAuth 2.0 Authorization Framework",
        """
client-id-is-no-proof | 2.2 | MUST | A client that has a secret is never taken for itself by its id alone.
one-authentication | 2.3 | MUST | A client authenticates in one way only.
basic-authentication | 2.3.1 | MUST | A client with a secret may use HTTP Basic, unless it registered another way.
no-credentials-in-the-url | 2.3.1 | MUST | A client's credentials in the URL are refused, even where they are right.
guessing-throttled | 2.3.1 | MUST | Who guesses secrets is soon told to wait.
person-identified-first | 3.1 | MUST | Nobody is asked to allow anything before they have signed in.
authorize-by-get | 3.1 | MUST | The authorization endpoint takes a GET, and a form too.
empty-is-omitted | 3.1 | MUST | A parameter without a value counts as left out, at both endpoints.
unknown-is-ignored | 3.1 | MUST | A parameter that nobody knows changes nothing, at both endpoints.
each-parameter-once | 3.1 | MUST | A repeated parameter is refused, at both endpoints.
response-type-checked | 3.1.1 | MUST | A request with no response type, or another than code, gets an error.
redirect-uri-absolute | 3.1.2 | MUST | A redirect URI is absolute and has no fragment.
redirect-uri-keeps-its-query | 3.1.2 | MUST | The query of a redirect URI is kept when the answer is added to it.
redirect-uris-registered | 3.1.2.2 | MUST | Each client that uses the authorization endpoint registers whole redirect URIs.
redirect-uri-named-of-several | 3.1.2.3 | MUST | A client with several redirect URIs names one in the request.
redirect-uri-compared | 3.1.2.3 | MUST | The redirect URI of a request is compared with the registered ones as a string.
told-in-doubt | 3.1.2.4 | SHOULD | The person is told why the browser is not sent on.
clients-authenticated | 3.2.1 | MUST | A confidential client authenticates at the token endpoint, or gets nothing.
scope-told | 3.3 | MUST | The token's answer says what scope was granted, whatever was asked for.
default-scope | 3.3 | MUST | A request without a scope is one for the client's default scopes, or the basic ones.
code-expires | 4.1.2 | MUST | A code that has expired is refused.
code-lasts-minutes | 4.1.2 | SHOULD | A code lasts for one minute, and for ten at the most where an admin says so.
code-once | 4.1.2 | MUST | A code is good for one exchange, however many come at once.
replay-revokes | 4.1.2 | SHOULD | A second exchange of a code revokes the tokens of the first.
state-returned | 4.1.2 | MUST | The state comes back to the letter, with a code as with an error.
nowhere-in-doubt | 4.1.2.1 | MUST | Where the client or its redirect URI is in doubt, the browser is sent nowhere.
errors-told-to-the-client | 4.1.2.1 | MUST | A refusal, and any other error, is told to the client at its redirect URI.
code-bound-to-its-client | 4.1.3 | MUST | A code is good for the client that it was issued to, and for no other.
redirect-uri-repeated | 4.1.3 | MUST | The exchange of a code repeats the redirect URI of its request.
own-tokens-for-confidential | 4.4 | MUST | Only a confidential client may act for itself.
own-tokens-not-renewed | 4.4.3 | SHOULD | A client that acts for itself gets no refresh token.
token-answer | 5.1 | MUST | Tokens come as JSON, with their type and how long they last.
not-stored | 5.1 | MUST | An answer with tokens is marked as one that nobody stores.
token-errors | 5.2 | MUST | A token request that fails gets a 400 and an error code, as JSON.
failed-authentication | 5.2 | MUST | A client that fails to authenticate gets a 401 that names the scheme.
errors-in-plain-ascii | 5.2 | MUST | The text of an error is printable ASCII, without quotes and backslashes.
refresh-authenticated | 6 | MUST | A confidential client renews its tokens only if it authenticates.
refresh-bound-to-its-client | 6 | MUST | A refresh token is good for the client that it was issued to, and for no other.
refresh-never-widens | 6 | MUST | A refresh may narrow the scope of the access token, never widen it.
refresh-keeps-its-scope | 6 | MUST | A new refresh token has the whole scope of the one before.
token-checked | 7 | MUST | Each call checks that the token has not expired and that its scope suffices.
no-secret-for-public | 10.1 | MUST | A public client gets no secret.
person-informed | 10.2 | SHOULD | The person is told who asks, for what, for how long, and where they go.
nothing-by-itself | 10.2 | SHOULD | A person is not asked only where nobody else can pass for the client.
credentials-kept-secret | 10.3 | MUST | Codes, tokens and secrets stand in clear in no table and in no log.
credentials-cannot-be-guessed | 10.10 | MUST | Codes, tokens and secrets hold 256 random bits.
passwords-throttled | 10.10 | MUST | Guesses at a person's password are stopped, by account and by network.
consent-not-forged | 10.12 | MUST | A consent is given by its own person, on the page that asked for it.
input-checked | 10.14 | MUST | No value of a request reaches a header or a page as anything but text.
""",
    ),
    _specification(
        "rfc6750",
        "RFC 6750: Bearer Token Usage",
        """
token-in-the-header | 2.1 | MUST | An access token is taken from the Authorization header.
no-token-in-the-url | 2.3 | SHOULD | An access token in the URL, or in a form, counts for nothing.
challenge-in-each-401 | 3 | MUST | A call without a good token gets a WWW-Authenticate header.
challenge-well-formed | 3 | MUST | A challenge is of the scheme Bearer, with each attribute once, in plain ASCII.
nothing-sent-no-error | 3.1 | SHOULD | A call without a token is told how to get one, and of no error.
invalid-token | 3.1 | SHOULD | A token that is unknown, expired or revoked gets a 401 with invalid_token.
insufficient-scope | 3.1 | SHOULD | A token that is too weak gets a 403 with insufficient_scope.
tokens-not-forged | 5.2 | MUST | A token that was changed in any character is refused.
short-lived | 5.3 | SHOULD | An access token lasts for an hour, unless an admin says otherwise.
audience-restricted | 5.3 | SHOULD | An access token may be bound to one resource, and is then refused by all others.
""",
    ),
    _specification(
        "rfc7009",
        "RFC 7009: Token Revocation",
        """
refresh-tokens-revoked | 2 | MUST | A refresh token can be revoked.
access-tokens-revoked | 2 | SHOULD | An access token can be revoked, alone.
client-authenticated | 2.1 | MUST | A confidential client authenticates to revoke a token.
own-tokens-alone | 2.1 | MUST | A client revokes its own tokens; for another's it gets an error.
at-once | 2.1 | MUST | What was revoked is refused from the next request on.
family-revoked | 2.1 | SHOULD | With a refresh token go the access tokens of the same authorization.
hint-not-needed | 2.1 | MUST | A token is found whatever its hint says.
unknown-counts-as-revoked | 2.2 | MUST | For a token that there is not, the answer is a 200.
""",
    ),
    _specification(
        "rfc7591",
        "RFC 7591: OAuth 2.0 Dynamic Client Registration Protocol",
        """
redirect-uris-are-taken | 2 | MUST | A client registers where it is sent codes, and is sent them there.
one-key-set | 2 | MUST | A registration with both jwks and jwks_uri is refused.
unknown-members-are-ignored | 2 | MUST | Members that Latchkey does not know are ignored.
grants-and-responses-agree | 2.1 | SHOULD | Grant types and response types that contradict each other are not registered.
json-is-posted | 3 | MUST | The registration endpoint takes a JSON object by POST, and nothing else.
open-to-all | 3 | SHOULD | A client registers without a token, unless registration is closed.
all-metadata-come-back | 3.2.1 | MUST | The answer holds all that was registered, also what Latchkey chose.
one-client-an-id | 3.2.1 | SHOULD | No two clients share an id; public ones that say the same are one client.
one-client-a-secret | 3.2.1 | MUST | Each confidential client has a secret of its own.
a-secret-says-when-it-ends | 3.2.1 | MUST | Beside a secret stands when it expires: 0, never.
a-refusal-names-its-error | 3.2.2 | MUST | A refusal is a 400 with a JSON object whose member error says what will not do.
redirect-uris-are-required | 5 | MUST | A client that is sent codes through the browser must register a redirect URI.
redirect-uris-are-safe | 5 | MUST | A redirect URI is https, http to the person's computer, or an app's own scheme.
metadata-are-self-asserted | 5 | MUST | The consent page says that nobody has checked what a client says of itself.
shown-urls-lead-nowhere | 5 | SHOULD | The home that a client names for itself is shown as text, and is no link.
""",
    ),
    _specification(
        "rfc7592",
        "RFC 7592: OAuth 2.0 Dynamic Client Registration Management Protocol",
        """
other-methods-are-refused | 2 | MUST | Other methods than GET, PUT and DELETE are answered with 405.
the-token-is-checked | 2.1 | MUST | A wrong registration access token is answered with 401 and invalid_token.
an-unknown-client-is-a-401 | 2.1 | MUST | A client that is not there is answered like a wrong token, with 401.
the-client-id-stays | 2.2 | MUST | A client keeps its id whatever it reads or changes.
an-update-names-its-client | 2.2 | MUST | An update without the client's own client_id is refused, and changes nothing.
a-secret-is-not-chosen | 2.2 | MUST | A client cannot choose its secret: an update with another one is refused.
values-are-replaced | 2.2 | MUST | The values of an update take the place of those before.
omitted-values-are-deleted | 2.2 | MUST | What an update leaves out is registered no more.
replaced-values-come-back | 2.2 | MUST | What Latchkey registers in place of something asked for stands in the answer.
deleted-is-a-204 | 2.3 | MUST | A client that has removed itself is answered with 204.
tokens-go-with-their-client | 2.3 | SHOULD | With a client go its grants, codes, access and refresh tokens at once.
the-answer-says-how-to-manage | 3 | MUST | The answer holds the registration access token, and the URL where it counts.
reading-gives-all | 3 | MUST | A client reads all that is registered about it.
the-token-does-not-expire | 5 | SHOULD | A registration access token counts for as long as its client does.
the-token-cannot-be-guessed | 5 | MUST | A registration access token is 256 random bits, of which only a hash is kept.
the-token-ends-with-its-client | 5 | MUST | Of a client that was removed or revoked, the token is answered with 401.
""",
    ),
    _specification(
        "rfc7636",
        "RFC 7636: Proof Key for Code Exchange",
        """
s256-supported | 4.2 | MUST | The method S256 is supported, for public and confidential clients.
challenge-bound-to-its-code | 4.4 | MUST | Each code is bound to the challenge of its own request.
challenge-not-given-away | 4.4 | MUST | The answer to the client holds no challenge.
challenge-required | 4.4.1 | MUST | A request without a challenge gets invalid_request, unless an admin exempts the client.
s256-only | 4.4.1 | MUST | A request with another method than S256, plain too, gets invalid_request.
verifier-compared | 4.6 | MUST | An exchange whose verifier does not fit gets invalid_grant.
""",
    ),
    _specification(
        "rfc7662",
        "RFC 7662: Token Introspection",
        """
authorization-required | 2.1 | MUST | Only a client that proves who it is may introspect.
hint-not-needed | 2.1 | MUST | A token is found whatever its hint says.
active-told | 2.2 | MUST | The answer says whether the token is active, and what it is good for.
inactive-is-no-error | 2.2 | MUST | A token that is over, unknown, or not for the client to know is not active.
inactive-and-no-more | 2.2 | SHOULD | Of a token that is not active nothing more is told.
wrong-credentials | 2.3 | MUST | A client whose credentials are wrong gets a 401.
state-checked | 4 | MUST | Expiry and each way of revoking are looked at before a token is called active.
asked-by-its-resource | 4 | MUST | A resource's client is told about the access tokens for that resource alone.
not-cached | 4 | MUST | The answer is marked as one that nobody stores, and so outlives no token.
""",
    ),
    _specification(
        "rfc8252",
        "RFC 8252: OAuth 2.0 for Native Apps",
        """
three-kinds-of-redirect-uri | 7 | MUST | An app is called back at a private-use scheme, an https or a loopback URI.
any-loopback-port | 7.3 | MUST | At a loopback address any port will do.
pkce-for-native-apps | 8.1 | SHOULD | A request of a native app without PKCE is refused.
client-type-recorded | 8.4 | MUST | It is recorded of each client whether it is public, and minded at each request.
whole-redirect-uri | 8.4 | MUST | A redirect URI is registered whole and matched exactly, but for a loopback port.
dangerous-scheme | 8.4 | SHOULD | A scheme that a browser or an operating system handles itself is refused; a private-use one may lack the dot, as those of the tools in use do.
asked-each-time | 8.6 | SHOULD | A client that others can pass for is asked for each time.
""",
    ),
    _specification(
        "rfc8414",
        "RFC 8414: Authorization Server Metadata",
        """
required-members | 2 | MUST | The metadata name the issuer, both endpoints and the response types.
scopes-listed | 2 | SHOULD | The metadata list the scopes that a third party may ask for, and no others.
signing-algorithms | 2 | MUST | The algorithms by which clients may sign are listed: RS256, never none.
well-known | 3 | MUST | The metadata stand at the well-known address of the issuer.
json | 3.2 | MUST | The metadata come as JSON, with a 200.
nothing-empty | 3.2 | MUST | No member of the metadata is empty.
issuer-identical | 3.3 | MUST | The issuer in the metadata is the one that their address is made of.
""",
    ),
    _specification(
        "rfc8628",
        "RFC 8628: OAuth 2.0 Device Authorization Grant",
        """
clients-prove-themselves | 3.1 | MUST | A device's client authenticates as elsewhere; a public one names itself.
empty-is-omitted | 3.1 | MUST | A parameter without a value counts as left out.
unknown-is-ignored | 3.1 | MUST | Parameters that Latchkey does not know are ignored.
nothing-twice | 3.1 | MUST | A repeated parameter is refused.
the-answer-is-whole | 3.2 | MUST | The answer holds device_code, user_code, verification_uri and expires_in.
the-uri-is-short | 3.2 | SHOULD | The verification URI can be typed: the public URL and two short words.
the-uri-holds-no-code | 3.3 | SHOULD | The verification URI that is typed does not hold the code.
polls-are-authenticated | 3.4 | MUST | Who asks for a device's tokens authenticates as its client.
the-interval-grows | 3.5 | MUST | A device that asks too early has to wait five seconds longer from then on.
user-codes-cannot-be-tried | 5.1 | SHOULD | A user code is one of 25 billion, and a person may try a few.
device-codes-cannot-be-guessed | 5.2 | SHOULD | A device code is 256 random bits.
people-hear-that-it-is-a-device | 5.4 | SHOULD | The page says that only a device in front of the person should be allowed.
people-see-what-device | 5.4 | SHOULD | The page names the device's app, who made it, and whether that was checked.
no-letters-look-alike | 6.1 | SHOULD | User codes are made of twenty consonants, of which none looks like another.
""",
    ),
    _specification(
        "rfc8693",
        "RFC 8693: OAuth 2.0 Token Exchange",
        """
a-subject-is-required | 2.1 | MUST | A request without a subject token or its type is refused.
the-subject-is-validated | 2.1 | MUST | The subject token must be the client's own, and good in this moment.
an-actor-type-needs-an-actor | 2.1 | MUST | An actor's type without an actor's token is refused, and so is the reverse.
a-resource-is-absolute | 2.1 | MUST | A resource that is no absolute URI, or holds a fragment, is refused.
the-answer-is-whole | 2.2.1 | MUST | The answer holds the token, its type, and what kind of token was issued.
another-scope-is-told | 2.2.1 | MUST | The answer says which scope the new token has.
the-lifetime-is-told | 2.2.1 | SHOULD | The answer says how long the new token lasts.
a-bad-subject-is-an-invalid-request | 2.2.2 | MUST | A subject token that will not do, for whatever reason, is an invalid_request.
another-target-is-an-invalid-target | 2.2.2 | SHOULD | A target that the new token cannot be for is an invalid_target.
""",
    ),
    _specification(
        "rfc8707",
        "RFC 8707: Resource Indicators",
        """
audience-restricted | 2 | SHOULD | A token that is asked for with a resource is good for that resource alone.
unknown-resource-refused | 2.1 | SHOULD | An authorization request for an unknown resource gets invalid_target.
token-request-too | 2.2 | SHOULD | So is a token request, of any grant type.
never-more-than-authorized | 2.2 | SHOULD | A token request may name less than what was authorized, never more.
refresh-keeps-the-whole | 2.2 | SHOULD | A refresh token stays good for the whole, though an access token is narrower.
""",
    ),
    _specification(
        "rfc9068",
        "RFC 9068: JSON Web Token (JWT) Profile for OAuth 2.0 Access Tokens",
        """
signed | 2.1 | MUST | A JWT access token is signed.
asymmetric | 2.1 | SHOULD | It is signed with a private key, ES256, so that any resource can verify it.
typed | 2.1 | MUST | Its header says that it is an access token.
typed-in-short | 2.1 | SHOULD | Its type is written at+jwt, without the prefix application/.
required-claims | 2.2 | MUST | It holds iss, exp, aud, sub, client_id, iat and jti.
sub-is-the-person | 2.2 | SHOULD | Where a person allowed it, sub is that person, as in an ID token.
sub-is-the-client | 2.2 | SHOULD | Where a client acts for itself, sub is its client_id.
scope-is-said | 2.2.3 | SHOULD | It holds the scope that was granted.
aud-is-the-resource | 3 | SHOULD | Its aud is the resource that was asked for.
one-resource-a-token | 3 | MUST | A token is for one resource: a request that names two is refused.
keys-are-advertised | 4 | SHOULD | The server's metadata say where the key that verifies it is, and its issuer.
both-metadata-agree | 4 | MUST | The metadata of OAuth and of OpenID Connect are the same document.
an-aud-of-each-resource | 5 | MUST | The tokens for two resources differ in aud.
""",
    ),
    _specification(
        "rfc9126",
        "RFC 9126: OAuth 2.0 Pushed Authorization Requests",
        """
in-the-metadata | 2 | SHOULD | The server's metadata say where requests are pushed.
three-audiences | 2 | MUST | A client's assertion may name the issuer, the token or the pushing endpoint.
clients-prove-themselves | 2.1 | MUST | Who pushes a request authenticates as at the token endpoint.
no-reference-is-pushed | 2.1 | MUST | A pushed request that holds a request_uri is refused.
refused-at-once | 2.1 | MUST | What the authorization endpoint would refuse is refused when it is pushed.
answered-with-201 | 2.2 | MUST | The answer is 201, with a request_uri and how long it lasts.
references-cannot-be-guessed | 2.2 | MUST | A request_uri holds 256 random bits.
bound-to-its-client | 2.2 | MUST | A request_uri counts for the client that pushed, and for no other.
validated-again | 4 | MUST | A pushed request is validated again when the browser brings it.
one-use | 4 | SHOULD | A request_uri counts until its request was answered, once.
expired-is-refused | 4 | MUST | A request_uri that is too old is refused.
todays-policy-counts | 7.4 | SHOULD | What a client may ask for is looked up when the browser comes.
""",
    ),
    _specification(
        "rfc9207",
        "RFC 9207: Authorization Server Issuer Identification",
        """
iss-with-a-code | 2 | MUST | The answer with a code says who issued it: iss.
iss-with-an-error | 2 | MUST | So does each error.
iss-is-the-issuer | 2.3 | MUST | It is the issuer of the metadata, to the letter.
iss-announced | 2.3 | MUST | The metadata say that it is sent.
""",
    ),
    _specification(
        "rfc9449",
        "RFC 9449: OAuth 2.0 Demonstrating Proof of Possession (DPoP)",
        """
one-proof | 4.3 | MUST | A request with two proofs is refused.
a-well-formed-proof | 4.3 | MUST | What is no JWT is no proof.
required-claims | 4.3 | MUST | A proof without jti, htm, htu or iat is refused.
signed-by-its-own-key | 4.3 | MUST | A proof must be signed by the key in its header.
no-private-key | 4.3 | MUST | A proof that shows a private key is refused.
method-and-url | 4.3 | MUST | A proof counts for its method and URL alone; query and fragment aside.
urls-are-normalized | 4.3 | SHOULD | Two ways to write one URL are the same: case, default port, percent-encoding.
the-token-is-hashed | 4.3 | MUST | At a resource, a proof must hold the hash of the access token beside it.
a-bad-proof-is-named | 5 | MUST | A token request whose proof will not do is an invalid_dpop_proof.
the-type-is-dpop | 5 | MUST | The answer to a token request with a proof says that the token's type is DPoP.
refresh-tokens-are-bound | 5 | MUST | The refresh token of a public client counts with a proof of its key alone.
bound-clients-prove | 5.2 | MUST | A client that registered for bound tokens gets none without a proof.
the-binding-is-known | 6 | MUST | Each resource can tell whether a token is bound, and to which key.
the-keys-are-the-same | 6 | MUST | At a resource, the proof's key must be the one that the token is bound to.
jkt-is-the-thumbprint | 6.1 | MUST | The binding is told as the SHA-256 thumbprint of the key, cnf.jkt.
introspected-as-dpop | 6.2 | MUST | Introspection says that the type of a bound token is DPoP.
resources-want-the-proof | 7.1 | MUST | API, MCP and userinfo answer to a bound token only if every check succeeds.
the-challenge-names-the-error | 7.1 | SHOULD | A challenge after a failed proof is of the scheme DPoP and names the error.
the-challenge-names-algorithms | 7.1 | SHOULD | A challenge of the scheme DPoP names the algorithms of proofs.
not-as-a-bearer | 7.2 | MUST | A bound token that is presented as a bearer token is refused.
nonces-cannot-be-predicted | 8 | MUST | Nobody can tell a nonce without the server's secret key.
one-nonce-an-answer | 8 | MUST | An answer holds one DPoP-Nonce, of the characters that a nonce may have.
the-nonce-matches | 8 | MUST | A proof at the token endpoint must hold a nonce that Latchkey gave out lately.
codes-are-bound | 10 | MUST | A code asked for with dpop_jkt is exchanged with a proof of that key alone.
both-ways-to-push-a-key | 10.1 | MUST | A pushed request names its key by dpop_jkt, or proves it by a header.
pushed-keys-agree | 10.1 | MUST | A pushed request that names one key and proves another is refused.
a-short-life | 11.1 | MUST | A proof counts for a minute after it was made, or for five with the server's nonce in it.
one-use-jti | 11.1 | SHOULD | A proof counts once.
no-way-round-the-nonce | 11.3 | MUST | A proof without a nonce is never taken at the token endpoint.
typed | 11.5 | MUST | A JWT of another type is no proof.
asymmetric-only | 11.6 | MUST | A proof that is not signed, or is signed with a shared secret, is refused.
""",
    ),
    _specification(
        "rfc9700",
        "RFC 9700: Best Current Practice for OAuth 2.0 Security",
        """
exact-redirect-uri | 2.1 | MUST | A redirect URI is matched exactly, but for a loopback port.
no-open-redirector | 2.1 | MUST | No address leads to where its query says, unless a client registered that.
pkce-of-all | 2.1.1 | MUST | PKCE is supported, and by default asked of public and confidential clients alike.
verifier-enforced | 2.1.1 | MUST | No code is exchanged without the verifier of its challenge.
no-pkce-downgrade | 2.1.1 | MUST | No verifier fits a code without a challenge: whoever sends one is refused.
nonce-in-place-of-pkce | 2.1.1 | SHOULD | Only a confidential client that an admin exempts goes without PKCE, and it sends a nonce.
pkce-announced | 2.1.1 | MUST | The metadata say that S256 is supported.
sender-constrained | 2.2.1 | SHOULD | A client may bind its tokens to a key, without which they are refused.
refresh-tokens-rotate | 2.2.2 | MUST | A public client's refresh token is replaced at each use.
privileges-restricted | 2.3 | SHOULD | A token can do what client, consent and the person's roles all let it do.
audience-checked | 2.3 | MUST | Each call checks that the token is meant for this resource.
no-password-grant | 2.4 | MUST | A person's password gets no client a token.
clients-authenticated | 2.5 | SHOULD | A client that has credentials has to show them.
asymmetric-authentication | 2.5 | SHOULD | A client may prove who it is by a signature.
metadata-published | 2.6 | SHOULD | The server's metadata are published.
client-id-not-chosen | 2.6 | SHOULD | A client that registers itself does not choose its id.
no-http-redirect | 2.6 | MUST | A redirect URI with plain http is one on the person's own computer.
no-cors-at-authorize | 2.6 | MUST | No page of another origin may read the authorization endpoint.
nothing-foreign-on-the-page | 4.2.4 | SHOULD | The consent page loads nothing from elsewhere, and links to nothing there.
code-once | 4.2.4 | MUST | A code is used up by its first exchange.
tokens-not-kept-in-clear | 4.9.3 | MUST | No access token is stored in clear, or written to a log.
signed-in-before-redirected | 4.11.2 | MUST | Nobody is redirected before they have signed in, unless prompt is none.
redirects-only-where-trusted | 4.11.2 | SHOULD | Nobody is sent to a self-registered web app before they saw where that leads.
no-307 | 4.12 | MUST | No redirect makes the browser send a form on.
redirect-by-303 | 4.12 | SHOULD | A form is answered with a 303.
refresh-by-registration | 4.14.2 | MUST | Only a client that registered for refresh tokens gets them.
refresh-bound-to-consent | 4.14.2 | MUST | A refresh token is bound to the scope and the resource that the person allowed.
replay-detected | 4.14.2 | MUST | A refresh token that is used again ends its family; a retry at once does not.
refresh-tokens-idle-out | 4.14.2 | SHOULD | A refresh token that lay idle for 30 days, or what an admin set, is refused.
own-tokens-told-apart | 4.15.1 | SHOULD | A token that a client got for itself is about the client, not about a person.
no-clickjacking | 4.16 | MUST | No page on which a person decides can be framed.
framing-refused-twice | 4.16 | SHOULD | Framing is refused by the Content-Security-Policy and by X-Frame-Options.
""",
    ),
    _specification(
        "rfc9728",
        "RFC 9728: Protected Resource Metadata",
        """
resource-named | 2 | MUST | The metadata of a resource name it.
scopes-listed | 2 | SHOULD | They list the basic scopes, which clients may ask for all at once.
name-given | 2 | SHOULD | They say what the resource is called.
well-known | 3 | MUST | They stand at the well-known address with the path of the resource.
json | 3.2 | MUST | They come as JSON, with a 200.
nothing-empty | 3.2 | MUST | No member of them is empty.
resource-identical | 3.3 | MUST | The resource in them is the one that their address is made of, to the letter.
challenge-leads-there | 5.1 | MUST | The challenge of a 401 says where they are.
""",
    ),
    _specification(
        "oidc-core",
        "OpenID Connect Core 1.0",
        """
required-claims | 2 | MUST | An ID token holds iss, sub, aud, exp and iat.
sub-is-never-reassigned | 2 | MUST | A person's sub is short, and after them nobody else's.
the-nonce-is-returned | 2 | MUST | The nonce of a request stands in its ID token as it was sent.
signed | 2 | MUST | An ID token is signed, and no client can ask for one that is not.
no-key-in-the-header | 2 | SHOULD | The header of an ID token names its key, and holds no key and no link to one.
get-and-post | 3.1.2.1 | MUST | An authorization request may come by GET and by POST.
redirect-uris-match-exactly | 3.1.2.1 | MUST | A redirect URI is a registered one, to the letter; only a loopback port is free.
prompt-none-shows-nothing | 3.1.2.1 | MUST | With prompt=none no page is shown: the client gets a code or an error.
prompt-none-needs-no-hint | 3.1.2.1 | SHOULD | With prompt=none a client gets its code without an id_token_hint too.
prompt-consent | 3.1.2.1 | SHOULD | With prompt=consent a person is asked, whatever they allowed before.
prompt-select-account | 3.1.2.1 | SHOULD | With prompt=select_account a person sees who is signed in, and can be another.
max-age | 3.1.2.1 | MUST | Who signed in longer ago than max_age signs in again; for 0, each time.
auth-time-with-max-age | 3.1.2.1 | MUST | With max_age the ID token says when the person signed in.
locales-are-no-error | 3.1.2.1 | SHOULD | A request for languages that Latchkey does not speak is no error.
the-hint-names-the-person | 3.1.2.1 | MUST | A client that expects one person by an id_token_hint gets no other.
the-hint-is-our-own | 3.1.2.2 | MUST | An id_token_hint that is no ID token of Latchkey's is refused.
an-expired-hint-counts | 3.1.2.2 | SHOULD | An id_token_hint counts after its time too.
unknown-is-ignored | 3.1.2.2 | SHOULD | Parameters that Latchkey does not know are ignored.
errors-are-reported | 3.1.2.2 | MUST | What is wrong with a request is told to the client, with its state.
sign-in-comes-first | 3.1.2.3 | MUST | Who is not signed in does that first, and comes back to the request.
prompt-login | 3.1.2.3 | MUST | With prompt=login a person signs in again for this very request.
no-forgery-no-frames | 3.1.2.3 | MUST | The forms to sign in and to decide cannot be forged, nor their pages framed.
the-person-decides | 3.1.2.4 | MUST | Nothing is told to a client before its person has allowed it.
a-code-is-its-clients | 3.1.3.2 | MUST | A code is exchanged by the client that it was issued to, and by no other.
the-redirect-uri-is-repeated | 3.1.3.2 | MUST | A code is exchanged with the redirect URI of its request alone.
bearer-unless-agreed | 3.1.3.3 | MUST | The type of a token is Bearer, unless the client has proved a key.
tokens-are-not-stored | 3.1.3.3 | MUST | No cache may keep an answer that holds tokens.
userinfo-by-get-and-post | 5.3 | MUST | Userinfo answers GET and POST.
userinfo-takes-bearer-tokens | 5.3 | MUST | Userinfo takes the access token as a bearer token, and refuses what is none.
userinfo-from-any-page | 5.3 | SHOULD | A client in a browser may call userinfo from its own origin.
userinfo-holds-sub | 5.3.2 | MUST | Userinfo always tells the sub of the ID token.
userinfo-is-json | 5.3.2 | MUST | Userinfo answers with JSON, and says so.
no-empty-claims | 5.3.2 | SHOULD | What is not told is left out: no claim is null or empty.
the-claims-parameter-is-no-error | 5.5 | SHOULD | A request with a claims parameter gets what its scopes tell.
no-request-objects | 6.1 | MUST | A request object is answered with request_not_supported.
no-request-uris | 6.2 | MUST | A request_uri that was not pushed is answered with request_uri_not_supported.
assertions-are-for-us | 9 | MUST | A client's assertion counts if it is for Latchkey, new and unexpired.
the-key-is-named | 10.1 | MUST | The header of an ID token says which of the published keys verifies it.
retired-keys-stay | 10.1.1 | SHOULD | A key that was rotated out stays published until its tokens are gone.
offline-access-is-allowed | 11 | MUST | Offline access is granted only if the person has allowed it.
a-refresh-token-is-its-clients | 12.1 | MUST | A refresh token counts for its client, once that has proved itself.
a-refreshed-id-token-is-alike | 12.2 | MUST | After a refresh iss, sub, aud and auth_time are as before; iat is new.
a-refreshed-id-token-has-no-nonce | 12.2 | SHOULD | After a refresh the ID token holds no nonce.
rs256 | 15.1 | MUST | ID tokens are signed with RS256, unless the client registered for ES256.
display-and-acr-are-no-error | 15.1 | MUST | A request with display, ui_locales, claims_locales or acr_values is no error.
""",
    ),
    _specification(
        "oidc-discovery",
        "OpenID Connect Discovery 1.0",
        """
required-metadata | 3 | MUST | The document holds each member that is required.
recommended-metadata | 3 | SHOULD | It holds the userinfo and registration endpoints, the scopes and the claims.
the-issuer-is-iss | 3 | MUST | Its issuer is the iss of each ID token, to the letter.
rs256-is-listed | 3 | MUST | It lists RS256 among the algorithms of ID tokens.
no-private-keys | 3 | MUST | The key set that it names holds no private and no shared key.
openid-is-a-scope | 3 | MUST | It lists the scope openid, which Latchkey grants.
the-scopes-of-openid-are-listed | 3 | SHOULD | It lists profile, email and offline_access too.
rs256-for-assertions | 3 | SHOULD | It lists RS256 among the algorithms of clients' assertions.
assertions-are-signed | 3 | MUST | It does not list none among them.
programs-may-call-from-any-page | 3 | SHOULD | A client in a browser may call what clients call, from its own origin.
people-may-not | 3 | SHOULD | The authorization endpoint can be called from no other origin's script.
json-below-the-issuer | 4 | MUST | The document is JSON, at the issuer and /.well-known/openid-configuration.
read-by-any-page | 4 | SHOULD | A page of any origin may read it.
ok-as-json | 4.2 | MUST | It is answered with 200, as application/json.
no-empty-lists | 4.2 | MUST | What has no values is left out of it.
""",
    ),
    _specification(
        "mcp",
        "Model Context Protocol 2026-07-28: Authorization, and the Origin rule of Transports",
        """
both-kinds-of-clients | Overview 3 | MUST | Public and confidential clients are served.
server-metadata | Overview 3 | MUST | The server's metadata are found by RFC 8414 and by OpenID Connect Discovery.
scope-in-the-challenge | Overview 6 | SHOULD | The challenge of a 401 says which scopes to ask for.
iss-in-answers | Overview 7.1 | SHOULD | Each answer of the authorization endpoint says who it is from, and so do errors.
iss-announced | Overview 7.1 | MUST | The metadata say that it is sent.
resource-in-capitals | Overview 8.1 | SHOULD | A resource is recognised with scheme and host in capitals.
no-token-in-the-query | Overview 9.1 | MUST | An access token in the query counts for nothing.
each-request-authorized | Overview 9.1 | MUST | Each request is authorized by itself, on an open stream too.
audience-checked | Overview 9.2 | MUST | A token is accepted only where it is good for this MCP server.
invalid-is-401 | Overview 9.2 | MUST | A token that is invalid or has expired gets a 401.
no-other-tokens | Overview 9.2 | MUST | Nothing but an access token of ours is accepted.
offline-access-not-asked-for | Overview 10 | SHOULD | The challenge and the resource's metadata leave offline_access out.
insufficient-scope | Overview 11.1.1 | SHOULD | A call beyond the token's scopes gets a 403 that says how to get further; on an HTTP+SSE stream the tool's result says so.
all-scopes-at-once | Overview 11.1.1 | SHOULD | It names all scopes that the call needs, at once.
resource-metadata | Discovery 1 | MUST | The metadata of the MCP server name its authorization server.
told-where | Discovery 2 | MUST | They are found by the challenge, and at both well-known addresses.
documents-taken | Registration 1 | SHOULD | A client may be the URL of a document about it, and the metadata say so.
document-names-itself | Registration 1.1 | MUST | The document says that its URL is its client's id.
document-whole | Registration 1.1 | MUST | The document is JSON and holds what is required.
document-redirect-uris | Registration 1.1 | MUST | The redirect URI of a request is one in the document.
document-cached | Registration 1.1 | SHOULD | The document is kept for as long as its headers say.
refresh-tokens-rotate | Security 2 | MUST | A public client's refresh token is replaced at each use.
short-lived | Security 2 | SHOULD | An access token lasts for an hour, unless an admin says otherwise.
tokens-kept-secret | Security 2 | MUST | No token is stored in clear, or written to a log.
pkce-announced | Security 4 | MUST | Both metadata documents say that S256 is supported.
exact-redirect-uri | Security 6 | MUST | A redirect URI is matched exactly, but for a loopback port.
redirects-only-where-trusted | Security 6 | SHOULD | Nobody is sent to a self-registered web app before they saw where that leads.
no-request-forgery | Security 7.1 | SHOULD | A document is fetched from public addresses alone, and no redirect is followed.
local-apps-warned-of | Security 7.2 | SHOULD | The person is warned where the app is a program on their computer.
host-shown | Security 7.2 | MUST | The person is shown the host that they will be sent to.
origin-checked | Transports 2.0.1 | MUST | A page whose host may have been rebound to this one gets a 403.
consent-for-each-client | Security 8 | MUST | Each client that registered itself needs a consent, a public one each time.
""",
    ),
)

CLAIMS = {f"{of.key}:{claim.name}": claim for of in SPECIFICATIONS for claim in of.claims}


def requirement(*ids: str) -> pytest.MarkDecorator:
    """Mark a test as the proof of these claims.

    Raises:
        KeyError: the ledger makes no such claim.
    """
    for claimed in ids:
        _ = CLAIMS[claimed]
    return pytest.mark.requirement(*ids)


def proofs() -> Iterator[tuple[str, str]]:
    """Give the id of a claim and the test that proves it, as the tests' source has them."""
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                where = f"{path.relative_to(TESTS.parent).as_posix()}::{node.name}"
                yield from ((claimed, where) for claimed in _claimed_by(node))


def _claimed_by(test: ast.FunctionDef) -> Iterator[str]:
    for mark in test.decorator_list:
        if isinstance(mark, ast.Call) and getattr(mark.func, "id", None) == requirement.__name__:
            yield from (ast.literal_eval(argument) for argument in mark.args)


def document() -> str:
    """Give docs/oauth.md: each claim with the tests that prove it."""
    proved = list(proofs())
    lines = [
        "# What the authorization server keeps to",
        "",
        "Made from `tests/requirements.py` by `make docs`. Each line is a demand of the named",
        "section that Latchkey claims to meet; the tests beside it fail where it does not.",
    ]
    for of in SPECIFICATIONS:
        lines += ["", f"## {of.title}", "", "| § | | what | proved by |", "|---|---|---|---|"]
        for claim in of.claims:
            tests = ", ".join(
                f"`{where.rpartition('::')[2]}`"
                for claimed, where in proved
                if claimed == f"{of.key}:{claim.name}"
            )
            lines.append(f"| {claim.section} | {claim.level} | {claim.says} | {tests} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    DOCUMENT.write_text(document())
