// Roles across, endpoints down. Only the rows in sight exist, however many endpoints there are.
import { once, post, text } from "./api.js";
import { announce, code, fill, h, later, visible } from "./dom.js";
import { MARKS, address, chain, heading, kind, labelled, mark, notes, trouble, waiting, way } from "./parts.js";
import { t } from "./words.js";

const ROW = 32;
const BEYOND = 6;

export function matrixView() {
  const place = h("div", {}, waiting());
  const element = h("div", { class: "view matrix" }, heading("matrix", t("matrixLead")), place);
  let found = null;
  let rules = new Map();
  let query = new URLSearchParams();
  let table = null;

  async function load() {
    fill(place, waiting());
    try {
      const [matrix, document] = await Promise.all([once("/policy/matrix"), once("/policy").catch(() => null)]);
      rules = new Map((document?.policy.text ?? "").split("\n").map((line, number) => [number + 1, line.trim()]));
      found = matrix;
      draw();
    } catch (error) {
      fill(place, trouble(error, load));
    }
  }

  function draw() {
    const methods = [...new Set(found.endpoints.map((one) => one.act))].sort();
    const change = () => {
      const values = Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, field.value]));
      history.replaceState(null, "", address("matrix", values));
      query = new URLSearchParams(values);
      table.filter(query);
    };
    const soon = later(change, 120);
    const field = (name) => h("input", { type: "search", value: query.get(name) ?? "", oninput: soon, spellcheck: "false" });
    const choice = (name, options) => {
      const select = h("select", { onchange: change }, options.map(([value, label]) => h("option", { value }, label)));
      select.value = query.get(name) ?? "";
      return select;
    };
    const dangers = [...new Set(found.cells.flat().map((one) => one.danger ?? ""))].filter(Boolean).sort();
    const fields = {
      role: field("role"),
      path: field("path"),
      method: choice("method", [["", t("anyMethod")], ...methods.map((one) => [one, one])]),
      state: choice("state", [["", t("anyState")], ...["yes", "inherited", "denied", "none"].map((one) => [one, t(one)])]),
      danger: choice("danger", [["", t("anyDanger")], ["any", t("someDanger")], ...dangers.map((one) => [one, t(`danger_${one}`, one)])]),
    };
    table = grid(found, rules);
    fill(place,
      h("form", { class: "filters", role: "search", onsubmit: (event) => event.preventDefault() },
        labelled(t("role"), fields.role), labelled(t("path"), fields.path), labelled(t("method"), fields.method),
        labelled(t("cells"), fields.state), labelled(t("danger"), fields.danger), h("button", { type: "button", onclick: copy }, t("copyCsv"))),
      notes(found),
      h("ul", { class: "legend", "aria-label": t("legend") }, ["yes", "inherited", "denied", "none"].map((one) => h("li", {}, mark(one), " ", t(one))), dangers.length > 0 && h("li", {}, h("span", { class: "mark yes risky", "aria-hidden": "true" }, MARKS.yes), " ", t("someDanger")), found.people.length > 0 && h("li", {}, h("i", {}, "abc"), " ", t("person"))),
      table.element,
      h("p", { class: "dim foot" }, t("revision"), " ", code(found.revision), " · ", table.count));
    table.filter(query);
  }

  async function copy(event) {
    const button = event.currentTarget;
    try {
      await navigator.clipboard.writeText(await text("/policy/matrix?format=csv"));
      announce(t("copied"));
      button.textContent = t("copied");
      setTimeout(() => (button.textContent = t("copyCsv")), 2000);
    } catch (error) {
      announce(error.message);
    }
  }

  return {
    element,
    again: () => load(),
    enter(given) {
      query = given;
      if (found === null) load();
      else draw();
    },
  };
}

function grid(found, rules) {
  const people = new Set(found.people);
  const labels = found.endpoints.map((one) => `${one.act} ${one.obj}${one.template ? ` (${one.template})` : ""}`);
  let rows = [];
  let columns = [];
  let shown = new Map();
  let at = [0, 0];
  let wants = null;
  const spare = [];
  const names = found.roles.map((role) => visible(role));
  const said = Object.fromEntries(Object.keys(MARKS).map((name) => [name, t(name)]));

  const count = h("span", {});
  const head = h("div", { class: "row head", role: "row", "aria-rowindex": 1 });
  const space = h("div", { class: "space", role: "rowgroup" });
  const scroller = h("div", {
    class: "grid", role: "grid", "aria-label": t("matrix"), onscroll: () => requestAnimationFrame(paint), onkeydown: move,
    onfocusin: (event) => tell(event.target), onmouseover: (event) => tell(event.target), onclick: open,
  }, h("div", { role: "rowgroup", class: "headgroup" }, head), space);
  const path = h("div", { class: "path", "aria-live": "polite" }, h("span", { class: "dim" }, t("pathHint")));
  const element = h("div", { class: "gridbox" }, scroller, path);
  new ResizeObserver(() => paint()).observe(scroller);

  const cellAt = (row, column) => found.cells[columns[column]][rows[row]];

  function filter(query) {
    const wanted = (name) => (query.get(name) ?? "").toLowerCase();
    columns = found.roles.map((_, number) => number).filter((number) => found.roles[number].toLowerCase().includes(wanted("role")));
    const [state, danger] = [query.get("state") ?? "", query.get("danger") ?? ""];
    wants = state || danger ? (one) => (!state || kind(one) === state) && (!danger || (danger === "any" ? Boolean(one.danger) : one.danger === danger)) : null;
    rows = found.endpoints.map((_, number) => number).filter((number) => {
      const one = found.endpoints[number];
      return (!query.get("method") || one.act === query.get("method")) && labels[number].toLowerCase().includes(wanted("path"))
        && (!wants || columns.some((column) => wants(found.cells[column][number])));
    });
    at = [0, 0];
    shown = new Map();
    fill(head, h("div", { class: "corner", role: "columnheader", "aria-colindex": 1 }, t("endpoint")),
      columns.map((column, number) => h("div", { class: "caller", role: "columnheader", "aria-colindex": number + 2, title: visible(found.roles[column]) },
        h("span", { dir: "ltr", class: people.has(found.roles[column]) ? "human" : "" }, visible(found.roles[column])))));
    const longest = Math.max(0, ...columns.map((column) => found.roles[column]).filter((role) => !people.has(role)).map((role) => visible(role).length));
    element.style.setProperty("--head", `${Math.min(180, Math.max(104, longest * 7.9 + 26))}px`);
    element.style.setProperty("--columns", columns.length);
    element.style.setProperty("--rows", Math.max(rows.length, 2));
    scroller.setAttribute("aria-rowcount", rows.length + 1);
    scroller.setAttribute("aria-colcount", columns.length + 1);
    space.style.height = `${rows.length * ROW}px`;
    count.textContent = t("counted", rows.length, columns.length);
    scroller.scrollTop = 0;
    fill(space, rows.length === 0 || columns.length === 0 ? h("p", { class: "empty" }, t("nothingMatches")) : null);
    paint();
  }

  function paint() {
    const first = Math.max(0, Math.floor(scroller.scrollTop / ROW) - BEYOND);
    const last = Math.min(rows.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / ROW) + BEYOND);
    if (columns.length === 0) return;
    for (const [number, row] of shown) {
      if ((number < first || number >= last) && !row.element.contains(document.activeElement)) {
        shown.delete(number);
        spare.push(row);
      }
    }
    for (let number = first; number < last; number += 1) {
      if (!shown.has(number)) shown.set(number, dressed(spare.pop() ?? bare(), number));
    }
    for (const row of spare.splice(0)) row.element.remove();
  }

  // Rows that went out of sight are dressed anew: making elements is what takes time.
  function bare() {
    const [act, path, template] = [h("b", {}), h("span", { dir: "ltr" }), h("i", { class: "dim" })];
    const head = h("div", { class: "endpoint", role: "rowheader", "aria-colindex": 1 }, act, " ", path, template);
    const cells = columns.map((_, place) => h("div", { role: "gridcell", "aria-colindex": place + 2 }));
    return { element: space.appendChild(h("div", { class: "row", role: "row" }, head, cells)), head, act, path, template, cells };
  }

  function dressed(row, number) {
    const one = found.endpoints[rows[number]];
    const label = visible(labels[rows[number]]);
    row.element.setAttribute("aria-rowindex", number + 2);
    row.element.style.transform = `translateY(${number * ROW}px)`;
    row.head.title = label;
    row.act.className = `act ${one.act.toLowerCase().replace(/[^a-z]/g, "")}`;
    row.act.textContent = visible(one.act);
    row.path.textContent = visible(one.obj);
    row.template.textContent = one.template ? ` ${visible(one.template)}` : "";
    columns.forEach((column, place) => dressCell(row.cells[place], found.cells[column][rows[number]], `${names[column]}, ${label}`, number, place));
    return row;
  }

  function dressCell(element, one, label, number, place) {
    const name = kind(one);
    const look = `cell ${name}${one.danger ? " risky" : ""}${wants && !wants(one) ? " off" : ""}`;
    if (element.className !== look) {
      element.className = look;
      element.textContent = MARKS[name];
    }
    element.ariaLabel = `${label}: ${said[name]}${one.danger ? `, ${t(`danger_${one.danger}`, one.danger)}` : ""}`;
    element.tabIndex = number === at[0] && place === at[1] ? 0 : -1;
    element.dataset.at = `${number} ${place}`;
  }

  const elementAt = ([row, column]) => shown.get(row)?.cells[column];

  function move(event) {
    const page = Math.max(1, Math.floor(scroller.clientHeight / ROW) - 5);
    const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], PageUp: [-page, 0], PageDown: [page, 0], Home: [0, -Infinity], End: [0, Infinity] };
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open(event);
      return;
    }
    if (!(event.key in steps) || rows.length === 0) return;
    event.preventDefault();
    // With Ctrl, Home and End are those of the whole grid.
    const all = event.ctrlKey && { Home: -Infinity, End: Infinity }[event.key];
    const [down, right] = all ? [all, all] : steps[event.key];
    const next = [Math.min(rows.length - 1, Math.max(0, at[0] + down)), Math.min(columns.length - 1, Math.max(0, at[1] + right))];
    const old = elementAt(at);
    if (old) old.tabIndex = -1;
    at = next;
    const top = at[0] * ROW;
    const inner = scroller.clientHeight - head.offsetHeight - ROW;
    if (top < scroller.scrollTop) scroller.scrollTop = top;
    else if (top > scroller.scrollTop + inner) scroller.scrollTop = top - inner;
    paint();
    const now = elementAt(at);
    now.tabIndex = 0;
    now.focus({ preventScroll: true });
    now.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  const question = (row, column) => {
    const role = found.roles[columns[column]];
    const one = found.endpoints[rows[row]];
    const who = column < 0 || role === "nobody" ? {} : role === "any valid token" ? { sub: "somebody" } : people.has(role) ? { sub: role } : { role };
    return { ...who, act: one.act, obj: one.obj, ...(one.with ? { with: JSON.stringify(one.with) } : {}) };
  };

  function open(event) {
    const target = event.target.closest("[data-at]");
    if (!target) return;
    const [row, column] = target.dataset.at.split(" ").map(Number);
    location.hash = address("why", question(row, column));
  }

  const known = new Map();
  const ask = later(async (key, asked, row, column) => {
    if (!known.has(key)) {
      const { role, with: words, ...rest } = asked;
      known.set(key, post("/policy/explain", { ...rest, ...(role ? { roles: [role] } : {}), ...(words ? { with: JSON.parse(words) } : {}) }).catch(() => null));
    }
    const answer = await known.get(key);
    if (answer?.role_path?.length > 1 && path.dataset.at === key) {
      fill(path, described(row, column), " ", chain(way(answer.role_path, asked.role ?? (asked.sub === "somebody" ? answer.role_path[1] : ""))));
    }
  }, 150);

  function described(row, column) {
    const one = cellAt(row, column);
    const name = kind(one);
    const rule = one.rule === null ? null : [" · ", t("line", one.rule), " ", code(rules.get(one.rule) ?? "")];
    return h("span", {}, mark(name), " ", h("b", { dir: "ltr" }, visible(found.roles[columns[column]])), " ", code(labels[rows[row]]), " – ", t(name), rule, one.danger && h("span", { class: "tag danger" }, t(`danger_${one.danger}`, one.danger)));
  }

  function tell(target) {
    const box = target.closest?.("[data-at]");
    if (!box || path.dataset.at === box.dataset.at) return;
    const [row, column] = box.dataset.at.split(" ").map(Number);
    if (!(row in rows) || !(column in columns)) return;
    path.dataset.at = box.dataset.at;
    fill(path, described(row, column));
    if (cellAt(row, column).rule !== null) ask(box.dataset.at, question(row, column), row, column);
  }

  return { element, filter, count };
}
