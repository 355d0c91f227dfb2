/** Two people (or two tabs) moved the same point: both places are shown, and a person chooses. */

import { byId, el } from "./dom.js";
import { crop } from "./crop.js";
import { on, tell } from "./bus.js";
import { openDialog } from "./dialog.js";
import { landmarkName, t } from "./texts.js";
import { landmark, newest, openFilm, refreshFilm, state, unsaved } from "./state.js";

/** @typedef {import("./unsaved.js").Waiting} Waiting */
/** @typedef {import("./unsaved.js").Edit} Edit */

/** @type {{op: Waiting, current: Map<number, any>}[]} */ const waiting = [];

export function watchConflicts() {
  on("conflict", ({ op, current }) => {
    if (op.kind !== "edits") {
      tell("say", t("conflict.undo"));
      void refreshFilm();
      return;
    }
    waiting.push({ op, current });
    tell("saved");
    if (!document.querySelector("dialog[open]")) void show();
  });
  on("show-conflict", () => void show());
}

async function show() {
  const { op, current } = waiting[0] ?? {};
  if (!op || byId("dialogs").childElementCount) return;
  if (state.film?.film_id !== op.filmId) await openFilm(op.filmId);
  const clashing = op.body.edits.filter((/** @type {Edit} */ edit) => edit.base_revision !== (current.get(edit.number)?.revision ?? 0));
  const who = current.get(clashing[0]?.number)?.who ?? t("conflict.somebody");
  const same = who === state.project.who;
  openDialog(
    t("conflict.title"),
    (close) => [
      el("p", { text: t(same ? "conflict.introSame" : "conflict.intro", { who, n: clashing.length }) }),
      el("div", { class: "both-list" }, ...clashing.map((/** @type {Edit} */ edit) => both(edit, current.get(edit.number)))),
      el(
        "div",
        { class: "row end" },
        el("button", { type: "button", class: "plain", text: t("conflict.theirs"), on: { click: () => { close(); settle(false); } } }),
        el("button", { type: "button", class: "main", text: t("conflict.mine"), on: { click: () => { close(); settle(true); } } }),
      ),
    ],
    { kind: "conflict", onClose: () => tell("saved") },
  );
}

/** @param {Edit} edit @param {any} row */
function both(edit, row) {
  const mark = landmark(edit.number);
  const spots = [];
  const found = state.film.prediction?.landmarks.find((/** @type {any} */ one) => one.number === edit.number);
  const theirs = { x: row?.x_px ?? found?.x_px, y: row?.y_px ?? found?.y_px };
  if (row && row.state !== "missing" && theirs.x !== undefined) spots.push({ ...theirs, kind: "theirs", label: "1" });
  if (edit.x_px !== undefined && edit.y_px !== undefined) spots.push({ x: edit.x_px, y: edit.y_px, kind: "mine", label: "2" });
  const said = [
    el("p", {}, el("span", { class: "number theirs", text: "1" }), t("conflict.stored", { what: t(`points.${row?.state ?? "predicted"}`), who: row?.who ?? "" })),
    el("p", {}, el("span", { class: "number mine", text: "2" }), t("conflict.yours", { what: t(`action.${edit.action}`) })),
  ];
  const picture = state.grey && spots.length ? crop(state.grey, spots, { side: 260, least: 60, label: t("conflict.picture", { name: landmarkName(mark) }) }) : null;
  return el("div", { class: "both" }, picture, el("div", {}, el("h3", { text: `${mark.code} · ${landmarkName(mark)}` }), ...said));
}

/** @param {boolean} mine whether this tab's decision is to hold. */
function settle(mine) {
  const { op, current } = /** @type {{op: Waiting, current: Map<number, any>}} */ (waiting.shift());
  unsaved.remove(op, null);
  if (state.film.film_id === op.filmId) state.rows = newest(state.rows, current);
  const clashes = (/** @type {Edit} */ edit) => edit.base_revision !== (current.get(edit.number)?.revision ?? 0);
  const edits = op.body.edits.filter((/** @type {Edit} */ edit) => mine || !clashes(edit));
  const renewed = edits.map((/** @type {Edit} */ edit) => ({ ...edit, base_revision: current.get(edit.number)?.revision ?? 0 }));
  if (renewed.length) void unsaved.add(op.filmId, "edits", { edits: renewed });
  tell("points");
  tell("saved");
  if (waiting.length) void show();
}
