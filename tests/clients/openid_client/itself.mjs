// A client that acts for itself: client credentials, then token exchange for less.
import * as client from "openid-client";

import { given, refusal, report } from "../person.mjs";
import { options, status } from "./client.mjs";

const { client_id, client_secret } = given;
const known = (secret) => client.discovery(new URL(given.site), client_id, secret, undefined, options);
const [config, impostor] = [await known(client_secret), await known("lk_cs_made-up")];

const scope = "profile:view tasks:view";
const tokens = await client.clientCredentialsGrant(config, { scope, resource: `${given.site}/api` });
const introspected = await client.tokenIntrospection(config, tokens.access_token);
const alive = await status(config, tokens.access_token);
const narrowed = await client.genericGrantRequest(config, "urn:ietf:params:oauth:grant-type:token-exchange", {
  subject_token: tokens.access_token,
  subject_token_type: "urn:ietf:params:oauth:token-type:access_token",
  scope: "tasks:view",
});
const refused = {
  wrongSecret: await refusal(client.clientCredentialsGrant(impostor, { scope })),
  widerScope: await refusal(client.clientCredentialsGrant(config, { scope: "access:edit" })),
  foreignResource: await refusal(client.clientCredentialsGrant(config, { resource: "https://other.example" })),
};
const insufficient = await refusal(status(config, narrowed.access_token));
await client.tokenRevocation(config, tokens.access_token);

report({
  tokens,
  introspected,
  alive,
  narrowed,
  insufficient,
  refused,
  ended: await client.tokenIntrospection(config, tokens.access_token),
  apiAfterRevocation: await refusal(status(config, tokens.access_token)),
});
