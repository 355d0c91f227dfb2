/** The measurements of the chosen analysis; they follow the hand: one question at a time, the newest place wins. */

import { ApiError, post } from "./api.js";
import { byId, el, fill, set } from "./dom.js";
import { on } from "./bus.js";
import { num, said, t, textOr } from "./texts.js";
import { points, state } from "./state.js";

const UNITS = { deg: "°", mm: " mm", ratio: "", percent: " %" };
const KEPT = "cephsure-analysis";

export class Measures {
  constructor() {
    this.asking = false;
    this.due = false;
    this.asked = "";
    /** @type {any[]} */ this.rows = [];
    this.of = "";
    /** @type {any[]} */ this.order = [];
    this.trouble = "";
    this.took = /** @type {number[]} */ ([]);
    this.choice = el("select", { id: "analysis", on: { change: () => this.choose(this.choice.value) } });
    this.title = el("h3", {}, el("label", { for: "analysis" }), this.choice);
    this.body = el("tbody", {});
    this.head = el("thead", {});
    this.note = el("p", { class: "quiet" });
    const table = el("table", {}, this.head, this.body);
    const place = el("div", { class: "scrolls", tabindex: "0", role: "region", "data-label": "measures.title" }, table, this.note);
    fill(byId("measures"), this.title, place);
    on("film predicted", () => this.restart());
    on("points held", () => this.ask());
    on("language", () => this.draw());
  }

  /** @param {any} project */
  start(project) {
    let kept = null;
    try {
      kept = localStorage.getItem(KEPT);
    } catch {
      // storage is switched off
    }
    const names = project.analyses.map((/** @type {any} */ one) => one.name);
    this.analysis = names.includes(kept) ? kept : project.analysis;
    this.draw();
  }

  /** @param {string} analysis */
  choose(analysis) {
    this.analysis = analysis;
    try {
      localStorage.setItem(KEPT, analysis);
    } catch {
      // storage is switched off
    }
    this.restart();
  }

  restart() {
    this.asked = "";
    if (!state.film?.prediction) this.rows = [];
    this.ask();
    this.draw();
  }

  /** Ask unless the answer is known or on its way; what came meanwhile is asked afterwards. */
  ask() {
    if (!state.film?.prediction) return;
    const asked = this.question();
    if (asked === this.asked) return;
    if (this.asking) {
      this.due = true;
      return;
    }
    void this.fetch(asked);
  }

  question() {
    /** @type {Record<string, number[] | null>} */ const moved = {};
    for (const one of points()) {
      const gone = one.state === "missing" || one.x === null;
      if (gone && !state.held) moved[one.number] = null;
      else if (one.x !== one.foundX || one.y !== one.foundY) moved[one.number] = [/** @type {number} */ (one.x), /** @type {number} */ (one.y)];
    }
    return JSON.stringify({ film: state.film.film_id, prediction: state.film.prediction_id, scale: state.film.scale?.mm_per_px, analysis: this.analysis, points: moved });
  }

  /** @param {string} asked */
  async fetch(asked) {
    this.asking = true;
    const { film, analysis, points: moved } = JSON.parse(asked);
    const began = performance.now();
    try {
      const answer = await post(`/films/${film}/measure`, { analysis, points: moved });
      if (film === state.film.film_id) this.rows = this.inPlace(answer.measurements, `${film} ${analysis}`);
      this.asked = asked;
      this.trouble = "";
      this.took.push(performance.now() - began);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.trouble = error.status === 0 ? t("measures.offline") : error.message;
      this.asked = error.passing ? "" : asked;
    }
    this.asking = false;
    this.draw();
    if (this.due) {
      this.due = false;
      this.ask();
    }
  }

  /** Rows in the order in which they first came: one whose point is missing keeps its place, so that nothing jumps. @param {any[]} rows @param {string} of */
  inPlace(rows, of) {
    if (of !== this.of) this.order = [];
    this.of = of;
    const found = new Map(rows.map((row) => [row.code, row]));
    for (const row of rows) if (!this.order.some((known) => known.code === row.code)) this.order.push(row);
    const gone = { value: null, interval_90: null, decision: null, class_of_value: null, deviation: null };
    return this.order.map((known) => found.get(known.code) ?? { ...known, ...gone, missing: t("measures.gone") });
  }

  draw() {
    const { project } = state;
    if (!project) return;
    set(/** @type {Element} */ (this.title.firstElementChild), { text: t("measures.title") });
    const names = project.analyses.map((/** @type {any} */ one) => one.name).join();
    if (this.choice.dataset.names !== names) {
      this.choice.dataset.names = names;
      fill(this.choice, ...project.analyses.map((/** @type {any} */ one) => el("option", { value: one.name, text: shortTitle(one) })));
    }
    this.choice.value = this.analysis ?? "";
    const columns = ["measures.what", "measures.value", "measures.interval", "measures.norm"];
    fill(this.head, el("tr", {}, ...columns.map((key) => el("th", { scope: "col", text: t(key), title: textOr(`${key}.title`, null) || null }))));
    fill(this.body, ...this.rows.map(rowOf));
    set(this.note, { text: this.trouble || (state.film?.prediction || !state.grey ? "" : t("measures.waiting")) });
  }
}

/** @param {{name: string, title: string}} analysis */
const shortTitle = (analysis) => textOr(`analysis.${analysis.name}`, analysis.title);

/** @param {any} row @returns {HTMLElement} */
function rowOf(row) {
  const name = textOr(`measure.${row.code}`, row.name);
  const unit = UNITS[/** @type {"deg"} */ (row.unit)] ?? ` ${row.unit}`;
  const digits = row.unit === "ratio" ? 2 : 1;
  const what = el("th", { scope: "row", title: name }, el("span", { class: "code", text: row.code }), el("span", { class: "name", text: name }));
  if (row.value === null) {
    const missing = said(row.missing) || "–";
    return el("tr", {}, what, el("td", { class: "gone quiet", colspan: 3, text: missing, title: missing }));
  }
  const value = el("td", { class: "value", text: num(row.value, digits) + unit });
  const interval = el("td", { class: "interval" }, row.interval_90 ? `${num(row.interval_90[0], digits)} … ${num(row.interval_90[1], digits)}` : "");
  if (!row.interval_90) interval.title = said(row.no_interval);
  return el("tr", {}, what, value, interval, el("td", { class: "norm" }, ...normOf(row, digits)));
}

/** @param {any} row @param {number} digits */
function normOf(row, digits) {
  const norm = row.norms?.find((/** @type {any} */ one) => one.mean !== null) ?? row.norms?.[0];
  const parts = [];
  const kind = row.decision ?? row.class_of_value;
  if (kind) {
    const shown = textOr(`class.${kind}`, kind);
    parts.push(el("span", { class: row.decision ? "class decided" : "class", title: row.decision ? t("measures.decided") : notDecided(row) }, row.decision ? shown : `${shown}\u00a0?`));
  }
  if (row.deviation !== null && row.deviation !== undefined) parts.push(deviation(row.deviation));
  else if (norm && norm.mean !== null && row.value !== null) parts.push(el("span", { class: "sd", text: `${row.value < norm.mean ? "−" : "+"}${num(Math.abs(row.value - norm.mean), digits)}` }));
  const source = norm ? [norm.mean !== null ? `${num(norm.mean, digits)}${norm.sd ? ` ± ${num(norm.sd, digits)}` : ""}` : `${num(norm.low, digits)} … ${num(norm.high, digits)}`, norm.group, norm.sex, norm.source].filter(Boolean).join(" · ") : "";
  for (const part of parts) if (!part.title) part.title = source;
  return parts;
}

/** @param {any} row @returns {string} why its class is not decided; the class by the name that the page gives it. */
function notDecided(row) {
  const why = row.not_decided ?? "";
  const kind = row.class_probabilities?.map((/** @type {any} */ one) => one.name).find((/** @type {string} */ name) => why.startsWith(`${name} `));
  return kind ? said(why).replace(kind, textOr(`class.${kind}`, kind)) : said(why);
}

/** How far from the norm, in standard deviations: a tick on a short line, and the number. @param {number} sd */
function deviation(sd) {
  const meter = el("span", { class: "sd" }, `${sd < 0 ? "−" : "+"}${num(Math.abs(sd))} SD`);
  if (Math.abs(sd) >= 2) meter.classList.add("far");
  return meter;
}
