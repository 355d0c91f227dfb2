/** The drift monitor as a small chart: each film's share of points held by their regions, and the running mean. */

import { svg } from "./dom.js";
import { num, t } from "./texts.js";

const [WIDE, HIGH, LEFT, LOW] = [420, 150, 42, 20];

/** @param {{level: number, rows: {name: string, share: number, running: number | null}[]}} monitor */
export function monitorChart({ level, rows }) {
  const least = Math.min(0.5, ...rows.map((row) => row.share));
  const x = (/** @type {number} */ at) => LEFT + ((WIDE - LEFT - 10) * (at + 0.5)) / rows.length;
  const y = (/** @type {number} */ share) => 8 + (HIGH - 8 - LOW) * (1 - (share - least) / (1 - least || 1));
  const ticks = [...new Set([1, level, least])].flatMap((share) => [
    svg("path", { class: share === level ? "level" : "grid", d: `M${LEFT} ${y(share)}H${WIDE - 6}` }),
    svg("text", { x: LEFT - 6, y: y(share) + 4, "text-anchor": "end", text: `${num(100 * share, 0)} %` }),
  ]);
  const dots = rows.map((row, at) => svg("circle", { class: row.share < level ? "below" : "held", cx: x(at), cy: y(row.share), r: 3.5 }, svg("title", { text: `${row.name}: ${num(100 * row.share, 0)} %` })));
  const known = rows.flatMap((row, at) => (row.running === null || row.running === undefined ? [] : [`${x(at)} ${y(row.running)}`]));
  const mean = known.length > 1 ? [svg("path", { class: "mean", d: `M${known.join("L")}` })] : [];
  const axis = svg("text", { x: (LEFT + WIDE) / 2, y: HIGH - 4, "text-anchor": "middle", text: t("learning.axis") });
  const last = rows[rows.length - 1];
  const label = t("learning.chart", { n: rows.length, share: num(100 * (last.running ?? last.share), 0) });
  return svg("svg", { class: "chart", viewBox: `0 0 ${WIDE} ${HIGH}`, role: "img", "aria-label": label }, ...ticks, ...mean, ...dots, axis);
}
