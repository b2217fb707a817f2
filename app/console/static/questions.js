// Questions about a draft that are kept, and asked again at every change. The form stays as it is while answers come.
import { code, fill, h, visible } from "./dom.js";
import { labelled } from "./parts.js";
import { t } from "./words.js";

const MOST = 50;

export function questionsPanel({ memory, ask }) {
  memory.questions ??= [];
  let answers = [];
  const field = (more) => h("input", { type: "text", spellcheck: "false", autocomplete: "off", ...more });
  const [role, sub, act, obj] = [field({ placeholder: "user" }), field(), field({ value: "GET" }), field({ placeholder: "/admin" })];
  const list = h("ul", { class: "plain kept" });
  const element = h("section", { class: "card questions" }, h("h2", {}, t("questions")), h("p", { class: "dim" }, t("questionsHint")), list,
    h("form", { class: "asking-row", onsubmit: add }, labelled(t("role"), role), labelled(t("subOf"), sub), labelled(t("method"), act), labelled(t("path"), obj), h("button", { type: "submit" }, t("keep"))));

  function add(event) {
    event.preventDefault();
    if (memory.questions.length >= MOST || obj.value.trim() === "") return;
    const roles = role.value.split(",").map((one) => one.trim()).filter(Boolean);
    keep([...memory.questions, { roles, sub: sub.value.trim(), act: act.value.trim(), obj: obj.value.trim() }]);
  }

  function keep(questions) {
    memory.questions = questions;
    answers = [];
    draw();
    ask();
  }

  const word = (allowed) => (allowed === null ? t("cannotTell") : allowed ? t("allowed") : t("refused"));
  function said(one) {
    if (one.error) return h("span", { class: "dim" }, visible(one.error));
    if (one.was === one.now) return h("span", { class: "dim" }, word(one.now));
    return h("span", { class: "changed" }, `${word(one.was)} → ${word(one.now)}`);
  }

  function draw() {
    fill(list, memory.questions.map((one, at) => h("li", {}, code(`${[...one.roles, one.sub].filter(Boolean).join(", ") || t("nobody")} ${one.act} ${one.obj}`), " ",
      answers[at] && said(answers[at]), " ",
      h("button", { class: "linkish", "aria-label": `${t("forgetIt")}: ${visible(`${one.act} ${one.obj}`)}`, onclick: () => keep(memory.questions.filter((_, other) => other !== at)) }, "×"))));
  }

  draw();
  return {
    element,
    get asked() { return memory.questions; },
    answered(told) { answers = told; draw(); },
  };
}
