// A text field with line numbers and marks. Only the numbers in sight exist, so that long policies stay quick.
import { fill, h } from "./dom.js";

const LINE = 20;
const PAD = 8;

export function editor({ label, onInput }) {
  const gutter = h("div", { class: "gutter", "aria-hidden": "true" });
  const behind = h("div", { class: "behind", "aria-hidden": "true" });
  const field = h("textarea", {
    class: "code", spellcheck: "false", autocapitalize: "off", autocomplete: "off", wrap: "off", "aria-label": label, dir: "ltr",
    oninput: () => { paint(); onInput(field.value); }, onscroll: () => paint(), onkeydown: leave,
  });
  const element = h("div", { class: "editor" }, gutter, h("div", { class: "sheet" }, behind, field));
  let marks = new Map();
  let crlf = false;
  new ResizeObserver(() => paint()).observe(field);

  // Tab leaves the field, as everywhere; nothing here keeps the keyboard.
  function leave(event) {
    if (event.key === "Escape") field.blur();
  }

  function paint() {
    const lines = field.value.split("\n").length;
    const first = Math.max(0, Math.floor((field.scrollTop - PAD) / LINE));
    const last = Math.min(lines, first + Math.ceil(field.clientHeight / LINE) + 1);
    const numbers = [];
    const bands = [];
    for (let at = first; at < last; at += 1) {
      const found = marks.get(at + 1);
      const top = `${PAD + at * LINE - field.scrollTop}px`;
      const number = h("span", { class: found ? `at ${found}` : "at" }, found === "error" ? `✕ ${at + 1}` : found ? `! ${at + 1}` : at + 1);
      number.style.top = top;
      numbers.push(number);
      if (found) {
        const band = h("span", { class: `band ${found}` });
        band.style.top = top;
        bands.push(band);
      }
    }
    fill(gutter, numbers);
    fill(behind, bands);
  }

  return {
    element,
    // A text field keeps line feeds alone: a document with the line ends of Windows gets its own back.
    get text() { return crlf ? field.value.replaceAll("\n", "\r\n") : field.value; },
    set text(value) { crlf = /\r\n/.test(value) && !/(^|[^\r])\n/.test(value); field.value = value; paint(); },
    mark(problems) {
      marks = new Map();
      for (const one of problems) if (one.line && marks.get(one.line) !== "error") marks.set(one.line, one.severity);
      paint();
    },
    goTo(line, column) {
      const before = field.value.split("\n").slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
      const end = field.value.indexOf("\n", before);
      field.focus({ preventScroll: true });
      field.setSelectionRange(before + Math.max(0, column - 1), end < 0 ? field.value.length : end);
      field.scrollTop = Math.max(0, (line - 4) * LINE);
      field.scrollLeft = 0;
      paint();
    },
  };
}
