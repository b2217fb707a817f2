// Why a request is allowed or refused: asked with the model's words, or by the id of a recent decision.
import { once, post } from "./api.js";
import { announce, code, fill, h, visible } from "./dom.js";
import { address, chain, heading, labelled, notes, quoted, trouble, waiting, way } from "./parts.js";
import { language, t } from "./words.js";

const PLACED = new Set(["sub", "role", "obj", "act"]);

export function whyView() {
  const answer = h("div", { "aria-live": "polite" });
  const field = (more = {}) => h("input", { type: "text", spellcheck: "false", autocomplete: "off", autocapitalize: "off", ...more });
  const fields = { id: field({ placeholder: "…" }), role: field({ placeholder: "user, auditor" }), sub: field(), act: field({ placeholder: "GET", list: "acts" }), obj: field({ placeholder: "/admin" }) };
  const others = h("div", { class: "others" });
  const words = new Map();
  const values = () => {
    const found = Object.fromEntries(Object.entries(fields).map(([name, one]) => [name, one.value.trim()]));
    const more = Object.fromEntries([...words].map(([name, one]) => [name, one.value]).filter(([, value]) => value !== ""));
    return { ...found, with: Object.keys(more).length ? JSON.stringify(more) : "" };
  };
  const element = h("div", { class: "view why" }, heading("why", t("whyLead")),
    h("div", { class: "split narrow-first" },
      h("form", { class: "card asking", onsubmit: (event) => { event.preventDefault(); location.hash = address("why", values()); ask(new URLSearchParams(values())); } },
        labelled(t("decisionId"), fields.id), h("p", { class: "or" }, h("span", {}, t("or"))),
        labelled(t("rolesOf"), fields.role), labelled(t("subOf"), fields.sub),
        h("div", { class: "pair" }, labelled(t("method"), fields.act), labelled(t("path"), fields.obj)), others,
        h("datalist", { id: "acts" }, ["GET", "POST", "PUT", "PATCH", "DELETE"].map((one) => h("option", { value: one }))),
        h("p", { class: "dim" }, t("whoHint")),
        h("button", { class: "primary", type: "submit" }, t("ask"))),
      answer));
  let asked = null;

  once("/policy").then((found) => {
    const given = parsed(asked?.get("with"));
    found.words.filter((word) => !PLACED.has(word)).forEach((word) => words.set(word, field({ value: given[word] ?? "" })));
    fill(others, [...words].map(([word, one]) => labelled(word, one)));
  }).catch(() => null);

  const parsed = (text) => { try { return JSON.parse(text || "{}"); } catch { return {}; } };

  async function ask(query) {
    asked = query;
    fill(answer, waiting());
    const given = parsed(query.get("with"));
    const body = query.get("id") ? { decision_id: query.get("id") } : {
      roles: (query.get("role") ?? "").split(",").map((one) => one.trim()).filter(Boolean),
      sub: query.get("sub") ?? "", act: query.get("act") ?? "", obj: query.get("obj") ?? "", with: given,
    };
    try {
      const found = await post("/policy/explain", body);
      if (asked === query) fill(answer, shown(found, query.get("sub") ? "" : query.get("role")));
    } catch (error) {
      if (asked === query) fill(answer, error.status === 404 ? h("section", { class: "card" }, h("h2", {}, t("notRecent")), h("p", {}, t("notRecentHint"))) : trouble(error, () => ask(query)));
    }
  }

  return {
    element,
    again: () => asked && ask(asked),
    enter(query) {
      if ([...query].length === 0) {
        if (asked === null) fill(answer, h("section", { class: "card empty" }, h("h2", {}, t("whyEmpty")), h("p", {}, t("whyEmptyHint"))));
        return;
      }
      for (const [name, one] of Object.entries(fields)) one.value = query.get(name) ?? "";
      const given = parsed(query.get("with"));
      for (const [name, one] of words) one.value = given[name] ?? "";
      if (`${query}` !== `${asked}`) ask(query);
    },
  };
}

const copyLink = async (event) => {
  await navigator.clipboard.writeText(location.href);
  event.target.textContent = t("copied");
  announce(t("copied"));
};

function shown(found, role) {
  const then = found.recorded;
  const verdict = found.allowed === undefined ? null : found.allowed;
  return h("section", { class: `card answer ${verdict ? "allowed" : "refused"}` },
    then && h("div", { class: "then" },
      h("h2", {}, t("recorded")),
      h("p", {}, h("b", {}, then.allowed ? t("wasAllowed") : t("wasRefused")), " ", code(`${then.act} ${then.obj}`), " · ", then.roles.length ? then.roles.map((role) => [code(role), " "]) : t("noRole")),
      h("p", { class: "dim" }, new Date(then.timestamp).toLocaleString(language()), " · ", t("revision"), " ", code(then.policy_revision), then.sub && [" · ", code(then.sub)])),
    verdict !== null && [
      h("h2", { class: "verdict" }, h("span", { class: `mark big ${verdict ? "yes" : "denied"}`, "aria-hidden": "true" }, verdict ? "●" : "✕"),
        h("span", {}, verdict ? t("allowed") : t("refused")), h("span", { class: "dim" }, then ? t("asOfNow") : "")),
      h("p", { class: "sentence" }, t(found.reason)),
      found.role_path.length > 1 && h("p", {}, h("span", { class: "dim" }, t("wayToRole"), " "), chain(way(found.role_path, role))),
      found.rule && h("ol", { class: "source", "aria-label": visible(found.file.split("/").pop()) }, found.around.map((one) =>
        h("li", { class: one.line === found.rule.line ? "here" : "", "aria-current": one.line === found.rule.line ? "true" : null }, h("span", { class: "number" }, one.line), code(one.text || " ", {}, Infinity)))),
      found.nearest.length > 0 && h("div", {}, h("h3", {}, t("nearest")), h("ul", { class: "plain" }, found.nearest.map((near) =>
        h("li", {}, h("span", { class: "number" }, near.line), " ", code(near.text), h("div", { class: "dim" }, t("wouldNeed"), " ", quoted(near.missing)))))),
      found.others.length > 0 && h("details", {}, h("summary", {}, t("otherWords")), h("ul", { class: "plain" }, found.others.map((one) => h("li", {}, code(JSON.stringify(one.with)), " ", one.allowed ? t("allowed") : t("refused"))))),
    ],
    notes(found),
    h("p", { class: "dim foot" }, found.revision && [t("revision"), " ", code(found.revision), " · "], h("button", { class: "linkish", onclick: copyLink }, t("copyLink"))));
}
