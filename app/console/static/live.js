// Decisions as they are taken, newest first; the last hour as a chart; rules that decided nothing yet.
import { events, get } from "./api.js";
import { announce, code, fill, h, later, s, visible } from "./dom.js";
import { address, heading, labelled, trouble } from "./parts.js";
import { language, t } from "./words.js";

const MOST = 300;
const CHART_S = 20;

export function liveView() {
  const list = h("ol", { class: "stream plain", "aria-label": t("live") });
  const state = h("span", { class: "live-state", role: "status" });
  const chart = h("div", { class: "chart" });
  const unused = h("div", {});
  const problem = h("div", {});
  const workers = h("div", {});
  const filterField = h("input", { type: "search", spellcheck: "false", oninput: later(() => redraw(), 120) });
  const refusedOnly = h("input", { type: "checkbox", onchange: () => redraw() });
  const withoutOwn = h("input", { type: "checkbox", checked: true, onchange: () => redraw() });
  const pauseButton = h("button", { onclick: () => pause(!paused), "aria-pressed": "false" }, t("pause"));
  const element = h("div", { class: "view live" }, heading("live", t("liveLead")), workers, problem,
    h("section", { class: "card" }, h("h2", {}, t("lastHour")), chart),
    h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
      labelled(t("filter"), filterField), h("label", { class: "check" }, refusedOnly, " ", t("refusedOnly")), h("label", { class: "check" }, withoutOwn, " ", t("withoutOwn")), pauseButton, state),
    list, unused);
  let taken = [];
  let backlog = [];
  let paused = false;
  let stop = null;
  let timer = null;

  const fits = (one) => {
    const wanted = filterField.value.toLowerCase();
    if (refusedOnly.checked && one.allowed !== false && one.event === "decision") return false;
    if (withoutOwn.checked && /^\/(console|policy)(\/|$)/.test(one.obj) && one.allowed) return false;
    return !wanted || `${one.act} ${one.obj} ${(one.roles ?? []).join(" ")} ${one.sub ?? ""} ${one.reason}`.toLowerCase().includes(wanted);
  };

  function entry(one) {
    const verdict = one.event === "decision" ? (one.allowed ? "yes" : "denied") : "none";
    const time = h("time", { datetime: one.timestamp }, new Date(one.timestamp).toLocaleTimeString(language()));
    const said = one.event === "decision" ? t(one.allowed ? "allowed" : "refused") : visible(one.reason);
    const inside = [time, h("span", { class: `mark ${verdict}`, "aria-hidden": "true" }, { yes: "●", denied: "✕", none: "!" }[verdict]), h("span", { class: "said" }, said),
      code(`${one.act} ${one.obj}`), h("span", { class: "dim who" }, (one.roles ?? []).map((role) => visible(role)).join(", ") || (one.sub ? t("noRole") : t("nobody"))), h("span", { class: "dim by" }, one.rule_line ? t("line", one.rule_line) : t(one.reason, one.reason))];
    return h("li", { class: verdict }, one.decision_id ? h("a", { href: address("why", { id: one.decision_id }) }, inside) : h("span", { class: "entry" }, inside));
  }

  function redraw() {
    const fitting = taken.filter(fits);
    fill(list, fitting.length ? fitting.map(entry) : h("li", { class: "empty card" }, taken.length && (filterField.value || refusedOnly.checked) ? t("nothingMatches") : t("nothingYet")));
  }

  const flush = later(() => {
    if (paused) return tellState();
    const fresh = backlog.filter(fits);
    taken = [...backlog.reverse(), ...taken].slice(0, MOST);
    backlog = [];
    if (fresh.length > 40 || list.querySelector(".empty")) return redraw();
    list.prepend(...fresh.reverse().map(entry));
    while (list.children.length > MOST) list.lastChild.remove();
  }, 80);

  function pause(wanted) {
    paused = wanted;
    pauseButton.setAttribute("aria-pressed", String(paused));
    pauseButton.textContent = paused ? t("goOn") : t("pause");
    tellState();
    if (!paused) flush();
  }

  function tellState(text) {
    state.textContent = text ?? (paused ? t("waitingLines", backlog.length) : t("streaming"));
    state.classList.toggle("on", !paused && text === undefined);
  }

  async function follow() {
    const control = new AbortController();
    stop = () => control.abort();
    fill(problem);
    taken = [];
    backlog = [];
    try {
      for await (const { kind, data } of events("/policy/decisions?limit=200", control.signal)) {
        if (kind === "decision") {
          backlog.push(data);
          if (backlog.length > 2 * MOST) backlog.shift();
          flush();
          if (paused || state.textContent === "") tellState();
        } else if (kind === "gap") announce(t("gap", data.missing));
        else if (kind === "end") {
          tellState(t(`end_${data.reason}`, data.reason));
          stop = null;
          return;
        }
      }
      if (!control.signal.aborted) retry();
    } catch (error) {
      if (control.signal.aborted) return;
      if (error.status) fill(problem, trouble(error, follow));
      else retry();
    }
  }

  function retry() {
    tellState(t("reconnecting"));
    setTimeout(() => stop && follow(), 3000);
  }

  async function count() {
    try {
      const found = await get("/policy/status");
      fill(workers, !found.complete && h("p", { class: "note" }, t("oneWorkerDecides", found.service.workers)));
      fill(chart, hour(found.hour));
      fill(unused, unusedCard(found.unused));
    } catch (error) {
      if (error.status !== 403) return;
    }
  }

  return {
    element,
    again() { stop?.(); follow(); count(); },
    enter() {
      if (stop !== null) return;
      redraw();
      follow();
      count();
      timer = setInterval(count, CHART_S * 1000);
    },
    leave() { stop?.(); stop = null; clearInterval(timer); },
  };
}

function hour(minutes) {
  const most = Math.max(1, ...minutes.map((one) => one.allowed + one.refused + one.rejected));
  const [wide, high] = [12, 90];
  const sum = (name) => minutes.reduce((total, one) => total + one[name], 0);
  const bars = minutes.map((one, at) => {
    let y = high;
    return ["allowed", "refused", "rejected"].map((name) => {
      const tall = (one[name] / most) * high;
      y -= tall;
      return tall > 0 && s("rect", { class: name, x: at * wide + 1, y, width: wide - 2, height: tall }, s("title", {}, `${new Date(one.at * 1000).toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit" })} ${t(name)}: ${one[name]}`));
    });
  });
  const label = ["allowed", "refused", "rejected"].map((name) => `${t(name)} ${sum(name)}`).join(", ");
  return h("figure", {}, s("svg", { viewBox: `0 0 ${minutes.length * wide} ${high + 1}`, preserveAspectRatio: "none", role: "img", "aria-label": label }, s("line", { x1: 0, x2: minutes.length * wide, y1: high + 0.5, y2: high + 0.5 }), bars),
    h("div", { class: "axis", "aria-hidden": "true" }, h("span", {}, t("anHourAgo")), h("span", {}, t("most", most)), h("span", {}, t("now"))),
    h("figcaption", {}, ["allowed", "refused", "rejected"].map((name) => h("span", { class: `swatch ${name}` }, t(name), " ", h("b", {}, sum(name))))));
}

function unusedCard(found) {
  return h("details", { class: "card" }, h("summary", {}, t("unused", found.total, found.of)),
    h("p", { class: "dim" }, t("unusedHint", new Date(found.since * 1000).toLocaleString(language()))),
    h("ul", { class: "plain" }, found.rules.map((rule) => h("li", {}, h("span", { class: "number" }, rule.line), " ", code(rule.text))), found.total > found.rules.length && h("li", { class: "dim" }, t("andMore", found.total - found.rules.length))));
}
