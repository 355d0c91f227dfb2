/** Two films of a patient, one upon the other: on S-N, Frankfort or stable points; what moved, and how surely. */

import { ApiError, get, getPixels } from "./api.js";
import { on } from "./bus.js";
import { byId, el, fill, set, svg } from "./dom.js";
import { FilmPainter, GreyFilm } from "./grey.js";
import { troubleWords } from "./queue.js";
import { state } from "./state.js";
import { capital, landmarkName, num, said, t } from "./texts.js";

const ON = ["sn", "frankfort", "best"];

export class Compare {
  /** @param {import("./queue.js").Queue} queue */
  constructor(queue) {
    this.queue = queue;
    this.first = 0;
    this.second = 0;
    this.on = "sn";
    /** @type {Set<string>} */ this.stable = new Set();
    /** @type {any} */ this.answer = null;
    /** @type {ApiError | null} */ this.error = null;
    /** @type {Map<number, HTMLCanvasElement>} */ this.pictures = new Map();
    this.mix = el("input", { type: "range", id: "mix", min: 0, max: 1, step: 0.01, on: { input: () => this.paint() } });
    this.mix.value = "0.5";
    this.canvas = el("canvas", { class: "both-films" });
    this.asked = 0;
    on("language", () => this.draw());
    on("stored", (filmId) => this.reload([filmId]));
    on("news", (news) => this.reload(news.films));
  }

  /** A film was changed: by a decision that was on its way when the page was opened, by somebody else, by the model. @param {number[]} films */
  reload(films) {
    if (!byId("compare").hidden && (films.includes(this.first) || films.includes(this.second))) void this.load();
  }

  async open() {
    const films = this.films;
    if (!films.some((film) => film.film_id === this.first)) this.first = state.film?.prediction ? state.film.film_id : films[0]?.film_id ?? 0;
    if (!films.some((film) => film.film_id === this.second)) this.second = films.find((film) => film.film_id !== this.first)?.film_id ?? 0;
    this.draw();
    await this.load();
  }

  get films() {
    return this.queue.films.filter((film) => film.verdict !== null);
  }

  async load() {
    if (!this.first || !this.second) return;
    const order = (this.asked += 1); // only the newest question's answer is shown
    const asked = new URLSearchParams({ first: String(this.first), second: String(this.second), on: this.on });
    if (this.on === "best" && this.stable.size) asked.set("stable", [...this.stable].join(","));
    try {
      const answer = await get(`/superimpose?${asked}`);
      if (order !== this.asked) return;
      this.answer = answer;
      this.error = null;
      this.draw();
      await Promise.all([this.picture(this.first), this.picture(this.second)]);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      if (order !== this.asked) return;
      this.answer = null;
      this.error = error;
    }
    this.draw();
  }

  /** @param {number} filmId */
  async picture(filmId) {
    if (this.pictures.has(filmId)) return;
    const grey = new GreyFilm(await getPixels(filmId));
    const painter = new FilmPainter(grey);
    painter.useWindow({ ...grey.preset("auto"), invert: false });
    const level = grey.level(grey.levelFor(1000 / Math.max(grey.width, grey.height)), false);
    painter.paint(level, [0, 0, level.width, level.height]);
    this.pictures.set(filmId, painter.canvas);
  }

  draw() {
    if (byId("compare").hidden) return;
    const intro = el("p", { class: "quiet", text: t("compare.intro") });
    if (this.films.length < 2) return fill(byId("compare"), el("h1", { text: t("compare.title") }), el("p", { class: "quiet", text: t("compare.few") }));
    const trouble = this.error ? el("p", { class: "warn", role: "alert", text: this.error.status === 404 ? t("compare.absent") : troubleWords(this.error) }) : null;
    const content = this.answer ? el("div", { class: "compare-both" }, this.overlay(), this.table()) : null;
    const before = document.activeElement?.id;
    fill(byId("compare"), el("h1", { text: t("compare.title") }), intro, this.controls(), trouble, content);
    if (before) document.getElementById(before)?.focus();
    if (this.answer) this.paint();
  }

  controls() {
    const film = (/** @type {"first" | "second"} */ which) => {
      const select = el("select", { id: `compare-${which}`, on: { change: () => { this[which] = Number(select.value); void this.load(); } } });
      fill(select, ...this.films.map((one) => el("option", { value: one.film_id, text: one.name })));
      select.value = String(this[which]);
      return el("span", { class: `pick ${which}` }, el("label", { for: select.id, text: t(`compare.${which}`) }), select);
    };
    const way = el("select", { id: "compare-on", on: { change: () => { this.on = way.value; void this.load(); } } });
    fill(way, ...ON.map((name) => el("option", { value: name, text: t(`compare.on.${name}`) })));
    way.value = this.on;
    const swap = el("button", { type: "button", class: "plain", text: t("compare.swap"), on: { click: () => { [this.first, this.second] = [this.second, this.first]; void this.load(); } } });
    const stable = this.on === "best" ? this.stablePoints() : null;
    return el("div", { class: "compare-controls" }, film("first"), film("second"), swap, el("span", { class: "pick" }, el("label", { for: "compare-on", text: t("compare.on") }), way), stable);
  }

  stablePoints() {
    const boxes = state.project.landmarks.map((/** @type {any} */ mark) => {
      const box = el("input", { type: "checkbox", on: { change: () => { this.stable[box.checked ? "add" : "delete"](mark.code); void this.load(); } } });
      box.checked = this.stable.has(mark.code);
      return el("label", { class: "switch", title: landmarkName(mark) }, box, el("span", { text: mark.code }));
    });
    return el("fieldset", { class: "stable" }, el("legend", { text: t("compare.stable") }), ...boxes);
  }

  overlay() {
    const { first, points } = this.answer;
    const unit = Math.max(first.width_px, first.height_px) / 1000;
    const marks = points.filter((/** @type {any} */ one) => one.first && one.second).flatMap((/** @type {any} */ one) => [
      svg("path", { class: one.moved ? "way moved" : "way", d: `M${one.first}L${one.second}`, "stroke-width": 2.2 * unit }),
      svg("circle", { class: "t1", cx: one.first[0], cy: one.first[1], r: 4.5 * unit, "stroke-width": 2 * unit }),
      svg("rect", { class: "t2", x: one.second[0] - 3.5 * unit, y: one.second[1] - 3.5 * unit, width: 7 * unit, height: 7 * unit }),
      svg("text", { x: one.second[0] + 10 * unit, y: one.second[1] + 5 * unit, "font-size": 17 * unit, text: one.code }),
    ]);
    const over = svg("svg", { viewBox: `0 0 ${first.width_px} ${first.height_px}`, role: "img", "aria-label": t("compare.picture") }, ...marks);
    const mix = el("div", { class: "row mix" }, el("span", { class: "t1-key", text: "T1" }), el("label", { class: "unseen", for: "mix", text: t("compare.mix") }), this.mix, el("span", { class: "t2-key", text: "T2" }));
    return el("div", { class: "compare-film" }, el("div", { class: "film-box" }, this.canvas, over), mix);
  }

  paint() {
    const { first, second, matrix } = this.answer; // not as chosen: another pair may be on its way
    const scale = 1000 / Math.max(first.width_px, first.height_px);
    Object.assign(this.canvas, { width: Math.round(first.width_px * scale), height: Math.round(first.height_px * scale) });
    const context = /** @type {CanvasRenderingContext2D} */ (this.canvas.getContext("2d", { alpha: false }));
    const mix = Number(this.mix.value);
    const [a, b] = [this.pictures.get(first.film_id), this.pictures.get(second.film_id)];
    context.globalAlpha = 1 - mix;
    if (a) context.drawImage(a, 0, 0, this.canvas.width, this.canvas.height);
    if (!b) return;
    context.globalAlpha = mix;
    context.globalCompositeOperation = "lighter";
    const [[m11, m12, m13], [m21, m22, m23]] = matrix;
    context.setTransform(m11 * scale, m21 * scale, m12 * scale, m22 * scale, m13 * scale, m23 * scale);
    context.drawImage(b, 0, 0, second.width_px, second.height_px);
  }

  table() {
    const { points, mm, words } = this.answer;
    const way = (/** @type {any} */ one) => one.distance_mm ?? one.distance_percent ?? null;
    const unit = mm ? "mm" : points.some((/** @type {any} */ one) => one.distance_mm !== null) ? "px" : "%"; // of the reference's length
    const head = ["compare.point", "compare.distance", "compare.interval", "compare.forward", "compare.up"].map((key) => el("th", { scope: "col", text: t(key, { unit }) }));
    const sorted = [...points].sort((a, b) => Number(b.moved === true) - Number(a.moved === true) || (way(b) ?? 0) - (way(a) ?? 0));
    const rows = sorted.map((one) => el(
      "tr",
      { class: one.moved ? "moved" : "" },
      el("th", { scope: "row" }, el("span", { class: "code", text: one.code }), el("span", { class: "name", text: landmarkName(one) })),
      el("td", { text: num(way(one)) }),
      el("td", { class: "interval", text: one.interval_mm ? `${num(one.interval_mm[0])} … ${num(one.interval_mm[1])}` : "–" }),
      el("td", { text: num(one.forward_mm) }),
      el("td", { text: num(one.up_mm) }),
    ));
    const table = el("table", {}, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
    return el("div", { class: "compare-table", tabindex: "0", role: "region", "aria-label": t("compare.table") }, el("p", { class: "quiet", text: capital(said(words)) }), el("p", { class: "quiet", text: t("compare.moved") }), table);
  }
}
