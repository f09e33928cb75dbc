// Code with PKCE, state and nonce; ID token, userinfo; introspection, refresh and revocation.
import * as oauth from "oauth4webapi";

import { changed, given, refusal, report } from "../person.mjs";
import { Client, discovered, registered } from "./client.mjs";

const { method, alg } = given;
const as = await discovered();
const metadata = await registered(as, { token_endpoint_auth_method: method, id_token_signed_response_alg: alg });
const authentication = {
  client_secret_basic: () => oauth.ClientSecretBasic(metadata.client_secret),
  client_secret_post: () => oauth.ClientSecretPost(metadata.client_secret),
  none: () => oauth.None(),
}[method]();
const client = new Client(as, metadata, authentication);

const begun = await client.allowed("openid profile email profile:view", { max_age: 3600 });
const refused = {
  otherIssuer: await refusal(client.exchange({ ...begun, back: changed(begun.back, { iss: "https://other.example" }) })),
  noIssuer: await refusal(client.exchange({ ...begun, back: changed(begun.back, { iss: undefined }) })),
  otherState: await refusal(client.exchange({ ...begun, state: "another" })),
  otherVerifier: await refusal(client.exchange({ ...begun, verifier: oauth.generateRandomCodeVerifier() })),
};
const first = await client.exchange(begun, { maxAge: 3600 });
const claims = oauth.getValidatedIdTokenClaims(first);
const userinfo = await client.userinfo(first.access_token, claims.sub);
const before = await client.status(first.access_token);

const isPublic = method === "none";
const introspected = await (isPublic ? refusal : (known) => known)(client.introspect(first.access_token));
const second = await client.refresh(first.refresh_token);
const again = await client.refresh(first.refresh_token);
const after = await client.status(second.access_token);

await client.revoke(second.refresh_token);
Object.assign(refused, {
  apiAfterRevocation: await refusal(client.status(second.access_token)),
  firstAfterRevocation: await refusal(client.status(first.access_token)),
  refreshAfterRevocation: await refusal(client.refresh(second.refresh_token)),
});
const ended = isPublic ? null : await client.introspect(second.access_token);

report({ client: metadata, first, claims, userinfo, introspected, second, again, ended, refused, statuses: [before, after] });
