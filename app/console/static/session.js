// Who is signed in. The token lives in this module's memory and nowhere else: it is gone with the tab.

export const about = JSON.parse(document.querySelector('meta[name="about"]').content);

const listeners = new Set();
let token = "";
let claims = null;
let granted = null;
let timer;

export const session = {
  get token() { return token; },
  get signedIn() { return token !== ""; },
  get who() { return claims; },
  get roles() { return granted ?? []; },
  get left() { return claims?.exp ? Math.max(0, claims.exp - Date.now() / 1000) : 0; },
  onChange(listener) { listeners.add(listener); },
};

const tell = (what) => listeners.forEach((listener) => listener(what));

// For showing when it runs out and whom it names; whether it is valid is for the service to say.
function read(text) {
  try {
    const part = text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (one) => one.charCodeAt(0));
    const found = JSON.parse(new TextDecoder().decode(bytes));
    return found && typeof found === "object" ? found : {};
  } catch {
    return {};
  }
}

export async function useToken(text) {
  const wanted = text.trim().replace(/^Bearer\s+/i, "");
  if (!/^[\x21-\x7e]+$/.test(wanted)) throw new SignInError("malformed");
  const answer = await fetch(`${about.base}/me/permissions`, {
    headers: { Authorization: `Bearer ${wanted}` }, cache: "no-store", credentials: "omit",
  });
  if (answer.status === 401) throw new SignInError("refused", (await answer.json()).detail);
  if (!answer.ok && answer.status !== 403) throw new SignInError("unreachable", `${answer.status}`);
  const body = await answer.json();
  const other = claims !== null && claims.sub !== read(wanted).sub;
  token = wanted;
  claims = read(wanted);
  granted = Array.isArray(body.roles) ? body.roles : [];
  clearTimeout(timer);
  if (claims.exp) timer = setTimeout(() => tell("expired"), Math.min(session.left * 1000, 2 ** 31 - 1));
  tell(other ? "another" : "in");
}

export function expired() {
  tell("expired");
}

export function signOut() {
  token = "";
  claims = granted = null;
  clearTimeout(timer);
  tell("out");
}

export class SignInError extends Error {
  constructor(reason, detail = "") {
    super(detail);
    this.reason = reason;
  }
}

export async function asDemoUser(name) {
  const { endpoint, client_id: client, password } = about.demo;
  let answer;
  try {
    answer = await fetch(endpoint, {
      method: "POST",
      credentials: "omit",
      headers: {
        "Content-Type": "application/x-amz-json-1.1",
        "X-Amz-Target": "AWSCognitoIdentityProviderService.InitiateAuth",
      },
      body: JSON.stringify({
        AuthFlow: "USER_PASSWORD_AUTH", ClientId: client, AuthParameters: { USERNAME: name, PASSWORD: password },
      }),
    });
  } catch {
    throw new SignInError("issuer");
  }
  if (!answer.ok) throw new SignInError("issuer", `${answer.status}`);
  await useToken((await answer.json()).AuthenticationResult.IdToken);
}

const base64url = (bytes) =>
  btoa(String.fromCharCode(...new Uint8Array(bytes))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)));
let waitingFor = null;
const CHANNEL = "sekisho.console.sign-in";
const back = () => `${location.origin}${about.base}/console`;

// Where the issuer signs people in: known, or said by its discovery document, which must be its own (RFC 8414, section 3.3).
async function addresses() {
  const { discovery, origin } = about.issuer;
  if (!discovery) return about.issuer;
  let found;
  try {
    found = await (await fetch(discovery, { credentials: "omit" })).json();
  } catch {
    throw new SignInError("issuer");
  }
  const [authorize, token] = [found.authorization_endpoint, found.token_endpoint];
  // The page's own policy lets a token be asked for at the issuer's origin alone.
  if (!URL.canParse(authorize) || !URL.canParse(token) || new URL(token).origin !== origin || new URL(authorize).protocol !== new URL(origin).protocol) {
    throw new SignInError("issuer", "discovery");
  }
  return { authorize, token };
}

// Authorization code with PKCE (RFC 7636) in a window of its own: this page, its memory and what was typed stay.
export async function withIssuer() {
  const { client_id: client, scope } = about.issuer;
  const opened = window.open("about:blank", "sekisho-sign-in", "popup,width=520,height=720");
  if (opened === null) throw new SignInError("popup");
  const { authorize, token: endpoint } = await addresses().catch((error) => { opened.close(); throw error; });
  const [verifier, state, nonce] = [random(), random(), random()];
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)));
  const query = new URLSearchParams({
    response_type: "code", client_id: client, redirect_uri: back(), scope, state, nonce,
    code_challenge: challenge, code_challenge_method: "S256",
  });
  const code = await new Promise((resolve, reject) => {
    waitingFor?.close();  // whoever closed that window begins anew
    const channel = waitingFor = new BroadcastChannel(CHANNEL);
    opened.location = `${authorize}?${query}`;
    channel.onmessage = ({ data }) => {
      if (data.state !== state) return;
      channel.close();
      if (data.code) resolve(data.code);
      else reject(new SignInError("issuer", data.error));
    };
  });
  let answer;
  try {
    answer = await fetch(endpoint, {
      method: "POST",
      credentials: "omit",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams({
        grant_type: "authorization_code", client_id: client, code, redirect_uri: back(), code_verifier: verifier,
      }),
    });
  } catch {
    throw new SignInError("issuer");
  }
  if (!answer.ok) throw new SignInError("issuer", `${answer.status}`);
  const tokens = await answer.json();
  if (read(tokens.id_token ?? "").nonce !== nonce) throw new SignInError("issuer", "nonce");
  await useToken(tokens[`${about.issuer.use}_token`] ?? "");
}

// The window that the issuer sends back: it hands the code to the page that asked for it, and closes.
export function isComingBack() {
  const found = new URLSearchParams(location.search);
  if (!found.has("state") || !(found.has("code") || found.has("error"))) return false;
  const channel = new BroadcastChannel(CHANNEL);
  channel.postMessage({ state: found.get("state"), code: found.get("code"), error: found.get("error") });
  history.replaceState(null, "", back());
  window.close();
  return true;
}
