/** The one large button: it always says what comes next on this film. */

import { byId, el, fill, set } from "./dom.js";
import { on } from "./bus.js";
import { decide, points, selectNext, setFilmState, state, toCheck } from "./state.js";
import { t } from "./texts.js";
import { openFilm } from "./state.js";

/** @param {import("./queue.js").Queue} queue */
export function showFinish(queue) {
  const words = el("span", {});
  const key = el("kbd", { "aria-hidden": "true" });
  const main = el("button", { type: "button", class: "main wide", on: { click: () => act() } }, words, key);
  const rest = el("button", { type: "button", class: "plain", on: { click: () => acceptRest() } });
  const refer = el("button", { type: "button", class: "plain", on: { click: () => close("referred") } });
  fill(byId("finish"), main, el("div", { class: "row" }, rest, refer));

  const kind = () => {
    if (!state.film?.prediction) return "next";
    if (state.film.state === "reviewed" || state.film.state === "referred") return "next";
    return toCheck().length ? "check" : "finish";
  };
  const draw = () => {
    const now = kind();
    const open = toCheck().length;
    set(words, { text: t(`finish.${now}`, { n: open }) });
    set(key, { text: now === "check" ? "Tab" : "Enter" });
    set(main, { hidden: !state.film, title: t(`finish.${now}.title`) });
    set(rest, { text: t("finish.rest", { n: open }), hidden: now !== "check" || state.film.verdict === "unfit" });
    set(refer, { text: t("finish.refer"), hidden: now === "next" });
  };
  on("film points language queue predicted", draw);

  const acceptRest = () => {
    const open = points().filter((one) => one.state === "predicted" && one.foundX !== null);
    decide(open.map((one) => ({ number: one.number, action: "accept", x: /** @type {number} */ (one.foundX), y: /** @type {number} */ (one.foundY) })));
  };
  const close = (/** @type {"reviewed" | "referred"} */ wanted) => {
    if (wanted === "reviewed") acceptRest(); // sure points that nobody touched are accepted with the film
    const next = queue.nextOpen();
    void setFilmState(wanted);
    if (next) void openFilm(next.film_id);
  };
  const act = () => {
    const now = kind();
    if (now === "check") {
      selectNext(1);
      byId("stage").focus();
    } else if (now === "finish") {
      close("reviewed");
    } else {
      const next = queue.nextOpen();
      if (next) void openFilm(next.film_id);
    }
  };
  return act;
}
