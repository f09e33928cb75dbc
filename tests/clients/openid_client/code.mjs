// Code with PKCE, state and nonce; ID token, userinfo; introspection, refresh and revocation.
import * as client from "openid-client";

import { changed, given, refusal, report } from "../person.mjs";
import { allowed, registered, status } from "./client.mjs";

const authentications = {
  client_secret_basic: client.ClientSecretBasic(),
  client_secret_post: client.ClientSecretPost(),
  none: client.None(),
};
const { method, alg } = given;
const metadata = { token_endpoint_auth_method: method, id_token_signed_response_alg: alg };
const config = await registered(metadata, authentications[method]);

const { back, checks } = await allowed(config, "openid profile email profile:view");
const exchanged = (url, other) => client.authorizationCodeGrant(config, url, { ...checks, ...other });
const refused = {
  otherIssuer: await refusal(exchanged(changed(back, { iss: "https://other.example" }))),
  noIssuer: await refusal(exchanged(changed(back, { iss: undefined }))),
  otherState: await refusal(exchanged(back, { expectedState: "another" })),
  otherVerifier: await refusal(exchanged(back, { pkceCodeVerifier: client.randomPKCECodeVerifier() })),
};
const first = await exchanged(back);
const claims = first.claims();
const userinfo = await client.fetchUserInfo(config, first.access_token, claims.sub);
const before = await status(config, first.access_token);

const known = (token) => client.tokenIntrospection(config, token);
const introspected = method === "none" ? await refusal(known(first.access_token)) : await known(first.access_token);
const second = await client.refreshTokenGrant(config, first.refresh_token);
const again = await client.refreshTokenGrant(config, first.refresh_token);
const after = await status(config, second.access_token);

await client.tokenRevocation(config, second.refresh_token);
Object.assign(refused, {
  apiAfterRevocation: await refusal(status(config, second.access_token)),
  firstAfterRevocation: await refusal(status(config, first.access_token)),
  refreshAfterRevocation: await refusal(client.refreshTokenGrant(config, second.refresh_token)),
});
const ended = method === "none" ? null : await known(second.access_token);

report({
  client: config.clientMetadata(),
  first,
  claims,
  userinfo,
  introspected,
  second,
  again,
  ended,
  refused,
  statuses: [before, after],
});
