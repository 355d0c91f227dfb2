/**
 * What the program says in English, in the language of the page. A sentence with {places} stands for all that differ
 * only there; what fills a place is a number, or said in the language itself where it can be.
 */

const NUMBER = /^[-+]?\d+(\.\d+)?(e[-+]?\d+)?$/;
const SPECIAL = /[.*+?^$()|[\]\\]/g;
const AMONG = "; "; // between sentences that are said together

/** @typedef {{like: RegExp, places: string[], form: string, fixed: number}} Pattern */

export class Sentences {
  /** @param {Record<string, string>} given English to the language. @param {string} point of a number's decimals. */
  constructor(given, point) {
    this.point = point;
    /** @type {Record<string, string>} */ this.plain = given;
    /** The most exact first. @type {Pattern[]} */
    this.patterns = Object.entries(given).filter(([english]) => english.includes("{")).map(patternOf).sort((a, b) => b.fixed - a.fixed);
  }

  /** @param {string} english @returns {string} the same where the language has no words for it. */
  say(english) {
    return this.find(english) ?? english.split(AMONG).map((one) => this.find(one) ?? one).join(AMONG);
  }

  /** @param {string} english @returns {string | undefined} */
  find(english) {
    if (Object.hasOwn(this.plain, english)) return this.plain[english];
    for (const { like, places, form } of this.patterns) {
      const found = like.exec(english);
      if (!found) continue;
      const filled = new Map(places.map((place, at) => [place, this.fill(found[at + 1])]));
      return form.replace(/\{(\w+)\}/g, (_, place) => filled.get(place) ?? "");
    }
    return undefined;
  }

  /** @param {string} value */
  fill(value) {
    return NUMBER.test(value) ? value.replace(".", this.point) : this.say(value);
  }
}

/** @param {[string, string]} sentence @returns {Pattern} */
function patternOf([english, form]) {
  const places = [...english.matchAll(/\{(\w+)\}/g)].map((place) => place[1]);
  const parts = english.split(/\{\w+\}/).map((part) => part.replace(SPECIAL, "\\$&"));
  return { like: new RegExp(`^${parts.join("(.+?)")}$`), places, form, fixed: english.replace(/\{\w+\}/g, "").length };
}
