// What every view has: a heading, a place that says what is going on, verdicts and rules.
import { code, h, visible } from "./dom.js";
import { Problem } from "./api.js";
import { session } from "./session.js";
import { meaning, t } from "./words.js";

export const heading = (name, hint) => [h("h1", { tabindex: -1 }, t(name)), hint && h("p", { class: "lead" }, hint)];

export const waiting = () => h("p", { class: "waiting", role: "status" }, t("loading"));

export function trouble(error, again) {
  if (error.name === "AbortError") return null;
  if (!(error instanceof Problem)) throw error;
  const retry = again && h("button", { onclick: again }, t("again"));
  if (error.status === 403) {
    return h("section", { class: "card closed", role: "alert" },
      h("h2", {}, t("mayNotSee")),
      h("p", {}, t("takes"), " ", code(error.permission)),
      h("p", {}, t("yourRoles"), " ", session.roles.length ? session.roles.map((role) => [code(role), " "]) : t("noRole")),
      error.body.decision_id && h("p", { class: "dim" }, t("decisionId"), " ", code(error.body.decision_id)),
      h("p", { class: "dim" }, t("askTeam")));
  }
  const said = { 0: t("unreachable"), 401: t("ranOut"), 413: t("tooLarge"), 429: t("busy") }[error.status] ?? error.message;
  return h("section", { class: "card trouble-card", role: "alert" }, h("p", {}, said || t("failed", error.status)), retry);
}

export const MARKS = { yes: "●", inherited: "◆", denied: "✕", none: "·" };

export function kind(cell) {
  if (cell.allowed) return cell.inherited ? "inherited" : "yes";
  return cell.rule === null ? "none" : "denied";
}

export const mark = (name) => h("span", { class: `mark ${name}`, "aria-hidden": "true" }, MARKS[name]);

export const chain = (names) => h("span", { class: "chain" }, names.map((name, place) => [place > 0 && h("span", { class: "arrow", "aria-label": t("has") }, " → "), code(name)]));

export const notes = (found) => (found.complete === false || found.notes?.length > 0) && h("div", { class: "note", role: "note" }, h("b", {}, t("incomplete")), " ", (found.notes ?? []).join("; "));

// What the service quotes stands between backticks.
export const quoted = (text) => String(text).split("`").map((part, at) => (at % 2 === 1 ? code(part) : visible(part)));

// From the role that was asked about; whoever brings it is anybody.
export const way = (path, role) => (role && path[0] !== role && path[1] === role ? path.slice(1) : path);

export const card = (title, ...inside) => h("section", { class: "card" }, h("h2", {}, title), inside);

export const problemList = (problems, goTo) => h("ul", { class: "plain problems" }, problems.map((one) => {
  const place = `${one.file.split("/").pop()}${one.line ? `:${one.line}` : ""}`;
  const jump = goTo && one.line > 0 && goTo(one);
  const means = meaning(one);
  const english = means === null ? {} : { lang: "en" };
  return h("li", { class: one.severity },
    jump ? h("button", { class: "linkish", onclick: jump }, t("line", one.line)) : h("b", {}, visible(place)), ": ",
    means !== null && h("div", {}, quoted(means)), h("span", english, quoted(one.message)),
    one.hint && h("div", { class: "dim", ...english }, quoted(one.hint)));
}));

export const labelled = (label, field, more = {}) => h("label", more, h("span", {}, label), field);

export const when = (seconds, language) => new Date(seconds * 1000).toLocaleString(language);

export function address(name, values) {
  const query = new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "" && value !== undefined && value !== null));
  return `#/${name}${query.size ? `?${query}` : ""}`;
}
