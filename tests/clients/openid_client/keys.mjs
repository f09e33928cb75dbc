// private_key_jwt at every endpoint, behind a pushed authorization request.
import * as client from "openid-client";

import { changed, given, refusal, report } from "../person.mjs";
import { allowed, options, registered, status } from "./client.mjs";

const { publicKey, privateKey } = await client.randomDPoPKeyPair(given.alg);
const stranger = await client.randomDPoPKeyPair(given.alg);
const key = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kid: "first", use: "sig" };
const metadata = { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key] } };
const config = await registered(metadata, client.PrivateKeyJwt({ key: privateKey, kid: "first" }));
const { client_id } = config.clientMetadata();
const impostor = await client.discovery(
  new URL(given.site),
  client_id,
  undefined,
  client.PrivateKeyJwt({ key: stranger.privateKey, kid: "first" }),
  options,
);

const begun = await allowed(config, "openid profile:view", client.buildAuthorizationUrlWithPAR);
const byImpostor = await refusal(client.authorizationCodeGrant(impostor, begun.back, begun.checks));
const tokens = await client.authorizationCodeGrant(config, begun.back, begun.checks);
const introspected = await client.tokenIntrospection(config, tokens.access_token);
const alive = await status(config, tokens.access_token);
await client.tokenRevocation(config, tokens.access_token);

report({
  sent: Object.fromEntries(begun.url.searchParams),
  pushedTwice: (await fetch(changed(begun.url, {}), { redirect: "manual" })).status,
  byImpostor,
  introspected,
  alive,
  apiAfterRevocation: await refusal(status(config, tokens.access_token)),
  refreshed: await status(config, (await client.refreshTokenGrant(config, tokens.refresh_token)).access_token),
});
