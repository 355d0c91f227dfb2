/** The selected landmark: what it is, what is known of it, what can be decided; and all landmarks as small buttons. */

import { byId, el, fill, icon, set } from "./dom.js";
import { on, tell } from "./bus.js";
import { headDrawing } from "./head.js";
import { capital, landmarkDefinition, landmarkName, num, said, t, textOr } from "./texts.js";
import { decidePoint, landmark, points, select, selectedPoint, selectNext, state } from "./state.js";

/** @typedef {import("./state.js").Point} Point */

const SIGNS = /** @type {const} */ ({ predicted: "diamond", accepted: "check", edited: "moved", placed: "place", missing: "cross", referred: "flag" });

/** @param {import("./hand.js").Hand} hand */
export function showCard(hand) {
  const cardParts = makeCard(hand);
  /** @type {Map<number, HTMLButtonElement>} */ const chips = new Map();
  const draw = () => {
    drawCard(cardParts, hand);
    drawChips(chips);
  };
  on("film points select tool language predicted", draw);
  on("held", () => drawFacts(cardParts));
}

/** @param {import("./hand.js").Hand} hand */
function makeCard(hand) {
  const button = (/** @type {string} */ name, /** @type {string} */ key, /** @type {() => void} */ does) =>
    el("button", { type: "button", class: "decide", "data-action": name, on: { click: does } }, el("span", {}), el("kbd", { text: key }));
  const decide = (/** @type {"accept" | "missing" | "refer"} */ action) => () => {
    const one = selectedPoint();
    if (!one) return;
    decidePoint(action, one);
    selectNext(1);
  };
  return {
    head: el("div", { class: "card-head" }),
    facts: el("div", { class: "facts" }),
    accept: button("accept", "A", decide("accept")),
    missing: button("missing", "M", decide("missing")),
    refer: button("refer", "R", decide("refer")),
    place: button("place", "P", () => hand.place(!hand.placing)),
    reset: el("button", { type: "button", class: "link", on: { click: () => { const one = selectedPoint(); if (one) decidePoint("reset", one); } } }),
    shown: "",
  };
}

/** @param {ReturnType<typeof makeCard>} parts @param {import("./hand.js").Hand} hand */
function drawCard(parts, hand) {
  const one = selectedPoint();
  const card = byId("card");
  if (!one) {
    parts.shown = "";
    return fill(card, emptyCard());
  }
  const wanted = `${one.number} ${document.documentElement.lang}`;
  if (parts.shown !== wanted || !card.contains(parts.head)) {
    parts.shown = wanted;
    describe(parts.head, one);
    const decisions = el("div", { class: "decisions" }, parts.accept, parts.place, parts.missing, parts.refer);
    fill(card, parts.head, parts.facts, decisions);
    for (const name of /** @type {const} */ (["accept", "missing", "refer", "place"])) {
      set(/** @type {Element} */ (parts[name].firstElementChild), { text: t(`decide.${name}`) });
    }
    set(parts.reset, { text: t("decide.reset") });
  }
  drawFacts(parts);
  set(parts.accept, { "aria-pressed": String(one.state === "accepted"), disabled: one.foundX === null || (one.state !== "predicted" && one.state !== "missing" && one.state !== "referred") });
  set(parts.missing, { "aria-pressed": String(one.state === "missing") });
  set(parts.refer, { "aria-pressed": String(one.state === "referred") });
  set(parts.place, { "aria-pressed": String(hand.placing) });
}

/** The lines that follow the hand. @param {ReturnType<typeof makeCard>} parts */
function drawFacts(parts) {
  const one = selectedPoint();
  if (one) fill(parts.facts, ...facts(one, parts.reset));
}

function emptyCard() {
  const text = state.film?.prediction ? t("card.none") : state.grey ? t("card.waiting") : "";
  return el("p", { class: "quiet card-empty", text });
}

/** @param {HTMLElement} head @param {Point} one */
function describe(head, one) {
  const mark = landmark(one.number);
  const words = el(
    "div",
    { class: "card-words" },
    el("h2", {}, el("span", { class: "code", text: mark.code }), landmarkName(mark)),
    el("p", { class: "definition", tabindex: 0, text: landmarkDefinition(mark) }),
  );
  const drawing = headDrawing(mark, t("card.drawing", { name: landmarkName(mark) }));
  fill(head, words, drawing);
}

/** @param {Point} one @param {HTMLElement} reset */
function facts(one, reset) {
  const changed = one.state !== "predicted";
  const from = provenanceOf(one);
  const why = changed || one.mark?.verdict === "accept" ? "" : one.mark?.why ?? "";
  return [
    el("p", { class: `provenance ${one.state}` }, icon(SIGNS[/** @type {"edited"} */ (one.state)]), el("span", { text: from, title: from })),
    el("p", { class: "error" }, el("span", { text: errorOf(one) }), el("span", { class: "spring" }), changed ? reset : null),
    el("p", { class: "why", text: textOr(`why.${why}`, capital(said(why))), title: said(why) }),
  ];
}

/** @param {Point} one */
export function provenanceOf(one) {
  const text = t(`state.${one.state}`, { who: one.who ?? state.project.who, model: state.project.model.name });
  const away = one.x !== null && one.foundX !== null && one.y !== null && one.foundY !== null ? distance(one.x - one.foundX, one.y - one.foundY) : null;
  return one.state === "edited" || one.state === "placed" || state.held ? (away ? `${text} · ${t("card.moved", { away })}` : text) : text;
}

/** @param {number} dx @param {number} dy film px. @returns {string} in mm where the scale is known. */
export function distance(dx, dy) {
  const mm = state.film?.scale?.mm_per_px;
  return mm ? `${num(Math.hypot(dx * mm[0], dy * mm[1]))} mm` : `${num(Math.hypot(dx, dy))} px`;
}

/** @param {Point} one */
function errorOf(one) {
  if (!one.mark) return t("card.noPrediction");
  if (one.mark.expected_error_mm !== null && one.mark.expected_error_mm !== undefined) {
    return t("card.expected", { mm: num(one.mark.expected_error_mm) });
  }
  if (state.film.verdict === "unfit") return t("card.unfit");
  return state.film.scale?.mm_per_px ? t("card.noPromise") : t("card.noScale");
}

/** @param {Map<number, HTMLButtonElement>} chips */
function drawChips(chips) {
  const list = points();
  const left = list.filter((one) => one.toCheck).length;
  if (chips.size !== list.length || !byId("chips").contains(chips.values().next().value ?? null)) {
    chips.clear();
    for (const one of list) {
      const chip = el("button", { type: "button", class: "chip", on: { click: () => { select(one.number); tell("reveal"); } } });
      chips.set(one.number, chip);
    }
    const title = el("h3", {}, el("span", { "data-points-title": true }), el("span", { class: "quiet", "data-points-count": true }));
    fill(byId("chips"), title, el("div", { class: "chip-list" }, ...chips.values()));
  }
  set(/** @type {Element} */ (document.querySelector("[data-points-title]")), { text: t("points.title") });
  set(/** @type {Element} */ (document.querySelector("[data-points-count]")), { text: state.film?.prediction ? t("points.left", { n: left, of: list.length }) : "" });
  byId("chips").classList.toggle("unused", !state.grey); // there is nothing to place a point on
  for (const one of list) drawChip(/** @type {HTMLButtonElement} */ (chips.get(one.number)), one);
}

/** @param {HTMLButtonElement} chip @param {Point} one */
function drawChip(chip, one) {
  const kind = `chip ${one.state} ${one.toCheck ? "doubtful" : ""} ${one.unsaved ? "unsaved" : ""}`;
  const stands = one.toCheck ? t("points.toCheck") : t(`points.${one.state}`);
  const label = `${one.code}, ${landmarkName(landmark(one.number))}: ${stands}${one.unsaved ? `, ${t("saved.unsavedWord")}` : ""}`;
  const look = `${kind} ${label}`;
  set(chip, { "aria-pressed": String(one.number === state.selected) });
  if (chip.dataset.look === look) return;
  chip.dataset.look = look;
  set(chip, { class: kind, title: label, "aria-label": label });
  const sign = one.state === "predicted" ? (one.toCheck ? "diamond" : "plus") : SIGNS[/** @type {"edited"} */ (one.state)];
  fill(chip, icon(sign), one.code);
}
