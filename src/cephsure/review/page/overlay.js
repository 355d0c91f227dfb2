/** What lies over the film, as SVG: regions, tracing, heat map, members' dots, points with their names, the ruler. */

import { svg, set, byId, fill } from "./dom.js";
import { get } from "./api.js";
import { on } from "./bus.js";
import { layers } from "./layers.js";
import { points, selectedPoint, state } from "./state.js";
import { tracing } from "./tracing.js";

/** @typedef {import("./state.js").Point} Point */
/** @typedef {import("./view.js").View} View */

const NAME_AWAY = 11;

export class Overlay {
  /** @param {View} view */
  constructor(view) {
    this.view = view;
    this.film = svg("g"); // in film px
    this.marks = svg("g");
    this.above = svg("g");
    /** @type {Map<number, Marker>} */ this.markers = new Map();
    fill(byId("overlay"), this.film, this.marks, this.above);
    this.groups = Object.fromEntries(
      ["heat", "tracing", "regions", "dots", "before"].map((name) => [name, svg("g", { class: name })]),
    );
    this.film.append(...Object.values(this.groups));
    this.heat = { of: "", asked: "" };
    on("film", () => this.clear());
  }

  clear() {
    this.markers.clear();
    this.marks.replaceChildren();
    this.heat = { of: "", asked: "" };
    this.groups.heat.replaceChildren();
  }

  /** Draw all that is switched on. @param {{from: number[], to: number[] | null} | null} ruler in film px. */
  draw(ruler) {
    const list = layers.before ? points().map(asFound) : points();
    set(this.film, { transform: this.view.transform });
    this.drawMarks(list);
    this.drawRegions(list);
    this.drawTracing(list);
    this.drawDots(list);
    this.drawBefore(list);
    this.drawHeat();
    this.drawRuler(ruler);
  }

  /** @param {Point[]} list */
  drawMarks(list) {
    const boxes = [];
    for (const one of list) {
      const marker = this.markers.get(one.number) ?? this.newMarker(one);
      const shown = { ...one, x: one.x ?? one.foundX, y: one.y ?? one.foundY };
      marker.draw(shown, this.view, one.number === state.selected);
      if (shown.x !== null && shown.y !== null) boxes.push({ marker, at: this.view.toScreen(shown.x, shown.y), one });
    }
    placeNames(boxes);
  }

  /** @param {Point} one */
  newMarker(one) {
    const marker = new Marker(one);
    this.markers.set(one.number, marker);
    this.marks.append(marker.group);
    return marker;
  }

  /** @param {Point[]} list */
  drawRegions(list) {
    const regions = state.film?.regions?.[state.level] ?? {};
    const shown = list.filter((one) => (layers.regions || one.number === state.selected) && one.state === "predicted" && !one.unsaved);
    const paths = shown.filter((one) => regions[one.number]).map((one) => {
      const kind = one.number === state.selected ? "chosen" : "";
      return svg("path", { class: `region ${kind}`, d: outline(regions[one.number]), "vector-effect": "non-scaling-stroke" });
    });
    fill(this.groups.regions, ...paths);
  }

  /** @param {Point[]} list */
  drawTracing(list) {
    const paths = layers.tracing ? tracing(list) : [];
    const drawn = paths.map(({ name, d }) => svg("path", { class: `line ${name}`, d, "vector-effect": "non-scaling-stroke" }));
    fill(this.groups.tracing, ...drawn);
  }

  /** @param {Point[]} list */
  drawDots(list) {
    const radius = 1.8 / this.view.scale;
    const shown = layers.dots ? list.filter((one) => one.mark && one.state === "predicted") : [];
    const dots = shown.flatMap((one) =>
      one.mark.samples_px.map((/** @type {number[]} */ at) => svg("circle", { cx: at[0], cy: at[1], r: radius })),
    );
    fill(this.groups.dots, ...dots);
  }

  /** Where a moved point was found, and the way from there. @param {Point[]} list */
  drawBefore(list) {
    const moved = list.filter((one) => one.x !== null && one.foundX !== null && (one.x !== one.foundX || one.y !== one.foundY));
    const drawn = layers.corrections || state.held ? moved : [];
    fill(
      this.groups.before,
      ...drawn.filter((one) => layers.corrections || one.number === state.held?.number).flatMap((one) => [
        svg("path", { d: `M${one.foundX} ${one.foundY}L${one.x} ${one.y}`, "vector-effect": "non-scaling-stroke" }),
        svg("circle", { cx: one.foundX, cy: one.foundY, r: 4 / this.view.scale, "vector-effect": "non-scaling-stroke" }),
      ]),
    );
  }

  drawHeat() {
    const one = layers.heat ? selectedPoint() : undefined;
    const wanted = one?.mark ? `${state.film.film_id}/${state.film.prediction_id}/${one.number}` : "";
    if (wanted !== this.heat.of) {
      this.groups.heat.replaceChildren();
      this.heat.of = wanted;
      if (wanted) void this.fetchHeat(wanted, one?.number ?? 0);
    }
  }

  /** @param {string} wanted @param {number} number */
  async fetchHeat(wanted, number) {
    const map = await get(`/films/${state.film.film_id}/heatmap/${number}`).catch(() => null);
    if (!map || this.heat.of !== wanted) return;
    const [x, y, right, low] = map.box_px;
    const given = { href: map.png, x, y, width: right - x, height: low - y, preserveAspectRatio: "none" };
    fill(this.groups.heat, svg("image", given));
  }

  /** @param {{from: number[], to: number[] | null} | null} ruler */
  drawRuler(ruler) {
    if (!ruler) return this.above.replaceChildren();
    const from = this.view.toScreen(ruler.from[0], ruler.from[1]);
    const ends = [from, ...(ruler.to ? [this.view.toScreen(ruler.to[0], ruler.to[1])] : [])];
    const crosses = ends.map(([x, y]) => svg("path", { class: "ruler", d: `M${x - 9} ${y}h18M${x} ${y - 9}v18` }));
    const line = ends.length > 1 ? [svg("path", { class: "ruler", d: `M${ends[0]}L${ends[1]}` })] : [];
    fill(this.above, ...line, ...crosses);
  }
}

/** @param {Point} one @returns {Point} as the model found it. */
const asFound = (one) => ({ ...one, x: one.foundX, y: one.foundY, state: "predicted" });

/** One point: its mark, its name. The mark's shape says what was decided, so that no colour is needed to read it. */
class Marker {
  /** @param {Point} one */
  constructor(one) {
    this.halo = svg("path", { class: "halo" });
    this.shape = svg("path", { class: "shape" });
    this.ring = svg("path", { class: "ring" });
    this.plate = svg("rect", { class: "plate", rx: 3, height: 17 });
    this.name = svg("text", {});
    this.label = svg("g", { class: "label" }, this.plate, this.name);
    this.group = svg("g", { "data-number": one.number }, this.ring, this.halo, this.shape, this.label);
    this.width = 0;
    this.drawn = "";
  }

  /** @param {Point} one @param {View} view @param {boolean} chosen */
  draw(one, view, chosen) {
    const there = one.x !== null && one.y !== null;
    const [x, y] = there ? view.toScreen(/** @type {number} */ (one.x), /** @type {number} */ (one.y)) : [0, 0];
    const held = state.held?.number === one.number;
    const kind = `point ${one.state} ${one.toCheck ? "doubtful" : ""} ${chosen ? "chosen" : ""} ${one.unsaved ? "unsaved" : ""} ${held ? "held" : ""}`;
    set(this.group, { class: kind, transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`, display: there ? null : "none" });
    const d = held ? HELD : SHAPES[one.state !== "predicted" ? one.state : one.toCheck ? "doubtful" : "sure"];
    set(this.halo, { d });
    set(this.shape, { d });
    set(this.ring, { d: chosen && !held ? RING : "" });
    this.nameIt(one, chosen);
  }

  /** @param {Point} one @param {boolean} chosen */
  nameIt(one, chosen) {
    const shown = layers.names || chosen;
    set(this.label, { display: shown ? null : "none" });
    if (!shown || this.drawn === one.code) return;
    this.drawn = one.code;
    set(this.name, { text: one.code, x: 5, y: 13 });
    this.width = this.name.getComputedTextLength() + 10;
    set(this.plate, { width: this.width });
  }
}

/** @type {Record<string, string>} */
const SHAPES = {
  sure: "M-5 0H5M0 -5V5",
  doubtful: "M0 -6.5 6.5 0 0 6.5 -6.5 0zM-1.2 0H1.2M0 -1.2V1.2",
  accepted: "M-4.5 .2 -1.2 3.6 5 -4",
  edited: "M-5 -5H5V5H-5zM-1.2 0H1.2M0 -1.2V1.2",
  placed: "M-5 -5H5V5H-5zM-1.2 0H1.2M0 -1.2V1.2",
  missing: "M-4.5 -4.5 4.5 4.5M4.5 -4.5 -4.5 4.5",
  referred: "M-4 6V-6H5L2.5 -3 5 0H-4",
};
const HELD = "M-22 0H-6M6 0H22M0 -22V-6M0 6V22M-.8 0H.8M0 -.8V.8";
const RING = "M-12 -7V-12H-7M7 -12H12V-7M12 7V12H7M-7 12H-12V7";

/** Names beside their marks, each on the first side where it covers no other name or mark. @param {{marker: Marker, at: number[], one: Point}[]} boxes */
function placeNames(boxes) {
  /** @type {number[][]} */ const taken = boxes.map(({ at }) => [at[0] - 6, at[1] - 6, at[0] + 6, at[1] + 6]);
  const order = [...boxes].sort((a, b) => Number(b.one.number === state.selected) - Number(a.one.number === state.selected));
  for (const { marker, at } of order) {
    if (marker.label.hasAttribute("display")) continue;
    const sides = [
      [NAME_AWAY, -8], [-NAME_AWAY - marker.width, -8], [NAME_AWAY - 2, -24], [NAME_AWAY - 2, 9],
      [-NAME_AWAY - marker.width + 2, -24], [-NAME_AWAY - marker.width + 2, 9], [-marker.width / 2, 12], [-marker.width / 2, -30],
    ];
    const spots = sides.map(([x, y]) => [at[0] + x, at[1] + y, at[0] + x + marker.width, at[1] + y + 17]);
    const covers = spots.map((spot) => taken.filter((box) => overlap(spot, box)).length);
    const best = covers.indexOf(Math.min(...covers));
    taken.push(spots[best]);
    set(marker.label, { transform: `translate(${sides[best][0]} ${sides[best][1]})` });
  }
}

/** @param {number[]} a @param {number[]} b */
const overlap = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

/** @param {any} region of a prediction document. @returns {string} its outline in film px. */
export function outline(region) {
  if (region.outlines_px) return region.outlines_px.map((/** @type {number[][]} */ ring) => `M${ring.map((at) => at.join(" ")).join("L")}z`).join("");
  if (!region.half_axes_px || !region.centre_px) return "";
  const [[ax, ay], [bx, by]] = region.half_axes_px;
  const [cx, cy] = region.centre_px;
  const at = Array.from({ length: 48 }, (_, step) => {
    const turn = (step * Math.PI) / 24;
    return `${(cx + ax * Math.cos(turn) + bx * Math.sin(turn)).toFixed(2)} ${(cy + ay * Math.cos(turn) + by * Math.sin(turn)).toFixed(2)}`;
  });
  return `M${at.join("L")}z`;
}
