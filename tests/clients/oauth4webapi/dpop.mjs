// Tokens that are bound to a key: at PAR, token endpoint, API and userinfo, and when renewed.
import * as oauth from "oauth4webapi";

import { given, refusal, report } from "../person.mjs";
import { Client, discovered, registered } from "./client.mjs";

const as = await discovered();
const metadata = await registered(as, { token_endpoint_auth_method: "none", dpop_bound_access_tokens: true });
const bound = async () => {
  const DPoP = oauth.DPoP(metadata, await oauth.generateKeyPair(given.alg));
  return new Client(as, metadata, oauth.None(), { DPoP });
};
const [mine, others] = [await bound(), await bound()];
const bearer = new Client(as, metadata, oauth.None());

const begun = await mine.allowed("openid profile:view", { pushed: true });
const refused = {
  codeWithAnotherKey: await refusal(others.exchange(begun)),
  codeWithoutKey: await refusal(bearer.exchange(begun)),
};
const first = await mine.exchange(begun);
const { sub } = oauth.getValidatedIdTokenClaims(first);
const userinfo = await mine.userinfo(first.access_token, sub);
const before = await mine.status(first.access_token);
Object.assign(refused, {
  apiAsBearer: await refusal(bearer.status(first.access_token)),
  apiWithAnotherKey: await refusal(others.status(first.access_token)),
  userinfoAsBearer: await refusal(bearer.userinfo(first.access_token, sub)),
  refreshWithAnotherKey: await refusal(others.refresh(first.refresh_token)),
  refreshWithoutKey: await refusal(bearer.refresh(first.refresh_token)),
});
const second = await mine.refresh(first.refresh_token);
const after = await mine.status(second.access_token);

report({ first, second, userinfo, refused, statuses: [before, after] });
