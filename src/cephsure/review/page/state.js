/** What the page shows now: the project, the open film with its points, and what is selected. */

import { get, getPixels, ApiError } from "./api.js";
import { on, tell } from "./bus.js";
import { GreyFilm } from "./grey.js";
import { Unsaved } from "./unsaved.js";

/**
 * @typedef {{number: number, code: string, name: string, definition: string, tissue?: string}} Landmark
 * @typedef {{number: number, state: string, x_px: number | null, y_px: number | null, revision: number, who?: string, at?: string}} Row
 * @typedef {{number: number, code: string, state: string, x: number | null, y: number | null, foundX: number | null, foundY: number | null,
 *   revision: number, who?: string, at?: string, unsaved: boolean, mark: any, doubt: number, toCheck: boolean}} Point
 */

/** @type {Record<string, string>} */
const DECIDED = { accept: "accepted", edit: "edited", place: "placed", missing: "missing", refer: "referred", reset: "predicted" };

export const state = {
  /** @type {any} */ project: null,
  /** @type {any} */ film: null,
  /** @type {GreyFilm | null} */ grey: null,
  /** @type {string} why the film is not drawn. */ trouble: "",
  /** @type {Map<number, Row>} as acknowledged. */ rows: new Map(),
  /** @type {{number: number, x: number, y: number} | null} under the hand, not decided yet. */ held: null,
  /** @type {number | null} */ selected: null,
  level: "0.9",
  loading: false,
};

let changes = 0; // that were heard of: decisions acknowledged, news of others and of the model
let asked = 0; // questions for a film's facts, in the order in which they were asked
let shown = 0; // the question whose answer is shown

export const unsaved = new Unsaved({
  acknowledged(op, answer) {
    changes += 1;
    if (op.filmId === state.film?.film_id) {
      if (answer.points) state.rows = newest(state.rows, byNumber(answer.points));
      if (answer.state) state.film.state = answer.state;
      if ("can_undo" in answer) Object.assign(state.film, { can_undo: answer.can_undo, can_redo: answer.can_redo });
      queueMicrotask(() => tell("points"));
    }
    tell("stored", op.filmId);
  },
  conflict(op, current) {
    tell("conflict", { op, current: byNumber(current) });
  },
});

/** @param {Row[]} rows @returns {Map<number, Row>} */
const byNumber = (rows) => new Map(rows.map((row) => [row.number, row]));

/** Answers may overtake each other: of each point the row of the highest revision counts. @param {Map<number, Row>} known @param {Map<number, Row>} told */
export const newest = (known, told) =>
  new Map([...known, ...[...told].filter(([number, row]) => row.revision >= (known.get(number)?.revision ?? 0))]);

/** @type {AbortController | null} */ let opening = null;

/** Open a film: its facts first, then its pixels. The former film stays in sight until the new one can be drawn. @param {number} filmId @param {number | null} [select] */
export async function openFilm(filmId, select = null) {
  tell("flush");
  opening?.abort();
  const now = (opening = new AbortController());
  state.loading = true;
  tell("loading", filmId);
  try {
    const grey = getPixels(filmId, now.signal).then((pixels) => new GreyFilm(pixels));
    const { film, order } = await factsOf(filmId, now.signal, grey.catch(() => null));
    const drawn = film.unread ? null : await grey;
    if (now.signal.aborted) return;
    shown = order;
    use(film, drawn, "");
    state.selected = select ?? null;
    tell("film");
    tell("select");
  } catch (error) {
    if (now.signal.aborted) return;
    const said = error instanceof ApiError ? (error.status === 0 ? "offline" : error.message) : String(error);
    use({ film_id: filmId, name: "", state: "unread", points: [], regions: {} }, null, said);
    tell("film");
  } finally {
    if (opening === now) state.loading = false;
    tell("loading", null);
  }
}

/**
 * A film's facts. Those that were asked for before a change was heard of may not hold it: they are asked for again.
 * @param {number} filmId @param {AbortSignal} [signal] @param {Promise<any>} [meanwhile] what is waited for beside them.
 * @returns {Promise<{film: any, order: number}>}
 */
async function factsOf(filmId, signal, meanwhile) {
  for (;;) {
    const before = changes;
    const order = (asked += 1);
    const [film] = await Promise.all([get(`/films/${filmId}`, { signal }), meanwhile]);
    if (changes === before) return { film, order };
  }
}

on("changed", () => { changes += 1; });

/** @param {any} film @param {GreyFilm | null} grey @param {string} trouble */
function use(film, grey, trouble) {
  state.film = film;
  state.grey = grey;
  state.trouble = trouble;
  state.rows = byNumber(film.points);
  state.held = null;
  if (!(state.level in film.regions)) state.level = Object.keys(film.regions).at(-1) ?? state.level;
}

/** Read the open film's facts anew: a prediction arrived, or somebody else decided something. */
export async function refreshFilm() {
  const filmId = state.film?.film_id;
  if (!filmId) return;
  const facts = await factsOf(filmId).catch(() => null);
  if (!facts || state.film?.film_id !== filmId || facts.order < shown) return;
  shown = facts.order;
  const { film } = facts;
  if (unsaved.list.some((op) => op.filmId === filmId && op.kind === "state")) film.state = state.film.state; // on its way
  const news = JSON.stringify(state.film.prediction) !== JSON.stringify(film.prediction) || state.film.predicting !== film.predicting;
  state.film = film;
  state.rows = newest(state.rows, byNumber(film.points));
  if (news) tell("predicted");
  tell("points");
}

/** @returns {Point[]} the film's points as they would be stored now, unsaved decisions and the held one included. */
export function points() {
  const { film, project } = state;
  if (!film || !project) return [];
  const edits = unsaved.editsOf(film.film_id);
  return project.landmarks.map((/** @type {Landmark} */ landmark, /** @type {number} */ index) => {
    const mark = film.prediction?.landmarks[index] ?? null;
    const row = state.rows.get(landmark.number);
    const mine = edits.filter((edit) => edit.number === landmark.number);
    return pointOf(landmark, mark, row, mine);
  });
}

/** @param {Landmark} landmark @param {any} mark @param {Row | undefined} row @param {any[]} mine @returns {Point} */
function pointOf(landmark, mark, row, mine) {
  const found = { foundX: mark?.x_px ?? null, foundY: mark?.y_px ?? null };
  let [kind, x, y] = [row?.state ?? "predicted", row?.x_px ?? null, row?.y_px ?? null];
  for (const edit of mine) [kind, x, y] = [DECIDED[edit.action], edit.x_px ?? null, edit.y_px ?? null];
  if (x === null && kind !== "missing") [x, y] = [found.foundX, found.foundY];
  const held = state.held?.number === landmark.number ? state.held : null;
  if (held) [x, y] = [held.x, held.y];
  const doubt = mark ? mark.expected_error_mm ?? mark.measures?.raw_expected_error_px ?? 0 : 0;
  return {
    number: landmark.number, code: landmark.code, state: kind, x, y, ...found, mark, doubt,
    revision: row?.revision ?? 0, who: row?.who, at: row?.at, unsaved: mine.length > 0 || held !== null,
    toCheck: mark !== null && kind === "predicted" && mark.verdict !== "accept",
  };
}

/** @param {number | null} number @returns {Point | undefined} */
export const point = (number) => points().find((one) => one.number === number);
export const selectedPoint = () => point(state.selected);

/** @param {number} number @returns {Landmark} */
export const landmark = (number) => state.project.landmarks.find((/** @type {Landmark} */ one) => one.number === number);

/** Decide something about points. @param {{number: number, action: string, x?: number, y?: number}[]} decided */
export function decide(decided) {
  const { film } = state;
  if (!film || !decided.length) return;
  const edits = decided.map(({ number, action, x, y }) => ({
    number,
    action,
    ...(x === undefined || y === undefined ? {} : { x_px: x, y_px: y }),
    base_revision: state.rows.get(number)?.revision ?? 0,
  }));
  void unsaved.add(film.film_id, "edits", { edits });
  tell("points");
}

/** @param {"accept" | "missing" | "refer" | "reset"} action @param {Point} one */
export function decidePoint(action, one) {
  tell("flush");
  const now = point(one.number) ?? one;
  if (action === "accept") {
    if (now.foundX === null || now.state !== "predicted" && now.state !== "referred" && now.state !== "missing") return;
    decide([{ number: now.number, action, x: now.foundX, y: /** @type {number} */ (now.foundY) }]);
  } else {
    decide([{ number: now.number, action }]);
  }
}

/** Put a point somewhere. @param {number} number @param {number} x @param {number} y */
export function putPoint(number, x, y) {
  const now = point(number);
  const action = now?.foundX === null || now?.state === "missing" ? "place" : "edit";
  decide([{ number, action, x: round(x), y: round(y) }]);
}

/** @param {number} value */
const round = (value) => Math.round(value * 1000) / 1000;

/** @param {"undo" | "redo"} kind */
export function undoOrRedo(kind) {
  tell("flush");
  const { film } = state;
  if (film && (film[`can_${kind}`] || unsaved.count)) void unsaved.add(film.film_id, kind, {});
}

/** @param {"reviewed" | "referred" | "reopened"} wanted @returns {Promise<any>} */
export function setFilmState(wanted) {
  tell("flush");
  state.film.state = wanted === "reopened" ? "predicted" : wanted;
  tell("points");
  return unsaved.add(state.film.film_id, "state", { state: wanted });
}

/** @param {number | null} number */
export function select(number) {
  if (state.selected === number) return;
  tell("flush");
  state.selected = number;
  tell("select");
}

/** Points in the order in which they are to be checked: the least certain first. */
export function toCheck() {
  return points().filter((one) => one.toCheck).sort((a, b) => b.doubt - a.doubt);
}

/** Select the next point to check (or, once all are, the next of all). @param {1 | -1} step */
export function selectNext(step) {
  const open = toCheck();
  const list = open.length ? open : points();
  if (!list.length) return;
  const at = list.findIndex((one) => one.number === state.selected);
  const after = at < 0 ? nextInOrder(list, step) : list[(at + step + list.length) % list.length];
  select(after.number);
  tell("reveal");
}

/** @param {Point[]} list @param {1 | -1} step @returns {Point} the worst open point; going back, the last. */
const nextInOrder = (list, step) => (step > 0 ? list[0] : list[list.length - 1]);

on("language", () => tell("points"));
