/**
 * What was decided and is not stored yet. Requests go out one at a time, in order, each under a name of its own, so
 * that one whose answer was lost can be sent again. Nothing leaves the list before the server has acknowledged it.
 */

import { ApiError, post, requestId } from "./api.js";
import { tell } from "./bus.js";

const WAITS_S = [1, 2, 4, 8, 15];

/**
 * @typedef {{number: number, action: string, x_px?: number, y_px?: number, base_revision: number}} Edit
 * @typedef {{id: string, filmId: number, kind: "edits" | "undo" | "redo" | "state" | "scale", body: any, tries: number,
 *   refused: string | null, done: (answer: any) => void}} Waiting
 */

export class Unsaved {
  /** @param {{acknowledged: (op: Waiting, answer: any) => void, conflict: (op: Waiting, current: any[]) => void}} told */
  constructor(told) {
    /** @type {Waiting[]} */ this.list = [];
    /** @type {Waiting[]} */ this.conflicts = [];
    this.told = told;
    this.sending = false;
    this.trouble = "";
    this.timer = 0;
    addEventListener("beforeunload", (event) => {
      if (this.count) event.preventDefault();
    });
    addEventListener("online", () => this.retry());
  }

  get count() {
    return this.list.length + this.conflicts.length;
  }

  /** The number of decisions that the server refused and that wait for a person. */
  get refused() {
    return this.list.filter((op) => op.refused).length;
  }

  /**
   * @param {number} filmId
   * @param {Waiting["kind"]} kind
   * @param {any} body
   * @returns {Promise<any>} the server's answer, once there is one; null where the decision was dropped.
   */
  add(filmId, kind, body) {
    return new Promise((done) => {
      this.list.push({ id: requestId(), filmId, kind, body, tries: 0, refused: null, done });
      tell("saved");
      void this.send();
    });
  }

  /** @param {number} filmId @returns {Edit[]} the film's unsaved edits, oldest first. */
  editsOf(filmId) {
    const waiting = [...this.list, ...this.conflicts].filter((op) => op.filmId === filmId && op.kind === "edits");
    return waiting.flatMap((op) => op.body.edits);
  }

  /** Try again at once. */
  retry() {
    clearTimeout(this.timer);
    for (const op of this.list) op.refused = null;
    void this.send();
  }

  /** Give up what the server refuses, and every later decision on the same film, which rests on it. */
  dropRefused() {
    const films = new Set(this.list.filter((op) => op.refused).map((op) => op.filmId));
    for (const op of this.list.filter((one) => films.has(one.filmId))) this.remove(op, null);
    tell("saved");
    tell("points");
    void this.send();
  }

  async send() {
    if (this.sending) return;
    clearTimeout(this.timer);
    this.sending = true;
    while (this.list.length && !this.list[0].refused) if (!(await this.sendFirst())) break;
    this.sending = false;
    tell("saved");
  }

  /** @returns {Promise<boolean>} whether to go on with the next. */
  async sendFirst() {
    const op = this.list[0];
    try {
      const answer = await post(`/films/${op.filmId}/${op.kind}`, { request_id: op.id, ...op.body });
      this.trouble = "";
      this.followOn(op, answer.points ?? [], new Set(answer.event_ids));
      this.told.acknowledged(op, answer);
      this.remove(op, answer);
      tell("saved");
      return true;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      return this.failed(op, error);
    }
  }

  /** @param {Waiting} op @param {ApiError} error */
  failed(op, error) {
    if (error.passing || error.locked) {
      this.trouble = error.locked ? "locked" : "offline";
      const wait = WAITS_S[Math.min(op.tries, WAITS_S.length - 1)];
      op.tries += 1;
      this.timer = window.setTimeout(() => void this.send(), 1000 * wait);
      tell("saved");
      return false;
    }
    if (error.status === 409) {
      this.list.shift();
      if (op.kind === "edits") this.conflicts.push(op);
      this.told.conflict(op, error.body.current ?? []);
      if (op.kind !== "edits") op.done(null);
      return true;
    }
    op.refused = error.message;
    tell("saved");
    return false;
  }

  /**
   * Later edits of points that this one changed rest on it: they go out with the revisions that it made. Where somebody
   * else changed the point since, they keep the revision that was seen, and the server refuses them.
   * @param {Waiting} op @param {any[]} rows @param {Set<number>} events that this one made.
   */
  followOn(op, rows, events) {
    const revisions = new Map(rows.filter((row) => events.has(row.event_id)).map((row) => [row.number, row.revision]));
    for (const later of this.list) {
      if (later === op || later.filmId !== op.filmId || later.kind !== "edits") continue;
      for (const edit of later.body.edits) edit.base_revision = revisions.get(edit.number) ?? edit.base_revision;
    }
  }

  /** @param {Waiting} op @param {any} answer */
  remove(op, answer) {
    this.list = this.list.filter((one) => one !== op);
    this.conflicts = this.conflicts.filter((one) => one !== op);
    op.done(answer);
  }
}
