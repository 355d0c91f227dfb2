/** The loop: how many films are corrected, what a site calibration would gain, whether promises hold, what to label next. */

import { ApiError, get, post, requestId } from "./api.js";
import { on, tell } from "./bus.js";
import { monitorChart } from "./chart.js";
import { byId, el, fill } from "./dom.js";
import { askProfile } from "./profile.js";
import { troubleWords } from "./queue.js";
import { openFilm, state } from "./state.js";
import { capital, num, said, t } from "./texts.js";

const ASK_AGAIN_MS = 1500;

export class Learning {
  constructor() {
    /** @type {any} */ this.loop = null;
    /** @type {ApiError | null} */ this.error = null;
    this.timer = 0;
    this.order = { asked: 0, shown: 0 };
    this.taking = false; // a step, whose answer is waited for
    this.due = false; // a question that waits for it
    on("language", () => this.draw());
    on("news", () => void this.load());
  }

  async open() {
    this.draw();
    await this.load();
  }

  async load() {
    if (this.taking) {
      this.due = true;
      return;
    }
    this.due = false;
    clearTimeout(this.timer);
    await this.answer(get("/loop"));
  }

  /** @param {"calibrate" | "apply"} step */
  async take(step) {
    this.taking = true;
    await this.answer(post(`/loop/${step}`, { request_id: requestId() }, { wait_s: 120 }));
    this.taking = false;
    this.draw();
    if (this.due) void this.load();
    if (step === "apply" && !this.error) tell("say", t("learning.applied"));
  }

  /** @param {Promise<any>} asked */
  async answer(asked) {
    const order = (this.order.asked += 1);
    try {
      const loop = await asked;
      if (order < this.order.shown) return; // a newer answer has come before
      this.order.shown = order;
      this.loop = loop;
      this.error = null;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    }
    tell("offer", Boolean(this.loop?.offer));
    this.draw();
    clearTimeout(this.timer);
    if (this.loop?.job?.state === "running") this.timer = window.setTimeout(() => void this.load(), ASK_AGAIN_MS);
  }

  draw() {
    if (byId("learning").hidden) return;
    const { loop } = this;
    const trouble = this.error ? el("p", { class: "warn", role: "alert", text: troubleWords(this.error) }) : null;
    if (!loop) return fill(byId("learning"), trouble ?? el("p", { class: "quiet", text: t("learning.loading") }));
    const profile = el("button", { type: "button", class: "plain", text: t("learning.profile"), on: { click: () => void askProfile() } });
    const head = el("div", { class: "learning-head" }, el("h1", { text: t("learning.title") }), el("p", { class: "quiet", text: t("learning.intro") }), profile);
    fill(byId("learning"), head, trouble, el("div", { class: "cards" }, this.progress(), this.gain(), this.monitor(), this.next()));
  }

  progress() {
    const { corrected, reviewed, offers, applied, offer, job } = this.loop;
    const steps = offers.map((/** @type {number} */ n) =>
      el("li", { class: reviewed >= n ? "reached" : "" }, el("b", { text: n }), el("span", { text: t("learning.films", { n }) })),
    );
    const runs = job?.state === "running";
    const words = applied ? t("learning.appliedNow", { n: applied.films }) : t("learning.notYet");
    const toNext = offers.find((/** @type {number} */ n) => n > reviewed);
    const what = runs ? t("learning.running") : offer ? t("learning.offer") : toNext ? t("learning.more", { n: toNext - reviewed }) : "";
    const button = el("button", { type: "button", class: offer ? "main" : "plain", disabled: runs || !corrected || this.taking, text: t("learning.calibrate"), on: { click: () => void this.take("calibrate") } });
    return card("learning.corrected", el("p", { class: "large" }, el("b", { text: reviewed }), el("span", { text: t("learning.reviewedFilms", { n: reviewed, who: state.project.who }) })), el("ol", { class: "steps" }, ...steps), el("p", { text: what }), corrected > reviewed ? el("p", { class: "quiet", text: t("learning.begun", { n: corrected - reviewed }) }) : null, el("p", { class: "quiet", text: words }), runs ? bar(job) : button);
  }

  gain() {
    const { result, job, applied, corrected } = this.loop;
    if (job?.state === "failed") return card("learning.gain", el("p", { class: "warn", text: said(job.error) }));
    if (!result) return card("learning.gain", el("p", { class: "quiet", text: t("learning.noResult") }));
    const row = (/** @type {string} */ key, /** @type {string} */ name, /** @type {number} */ by, /** @type {string} */ unit, /** @type {number} */ digits) =>
      el("tr", {}, el("th", { scope: "row", text: t(key) }), ...[result.before, result.after].map((side) => el("td", { text: side?.[name] === null || side?.[name] === undefined ? "–" : `${num(by * side[name], digits)} ${unit}` })));
    const table = el(
      "table",
      {},
      el("thead", {}, el("tr", {}, el("td", {}), el("th", { scope: "col", text: t("learning.before") }), el("th", { scope: "col", text: t("learning.after") }))),
      el("tbody", {}, row("learning.error", "error_mm", 1, "mm", 2), row("learning.coverage", "coverage", 100, "%", 0), row("learning.area", "area_mm2", 1, "mm²", 1)),
    );
    const judged = result.before?.error_mm !== null && result.before?.error_mm !== undefined;
    const shown = judged ? [el("p", { class: "quiet", text: t("learning.crossValidated", { n: result.films ?? corrected }) }), table, el("p", { class: "quiet", text: t("learning.flatter") })] : [el("p", { class: "quiet", text: t("learning.tooFew", { n: result.films ?? corrected }) })];
    const used = applied && applied.films === result.films;
    const apply = used ? el("p", { class: "quiet used", text: t("learning.used") }) : el("button", { type: "button", class: "main", text: t("learning.apply"), on: { click: () => void this.take("apply") } });
    return card("learning.gain", ...shown, el("p", { class: "promise", text: t("learning.promise", { whom: said(result.promise) }) }), apply);
  }

  monitor() {
    const { monitor } = this.loop;
    if (!monitor?.rows?.length) return card("learning.monitor", el("p", { class: "quiet", text: t("learning.noMonitor") }));
    const words = el("p", { class: monitor.alarm ? "warn" : "", text: capital(said(monitor.words)) || t(monitor.alarm ? "learning.alarm" : "learning.holds") });
    return card("learning.monitor", el("p", { class: "quiet", text: t("learning.monitorWhat", { level: num(100 * monitor.level, 0) }) }), monitorChart(monitor), words);
  }

  next() {
    const list = this.loop.next ?? [];
    if (!list.length) return card("learning.next", el("p", { class: "quiet", text: t("learning.noNext") }));
    const rows = list.map((/** @type {any} */ film) =>
      el("li", {}, el("button", { type: "button", class: "film", on: { click: () => this.review(film.film_id) } },
        el("img", { loading: "lazy", src: `/v1/films/${film.film_id}/thumbnail`, alt: "", width: 52, height: 60 }),
        el("span", { class: "words" }, el("span", { class: "name", text: film.name }), el("span", { class: "line quiet", text: film.off_mm === undefined ? film.why : t(film.unlike ? "learning.nextUnlike" : "learning.nextOff", { mm: num(film.off_mm) }) })))),
    );
    return card("learning.next", el("p", { class: "quiet", text: t("learning.nextWhat") }), el("ol", { class: "films" }, ...rows));
  }

  /** @param {number} filmId */
  review(filmId) {
    tell("change-view", "review");
    void openFilm(filmId);
  }
}

/** @param {string} key @param {...(Node | null)} content */
const card = (key, ...content) => el("section", { class: "learning-card" }, el("h2", { text: t(key) }), ...content);

/** @param {{done: number, total: number}} job */
const bar = (job) => el("progress", { max: job.total || 1, value: job.total ? job.done : null, "aria-label": t("learning.running") });
