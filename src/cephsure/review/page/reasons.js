/** Why films are doubted: what can be chosen in the queue, and the words of a reason in the page's language. */

import { capital, said, textOr } from "./texts.js";

/** A part of each reason that a prediction may state; the server looks for the same part. */
export const REASONS = {
  unfamiliar: "unlike the",
  cephalogram: "does not look like a lateral cephalogram",
  head: "the landmarks together make an unusual head",
  misfit: "not fit the others",
  rotated: "head probably rotated",
  stretched: "the head is stretched in one direction",
  size: "is the scale right?",
  scale: "scale unknown",
  format: "squeezed in one direction, or cropped?",
  uncertain: "uncertainty high at",
  disagreement: "the model's samples disagree",
  blurred: "image blurred",
  noisy: "image noisy",
  exposed: "over-exposed",
};
const WITH_NUMBERS = new Set(["misfit", "size", "format", "uncertain", "exposed"]); // said as the program says it, sentence by sentence

/** @param {string | null} why @returns {string[]} keys of the reasons that it has. */
export const reasonsIn = (why) => Object.entries(REASONS).filter(([, part]) => why?.includes(part)).map(([key]) => key);

/** @param {string} reason one reason as the program states it. */
export function reasonWords(reason) {
  const key = reasonsIn(reason).find((one) => !WITH_NUMBERS.has(one));
  return key ? textOr(`reason.${key}.long`, textOr(`reason.${key}`, reason)) : capital(said(reason));
}
