// @ts-check
/**
 * What the caller may do, for a front end that shows what works and hides what does not. Never to decide by: the
 * service decides every request itself. Any doubt hides.
 *
 *   const permissions = new Permissions("https://api.example.com", () => session.idToken);
 *   await permissions.refresh();
 *   button.hidden = !permissions.may("GET", "/admin");
 *
 * @typedef {{act: string, obj: string}} Permission
 * @typedef {{sub: string, roles: string[], policy_revision: string, permissions: Permission[], incomplete: boolean}} Answer
 */
export class Permissions {
  /** @type {Answer | undefined} */ #answer;
  /** @type {string | undefined} */ #etag;
  /** @type {string | undefined} */ #token;
  /** @type {Set<string>} */ #allowed = new Set();

  /**
   * @param {string} base where the service is, without a slash at the end
   * @param {() => string | undefined} token the ID token of who is signed in now
   * @param {number} timeout milliseconds to wait for an answer
   */
  constructor(base, token, timeout = 5000) {
    this.base = base;
    this.token = token;
    this.timeout = timeout;
  }

  /**
   * Asks again: once after a sign-in, then whenever the page comes back into view. Costs no body while the policy is
   * the same.
   * @returns {Promise<boolean>} whether what may be done is known
   */
  async refresh() {
    const token = this.token();
    if (token !== this.#token) this.forget();
    if (token === undefined) return false;
    this.#token = token;
    /** @type {Record<string, string>} */
    const headers = { Authorization: `Bearer ${token}` };
    if (this.#etag !== undefined) headers["If-None-Match"] = this.#etag;
    try {
      const signal = AbortSignal.timeout(this.timeout);
      const response = await fetch(`${this.base}/me/permissions`, { headers, signal, cache: "no-store" });
      if (!response.ok && response.status !== 304) throw new Error(`the service answered ${response.status}`);
      const answer = response.ok ? /** @type {Answer} */ (await response.json()) : this.#answer;
      if (token !== this.#token || token !== this.token()) return false; // somebody else is signed in by now
      if (answer === undefined) throw new Error("the service says that nothing changed, and nothing is known");
      this.#allowed = new Set(answer.permissions.map(({ act, obj }) => `${act} ${obj}`));
      this.#etag = response.headers.get("ETag") ?? undefined;
      this.#answer = answer;
      return true;
    } catch {
      if (token === this.#token) this.forget();
      return false;
    }
  }

  /**
   * Whether to show what calls this endpoint. `obj` is the path as the documentation shows it: `/orders/{id}`.
   * @param {string} act @param {string} obj
   */
  may(act, obj) {
    return this.#allowed.has(`${act} ${obj}`);
  }

  /** Whether on some endpoint it depends on more than the endpoint, so that a call may be refused all the same. */
  get incomplete() {
    return this.#answer?.incomplete ?? true;
  }

  /** @returns {readonly string[]} the caller's roles, for showing */
  get roles() {
    return this.#answer?.roles ?? [];
  }

  /** Forgets everything, as after a sign-out. */
  forget() {
    this.#answer = this.#etag = this.#token = undefined;
    this.#allowed = new Set();
  }
}
