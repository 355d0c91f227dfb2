/** What is drawn over the film and how the film is shown; kept for the next visit (what was decided never is). */

import { tell } from "./bus.js";

const KEPT = "cephsure-layers";

/** @type {Record<string, boolean>} */
export const layers = {
  names: true,
  regions: true,
  tracing: false,
  dots: false,
  heat: false,
  corrections: true,
  invert: false,
  sharpen: false,
  keys: true, // single letters decide; can be switched off for those who dictate or press keys by accident
  before: false, // held down, never kept
};

try {
  Object.assign(layers, JSON.parse(localStorage.getItem(KEPT) ?? "{}"), { before: false });
} catch {
  // nothing was kept, or storage is switched off
}

/** @param {string} name @param {boolean} [value] */
export function switchLayer(name, value = !layers[name]) {
  if (layers[name] === value) return;
  layers[name] = value;
  try {
    localStorage.setItem(KEPT, JSON.stringify(layers));
  } catch {
    // storage is switched off
  }
  tell("layers");
}
