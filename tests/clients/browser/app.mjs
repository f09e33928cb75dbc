// A single-page app of another origin, with other people's clients in it; the test calls window.app.
import { UnauthorizedError } from "@modelcontextprotocol/sdk/client/auth.js";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { UserManager } from "oidc-client-ts";

const redirectUri = `${location.origin}/callback`;
const metadata = {
  client_name: "Single-page app",
  redirect_uris: [redirectUri],
  grant_types: ["authorization_code", "refresh_token"],
  response_types: ["code"],
  token_endpoint_auth_method: "none",
};

const stored = (name) => JSON.parse(sessionStorage.getItem(name) ?? "null") ?? undefined;
const store = (name, value) => sessionStorage.setItem(name, JSON.stringify(value));

// OpenID Connect, by oidc-client-ts.

const manager = () =>
  new UserManager({
    authority: stored("site"),
    client_id: stored("client").client_id,
    redirect_uri: redirectUri,
    scope: "openid profile tasks:view",
    loadUserInfo: true,
    automaticSilentRenew: false,
  });

/** Register the app, and send the browser to the authorization endpoint. */
const signIn = async (site) => {
  store("site", site);
  const { registration_endpoint } = await (await fetch(`${site}/.well-known/openid-configuration`)).json();
  const response = await fetch(registration_endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(metadata),
  });
  store("client", await response.json());
  await manager().signinRedirect();
};

/** Exchange the code; return who signed in. */
const finishSignIn = async () => (await manager().signinRedirectCallback()).profile;

/** Call the API with the user's token; return what the page can read of the response. */
const call = async (path, body, token) => {
  const user = await manager().getUser();
  const response = await fetch(stored("site") + path, {
    method: body ? "POST" : "GET",
    headers: {
      Authorization: `Bearer ${token ?? user.access_token}`,
      ...(body && { "Content-Type": "application/json" }),
    },
    body: body && JSON.stringify(body),
  });
  return {
    status: response.status,
    challenge: response.headers.get("WWW-Authenticate"),
    body: await response.json(),
  };
};

/** Revoke the token; return the status of a call with it. */
const signOut = async () => {
  const { access_token } = await manager().getUser();
  await manager().revokeTokens(["access_token"]);
  return (await call("/api/tasks/list", undefined, access_token)).status;
};

// MCP, by the official SDK.

const provider = {
  redirectUrl: redirectUri,
  clientMetadata: { ...metadata, client_name: "MCP client in a browser" },
  clientInformation: () => stored("mcp-client"),
  saveClientInformation: (client) => store("mcp-client", client),
  tokens: () => stored("mcp-tokens"),
  saveTokens: (tokens) => store("mcp-tokens", tokens),
  codeVerifier: () => stored("mcp-verifier"),
  saveCodeVerifier: (verifier) => store("mcp-verifier", verifier),
  redirectToAuthorization: (url) => location.assign(url),
};

const transport = () =>
  new StreamableHTTPClientTransport(new URL(`${stored("site")}/mcp`), { authProvider: provider });

const client = () => new Client({ name: "page", version: "1" });

/** Find the authorization server by the challenge, register, and send the browser there. */
const connect = async (site) => {
  store("site", site);
  await client()
    .connect(transport())
    .catch((error) => {
      if (!(error instanceof UnauthorizedError)) throw error;
    });
};

/** Exchange the code, list the tools, and call one. */
const finishConnect = async (name) => {
  const code = new URL(location.href).searchParams.get("code");
  await transport().finishAuth(code);
  const connected = client();
  await connected.connect(transport());
  const { tools } = await connected.listTools();
  const result = await connected.callTool({ name, arguments: {} });
  await connected.close();
  return { tools: tools.map((tool) => tool.name), result: result.structuredContent };
};

window.app = { signIn, finishSignIn, call, signOut, connect, finishConnect };
