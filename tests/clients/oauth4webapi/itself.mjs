// A client that acts for itself: client credentials.
import * as oauth from "oauth4webapi";

import { given, refusal, report } from "../person.mjs";
import { Client, discovered } from "./client.mjs";

const { client_id, client_secret, site } = given;
const as = await discovered();
const client = new Client(as, { client_id }, oauth.ClientSecretBasic(client_secret));
const impostor = new Client(as, { client_id }, oauth.ClientSecretBasic("lk_cs_made-up"));

const scope = "profile:view";
const tokens = await client.forItself({ scope, resource: `${site}/api` });
const introspected = await client.introspect(tokens.access_token);
const alive = await client.status(tokens.access_token);
const refused = {
  wrongSecret: await refusal(impostor.forItself({ scope })),
  introspectionByImpostor: await refusal(impostor.introspect(tokens.access_token)),
  widerScope: await refusal(client.forItself({ scope: "access:edit" })),
  foreignResource: await refusal(client.forItself({ resource: "https://other.example" })),
  apiBeyondScope: await refusal(client.status(tokens.access_token, "/api/tasks/list")),
};
await client.revoke(tokens.access_token);

report({
  tokens,
  introspected,
  alive,
  refused,
  ended: await client.introspect(tokens.access_token),
  apiAfterRevocation: await refusal(client.status(tokens.access_token)),
});
