// The shell: sign-in, navigation by the address behind `#`, and one view at a time.
import { forget } from "./api.js";
import { announce, fill, h } from "./dom.js";
import { draftView } from "./draft.js";
import { liveView } from "./live.js";
import { matrixView } from "./matrix.js";
import { rolesView } from "./roles.js";
import { about, isComingBack, session, signOut } from "./session.js";
import { signInPanel } from "./signin.js";
import { statusView } from "./status.js";
import { whyView } from "./why.js";
import { language, setLanguage, t } from "./words.js";

const VIEWS = {
  matrix: matrixView, roles: rolesView, why: whyView, draft: draftView, live: liveView, status: statusView,
};
const shell = h("div", { class: "shell" });
let made = {};
let memory = {};  // what was typed, for a view that is made anew in the other language
let current = null;
let dialog = null;

export function route() {
  const [name, query = ""] = location.hash.replace(/^#\/?/, "").split("?");
  return { name: Object.hasOwn(VIEWS, name) ? name : "matrix", query: new URLSearchParams(query) };
}

function show(focus = true) {
  const { name, query } = route();
  const links = [...document.querySelectorAll("nav a")];
  links.forEach((link) => (link.dataset.view === name ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current")));
  links.find((link) => link.dataset.view === name)?.scrollIntoView({ block: "nearest", inline: "nearest" });
  const changed = current !== name;
  if (changed && current !== null) made[current]?.leave?.();
  made[name] ??= VIEWS[name](memory[name] ??= {});
  const view = made[name];
  if (changed) {
    current = name;
    fill(document.querySelector("main"), view.element);
    document.title = `${t(name)} – ${about.title}`;
  }
  view.enter?.(query);
  if (changed && focus) {
    view.element.querySelector("h1")?.focus({ preventScroll: true });
    announce(t(name));
  }
}

const THEMES = ["auto", "light", "dark"];
let theme = "auto";
function turnTheme(event) {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
  document.documentElement.dataset.theme = theme;
  event.currentTarget.textContent = themeSign();
  event.currentTarget.setAttribute("aria-label", `${t("theme")}: ${t(theme)}`);
}
const themeSign = () => ({ auto: "◐", light: "☀", dark: "☾" })[theme];

function turnLanguage() {
  setLanguage(language() === "en" ? "ja" : "en");
  made[current]?.leave?.();
  made = {};
  draw();
}

const tools = () => [
  h("button", { class: "quiet", onclick: turnLanguage, lang: language() === "en" ? "ja" : "en" }, language() === "en" ? "日本語" : "English"),
  h("button", { class: "quiet", onclick: turnTheme, "aria-label": `${t("theme")}: ${t(theme)}` }, themeSign()),
];

const brand = () => h("a", { class: "brand", href: "#/matrix" }, h("img", { src: `${about.base}/console/assets/gate.svg`, alt: "", width: 26, height: 26 }), about.title);

function left() {
  const minutes = Math.floor(session.left / 60);
  return minutes > 0 ? t("minutesLeft", minutes) : t("secondsLeft", Math.floor(session.left));
}

function person() {
  const name = session.who.email ?? session.who["cognito:username"] ?? session.who.username ?? session.who.sub ?? "";
  return h("div", { class: "person" },
    h("span", { class: "name" }, String(name)),
    h("span", { class: "dim" }, session.roles.join(", ") || t("noRole"), " · ", h("span", { class: "left" }, left())));
}

function draw() {
  document.documentElement.lang = language();
  made = session.signedIn ? made : {};
  current = null;
  if (!session.signedIn) {
    document.title = about.title;
    fill(shell,
      h("header", {}, brand(), h("div", { class: "tools" }, tools())),
      h("main", { id: "main", class: "front" },
        h("section", { class: "welcome" }, h("h1", { tabindex: -1 }, t("welcome")), h("p", {}, t("welcomeText"))),
        signInPanel()));
    return;
  }
  fill(shell,
    h("a", { class: "skip", href: "#main", onclick: (event) => { event.preventDefault(); document.querySelector("main h1")?.focus(); } }, t("skip")),
    h("header", {}, brand(),
      h("nav", { "aria-label": t("views") }, Object.keys(VIEWS).map((name) => h("a", { href: `#/${name}`, "data-view": name }, t(name)))),
      h("div", { class: "tools" }, person(), tools(), h("button", { onclick: signOut }, t("signOut")))),
    h("main", { id: "main" }));
  show(false);
}

function askAgain() {
  if (dialog?.open) return;
  dialog = h("dialog", { "aria-labelledby": "again" },
    h("h2", { id: "again" }, t("ranOut")), h("p", {}, t("ranOutText")), signInPanel(),
    h("form", { method: "dialog" }, h("button", { class: "quiet" }, t("later"))));
  document.body.append(dialog);
  dialog.showModal();
  dialog.addEventListener("close", () => dialog.remove());
}

session.onChange((what) => {
  if (what === "expired") return askAgain();
  dialog?.close();
  forget();
  if (what === "in" && current !== null) {
    // The same person again: what was typed stays, and what was refused is asked again.
    document.querySelector(".person")?.replaceWith(person());
    made[current]?.again?.();
    return;
  }
  Object.values(made).forEach((view) => view.leave?.());
  made = {};
  memory = {};
  draw();
});

if (isComingBack()) {
  document.body.append(h("p", {}, t("closeMe")));
} else {
  document.body.append(shell);
  addEventListener("hashchange", () => session.signedIn && show());
  setInterval(() => {
    const place = document.querySelector(".person .left");
    if (place && session.signedIn) place.textContent = left();
  }, 1000);
  draw();
}
