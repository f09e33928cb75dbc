// A code and a refresh token that come a second time, from whoever got hold of them.
import * as client from "openid-client";

import { refusal, report } from "../person.mjs";
import { allowed, registered, status } from "./client.mjs";

const config = await registered({ token_endpoint_auth_method: "client_secret_post" });
const scope = "openid profile:view";

const begun = await allowed(config, scope);
const exchanged = () => client.authorizationCodeGrant(config, begun.back, begun.checks);
const byCode = await exchanged();
const codeUsedTwice = await refusal(exchanged());

const renewed = await allowed(config, scope);
const first = await client.authorizationCodeGrant(config, renewed.back, renewed.checks);
const second = await client.refreshTokenGrant(config, first.refresh_token);
const third = await client.refreshTokenGrant(config, second.refresh_token);
const alive = await status(config, third.access_token);

report({
  alive,
  codeUsedTwice,
  apiAfterReplay: await refusal(status(config, byCode.access_token)),
  oldRefreshToken: await refusal(client.refreshTokenGrant(config, first.refresh_token)),
  apiAfterReuse: await refusal(status(config, third.access_token)),
  newestAfterReuse: await refusal(client.refreshTokenGrant(config, third.refresh_token)),
});
