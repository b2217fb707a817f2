// What one document allows that another does not: whose access, which people, which lines. Shown alike wherever it is shown.
import { code, h, visible } from "./dom.js";
import { card, notes, quoted } from "./parts.js";
import { language, t } from "./words.js";

export const MOST_ROWS = 12;

export const rest = (list, total = list.length) => total > MOST_ROWS && h("p", { class: "dim" }, t("andMore", total - Math.min(list.length, MOST_ROWS)));

const more = (list) => list.length > MOST_ROWS && h("li", { class: "dim" }, t("andMore", list.length - MOST_ROWS));

export const gainedIn = (diff) => (diff?.entries ?? []).filter((one) => one.granted);
export const dangerousIn = (diff) => gainedIn(diff).filter((one) => one.danger);

// The service's sentence, or its parts in another language.
export function headlineText(diff) {
  if (!diff?.summary) return t("differenceUnknown");
  return language() === "en" ? diff.summary : diff.headline.map((part) => t(`headline_${part.key}`, part)).join("。");
}

export const headlineOf = (diff) => quoted(headlineText(diff));

// Asked before anything else: does anybody come by something that they could not do?
export function newAccess(diff) {
  const gained = gainedIn(diff);
  const dangerous = dangerousIn(diff).length;
  if (!diff || (diff.complete === false && gained.length === 0)) return h("p", { class: "new-access unsure" }, "? ", t("newAccessUnknown"));
  if (gained.length === 0) return h("p", { class: "new-access none" }, "✓ ", t("newAccessNone"));
  return h("p", { class: `new-access some${dangerous ? " dangerous" : ""}` }, "! ", t("newAccessSome", gained.length, dangerous));
}

// Who, which endpoints and why: in the service's words, or of the parts of these in another language.
function told(one) {
  if (language() === "en") return { callers: one.callers, why: one.why, examples: one.endpoints.map((end) => end.example) };
  const callers = one.parts.callers.map(({ kind, name }) => (kind === "nobody" || kind === "token" ? t(`who_${kind}`) : name));
  if (one.parts.more > 0) callers.push(t("who_more", one.parts.more));
  return {
    callers, why: one.parts.why.map((parts) => parts.map((part) => t(`why_${part.key}`, part)).join("。")),
    examples: one.parts.endpoints.map(({ key, of }) => (key ? t(`stands_${key}`, of, one.granted) : "")),
  };
}

function entries(title, found) {
  if (found.length === 0) return null;
  return card(title, h("ul", { class: "plain entries" }, found.slice(0, MOST_ROWS).map((one) => [one, told(one)]).map(([one, { callers, examples, why }]) => h("li", { class: one.granted ? "plus" : "minus" },
    h("div", {}, h("span", { class: "sign", role: "img", "aria-label": one.granted ? t("gains") : t("loses") }, one.granted ? "+" : "−"), " ",
      callers.slice(0, MOST_ROWS).map((name, at) => [at > 0 && ", ", h("b", { dir: "ltr" }, visible(name))]), callers.length > MOST_ROWS && ` ${t("andMore", callers.length - MOST_ROWS)}`,
      one.danger && h("span", { class: "tag danger" }, t(`danger_${one.danger}`, one.danger))),
    h("ul", { class: "plain inner" }, one.endpoints.slice(0, MOST_ROWS).map((end, at) => h("li", {}, code(end.label), examples[at] && h("span", { class: "dim" }, " ", quoted(examples[at])))), more(one.endpoints)),
    why.length > 0 && h("div", { class: "dim because" }, why.slice(0, 3).map((each) => visible(each)).join("; "))))), rest(found));
}

function people(diff) {
  const members = diff?.memberships ?? [];
  const names = diff?.new_names ?? [];
  const idle = diff?.idle_lines ?? [];
  if (members.length + names.length + idle.length === 0) return null;
  return card(t("peopleAndNames"), h("ul", { class: "plain" },
    members.slice(0, MOST_ROWS).map((one) => h("li", {}, code(one.sub), " ", one.change === "gained" ? t("becomes") : t("isNoLonger"), " ", code(one.role))),
    names.slice(0, MOST_ROWS).map((one) => h("li", {}, t("newName"), " ", code(one.name), one.similar && [" – ", t("meant"), " ", code(one.similar)])),
    idle.slice(0, MOST_ROWS).map((one) => h("li", {}, t("doesNothing"), " ", code(one.text)))));
}

export const accessCards = (diff) => [
  entries(t("newAccess"), gainedIn(diff)), entries(t("lessAccess"), (diff?.entries ?? []).filter((one) => !one.granted)), people(diff),
];

const TONE = { "+": "added", "-": "removed", "@": "hunk" };

export function patchLines(patch, complete = true) {
  if (!patch) return h("p", { class: "dim" }, t("sameLines"));
  const lines = patch.replace(/\n$/, "").split("\n");
  return h("div", { class: "patch", tabindex: 0, role: "group", "aria-label": t("changedLines") },
    h("pre", {}, lines.map((line) => h("span", { class: /^(---|\+\+\+) /.test(line) ? "file" : TONE[line[0]] ?? "" }, visible(line, { most: 2000 }), "\n"))),
    !complete && h("p", { class: "dim" }, t("moreLines")));
}

// All of it, as the service answers about two versions, or a trial.
export const change = (told) => h("div", { class: "change" },
  h("p", { class: "sentence" }, headlineOf(told.diff)), newAccess(told.diff), notes(told.diff),
  accessCards(told.diff), card(t("changedLines"), patchLines(told.patch, told.patch_complete)));
