/** The films, the most doubtful first: thumbnails, filters, progress. The order holds still while somebody works. */

import { ApiError, get } from "./api.js";
import { byId, el, fill, icon, set } from "./dom.js";
import { on, tell } from "./bus.js";
import { REASONS, reasonsIn } from "./reasons.js";
import { openFilm, state } from "./state.js";
import { capital, num, said, t } from "./texts.js";

/** @typedef {{film_id: number, name: string, verdict: string | null, why: string | null, doubt: number | null, state: string, points: Record<string, number>, width_px: number, height_px: number}} Film */

const SIGNS = /** @type {const} */ ({ fit: "check", review: "diamond", unfit: "cross" });
const DONE = { reviewed: "check", referred: "flag", unread: "warn", waiting: "clock" };
const FILTERS = ["open", "", "unfit", "review", "fit", "reviewed", "referred", "unread"];
const VERDICTS = new Set(["unfit", "review", "fit"]);

/** @param {ApiError} error @returns {string} in the language of now. */
export const troubleWords = (error) => (error.status === 0 ? t("queue.offline") : capital(said(error.message)));

export class Queue {
  constructor() {
    /** @type {Film[]} in the order shown. */ this.films = [];
    /** @type {Film[] | null} another order that the server now has. */ this.better = null;
    /** @type {Map<number, {item: HTMLElement, button: HTMLButtonElement, look: string}>} */ this.items = new Map();
    this.filter = { kind: "", reason: "", text: "" };
    /** @type {Set<string>} reasons that films of this project have. */ this.reasons = new Set();
    this.counts = /** @type {any} */ (null);
    /** @type {ApiError | null} */ this.error = null;
    this.typed = 0; // timers: of a filter that is being typed, of a film that was stored
    this.stored = 0;
    this.order = { asked: 0, shown: 0 };
    this.reorder = 0; // the question whose answer, or a later one, is taken in the server's order
    /** @type {number | undefined} the last change that the first answer knew of. */ this.last = undefined;
    this.title = el("h2", {});
    this.progress = el("progress", { max: 1, value: 0 });
    this.progressText = el("span", { class: "quiet" });
    this.choice = el("select", { id: "filter", on: { change: () => this.filterBy() } });
    this.reason = el("select", { id: "reason", disabled: true, on: { change: () => this.filterBy() } });
    this.search = el("input", { type: "search", id: "search", autocomplete: "off", on: { input: () => this.filterSoon() } });
    this.newOrder = el("button", { type: "button", class: "order", hidden: true, on: { click: () => this.useOrder() } });
    this.list = el("ol", { class: "films" });
    this.empty = el("p", { class: "quiet empty" });
    this.labels = [el("label", { class: "unseen", for: "filter" }), el("label", { class: "unseen", for: "search" }), el("label", { class: "unseen", for: "reason" })];
    const head = el("div", { class: "queue-head" }, this.title, this.progress, this.progressText);
    const filters = el("div", { class: "filters" }, this.labels[0], this.choice, this.labels[1], this.search, this.labels[2], this.reason);
    fill(byId("queue"), head, filters, this.empty, this.list, this.newOrder);
    on("language", () => this.drawAll());
    on("film loading", () => this.markOpen());
    on("stored", (filmId) => this.refresh(filmId));
  }

  filterSoon() {
    clearTimeout(this.typed);
    this.typed = window.setTimeout(() => this.filterBy(), 200);
  }

  filterBy() {
    this.filter = { kind: this.choice.value, reason: this.reason.value, text: this.search.value.trim() };
    void this.load(true);
  }

  get address() {
    const { kind, reason, text } = this.filter;
    const asked = new URLSearchParams();
    if (kind) asked.set(VERDICTS.has(kind) ? "verdict" : "state", kind);
    if (reason) asked.set("reason", REASONS[/** @type {"scale"} */ (reason)]);
    if (text) asked.set("text", text);
    return `/films?${asked}`;
  }

  /** @param {boolean} reorder whether the server's order is taken as it is. */
  async load(reorder) {
    const address = this.address;
    const order = (this.order.asked += 1);
    if (reorder) this.reorder = order;
    try {
      const answer = await get(address);
      if (address !== this.address || order < this.order.shown) return; // a newer answer has come before
      reorder = this.reorder > this.order.shown && this.reorder <= order;
      this.order.shown = order;
      this.last ??= answer.last;
      this.error = null;
      this.counts = answer.counts ?? this.counts;
      this.take(answer.films, reorder);
      for (const film of this.films) for (const reason of reasonsIn(film.why)) this.reasons.add(reason);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.error = error;
    }
    this.drawAll();
    tell("queue");
  }

  /** @param {Film[]} films @param {boolean} reorder */
  take(films, reorder) {
    const shown = new Set(films.map((film) => film.film_id));
    const facts = new Map(films.map((film) => [film.film_id, film]));
    const kept = this.films.map((film) => facts.get(film.film_id)).filter((film) => film !== undefined);
    const known = new Set(kept.map((film) => film.film_id));
    const same = /** @type {Film[]} */ ([...kept, ...films.filter((film) => !known.has(film.film_id))]).filter((film) => shown.has(film.film_id));
    const moved = same.some((film, at) => film.film_id !== films[at].film_id);
    const free = reorder || !this.films.length;
    this.films = free ? films : same;
    this.better = free || !moved ? null : films;
  }

  useOrder() {
    if (this.better) this.films = this.better;
    this.better = null;
    this.drawAll();
    this.showOpen();
    tell("queue");
  }

  /** Read one film's row anew. @param {number} _filmId */
  refresh(_filmId) {
    clearTimeout(this.stored);
    this.stored = window.setTimeout(() => void this.load(false), 250);
  }

  drawAll() {
    set(this.title, { text: t("queue.title") });
    set(this.labels[0], { text: t("queue.filter") });
    set(this.labels[1], { text: t("queue.search") });
    this.search.placeholder = t("queue.search");
    const filters = FILTERS.map((kind) => el("option", { value: kind, text: t(`filter.${kind || "all"}`) }));
    if (this.choice.dataset.language !== document.documentElement.lang) {
      this.choice.dataset.language = document.documentElement.lang;
      fill(this.choice, ...filters);
      this.choice.value = this.filter.kind;
    }
    this.drawReasons();
    this.drawProgress();
    this.newOrder.hidden = !this.better;
    set(this.newOrder, { text: t("queue.newOrder") });
    const none = !this.films.length;
    set(this.empty, { text: this.error ? troubleWords(this.error) : (none ? t(this.filter.kind || this.filter.reason || this.filter.text ? "queue.noneMatch" : "queue.none") : "") });
    this.drawFilms();
  }

  /** Only what some film is doubted for can be chosen. */
  drawReasons() {
    set(this.labels[2], { text: t("queue.reason") });
    const known = Object.keys(REASONS).filter((reason) => this.reasons.has(reason));
    const look = `${document.documentElement.lang} ${known}`;
    set(this.reason, { disabled: !known.length });
    if (this.reason.dataset.look === look) return;
    this.reason.dataset.look = look;
    fill(this.reason, ...["", ...known].map((reason) => el("option", { value: reason, text: t(`reason.${reason || "any"}`) })));
    this.reason.value = this.filter.reason;
  }

  drawProgress() {
    const { counts } = this;
    if (!counts) return;
    const read = counts.films - counts.waiting;
    this.progress.hidden = counts.waiting === 0;
    set(this.progress, { max: counts.films, value: read, "aria-label": t("queue.progressLabel") });
    const closed = counts.reviewed + counts.referred;
    set(this.progressText, { text: counts.waiting ? t("queue.predicting", { n: read, of: counts.films }) : t("queue.done", { n: closed, of: counts.films }) });
  }

  drawFilms() {
    const shown = new Set(this.films.map((film) => film.film_id));
    for (const [filmId, { item }] of this.items) {
      if (!shown.has(filmId)) {
        item.remove();
        this.items.delete(filmId);
      }
    }
    let before = /** @type {ChildNode | null} */ (this.list.firstChild);
    for (const film of this.films) {
      const { item } = this.itemFor(film);
      if (item === before) before = item.nextSibling;
      else this.list.insertBefore(item, before);
    }
    this.markOpen();
  }

  /** @param {Film} film */
  itemFor(film) {
    const look = `${document.documentElement.lang} ${JSON.stringify(film)}`;
    const kept = this.items.get(film.film_id);
    if (kept?.look === look) return kept;
    const button = kept?.button ?? el("button", { type: "button", on: { click: () => void openFilm(film.film_id) } });
    const item = kept?.item ?? el("li", {}, button);
    const shown = /** @type {HTMLImageElement | null} */ (button.querySelector("img"));
    const picture = film.state === "unread" ? el("span", { class: "no-picture" }, icon("warn")) : shown ?? this.thumbnail(film);
    fill(button, picture, this.words(film));
    set(button, { class: `film ${film.state}` });
    const made = { item, button, look };
    this.items.set(film.film_id, made);
    return made;
  }

  /** "lazy" comes first: a picture is fetched as soon as it has its address. @param {Film} film */
  thumbnail(film) {
    return el("img", { loading: "lazy", src: `/v1/films/${film.film_id}/thumbnail`, alt: "", decoding: "async", width: 52, height: 60 });
  }

  /** @param {Film} film */
  words(film) {
    const verdict = film.verdict && film.state === "predicted" && el("span", { class: `verdict ${film.verdict}` }, icon(SIGNS[/** @type {"fit"} */ (film.verdict)]), t(`verdict.${film.verdict}`));
    const sign = DONE[/** @type {"waiting"} */ (film.state)];
    const done = sign && el("span", { class: "done" }, icon(/** @type {any} */ (sign)), t(`film.${film.state}`));
    const changed = Object.values(film.points ?? {}).reduce((sum, n) => sum + n, 0);
    const worst = film.doubt !== null && film.state === "predicted" ? t("queue.worst", { mm: num(film.doubt) }) : "";
    return el(
      "span",
      { class: "words" },
      el("span", { class: "name", text: film.name, title: film.name }),
      el("span", { class: "line" }, verdict, done),
      el("span", { class: "line quiet", title: worst ? t("queue.worst.title") : null }, changed ? t("queue.decided", { n: changed }) : film.state === "unread" ? capital(said(film.why)) : worst),
    );
  }

  markOpen() {
    const open = state.film?.film_id;
    for (const [filmId, { button }] of this.items) set(button, { "aria-current": filmId === open ? "true" : null });
    this.showOpen();
  }

  showOpen() {
    const item = this.items.get(state.film?.film_id)?.item;
    const list = this.list;
    if (!item || list.scrollHeight <= list.clientHeight) return; // all of it is in sight, or the page itself scrolls
    const [one, all] = [item.getBoundingClientRect(), list.getBoundingClientRect()];
    list.scrollTop += Math.min(one.top - all.top, 0) + Math.max(one.bottom - all.bottom, 0);
  }

  /** The film before or after the open one, as shown; skips what cannot be read. @param {1 | -1} step @returns {Film | undefined} */
  neighbour(step) {
    const at = this.films.findIndex((film) => film.film_id === state.film?.film_id);
    return this.films[at < 0 ? 0 : at + step];
  }

  /** @returns {Film | undefined} the next film that nobody has closed, after the open one or from the top. */
  nextOpen() {
    const at = this.films.findIndex((film) => film.film_id === state.film?.film_id);
    const list = [...this.films.slice(at + 1), ...this.films.slice(0, Math.max(at, 0))];
    return list.find((film) => film.state === "predicted");
  }

  /** @returns {string} "3 of 24". */
  get place() {
    const at = this.films.findIndex((film) => film.film_id === state.film?.film_id);
    return at < 0 ? "" : t("queue.place", { n: at + 1, of: this.films.length });
  }
}
