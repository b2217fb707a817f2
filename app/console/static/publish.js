// The next version, from a draft: why, what it grants, and what to do when somebody was first.
import { post } from "./api.js";
import { change, dangerousIn } from "./change.js";
import { announce, code, fill, h } from "./dom.js";
import { labelled, problemList, trouble, when } from "./parts.js";
import { language, t } from "./words.js";

export const signed = (one) => [code(one.author), one.requested_by && [" ", t("onBehalfOf"), " ", code(one.requested_by)]];

export const meanwhile = (newer) => h("ul", { class: "plain newer" }, newer.map((one) => h("li", {},
  h("b", {}, t("versionN", one.version)), " · ", signed(one), " · ", when(Date.parse(one.published_at) / 1000, language()), h("div", { class: "why-said" }, one.reason))));

// `draft` says what is to be published: its text, the version it began with, and what the service said of it.
export function publishPanel({ draft, memory, onBase, onPublished }) {
  const reason = h("textarea", { rows: 2, maxlength: 2000, oninput: () => { memory.reason = reason.value; told(); }, "aria-describedby": "publish-hint" });
  reason.value = memory.reason ?? "";
  const looked = h("input", { type: "checkbox", onchange: () => told() });
  const lookedLabel = h("span", {});
  const consent = h("label", { class: "check consent" }, looked, " ", lookedLabel);
  const button = h("button", { class: "primary", type: "submit" }, "");
  const hint = h("p", { class: "dim", id: "publish-hint" });
  const answer = h("div", { role: "status" });
  const title = h("h2", {});
  const element = h("section", { class: "card publish" }, title,
    h("form", { onsubmit: (event) => { event.preventDefault(); publish(); } }, labelled(t("reason"), reason), consent, h("div", { class: "tools-row" }, button), hint), answer);
  let working = false;

  // Why it cannot be published as it is; "" when it can.
  function hindrance() {
    const { found, unchanged } = draft();
    if (unchanged) return t("nothingToPublish");
    if (!found) return t("checking");
    if (!found.readable || found.errors > 0) return t("publishErrors");
    if (found.tests && (found.tests.held < found.tests.tests || found.tests.problems.length > 0)) return t("publishTests");
    if (reason.value.trim() === "") return t("publishReason");
    if (dangerousIn(found.diff).length > 0 && !looked.checked) return t("publishLook");
    return "";
  }

  function told() {
    const { base, found } = draft();
    const dangerous = dangerousIn(found?.diff).length;
    title.textContent = t("publishAs", base + 1);
    button.textContent = t("publish", base + 1);
    consent.hidden = dangerous === 0;
    lookedLabel.textContent = t("lookedAt", dangerous);
    const why = hindrance();
    button.disabled = working || why !== "";
    hint.textContent = why || t("publishHint");
  }

  async function publish() {
    if (hindrance() !== "" || working) return;
    const { base, text } = draft();
    working = true;
    told();
    try {
      const made = await post("/policy/publish", { policy: text, based_on: base, reason: reason.value });
      fill(answer, made.published ? h("p", { class: "state good" }, "✓ ", t("published", made.version.version)) : h("p", {}, t("nothingToPublish")));
      if (made.published) {
        announce(t("published", made.version.version));
        reason.value = memory.reason = "";
        looked.checked = false;
        onPublished(made.version);
      }
    } catch (error) {
      fill(answer, refused(error));
    } finally {
      working = false;
      told();
    }
  }

  function refused(error) {
    if (error.status === 409 && error.body.newer) {
      const { newest, newer } = error.body;
      const goOn = () => { onBase(newest); looked.checked = false; fill(answer, h("p", { class: "note" }, t("goesOnFrom", newest))); };
      return h("div", { class: "conflict", role: "alert" }, h("h3", {}, t("publishedMeanwhile")), meanwhile(newer),
        h("h3", {}, t("yoursWouldChange", newest)), change(error.body), h("div", { class: "tools-row" }, h("button", { type: "button", onclick: goOn }, t("goOnFrom", newest))));
    }
    if (error.status === 422 && error.body.problems) return h("div", { role: "alert" }, h("p", { class: "state bad" }, "✕ ", error.message), problemList(error.body.problems));
    return trouble(error, publish);
  }

  told();
  return { element, told, forget: () => { looked.checked = false; fill(answer); told(); } };
}
