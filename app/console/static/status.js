// What is in force and since when, what was refused and why, and how the parts around it are.
import { get } from "./api.js";
import { code, fill, h, visible } from "./dom.js";
import { historyPanel } from "./history.js";
import { card, heading, problemList, trouble, waiting, when } from "./parts.js";
import { language, t } from "./words.js";

const LOOK_S = 10;

export function statusView() {
  const place = h("div", {}, waiting());
  const replicas = h("div", {});
  const history = historyPanel();
  const below = h("div", {});
  const element = h("div", { class: "view status" }, heading("status", t("statusLead")), place, replicas, below);
  let timer = null;
  let known = false;
  let stored = false;
  let query = new URLSearchParams();

  async function load() {
    try {
      const found = await get("/policy/status");
      fill(place, shown(found));
      known = true;
      if (found.version > 0 || found.store !== "file") await loadStore();
    } catch (error) {
      if (!known || error.status === 403) fill(place, trouble(error, load));
    }
  }

  // What somebody is typing about a version stays: only the replicas are drawn anew.
  async function loadStore() {
    if (!stored) {
      stored = true;
      fill(below, history.element);
      history.enter(query);
    } else history.load();
    try {
      fill(replicas, replicasCard(await get("/policy/replicas")));
    } catch (error) {
      fill(replicas, card(t("replicas"), trouble(error)));
    }
  }

  return {
    element,
    again: load,
    enter(given) {
      query = given;
      if (stored) history.enter(query);
      if (timer !== null) return;
      load();
      timer = setInterval(load, LOOK_S * 1000);
    },
    leave() { clearInterval(timer); timer = null; },
  };
}

function age(seconds) {
  const format = new Intl.NumberFormat(language(), { style: "unit", unitDisplay: "long", unit: seconds < 120 ? "second" : seconds < 7200 ? "minute" : "hour", maximumFractionDigits: 0 });
  return format.format(seconds < 120 ? seconds : seconds < 7200 ? seconds / 60 : seconds / 3600);
}

const pair = (name, ...value) => [h("dt", {}, name), h("dd", {}, value)];
const good = (yes, words) => h("span", { class: `state ${yes ? "good" : "bad"}` }, yes ? "✓ " : "✕ ", words);

function replicasCard(found) {
  const current = found.replicas.filter((one) => one.behind === 0 && !one.trouble && !one.silent).length;
  const state = (one) => (one.silent ? good(false, t("silent")) : one.trouble ? good(false, visible(one.trouble)) : one.behind > 0 ? good(false, t("behind", one.behind)) : good(true, t("newest")));
  return h("section", { class: "card replicas" },
    h("h2", {}, t("replicas"), " ", h("span", { class: "dim" }, t("replicasCurrent", current, found.replicas.length, found.newest))),
    found.replicas.length === 0 ? h("p", { class: "dim" }, t("noReplicas")) : h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": t("replicas") }, h("table", {},
      h("thead", {}, h("tr", {}, [t("replica"), t("version"), t("revision"), t("stateTitle"), t("since"), t("reportedAt")].map((one) => h("th", { scope: "col" }, one)))),
      h("tbody", {}, found.replicas.map((one) => h("tr", {},
        h("th", { scope: "row" }, code(one.replica)), h("td", {}, one.version), h("td", {}, code(one.revision)), h("td", {}, state(one)),
        h("td", {}, when(Date.parse(one.since) / 1000, language())), h("td", {}, when(Date.parse(one.reported_at) / 1000, language()))))))));
}

const MOST = 10;
const broad = (title, problems) => problems.length > 0 && h("section", { class: "card broad" }, h("h2", {}, title), problemList(problems.slice(0, MOST)), problems.length > MOST && h("p", { class: "dim" }, t("andMore", problems.length - MOST)));

function shown(found) {
  return h("div", { class: "cards" },
    card(t("inForce"), h("p", { class: "big" }, code(found.revision)),
      h("p", {}, found.refused.length ? good(false, t("newerRefused")) : found.checking ? good(true, t("judging")) : good(true, t("current")), found.last_good && [" ", good(false, t("lastGood"))]),
      h("dl", {}, pair(t("since"), when(found.loaded_at, language()), " (", age(found.age_seconds), ")"), pair(t("store"), code(found.store), found.version > 0 && ` ${t("storeVersion", found.version)}`), pair(t("gate"), code(found.gate)), pair(t("tests"), t("testsHold", found.held, found.tests)), pair(t("reloads"), t("reloadsOf", found.reloads, found.refusals)))),
    card(t("keys"), h("p", {}, good(found.keys.known && found.keys.fresh, found.keys.known ? (found.keys.fresh ? t("keysFresh") : t("keysStale")) : t("keysUnknown"))), h("dl", {}, pair(t("age"), age(found.keys.age_seconds)))),
    card(t("log"), h("p", {}, good(!found.decision_log.failing, found.decision_log.failing ? t("logFails") : t("logWorks"))), h("dl", {}, pair(t("to"), code(found.decision_log.to)), pair(t("written"), found.decision_log.written), pair(t("pending"), found.decision_log.pending), pair(t("lost"), found.decision_log.lost))),
    found.shadow && card(t("shadow"), h("dl", {}, pair(t("revision"), code(found.shadow.revision ?? "–")), pair(t("compared"), found.shadow.compared), pair(t("wouldGrant"), found.shadow.granted), pair(t("wouldRevoke"), found.shadow.revoked))),
    card(t("service"), h("dl", {}, pair(t("version"), code(found.service.version)), pair(t("environment"), code(found.service.environment)), pair(t("workers"), found.service.workers)), !found.complete && h("p", { class: "note" }, t("oneWorker", found.service.workers))),
    broad(t("whyRefused"), found.refused), broad(t("warningsTitle"), found.warnings));
}
