/** The tools over the film: what dragging does, grey window, size, what is drawn over it, undo. */

import { byId, el, fill, icon, set } from "./dom.js";
import { on } from "./bus.js";
import { layers, switchLayer } from "./layers.js";
import { num, t } from "./texts.js";
import { state, undoOrRedo, unsaved } from "./state.js";

const PRESETS = ["auto", "bone", "soft", "full"];
const SHOWN = ["names", "regions", "tracing", "corrections", "dots", "heat"];

/** @typedef {{button: HTMLButtonElement, draw: () => void}} Tool */

/** @param {import("./stage.js").Stage} stage @param {import("./hand.js").Hand} hand */
export function showTools(stage, hand) {
  /** @param {string} key @param {any[]} look @param {() => void} does @param {() => Record<string, any>} now */
  const tool = (key, look, does, now) => {
    const button = el("button", { type: "button", class: "tool", on: { click: does } });
    const draw = () => {
      if (button.dataset.language !== document.documentElement.lang) {
        button.dataset.language = document.documentElement.lang;
        fill(button, ...look.map((part) => (typeof part === "string" ? el("span", { text: t(part) }) : part)));
        set(button, { title: t(`${key}.title`), "aria-label": look.some((part) => typeof part === "string") ? null : t(key) });
      }
      set(button, now());
    };
    return { button, draw };
  };
  const pressed = (/** @type {() => boolean} */ value) => () => ({ "aria-pressed": String(value()) });
  const using = (/** @type {string} */ name) => pressed(() => hand.tool === name);
  const grey = makeGrey(stage);
  const shown = makeShown();
  const groups = [
    [
      tool("tools.pan", [icon("hand"), "tools.pan"], () => hand.use("pan"), using("pan")),
      tool("tools.window", [icon("contrast"), "tools.window"], () => hand.use("window"), using("window")),
      tool("tools.ruler", [icon("ruler"), "tools.ruler"], () => hand.use("ruler"), using("ruler")),
    ],
    [grey],
    [
      tool("tools.fit", ["tools.fit"], () => stage.move((view) => view.fit()), pressed(() => stage.view.fitted)),
      tool("tools.exact", ["tools.exact"], () => stage.move((view) => view.exact(1 / devicePixelRatio)), pressed(() => Math.abs(stage.view.scale * devicePixelRatio - 1) < 1e-6)),
    ],
    [shown],
    [
      tool("tools.undo", [icon("undo")], () => undoOrRedo("undo"), () => ({ disabled: !(state.film?.can_undo || unsaved.count) })),
      tool("tools.redo", [icon("redo")], () => undoOrRedo("redo"), () => ({ disabled: !state.film?.can_redo })),
    ],
  ];
  fill(byId("tools"), ...groups.map((tools) => el("div", { class: "group" }, ...tools.map((one) => one.button))), grey.panel, shown.panel);
  const draw = () => groups.flat().forEach((one) => one.draw());
  on("film points tool zoom window layers language saved", draw);
  draw();
}

/** A button with a panel below it. @param {string} key @param {any} sign @param {() => void} redraw @param {Node[]} children */
function dropDown(key, sign, redraw, children) {
  const panel = el("div", { class: "drop", popover: "auto", id: `drop-${key.replace(".", "-")}` }, ...children);
  const words = el("span", {});
  const button = el("button", { type: "button", class: "tool", "aria-expanded": "false", popovertarget: panel.id }, sign, words, icon("chevron"));
  panel.addEventListener("beforetoggle", (event) => {
    const opens = /** @type {ToggleEvent} */ (event).newState === "open";
    set(button, { "aria-expanded": String(opens) });
    if (!opens) return;
    redraw();
    const box = button.getBoundingClientRect();
    panel.style.top = `${box.bottom + 6}px`;
    panel.style.left = `${Math.max(8, Math.min(box.left, innerWidth - 300))}px`;
  });
  return { panel, button, words };
}

/** @param {import("./stage.js").Stage} stage */
function makeGrey(stage) {
  const presets = PRESETS.map((name) => el("button", { type: "button", class: "tool", on: { click: () => stage.usePreset(name) } }));
  const slider = (/** @type {string} */ id) => el("input", { type: "range", id, min: 0, max: 1, step: "any", on: { input: () => slid() } });
  const [level, width] = [slider("window-level"), slider("window-width")];
  const labels = [el("label", { for: "window-level" }), el("label", { for: "window-width" })];
  const [invert, sharpen] = ["invert", "sharpen"].map(switchFor);
  const slid = () => {
    const { grey } = state;
    if (!grey) return;
    const range = grey.highest - grey.lowest;
    const [centre, wide] = [grey.lowest + Number(level.value) * range, Math.max(Number(width.value) ** 2 * 1.5 * range, 1)];
    stage.setWindow(centre - wide / 2, centre + wide / 2);
  };
  const draw = () => {
    presets.forEach((button, at) => set(button, { text: t(`preset.${PRESETS[at]}`), "aria-pressed": String(stage.preset === PRESETS[at]) }));
    set(made.words, { text: stage.preset === "own" ? t("tools.grey") : t(`preset.${stage.preset}`) });
    set(made.button, { title: t("tools.grey.title") });
    set(labels[0], { text: t("window.level") });
    set(labels[1], { text: t("window.width") });
    invert.draw();
    sharpen.draw();
    const { grey } = state;
    if (!grey) return;
    const { low, high } = stage.window;
    const range = grey.highest - grey.lowest;
    if (document.activeElement !== level) level.value = String(((low + high) / 2 - grey.lowest) / range);
    if (document.activeElement !== width) width.value = String(Math.sqrt((high - low) / (1.5 * range)));
    set(numbers, { text: t("window.numbers", { low: num(low, 0), high: num(high, 0) }) });
  };
  const numbers = el("p", { class: "quiet" });
  const made = dropDown("tools.grey", icon("contrast"), draw, [el("div", { class: "row" }, ...presets), labels[0], level, labels[1], width, numbers, invert.label, sharpen.label]);
  return { ...made, draw };
}

function makeShown() {
  const switches = SHOWN.map(switchFor);
  const levels = el("select", { id: "level", on: { change: () => { state.level = levels.value; switchLayer("regions", true); drawLayers(); } } });
  const levelLabel = el("label", { for: "level" });
  const draw = () => {
    set(made.words, { text: t("tools.shown") });
    set(made.button, { title: t("tools.shown.title") });
    for (const one of switches) one.draw();
    set(levelLabel, { text: t("layer.level") });
    const known = Object.keys(state.film?.regions ?? {}).sort();
    if (levels.dataset.known !== known.join()) {
      levels.dataset.known = known.join();
      fill(levels, ...known.map((level) => el("option", { value: level, text: `${num(100 * Number(level), 0)} %` })));
    }
    levels.value = state.level;
    set(levels, { disabled: !known.length });
    if (!known.length) fill(levels, el("option", { text: t("layer.noRegions") }));
  };
  const made = dropDown("tools.shown", icon("list"), draw, [...switches.map((one) => one.label), el("div", { class: "row level" }, levelLabel, levels)]);
  return { ...made, draw };
}

/** @type {() => void} */ let drawLayers = () => {};
/** @param {() => void} draw called when the regions' level changes. */
export const onLevel = (draw) => { drawLayers = draw; };

/** @param {string} name of a layer. */
function switchFor(name) {
  const box = el("input", { type: "checkbox", on: { change: () => switchLayer(name, box.checked) } });
  const words = el("span", {});
  const label = el("label", { class: "switch" }, box, words);
  return { label, draw: () => { box.checked = layers[name]; set(words, { text: t(`layer.${name}`) }); } };
}
