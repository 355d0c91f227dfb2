/** Lines of a tracing, drawn where their points are there. */

/** @typedef {{x: number | null, y: number | null, code: string, state: string}} Placed */

/** Straight lines: name, from, to, and how far each goes beyond its points, as a share of its length. @type {[string, string, string, number][]} */
const LINES = [
  ["sn", "S", "N", 0.12],
  ["frankfort", "Po", "Or", 0.3],
  ["palatal", "PNS", "ANS", 0.25],
  ["mandibular", "Go", "Me", 0.18],
  ["ramus", "Ar", "Go", 0.1],
  ["na", "N", "A", 0],
  ["nb", "N", "B", 0],
  ["upper-incisor", "UIA", "UIT", 0.35],
  ["lower-incisor", "LIA", "LIT", 0.35],
];

/** Outlines through points in this order: what is absent is left out. */
const OUTLINES = {
  profile: ["G", "N'", "Pn", "Prn", "Cm", "Sn", "UL", "Ls", "UL'", "LL'", "LL", "Li", "Pog'", "Gn'", "Me'", "C"],
  chin: ["B", "Pog", "Gn", "Me"],
};

/**
 * @param {Placed[]} points
 * @returns {{name: string, d: string}[]} paths in film px.
 */
export function tracing(points) {
  const there = new Map();
  for (const one of points) if (one.x !== null && one.state !== "missing") there.set(one.code, [one.x, one.y]);
  const paths = [];
  for (const [name, from, to, beyond] of LINES) {
    const [a, b] = [there.get(from), there.get(to)];
    if (a && b) paths.push({ name, d: straight(a, b, beyond) });
  }
  for (const [name, codes] of Object.entries(OUTLINES)) {
    const line = codes.map((code) => there.get(code)).filter(Boolean);
    if (line.length > 2) paths.push({ name, d: curve(line) });
  }
  return paths;
}

/** @param {number[]} a @param {number[]} b @param {number} beyond */
function straight(a, b, beyond) {
  const [dx, dy] = [(b[0] - a[0]) * beyond, (b[1] - a[1]) * beyond];
  return `M${f(a[0] - dx)} ${f(a[1] - dy)}L${f(b[0] + dx)} ${f(b[1] + dy)}`;
}

/** A smooth curve through places (Catmull-Rom). @param {number[][]} places @returns {string} */
export function curve(places) {
  let d = `M${f(places[0][0])} ${f(places[0][1])}`;
  for (let i = 0; i + 1 < places.length; i += 1) {
    const [before, from, to, after] = [places[i - 1] ?? places[i], places[i], places[i + 1], places[i + 2] ?? places[i + 1]];
    const leave = [from[0] + (to[0] - before[0]) / 6, from[1] + (to[1] - before[1]) / 6];
    const reach = [to[0] - (after[0] - from[0]) / 6, to[1] - (after[1] - from[1]) / 6];
    d += `C${f(leave[0])} ${f(leave[1])} ${f(reach[0])} ${f(reach[1])} ${f(to[0])} ${f(to[1])}`;
  }
  return d;
}

/** @param {number} value */
const f = (value) => value.toFixed(2);
