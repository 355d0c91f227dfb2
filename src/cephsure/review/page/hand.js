/** Mouse, pen and fingers on the film: drag a point, pan, window, zoom, measure. */

import { tell, on } from "./bus.js";
import { points, putPoint, select, state } from "./state.js";

/** @typedef {import("./stage.js").Stage} Stage */
/**
 * What is held since the press at (x, y), CSS px: last where it was at the last move, point where the held point lies now.
 * @typedef {{kind: "point" | "pan" | "window" | "pinch", x: number, y: number, moved: boolean, last: number[], point: number[], low: number, high: number}} Grip
 */

const REACH = { mouse: 12, pen: 16, touch: 26 }; // CSS px from a point at which it is taken
const STILL = 3; // CSS px that a click may stray

export class Hand {
  /** @param {Stage} stage */
  constructor(stage) {
    this.stage = stage;
    this.tool = "pan"; // or window, ruler
    this.placing = false; // the next click puts the selected point
    /** @type {Grip | null} */ this.grip = null;
    /** @type {Map<number, {x: number, y: number}>} */ this.down = new Map();
    this.spread = 0;
    const element = /** @type {HTMLElement} */ (stage.element);
    element.addEventListener("pointerdown", (event) => this.press(event));
    element.addEventListener("pointermove", (event) => this.drag(event));
    element.addEventListener("pointerup", (event) => this.release(event));
    element.addEventListener("pointercancel", (event) => this.release(event, true));
    element.addEventListener("contextmenu", (event) => event.preventDefault());
    element.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    on("film", () => {
      this.grip = null; // what was held belongs to the film before
      this.use("pan");
    });
    on("select", () => this.place(false));
  }

  /** @param {string} tool */
  use(tool) {
    this.tool = tool;
    if (tool !== "ruler") this.stage.ruler = null;
    this.stage.element.dataset.tool = tool;
    this.stage.redraw("overlay");
    tell("tool");
  }

  /** @param {boolean} wanted */
  place(wanted) {
    this.placing = wanted && state.selected !== null;
    this.stage.element.toggleAttribute("data-placing", this.placing);
    tell("tool");
  }

  /** @param {{clientX: number, clientY: number}} event @returns {[number, number]} CSS px of the window. */
  at(event) {
    const box = this.stage.element.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  /** @param {PointerEvent} event */
  press(event) {
    if (!state.grey) return;
    const [x, y] = this.at(event);
    this.stage.element.setPointerCapture(event.pointerId);
    this.down.set(event.pointerId, { x, y });
    if (this.down.size === 2) return this.pinch();
    if (this.down.size > 2) return;
    this.grip = this.gripFor(event, x, y);
    event.preventDefault();
    this.stage.element.focus({ preventScroll: true });
  }

  /** @param {PointerEvent} event @param {number} x @param {number} y @returns {Grip} */
  gripFor(event, x, y) {
    const { low, high } = this.stage.window;
    /** @type {Grip} */ const grip = { kind: "pan", x, y, moved: false, last: [x, y], point: [x, y], low, high };
    const free = this.tool !== "ruler" && !this.placing && event.button === 0;
    const near = free ? this.nearest(x, y, REACH[/** @type {"mouse"} */ (event.pointerType)] ?? 12) : null;
    if (near) {
      select(near.number);
      return { ...grip, kind: "point", point: this.stage.view.toScreen(near.x ?? near.foundX, near.y ?? near.foundY) };
    }
    const windows = event.button === 2 || (free && this.tool === "window");
    return { ...grip, kind: windows ? "window" : "pan" };
  }

  /** @param {number} x @param {number} y @param {number} reach @returns {any} the point there; the selected one rather than another. */
  nearest(x, y, reach) {
    let [best, away] = [/** @type {any} */ (null), reach];
    for (const one of points()) {
      const [px, py] = [one.x ?? one.foundX, one.y ?? one.foundY];
      if (px === null || py === null) continue;
      const [atX, atY] = this.stage.view.toScreen(px, py);
      const distance = Math.hypot(atX - x, atY - y) - (one.number === state.selected ? 4 : 0);
      if (distance < away) [best, away] = [one, distance];
    }
    return best;
  }

  pinch() {
    const [a, b] = [...this.down.values()];
    if (this.grip?.kind === "point") this.letGo();
    const middle = [(a.x + b.x) / 2, (a.y + b.y) / 2];
    this.grip = { kind: "pinch", x: middle[0], y: middle[1], moved: true, last: middle, point: middle, low: 0, high: 0 };
    this.spread = Math.hypot(a.x - b.x, a.y - b.y);
  }

  /** @param {PointerEvent} event */
  drag(event) {
    if (!this.down.has(event.pointerId)) return this.hover(event);
    const [x, y] = this.at(event);
    this.down.set(event.pointerId, { x, y });
    const { grip } = this;
    if (!grip) return;
    if (grip.kind === "pinch") return this.dragPinch(grip);
    if (!grip.moved && Math.hypot(x - grip.x, y - grip.y) < STILL) return;
    grip.moved = true;
    if (grip.kind === "point") this.dragPoint(grip, x, y, event.shiftKey);
    else if (grip.kind === "window") this.dragWindow(grip, x, y);
    else this.stage.move((view) => view.pan(x - grip.last[0], y - grip.last[1]));
    grip.last = [x, y];
  }

  /** @param {Grip} grip */
  dragPinch(grip) {
    if (this.down.size < 2) return;
    const [a, b] = [...this.down.values()];
    const [x, y, spread] = [(a.x + b.x) / 2, (a.y + b.y) / 2, Math.hypot(a.x - b.x, a.y - b.y)];
    this.stage.move((view) => {
      view.pan(x - grip.last[0], y - grip.last[1]);
      view.zoom(spread / Math.max(this.spread, 1), x, y);
    });
    grip.last = [x, y];
    this.spread = spread;
  }

  /** @param {Grip} grip @param {number} x @param {number} y @param {boolean} fine a tenth of the way. */
  dragPoint(grip, x, y, fine) {
    const by = fine ? 0.1 : 1;
    grip.point = [grip.point[0] + by * (x - grip.last[0]), grip.point[1] + by * (y - grip.last[1])];
    const at = inside(...this.stage.view.toFilm(grip.point[0], grip.point[1]));
    state.held = { number: /** @type {number} */ (state.selected), ...at };
    tell("held");
  }

  /** Right: brighter range wider; down: darker. @param {Grip} grip @param {number} x @param {number} y */
  dragWindow(grip, x, y) {
    const { grey } = state;
    if (!grey) return;
    const range = grey.highest - grey.lowest;
    const { low, high } = grip;
    const width = Math.max((high - low) * Math.exp((x - grip.x) / 250), range / 200);
    const centre = (low + high) / 2 + ((y - grip.y) / 500) * range;
    this.stage.setWindow(centre - width / 2, centre + width / 2);
  }

  /** @param {PointerEvent} event @param {boolean} [cancelled] */
  release(event, cancelled = false) {
    if (!this.down.delete(event.pointerId)) return;
    const { grip } = this;
    if (this.down.size) return;
    this.grip = null;
    if (!grip || cancelled) return this.letGo();
    if (grip.kind === "point") {
      const { held } = state;
      this.letGo();
      if (grip.moved && held) putPoint(held.number, held.x, held.y);
    } else if (!grip.moved && event.button === 0) {
      this.click(grip.x, grip.y);
    }
  }

  letGo() {
    state.held = null;
    tell("points");
  }

  /** @param {number} x @param {number} y */
  click(x, y) {
    const at = inside(...this.stage.view.toFilm(x, y));
    if (this.placing && state.selected !== null) {
      this.place(false);
      putPoint(state.selected, at.x, at.y);
    } else if (this.tool === "ruler") {
      const { ruler } = this.stage;
      this.stage.ruler = ruler && !ruler.to ? { from: ruler.from, to: [at.x, at.y] } : { from: [at.x, at.y], to: null };
      this.stage.redraw("overlay");
      tell("ruler");
    } else {
      select(null);
    }
  }

  /** @param {PointerEvent} event */
  hover(event) {
    if (event.pointerType !== "mouse" || !state.grey) return;
    const [x, y] = this.at(event);
    const near = this.tool !== "ruler" && !this.placing && this.nearest(x, y, REACH.mouse);
    this.stage.element.toggleAttribute("data-near", Boolean(near));
    if (this.stage.ruler && !this.stage.ruler.to) tell("ruler-to", this.stage.view.toFilm(x, y));
    tell("pointer", this.stage.view.toFilm(x, y));
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    if (!state.grey) return;
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 33 : 1;
    const [x, y] = this.at(event);
    const by = Math.exp(-Math.max(-120, Math.min(120, event.deltaY * lines)) / (event.ctrlKey ? 120 : 420));
    this.stage.move((view) => view.zoom(by, x, y));
  }
}

/** @param {number} x @param {number} y @returns {{x: number, y: number}} the place, held inside the film. */
export function inside(x, y) {
  const { grey } = state;
  const [width, height] = grey ? [grey.width, grey.height] : [1, 1];
  return { x: Math.min(Math.max(x, 0), width - 1), y: Math.min(Math.max(y, 0), height - 1) };
}
