// Elements made of text and attributes. Nothing here ever reads text as HTML.

const SVG = "http://www.w3.org/2000/svg";

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "value" || name === "checked" || name === "disabled") element[name] = value;
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);

export const s = (tag, attributes, ...children) => build(document.createElementNS(SVG, tag), attributes, children);

export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// What turns text around or hides is shown by its number, so that a name is what it looks like.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

const LONG = 300;

// The second argument is named, so that `map(visible)` shows every name whole.
export function visible(text, { most = LONG } = {}) {
  const whole = String(text);
  const shown = (whole.length > most ? `${whole.slice(0, most)}…` : whole);
  return shown.replace(UNSEEN, (one) => `\\u{${one.codePointAt(0).toString(16)}}`);
}

// Names and rules are code: shown as they are, in one direction.
export const code = (text, attributes, most) => h("code", { dir: "ltr", ...attributes }, visible(text, { most }));

export function later(work, wait) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...given), wait);
  };
}

let announcer;
export function announce(text) {
  announcer ??= document.body.appendChild(h("div", { class: "unseen", role: "status", "aria-live": "polite" }));
  announcer.textContent = text;
}

export function save(name, text, type = "text/plain") {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}
