/** The ruler: two clicks on marks of known distance, the length in mm, and what the head says of the scale. */

import { byId, el, fill, set } from "./dom.js";
import { on, tell } from "./bus.js";
import { num, said, t } from "./texts.js";
import { refreshFilm, state, unsaved } from "./state.js";

/** @param {import("./stage.js").Stage} stage @param {import("./hand.js").Hand} hand */
export function showRuler(stage, hand) {
  const says = el("p", { id: "ruler-says" });
  const length = el("input", { id: "ruler-mm", type: "text", inputmode: "decimal", size: 7, autocomplete: "off", "aria-describedby": "ruler-says" });
  const label = el("label", { for: "ruler-mm" });
  const store = el("button", { type: "submit", class: "main" });
  const leave = el("button", { type: "button", class: "plain", on: { click: () => hand.use("pan") } });
  const line = el("div", { class: "row" }, label, length, el("span", { text: "mm" }), store, leave);
  const form = el("form", { id: "ruler-form", class: "over-film", hidden: true, novalidate: true }, says, line);
  byId("stage").after(form);
  const warning = el("div", { id: "scale-warning", class: "over-film notice", role: "alert", hidden: true });
  form.after(warning);

  const draw = () => {
    const ruler = hand.tool === "ruler" ? stage.ruler : null;
    const ready = Boolean(ruler?.to);
    form.hidden = hand.tool !== "ruler";
    set(says, { text: t(!ruler ? "ruler.first" : ready ? "ruler.length" : "ruler.second", { px: ruler?.to ? num(away(ruler), 1) : "" }), class: "" });
    line.hidden = !ready;
    set(label, { text: t("ruler.known") });
    set(store, { text: t("ruler.store") });
    set(leave, { text: t("cancel") });
  };
  on("tool ruler language film", draw);
  on("ruler", () => stage.ruler?.to && queueMicrotask(() => length.focus()));

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const mm = Number(length.value.replace(",", "."));
    const { ruler } = stage;
    if (!ruler?.to) return;
    if (!(mm > 0 && mm < 1000)) {
      set(says, { text: t("ruler.wrong"), class: "warn" });
      return length.focus();
    }
    void keep({ from: ruler.from, to: ruler.to, length_mm: mm });
    length.value = "";
    hand.use("pan");
    stage.element.focus();
  });
  form.addEventListener("keydown", (event) => event.key === "Escape" && hand.use("pan"));
  on("film", () => { warning.hidden = true; });
  on("scaled", () => warn(warning, hand));
}

/** @param {{from: number[], to: number[] | null}} ruler @returns {number} px. */
const away = ({ from, to }) => (to ? Math.hypot(to[0] - from[0], to[1] - from[1]) : 0);

/** @param {{from: number[], to: number[], length_mm: number}} scale */
async function keep(scale) {
  const filmId = state.film.film_id;
  const answer = await unsaved.add(filmId, "scale", scale);
  if (!answer || state.film?.film_id !== filmId) return;
  state.film.scale = answer.scale;
  tell("say", t("ruler.stored"));
  tell("scaled");
  await refreshFilm();
  tell("predicted");
}

/** The head contradicts the length that was typed: said at once, for a slip of a digit is easy. @param {HTMLElement} place @param {import("./hand.js").Hand} hand */
function warn(place, hand) {
  const text = said(state.film.scale?.warning);
  place.hidden = !text;
  const close = (/** @type {() => void} */ then) => () => {
    place.hidden = true;
    then();
  };
  const again = el("button", { type: "button", class: "main", text: t("scale.again"), on: { click: close(() => hand.use("ruler")) } });
  const stay = el("button", { type: "button", class: "plain", text: t("scale.keep"), on: { click: close(() => byId("stage").focus()) } });
  fill(place, el("p", {}, el("b", { text: `${t("scale.doubt")} ` }), text), el("span", { class: "row" }, stay, again));
}
