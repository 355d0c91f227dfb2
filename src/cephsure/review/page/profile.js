/** The card of the first start: how does this reader mark the points whose definitions part? Both places, on one's own film. */

import { ApiError, get, getPixels, post } from "./api.js";
import { crop } from "./crop.js";
import { openDialog } from "./dialog.js";
import { tell } from "./bus.js";
import { el, set } from "./dom.js";
import { GreyFilm } from "./grey.js";
import { state } from "./state.js";
import { landmarkDefinition, landmarkName, num, said, t } from "./texts.js";

/** @typedef {{number: number, code: string, name: string, words: string, distance_mm: number | null, places: {key: string, words: string, x_px: number, y_px: number}[]}} Question */

/** @returns {Promise<boolean>} whether the card is open; there may be no film yet to ask on. */
export async function askProfile() {
  try {
    const asked = await get("/profile", { wait_s: 60 });
    if (!asked.questions.length) return false;
    const grey = state.film?.film_id === asked.film_id && state.grey ? state.grey : new GreyFilm(await getPixels(asked.film_id));
    show(asked, grey);
    return true;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    tell("say", said(error.message));
    return false;
  }
}

/** @param {{questions: Question[], answered: Record<string, string>}} asked @param {GreyFilm} grey */
function show(asked, grey) {
  /** @type {Record<string, string>} */ const answers = { ...asked.answered };
  const progress = el("span", { class: "quiet" });
  const trouble = el("p", { class: "warn", role: "alert" });
  const count = () => set(progress, { text: t("profile.answered", { n: Object.keys(answers).length, of: asked.questions.length }) });
  const choose = (/** @type {Question} */ question, /** @type {string} */ key) => {
    if (key) answers[question.number] = key;
    else delete answers[question.number];
    count();
  };
  count();
  const dialog = openDialog(
    t("profile.title"),
    (close) => {
      const send = async (/** @type {object} */ body) => {
        try {
          await post("/profile", body, { wait_s: 60 });
          tell("say", t("profile.stored"));
          close();
        } catch (error) {
          if (!(error instanceof ApiError)) throw error;
          set(trouble, { text: error.status === 0 ? t("queue.offline") : said(error.message) });
        }
      };
      return [
        el("p", { class: "quiet", text: t("profile.intro") }),
        el("div", { class: "questions" }, ...asked.questions.map((question) => ask(question, grey, answers[question.number] ?? "", (key) => choose(question, key)))),
        trouble,
        el(
          "div",
          { class: "row end" },
          progress,
          el("span", { class: "spring" }),
          el("button", { type: "button", class: "plain", text: t("profile.later"), on: { click: () => void send({ skip: true }) } }),
          el("button", { type: "button", class: "main", text: t("profile.store"), on: { click: () => void send({ answers, name: state.project.who }) } }),
        ),
      ];
    },
    { kind: "wide profile" },
  );
  /** @type {HTMLElement | null} */ (dialog.querySelector("input:checked"))?.focus({ preventScroll: true });
}

/** @param {Question} question @param {GreyFilm} grey @param {string} chosen @param {(key: string) => void} choose */
function ask(question, grey, chosen, choose) {
  const spots = question.places.map((place, at) => ({ x: place.x_px, y: place.y_px, kind: at ? "mine" : "theirs", label: String(at + 1) }));
  const options = [
    ...question.places.map((place, at) => ({ key: place.key, number: at + 1, words: said(place.words) })),
    { key: "between", number: 0, words: t("profile.between") },
    { key: "", number: 0, words: t("profile.unknown") },
  ];
  const choices = options.map((option) => {
    const radio = el("input", { type: "radio", name: `q${question.number}`, value: option.key, on: { change: () => choose(option.key) } });
    radio.checked = option.key === chosen;
    const badge = option.number ? el("span", { class: `number ${option.number === 2 ? "mine" : "theirs"}`, text: option.number }) : null;
    return el("label", { class: "option" }, radio, badge, el("span", { text: option.number ? t("profile.place", { n: 0, number: option.number, words: option.words }) : option.words }));
  });
  const title = el("legend", {}, el("span", { class: "code", text: question.code }), landmarkName(question));
  const apart = question.distance_mm ? t("profile.apart", { mm: num(question.distance_mm) }) : "";
  const known = state.project.landmarks.find((/** @type {any} */ one) => one.number === question.number);
  const definition = landmarkDefinition(known ?? question);
  const more = question.words === known?.definition ? "" : question.words;
  const words = el("p", { class: "quiet", text: [definition, more, apart].filter(Boolean).join(" ") });
  const picture = crop(grey, spots, { side: 220, label: t("profile.picture", { name: landmarkName(question) }), least: 150 });
  return el("fieldset", { class: "question" }, title, picture, el("div", {}, words, ...choices));
}
