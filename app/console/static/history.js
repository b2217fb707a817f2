// What was published, by whom and why; what a version changed; and an old one again as the next.
import { get, post } from "./api.js";
import { change, dangerousIn } from "./change.js";
import { announce, code, fill, h, visible } from "./dom.js";
import { address, labelled, problemList, trouble, waiting, when } from "./parts.js";
import { meanwhile, signed } from "./publish.js";
import { language, t } from "./words.js";

const STEP = 20;

export function historyPanel() {
  const list = h("ol", { class: "plain versions" });
  const more = h("div", {});
  const detail = h("div", { class: "version-detail", "aria-live": "polite" });
  const element = h("section", { class: "card history" }, h("h2", {}, t("history")), list, more, detail);
  let told = null;
  let versions = [];
  let chosen = "";

  async function load() {
    try {
      const found = await get(`/policy/history?limit=${STEP}`);
      const older = versions.filter((one) => one.version < (found.versions.at(-1)?.version ?? 0));
      told = found;
      versions = [...found.versions, ...older];
      draw();
      return true;
    } catch (error) {
      if (error.status === 404) element.remove();
      else if (told === null || error.status === 403) fill(list, h("li", {}, trouble(error, load)));
      return false;
    }
  }

  async function older() {
    const found = await get(`/policy/history?limit=${STEP}&before=${versions.at(-1).version}`);
    versions = [...versions, ...found.versions];
    draw();
  }

  function draw() {
    fill(list, versions.length === 0 ? h("li", { class: "empty" }, t("noVersions")) : versions.map((one) => h("li", { class: String(one.version) === chosen ? "chosen" : "" },
      h("a", { class: "version-row", href: address("status", { version: one.version }), "aria-current": String(one.version) === chosen ? "true" : null },
        h("b", { class: "number-big" }, one.version),
        h("span", { class: "said" }, visible(one.reason), one.version === told.in_force && h("span", { class: "tag live-tag" }, t("inForce")), one.version === told.newest && one.version !== told.in_force && h("span", { class: "tag" }, t("newest")), one.restores && h("span", { class: "tag" }, t("againOf", one.restores))),
        h("span", { class: "dim" }, signed(one), " · ", when(Date.parse(one.published_at) / 1000, language()))))));
    const last = versions.at(-1)?.version ?? 1;
    fill(more, last > 1 && h("button", { onclick: older }, t("olderVersions")));
  }

  async function choose(number, against) {
    chosen = number;
    draw();
    if (!number) return fill(detail);
    fill(detail, waiting());
    try {
      const found = await get(`/policy/diff?new=${Number(number)}${against ? `&old=${Number(against)}` : ""}`);
      if (chosen !== number) return null;
      fill(detail, shown(found, number, against));
      detail.scrollIntoView({ block: "nearest" });
      return detail;
    } catch (error) {
      return fill(detail, trouble(error, () => choose(number, against)));
    }
  }

  function shown(found, number, against) {
    const others = versions.map((one) => one.version).filter((one) => String(one) !== number);
    const select = h("select", { onchange: () => { location.hash = address("status", { version: number, against: select.value }); } },
      h("option", { value: "" }, t("versionBefore")), others.map((one) => h("option", { value: one }, t("versionN", one))));
    select.value = against ?? "";
    return h("div", {}, h("div", { class: "detail-head" }, h("h3", {}, t("whatChanged", found.old.version, found.new.version)), labelled(t("comparedWith"), select)),
      change(found), Number(number) !== told.newest && told.publishes && rollback(Number(number)));
  }

  function rollback(number) {
    const base = told.newest;
    const reason = h("textarea", { rows: 2, maxlength: 2000, required: true });
    const trial = h("div", { class: "trial" });
    const looked = h("input", { type: "checkbox", required: true });
    const button = h("button", { class: "primary", type: "submit" }, t("rollBack", number, base + 1));
    const body = { version: number, based_on: base };
    const form = h("form", { class: "rollback", onsubmit: publish }, h("h3", {}, t("rollBackTitle", number)), h("p", { class: "dim" }, t("rollBackHint", base + 1)),
      trial, labelled(t("reason"), reason), h("div", { class: "tools-row" }, button));

    async function preview() {
      fill(trial, waiting());
      try {
        const would = await post("/policy/rollback", { ...body, reason: t("rollBackTitle", number), dry_run: true });
        if (would.unchanged) return fill(trial, h("p", { class: "note" }, t("sameAsNewest")));
        const dangerous = dangerousIn(would.diff).length;
        return fill(trial, h("details", { open: true }, h("summary", {}, t("wouldChange", base)), change(would)), dangerous > 0 && h("label", { class: "check consent" }, looked, " ", t("lookedAt", dangerous)));
      } catch (error) {
        button.disabled = true;
        return fill(trial, refused(error));
      }
    }

    async function publish(event) {
      event.preventDefault();
      button.disabled = true;
      try {
        const made = await post("/policy/rollback", { ...body, reason: reason.value });
        const says = made.published ? t("published", made.version.version) : t("sameAsNewest");
        announce(says);
        await load();
        fill(detail, h("p", { class: "state good" }, "✓ ", says));
      } catch (error) {
        fill(trial, refused(error));
        button.disabled = false;
      }
    }

    const refused = (error) => {
      if (error.status === 409 && error.body.newer) {
        return h("div", { class: "conflict", role: "alert" }, h("h3", {}, t("publishedMeanwhile")), meanwhile(error.body.newer), h("button", { type: "button", onclick: async () => { await load(); choose(chosen); } }, t("lookAgain")));
      }
      if (error.status === 422 && error.body.problems) return h("div", { role: "alert" }, h("p", { class: "state bad" }, "✕ ", error.message), problemList(error.body.problems));
      return trouble(error, preview);
    };
    preview();
    return form;
  }

  return {
    element,
    load,
    async enter(query) {
      const [number, against] = [query.get("version") ?? "", query.get("against") ?? ""];
      if (told === null && !(await load())) return;
      if (number !== chosen || against) choose(number, against);
    },
  };
}
