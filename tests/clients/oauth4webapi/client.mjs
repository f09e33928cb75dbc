// What oauth4webapi's programs share: how one finds the server, registers, and asks for a code.
import * as oauth from "oauth4webapi";

import { given, open } from "../person.mjs";

const { callback, site } = given;

export const insecure = { [oauth.allowInsecureRequests]: true };

/** Find the authorization server as RFC 9728 wants it: from the API's address alone. */
export const discovered = async () => {
  const api = new URL("/api", site);
  const resource = await oauth
    .resourceDiscoveryRequest(api, insecure)
    .then((response) => oauth.processResourceDiscoveryResponse(api, response));
  const issuer = new URL(resource.authorization_servers[0]);
  return oauth
    .discoveryRequest(issuer, { ...insecure, algorithm: "oauth2" })
    .then((response) => oauth.processDiscoveryResponse(issuer, response));
};

/** Register by RFC 7591, for the code flow unless the metadata say otherwise. */
export const registered = (as, metadata) =>
  oauth
    .dynamicClientRegistrationRequest(
      as,
      {
        client_name: "By oauth4webapi",
        redirect_uris: [callback],
        grant_types: ["authorization_code", "refresh_token"],
        ...metadata,
      },
      insecure,
    )
    .then(oauth.processDynamicClientRegistrationResponse);

/** Send a request again, once, if its first answer asks for a nonce in its DPoP proof. */
export const withNonce = async (send) => {
  try {
    return await send();
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error;
    return send();
  }
};

/** One client, with each of its requests and the check of its answer in one. */
export class Client {
  constructor(as, client, authentication, options = {}) {
    Object.assign(this, { as, client, authentication, options: { ...insecure, ...options } });
  }

  #sent(request, process, ...given) {
    const { as, client, authentication, options } = this;
    return withNonce(async () => process(as, client, await request(as, client, authentication, ...given, options)));
  }

  push(parameters) {
    return this.#sent(oauth.pushedAuthorizationRequest, oauth.processPushedAuthorizationResponse, parameters);
  }

  /** Let the person allow; give the callback, and what the answer must be checked against. */
  async allowed(scope, { pushed = false, ...more } = {}) {
    const [verifier, state, nonce] = [
      oauth.generateRandomCodeVerifier(),
      oauth.generateRandomState(),
      oauth.generateRandomNonce(),
    ];
    const { client_id } = this.client;
    const parameters = new URLSearchParams({
      client_id,
      response_type: "code",
      redirect_uri: callback,
      scope,
      state,
      nonce,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      ...more,
    });
    const { request_uri } = pushed ? await this.push(parameters) : {};
    const url = new URL(this.as.authorization_endpoint);
    url.search = request_uri ? new URLSearchParams({ client_id, request_uri }) : parameters;
    return { back: await open(url), verifier, state, nonce };
  }

  /** Exchange a code; the ID token's claims and its signature are checked, too. */
  async exchange({ back, verifier, state, nonce }, checks = {}) {
    const { as, client, options } = this;
    const answer = oauth.validateAuthResponse(as, client, back, state);
    const process = async (...processed) => {
      const tokens = await oauth.processAuthorizationCodeResponse(...processed, { expectedNonce: nonce, ...checks });
      await oauth.validateApplicationLevelSignature(as, processed.at(-1), options);
      return tokens;
    };
    return this.#sent(oauth.authorizationCodeGrantRequest, process, answer, callback, verifier);
  }

  refresh(token) {
    return this.#sent(oauth.refreshTokenGrantRequest, oauth.processRefreshTokenResponse, token);
  }

  forItself(parameters) {
    return this.#sent(oauth.clientCredentialsGrantRequest, oauth.processClientCredentialsResponse, parameters);
  }

  startDevice(parameters) {
    return this.#sent(oauth.deviceAuthorizationRequest, oauth.processDeviceAuthorizationResponse, parameters);
  }

  poll(code) {
    return this.#sent(oauth.deviceCodeGrantRequest, oauth.processDeviceCodeResponse, code);
  }

  introspect(token) {
    return this.#sent(oauth.introspectionRequest, oauth.processIntrospectionResponse, token);
  }

  revoke(token) {
    const process = (_as, _client, response) => oauth.processRevocationResponse(response);
    return this.#sent(oauth.revocationRequest, process, token);
  }

  userinfo(token, subject) {
    const { as, client, options } = this;
    return withNonce(async () =>
      oauth.processUserInfoResponse(as, client, subject, await oauth.userInfoRequest(as, client, token, options)),
    );
  }

  /** Give the status with which the API answers an access token; a challenge is thrown. */
  async status(token, path = "/api/profile/get") {
    const url = new URL(path, site);
    const answer = () => oauth.protectedResourceRequest(token, "GET", url, undefined, undefined, this.options);
    return (await withNonce(answer)).status;
  }
}
