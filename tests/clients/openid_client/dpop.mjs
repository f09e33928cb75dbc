// Tokens that are bound to a key: at PAR, token endpoint, API and userinfo, and when renewed.
import * as client from "openid-client";

import { given, refusal, report } from "../person.mjs";
import { allowed, registered, status } from "./client.mjs";

const metadata = { token_endpoint_auth_method: "none", dpop_bound_access_tokens: true };
const config = await registered(metadata);
const bound = async () => ({ DPoP: client.getDPoPHandle(config, await client.randomDPoPKeyPair(given.alg)) });
const [mine, others] = [await bound(), await bound()];

const push = (_, parameters) => client.buildAuthorizationUrlWithPAR(config, parameters, mine);
const { back, checks } = await allowed(config, "openid profile:view", push);
const exchanged = (dpop) => client.authorizationCodeGrant(config, back, { ...checks }, undefined, dpop);
const refused = {
  codeWithAnotherKey: await refusal(exchanged(others)),
  codeWithoutKey: await refusal(exchanged()),
};
const first = await exchanged(mine);
const userinfo = await client.fetchUserInfo(config, first.access_token, first.claims().sub, mine);
const before = await status(config, first.access_token, mine);
Object.assign(refused, {
  apiAsBearer: await refusal(status(config, first.access_token)),
  apiWithAnotherKey: await refusal(status(config, first.access_token, others)),
  userinfoAsBearer: await refusal(client.fetchUserInfo(config, first.access_token, first.claims().sub)),
  refreshWithAnotherKey: await refusal(client.refreshTokenGrant(config, first.refresh_token, {}, others)),
  refreshWithoutKey: await refusal(client.refreshTokenGrant(config, first.refresh_token)),
});
const second = await client.refreshTokenGrant(config, first.refresh_token, {}, mine);

report({
  first,
  second,
  userinfo,
  refused,
  statuses: [before, await status(config, second.access_token, mine)],
});
