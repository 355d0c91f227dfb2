/** Keys and gestures, on one page. */

import { el } from "./dom.js";
import { on } from "./bus.js";
import { openDialog } from "./dialog.js";
import { layers, switchLayer } from "./layers.js";
import { state } from "./state.js";
import { t } from "./texts.js";

/** @type {[string, [string, string][]][]} */
const KEYS = [
  ["points", [["Tab", "next"], ["A", "accept"], ["←↑↓→", "nudge"], ["Shift ←", "fine"], ["P", "place"], ["M", "missing"], ["R", "refer"], ["Z", "undo"], ["Shift Z", "redo"]]],
  ["film", [["N", "nextFilm"], ["Shift N", "previousFilm"], ["Enter", "finish"], ["F", "fit"], ["1", "exact"], ["+ −", "zoom"], ["W", "window"], ["I", "invert"], ["S", "sharpen"], ["L", "ruler"]]],
  ["shown", [["T", "tracing"], ["H", "heat"], ["B", "before"], ["F6", "parts"], ["Esc", "escape"], ["?", "help"]]],
  ["mouse", [["mouse.drag", "dragPoint"], ["mouse.shift", "dragFine"], ["mouse.empty", "dragEmpty"], ["mouse.right", "dragRight"], ["mouse.wheel", "wheel"], ["mouse.pinch", "pinch"]]],
];

export function listenForHelp() {
  on("help", () => {
    const box = el("input", { type: "checkbox", on: { change: () => switchLayer("keys", box.checked) } });
    box.checked = layers.keys;
    const parts = KEYS.map(([group, rows]) => {
      const pairs = rows.flatMap(([key, does]) => [
        el("dt", {}, ...(key.startsWith("mouse.") ? [t(`help.${key}`)] : key.split(" ").map((one) => el("kbd", { text: one })))),
        el("dd", { text: t(`help.${does}`) }),
      ]);
      return el("section", {}, el("h3", { text: t(`help.group.${group}`) }), el("dl", {}, ...pairs));
    });
    openDialog(
      t("help.title"),
      (close) => [
        el("p", { class: "quiet", text: t("help.intro") }),
        el("div", { class: "help-groups" }, ...parts),
        el("label", { class: "switch" }, box, el("span", { text: t("help.keys") })),
        el("p", { class: "quiet", text: `${t("notice")} cephsure ${state.project?.version ?? ""}` }),
        el("div", { class: "row end" }, el("button", { type: "button", class: "main", autofocus: true, text: t("close"), on: { click: close } })),
      ],
      { kind: "help" },
    );
  });
}
