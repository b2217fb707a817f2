// Who has what of whom, as a drawn graph: holders on the left, what they hold on the right.
import { once } from "./api.js";
import { code, fill, h, s, visible } from "./dom.js";
import { address, heading, trouble, waiting } from "./parts.js";
import { t } from "./words.js";

const MOST = 150;
const [WIDE, HIGH, GAP_X, GAP_Y] = [172, 36, 64, 14];

// The column of each name: behind everybody who holds it. Circles end where they began.
function layers(names) {
  const depth = new Map();
  const deep = (name, above) => {
    if (depth.has(name)) return depth.get(name);
    if (above.has(name)) return 0;
    above.add(name);
    const found = names.get(name).held_by.filter((one) => names.has(one.name)).map((one) => deep(one.name, above) + 1);
    above.delete(name);
    depth.set(name, Math.max(0, ...found));
    return depth.get(name);
  };
  names.forEach((_, name) => deep(name, new Set()));
  const columns = [];
  const linked = (name) => names.get(name).held_by.length + names.get(name).holds.length > 0;
  for (const [name, place] of depth) (columns[place] ??= []).push(name);
  // Those who have nothing to do with anybody stand below the others.
  return [...columns].map((column) => (column ?? []).sort((a, b) => linked(b) - linked(a)));
}

export function rolesView() {
  const place = h("div", {}, waiting());
  const element = h("div", { class: "view roles" }, heading("roles", t("rolesLead")), place);
  let found = null;
  let chosen = "";

  async function load() {
    fill(place, waiting());
    try {
      found = await once("/policy");
      draw();
    } catch (error) {
      fill(place, trouble(error, load));
    }
  }

  function draw() {
    const all = new Map(found.names.map((one) => [one.name, one]));
    const drawn = new Map([...all].sort(([, a], [, b]) => (a.kind === "person") - (b.kind === "person")).slice(0, MOST));
    const panel = h("section", { class: "card about", "aria-live": "polite" });
    if (!all.has(chosen)) chosen = found.names.find((one) => one.kind === "role")?.name ?? found.names[0]?.name ?? "";
    const choose = (name) => {
      chosen = name;
      history.replaceState(null, "", address("roles", { name }));
      graph.querySelectorAll("[data-name]").forEach((node) => node.setAttribute("aria-pressed", node.dataset.name === name));
      graph.querySelectorAll("[data-link]").forEach((link) => link.classList.toggle("lit", JSON.parse(link.dataset.link).includes(name)));
      fill(panel, described(all, name, choose));
    };
    const graph = picture(drawn, choose);
    if (found.names.length === 0) {
      fill(place, h("p", { class: "card empty" }, t("noNames")));
      return;
    }
    fill(place,
      all.size > drawn.size && h("p", { class: "note" }, t("notDrawn", all.size - drawn.size)),
      h("div", { class: "split" }, h("div", { class: "card picture", tabindex: 0, role: "group", "aria-label": t("rolesGraph") }, graph), panel));
    choose(chosen);
  }

  return { element, again: load, enter(query) { chosen = query.get("name") ?? chosen; if (found === null) load(); else draw(); } };
}

const room = (one) => (one.rules_total > 0 ? 19 - String(one.rules_total).length : 20);

function picture(names, choose) {
  const columns = layers(names);
  const spot = new Map();
  columns.forEach((column, x) => {
    const pull = (name) => {
      const ys = names.get(name).held_by.map((one) => spot.get(one.name)?.[1]).filter((y) => y !== undefined);
      return ys.length ? ys.reduce((a, b) => a + b) / ys.length : Infinity;
    };
    if (x > 0) column.sort((a, b) => pull(a) - pull(b));
    column.forEach((name, y) => spot.set(name, [20 + x * (WIDE + GAP_X), 20 + y * (HIGH + GAP_Y)]));
  });
  const width = 40 + columns.length * (WIDE + GAP_X) - GAP_X;
  const height = 40 + Math.max(...columns.map((column) => column.length)) * (HIGH + GAP_Y) - GAP_Y;
  const links = [...names.values()].flatMap((one) => one.holds.filter((held) => names.has(held.role)).map((held) => {
    const [x1, y1] = spot.get(one.name);
    const [x2, y2] = spot.get(held.role);
    const [a, b, c, d] = [x1 + WIDE, y1 + HIGH / 2, x2, y2 + HIGH / 2];
    return s("path", { class: "link", "data-link": JSON.stringify([one.name, held.role]), d: `M${a} ${b} C${a + 35} ${b} ${c - 35} ${d} ${c - 4} ${d}`, "marker-end": "url(#arrow)" });
  }));
  const nodes = [...names.values()].map((one) => {
    const [x, y] = spot.get(one.name);
    const label = visible(one.name);
    const press = () => choose(one.name);
    return s("g", {
      class: `node ${one.kind}`, transform: `translate(${x} ${y})`, tabindex: 0, role: "button", "data-name": one.name, "aria-pressed": "false",
      "aria-label": `${t(one.kind)} ${label}`, onclick: press, onkeydown: (event) => (event.key === "Enter" || event.key === " ") && (event.preventDefault(), press()),
    },
    s("title", {}, label),
    s("rect", { width: WIDE, height: HIGH, rx: one.kind === "person" ? HIGH / 2 : 7 }),
    s("text", { x: 12, y: HIGH / 2 + 4.5 }, label.length > room(one) ? `${label.slice(0, room(one) - 1)}…` : label),
    one.rules_total > 0 && s("text", { x: WIDE - 10, y: HIGH / 2 + 4.5, class: "number", "text-anchor": "end" }, String(one.rules_total)));
  });
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height },
    s("defs", {}, s("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 10, markerHeight: 10, markerUnits: "userSpaceOnUse", orient: "auto" }, s("path", { d: "M0 0 L8 4 L0 8 z" }))),
    links, nodes);
}

function described(all, name, choose) {
  const one = all.get(name);
  const link = (other) => h("button", { class: "linkish", onclick: () => choose(other) }, visible(other));
  const more = (list) => one[`${list}_total`] > one[list].length && h("li", { class: "dim" }, t("andMore", one[`${list}_total`] - one[list].length));
  const listed = (title, list, show) => h("div", {}, h("h3", {}, title, " ", h("span", { class: "dim" }, one[`${list}_total`])), one[list].length === 0 ? h("p", { class: "dim" }, t("none_")) : h("ul", { class: "plain" }, one[list].map(show), more(list)));
  return [
    h("h2", {}, h("span", { class: "tag" }, t(one.kind)), " ", h("bdi", { dir: "ltr" }, visible(name))),
    one.kind === "word" && h("p", { class: "dim" }, t("wordHint")),
    listed(t("adds"), "rules", (rule) => h("li", {}, h("span", { class: "number" }, rule.line), " ", code(rule.text))),
    listed(t("holds"), "holds", (held) => h("li", {}, link(held.role), held.domain && [" @ ", code(held.domain)], h("span", { class: "dim" }, " ", t("line", held.line)))),
    listed(t("heldBy"), "held_by", (holder) => h("li", {}, link(holder.name), holder.domain && [" @ ", code(holder.domain)], h("span", { class: "dim" }, " ", t("line", holder.line)))),
    h("p", {}, h("a", { class: "alone", href: address("matrix", { role: name }) }, t("inMatrix"))),
  ];
}
