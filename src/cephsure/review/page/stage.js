/** The film's window: one frame loop that draws film, loupe and overlay, each only when something changed. */

import { byId } from "./dom.js";
import { on, tell } from "./bus.js";
import { FilmPainter } from "./grey.js";
import { layers } from "./layers.js";
import { Overlay } from "./overlay.js";
import { selectedPoint, state } from "./state.js";
import { View } from "./view.js";

const LOUPE_ZOOM = 4; // CSS px a film px, at least
const EXACT_FROM = 3; // from so many screen px a film px on, pixels are shown as squares

export class Stage {
  constructor() {
    this.view = new View();
    this.overlay = new Overlay(this.view);
    this.element = byId("stage");
    this.canvas = /** @type {HTMLCanvasElement} */ (byId("film"));
    this.context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }));
    this.loupe = /** @type {HTMLCanvasElement} */ (byId("loupe"));
    this.window = { low: 0, high: 255, invert: layers.invert };
    /** @type {FilmPainter | null} */ this.painter = null;
    /** @type {FilmPainter | null} */ this.loupePainter = null;
    /** @type {{from: number[], to: number[] | null} | null} */ this.ruler = null;
    this.preset = "auto";
    this.due = { film: false, overlay: false };
    this.asked = 0;
    this.frames = /** @type {number[]} */ ([]); // how long the last frames' work took, ms
    new ResizeObserver(() => this.resized()).observe(this.element);
    on("film", () => this.openFilm());
    on("points select view held", () => this.redraw("overlay"));
    on("layers", () => this.relayered());
    on("reveal", () => this.reveal());
  }

  resized() {
    const { clientWidth: width, clientHeight: height } = this.element;
    const dense = devicePixelRatio;
    this.view.resize(width, height);
    this.canvas.width = Math.round(width * dense);
    this.canvas.height = Math.round(height * dense);
    this.draw(); // at once: a canvas that was resized is empty
    tell("zoom");
  }

  openFilm() {
    const { grey, film } = state;
    this.painter = grey && new FilmPainter(grey);
    this.loupePainter = grey && new FilmPainter(grey);
    this.ruler = null;
    if (grey) {
      const mm = film.scale?.mm_per_px;
      this.view.setFilm(grey.width, grey.height, mm ? mm[1] / mm[0] : 1);
      this.usePreset(this.preset === "own" ? "auto" : this.preset);
    }
    this.draw();
    tell("zoom");
  }

  /** @param {string} preset */
  usePreset(preset) {
    this.preset = preset;
    if (state.grey) Object.assign(this.window, state.grey.preset(preset));
    this.redraw("film");
    tell("window");
  }

  /** @param {number} low @param {number} high grey values shown black and white. */
  setWindow(low, high) {
    this.preset = "own";
    Object.assign(this.window, { low, high: Math.max(high, low + 1) });
    this.redraw("film");
    tell("window");
  }

  relayered() {
    this.window.invert = layers.invert;
    this.redraw("film");
  }

  /** @param {(view: View) => void} change */
  move(change) {
    change(this.view);
    this.redraw("film");
    tell("zoom");
  }

  /** Bring the selected point into sight, if it is not. */
  reveal() {
    const one = selectedPoint();
    const [x, y] = [one?.x ?? one?.foundX, one?.y ?? one?.foundY];
    if (x == null || y == null || this.view.sees(x, y)) return;
    this.move((view) => view.centreOn(x, y));
  }

  /** @param {"film" | "overlay"} what */
  redraw(what) {
    this.due[what] = true;
    this.due.overlay = true;
    this.asked ||= requestAnimationFrame(() => this.draw(this.due));
  }

  draw(due = { film: true, overlay: true }) {
    const began = performance.now();
    cancelAnimationFrame(this.asked);
    this.asked = 0;
    if (due.film) this.drawFilm();
    this.overlay.draw(this.ruler);
    this.drawLoupe();
    this.due = { film: false, overlay: false };
    this.frames.push(performance.now() - began);
    if (this.frames.length > 240) this.frames.shift();
  }

  drawFilm() {
    const { context, canvas, view } = this;
    const dense = devicePixelRatio;
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!this.painter) return;
    this.painter.useWindow(this.window);
    const at = { x: view.x * dense, y: view.y * dense, scaleX: view.scale * dense, scaleY: view.scaleY * dense };
    this.painter.draw(context, at, { sharpen: layers.sharpen, smooth: at.scaleX < EXACT_FROM });
  }

  /** While a point is held: what lies about it, enlarged, in the corner that it is not in. */
  drawLoupe() {
    const { held } = state;
    const shown = held !== null && this.loupePainter !== null;
    this.loupe.hidden = !shown;
    if (!held || !this.loupePainter) return;
    const dense = devicePixelRatio;
    const side = this.loupe.clientWidth * dense;
    if (this.loupe.width !== side) [this.loupe.width, this.loupe.height] = [side, side];
    const [atX] = this.view.toScreen(held.x, held.y);
    this.loupe.classList.toggle("left", atX > this.view.width / 2);
    const scaleX = Math.max(LOUPE_ZOOM, 2 * this.view.scale) * dense;
    const scaleY = scaleX * this.view.ratio;
    const context = /** @type {CanvasRenderingContext2D} */ (this.loupe.getContext("2d", { alpha: false }));
    context.fillStyle = "#000";
    context.fillRect(0, 0, side, side);
    this.loupePainter.useWindow(this.window);
    const at = { x: side / 2 - (held.x + 0.5) * scaleX, y: side / 2 - (held.y + 0.5) * scaleY, scaleX, scaleY };
    drawPart(this.loupePainter, context, at, side);
    crosshair(context, side);
  }
}

/** Of a large film only the loupe's part is drawn. @param {FilmPainter} painter @param {CanvasRenderingContext2D} context
 * @param {{x: number, y: number, scaleX: number, scaleY: number}} at @param {number} side */
function drawPart(painter, context, at, side) {
  const { width, height } = painter.film;
  const box = [
    Math.max(0, Math.floor(-at.x / at.scaleX)),
    Math.max(0, Math.floor(-at.y / at.scaleY)),
    Math.min(width, Math.ceil((side - at.x) / at.scaleX)),
    Math.min(height, Math.ceil((side - at.y) / at.scaleY)),
  ];
  if (box[2] <= box[0] || box[3] <= box[1]) return;
  painter.paint(painter.film.level(0, layers.sharpen), box);
  const [wide, high] = [box[2] - box[0], box[3] - box[1]];
  context.imageSmoothingEnabled = at.scaleX < 8;
  context.drawImage(painter.canvas, 0, 0, wide, high, at.x + box[0] * at.scaleX, at.y + box[1] * at.scaleY, wide * at.scaleX, high * at.scaleY);
}

/** @param {CanvasRenderingContext2D} context @param {number} side */
function crosshair(context, side) {
  const middle = side / 2;
  const gap = side / 24;
  for (const [width, colour] of /** @type {[number, string][]} */ ([[3, "rgb(0 0 0 / .6)"], [1.2, "#ffc24b"]])) {
    context.lineWidth = (width * side) / 168;
    context.strokeStyle = colour;
    context.beginPath();
    for (const [x, y] of [[-1, 0], [1, 0], [0, -1], [0, 1]]) {
      context.moveTo(middle + x * gap, middle + y * gap);
      context.lineTo(middle + x * side * 0.32, middle + y * side * 0.32);
    }
    context.stroke();
  }
}
