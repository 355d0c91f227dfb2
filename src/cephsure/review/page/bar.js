/** Above the film: its name, what is thought of it, the way to the next. Below: where the pointer is, scale, zoom. */

import { byId, el, fill, icon, set } from "./dom.js";
import { on } from "./bus.js";
import { capital, num, said, t } from "./texts.js";
import { reasonWords } from "./reasons.js";
import { reportButton } from "./report.js";
import { setFilmState, state } from "./state.js";

const SIGNS = /** @type {const} */ ({ fit: "check", review: "diamond", unfit: "cross" });

/** @param {import("./stage.js").Stage} stage @param {import("./queue.js").Queue} queue @param {import("./hand.js").Hand} hand @param {{next: () => void, previous: () => void}} go */
export function showBar(stage, queue, hand, go) {
  const drawTop = () => fill(byId("bar"), ...top(queue, go));
  on("film points language queue predicted", drawTop);
  const under = makeUnder(hand);
  on("film zoom language points predicted window", () => under.draw(stage));
  on("pointer", (at) => under.pointer(stage, at));
  on("film points language predicted", showNothing);
  // The list of reasons lies over the tools: it goes when something else is touched.
  const foldReasons = () => byId("bar").querySelector("details[open]")?.removeAttribute("open");
  document.addEventListener("pointerdown", (event) => /** @type {Element} */ (event.target).closest("#bar details") || foldReasons());
  document.addEventListener("keydown", foldUnlessInside);
}

/** @param {KeyboardEvent} event */
function foldUnlessInside(event) {
  const list = byId("bar").querySelector("details[open]");
  const inside = list?.contains(document.activeElement);
  if (list && (event.key === "Escape" || !inside)) list.removeAttribute("open");
}

/** @param {import("./queue.js").Queue} queue @param {{next: () => void, previous: () => void}} go */
function top(queue, go) {
  const { film } = state;
  if (!film) return [];
  const verdict = film.prediction && el("span", { class: `verdict ${film.verdict}` }, icon(SIGNS[/** @type {"fit"} */ (film.verdict)]), t(`verdict.${film.verdict}`));
  const closed = film.state === "reviewed" || film.state === "referred";
  const done = closed && el("span", { class: "done" }, icon(film.state === "reviewed" ? "check" : "flag"), t(`film.${film.state}`));
  const reopen = closed && el("button", { type: "button", class: "link", text: t("film.reopen"), on: { click: () => void setFilmState("reopened") } });
  const place = el("span", { class: "quiet place", text: queue.place });
  const button = (/** @type {string} */ key, /** @type {string} */ sign, /** @type {() => void} */ does) =>
    el("button", { type: "button", class: "plain square", text: sign, "aria-label": t(key), title: t(key), on: { click: does } });
  const name = el("h1", { text: film.name, title: film.path ?? film.name });
  const why = film.prediction ? whyOf(film) : null;
  return [
    el("div", { class: "bar-line" }, name, verdict, done, reopen, el("span", { class: "spring" }), film.prediction && reportButton(), place, button("film.previous", "‹", go.previous), button("film.next", "›", go.next)),
    why,
  ];
}

/** The verdict's reasons, one below the other, folded to the first. @param {any} film */
function whyOf(film) {
  const stated = film.prediction.reasons?.length ? film.prediction.reasons : [film.why].filter(Boolean);
  const reasons = stated.map(reasonWords);
  if (!reasons.length) return el("p", { class: "why-film quiet", text: said(film.prediction.promise) });
  if (reasons.length === 1) return el("p", { class: "why-film", text: reasons[0], title: reasons[0] });
  const more = el("summary", {}, el("span", { text: reasons[0] }), el("b", { text: t("film.reasons", { n: reasons.length - 1 }) }));
  return el("details", { class: "why-film" }, more, el("ul", {}, ...reasons.map((/** @type {string} */ reason) => el("li", { text: reason }))));
}

/** @param {import("./hand.js").Hand} hand */
function makeUnder(hand) {
  const where = el("span", { class: "where" });
  const scale = el("span", { class: "scale" });
  const zoom = el("span", { class: "zoom" });
  const measure = el("button", { type: "button", class: "link", on: { click: () => hand.use("ruler") } });
  fill(byId("under"), where, el("span", { class: "spring" }), scale, measure, zoom);
  return {
    /** @param {import("./stage.js").Stage} stage */
    draw(stage) {
      const { film, grey } = state;
      const mm = film?.scale?.mm_per_px;
      const from = film?.scale ? t(`scale.${film.scale.source}`) : "";
      const words = !film || !grey ? "" : mm ? t("scale.known", { mm: num(mm[0], 3), from: from.startsWith("scale.") ? film.scale.source : from }) : t("scale.none");
      const doubt = grey ? said(film?.scale?.warning) : "";
      set(scale, { class: `scale ${(mm && !doubt) || !grey ? "" : "warn"}`, title: doubt ? `${words}; ${doubt}` : words });
      fill(scale, doubt && icon("warn"), doubt ? `${t("scale.doubt")} ${words}; ${doubt}` : words);
      set(measure, { text: mm ? t("scale.again") : t("scale.measure"), hidden: !grey });
      set(zoom, { text: grey ? `${num(stage.view.scale * devicePixelRatio * 100, 0)} %` : "" });
    },
    /** @param {import("./stage.js").Stage} stage @param {[number, number]} at film px. */
    pointer(stage, [x, y]) {
      const { grey } = state;
      const [column, row] = [Math.round(x), Math.round(y)];
      const inside = grey && column >= 0 && row >= 0 && column < grey.width && row < grey.height;
      set(where, { text: inside ? t("film.at", { x: column, y: row, grey: grey.levels[0].grey[row * grey.width + column] }) : "" });
    },
  };
}

/** What stands where no film can be drawn, or that its points are still sought. */
function showNothing() {
  const place = byId("nothing");
  const { film, grey, trouble } = state;
  const waiting = film && grey && (!film.prediction || film.predicting);
  place.hidden = Boolean(!film || (grey && !waiting));
  place.classList.toggle("small", Boolean(waiting));
  if (place.hidden) return;
  if (waiting) return fill(place, icon("clock"), el("p", { text: t(film.prediction ? "film.again" : "film.waitingLong") }));
  const words = trouble === "offline" ? t("film.offline") : said(trouble || film.unread);
  fill(place, icon("warn"), el("h2", { text: t("film.cannot") }), el("p", { text: capital(words) }), el("p", { class: "quiet", text: t("film.skip") }));
}
