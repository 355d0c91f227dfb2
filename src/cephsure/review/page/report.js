/** The report on the film that is open, to keep with the patient's file; what is decided is stored first. */

import { ApiError, getFile } from "./api.js";
import { tell } from "./bus.js";
import { openDialog } from "./dialog.js";
import { byId, el } from "./dom.js";
import { state, unsaved } from "./state.js";
import { t } from "./texts.js";

const WAITS_MS = 50;
const MOST_WAITS = 100;

/** @returns {HTMLButtonElement} */
export function reportButton() {
  const button = el("button", { type: "button", class: "link", text: t("report.make"), title: t("report.title") });
  button.addEventListener("click", () => void save(/** @type {HTMLButtonElement} */ (button)));
  return /** @type {HTMLButtonElement} */ (button);
}

/** @param {HTMLButtonElement} button */
async function save(button) {
  const { film_id: filmId } = state.film;
  const analysis = /** @type {HTMLSelectElement} */ (byId("analysis")).value;
  button.disabled = true;
  try {
    tell("flush");
    if (!(await isStored(filmId))) return complain(t("report.unsaved"));
    const { blob, name } = await getFile(`/films/${filmId}/report?analysis=${encodeURIComponent(analysis)}`, { wait_s: 60 });
    const address = URL.createObjectURL(blob);
    el("a", { href: address, download: name }).click();
    setTimeout(() => URL.revokeObjectURL(address), 60_000);
    tell("say", t("report.done", { name }));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    complain(error.status ? error.message : t("film.offline"));
  } finally {
    button.disabled = false;
  }
}

/** Whether all that was decided of a film is stored, after a while at most. @param {number} filmId */
async function isStored(filmId) {
  const waiting = () => [...unsaved.list, ...unsaved.conflicts].some((op) => op.filmId === filmId);
  for (let n = 0; n < MOST_WAITS && waiting(); n += 1) await new Promise((done) => setTimeout(done, WAITS_MS));
  return !waiting();
}

/** @param {string} why */
function complain(why) {
  openDialog(t("report.failed"), (close) => [
    el("p", { text: why }),
    el("div", { class: "row end" }, el("button", { type: "button", class: "main", text: t("close"), on: { click: close } })),
  ]);
}
