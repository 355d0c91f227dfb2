/** The keyboard. One letter each, as the help shows them; silent while something is typed or a dialog is open. */

import { byId } from "./dom.js";
import { tell, on } from "./bus.js";
import { inside } from "./hand.js";
import { layers, switchLayer } from "./layers.js";
import { decidePoint, putPoint, select, selectedPoint, selectNext, state, toCheck, undoOrRedo } from "./state.js";

const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const ALWAYS = new Set(["n", "?"]); // even where no film can be drawn
const LETTERLESS = new Set(["Escape"]); // also where single keys are switched off
const SETTLES_MS = 500; // after the last arrow key the place is stored

/** @param {import("./stage.js").Stage} stage @param {import("./hand.js").Hand} hand @param {{next: () => void, previous: () => void, finish: () => void}} go */
export function listenToKeys(stage, hand, go) {
  let settles = 0;
  const settle = () => {
    clearTimeout(settles);
    const { held } = state;
    if (!held || hand.grip?.kind === "point") return;
    state.held = null;
    putPoint(held.number, held.x, held.y);
  };
  on("flush", settle);
  addEventListener("blur", settle);
  document.addEventListener("visibilitychange", settle);

  /** @param {number[]} way @param {number} step film px. */
  const nudge = (way, step) => {
    const one = selectedPoint();
    const [x, y] = [one?.x ?? one?.foundX, one?.y ?? one?.foundY];
    if (!one || x == null || y == null) return;
    state.held = { number: one.number, ...inside(x + way[0] * step, y + way[1] * step) };
    tell("held");
    stage.reveal();
    clearTimeout(settles);
    settles = window.setTimeout(settle, SETTLES_MS);
  };

  /** @param {"accept" | "missing" | "refer"} action */
  const decideAndGoOn = (action) => {
    const one = selectedPoint();
    if (!one) return selectNext(1);
    decidePoint(action, one);
    selectNext(1);
  };

  const middle = () => /** @type {[number, number]} */ ([stage.view.width / 2, stage.view.height / 2]);
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const does = {
    a: () => decideAndGoOn("accept"),
    r: () => decideAndGoOn("refer"),
    m: () => decideAndGoOn("missing"),
    p: () => hand.place(!hand.placing),
    z: (event) => undoOrRedo(event.shiftKey ? "redo" : "undo"),
    y: () => undoOrRedo("redo"),
    n: (event) => (event.shiftKey ? go.previous() : go.next()),
    f: () => stage.move((view) => view.fit()),
    1: () => stage.move((view) => view.exact(1 / devicePixelRatio)),
    "+": () => stage.move((view) => view.zoom(1.25, ...middle())),
    "=": () => stage.move((view) => view.zoom(1.25, ...middle())),
    "-": () => stage.move((view) => view.zoom(0.8, ...middle())),
    i: () => switchLayer("invert"),
    s: () => switchLayer("sharpen"),
    w: () => hand.use(hand.tool === "window" ? "pan" : "window"),
    l: () => hand.use(hand.tool === "ruler" ? "pan" : "ruler"),
    h: () => switchLayer("heat"),
    t: () => switchLayer("tracing"),
    b: () => layers.before || switchLayer("before", true),
    "?": () => tell("help"),
    Escape: () => (hand.placing ? hand.place(false) : hand.tool !== "pan" ? hand.use("pan") : select(null)),
  };

  addEventListener("keydown", (event) => {
    if (!listens(event)) return;
    const way = WAYS[/** @type {"ArrowUp"} */ (event.key)];
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (key === "Escape" && document.querySelector(":popover-open")) return; // it closes that, and nothing else
    const undo = (event.ctrlKey || event.metaKey) && (key === "z" || key === "y");
    if ((event.ctrlKey || event.metaKey || event.altKey) && !undo) return;
    if (way && state.selected !== null && onFilm(event)) nudge(way, event.shiftKey ? 0.1 : 1);
    else if (key === "Tab" && onFilm(event) && toCheck().length) selectNext(event.shiftKey ? -1 : 1);
    else if (key === "F6") goAround(event.shiftKey ? -1 : 1);
    else if (key === "Enter" && onFilm(event)) go.finish();
    else if (does[key] && (undo || LETTERLESS.has(key) || (layers.keys && (state.grey || ALWAYS.has(key))))) does[key](event);
    else return;
    event.preventDefault();
  });
  addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "b") switchLayer("before", false);
  });
  addEventListener("blur", () => switchLayer("before", false));
}

/** @param {KeyboardEvent} event */
function listens(event) {
  const target = /** @type {HTMLElement} */ (event.target);
  const typing = target.closest("input:not([type=checkbox]):not([type=radio]), select, textarea");
  return !event.defaultPrevented && !typing && !document.querySelector("dialog[open]") && document.body.dataset.view === "review";
}

/** Tab, Enter and arrows keep their usual meaning on buttons and lists. @param {KeyboardEvent} event */
const onFilm = (event) => /** @type {HTMLElement} */ (event.target).id === "stage";

/** To the next part of the page: films, film, points. No key of the film holds anybody there. @param {number} step */
function goAround(step) {
  const parts = ["queue", "stage", "panel"].map((id) => byId(id)).filter((part) => part.offsetParent !== null);
  const at = parts.findIndex((part) => part.contains(document.activeElement));
  parts[(at + step + parts.length) % parts.length].focus();
}
