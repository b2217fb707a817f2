// The three ways to sign in: the issuer's own page, a demo user in development, and a pasted token.
import { fill, h } from "./dom.js";
import { about, asDemoUser, useToken, withIssuer } from "./session.js";
import { t } from "./words.js";

export function signInPanel() {
  const trouble = h("p", { class: "trouble", role: "alert" });
  const attempt = (work, once = true) => async (event) => {
    event.preventDefault();
    const button = event.submitter ?? event.currentTarget;
    fill(trouble);
    button.disabled = once;
    try {
      await work();
    } catch (error) {
      const reason = error.reason ?? "unreachable";
      fill(trouble, t(`signIn_${reason}`), error.message ? ` (${error.message})` : "");
    } finally {
      button.disabled = false;
    }
  };
  const field = h("textarea", { rows: 3, spellcheck: "false", autocomplete: "off", "aria-describedby": "paste-hint" });
  return h("section", { class: "card sign-in", "aria-label": t("signIn") },
    h("h2", {}, t("signIn")),
    about.issuer && h("button", { class: "primary", onclick: attempt(withIssuer, false) }, t("withIssuer", new URL(about.issuer.origin).host)),
    about.demo && [
      h("p", { class: "dim" }, t("demoUsers")),
      h("div", { class: "demo" }, about.demo.users.map(({ name, role }) =>
        h("button", { onclick: attempt(() => asDemoUser(name)) }, h("b", {}, name), h("span", { class: "dim" }, role ?? t("noRole"))))),
    ],
    h("form", { onsubmit: attempt(async () => { await useToken(field.value); field.value = ""; }) },
      h("label", {}, t("paste"), field),
      h("p", { class: "dim", id: "paste-hint" }, t("pasteHint")),
      h("button", { type: "submit" }, t("useToken"))),
    trouble);
}
