/** All words of the page, from texts/LANGUAGE.json, and of the program, from texts/LANGUAGE.said.json; English where a language lacks one. */

import { Sentences } from "./sentences.js";

const LANGUAGES = ["en", "de"];
const KEPT = "cephsure-language";

/** @type {Record<string, string>} */ let english = {};
/** @type {Record<string, string>} */ let words = {};
let language = "en";
let sentences = new Sentences({}, ".");
/** @type {(() => void)[]} */ const listeners = [];

/** @param {string} name @returns {Promise<Record<string, string>>} */
async function read(name) {
  const answer = await fetch(`/page/texts/${name}.json`);
  if (!answer.ok) throw new Error(`texts/${name}.json: ${answer.status}`);
  return answer.json();
}

/** Load the language that was chosen before, or the browser's. */
export async function loadTexts() {
  const browser = navigator.language.slice(0, 2);
  const wanted = kept() ?? browser;
  english = await read("en");
  await choose(LANGUAGES.includes(wanted) ? wanted : "en");
}

function kept() {
  try {
    return localStorage.getItem(KEPT);
  } catch {
    return null; // storage is switched off
  }
}

/** @param {string} name of the language. */
async function choose(name) {
  const isEnglish = name === "en";
  const [page, program] = isEnglish ? [english, {}] : await Promise.all([read(name), read(`${name}.said`)]);
  words = page;
  sentences = new Sentences(program, pointOf(name));
  language = name;
  document.documentElement.lang = name;
  for (const element of document.querySelectorAll("[data-t]")) {
    element.textContent = t(/** @type {HTMLElement} */ (element).dataset.t ?? "");
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(/** @type {HTMLElement} */ (element).dataset.label ?? ""));
  }
  for (const element of document.querySelectorAll("[data-title]")) {
    element.setAttribute("title", t(/** @type {HTMLElement} */ (element).dataset.title ?? ""));
  }
  document.title = t("title");
}

/** @param {string} name @returns {string} what stands before a number's decimals. */
const pointOf = (name) => new Intl.NumberFormat(name).formatToParts(0.5).find((part) => part.type === "decimal")?.value ?? ".";

/** @param {string} name */
export async function setLanguage(name) {
  await choose(name);
  try {
    localStorage.setItem(KEPT, name);
  } catch {
    // storage is switched off: the choice holds until the page closes
  }
  for (const listener of listeners) listener();
}

/** @param {() => void} listener called after each change of language. */
export const onLanguage = (listener) => listeners.push(listener);
export const languages = LANGUAGES;
export const currentLanguage = () => language;

/**
 * The text of a key, with {names} filled in; with `n: 1` the key's `_one` text where there is one.
 * @param {string} key
 * @param {Record<string, any>} [given]
 */
export function t(key, given = {}) {
  const one = given.n === 1 ? `${key}_one` : key;
  const text = words[one] ?? words[key] ?? english[one] ?? english[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (_, name) => String(given[name] ?? ""));
}

/** @param {string} key @param {string | null | undefined} fallback @returns the text if any language has it. */
export const textOr = (key, fallback) => words[key] ?? fallback ?? "";

/** @param {string | null | undefined} sentence of the program's, in English @returns {string} it in the page's language. */
export const said = (sentence) => (sentence ? sentences.say(sentence) : "");

/** @param {string} words @returns {string} them as the beginning of a line. */
export const capital = (words) => words.charAt(0).toLocaleUpperCase(language) + words.slice(1);

/** By language and digits: making one takes longer than writing many numbers. @type {Map<string, Intl.NumberFormat>} */
const formats = new Map();

/** @param {number | null | undefined} value @param {number} [digits] @returns a number as the language writes it. */
export function num(value, digits = 1) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const key = `${language} ${digits}`;
  const format = formats.get(key) ?? new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  formats.set(key, format);
  return format.format(Math.abs(value) < 0.5 * 10 ** -digits ? 0 : value).replace("-", "−");
}

/** @param {{number: number, code: string, name: string, definition?: string}} landmark */
export const landmarkName = (landmark) => textOr(`landmark.${landmark.code}.name`, landmark.name);
/** @param {{code: string, definition?: string}} landmark */
export const landmarkDefinition = (landmark) => textOr(`landmark.${landmark.code}.definition`, landmark.definition);
