// @ts-check
/**
 * Signs in at an OpenID provider: authorization code with PKCE (RFC 7636), for a page that keeps no secret.
 *
 *   location.assign(await begin(provider));                                 // where the user presses "sign in"
 *   const idToken = await finish(provider, new URL(location.href));         // on the page that the provider returns to
 *
 * The token is the caller's to keep, in memory rather than in a storage: whoever can read it can act with it. Its signature is
 * checked by the service that it is sent to.
 *
 * @typedef {{issuer: string, clientId: string, redirectUri: string, scope?: string}} Provider
 * @typedef {{getItem(name: string): string | null, setItem(name: string, value: string): void, removeItem(name: string): void}} Kept
 */
const NAME = "sekisho-sign-in";

/**
 * @param {Provider} provider
 * @param {Kept} kept what survives leaving the page, and no other tab sees
 * @returns {Promise<string>} where to go
 */
export async function begin(provider, kept = sessionStorage) {
  const { authorization_endpoint, token_endpoint } = await discovered(provider);
  const [state, nonce, verifier] = [random(), random(), random()];
  kept.setItem(NAME, JSON.stringify({ state, nonce, verifier, token_endpoint }));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const address = new URL(authorization_endpoint);
  for (const [name, value] of Object.entries({
    response_type: "code", client_id: provider.clientId, redirect_uri: provider.redirectUri,
    scope: provider.scope ?? "openid", state, nonce,
    code_challenge: base64url(new Uint8Array(digest)), code_challenge_method: "S256",
  })) address.searchParams.set(name, value);
  return address.href;
}

/**
 * @param {Provider} provider
 * @param {URL} address where the provider sent the browser
 * @param {Kept} kept
 * @returns {Promise<string>} the ID token
 * @throws {Error} where the provider refused, or the answer is to another question than the last one asked here
 */
export async function finish(provider, address, kept = sessionStorage) {
  const asked = JSON.parse(kept.getItem(NAME) ?? "{}");
  kept.removeItem(NAME);
  const said = address.searchParams;
  if (asked.state === undefined || said.get("state") !== asked.state) throw new Error("nobody here asked for this sign-in");
  if (said.get("error") !== null) throw new Error(`the provider says: ${said.get("error")}`);
  const answer = await fetch(asked.token_endpoint, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "authorization_code", client_id: provider.clientId, redirect_uri: provider.redirectUri,
      code: said.get("code") ?? "", code_verifier: asked.verifier,
    }),
  });
  if (!answer.ok) throw new Error(`the provider answers ${answer.status}`);
  const { id_token } = await answer.json();
  const claims = JSON.parse(atob(id_token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  if (claims.nonce !== asked.nonce) throw new Error("the token is of another sign-in");
  return id_token;
}

/** @param {Provider} provider */
async function discovered(provider) {
  const answer = await fetch(`${provider.issuer}/.well-known/openid-configuration`);
  const found = await answer.json();
  if (found.issuer !== provider.issuer) throw new Error(`${provider.issuer} says that it is ${found.issuer}`);
  return found;
}

const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
/** @param {Uint8Array} bytes */
const base64url = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
