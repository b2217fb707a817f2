// Everything the page says, in both languages. A problem's details, and what a test file has wrong, are the service's English.
import { visible } from "./dom.js";
import { problems } from "./problems.ja.js";
import { english } from "./words.en.js";
import { japanese } from "./words.ja.js";

const TABLES = { en: english, ja: japanese };
let current = navigator.languages?.find((one) => /^(en|ja)\b/.test(one))?.slice(0, 2) ?? "en";

export const language = () => current;
export const setLanguage = (wanted) => { current = wanted; };

// The sentence for `key`. What is no key is shown as it is: it came from the service.
export function t(key, ...given) {
  const table = TABLES[current];
  const said = Object.hasOwn(table, key) ? table[key] : key.includes("_") && given.length ? given[0] : key;
  return typeof said === "function" ? said(...given) : visible(said);
}

// What a problem's code means, where the service's own sentence is in another language.
export const meaning = (problem) => (current === "ja" && Object.hasOwn(problems, problem.code) ? problems[problem.code] : null);
