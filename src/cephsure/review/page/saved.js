/** Whether all is stored: one button that always says so, and what to do if something is not. */

import { byId, el, fill, icon, set } from "./dom.js";
import { on, tell } from "./bus.js";
import { openDialog } from "./dialog.js";
import { t } from "./texts.js";
import { unsaved } from "./state.js";

export function showSaved() {
  const button = byId("saved");
  const words = el("span", {});
  let shown = "";
  const draw = () => {
    const { count, trouble, refused, conflicts } = unsaved;
    const kind = refused ? "refused" : conflicts.length ? "conflict" : !count ? "all" : trouble || "sending";
    const look = `${kind} ${count} ${document.documentElement.lang}`;
    if (look === shown) return;
    shown = look;
    const bad = kind !== "all" && kind !== "sending";
    set(words, { text: t(`saved.${kind}`, { n: count }) });
    set(button, { class: `saved ${bad ? "bad" : kind}`, title: t(`saved.${kind}.title`) });
    fill(button, icon(bad ? "warn" : kind === "all" ? "check" : "clock"), words);
  };
  on("saved points language film", draw);
  button.addEventListener("click", () => {
    if (unsaved.conflicts.length) return tell("show-conflict");
    if (unsaved.refused) return explain();
    unsaved.retry();
    tell("say", t(unsaved.count ? "saved.retrying" : "saved.all"));
  });
  draw();
}

/** What the server refuses for good: try again or give up. */
function explain() {
  const op = unsaved.list.find((one) => one.refused);
  if (!op) return;
  openDialog(t("saved.refusedTitle"), (close) => [
    el("p", { text: op.refused }),
    el("p", { class: "quiet", text: t("saved.refusedWhat") }),
    el(
      "div",
      { class: "row end" },
      el("button", { type: "button", class: "plain", text: t("saved.drop"), on: { click: () => { close(); unsaved.dropRefused(); } } }),
      el("button", { type: "button", class: "main", text: t("saved.again"), on: { click: () => { close(); unsaved.retry(); } } }),
    ),
  ]);
}
