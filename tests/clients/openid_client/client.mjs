// What openid-client's programs share: how one registers here, and how it asks for a code.
import * as client from "openid-client";

import { given, open } from "../person.mjs";

const callback = given.callback;

export const options = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };

/** Register by RFC 7591, for the code flow unless the metadata say otherwise. */
export const registered = (metadata, authentication) =>
  client.dynamicClientRegistration(
    new URL(given.site),
    {
      client_name: "By openid-client",
      redirect_uris: [callback],
      grant_types: ["authorization_code", "refresh_token"],
      ...metadata,
    },
    authentication,
    options,
  );

/** Let the person allow; give the callback, and what the answer must be checked against. */
export const allowed = async (config, scope, build = client.buildAuthorizationUrl) => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const expectedState = client.randomState();
  const expectedNonce = client.randomNonce();
  const url = await build(config, {
    redirect_uri: callback,
    scope,
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: "S256",
  });
  return { url, back: await open(url), checks: { pkceCodeVerifier, expectedState, expectedNonce } };
};

/** Give the status with which the API answers an access token; a challenge is thrown. */
export const status = async (config, token, dpop) => {
  const url = new URL("/api/profile/get", given.site);
  return (await client.fetchProtectedResource(config, token, url, "GET", null, undefined, dpop)).status;
};
