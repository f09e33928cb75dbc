// A device without a browser, which asks before the person has decided, and after.
import * as oauth from "oauth4webapi";

import { given, refusal, report, type } from "../person.mjs";
import { Client, discovered } from "./client.mjs";

const { client_id, client_secret } = given;
const client = new Client(await discovered(), { client_id }, oauth.ClientSecretBasic(client_secret));
const scope = "openid profile:view";

const waiting = await client.startDevice({ scope });
const pending = await refusal(client.poll(waiting.device_code));
const tooSoon = await refusal(client.poll(waiting.device_code));

const started = await client.startDevice({ scope });
await type(started.user_code);
const tokens = await client.poll(started.device_code);
const alive = await client.status(tokens.access_token);
const usedTwice = await refusal(client.poll(started.device_code));

report({
  started,
  pending,
  tooSoon,
  tokens,
  claims: oauth.getValidatedIdTokenClaims(tokens),
  alive,
  usedTwice,
  refreshed: await client.status((await client.refresh(tokens.refresh_token)).access_token),
});
