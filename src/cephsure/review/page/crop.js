/** A small piece of the film about some places, with a mark at each: for conflicts and for the profile card. */

import { el, svg } from "./dom.js";
import { FilmPainter } from "./grey.js";

/** @typedef {{x: number, y: number, kind: string, label: string}} Spot */

/**
 * @param {import("./grey.js").GreyFilm} grey
 * @param {Spot[]} spots in film px.
 * @param {{side: number, label: string, least?: number}} look its side in CSS px; the least part of the film shown, film px.
 * @returns {HTMLElement}
 */
export function crop(grey, spots, { side, label, least = 120 }) {
  const xs = spots.map((spot) => spot.x);
  const ys = spots.map((spot) => spot.y);
  const middle = [(Math.min(...xs) + Math.max(...xs)) / 2, (Math.min(...ys) + Math.max(...ys)) / 2];
  const span = Math.max(least, 3 * (Math.max(...xs) - Math.min(...xs)), 3 * (Math.max(...ys) - Math.min(...ys)));
  const scale = side / span;
  const dense = devicePixelRatio;
  const canvas = el("canvas", { width: side * dense, height: side * dense });
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
  const painter = new FilmPainter(grey);
  painter.useWindow({ ...windowOf(grey, middle, span), invert: false });
  const at = { x: (side / 2 - (middle[0] + 0.5) * scale) * dense, y: (side / 2 - (middle[1] + 0.5) * scale) * dense, scaleX: scale * dense, scaleY: scale * dense };
  painter.draw(context, at, { sharpen: false, smooth: scale < 3 });
  const marks = spots.map((spot, index) => {
    const [x, y] = [side / 2 + (spot.x - middle[0]) * scale, side / 2 + (spot.y - middle[1]) * scale];
    const right = spots.length > 1 && spot.x < spots[1 - index].x ? -1 : spots.length > 1 && spot.x === spots[1 - index].x && index ? -1 : 1;
    const badge = [x + right * 26, y - 22];
    return svg(
      "g",
      { class: `spot ${spot.kind}` },
      svg("path", { class: "leader", d: `M${x} ${y}L${badge}` }),
      svg("path", { class: "halo", d: `M${x - 7} ${y}h14M${x} ${y - 7}v14` }),
      svg("path", { class: "cross", d: `M${x - 7} ${y}h14M${x} ${y - 7}v14` }),
      svg("circle", { cx: badge[0], cy: badge[1], r: 11 }),
      svg("text", { x: badge[0], y: badge[1] + 4.5, text: spot.label }),
    );
  });
  const over = svg("svg", { viewBox: `0 0 ${side} ${side}`, role: "img", "aria-label": label }, ...marks);
  return el("div", { class: "crop" }, canvas, over);
}

/** The grey range of what is shown: a bright or a dark place alone is then told apart too. @param {import("./grey.js").GreyFilm} film @param {number[]} middle @param {number} span */
function windowOf(film, middle, span) {
  const { width, height, grey } = film.levels[0];
  const step = Math.max(1, Math.round(span / 100));
  const [left, top] = [Math.max(0, Math.round(middle[0] - span / 2)), Math.max(0, Math.round(middle[1] - span / 2))];
  const values = [];
  for (let y = top; y < Math.min(height, top + span); y += step) {
    for (let x = left; x < Math.min(width, left + span); x += step) values.push(grey[y * width + x]);
  }
  values.sort((a, b) => a - b);
  const low = values[Math.floor(0.01 * (values.length - 1))];
  return { low, high: Math.max(low + 1, values[Math.floor(0.995 * (values.length - 1))]) };
}
