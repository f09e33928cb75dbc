// A device without a browser, which asks as often as the server lets it.
import * as client from "openid-client";

import { report, type } from "../person.mjs";
import { registered, status } from "./client.mjs";

const config = await registered({
  token_endpoint_auth_method: "none",
  redirect_uris: undefined,
  grant_types: ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
  response_types: [],
});
const started = await client.initiateDeviceAuthorization(config, { scope: "openid profile:view" });
await type(started.user_code);
const tokens = await client.pollDeviceAuthorizationGrant(config, started);
const renewed = await client.refreshTokenGrant(config, tokens.refresh_token);

report({
  started,
  tokens,
  claims: tokens.claims(),
  statuses: [await status(config, tokens.access_token), await status(config, renewed.access_token)],
});
