// A code and a refresh token that come a second time, from whoever got hold of them.
import * as oauth from "oauth4webapi";

import { refusal, report } from "../person.mjs";
import { Client, discovered, registered } from "./client.mjs";

const as = await discovered();
const metadata = await registered(as, { token_endpoint_auth_method: "none" });
const client = new Client(as, metadata, oauth.None());
const scope = "openid profile:view";

const begun = await client.allowed(scope);
const byCode = await client.exchange(begun);
const codeUsedTwice = await refusal(client.exchange(begun));

const first = await client.exchange(await client.allowed(scope));
const second = await client.refresh(first.refresh_token);
const third = await client.refresh(second.refresh_token);
const alive = await client.status(third.access_token);

report({
  alive,
  codeUsedTwice,
  apiAfterReplay: await refusal(client.status(byCode.access_token)),
  oldRefreshToken: await refusal(client.refresh(first.refresh_token)),
  apiAfterReuse: await refusal(client.status(third.access_token)),
  newestAfterReuse: await refusal(client.refresh(third.refresh_token)),
});
