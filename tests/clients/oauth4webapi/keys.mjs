// private_key_jwt at every endpoint, behind a pushed authorization request.
import * as oauth from "oauth4webapi";

import { given, refusal, report } from "../person.mjs";
import { Client, discovered, registered } from "./client.mjs";

const as = await discovered();
const { publicKey, privateKey } = await oauth.generateKeyPair(given.alg);
const stranger = await oauth.generateKeyPair(given.alg);
const key = { ...(await crypto.subtle.exportKey("jwk", publicKey)), kid: "first", use: "sig" };
const metadata = await registered(as, { token_endpoint_auth_method: "private_key_jwt", jwks: { keys: [key] } });
const signing = (privateKey) => new Client(as, metadata, oauth.PrivateKeyJwt({ key: privateKey, kid: "first" }));
const [client, impostor] = [signing(privateKey), signing(stranger.privateKey)];

const begun = await client.allowed("openid profile:view", { pushed: true });
const byImpostor = await refusal(impostor.exchange(begun));
const tokens = await client.exchange(begun);
const introspected = await client.introspect(tokens.access_token);
const alive = await client.status(tokens.access_token);
await client.revoke(tokens.access_token);

report({
  byImpostor,
  introspected,
  alive,
  apiAfterRevocation: await refusal(client.status(tokens.access_token)),
  refreshed: await client.status((await client.refresh(tokens.refresh_token)).access_token),
});
