/** What happened, told to whoever draws it: film, points, changed (told of before it is asked for), held (under the hand), select, queue, saved, view, layers, language. */

/** @type {Map<string, ((detail?: any) => void)[]>} */
const heard = new Map();

/** @param {string} names of events, spaces between. @param {(detail?: any) => void} listener */
export function on(names, listener) {
  for (const name of names.split(" ")) heard.set(name, [...(heard.get(name) ?? []), listener]);
}

/** @param {string} name @param {any} [detail] */
export function tell(name, detail) {
  for (const listener of heard.get(name) ?? []) listener(detail);
}
