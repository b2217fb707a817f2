// An edit, before it is made: what is wrong with it, whose access it changes, and what recent callers would notice.
import { Problem, get, post } from "./api.js";
import { MOST_ROWS, accessCards, dangerousIn, headlineOf, headlineText, newAccess, rest } from "./change.js";
import { announce, code, fill, h, later, save, visible } from "./dom.js";
import { editor } from "./editor.js";
import { unified } from "./patch.js";
import { address, card, heading, notes, problemList, quoted, trouble, waiting } from "./parts.js";
import { publishPanel } from "./publish.js";
import { questionsPanel } from "./questions.js";
import { about } from "./session.js";
import { language, t } from "./words.js";

export function draftView(memory) {
  let live = null;
  let found = null;
  let busy = false;
  let stale = false;
  let panel = null;
  const lead = h("p", { class: "lead" }, t("draftLead"));
  const outcome = h("div", { class: "outcome" }, waiting());
  const publishing = h("div", {});
  const questions = questionsPanel({ memory, ask: () => ask() });
  const state = h("p", { class: "dim draft-state", role: "status" });
  const soon = later(() => ask(), 450);
  const paper = editor({ label: t("draftText"), onInput: () => { memory.text = paper.text; found = null; panel?.told(); soon(); } });
  const file = () => live.policy.name.split("/").pop();
  const copied = async (event, text) => {
    const button = event.currentTarget;
    const label = button.textContent;
    await navigator.clipboard.writeText(text);
    button.textContent = t("copied");
    announce(t("copied"));
    setTimeout(() => (button.textContent = label), 2000);
  };
  const tools = h("div", { class: "tools-row" },
    h("button", { onclick: startAgain }, t("startAgain")),
    h("button", { onclick: () => save(file(), paper.text, "text/csv") }, t("download")),
    h("button", { onclick: (event) => copied(event, unified(file(), live.policy.text, paper.text)) }, t("copyPatch")));
  const place = h("div", {}, waiting());
  const element = h("div", { class: "view draft" }, heading("draft"), lead, place);

  async function load() {
    fill(place, waiting());
    try {
      live = await get("/policy");
      memory.base ??= live.version;
      paper.text = memory.text ?? live.policy.text;
      fill(place, h("div", { class: "split editing" }, h("section", { class: "writing", "aria-label": t("draftText") }, tools, paper.element, state), h("div", {}, outcome, publishing, questions.element)));
      offerPublishing();
      ask();
    } catch (error) {
      fill(place, trouble(error, load));
    }
  }

  // Only where versions are kept, by a service that may add one. Who may not is told when they try.
  async function offerPublishing() {
    if (live.version === 0) return;
    const publishes = await get("/policy/history?limit=1").then((told) => told.publishes, (error) => error instanceof Problem && error.status === 403);
    if (!publishes) return;
    lead.textContent = t("draftLeadPublish");
    panel = publishPanel({
      memory,
      draft: () => ({ base: memory.base, found, text: paper.text, unchanged: paper.text === live.policy.text && memory.base === live.version }),
      onBase(number) { memory.base = number; ask(); },
      onPublished(version) { memory.base = version.version; follow(version.version, 40); },
    });
    fill(publishing, panel.element);
  }

  // A version that was published is in force a moment later.
  async function follow(number, tries) {
    const now = await get("/policy").catch(() => live);
    if (now.version < number && tries > 0) {
      setTimeout(() => follow(number, tries - 1), 500);
      return;
    }
    live = now;
    ask();
  }

  function startAgain() {
    paper.text = live.policy.text;
    delete memory.text;
    memory.base = live.version;
    panel?.forget();
    ask();
  }

  // One draft under way at a time; what is typed meanwhile is asked about when its answer is there.
  async function ask() {
    if (live === null) return;
    if (busy) {
      stale = true;
      return;
    }
    const body = { policy: paper.text, questions: questions.asked };
    const size = new Blob([JSON.stringify(body)]).size;
    if (size > about.limit_body) {
      fill(outcome, h("section", { class: "card trouble-card", role: "alert" }, h("p", {}, t("draftTooLarge", size, about.limit_body))));
      return;
    }
    busy = true;
    state.textContent = t("checking");
    try {
      const answer = await post("/policy/draft", body);
      if (answer.live !== live.revision) live = await get("/policy");
      if (!stale) found = answer;
      paper.mark(answer.problems.filter((one) => one.file === live.policy.name));
      fill(outcome, shown(answer));
      questions.answered(answer.questions);
      state.textContent = live.version > 0 && live.version !== memory.base ? t("begunWith", memory.base, live.version) : t("checked", answer.live);
      announce(answer.readable ? headlineText(answer.diff) : t("unreadable", answer.errors));
    } catch (error) {
      state.textContent = "";
      fill(outcome, trouble(error, () => ask()));
    } finally {
      busy = false;
      panel?.told();
      if (stale) {
        stale = false;
        ask();
      }
    }
  }

  function shown(answer) {
    const { readable, diff, tests, replay } = answer;
    const failing = tests ? tests.tests - tests.held + tests.problems.length : 0;
    const dangerous = dangerousIn(diff).length;
    const tone = !readable || answer.errors > 0 ? "bad" : failing > 0 || dangerous > 0 ? "warn" : "calm";
    const title = !readable ? t("unreadable", answer.errors) : paper.text === live.policy.text ? t("sameAsLive") : headlineOf(diff);
    return [
      h("section", { class: `card headline ${tone}` },
        h("h2", {}, title), readable && newAccess(diff),
        h("p", { class: "facts" },
          dangerous > 0 && fact(dangerous, t("dangerous", dangerous), "bad"),
          fact(answer.errors, t("errors", answer.errors), "bad"), fact(answer.warnings, t("warnings", answer.warnings), "warn"),
          tests && fact(failing, t("testsHold", tests.held, tests.tests), "bad"),
          replay && fact(replay.flips, t("flips", replay.flips, replay.replayed), "warn")),
        diff && notes(diff)),
      !readable && problemsCard(answer), accessCards(diff), readable && problemsCard(answer), testsCard(tests), flipsCard(replay),
    ];
  }

  const fact = (number, words, tone) => h("span", { class: `fact ${number > 0 ? tone : ""}` }, words);

  function problemsCard(answer) {
    if (answer.problems.length === 0) return null;
    const goTo = (one) => one.file === live.policy.name && (() => paper.goTo(one.line, one.column || 1));
    return card(t("problems"), problemList(answer.problems.slice(0, 50), goTo), answer.problems.length > 50 && h("p", { class: "dim" }, t("andMore", answer.errors + answer.warnings - 50)));
  }

  function testsCard(tests) {
    if (!tests || (tests.held === tests.tests && tests.problems.length === 0)) return null;
    const groups = [...Map.groupBy(tests.failing, (one) => `${one.file} ${one.test}`)];
    return card(t("failingTests"), h("ul", { class: "plain" }, tests.problems.slice(0, MOST_ROWS).map((one) => h("li", {}, quoted(one.message))),
      groups.slice(0, MOST_ROWS).map(([, cases]) => h("li", {}, h("b", {}, visible(cases[0].test)), cases[0].why && h("div", { class: "dim" }, visible(cases[0].why)),
        h("ul", { class: "plain inner" }, cases.slice(0, MOST_ROWS).map((one) => h("li", {}, visible(language() === "en" ? one.says : t(one.allowed ? "test_allowed" : "test_refused", one)), " ", h("span", { class: "dim" }, visible(one.file.split("/").pop()), ":", one.line))), cases.length > MOST_ROWS && h("li", { class: "dim" }, t("andMore", cases.length - MOST_ROWS)))))), rest(groups));
  }

  function flipsCard(replay) {
    if (!replay || replay.flips === 0) return null;
    return card(t("wouldHaveBeen"), h("ul", { class: "plain" }, replay.flipped.slice(0, MOST_ROWS).map((one) => h("li", {},
      code(`${one.act} ${one.obj}`), " ", one.roles.map((role) => [code(role), " "]), one.now ? t("nowAllowed") : t("nowRefused"), " ", h("a", { href: address("why", { id: one.decision_id }) }, t("why"))))), rest(replay.flipped, replay.flips));
  }

  return { element, again: () => (live === null ? load() : ask()), enter() { if (live === null) load(); } };
}
